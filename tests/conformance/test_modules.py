"""DESIGN.md 5, Modules: which there are, what they export, and what a wrong name is told."""

from __future__ import annotations

from typing import Any

import pytest

HELPERS = [
    "output_text", "text", "output_image", "image", "output_audio", "audio", "output_content", "content",
    "store", "load", "set_yield_time", "yield_control", "detach", "set_max_output_tokens_per_exec_call",
    "notify", "exit", "sleep", "search_tools", "describe_tool", "as_settled",
]  # fmt: skip
TIMERS = ["setTimeout", "clearTimeout", "setInterval", "clearInterval"]

EXPORTS: dict[str, tuple[str, list[str]]] = {
    "tools.js exports every nested tool under its identifier": (
        """import { add, files__read, mcp__wiki__search, _2nd } from "tools.js";
           text(await add({ a: 1 })); text(await files__read({ path: "p" }));
           text((await mcp__wiki__search({ query: "q" })).join()); text(await _2nd())""",
        ["2", "the text of p", "q,Q", "second"],
    ),
    "tools.js exports tools": (
        'import { tools as all } from "tools.js"; text(all === tools); text(await all.add({ a: 2 }))',
        ["true", "3"],
    ),
    "tools.js exports ALL_TOOLS": (
        'import { ALL_TOOLS as list } from "tools.js"; text(list === ALL_TOOLS); text(Array.isArray(list))',
        ["true", "true"],
    ),
    "a namespace has a module with the tools of it alone, under their short names": (
        'import * as files from "tools/files.js"; text(Object.keys(files).join()); text(await files.read({path: "p"}))',
        ["read", "the text of p"],
    ),
    "a namespace of several parts has a module of as many": (
        'import { get } from "tools/cloud/storage.js"; text(await get({ key: "k" }));'
        "text(get === tools.cloud__storage__get)",
        ["the object k", "true"],
    ),
    "an MCP server has a module": (
        'import { search } from "tools/mcp/wiki.js"; text((await search({ query: "q" })).join());'
        "text(search === tools.mcp__wiki__search)",
        ["q,Q", "true"],
    ),
    "the helpers have three names for one module": (
        """import * as a from "codemode"; import * as b from "@openai/code_mode"; import * as c from "openai/code_mode";
           text(Object.keys(a).length > 20); text(Object.keys(a).join() === Object.keys(b).join());
           text(Object.keys(a).every((name) => a[name] === b[name] && b[name] === c[name]))""",
        ["true", "true", "true"],
    ),
    "an exported helper is the global of its name": (
        'import * as mode from "codemode"; text(Object.keys(mode).filter((name) => mode[name] !== globalThis[name]))',
        ["[]"],
    ),
    "dynamic import": (
        """const { add } = await import("tools.js"); text(await add({ a: 1 }));
           const name = ["tools", "files.js"].join("/"); text(await (await import(name)).read({ path: "p" }));
           (await import("codemode")).output_text("said")""",
        ["2", "the text of p", "said"],
    ),
    "static and dynamic import give one module": (
        'import * as a from "tools.js"; const b = await import("tools.js"); text(a.add === b.add)',
        ["true"],
    ),
    "specifiers in any order": (
        """text(await plus({ a: 1 }));
           import { files__read, ALL_TOOLS as list, add as plus, tools as t } from "tools.js";
           text(list === ALL_TOOLS && t === tools); text(await files__read({ path: "p" }));
           import { load, "store" as keep } from "codemode"; keep("k", 1); text(load("k"))""",
        ["2", "true", "the text of p", "1"],
    ),
    "an import for its side effect only": ('import "tools.js"; import "codemode"; text("in")', ["in"]),
}


@pytest.mark.parametrize(("script", "expected"), EXPORTS.values(), ids=EXPORTS)
def test_modules(says: Any, script: str, expected: list[str]) -> None:
    assert says(script) == expected


@pytest.mark.parametrize("name", [*HELPERS, *TIMERS])
def test_the_helpers_module_exports_every_helper(says: Any, name: str) -> None:
    assert says(f'import {{ {name} as it }} from "codemode"; text(typeof it)') == ["function"]


TOOLS_OBJECT: dict[str, tuple[str, list[str]]] = {
    "tools has all of them, those of a namespace by their long names": (
        "text(ALL_TOOLS.length === Object.keys(tools).length); text(typeof tools.files__read)",
        ["true", "function"],
    ),
    "tools is frozen": (
        """text(Object.isFrozen(tools)); try { tools.add = 1 } catch (error) { text(error.name) }
           try { tools.mine = 1 } catch (error) { text(error.name) }
           try { delete tools.add } catch (error) { text(error.name) } text(await tools.add({ a: 1 }))""",
        ["true", "TypeError", "TypeError", "TypeError", "2"],
    ),
    "calling a name it lacks rejects with tool_not_found and near matches": (
        """const promise = tools.ad({ a: 1 });
           try { await promise } catch (error) {
             text(error.name); text(error.code); text(/\\badd\\b/.test(error.message)) }""",
        ["ToolError", "tool_not_found", "true"],
    ),
    "in tells what exists": (
        'text(["add" in tools, "files__read" in tools, "ad" in tools, "toString" in tools].join())',
        ["true,true,false,false"],
    ),
    "Object.keys tells what exists": (
        'text(["add", "echo", "files__read"].every((name) => Object.keys(tools).includes(name)));'
        'text(Object.keys(tools).includes("ad"))',
        ["true", "false"],
    ),
    "symbols are undefined on it": (
        "text([tools[Symbol.iterator], tools[Symbol.toPrimitive], tools[Symbol('mine')], tools[Symbol.asyncIterator]]"
        ".every((value) => value === undefined))",
        ["true"],
    ),
    "then and toJSON are undefined on it, so it can be awaited and serialised": (
        "text([tools.then, tools.toJSON].join()); text((await tools) === tools); text(typeof JSON.stringify(tools))",
        [",", "true", "string"],
    ),
    "the names of Object.prototype are undefined on it": (
        "text(Object.getOwnPropertyNames(Object.prototype).filter((name) => tools[name] !== undefined))",
        ["[]"],
    ),
    "ALL_TOOLS is a frozen array of {module, name, description}": (
        """text(Object.isFrozen(ALL_TOOLS)); text(ALL_TOOLS.every(Object.isFrozen));
           text(ALL_TOOLS.find((tool) => tool.description === "Reads a file."));
           text(ALL_TOOLS.every((tool) => Object.keys(tool).sort().join() === "description,module,name"))""",
        ["true", "true", '{"module":"tools/files.js","name":"read","description":"Reads a file."}', "true"],
    ),
    "what ALL_TOOLS names can be imported from there": (
        """const got = await Promise.all(ALL_TOOLS.map(async (tool) => (await import(tool.module))[tool.name]));
           text(got.every((tool) => typeof tool === "function"))""",
        ["true"],
    ),
}


@pytest.mark.parametrize(("script", "expected"), TOOLS_OBJECT.values(), ids=TOOLS_OBJECT)
def test_tools_and_all_tools(says: Any, script: str, expected: list[str]) -> None:
    assert says(script) == expected


UNKNOWN: dict[str, tuple[str, int, list[str]]] = {
    "an unknown module": ('text(1);\nimport { add } from "tool.js";', 2, ["tool.js", "tools.js"]),
    "an unknown export": ('text(1);\n\nimport { ad } from "tools.js";', 3, ["ad", "add"]),
    "an unknown export of a namespace": ('import { raed } from "tools/files.js";', 1, ["raed", "read"]),
    "an unknown namespace": ('\nimport { read } from "tools/file.js";', 2, ["tools/file.js", "tools/files.js"]),
    "an unknown helper": ('text(1);\nimport { output_txt } from "codemode";', 2, ["output_txt", "output_text"]),
    "an unknown helpers module": ('import { text } from "@openai/codemode";', 1, ["@openai/code_mode"]),
}


@pytest.mark.parametrize(("script", "line", "named"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_module_or_export_is_told_with_near_matches_at_the_imports_line(
    run: Any, script: str, line: int, named: list[str]
) -> None:
    outcome = run(script)

    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.line) == ("module_not_found", line)
    for name in named:
        assert name in outcome.error.message
    assert outcome.items == ()


UNKNOWN_DYNAMIC: dict[str, tuple[str, str]] = {
    "a dynamic import of an unknown module rejects with near matches": ('await import("tool.js")', "tools.js"),
    "a dynamic import of an unknown namespace likewise": ('await import("tools/file.js")', "tools/files.js"),
}


@pytest.mark.parametrize(("script", "named"), UNKNOWN_DYNAMIC.values(), ids=UNKNOWN_DYNAMIC)
def test_an_unknown_dynamic_import_can_be_caught_and_names_near_matches(says: Any, script: str, named: str) -> None:
    caught = says(f"try {{ {script} }} catch (error) {{ text(error instanceof Error); text(error.message) }}")

    assert caught[0] == "true"
    assert named in caught[1]


def test_an_unknown_dynamic_import_that_is_not_caught_is_told_at_its_line(fails: Any) -> None:
    error = fails('text(1);\nawait import("tool.js");')

    assert "tools.js" in error.message
    assert error.line == 2
