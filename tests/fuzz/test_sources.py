"""Scripts that are hostile before they run: nested without end, or broken in a way that a parser takes badly.

Each is answered, and what is wrong is the script's fault: no reading of one may look like a crash.
"""

from __future__ import annotations

from typing import Any

import pytest
import trio

import codemode

pytestmark = pytest.mark.usefixtures("nothing_is_left")

ANSWER_S = 60.0
"""Generous: a mebibyte of what is read worst takes some ten seconds of an idle machine."""
IMPORT = 'import "codemode";\n'
"""With it the source is read by tree-sitter before V8 sees it."""

NESTS: dict[str, tuple[str, str, str]] = {
    "objects": ("[{a:", "1", "}]"),
    "blocks or objects": ("{a:", "1", "}"),
    "unclosed blocks or objects": ("{a:", "", ""),
    "arrays": ("[", "1", "]"),
    "unclosed arrays": ("[", "", ""),
    "parentheses": ("(", "1", ")"),
    "unclosed parentheses": ("(", "", ""),
    "braces that close nothing": ("", "", "}"),
    "blocks": ("{", "", "}"),
    "unclosed blocks": ("{", "", ""),
    "arrows": ("a=>", "1", ""),
    "arrows with blocks": ("()=>{", "", "}"),
    "async arrows": ("async()=>", "1", ""),
    "arrows with defaults": ("(a=", "1", ")=>1"),
    "signs": ("!", "1", ""),
    "minus signs": ("- ", "1", ""),
    "operators with names": ("typeof ", "1", ""),
    "awaits": ("await ", "1", ""),
    "news": ("new ", "A", ""),
    "templates": ("`${", "1", "}`"),
    "unclosed templates": ("`${", "", ""),
    "conditions": ("if(1)", "1", ""),
    "alternatives": ("if(1){}else ", "1", ""),
    "ternaries": ("a?b:", "1", ""),
    "ternaries inside": ("a?", "1", ":b"),
    "ternaries that may be arrows": ("a?(b):c=>", "1", ""),
    "ternaries and arrows apart": ("a?(b)", "", ":c=>(d)"),
    "class blocks": ("class A{static{", "", "}}"),
    "unclosed class blocks": ("class{static{", "", ""),
    "functions": ("function f(){", "", "}"),
    "called functions": ("(function(){", "", "})()"),
    "methods": ("({a(){return", " 1", "}})"),
    "less than": ("<", "1", ""),
    "type arguments": ("A<", "B", ">"),
    "unclosed type arguments": ("a<b,", "", ""),
    "calls with type arguments": ("f<T>(", "1", ")"),
    "assertions": ("<T>", "a", ""),
    "more assertions": ("", "a", " as any"),
    "marks": ("", "a", "!"),
    "calls in calls": ("f(", "0", ")"),
    "calls of calls": ("", "a", "()"),
    "indices": ("", "a", "[0]"),
    "indices in indices": ("a[", "0", "]"),
    "members": ("a.", "b", ""),
    "optional members": ("a?.", "b", ""),
    "sums": ("a+", "a", ""),
    "powers": ("a**", "a", ""),
    "assignments": ("a=", "1", ""),
    "assignments that went wrong": ("`${", "", ",a="),
    "sequences": ("a,", "a", ""),
    "patterns": ("[a=", "1", "]"),
    "spreads": ("[...", "[]", "]"),
    "labels": ("a:", "1", ""),
    "tries": ("try{", "", "}catch{}"),
    "switches": ("switch(1){case 1:", "", "}"),
    "imports": ("import(", "1", ")"),
    "unclosed imports": ("import(", "", ""),
    "import keywords": ("import ", "", ""),
    "export keywords": ("export ", "", ""),
    "returns": ("return ", "1", ""),
    "quotes": ('"', "", ""),
    "backticks": ("`", "", ""),
    "comments": ("/*", "", "*/"),
    "regular expressions": ("/(", "", ")/"),
    "decorators": ("@a ", "class A{}", ""),
    "enums": ("enum A{a=", "1", "}"),
    "namespaces": ("namespace a{", "", "}"),
    "interfaces": ("interface A{a:", "", "}"),
    "at signs": ("@", "", ""),
    "hashes": ("#", "", ""),
    "backslashes": ("\\", "", ""),
    "broken unary chains": ("*!`\n(", "", ""),
}
"""By name: what comes again and again, what stands in the middle, and what comes as often after it."""
OPENED: dict[str, str] = {
    "types": "type X = ",
    "patterns": "var ",
    "parameters": "function f(",
    "templates": "`${",
}
CODES = {None, "syntax_error", "script_error"}


def nested(name: str, characters: int) -> str:
    before, middle, after = NESTS[name]
    times = characters // len(before + after)
    return before * times + middle + after * times


async def code_of(turn: codemode.Turn, source: str) -> str | None:
    with trio.fail_after(ANSWER_S):
        outcome = await turn.run(source)
    assert outcome.error is None or (outcome.error.code != "syntax_error" or (outcome.error.line or 0) >= 1)
    return outcome.error.code if outcome.error is not None else None


@pytest.mark.parametrize("prefix", ["", IMPORT], ids=["plain", "module"])
async def test_nesting_of_every_kind_is_the_scripts_fault(session: Any, prefix: str) -> None:
    found = {}
    for name in NESTS:
        async with session.open_turn() as turn:
            found[name] = await code_of(turn, prefix + nested(name, 24_000))
    assert {name: code for name, code in found.items() if code not in CODES} == {}


@pytest.mark.soak
@pytest.mark.parametrize("name", NESTS)
@pytest.mark.parametrize("prefix", ["", IMPORT, *OPENED.values()], ids=["plain", "module", *OPENED])
async def test_a_mebibyte_of_nesting_is_the_scripts_fault(session: Any, name: str, prefix: str) -> None:
    async with session.open_turn() as turn:
        assert await code_of(turn, prefix + nested(name, 1_000_000)) in CODES | {"memory_limit", "cpu_limit"}


@pytest.mark.parametrize(
    "source",
    ["{a:" * 300_000, IMPORT + "{a:" * 300_000, "a<b," * 15_000, IMPORT + "`${" + ",a=" * 8_000 + "{}"],
    ids=["as a script", "as a module", "as types", "as what is broken"],
)
async def test_a_source_that_ends_its_reader_is_told_as_a_syntax_error_and_the_turn_goes_on(
    session: Any, source: str
) -> None:
    async with session.open_turn() as turn:
        with trio.fail_after(ANSWER_S):
            outcome = await turn.run(source)
            after = await turn.run("text('alive')")
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.line, outcome.error.column) == ("syntax_error", 1, 1)
    assert "nests too deeply" in outcome.error.message
    assert after.text == "alive"
