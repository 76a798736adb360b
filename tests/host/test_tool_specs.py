"""What a model is told: every tool as fully as the budget allows, the same text for the same tools, in any form."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema_rs
import pytest
import tree_sitter_typescript
from tree_sitter import Language, Parser

import codemode
from codemode.errors import UsageError
from codemode.host.output import token_count
from codemode.host.tool_specs import DESCRIPTION_TOKENS, exec_description, tool_specs
from codemode.host.tools import Tool

PARSER = Parser(Language(tree_sitter_typescript.language_typescript()))
FIXED = token_count(exec_description(()))
"""What the description takes without a tool."""


def many_tools(count: int) -> tuple[Tool, ...]:
    """Tools of three modules, each with parameters and a documentation of their own."""
    tools = codemode.ToolRegistry()
    for number in range(count):
        tools.add(
            codemode.ToolDefinition(
                name=f"tool_{number}",
                namespace=(None, "files", "mcp/wiki")[number % 3],
                description=f"Does the thing number {number}. It does it well, and says what it did. `x` ``` y",
                parameters={
                    "type": "object",
                    "properties": {"name": {"type": "string", "description": "Whose thing é it is."}},
                    "required": ["name"],
                },
                output_schema={
                    "$ref": "#/$defs/Done",
                    "$defs": {"Done": {"type": "object", "properties": {f"n{number % 2}": {"type": "integer"}}}},
                },
            ),
            lambda arguments: None,
        )
    return tuple(tools)


def told(description: str, tools: tuple[Tool, ...]) -> list[str]:
    """How each tool is told of: `declared`, `line`, `named` or `left out`."""
    names = description.rpartition("tell the rest:\n")[2] if "tell the rest:\n" in description else ""
    forms = []
    for tool in tools:
        identifier = re.escape(tool.identifier)
        if re.search(rf"^  {identifier}\(", description, re.MULTILINE):
            forms.append("declared")
        elif re.search(rf"^- {identifier}\b", description, re.MULTILINE):
            forms.append("line")
        else:
            forms.append("named" if re.search(rf"\b{identifier}\b", names) else "left out")
    return forms


def test_a_few_tools_are_all_declared_by_module() -> None:
    tools = many_tools(4)
    description = exec_description(tools)
    assert told(description, tools) == ["declared"] * 4
    assert description.index("// tools.js") < description.index("  tool_0(") < description.index("  tool_3(")
    assert description.index("  tool_3(") < description.index("// tools/files.js") < description.index("// tools/mcp/")
    assert "describe_tool(name))`\n" not in description


def test_the_declarations_parse_and_one_name_is_one_type() -> None:
    code = exec_description(many_tools(6)).rpartition("what it takes and gives:\n")[2]
    assert not PARSER.parse(code.encode()).root_node.has_error
    names = re.findall(r"^type (\w+) =", code, re.MULTILINE)
    assert len(names) == len(set(names)) == 4, names


def test_no_budget_is_exceeded_and_a_larger_one_never_tells_less() -> None:
    tools = many_tools(60)
    rank = ["left out", "named", "line", "declared"].index
    most = token_count(exec_description(tools, 10**6))
    before = [0] * len(tools)
    seen = set()
    for budget in range(FIXED + 40, most + 50, 25):
        description = exec_description(tools, budget)
        assert token_count(description) <= budget
        forms = told(description, tools)
        seen.update(forms)
        now = [rank(form) for form in forms]
        assert sum(now) >= sum(before), f"at {budget} tokens"
        before = now
    assert seen == {"left out", "named", "line", "declared"}
    assert set(before) == {rank("declared")}


def test_a_tool_that_is_too_long_for_the_budget_leaves_room_for_the_others() -> None:
    tools = codemode.ToolRegistry()
    for name, words in (("long", 20_000), ("short", 1)):
        tools.add(codemode.ToolDefinition(name=name, description="One. " + "word " * words), lambda arguments: None)
    assert told(exec_description(tuple(tools), FIXED + 300), tuple(tools)) == ["line", "declared"]


def test_the_smallest_budget_still_tells_of_exec_and_of_the_search() -> None:
    description = exec_description(many_tools(60), 0)
    assert token_count(description) < FIXED + 60
    assert description.endswith("tell the rest:\nand 60 more\n")


def test_the_text_is_the_same_for_the_same_tools() -> None:
    assert exec_description(many_tools(50), 3000) == exec_description(many_tools(50), 3000)


def test_what_is_left_out_is_in_the_order_of_registration() -> None:
    tools = many_tools(60)
    forms = told(exec_description(tools, FIXED + 500), tools)
    assert forms == sorted(forms, key=["line", "named", "left out"].index)


def test_no_tools_are_said_to_be_none() -> None:
    assert exec_description(()).endswith("There are no tools.\n")


def test_the_default_budget_holds_for_the_whole_description() -> None:
    spec = tool_specs(many_tools(400), "mcp")[0]
    assert 0.95 * DESCRIPTION_TOKENS < token_count(spec["description"]) <= DESCRIPTION_TOKENS


def parts(format_: str, specs: list[dict[str, Any]]) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, description and schema of each tool in a provider's form; fails on keys that the form has not."""
    match format_:
        case "openai" | "openai.responses":
            assert [set(spec) for spec in specs] == [{"type", "name", "description", "parameters", "strict"}] * 2
            assert all(spec["type"] == "function" and spec["strict"] is False for spec in specs)
            return [(spec["name"], spec["description"], spec["parameters"]) for spec in specs]
        case "openai.chat":
            assert [set(spec) for spec in specs] == [{"type", "function"}] * 2
            return [tuple(spec["function"].values()) for spec in specs]
        case "anthropic":
            assert [list(spec) for spec in specs] == [["name", "description", "input_schema"]] * 2
            return [tuple(spec.values()) for spec in specs]
        case "gemini":
            assert [list(spec) for spec in specs] == [["functionDeclarations"]]
            declared = specs[0]["functionDeclarations"]
            assert "additionalProperties" not in json.dumps(declared)
            return [tuple(each.values()) for each in declared]
        case "mcp":
            assert [list(spec) for spec in specs] == [["name", "description", "inputSchema"]] * 2
            return [tuple(spec.values()) for spec in specs]
    raise AssertionError(format_)


@pytest.mark.parametrize("format_", ["openai", "openai.responses", "openai.chat", "anthropic", "gemini", "mcp"])
def test_each_form_holds_exec_and_wait_and_their_schemas(format_: str) -> None:
    specs = tool_specs(many_tools(3), format_)
    assert json.loads(json.dumps(specs)) == specs
    (exec_name, told_of_exec, exec_schema), (wait_name, told_of_wait, wait_schema) = parts(format_, specs)
    assert (exec_name, wait_name) == ("exec", "wait")
    assert told_of_exec == exec_description(many_tools(3))
    assert "terminate" in told_of_wait
    assert (list(exec_schema["properties"]), exec_schema["required"]) == (
        ["source", "yield_time_ms", "max_output_tokens"],
        ["source"],
    )
    assert list(wait_schema["properties"]) == [
        "cell_id", "session_id", "cell_ids", "yield_time_ms", "max_tokens", "terminate", "until", "output_id", "offset",
    ]  # fmt: skip
    for schema in (exec_schema, wait_schema):
        jsonschema_rs.meta.validate(schema)


def test_an_unknown_form_names_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"'gpt' is no format; there are 'openai', 'openai.responses', .*'mcp'"):
        tool_specs((), "gpt")
