"""Every end-to-end test runs with workers of either origin: forked by a zygote, and spawned plainly."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from codemode.host.launcher import Launcher, SpawnLauncher
from codemode.host.zygote import ZygoteLauncher
from codemode.limits import Limits

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="a zygote needs Linux")


@pytest.fixture(
    params=[pytest.param(ZygoteLauncher, marks=on_linux, id="forked"), pytest.param(SpawnLauncher, id="spawned")]
)
def launcher(request: pytest.FixtureRequest) -> Callable[[Limits], Launcher]:
    """How the workers of a lab are started."""
    launcher: Callable[[Limits], Launcher] = request.param
    return launcher
