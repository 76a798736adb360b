"""`codemode.engine.records`: the ring's stream as wire messages, however it was split on its way."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemode.engine.records import Kind, RecordDecoder, text_of
from codemode.wire import messages as m
from codemode.wire.codec import encode

CELL = 3


def units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def record(kind: Kind, payload: bytes = b"") -> bytes:
    return struct.pack("<HI", kind, len(payload) // 2) + payload


def pair(kind: Kind, first: str, second: str) -> bytes:
    return record(kind, struct.pack("<I", len(units(first)) // 2) + units(first) + units(second))


def call(number: int, tool: str, arguments: str, abortable: bool = False) -> bytes:
    head = struct.pack("<IHH", number, abortable, len(units(tool)) // 2)
    return record(Kind.CALL, head + units(tool) + units(arguments))


def failed(**fields: object) -> bytes:
    return record(Kind.FAILED, units(json.dumps(fields)))


def sound(text: str) -> str:
    return units(text).decode("utf-16-le", "replace")


ANY_TEXT = st.text(st.characters(), max_size=12)
TEXT = st.builds(lambda text: (record(Kind.TEXT, units(text)), ("output", ("text", sound(text)))), ANY_TEXT)
ITEM = st.builds(lambda body: (pair(Kind.ITEM, "image", body), ("output", ("image", sound(body)))), ANY_TEXT)
CALL = st.builds(
    lambda number, tool, text, abortable: (
        call(number, tool, text, abortable),
        ("calls", (number, sound(tool), sound(text), abortable)),
    ),
    st.integers(0, 2**32 - 1),
    ANY_TEXT,
    ANY_TEXT,
    st.booleans(),
)
STORE = st.builds(
    lambda key, text: (pair(Kind.STORE, key, text), ("stores", (sound(key), sound(text)))), ANY_TEXT, ANY_TEXT
)
UNSET = st.builds(lambda key: (record(Kind.UNSET, units(key)), ("stores", (sound(key), None))), ANY_TEXT)
LOG = st.builds(lambda text: (pair(Kind.LOG, "warn", text), ("logs", ("warn", sound(text)))), ANY_TEXT)
NOTE = st.builds(lambda text: (record(Kind.NOTE, units(text)), ("notes", sound(text))), ANY_TEXT)
CANCEL = st.builds(
    lambda number: (record(Kind.CANCEL, units(str(number))), ("cancels", number)), st.integers(0, 2**32 - 1)
)
SINGLE = st.sampled_from(
    [
        (record(Kind.YIELD), ("yielded", None)),
        (record(Kind.YIELD_TIME, units("20")), ("yield_time", 20)),
        (record(Kind.OUTPUT_BUDGET, units("0")), ("output_budget", 0)),
        (record(Kind.FAILING), ("failing", None)),
    ]
)
RECORDS = st.lists(st.one_of(TEXT, ITEM, CALL, STORE, UNSET, LOG, NOTE, CANCEL, SINGLE), max_size=30)


def entries(messages: Iterable[m.Message]) -> list[tuple[str, object]]:
    """What messages say, one thing after another."""
    said: list[tuple[str, object]] = []
    for message in messages:
        assert message.cell == CELL  # type: ignore[attr-defined]
        match message:
            case m.Output(items=things) | m.Stores(entries=things) | m.Logs(entries=things) | m.Notes(texts=things):
                said += [(message.type, thing) for thing in things]
            case m.Calls(calls=calls, abortable=abortable):
                assert len(set(abortable)) <= len(abortable) <= len(calls)
                said += [("calls", (*made, made[0] in abortable)) for made in calls]
            case m.Cancels(calls=numbers):
                said += [("cancels", number) for number in numbers]
            case m.YieldTime(yield_time_ms=amount) | m.OutputBudget(max_output_tokens=amount):
                said.append((message.type, amount))
            case _:
                said.append((message.type, None))
    return said


def last_of_each_run(said: Iterable[tuple[str, object]]) -> list[tuple[str, object]]:
    """What counts of it: of settings of one kind that follow one another, the last."""
    counted: list[tuple[str, object]] = []
    for kind, thing in said:
        if counted and kind == counted[-1][0] and kind in ("yielded", "yield_time", "output_budget"):
            counted.pop()
        counted.append((kind, thing))
    return counted


def distinct(records: list[tuple[bytes, tuple[str, object]]]) -> bool:
    """Ids of calls are never used again."""
    made = [thing[0] for _, (kind, thing) in records if kind == "calls"]  # type: ignore[index]
    return len(set(made)) == len(made)


@given(records=RECORDS.filter(distinct), data=st.data())
def test_a_stream_says_the_same_whole_or_dribbled_in_any_split(
    records: list[tuple[bytes, tuple[str, object]]], data: st.DataObject
) -> None:
    stream = b"".join(written for written, _ in records)
    expected = last_of_each_run(said for _, said in records)
    assert last_of_each_run(entries(RecordDecoder(CELL).receive(stream))) == expected

    for cuts in (
        range(0, len(stream), 2),
        sorted(2 * cut for cut in data.draw(st.lists(st.integers(0, len(stream) // 2)))),
    ):
        decoder = RecordDecoder(CELL)
        ends = [*cuts, len(stream)]
        pieces = [stream[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        assert last_of_each_run(entries(m for piece in pieces for m in decoder.receive(piece))) == expected


@given(RECORDS)
def test_every_message_can_be_said_whatever_the_texts_hold(records: list[tuple[bytes, tuple[str, object]]]) -> None:
    for message in RecordDecoder(CELL).receive(b"".join(written for written, _ in records)):
        encode(message)


def test_a_flood_of_settings_is_one_message() -> None:
    flood = b"".join(record(Kind.YIELD_TIME, units(str(ms))) for ms in range(1000))
    assert RecordDecoder(CELL).receive(record(Kind.YIELD) * 1000 + flood) == [m.Yielded(CELL), m.YieldTime(CELL, 999)]


def test_neighbours_of_a_kind_go_into_one_message_and_others_keep_their_place() -> None:
    said = RecordDecoder(CELL).receive(
        record(Kind.TEXT, units("a"))
        + record(Kind.TEXT)
        + call(1, "get", "{}")
        + call(2, "get", "{}", abortable=True)
        + record(Kind.TEXT, units("b"))
        + record(Kind.YIELD)
        + record(Kind.COMPLETED)
    )

    assert said == [
        m.Output(CELL, (("text", "a"), ("text", ""))),
        m.Calls(CELL, ((1, "get", "{}"), (2, "get", "{}")), (2,)),
        m.Output(CELL, (("text", "b"),)),
        m.Yielded(CELL),
        m.Completed(CELL),
    ]


def test_a_call_is_abortable_in_the_message_that_makes_it_only() -> None:
    decoder = RecordDecoder(CELL)

    assert decoder.receive(call(1, "get", "{}", abortable=True)) == [m.Calls(CELL, ((1, "get", "{}"),), (1,))]
    assert decoder.receive(call(2, "get", "{}")) == [m.Calls(CELL, ((2, "get", "{}"),), ())]


def test_a_failure_is_read_with_its_fields() -> None:
    fields = {"code": "script_error", "message": "Error: é", "stack": None, "line": 2, "column": 7}

    assert RecordDecoder(CELL).receive(failed(**fields)) == [m.Failed(CELL, "script_error", "Error: é", None, 2, 7)]


def test_a_ring_full_of_the_shortest_records_makes_messages_that_may_be_sent() -> None:
    said = RecordDecoder(CELL).receive(record(Kind.UNSET) * ((1 << 20) // 3))

    assert [kind for kind, _ in groupby(said, type)] == [m.Stores]
    assert len(said) > 1
    assert len(entries(said)) == (1 << 20) // 3


def test_a_lone_surrogate_becomes_the_replacement_character_and_a_pair_stays() -> None:
    assert text_of(units("a\ud800b\udc00\U0001f600")) == "a\ufffdb\ufffd\U0001f600"


def test_a_kind_that_no_runner_writes_is_not_passed_over() -> None:
    with pytest.raises(AssertionError):
        RecordDecoder(CELL).receive(struct.pack("<HI", 99, 0))
