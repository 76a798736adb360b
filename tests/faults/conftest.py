"""What the fault tests share: the processes that this test has started, and a check of each session's cells."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

from codemode.host.cell import Cell
from codemode.host.running_cell import RunningCell
from codemode.host.session import Session

GONE_S = 2.0
"""How long a process may take to be gone. A second is what it must take."""


@dataclass(frozen=True)
class Member:
    """A living process of the family.

    Attributes:
        pid: its process id.
        is_child: it was started by the host; else a zygote has forked it.
        is_zygote: it is a zygote.
    """

    pid: int
    is_child: bool
    is_zygote: bool


class Family:
    """The processes that this host has started and all that those have forked.

    Each process that a host starts leads a session of its own, and what a zygote forks is in the zygote's: so orphans
    are found too. Zombies of another parent do not count: to reap those is the init's.
    """

    def __init__(self) -> None:
        self._leaders: set[int] = set()

    def add(self, pid: int) -> None:
        """The host has started this."""
        self._leaders.add(pid)

    def living(self) -> list[Member]:
        """Those that live, the longest first."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                before, _, after = stat.read_text("utf-8", "replace").rpartition(")")
                state, parent, _, leader = after.split()[:4]
                if int(leader) in self._leaders and state not in ("Z", "X"):
                    pid = int(before.split()[0])
                    is_zygote = pid == int(leader) and b"zygote" in stat.with_name("cmdline").read_bytes()
                    found.append(Member(pid, int(parent) == os.getpid(), is_zygote))
        return sorted(found, key=lambda member: member.pid)

    def zygotes(self) -> list[int]:
        """The process ids of the zygotes that live."""
        return [member.pid for member in self.living() if member.is_zygote]

    def left(self) -> list[Member]:
        """Those that live on: a worker that nobody waits for sees that by itself, and needs a moment for it."""
        until_s = time.monotonic() + GONE_S
        while (left := self.living()) and time.monotonic() < until_s:
            time.sleep(0.005)
        return left

    def kill(self) -> None:
        """Ends what a failed test has left."""
        for member in self.living():
            with contextlib.suppress(ProcessLookupError):
                os.kill(member.pid, signal.SIGKILL)


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> Iterator[Family]:
    """The processes of the services that this test opens. None may be left by it."""
    family = Family()
    start: Callable[..., Awaitable[trio.Process]] = trio.lowlevel.open_process

    async def remembered(*args: Any, **options: Any) -> trio.Process:
        process = await start(*args, **options)
        family.add(process.pid)
        return process

    monkeypatch.setattr(trio.lowlevel, "open_process", remembered)
    yield family
    left = family.left()
    family.kill()
    assert left == [], "processes are left"


@pytest.fixture
def cells_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Session], list[Cell]]:
    """`cells_of(session)`: every cell that it has run, for the check of a trace."""
    cells: dict[Session, list[Cell]] = {}
    run_cell = Session.run_cell

    def remembered(session: Session, running: RunningCell) -> None:
        cells.setdefault(session, []).append(running.cell)
        run_cell(session, running)

    monkeypatch.setattr(Session, "run_cell", remembered)
    return lambda session: cells.get(session, [])
