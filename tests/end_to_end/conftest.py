"""A lab has workers of either origin in turn, and each call of each service has one answer, in every test here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio

from codemode.host.cell import Cell
from codemode.host.launcher import Launcher, SpawnLauncher
from codemode.host.pool import Pool
from codemode.host.zygote import ZygoteLauncher
from codemode.limits import Limits
from codemode.testing.trace import Trace, TracedLauncher, check

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="a zygote needs Linux")


FORKED, SPAWNED = (
    pytest.param(ZygoteLauncher, marks=on_linux, id="forked"),
    pytest.param(SpawnLauncher, id="spawned"),
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Where it matters who started a worker, both have their turn; elsewhere (`one_launcher`) one is enough."""
    if "launcher" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("one_launcher") is None
        one = FORKED if sys.platform == "linux" else SPAWNED
        metafunc.parametrize("launcher", [FORKED, SPAWNED] if both else [one], indirect=True)


@pytest.fixture
def launcher(request: pytest.FixtureRequest) -> Callable[[Limits], Launcher]:
    """How the workers of a lab are started."""
    launcher: Callable[[Limits], Launcher] = request.param
    return launcher


@pytest.fixture(autouse=True)
def every_call_has_one_answer(monkeypatch: pytest.MonkeyPatch, checked_cells: list[Cell]) -> Iterator[None]:
    """Logs the wires of services that are opened without a lab, which does so itself, and checks them at the end."""
    trace = Trace()
    make_pool = Pool.__init__

    def make_traced_pool(pool: Pool, launcher: Launcher, nursery: trio.Nursery, spares: int, **options: Any) -> None:
        traced = launcher if isinstance(launcher, TracedLauncher) else TracedLauncher(launcher, trace)
        make_pool(pool, traced, nursery, spares, **options)

    monkeypatch.setattr(Pool, "__init__", make_traced_pool)
    yield
    if trace.entries:
        faults = check(trace, checked_cells)
        assert faults == [], f"{trace}\n" + "\n".join(faults)
