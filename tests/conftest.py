"""What the tests with real processes share: tools that do every kind of thing, sessions, and what must not be left.

Whatever stands here is a fixture, for test modules are imported one by one and share no package.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import trio

import codemode
from codemode.host import pool
from codemode.host.cell import Cell
from codemode.host.launcher import Launcher, SpawnLauncher
from codemode.host.running_cell import RunningCell
from codemode.host.service import Service
from codemode.host.session import Session
from codemode.host.turn import Turn
from codemode.host.zygote import ZygoteLauncher
from codemode.limits import Limits
from codemode.testing.trace import Trace, TracedLauncher, check

ROOT = Path(__file__).parents[1]
PATIENT_S = 5.0
"""How long a lab waits for a worker before it starts another beside it: tests know how many there are."""
ANSWER_S = 10.0
"""Generous: for what must answer at all. A test that needs so long has failed."""


class Toolbox:
    """Tools that answer, wait, fail, block and never end, and what was asked of them."""

    def __init__(self) -> None:
        self.registry = codemode.ToolRegistry()
        self.asked: list[tuple[str, Any]] = []
        """(tool, arguments) of each call that has reached its tool."""
        self.open: Counter[str] = Counter()
        """Calls that are in their tool now."""
        self.ended: list[tuple[str, Any]] = []
        """(tool, arguments) of each call that has left its tool, by an answer or a cancellation, in that order."""
        self.gate = trio.Event()
        """What `gated` waits for."""
        self.thread_gate = threading.Event()
        """What `blocking` holds its thread for."""
        self._changed = trio.Event()
        self._register()

    def reset(self) -> None:
        """Forgets what was asked."""
        self.asked.clear()
        self.ended.clear()

    async def until_asked(self, count: int, tool: str | None = None) -> None:
        """Waits until so many calls have reached their tool, or this tool."""
        with trio.fail_after(ANSWER_S):
            while sum(tool in (None, name) for name, _ in self.asked) < count:
                await self._changed.wait()

    @contextlib.contextmanager
    def _serving(self, tool: str, arguments: Any) -> Iterator[None]:
        self.asked.append((tool, arguments))
        self.open[tool] += 1
        self._changed.set()
        self._changed = trio.Event()
        try:
            yield
        finally:
            self.open[tool] -= 1
            self.ended.append((tool, arguments))

    def _register(self) -> None:
        tool = self.registry.tool

        @tool
        async def echo(**arguments: Any) -> dict[str, Any]:
            """Gives back its arguments."""
            with self._serving("echo", arguments):
                return arguments

        @tool
        async def sleep(ms: float, name: str = "") -> str:
            """Answers with its name, later."""
            with self._serving("sleep", {"ms": ms, "name": name}):
                await trio.sleep(ms / 1000)
                return name

        @tool
        async def fail() -> None:
            """Raises."""
            with self._serving("fail", {}):
                raise RuntimeError("it went wrong")

        @tool
        async def never() -> None:
            """Never answers."""
            with self._serving("never", {}):
                await trio.sleep_forever()

        @tool
        async def gated(name: str = "") -> str:
            """Answers with its name when the gate opens."""
            with self._serving("gated", {"name": name}):
                await self.gate.wait()
                return name

        @tool
        async def open_gate() -> str:
            """Lets every `gated` and `blocking` go."""
            with self._serving("open_gate", {}):
                self.gate.set()
                self.thread_gate.set()
                return "opened"

        @tool
        def blocking() -> str:
            """Blocks its thread until the gate opens."""
            return "unblocked" if self.thread_gate.wait(ANSWER_S) else "held for ever"

        @tool
        async def big(size: int) -> str:
            """A long text with a pattern in it."""
            with self._serving("big", {"size": size}):
                return "".join(chr(97 + i % 26) for i in range(size))

        @tool
        async def answer() -> int:
            """42, always."""
            with self._serving("answer", {}):
                return 42

        @tool(name="read", namespace="files")
        async def read_file(path: str) -> str:
            """Reads a file."""
            with self._serving("files__read", {"path": path}):
                return f"the text of {path}"

        @tool(name="search", namespace="mcp/wiki")
        async def search_wiki(query: str) -> list[str]:
            """Searches the wiki."""
            with self._serving("mcp__wiki__search", {"query": query}):
                return [query, query.upper()]


LAUNCHERS: dict[str, Callable[[Limits], Launcher]] = {"forked": ZygoteLauncher, "spawned": SpawnLauncher}


class Lab:
    """A service whose workers are known by their process ids, and whose wires are logged and checked."""

    def __init__(self, service: Service, trace: Trace) -> None:
        self.service = service
        self.trace = trace

    @property
    def pids(self) -> list[int]:
        """The process ids of all workers that were ever started, in that order."""
        return self.trace.pids

    def signal_worker(self, number: signal.Signals) -> None:
        """Sends a signal to the worker that was started last."""
        os.kill(self.pids[-1], number)


@pytest.fixture
def toolbox() -> Iterator[Toolbox]:
    box = Toolbox()
    yield box
    box.thread_gate.set()


@pytest.fixture
def launcher() -> Callable[[Limits], Launcher]:
    """How the workers of a lab are started. Modules that try every way have a fixture of their own in its place."""
    return ZygoteLauncher if sys.platform == "linux" else SpawnLauncher


@pytest.fixture
def checked_cells(monkeypatch: pytest.MonkeyPatch) -> list[Cell]:
    """Every cell that sessions run in this test: what the check of a trace needs to know of the host."""
    cells: list[Cell] = []
    run_cell = Session.run_cell

    def remembered(session: Session, running: RunningCell) -> None:
        cells.append(running.cell)
        run_cell(session, running)

    monkeypatch.setattr(Session, "run_cell", remembered)
    return cells


@pytest.fixture
def open_lab(
    launcher: Callable[[Limits], Launcher], checked_cells: list[Cell], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., contextlib.AbstractAsyncContextManager[Lab]]:
    """Opens a service, for limits and a launcher of one's own. After it, every call must have had one answer."""
    monkeypatch.setattr(pool, "SLOW_S", PATIENT_S)

    @contextlib.asynccontextmanager
    async def opened(
        spares: int = 0, launcher: Callable[[Limits], Launcher] = launcher, **limits: Any
    ) -> AsyncIterator[Lab]:
        trace = Trace()
        first = len(checked_cells)
        async with codemode.open_service(
            limits=Limits(**limits), spares=spares, launcher=lambda given: TracedLauncher(launcher(given), trace)
        ) as service:
            yield Lab(service, trace)
        faults = check(trace, checked_cells[first:])
        assert faults == [], f"{trace}\n" + "\n".join(faults)

    return opened


@pytest.fixture
async def lab(open_lab: Callable[..., contextlib.AbstractAsyncContextManager[Lab]]) -> AsyncIterator[Lab]:
    """A service with the limits that a user gets."""
    async with open_lab() as lab:
        yield lab


@pytest.fixture
async def session(lab: Lab, toolbox: Toolbox) -> AsyncIterator[Session]:
    """A session with the toolbox."""
    async with lab.service.open_session(toolbox.registry) as session:
        yield session


@pytest.fixture
async def turn(session: Session) -> AsyncIterator[Turn]:
    """A turn of the session."""
    async with session.open_turn() as turn:
        yield turn


@pytest.fixture
def soon() -> Callable[..., AbstractContextManager[trio.CancelScope]]:
    """`with soon():` fails what does not answer within a generous bound."""
    return lambda seconds=ANSWER_S: trio.fail_after(seconds)


@pytest.fixture
def run_as_nobody() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run_as_nobody("pytest", "-q", timeout_s=60)`: a module of this checkout, run by an ordinary user. Needs root."""
    nobody = pwd.getpwnam("nobody")
    packages = [place for place in sys.path if place.endswith("-packages")]
    environment = {"PYTHONPATH": os.pathsep.join([str(ROOT), *packages]), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(python: str, *arguments: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, *arguments], cwd=ROOT, user=nobody.pw_name, group=nobody.pw_gid, extra_groups=[], env=environment,
            capture_output=True, text=True, check=False, timeout=timeout_s,
        )  # fmt: skip

    def is_good(python: str) -> bool:
        with contextlib.suppress(OSError):
            return run(python, "-c", "import codemode, py_mini_racer, pytest_trio", timeout_s=60).returncode == 0
        return False

    # That of the tests themselves may be private.
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        if is_good(python):
            return lambda module, *arguments, timeout_s: run(python, "-m", module, *arguments, timeout_s=timeout_s)
    pytest.skip("no interpreter with these packages can be run by nobody")


# ── what must not be left ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    """Fails the test that leaves a child process, a descriptor or a thread behind."""
    descriptors, threads = open_descriptors(), foreign_threads()
    yield
    assert children() == [], "child processes are left"
    assert open_descriptors() - descriptors == set(), "descriptors are left"
    assert foreign_threads() - threads == set(), "threads are left"


@pytest.fixture
def hosts_tasks() -> Callable[[], int]:
    """How many trio tasks live now."""
    return lambda: trio.lowlevel.current_statistics().tasks_living


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """`await eventually(predicate)`: for what another process does, which gives no event to wait for."""

    async def until(predicate: Callable[[], bool], within_s: float = ANSWER_S) -> None:
        with trio.fail_after(within_s):
            while not predicate():  # noqa: ASYNC110 - what is waited for happens in another process
                await trio.sleep(0.005)

    return until


def children() -> list[str]:
    """The processes whose parent this one is, those that wait to be reaped too."""
    try:
        if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return _described_children() or ["a child that runs"]
    except ChildProcessError:
        return []
    return _described_children() or ["a child that was never reaped"]


def _described_children() -> list[str]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            before, _, after = status.read_text("utf-8", "replace").rpartition(")")
            state, parent = after.split()[:2]
            if int(parent) == os.getpid():
                command = status.with_name("cmdline").read_bytes().replace(b"\0", b" ")[:80]
                found.append(f"{before}) {state} {command!r}")
    return found


def open_descriptors() -> set[tuple[int, str]]:
    """What is open, as (descriptor, where it leads)."""
    found = set()
    for name in os.listdir("/dev/fd"):
        try:
            found.add((int(name), os.readlink(f"/dev/fd/{name}")))
        except OSError:  # that of the listing itself, or a system without links here
            with contextlib.suppress(OSError):
                os.fstat(int(name))
                found.add((int(name), ""))
    return found


def foreign_threads() -> set[threading.Thread]:
    """Threads that run something. trio keeps idle ones for ten seconds, under a name that says so."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("Trio thread ")}
