"""Scripts as a hostile or broken model might write them: each ends as its header says, and harms nobody else.

A script's header holds `EXPECT`, a JSON object: `status` (the final states allowed; one that had to be terminated
counts as failed), `within_s` (for the final answer), `terminable` (it may run for ever: exec yields on time, and
terminate or a limit answers), `worker_may_die`, `no_forged`, `expect_text`, `no_text`, `append_surrogate`, `twice`, and
`then` (the script that runs next). Two keys are of this folder alone: `codes` (the error codes allowed) and `made` (the
calls of `echo` that the script makes, `echo({ a: 1 })` where it does not say).

Every script runs twice in one session, and once beside a sibling. Whatever it does: the sibling completes with the
right answer, a fresh exec answers within 2 s, every call is answered exactly once, and no task, process or descriptor
is left but those of the one service that all of them attack, whose host does not grow. Where the tests run as root,
some of the scripts run as an ordinary user too, and with `-m soak` all.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import ctypes
import dataclasses
import gc
import json
import os
import re
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio

import codemode
from codemode.host.calls import ToolCallOutcome, ToolInvocation
from codemode.host.cell import Cell
from codemode.host.dispatcher import ToolDispatcher
from codemode.host.launcher import Launcher
from codemode.host.provider_content import Format, content_blocks
from codemode.host.service import Service
from codemode.host.zygote import ZygoteLauncher
from codemode.limits import MIB, Limits
from codemode.testing.trace import EntryKind, Trace, TracedLauncher, check
from codemode.wire import messages as m

SCRIPTS = Path(__file__).with_name("scripts")
YIELD_MS = 150
FINAL_S = 20.0
"""The bound on the final answer of a script that has none of its own."""
FRESH_S = 2.0
LATE_S = 2.0
"""How far beyond its yield time an exec may answer, and how long a termination may take."""
LIMITS = Limits(
    max_cpu_s=1,
    max_heap_bytes=32 * MIB,
    max_memory_bytes=256 * MIB,
    max_output_bytes=4 * MIB,
    max_output_items=20_000,
    max_store_bytes=4 * MIB,
    max_calls=20_000,
)
"""Small, so that who runs into one is there soon."""
MOST_GROWTH_BYTES = 64 * MIB
"""Of the host, over the whole corpus."""

FORMATS: tuple[Format, ...] = ("openai", "openai.chat", "anthropic", "gemini", "mcp")

SIBLING = """
import { echo, gated } from "tools.js";
const before = await echo({ sibling: 1 });
yield_control();
await gated({});
const after = await Promise.all([echo({ sibling: 2 }), echo({ sibling: 3 })]);
text(JSON.stringify([before, ...after]));
"""
SIBLING_SAID = '[{"sibling":1},{"sibling":2},{"sibling":3}]'

MADE_BY: dict[str, list[dict[str, Any]]] = {"forge_tool_fn_props": [{}]}
"""What `made` would say in the header of a script that has none."""


@dataclass(frozen=True)
class Attack:
    """One script and what its header promises."""

    name: str
    source: str
    status: list[str]
    within_s: float = FINAL_S
    terminable: bool = False
    worker_may_die: bool = False
    no_forged: bool = False
    expect_text: str | None = None
    no_text: str | None = None
    append_surrogate: bool = False
    twice: bool = False
    then: str | None = None
    codes: list[str] | None = None
    made: list[dict[str, Any]] = field(default_factory=lambda: [{"a": 1}])

    @classmethod
    def load(cls, path: Path) -> Attack:
        """Reads a script. A key that is not known is an error, so that no promise goes unchecked."""
        source = path.read_bytes().decode()
        assert f"// ATTACK: {path.stem}\n" in source.replace("\r\n", "\n")
        (text,) = re.findall(r"^// EXPECT: (\{.*\})\r?$", source, re.MULTILINE)
        expected = json.loads(text)
        if path.stem in MADE_BY:
            expected["made"] = MADE_BY[path.stem]
        return cls(path.stem, source + "'\ud800'" * expected.get("append_surrogate", False), **expected)


ATTACKS = [Attack.load(path) for path in sorted(SCRIPTS.glob("*.js"))]


class CountingDispatcher(ToolDispatcher):
    """Counts what is asked and what is answered, by call id."""

    def __init__(self, tools: codemode.ToolRegistry) -> None:
        super().__init__(tools)
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()

    async def call(self, invocation: ToolInvocation, **options: Any) -> ToolCallOutcome:
        """See `ToolDispatcher.call`."""
        self.asked[invocation.call_id] += 1
        try:
            return await super().call(invocation, **options)
        finally:
            self.answered[invocation.call_id] += 1


@dataclass
class Target:
    """A session under attack, and what was seen of it."""

    session: codemode.Session
    turn: codemode.Turn
    dispatcher: CountingDispatcher
    toolbox: Any
    finals: list[codemode.CellOutcome] = field(default_factory=list)

    async def withstand(self, attack: Attack) -> None:
        """Runs the script to its end and checks what its header promises; a fresh one answers after it."""
        before = len(self.toolbox.asked)
        await self._run(attack)
        if attack.no_forged:
            asked = self.toolbox.asked[before:]
            echoed = sorted((arguments for tool, arguments in asked if tool == "echo"), key=str)
            assert echoed in ([], attack.made)
            assert {tool for tool, _ in asked} <= {"echo"}
        with trio.fail_after(FRESH_S):
            alive = await self.turn.run("output_text('alive')")
        self.finals.append(alive)
        assert (alive.status, alive.text) == ("completed", "alive")

    async def _run(self, attack: Attack) -> None:
        items: list[Any] = []
        ended = "by itself"
        with trio.fail_after(YIELD_MS / 1000 + attack.within_s):
            with trio.fail_after(YIELD_MS / 1000 + LATE_S):
                outcome = await self.turn.exec(attack.source, yield_time_ms=YIELD_MS)
            items += outcome.items
            while outcome.status == "running":
                if attack.terminable and outcome.wall_time_s >= YIELD_MS / 1000:
                    with trio.fail_after(LATE_S):
                        outcome = await self.turn.wait(outcome.cell_id, terminate=True)
                    ended = "terminated"
                else:
                    outcome = await self.turn.wait(outcome.cell_id, yield_time_ms=YIELD_MS)
                items += outcome.items
        self.finals.append(outcome)
        status = "failed" if outcome.status == "terminated" else outcome.status
        assert status in attack.status, (ended, outcome.error)
        if outcome.error is not None:
            assert outcome.error.code != "worker_crashed" or attack.worker_may_die, outcome.error
            assert attack.codes is None or outcome.error.code in attack.codes, outcome.error
            assert len(outcome.error.message) < 100_000
            assert len(outcome.error.stack or "") < 100_000
            assert "codemode:runner" not in outcome.error.message + (outcome.error.stack or "")
        for form in FORMATS:  # what the model sees is JSON text, with no lone surrogate
            json.dumps(content_blocks(outcome.content(), form), ensure_ascii=False).encode()
        self._check_text(attack, "\n".join(item.text for item in items if item.type == "text"))
        assert sum(len(item.text) for item in items if item.type == "text") <= LIMITS.max_output_bytes

    def _check_text(self, attack: Attack, said: str) -> None:
        said.encode()  # no lone surrogate gets out
        if attack.no_forged:
            assert "FORGED" not in said
        if attack.expect_text is not None:
            assert attack.expect_text in said, (said, self.finals[-1].error)
        if attack.no_text is not None:
            assert attack.no_text not in said, said

    def check_calls(self) -> None:
        """Every call that reached the host was answered once, and the ledgers tell of these and of no others."""
        assert self.dispatcher.asked == self.dispatcher.answered
        assert set(self.dispatcher.asked.values()) <= {1}
        ledger = [call for final in self.finals for call in final.calls]
        assert Counter(call.call_id for call in ledger) >= self.dispatcher.asked
        assert {call.status for call in ledger} <= {"ok", "error", "cancelled"}
        assert all(call.ended_ms is not None for call in ledger)


class ShortTrace(Trace):
    """The wire log without what scripts say and tools answer, which would be most of this process's memory."""

    def add(self, worker: int, kind: EntryKind, message: m.Message | None = None) -> None:
        """See `Trace.add`."""
        match message:
            case m.Output() | m.Stores() | m.Stored() | m.Logs() | m.Notes():
                return
            case m.Calls(calls=calls):
                message = dataclasses.replace(message, calls=tuple((call, tool, "") for call, tool, _ in calls))
            case m.Answers(answers=answers):
                message = dataclasses.replace(message, answers=tuple((call, how, "") for call, how, _ in answers))
        super().add(worker, kind, message)


class Arena:
    """A service in a thread of its own, which stands as long as the scripts of this file run."""

    def __init__(self, launcher: Any) -> None:
        self._launcher = launcher
        self.trace = ShortTrace()
        self._service: concurrent.futures.Future[Service] = concurrent.futures.Future()
        self._over = trio.Event()
        self._thread = threading.Thread(target=trio.run, args=[self._hold])

    def __enter__(self) -> Arena:
        self._thread.start()
        self.service = self._service.result(FINAL_S)
        return self

    def __exit__(self, *_: object) -> None:
        trio.from_thread.run_sync(self._over.set, trio_token=self.token)
        self._thread.join()

    async def _hold(self) -> None:
        def launcher(limits: Limits) -> Launcher:
            return TracedLauncher(self._launcher(limits), self.trace)

        self.token = trio.lowlevel.current_trio_token()
        async with codemode.open_service(limits=LIMITS, spares=0, launcher=launcher) as service:
            async with service.open_session(codemode.ToolRegistry()) as session, session.open_turn() as turn:
                await turn.run("1")  # whatever is begun once has begun
            self._service.set_result(service)
            await self._over.wait()

    def run(self, function: Any, *args: Any) -> None:
        """Calls and awaits the function in the service's thread."""
        trio.from_thread.run(function, *args, trio_token=self.token)


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    """Serves the whole file; over it the host does not grow."""
    with Arena(ZygoteLauncher) as arena:
        before = resident_bytes()
        yield arena
        arena.trace.entries.clear()
        assert resident_bytes() - before < MOST_GROWTH_BYTES


def resident_bytes() -> int:
    """The memory of this process, without what its allocator only keeps at hand."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def a_target(arena: Arena, toolbox: Any) -> AsyncIterator[Target]:
    """A session of its own. When it has closed, all that it made has gone."""
    dispatcher = CountingDispatcher(toolbox.registry)
    async with (
        arena.service.open_session(toolbox.registry, dispatcher=dispatcher) as session,
        session.open_turn() as turn,
    ):
        target = Target(session, turn, dispatcher, toolbox)
        yield target
        target.check_calls()
        assert session.live_cells == ()
    assert toolbox.open.total() == 0


@asynccontextmanager
async def a_sibling(target: Target) -> AsyncIterator[None]:
    """Another script of the turn, begun before the block, that goes on after it and gets the right answers."""
    started = await target.turn.exec(SIBLING)
    assert started.status == "running"
    await target.toolbox.until_asked(1, "gated")
    yield
    target.toolbox.gate.set()
    with trio.fail_after(10):
        ended = await target.turn.wait(started.cell_id)
    target.finals.append(ended)
    assert (ended.status, ended.text) == ("completed", SIBLING_SAID)


async def attack_twice(attack: Attack, arena: Arena, toolbox: Any) -> None:
    """The script in a session of its own, two times, and then the one that its header names."""
    async with a_target(arena, toolbox) as target:
        await target.withstand(attack)
        await target.withstand(attack)
        if attack.then is not None:
            await target.withstand(Attack.load(SCRIPTS / f"{attack.then.removesuffix('.js')}.js"))


async def attack_beside_a_sibling(attack: Attack, arena: Arena, toolbox: Any) -> None:
    """The script while another one of the turn runs."""
    async with a_target(arena, toolbox) as target, a_sibling(target):
        await target.withstand(attack)


@dataclass(frozen=True)
class Standing:
    """What there is in this process and below it."""

    tasks: int
    descriptors: frozenset[tuple[str, str]]
    processes: frozenset[int]

    @classmethod
    def now(cls) -> Standing:
        """Called in the service's thread."""
        return cls(trio.lowlevel.current_statistics().tasks_living, open_descriptors(), descendants(os.getpid()))

    def beyond(self, before: Standing) -> list[object]:
        """What there is of this that there was not before."""
        tasks = [f"{self.tasks} tasks, and {before.tasks} before"] if self.tasks > before.tasks else []
        return [*tasks, *(self.descriptors - before.descriptors), *(self.processes - before.processes)]


def open_descriptors() -> frozenset[tuple[str, str]]:
    """What is open, as (descriptor, where it leads)."""
    found = set()
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # that of the listing itself
            found.add((path.name, os.readlink(path)))
    return frozenset(found)


def descendants(pid: int) -> frozenset[int]:
    """The processes that this one began and those that they did, the ones that wait to be reaped too."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            before, _, after = path.read_text("utf-8", "replace").rpartition(")")
            parents[int(before.split()[0])] = int(after.split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return frozenset(found - {pid})


async def use_up_spares(arena: Arena, toolbox: Any) -> None:
    """A start that took long leaves a spare behind: it is lent, and ends with its turn."""
    with trio.fail_after(FINAL_S):
        while (now := arena.service.statistics()).workers or now.starting:
            if now.spares:
                async with arena.service.open_session(toolbox.registry) as session, session.open_turn() as turn:
                    await turn.run("1")
            await trio.sleep(0.002)


async def attack_every_way(attack: Attack, arena: Arena, toolbox: Any) -> None:
    """Twice in a session and beside a sibling; nothing of it is left."""
    await use_up_spares(arena, toolbox)
    before = Standing.now()
    await attack_twice(attack, arena, toolbox)
    await attack_beside_a_sibling(attack, arena, toolbox)
    await use_up_spares(arena, toolbox)
    with trio.move_on_after(FRESH_S):
        while Standing.now().beyond(before):  # noqa: ASYNC110 - the kernel tells nobody
            await trio.sleep(0.005)
    assert Standing.now().beyond(before) == []


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_ends_as_it_must_and_harms_nobody(
    attack: Attack, arena: Arena, toolbox: Any, checked_cells: list[Cell]
) -> None:
    arena.trace.entries.clear()
    arena.run(attack_every_way, attack, arena, toolbox)
    faults = check(arena.trace, checked_cells)
    assert faults == [], f"{arena.trace}\n" + "\n".join(faults)


@pytest.mark.skipif(os.getuid() != 0, reason="they are run as an ordinary user already")
@pytest.mark.parametrize("step", [12, pytest.param(1, marks=pytest.mark.soak)])
def test_they_end_the_same_for_an_ordinary_user(step: int, run_as_nobody: Any) -> None:
    chosen = ATTACKS[::step]
    own = f"{__file__}::{test_an_attack_ends_as_it_must_and_harms_nobody.__name__}"
    arguments = ["-q", "-p", "no:cacheprovider", *[f"{own}[{attack.name}]" for attack in chosen]]
    done = run_as_nobody("pytest", *arguments, timeout_s=900)
    assert f"{len(chosen)} passed" in done.stdout, done.stdout + done.stderr
