"""DESIGN.md 6: what exec takes, when it returns, and what its outcome holds for the host and for the model."""

from __future__ import annotations

import re
import statistics
from typing import Any

import pytest
import trio
import trio.testing

import codemode

FOR_EVER_MS = 3_600_000
HEADER = re.compile(r"(Script .+)\nWall time (\d+\.\d) seconds\nOutput:")


def header_of(outcome: codemode.CellOutcome) -> tuple[str, float]:
    """The header's first line and its wall time."""
    found = HEADER.fullmatch(outcome.content()[0].text)
    assert found, outcome.content()[0].text
    return found[1], float(found[2])


# ── what exec takes ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("arguments", ["text('said')", {"source": "text('said')"}])
async def test_exec_takes_the_source_free_form_or_as_an_object(session: Any, arguments: Any) -> None:
    reply = await session.call_tool("exec", arguments)

    assert not reply.is_error
    assert reply.outcome.status == "completed"
    assert reply.text.splitlines()[0] == "Script completed"
    assert reply.text.splitlines()[-1] == "said"


async def test_exec_takes_its_options_as_arguments(session: Any, turn: Any, soon: Any) -> None:
    with soon(20):
        reply = await session.call_tool(
            "exec",
            {"source": "text('x'.repeat(400)); await tools.never()", "yield_time_ms": 2000, "max_output_tokens": 10},
        )

    assert reply.outcome.status == "running"
    assert "90 tokens truncated" in reply.text


@pytest.mark.parametrize(
    ("tool", "options"),
    [
        ("exec", {"source", "yield_time_ms", "max_output_tokens"}),
        ("wait", {"cell_id", "session_id", "cell_ids", "yield_time_ms", "max_tokens", "terminate", "until"}),
        ("wait", {"output_id", "offset"}),
    ],
)
async def test_a_model_is_told_the_options(session: Any, tool: str, options: set[str]) -> None:
    [spec] = [spec for spec in session.tool_specs("mcp") if spec["name"] == tool]

    assert options <= set(spec["inputSchema"]["properties"])


async def test_wait_takes_its_options_as_arguments(session: Any, turn: Any, toolbox: Any, soon: Any) -> None:
    started = await turn.exec("await tools.gated(); text('x'.repeat(400)); await tools.never()", yield_time_ms=0)
    empty = await session.call_tool("wait", {"cell_id": started.cell_id, "yield_time_ms": 200})
    toolbox.gate.set()
    with soon(5):
        news = await session.call_tool("wait", {"cell_id": started.cell_id, "until": "output", "max_tokens": 10})
        ended = await session.call_tool("wait", {"cell_id": started.cell_id, "terminate": True})

    assert (empty.outcome.status, empty.outcome.items) == ("running", ())
    assert empty.outcome.wall_time_s >= 0.2
    assert "90 tokens truncated" in news.text
    assert ended.outcome.status == "terminated"


async def test_the_yield_time_is_10_s_by_default(
    mock_clock: trio.testing.MockClock, turn: codemode.Turn, toolbox: Any
) -> None:
    mock_clock.rate = 1
    seen: list[codemode.CellOutcome] = []

    async def exec_() -> None:
        seen.append(await turn.exec("text('said'); await tools.never()"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(exec_)
        await toolbox.until_asked(1)
        mock_clock.jump(6)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert seen == []
        mock_clock.jump(4)

    assert (seen[0].status, seen[0].text) == ("running", "said")


async def test_the_budget_is_10_000_tokens_by_default(turn: codemode.Turn) -> None:
    fits = await turn.exec("text('x'.repeat(40_000))")
    over = await turn.exec("text('x'.repeat(40_001))")

    assert fits.content()[1].text == "x" * 40_000
    assert over.content()[1].text.startswith("Warning: truncated output (original token count: 10001)\n")


# ── when it returns ───────────────────────────────────────────────────────────────────────────────────────────


async def test_exec_returns_when_the_cell_ends(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await turn.exec("text(await tools.answer())", yield_time_ms=FOR_EVER_MS)

    assert (outcome.status, outcome.text) == ("completed", "42")


async def test_exec_returns_when_the_script_calls_yield_control(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await turn.exec("text('a'); yield_control(); await tools.never()", yield_time_ms=FOR_EVER_MS)

    assert (outcome.status, outcome.text) == ("running", "a")


async def test_exec_returns_within_half_a_second_of_its_yield_time_even_if_the_script_spins(
    turn: codemode.Turn,
) -> None:
    await turn.run("text(1)")  # a worker stands ready now
    late = []
    for _ in range(5):
        outcome = await turn.exec("text('said'); for (;;) {}", yield_time_ms=300)
        await turn.wait(outcome.cell_id, terminate=True)
        assert (outcome.status, outcome.text) == ("running", "said")
        assert outcome.wall_time_s >= 0.3
        late.append(outcome.wall_time_s - 0.3)

    assert statistics.median(late) < 0.5


async def test_each_observation_returns_only_what_is_new(turn: codemode.Turn, toolbox: Any) -> None:
    first = await turn.exec(
        "text('a'); yield_control(); await tools.gated(); text('b'); yield_control(); await tools.never()"
    )
    toolbox.gate.set()
    second = await turn.wait(first.cell_id)
    third = await turn.wait(first.cell_id, yield_time_ms=0)
    fourth = await turn.wait(first.cell_id, terminate=True)

    seen = [(outcome.status, outcome.text) for outcome in (first, second, third, fourth)]
    assert seen == [("running", "a"), ("running", "b"), ("running", ""), ("terminated", "")]


async def test_wait_never_returns_empty_before_its_time(turn: codemode.Turn) -> None:
    started = await turn.exec("await tools.never()", yield_time_ms=0)
    for until in ("settled", "output"):
        outcome = await turn.wait(started.cell_id, yield_time_ms=300, until=until)
        assert (outcome.status, outcome.items) == ("running", ())
        assert outcome.wall_time_s >= 0.3


async def test_wait_until_output_returns_with_it_and_until_settled_does_not(
    turn: codemode.Turn, toolbox: Any, soon: Any
) -> None:
    started = await turn.exec("await tools.gated(); text('news'); await tools.never()", yield_time_ms=0)
    seen: dict[str, codemode.CellOutcome] = {}

    async def wait(until: Any, yield_time_ms: int) -> None:
        seen[until] = await turn.wait(started.cell_id, yield_time_ms=yield_time_ms, until=until)

    with soon():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait, "output", FOR_EVER_MS)
            nursery.start_soon(wait, "settled", 2000)
            await toolbox.until_asked(1, "gated")
            toolbox.gate.set()

    assert (seen["output"].status, seen["output"].text) == ("running", "news")
    assert (seen["settled"].status, seen["settled"].text) == ("running", "news")
    assert seen["settled"].wall_time_s >= 2


# ── the floor ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_host_can_set_a_floor_for_the_yield_time(toolbox: Any) -> None:
    async with (
        codemode.open_session(toolbox.registry, min_yield_time_ms=400) as session,
        session.open_turn() as turn,
    ):
        by_argument = await turn.exec("await tools.never()", yield_time_ms=1)
        by_pragma = await turn.exec('// @exec: {"yield_time_ms": 1}\nawait tools.never()')
        waited = await turn.wait(by_argument.cell_id, yield_time_ms=1)

    assert [outcome.status for outcome in (by_argument, by_pragma, waited)] == ["running"] * 3
    assert min(outcome.wall_time_s for outcome in (by_argument, by_pragma, waited)) >= 0.4


async def test_the_floor_delays_nothing_that_has_happened(toolbox: Any, soon: Any) -> None:
    async with (
        codemode.open_session(toolbox.registry, min_yield_time_ms=FOR_EVER_MS) as session,
        session.open_turn() as turn,
    ):
        with soon():
            ended = await turn.exec("text('end')", yield_time_ms=1)
            yielded = await turn.exec("yield_control(); await tools.never()", yield_time_ms=1)
            terminated = await turn.wait(yielded.cell_id, terminate=True, yield_time_ms=1)

    assert [outcome.status for outcome in (ended, yielded, terminated)] == ["completed", "running", "terminated"]


# ── what the outcome holds ────────────────────────────────────────────────────────────────────────────────────


async def test_the_header_says_how_it_stands_with_the_script(turn: codemode.Turn) -> None:
    completed = await turn.exec("text(1)")
    failed = await turn.exec("throw new Error('x')")
    running = await turn.exec("await tools.never()", yield_time_ms=0)
    terminated = await turn.wait(running.cell_id, terminate=True)

    assert [header_of(outcome)[0] for outcome in (completed, failed, running, terminated)] == [
        "Script completed",
        "Script failed",
        "Script running with cell ID 3",
        "Script terminated",
    ]
    assert {outcome.content()[0].type for outcome in (completed, failed, running, terminated)} == {"text"}


async def test_the_wall_time_is_that_of_this_call(turn: codemode.Turn) -> None:
    started = await turn.exec("await tools.never()", yield_time_ms=1100)
    waited = await turn.wait(started.cell_id, yield_time_ms=0)

    assert header_of(started)[1] >= 1.1
    assert header_of(waited)[1] < 1.0
    assert header_of(started)[1] == round(started.wall_time_s, 1)


def test_the_content_is_the_header_and_then_the_items(run: Any) -> None:
    outcome = run("text('a'); image('https://example.org/a.png'); text('b')")

    assert outcome.content()[1:] == list(outcome.items)
    assert [item.type for item in outcome.items] == ["text", "image", "text"]


def test_a_script_that_says_nothing_has_the_header_alone(run: Any) -> None:
    assert len(run("const quiet = 1").content()) == 1


async def test_items_are_what_the_script_emitted_whole_and_nothing_else(turn: codemode.Turn) -> None:
    outcome = await turn.exec(
        "text('x'.repeat(1000)); console.log('logged'); notify('n'); await tools.answer(); throw new Error('end')",
        max_output_tokens=1,
    )

    assert [item.text for item in outcome.items] == ["x" * 1000]


# ── the failure text ──────────────────────────────────────────────────────────────────────────────────────────


def test_after_a_failure_one_more_text_item_says_why(run: Any) -> None:
    outcome = run("text('said');\nconsole.log('first'); console.warn('last');\nthrow new RangeError('too far')")

    _, said, failure = outcome.content()
    lines = failure.text.splitlines()
    assert said.text == "said"
    assert lines[0] == "Script error:"
    assert lines[1:3] == ["RangeError: too far", "    at cell-1.js:3:7"]
    assert failure.text.index("first") < failure.text.index("last")


@pytest.mark.parametrize("script", ["text('said')", "text('said'); exit()"])
def test_a_script_that_completed_has_no_such_item(run: Any, script: str) -> None:
    assert [item.text for item in run(f"console.log('logged'); {script}").content()[1:]] == ["said"]


async def test_the_failure_text_holds_the_ledger() -> None:
    tools = codemode.ToolRegistry()

    @tools.tool
    async def good() -> None:
        """Finishes."""

    @tools.tool
    async def bad() -> None:
        """Fails."""
        raise RuntimeError("no")

    @tools.tool(max_concurrency=1)
    async def slow() -> None:
        """Never ends, and one runs at a time."""
        await trio.sleep_forever()

    async with codemode.open_session(tools) as session, session.open_turn() as turn:
        outcome = await turn.run("""
            await good(); await good(); await good();
            await tools.bad().catch(() => {});
            tools.slow(); tools.slow(); tools.slow();
            await sleep(50);
            throw new Error("end");
            import { good } from "tools.js";
        """)

    lines = outcome.content()[-1].text.splitlines()
    counts = {
        words: next(line for line in lines if words in line)
        for words in ("finished", "failed", "cancelled while running (effect unknown)", "never started")
    }
    assert re.search(r"\b3\b", counts["finished"])
    assert re.search(r"\b1\b", counts["failed"])
    assert re.search(r"\b1\b", counts["cancelled while running (effect unknown)"])
    assert re.search(r"\b2\b", counts["never started"])
    assert all(name in line for line, name in zip(counts.values(), ("good", "bad", "slow", "slow"), strict=True))
    assert [call.started_ms is None for call in outcome.calls[:4]] == [False] * 4
    assert sorted(call.started_ms is None for call in outcome.calls[4:]) == [False, True, True]


def test_the_ledger_names_at_most_20_calls_and_counts_all(run: Any) -> None:
    outcome = run("await Promise.all(Array.from({ length: 50 }, () => tools.add({ a: 1 }))); throw new Error('end')")

    failure = outcome.content()[-1].text
    assert re.search(r"finished\D+50\b", failure)
    assert len(re.findall(r"\badd\b", failure)) == 20


def test_the_ledger_of_an_outcome_is_in_the_order_in_which_calls_were_made(run: Any) -> None:
    outcome = run("await Promise.all([tools.sleep_for({ ms: 40 }), tools.add({ a: 1 }), tools.fail().catch(() => {})])")

    assert [(call.tool, call.status, call.code) for call in outcome.calls] == [
        ("sleep_for", "ok", None),
        ("add", "ok", None),
        ("fail", "error", "tool_failed"),
    ]
    assert all(0 <= call.started_ms <= call.ended_ms for call in outcome.calls)
