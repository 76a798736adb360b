"""DESIGN.md 5, A nested call: how it is made, what it may be given, how it fails, and what its result becomes."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import trio

import codemode

# ── arguments ─────────────────────────────────────────────────────────────────────────────────────────────────

CALLS: dict[str, tuple[str, list[str]]] = {
    "await tools.name(args)": ("text(await tools.add({ a: 20, b: 22 }))", ["42"]),
    "one argument, an object": ("text(await tools.echo({ x: [1, { y: null }] }))", ['{"x":[1,{"y":null}]}']),
    "nothing is an empty object": ("text(await tools.echo()); text(await tools.echo(undefined))", ["{}", "{}"]),
    "a free-form tool takes a string": ("text(await tools.apply_patch('*** Begin'))", ["patched: *** Begin"]),
    "a sync function answers as well": ("text(await tools.in_a_thread({ text: 'shout' }))", ["SHOUT"]),
    "calls run side by side": (
        """const order = [];
           await Promise.all([200, 5].map(async (ms) => { order.push(await tools.sleep_for({ ms, name: `${ms}` })) }));
           text(order)""",
        ['["5","200"]'],
    ),
    "a tool can be passed about as a function": (
        "const { add } = tools; text(await [1, 2].map((a) => add({ a }))[1])",
        ["3"],
    ),
}


@pytest.mark.parametrize(("script", "expected"), CALLS.values(), ids=CALLS)
def test_a_call(says: Any, script: str, expected: list[str]) -> None:
    assert says(script) == expected


def caught(call: str) -> str:
    """A script that says how a call rejects."""
    return (
        f"try {{ text(await {call}) }} catch (error) {{"
        " text(error.name); text(error.code); text(error.message); text(error instanceof Error) }"
    )


WRONG: dict[str, tuple[str, list[str]]] = {
    "a number is not taken for a string": ("tools.exec_command({ cmd: 5 })", ["cmd"]),
    "a string is not taken for a number": ("tools.add({ a: '1' })", ["a"]),
    "a boolean is not taken for a number": ("tools.add({ a: true })", ["a"]),
    "a fraction is not taken for an integer": ("tools.add({ a: 1.5 })", ["a"]),
    "null is not taken for a default": ("tools.add({ a: 1, b: null })", ["b"]),
    "a parameter is missing": ("tools.add({ b: 1 })", ["a"]),
    "an unknown parameter is refused, and the valid ones are listed": (
        "tools.exec_command({ cmd: 'ls', wrkdir: '/' })",
        ["wrkdir", "cmd", "workdir", "yield_time_ms"],
    ),
    "an array is no object of parameters": ("tools.add([1, 2])", []),
    "a string is no object of parameters": ("tools.add('1')", []),
    "null is no object of parameters": ("tools.add(null)", []),
    "a free-form tool takes no object": ("tools.apply_patch({ patch: 'x' })", []),
    "what has no JSON form": ("tools.echo({ n: 1n })", []),
    "a cycle": ("(() => { const a = {}; a.a = a; return tools.echo(a) })()", []),
}


@pytest.mark.parametrize(("call", "named"), WRONG.values(), ids=WRONG)
def test_arguments_are_validated_without_coercion_and_the_message_names_the_parameter(
    says: Any, call: str, named: list[str]
) -> None:
    name, code, message, is_error = says(caught(call))

    assert (name, code, is_error) == ("ToolError", "invalid_arguments", "true")
    assert [part for part in named if part not in message] == []


def test_a_tool_with_keyword_arguments_takes_unknown_parameters(says: Any) -> None:
    assert says("text(await tools.echo({ anything: 1 }))") == ['{"anything":1}']


async def test_arguments_are_validated_against_the_json_schema() -> None:
    tools = codemode.ToolRegistry()
    schema = {
        "type": "object",
        "properties": {"level": {"enum": ["low", "high"]}, "n": {"type": "integer", "minimum": 3}},
        "required": ["level"],
    }
    asked = []
    tools.add(codemode.ToolDefinition(name="set", parameters=schema), asked.append)
    async with codemode.open_session(tools) as session, session.open_turn() as turn:
        good = await turn.run("text(await tools.set({ level: 'high', n: 3 }))")
        for wrong in ("{ level: 'mid' }", "{ level: 'low', n: 2 }", "{ n: 3 }", "{ level: 'low', other: 1 }"):
            outcome = await turn.run(f"try {{ await tools.set({wrong}) }} catch (error) {{ text(error.code) }}")
            assert outcome.text == "invalid_arguments", wrong

    assert good.text == "null"
    assert asked == [{"level": "high", "n": 3}]


# ── identifiers ───────────────────────────────────────────────────────────────────────────────────────────────

IDENTIFIERS: dict[str, tuple[str, list[str]]] = {
    "every other character becomes an underscore": ("text(await tools.with_dash_and_dot())", ["odd"]),
    "a leading digit gets an underscore before it": ("text(await tools._2nd())", ["second"]),
    "a namespaced tool is namespace__name": ("text(await tools.files__read({ path: 'p' }))", ["the text of p"]),
    "parts of a namespace are joined by __": ("text(await tools.cloud__storage__get({ key: 'k' }))", ["the object k"]),
    "one of an MCP server is mcp__server__tool": ("text(await tools.mcp__wiki__search({ query: 'q' }))", ['["q","Q"]']),
}


@pytest.mark.parametrize(("script", "expected"), IDENTIFIERS.values(), ids=IDENTIFIERS)
def test_identifiers(says: Any, script: str, expected: list[str]) -> None:
    assert says(script) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"name": "a-b"}, {"name": "a.b"}),
        ({"name": "1a"}, {"name": "_1a"}),
        ({"name": "b", "namespace": "a"}, {"name": "a__b"}),
        ({"name": "same"}, {"name": "same"}),
    ],
)
def test_two_tools_that_end_up_alike_are_an_error_at_registration(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    tools = codemode.ToolRegistry()
    tools.add(codemode.ToolDefinition(**first), lambda _: 1)

    with pytest.raises(codemode.ToolNameConflict):
        tools.add(codemode.ToolDefinition(**second), lambda _: 2)


@pytest.mark.parametrize("name", ["tools", "ALL_TOOLS", "then", "toJSON", "__proto__", "constructor", "default"])
def test_a_reserved_name_is_refused(name: str) -> None:
    with pytest.raises(codemode.UsageError, match=name):
        codemode.ToolRegistry().add(codemode.ToolDefinition(name=name), lambda _: 1)


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(codemode.UsageError, match="257 characters"):
        codemode.ToolRegistry().add(codemode.ToolDefinition(name="a" * 254, namespace="b"), lambda _: 1)


async def test_any_other_name_is_fine() -> None:
    tools = codemode.ToolRegistry()
    names = ["delete", "class", "import", "$", "$a_1", "hasOwnProperty", "valueOf", "n" * 256]
    for name in names:
        tools.add(codemode.ToolDefinition(name=name), lambda _, name=name: f"it is {name}")
    async with codemode.open_session(tools) as session, session.open_turn() as turn:
        for name in names:
            outcome = await turn.run(
                f'import {{ {name} as it }} from "tools.js"; text(await it()); text(await tools.{name}())'
            )
            assert (outcome.text, outcome.error) == (f"it is {name}\nit is {name}", None)
            assert [call.tool for call in outcome.calls] == [name, name]


# ── a failing call ────────────────────────────────────────────────────────────────────────────────────────────

CODES: dict[str, tuple[str, str]] = {
    "tool_not_found": ("tools.no_such_tool()", "no_such_tool"),
    "invalid_arguments": ("tools.add({})", "add"),
    "tool_failed": ("tools.fail()", "fail"),
    "tool_timeout": ("tools.hasty()", "hasty"),
    "cancelled": ("tools.never({}, { signal: AbortSignal.abort() })", "never"),
    "denied": ("tools.deny()", "deny"),
}


@pytest.mark.parametrize(("code", "call", "tool"), [(code, *case) for code, case in CODES.items()])
def test_a_failing_call_rejects_with_a_tool_error_that_has_its_code(says: Any, code: str, call: str, tool: str) -> None:
    shown = says(f"""
        try {{ await {call} }} catch (error) {{
          text(error instanceof Error); text(Object.prototype.toString.call(error)); text(error.name); text(error.code);
          text(error.tool); text(typeof error.callId); text(error.callId.length > 0); text(error.message.length > 0);
        }}
    """)

    assert shown == ["true", "[object Error]", "ToolError", code, tool, "string", "true", "true"]


async def test_a_result_that_is_too_large_rejects_with_result_too_large(toolbox: Any) -> None:
    async with (
        codemode.open_session(toolbox.registry, limits=codemode.Limits(max_result_bytes=1000)) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run(
            "text((await tools.big({ size: 900 })).length);"
            "try { await tools.big({ size: 2000 }) } catch (error) { text(error.name); text(error.code) }"
        )

    assert [item.text for item in outcome.items] == ["900", "ToolError", "result_too_large"]


def test_the_message_is_what_the_tool_said(says: Any) -> None:
    [message] = says("try { await tools.fail({ message: 'the disk is full' }) } catch (error) { text(error.message) }")

    assert "the disk is full" in message


def test_the_call_id_is_that_of_the_ledger(run: Any) -> None:
    outcome = run("await tools.add({ a: 1 }); try { await tools.fail() } catch (error) { text(error.callId) }")

    assert [(call.tool, call.status) for call in outcome.calls] == [("add", "ok"), ("fail", "error")]
    assert outcome.text == outcome.calls[1].call_id


@pytest.mark.parametrize("script", ["\n\n  await tools.fail();", "\n\n  await Promise.all([tools.fail()]);"])
def test_the_stack_has_the_scripts_line_that_awaits_or_makes_the_call(run: Any, script: str) -> None:
    outcome = run(script)

    assert outcome.error is not None
    assert outcome.error.line == 3
    assert "cell-1.js:3:" in outcome.error.stack


def test_a_stack_that_was_caught_has_the_line_too(says: Any) -> None:
    [stack] = says(
        "async function work() {\n  await tools.fail();\n}\ntry { await work() } catch (e) { text(e.stack) }"
    )

    assert "cell-1.js:2:" in stack
    assert "cell-1.js:4:" in stack


def test_a_failing_call_never_harms_a_sibling(run: Any) -> None:
    outcome = run("""
        const settled = await Promise.allSettled([
          tools.fail(), tools.sleep_for({ ms: 100, name: "unharmed" }), tools.nope(), tools.add({}), tools.hasty(),
        ]);
        text(settled.map(({ value, reason }) => value ?? reason.code));
    """)

    assert outcome.text == '["tool_failed","unharmed","tool_not_found","invalid_arguments","tool_timeout"]'
    assert [call.status for call in outcome.calls] == ["error", "ok", "error", "error", "error"]


# ── signals ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_aborted_signal_cancels_that_call_and_no_other(turn: codemode.Turn, toolbox: Any, soon: Any) -> None:
    with soon():
        outcome = await turn.run("""
            const stop = new AbortController();
            const doomed = tools.never({}, { signal: stop.signal });
            const other = tools.gated({ name: "unharmed" });
            setTimeout(() => stop.abort(), 20);
            try { await doomed } catch (error) { text(error.name); text(error.code) }
            await tools.open_gate();
            text(await other);
        """)

    assert outcome.error is None
    assert [item.text for item in outcome.items] == ["ToolError", "cancelled", "unharmed"]
    assert [(call.tool, call.status) for call in outcome.calls][:2] == [("never", "cancelled"), ("gated", "ok")]
    assert toolbox.open["never"] == 0


async def test_a_call_with_a_signal_that_is_aborted_already_never_reaches_its_tool(
    turn: codemode.Turn, toolbox: Any
) -> None:
    outcome = await turn.run(
        "try { await tools.answer({}, { signal: AbortSignal.abort() }) } catch (error) { text(error.code) }"
    )

    assert outcome.text == "cancelled"
    assert toolbox.asked == []


async def test_a_signal_with_a_timeout_cancels_the_call(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await turn.run(
            "try { await tools.never({}, { signal: AbortSignal.timeout(20) }) } catch (error) { text(error.code) }"
        )

    assert outcome.text == "cancelled"


async def test_an_abort_after_the_answer_does_nothing(turn: codemode.Turn) -> None:
    outcome = await turn.run(
        "const stop = new AbortController(); text(await tools.answer({}, { signal: stop.signal })); stop.abort();"
        "text(await tools.answer())"
    )

    assert (outcome.text, [call.status for call in outcome.calls]) == ("42\n42", ["ok", "ok"])


# ── calls that are open when the script ends ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("end", ["", "exit()", "throw new Error('x')"])
async def test_a_call_still_open_when_the_script_ends_is_cancelled_joined_and_named(
    turn: codemode.Turn, toolbox: Any, end: str
) -> None:
    outcome = await turn.run(f"tools.never(); await tools.answer(); {end}")

    assert [(call.tool, call.status, call.code) for call in outcome.calls] == [
        ("never", "cancelled", "cancelled"),
        ("answer", "ok", None),
    ]
    assert toolbox.open["never"] == 0


async def test_one_that_does_not_end_within_a_second_is_left_behind_and_counted(soon: Any, eventually: Any) -> None:
    tools, gate = codemode.ToolRegistry(), threading.Event()

    @tools.tool
    def block() -> str:
        """Blocks its thread."""
        gate.wait(30)
        return "late"

    @tools.tool
    async def answer() -> int:
        """42, always."""
        return 42

    try:
        async with codemode.open_session(tools) as session, session.open_turn() as turn:
            with soon():
                outcome = await turn.run("tools.block(); await tools.answer(); await sleep(50); text('end')")
            assert (outcome.status, outcome.text) == ("completed", "end")
            assert [(call.tool, call.status) for call in outcome.calls] == [("block", "cancelled"), ("answer", "ok")]
            assert session.statistics().threads_left_behind == 1
            gate.set()
            await eventually(lambda: session.statistics().threads_left_behind == 0)
            again = await turn.wait(outcome.cell_id)
            assert again.calls == outcome.calls, "a late result was not dropped"
    finally:
        gate.set()


# ── results ───────────────────────────────────────────────────────────────────────────────────────────────────

RESULTS: dict[str, tuple[str, str]] = {
    "NaN is null": ("nan", "null"),
    "an infinity is null": ("infinity", "null"),
    "a nested infinity is null": ("nested", '{"list":[1.5,null]}'),
    "an integer within the safe range is a number": ("safe", "9007199254740991"),
    "an integer beyond it crosses as a string": ("beyond", '"9007199254740992"'),
    "a negative integer beyond it": ("below", '"-9007199254740992"'),
    "a nested integer beyond it": ("huge", '["1000000000000000000000000000000"]'),
    "a lone surrogate becomes U+FFFD": ("surrogate", '"a\ufffdb"'),
}


@pytest.mark.parametrize(("which", "expected"), RESULTS.values(), ids=RESULTS)
def test_in_results(says: Any, which: str, expected: str) -> None:
    assert says(f"text(JSON.stringify(await tools.odd_value({{ which: '{which}' }})))") == [expected]


def test_what_has_no_json_form_is_tool_failed(says: Any) -> None:
    name, code, _, _ = says(caught("tools.odd_value({ which: 'object' })"))

    assert (name, code) == ("ToolError", "tool_failed")


def test_a_lone_surrogate_in_an_argument_becomes_u_fffd(says: Any) -> None:
    assert says(
        "text(await tools.code_points({ text: 'a\\ud800' })); text(await tools.apply_patch('\\udc00'));"
        "text(Object.keys(await tools.echo({ 'k\\ud800': 1 }))[0] === 'k\\ufffd')"
    ) == ["[97,65533]", "patched: \ufffd", "true"]


def test_text_beyond_the_basic_plane_crosses_both_ways(says: Any) -> None:
    assert says("text(await tools.length({ text: 'a😀' })); text(await tools.in_a_thread({ text: '😀é' }))") == [
        "2",
        "😀É",
    ]


async def test_the_dispatcher_runs_calls_of_one_cell_side_by_side(turn: codemode.Turn, toolbox: Any) -> None:
    started = await turn.exec("await Promise.all([1, 2, 3].map(() => tools.gated()))", yield_time_ms=0)
    await toolbox.until_asked(3, "gated")
    assert toolbox.open["gated"] == 3
    toolbox.gate.set()
    with trio.fail_after(10):
        assert (await turn.wait(started.cell_id)).status == "completed"
