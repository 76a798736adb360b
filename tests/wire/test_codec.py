"""`codemode.wire.codec`: each message as the bytes that it is, and what is not such bytes refused."""

from __future__ import annotations

import dataclasses
from functools import reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemode.errors import LocalProtocolError, RemoteProtocolError
from codemode.wire import codec
from codemode.wire import messages as m
from codemode.wire.codec import Decoder, encode, field_names, to_map, unpack_map
from codemode.wire.validation import StrictDecoder

ALL_KINDS = (*m.WORKER_MESSAGES, *m.HOST_MESSAGES)
DECODERS = [Decoder(ALL_KINDS), StrictDecoder(ALL_KINDS)]

PINNED: list[tuple[m.Message, bytes]] = [
    (
        m.Hello(protocol=1, engine="V8 14.4", pid=7, fences={"seccomp": "on", "landlock": "missing: Linux 5.4"}),
        b"\x85\xa4type\xa5hello\xa8protocol\x01\xa6engine\xa7V8 14.4"
        b"\xa3pid\x07\xa6fences\x82\xa7seccomp\xa2on\xa8landlock\xb2missing: Linux 5.4",
    ),
    (m.Ready(), b"\x81\xa4type\xa5ready"),
    (
        m.Output(cell=3, items=(("text", "hi"), ("image", '{"image_url":"data:,"}'))),
        b'\x83\xa4type\xa6output\xa4cell\x03\xa5items\x92\x92\xa4text\xa2hi\x92\xa5image\xb6{"image_url":"data:,"}',
    ),
    (
        m.Calls(cell=3, calls=((1, "get_weather", '{"city":"Oslo"}'), (2, "now", "{}")), abortable=(2,)),
        b'\x84\xa4type\xa5calls\xa4cell\x03\xa5calls\x92\x93\x01\xabget_weather\xaf{"city":"Oslo"}\x93\x02\xa3now\xa2{}'
        b"\xa9abortable\x91\x02",
    ),
    (m.Cancels(cell=3, calls=(2,)), b"\x83\xa4type\xa7cancels\xa4cell\x03\xa5calls\x91\x02"),
    (
        m.Stores(cell=3, entries=(("a", "[1]"), ("b", None))),
        b"\x83\xa4type\xa6stores\xa4cell\x03\xa7entries\x92\x92\xa1a\xa3[1]\x92\xa1b\xc0",
    ),
    (
        m.Logs(cell=3, entries=(("warn", "careful"),)),
        b"\x83\xa4type\xa4logs\xa4cell\x03\xa7entries\x91\x92\xa4warn\xa7careful",
    ),
    (m.Notes(cell=3, texts=("half way",)), b"\x83\xa4type\xa5notes\xa4cell\x03\xa5texts\x91\xa8half way"),
    (m.Yielded(cell=3), b"\x82\xa4type\xa7yielded\xa4cell\x03"),
    (
        m.YieldTime(cell=3, yield_time_ms=5000),
        b"\x83\xa4type\xaayield_time\xa4cell\x03\xadyield_time_ms\xcd\x13\x88",
    ),
    (
        m.OutputBudget(cell=3, max_output_tokens=200),
        b"\x83\xa4type\xadoutput_budget\xa4cell\x03\xb1max_output_tokens\xcc\xc8",
    ),
    (m.Failing(cell=3), b"\x82\xa4type\xa7failing\xa4cell\x03"),
    (m.Completed(cell=3), b"\x82\xa4type\xa9completed\xa4cell\x03"),
    (
        m.Failed(
            cell=3,
            code="script_error",
            message="Error: no",
            stack="Error: no\n    at cell-3.js:7:5",
            line=7,
            column=5,
        ),
        b"\x87\xa4type\xa6failed\xa4cell\x03\xa4code\xacscript_error\xa7message\xa9Error: no"
        b"\xa5stack\xbeError: no\n    at cell-3.js:7:5\xa4line\x07\xa6column\x05",
    ),
    (m.Pong(ping=9), b"\x82\xa4type\xa4pong\xa4ping\t"),
    (
        m.Start(
            cell=3,
            name="cell-3.js",
            source="text(1)",
            language="typescript",
            tools=(("gh__now", "tools/gh.js", "now", "The time.", False, "now()"),),
            stored={"a": "[1]"},
            max_calls_in_flight=1024,
            max_store_bytes=16777216,
        ),
        b"\x89\xa4type\xa5start\xa4cell\x03\xa4name\xa9cell-3.js\xa6source\xa7text(1)\xa8language\xaatypescript"
        b"\xa5tools\x91\x96\xa7gh__now\xabtools/gh.js\xa3now\xa9The time.\xc2\xa5now()\xa6stored\x81\xa1a\xa3[1]"
        b"\xb3max_calls_in_flight\xcd\x04\x00"
        b"\xafmax_store_bytes\xce\x01\x00\x00\x00",
    ),
    (
        m.Answers(cell=3, answers=((2, "ok", '"12:00"'), (1, "cancelled", '{"code":"cancelled"}'))),
        b'\x83\xa4type\xa7answers\xa4cell\x03\xa7answers\x92\x93\x02\xa2ok\xa7"12:00"\x93\x01\xa9cancelled\xb4{"code":"cancelled"}',
    ),
    (m.Stored(cell=3, key="b", value=None), b"\x84\xa4type\xa6stored\xa4cell\x03\xa3key\xa1b\xa5value\xc0"),
    (m.Ping(ping=9), b"\x82\xa4type\xa4ping\xa4ping\t"),
    (m.Refused(protocols=(1,)), b"\x82\xa4type\xa7refused\xa9protocols\x91\x01"),
]


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values that a field of this type may have on the wire."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is int:
        return st.integers(min_value=0, max_value=m.MAX_INTEGER)
    if origin is Literal:
        return st.sampled_from(args)
    if origin is Annotated:
        return st.sampled_from(sorted(hint.__metadata__[0]))
    if origin is UnionType:
        return reduce(or_, map(values, args))
    if origin is dict:
        return st.dictionaries(*map(values, args), max_size=5)
    if ... in args:
        return st.lists(values(args[0]), max_size=5).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, args))
    return st.from_type(hint)


def messages_of(kind: type[m.Message]) -> st.SearchStrategy[m.Message]:
    hints = get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{field.name: values(hints[field.name]) for field in dataclasses.fields(kind)})


MESSAGES = st.one_of(*map(messages_of, ALL_KINDS))


@pytest.mark.parametrize(("message", "payload"), PINNED, ids=[message.type for message, _ in PINNED])
def test_each_message_is_these_bytes_and_these_bytes_are_it(message: m.Message, payload: bytes) -> None:
    assert encode(message) == payload
    assert [decode(payload) for decode in DECODERS] == [message, message]


def test_every_message_is_pinned() -> None:
    assert [type(message) for message, _ in PINNED] == list(ALL_KINDS)


@given(MESSAGES)
def test_every_message_comes_back_as_it_went(message: m.Message) -> None:
    if isinstance(message, m.Hello):
        message = dataclasses.replace(message, protocol=m.PROTOCOL_VERSION)
    assert [decode(encode(message)) for decode in DECODERS] == [message, message]


@given(MESSAGES)
def test_the_type_stands_first_and_the_fields_in_their_order(message: m.Message) -> None:
    assert list(to_map(message)) == ["type", *field_names(type(message))]
    assert list(msgpack.unpackb(encode(message))) == list(to_map(message))


@pytest.mark.parametrize(
    "message",
    [
        m.Notes(1, ("\ud800",)),
        m.Ping(2**64),
        m.Ping(-(2**63) - 1),
        m.Notes(1, (object(),)),  # type: ignore[arg-type]
    ],
    ids=["a lone surrogate", "too great", "too small", "not a text"],
)
def test_what_msgpack_cannot_say_is_not_sent(message: m.Message) -> None:
    with pytest.raises(LocalProtocolError, match=f"{message.type} cannot be encoded"):
        encode(message)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "incomplete"),
        (b"\x81\xa4type", "incomplete"),
        (b"\x80\x80", "extra data"),
        (b"\x90", "holds tuple, not a map"),
        (b"\xc0", "holds NoneType, not a map"),
        (b"\xc1", "FormatError"),
        (b"\x81\x01\x02", "not allowed for map key"),
        (b"\x81\x90\x02", "not allowed for map key"),
        (b"\x82\xa1a\x01\xa1a\x01", "same key twice"),
        (b"\x81\xa1a\x82\xa1b\x01\xa1b\x02", "same key twice"),
        (b"\x81\xa1a\xa1\xff", "utf-8"),
        (b"\x81\xa1a\xa3\xed\xa0\x80", "utf-8"),
        (b"\xdf\xff\xff\xff\xff", "max_map_len"),
        (b"\x81\xa1a\xdd\xff\xff\xff\xff", "max_array_len"),
        (b"\x81\xa1a" + b"\x91" * 100_000 + b"\xc0", "StackError"),
        (b"\x81\xa1a\xd7\xff" + b"\xff" * 8, "nanoseconds"),
    ],
)
def test_what_is_not_one_map_with_distinct_text_keys_is_refused(payload: bytes, why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        unpack_map(payload)


@pytest.mark.parametrize("fault", [RecursionError, MemoryError])
def test_an_unpacker_that_runs_out_of_stack_or_memory_is_a_remote_fault(
    fault: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unpackb(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(codec.msgpack, "unpackb", unpackb)
    with pytest.raises(RemoteProtocolError, match=fault.__name__):
        unpack_map(b"\x80")


def test_a_map_of_more_entries_than_asked_for_is_refused() -> None:
    payload = msgpack.packb({"a": 1, "b": 2})
    assert unpack_map(payload, max_map_entries=2) == {"a": 1, "b": 2}
    with pytest.raises(RemoteProtocolError, match="max_map_len"):
        unpack_map(payload, max_map_entries=1)


@given(st.binary(max_size=200))
def test_no_payload_is_more_than_refused(payload: bytes) -> None:
    for decode in DECODERS:
        try:
            decode(payload)
        except RemoteProtocolError:
            continue


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "unknown type"),
        ({"type": "nothing"}, "unknown type"),
        ({"type": 1}, "unknown type"),
        ({"type": {}}, "unknown type"),
        ({"type": "ready"}, "unknown type"),
        ({"type": "ping"}, "ping: .*missing"),
        ({"type": "ping", "ping": 1, "more": 2}, "ping: .*unexpected"),
        ({"type": "ping", "ping": 1, "self": 2}, "ping: .*self"),
    ],
)
def test_a_trusting_decoder_refuses_unknown_types_and_fields(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        Decoder(m.HOST_MESSAGES)(msgpack.packb(fields))
