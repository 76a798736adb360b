"""The main job: a script calls real tools from a real worker, and every call comes back with the right answer."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest
import trio

import codemode

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def texts(outcome: codemode.CellOutcome) -> list[str]:
    return [item.text for item in outcome.items if item.type == "text"]


def statuses(outcome: codemode.CellOutcome) -> list[tuple[str, str, str | None]]:
    return [(call.tool, call.status, call.code) for call in outcome.calls]


# ── many calls ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_script_calls_a_tool_and_emits_what_it_gives(turn: codemode.Turn) -> None:
    outcome = await turn.run('text(await tools.echo({city: "Oslo"}))')

    (call,) = outcome.calls
    assert call.started_ms is not None
    assert call.ended_ms is not None
    assert 0 <= call.started_ms <= call.ended_ms
    assert outcome == codemode.CellOutcome(
        cell_id="1",
        status="completed",
        items=(codemode.TextItem('{"city":"Oslo"}'),),
        error=None,
        wall_time_s=outcome.wall_time_s,
        calls=(codemode.CallRecord("1-1", "echo", "ok", None, call.started_ms, call.ended_ms),),
    )


async def test_twenty_thousand_calls_in_one_promise_all_come_back_with_the_right_values(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        import { echo } from "tools.js";
        const asked = Array.from({ length: 20_000 }, (_, i) => ({ i, text: "n" + i }));
        const given = await Promise.all(asked.map((each) => echo(each)));
        text(JSON.stringify(given) === JSON.stringify(asked));
        text(given.length);
    """)

    assert texts(outcome) == ["true", "20000"]
    assert outcome.status == "completed"
    assert len({call.call_id for call in outcome.calls}) == 20_000
    assert {call.status for call in outcome.calls} == {"ok"}


async def test_a_hundred_calls_that_sleep_run_together(turn: codemode.Turn) -> None:
    await turn.run("0")  # the worker is there
    began_s = time.monotonic()

    outcome = await turn.run("""
        const names = await Promise.all(Array.from({ length: 100 }, (_, i) => tools.sleep({ ms: 50, name: `${i}` })));
        text(names.join());
    """)

    assert time.monotonic() - began_s < 2.5, "one after another they take five seconds"
    assert texts(outcome) == [",".join(str(i) for i in range(100))]


async def test_calls_end_in_the_order_in_which_their_tools_do(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        const order = [];
        const slow = tools.sleep({ ms: 700, name: "slow" }).then((name) => order.push(name));
        order.push(await tools.sleep({ ms: 50, name: "fast" }));
        order.push(await tools.sleep({ ms: 100, name: "next" }));
        await slow;
        text(order.join());
    """)

    assert texts(outcome) == ["fast,next,slow"]


async def test_a_blocking_sync_tool_does_not_hold_an_async_one(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        const order = [];
        const blocked = tools.blocking().then((said) => order.push(said));
        order.push(await tools.answer());
        order.push(await tools.open_gate());  // which the blocked thread waits for
        await blocked;
        text(order.join());
    """)

    assert texts(outcome) == ["42,opened,unblocked"]


async def test_a_call_in_another_turn_is_not_held_by_a_script_that_spins(session: codemode.Session) -> None:
    async with session.open_turn() as first, session.open_turn() as second:
        spinning = await first.exec("for (;;) {}", yield_time_ms=0)
        outcome = await second.run("text(await tools.answer())")

        assert spinning.status == "running"
        assert texts(outcome) == ["42"]


async def test_more_calls_than_may_be_in_flight_wait_their_turn_and_all_complete(
    open_lab: Any, toolbox: Any, soon: Any
) -> None:
    async with (
        open_lab(max_calls_in_flight=4) as lab,
        lab.service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
        trio.open_nursery() as nursery,
    ):
        outcomes: list[codemode.CellOutcome] = []

        async def run() -> None:
            outcomes.append(
                await turn.run("""
                    const calls = Array.from({ length: 50 }, (_, i) => tools.gated({ name: `${i}` }));
                    text((await Promise.all(calls)).join());
                """)
            )

        nursery.start_soon(run)
        await toolbox.until_asked(4)
        most = toolbox.open["gated"]
        toolbox.gate.set()

    assert most == 4
    assert texts(outcomes[0]) == [",".join(str(i) for i in range(50))]


# ── failing calls ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_tool_that_raises_rejects_with_a_tool_error_that_says_everything(turn: codemode.Turn) -> None:
    outcome = await turn.run(
        """try {
  await tools.fail();
} catch (error) {
  const { name, message, code, tool, callId } = error;
  text(JSON.stringify({ name, message, code, tool, callId, isError: error instanceof Error }));
  text(error.stack);
}"""
    )

    said, stack = texts(outcome)
    assert said == (
        '{"name":"ToolError","message":"RuntimeError: it went wrong","code":"tool_failed",'
        '"tool":"fail","callId":"1-1","isError":true}'
    )
    assert stack == "ToolError: RuntimeError: it went wrong\n    at async cell-1.js:2:3"
    assert statuses(outcome) == [("fail", "error", "tool_failed")]


async def test_the_siblings_of_a_failing_call_complete(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        const calls = [tools.echo({ a: 1 }), tools.fail(), tools.sleep({ ms: 20, name: "b" })];
        const settled = await Promise.allSettled(calls);
        text(settled.map((each) => each.status + " " + JSON.stringify(each.value ?? each.reason.code)).join("; "));
    """)

    assert texts(outcome) == ['fulfilled {"a":1}; rejected "tool_failed"; fulfilled "b"']
    assert statuses(outcome) == [("echo", "ok", None), ("fail", "error", "tool_failed"), ("sleep", "ok", None)]


async def test_a_failed_call_that_nobody_catches_fails_the_script_at_its_line(turn: codemode.Turn) -> None:
    outcome = await turn.run("// one\nasync function ask() {\n  return await tools.fail();\n}\nawait ask();")

    assert outcome.status == "failed"
    assert outcome.error == codemode.CellError(
        "script_error",
        "ToolError: RuntimeError: it went wrong",
        "ToolError: RuntimeError: it went wrong\n    at async ask (cell-1.js:3:10)\n    at async cell-1.js:5:1",
        3,
        10,
    )


async def test_a_failed_call_that_nobody_awaited_is_in_the_ledger_and_harms_nothing(
    turn: codemode.Turn, toolbox: Any
) -> None:
    outcome = await turn.run("tools.fail(); text(await tools.sleep({ ms: 30, name: 'after' }))")

    assert (outcome.status, texts(outcome)) == ("completed", ["after"])
    assert statuses(outcome) == [("fail", "error", "tool_failed"), ("sleep", "ok", None)]


@pytest.mark.parametrize(
    ("call", "code", "says"),
    [
        ("tools.slep({ ms: 1 })", "tool_not_found", "sleep"),
        ("tools.sleep({ ms: 'soon' })", "invalid_arguments", "ms"),
        ("tools.sleep({ ms: 1, colour: 'red' })", "invalid_arguments", "colour"),
        ("tools.sleep('soon')", "invalid_arguments", "one argument, an object"),
    ],
)
async def test_a_call_that_cannot_be_made_rejects_and_says_why(
    turn: codemode.Turn, call: str, code: str, says: str
) -> None:
    outcome = await turn.run(f"try {{ await {call} }} catch (error) {{ text(error.code); text(error.message) }}")

    said_code, message = texts(outcome)
    assert said_code == code
    assert says in message


async def test_a_call_left_open_at_the_end_is_cancelled_and_joined_and_in_the_ledger(
    turn: codemode.Turn, toolbox: Any
) -> None:
    outcome = await turn.run("tools.never(); tools.never(); await tools.answer(); text('end')")

    assert (outcome.status, texts(outcome)) == ("completed", ["end"])
    assert statuses(outcome) == [
        ("never", "cancelled", "cancelled"),
        ("never", "cancelled", "cancelled"),
        ("answer", "ok", None),
    ]
    assert all(call.ended_ms is not None for call in outcome.calls)
    assert toolbox.open["never"] == 0


async def test_a_call_whose_signal_aborts_is_cancelled_and_its_tool_with_it(turn: codemode.Turn, toolbox: Any) -> None:
    # A signal is whatever behaves as one.
    outcome = await turn.run("""
        let abort;
        const signal = { aborted: false, addEventListener: (_, then) => { abort = then; } };
        const call = tools.never({}, { signal }).catch((error) => error.code);
        await tools.answer();
        abort();
        text(await call);
    """)

    assert texts(outcome) == ["cancelled"]
    assert toolbox.open["never"] == 0


# ── large values ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_result_of_four_megabytes_arrives_whole(turn: codemode.Turn) -> None:
    size = 4 * 1024 * 1024
    outcome = await turn.run(f"""
        const given = await tools.big({{ size: {size} }});
        let right = given.length === {size};
        for (let i = 0; i < given.length; i++) right &&= given.charCodeAt(i) === 97 + i % 26;
        text(right);
        text(given);
    """)

    right, given = texts(outcome)
    assert right == "true"
    assert given == "".join(chr(97 + i % 26) for i in range(size))


async def test_a_result_that_is_too_large_rejects_and_the_script_goes_on(open_lab: Any, toolbox: Any) -> None:
    async with (
        open_lab(max_result_bytes=1000) as lab,
        lab.service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run("""
            try { await tools.big({ size: 1001 }) } catch (error) { text(error.code) }
            text((await tools.big({ size: 900 })).length);
        """)

    assert texts(outcome) == ["result_too_large", "900"]


async def test_text_of_every_kind_crosses_unchanged_in_both_directions(turn: codemode.Turn) -> None:
    outcome = await turn.run(r"""
        const given = { nul: "a\0b", astral: "😀", lines: "\u2028\r\n", quotes: "\"'`\\" };
        const back = await tools.echo(given);
        text(JSON.stringify(back) === JSON.stringify(given));
        text(given.nul + given.astral + given.lines + given.quotes);
        text("a\ud800b");
        text((await tools.echo({ lone: "\ud800" })).lone);
    """)

    assert texts(outcome) == ["true", "a\0b😀\u2028\r\n\"'`\\", "a\ufffdb", "\ufffd"]


# ── what dies ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_memory_bomb_ends_as_memory_limit_with_what_was_said_before_it_kept(session: codemode.Session) -> None:
    found = []
    for _ in range(20):
        async with session.open_turn() as turn:
            outcome = await turn.run("text('start'); 'a'.repeat(2**27).match(/a/g)")
            found.append((outcome.status, outcome.error and outcome.error.code, texts(outcome)))

    assert found == [("failed", "memory_limit", ["start"])] * 20


async def test_a_worker_that_is_killed_in_the_middle_of_forty_calls_fails_its_cell_and_the_next_exec_answers(
    turn: codemode.Turn, toolbox: Any, lab: Any, soon: Any
) -> None:
    outcomes: list[codemode.CellOutcome] = []

    async def run() -> None:
        outcomes.append(
            await turn.run("text('before'); await Promise.all(Array.from({ length: 40 }, () => tools.never()))")
        )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await toolbox.until_asked(40)
        assert toolbox.open["never"] == 40
        lab.signal_worker(signal.SIGKILL)
        killed_s = time.monotonic()
    answered_s = time.monotonic()

    (outcome,) = outcomes
    assert answered_s - killed_s < 1
    assert (outcome.status, texts(outcome)) == ("failed", ["before"])
    assert outcome.error == codemode.CellError("worker_crashed", "the worker was killed by SIGKILL", exit_status=-9)
    assert statuses(outcome) == [("never", "cancelled", "cancelled")] * 40
    assert toolbox.open["never"] == 0
    with soon():
        assert texts(await turn.run("text('alive')")) == ["alive"]


async def test_a_closed_service_leaves_no_task_process_or_descriptor(
    toolbox: Any, open_lab: Any, hosts_tasks: Any, soon: Any
) -> None:
    before = hosts_tasks()

    async with open_lab() as lab, lab.service.open_session(toolbox.registry) as session:
        async with session.open_turn(on_end="keep") as turn:
            await turn.exec("for (;;) {}", yield_time_ms=0)
            await turn.exec("await tools.never()", yield_time_ms=0)
            await turn.run("text(1)")
            await toolbox.until_asked(1, "never")
        assert len(lab.pids) == 3
        assert hosts_tasks() > before

    assert hosts_tasks() == before
    assert toolbox.open["never"] == 0


async def test_a_closed_service_leaves_nothing_of_what_a_crash_in_the_block_left_open(
    toolbox: Any, open_lab: Any, hosts_tasks: Any
) -> None:
    before = hosts_tasks()

    with pytest.raises(ZeroDivisionError):
        async with (
            open_lab() as lab,
            lab.service.open_session(toolbox.registry) as session,
            session.open_turn() as turn,
        ):
            await turn.exec("for (;;) await tools.sleep({ ms: 1 })", yield_time_ms=0)
            raise ZeroDivisionError

    assert hosts_tasks() == before
