"""DESIGN.md 5, A script: what V8 takes as JavaScript is JavaScript; else types are erased, positions kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

ERASED: dict[str, tuple[str, list[str]]] = {
    "annotations": ("const n: number = 1; let s: string | undefined; text(n + (s ?? 'x'))", ["1x"]),
    "parameters and results": (
        "function f(a: number, b?: string): string { return `${a}${b}` } text(f(1))",
        ["1undefined"],
    ),
    "arrow functions": ("const f = async (a: number): Promise<number> => a * 2; text(await f(21))", ["42"]),
    "interfaces and type aliases": (
        "interface A { a: number }\ntype B = A | null;\nconst b: B = { a: 1 }; text(b)",
        ['{"a":1}'],
    ),
    "as, satisfies and non-null": ("const x = ({ a: 1 } as any) satisfies unknown; text(x!.a! as number)", ["1"]),
    "generics": (
        "function id<T>(x: T): T { return x } text(id<string>('s')); text(new Map<string, number>().size)",
        ["s", "0"],
    ),
    "classes": (
        """abstract class A<T> {
             private readonly x: T; declare y: number; static z?: string; constructor(x: T) { this.x = x }
             abstract f(): void; public get(): T { return this.x } }
           class B extends A<number> implements Iterable<number> {
             override f(): void {} *[Symbol.iterator]() { yield 1 } }
           text(new B(7).get())""",
        ["7"],
    ),
    "overloads": (
        "function f(a: string): void;\nfunction f(a: number): void;\nfunction f(a: any) { text(a) }\nf(1)",
        ["1"],
    ),
    "declare": ("declare const outside: number;\ndeclare module 'x' {}\ntext(typeof outside)", ["undefined"]),
    "import type": (
        'import type { Thing } from "./types";\nimport { add, type Other } from "tools.js";\n'
        "text(await add({ a: 1 } as any))",
        ["2"],
    ),
    "export type": ("type A = 1;\nexport type { A };\ntext('ran')", ["ran"]),
    "casts in angle brackets": ("const x = <any>{ a: 1 }; text(x.a)", ["1"]),
    "a this parameter": ("function f(this: { a: number }) { return this.a } text(f.call({ a: 1 }))", ["1"]),
    "a qualified name after as": ("const x = { y: 1 }; text((x as A.B.C).y); type A = any", ["1"]),
}


@pytest.mark.parametrize(("script", "expected"), ERASED.values(), ids=ERASED)
def test_types_are_erased(says: Any, script: str, expected: list[str]) -> None:
    assert says(script) == expected


AS_JAVASCRIPT: dict[str, tuple[str, list[str]]] = {
    "comparisons that TypeScript reads as a generic call": (
        "const f = (...args) => text(args.length), a = 1, b = 2, c = 0, d = 1; f(a<b, c>(d))",
        ["2"],
    ),
    "plain JavaScript with words of TypeScript": (
        "const type = 1, as = 2, declare = 3, namespace = 4; text(type + as + declare + namespace)",
        ["10"],
    ),
}


@pytest.mark.parametrize(("script", "expected"), AS_JAVASCRIPT.values(), ids=AS_JAVASCRIPT)
def test_what_v8_takes_as_javascript_is_javascript(says: Any, script: str, expected: list[str]) -> None:
    assert says(script) == expected


POSITIONS: dict[str, tuple[str, int, int]] = {
    "on a line with types": ("const n: number = 1; throw new Error('x')", 1, 28),
    "below types": ("interface A {\n  a: number\n}\n\nconst s: string = 'é😀'; throw new Error(s)", 5, 32),
    "in a generic function": ("function f<T>(x: T): T {\n  throw new Error('x')\n}\nf<string>('s')", 2, 9),
}


@pytest.mark.parametrize(("script", "line", "column"), POSITIONS.values(), ids=POSITIONS)
def test_positions_are_kept(fails: Any, script: str, line: int, column: int) -> None:
    error = fails(script)

    assert (error.line, error.column) == (line, column)


NOT_ERASABLE: dict[str, tuple[str, str, int]] = {
    "enum": ("text('ran');\nenum Colour { Red, Blue }", "enum", 2),
    "const enum": ("text('ran');\nconst enum Colour { Red }", "enum", 2),
    "namespace": ("text('ran');\nnamespace N { export const x = 1 }", "namespace", 2),
    "parameter properties": ("text('ran');\nclass A { constructor(private x: number) {} }", "parameter propert", 2),
}


@pytest.mark.parametrize(("script", "construct", "line"), NOT_ERASABLE.values(), ids=NOT_ERASABLE)
def test_what_cannot_be_erased_is_a_syntax_error_that_names_it(
    run: Any, script: str, construct: str, line: int
) -> None:
    outcome = run(script)

    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.line, outcome.items) == ("syntax_error", line, ())
    assert construct in outcome.error.message.lower()


def test_an_import_of_types_and_an_unknown_module_is_told_as_ever(run: Any) -> None:
    outcome = run('import type { A } from "./types";\nimport { x } from "nope.js"; const a: A = x;')

    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.line) == ("module_not_found", 2)


def test_what_is_neither_is_a_syntax_error_with_its_place(run: Any) -> None:
    outcome = run("text('ran');\nconst n: number = = 1;")

    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.line, outcome.items) == ("syntax_error", 2, ())


@pytest.mark.parametrize(("suffix", "arguments"), [("ts", "1"), ("js", "2")])
def test_a_ts_file_on_the_command_line_is_typescript_from_the_start(
    codemode_command: Any, tmp_path: Path, suffix: str, arguments: str
) -> None:
    script = "const f = (...args) => text(args.length), a = () => 1, b = 2, c = 0, d = 1; f(a<b, c>(d))"
    (tmp_path / f"script.{suffix}").write_text(script)

    done = codemode_command("run", f"script.{suffix}")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{arguments}\n", "")
