"""Every message of the wire protocol: its name, its fields, their order and their meaning. The one source.

From these frozen dataclasses come the host's strict check (`validation`), the schema in `protocol/` and its
documentation. Nothing here reads, writes or validates.

A JSON value crosses as *JSON text*, serialised once and parsed once at the far end. A tuple crosses as a msgpack array.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

PROTOCOL_VERSION = 1

LogLevel = Literal["debug", "log", "info", "warn", "error"]
ItemKind = Literal["text", "image", "audio", "content"]
CallStatus = Literal["ok", "error", "cancelled"]
Language = Literal["auto", "typescript"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `type` is the name by which it goes over the wire, and stands first in its map."""

    type: ClassVar[str]


# ── worker to host ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """The worker speaks first: who it is and which fences stand around it."""

    type: ClassVar[str] = "hello"

    protocol: int
    """The version that the worker speaks."""
    engine: str
    """The engine and its version, for a person."""
    pid: int
    """The worker's process id, as it sees it."""
    fences: dict[str, str]
    """Each fence by name: `on`, or why it is missing."""


@dataclass(frozen=True, slots=True)
class Ready(Message):
    """A fresh engine stands ready: one `start` may be sent."""

    type: ClassVar[str] = "ready"


@dataclass(frozen=True, slots=True)
class Output(Message):
    """Items that the script emitted, in order."""

    type: ClassVar[str] = "output"

    cell: int
    items: tuple[tuple[ItemKind, str], ...]
    """(kind, body): the text itself for `text`, JSON text of the item for every other kind."""


@dataclass(frozen=True, slots=True)
class Calls(Message):
    """Nested calls that the script made, in order. Each is answered exactly once, by `answers`."""

    type: ClassVar[str] = "calls"

    cell: int
    calls: tuple[tuple[int, str, str], ...]
    """(call, tool, arguments): the request id, greater than every earlier one of this worker; the tool's identifier;
    JSON text of the one argument."""


@dataclass(frozen=True, slots=True)
class Cancels(Message):
    """Calls whose signal the script aborted. Each is still answered."""

    type: ClassVar[str] = "cancels"

    cell: int
    calls: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stores(Message):
    """Values that the script stored, in order."""

    type: ClassVar[str] = "stores"

    cell: int
    entries: tuple[tuple[str, str | None], ...]
    """(key, JSON text of the value); null removes the key."""


@dataclass(frozen=True, slots=True)
class Logs(Message):
    """What the script wrote to its console, in order."""

    type: ClassVar[str] = "logs"

    cell: int
    entries: tuple[tuple[LogLevel, str], ...]
    """(level, text)."""


@dataclass(frozen=True, slots=True)
class Notes(Message):
    """What the script gave to `notify`, in order."""

    type: ClassVar[str] = "notes"

    cell: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Yielded(Message):
    """The script called `yield_control`: the pending observation returns now."""

    type: ClassVar[str] = "yielded"

    cell: int


@dataclass(frozen=True, slots=True)
class YieldTime(Message):
    """The script called `set_yield_time`."""

    type: ClassVar[str] = "yield_time"

    cell: int
    yield_time_ms: int
    """Milliseconds from the start of the exec, at least 0."""


@dataclass(frozen=True, slots=True)
class OutputBudget(Message):
    """The script called `set_max_output_tokens_per_exec_call`."""

    type: ClassVar[str] = "output_budget"

    cell: int
    max_output_tokens: int
    """Tokens, at least 0."""


@dataclass(frozen=True, slots=True)
class Failing(Message):
    """The script has failed. What was thrown is still being read, which may run the script's code; `failed` follows."""

    type: ClassVar[str] = "failing"

    cell: int


@dataclass(frozen=True, slots=True)
class Completed(Message):
    """The script came to its end, or called `exit`. Nothing more is said of this cell."""

    type: ClassVar[str] = "completed"

    cell: int


@dataclass(frozen=True, slots=True)
class Failed(Message):
    """The script failed. Nothing more is said of this cell."""

    type: ClassVar[str] = "failed"

    cell: int
    code: str
    """A cell error code that a worker may give: one of `WORKER_FAILURE_CODES`."""
    message: str
    stack: str | None
    """The script's own frames, under the name and message of what was thrown."""
    line: int | None
    """From 1."""
    column: int | None
    """From 1, in UTF-16 units."""


@dataclass(frozen=True, slots=True)
class Pong(Message):
    """The answer to `ping`."""

    type: ClassVar[str] = "pong"

    ping: int
    """The number of the ping that it answers."""


# ── host to worker ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Start(Message):
    """Run this script in the engine that stands ready."""

    type: ClassVar[str] = "start"

    cell: int
    """The number of the cell, not used before with this worker."""
    name: str
    """The file name in the script's positions: `cell-3.js`."""
    source: str
    """The script, well-formed Unicode."""
    language: Language
    """`auto`: TypeScript only where V8 refuses the source as JavaScript."""
    tools: tuple[tuple[str, str, str, str, bool], ...]
    """(identifier, module, name, description, freeform) of each nested tool: its name in `tools.js`, the specifier of
    its own module, its name there, what the model reads of it, and whether it takes a string."""
    stored: dict[str, str]
    """The session's stored values: JSON text by key."""
    max_calls_in_flight: int
    """Calls that may be open at a time; the rest wait in the worker."""
    max_store_bytes: int
    """What the session's stored values may come to: UTF-8 bytes of keys and JSON text."""


@dataclass(frozen=True, slots=True)
class Answers(Message):
    """Answers to nested calls, in the order in which they were ready. One for an ended cell is dropped."""

    type: ClassVar[str] = "answers"

    cell: int
    answers: tuple[tuple[int, CallStatus, str], ...]
    """(call, status, JSON text): the result where the status is `ok`, else `{"code", "message", "callId", "tool"}`."""


@dataclass(frozen=True, slots=True)
class Stored(Message):
    """Another cell of the session stored this value."""

    type: ClassVar[str] = "stored"

    cell: int
    key: str
    value: str | None
    """JSON text; null: the key was removed."""


@dataclass(frozen=True, slots=True)
class Ping(Message):
    """Are you there? Answered also while a script spins."""

    type: ClassVar[str] = "ping"

    ping: int


@dataclass(frozen=True, slots=True)
class Refused(Message):
    """The host does not speak the worker's version; it closes after this."""

    type: ClassVar[str] = "refused"

    protocols: tuple[int, ...]
    """The versions that the host speaks."""


WORKER_MESSAGES: tuple[type[Message], ...] = (
    Hello, Ready, Output, Calls, Cancels, Stores, Logs, Notes, Yielded, YieldTime, OutputBudget, Failing, Completed,
    Failed, Pong,
)  # fmt: skip
"""What a worker may say."""

HOST_MESSAGES: tuple[type[Message], ...] = (Start, Answers, Stored, Ping, Refused)
"""What the host may say."""

WORKER_FAILURE_CODES = frozenset(
    {"script_error", "syntax_error", "module_not_found", "stalled", "cpu_limit", "call_limit", "timer_limit",
     "output_limit", "memory_limit", "source_too_large"}
)  # fmt: skip
"""The cell error codes that a worker may give in `failed`. The other codes are the host's to give."""
