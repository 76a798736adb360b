"""What a script finds around it, through a real worker: signals, randomness, outcomes as they come, and its own end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import trio
from py_mini_racer import MiniRacer

import codemode

pytestmark = [pytest.mark.usefixtures("nothing_is_left"), pytest.mark.one_launcher]


def texts(outcome: codemode.CellOutcome) -> list[str]:
    assert outcome.error is None, outcome.error
    return [item.text for item in outcome.items if item.type == "text"]


def code(outcome: codemode.CellOutcome) -> str:
    assert outcome.error is not None
    return outcome.error.code


# ── the global ────────────────────────────────────────────────────────────────────────────────────────────────

ADDED = {
    "ALL_TOOLS", "AbortController", "AbortSignal", "DOMException", "Event", "EventTarget", "TextDecoder",
    "TextEncoder", "URL", "URLSearchParams", "as_settled", "atob", "audio", "btoa", "clearInterval", "clearTimeout",
    "content", "crypto", "describe_tool", "detach", "exit", "image", "load", "notify", "output_audio",
    "output_content", "output_image", "output_text", "performance", "queueMicrotask", "search_tools", "setInterval",
    "setTimeout", "set_max_output_tokens_per_exec_call", "set_yield_time", "sleep", "store", "structuredClone",
    "text", "tools", "yield_control",
}  # fmt: skip
TAKEN_AWAY = ["Atomics", "SharedArrayBuffer", "WebAssembly", "FinalizationRegistry"]


async def test_the_global_is_that_of_the_language_with_what_is_promised_and_nothing_else(turn: codemode.Turn) -> None:
    bare = MiniRacer()
    language = str(bare.eval("Object.getOwnPropertyNames(globalThis).join()")).split(",")
    bare.close()

    outcome = await turn.run("text(Object.getOwnPropertyNames(globalThis).join())")

    mini_racers_own = {"__timer_manager", "setTimeout", "clearTimeout"}
    expected = {*language} - mini_racers_own - {*TAKEN_AWAY} | ADDED
    assert sorted(texts(outcome)[0].split(",")) == sorted(expected)


async def test_the_modern_globals_work_in_a_fenced_worker(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        text(new URL("../b?q=1", "http://u:p@example.org:8080/a/c#f").href);
        text(new TextDecoder().decode(new TextEncoder().encode("é😀")) + atob(btoa("x")));
        text(structuredClone({ m: new Map([[1, new Date(0)]]) }));
        const before = performance.now(); await sleep(30); text(performance.now() - before >= 20);
        text(await new Promise((resolve) => queueMicrotask(() => resolve("micro"))));
        text(new DOMException("m", "AbortError") instanceof Error);
    """)

    assert texts(outcome) == [
        "http://u:p@example.org:8080/b?q=1",
        "é😀x",
        "{ m: Map(1) { 1 => 1970-01-01T00:00:00.000Z } }",
        "true",
        "micro",
        "true",
    ]


# ── randomness ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_no_two_cells_share_their_randomness(lab: Any) -> None:
    drawn = "text([crypto.randomUUID(), crypto.getRandomValues(new Uint32Array(4)).join(), Math.random()].join('|'))"
    seen: list[str] = []
    async with lab.service.open_session() as session:
        for _ in range(4):  # each turn has a forked worker, each of its cells an engine
            async with session.open_turn() as turn:
                seen += [texts(await turn.run(drawn))[0] for _ in range(2)]

    parts = [part for line in seen for part in line.split("|")]
    assert len({*parts}) == len(parts) == 24


# ── signals ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_abort_controller_cancels_a_call_its_tool_and_nothing_else(turn: codemode.Turn, toolbox: Any) -> None:
    outcome = await turn.run("""
        const controller = new AbortController();
        const call = tools.never({}, { signal: controller.signal });
        const sibling = tools.answer({}, { signal: controller.signal });
        text(await sibling);
        controller.abort();
        try { await call } catch (error) { text([error.name, error.code, error.tool].join()) }
    """)

    assert texts(outcome) == ["42", "ToolError,cancelled,never"]
    assert [(call.tool, call.status) for call in outcome.calls] == [("never", "cancelled"), ("answer", "ok")]
    assert toolbox.open["never"] == 0


@pytest.mark.parametrize(
    "signal", ["AbortSignal.abort()", "AbortSignal.timeout(30)", "AbortSignal.any([AbortSignal.timeout(30)])"]
)
async def test_every_way_to_make_a_signal_cancels_a_call(turn: codemode.Turn, signal: str, soon: Any) -> None:
    with soon():
        outcome = await turn.run(f"""
            try {{ await tools.never({{}}, {{ signal: {signal} }}) }} catch (error) {{ text(error.code) }}
        """)

    assert texts(outcome) == ["cancelled"]
    assert [call.status for call in outcome.calls] == ["cancelled"]


async def test_a_timeout_wakes_a_script_that_nothing_else_would(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await turn.run("""
            const signal = AbortSignal.timeout(50);
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
            text(signal.reason);
        """)

    assert texts(outcome) == ["TimeoutError: The operation was aborted due to timeout"]


async def test_a_timeout_keeps_no_finished_script(
    turn: codemode.Turn, soon: Callable[..., AbstractContextManager[trio.CancelScope]]
) -> None:
    with soon():
        outcome = await turn.run("AbortSignal.timeout(3_600_000); text('done');")

    assert texts(outcome) == ["done"]


async def test_many_calls_under_one_signal_are_all_cancelled(turn: codemode.Turn, soon: Any) -> None:
    with soon(30):
        outcome = await turn.run("""
            const controller = new AbortController(), { signal } = controller;
            const calls = Array.from({ length: 3000 }, () => tools.never({}, { signal }).catch((error) => error.code));
            await sleep(50);
            controller.abort();
            text([...new Set(await Promise.all(calls))].join());
        """)

    assert texts(outcome) == ["cancelled"]


# ── as_settled ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_as_settled_gives_what_comes_first_first(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        const calls = [tools.gated(), tools.answer(), tools.fail(), tools.sleep({ ms: 20 })];
        for await (const { index, status, reason } of as_settled(calls)) {
            text([index, status, reason?.code].join());
            if (index === 3) tools.open_gate();
        }
    """)

    assert sorted(texts(outcome)[:2]) == ["1,fulfilled,", "2,rejected,tool_failed"]
    assert texts(outcome)[2:] == ["3,fulfilled,", "0,fulfilled,"]


# ── stalled: at once where nothing can wake the script, and never else ────────────────────────────────────────


@pytest.mark.parametrize(
    "source",
    [
        "for await (const o of as_settled([tools.sleep({ ms: 100 }), sleep(150), 1])) text(o.index);",
        "for (let i = 0; i < 50; i++) for await (const o of as_settled([tools.answer()])) await null; text('end');",
        "const [m, o] = await Promise.all([import('tools.js'), import('codemode')]); text(await m.answer());",
        "for (let i = 0; i < 50; i++) { const { answer } = await import('tools.js'); await answer(); } text('end');",
        "await import('nope.js').catch(() => sleep(50)); text('end');",
        "const s = AbortSignal.timeout(80); await new Promise((f) => { s.onabort = f; }); text('end');",
        "const s = AbortSignal.any([AbortSignal.timeout(80)]); await new Promise((f) => (s.onabort = f)); text('end');",
        "const c = new AbortController(); setTimeout(() => c.abort(), 60);"
        "await tools.never({}, { signal: c.signal }).catch(() => {}); text('end');",
        "await new Promise((f) => queueMicrotask(() => setTimeout(() => queueMicrotask(f), 50))); text('end');",
        "for (let i = 0; i < 1e6; i++) await null; text('end');",
    ],
)
async def test_a_script_that_something_will_wake_is_never_stalled(turn: codemode.Turn, source: str, soon: Any) -> None:
    with soon(30):
        outcome = await turn.run(source)

    assert (outcome.status, outcome.error) == ("completed", None)


@pytest.mark.parametrize(
    "source",
    [
        "await new Promise(() => {});",
        "for await (const o of as_settled([1, new Promise(() => {})])) text(o.index);",
        "await new Promise((f) => { new AbortController().signal.onabort = f; });",
        "const s = AbortSignal.timeout(20); await new Promise((f) => { s.onabort = f; }); await new Promise(() => {});",
        "await import('tools.js'); await new Promise(() => {});",
    ],
)
async def test_a_script_that_nothing_can_wake_is_stalled_at_once(turn: codemode.Turn, source: str, soon: Any) -> None:
    with soon():
        outcome = await turn.run(source)

    assert code(outcome) == "stalled"


# ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "place",
    [
        "setTimeout(() => exit(), 1); await sleep(1000);",
        "setInterval(() => exit(), 1); await sleep(1000);",
        "setTimeout(async () => { await null; exit(); }, 1); await sleep(1000);",
        "AbortSignal.timeout(1).onabort = () => exit(); await sleep(1000);",
        "queueMicrotask(() => exit()); await sleep(1000);",
        "for await (const o of as_settled([sleep(1), sleep(2)])) exit();",
        "[2, 1].sort(() => exit());",
        "text({ toJSON() { exit(); } });",
        "await tools.answer(); exit();",
        "await tools.answer({ get a() { exit(); } });",
        "for (const x of (function* () { try { yield 1; } finally { exit(); } })()) break;",
    ],
)
async def test_nothing_runs_after_exit_wherever_it_is_called(turn: codemode.Turn, place: str, soon: Any) -> None:
    with soon():
        outcome = await turn.run(f"""
            text("begun");
            setTimeout(() => text("a timer"), 40);
            try {{ {place} text("went on"); }} catch (error) {{ text("caught"); }} finally {{ text("finally"); }}
        """)
        after = await turn.run("await sleep(60); text('the next')")

    assert (outcome.status, texts(outcome)) == ("completed", ["begun"])
    assert texts(after) == ["the next"]


@pytest.mark.parametrize(
    "source",
    [
        "queueMicrotask(() => { throw new TypeError('mine'); }); await sleep(1000);",
        "const t = new EventTarget(); t.addEventListener('x', () => { throw new TypeError('mine'); });\n"
        "setTimeout(() => t.dispatchEvent(new Event('x')), 1); await sleep(1000);",
        "AbortSignal.timeout(1).onabort = () => { throw new TypeError('mine'); }; await sleep(1000);",
    ],
)
async def test_a_callback_that_throws_fails_the_cell_and_shows_the_scripts_frames_alone(
    turn: codemode.Turn, source: str
) -> None:
    outcome = await turn.run(source)

    assert outcome.error is not None
    assert (code(outcome), outcome.error.message, outcome.error.line) == ("script_error", "TypeError: mine", 1)
    assert outcome.error.stack is not None
    assert all("cell-1.js" in line for line in outcome.error.stack.splitlines()[1:])


# ── what the model was not told ───────────────────────────────────────────────────────────────────────────────


async def test_tools_are_found_described_and_called(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        const [found] = search_tools("read file");
        text(found);
        text(describe_tool(found.name).includes("files__read"));
        text(await tools[found.name]({ path: "p" }));
        try { describe_tool("answr") } catch (error) { text([error.name, error.code, error.message].join()) }
        text(search_tools("").length === Math.min(20, ALL_TOOLS.length));
    """)

    assert texts(outcome) == [
        '{"name":"files__read","module":"tools/files.js","description":"Reads a file."}',
        "true",
        "the text of p",
        'ToolError,tool_not_found,no tool is named "answr"; did you mean "answer"?',
        "true",
    ]


async def test_cleared_timers_shared_values_and_calls_at_the_end_of_the_stack_end_no_worker(
    turn: codemode.Turn,
) -> None:
    outcome = await turn.run("""
        let timer; for (let i = 0; i < 400_000; i++) { clearTimeout(timer); timer = setTimeout(() => {}, 60_000); }
        const nodes = Array.from({ length: 40 }, (_, id) => ({ id, friends: [] }));
        for (const a of nodes) for (const b of nodes) if (a !== b) a.friends.push(b);
        console.log(nodes);
        const made = [];
        const call = () => made.push(tools.echo({ value: 1 }));
        const callSafely = () => { if (made.length < 500) try { call(); } catch {} };
        function deeper() { try { deeper(); } catch { call(); } finally { callSafely(); } }
        try { deeper(); } catch {}
        const settled = await Promise.allSettled(made);
        text(settled.length > 0);
    """)

    assert (outcome.status, outcome.text) == ("completed", "true"), outcome.error
