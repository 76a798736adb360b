"""DESIGN.md 5, Helpers: search_tools, describe_tool and as_settled."""

from __future__ import annotations

from typing import Any

import pytest

SEARCHES: dict[str, tuple[str, list[str]]] = {
    "a result is {name, module, description}": (
        "const [first] = search_tools('read'); text(Object.keys(first).sort()); text(first.module)",
        ['["description","module","name"]', "tools/files.js"],
    ),
    "it need not be awaited, and may be": (
        "text(Array.isArray(search_tools('add'))); text(Array.isArray(await search_tools('add')))",
        ["true", "true"],
    ),
    "the tool of that name comes first": (
        "text(search_tools('add')[0].name); text(search_tools('exec_command')[0].name)",
        ["add", "exec_command"],
    ),
    "a part of a name is found": ("text(search_tools('patch')[0].name)", ["apply_patch"]),
    "a word of the description is found": ("text(search_tools('shell')[0].name)", ["exec_command"]),
    "one line each": (
        "const found = search_tools('wiki'); text(found[0].description);"
        "text(found.every(({ description }) => !description.includes('\\n')))",
        ["Searches the wiki.", "true"],
    ),
    "what it names can be called on tools": (
        "const [{ name }] = search_tools('wiki'); text(await tools[name]({ query: 'q' }))",
        ['["q","Q"]'],
    ),
    "what nothing matches gives an empty array": ("text(search_tools('zzzzqqqqxxxx').length)", ["0"]),
}


@pytest.mark.parametrize(("script", "expected"), SEARCHES.values(), ids=SEARCHES)
def test_search_tools_gives_ranked_names_with_one_line_each(says: Any, script: str, expected: list[str]) -> None:
    assert says(script) == expected


DESCRIBED: dict[str, tuple[str, list[str]]] = {
    "the declaration": ("add", ["add", "a", "b?", "number"]),
    "the documentation": (
        "mcp__wiki__search",
        ["query", "Searches the wiki.", "A second paragraph, for those who ask."],
    ),
    "the documentation of parameters": ("add", ["the first.", "the second."]),
    "a free-form tool takes a string": ("apply_patch", ["string"]),
}


@pytest.mark.parametrize(("tool", "told"), DESCRIBED.values(), ids=DESCRIBED)
def test_describe_tool_gives_one_tools_declaration_and_documentation(says: Any, tool: str, told: list[str]) -> None:
    kind, now, awaited = says(
        f"const d = describe_tool('{tool}'); text(typeof d); text(d); text(await describe_tool('{tool}') === d)"
    )

    assert (kind, awaited) == ("string", "true")
    assert [part for part in told if part not in now] == []


def test_describe_tool_of_an_unknown_tool_throws_an_error_with_near_matches(says: Any) -> None:
    is_error, message = says(
        "try { text(describe_tool('ad')) } catch (error) { text(error instanceof Error); text(error.message) }"
    )

    assert is_error == "true"
    assert "add" in message


SETTLED: dict[str, tuple[str, list[str]]] = {
    "completion order, with index, status and value": (
        """const made = [0, 1, 2].map(() => Promise.withResolvers());
           setTimeout(async () => { for (const i of [1, 2, 0]) { made[i].resolve(`value ${i}`); await sleep(1) } });
           for await (const { index, status, value } of as_settled(made.map(({ promise }) => promise)))
             text(`${index} ${status} ${value}`)""",
        ["1 fulfilled value 1", "2 fulfilled value 2", "0 fulfilled value 0"],
    ),
    "a rejection has its reason, and ends nothing": (
        """const calls = [tools.sleep_for({ ms: 200, name: "ok" }), tools.fail()];
           for await (const one of as_settled(calls)) text([one.index, one.status, one.value ?? one.reason.code])""",
        ['[1,"rejected","tool_failed"]', '[0,"fulfilled","ok"]'],
    ),
    "exactly index, status and value or reason": (
        """const keys = [];
           for await (const one of as_settled([Promise.resolve(1), Promise.reject(2)]))
             keys.push(Object.keys(one).join());
           text(keys.sort())""",
        ['["index,status,reason","index,status,value"]'],
    ),
    "plain values are fulfilled": (
        "for await (const { index, value } of as_settled([7, Promise.resolve(8)])) text([index, value])",
        ["[0,7]", "[1,8]"],
    ),
    "any iterable": (
        """function* calls() {
             yield tools.sleep_for({ ms: 200, name: "slow" }); yield tools.sleep_for({ ms: 1, name: "fast" }) }
           for await (const { value } of as_settled(calls())) text(value);
           for await (const { value } of as_settled(new Set([1]))) text(value)""",
        ["fast", "slow", "1"],
    ),
    "an empty iterable": ("for await (const one of as_settled([])) text(one); text('end')", ["end"]),
    "leaving early": (
        """for await (const { value } of as_settled([tools.never(), tools.add({ a: 1 })])) { text(value); break }
           text("end")""",
        ["2", "end"],
    ),
    "many": (
        """let sum = 0;
           const calls = Array.from({ length: 500 }, (_, a) => tools.add({ a }));
           for await (const { value } of as_settled(calls)) sum += value;
           text(sum)""",
        [str(sum(range(1, 501)))],
    ),
    "waiting for a timer is not stalled": (
        "for await (const { value } of as_settled([sleep(30).then(() => 'awake')])) text(value)",
        ["awake"],
    ),
}


@pytest.mark.parametrize(("script", "expected"), SETTLED.values(), ids=SETTLED)
def test_as_settled(says: Any, script: str, expected: list[str]) -> None:
    assert says(script) == expected
