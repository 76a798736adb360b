"""DESIGN.md 5, Helpers: stored values, yield time and control, the budget, notes, and exit."""

from __future__ import annotations

import signal
from typing import Any

import pytest
import trio

import codemode

FOR_EVER_MS = 3_600_000
"""A yield time that no test waits for."""
MIB = 1024 * 1024

# ── store and load ────────────────────────────────────────────────────────────────────────────────────────────

STORED: dict[str, tuple[str, list[str]]] = {
    "load gives undefined for what was never stored": ("text(load('never'))", ["undefined"]),
    "a value of each kind that JSON has": (
        """for (const value of [null, true, 1.5, "text", [1, [2]], { a: { b: [] } }]) {
             store("k", value); text(load("k")) }""",
        ["null", "true", "1.5", "text", "[1,[2]]", '{"a":{"b":[]}}'],
    ),
    "load gives a fresh clone": (
        """const value = { list: [1] }; store("k", value); value.list.push(2);
           const first = load("k"); first.list.push(3); text(load("k")); text(load("k") === load("k"))""",
        ['{"list":[1]}', "false"],
    ),
    "undefined removes the key": ("store('k', 1); store('k', undefined); text(load('k'))", ["undefined"]),
    "the last write wins": ("store('k', 1); store('k', 2); text(load('k'))", ["2"]),
    "a key like a name of Object.prototype is a key": (
        "text(load('constructor')); store('__proto__', { a: 1 }); text(load('__proto__')); text(load('toString'))",
        ["undefined", '{"a":1}', "undefined"],
    ),
    "a lone surrogate becomes U+FFFD": ("store('k', 'a\\ud800'); text(load('k') === 'a\\ufffd')", ["true"]),
}


@pytest.mark.parametrize(("script", "expected"), STORED.values(), ids=STORED)
def test_store_and_load(says: Any, script: str, expected: list[str]) -> None:
    assert says(script) == expected


NOT_STORABLE: dict[str, str] = {
    "a function": "() => 1",
    "a symbol": "Symbol('s')",
    "a bigint": "1n",
    "a cycle": "(() => { const a = {}; a.a = a; return a })()",
    "a Map": "new Map([[1, 2]])",
    "a Set": "new Set([1])",
    "a nested function": "{ f() {} }",
    "a nested Map": "{ map: new Map([[1, 2]]) }",
    "a promise": "Promise.resolve(1)",
}


@pytest.mark.parametrize("value", NOT_STORABLE.values(), ids=NOT_STORABLE)
def test_what_is_not_json_serializable_is_a_type_error_that_says_so(says: Any, value: str) -> None:
    name, message, kept = says(f"""
        store("k", "before");
        try {{ store("k", {value}); text("stored"); text("") }}
        catch (error) {{ text(error.name); text(error.message) }}
        text(load("k"));
    """)

    assert (name, kept) == ("TypeError", "before")
    assert "JSON" in message


async def test_over_the_cap_store_throws_a_range_error(toolbox: Any) -> None:
    async with (
        codemode.open_session(toolbox.registry, limits=codemode.Limits(max_store_bytes=1000)) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run("""
            store("a", "x".repeat(600));
            try { store("b", "y".repeat(600)) } catch (error) { text(error.name) }
            text(load("b"));
            store("a", undefined);
            store("b", "y".repeat(600));
            text(load("b").length);
        """)

    assert outcome.error is None
    assert [item.text for item in outcome.items] == ["RangeError", "undefined", "600"]


async def test_values_are_kept_across_exec_calls_and_turns_of_the_session(session: codemode.Session) -> None:
    async with session.open_turn() as turn:
        await turn.exec("store('k', { n: 1 })")
        second = await turn.exec("text(load('k'))")
    async with session.open_turn() as turn:
        third = await turn.exec("text(load('k'))")

    assert (second.text, third.text) == ('{"n":1}', '{"n":1}')


async def test_another_session_has_values_of_its_own(lab: Any, toolbox: Any) -> None:
    async with (
        lab.service.open_session(toolbox.registry) as one,
        lab.service.open_session(toolbox.registry) as other,
        one.open_turn() as turn,
        other.open_turn() as other_turn,
    ):
        await turn.run("store('k', 1)")
        outcome = await other_turn.run("text(load('k'))")

    assert outcome.text == "undefined"


async def test_a_value_survives_failure(turn: codemode.Turn) -> None:
    await turn.run("store('k', 1); throw new Error('end')")

    assert (await turn.run("text(load('k'))")).text == "1"


async def test_a_value_survives_termination_of_a_script_that_spins(turn: codemode.Turn) -> None:
    started = await turn.exec("store('k', 1); yield_control(); for (;;) {}")
    ended = await turn.wait(started.cell_id, terminate=True)

    assert ended.status == "terminated"
    assert (await turn.run("text(load('k'))")).text == "1"


async def test_a_value_survives_a_crash(turn: codemode.Turn, lab: Any, toolbox: Any) -> None:
    started = await turn.exec("store('k', 1); await tools.never()", yield_time_ms=0)
    await toolbox.until_asked(1)
    lab.signal_worker(signal.SIGKILL)
    crashed = await turn.wait(started.cell_id)

    assert crashed.error is not None
    assert crashed.error.code == "worker_crashed"
    assert (await turn.run("text(load('k'))")).text == "1"


async def test_a_value_is_seen_by_a_cell_started_while_its_own_still_runs(turn: codemode.Turn, toolbox: Any) -> None:
    started = await turn.exec("store('k', 1); await tools.gated()", yield_time_ms=0)
    await toolbox.until_asked(1, "gated")
    beside = await turn.run("text(load('k'))")
    toolbox.gate.set()

    assert beside.text == "1"
    assert (await turn.wait(started.cell_id)).status == "completed"


async def test_a_value_reaches_a_running_cell_as_soon_as_its_engine_is_idle(turn: codemode.Turn, toolbox: Any) -> None:
    waiting = await turn.exec("text(load('k')); await tools.gated(); text(load('k'))", yield_time_ms=0)
    await toolbox.until_asked(1, "gated")
    await turn.run("store('k', 'new')")
    toolbox.gate.set()
    ended = await turn.wait(waiting.cell_id)

    texts = [item.text for outcome in (waiting, ended) for item in outcome.items]
    assert texts == ["undefined", "new"]


async def test_the_last_write_wins_across_cells(turn: codemode.Turn, toolbox: Any) -> None:
    first = await turn.exec("store('k', 'first'); await tools.gated(); store('k', 'last')", yield_time_ms=0)
    await toolbox.until_asked(1, "gated")
    await turn.run("store('k', 'between')")
    between = await turn.run("text(load('k'))")
    toolbox.gate.set()
    await turn.wait(first.cell_id)

    assert between.text == "between"
    assert (await turn.run("text(load('k'))")).text == "last"


# ── set_yield_time and yield_control ──────────────────────────────────────────────────────────────────────────


async def test_set_yield_time_lets_exec_return_early_if_the_script_still_runs(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await turn.exec("text('a'); set_yield_time(100); await tools.never()", yield_time_ms=FOR_EVER_MS)

    assert (outcome.status, outcome.text) == ("running", "a")


async def test_after_set_yield_time_a_script_that_ends_before_it_gives_its_end(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await turn.exec(f"set_yield_time({FOR_EVER_MS}); text('end')")

    assert (outcome.status, outcome.text) == ("completed", "end")


@pytest.mark.parametrize("helper", ["yield_control", "detach"])
async def test_the_pending_exec_returns_now_and_the_script_goes_on(
    turn: codemode.Turn, toolbox: Any, soon: Any, helper: str
) -> None:
    with soon():
        first = await turn.exec(
            f"text('a'); {helper}(); text(await tools.gated({{ name: 'b' }}))", yield_time_ms=FOR_EVER_MS
        )
        toolbox.gate.set()
        second = await turn.wait(first.cell_id, yield_time_ms=FOR_EVER_MS)

    assert (first.status, first.text) == ("running", "a")
    assert (second.status, second.text) == ("completed", "b")


@pytest.mark.parametrize("helper", ["yield_control", "detach"])
async def test_the_pending_wait_returns_now_and_the_script_goes_on(
    turn: codemode.Turn, toolbox: Any, soon: Any, helper: str
) -> None:
    first = await turn.exec(f"await tools.gated(); text('b'); {helper}(); await tools.never()", yield_time_ms=0)
    seen: list[codemode.CellOutcome] = []

    async def wait() -> None:
        seen.append(await turn.wait(first.cell_id, yield_time_ms=FOR_EVER_MS))

    with soon():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await toolbox.until_asked(1, "gated")
            toolbox.gate.set()

    assert (seen[0].status, seen[0].text) == ("running", "b")


def test_detach_is_yield_control(says: Any) -> None:
    assert says("text(detach === yield_control)") == ["true"]


# ── the budget ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_budget_set_by_the_script_is_that_of_exec(turn: codemode.Turn) -> None:
    outcome = await turn.exec("set_max_output_tokens_per_exec_call(10); text('x'.repeat(400))")

    shown = outcome.content()[1].text
    assert "original token count: 100" in shown
    assert "90 tokens truncated" in shown


async def test_wait_uses_its_own_max_tokens(turn: codemode.Turn, toolbox: Any) -> None:
    started = await turn.exec(
        "set_max_output_tokens_per_exec_call(10); await tools.gated(); text('x'.repeat(400))", yield_time_ms=0
    )
    toolbox.gate.set()
    whole = await turn.wait(started.cell_id)
    cut = await turn.wait(started.cell_id, max_tokens=20)

    assert whole.content()[1].text == "x" * 400
    assert "80 tokens truncated" in cut.content()[1].text


# ── notify ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_note_reaches_the_host_at_once_and_is_not_in_the_cells_output(
    lab: Any, toolbox: Any, eventually: Any
) -> None:
    notes: list[str] = []
    async with (
        lab.service.open_session(toolbox.registry, on_notify=lambda _, note: notes.append(note)) as session,
        session.open_turn() as turn,
    ):
        started = await turn.exec("notify('half way'); notify({ done: 3 }); await tools.never()", yield_time_ms=0)
        await eventually(lambda: len(notes) == 2)
        ended = await turn.wait(started.cell_id, terminate=True)

    assert notes == ["half way", '{"done":3}']
    assert (started.items, ended.items) == ((), ())


# ── exit ──────────────────────────────────────────────────────────────────────────────────────────────────────

EXITS: dict[str, str] = {
    "ends the script as completed": "exit();",
    "cannot be caught": "try { exit() } catch { text('caught') }",
    "finally does not run": "try { exit() } finally { text('finally') }",
    "in a function": "(function f() { try { exit() } finally { text('finally') } })();",
    "in an async function": "await (async () => { try { await null; exit() } finally { text('finally') } })();",
    "in a timer": "setTimeout(() => { try { exit() } finally { text('finally') } }); await tools.never();",
    "in a microtask": "queueMicrotask(() => exit()); await tools.never();",
    "in a callback of sort": "[2, 1].sort(() => { try { exit() } catch { text('caught') } });",
    "in a getter": "({ get a() { try { exit() } finally { text('finally') } } }).a;",
    "in toJSON": "text({ toJSON() { exit() } });",
    "in a generator": "[...(function* () { try { yield exit() } finally { text('finally') } })()];",
    "in a promise's executor": "await new Promise(() => { exit() });",
    "after a call": "await tools.add({ a: 1 }); exit();",
    "with calls open": "tools.never(); tools.sleep_for({ ms: 50 }).then(() => text('later')); exit();",
}


@pytest.mark.parametrize("script", EXITS.values(), ids=EXITS)
def test_exit_ends_the_script_as_completed_and_nothing_of_it_runs_afterwards(says: Any, script: str) -> None:
    assert says(f"text('before'); {script} text('after')") == ["before"]


ENDED_BY_A_LIMIT: dict[str, tuple[dict[str, Any], str]] = {
    "output_limit": ({"max_output_bytes": 100}, "text('x'.repeat(200))"),
    "call_limit": ({"max_calls": 1}, "await tools.answer(); await tools.answer()"),
    "timer_limit": ({"max_timers": 1}, "setTimeout(() => {}, 10_000); setTimeout(() => {}, 10_000)"),
}


@pytest.mark.parametrize(("code", "limits", "script"), [(code, *case) for code, case in ENDED_BY_A_LIMIT.items()])
async def test_a_limit_that_ends_a_cell_cannot_be_caught_and_finally_does_not_run(
    toolbox: Any, code: str, limits: dict[str, Any], script: str
) -> None:
    async with (
        codemode.open_session(toolbox.registry, limits=codemode.Limits(**limits)) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run(
            f"text('before'); try {{ {script} }} catch {{ text('caught') }} finally {{ text('finally') }}"
        )

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.text) == ("failed", code, "before")
