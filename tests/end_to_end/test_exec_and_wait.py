"""exec and wait: when each returns, what each gives, how a cell ends, and what lives on from one script to the next."""

from __future__ import annotations

import signal
from typing import Any

import pytest
import trio
import trio.testing

import codemode

pytestmark = [pytest.mark.usefixtures("nothing_is_left"), pytest.mark.one_launcher]

FOR_EVER_MS = 3_600_000
"""A yield time that no test waits for."""
STILL_RUNNING = "await tools.never()"


def texts(outcome: codemode.CellOutcome) -> list[str]:
    return [item.text for item in outcome.items if item.type == "text"]


def seen(outcome: codemode.CellOutcome) -> tuple[str, list[str]]:
    return outcome.status, texts(outcome)


# ── when exec and wait return ─────────────────────────────────────────────────────────────────────────────────


async def test_exec_returns_when_its_yield_time_is_over_also_while_the_script_spins(
    turn: codemode.Turn, soon: Any
) -> None:
    await turn.run("1")  # the worker is there
    with soon():
        outcome = await turn.exec("text('before'); for (;;) {}", yield_time_ms=300)

    assert seen(outcome) == ("running", ["before"])
    assert outcome.error is None
    assert 0.3 <= outcome.wall_time_s < 2


async def test_a_script_that_ends_before_its_yield_time_gives_its_end(turn: codemode.Turn) -> None:
    assert seen(await turn.exec("text('done')", yield_time_ms=FOR_EVER_MS)) == ("completed", ["done"])


async def test_set_yield_time_beats_the_argument_in_both_directions(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        earlier = await turn.exec(f"set_yield_time(50); {STILL_RUNNING}", yield_time_ms=FOR_EVER_MS)
    later = await turn.exec(f"set_yield_time({FOR_EVER_MS}); text(await tools.sleep({{ ms: 300 }}))", yield_time_ms=200)

    assert earlier.status == "running"
    assert later.status == "completed"


async def test_yield_control_returns_the_pending_exec_and_the_script_goes_on(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        first = await turn.exec(
            "text('a'); yield_control(); text(await tools.gated({ name: 'b' })); yield_control();"
            "text(await tools.gated({ name: 'c' }))",
            yield_time_ms=FOR_EVER_MS,
        )
        await turn.run("await tools.open_gate()")
        second = await turn.wait(first.cell_id, yield_time_ms=FOR_EVER_MS)
        while second.status == "running":
            second_texts = texts(second)
            second = await turn.wait(first.cell_id, yield_time_ms=FOR_EVER_MS)
            assert second_texts in (["b"], [])

    assert seen(first) == ("running", ["a"])
    assert second.status == "completed"


async def test_wait_returns_when_its_time_is_over_and_not_before(turn: codemode.Turn) -> None:
    started = await turn.exec(STILL_RUNNING, yield_time_ms=0)

    outcome = await turn.wait(started.cell_id, yield_time_ms=200)

    assert seen(outcome) == ("running", [])
    assert outcome.wall_time_s >= 0.2


async def test_wait_until_output_returns_with_the_first_new_output(turn: codemode.Turn, soon: Any) -> None:
    started = await turn.exec(f"await tools.gated(); text('news'); {STILL_RUNNING}", yield_time_ms=0)
    seen_by_waiter: list[codemode.CellOutcome] = []

    async def wait() -> None:
        seen_by_waiter.append(await turn.wait(started.cell_id, until="output", yield_time_ms=FOR_EVER_MS))

    with soon():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked(0.05)
            assert seen_by_waiter == []
            await turn.run("await tools.open_gate()")

    assert seen(seen_by_waiter[0]) == ("running", ["news"])


async def test_each_observation_gives_only_what_is_new(turn: codemode.Turn, soon: Any) -> None:
    observed = [await turn.exec("for (let i = 0; ; i++) { text(i); await tools.sleep({ ms: 1 }) }", yield_time_ms=50)]
    with soon():
        for _ in range(5):
            observed.append(await turn.wait(observed[0].cell_id, until="output"))
        observed.append(await turn.wait(observed[0].cell_id, terminate=True))

    numbers = [int(text) for outcome in observed for text in texts(outcome)]
    assert len(numbers) >= 5
    assert numbers == list(range(len(numbers)))
    assert [outcome.status for outcome in observed] == ["running"] * 6 + ["terminated"]


# ── how a cell ends ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "spin",
    [
        "for (;;) {}",
        "for (;;) await null",
        "'a'.repeat(40).match(/(a+)+b/); for (;;) new Array(1000).fill(1).sort(() => 1)",
        "await tools.never()",
        "setInterval(() => {}, 1); await new Promise(() => {})",
        "for (;;) { try { for (;;) {} } finally { for (;;) {} } }",
    ],
)
async def test_terminate_answers_whatever_the_script_does(turn: codemode.Turn, soon: Any, spin: str) -> None:
    started = await turn.exec(f"text('said'); yield_control(); {spin}")
    with soon(3):
        ended = await turn.wait(started.cell_id, terminate=True)

    assert [seen(started), seen(ended)] == [("running", ["said"]), ("terminated", [])]
    assert ended.error == codemode.CellError("terminated", "the script was terminated")
    with soon():
        assert seen(await turn.run("text('alive')")) == ("completed", ["alive"])


async def test_terminate_cancels_and_joins_the_calls_that_are_open(turn: codemode.Turn, toolbox: Any) -> None:
    started = await turn.exec("await Promise.all([tools.never(), tools.never()])", yield_time_ms=0)
    await toolbox.until_asked(2)
    ended = await turn.wait(started.cell_id, terminate=True)

    assert [(call.tool, call.status, call.code) for call in ended.calls] == [("never", "cancelled", "cancelled")] * 2
    assert toolbox.open["never"] == 0


async def test_a_script_that_completed_is_not_terminated_by_a_late_terminate(turn: codemode.Turn, soon: Any) -> None:
    started = await turn.exec("yield_control(); text('done')")
    first = await turn.wait(started.cell_id)
    with soon():
        late = await turn.wait(started.cell_id, terminate=True)

    assert texts(started) + texts(first) == ["done"]
    assert (first.status, late.status) == ("completed", "completed")


async def test_waiting_for_a_finished_cell_gives_its_last_outcome_again_and_says_so(turn: codemode.Turn) -> None:
    first = await turn.run("text('once'); console.log('logged'); await tools.answer(); throw new Error('end')")
    again = await turn.wait(first.cell_id)

    assert not first.delivered_before
    assert again.delivered_before
    assert (again.status, again.items, again.error, again.calls, again.logs) == (
        first.status,
        first.items,
        first.error,
        first.calls,
        first.logs,
    )
    assert "already delivered" in again.header()


async def test_an_unknown_cell_is_refused_and_the_live_ones_are_named(turn: codemode.Turn) -> None:
    await turn.run("0")
    live = await turn.exec(STILL_RUNNING, yield_time_ms=0)

    with pytest.raises(codemode.CellNotFound) as refused:
        await turn.wait("99")

    assert (refused.value.cell_id, refused.value.live) == ("99", (live.cell_id,))
    assert str(refused.value) == "no cell has the id '99'; running cells: 2"


async def test_two_concurrent_waits_share_the_outcome(turn: codemode.Turn, soon: Any) -> None:
    started = await turn.exec("text(await tools.gated({ name: 'shared' }))", yield_time_ms=0)
    shared: list[codemode.CellOutcome] = []

    async def wait() -> None:
        shared.append(await turn.wait(started.cell_id, yield_time_ms=FOR_EVER_MS))

    with soon():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked(0.05)
            await turn.run("await tools.open_gate()")

    first, second = shared
    assert seen(first) == ("completed", ["shared"])
    assert second.items == first.items
    assert second.status == first.status


async def test_a_cancelled_observation_consumes_nothing(turn: codemode.Turn, toolbox: Any, soon: Any) -> None:
    started = await turn.exec(
        f"await tools.gated(); text('kept'); await tools.answer(); {STILL_RUNNING}", yield_time_ms=0
    )
    with soon():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(turn.wait, started.cell_id)
            await trio.testing.wait_all_tasks_blocked(0.05)
            toolbox.gate.set()
            await toolbox.until_asked(1, "never")  # what was said before it is with the host
            nursery.cancel_scope.cancel()
        outcome = await turn.wait(started.cell_id, until="output")

    assert seen(outcome) == ("running", ["kept"])


async def test_cancelling_a_pending_exec_terminates_its_cell(
    session: codemode.Session, turn: codemode.Turn, toolbox: Any, soon: Any
) -> None:
    with soon():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(turn.exec, "text('said'); await tools.never()")
            await toolbox.until_asked(1)
            nursery.cancel_scope.cancel()
        outcome = await turn.wait("1")

    assert seen(outcome) == ("terminated", ["said"])
    assert toolbox.open["never"] == 0
    assert session.live_cells == ()


async def test_exit_ends_the_script_as_completed_and_nothing_of_it_runs_afterwards(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        setTimeout(() => text("timer"), 0);
        tools.answer().then(() => text("answer"));
        try { text("before"); exit(); } catch { text("caught") } finally { text("finally") }
        text("after");
    """)

    assert seen(outcome) == ("completed", ["before"])
    assert seen(await turn.run("text('alive')")) == ("completed", ["alive"])


@pytest.mark.parametrize(
    ("limits", "source", "code"),
    [
        ({"max_cpu_s": 0.3}, "text('said'); for (;;) {}", "cpu_limit"),
        ({"max_cpu_s": 0.3}, "text('said'); for (;;) await null", "cpu_limit"),
        ({"max_wall_s": 2}, "text('said'); await tools.never()", "wall_limit"),
        ({"max_output_bytes": 100}, "text('said'); text('x'.repeat(100))", "output_limit"),
        ({"max_output_items": 1}, "text('said'); text('more')", "output_limit"),
        ({"max_calls": 2}, "text('said'); for (;;) await tools.answer()", "call_limit"),
        ({"max_timers": 2}, "text('said'); for (;;) setTimeout(() => {}, 1000)", "timer_limit"),
        ({"max_heap_bytes": 2**25}, "text('said'); const a = []; for (;;) a.push({ a })", "memory_limit"),
        ({"max_source_bytes": 10}, "text('a long script')", "source_too_large"),
    ],
)
async def test_a_limit_ends_the_cell_with_its_code_and_the_next_exec_answers(
    open_lab: Any, toolbox: Any, soon: Any, *, limits: dict[str, Any], source: str, code: str
) -> None:
    async with (
        open_lab(**limits) as lab,
        lab.service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        with soon():
            outcome = await turn.run(source)
            after = await turn.run("text(1)")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == ("failed", code)
    assert texts(outcome) == ([] if code == "source_too_large" else ["said"])
    if code != "source_too_large":
        assert seen(after) == ("completed", ["1"])


async def test_a_cell_more_than_may_live_fails_and_the_others_go_on(open_lab: Any, toolbox: Any) -> None:
    async with (
        open_lab(max_live_cells=1) as lab,
        lab.service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        first = await turn.exec("text(await tools.gated({ name: 'first' }))", yield_time_ms=0)
        refused = await turn.run("text(1)")
        toolbox.gate.set()
        ended = await turn.wait(first.cell_id)
        after = await turn.run("text(2)")

    assert refused.error is not None
    assert (refused.status, refused.error.code) == ("failed", "cell_limit")
    assert [seen(ended), seen(after)] == [("completed", ["first"]), ("completed", ["2"])]


async def test_a_script_that_nothing_can_wake_is_stalled_at_once(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await turn.run("text('said'); await new Promise(() => {})")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, texts(outcome)) == ("failed", "stalled", ["said"])
    assert seen(await turn.run("text('alive')")) == ("completed", ["alive"])


@pytest.mark.parametrize(
    "source",
    [
        "await new Promise((done) => setTimeout(done, 300))",
        "await new Promise((done) => tools.sleep({ ms: 300 }).then(done))",
        "for (let i = 0; i < 100_000; i++) await null",
        "await new Promise((done) => {"
        " let n = 0; const timer = setInterval(() => { if (++n === 20) { clearInterval(timer); done(); } }, 1) })",
        "await Promise.all(Array.from({ length: 500 }, (_, i) => i % 2 ? tools.answer() : sleep(1)))",
        "await new Promise((done) => tools.answer().finally(() => Promise.resolve().then(() => setTimeout(done, 1))))",
    ],
)
async def test_a_script_that_something_can_wake_is_never_called_stalled(turn: codemode.Turn, source: str) -> None:
    assert seen(await turn.run(f"{source}; text('awake')")) == ("completed", ["awake"])


# ── timers ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_timers_fire_in_the_order_of_their_times_and_then_of_their_making(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        const fired = [];
        setTimeout(() => fired.push("c"), 60);
        setTimeout(() => fired.push("a"), 5);
        setTimeout(() => fired.push("b"), 5);
        const cleared = setTimeout(() => fired.push("cleared"), 5);
        clearTimeout(cleared);
        setTimeout((...args) => fired.push(...args), 90, "d", "e");
        await sleep(200);
        text(fired.join());
    """)

    assert seen(outcome) == ("completed", ["a,b,c,d,e"])


async def test_a_pending_timer_does_not_keep_a_finished_script_alive(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await turn.run(f"setTimeout(() => text('late'), {FOR_EVER_MS}); text('end')")

    assert seen(outcome) == ("completed", ["end"])


@pytest.mark.parametrize(
    "callback", ["() => { throw new Error('in a timer') }", "async () => { throw new Error('in a timer') }"]
)
async def test_a_throw_in_a_timer_callback_fails_the_cell(turn: codemode.Turn, callback: str) -> None:
    outcome = await turn.run(f"setTimeout({callback}, 1); await tools.never()")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.error.message) == (
        "failed",
        "script_error",
        "Error: in a timer",
    )


# ── cells and their workers ───────────────────────────────────────────────────────────────────────────────────


async def test_cells_side_by_side_have_a_worker_each(turn: codemode.Turn, lab: Any) -> None:
    spinning = await turn.exec("for (;;) {}", yield_time_ms=0)
    beside = await turn.run("text('beside')")

    assert seen(beside) == ("completed", ["beside"])
    assert (await turn.wait(spinning.cell_id, yield_time_ms=0)).status == "running"
    assert len(set(lab.pids)) == 2


async def test_scripts_of_one_turn_share_a_worker_process_and_no_globals(turn: codemode.Turn, lab: Any) -> None:
    first = await turn.run(
        "globalThis.kept = 1; Array.prototype.kept = 1; Object.prototype.kept = 1; text(typeof kept)"
    )
    second = await turn.run("text(typeof kept); text(typeof [].kept); text(await tools.answer())")

    assert seen(first) == ("completed", ["number"])
    assert seen(second) == ("completed", ["undefined", "undefined", "42"])
    assert len(lab.pids) == 1


async def test_scripts_that_fail_share_the_worker_of_their_turn_too(turn: codemode.Turn, lab: Any) -> None:
    for source in ("throw new Error('x')", "this is not JavaScript", "import 'nope.js'", "await new Promise(() => {})"):
        assert (await turn.run(source)).status == "failed"

    assert seen(await turn.run("text(1)")) == ("completed", ["1"])
    assert len(lab.pids) == 1


async def test_no_worker_ever_serves_two_turns(session: codemode.Session, lab: Any) -> None:
    for _ in range(3):
        async with session.open_turn() as turn:
            assert seen(await turn.run("text(1)")) == ("completed", ["1"])

    assert len(set(lab.pids)) == 3


async def test_a_script_that_leaves_a_loop_behind_costs_its_worker_and_nothing_else(
    turn: codemode.Turn, lab: Any, soon: Any
) -> None:
    with soon():
        first = await turn.run("(async () => { await null; for (;;) await null })(); text('end')")
        second = await turn.run("text('next')")

    assert [seen(first), seen(second)] == [("completed", ["end"]), ("completed", ["next"])]
    assert len(lab.pids) == 2


async def test_calls_of_a_cell_that_yielded_are_served_while_nobody_waits(
    turn: codemode.Turn, toolbox: Any, soon: Any
) -> None:
    started = await turn.exec(
        "for (let i = 0; i < 50; i++) await tools.echo({ i }); await tools.open_gate(); text('done')", yield_time_ms=0
    )
    with soon():
        await toolbox.gate.wait()  # and nothing observes the cell
        outcome = await turn.wait(started.cell_id)

    assert started.status == "running"
    assert seen(outcome) == ("completed", ["done"])
    assert len(outcome.calls) == 51


async def test_by_default_the_end_of_a_turn_terminates_its_cells(session: codemode.Session, toolbox: Any) -> None:
    async with session.open_turn() as turn:
        started = await turn.exec("text('said'); await tools.never()", yield_time_ms=0)
        await toolbox.until_asked(1)
    async with session.open_turn() as later:
        outcome = await later.wait(started.cell_id)

    assert texts(started) + texts(outcome) == ["said"]
    assert outcome.status == "terminated"
    assert toolbox.open["never"] == 0


async def test_a_kept_cell_goes_on_and_a_later_turn_waits_for_it(
    session: codemode.Session, toolbox: Any, soon: Any
) -> None:
    async with session.open_turn(on_end="keep") as turn:
        started = await turn.exec("await tools.gated(); text(await tools.answer())", yield_time_ms=0)
    async with session.open_turn() as later:
        toolbox.gate.set()
        with soon():
            outcome = await later.wait(started.cell_id)

    assert seen(outcome) == ("completed", ["42"])


async def test_a_turn_that_has_ended_runs_nothing_more(session: codemode.Session) -> None:
    async with session.open_turn() as turn:
        pass

    with pytest.raises(codemode.ClosedError):
        await turn.run("text(1)")


@pytest.mark.parametrize(
    "wrong",
    [
        {"yield_time_ms": -1},
        {"yield_time_ms": "soon"},
        {"max_output_tokens": 1.5},
        {"source": b"text(1)"},
    ],
)
async def test_a_wrong_argument_is_the_callers_mistake_and_starts_nothing(
    session: codemode.Session, turn: codemode.Turn, wrong: dict[str, Any]
) -> None:
    with pytest.raises(codemode.UsageError):
        await turn.exec(**{"source": "text(1)", **wrong})

    assert session.live_cells == ()


# ── stored values and notes ───────────────────────────────────────────────────────────────────────────────────


async def test_stored_values_are_seen_by_later_cells_of_the_session_as_fresh_clones(session: codemode.Session) -> None:
    async with session.open_turn() as turn:
        await turn.run("store('a', { list: [1, 2] }); store('b', null); store('gone', 1); store('gone', undefined)")
    async with session.open_turn() as turn:
        outcome = await turn.run("""
            const first = load("a");
            first.list.push(3);
            text(JSON.stringify([load("a"), load("b"), load("gone"), load("never stored")]));
        """)

    assert seen(outcome) == ("completed", ['[{"list":[1,2]},null,null,null]'])


async def test_a_stored_value_reaches_a_cell_that_is_running(turn: codemode.Turn, soon: Any) -> None:
    started = await turn.exec(
        "while (load('flag') === undefined) await sleep(1); text(load('flag')); store('answer', 'seen')",
        yield_time_ms=0,
    )
    await turn.run("store('flag', 'up')")
    with soon():
        outcome = await turn.wait(started.cell_id)
        after = await turn.run("text(load('answer'))")

    assert [seen(outcome), seen(after)] == [("completed", ["up"]), ("completed", ["seen"])]


async def test_of_two_scripts_that_store_under_one_key_the_last_wins_for_both(turn: codemode.Turn, soon: Any) -> None:
    """Also for a script that was busy when the other stored, and heard of it after it had stored itself."""
    busy = await turn.exec(
        """yield_control(); const until = performance.now() + 1000; while (performance.now() < until);
        store("k", "busy"); await sleep(300); text(load("k"));"""
    )
    other = await turn.exec(
        """yield_control(); await sleep(300); store("k", "other");
        while (load("k") === "other") await sleep(5); text(load("k"));"""
    )
    with soon():
        seen_by = [await turn.wait(outcome.cell_id) for outcome in (busy, other)]
        after = await turn.run('text(load("k"))')

    assert [outcome.text for outcome in (*seen_by, after)] == ["busy"] * 3


async def test_a_value_that_was_stored_survives_failure_termination_and_a_crash(
    turn: codemode.Turn, lab: Any, toolbox: Any
) -> None:
    await turn.run("store('failed', 1); throw new Error('end')")
    spinning = await turn.exec("store('terminated', 2); text('stored'); for (;;) {}", yield_time_ms=200)
    await turn.wait(spinning.cell_id, terminate=True)
    crashing = await turn.exec("store('crashed', 3); await tools.never()", yield_time_ms=0)
    await toolbox.until_asked(1)
    lab.signal_worker(signal.SIGKILL)
    await turn.wait(crashing.cell_id)

    outcome = await turn.run("text([load('failed'), load('terminated'), load('crashed')].join())")

    assert seen(outcome) == ("completed", ["1,2,3"])


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("store('f', () => {})", "TypeError"),
        ("store('n', 1n)", "TypeError"),
        ("const a = []; a.push(a); store('cycle', a)", "TypeError"),
        ("store(1, 2)", "TypeError"),
        ("store('long', 'x'.repeat(2 ** 24 + 1))", "RangeError"),
    ],
)
async def test_what_cannot_be_stored_throws_and_leaves_what_was_there(
    turn: codemode.Turn, call: str, error: str
) -> None:
    outcome = await turn.run(f"store('f', 1); try {{ {call} }} catch (error) {{ text(error.name) }} text(load('f'))")

    assert seen(outcome) == ("completed", [error, "1"])


async def test_a_note_goes_to_the_host_at_once_and_not_to_the_output(open_lab: Any, toolbox: Any) -> None:
    notes: list[tuple[str, str]] = []
    async with (
        open_lab() as lab,
        lab.service.open_session(toolbox.registry, on_notify=lambda *note: notes.append(note)) as session,
        session.open_turn() as turn,
    ):
        started = await turn.exec("notify('half way'); await tools.never()", yield_time_ms=0)
        await toolbox.until_asked(1)
        before_the_end = list(notes)
        ended = await turn.wait(started.cell_id, terminate=True)

    assert before_the_end == [("1", "half way")]
    assert texts(started) + texts(ended) == []


async def test_the_console_goes_to_the_log_and_its_newest_part_is_kept(open_lab: Any, toolbox: Any) -> None:
    async with (
        open_lab(max_console_bytes=40) as lab,
        lab.service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        few = await turn.run("console.log('a', 1, { b: 2 }); console.warn('w'); console.error(new Map([[1, 2]]))")
        many = await turn.run("for (let i = 100; i < 200; i++) console.log(`${i}`)")

    assert few.logs == (
        codemode.LogEntry("log", "a 1 { b: 2 }"),
        codemode.LogEntry("warn", "w"),
        codemode.LogEntry("error", "Map(1) { 1 => 2 }"),
    )
    assert few.items == ()
    assert many.logs == tuple(codemode.LogEntry("log", str(i)) for i in range(190, 200))


# ── what a model sees ─────────────────────────────────────────────────────────────────────────────────────────


async def test_the_content_of_a_failure_says_what_the_script_said_why_it_failed_and_how_its_calls_went(
    turn: codemode.Turn,
) -> None:
    outcome = await turn.run(
        "text('said'); console.log('logged');\nawait tools.answer(); tools.never();\nthrow new Error('x')"
    )

    header, said, failure = outcome.content()
    assert isinstance(header, codemode.TextItem)
    assert header.text.splitlines()[0::2] == ["Script failed", "Output:"]
    assert said == codemode.TextItem("said")
    assert isinstance(failure, codemode.TextItem)
    assert failure.text.splitlines() == [
        "Script error:",
        "Error: x",
        "    at cell-1.js:3:7",
        "Console:",
        "[log] logged",
        "Calls:",
        "  finished: 1 (answer#1-1)",
        "  cancelled while running (effect unknown): 1 (never#1-2)",
    ]


async def test_the_output_budget_of_the_script_beats_the_argument(turn: codemode.Turn) -> None:
    outcome = await turn.run("set_max_output_tokens_per_exec_call(10); text('x'.repeat(1000))", max_output_tokens=500)

    assert texts(outcome) == ["x" * 1000]
    _, cut = outcome.content()
    assert isinstance(cut, codemode.TextItem)
    assert cut.text == (
        "Warning: truncated output (original token count: 250)\nTotal output lines: 1\n\n"
        f"{'x' * 20}…240 tokens truncated…{'x' * 20}"
    )


async def test_scripts_side_by_side_cannot_fill_the_store_beyond_what_a_session_may_hold(
    open_lab: Any, toolbox: Any
) -> None:
    """Each may have room for its own, as far as it knows. One value is kept, and later scripts run as ever."""
    fill = "try {{ store('k' + {}, 'x'.repeat(600)) }} catch (error) {{ text(error.name) }} await tools.gated()"
    async with (
        open_lab(max_store_bytes=1_000) as lab,
        lab.service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        begun = [await turn.exec(fill.format(i), yield_time_ms=0) for i in range(3)]
        await toolbox.until_asked(3, "gated")
        kept = await turn.run(
            "text([0, 1, 2].filter((i) => load('k' + i) !== undefined).length); await tools.open_gate()"
        )
        ended = [await turn.wait(cell.cell_id) for cell in begun]

    assert kept.text == "1"
    assert [cell.status for cell in ended] == ["completed"] * 3
    said = [line.text for cell in ended for line in cell.logs] + [cell.text for cell in ended if cell.text]
    assert len(said) == 2, "each of the others was told, by a RangeError or in its log"
    assert all("stored values would come to 12" in text or text == "RangeError" for text in said)
