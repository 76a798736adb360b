"""`codemode.pragma`: the settings of a script's first line, and a message for each way they can be wrong."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemode.engine.source import place_of, to_units
from codemode.pragma import Pragma, PragmaError, read_pragma


@pytest.mark.parametrize(
    ("source", "pragma"),
    [
        ('// @exec: {"yield_time_ms": 5000, "max_output_tokens": 2000}', Pragma(5000, 2000)),
        ('// @exec: {"yield_time_ms": 5000}\ntext(1)', Pragma(5000, None)),
        ('//@exec:{"max_output_tokens":0}\r\ntext(1)', Pragma(None, 0)),
        ('\ufeff \t//  @exec :\t{ "yield_time_ms" : 1e3 ,"max_output_tokens":2.0}  \u2028text(1)', Pragma(1000, 2)),
        ('#!/usr/bin/env codemode\n// @exec: {"yield_time_ms": 1}', Pragma(1, None)),
        ('#!/usr/bin/env codemode\r\n// @exec: {"yield_time_ms": 1}', Pragma(1, None)),
        ('// @exec: {"yield_time_ms": 9007199254740991}', Pragma(2**53 - 1, None)),
        ("// @exec: {}", Pragma()),
        ("", Pragma()),
        ("text(1)", Pragma()),
        ("// a comment", Pragma()),
        ("// @executes a thing", Pragma()),
        ("// @exec-time: 5", Pragma()),
        ("/* @exec: {nope */", Pragma()),
        ("\n// @exec: {nope", Pragma()),
        ("text(1) // @exec: {nope", Pragma()),
        ("'// @exec: {nope'", Pragma()),
        ("#!/usr/bin/env codemode\n\n// @exec: {nope", Pragma()),
    ],
)
def test_the_first_line_sets_what_it_says(source: str, pragma: Pragma) -> None:
    assert read_pragma(source) == pragma


WRONG = {
    "no colon": ("// @exec", "needs a colon", 1, 9),
    "prose": ("// @exec this", "needs a colon", 1, 9),
    "no settings": ("// @exec:  \ntext(1)", "no settings", 1, 10),
    "not JSON": ("// @exec: {yield_time_ms: 5}", "not JSON", 1, 12),
    "behind the end": ('// @exec: {"yield_time_ms": 5} // soon', "not JSON", 1, 32),
    "cut off": ('// @exec: {"yield_time_ms": 5', "not JSON", 1, 30),
    "NaN": ('// @exec: {"yield_time_ms": NaN}', "NaN is not a value", 1, 11),
    "deep": (f"// @exec: {'[' * 100_000}", "nests too deeply", 1, 11),
    "not an object": ("// @exec: [5000]", "must be a JSON object", 1, 11),
    "a number": ("// @exec: 5000", "must be a JSON object", 1, 11),
    "unknown": ('// @exec: {"timeout": 5}', 'no setting "timeout". Settings: yield_time_ms, max_output_tokens', 1, 12),
    "near": ('// @exec: {"yield_time": 5}', 'no setting "yield_time"; did you mean "yield_time_ms"?', 1, 12),
    "twice": ('// @exec: {"yield_time_ms": 5, "yield_time_ms": 6}', "sets yield_time_ms twice", 1, 32),
    "text": ('// @exec: {"yield_time_ms": "5"}', "yield_time_ms must be a number", 1, 29),
    "true": ('// @exec: {"max_output_tokens": true}', "max_output_tokens must be a number", 1, 33),
    "null": ('// @exec: {"yield_time_ms": null}', "yield_time_ms must be a number", 1, 29),
    "negative": ('// @exec: {"yield_time_ms": -1}', "yield_time_ms must not be negative", 1, 29),
    "not whole": ('// @exec: {"yield_time_ms": 1.5}', "yield_time_ms must be a whole number", 1, 29),
    "too large": ('// @exec: {"yield_time_ms": 9007199254740992}', "at most 9007199254740991", 1, 29),
    "very large": (f'// @exec: {{"yield_time_ms": {"9" * 5000}}}', "at most 9007199254740991", 1, 29),
    "behind a hashbang": ("#!/usr/bin/env codemode\n  // @exec: 5", "must be a JSON object", 2, 13),
    "behind an astral key": ('// @exec: {"😀": 1}', 'no setting "😀"', 1, 12),
    "behind an astral value": ('// @exec: {"yield_time_ms": "😀", "x": 1}', "must be a number", 1, 29),
}


@pytest.mark.parametrize(("source", "message", "line", "column"), WRONG.values(), ids=WRONG)
def test_a_wrong_pragma_is_refused_at_its_place_in_words_of_its_own(
    source: str, message: str, line: int, column: int
) -> None:
    with pytest.raises(PragmaError, match=re.escape(message)) as caught:
        read_pragma(source)

    before = to_units(source[: caught.value.at])
    assert place_of(before, len(before)) == (line, column)


def test_each_way_to_be_wrong_has_another_message() -> None:
    distinct = [
        "no colon", "no settings", "not JSON", "not an object", "unknown", "near", "twice", "text", "negative",
        "not whole", "too large",
    ]  # fmt: skip
    messages = set()
    for case in distinct:
        with pytest.raises(PragmaError) as caught:
            read_pragma(WRONG[case][0])
        messages.add(caught.value.message)

    assert len(messages) == len(distinct)


@given(st.text(alphabet='{}[]",:. -+e0159ax_\\/\n\ud83d', max_size=30))
def test_any_settings_are_read_or_refused_on_the_first_line(settings: str) -> None:
    source = f"// @exec:{settings}"
    at = len("// @exec:")
    try:
        read_pragma(source)
    except PragmaError as error:
        at = error.at

    assert len("// @exec:") <= at <= len(source)
    assert "\n" not in source[:at]
