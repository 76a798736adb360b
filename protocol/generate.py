"""Write what `protocol/` derives from the code: the tables of README.md, schema.json and the vectors.

    python protocol/generate.py             write what is stale
    python protocol/generate.py --check     write nothing; exit with 1 and name what is stale

The messages come from `codemode.wire.messages`, the transitions from `codemode.wire.connection`; the cases of the
vectors are listed here.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgpack

from codemode.errors import LocalProtocolError, RemoteProtocolError
from codemode.wire import messages as m
from codemode.wire.codec import Decoder, encode, to_map
from codemode.wire.connection import TRANSITIONS, Connection, State
from codemode.wire.frames import MAX_FRAME_BYTES, encode_frame
from codemode.wire.validation import StrictDecoder, message_schema

HERE = Path(__file__).parent
ALL_KINDS = (*m.WORKER_MESSAGES, *m.HOST_MESSAGES)
Role = Literal["worker", "host"]


def main() -> int:
    """Write the stale files, or name them. The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a file is stale")
    check = parser.parse_args().check
    stale = [(path, text) for path, text in generated_files() if not path.exists() or path.read_text("utf-8") != text]
    for path, text in stale:
        sys.stdout.write(f"{'stale' if check else 'written'}: {path.relative_to(HERE.parent)}\n")
        if not check:
            path.write_text(text, "utf-8")
    return int(check and bool(stale))


def generated_files() -> Iterator[tuple[Path, str]]:
    """Each generated file and what belongs in it."""
    yield HERE / "README.md", with_tables((HERE / "README.md").read_text("utf-8"))
    yield HERE / "schema.json", as_json(schema())
    yield HERE / "vectors" / "frames.json", as_json(frame_vectors())
    yield HERE / "vectors" / "messages.json", as_json([message_vector(case) for case in MESSAGES])
    yield HERE / "vectors" / "invalid.json", as_json([invalid_vector(case) for case in INVALID])
    yield (
        HERE / "vectors" / "conversations.json",
        as_json([conversation_vector(name, steps) for name, steps in CONVERSATIONS.items()]),
    )


def as_json(value: Any) -> str:
    """JSON text of a file, ASCII alone, so that no editor changes it."""
    return json.dumps(value, indent=1) + "\n"


# ── the schema and the tables ───────────────────────────────────────────────────────────────────────────────


def field_docs() -> dict[str, dict[str, str]]:
    """What stands under each field of each message, by the name of its class."""
    docs: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(m)).body:
        if isinstance(node, ast.ClassDef):
            docs[node.name] = {
                field.target.id: inspect.cleandoc(text.value.value).replace("\n", " ")
                for field, text in zip(node.body, node.body[1:], strict=False)
                if isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            }
    return docs


FIELD_DOCS = field_docs()


def schema() -> dict[str, Any]:
    """The JSON Schema of a message in its JSON form: a worker's and the host's."""
    definitions: dict[str, Any] = {}
    for kinds in (m.WORKER_MESSAGES, m.HOST_MESSAGES):
        definitions |= message_schema(kinds).json_schema()["$defs"]
    for name, definition in definitions.items():
        definition["description"] = one_line(definition["description"])
        for field, description in FIELD_DOCS[name].items():
            definition["properties"][field]["description"] = description
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"The messages of the codemode wire protocol, version {m.PROTOCOL_VERSION}",
        "oneOf": [{"$ref": "#/$defs/WorkerMessage"}, {"$ref": "#/$defs/HostMessage"}],
        "$defs": {
            "WorkerMessage": {"oneOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in m.WORKER_MESSAGES]},
            "HostMessage": {"oneOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in m.HOST_MESSAGES]},
            **definitions,
        },
    }


def one_line(text: str | None) -> str:
    """A docstring as one line."""
    return " ".join((text or "").split())


def type_name(hint: Any) -> str:
    """A field's type in the words of the specification."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " / ".join(f"`{choice}`" for choice in args)
    if origin is Annotated:
        return " / ".join(f"`{choice}`" for choice in sorted(hint.__metadata__[0]))
    if origin is UnionType:
        return " or ".join(map(type_name, args))
    if origin is dict:
        return f"map of text to {type_name(args[1])}"
    if ... in args:
        return f"array of {type_name(args[0])}"
    if origin is tuple:
        return f"[{', '.join(map(type_name, args))}]"
    return {int: "integer", str: "text", bool: "boolean", type(None): "nil"}[hint]


def message_table(kinds: tuple[type[m.Message], ...]) -> str:
    """Every message with its fields, as a Markdown table."""
    rows = ["| message | field | type | meaning |", "| --- | --- | --- | --- |"]
    for kind in kinds:
        hints = get_type_hints(kind, include_extras=True)
        rows.append(f"| **`{kind.type}`** | | | {one_line(kind.__doc__)} |")
        rows += [
            f"| | `{field.name}` | {type_name(hints[field.name])} | {FIELD_DOCS[kind.__name__][field.name]} |"
            for field in fields(kind)
        ]
    return "\n".join(rows)


def transition_table() -> str:
    """What each end may say in each state, and the state after it where that is another, as a Markdown table."""
    rows = ["| state | the worker may say | the host may say |", "| --- | --- | --- |"]
    for state in State:
        cells = (steps_from(state, kinds) for kinds in (m.WORKER_MESSAGES, m.HOST_MESSAGES))
        rows.append(f"| `{state.value}` | {' | '.join(cells)} |")
    return "\n".join(rows)


def steps_from(state: State, kinds: tuple[type[m.Message], ...]) -> str:
    """What of these messages may come in a state, those together that lead to the same one."""
    by_state: dict[State, list[str]] = {}
    for kind in kinds:
        if (after := TRANSITIONS.get((state, kind))) is not None:
            by_state.setdefault(after, []).append(f"`{kind.type}`")
    return "; ".join(
        ", ".join(names) + ("" if after is state else f" → `{after.value}`") for after, names in by_state.items()
    )


TABLES: dict[str, Callable[[], str]] = {
    "worker messages": lambda: message_table(m.WORKER_MESSAGES),
    "host messages": lambda: message_table(m.HOST_MESSAGES),
    "transitions": transition_table,
}


def with_tables(text: str) -> str:
    """The specification with its generated tables between their markers."""
    for name, table in TABLES.items():
        begin, end = f"<!-- generated: {name} -->\n", "\n<!-- end -->"
        before, rest = text.split(begin)
        _, after = rest.split(end, 1)
        text = before + begin + table() + end + after
    return text


# ── frames ──────────────────────────────────────────────────────────────────────────────────────────────────


def frame_vectors() -> dict[str, Any]:
    """Streams that are frames, in several splits, and streams that are not."""
    return {
        "max_frame_bytes": MAX_FRAME_BYTES,
        "good": [good_frames(name, payloads) for name, payloads in GOOD_FRAMES.items()],
        "bad": [
            {
                "name": name,
                "max_frame_bytes": limit,
                "chunks": [chunk.hex() for chunk in chunks],
                "payloads": [payload.hex() for payload in payloads],
                "fault": fault,
            }
            for name, limit, chunks, payloads, fault in BAD_FRAMES
        ],
    }


def good_frames(name: str, payloads: list[bytes]) -> dict[str, Any]:
    """One stream of these payloads: whole, byte by byte, in threes, and cut in the middle."""
    stream = b"".join(map(encode_frame, payloads))
    sizes = [max(1, len(stream)), 1, 3, max(1, len(stream) // 2 + 1)]
    splits = [[stream[i : i + size].hex() for i in range(0, len(stream), size)] for size in sizes]
    return {"name": name, "payloads": [payload.hex() for payload in payloads], "splits": splits}


GOOD_FRAMES = {
    "no frame at all": [],
    "the least frame": [b"\x80"],
    "a frame": [encode(m.Ready())],
    "two frames": [encode(m.Ready()), encode(m.Yielded(3))],
    "payloads that look like lengths": [b"\x00\x00\x00\x01", b"\xff\xff\xff\xff\xff", b"\x00"],
    "a length of two bytes": [encode(m.Notes(1, ("x" * 300,)))],
}

BAD_FRAMES: list[tuple[str, int, list[bytes], list[bytes], Literal["length", "eof"]]] = [
    ("an empty frame", MAX_FRAME_BYTES, [b"\x00\x00\x00\x00"], [], "length"),
    ("the greatest number", MAX_FRAME_BYTES, [b"\xff\xff\xff\xff"], [], "length"),
    ("one byte more than the limit", MAX_FRAME_BYTES, [b"\x04\x00\x00\x01"], [], "length"),
    ("little-endian", MAX_FRAME_BYTES, [b"\x07\x00\x00\x00", b"payload"], [], "length"),
    ("text where a length belongs", MAX_FRAME_BYTES, [b"HTTP/1.1 200 OK\r\n"], [], "length"),
    ("a lower limit", 8, [encode_frame(b"12345678") + b"\x00\x00\x00\x09"], [b"12345678"], "length"),
    ("good, then empty, then good", 8, [b"\x00\x00\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x01b"], [b"a"], "length"),
    ("a bad length byte by byte", 8, [b"\x00", b"\x00", b"\x01", b"\x00"], [], "length"),
    ("the end within a length", MAX_FRAME_BYTES, [b"\x00\x00\x00"], [], "eof"),
    ("the end right after a length", MAX_FRAME_BYTES, [b"\x00\x00\x00\x01"], [], "eof"),
    ("the end within a payload", MAX_FRAME_BYTES, [b"\x00\x00\x00\x01a\x00\x00\x00\x04abc"], [b"a"], "eof"),
]


# ── messages ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class MessageCase:
    """A message, and other payloads that say the same."""

    name: str
    message: m.Message
    also: tuple[bytes, ...] = ()


def message_vector(case: MessageCase) -> dict[str, Any]:
    """Its JSON form, its payload, and what else must be read as it."""
    return {
        "name": case.name,
        "from": role_of(case.message),
        "message": to_map(case.message),
        "payload": encode(case.message).hex(),
        "also": [payload.hex() for payload in case.also],
    }


def role_of(message: m.Message) -> Role:
    """The end that says it."""
    return "host" if type(message) in m.HOST_MESSAGES else "worker"


HELLO = m.Hello(m.PROTOCOL_VERSION, "V8 14.4", 7, {"seccomp": "on", "landlock": "missing: the kernel has none"})
START = m.Start(
    cell=3,
    name="cell-3.js",
    source="text(await tools.gh__now())",
    language="javascript",
    tools=(("gh__now", "tools/gh.js", "now", "The time.", False, "now(): Promise<string>"),),
    stored={"a": "[1]"},
    max_calls_in_flight=4,
    max_store_bytes=16777216,
)
FAILED = m.Failed(3, "script_error", "Error: no", "Error: no\n    at cell-3.js:7:5", 7, 5)
STALLED = m.Failed(3, "stalled", "the script waits for what can never come", None, None, None)

MESSAGES = [
    MessageCase("hello", HELLO),
    MessageCase("hello with no fence", m.Hello(m.PROTOCOL_VERSION, "", 0, {})),
    MessageCase("ready", m.Ready(), (b"\xde\x00\x01\xa4type\xa5ready", b"\x81\xd9\x04type\xda\x00\x05ready")),
    MessageCase("output", m.Output(3, (("text", "hi"), ("image", '{"image_url":"data:,"}')))),
    MessageCase("output of every kind", m.Output(3, (("audio", "{}"), ("content", "{}"), ("text", "")))),
    MessageCase("output of any text", m.Output(3, (("text", "\x00\u00e9\u20ac\U0001f600\u2028\ufffd"),))),
    MessageCase("output of a long text", m.Output(3, (("text", "x" * 300),))),
    MessageCase("output of nothing", m.Output(3, ())),
    MessageCase("calls", m.Calls(3, ((1, "get_weather", '{"city":"Oslo"}'), (2, "now", '""')), (2,))),
    MessageCase(
        "calls with the greatest id",
        m.Calls(3, ((m.MAX_INTEGER, "now", "{}"),)),
    ),
    MessageCase("more calls than fit a short array", m.Calls(3, tuple((n, "f", "{}") for n in range(1, 18)))),
    MessageCase("cancels", m.Cancels(3, (2,))),
    MessageCase("stores", m.Stores(3, (("a", "[1]"), ("b", None)))),
    MessageCase("logs", m.Logs(3, tuple((level, level) for level in get_args(m.LogLevel)))),
    MessageCase("notes", m.Notes(3, ("half way",))),
    MessageCase("yielded", m.Yielded(3), (b"\x82\xa4cell\x03\xa4type\xa7yielded",)),
    MessageCase("yield_time", m.YieldTime(3, 5000)),
    MessageCase("output_budget", m.OutputBudget(3, 200)),
    MessageCase("failing", m.Failing(3)),
    MessageCase("completed", m.Completed(3)),
    MessageCase("completed of the first cell", m.Completed(0)),
    MessageCase("failed", FAILED),
    MessageCase("failed without a place", STALLED),
    MessageCase("pong", m.Pong(9)),
    MessageCase("start", START),
    MessageCase("start with nothing", m.Start(0, "", "", "typescript", (), {}, 0, 0)),
    MessageCase("answers", m.Answers(3, ((2, "ok", '"12:00"'), (1, "error", '{"code":"tool_failed"}')))),
    MessageCase("answers of a cancelled call", m.Answers(3, ((1, "cancelled", '{"code":"cancelled"}'),))),
    MessageCase("stored", m.Stored(3, "b", "{}")),
    MessageCase("stored: a key removed", m.Stored(3, "b", None)),
    MessageCase(
        "ping",
        m.Ping(9),
        (
            b"\x82\xa4ping\x09\xa4type\xa4ping",
            b"\x82\xa4type\xa4ping\xa4ping\xcc\x09",
            b"\x82\xa4type\xa4ping\xa4ping\xcf\x00\x00\x00\x00\x00\x00\x00\x09",
            b"\x82\xa4type\xa4ping\xa4ping\xd0\x09",
            b"\xdf\x00\x00\x00\x02\xa4type\xdb\x00\x00\x00\x04ping\xa4ping\x09",
        ),
    ),
    MessageCase("ping: every width of an integer", m.Ping(m.MAX_INTEGER)),
    MessageCase("refused", m.Refused((1, 2))),
]


# ── invalid payloads ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class InvalidCase:
    """A payload that its reader refuses by itself, whatever was said before."""

    rule: str
    why: str
    payload: bytes
    reader: Role = "host"


def invalid_vector(case: InvalidCase) -> dict[str, Any]:
    """The payload, who reads it, and the rule that it breaks."""
    return {"why": case.why, "rule": case.rule, "reader": case.reader, "payload": case.payload.hex()}


def packed(kind: str, **entries: Any) -> bytes:
    """A map with a type and these entries."""
    payload: bytes = msgpack.packb({"type": kind, **entries})
    return payload


def calls_of(*call: Any) -> bytes:
    """`calls` with one call of these parts."""
    return packed("calls", cell=3, calls=[list(call)], abortable=[])


FAILED_ENTRIES = to_map(FAILED)
FAILED_ENTRIES.pop("type")
NATURALS: list[tuple[str, Any]] = [
    ("a negative integer", -1),
    ("the least integer of msgpack", -(2**63)),
    ("an integer of 2^53", 2**53),
    ("the greatest integer of msgpack", 2**64 - 1),
    ("a float", 1.0),
    ("not a number", float("nan")),
    ("infinity", float("inf")),
    ("a boolean", True),
    ("digits", "1"),
    ("nil", None),
    ("an array", [1]),
    ("an extension", msgpack.ExtType(5, b"x")),
    ("a timestamp", msgpack.Timestamp(1)),
]
TEXTS: list[tuple[str, Any]] = [
    ("bytes", b"now"),
    ("an integer", 1),
    ("nil", None),
    ("a map", {}),
    ("an extension", msgpack.ExtType(5, b"now")),
]

INVALID = [
    InvalidCase("M5", "nil where the map belongs", b"\xc0"),
    InvalidCase("M5", "an array where the map belongs", b"\x91\xa5ready"),
    InvalidCase("M5", "text where the map belongs", b"\xa5ready"),
    InvalidCase("M5", "a byte that msgpack never uses", b"\xc1"),
    InvalidCase("M5", "a map cut short", packed("ready")[:-1]),
    InvalidCase("M5", "a map that announces one entry and has none", b"\x81"),
    InvalidCase("M5", "a second value after the map", packed("ready") + b"\xc0"),
    InvalidCase("M5", "two messages in one frame", packed("ready") * 2),
    InvalidCase("M5", "JSON", b'{"type":"ready"}'),
    InvalidCase("M6", "an integer as a key", b"\x82\xa4type\xa5ready\x01\x02"),
    InvalidCase("M6", "bytes as a key", b"\x81\xc4\x04type\xa5ready"),
    InvalidCase("M6", "nil as a key", b"\x82\xa4type\xa5ready\xc0\x02"),
    InvalidCase("M6", "an array as a key", b"\x82\xa4type\xa5ready\x90\x02"),
    InvalidCase("M6", "a map as a key", b"\x82\xa4type\xa5ready\x80\x02"),
    InvalidCase("M6", "the same key twice", b"\x82\xa4type\xa5ready\xa4type\xa5ready"),
    InvalidCase("M6", "a second cell", b"\x83\xa4type\xa7yielded\xa4cell\x03\xa4cell\x04"),
    InvalidCase(
        "M6",
        "a fence twice",
        b"\x85\xa4type\xa5hello\xa8protocol\x01\xa6engine\xa0\xa3pid\x07\xa6fences\x82\xa1a\xa0\xa1a\xa0",
    ),
    InvalidCase("M6", "the same key twice", b"\x83\xa4type\xa4ping\xa4ping\x01\xa4ping\x02", "worker"),
    InvalidCase("M7", "text that is not UTF-8", b"\x83\xa4type\xa5notes\xa4cell\x03\xa5texts\x91\xa1\xff"),
    InvalidCase("M7", "a lone surrogate", b"\x83\xa4type\xa5notes\xa4cell\x03\xa5texts\x91\xa3\xed\xa0\x80"),
    InvalidCase("M7", "an overlong form", b"\x83\xa4type\xa5notes\xa4cell\x03\xa5texts\x91\xa2\xc0\x80"),
    InvalidCase("M7", "text cut within a character", b"\x83\xa4type\xa5notes\xa4cell\x03\xa5texts\x91\xa2\xe2\x82"),
    InvalidCase("M7", "a key that is not UTF-8", b"\x82\xa4type\xa5ready\xa1\xff\x01"),
    InvalidCase(
        "M7", "a lone surrogate", b"\x84\xa4type\xa6stored\xa4cell\x03\xa3key\xa3\xed\xa0\x80\xa5value\xc0", "worker"
    ),
    InvalidCase("M7", "a timestamp out of its range", b"\x82\xa4type\xa7yielded\xa4cell\xd7\xff" + b"\xff" * 8),
    *(InvalidCase("M7", f"{name} as the tool of a call", calls_of(1, value, "{}")) for name, value in TEXTS),
    *(InvalidCase("M8", f"{name} as a cell", packed("yielded", cell=value)) for name, value in NATURALS),
    *(InvalidCase("M8", f"{name} as a call", calls_of(value, "now", "{}")) for name, value in NATURALS[:8]),
    InvalidCase("M8", "a negative time", packed("yield_time", cell=3, yield_time_ms=-1)),
    InvalidCase("M8", "a negative budget", packed("output_budget", cell=3, max_output_tokens=-1)),
    InvalidCase("M8", "a negative pong", packed("pong", ping=-1)),
    InvalidCase("M8", "a boolean as a version", packed("hello", protocol=True, engine="", pid=7, fences={})),
    InvalidCase("M8", "a negative version", packed("hello", protocol=-1, engine="", pid=7, fences={})),
    InvalidCase(
        "M10",
        "a map of 65 entries",
        packed("hello", protocol=1, engine="", pid=7, fences={str(n): "on" for n in range(65)}),
    ),
    InvalidCase("M11", "an array that announces 2^32-1 elements", b"\x81\xa5calls\xdd\xff\xff\xff\xff"),
    InvalidCase("M11", "a map that announces 2^32-1 entries", b"\xdf\xff\xff\xff\xff"),
    InvalidCase("M11", "text that announces 2^32-1 bytes", b"\x81\xdb\xff\xff\xff\xff"),
    InvalidCase("M11", "arrays that announce 2^32-1 elements each", b"\x81\xa5calls" + b"\xdd\xff\xff\xff\xff" * 100),
    InvalidCase("M11", "arrays nested 2,000 deep", b"\x81\xa5calls" + b"\x91" * 2000 + b"\xc0"),
    InvalidCase("M11", "maps nested 2,000 deep", b"\x81\xa1a" * 2000 + b"\xc0"),
    InvalidCase("M11", "arrays nested 2,000 deep", b"\x81\xa5calls" + b"\x91" * 2000 + b"\xc0", "worker"),
    InvalidCase("M12", "an empty map", b"\x80"),
    InvalidCase("M12", "no type", msgpack.packb({"cell": 3})),
    InvalidCase("M12", "an unknown type", packed("reset")),
    InvalidCase("M12", "a type in capitals", packed("Ready")),
    InvalidCase("M12", "a type that is no text", msgpack.packb({"type": 1})),
    InvalidCase("M12", "a type that is a map", msgpack.packb({"type": {}})),
    InvalidCase("M12", "a message of the host", encode(m.Ping(1))),
    InvalidCase("M12", "a message of the host", encode(START)),
    InvalidCase("M12", "an empty map", b"\x80", "worker"),
    InvalidCase("M12", "an unknown type", packed("reset"), "worker"),
    InvalidCase("M12", "a type that is a map", msgpack.packb({"type": {}}), "worker"),
    InvalidCase("M12", "a message of the worker", encode(m.Ready()), "worker"),
    InvalidCase("M13", "an unknown field", packed("ready", more=1)),
    InvalidCase("M13", "an unknown field", packed("ping", ping=1, more=1), "worker"),
    InvalidCase("M13", "a field missing", packed("yielded")),
    InvalidCase("M13", "a field missing", packed("ping"), "worker"),
    InvalidCase(
        "M13",
        "an optional value left out",
        packed("failed", **{k: v for k, v in FAILED_ENTRIES.items() if k != "line"}),
    ),
    InvalidCase("M13", "a call of two parts", calls_of(1, "now")),
    InvalidCase("M13", "a call of four parts", calls_of(1, "now", "{}", None)),
    InvalidCase("M13", "a call that is no array", packed("calls", cell=3, calls=[1], abortable=[])),
    InvalidCase("M13", "a map where an array belongs", packed("calls", cell=3, calls={}, abortable=[])),
    InvalidCase("M13", "an array where a map belongs", packed("hello", protocol=1, engine="", pid=7, fences=[])),
    InvalidCase("M13", "an unknown kind of item", packed("output", cell=3, items=[["video", ""]])),
    InvalidCase("M13", "an unknown level", packed("logs", cell=3, entries=[["trace", ""]])),
    InvalidCase("M13", "JSON where JSON text belongs", packed("stores", cell=3, entries=[["a", [1]]])),
    InvalidCase("M28", "a code of the host", packed("failed", **FAILED_ENTRIES | {"code": "terminated"})),
    InvalidCase("M28", "an unknown code", packed("failed", **FAILED_ENTRIES | {"code": "oops"})),
]


# ── conversations ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Bad:
    """A message that breaks a rule where it stands. It ends the conversation."""

    rule: str
    why: str
    message: m.Message


@dataclass(frozen=True)
class BadEnd:
    """Bytes of one end after which its stream ends, within a frame."""

    rule: str
    why: str
    speaker: Role
    data: bytes


@dataclass(frozen=True)
class Unread:
    """A message that is legal for its end, as far as that end knows, and that the other does not read any more."""

    message: m.Message


Step = m.Message | Bad | BadEnd | Unread


def conversation_vector(name: str, steps: tuple[Step, ...]) -> dict[str, Any]:
    """Each step, and the state that follows it."""
    ends = {
        "host": Connection("host", StrictDecoder()),
        "worker": Connection("worker", Decoder(m.HOST_MESSAGES)),
    }
    return {"name": name, "steps": [step_vector(ends, step) for step in steps]}


def step_vector(ends: dict[str, Connection], step: Step) -> dict[str, Any]:
    """One step, taken by both ends, and where they are then."""
    match step:
        case BadEnd(rule, why, speaker, data):
            listener = ends[other(speaker)]
            list(listener.receive_data(data))
            expect(RemoteProtocolError, listener.receive_eof)
            return {"from": speaker, "bytes": data.hex(), "eof": True, "violation": why, "rule": rule} | after(listener)
        case Bad(rule, why, message):
            listener = ends[other(role_of(message))]
            expect(LocalProtocolError, lambda: ends[role_of(message)].send(message))
            received = listener.receive_data(encode_frame(encode(message)))
            expect(RemoteProtocolError, lambda: list(received))
            return said(message) | {"violation": why, "rule": rule} | after(listener)
        case Unread(message):
            listener = ends[other(role_of(message))]
            if list(listener.receive_data(encode_frame(encode(message)))):
                raise AssertionError(f"{message} was read")
            return said(message) | {"unread": True} | after(listener)
        case m.Message() as message:
            listener = ends[other(role_of(message))]
            if list(listener.receive_data(ends[role_of(message)].send(message))) != [message]:
                raise AssertionError(f"{message} was not read")
            return said(message) | after(listener)


def said(message: m.Message) -> dict[str, Any]:
    """Who says what."""
    return {"from": role_of(message), "message": to_map(message)}


def after(listener: Connection) -> dict[str, Any]:
    """Where the end that heard it is then."""
    return {"state": listener.state.value, "open_calls": sorted(listener.open_calls)}


def other(role: Role) -> Role:
    """The far end."""
    return "worker" if role == "host" else "host"


def expect(error: type[Exception], act: Callable[[], object]) -> None:
    """Make sure that a case that is listed as a violation is one."""
    try:
        act()
    except error:
        return
    raise AssertionError(f"no {error.__name__}")


def calls(cell: int, *ids: int, abortable: tuple[int, ...] = ()) -> m.Calls:
    """Calls with these ids."""
    return m.Calls(cell, tuple((call, "gh__now", "{}") for call in ids), abortable)


def answers(cell: int, *ids: int) -> m.Answers:
    """Answers to these calls."""
    return m.Answers(cell, tuple((call, "ok", '"12:00"') for call in ids))


def start(cell: int) -> m.Start:
    """The start of a cell that may have four calls open."""
    return m.Start(cell, f"cell-{cell}.js", "", "javascript", (), {}, 4, 1000)


READY = (HELLO, m.Ready())
RUNNING = (*READY, start(3), calls(3, 1, abortable=(1,)))

CONVERSATIONS: dict[str, tuple[Step, ...]] = {
    "a script that calls a tool, says the answer and completes": (
        *READY,
        START,
        calls(3, 1),
        answers(3, 1),
        m.Output(3, (("text", "12:00"),)),
        m.Completed(3),
        m.Ready(),
    ),
    "two scripts, one after the other": (
        *READY,
        start(0),
        m.Completed(0),
        m.Ready(),
        start(1),
        m.Failed(1, "stalled", "", None, None, None),
        m.Ready(),
    ),
    "calls answered out of order": (*RUNNING, calls(3, 2, 5), answers(3, 5), answers(3, 2, 1)),
    "an answer makes room for another call": (*RUNNING, calls(3, 2, 3, 4), answers(3, 2), calls(3, 5)),
    "a cancelled call is still answered, and may be cancelled again while its answer is on the way": (
        *RUNNING,
        m.Cancels(3, (1,)),
        m.Answers(3, ((1, "cancelled", "{}"),)),
        m.Cancels(3, (1,)),
    ),
    "late answers and stores are dropped": (
        *RUNNING,
        m.Completed(3),
        answers(3, 1),
        m.Ready(),
        answers(3, 1),
        m.Stored(3, "a", "1"),
        start(4),
        answers(3, 1),
    ),
    "everything that a script may say": (
        *RUNNING,
        m.Stores(3, (("a", "1"),)),
        m.Logs(3, (("warn", "w"),)),
        m.Notes(3, ("n",)),
        m.Yielded(3),
        m.YieldTime(3, 0),
        m.OutputBudget(3, 0),
        m.Stored(3, "b", None),
        m.Completed(3),
    ),
    "failing, then what was done while the error was read, then failed": (
        *RUNNING,
        m.Failing(3),
        m.Output(3, (("text", "late"),)),
        calls(3, 2),
        answers(3, 2),
        FAILED,
        m.Ready(),
    ),
    "failed at once": (*RUNNING, FAILED),
    "failing, then completed by exit": (*RUNNING, m.Failing(3), m.Completed(3)),
    "pings in every state, answered in any order": (
        HELLO,
        m.Ping(0),
        m.Ready(),
        m.Ping(1),
        m.Pong(1),
        m.Pong(0),
        start(0),
        m.Ping(7),
        m.Failing(0),
        m.Pong(7),
    ),
    "a worker of another version is refused, and what it goes on to say is not read": (
        m.Hello(2, "", 0, {}),
        Unread(m.Ready()),
        m.Refused((1,)),
        Unread(m.Ready()),
    ),
    "a host of another version refuses, which crosses ready": (*READY, m.Refused((2, 3)), Unread(m.Ping(1))),
    "the stream ends within a frame": (
        *RUNNING,
        BadEnd("M4", "the stream ended within a frame", "worker", b"\x00\x00\x00\x09\x82"),
    ),
    "the host's stream ends within a length": (
        *READY,
        BadEnd("M4", "the stream ended within a frame", "host", b"\x00"),
    ),
    "ready before hello": (Bad("M15", "the worker speaks first, by hello", m.Ready()),),
    "the host speaks first": (Bad("M15", "the worker speaks first", m.Ping(0)),),
    "hello twice": (HELLO, Bad("M15", "hello is said once", HELLO)),
    "refused though the version is spoken": (HELLO, Bad("M16", "it names the worker's version", m.Refused((1, 2)))),
    "refused while a cell runs": (*RUNNING, Bad("M18", "only before a start", m.Refused((2,)))),
    "start before ready": (HELLO, Bad("M18", "no engine stands ready", start(0))),
    "two starts": (*RUNNING, Bad("M18", "a cell runs already", start(4))),
    "ready while a cell runs": (*RUNNING, Bad("M18", "the cell has not ended", m.Ready())),
    "output when no cell runs": (*READY, Bad("M18", "no cell runs", m.Output(0, ()))),
    "output after completed": (*RUNNING, m.Completed(3), Bad("M18", "the cell has ended", m.Output(3, ()))),
    "completed twice": (*RUNNING, m.Completed(3), Bad("M18", "the cell has ended", m.Completed(3))),
    "failing twice": (*RUNNING, m.Failing(3), Bad("M27", "failing is said once", m.Failing(3))),
    "the number of a cell again": (*RUNNING, m.Completed(3), m.Ready(), Bad("M19", "3 was used", start(3))),
    "output of another cell": (*RUNNING, Bad("M20", "cell 3 runs", m.Output(4, ()))),
    "calls of another cell": (*RUNNING, Bad("M20", "cell 3 runs", calls(2, 2))),
    "completed of another cell": (*RUNNING, Bad("M20", "cell 3 runs", m.Completed(2))),
    "the id of a call again": (*RUNNING, answers(3, 1), Bad("M21", "1 was used", calls(3, 1))),
    "the id of a call again in a later cell": (
        *RUNNING,
        m.Completed(3),
        m.Ready(),
        start(4),
        Bad("M21", "1 was used", calls(4, 1)),
    ),
    "the id of a call twice at once": (*RUNNING, Bad("M21", "2 stands there twice", calls(3, 2, 2))),
    "more calls than may be open": (*RUNNING, Bad("M22", "four may be open", calls(3, 2, 3, 4, 5))),
    "an answer to an unknown call": (*RUNNING, Bad("M23", "no call 2 was made", answers(3, 2))),
    "a second answer": (*RUNNING, answers(3, 1), Bad("M23", "it was answered", answers(3, 1))),
    "two answers at once": (*RUNNING, Bad("M23", "one call, two answers", answers(3, 1, 1))),
    "a good answer beside a bad one": (*RUNNING, Bad("M24", "no call 9 was made; call 1 stays open", answers(3, 1, 9))),
    "answers to a cell that was never started": (*RUNNING, Bad("M25", "cell 4 was never started", answers(4, 1))),
    "stored for a cell that was never started": (
        *RUNNING,
        Bad("M25", "cell 4 was never started", m.Stored(4, "a", "1")),
    ),
    "cancels of a call that was never made": (*RUNNING, Bad("M26", "no call 2 was made", m.Cancels(3, (2,)))),
    "cancels of an earlier cell's call": (
        *RUNNING,
        m.Completed(3),
        m.Ready(),
        start(4),
        Bad("M26", "call 1 was of cell 3", m.Cancels(4, (1,))),
    ),
    "cancels of a call without a signal": (
        *RUNNING,
        calls(3, 2),
        Bad("M26", "call 2 has none", m.Cancels(3, (2,))),
    ),
    "abortable names a call of another message": (
        *RUNNING,
        Bad("M26", "call 1 is not made here", calls(3, 2, abortable=(1,))),
    ),
    "a host of another version refuses before ready": (HELLO, m.Refused((2,))),
    "pong without ping": (*READY, Bad("M29", "nothing was asked", m.Pong(0))),
    "pong twice": (*READY, m.Ping(0), m.Pong(0), Bad("M29", "it was answered", m.Pong(0))),
    "the number of a ping again": (*READY, m.Ping(1), m.Pong(1), Bad("M29", "1 was used", m.Ping(1))),
}


if __name__ == "__main__":
    sys.exit(main())
