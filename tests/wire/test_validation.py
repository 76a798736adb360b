"""`codemode.wire.validation`: the host believes nothing that a worker says before it has been checked."""

from __future__ import annotations

import math
import subprocess
import sys
import tracemalloc
from typing import Any

import msgpack
import pytest

from codemode.errors import RemoteProtocolError
from codemode.wire import messages as m
from codemode.wire.codec import encode
from codemode.wire.frames import MAX_FRAME_BYTES
from codemode.wire.sizes import MAX_MAP_ENTRIES, MAX_VALUES
from codemode.wire.validation import StrictDecoder, message_schema

DECODE = StrictDecoder()
HELLO = {"type": "hello", "protocol": 1, "engine": "V8", "pid": 7, "fences": {"seccomp": "on"}}
CALLS = {"type": "calls", "cell": 3, "calls": [[1, "get", "{}"]], "abortable": [1]}
FAILED = {"type": "failed", "cell": 3, "code": "script_error", "message": "no", "stack": None}
FAILED |= {"line": None, "column": None}
GOOD: list[tuple[dict[str, Any], m.Message]] = [
    (HELLO, m.Hello(1, "V8", 7, {"seccomp": "on"})),
    ({"type": "ready"}, m.Ready()),
    ({"type": "output", "cell": 3, "items": [["text", "hi"]]}, m.Output(3, (("text", "hi"),))),
    (CALLS, m.Calls(3, ((1, "get", "{}"),), (1,))),
    ({"type": "cancels", "cell": 3, "calls": [1]}, m.Cancels(3, (1,))),
    ({"type": "stores", "cell": 3, "entries": [["a", None]]}, m.Stores(3, (("a", None),))),
    ({"type": "logs", "cell": 3, "entries": [["warn", "w"]]}, m.Logs(3, (("warn", "w"),))),
    ({"type": "notes", "cell": 3, "texts": []}, m.Notes(3, ())),
    ({"type": "yielded", "cell": 3}, m.Yielded(3)),
    ({"type": "yield_time", "cell": 3, "yield_time_ms": 0}, m.YieldTime(3, 0)),
    ({"type": "output_budget", "cell": 3, "max_output_tokens": 0}, m.OutputBudget(3, 0)),
    ({"type": "failing", "cell": 3}, m.Failing(3)),
    ({"type": "completed", "cell": 3}, m.Completed(3)),
    (FAILED, m.Failed(3, "script_error", "no", None, None, None)),
    ({"type": "pong", "ping": m.MAX_INTEGER}, m.Pong(m.MAX_INTEGER)),
]


@pytest.mark.parametrize(("fields", "message"), GOOD, ids=[message.type for _, message in GOOD])
def test_each_message_of_a_worker_is_read_as_it_is(fields: dict[str, Any], message: m.Message) -> None:
    assert DECODE(msgpack.packb(fields)) == message


def test_every_message_of_a_worker_is_among_them() -> None:
    assert [type(message) for _, message in GOOD] == list(m.WORKER_MESSAGES)


@pytest.mark.parametrize(("fields", "_"), GOOD, ids=[message.type for _, message in GOOD])
def test_a_field_too_many_or_too_few_is_refused(fields: dict[str, Any], _: m.Message) -> None:
    with pytest.raises(RemoteProtocolError, match="not permitted"):
        DECODE(msgpack.packb(fields | {"more": 1}))
    for name in fields:
        with pytest.raises(RemoteProtocolError, match="a bad message"):
            DECODE(msgpack.packb({key: value for key, value in fields.items() if key != name}))


@pytest.mark.parametrize("kind", m.HOST_MESSAGES)
def test_a_message_of_the_host_is_not_a_workers_to_say(kind: type[m.Message]) -> None:
    with pytest.raises(RemoteProtocolError, match="expected tags"):
        DECODE(msgpack.packb({"type": kind.type}))


NOT_A_NATURAL = [-1, 2**53, 2**64 - 1, -(2**63), 1.0, math.nan, math.inf, True, "1", b"1", None, [], {}]


@pytest.mark.parametrize("value", [*NOT_A_NATURAL, msgpack.ExtType(5, b"x"), msgpack.Timestamp(1)])
@pytest.mark.parametrize("field", ["cell", "call"])
def test_what_is_not_an_integer_of_the_wire_is_refused_where_one_belongs(field: str, value: object) -> None:
    fields = CALLS | {"cell": value} if field == "cell" else CALLS | {"calls": [[value, "get", "{}"]]}
    with pytest.raises(RemoteProtocolError, match="a bad message: calls"):
        DECODE(msgpack.packb(fields))


@pytest.mark.parametrize("value", [1, 1.5, True, None, b"get", ["get"], {}, msgpack.ExtType(5, b"get")])
def test_what_is_not_text_is_refused_where_text_belongs(value: object) -> None:
    with pytest.raises(RemoteProtocolError, match=r"a bad message: calls\.calls\.0\.1"):
        DECODE(msgpack.packb(CALLS | {"calls": [[1, value, "{}"]]}))


@pytest.mark.parametrize(
    "fields",
    [
        CALLS | {"calls": [[1, "get"]]},
        CALLS | {"calls": [[1, "get", "{}", "more"]]},
        CALLS | {"calls": [1]},
        CALLS | {"calls": {}},
        CALLS | {"calls": "text"},
        HELLO | {"fences": [["seccomp", "on"]]},
        HELLO | {"fences": {"seccomp": True}},
        HELLO | {"fences": {b"seccomp": "on"}},
        HELLO | {"protocol": True},
        HELLO | {"protocol": -1},
        {"type": "output", "cell": 3, "items": [["video", "x"]]},
        {"type": "logs", "cell": 3, "entries": [["trace", "x"]]},
        FAILED | {"code": "terminated"},
        FAILED | {"line": "7"},
        {"type": ["calls"]},
        {b"type": "ready"},
        {},
    ],
)
def test_a_message_of_another_shape_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError, match="a bad message"):
        DECODE(msgpack.packb(fields))


def test_a_payload_is_checked_before_it_is_unpacked() -> None:
    with pytest.raises(RemoteProtocolError, match="not msgpack: OutOfData"):
        DECODE(b"\x81\xa4type\xdd\xff\xff\xff\xff")


@pytest.mark.parametrize(
    "payload",
    [
        b"\x82\xa4type\xa5calls\xa5calls" + b"\xdd\x00\x0f\xff\xff" * 1000 + bytes(MAX_VALUES - 6000),
        b"\x81\xa5calls\xdd\x03\xff\xff\xf0" + b"\x80" * (MAX_FRAME_BYTES - 16),
        encode(m.Notes(3, ("ab",) * (2 * MAX_VALUES))),
    ],
    ids=["nested arrays that announce a million each", "a frame of empty maps", "a frame of short notes"],
)
def test_a_bomb_takes_no_more_memory_than_a_few_times_its_bytes(payload: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(RemoteProtocolError):
            DECODE(payload)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < len(payload) + 10_000_000


def test_a_million_bad_elements_are_one_report() -> None:
    payload = encode(m.Cancels(3, (-1,) * (MAX_VALUES // 2)))
    tracemalloc.start()
    try:
        with pytest.raises(RemoteProtocolError, match=r"cancels\.calls\.0"):
            DECODE(payload)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20_000_000


def test_a_report_does_not_repeat_what_was_said_at_any_length() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        DECODE(msgpack.packb({"type": "ready", "x" * 1_000_000: 1}))
    assert len(str(caught.value)) < 1000
    with pytest.raises(RemoteProtocolError) as caught:
        DECODE(msgpack.packb({"type": "x" * 1_000_000}))
    assert len(str(caught.value)) < 1000


def test_a_type_that_is_no_text_is_never_written_out() -> None:
    nest: object = None
    for _ in range(500):
        nest = [nest]

    def deep(frames: int) -> None:
        if frames:
            deep(frames - 1)
        else:
            with pytest.raises(RemoteProtocolError, match="a bad message: type"):
                DECODE(msgpack.packb({"type": nest}))

    deep(sys.getrecursionlimit() - 250)  # where writing it out would end in a RecursionError that nobody can catch


def test_a_map_of_too_many_entries_is_refused() -> None:
    fences = {str(number): "on" for number in range(MAX_MAP_ENTRIES)}
    assert DECODE(msgpack.packb(HELLO | {"fences": fences})) == m.Hello(1, "V8", 7, fences)
    with pytest.raises(RemoteProtocolError, match="max_map_len"):
        DECODE(msgpack.packb(HELLO | {"fences": fences | {"more": "on"}}))


def test_a_hello_of_another_version_is_read_for_its_version_alone() -> None:
    assert DECODE(msgpack.packb({"type": "hello", "protocol": 2, "soul": "on"})) == m.Hello(2, "", 0, {})
    with pytest.raises(RemoteProtocolError, match="expected tags"):
        StrictDecoder(m.HOST_MESSAGES)(msgpack.packb({"type": "hello", "protocol": 2}))


def test_the_check_of_any_messages_can_be_had() -> None:
    validate = message_schema((m.Ping, m.Stored)).validate_python
    assert validate({"type": "ping", "ping": 1}) == {"type": "ping", "ping": 1}


def test_the_worker_can_read_and_write_without_pydantic() -> None:
    program = (
        "import sys, codemode.wire.connection, codemode.wire.codec; "
        "sys.exit(not {'pydantic', 'trio'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
