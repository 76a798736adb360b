from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import math
import pathlib
import types
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from codemode.host.values import (
    JsonTooLarge,
    NoJsonForm,
    NotJson,
    from_json_text,
    has_more_values,
    json_depth,
    to_json_text,
    well_formed,
)

MAX_SAFE = 2**53 - 1

SAFE_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_SAFE, MAX_SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=50,
)
ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from('\ud83d\ude00"\\[]{}'))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.sampled_from(["NaN", "-Infinity"]),
    lambda children: st.lists(children) | st.dictionaries(ANY_TEXT, children),
    max_leaves=50,
)


def expected_in_a_script(value: Any) -> Any:
    match value:
        case bool() | None:
            return value
        case int():
            return value if abs(value) <= MAX_SAFE else str(value)
        case float():
            return value if math.isfinite(value) else None
        case str():
            return well_formed(value)
        case list():
            return [expected_in_a_script(member) for member in value]
    return {well_formed(key): expected_in_a_script(member) for key, member in value.items()}


def depth(value: Any) -> int:
    match value:
        case list():
            return 1 + max(map(depth, value), default=0)
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
    return 0


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@given(SAFE_JSON)
def test_what_a_script_can_hold_comes_back_as_it_was(value: Any) -> None:
    assert from_json_text(to_json_text(value)) == value


@given(ANY_JSON)
def test_what_a_script_cannot_hold_becomes_what_the_rules_say(value: Any) -> None:
    assert json.loads(to_json_text(value)) == expected_in_a_script(value)


@given(ANY_JSON)
def test_json_as_javascript_writes_it_is_read_with_its_surrogates_repaired(value: Any) -> None:
    text = json.dumps(value).replace("-Infinity", "0").replace("Infinity", "0").replace("NaN", "0")
    assert from_json_text(text) == expected_parse(json.loads(text))


def expected_parse(value: Any) -> Any:
    match value:
        case str():
            return well_formed(value)
        case list():
            return [expected_parse(member) for member in value]
        case dict():
            return {well_formed(key): expected_parse(member) for key, member in value.items()}
    return value


@given(SAFE_JSON)
def test_depth_counts_brackets_outside_of_strings(value: Any) -> None:
    assert json_depth(json.dumps(value).encode()) == depth(value)


@given(SAFE_JSON, st.integers(-2, 2))
def test_values_are_counted_outside_of_strings(value: Any, more: int) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert has_more_values(text, counted(value) + more) == (more < 0)


def counted(value: Any) -> int:
    """How many values; an empty array or object counts twice."""
    if not isinstance(value, list | dict):
        return 1
    return 1 + (sum(map(counted, value.values() if isinstance(value, dict) else value)) or 1)


@given(ANY_TEXT)
def test_well_formed_text_can_be_encoded_and_keeps_its_pairs(text: str) -> None:
    repaired = well_formed(text)
    repaired.encode()
    utf16 = text.encode("utf-16-le", "surrogatepass")
    assert len(repaired.encode("utf-16-le")) == len(utf16)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (MAX_SAFE, "9007199254740991"),
        (-MAX_SAFE, "-9007199254740991"),
        (2**53, '"9007199254740992"'),
        (-(2**53), '"-9007199254740992"'),
        ([2**53, {"a": 2**70}], '["9007199254740992",{"a":"1180591620717411303424"}]'),
        ([0.1234567890123456, 1234567890123456.5], "[0.1234567890123456,1234567890123456.5]"),
        (['"', 2**53, ":9007199254740993,"], '["\\"","9007199254740992",":9007199254740993,"]'),
        ({"9007199254740993": [[-(2**60)]]}, '{"9007199254740993":[["-1152921504606846976"]]}'),
    ],
)
def test_only_integers_beyond_the_safe_ones_become_strings(value: Any, text: str) -> None:
    assert to_json_text(value) == text


def test_large_integers_can_be_left_alone() -> None:
    assert to_json_text([2**53], quote_large=False) == "[9007199254740992]"


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: float = math.nan


class Row(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="constants")
    at: datetime.datetime
    big: int = 2**60
    ratio: float = -math.inf
    text: str = "a\ud800b"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Point(1), '{"x":1,"y":null}'),
        (Row(at=datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC)), None),
        (Colour.RED, '"red"'),
        ((1, {2}, frozenset()), "[1,[2],[]]"),
        (range(3), "[0,1,2]"),
        ({"a": 1}.keys(), '["a"]'),
        (types.MappingProxyType({"a": {"b": 1}.items()}), '{"a":[["b",1]]}'),
        ((number for number in (1, 2)), "[1,2]"),
        (decimal.Decimal("1.10"), '"1.10"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (pathlib.PurePosixPath("/a"), '"/a"'),
        (datetime.date(2020, 1, 2), '"2020-01-02"'),
        (b"text \xc3\xa9", '"text é"'),
        (memoryview(b"text"), '"text"'),
        ({1: "a", None: "b"}, '{"1":"a","None":"b"}'),
    ],
)
def test_python_values_take_the_form_that_pydantic_gives_them(value: Any, text: str | None) -> None:
    if text is None:
        text = '{"at":"2020-01-02T00:00:00Z","big":"1152921504606846976","ratio":null,"text":"a\ufffdb"}'
    assert to_json_text(value) == text


class Connection:
    pass


def a_ring() -> list[Any]:
    ring: list[Any] = []
    ring.append({"again": ring})
    return ring


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Connection(), "Connection has no JSON form"),
        ({"rows": [1, {"owner": Connection()}]}, ".rows[1].owner: Connection has no JSON form"),
        ([Connection], "[0]: class Connection has no JSON form"),
        (Point(Connection()), ".x: Connection has no JSON form"),  # type: ignore[arg-type]
        ({"png": b"\x89PNG"}, ".png: bytes that is not UTF-8 has no JSON form; return text, such as base64"),
        (a_ring(), "the value contains itself"),
        (nested(129), "the value is nested deeper than 128 levels"),
        (nested(100_000), "the value is nested deeper than 128 levels"),
        (["\ud800", Connection()], "[1]: Connection has no JSON form"),
        (["\ud800", nested(100_000)], "the value is nested deeper than 128 levels"),
        (["\ud800", (text for text in ["\ud800"])], None),
    ],
)
def test_what_has_no_json_form_is_refused_with_its_place(value: Any, message: str | None) -> None:
    with pytest.raises(NoJsonForm) as caught:
        to_json_text(value)
    assert message is None or str(caught.value) == message


def test_a_value_of_the_greatest_depth_crosses_both_ways() -> None:
    text = to_json_text(nested(128))
    assert from_json_text(text) == nested(128)


@pytest.mark.parametrize("levels", [129, 199, 1_000_000])
def test_text_that_is_nested_too_deep_is_refused(levels: int) -> None:
    with pytest.raises(NotJson, match=r"^nested deeper than 128 levels$"):
        from_json_text("[" * levels + "]" * levels)


def test_brackets_in_strings_have_no_depth() -> None:
    value = ["[" * 500, '"[\\"' * 200, "\\", "[" * 500, {"]": "}" * 300}]
    assert from_json_text(to_json_text(value)) == value
    assert json_depth(to_json_text(value).encode()) == 2


def test_a_text_larger_than_its_limit_is_refused_by_its_bytes() -> None:
    assert to_json_text("é" * 4, max_bytes=10) == '"éééé"'
    with pytest.raises(JsonTooLarge) as caught:
        to_json_text("é" * 5, max_bytes=10)
    assert (caught.value.size, caught.value.limit) == (12, 10)
    assert str(caught.value).startswith("12 bytes of JSON, of which 10 may cross")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud800"', "\ufffd"),
        (r'"\uDFFF\uD83D"', "\ufffd\ufffd"),
        (r'"\\ud800"', r"\ud800"),
        (r'"\\\ud800"', "\\\ufffd"),
        (r'"\ud83d\ude00 \ud83d"', "😀 \ufffd"),
        ('"\ud800"', "\ufffd"),
        (r'{"\udc00": ["\ud800\ud83d\ude00"]}', {"\ufffd": ["\ufffd😀"]}),
    ],
)
def test_lone_surrogates_in_text_become_the_replacement_character(text: str, value: Any) -> None:
    assert from_json_text(text) == value


@pytest.mark.parametrize("text", ["", "{", "NaN", "[1,]", r'"\u12"', "1 2", "'a'", "9" * 5000, '"\\ud800\x01"'])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(NotJson):
        from_json_text(text)
