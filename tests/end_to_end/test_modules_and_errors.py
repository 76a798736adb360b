"""What a script may import, and what it is told when it is wrong: at its own lines and columns, never at ours."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

import codemode

pytestmark = [pytest.mark.usefixtures("nothing_is_left"), pytest.mark.one_launcher]


def texts(outcome: codemode.CellOutcome) -> list[str]:
    assert outcome.error is None, outcome.error
    return [item.text for item in outcome.items if item.type == "text"]


def failure(outcome: codemode.CellOutcome) -> codemode.CellError:
    assert outcome.status == "failed"
    assert outcome.error is not None
    return outcome.error


def place(outcome: codemode.CellOutcome) -> tuple[str, int | None, int | None]:
    error = failure(outcome)
    return error.code, error.line, error.column


# ── modules ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "source",
    [
        'import { answer } from "tools.js"; text(await answer());',
        "import { answer as ask } from 'tools.js'; text(await ask());",
        'import * as T from "tools.js"; text(await T.answer());',
        'import { tools as t } from "tools.js"; text(await t.answer());',
        'import { answer, ALL_TOOLS } from "tools.js"; text(ALL_TOOLS.length && await answer());',
        'text(await ask()); import { answer as ask } from "tools.js";',
        'import {\n  answer, // the tool\n} from "tools.js"\ntext(await answer())',
        'import "tools.js"; text(await tools.answer());',
        'const { answer } = await import("tools.js"); text(await answer());',
        'const name = "tools" + ".js"; text(await (await import(name)).answer());',
        'import { output_text } from "codemode"; output_text(42);',
        'import { text as say } from "@openai/code_mode"; say(42);',
        'import * as mode from "openai/code_mode"; mode.output_text(42);',
        'const { text: say } = await import("codemode"); say(42);',
        "text(42); export const x = 1; export default 2; export { x as y };",
    ],
)
async def test_an_import_of_any_kind_gives_what_it_names(turn: codemode.Turn, source: str) -> None:
    assert texts(await turn.run(source)) == ["42"]


async def test_a_namespaced_tool_is_in_its_own_module_by_its_short_name_and_in_tools_by_its_long_one(
    turn: codemode.Turn,
) -> None:
    outcome = await turn.run("""
        import { read } from "tools/files.js";
        import { search } from "tools/mcp/wiki.js";
        import { files__read, mcp__wiki__search } from "tools.js";
        text(await read({ path: "a" }));
        text(await search({ query: "q" }));
        text(read === files__read && read === tools.files__read && search === mcp__wiki__search);
        text(Object.keys(await import("tools/files.js")).join());
    """)

    assert texts(outcome) == ["the text of a", '["q","Q"]', "true", "read"]
    assert [call.tool for call in outcome.calls] == ["files__read", "mcp__wiki__search"]


async def test_tools_tells_what_exists_and_nothing_of_it_can_be_changed(turn: codemode.Turn, toolbox: Any) -> None:
    outcome = await turn.run("""
        text(Object.keys(tools).join());
        text(["answer" in tools, "nope" in tools, "toString" in tools].join());
        text([tools.then, tools.toJSON, tools.constructor, tools[Symbol.iterator], tools.hasOwnProperty].join());
        const failed = [];
        for (const change of [
          () => { tools.answer = 1 },
          () => { tools.mine = 1 },
          () => { delete tools.answer },
          () => { ALL_TOOLS.push(1) },
          () => { ALL_TOOLS[0].name = "mine" },
          () => { tools.answer.mine = 1 },
        ]) try { change(); failed.push("no") } catch (error) { failed.push(error.name) }
        text(failed.join());
        text(await tools.answer());
    """)

    assert texts(outcome) == [
        ",".join(tool.identifier for tool in toolbox.registry),
        "true,false,false",
        ",,,,",
        ",".join(["TypeError"] * 6),
        "42",
    ]


async def test_all_tools_lists_each_tool_with_its_module_name_and_description(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        text(JSON.stringify(ALL_TOOLS.filter((tool) => ["answer", "read"].includes(tool.name))));
        import { ALL_TOOLS as imported } from "tools.js";
        text(imported === ALL_TOOLS);
    """)

    assert texts(outcome) == [
        '[{"module":"tools.js","name":"answer","description":"42, always."},'
        '{"module":"tools/files.js","name":"read","description":"Reads a file."}]',
        "true",
    ]


async def test_imports_are_constants_and_namespaces_are_frozen(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        import * as T from "tools.js";
        import { answer } from "tools.js";
        try { answer = 1 } catch (error) { text(error.name + ": " + error.message) }
        try { T.answer = 1 } catch (error) { text(error.name) }
        text(Object.isFrozen(T));
        text(T[Symbol.toStringTag]);
        text(await answer());
    """)

    assert texts(outcome) == ["TypeError: Assignment to constant variable.", "TypeError", "true", "Module", "42"]


async def test_import_text_within_strings_templates_and_comments_is_left_alone(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        // import { x } from "nope.js"
        const said = ['import { x } from "nope.js"', `import y from "nope.js"; ${"import"}`, /import z/.source];
        text(said.join("|"));
    """)

    assert texts(outcome) == ['import { x } from "nope.js"|import y from "nope.js"; import|import z']


@pytest.mark.parametrize(
    ("source", "line", "column", "says"),
    [
        ('import { x } from "tool.js";', 1, 19, ["tool.js", "tools.js"]),
        ('text(1);\nimport { anwser } from "tools.js";', 2, 10, ["anwser", "answer"]),
        ('/* 😀 */ import { reed } from "tools/files.js";', 1, 19, ["reed", "read"]),
        ('import nothing from "tools.js";', 1, 8, ["default"]),
        ('import { read } from "tools/file.js";', 1, 22, ["tools/file.js", "tools/files.js"]),
        ('export { x } from "nope.js";', 1, 19, ["nope.js"]),
    ],
)
async def test_an_unknown_module_or_export_is_refused_at_its_place_with_what_comes_near(
    turn: codemode.Turn, source: str, line: int, column: int, says: list[str]
) -> None:
    outcome = await turn.run(f"{source}\ntext('never said')")

    assert place(outcome) == ("module_not_found", line, column)
    assert outcome.items == ()
    for word in says:
        assert word in failure(outcome).message


async def test_a_dynamic_import_of_an_unknown_module_rejects_and_names_the_modules(turn: codemode.Turn) -> None:
    outcome = await turn.run("try { await import('nope.js') } catch (error) { text(error.code); text(error.message) }")

    code, message = texts(outcome)
    assert code == "module_not_found"
    assert "nope.js" in message
    assert "tools/files.js" in message


async def test_a_dynamic_import_of_an_unknown_module_that_nobody_catches_fails_the_script_at_its_line(
    turn: codemode.Turn,
) -> None:
    outcome = await turn.run("text('said');\nawait import('nope.js')")

    assert place(outcome) == ("script_error", 2, 7)
    assert 'there is no module "nope.js"' in failure(outcome).message


# ── syntax errors ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("let a = ;", 1, 9),
        ("const ok = 1;\n\n  let let = 2;", 3, 7),
        ("'😀'; const a = ;", 1, 17),
        ("return 1", 1, 1),
        ("text(1)\n}", 2, 1),
        ("text(1)\n}\ntext(2)", 2, 1),
        ("const a = 1;\nconst a = 2;", 2, 7),
        ('import { answer } from "tools.js";\nconst answer = 1;', 2, 7),
        ("with ({}) {}", 1, 1),
        ("import.meta", 1, 8),
        ("let x = `", 1, 10),
        ("if (1) {\ntext(1)", 2, 8),
    ],
)
async def test_a_syntax_error_says_its_line_and_column_and_shows_the_place(
    turn: codemode.Turn, source: str, line: int, column: int
) -> None:
    outcome = await turn.run(source)

    error = failure(outcome)
    assert place(outcome) == ("syntax_error", line, column)
    assert error.stack is not None
    message, *frame = error.stack.split("\n")
    assert message == error.message
    assert message.startswith("SyntaxError: ")
    assert frame[-2:] == [
        f"{line} | {source.splitlines()[line - 1]}",
        "  | "
        + " " * len(source.splitlines()[line - 1].encode("utf-16-le")[: 2 * (column - 1)].decode("utf-16-le"))
        + "^",
    ]


@pytest.mark.parametrize("source", ["", "  \n\t", "// only this", "/* and\nthis */", '// @exec: {"yield_time_ms": 5}'])
async def test_an_empty_script_is_a_syntax_error(turn: codemode.Turn, source: str) -> None:
    assert failure(await turn.run(source)).code == "syntax_error"


@pytest.mark.parametrize(
    "source",
    [
        "}})(); text('escaped'); (async () => {{ try {{",
        "} finally { text('escaped') } {",
        "}) ; text('escaped'); ({",
        "*/ text('escaped')",
        "`; text('escaped')",
        "//# sourceURL=x\n}}})(); text('escaped')",
        "<!-- text\ntext('escaped')",
    ],
)
async def test_no_script_closes_what_stands_around_it(turn: codemode.Turn, source: str) -> None:
    outcome = await turn.run(source)

    assert (failure(outcome).code, outcome.items) == ("syntax_error", ())


# ── TypeScript ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_types_are_erased_and_positions_kept(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        import type { Nothing } from "./nowhere";
        import { answer, type ALL_TOOLS as Tools } from "tools.js";
        interface Named<T> { name: string; value?: T }
        abstract class Base<T> { constructor(protected_: T) { text(`${protected_!}`) } abstract go(): Promise<T> }
        class Derived extends Base<number> implements Named<number> {
          readonly name: string = "derived"
          private ["secret"] = 1 as unknown as A.B.C
          async go(this: Derived): Promise<number> { return (await answer()) as number }
        }
        type A = any
        const made = new Derived(1) satisfies Named<number>
        text(await made.go(), made!.name);
        throw new Error("x" as string)
    """)

    assert [item.text for item in outcome.items if item.type == "text"] == ["1", "42"]
    assert place(outcome) == ("script_error", 14, 15)


async def test_what_cannot_be_erased_is_named_and_nothing_runs(turn: codemode.Turn) -> None:
    outcome = await turn.run("text('said');\nclass A { constructor(public x: number) {} }")

    assert place(outcome) == ("syntax_error", 2, 23)
    assert "parameter property" in failure(outcome).message
    assert outcome.items == ()


# ── the pragma ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_pragma_sets_the_yield_time_and_beats_the_argument(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await turn.exec('// @exec: {"yield_time_ms": 20}\nawait tools.never()', yield_time_ms=600_000)

    assert outcome.status == "running"


async def test_a_setting_made_in_the_script_beats_the_pragma(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await turn.exec('// @exec: {"yield_time_ms": 600000}\nset_yield_time(20); await tools.never()')

    assert outcome.status == "running"


async def test_the_pragma_sets_the_output_budget(turn: codemode.Turn) -> None:
    source = 'text("word ".repeat(1000))'
    whole = await turn.run(source)
    cut = await turn.run('// @exec: {"max_output_tokens": 20}\n' + source)
    widened = await turn.run(
        '// @exec: {"max_output_tokens": 20}\nset_max_output_tokens_per_exec_call(5000); ' + source
    )

    assert cut.items == whole.items
    assert [("truncated" in str(outcome.content())) for outcome in (whole, cut, widened)] == [False, True, False]


async def test_a_wrong_pragma_is_a_syntax_error_and_nothing_runs(turn: codemode.Turn) -> None:
    outcome = await turn.run('// @exec: {"yield_time": 5}\ntext("said")')

    assert place(outcome) == ("syntax_error", 1, 12)
    assert failure(outcome).stack == (
        'SyntaxError: the pragma has no setting "yield_time"; did you mean "yield_time_ms"?'
        " Settings: yield_time_ms, max_output_tokens\n"
        '1 | // @exec: {"yield_time": 5}\n'
        "  |            ^"
    )
    assert outcome.items == ()


# ── runtime errors ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("throw new Error('x')", 1, 7),
        ("/* 😀 */ throw new Error('x')", 1, 16),
        ("\n\n   throw new Error('x')", 3, 10),
        ('import { answer } from "tools.js"; throw new Error("x")', 1, 42),
        ('import { answer,\n sleep } from "tools.js"; throw new Error("x")', 2, 33),
        ("await tools.answer();\nthrow new Error('x')", 2, 7),
        ("await import('tools.js'); throw new Error('x')", 1, 33),
        ("#!/usr/bin/env codemode\nthrow new Error('x')", 2, 7),
        ("undefined_name", 1, 1),
        ("text(1); null.x", 1, 15),
    ],
)
async def test_a_runtime_error_has_the_scripts_own_position(
    turn: codemode.Turn, source: str, line: int, column: int
) -> None:
    outcome = await turn.run(source)

    error = failure(outcome)
    assert place(outcome) == ("script_error", line, column)
    assert error.stack == f"{error.message}\n    at cell-1.js:{line}:{column}"


async def test_a_stack_names_the_scripts_functions_and_its_async_ones(turn: codemode.Turn) -> None:
    outcome = await turn.run(
        "function inner() { throw new TypeError('deep') }\n"
        "async function outer() { await tools.answer(); inner() }\n"
        "class Job { async run() { await outer() } }\n"
        "await new Job().run()"
    )

    assert failure(outcome) == codemode.CellError(
        "script_error",
        "TypeError: deep",
        "TypeError: deep\n"
        "    at inner (cell-1.js:1:26)\n"
        "    at outer (cell-1.js:2:48)\n"
        "    at async Job.run (cell-1.js:3:27)\n"
        "    at async cell-1.js:4:1",
        1,
        26,
    )


async def test_the_file_name_of_a_position_is_that_of_the_cell(turn: codemode.Turn) -> None:
    for number in (1, 2, 3):
        outcome = await turn.run("throw new Error('x')")
        assert failure(outcome).stack == f"Error: x\n    at cell-{number}.js:1:7"


async def test_the_causes_of_an_error_are_told(turn: codemode.Turn) -> None:
    outcome = await turn.run(
        "try {\n  try { await tools.fail() } catch (cause) { throw new Error('second', { cause }) }\n"
        "} catch (cause) {\n  throw new RangeError('first', { cause })\n}"
    )

    assert failure(outcome).stack == (
        "RangeError: first\n    at cell-1.js:4:9\n"
        "  [cause]: Error: second\n    at cell-1.js:2:52\n"
        "  [cause]: ToolError: RuntimeError: it went wrong\n    at async cell-1.js:2:9"
    )


@pytest.mark.parametrize(
    ("thrown", "message"),
    [
        ("'just text'", "Uncaught just text"),
        ("undefined", "Uncaught undefined"),
        ("null", "Uncaught null"),
        ("42", "Uncaught 42"),
        ("10n", "Uncaught 10n"),
        ("Symbol('s')", "Uncaught Symbol(s)"),
        ("{ code: 1, nested: { a: [1] } }", "Uncaught { code: 1, nested: { a: [ 1 ] } }"),
        ("[1, 'two']", 'Uncaught [ 1, "two" ]'),
        ("'\\ud800'", "Uncaught \ufffd"),
        ("{ get x() { for (;;) {} }, toString() { for (;;) {} } }", None),
    ],
)
async def test_what_is_thrown_and_is_no_error_is_told_as_a_person_would_write_it(
    turn: codemode.Turn, soon: Any, thrown: str, message: str | None
) -> None:
    with soon():
        outcome = await turn.run(f"throw {thrown}")

    error = failure(outcome)
    assert error.code == "script_error"
    assert error.message.startswith("Uncaught {") if message is None else error.message == message


async def test_reading_what_was_thrown_has_an_end_where_it_runs_the_scripts_code(
    turn: codemode.Turn, soon: Any
) -> None:
    with soon():
        outcome = await turn.run("text('said'); throw new Proxy({}, { ownKeys() { for (;;) {} } })")
        after = await turn.run("text('alive')")

    assert failure(outcome).code == "script_error"
    assert [item.text for item in outcome.items if item.type == "text"] == ["said"]
    assert texts(after) == ["alive"]


@pytest.mark.parametrize(
    "source",
    [
        "throw new Error('x')",
        "await tools.fail()",
        "await tools.sleep('wrong')",
        "await tools.nope()",
        "store(1, 2)",
        "image(1)",
        "await import('nope.js')",
        "setTimeout(() => { throw new Error('x') }, 0); await tools.never()",
        "setTimeout(1)",
        "(function deep() { deep() })()",
        "[1].map(() => { throw new Error('x') })",
        "JSON.parse('{')",
        "new Function('throw new Error(1)')()",
        "eval('throw new Error(1)')",
        "text({ toJSON() { throw new Error('x') } })",
        "await Promise.any([tools.fail(), tools.fail()])",
        "Error.prepareStackTrace = () => 'mine'; throw new Error('x')",
    ],
)
async def test_no_stack_shows_a_frame_of_ours_or_a_path_of_the_host(turn: codemode.Turn, source: str) -> None:
    outcome = await turn.run(f"{source}\n")

    told = f"{failure(outcome).message}\n{failure(outcome).stack}"
    assert "codemode:" not in told
    for place_of_ours in (sys.prefix, str(Path(codemode.__file__).parents[1]), tempfile.gettempdir()):
        assert place_of_ours not in told
    for frame in re.findall(r"\n    at (.*)", told):
        # The script's, or of a built-in.
        assert "cell-1.js:" in frame or re.search(r"\((<anonymous>|index \d+)\)$", frame), frame


async def test_a_script_that_rewrites_how_stacks_are_made_still_fails_with_a_true_one(turn: codemode.Turn) -> None:
    outcome = await turn.run(
        "Error.stackTraceLimit = 0;\n"
        "try { Error.prepareStackTrace = () => { for (;;) {} } } catch {}\n"
        "Error.stackTraceLimit = 10;\n"
        "throw new Error('true')"
    )

    error = failure(outcome)
    assert error.code == "script_error"
    assert (error.message, error.line) in (("Error: true", 4), (error.message, 2))


async def test_what_is_emitted_reads_as_a_person_would_write_it(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        for (const value of [
          "as it is", undefined, null, true, 1.5, -0, 10n, NaN,
          { a: [1, { b: null }] }, [], new Map([["k", { v: 1 }]]), new Set([1, "two"]), { m: new Map() },
          new Uint8Array([1, 2]), new Date(0), new Date(NaN), Symbol("s"),
        ]) text(value);
        const cycle = { name: "me" };
        cycle.self = cycle;
        text(cycle);
        text(new Error("told"));
    """)

    assert texts(outcome) == [
        "as it is", "undefined", "null", "true", "1.5", "0", "10", "NaN",
        '{"a":[1,{"b":null}]}', "[]", 'Map(1) { "k" => { v: 1 } }', 'Set(2) { 1, "two" }', "{ m: Map(0) {} }",
        "Uint8Array(2) [ 1, 2 ]", '"1970-01-01T00:00:00.000Z"', "Invalid Date", "Symbol(s)",
        '{ name: "me", self: [Circular] }',
        "Error: told\n    at cell-1.js:10:14",
    ]  # fmt: skip


async def test_images_audio_and_content_blocks_keep_their_order_among_the_text(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        text("a");
        image("https://example.org/a.png", "low");
        image({ image_url: "data:image/png;base64,AA==" });
        output_image({ type: "image", data: "AA==", mimeType: "image/png" });
        audio("data:audio/wav;base64,AA==");
        content([{ type: "text", text: "b" }, { type: "resource", resource: { uri: "x:y" } }]);
        try { image("file:///etc/passwd") } catch (error) { text(error.name) }
    """)

    assert outcome.items == (
        codemode.TextItem("a"),
        codemode.ImageItem("https://example.org/a.png", "low"),
        codemode.ImageItem("data:image/png;base64,AA=="),
        codemode.ImageItem("data:image/png;base64,AA=="),
        codemode.AudioItem("data:audio/wav;base64,AA=="),
        codemode.TextItem("b"),
        codemode.ContentItem({"type": "resource", "resource": {"uri": "x:y"}}),
        codemode.TextItem("TypeError"),
    )
