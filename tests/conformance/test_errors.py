"""DESIGN.md 5, A script: what errors say, and what of the script runs while that is found out."""

from __future__ import annotations

import re
from typing import Any

import pytest

FRAME = re.compile(r"\s+at (async )?(\S+( \[as \S+\])? )?(new \S+ )?\(?(cell-1\.js:\d+:\d+|<anonymous>|index \d+)\)?")
"""One line of a stack that holds nothing of ours."""

SYNTAX_ERRORS: dict[str, tuple[str, int, int, str]] = {
    "an unexpected token": ("text(1);\nconst a = );", 2, 11, "const a = );"),
    "an unterminated string": ("text(1);\n\ntext('a", 3, 6, "text('a"),
    "an unexpected end": ("text(1);\nfunction f() {", 2, 15, "function f() {"),
    "await within a plain function": ("function f() {\n  await null;\n}", 2, 3, "  await null;"),
}


@pytest.mark.parametrize(("script", "line", "column", "shown"), SYNTAX_ERRORS.values(), ids=SYNTAX_ERRORS)
def test_a_syntax_error_carries_line_column_and_a_code_frame(
    run: Any, script: str, line: int, column: int, shown: str
) -> None:
    outcome = run(script)

    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.line, outcome.error.column) == ("syntax_error", line, column)
    assert outcome.error.message.startswith("SyntaxError: ")
    frame = outcome.error.stack.splitlines()
    [at] = [number for number, text in enumerate(frame) if text.endswith(shown)]
    assert f"{line} " in frame[at]
    margin = len(frame[at]) - len(shown)
    assert frame[at + 1].index("^") == margin + column - 1
    assert outcome.items == ()


RUNTIME_ERRORS: dict[str, tuple[str, list[str]]] = {
    "at the top level": ("\n    null.x;\n", ["cell-1.js:2:10"]),
    "in functions": (
        "function f() {\n  throw new Error('x');\n}\nfunction g() { f() }\ng();",
        ["cell-1.js:2:9", "cell-1.js:4:16", "cell-1.js:5:1"],
    ),
    "after an await": (
        "async function f() {\n  await null;\n  null.x;\n}\nawait f();",
        ["cell-1.js:3:8", "cell-1.js:5:1"],
    ),
    "after a call": (
        "async function f() {\n  await tools.add({ a: 1 });\n  null.x;\n}\nawait f();",
        ["cell-1.js:3:8", "cell-1.js:5:1"],
    ),
    "of a call that failed": (
        "async function f() {\n  await tools.fail();\n}\nawait f();",
        ["cell-1.js:2:3", "cell-1.js:4:1"],
    ),
    "in a callback of a helper": ("text({ toJSON() {\n  null.x } });", ["cell-1.js:2:8", "cell-1.js:1:1"]),
    "in a callback of a timer": ("setTimeout(() => {\n  null.x }, 1);\nawait tools.never();", ["cell-1.js:2:8"]),
    "thrown by a helper": ("\n  image(5);", ["cell-1.js:2:3"]),
    "in a callback of an array": ("[1].map(() => {\n  null.x });", ["cell-1.js:2:8", "cell-1.js:1:5"]),
}


@pytest.mark.parametrize(("script", "places"), RUNTIME_ERRORS.values(), ids=RUNTIME_ERRORS)
def test_a_runtime_error_has_a_stack_with_the_scripts_own_positions_and_none_of_ours(
    fails: Any, script: str, places: list[str]
) -> None:
    error = fails(script)

    assert error.code == "script_error"
    assert re.findall(r"cell-1\.js:\d+:\d+", error.stack) == places
    message, *frames = error.stack.splitlines()
    assert message == error.message
    assert [frame for frame in frames if not FRAME.fullmatch(frame)] == []
    assert places[0] == f"cell-1.js:{error.line}:{error.column}"


async def test_positions_name_the_cell(turn: Any) -> None:
    for _ in range(2):
        await turn.run("text(1)")
    outcome = await turn.run("\n  throw new Error('x')")

    assert outcome.cell_id == "3"
    assert "cell-3.js:2:9" in outcome.error.stack


def test_a_stack_that_the_script_reads_has_none_of_ours_either(says: Any) -> None:
    [stack] = says("async function f() { await null; return new Error('x').stack }\ntext(await f())")

    _, *frames = stack.splitlines()
    assert frames
    assert [frame for frame in frames if not FRAME.fullmatch(frame)] == []


THROWN: dict[str, str] = {
    "a getter of the message": "{ get message() { text('ran') } }",
    "toString": "{ toString() { text('ran'); return 'x' } }",
    "toJSON": "{ toJSON() { text('ran'); return 'x' } }",
    "Symbol.toPrimitive": "{ [Symbol.toPrimitive]() { text('ran'); return 'x' } }",
    "a proxy": (
        "new Proxy({}, { get() { text('ran') }, ownKeys() { text('ran'); return [] },"
        " getPrototypeOf() { text('ran'); return null }, getOwnPropertyDescriptor() { text('ran') } })"
    ),
    "an error with getters": (
        "Object.defineProperties(new Error('x'),"
        " { message: { get() { text('ran') } }, name: { get() { text('ran') } } })"
    ),
}


@pytest.mark.parametrize("thrown", THROWN.values(), ids=THROWN)
def test_saying_what_was_thrown_runs_none_of_the_scripts_code(run: Any, thrown: str) -> None:
    outcome = run(f"text('before'); throw {thrown}")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.text) == ("failed", "script_error", "before")


@pytest.mark.parametrize(
    "thrown",
    [
        "{ get message() { for (;;) {} }, toString() { for (;;) {} } }",
        "Object.defineProperty(new Error('x'), 'stack', { get() { for (;;) {} } })",
        "new Proxy(new Error('x'), { get() { for (;;) {} }, getPrototypeOf() { for (;;) {} } })",
    ],
)
async def test_where_it_runs_some_it_has_a_second(turn: Any, soon: Any, thrown: str) -> None:
    with soon(5):
        outcome = await turn.run(f"text('before'); throw {thrown}")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.text) == ("failed", "script_error", "before")


@pytest.mark.parametrize(
    ("thrown", "shown"),
    [("'a string'", "a string"), ("42", "42"), ("null", "null"), ("undefined", "undefined"), ("{ code: 7 }", "7")],
)
def test_what_is_thrown_and_is_no_error_is_said(fails: Any, thrown: str, shown: str) -> None:
    assert shown in fails(f"throw {thrown}").message


def test_an_unhandled_rejection_is_ignored(says: Any) -> None:
    assert says("Promise.reject(new Error('x')); (async () => { null.x })(); await sleep(20); text('end')") == ["end"]


def test_a_failed_call_that_nobody_awaited_is_in_the_ledger(run: Any) -> None:
    outcome = run("tools.fail(); await tools.sleep_for({ ms: 50 }); text('end')")

    assert (outcome.status, outcome.text) == ("completed", "end")
    assert [(call.tool, call.status, call.code) for call in outcome.calls] == [
        ("fail", "error", "tool_failed"),
        ("sleep_for", "ok", None),
    ]
