"""Cancelling and closing in every state, under load: in bounded time, nothing left behind, late results dropped."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import trio
import trio.testing

import codemode
from codemode.host.launcher import Launcher, LaunchStatistics
from codemode.host.process import WorkerProcess
from codemode.host.service import Service
from codemode.limits import Limits
from codemode.testing.faults import Fault, FaultyLauncher, Injection, Point
from codemode.wire import messages as m

pytestmark = pytest.mark.usefixtures("nothing_is_left", "family")

ANSWER_S = 10.0
"""Generous: cancelling returns at once, a cell is settled within 1.5 s of it, and of a stubborn tool's second."""
CELLS = 20


def texts(outcome: codemode.CellOutcome) -> list[str]:
    return [item.text for item in outcome.items if item.type == "text"]


class Slow:
    """A launcher that starts nothing until it is let.

    Args:
        launcher: starts workers then.
    """

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self.gate = trio.Event()

    async def run(self) -> None:
        """See `Launcher.run`."""
        await self._launcher.run()

    async def launch(self) -> WorkerProcess:
        """See `Launcher.launch`."""
        await self.gate.wait()
        return await self._launcher.launch()

    def statistics(self) -> LaunchStatistics:
        """See `Launcher.statistics`."""
        return self._launcher.statistics()


@dataclass(frozen=True)
class Scene:
    """A session whose first script comes to a state and stays there.

    Attributes:
        service: its service.
        session: it.
        tools: what the script calls.
        source: the script.
        launcher: starts the workers.
        faulty: where it is a fault that brings the script to the state, the launcher that brings it.
    """

    service: Service
    session: codemode.Session
    tools: Any
    source: str
    launcher: Slow
    faulty: FaultyLauncher | None

    async def until_there(self) -> None:
        """Waits until the script has come to its state, as far as can be seen."""
        with trio.fail_after(ANSWER_S):
            while not self._is_there():  # noqa: ASYNC110 - a cell that waits for its worker tells nobody
                await trio.sleep(0.005)
            await trio.testing.wait_all_tasks_blocked(0.01 if self.faulty else 0)
        await trio.sleep(0.02)

    def _is_there(self) -> bool:
        if self.faulty is not None:
            return bool(self.faulty.struck)
        return bool(self.tools.asked) or not self.launcher.gate.is_set()


STATES: dict[str, tuple[str, Injection | None]] = {
    "leasing": ("text(1)", None),
    "starting": ("text(1)", Injection(Fault.STOP)),
    "told to start": ("text(1)", Injection(Fault.STOP, Point("told", "start"))),
    "running": ("tools.never(); for (;;) {}", None),
    "running calls": ("tools.never(); await Promise.all(Array.from({ length: 500 }, () => tools.never()))", None),
    "flooding": ("tools.never(); for (;;) { text('x'.repeat(1000)); await tools.answer() }", None),
    "full": ("tools.never(); await tools.answer()", Injection(Fault.FULL, Point("told", "answers"))),
    "stopped": ("tools.never(); text(2)", Injection(Fault.STOP, Point("said", "calls", 1, "after"))),
    "ending with a stubborn tool": ("tools.stubborn(); text(1)", None),
}


@pytest.fixture
def scene(
    open_lab: Any, toolbox: Any, launcher: Callable[[Limits], Launcher]
) -> Callable[[str], contextlib.AbstractAsyncContextManager[Scene]]:
    """Opens a session whose next script comes to this state."""
    stubborn_gate = trio.Event()

    @toolbox.registry.tool
    async def stubborn() -> str:
        """Ignores its cancellation."""
        toolbox.asked.append(("stubborn", {}))
        with trio.CancelScope(shield=True):
            await stubborn_gate.wait()
        return "late"

    @contextlib.asynccontextmanager
    async def opened(state: str) -> AsyncIterator[Scene]:
        source, injection = STATES[state]
        # A flood may go on: what is tested is not its limit.
        limits = Limits(max_output_bytes=2**50, max_output_items=2**50)
        faulty = FaultyLauncher(launcher(limits), [injection]) if injection else None
        slow = Slow(faulty or launcher(limits))
        if state != "leasing":
            slow.gate.set()
        try:
            async with (
                open_lab(launcher=lambda _: slow) as lab,
                lab.service.open_session(toolbox.registry) as session,
            ):
                yield Scene(lab.service, session, toolbox, source, slow, faulty)
        finally:
            stubborn_gate.set()

    return opened


async def expect_alive(turn: codemode.Turn) -> None:
    with trio.fail_after(ANSWER_S):
        outcome = await turn.run("text('alive')")
    assert (outcome.status, texts(outcome)) == ("completed", ["alive"])


@pytest.fixture
async def no_task_is_left(hosts_tasks: Any) -> Any:
    """`await no_task_is_left()`: as many tasks live as before the test; one that was left behind may be on its way."""
    tasks = hosts_tasks()

    async def is_so() -> None:
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert hosts_tasks() == tasks

    return is_so


# ── cancelling ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("method", "state"), [*(("exec", state) for state in STATES), ("run", "running calls")])
async def test_a_cancelled_exec_returns_at_once_and_its_cell_is_terminated_whatever_it_was_doing(
    scene: Any, no_task_is_left: Any, *, state: str, method: str
) -> None:
    async with scene(state) as there, there.session.open_turn() as turn:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(getattr(turn, method), there.source)
            await there.until_there()
            nursery.cancel_scope.cancel()
            began_s = trio.current_time()
        assert trio.current_time() - began_s < 1.0
        there.launcher.gate.set()
        with trio.fail_after(ANSWER_S):
            outcome = await turn.wait("1", yield_time_ms=60_000)
        await expect_alive(turn)

        assert outcome.status == ("completed" if "stubborn" in state else "terminated")
        assert {call.status for call in outcome.calls} <= {"ok", "cancelled"}
        assert there.tools.open.total() == 0
    await no_task_is_left()


@pytest.mark.parametrize("state", ["leasing", "running", "running calls", "stopped", "ending with a stubborn tool"])
async def test_a_cancelled_wait_ends_itself_and_neither_its_cell_nor_another_wait(scene: Any, *, state: str) -> None:
    async with scene(state) as there, there.session.open_turn() as turn:
        started = await turn.exec(there.source, yield_time_ms=0)
        await there.until_there()
        others: list[codemode.CellOutcome] = []

        async def wait() -> None:
            others.append(await turn.wait(started.cell_id, yield_time_ms=60_000))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            nursery.start_soon(wait)
            for _ in range(10):
                with trio.move_on_after(0.01) as bound:
                    await turn.wait(started.cell_id, yield_time_ms=60_000)
                if not bound.cancelled_caught:
                    break  # a state that ends by itself
            with trio.fail_after(ANSWER_S):
                ended = await turn.wait(started.cell_id, terminate=True)
        there.launcher.gate.set()
        await expect_alive(turn)

        assert [(outcome.status, outcome.calls) for outcome in others] == [(ended.status, ended.calls)] * 2
        assert all(call.status in ("ok", "cancelled") for call in ended.calls)


# ── closing ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("closed", ["turn", "session", "service"])
async def test_closing_answers_a_pending_exec_and_a_pending_wait_whatever_the_cell_was_doing(
    scene: Any, no_task_is_left: Any, *, state: str, closed: str
) -> None:
    outcomes: list[codemode.CellOutcome] = []
    async with trio.open_nursery() as nursery:

        async def execute(turn: codemode.Turn, source: str) -> None:
            outcomes.append(await turn.run(source))

        async def wait(turn: codemode.Turn) -> None:
            outcomes.append(await turn.wait("1", yield_time_ms=60_000))

        async with scene(state) as there:
            async with contextlib.AsyncExitStack() as stack:
                turn = await stack.enter_async_context(there.session.open_turn())
                nursery.start_soon(execute, turn, there.source)
                await trio.testing.wait_all_tasks_blocked()
                nursery.start_soon(wait, turn)
                await there.until_there()
                match closed:
                    case "session":
                        await bounded(there.session.close())
                    case "service":
                        there.service.close()
                    case _:
                        pass
                began_s = trio.current_time()
            there.launcher.gate.set()
            assert trio.current_time() - began_s < ANSWER_S
        assert trio.current_time() - began_s < 2 * ANSWER_S

    assert len(outcomes) == 2
    assert {outcome.status for outcome in outcomes} <= {"terminated", "failed", "completed"}
    assert outcomes[0].calls == outcomes[1].calls
    assert all(call.status in ("ok", "cancelled") for call in outcomes[0].calls)
    await no_task_is_left()


async def bounded(awaitable: Any) -> None:
    with trio.fail_after(ANSWER_S):
        await awaitable


LOAD = [
    "await Promise.all(Array.from({ length: 100 }, () => tools.never()))",
    "for (;;) await Promise.all(Array.from({ length: 50 }, (_, i) => tools.echo({ i })))",
    "tools.never(); for (;;) {}",
    "for (let i = 0; ; i++) { store('k', i); text(i); await tools.answer() }",
    "tools.stubborn(); await tools.never()",
]


@pytest.mark.parametrize("closed", ["turn", "session", "service", "cancelled"])
async def test_twenty_cells_that_run_calls_are_ended_in_time(
    scene: Any, toolbox: Any, no_task_is_left: Any, *, closed: str
) -> None:
    outcomes: list[codemode.CellOutcome] = []
    began_s = 0.0
    with trio.CancelScope() as cancelled:
        async with scene("running") as there, trio.open_nursery() as nursery:
            async with contextlib.AsyncExitStack() as stack:
                turn = await stack.enter_async_context(there.session.open_turn())

                async def execute(source: str) -> None:
                    outcomes.append(await turn.run(source))

                for number in range(CELLS):
                    nursery.start_soon(execute, LOAD[number % len(LOAD)])
                await toolbox.until_asked(CELLS // len(LOAD), "stubborn")
                await toolbox.until_asked(CELLS // len(LOAD) * 100, "never")
                await toolbox.until_asked(1000)
                began_s = trio.current_time()
                match closed:
                    case "session":
                        await there.session.close()
                    case "cancelled":
                        cancelled.cancel()
                    case _:
                        pass
            if closed == "service":
                there.service.close()
    assert trio.current_time() - began_s < ANSWER_S
    if closed != "cancelled":
        assert [outcome.status for outcome in outcomes] == ["terminated"] * CELLS
        assert {call.status for outcome in outcomes for call in outcome.calls} == {"ok", "cancelled"}
    assert toolbox.open.total() == 0
    await no_task_is_left()


# ── at random ─────────────────────────────────────────────────────────────────────────────────────────────────

SOURCES = [
    "text(await tools.answer())",
    "await tools.never()",
    "await Promise.all(Array.from({ length: 50 }, () => tools.sleep({ ms: 100 })))",
    "for (;;) {}",
    "for (;;) await tools.answer()",
    "yield_control(); await tools.sleep({ ms: 50 }); text('after')",
    "tools.never(); text('left open')",
    "store('k', 1); console.log(load('k')); throw new Error('thrown')",
]
CANCELLATIONS = 240


@pytest.mark.parametrize("seed", [3])
async def test_hundreds_of_cancellations_at_random_moments_leave_nothing(
    open_lab: Any, toolbox: Any, no_task_is_left: Any, *, seed: int
) -> None:
    choose = random.Random(seed)
    cancelled = 0

    def deadline() -> float:
        return choose.choice([0, choose.uniform(0, 0.02), choose.uniform(0, 0.2)])

    async def in_a_scope(act: Callable[[], Any]) -> None:
        nonlocal cancelled
        with trio.move_on_after(deadline()) as scope:
            await act()
        cancelled += scope.cancelled_caught

    async def use(turn: codemode.Turn) -> None:
        async def execute() -> None:
            outcome = await turn.exec(choose.choice(SOURCES), yield_time_ms=choose.choice([0, 10, 10_000]))
            while outcome.status == "running":
                wait = choose.choice([10, 10_000])
                outcome = await turn.wait(
                    outcome.cell_id, yield_time_ms=wait, terminate=choose.random() < 0.2, until="output"
                )

        for _ in range(3):
            await in_a_scope(execute)

    async def converse(service: Any) -> None:
        async with service.open_session(toolbox.registry) as session:
            for _ in range(2):

                async def take_a_turn() -> None:
                    async with session.open_turn(on_end=choose.choice(["keep", "terminate"])) as turn:
                        await use(turn)

                # Its deadline is often over before those of the scopes in it.
                await in_a_scope(take_a_turn)

    with trio.fail_after(6 * ANSWER_S):
        async with open_lab(spares=2) as lab:
            while cancelled < CANCELLATIONS:
                async with trio.open_nursery() as nursery:
                    for _ in range(4):
                        nursery.start_soon(in_a_scope, lambda: converse(lab.service))
                    for _ in range(4):
                        nursery.start_soon(converse, lab.service)
            async with lab.service.open_session(toolbox.registry) as session, session.open_turn() as turn:
                await expect_alive(turn)

    assert toolbox.open.total() == 0, f"seed {seed}"
    await no_task_is_left()


# ── late results ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_result_that_comes_after_its_cell_was_settled_changes_nothing(
    open_lab: Any, toolbox: Any, no_task_is_left: Any
) -> None:
    gate, returned = trio.Event(), trio.Event()

    @toolbox.registry.tool
    async def stubborn() -> str:
        """Ignores its cancellation."""
        with trio.CancelScope(shield=True):
            await gate.wait()
        returned.set()
        return "late"

    async with (
        open_lab() as lab,
        lab.service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        with trio.fail_after(ANSWER_S):
            outcome = await turn.run("tools.stubborn(); tools.blocking(); text(await tools.answer())")
        told = len(lab.trace.entries)
        gate.set()
        toolbox.thread_gate.set()
        await returned.wait()
        await trio.testing.wait_all_tasks_blocked(0.05)
        again = await turn.wait(outcome.cell_id)
        answered_late = [entry for entry in lab.trace.entries[told:] if isinstance(entry.message, m.Answers)]
        await expect_alive(turn)

    assert [(call.tool, call.status) for call in outcome.calls] == [
        ("stubborn", "cancelled"),
        ("blocking", "cancelled"),
        ("answer", "ok"),
    ]
    assert again.calls == outcome.calls
    assert answered_late == []
    await no_task_is_left()


async def test_a_result_that_comes_after_its_session_was_closed_changes_nothing(
    open_lab: Any, toolbox: Any, no_task_is_left: Any, eventually: Any
) -> None:
    outcomes: list[codemode.CellOutcome] = []
    async with open_lab() as lab:
        threads = lambda: lab.service.statistics().threads  # noqa: E731 - said in one word below
        async with (
            lab.service.open_session(toolbox.registry) as session,
            session.open_turn() as turn,
            trio.open_nursery() as nursery,
        ):

            async def execute() -> None:
                outcomes.append(await turn.run("await tools.blocking()"))

            nursery.start_soon(execute)
            await eventually(lambda: threads() == 1)
            with trio.fail_after(ANSWER_S):
                await session.close()
            assert threads() == 1
        toolbox.thread_gate.set()
        await eventually(lambda: threads() == 0)

    assert [outcome.status for outcome in outcomes] == ["terminated"]
    assert [(call.tool, call.status) for call in outcomes[0].calls] == [("blocking", "cancelled")]
    await no_task_is_left()
