"""DESIGN.md 5, A script: one ES module; its pragma, and which setting goes before which."""

from __future__ import annotations

from typing import Any

import pytest

import codemode

FOR_EVER_MS = 3_600_000

MODULE: dict[str, tuple[str, list[str]]] = {
    "top-level await": ("text(await Promise.resolve(1)); for await (const x of [2]) text(x)", ["1", "2"]),
    "strict mode: an assignment to nothing throws": (
        "try { undeclared = 1 } catch (error) { text(error.name) }",
        ["ReferenceError"],
    ),
    "strict mode: an assignment to what is frozen throws": (
        "try { Object.freeze({ a: 1 }).a = 2 } catch (error) { text(error.name) }",
        ["TypeError"],
    ),
    "strict mode: a function called plainly has no this": ("text((function () { return this })())", ["undefined"]),
    "at the top level this is undefined": ("text(this)", ["undefined"]),
    "a module's declarations are not on the global": (
        "var a = 1; function f() {} text([globalThis.a, globalThis.f].join())",
        [","],
    ),
    "declarations may have the names of helpers": ("const text2 = text; { const text = 1; text2(text) }", ["1"]),
    "imports are hoisted": ('text(typeof add); import { add } from "tools.js"', ["function"]),
    "imports cannot be assigned to": (
        'import { add } from "tools.js"; try { add = 1 } catch (error) { text(error.name) }',
        ["TypeError"],
    ),
    "exports are accepted": ("export const a = 1; export default a; export { a as b }; text(a)", ["1"]),
    "a hashbang is accepted": ("#!/usr/bin/env codemode\ntext('ran')", ["ran"]),
    "the time zone is UTC": (
        "text(new Date(2024, 6, 1).toISOString()); text(new Date().getTimezoneOffset());"
        "text(Intl.DateTimeFormat().resolvedOptions().timeZone)",
        ["2024-07-01T00:00:00.000Z", "0", "UTC"],
    ),
    "words like import in strings, comments and regular expressions are left alone": (
        "// import { x } from 'nope.js'\ntext('import y from \"nope.js\"' + `import(${1})` + /import z/.source)",
        ['import y from "nope.js"import(1)import z'],
    ),
}


@pytest.mark.parametrize(("script", "expected"), MODULE.values(), ids=MODULE)
def test_a_script_is_an_es_module(says: Any, script: str, expected: list[str]) -> None:
    assert says(script) == expected


REFUSED: dict[str, tuple[str, tuple[str, int | None, int | None]]] = {
    "no top-level return": ("text(1);\nreturn 1;", ("syntax_error", 2, 1)),
    "import.meta is a syntax error": ("text(1);\n  text(import.meta.url);", ("syntax_error", 2, None)),
    "strict mode: with": ("text(1); with ({}) {}", ("syntax_error", 1, 10)),
    "strict mode: octal": ("text(010)", ("syntax_error", 1, 6)),
    "strict mode: delete of a name": ("let a; delete a", ("syntax_error", 1, 15)),
    "two declarations of a name": ("let a;\nlet a;", ("syntax_error", 2, 5)),
    "an import and a declaration of a name": (
        'import { add } from "tools.js";\nconst add = 1;',
        ("syntax_error", 2, 7),
    ),
    "an unknown module": ('text(1);\nimport { x } from "fs";', ("module_not_found", 2, 19)),
    "an unknown export": ('text(1);\nimport { add, x } from "tools.js";', ("module_not_found", 2, 15)),
    "an unknown module that is named last": ('text(1);\n\nimport "nope.js"', ("module_not_found", 3, 8)),
    "an unknown module of an export": ('text(1);\nexport * from "nope.js"', ("module_not_found", 2, 15)),
    "an empty script": ("", ("syntax_error", None, None)),
    "one of white space": (" \n\t\n", ("syntax_error", None, None)),
    "one of comments": ("// nothing\n/* here */", ("syntax_error", None, None)),
}


@pytest.mark.parametrize(("script", "expected"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_before_anything_of_it_runs(
    run: Any, script: str, expected: tuple[str, int | None, int | None]
) -> None:
    outcome = run(script)

    assert outcome.status == "failed"
    assert outcome.error is not None
    code, line, column = expected
    assert outcome.error.code == code
    assert line in (None, outcome.error.line)
    assert column in (None, outcome.error.column)
    assert outcome.items == ()


PLACES: dict[str, tuple[str, int, int]] = {
    "lines and columns count from 1": ("throw new Error('x')", 1, 7),
    "a later line": ("text(1);\n  throw new Error('x')", 2, 9),
    "columns count UTF-16 units": ("'é😀'; throw new Error('x')", 1, 14),
    "of a syntax error too": ("'é😀'; let let = 1", 1, 12),
    "and after imports, which shift nothing": ('import { add } from "tools.js"; throw new Error("x")', 1, 39),
    "a hashbang and a pragma are lines": ("#!/usr/bin/env codemode\n// @exec: {}\nthrow new Error('x')", 3, 7),
    "carriage returns end lines": ("text(1);\r\nthrow new Error('x')", 2, 7),
}


@pytest.mark.parametrize(("script", "line", "column"), PLACES.values(), ids=PLACES)
def test_places(fails: Any, script: str, line: int, column: int) -> None:
    error = fails(script)

    assert (error.line, error.column) == (line, column)


# ── the pragma ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_pragmas_yield_time_beats_the_argument(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await turn.exec('// @exec: {"yield_time_ms": 50}\nawait tools.never()', yield_time_ms=FOR_EVER_MS)

    assert outcome.status == "running"


async def test_the_pragma_beats_a_shorter_argument_too(turn: codemode.Turn) -> None:
    outcome = await turn.exec(
        f'// @exec: {{"yield_time_ms": {FOR_EVER_MS}}}\nawait tools.sleep({{ ms: 300 }}); text("end")',
        yield_time_ms=100,
    )

    assert (outcome.status, outcome.text) == ("completed", "end")


async def test_the_pragma_beats_an_argument_that_is_over_before_the_script_runs(turn: codemode.Turn) -> None:
    outcome = await turn.exec(f'// @exec: {{"yield_time_ms": {FOR_EVER_MS}}}\ntext("end")', yield_time_ms=0)

    assert (outcome.status, outcome.text) == ("completed", "end")


async def test_a_setting_made_in_the_script_beats_the_pragma(turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await turn.exec(
            f'// @exec: {{"yield_time_ms": {FOR_EVER_MS}, "max_output_tokens": 1000}}\n'
            "set_yield_time(50); set_max_output_tokens_per_exec_call(10); text('x'.repeat(400)); await tools.never()"
        )

    assert outcome.status == "running"
    assert "90 tokens truncated" in outcome.content()[1].text


async def test_the_pragmas_budget_beats_the_argument(turn: codemode.Turn) -> None:
    outcome = await turn.exec('// @exec: {"max_output_tokens": 10}\ntext("x".repeat(400))', max_output_tokens=50)

    assert "90 tokens truncated" in outcome.content()[1].text


async def test_the_argument_beats_the_default(turn: codemode.Turn) -> None:
    by_argument = await turn.exec('text("x".repeat(400))', max_output_tokens=50)
    by_default = await turn.exec('text("x".repeat(400))')

    assert "50 tokens truncated" in by_argument.content()[1].text
    assert by_default.content()[1].text == "x" * 400


PRAGMAS: dict[str, str] = {
    "on the first line": '// @exec: {"max_output_tokens": 10}\n',
    "after a hashbang": '#!/usr/bin/env codemode\n// @exec: {"max_output_tokens": 10}\n',
    "with both settings": '// @exec: {"yield_time_ms": 5000, "max_output_tokens": 10}\n',
}


@pytest.mark.parametrize("pragma", PRAGMAS.values(), ids=PRAGMAS)
def test_the_first_line_may_be_a_pragma(run: Any, pragma: str) -> None:
    assert "90 tokens truncated" in run(f"{pragma}text('x'.repeat(400))").content()[1].text


@pytest.mark.parametrize("before", ["\n", "text(1);\n", "// a comment\n"])
def test_on_a_later_line_it_is_a_comment(run: Any, before: str) -> None:
    outcome = run(f'{before}// @exec: {{"max_output_tokens": 10}}\ntext("x".repeat(400))')

    assert outcome.status == "completed"
    assert "truncated" not in str(outcome.content())


BAD_PRAGMAS: dict[str, str] = {
    "no JSON": "{yield_time_ms: 5000}",
    "JSON that ends early": '{"yield_time_ms": 5000',
    "no object": "5000",
    "an array": "[]",
    "nothing": "",
    "an unknown setting": '{"yield_time": 5000}',
    "a string": '{"yield_time_ms": "5000"}',
    "a boolean": '{"yield_time_ms": true}',
    "null": '{"max_output_tokens": null}',
    "a negative number": '{"yield_time_ms": -1}',
    "a fraction": '{"max_output_tokens": 1.5}',
}


@pytest.mark.parametrize("settings", BAD_PRAGMAS.values(), ids=BAD_PRAGMAS)
def test_a_bad_pragma_is_a_syntax_error_and_nothing_runs(run: Any, settings: str) -> None:
    outcome = run(f"// @exec: {settings}\ntext('ran')")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.error.line) == ("failed", "syntax_error", 1)
    assert outcome.items == ()


def test_each_way_to_be_wrong_is_told_apart(run: Any) -> None:
    kinds = ("no JSON", "no object", "an unknown setting", "a string", "a negative number", "a fraction")
    messages = {run(f"// @exec: {BAD_PRAGMAS[kind]}\ntext(1)").error.message for kind in kinds}

    assert len(messages) == len(kinds)


def test_an_unknown_setting_is_named_and_so_are_the_valid_ones(fails: Any) -> None:
    message = fails('// @exec: {"yield_time": 5000}\ntext(1)').message

    assert "yield_time_ms" in message
