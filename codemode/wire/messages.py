"""Every message of the wire protocol: its name, its fields, their order and their meaning. The one source.

From these frozen dataclasses come the host's strict check (`validation`), the schema in `protocol/` and its
documentation. Nothing here reads, writes or validates.

A JSON value crosses as *JSON text*, serialised once and parsed once at the far end. A tuple crosses as a
msgpack array. Every integer is from 0 to `MAX_INTEGER`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

PROTOCOL_VERSION = 1

MAX_INTEGER = 2**53 - 1
"""The greatest integer on the wire: JSON and JavaScript hold no greater one exactly."""

LogLevel = Literal["debug", "log", "info", "warn", "error"]
ItemKind = Literal["text", "image", "audio", "content"]
CallStatus = Literal["ok", "error", "cancelled"]
Language = Literal["javascript", "typescript"]
WORKER_FAILURE_CODES = frozenset(
    {"script_error", "syntax_error", "module_not_found", "stalled", "cpu_limit", "call_limit", "timer_limit",
     "output_limit", "memory_limit", "source_too_large"}
)  # fmt: skip
"""The cell error codes that a worker may give in `failed`. The other codes are the host's to give."""
FailureCode = Annotated[str, WORKER_FAILURE_CODES]
"""One of them, which the host's check demands; a plain text for a type checker."""
FENCES = (
    "environment", "directory", "descriptors", "memory", "cpu", "core", "file_size", "open_files", "oom_score",
    "no_new_privs", "dumpable", "capabilities", "landlock", "seccomp",
)  # fmt: skip
"""The fences that a worker of this version says the state of in its `hello`, in the order in which it puts them up."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `type` is the name by which it goes over the wire, and stands first in its map."""

    type: ClassVar[str]


# ── worker to host ──────────────────────────────────────────────────────────────────────────────────────────


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
    """Each fence by name: `on`, or why it is missing. At most 64."""


@dataclass(frozen=True, slots=True)
class Ready(Message):
    """A fresh engine stands ready: one `start` may be sent."""

    type: ClassVar[str] = "ready"


@dataclass(frozen=True, slots=True)
class Output(Message):
    """Items that the script emitted, in order."""

    type: ClassVar[str] = "output"

    cell: int
    """The running cell."""
    items: tuple[tuple[ItemKind, str], ...]
    """(kind, body): the text itself for `text`, JSON text of the item for every other kind."""


@dataclass(frozen=True, slots=True)
class Calls(Message):
    """Nested calls that the script made, in order. Each is answered exactly once, by `answers`, unless its
    cell ends."""

    type: ClassVar[str] = "calls"

    cell: int
    """The running cell."""
    calls: tuple[tuple[int, str, str], ...]
    """(call, tool, arguments): the request id, greater than every earlier one of this worker; the tool's
    identifier; JSON text of the one argument."""
    abortable: tuple[int, ...] = ()
    """Those of the calls that were made with a signal: no other is ever named in `cancels`."""


@dataclass(frozen=True, slots=True)
class Cancels(Message):
    """Calls whose signal the script aborted. Each is still answered."""

    type: ClassVar[str] = "cancels"

    cell: int
    """The running cell."""
    calls: tuple[int, ...]
    """Ids of calls that this cell made. One that has been answered meanwhile is passed over."""


@dataclass(frozen=True, slots=True)
class Stores(Message):
    """Values that the script stored, in order."""

    type: ClassVar[str] = "stores"

    cell: int
    """The running cell."""
    entries: tuple[tuple[str, str | None], ...]
    """(key, JSON text of the value); null removes the key."""


@dataclass(frozen=True, slots=True)
class Logs(Message):
    """What the script wrote to its console, in order."""

    type: ClassVar[str] = "logs"

    cell: int
    """The running cell."""
    entries: tuple[tuple[LogLevel, str], ...]
    """(level, text)."""


@dataclass(frozen=True, slots=True)
class Notes(Message):
    """What the script gave to `notify`, in order."""

    type: ClassVar[str] = "notes"

    cell: int
    """The running cell."""
    texts: tuple[str, ...]
    """The text of each note."""


@dataclass(frozen=True, slots=True)
class Yielded(Message):
    """The script called `yield_control`: the pending observation returns now."""

    type: ClassVar[str] = "yielded"

    cell: int
    """The running cell."""


@dataclass(frozen=True, slots=True)
class YieldTime(Message):
    """The script called `set_yield_time`."""

    type: ClassVar[str] = "yield_time"

    cell: int
    """The running cell."""
    yield_time_ms: int
    """Milliseconds from the start of the exec, at least 0."""


@dataclass(frozen=True, slots=True)
class OutputBudget(Message):
    """The script called `set_max_output_tokens_per_exec_call`."""

    type: ClassVar[str] = "output_budget"

    cell: int
    """The running cell."""
    max_output_tokens: int
    """Tokens, at least 0."""


@dataclass(frozen=True, slots=True)
class Failing(Message):
    """The script has failed. What was thrown is still being read, which may run the script's code; `failed`
    follows."""

    type: ClassVar[str] = "failing"

    cell: int
    """The running cell."""


@dataclass(frozen=True, slots=True)
class Completed(Message):
    """The script came to its end, or called `exit`. Nothing more is said of this cell."""

    type: ClassVar[str] = "completed"

    cell: int
    """The running cell."""


@dataclass(frozen=True, slots=True)
class Failed(Message):
    """The script failed. Nothing more is said of this cell."""

    type: ClassVar[str] = "failed"

    cell: int
    """The running cell."""
    code: FailureCode
    """What ended the script, of the cell error codes that a worker may give."""
    message: str
    """What was thrown or went wrong, for a person."""
    stack: str | None
    """The script's own frames, under the name and message of what was thrown."""
    line: int | None
    """Of the script, from 1."""
    column: int | None
    """From 1, in UTF-16 units."""


@dataclass(frozen=True, slots=True)
class Pong(Message):
    """The answer to `ping`."""

    type: ClassVar[str] = "pong"

    ping: int
    """The number of the ping that it answers."""


# ── host to worker ──────────────────────────────────────────────────────────────────────────────────────────


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
    """`javascript`: types are erased only from what V8 does not take as it is. `typescript`: they are erased first."""
    tools: tuple[tuple[str, str, str, str, bool, str], ...]
    """(identifier, module, name, description, freeform, declaration) of each nested tool: its name in `tools.js`, the
    specifier of its own module, its name there, what the model reads of it, whether it takes a string, and its
    declaration in TypeScript."""
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
    """The cell that made the calls."""
    answers: tuple[tuple[int, CallStatus, str], ...]
    """(call, status, JSON text): the result where the status is `ok`, else `{"code", "message", "callId",
    "tool"}`."""


@dataclass(frozen=True, slots=True)
class Stored(Message):
    """Another cell of the session stored this value. Dropped when the cell that is to see it has ended."""

    type: ClassVar[str] = "stored"

    cell: int
    """The cell of this worker that is to see it."""
    key: str
    """Under which it was stored."""
    value: str | None
    """JSON text; null: the key was removed."""


@dataclass(frozen=True, slots=True)
class Ping(Message):
    """Are you there? Answered also while a script spins."""

    type: ClassVar[str] = "ping"

    ping: int
    """A number greater than that of every earlier ping of this worker."""


@dataclass(frozen=True, slots=True)
class Refused(Message):
    """The host does not speak the worker's version. Nothing is said after this, nor read."""

    type: ClassVar[str] = "refused"

    protocols: tuple[int, ...]
    """The versions that the host speaks."""


WORKER_MESSAGES: tuple[type[Message], ...] = (
    Hello, Ready, Output, Calls, Cancels, Stores, Logs, Notes, Yielded, YieldTime, OutputBudget, Failing,
    Completed, Failed, Pong,
)  # fmt: skip
"""What a worker may say."""

HOST_MESSAGES: tuple[type[Message], ...] = (Start, Answers, Stored, Ping, Refused)
"""What the host may say."""
