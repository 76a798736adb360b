"""Every vector of `protocol/vectors/`, run against both ends of this implementation; and the specification itself."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgpack
import pytest

from codemode.errors import LocalProtocolError, RemoteProtocolError
from codemode.wire import messages as m
from codemode.wire.codec import Decoder, encode, to_map
from codemode.wire.connection import TRANSITIONS, Connection, State
from codemode.wire.frames import MAX_FRAME_BYTES, FrameDecoder, encode_frame
from codemode.wire.validation import StrictDecoder

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "protocol" / "vectors"
SPECIFICATION = (ROOT / "protocol" / "README.md").read_text("utf-8")
RULES = dict(re.findall(r"^\*\*(M\d+)\.\*\*(.*?)(?=^\*\*M\d+\.\*\*|^## |\Z)", SPECIFICATION, re.MULTILINE | re.DOTALL))

READERS = {"host": StrictDecoder(), "worker": Decoder(m.HOST_MESSAGES)}
ANY_MESSAGE = StrictDecoder((*m.WORKER_MESSAGES, *m.HOST_MESSAGES))
FAR_END = {"host": "worker", "worker": "host"}


def load(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


FRAMES, MESSAGES, INVALID, CONVERSATIONS = map(load, ("frames", "messages", "invalid", "conversations"))
NAME = staticmethod(lambda case: case["name"]).__func__
SCHEMA = json.loads((ROOT / "protocol" / "schema.json").read_text("utf-8"))


def message_of(form: dict[str, Any]) -> m.Message:
    """The message that has this JSON form."""
    return ANY_MESSAGE(msgpack.packb(form))


def json_form(message: m.Message) -> Any:
    return json.loads(json.dumps(to_map(message)))


# ── frames ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", FRAMES["good"], ids=NAME)
def test_each_split_of_a_stream_gives_its_payloads(case: dict[str, Any]) -> None:
    for split in case["splits"]:
        decoder = FrameDecoder(FRAMES["max_frame_bytes"])
        payloads = [payload.hex() for chunk in split for payload in decoder.receive_data(bytes.fromhex(chunk))]
        assert payloads == case["payloads"]
        decoder.receive_eof()


@pytest.mark.parametrize("case", FRAMES["bad"], ids=NAME)
def test_each_bad_stream_gives_what_was_good_and_then_a_fault(case: dict[str, Any]) -> None:
    decoder = FrameDecoder(case["max_frame_bytes"])
    payloads: list[str] = []

    def read() -> None:
        for chunk in case["chunks"]:
            for payload in decoder.receive_data(bytes.fromhex(chunk)):
                payloads.append(payload.hex())

    if case["fault"] == "length":
        with pytest.raises(RemoteProtocolError, match="announces"):
            read()
    else:
        read()
        with pytest.raises(RemoteProtocolError, match="into a frame"):
            decoder.receive_eof()
    assert payloads == case["payloads"]


def test_the_limit_of_the_vectors_is_ours() -> None:
    assert FRAMES["max_frame_bytes"] == MAX_FRAME_BYTES
    assert f"{MAX_FRAME_BYTES:,} bytes" in RULES["M3"]


# ── messages ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", MESSAGES, ids=NAME)
def test_each_message_is_its_payload_and_is_read_from_any_form_of_it(case: dict[str, Any]) -> None:
    message = message_of(case["message"])
    assert encode(message).hex() == case["payload"]
    assert json_form(message) == case["message"]
    for payload in (case["payload"], *case["also"]):
        assert READERS[FAR_END[case["from"]]](bytes.fromhex(payload)) == message


def test_every_message_has_a_vector() -> None:
    assert {case["message"]["type"] for case in MESSAGES} == {
        kind.type for kind in (*m.WORKER_MESSAGES, *m.HOST_MESSAGES)
    }


@pytest.mark.parametrize("case", MESSAGES, ids=NAME)
def test_the_schema_takes_each_message_and_none_with_a_field_more_or_less(case: dict[str, Any]) -> None:
    schema = jsonschema_rs.validator_for(SCHEMA | {"oneOf": [{"$ref": f"#/$defs/{case['from'].title()}Message"}]})
    form = case["message"]
    assert schema.is_valid(form)
    assert not schema.is_valid(form | {"more": 1})
    for field in form:
        assert not schema.is_valid({key: value for key, value in form.items() if key != field})


def test_the_schema_describes_every_message_and_every_field() -> None:
    jsonschema_rs.meta.validate(SCHEMA)
    for kind in (*m.WORKER_MESSAGES, *m.HOST_MESSAGES):
        definition = SCHEMA["$defs"][kind.__name__]
        assert definition["description"]
        assert all("description" in field for name, field in definition["properties"].items() if name != "type"), kind


# ── invalid payloads ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", INVALID, ids=lambda case: f"{case['rule']} {case['why']}")
def test_each_invalid_payload_is_refused_by_its_reader(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        READERS[case["reader"]](bytes.fromhex(case["payload"]))


# ── conversations ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", CONVERSATIONS, ids=NAME)
def test_each_conversation_goes_as_it_is_told(case: dict[str, Any]) -> None:
    ends = {role: Connection(role, READERS[role]) for role in READERS}  # type: ignore[arg-type]
    for step in case["steps"]:
        take(step, speaker=ends[step["from"]], listener=ends[FAR_END[step["from"]]])


def take(step: dict[str, Any], *, speaker: Connection, listener: Connection) -> None:
    """One step of a conversation, at both ends."""
    after = (State(step["state"]), frozenset(step["open_calls"]))
    if step.get("eof"):
        list(listener.receive_data(bytes.fromhex(step["bytes"])))
        with pytest.raises(RemoteProtocolError):
            listener.receive_eof()
    elif "violation" in step:
        message = message_of(step["message"])
        before = (speaker.state, speaker.open_calls)
        with pytest.raises(LocalProtocolError):
            speaker.send(message)
        assert (speaker.state, speaker.open_calls) == before
        with pytest.raises(RemoteProtocolError):
            list(listener.receive_data(encode_frame(encode(message))))
    elif step.get("unread"):
        assert list(listener.receive_data(encode_frame(encode(message_of(step["message"]))))) == []
    else:
        message = message_of(step["message"])
        assert list(listener.receive_data(speaker.send(message))) == [message]
        assert (speaker.state, speaker.open_calls) == after
    assert (listener.state, listener.open_calls) == after


def test_a_violation_ends_its_conversation() -> None:
    for case in CONVERSATIONS:
        assert all("violation" not in step for step in case["steps"][:-1]), case["name"]


def test_the_conversations_take_every_transition() -> None:
    taken = set()
    for case in CONVERSATIONS:
        state = "opening"
        for step in case["steps"]:
            if "violation" not in step and "unread" not in step:
                taken.add((state, step["message"]["type"]))
            state = step["state"]
    moves = {(before.value, kind.type) for (before, kind), after in TRANSITIONS.items() if before is not after}
    assert moves <= taken


# ── the specification ───────────────────────────────────────────────────────────────────────────────────────


def test_the_rules_are_numbered_from_one_without_a_gap() -> None:
    assert list(RULES) == [f"M{number}" for number in range(1, len(RULES) + 1)]


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_demands_something_and_names_a_test_that_exists(rule: str) -> None:
    assert "MUST" in RULES[rule]
    shown_by = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", RULES[rule])
    assert shown_by
    for path, name in shown_by:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_vector_names_a_rule_of_the_specification() -> None:
    steps = [step for case in CONVERSATIONS for step in case["steps"] if "violation" in step]
    assert {case["rule"] for case in [*INVALID, *steps]} <= set(RULES)
