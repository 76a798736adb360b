"""A deterministic simulation of a whole host, as FoundationDB and TigerBeetle test theirs.

One seed is one world: a service with its pool, sessions, turns, cells and dispatchers, under a seeded order of tasks
and a virtual clock, with workers that delay, lie, stop and die, and agents that cancel, terminate and close at any
moment. The world ends with a list of faults, which is empty where every call was answered once and in time. The same
seed gives the same world, frame by frame.

    python -m codemode.testing.simulation --seed 17 --trace
    python -m codemode.testing.simulation --seeds 0:100000 --jobs 2
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, cast

import trio
import trio.testing
from trio._core import _run as trio_run

from codemode.errors import CellNotFound, ClosedError, UsageError, WorkerUnavailable
from codemode.host.calls import ToolCallOutcome, ToolInvocation
from codemode.host.cell import Cell, read_item
from codemode.host.context import ToolContext, ToolFailure
from codemode.host.dispatcher import ToolDispatcher
from codemode.host.outcome import CellOutcome, Item
from codemode.host.running_cell import RunningCell
from codemode.host.service import Service, open_service
from codemode.host.session import Session
from codemode.host.store import MemoryStore
from codemode.host.tools import ToolRegistry
from codemode.host.turn import Turn
from codemode.limits import Limits
from codemode.testing.fake_worker import (
    BIRTH_MISHAPS,
    HEALTHY,
    MISHAPS,
    BirthMishap,
    FakeLauncher,
    FakeProcess,
    FakeWorker,
    Fate,
    Mishap,
    ScriptedWorker,
)
from codemode.testing.trace import Entry, Trace, TracedLauncher, check
from codemode.wire import messages as m

# ── how long anything may take, in virtual seconds ────────────────────────────────────────────────────────────

SOON_S = 0.01
"""What takes no time: work costs none here."""
REAP_S = JOIN_S = 1.0
"""A dead worker's status may be that late; a cancelled call may take so long before it is left behind."""
END_S = REAP_S + JOIN_S + 0.1
"""From the death, the kill or a lie of a worker to the settled cell."""
HELD_S = 0.4
"""More, where the kernel holds a killed process: before the host goes on without its last words."""
DEAF_S = 0.5 + 2.0 + 0.5 + END_S
"""From when a worker answers no ping any more: the pause between two, the heartbeat and a step of it."""
CLOSE_S = 2.5
"""What ends cells: a terminate, the end of a turn, a session, a service."""
LEASE_S = 8.0
"""From an exec to its worker, or its end: each unfit worker of the turn costs 1 s, each unfit spare 0.5 s."""
SICK_LEASE_S = 150.0
"""Likewise, where workers fail to start: several execs wait, and each start may take 15 s to fail."""
WORLD_S = 3000.0
"""No world lasts longer. One that does hangs."""
REST_S = 25.0
"""After the chaos: the starts that it began have come to something, or to nothing."""
HEALTHY_S = 12.0
"""What an exec may take then, though spares that were stopped must be found out first."""
MAX_TICKS = 50_000
"""Looks at the clock while it stands still. A host that comes to more goes round in circles."""

UNKILLABLE_WORKERS = True
"""Whether a killed process may live on for a while, as one does that the kernel holds in a system call."""
ENDLESS_LAUNCHES = True
"""Whether a launch may never come to an end."""

_WORLD: ContextVar[_World] = ContextVar("world")


class Provoked(Exception):
    """Raised by a tool, a store, a dispatcher or a callback of the world: the host may log it."""


class ProvokedExit(SystemExit):
    """Likewise, as a tool that calls `sys.exit`."""


class ProvokedInterrupt(KeyboardInterrupt):
    """Likewise, as a tool that is in a bad way."""


class Stuck(BaseException):
    """The world hangs, or goes round in circles. Raised from the clock, for no task would end it."""


@dataclass(slots=True)
class Report:
    """What came of one world.

    Attributes:
        seed: which.
        faults: what broke a rule; empty where all is well.
        statistics: how often each thing occurred: `frames`, `message:calls`, `mishap:stop`, `code:worker_crashed`.
    """

    seed: int
    faults: list[str]
    statistics: Counter[str]
    _world: _World

    @property
    def trace(self) -> str:
        """The world's log: what was asked and done, and every frame, with the time of each."""
        return self._world.text()


def simulate(seed: int) -> Report:
    """Runs the world of a seed. Not inside of a trio run, and in the main thread."""
    world = _World(seed)
    with _determined(seed, world):
        clock = trio.testing.MockClock(autojump_threshold=0)
        clock._real_clock = _Ticks(clock)
        if not _has_run(world, clock):
            _forget_tasks(world)
    return Report(seed, world.faults, world.statistics(), world)


def _has_run(world: _World, clock: trio.testing.MockClock) -> bool:
    """Runs the world and checks it. False where the run broke off, and left its tasks as they were."""
    try:
        trio.run(world.run, clock=clock)
    except (trio.TrioInternalError, Stuck) as error:
        world.faults.append(f"stuck: {error.__cause__ or error}; pending: {world.pending()}")
        return False
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and not isinstance(error, ProvokedInterrupt):
            raise
        world.faults += [f"the run raised {line}" for line in _leaves(error)]
    else:
        world.check()
    return True


class _Ticks:
    """The real time of a virtual clock, which stands still; and a watch over those who look at it."""

    def __init__(self, clock: trio.testing.MockClock) -> None:
        self._clock = clock
        self._virtual_s = -1.0
        self._looks = 0

    def __call__(self) -> float:
        now = self._clock._virtual_base
        if now != self._virtual_s:
            self._virtual_s, self._looks = now, 0
        self._looks += 1
        if self._looks > MAX_TICKS:
            raise Stuck(f"time stands still at {now:.3f} s, and tasks run on")
        if now > WORLD_S:
            raise Stuck(f"not over after {WORLD_S:g} s")
        return 0.0


def _forget_tasks(world: _World) -> None:
    """Drops the tasks of a run that broke off, which cannot end in order and say so."""
    world.let_go()
    unraisable, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = unraisable


@contextlib.contextmanager
def _determined(seed: int, world: _World) -> Iterator[None]:
    """Everything that would tell one run of a seed from another is the seed's while this is held."""
    state, deterministic = trio_run._r.getstate(), trio_run._ALLOW_DETERMINISTIC_SCHEDULING
    cpu_count = os.cpu_count
    log = logging.getLogger("codemode")
    handler, propagate, level = _Listen(world), log.propagate, log.level
    trio_run._r.seed(seed)
    trio_run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    os.cpu_count = lambda: 1 + seed % 4  # the pool starts as many workers at a time as suits the machine
    log.propagate = False
    log.setLevel(logging.WARNING)
    log.addHandler(handler)
    token = _WORLD.set(world)
    try:
        yield
    finally:
        _WORLD.reset(token)
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagate
        os.cpu_count = cpu_count
        trio_run._ALLOW_DETERMINISTIC_SCHEDULING = deterministic  # type: ignore[misc]
        trio_run._r.setstate(state)


class _Listen(logging.Handler):
    """Tells the world what the host logs."""

    def __init__(self, world: _World) -> None:
        super().__init__(logging.WARNING)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        raised = record.exc_info[1] if record.exc_info else None
        self._world.logged(record.levelno, record.getMessage(), raised)


def _leaves(error: BaseException) -> list[str]:
    if isinstance(error, BaseExceptionGroup):
        return [text for inner in error.exceptions for text in _leaves(inner)]
    return [f"{type(error).__name__}: {error}"]


# ── tools, stores and dispatchers of every kind ───────────────────────────────────────────────────────────────


@functools.cache
def _tools() -> ToolRegistry:
    """The tools of every world: they find the one that they are called in by a context variable."""
    registry = ToolRegistry()
    tool = registry.tool

    @tool
    async def answer(ctx: ToolContext, n: int = 0) -> int:
        """42, at once."""
        with _WORLD.get().reached(ctx):
            return 42

    @tool
    async def slow(ctx: ToolContext, n: int = 0) -> int:
        """Answers after up to 4 s."""
        with _WORLD.get().reached(ctx):
            await trio.sleep((n % 9) * 0.5)
            return n

    @tool
    async def fail(ctx: ToolContext, n: int = 0) -> None:
        """Raises one thing or another."""
        with _WORLD.get().reached(ctx):
            match n % 4:
                case 0:
                    raise Provoked("it went wrong")
                case 1:
                    raise ToolFailure("not for you", "denied")
                case 2:
                    raise StopAsyncIteration
                case _:
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(_raise, Provoked("one"))
                        nursery.start_soon(_raise, Provoked("two"))

    @tool
    async def abrupt(ctx: ToolContext, n: int = 0) -> None:
        """Raises what would end a program."""
        with _WORLD.get().reached(ctx):
            raise (ProvokedExit(3), ProvokedInterrupt(), BaseExceptionGroup("two", [ProvokedExit(), Provoked()]))[n % 3]

    @tool(timeout_s=1.0)
    async def timed(ctx: ToolContext, n: int = 0) -> str:
        """Sometimes takes longer than it may."""
        with _WORLD.get().reached(ctx):
            await trio.sleep(n % 3)
            return "in time"

    @tool(max_concurrency=1)
    async def queued(ctx: ToolContext, n: int = 0) -> str:
        """One at a time."""
        with _WORLD.get().reached(ctx):
            await trio.sleep((n % 4) * 0.2)
            return "next"

    @tool
    async def never(ctx: ToolContext, n: int = 0) -> None:
        """Never answers."""
        with _WORLD.get().reached(ctx):
            await trio.sleep_forever()

    @tool
    async def stubborn(ctx: ToolContext, n: int = 0) -> str:
        """Takes its time once it has been cancelled, and then answers all the same."""
        with _WORLD.get().reached(ctx):
            try:
                await trio.sleep(8)
            except trio.Cancelled:
                with trio.CancelScope(shield=True):
                    await trio.sleep((n % 5) * 0.9)
                if n % 2:
                    raise
            return "late"

    @tool
    async def odd(ctx: ToolContext, n: int = 0) -> Any:
        """Returns what has no good JSON form, or a lot of it."""
        with _WORLD.get().reached(ctx):
            values: tuple[Any, ...] = (
                float("nan"),
                2**70,
                object(),
                "\ud800",
                b"\xff",
                {1: 2},
                "x" * 30_000,
                "y" * 3000,
                None,
                [[]],
            )
            return values[n % len(values)]

    @tool
    async def cancels_itself(ctx: ToolContext, n: int = 0) -> None:
        """Lets a cancellation of its own out."""
        with _WORLD.get().reached(ctx):
            with trio.CancelScope() as scope:
                scope.cancel()
                try:
                    await trio.lowlevel.checkpoint()
                except trio.Cancelled as error:
                    leaked = error
            raise leaked

    return registry


async def _raise(error: Exception) -> None:
    raise error


class _FlakyStore(MemoryStore):
    """Raises at times."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self._rng = rng

    def load_all(self) -> dict[str, str]:
        if self._rng.random() < 0.15:
            _WORLD.get().count("provoked:store.load_all")
            raise Provoked("the disk is gone")
        return super().load_all()

    def put(self, key: str, value: str | None) -> None:
        if self._rng.random() < 0.3:
            _WORLD.get().count("provoked:store.put")
            raise Provoked("the disk is full")
        super().put(key, value)


class _OddDispatcher(ToolDispatcher):
    """Gives anything at all in place of an outcome, at times."""

    def __init__(self, tools: ToolRegistry, rng: Random) -> None:
        super().__init__(tools)
        self._rng = rng

    async def call(self, invocation: ToolInvocation, **rest: Any) -> ToolCallOutcome:
        kind = self._rng.randrange(14)
        if kind < 8:
            _WORLD.get().count(f"provoked:dispatcher {kind}")
        match kind:
            case 0:
                raise Provoked("no dispatch today")
            case 1:
                raise ProvokedExit
            case 2:
                return cast(ToolCallOutcome, None)
            case 3:
                return ToolCallOutcome(invocation.call_id, cast(Any, "done"), 1)
            case 4:
                return ToolCallOutcome("another call", "ok", object())
            case 5:
                return ToolCallOutcome(invocation.call_id, "error")
            case 6:
                await trio.sleep(3)
                return ToolCallOutcome.cancelled(invocation.call_id)
            case 7:
                await trio.sleep_forever()
        return await super().call(invocation, **rest)


# ── the world ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Weather:
    """Which misfortunes there are in a world. Few in each, so that one does not hide another.

    Attributes:
        mishaps, births: what may happen to its workers.
        fated: the share of the workers to which something happens.
        launches: the share of the launches that fail, hang or are slow.
        launches_hang: whether all of those hang.
        deaths: the share of the processes that are slow to die or to be reaped.
        unkillable: whether a killed one may live on.
    """

    mishaps: list[Mishap] = field(default_factory=list)
    births: list[BirthMishap] = field(default_factory=list)
    fated: float = 0.0
    launches: float = 0.0
    launches_hang: bool = False
    deaths: float = 0.0
    unkillable: bool = False

    @classmethod
    def of(cls, rng: Random) -> _Weather:
        if rng.random() < 0.12:
            return cls()
        weather = cls(mishaps=[kind for kind in MISHAPS if rng.random() < 0.35], fated=rng.choice((0.3, 0.6, 0.95)))
        if rng.random() < 0.25:
            weather.births = [kind for kind in BIRTH_MISHAPS if rng.random() < 0.4]
        if rng.random() < 0.2:
            weather.launches = rng.choice((0.2, 0.5, 1.0))
            weather.launches_hang = ENDLESS_LAUNCHES and rng.random() < 0.2
        if rng.random() < 0.3:
            weather.deaths = rng.choice((0.3, 1.0))
            weather.unkillable = UNKILLABLE_WORKERS and rng.random() < 0.5
        return weather

    @property
    def harms_starts(self) -> bool:
        """Whether a worker may fail to stand ready."""
        return bool(self.births) or self.launches > 0


@dataclass(slots=True)
class _Observation:
    """One observation of a cell that gave an outcome."""

    began_s: float
    ended_s: float
    outcome: CellOutcome


@dataclass(slots=True)
class _Watch:
    """A cell, and what is known of it from outside."""

    tag: str
    running: RunningCell
    has_odd_dispatcher: bool
    session_id: str
    began_s: float
    settled_s: float | None = None
    final: tuple[Any, ...] = ()
    due_s: float = float("inf")
    why: str = ""
    asked_to_end: bool = False
    observations: list[_Observation] = field(default_factory=list)
    pending: int = 0
    overlapped: bool = False
    """Two observations of it were pending together."""

    @property
    def cell(self) -> Cell:
        return self.running.cell

    def must_end(self, at_s: float, why: str) -> None:
        """By then the cell must be settled."""
        if at_s < self.due_s:
            self.due_s, self.why = at_s, why


class _World:
    """One world. See the module's docstring.

    Args:
        seed: decides everything in it.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.faults: list[str] = []
        self._rng = Random(f"{seed}/world")
        self._weather = _Weather.of(self._rng)
        self._counts: Counter[str] = Counter()
        self._trace = Trace()
        self._events: list[tuple[int, float, str]] = []
        self._watches: dict[str, _Watch] = {}
        self._players: list[tuple[FakeProcess, ScriptedWorker]] = []
        self._processes: list[FakeProcess] = []
        self._calls: Counter[tuple[str, str]] = Counter()
        self._returned: set[tuple[str, str]] = set()
        self._open_ops: dict[int, str] = {}
        self._ops = self._turns = 0
        self._beginning: str | None = None
        self._is_calm = False
        self._is_closed = False
        self._watchers: trio.Nursery | None = None
        self._final_text: str | None = None

    # ── what is known of it ───────────────────────────────────────────────────────────────────────────────────

    def count(self, what: str) -> None:
        """This has occurred."""
        self._counts[what] += 1

    def note(self, text: str) -> None:
        """Writes a line of the log."""
        self._events.append((len(self._trace.entries), trio.current_time(), text))

    def fault(self, text: str) -> None:
        """A rule was broken."""
        self.note(f"FAULT {text}")
        self.faults.append(f"{trio.current_time():.3f} s: {text}")

    def pending(self) -> str:
        """What had been asked and was not answered."""
        return "; ".join(self._open_ops.values()) or "nothing"

    def logged(self, level: int, text: str, raised: BaseException | None) -> None:
        """The host has logged this."""
        self.note(f"log: {text.splitlines()[0][:200]}")
        if level >= logging.ERROR and not _is_provoked(raised):
            self.fault(f"logged: {text} ({type(raised).__name__}: {raised})")

    def text(self) -> str:
        """The whole log."""
        if self._final_text is not None:
            return self._final_text
        lines, events = [], iter([*self._events, (sys.maxsize, 0.0, "")])
        place, at_s, event = next(events)
        for number, entry in enumerate([*map(str, self._trace.entries), ""]):
            while place <= number and place != sys.maxsize:
                lines.append(f"{at_s:12.6f}  {event}")
                place, at_s, event = next(events)
            lines.append(entry)
        return "\n".join(lines).rstrip("\n")

    def let_go(self) -> None:
        """Keeps the log only: whatever else there is leads to tasks."""
        self._final_text = self.text()
        self._watches.clear()
        self._players.clear()
        self._processes.clear()
        self._watchers = None

    def statistics(self) -> Counter[str]:
        """How often each thing occurred."""
        counts = Counter(self._counts)
        for entry in self._trace.entries:
            counts[f"wire:{entry.kind}"] += 1
            if entry.message is not None:
                counts[f"message:{entry.message.type}"] += 1
                counts["frames"] += 1
        for watch in self._watches.values():
            verdict = watch.cell.verdict
            if verdict is not None:
                counts[f"status:{verdict.status}"] += 1
                if verdict.error is not None:
                    counts[f"code:{verdict.error.code}"] += 1
            for record in watch.cell.ledger.records():
                counts[f"call:{record.status}"] += 1
                if record.code is not None:
                    counts[f"call code:{record.code}"] += 1
        for _, player in self._players:
            if player.met is not None:
                counts[f"mishap:{player.met[1]}"] += 1
            if player.lie is not None:
                counts[f"lie:{player.lie}"] += 1
        counts["workers"] += len(self._processes)
        counts["cells"] += len(self._watches)
        counts["worlds"] += 1
        return counts

    @contextlib.contextmanager
    def reached(self, ctx: ToolContext) -> Iterator[None]:
        """A call is in its tool."""
        key = (ctx.session_id or "", ctx.call_id)
        self._calls[key] += 1
        self.count(f"tool:{ctx.tool}")
        if self._calls[key] > 1:
            self.fault(f"the call {key} has reached its tool twice")
        yield
        self._returned.add(key)

    # ── its workers ───────────────────────────────────────────────────────────────────────────────────────────

    async def _new_process(self) -> FakeProcess:
        rng = Random(f"{self.seed}/launch/{len(self._processes)}/{self._counts['launches']}")
        self.count("launches")
        if not self._is_calm and rng.random() < self._weather.launches:
            match 3 if self._weather.launches_hang else rng.randrange(4 if ENDLESS_LAUNCHES else 3):
                case 0:
                    self.count("launch:refused")
                    raise WorkerUnavailable("the system is full")
                case 1:
                    self.count("launch:slow")
                    await trio.sleep(rng.uniform(0.2, 20))
                case 2:
                    self.count("launch:refused late")
                    await trio.sleep(rng.uniform(0.2, 5))
                    raise WorkerUnavailable("the system is full")
                case _:
                    self.count("launch:endless")
                    await trio.sleep_forever()
        elif rng.random() < 0.5:
            await trio.sleep(rng.uniform(0, 0.2))
        read_bytes = rng.choice((65536, 65536, 65536, 40))
        process = FakeProcess(
            1000 + len(self._processes),
            pipe_bytes=rng.choice((65536, 65536, 512)),
            read_bytes=lambda: rng.randrange(1, read_bytes + 1),
        )
        if rng.random() < self._weather.deaths:
            self._make_slow_to_die(process, rng)
        self._processes.append(process)
        return process

    def _make_slow_to_die(self, process: FakeProcess, rng: Random) -> None:
        kinds = ("slow reaping", "endless reaping", "unknown status", "held stderr", "lives on")
        kind = rng.choice(kinds if self._weather.unkillable else kinds[:-1])
        self.count(f"death:{kind}")
        match kind:
            case "slow reaping":
                process.reap_s = rng.uniform(0.1, 2)
            case "endless reaping":
                process.reap_s = 1e6
            case "unknown status":
                process.is_status_known = False
            case "held stderr":
                process.holds_stderr = True
            case _:
                process.death_s = rng.choice((0.3, 3.0, 60.0))

    async def _play(self, worker: FakeWorker) -> None:
        pid = worker.process.pid
        rng = Random(f"{self.seed}/worker/{pid}")
        fate: Fate | None = None
        kinds = [*self._weather.mishaps, *self._weather.births]
        if kinds and rng.random() < self._weather.fated:
            births = self._weather.births
            kind = rng.choice(births) if births and rng.random() < 0.5 else rng.choice(kinds)
            by_frame = rng.random() < 0.6
            fate = Fate(kind, rng.randrange(12) if by_frame else None, rng.choice((0.0, rng.uniform(0, 15))))
        player = ScriptedWorker(
            worker,
            rng,
            fate,
            is_calm=lambda: self._is_calm,
            note=lambda text: self.note(f"process {pid} {text}"),
        )
        self._players.append((worker.process, player))
        if rng.random() < 0.3:
            await trio.sleep(rng.uniform(0, 0.3))
        await player.run()

    # ── its course ────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """From the beginning to the end."""
        tasks = trio.lowlevel.current_statistics().tasks_living
        trio.lowlevel.spawn_system_task(trio.sleep, 2 * WORLD_S)  # the clock has somewhere to go, and so notices
        self.note(f"seed {self.seed}: {self._weather}")
        async with trio.open_nursery() as watchers:
            self._watchers = watchers
            interrupted_s = self._rng.uniform(0, 30) if self._rng.random() < 0.1 else float("inf")
            with trio.move_on_after(interrupted_s) as scope:
                async with trio.open_nursery() as outer:
                    await self._serve(outer)
            if scope.cancelled_caught:
                self.count("interrupted")
            await trio.sleep(10)  # a stubborn tool may take so long
            watchers.cancel_scope.cancel()
        living = trio.lowlevel.current_statistics().tasks_living - 1  # that of the clock
        if living != tasks:
            self.fault(f"{living - tasks} tasks are left")

    async def _serve(self, outer: trio.Nursery) -> None:
        rng = self._rng
        limits = Limits(
            max_calls_in_flight=rng.choice((1, 4, 8, 1024)),
            max_live_cells=rng.choice((1, 2, 3, 64)),
            max_wall_s=rng.choice((None, None, 2.0, 9.0)),
            max_result_bytes=20_000,
            max_source_bytes=500,
            max_console_bytes=rng.choice((30, 1000)),
        )
        closing_s: float | None = None
        done: list[trio.Event] = []
        service: Service | None = None
        trace = self._trace
        with trio.CancelScope() as scope:
            try:
                async with open_service(
                    limits=limits,
                    spares=rng.randrange(4),
                    launcher=lambda _: TracedLauncher(FakeLauncher(self._play, self._new_process), trace),
                ) as service:
                    await trio.sleep(rng.choice((0, 0, 0.1, 1)))
                    for number in range(rng.choice((1, 1, 2))):
                        done.append(trio.Event())
                        outer.start_soon(self._hold_session, service, number, done[-1], outer)
                    closes_s = rng.uniform(0, 25) if rng.random() < 0.12 else float("inf")
                    with trio.move_on_after(closes_s) as early:
                        for event in done:
                            await event.wait()
                    if early.cancelled_caught:
                        self.count("service closed early")
                        if rng.random() < 0.5:
                            scope.cancel()
                    else:
                        await self._recover(service)
                    self.note("the service is being closed")
                    closing_s = trio.current_time()
            finally:
                self._is_closed = True
        self._check_time("the end of the service", closing_s, CLOSE_S)
        assert service is not None, "it was opened"
        left = service.statistics()
        if left.workers or left.starting:
            self.fault(f"{left.workers} workers are left, and {left.starting} being started")

    def _check_time(self, what: str, began_s: float | None, bound_s: float) -> None:
        if began_s is not None and trio.current_time() > began_s + bound_s:
            self.fault(f"{what} took {trio.current_time() - began_s:.3f} s, not {bound_s:g} s")

    async def _recover(self, service: Service) -> None:
        """After the chaos the service must still be good for something."""
        self._is_calm = True
        self.note("calm")
        await trio.sleep(REST_S)
        began_s = trio.current_time()
        with trio.move_on_after(2 * HEALTHY_S):
            async with service.open_session(_tools(), session_id="healthy") as session:
                self._adopt(session, False)
                async with session.open_turn() as turn:
                    self._beginning = "healthy"
                    try:
                        outcome = await turn.run(f"healthy {HEALTHY}")
                    finally:
                        self._end_cells("healthy")
                    self.note(f"healthy: {outcome.status} {outcome.error}")
                    if outcome.status != "completed" or outcome.text != HEALTHY:
                        self.fault(f"after the chaos an exec gave {outcome}")
        self._check_time("an exec after the chaos", began_s, HEALTHY_S)
        self.count("recovered")

    async def _hold_session(self, service: Service, number: int, done: trio.Event, outer: trio.Nursery) -> None:
        rng = Random(f"{self.seed}/session/{number}")
        has_odd_dispatcher = rng.random() < 0.15
        closing_s: float | None = None
        cancelled_s = rng.uniform(0, 20) if rng.random() < 0.1 else float("inf")
        try:
            with trio.move_on_after(cancelled_s) as scope:
                async with service.open_session(
                    _tools(),
                    session_id=f"session {number}",
                    store=_FlakyStore(rng) if rng.random() < 0.2 else None,
                    dispatcher=_OddDispatcher(_tools(), rng) if has_odd_dispatcher else None,
                    on_notify=rng.choice((None, self._take_note, self._refuse_note)),
                ) as session:
                    try:
                        self._adopt(session, has_odd_dispatcher)
                        await self._live_in(session, rng, outer)
                    finally:
                        self.note(f"session {number} is being closed")
                        closing_s = trio.current_time()
                        self._end_cells(session.session_id)
            if scope.cancelled_caught:
                self.count("session cancelled")
        except ClosedError:
            self.count("raised:ClosedError")
        finally:
            self._check_time(f"the end of session {number}", closing_s, CLOSE_S)
            done.set()

    def _take_note(self, cell_id: str, text: str) -> None:
        self.note(f"cell {cell_id} notes {text}")

    def _refuse_note(self, cell_id: str, text: str) -> None:
        self.count("provoked:on_notify")
        raise Provoked(text)

    async def _live_in(self, session: Session, rng: Random, outer: trio.Nursery) -> None:
        agents = rng.choice((1, 1, 2))
        if rng.random() < 0.15:  # they find it closed
            self.count("session closed early")
            for agent in range(agents):
                outer.start_soon(self._act, session, f"{session.session_id}/{agent}", outer)
            await trio.sleep(rng.uniform(0, 15))
            return
        async with trio.open_nursery() as nursery:
            for agent in range(agents):
                nursery.start_soon(self._act, session, f"{session.session_id}/{agent}", nursery)
        if rng.random() < 0.01:
            await trio.sleep(650)  # what was kept is forgotten
            self.count("leases run out")

    def _adopt(self, session: Session, has_odd_dispatcher: bool) -> None:
        """Watches every cell of this session."""
        run_cell = session.run_cell

        def watched(running: RunningCell) -> None:
            tag = self._beginning
            assert tag is not None, "an exec of the world has begun it"
            watch = _Watch(tag, running, has_odd_dispatcher, session.session_id, trio.current_time())
            watch.pending = 1  # the exec
            self._beginning = None
            self._watches[tag] = watch
            assert self._watchers is not None, "the world runs"
            self._watchers.start_soon(self._await_end, watch)
            run_cell(running)

        session.run_cell = watched  # type: ignore[method-assign]

    async def _await_end(self, watch: _Watch) -> None:
        await watch.running.until_settled()
        watch.settled_s = trio.current_time()
        cell = watch.cell
        watch.final = (cell.verdict, cell.ledger.records())
        self.note(f"cell {watch.tag} is settled: {cell.verdict}")

    # ── its agents ────────────────────────────────────────────────────────────────────────────────────────────

    async def _act(self, session: Session, name: str, background: trio.Nursery) -> None:
        rng = Random(f"{self.seed}/agent/{name}")
        try:
            for _ in range(rng.choice((1, 2, 3))):
                self._turns += 1
                label = f"t{self._turns}"
                on_end: Literal["terminate", "keep"] = rng.choice(("terminate", "keep"))
                closing_s: float | None = None
                with trio.move_on_after(rng.uniform(0, 12) if rng.random() < 0.06 else float("inf")):
                    async with session.open_turn(on_end=on_end) as turn:
                        try:
                            await self._take_turn(turn, session, label, rng, background)
                        finally:
                            self.note(f"turn {label} is being closed: {on_end}")
                            self.count(f"turn:{on_end}")
                            closing_s = trio.current_time()
                            if on_end == "terminate":
                                self._end_cells(session.session_id, label)
                self._check_time(f"the end of turn {label}", closing_s, CLOSE_S)
        except ClosedError:
            self.count("raised:ClosedError")

    def _end_cells(self, session_id: str, turn: str | None = None) -> None:
        for watch in self._watches.values():
            if watch.session_id == session_id and (turn is None or watch.tag.startswith(f"{turn}e")):
                watch.asked_to_end = True
                watch.must_end(max(trio.current_time(), watch.began_s) + CLOSE_S, "its turn or session has been closed")

    async def _take_turn(self, turn: Turn, session: Session, label: str, rng: Random, background: trio.Nursery) -> None:
        async with trio.open_nursery() as foreground:
            for number in range(rng.randint(1, 4)):
                nursery = rng.choice((None, None, None, foreground, background))
                step = functools.partial(
                    self._take_step, turn, session, f"{label}e{number}", Random(rng.getrandbits(64))
                )
                if nursery is None:
                    await step()
                else:
                    nursery.start_soon(step)
                    await trio.sleep(rng.choice((0, 0, 0.3, 2)))

    async def _take_step(self, turn: Turn, session: Session, tag: str, rng: Random) -> None:
        cancelled_s = rng.choice((0.0, rng.uniform(0, 3))) if rng.random() < 0.15 else float("inf")
        kind = rng.random()
        if kind < 0.5:
            await self._exec(turn, tag, rng, cancelled_s)
        elif kind < 0.62:
            await self._run(turn, tag, rng, cancelled_s)
        elif kind < 0.92:
            await self._wait(turn, session, rng, cancelled_s)
        elif kind < 0.96:
            self._beginning = None
            calls: tuple[Callable[[], Awaitable[CellOutcome]], ...] = (
                lambda: turn.exec(cast(str, b"bytes")),
                lambda: turn.exec("", yield_time_ms=-1),
                lambda: turn.wait("1", until=cast(Any, "done")),
                lambda: turn.wait("1", max_tokens=cast(int, "many")),
            )
            await self._ask("a mistake", rng.choice(calls), 0.0, cancelled_s)
        else:
            await trio.sleep(rng.choice((0.5, 5, 15)))

    def _source(self, tag: str, rng: Random) -> str:
        self._beginning = tag
        return f"{tag} {rng.randrange(10**6)}" + (" " * 500 if rng.random() < 0.02 else "")

    async def _exec(self, turn: Turn, tag: str, rng: Random, cancelled_s: float) -> None:
        yield_ms = rng.choice((None, 0, 50, 1000, 4000))
        yield_s = 10.0 if yield_ms is None else yield_ms / 1000

        async def call() -> CellOutcome:
            source = self._source(tag, rng)
            return await turn.exec(source, yield_time_ms=yield_ms, max_output_tokens=rng.choice((None, 5)))

        def longest_s() -> float:
            watch = self._watches.get(tag)
            return yield_s if watch is None or watch.cell.exec_yield_ms is None else max(yield_s, 20.0)

        seen = await self._ask(f"exec {tag}", call, longest_s, cancelled_s, lambda: self._watches.get(tag), ends=True)
        watch = self._watches.get(tag)
        if watch is not None and seen is not None and watch.cell.exec_yield_ms is None:
            self._check_early(seen, watch, yield_s)

    async def _run(self, turn: Turn, tag: str, rng: Random, cancelled_s: float) -> None:
        cancelled_s = min(cancelled_s, 40.0)  # a script may spin for ever

        async def call() -> CellOutcome:
            return await turn.run(self._source(tag, rng))

        await self._ask(f"run {tag}", call, WORLD_S, cancelled_s, lambda: self._watches.get(tag), ends=True)

    async def _wait(self, turn: Turn, session: Session, rng: Random, cancelled_s: float) -> None:
        known = [watch for watch in self._watches.values() if watch.session_id == session.session_id]
        watch = rng.choice(known) if known and rng.random() < 0.93 else None
        cell_id = "999" if watch is None else watch.cell.cell_id
        terminate, until = rng.random() < 0.25, rng.choice(("settled", "settled", "output"))
        yield_ms = rng.choice((None, 0, 300, 5000))
        yield_s = 10.0 if yield_ms is None else yield_ms / 1000

        async def call() -> CellOutcome:
            waited = turn.wait(
                cell_id,
                yield_time_ms=yield_ms,
                max_tokens=rng.choice((None, 0, 100)),
                terminate=terminate,
                until=cast(Any, until),
            )
            if watch is not None and terminate:
                self._note_terminate(watch)
            return await waited

        text = f"wait {'?' if watch is None else watch.tag} terminate={terminate} until={until} yield={yield_ms}"
        bound_s = CLOSE_S if terminate else yield_s
        seen = await self._ask(text, call, bound_s, cancelled_s, lambda: watch)
        if watch is not None and seen is not None and not terminate and until == "settled":
            self._check_early(seen, watch, yield_s)

    def _note_terminate(self, watch: _Watch) -> None:
        watch.asked_to_end = True
        self.count("op:terminate")

    def _check_early(self, seen: _Observation, watch: _Watch, yield_s: float) -> None:
        """An observation that gave a running cell has waited its time, unless the script yielded."""
        early = seen.ended_s < seen.began_s + yield_s - SOON_S
        if seen.outcome.status == "running" and early and not watch.cell.yields:
            self.fault(
                f"an observation of {watch.tag} came back after {seen.ended_s - seen.began_s:.3f} s with nothing"
            )

    async def _ask(
        self,
        text: str,
        call: Callable[[], Awaitable[CellOutcome]],
        bound_s: float | Callable[[], float],
        cancelled_s: float,
        watch_of: Callable[[], _Watch | None] = lambda: None,
        *,
        ends: bool = False,
    ) -> _Observation | None:
        """Asks the host for something, and holds it to its answer.

        Args:
            call: asks.
            bound_s: seconds within which there must be an answer.
            cancelled_s: seconds after which the world asks no longer.
            watch_of: the cell, once it is known.
            ends: whether to be cancelled ends the cell.
        """
        self._ops += 1
        number = self._ops
        label = self._open_ops[number] = f"op {number} {text}"
        self.note(f"{label} …")
        self.count(f"op:{text.split(maxsplit=1)[0]}")
        began_s = trio.current_time()
        watch = watch_of()
        if watch is not None:
            watch.overlapped |= watch.pending > 0
            watch.pending += 1
        result, seen = "was cancelled", None
        try:
            with trio.move_on_after(cancelled_s):
                outcome = await call()
                result = f"gave {outcome.status}" + (f" {outcome.error.code}" if outcome.error else "")
                seen = self._take_outcome(outcome, began_s, watch_of(), label)
        except CellNotFound:
            result = "raised CellNotFound"
            if watch is not None:
                self.fault(f"{label}: CellNotFound, although there is that cell")
        except ClosedError:
            result = "raised ClosedError"
        except UsageError:
            result = "raised UsageError"
            if "mistake" not in text:
                self.fault(f"{label}: UsageError")
        except Exception as error:
            result = "raised"
            self.fault(f"{label}: raised {error!r}")
        finally:
            del self._open_ops[number]
            self.note(f"op {number} {result}")
            self.count(" ".join(result.split()[:2]).replace("raised ", "raised:").replace("gave ", "gave:"))
            took_s = trio.current_time() - began_s
            most_s = min(cancelled_s, bound_s if isinstance(bound_s, float) else bound_s())
            if took_s > most_s + SOON_S and "mistake" not in text:
                self.fault(f"{label}: {result} after {took_s:.3f} s, not {most_s:.3f} s")
            watch = watch_of()
            if watch is not None:
                if watch.pending:
                    watch.pending -= 1
                settled_s = watch.settled_s
                if settled_s is not None and trio.current_time() > max(began_s, settled_s) + SOON_S:
                    self.fault(f"{label}: {result} {trio.current_time() - settled_s:.3f} s after the cell was settled")
                if ends and result == "was cancelled":
                    watch.asked_to_end = True
                    watch.must_end(trio.current_time() + CLOSE_S, "its exec was cancelled")
        return seen

    def _take_outcome(
        self, outcome: CellOutcome, began_s: float, watch: _Watch | None, label: str
    ) -> _Observation | None:
        if watch is None:
            self.fault(f"{label}: an outcome of no cell: {outcome}")
            return None
        outcome.content()
        if outcome.cell_id != watch.cell.cell_id:
            self.fault(f"{label}: the outcome is that of cell {outcome.cell_id}")
        if outcome.status != "running" and any(record.status == "running" for record in outcome.calls):
            self.fault(f"{label}: the cell has ended, and calls are open: {outcome.calls}")
        seen = _Observation(began_s, trio.current_time(), outcome)
        watch.observations.append(seen)
        return seen

    # ── the rules ─────────────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        """Holds what is left of the world to the rules. After the run."""
        self.faults += check(self._trace, [watch.cell for watch in self._watches.values()])
        for process in self._processes:
            self._check_process(process)
        if self._open_ops:
            self.faults.append(f"never answered: {self.pending()}")
        wires = self._read_wires()
        for watch in self._watches.values():
            self._check_cell(watch, wires.get(watch.tag))
        self._check_turns()

    def _check_process(self, process: FakeProcess) -> None:
        self.faults += [f"{process}: {misuse}" for misuse in process.misuses]
        if process.exit_status is None and not process.kills:
            self.faults.append(f"{process} was left alive")
        if (process.waits, process.closes) != (1, 1):
            self.faults.append(f"{process} was waited for {process.waits} times and closed {process.closes} times")

    def _read_wires(self) -> dict[str, _Wire]:
        """The part of each cell in the log, by its tag; and the time by which it must be over for its worker's sake."""
        wires: dict[str, _Wire] = {}
        current: dict[int, _Wire] = {}
        players = {process.pid: player for process, player in self._players}
        end_s = END_S + HELD_S * self._weather.unkillable
        for entry in self._trace.entries:
            if isinstance(entry.message, m.Start):
                player = players.get(self._trace.pids[entry.worker - 1])
                wire = current[entry.worker] = _Wire(entry.at_s, player, end_s)
                tag = entry.message.source.split(maxsplit=1)[0]
                if tag in wires:
                    self.faults.append(f"{entry}: {tag} is started a second time")
                wires[tag] = wire
            elif entry.worker in current:
                current[entry.worker].take(entry)
        return wires

    def _check_cell(self, watch: _Watch, wire: _Wire | None) -> None:
        cell, tag = watch.cell, watch.tag
        if watch.settled_s is None:
            self.faults.append(f"{tag}: never settled: {cell!r}")
            return
        began_s = wire.began_s if wire is not None else watch.settled_s
        lease_s = SICK_LEASE_S if self._weather.harms_starts else LEASE_S
        watch.must_end(watch.began_s + lease_s + (watch.settled_s - began_s), "a lease ends")
        if wire is not None:
            for at_s, why in wire.ends():
                watch.must_end(at_s, why)
        if watch.settled_s > watch.due_s + SOON_S:
            self.faults.append(f"{tag}: settled at {watch.settled_s:.3f} s, not {watch.due_s:.3f} s: {watch.why}")
        if watch.final != (cell.verdict, cell.ledger.records()):
            self.faults.append(f"{tag}: what was final has changed: {watch.final} {cell.ledger.records()}")
        self._check_verdict(watch, wire)
        self._check_items(watch, wire)
        self._check_calls(watch)
        if wire is not None and wire.is_read:
            self._check_answers(watch, wire)

    def _check_verdict(self, watch: _Watch, wire: _Wire | None) -> None:
        tag, verdict = watch.tag, watch.cell.verdict
        assert verdict is not None, "it is settled"
        code = None if verdict.error is None else verdict.error.code
        said = None if wire is None else wire.said_end
        if verdict.status == "completed" or (code in m.WORKER_FAILURE_CODES and code not in _OF_EITHER):
            if said != (code or "completed"):
                self.faults.append(f"{tag}: ended with {code or 'completed'}, and its worker said {said}")
        elif said is not None and said != code and wire is not None and wire.is_end_good:
            self.faults.append(f"{tag}: ended with {code}, and its worker said {said}")
        if code == "terminated" and not watch.asked_to_end and not self._counts["leases run out"]:
            self.faults.append(f"{tag}: terminated, and nobody had asked for that")
        was_cut_off = self._counts["service closed early"] or self._counts["interrupted"]
        may_lack_workers = self._weather.harms_starts or was_cut_off
        if code == "worker_unavailable" and not may_lack_workers and not self._counts["provoked:store.load_all"]:
            self.faults.append(f"{tag}: {verdict}, although every launch was good")
        if code == "worker_crashed" and not (self._weather.mishaps or was_cut_off):
            self.faults.append(f"{tag}: {verdict}, although nothing befell its worker")

    def _check_items(self, watch: _Watch, wire: _Wire | None) -> None:
        """What was said is there, in order; and each observation has given what was new, and nothing else."""
        if watch.overlapped:
            return
        given = [
            item for seen in watch.observations if not seen.outcome.delivered_before for item in seen.outcome.items
        ]
        said = [] if wire is None else wire.items
        if given != said[: len(given)]:
            self.faults.append(f"{watch.tag}: observations gave {given}, and the worker said {said}")
        has_end = any(seen.outcome.status != "running" for seen in watch.observations)
        if has_end and wire is not None and len(given) < wire.sure_items:
            self.faults.append(f"{watch.tag}: {len(given)} items were given, and {wire.sure_items} said in good time")

    def _check_calls(self, watch: _Watch) -> None:
        if watch.has_odd_dispatcher:
            return
        for record in watch.cell.ledger.records():
            key = (watch.session_id, record.call_id)
            if record.status == "ok" and key not in self._returned:
                self.faults.append(f"{watch.tag}: the call {record.call_id} is ok, and its tool has not returned")
            if self._calls[key] and record.started_ms is None:
                self.faults.append(f"{watch.tag}: the call {record.call_id} reached its tool, and was never started")

    def _check_answers(self, watch: _Watch, wire: _Wire) -> None:
        """What has been settled is told at once, unless there is nobody left to be told."""
        for call, record in zip(wire.calls, watch.cell.ledger.records(), strict=False):
            ended_s = watch.began_s + (record.ended_ms or 0.0) / 1000
            if ended_s + SOON_S < min(wire.over_s, wire.answered_s.get(call, float("inf"))):
                told = wire.answered_s.get(call, "never")
                self.faults.append(f"{watch.tag}: {record} was settled at {ended_s:.3f} s and told {told}")

    def _check_turns(self) -> None:
        """No worker ever serves two turns."""
        turns: dict[int, str] = {}
        for entry in self._trace.entries:
            if isinstance(entry.message, m.Start):
                turn = entry.message.source.split("e", maxsplit=1)[0]
                if turns.setdefault(entry.worker, turn) != turn:
                    self.faults.append(f"{entry}: its worker has served {turns[entry.worker]}")


_OF_EITHER = ("memory_limit", "source_too_large")
"""The worker may end a cell with these, and so may the host."""


class _Wire:
    """What one cell's worker said while it ran that cell, as far as the host has read it.

    Args:
        began_s: when it was told to start.
        player: who played it; None where it was gone before it began.
        end_s: how long after the end of its worker the cell may be settled.
    """

    def __init__(self, began_s: float, player: ScriptedWorker | None, end_s: float) -> None:
        self.began_s = began_s
        self._player = player
        self._end_s = end_s
        self.calls: list[int] = []
        self.answered_s: dict[int, float] = {}
        """When each call was answered."""
        self.over_s = float("inf")
        """When there was nobody left to answer."""
        self.items: list[Item] = []
        self.sure_items = 0
        """Items that the host must have taken: said before anything was amiss."""
        self.said_end: str | None = None
        self.is_end_good = False
        """It said its end before anything was amiss."""
        self._is_amiss = False
        self._ends: list[tuple[float, str]] = []

    def take(self, entry: Entry) -> None:
        """What came next on the wire of its worker."""
        if self._player is not None and self._player.lie is not None and self._player.met is not None:
            self._is_amiss |= entry.at_s >= self._player.met[0]
        if self.said_end is not None:
            return
        match entry.kind, entry.message:
            case "said", m.Calls(calls=calls):
                self.calls += [call for call, _, _ in calls]
            case "told", m.Answers(answers=answers):
                self.answered_s |= {call: entry.at_s for call, _, _ in answers}
            case "said", m.Output(items=items):
                self.items += [read_item(kind, body) for kind, body in items]
                if not self._is_amiss:
                    self.sure_items = len(self.items)
            case "said", m.Completed():
                self._end(entry, "completed")
            case "said", m.Failed(code=code):
                self._end(entry, code)
            case (("killed" | "garbled" | "exited"), _):
                self._is_amiss = True
                self.over_s = min(self.over_s, entry.at_s)
                self._ends.append((entry.at_s + self._end_s, f"its worker was {entry.kind}"))
            case _:
                pass

    def _end(self, entry: Entry, how: str) -> None:
        self.said_end = how
        self.over_s = min(self.over_s, entry.at_s)
        self.is_end_good = not self._is_amiss
        if not self._is_amiss:
            self._ends.append((entry.at_s + JOIN_S + SOON_S, "its worker said its end"))

    @property
    def is_read(self) -> bool:
        """Its worker has read what it was told, always and at once."""
        return self._player is None or self._player.met is None

    def ends(self) -> list[tuple[float, str]]:
        """The times by which the cell must be settled, and why."""
        if self._player is None or self._player.met is None:
            return self._ends
        at_s, kind = self._player.met
        match kind:
            case "die" | "die_of_memory" | "cut_frame" | "close_outbound" | "close_both" | "lie":
                bound_s = self._end_s
            case "stop" | "mute" | "deaf" | "half_frame" | "close_inbound" | "garbage":  # perhaps half a frame
                bound_s = DEAF_S - END_S + self._end_s
            case _:
                return self._ends
        if self.is_end_good:
            return self._ends
        return [*self._ends, (max(at_s, self.began_s) + bound_s, f"its worker met its fate: {kind}")]


def _is_provoked(raised: BaseException | None) -> bool:
    if isinstance(raised, BaseExceptionGroup):
        return all(map(_is_provoked, raised.exceptions))
    return isinstance(raised, Provoked | ProvokedExit | ProvokedInterrupt)


# ── many worlds ───────────────────────────────────────────────────────────────────────────────────────────────


def simulate_range(seeds: range) -> tuple[Report | None, Counter[str]]:
    """Runs the worlds of these seeds, up to the first that has a fault.

    Returns:
        The report of that one, None where there is none; and the statistics of all that were run.
    """
    statistics: Counter[str] = Counter()
    for seed in seeds:
        report = simulate(seed)
        statistics += report.statistics
        if report.faults:
            return report, statistics
    return None, statistics


async def simulate_in_processes(seeds: range, jobs: int) -> tuple[int | None, Counter[str]]:
    """Runs the worlds of these seeds in several processes, until one has a fault.

    Args:
        jobs: how many processes; each takes every so many-eth seed.

    Returns:
        The seed that has a fault, None where none has; and the statistics of the processes that came to their end.
    """
    failing: list[int] = []
    statistics: Counter[str] = Counter()

    async def run(part: range, nursery: trio.Nursery) -> None:
        command = [sys.executable, "-c", _PART, json.dumps([part.start, part.stop, part.step])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = await trio.run_process(command, capture_stdout=True, check=False, env=environment)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"the process of the seeds {part} ended with {done.returncode}")
        found = json.loads(done.stdout)
        statistics.update(found["statistics"])
        if found["failing"] is not None:
            failing.append(found["failing"])
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for job in range(min(jobs, len(seeds))):
            nursery.start_soon(run, seeds[job::jobs], nursery)
    return min(failing, default=None), statistics


_PART = "import sys; from codemode.testing.simulation import _run_part; sys.exit(_run_part(sys.argv[1]))"


def _run_part(part: str) -> int:
    """One process of several: prints what came of its seeds as JSON."""
    report, statistics = simulate_range(range(*json.loads(part)))
    failing = None if report is None else report.seed
    sys.stdout.write(json.dumps({"failing": failing, "statistics": statistics}))
    return failing is not None


def main(arguments: list[str] | None = None) -> int:
    """The command line. Exit status 1 where a world has a fault."""
    parser = argparse.ArgumentParser(prog="python -m codemode.testing.simulation", description=__doc__.split("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--seed", type=int, help="replay one world")
    what.add_argument("--seeds", metavar="A:B", help="run the worlds of the seeds from A up to B, B not included")
    parser.add_argument("--trace", action="store_true", help="print the log of the world, also where it has no fault")
    parser.add_argument("--statistics", action="store_true", help="print how often each thing occurred")
    parser.add_argument("--jobs", type=int, default=1, help="processes; 1 by default")
    given = parser.parse_args(arguments)
    seed: int | None = given.seed
    statistics: Counter[str] = Counter()
    if given.seeds is not None:
        first, _, last = given.seeds.partition(":")
        seed, statistics = trio.run(simulate_in_processes, range(int(first), int(last)), max(1, given.jobs))
    is_failing = False
    if seed is not None:
        report = simulate(seed)
        is_failing = bool(report.faults)
        statistics = statistics or report.statistics
        if given.trace or is_failing:
            _print(report.trace)
        _print(f"seed {seed}: {len(report.faults)} faults", *report.faults)
        is_failing |= given.seeds is not None
    if given.statistics:
        _print(*(f"{count:10} {what}" for what, count in sorted(statistics.items())))
    elif seed is None:
        _print(f"{statistics['worlds']} worlds, {statistics['frames']} frames, no fault")
    return is_failing


def _print(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    # As a module of its name: what is run as `__main__` would be a second copy, with a second context variable.
    from codemode.testing import simulation  # noqa: PLW0406

    sys.exit(simulation.main())
