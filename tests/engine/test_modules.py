"""Scripts are linked and rewritten, and run by the real V8 as modules would."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_mini_racer import JSParseException, MiniRacer

from codemode.engine.modules import LinkedScript, link
from codemode.engine.source import SourceError, code_frame

EXPORTS = {
    "tools.js": ["echo", "sleep", "delete", "a b", "größe", "𠮷"],
    "tools/mcp/files.js": ["read"],
    "codemode": ["text", "store"],
}
NONCE = "0123456789abcdef0123456789abcdef"
HARNESS = """
    const AsyncFunction = (async () => {}).constructor;
    const said = [], reports = [];
    let failure = null;
    const say = (value) => { said.push(typeof value === "string" ? value : JSON.stringify(value) ?? String(value)); };
    const module = (names) => Object.freeze({__proto__: null, ...names});
    const namespaces = {
      "tools.js": module({echo: (v) => v, sleep: async () => {}, delete: () => "deleted", "a b": 7, größe: 8, 𠮷: 9}),
      "tools/mcp/files.js": module({read: () => "read"}),
      "codemode": module({text: say, store: () => {}}),
    };
    const report = (code, error) => { reports.push(code); if (code === 1) failure = error; };
    const dynamicImport = async (specifier) => namespaces[specifier];
    const run = (text) => { (0, eval)(text)(report, namespaces, dynamicImport)(); };
    const outcome = () => JSON.stringify({said, reports, failure: failure && String(failure.stack ?? failure)});
    const aloneError = (body) => {
      try { new AsyncFunction('"use strict";' + body); return ""; } catch (error) { return String(error); }
    };
"""


@dataclass(frozen=True)
class Outcome:
    said: list[str]
    reports: list[int]
    failure: str | None


class Engine:
    """A V8 that runs linked scripts and keeps what they said."""

    def __init__(self) -> None:
        self.v8 = MiniRacer()
        self.v8.eval(HARNESS)

    def refusal(self, script: LinkedScript) -> str:
        """Why V8 refuses the script, empty if it does not. Nothing of it runs."""
        if refusal := self.v8.eval(f"aloneError({json.dumps(script.body)})"):
            return str(refusal)
        try:
            self.v8.eval(script.text)
        except JSParseException as error:
            return str(error)
        return ""

    def run(self, source: str) -> Outcome:
        script = linked(source)
        assert self.refusal(script) == ""
        self.v8.eval(f"run({json.dumps(script.text)})")
        return Outcome(**json.loads(str(self.v8.eval("outcome()"))))


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.v8.close()


def linked(source: str) -> LinkedScript:
    return link(source, EXPORTS, name="cell-3.js", nonce=NONCE)


def refusal_of(source: str) -> tuple[str, str, int, int]:
    try:
        error = linked(source).broken_link
    except SourceError as refusal:
        error = refusal
    assert error is not None
    return error.code, error.message, error.line, error.column


def body_or_refusal(source: str) -> str | SourceError:
    try:
        return linked(source).body
    except SourceError as error:
        return error


def unit_lengths(text: str) -> list[int]:
    return [len(line.encode("utf-16-le")) // 2 for line in re.split("\r\n|[\n\r\u2028\u2029]", text)]


# ── imports ──


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('import {echo} from "tools.js"; text(echo("one"))', ["one"]),
        ('import {echo as e, sleep} from "tools.js"; text(e(typeof sleep))', ["function"]),
        ("import {'a b' as ab} from 'tools.js'; text(ab)", ["7"]),
        ('import {delete as remove} from "tools.js"\ntext(remove())', ["deleted"]),
        (r'import {"\x61\u0020\u{62}" as ab} from "tools\u002ejs"; text(ab)', ["7"]),
        ('import {größe, 𠮷} from "tools.js"; text([größe, 𠮷])', ["[8,9]"]),
        (r'import {\u0065cho} from "tools.js"; text(echo(1))', ["1"]),
        ('import * as T from "tools.js"; text(Object.isFrozen(T) && T.echo(2))', ["2"]),
        ('import "tools.js"; import {} from "tools.js"; import {echo,} from "tools.js"; text(echo(3))', ["3"]),
        ('import {read} from "tools/mcp/files.js"; text(read())', ["read"]),
        ('text(echo("hoisted")); import {echo} from "tools.js"', ["hoisted"]),
        ('import {echo as from} from "tools.js"; import {sleep as as} from "tools.js"; text(from(4))', ["4"]),
        ('import /* a } */ {echo // "\n, sleep} /**/ from "tools.js" /* b */; text(echo(5))', ["5"]),
        ('import {echo} from "tools.js" with {}; text(echo(6))', ["6"]),
        (
            'import {echo} from "tools.js"\n(() => text("a"))()\nimport {sleep} from "tools.js"\n[7].map(text)',
            ["a", "7"],
        ),
        ('text(1)\nimport {echo} from "tools.js"\n(2, 3)', ["1"]),
        ('\ufeffimport {echo} from "tools.js"; text(8)', ["8"]),
        ('#!/usr/bin/env import\u2028import {echo} from "tools.js"; text(echo(9))', ["9"]),
    ],
)
def test_an_import_binds_what_the_module_exports(engine: Engine, source: str, said: list[str]) -> None:
    outcome = engine.run('import {text} from "codemode";' + source if source[0] not in "#\ufeff" else source.replace(
        '"tools.js";', '"tools.js"; import {text} from "codemode";'
    ))  # fmt: skip
    assert outcome == Outcome(said, [0], None)


def test_an_imported_binding_cannot_be_assigned(engine: Engine) -> None:
    failure = engine.run('import {echo} from "tools.js"\n  echo = 1').failure
    assert failure is not None
    assert failure.startswith("TypeError: Assignment to constant variable.\n")
    assert "cell-3.js:2:8" in failure


@pytest.mark.parametrize(
    "declaration", ["let echo", "const echo = 1", "var echo", "function echo() {}", "{ var echo }"]
)
def test_a_declaration_that_clashes_with_an_import_is_refused_at_its_place(engine: Engine, declaration: str) -> None:
    refusal = engine.refusal(linked(f"import {{echo}} from 'tools.js';\n{declaration}"))
    assert ":2: SyntaxError: Identifier 'echo' has already been declared" in refusal


def test_words_that_look_like_imports_are_left_alone(engine: Engine) -> None:
    source = """import {text} from "codemode"
        // import {nope} from "nowhere"
        /* import "nowhere"; export {a}; return <!-- --> */
        const object = {import: 1, export: 2, return: 3, arguments: 4}
        const strings = ['import "x"', `import {a} from "x" ${"export default 1"} return; <!-- `, "-->", '\\
--> ']
        text(/import "x" <!-- return/.source + object.import + object.export + object.return + object.arguments)
        text(strings[0] + strings[1])"""
    assert engine.run(source).said == [
        'import "x" <!-- return1234',
        'import "x"import {a} from "x" export default 1 return; <!-- ',
    ]
    assert linked(source).body.splitlines()[1:] == source.splitlines()[1:]


@pytest.mark.parametrize(
    ("source", "message", "line", "column"),
    [
        ('import x y from "tools.js"', "Unexpected identifier 'y'", 1, 10),
        ('import {echo} from "tools.js" (1)', "Unexpected token '('", 1, 31),
        ('import "tools.js" "codemode"', "Unexpected string", 1, 19),
        ("import {echo} from", "Unexpected end of input", 1, 19),
        ('\n 𠮷; import {if} from "tools.js"', "Unexpected token 'if'", 2, 14),
        ('import {echo as yield} from "tools.js"', "Unexpected strict mode reserved word", 1, 17),
        ('import {echo as await} from "tools.js"', "Unexpected reserved word", 1, 17),
        ('import eval from "tools.js"', "Unexpected eval or arguments in strict mode", 1, 8),
        ('import {€} from "tools.js"', "Invalid or unexpected token", 1, 9),
        ('import {"a b"} from "tools.js"', "Unexpected string", 1, 9),
        ('import {echo} from "tools.js" with {type: "json"}', "Import attribute 'type' is not supported", 1, 37),
        ('import defer * as T from "tools.js"', "'import defer' is not supported", 1, 8),
        ('import source T from "tools.js"', "'import source' is not supported", 1, 8),
        ('import.defer("tools.js")', "'import.defer' is not supported", 1, 1),
        ("import()", "Unexpected token ')'", 1, 8),
        ("import(...[])", "Unexpected token '...'", 1, 8),
        ('0 import {echo} from "tools.js"', "Unexpected token 'import'", 1, 3),
        ('if (1) { import {echo} from "tools.js" }', "'import' may only appear at the top level of a module", 1, 10),
        ('import {echo} from "tools.js"\nimport {sleep as echo} from "tools.js"',
         "Identifier 'echo' has already been declared", 2, 18),
    ],
)  # fmt: skip
def test_a_malformed_import_is_refused_at_its_place(source: str, message: str, line: int, column: int) -> None:
    assert refusal_of(source) == ("syntax_error", message, line, column)


def test_a_default_import_may_be_called_like_a_phase() -> None:
    assert refusal_of('import defer from "tools.js"')[1].startswith('"tools.js" has no export "default"')
    assert refusal_of('import source, {echo} from "tools.js"')[1].startswith('"tools.js" has no export "default"')


# ── links ──


@pytest.mark.parametrize(
    ("source", "message", "line", "column"),
    [
        (
            'text(1)\nimport {echo} from "tool.js"',
            'there is no module "tool.js"; did you mean "tools.js"?'
            ' Modules: "tools.js", "tools/mcp/files.js", "codemode"',
            2,
            20,
        ),
        (
            'import "left-pad"',
            'there is no module "left-pad". Modules: "tools.js", "tools/mcp/files.js", "codemode"',
            1,
            8,
        ),
        (
            '/* 𠮷 */ import {sleep, ehco as e} from "tools.js"',
            '"tools.js" has no export "ehco"; did you mean "echo"?',
            1,
            25,
        ),
        (
            'import {\n  text\n} from "tools.js"',
            '"tools.js" has no export "text". It is an export of "codemode"',
            2,
            3,
        ),
        (
            'import all from "tools.js"',
            '"tools.js" has no export "default": write import {name} or import * as name',
            1,
            8,
        ),
        ('export {zzz} from "tools.js"', '"tools.js" has no export "zzz".', 1, 9),
        (
            'export * from "tools/mcp/file.js"',
            'there is no module "tools/mcp/file.js"; did you mean "tools/mcp/files.js" or "tools.js"?'
            ' Modules: "tools.js", "tools/mcp/files.js", "codemode"',
            1,
            15,
        ),
    ],
)
def test_an_unknown_module_or_export_is_told_with_near_matches(
    source: str, message: str, line: int, column: int
) -> None:
    assert refusal_of(source) == ("module_not_found", message, line, column)


def test_the_first_link_that_fails_is_the_one_that_is_told() -> None:
    assert refusal_of('import {a} from "tools.js"; import "b"')[2:] == (1, 9)


def test_a_long_list_of_modules_is_cut() -> None:
    exports: dict[str, list[str]] = {f"m{number}": [] for number in range(100)}
    refusal = str(link('import "x"', exports, name="cell-1.js", nonce=NONCE).broken_link)
    assert '"m19" and 80 more' in refusal
    assert refusal.endswith("(1:8)")


def test_a_specifier_without_end_is_cut_and_has_no_lone_surrogate() -> None:
    message = refusal_of(f'import "{"x" * 100_000}"')[1]
    assert len(message) < 400
    assert "\ufffd" in refusal_of(r'import "\ud800"')[1]


# ── dynamic import ──


def test_a_dynamic_import_is_the_third_argument(engine: Engine) -> None:
    source = """const {text} = await import("codemode")
        const read = async () => (await import /* here */ (`tools/${"mcp"}/files.js`)).read()
        text(await read() + `${(await import("tools.js")).echo(1)}`)"""
    assert engine.run(source) == Outcome(["read1"], [0], None)


@pytest.mark.parametrize("source", ["import.meta", "await import.source('tools.js')", "0, import.other"])
def test_what_is_read_from_import_is_refused_by_v8(engine: Engine, source: str) -> None:
    assert "SyntaxError" in engine.refusal(linked(source))


# ── exports ──


@pytest.mark.parametrize(
    "source",
    [
        "export const a = 1; text(a)",
        "export let a = 1\nexport let b = 2\ntext(a)",
        "export var [a, {c: b = 2, ...d}, ...e] = [1, {}]; export {d as f}; text(a)",
        "export function a() {}\nexport async function b() {}\nexport async function* c() {}; text(1)",
        "export class A {} text(1)",
        "export default function main() { return 1 }\n(text)(main())",
        "export default async function main() { return 1 }\n(text)(await main())",
        "export default class A { static a = 1 }\n[A.a].forEach(a => text(a))",
        "export default function () { return 1 }\n(text)(1)",
        "export default async function*() { return 1 }\n(text)(1)",
        "export default class {}\n(text)(1)",
        "export default class extends Object {}\n(text)(1)",
        "export default (() => text(1))()",
        "text(1)\nexport default [0]",
        "text(1)\nexport default async () => { return 1 }",
        "export\ndefault\n{ a: 1 }; text(1)",
        "export {a, b as c, a as 'x y', text as default}; let a = 1, b; text(a)",
        "export {a, i, x, y}; { var a = 1 } for (var i of [1]) {} if (1) { for (var {x, z: [y]} of []); } text(1)",
        "export {echo} from 'tools.js'\nexport * from 'tools.js'; export * as T from 'tools.js'\ntext(1)",
        "export {echo as if, delete} from 'tools.js'; export {'a b' as b} from 'tools.js'; text(1)",
        "export {echo as delete}; import {echo} from 'tools.js'; text(1)",
        "export {}\n(text)(1)",
    ],
)
def test_an_export_leaves_what_it_declares(engine: Engine, source: str) -> None:
    assert engine.run(f'import {{text}} from "codemode";{source}') == Outcome(["1"], [0], None)


@pytest.mark.parametrize(
    ("source", "message", "line", "column"),
    [
        ("export {nope}", "Export 'nope' is not defined in module", 1, 9),
        ("function f() { var nope }\nexport {f, nope as n}", "Export 'nope' is not defined in module", 2, 12),
        ("let a = 1\nexport {a, a}", "Duplicate export of 'a'", 2, 12),
        ("export default 1\nlet a\nexport {a as default}", "Duplicate export of 'default'", 3, 14),
        ("let b\nexport {b as a}\nexport const {x: [a]} = {}", "Duplicate export of 'a'", 3, 19),
        ("let a; export {'a' as b}",
         "String literal module export names must be followed by a 'from' clause", 1, 16),
        ("export default const a = 1", "Unexpected token 'const'", 1, 16),
        ("export let a; export let a", "Duplicate export of 'a'", 1, 26),
        ("export async () => {}", "Unexpected identifier 'async'", 1, 8),
        ("export 1", "Unexpected number", 1, 8),
        ("export {echo} from 'tools.js' 1", "Unexpected number", 1, 31),
        ("{ export {} }", "'export' may only appear at the top level of a module", 1, 3),
    ],
)  # fmt: skip
def test_an_export_that_cannot_be_is_refused_at_its_place(source: str, message: str, line: int, column: int) -> None:
    assert refusal_of(source) == ("syntax_error", message, line, column)


@pytest.mark.parametrize(
    "source", ["export default 1, 2", "export default", "export let a; let a", "export function () {}"]
)
def test_what_is_wrong_behind_an_export_is_refused_by_v8(engine: Engine, source: str) -> None:
    assert "SyntaxError" in engine.refusal(linked(source))


# ── what a module forbids ──


@pytest.mark.parametrize(
    ("source", "message", "line", "column"),
    [
        ("1\n  return 2", "Illegal return statement", 2, 3),
        ("if (1) { for (;;) return }", "Illegal return statement", 1, 19),
        ("const f = () => { return 1 }; /* 𠮷 */ return", "Illegal return statement", 1, 40),
        ("let a = 1 <!-- nothing", "HTML comments are not allowed in modules", 1, 11),
        ("let a\n  --> nothing", "HTML comments are not allowed in modules", 2, 3),
        ("/*\n*/ --> nothing", "HTML comments are not allowed in modules", 2, 4),
        ("new.target", "new.target expression is not allowed here", 1, 1),
        ("(() => new.target)()", "new.target expression is not allowed here", 1, 8),
        ("typeof arguments", "'arguments' is not defined in a module", 1, 8),
        ("(() => ({arguments}))()", "'arguments' is not defined in a module", 1, 10),
    ],
)
def test_what_a_module_forbids_and_the_wrapper_would_allow_is_refused(
    source: str, message: str, line: int, column: int
) -> None:
    assert refusal_of(source) == ("syntax_error", message, line, column)
    assert refusal_of(f'import {{echo}} from "tools.js"\n(0)\n{source}')[1:] == (message, line + 2, column)


def test_what_looks_like_it_and_is_allowed_is_left_to_v8(engine: Engine) -> None:
    source = """import {text} from "codemode"
        function f(a = arguments.length) { return (() => arguments[1] + a)() }
        class A { constructor() { text(new.target === A); return undefined } static m() { return arguments.length } }
        new A()
        let n = 3
        while (n --> 1) text(n)
        text(f(undefined, 1) + A.m(0, 0) + [4].map((v) => { return v })[0])
        const o = {get arguments() { return 1 }, "<!--": "-->"}
        text(o.arguments + o["<!--"])"""
    assert engine.run(source) == Outcome(["true", "2", "1", "9", "1-->"], [0], None)


@pytest.mark.parametrize(
    "source", ["super.x", "super()", "with ({}) {}", "yield 1", "let await", "01", "delete n", "break"]
)
def test_what_the_wrapper_forbids_too_is_refused_by_v8(engine: Engine, source: str) -> None:
    assert "SyntaxError" in engine.refusal(linked(source))


def test_a_script_has_neither_this_nor_anything_of_the_wrapper(engine: Engine) -> None:
    source = """import {text} from "codemode"
        text([typeof this, eval("arguments.length"), eval("typeof arguments[0] + typeof arguments[1]")])
        text((() => { try { undeclared = 1 } catch (error) { return error.name } })())"""
    assert engine.run(source).said == ['["undefined",0,"undefinedundefined"]', "ReferenceError"]


def test_the_names_of_the_wrapper_do_not_occur_in_the_script() -> None:
    first = linked('import("x")')
    names = set(re.findall(r"[$_][0-9a-f]{5,}", first.text))
    assert len(names) == 3
    second = linked(f'import("x"); {";".join(names)}').text
    assert all(second.count(name) == 1 for name in names)


# ── the wrapper ──


@pytest.mark.parametrize(
    "source",
    [
        "}catch{}})()}}); evil(",
        "}}catch{}})()}}); text(1); (function(){return()=>{(async()=>{try{{",
        "}, async function(){",
        "/* */ } /* unbalanced",
        "`${",
        "`",
        "{",
        "(",
        "'",
        "if (1)",
        "label:",
        "class A {",
        "}}catch(e){}finally{{",
    ],
)
def test_nothing_closes_the_wrapper(engine: Engine, source: str) -> None:
    assert "SyntaxError" in engine.refusal(linked(source))


@pytest.mark.parametrize(
    "source", ["", "// end", "1 //", "/* */", "1 /* a\n*/", "//# sourceURL=other.js", "'use strict'", "#!"]
)
def test_a_script_may_end_as_it_likes(engine: Engine, source: str) -> None:
    assert engine.run(source) == Outcome([], [0], None)


def test_top_level_await_and_an_error_are_reported_once(engine: Engine) -> None:
    outcome = engine.run('import {text} from "codemode"; await null; text(1); await 0; throw "thrown"')
    assert outcome == Outcome(["1"], [1], "thrown")


def test_the_end_is_reported_after_what_the_script_used_is_disposed_of(engine: Engine) -> None:
    source = 'import {text} from "codemode"; await using a = {async [Symbol.asyncDispose]() { await 0; text(1) }}'
    assert engine.run(source) == Outcome(["1"], [0], None)
    assert engine.run('using a = {[Symbol.dispose]() { throw "late" }}').failure == "late"


def test_runtime_positions_are_those_of_the_script(engine: Engine) -> None:
    prologue = linked('import {echo} from "tools.js"; "𠮷𠮷"; null.x').prologue_units
    failure = engine.run('import {echo} from "tools.js"; "𠮷𠮷"; null.x').failure
    assert failure is not None
    assert f"cell-3.js:1:{prologue + 45}" in failure


def test_runtime_positions_of_later_lines_need_no_shift(engine: Engine) -> None:
    source = 'import {𠮷,\r\n größe} from "tools.js"\r\u2028/* 𠮷 */ export default function f() { null.x }\nf()'
    failure = engine.run(source).failure
    assert failure is not None
    assert re.findall(r"cell-3.js:(\d+:\d+)", failure)[:2] == ["4:45", "5:1"]


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [("1;\n  let let;", 2, 7), ('import {echo} from "tools.js"\r"𠮷" "𠮷"', 2, 6), ("export let a;\n\n  let a;", 3, 7)],
)
def test_v8_gives_its_syntax_errors_at_the_place_of_the_script(
    engine: Engine, source: str, line: int, column: int
) -> None:
    with pytest.raises(JSParseException) as caught:
        engine.v8.eval(linked(source).text)
    head, _, caret = str(caught.value).splitlines()[:3]
    indent = caret[: caret.index("^")]
    assert head.startswith(f"<anonymous>:{line}:")
    assert len(indent) + 1 == column


def test_a_syntax_error_leaves_the_imports_before_it_readable(engine: Engine) -> None:
    source = 'import {echo} from "tools.js";\nimport {text} from "codemode"\nconst x = {;\nfoo('
    script = linked(source)
    assert script.body.splitlines() == [";".ljust(30), ";".ljust(29), "const x = {;", "foo("]
    assert "Unexpected token ';'" in engine.refusal(script)


# ── any script ──

IMPORTS = [
    'import {echo} from "tools.js"', "import * as T from 'tools.js';", 'import "codemode"', "import {} from 'codemode'",
    'import {\n  sleep as s, // 𠮷\r\n "a b" as ab,\u2028} from "tools.js";', 'import{𠮷}from"tools.js"',
    "import {delete as d} from 'tools.js' /* 𠮷 */", "export * from 'codemode';", "export {text} from 'codemode'",
    "export const e = 1", "export default 𠀋 => 1", "await import('tools.js')",
]  # fmt: skip
STATEMENTS = [
    "let a = `import 𠮷 ${1} from`", "text('𠮷')", "// import \u2029", "/* 𠮷\n*/", "if (1) { b() }", "(c)()", "[d]",
    "/import/g.test('')", "", "function f() { return 𠮷 }",
    "const {", ")", "`", "}", "'", "x <", "@", "class A {", "?.",
]  # fmt: skip
WHOLE_STATEMENTS = ["let a = `import`", "(c)()", "// import", "function f() { return 𠮷 }", "[d]", "/* 𠮷\n*/"]
SEPARATORS = ["\n", ";\n", "\r\n", "\u2028", ";"]


@st.composite
def scripts(draw: st.DrawFn) -> str:
    imports = draw(st.lists(st.sampled_from(IMPORTS), unique=True, max_size=6))
    others = draw(st.lists(st.sampled_from(STATEMENTS), max_size=8))
    lines = draw(st.permutations(imports + others))
    return "".join(line + draw(st.sampled_from(SEPARATORS)) for line in lines)


@given(st.one_of(scripts(), st.text()))
def test_every_line_keeps_its_length_or_the_refusal_has_a_place(source: str) -> None:
    lengths = unit_lengths(source)
    match body_or_refusal(source):
        case str(body):
            assert unit_lengths(body) == lengths
        case SourceError(line=line, column=column):
            assert 1 <= line <= len(lengths)
            assert 1 <= column <= lengths[line - 1] + 1


@given(st.permutations(IMPORTS), st.permutations(WHOLE_STATEMENTS))
def test_declarations_among_whole_statements_are_all_taken(declarations: list[str], others: list[str]) -> None:
    lines = [line for pair in zip_longest(declarations, others, fillvalue="") for line in pair]
    source = "\n".join(lines)
    body = linked(source).body
    assert unit_lengths(body) == unit_lengths(source)
    assert re.search(r"^(import|export)\b", body, re.MULTILINE) is None
    assert all(other in body for other in others)


@pytest.mark.parametrize(
    "source",
    [
        "[" * 100_000 + "]" * 100_000 + ";return",
        "[" * 50_000 + "import('x')",
        "function f(){" * 20_000 + "return" + "}" * 20_000,
        "`${" * 50_000 + "import('x')",
        "}" * 100_000 + "import('x')",
        "import{" * 20_000,
        "export default " * 20_000,
        'import {echo} from "tools.js" ' * 5_000,
        "import {" + ",".join(f"a{number}" for number in range(20_000)) + '} from "tools.js"',
        "a-->b<!--" * 20_000,
    ],
    ids=lambda source: source[:12],
)
def test_a_hostile_source_exhausts_nothing(source: str) -> None:
    match body_or_refusal(source):
        case str(body):
            assert len(body) == len(source)
        case SourceError(line=line):
            assert line == 1


def test_the_child_loads_neither_trio_nor_pydantic_for_it() -> None:
    program = "import sys, codemode.engine.modules; print({'trio', 'pydantic'} & sys.modules.keys())"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert shown.stdout.strip() == "set()"


# ── frames ──


def test_a_code_frame_shows_the_line_before_and_a_caret() -> None:
    assert code_frame("const x = 1\n\tconst 𠮷 = ;\nlater", 2, 13) == (
        "1 | const x = 1\n2 | \tconst 𠮷 = ;\n  | \t          ^"
    )
    assert code_frame("a\r\nb\u2028c", 3, 1) == "2 | b\n3 | c\n  | ^"
    assert code_frame("", 1, 1) == "1 |\n  | ^"
    assert code_frame("\n" * 8 + "a\nb", 10, 2) == " 9 | a\n10 | b\n   |  ^"


def test_a_code_frame_of_a_long_line_is_cut_around_the_column() -> None:
    source = "x" * 5_000 + "!" + "y" * 5_000
    _, shown, caret = code_frame(f"before\n{source}", 2, 5_001).splitlines()
    assert len(shown) == len("2 | ") + 120
    assert shown[caret.index("^")] == "!"


def test_a_code_frame_takes_a_place_that_is_not_in_the_source() -> None:
    assert code_frame("ab", 7, 99) == "1 | ab\n  |   ^"
    assert code_frame("ab", 0, 0) == "1 | ab\n  | ^"
