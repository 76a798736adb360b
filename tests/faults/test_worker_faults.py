"""Every fault at every point of the conversation with a worker: all is answered, all that was said is kept."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import trio
import trio.testing

import codemode
from codemode.host.launcher import Launcher, LaunchStatistics, SpawnLauncher
from codemode.host.process import WorkerProcess
from codemode.host.zygote import ZygoteLauncher
from codemode.limits import Limits
from codemode.testing.faults import Fault, FaultyLauncher, Injection, Point
from codemode.testing.trace import Trace, TracedLauncher, check
from codemode.wire import messages as m

pytestmark = pytest.mark.usefixtures("nothing_is_left", "family")

ANSWER_S = 10.0
"""Generous: what must come within 1 s of a death, or 2 s and a heartbeat of a stop. The figures are measured apart."""
AT_A_TIME = 6
"""Rows of the matrix that run at a time."""
WAITING_AT_A_TIME = 20
"""As many of those that wait for a heartbeat: they ask little of the machine."""

BEGINNING = """
    set_yield_time(60_000); set_max_output_tokens_per_exec_call(5_000);
    text('first'); console.log('logged'); store('kept', 1); notify('noted');
    await tools.answer();
    text('second');
    let abort;
    const signal = { aborted: false, addEventListener: (_, then) => { abort = then; } };
    const aborted = tools.gated({ name: 'aborted' }, { signal }).catch((error) => error.code);
    await tools.answer();
    abort();
    text(await aborted);
    yield_control();
    text('third');
    await tools.gated({ name: 'last' });
"""
SAID_WHILE_IT_RUNS = ("output", "calls", "cancels", "stores", "logs", "notes", "yielded", "yield_time", "output_budget",
                      "failing")  # fmt: skip
ENDS = ("completed", "failed")
SIGNALS = (Fault.KILL, Fault.TRAP, Fault.STOP)
IN_PLACE = (Fault.GARBAGE, Fault.NOISE, Fault.TRUNCATE)
POINTS: list[tuple[Any, str, int]] = [
    *(("said", kind, 1) for kind in ("hello", "ready", *SAID_WHILE_IT_RUNS, *ENDS, "pong")),
    ("said", "output", 2),
    ("said", "ready", 2),
    ("said", "completed", 2),
    *(("told", kind, 1) for kind in ("start", "answers", "stored", "ping")),
    ("told", "answers", 2),
    ("told", "start", 2),
]
"""Every kind of message that a worker says, and every kind that it is told, but for a refusal of its version."""


def injections(fault: Fault) -> list[Injection]:
    """The fault at every point: instead of a message or, where that is another thing, before and after it."""
    times: tuple[Any, ...] = ("before",) if fault in IN_PLACE else ("before", "after")
    return [
        Injection(fault),
        *(Injection(fault, Point(direction, kind, nth, when)) for direction, kind, nth in POINTS for when in times),
    ]


def source_for(injection: Injection) -> str:
    """A script that makes the worker come to the point."""
    kind = "" if injection.at is None else injection.at.kind
    longer = "await sleep(700);" if kind in ("ping", "pong") else ""
    throws = "throw new Error('thrown');" if kind in ("failing", "failed") else ""
    return f"{BEGINNING}{longer}{throws}"


def must_crash(injection: Injection) -> bool:
    """True where the script cannot have come to its end."""
    at = injection.at
    if at is None or injection.fault is Fault.FULL:
        return False
    if at.direction == "said":
        return at.kind in SAID_WHILE_IT_RUNS or (at.kind in ENDS and (at.nth, at.when) == (1, "before"))
    return at.nth == 1 and at.kind in ("start", "answers")


class Borrowed:
    """A launcher that another runs: many services have one zygote."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher

    async def run(self) -> None:
        """See `Launcher.run`."""

    async def launch(self) -> WorkerProcess:
        """See `Launcher.launch`."""
        return await self._launcher.launch()

    def statistics(self) -> LaunchStatistics:
        """See `Launcher.statistics`."""
        return self._launcher.statistics()


@contextlib.asynccontextmanager
async def running(launcher: Launcher) -> AsyncIterator[Launcher]:
    """The launcher, run for as many services as there are."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(launcher.run)
        yield Borrowed(launcher)
        nursery.cancel_scope.cancel()


@dataclass
class Row:
    """What came of one injection.

    Attributes:
        injection: it.
        faults: what is not as it must be.
        answered_s: from the fault to the answer that it changed, None where it changed none.
        next_s: how long the next exec took, or the one that the fault befell before its script was begun.
    """

    injection: Injection
    faults: list[str]
    answered_s: float | None = None
    next_s: float | None = None


class Matrix:
    """Runs rows, many at a time, each with a service of its own.

    Args:
        launcher: starts the workers of all of them.
        new_toolbox: makes the tools of one.
        cells_of: see the fixture.
    """

    def __init__(
        self, launcher: Launcher, new_toolbox: Callable[[], Any], cells_of: Callable[[Any], list[Any]]
    ) -> None:
        self._launcher = launcher
        self._new_toolbox = new_toolbox
        self._cells_of = cells_of
        self._brisk = trio.CapacityLimiter(AT_A_TIME)
        self._waiting = trio.CapacityLimiter(WAITING_AT_A_TIME)

    async def run(self, chosen: list[Injection]) -> list[Row]:
        """All of these."""
        rows: list[Row] = []
        async with trio.open_nursery() as nursery:
            for injection in chosen:
                rows.append(Row(injection, []))
                nursery.start_soon(self._run_row, rows[-1])
        return rows

    async def _run_row(self, row: Row) -> None:
        async with self._waiting if row.injection.fault in (Fault.STOP, Fault.FULL) else self._brisk:
            with trio.move_on_after(3 * ANSWER_S) as bound:
                await self._run_in_a_service(row)
            expect(row, not bound.cancelled_caught, f"it took longer than {3 * ANSWER_S:g} s")

    async def _run_in_a_service(self, row: Row) -> None:
        trace = Trace()
        launcher = FaultyLauncher(self._launcher, [row.injection])
        tools = self._new_toolbox()
        notes: list[tuple[str, str]] = []
        async with (
            codemode.open_service(spares=0, launcher=lambda _: TracedLauncher(launcher, trace)) as service,
            service.open_session(tools.registry, on_notify=lambda *note: notes.append(note)) as session,
            session.open_turn() as turn,
        ):
            outcomes = await self._run_script(row, turn, tools)
            await self._run_next(row, turn, launcher, outcomes, trace)
        expect(row, tools.open.total() == 0, f"calls are in their tools: {tools.open}")
        expect(
            row, notes == [("1", text) for said in said_by_cell_1(trace, m.Notes) for text in said.texts], str(notes)
        )
        row.faults += check(trace, self._cells_of(session))
        if row.faults:
            row.faults.append(str(trace))

    async def _run_script(self, row: Row, turn: codemode.Turn, tools: Any) -> list[codemode.CellOutcome]:
        """Runs the script that comes to the point. Its outcomes, the last of them final."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(let_go, turn, tools, row.injection)
            outcomes = [await turn.exec(source_for(row.injection))]
            while outcomes[-1].status == "running":
                outcomes.append(await turn.wait(outcomes[-1].cell_id, yield_time_ms=60_000))
            nursery.cancel_scope.cancel()
        return outcomes

    async def _run_next(
        self,
        row: Row,
        turn: codemode.Turn,
        launcher: FaultyLauncher,
        outcomes: list[codemode.CellOutcome],
        trace: Trace,
    ) -> None:
        ended_s = trio.current_time()
        struck_at_s = launcher.struck[0].struck_at_s if launcher.struck else None
        last = outcomes[-1]
        code = None if last.error is None else last.error.code
        if must_crash(row.injection):
            expect(row, code == "worker_crashed", f"the script {last.status}, with {last.error}")
        expect(row, code in (None, "worker_crashed", "script_error"), f"the script {last.status}, with {last.error}")
        if struck_at_s is not None and code == "worker_crashed":
            row.answered_s = ended_s - struck_at_s
            expect(row, row.answered_s < ANSWER_S, f"the answer took {row.answered_s} s")
        self._compare_said(row, outcomes, trace)

        second = await turn.run("text(load('kept') ?? 'nothing kept')")
        second_s = trio.current_time() - ended_s
        third = await turn.run("text('alive')")
        third_s = trio.current_time() - ended_s - second_s
        row.next_s = second_s if struck_at_s is not None else max(second_s, third_s)
        expect(row, len(launcher.struck) == 1, "the point was never reached")
        is_unhurt = second.status == "completed" or struck_at_s is None
        expect(row, is_unhurt, f"the next one {second.status}: {second.error}")
        expect(row, third.status == "completed", f"the last one {third.status}: {third.error}")
        expect(row, row.next_s < ANSWER_S, f"the next one took {row.next_s} s")
        if second.status == "completed":
            kept = "1" if said_by_cell_1(trace, m.Stores) else "nothing kept"
            expect(row, texts(second) == [kept], f"the next one has found {texts(second)}")

    def _compare_said(self, row: Row, outcomes: list[codemode.CellOutcome], trace: Trace) -> None:
        """All that the host was told before the fault is in the outcomes, once, in order."""
        said = [body for output in said_by_cell_1(trace, m.Output) for _, body in output.items]
        found = [text for outcome in outcomes for text in texts(outcome)]
        expect(row, found == said, f"it said {said}, and the outcomes have {found}")
        logs = [codemode.LogEntry(*entry) for said in said_by_cell_1(trace, m.Logs) for entry in said.entries]
        expect(row, list(outcomes[-1].logs) == logs, f"it logged {logs}, and the outcome has {outcomes[-1].logs}")


async def let_go(turn: codemode.Turn, tools: Any, injection: Injection) -> None:
    """Lets the script go on when it waits, and tells it before of a value that another has stored."""
    while ("gated", {"name": "last"}) not in tools.asked:
        await tools.until_asked(len(tools.asked) + 1)
    if injection.at is not None and injection.at.kind == "stored":
        await turn.exec("store('beside', 1)")
    tools.gate.set()


def said_by_cell_1(trace: Trace, kind: type[Any]) -> list[Any]:
    """What cell 1 said of that kind, as it came to the host."""
    return [
        entry.message
        for entry in trace.entries
        if entry.kind == "said" and isinstance(entry.message, kind) and entry.message.cell == 1
    ]


def expect(row: Row, is_so: bool, otherwise: str) -> None:
    """Notes what is not so."""
    if not is_so:
        row.faults.append(otherwise)


def texts(outcome: codemode.CellOutcome) -> list[str]:
    return [item.text for item in outcome.items if item.type == "text"]


def described(rows: list[Row]) -> str:
    return "\n\n".join("\n".join([f"── {row.injection}", *row.faults]) for row in rows if row.faults)


@pytest.mark.skipif(sys.platform != "linux", reason="needs what a zygote needs")
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
async def test_whatever_befalls_a_forked_worker_all_is_answered_and_the_next_exec_runs(
    toolbox: Any, cells_of: Any, hosts_tasks: Any, *, fault: Fault
) -> None:
    tasks = hosts_tasks()
    async with running(ZygoteLauncher(Limits())) as launcher:
        rows = await Matrix(launcher, type(toolbox), cells_of).run(injections(fault))

    assert not any(row.faults for row in rows), described(rows)
    assert hosts_tasks() == tasks


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
async def test_whatever_befalls_a_worker_between_two_scripts_the_next_exec_runs(
    launcher: Callable[[Limits], Launcher], toolbox: Any, *, fault: Fault
) -> None:
    faulty = FaultyLauncher(launcher(Limits()))
    async with (
        codemode.open_service(spares=0, launcher=lambda _: faulty) as service,
        service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        await turn.run("text(await tools.answer())")
        await trio.testing.wait_all_tasks_blocked(0.05)
        faulty.processes[0].strike(fault)
        with trio.fail_after(ANSWER_S):
            outcomes = [await turn.run("text(await tools.answer())") for _ in range(2)]

    # What befell it may show only when it is given the next script.
    assert outcomes[0].status == "completed" or fault in IN_PLACE
    assert (outcomes[1].status, texts(outcomes[1])) == ("completed", ["42"])


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
async def test_whatever_befalls_a_spare_no_exec_notices(
    launcher: Callable[[Limits], Launcher], eventually: Any, *, fault: Fault
) -> None:
    faulty = FaultyLauncher(launcher(Limits()))
    async with (
        codemode.open_service(spares=1, launcher=lambda _: faulty) as service,
        service.open_session() as session,
        session.open_turn() as turn,
    ):
        await eventually(lambda: service.statistics().spares == 1)
        faulty.processes[0].strike(fault)
        with trio.fail_after(ANSWER_S):
            outcome = await turn.run("text('alive')")

    assert (outcome.status, texts(outcome)) == ("completed", ["alive"])


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
async def test_whatever_befalls_a_worker_whose_script_spins_all_is_answered(
    launcher: Callable[[Limits], Launcher], toolbox: Any, *, fault: Fault
) -> None:
    faulty = FaultyLauncher(launcher(Limits()))
    async with (
        codemode.open_service(spares=0, launcher=lambda _: faulty) as service,
        service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        started = await turn.exec("text('said'); yield_control(); tools.never(); for (;;) {}")
        await toolbox.until_asked(1)
        outcomes: list[codemode.CellOutcome] = []
        with trio.fail_after(ANSWER_S):
            async with trio.open_nursery() as nursery:

                async def wait() -> None:
                    outcomes.append(await turn.wait(started.cell_id, yield_time_ms=60_000))

                nursery.start_soon(wait)
                nursery.start_soon(wait)
                await trio.testing.wait_all_tasks_blocked()
                faulty.processes[0].strike(fault)
            after = await turn.run("text('alive')")

    assert [(outcome.status, texts(outcome)) for outcome in [started, *outcomes]] == [
        ("running", ["said"]),
        ("failed", []),
        ("failed", []),
    ]
    assert outcomes[0].error is not None
    assert outcomes[0].error.code == "worker_crashed"
    assert [call.status for call in outcomes[0].calls] == ["cancelled"]
    assert texts(after) == ["alive"]


@pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.NOISE], ids=lambda fault: fault.value)
async def test_a_worker_that_babbles_costs_no_cell_that_stores_meanwhile(
    launcher: Callable[[Limits], Launcher], toolbox: Any, *, fault: Fault
) -> None:
    faulty = FaultyLauncher(launcher(Limits()))
    async with (
        codemode.open_service(spares=0, launcher=lambda _: faulty) as service,
        service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        babbling = await turn.exec("await tools.never()", yield_time_ms=0)
        await toolbox.until_asked(1)
        storing = await turn.exec(
            """
            yield_control();
            const until = Date.now() + 300;
            while (Date.now() < until) { store('k', 1); await sleep(0) }
            """
        )
        faulty.processes[0].strike(fault)
        with trio.fail_after(ANSWER_S):
            failed = await turn.wait(babbling.cell_id, yield_time_ms=60_000)
            completed = await turn.wait(storing.cell_id, yield_time_ms=60_000)

    assert (failed.status, completed.status) == ("failed", "completed")


async def test_an_answer_that_is_ready_as_its_worker_babbles_is_dropped(
    launcher: Callable[[Limits], Launcher], toolbox: Any
) -> None:
    async with running(launcher(Limits())) as lent:
        for hops in range(24):
            tools = type(toolbox)()
            faulty = FaultyLauncher(lent)
            async with (
                codemode.open_service(spares=0, launcher=lambda _, faulty=faulty: faulty) as service,
                service.open_session(tools.registry) as session,
                session.open_turn() as turn,
            ):
                started = await turn.exec("await tools.gated()", yield_time_ms=0)
                await tools.until_asked(1)
                await trio.testing.wait_all_tasks_blocked()
                tools.gate.set()
                for _ in range(hops // 2):  # the answer is under way, at each step of its way once
                    await trio.lowlevel.checkpoint()
                faulty.processes[0].strike(Fault.GARBAGE)
                with trio.fail_after(ANSWER_S):
                    outcome = await turn.wait(started.cell_id, yield_time_ms=60_000)

            assert outcome.status in ("completed", "failed")
            assert [call.status for call in outcome.calls] == ["ok"]


SAMPLE = [
    *(Injection(fault, Point("said", "calls")) for fault in Fault),
    *(Injection(fault, Point("told", "answers")) for fault in Fault),
    *(Injection(fault) for fault in (Fault.KILL, Fault.STOP, Fault.NOISE)),
]


async def test_whatever_befalls_a_spawned_worker_all_is_answered_and_the_next_exec_runs(
    toolbox: Any, cells_of: Any, hosts_tasks: Any
) -> None:
    tasks = hosts_tasks()
    rows = await Matrix(Borrowed(SpawnLauncher(Limits())), type(toolbox), cells_of).run(SAMPLE)

    assert not any(row.faults for row in rows), described(rows)
    assert hosts_tasks() == tasks
