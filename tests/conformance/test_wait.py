"""DESIGN.md 6: wait on one cell and on several, terminate, cancellation, `stalled`, and the codes of a cell."""

from __future__ import annotations

import signal
import sys
from typing import Any

import pytest
import trio
import trio.testing

import codemode

FOR_EVER_MS = 3_600_000

# ── a finished cell stays answerable ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("script", ["text('once')", "text('once'); throw new Error('end')"])
async def test_a_second_wait_says_that_the_result_was_delivered_and_gives_it_again(
    turn: codemode.Turn, script: str
) -> None:
    first = await turn.exec(script)
    again = await turn.wait(first.cell_id)

    assert (again.status, again.items, again.error) == (first.status, first.items, first.error)
    assert "already delivered" in again.content()[0].text
    assert "already delivered" not in first.content()[0].text
    assert again.content()[1:] == first.content()[1:]


async def test_the_last_outcome_is_given_again_and_not_what_came_before_it(turn: codemode.Turn, toolbox: Any) -> None:
    started = await turn.exec("text('a'); yield_control(); await tools.gated(); text('b')")
    toolbox.gate.set()
    last = await turn.wait(started.cell_id)
    again = await turn.wait(started.cell_id)

    assert (started.text, last.text, again.text) == ("a", "b", "b")


async def test_a_later_turn_may_ask_for_a_finished_cell(session: codemode.Session) -> None:
    async with session.open_turn() as turn:
        first = await turn.exec("text('said')")
    async with session.open_turn() as later:
        assert (await later.wait(first.cell_id)).text == "said"


async def test_an_unknown_id_says_so_and_lists_the_live_cells(turn: codemode.Turn) -> None:
    await turn.run("text(1)")
    live = await turn.exec("await tools.never()", yield_time_ms=0)

    with pytest.raises(codemode.CellNotFound) as refused:
        await turn.wait("99")

    assert "99" in str(refused.value)
    assert live.cell_id in str(refused.value)
    assert tuple(refused.value.live) == (live.cell_id,)


async def test_a_model_that_gives_an_unknown_id_is_told_the_live_cells(session: Any, turn: codemode.Turn) -> None:
    live = await turn.exec("await tools.never()", yield_time_ms=0)
    reply = await session.call_tool("wait", {"cell_id": "99"})

    assert reply.is_error
    assert "99" in reply.text
    assert live.cell_id in reply.text


@pytest.mark.parametrize("key", ["cell_id", "session_id"])
async def test_a_model_waits_by_cell_id_or_by_its_older_name(
    session: Any, turn: codemode.Turn, toolbox: Any, key: str
) -> None:
    started = await turn.exec("text(await tools.gated({ name: 'done' }))", yield_time_ms=0)
    toolbox.gate.set()
    reply = await session.call_tool("wait", {key: started.cell_id, "yield_time_ms": 5000})

    assert not reply.is_error
    assert reply.text.splitlines()[0] == "Script completed"
    assert reply.text.splitlines()[-1] == "done"


async def test_a_model_terminates_by_wait(session: Any, turn: codemode.Turn) -> None:
    started = await turn.exec("await tools.never()", yield_time_ms=0)
    reply = await session.call_tool("wait", {"cell_id": started.cell_id, "terminate": True})

    assert reply.text.splitlines()[0] == "Script terminated"


async def test_the_yield_time_of_wait_is_10_s_by_default(
    mock_clock: trio.testing.MockClock, turn: codemode.Turn
) -> None:
    mock_clock.rate = 1
    started = await turn.exec("await tools.never()", yield_time_ms=0)
    seen: list[codemode.CellOutcome] = []

    async def wait() -> None:
        seen.append(await turn.wait(started.cell_id))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked(0.05)
        mock_clock.jump(6)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert seen == []
        mock_clock.jump(4)

    assert seen[0].status == "running"


async def test_the_budget_of_wait_is_10_000_tokens_by_default(turn: codemode.Turn, toolbox: Any) -> None:
    started = await turn.exec("await tools.gated(); text('x'.repeat(40_001))", yield_time_ms=0)
    toolbox.gate.set()
    outcome = await turn.wait(started.cell_id)

    assert outcome.content()[1].text.startswith("Warning: truncated output (original token count: 10001)\n")


# ── terminate ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("script", ["text('end')", "throw new Error('end')", "exit()"])
async def test_terminate_of_a_cell_that_has_ended_returns_how_it_ended(
    turn: codemode.Turn, soon: Any, script: str
) -> None:
    ended = await turn.exec(script)
    with soon():
        late = await turn.wait(ended.cell_id, terminate=True)

    assert (late.status, late.items, late.error) == (ended.status, ended.items, ended.error)


async def test_completion_beats_a_late_terminate(
    session: codemode.Session, turn: codemode.Turn, toolbox: Any, eventually: Any
) -> None:
    started = await turn.exec("await tools.gated(); text('done')", yield_time_ms=0)
    toolbox.gate.set()
    await eventually(lambda: session.live_cells == ())
    late = await turn.wait(started.cell_id, terminate=True)

    assert (late.status, late.text, late.error) == ("completed", "done", None)


SPINS: dict[str, str] = {
    "a loop": "for (;;) {}",
    "a loop in a microtask": "for (;;) await null",
    "a native builtin": "/(a+)+b/.test('a'.repeat(100)); for (;;) {}",
    "a loop that catches": "for (;;) { try { for (;;) {} } finally { continue } }",
    "a call that never answers": "await tools.never()",
    "a timer": "setInterval(() => {}, 1); await new Promise(() => {})",
    "much output": "for (;;) text('x'.repeat(1000)), await sleep(1)",
}


@pytest.mark.parametrize("script", SPINS.values(), ids=SPINS)
async def test_terminate_answers_within_1_5_s_whatever_the_script_does(
    turn: codemode.Turn, toolbox: Any, script: str
) -> None:
    started = await turn.exec(f"yield_control(); {script}")
    ended = await turn.wait(started.cell_id, terminate=True)

    assert started.status == "running"
    assert ended.status == "terminated"
    assert ended.error is not None
    assert ended.error.code == "terminated"
    assert ended.wall_time_s < 1.5
    assert toolbox.open["never"] == 0


async def test_terminate_answers_within_1_5_s_also_when_a_tool_does_not_heed_its_cancellation(
    turn: codemode.Turn, toolbox: Any, eventually: Any, lab: Any
) -> None:
    started = await turn.exec("await tools.blocking()", yield_time_ms=0)
    await eventually(lambda: lab.service.statistics().threads == 1)
    ended = await turn.wait(started.cell_id, terminate=True)
    toolbox.thread_gate.set()

    assert (ended.status, ended.wall_time_s < 1.5) == ("terminated", True)
    assert [(call.tool, call.status) for call in ended.calls] == [("blocking", "cancelled")]


# ── waits side by side, and cancelled ones ────────────────────────────────────────────────────────────────────


async def test_two_concurrent_waits_on_one_cell_share_the_outcome(turn: codemode.Turn, toolbox: Any, soon: Any) -> None:
    started = await turn.exec("text(await tools.gated({ name: 'shared' }))", yield_time_ms=0)
    seen: list[codemode.CellOutcome] = []

    async def wait() -> None:
        seen.append(await turn.wait(started.cell_id, yield_time_ms=FOR_EVER_MS))

    with soon():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked(0.05)
            toolbox.gate.set()

    assert [(outcome.status, outcome.text) for outcome in seen] == [("completed", "shared")] * 2


async def test_an_observation_whose_caller_was_cancelled_has_consumed_nothing(
    turn: codemode.Turn, toolbox: Any, soon: Any
) -> None:
    started = await turn.exec(
        "await tools.gated(); text('kept'); await tools.answer(); await tools.never()", yield_time_ms=0
    )
    with soon():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(turn.wait, started.cell_id)
            await toolbox.until_asked(1, "gated")
            toolbox.gate.set()
            await toolbox.until_asked(1, "never")
            nursery.cancel_scope.cancel()
        outcome = await turn.wait(started.cell_id, until="output")

    assert (outcome.status, outcome.text) == ("running", "kept")


async def test_cancelling_a_pending_exec_terminates_its_cell(
    session: codemode.Session, turn: codemode.Turn, toolbox: Any, soon: Any
) -> None:
    with soon():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(turn.exec, "text('said'); await tools.never()")
            await toolbox.until_asked(1)
            nursery.cancel_scope.cancel()
        outcome = await turn.wait("1")

    assert (outcome.status, outcome.text) == ("terminated", "said")
    assert toolbox.open["never"] == 0
    assert session.live_cells == ()


async def test_cancelling_a_wait_ends_that_observation_only(turn: codemode.Turn, toolbox: Any, soon: Any) -> None:
    started = await turn.exec("text(await tools.gated({ name: 'went on' }))", yield_time_ms=0)
    with trio.move_on_after(0.1):
        await turn.wait(started.cell_id, yield_time_ms=FOR_EVER_MS)
    toolbox.gate.set()
    with soon():
        outcome = await turn.wait(started.cell_id)

    assert (outcome.status, outcome.text) == ("completed", "went on")


# ── several cells ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_first_of_several_cells_that_changes_answers(turn: codemode.Turn, toolbox: Any, soon: Any) -> None:
    idle = await turn.exec("await tools.never()", yield_time_ms=0)
    busy = await turn.exec("text(await tools.gated({ name: 'first' }))", yield_time_ms=0)
    seen: list[codemode.CellOutcome] = []

    async def wait() -> None:
        seen.append(await turn.wait(cell_ids=[idle.cell_id, busy.cell_id], yield_time_ms=FOR_EVER_MS))

    with soon():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked(0.05)
            assert seen == []
            toolbox.gate.set()

    assert (seen[0].cell_id, seen[0].status, seen[0].text) == (busy.cell_id, "completed", "first")
    assert (await turn.wait(idle.cell_id, yield_time_ms=0)).status == "running"


async def test_several_cells_until_output(turn: codemode.Turn, toolbox: Any, soon: Any) -> None:
    idle = await turn.exec("await tools.never()", yield_time_ms=0)
    busy = await turn.exec("await tools.gated(); text('news'); await tools.never()", yield_time_ms=0)
    toolbox.gate.set()
    with soon():
        outcome = await turn.wait(cell_ids=[idle.cell_id, busy.cell_id], until="output", yield_time_ms=FOR_EVER_MS)

    assert (outcome.cell_id, outcome.status, outcome.text) == (busy.cell_id, "running", "news")


async def test_what_the_other_cells_said_is_not_consumed(turn: codemode.Turn, toolbox: Any, soon: Any) -> None:
    talking = await turn.exec("await tools.gated(); text('kept'); await tools.never()", yield_time_ms=0)
    ending = await turn.exec("await tools.gated(); await sleep(100); text('end')", yield_time_ms=0)
    toolbox.gate.set()
    with soon():
        first = await turn.wait(cell_ids=[talking.cell_id, ending.cell_id], yield_time_ms=FOR_EVER_MS)
        other = await turn.wait(talking.cell_id, until="output", yield_time_ms=FOR_EVER_MS)

    assert (first.cell_id, first.status, first.text) == (ending.cell_id, "completed", "end")
    assert (other.status, other.text) == ("running", "kept")


async def test_several_cells_that_do_not_change_answer_at_the_end_of_the_time(turn: codemode.Turn) -> None:
    cells = [(await turn.exec("await tools.never()", yield_time_ms=0)).cell_id for _ in range(2)]
    outcome = await turn.wait(cell_ids=cells, yield_time_ms=200)

    assert (outcome.status, outcome.cell_id in cells, outcome.items) == ("running", True, ())
    assert outcome.wall_time_s >= 0.2


async def test_an_unknown_id_among_several_is_refused(turn: codemode.Turn) -> None:
    live = await turn.exec("await tools.never()", yield_time_ms=0)

    with pytest.raises(codemode.CellNotFound, match="99"):
        await turn.wait(cell_ids=[live.cell_id, "99"])


async def test_a_model_waits_for_several_cells(session: Any, turn: codemode.Turn, toolbox: Any) -> None:
    cells = [
        (await turn.exec("await tools.never()", yield_time_ms=0)).cell_id,
        (await turn.exec("text(await tools.gated({ name: 'first' }))", yield_time_ms=0)).cell_id,
    ]
    toolbox.gate.set()
    reply = await session.call_tool("wait", {"cell_ids": cells})

    assert reply.outcome.cell_id == cells[1]
    assert reply.text.splitlines()[-1] == "first"


# ── stalled ───────────────────────────────────────────────────────────────────────────────────────────────────

STALLED: dict[str, str] = {
    "a promise that nothing settles": "await new Promise(() => {})",
    "after calls and timers are done": "await tools.answer(); await sleep(1); await new Promise(() => {})",
    "a timer that was cleared": "await new Promise((done) => { clearTimeout(setTimeout(done, 10)) })",
    "two that wait for each other": (
        "const a = (async () => { await null; await b })(), b = (async () => { await a })(); await b"
    ),
    "an abort that never comes": (
        "const { signal } = new AbortController();await new Promise((done) => signal.addEventListener('abort', done))"
    ),
}


@pytest.mark.parametrize("script", STALLED.values(), ids=STALLED)
async def test_a_script_whose_promise_can_never_settle_fails_at_once_as_stalled(
    turn: codemode.Turn, soon: Any, script: str
) -> None:
    with soon(5):
        outcome = await turn.exec(f"text('said'); {script}", yield_time_ms=FOR_EVER_MS)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.text) == ("failed", "stalled", "said")


NOT_STALLED: dict[str, str] = {
    "an open call": "await new Promise((done) => tools.sleep({ ms: 200 }).then(done))",
    "a timer": "await new Promise((done) => setTimeout(done, 200))",
    "an interval": "await new Promise((done) => { let n = 0; setInterval(() => ++n === 10 && done(), 5) })",
    "a signal's timeout": ("await new Promise((done) => AbortSignal.timeout(100).addEventListener('abort', done))"),
    "many awaits": "for (let i = 0; i < 100_000; i++) await null",
    "a dynamic import": "await import('tools.js'); await (await import('codemode')).sleep(10)",
    "as_settled": "for await (const one of as_settled([sleep(50), tools.answer()])) void one",
}


@pytest.mark.parametrize("script", NOT_STALLED.values(), ids=NOT_STALLED)
async def test_a_script_that_something_can_wake_is_not_stalled(turn: codemode.Turn, script: str) -> None:
    outcome = await turn.run(f"{script}; text('awake')")

    assert (outcome.status, outcome.text, outcome.error) == ("completed", "awake", None)


# ── the codes of a cell (those of limits: test_limits.py) ─────────────────────────────────────────────────────


CODES: dict[str, str] = {
    "script_error": "throw new Error('x')",
    "syntax_error": "const = 1",
    "module_not_found": "import 'nope.js'",
    "stalled": "await new Promise(() => {})",
}


@pytest.mark.parametrize(("code", "script"), CODES.items())
async def test_a_cell_that_fails_has_its_code_and_the_next_one_runs(
    turn: codemode.Turn, code: str, script: str
) -> None:
    outcome = await turn.run(script)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == ("failed", code)
    assert (await turn.run("text('alive')")).text == "alive"


async def test_a_worker_that_crashes_is_worker_crashed_and_what_was_said_is_kept(
    turn: codemode.Turn, lab: Any, toolbox: Any, soon: Any
) -> None:
    started = await turn.exec("text('said'); await tools.never()", yield_time_ms=0)
    await toolbox.until_asked(1)
    lab.signal_worker(signal.SIGKILL)
    with soon():
        ended = await turn.wait(started.cell_id)

    assert ended.error is not None
    assert (ended.status, ended.error.code) == ("failed", "worker_crashed")
    assert started.text + ended.text == "said"
    assert [(call.tool, call.status) for call in ended.calls] == [("never", "cancelled")]
    assert (await turn.run("text('alive')")).text == "alive"


async def test_no_worker_to_be_had_is_an_outcome_and_not_an_exception(
    monkeypatch: pytest.MonkeyPatch, soon: Any
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    async with codemode.open_session() as session, session.open_turn() as turn:
        with soon(30):
            outcome = await turn.run("text(1)")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.items) == ("failed", "worker_unavailable", ())
