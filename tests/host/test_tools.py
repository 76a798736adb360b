from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import json
import pathlib
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field

from codemode.errors import ToolNameConflict, UsageError
from codemode.host.arguments import MAX_FAULTS, InvalidArguments
from codemode.host.policy import Retry, ToolGroup
from codemode.host.tools import Tool, ToolDefinition, ToolRegistry
from codemode.host.values import MAX_ARGUMENT_VALUES

if TYPE_CHECKING:
    from codemode.host.context import ToolContext


@pytest.fixture
def tools() -> ToolRegistry:
    return ToolRegistry()


def only(tools: ToolRegistry) -> Tool:
    (tool,) = tools
    return tool


def refusal(tool: Tool, arguments: Any) -> str:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    with pytest.raises(InvalidArguments) as caught:
        tool.validate(text)
    return str(caught.value)


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "namespace", "in_scripts"),
    [
        ("echo", None, ("echo", "tools.js", "echo")),
        ("get-weather.now", None, ("get_weather_now", "tools.js", "get_weather_now")),
        ("2nd", None, ("_2nd", "tools.js", "_2nd")),
        ("$price", None, ("$price", "tools.js", "$price")),
        ("größe", None, ("gr__e", "tools.js", "gr__e")),
        ("delete", None, ("delete", "tools.js", "delete")),
        ("read", "fs", ("fs__read", "tools/fs.js", "read")),
        ("2nd", "fs", ("fs__2nd", "tools/fs.js", "_2nd")),
        ("search", "mcp/git-hub", ("mcp__git_hub__search", "tools/mcp/git-hub.js", "search")),
        ("search", ("mcp", "a/b c"), ("mcp__a_b_c__search", "tools/mcp/a_b_c.js", "search")),
        ("read", "1fs", ("_1fs__read", "tools/1fs.js", "read")),
        ("read", "", ("read", "tools.js", "read")),
    ],
)
def test_a_tool_has_an_identifier_a_module_and_a_name_there(
    tools: ToolRegistry, name: str, namespace: Any, in_scripts: tuple[str, str, str]
) -> None:
    tool = tools.add(ToolDefinition(name=name, namespace=namespace), lambda arguments: None)
    assert (tool.identifier, tool.module, tool.name) == in_scripts
    assert tools[tool.identifier] is tool


@pytest.mark.parametrize(
    "name", ["tools", "ALL_TOOLS", "then", "toJSON", "__proto__", "--proto--", "constructor", "default", ""]
)
def test_a_name_that_scripts_need_for_something_else_is_refused(tools: ToolRegistry, name: str) -> None:
    with pytest.raises(UsageError):
        tools.add(ToolDefinition(name=name), lambda arguments: None)
    with pytest.raises(UsageError):
        tools.add(ToolDefinition(name=name, namespace="group"), lambda arguments: None)
    assert len(tools) == 0


@pytest.mark.parametrize("namespace", ["a//b", "a/", ("a", ""), "..", ("mcp", ".")])
def test_a_part_of_a_namespace_has_a_name(tools: ToolRegistry, namespace: Any) -> None:
    with pytest.raises(UsageError, match="a part without a name"):
        tools.add(ToolDefinition(name="x", namespace=namespace), lambda arguments: None)


@pytest.mark.parametrize(
    ("first", "second"),
    [(("a-b", None), ("a_b", None)), (("fs__read", None), ("read", "fs")), (("x", "a.b"), ("x", "a-b"))],
)
def test_two_tools_that_end_up_alike_conflict(tools: ToolRegistry, first: Any, second: Any) -> None:
    tools.add(ToolDefinition(name=first[0], namespace=first[1]), lambda arguments: 1)
    with pytest.raises(ToolNameConflict) as caught:
        tools.add(ToolDefinition(name=second[0], namespace=second[1]), lambda arguments: 2)
    assert caught.value.identifier == only(tools).identifier
    assert "/".join(filter(None, (second[1], second[0]))) == caught.value.second


# ── the registry ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_registry_keeps_its_tools_in_the_order_in_which_they_came(tools: ToolRegistry) -> None:
    @tools.tool
    def zebra() -> None: ...

    @tools.tool(namespace="fs")
    def ape() -> None: ...

    assert [tool.identifier for tool in tools] == ["zebra", "fs__ape"]
    assert [definition.name for definition in tools.definitions] == ["zebra", "ape"]
    assert len(tools) == 2
    assert "fs__ape" in tools
    assert "ape" not in tools
    assert tools.get("ape") is None
    with pytest.raises(KeyError, match="did you mean 'fs__ape'"):
        tools["ape"]


def test_a_registry_includes_another_whole_or_not_at_all(tools: ToolRegistry) -> None:
    other = ToolRegistry()
    other.add(ToolDefinition(name="a"), lambda arguments: 1)
    other.add(ToolDefinition(name="b"), lambda arguments: 1)
    tools.include(other)
    tools.include(other)
    assert [tool.identifier for tool in tools] == ["a", "b"]

    third = ToolRegistry()
    third.add(ToolDefinition(name="c"), lambda arguments: 1)
    third.add(ToolDefinition(name="b"), lambda arguments: 1)
    with pytest.raises(ToolNameConflict):
        tools.include(third)
    assert "c" not in tools


@pytest.mark.parametrize("setting", [{"timeout_s": 0}, {"timeout_s": -1.0}, {"max_concurrency": 0}])
def test_a_limit_that_nothing_could_pass_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ToolDefinition(name="x", **setting)


# ── policies of tools that exist ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def several(tools: ToolRegistry) -> ToolRegistry:
    for name in ("read", "write", "wipe"):
        tools.add(ToolDefinition(name=name, namespace="fs", destructive=name == "wipe"), lambda arguments: None)
    tools.add(ToolDefinition(name="fetch", max_concurrency=2), lambda arguments: None)
    return tools


def test_the_policy_of_tools_that_exist_is_changed_by_a_pattern_or_a_function(several: ToolRegistry) -> None:
    group = ToolGroup("disk", max_concurrency=3)

    changed = several.configure("fs__w*", timeout_s=2, group=group, retry=2, callers="code", approval="ask")
    assert changed == ("fs__write", "fs__wipe")
    assert several.configure(lambda definition: definition.destructive, approval="deny") == ("fs__wipe",)
    assert several.configure("fetch", read_only=True, max_concurrency=None, retry=Retry(4)) == ("fetch",)

    write = ToolDefinition(
        name="write", namespace="fs", timeout_s=2, group=group, retry=Retry(2), callers=("code",), approval="ask",
        parameters={"type": "object", "properties": {}},
    )  # fmt: skip
    assert several["fs__write"].definition == write
    assert several["fs__wipe"].definition == dataclasses.replace(write, name="wipe", destructive=True, approval="deny")
    assert several["fs__read"].definition.timeout_s is None
    assert several["fetch"].definition.read_only
    assert several["fetch"].definition.retry == Retry(4)
    assert [tool.identifier for tool in several] == ["fs__read", "fs__write", "fs__wipe", "fetch"]


def test_a_policy_that_is_changed_belongs_to_a_new_tool_so_that_calls_under_way_keep_theirs(
    several: ToolRegistry,
) -> None:
    before = several["fetch"]
    several.configure("fetch", timeout_s=1)
    after = several["fetch"]
    several.configure("fetch", max_concurrency=5)

    assert (before.definition.timeout_s, after.definition.timeout_s) == (None, 1)
    assert after.limiter is before.limiter
    assert several["fetch"].limiter is not before.limiter
    assert (after.invoke, after.check) == (before.invoke, before.check)


def test_a_registry_that_includes_others_changes_policies_for_itself(several: ToolRegistry) -> None:
    joined = ToolRegistry()
    joined.include(several)
    joined.configure("*", approval="ask")

    assert {tool.definition.approval for tool in joined} == {"ask"}
    assert {tool.definition.approval for tool in several} == {"allow"}


@pytest.mark.parametrize(
    ("chosen", "changes", "message"),
    [
        ("fs__wrte", {"timeout_s": 1}, "no tool is named 'fs__wrte'; did you mean 'fs__write' or"),
        ("net__*", {"timeout_s": 1}, "no tool is named 'net__*'; there are 4 tools"),
        ("READ", {"timeout_s": 1}, "no tool is named 'READ'"),
        (lambda definition: False, {"timeout_s": 1}, "the function chose no tool"),
        ("*", {"timeout": 1}, "no policy is named 'timeout'; there are timeout_s, max_concurrency, group, retry, cal"),
        ("*", {"name": "x"}, "no policy is named 'name'"),
        ("*", {"timeout_s": 0}, "the tool 'read': timeout_s must be more than 0, not 0"),
        ("*", {"approval": "perhaps"}, "the tool 'read': approval is"),
        ("*", {"retry": 0}, "Retry.attempts is a whole number, at least 1, not 0"),
        ("fs__*", {"read_only": True}, "the tool 'wipe': what changes nothing (read_only) is not destructive"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_and_changes_nothing(
    several: ToolRegistry, chosen: Any, changes: Any, message: str
) -> None:
    before = list(several)

    with pytest.raises(UsageError) as caught:
        several.configure(chosen, **changes)

    assert str(caught.value).startswith(message)
    assert list(several) == before


# ── functions as tools ────────────────────────────────────────────────────────────────────────────────────────


def test_the_decorator_returns_the_function_unchanged(tools: ToolRegistry) -> None:
    async def echo(a: int) -> int:
        return a

    assert tools.tool(echo) is echo
    assert tools.tool(name="again", namespace="x", read_only=True, timeout_s=2, max_concurrency=3)(echo) is echo
    definition = tools["x__again"].definition
    assert (definition.read_only, definition.timeout_s, definition.max_concurrency) == (True, 2, 3)


def google(city: str, units: str = "metric", *, days: Annotated[int, Field(description="own")] = 3) -> None:
    """The weather in a city.

    Slow on Mondays.

    Args:
        city: where
        units: metric or imperial
        days: of the docstring

    Returns:
        What it will be.
    """


def numpy(city: str, units: str = "metric", *, days: Annotated[int, Field(description="own")] = 3) -> None:
    """The weather in a city.

    Slow on Mondays.

    Parameters
    ----------
    city : str
        where
    units : str
        metric or imperial

    Returns
    -------
    None
        What it will be.
    """


def rest(city: str, units: str = "metric", *, days: Annotated[int, Field(description="own")] = 3) -> None:
    """The weather in a city.

    Slow on Mondays.

    :param city: where
    :param units: metric or imperial
    :returns: What it will be.
    """


@pytest.mark.parametrize("function", [google, numpy, rest])
def test_the_definition_comes_from_signature_and_docstring(tools: ToolRegistry, function: Callable[..., Any]) -> None:
    tools.tool(function)
    assert only(tools).definition == ToolDefinition(
        name=function.__name__,
        description="The weather in a city.\n\nSlow on Mondays.",
        parameters={
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "where"},
                "units": {"type": "string", "description": "metric or imperial", "default": "metric"},
                "days": {"type": "integer", "description": "own", "default": 3},
            },
            "required": ["city"],
            "additionalProperties": False,
        },
        output_schema={"type": "null", "description": "What it will be."},
    )


class Size(enum.Enum):
    SMALL = "small"


@dataclasses.dataclass
class Place:
    name: str


def test_annotations_that_are_local_types_are_found(tools: ToolRegistry) -> None:
    class Local(BaseModel):
        x: int

    @tools.tool
    def take(local: Local) -> Local:
        return local

    assert only(tools).validate('{"local": {"x": 1}}') == {"local": Local(x=1)}
    assert only(tools).definition.output_schema == {
        "properties": {"x": {"type": "integer"}},
        "required": ["x"],
        "title": "Local",
        "type": "object",
    }


def test_what_json_has_no_type_for_is_read_from_its_form(tools: ToolRegistry) -> None:
    @tools.tool
    def take(
        at: datetime.datetime,
        key: uuid.UUID,
        size: Size,
        path: pathlib.Path,
        *,
        place: Place,
        tags: set[str],
        pair: tuple[int, str],
        ratio: float,
        anything,  # type: ignore[no-untyped-def]
    ) -> None: ...

    text = """{"at": "2020-01-02T03:04:05Z", "key": "00000000-0000-0000-0000-000000000001", "size": "small",
        "path": "/a", "place": {"name": "Oslo"}, "tags": ["a"], "pair": [1, "b"], "ratio": 1, "anything": [{}]}"""
    assert only(tools).validate(text) == {
        "at": datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        "key": uuid.UUID(int=1),
        "size": Size.SMALL,
        "path": pathlib.Path("/a"),
        "place": Place("Oslo"),
        "tags": {"a"},
        "pair": (1, "b"),
        "ratio": 1.0,
        "anything": [{}],
    }


def test_the_context_is_no_parameter_however_it_is_annotated(tools: ToolRegistry) -> None:
    def plain(a: int, ctx: ToolContext) -> None: ...
    def quoted(a: int, ctx: "ToolContext") -> None: ...  # noqa: UP037
    def optional(a: int, ctx: ToolContext | None = None) -> None: ...
    def old(a: int, ctx: Optional[ToolContext] = None) -> None: ...  # noqa: UP045
    def annotated(ctx: Annotated[ToolContext, "mine"], a: int) -> None: ...

    for function in (plain, quoted, optional, old, annotated):
        tools.tool(function)
    for tool in tools:
        assert tool.takes_context
        assert list((tool.definition.parameters or {})["properties"]) == ["a"]
        assert 'unknown parameter "ctx"' in refusal(tool, {"a": 1, "ctx": None})


class Shop:
    def __init__(self, name: str) -> None:
        self.name = name

    async def buy(self, thing: str, count: int = 1) -> list[str]:
        """Buys something."""
        return [thing] * count

    async def __call__(self, thing: str) -> str:
        """Sells something."""
        return thing


def test_methods_partials_and_callable_objects_are_tools(tools: ToolRegistry) -> None:
    shop = Shop("corner")
    tools.tool(shop.buy)
    tools.tool(shop)
    tools.tool(functools.partial(shop.buy, count=2), name="buy_two")
    tools.tool(functools.partial(shop.buy, "tea"), name="buy_tea")
    assert {tool.identifier: tool.definition.description for tool in tools} == {
        "buy": "Buys something.",
        "Shop": "Sells something.",
        "buy_two": "Buys something.",
        "buy_tea": "Buys something.",
    }
    assert all(tool.is_async for tool in tools)
    assert tools["buy_tea"].validate('{"count": 3}') == {"count": 3}
    assert (tools["buy_two"].definition.parameters or {})["properties"]["count"]["default"] == 2


def test_keyword_arguments_without_a_name_allow_further_parameters(tools: ToolRegistry) -> None:
    @tools.tool
    def anything(a: int, **further: Any) -> None: ...

    @tools.tool
    def numbers(a: int, **further: int) -> None: ...

    assert tools["anything"].validate('{"a": 1, "b": [2]}') == {"a": 1, "b": [2]}
    assert tools["numbers"].validate('{"a": 1, "b": 2}') == {"a": 1, "b": 2}
    assert 'parameter "b": expected an integer, got "2"' in refusal(tools["numbers"], {"a": 1, "b": "2"})
    assert (tools["numbers"].definition.parameters or {})["additionalProperties"] == {"type": "integer"}


def test_a_field_as_a_default_describes_its_parameter(tools: ToolRegistry) -> None:
    @tools.tool
    def take(a: int = Field(5, ge=1, description="how many"), b: str = Field(min_length=1)) -> None: ...

    tool = only(tools)
    assert tool.validate('{"b": "x"}') == {"a": 5, "b": "x"}
    assert 'parameter "a": should be greater than or equal to 1, got 0' in refusal(tool, {"a": 0, "b": "x"})
    assert 'missing parameter "b"' in refusal(tool, {})


def test_a_parameter_whose_default_is_none_takes_null(tools: ToolRegistry) -> None:
    @tools.tool
    def take(a: str = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    assert only(tools).validate('{"a": null}') == {"a": None}
    assert only(tools).validate("{}") == {}


def positional(a: int, /) -> None: ...
def starred(*values: int) -> None: ...
def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> Any:
    yield 1


def unknown(a: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
def not_json(a: Callable[[int], int], b: Shop) -> None: ...
def two_contexts(a: ToolContext, b: ToolContext) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (positional, "'a' of the tool 'positional' is positional-only"),
        (starred, r"'starred' takes \*values; take a list"),
        (generator, "is a generator"),
        (async_generator, "is a generator"),
        (unknown, "'unknown' cannot be read: name 'Nowhere' is not defined"),
        (not_json, "the parameter 'b' of the tool 'not_json'"),
        (two_contexts, "more than one ToolContext: a, b"),
        (Shop.buy, "takes self"),
        (lambda a: a, "a lambda has no name"),
    ],
)
def test_a_function_that_scripts_could_not_call_is_refused_at_registration(
    tools: ToolRegistry, function: Callable[..., Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        tools.tool(function)
    assert len(tools) == 0


def test_a_result_that_pydantic_does_not_know_costs_only_the_output_schema(tools: ToolRegistry) -> None:
    @tools.tool
    def take() -> Shop:
        return Shop("x")

    assert only(tools).definition.output_schema is None


# ── free-form tools ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_free_form_tool_takes_one_string(tools: ToolRegistry) -> None:
    @tools.tool(freeform=True)
    def patch(text: str, ctx: ToolContext) -> None: ...

    added = tools.add(ToolDefinition(name="added", freeform=True), lambda text: text)
    for tool in tools:
        assert tool.definition.parameters == {"type": "string"}
        assert tool.validate(r'"a\nb\ud800"') == "a\nb\ufffd"
    assert refusal(tools["patch"], {"text": "x"}) == 'patch: expected one string, got {"text":"x"}'
    assert refusal(added, 5) == "added: expected one string, got 5"


def test_a_free_form_tool_with_two_parameters_is_refused(tools: ToolRegistry) -> None:
    with pytest.raises(UsageError, match="exactly one parameter"):
        tools.tool(freeform=True)(lambda a, b: None)
    with pytest.raises(UsageError, match="must have the type string"):
        tools.add(ToolDefinition(name="x", freeform=True, parameters={"type": "object"}), lambda text: text)


# ── what is said of wrong arguments, the same for signatures and schemas ──────────────────────────────────────


class Filter(BaseModel):
    key: str
    limit: int = 1


def get_weather(
    city: str,
    units: Literal["metric", "imperial"] = "metric",
    days: int | str | None = None,
    filters: list[Filter] = [],  # noqa: B006
) -> None: ...


WEATHER_SCHEMA = {
    "$defs": {
        "Filter": {
            "type": "object",
            "properties": {"key": {"type": "string"}, "limit": {"type": "integer"}},
            "required": ["key"],
        }
    },
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "units": {"enum": ["metric", "imperial"]},
        "days": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
        "filters": {"type": "array", "items": {"$ref": "#/$defs/Filter"}},
    },
    "required": ["city"],
}

PARAMETERS = (
    'Parameters: city (string, required), units ("metric" or "imperial"), '
    "days (integer or string or null), filters (array)"
)


@pytest.fixture(params=["signature", "schema"])
def weather(request: pytest.FixtureRequest, tools: ToolRegistry) -> Tool:
    if request.param == "signature":
        tools.tool(get_weather)
    else:
        tools.add(ToolDefinition(name="get_weather", parameters=WEATHER_SCHEMA), lambda arguments: None)
    return only(tools)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, 'missing parameter "city".'),
        ({"city": "x", "town": "y"}, 'unknown parameter "town".'),
        ({"city": "x", "unit": "y"}, 'unknown parameter "unit"; did you mean "units"?'),
        ({"city": 5}, 'parameter "city": expected a string, got 5.'),
        ({"city": None}, 'parameter "city": expected a string, got null.'),
        ({"city": "x", "days": [1]}, ("expected an integer or a string", 'parameter "days"', "got [1]")),
        ({"city": "x", "days": True}, ('parameter "days"', "got true")),
        ({"city": "x", "units": "kelvin"}, ('parameter "units": expected', "metric", "imperial", 'got "kelvin"')),
        ({"city": "x", "filters": [{"key": "a"}, {}]}, 'parameter "filters[1]": missing key "key".'),
        (
            {"city": "x", "filters": [{"key": 1}]},
            'parameter "filters[0].key": expected a string, got 1.',
        ),
        ({"city": "x" * 10_000, "days": ["y" * 10_000]}, 'parameter "days"'),
        ([1], ("expected an object", "got [1].")),
        ("null", ("expected an object", "got null.")),
        ("nonsense", "the arguments are not good JSON: "),
        ("", "the arguments are not good JSON: "),
    ],
)
def test_wrong_arguments_are_named_and_the_valid_ones_listed(
    weather: Tool, arguments: Any, message: str | tuple[str, ...]
) -> None:
    said = refusal(weather, arguments)
    assert said.startswith("get_weather: ")
    for part in (message,) if isinstance(message, str) else message:
        assert part in said
    assert PARAMETERS in said or "not good JSON" in said
    assert len(said) < 500


def test_the_one_unknown_parameter_may_be_the_one_that_is_missing(weather: Tool) -> None:
    said = refusal(weather, {"town": "Oslo"})
    assert 'unknown parameter "town"; did you mean "city"? ' in said
    assert 'missing parameter "city"' in said


def test_all_that_is_wrong_is_told_in_one_message_of_bounded_length(weather: Tool) -> None:
    said = refusal(weather, {f"unknown_{number}": number for number in range(5000)})
    assert said.count("unknown parameter") <= 10
    assert " more" in said
    assert len(said) < 2000


def test_arguments_that_are_nested_too_deep_to_be_parsed_are_refused(weather: Tool) -> None:
    text = '{"city": "x", "filters": ' + "[" * 100_000 + "]" * 100_000 + "}"
    assert "nested deeper than 128 levels" in refusal(weather, text)


@pytest.mark.parametrize("unit", ["[]", "{}", "1", '""', '{"a":[1]}', '"[[[[,,,,"'])
def test_arguments_of_too_many_values_are_refused_before_they_are_made(tools: ToolRegistry, unit: str) -> None:
    @tools.tool
    def take(a: Any) -> None: ...

    tools.add(ToolDefinition(name="added", parameters={"type": "object"}), lambda arguments: None)
    for tool in tools:
        tool.validate('{"a": [' + ",".join([unit] * 1000) + "]}")
        assert f"more than {MAX_ARGUMENT_VALUES:,} values" in refusal(
            tool, '{"a": [' + ",".join([unit] * MAX_ARGUMENT_VALUES) + "]}"
        )


def test_a_text_of_any_characters_is_one_value(weather: Tool) -> None:
    text = '[{,"' * MAX_ARGUMENT_VALUES
    assert weather.validate(json.dumps({"city": text})) == {"city": text}


def test_arguments_with_too_many_faults_are_told_by_their_number(tools: ToolRegistry) -> None:
    @tools.tool
    def take(numbers: list[int]) -> None: ...

    said = refusal(only(tools), {"numbers": ["x"] * (MAX_FAULTS + 1)})
    assert said == "take: 10,001 faults in the arguments. Parameters: numbers (array, required)"
    assert '"numbers[0]": expected an integer' in refusal(only(tools), {"numbers": ["x"] * 100})


def test_of_a_long_value_its_beginning_is_shown(tools: ToolRegistry) -> None:
    @tools.tool
    def take(a: int) -> None: ...

    rows = [{"name": "a row", "tags": ["x", None, 1.5]}]
    for value, beginning in ((rows * 30_000, '[{"name":"a row","tags":["x",null,1.5]},{"name":'), ("é" * 10**7, '"éé')):
        said = refusal(only(tools), {"a": value})
        assert f"got {beginning}" in said
        assert len(said) < 200


def test_anything_may_be_nested_128_deep_and_no_deeper(tools: ToolRegistry) -> None:
    @tools.tool
    def take(a: Any) -> None: ...

    tools.add(ToolDefinition(name="added", parameters={"type": "object"}), lambda arguments: None)
    for tool in tools:
        tool.validate('{"a": ' + "[" * 127 + "]" * 127 + "}")
        assert "nested deeper than 128 levels" in refusal(tool, '{"a": ' + "[" * 128 + "]" * 128 + "}")


def test_lone_surrogates_in_arguments_become_the_replacement_character(weather: Tool) -> None:
    assert weather.validate(r'{"city": "\ud800\\ud800 \ud83d\ude00"}') == {"city": "\ufffd\\ud800 😀"}
    assert weather.validate('{"city": "\ud800"}') == {"city": "\ufffd"}
    assert r"got 5" in refusal(weather, r'{"city": 5, "units": "\ud800"}')


# ── tools that have a schema ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"type": "objekt"}, "must have the type object; it has 'objekt'"),
        ({"type": "string"}, "must have the type object"),
        ({"properties": {"a": {"type": "strin"}}}, r'at \["properties"\]\["a"\]\["type"\]: "strin"'),
        ({"properties": {"a": {"pattern": "("}}}, 'is not a "regex"'),
        ({"$ref": "#/$defs/nowhere"}, "nowhere"),
        ({"properties": {"a": {"$ref": "https://example.org/schema"}}}, "nothing is fetched"),
        ({"properties": {"a": {"$ref": "file:///etc/hostname"}}}, "nothing is fetched"),
        ({"default": object()}, "a bad JSON Schema"),
        ([], "must be a JSON Schema, an object"),
    ],
)
def test_a_bad_schema_is_refused_at_registration(tools: ToolRegistry, parameters: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        tools.add(ToolDefinition(name="x", parameters=parameters), lambda arguments: None)
    assert str(caught.value).startswith("the tool 'x': ")


@pytest.mark.parametrize(
    ("parameters", "allowed"),
    [
        (None, False),
        ({"type": "object", "properties": {}}, False),
        ({"type": "object", "properties": {"a": {}}}, False),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": True}, True),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}}, False),
        ({"type": "object", "properties": {"a": {}}, "patternProperties": {"^x": {}}}, True),
        ({"type": "object", "properties": {"a": {}}, "anyOf": [{"properties": {"x": {}}}]}, True),
        ({"type": "object"}, True),
        ({}, True),
    ],
)
def test_a_schema_that_names_its_properties_and_no_others_allows_no_others(
    tools: ToolRegistry, parameters: Any, allowed: bool
) -> None:
    tool = tools.add(ToolDefinition(name="x", parameters=parameters), lambda arguments: None)
    if allowed:
        assert tool.validate('{"x": 1}') == {"x": 1}
    else:
        assert '"x"' in refusal(tool, {"x": 1})


@pytest.mark.parametrize(
    ("handler", "takes"),
    [
        (lambda arguments: None, False),
        (lambda arguments, ctx: None, True),
        (lambda arguments, other: None, True),
        (lambda arguments, ctx=None: None, True),
        (lambda arguments, retries=3: None, False),
        (lambda *arguments: None, False),
        (lambda arguments, **further: None, False),
    ],
)
def test_a_handler_takes_the_context_as_its_second_parameter(
    tools: ToolRegistry, handler: Callable[..., Any], takes: bool
) -> None:
    assert tools.add(ToolDefinition(name="x"), handler).takes_context is takes
