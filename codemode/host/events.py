"""What happens in a session, as it happens: events for a user interface, a log, or whoever would tell of a run.

Every listener hears every event, in order, from the moment at which it asked. One that is slow slows the workers that
speak to it down, and loses nothing; one that is gone is forgotten.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import trio

from codemode.host.cell import read_item
from codemode.host.outcome import AudioItem, CallState, CellError, CellStatus, ImageItem, Item, TextItem
from codemode.wire import messages as m

MAX_WAITING = 1_000
"""EventHub that wait for one listener before the workers are slowed down."""
MAX_WAITING_CHARS = 4 * 1024 * 1024
_BLOCK_CHARS = 4_096
"""What a content block counts for: its length is not known before it is serialised."""
_LOOK_S = 0.1
"""How soon a listener that was dropped without a word is noticed by who waits for it."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened in a cell. `type` names what, for a log or another language."""

    type: ClassVar[str]

    cell_id: str
    """The cell."""
    at_ms: float
    """When, from the cell's start."""


@dataclass(frozen=True, slots=True)
class CellStarted(Event):
    """An exec has begun; its worker is yet to be leased."""

    type: ClassVar[str] = "cell_started"

    source: str
    """The script."""


@dataclass(frozen=True, slots=True)
class CellYielded(Event):
    """The script called `yield_control`."""

    type: ClassVar[str] = "cell_yielded"


@dataclass(frozen=True, slots=True)
class CellEnded(Event):
    """The cell has ended, and every call of it is answered. Nothing more is heard of it."""

    type: ClassVar[str] = "cell_ended"

    status: CellStatus
    """How it ended."""
    error: CellError | None
    """Why it did not complete."""


@dataclass(frozen=True, slots=True)
class OutputEmitted(Event):
    """The script emitted an item."""

    type: ClassVar[str] = "output"

    item: Item
    """The item, whole."""


@dataclass(frozen=True, slots=True)
class ConsoleWritten(Event):
    """The script wrote to its console."""

    type: ClassVar[str] = "console"

    level: str
    """`debug`, `log`, `info`, `warn` or `error`."""
    text: str
    """One line, or several."""


@dataclass(frozen=True, slots=True)
class CallStarted(Event):
    """The script called a tool. One `CallSettled` follows, whatever becomes of the call."""

    type: ClassVar[str] = "call_started"

    call_id: str
    """Unique in the session."""
    tool: str
    """The identifier in `tools.js`."""
    arguments_json: str
    """JSON text of the argument, as the script gave it."""


@dataclass(frozen=True, slots=True)
class ApprovalAsked(Event):
    """A call waits for an `ApprovalRequest` to be decided. `ApprovalDecided` follows, or its `CallSettled`."""

    type: ClassVar[str] = "approval_asked"

    call_id: str
    """As `CallStarted` had it, and its arguments."""
    tool: str
    """The identifier in `tools.js`."""


@dataclass(frozen=True, slots=True)
class ApprovalDecided(Event):
    """Somebody has decided on a call that waited."""

    type: ClassVar[str] = "approval_decided"

    call_id: str
    """As `CallStarted` had it."""
    tool: str
    """The identifier in `tools.js`."""
    is_allowed: bool
    """Whether it is made; else it is `denied`."""
    reason: str | None
    """Why it was denied, if that was said."""


@dataclass(frozen=True, slots=True)
class CallProgressed(Event):
    """The function behind a tool told how far it is. Not told to anybody while a listener has not taken the rest."""

    type: ClassVar[str] = "call_progressed"

    call_id: str
    """Of the call that it serves."""
    tool: str
    """The identifier in `tools.js`."""
    message: str
    """What it said."""


@dataclass(frozen=True, slots=True)
class CallSettled(Event):
    """A call has been answered."""

    type: ClassVar[str] = "call_settled"

    call_id: str
    """As `CallStarted` had it."""
    tool: str
    """The identifier in `tools.js`."""
    status: CallState
    """`ok`, `error` or `cancelled`."""
    code: str | None
    """Why it is not `ok`."""


@dataclass(frozen=True, slots=True)
class ValueStored(Event):
    """The script stored a value, or removed one."""

    type: ClassVar[str] = "stored"

    key: str
    """Under which it is kept."""
    value_json: str | None
    """JSON text; None where it was removed."""


@dataclass(frozen=True, slots=True)
class Notified(Event):
    """The script gave a note to `notify`."""

    type: ClassVar[str] = "notified"

    text: str
    """The note."""


class EventStream:
    """The events of a session from now on: an async iterator that ends with the session. Made by `Session.events`.

    Every event is given once. To stop listening leave the `with` block, `close` it, or drop it.
    """

    def __init__(self, hub: EventHub) -> None:
        self._hub = hub
        self._waiting: deque[Event] = deque()
        self._chars = 0
        self._news = trio.Event()
        self._closed = False

    def __repr__(self) -> str:
        return f"<EventStream, {len(self._waiting)} waiting>"

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        await trio.lowlevel.checkpoint()
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            await self._news.wait()
        event = self._waiting.popleft()
        was_full = self.is_full
        self._chars -= _chars(event)
        if was_full and not self.is_full:
            self._hub.made_room()
        return event

    def __enter__(self) -> EventStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hears nothing more. What waits is given before the iteration ends."""
        self._closed = True
        self._hub.forget(self)
        self._tell()

    @property
    def is_full(self) -> bool:
        """True where so much waits that who speaks must wait too."""
        return not self._closed and (len(self._waiting) >= MAX_WAITING or self._chars >= MAX_WAITING_CHARS)

    def put(self, event: Event) -> None:
        """One more has happened."""
        self._waiting.append(event)
        self._chars += _chars(event)
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()


class EventHub:
    """Those who listen to a session."""

    def __init__(self) -> None:
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()
        self._room = trio.Event()
        self._closed = False

    def __bool__(self) -> bool:
        """True where somebody listens: an event need not be made for nobody."""
        return len(self._streams) > 0

    def listen(self) -> EventStream:
        """The events from now on."""
        stream = EventStream(self)
        if self._closed:
            stream.close()
        else:
            self._streams.add(stream)
        return stream

    def publish(self, event: Event) -> None:
        """Tells everybody. Answers at once."""
        for stream in tuple(self._streams):
            stream.put(event)

    @property
    def is_full(self) -> bool:
        """True where somebody has not taken what was told."""
        return any(stream.is_full for stream in self._streams)

    async def until_room(self) -> None:
        """Waits until everybody has taken most of what was told."""
        while self.is_full:
            with trio.move_on_after(_LOOK_S):
                await self._room.wait()

    def made_room(self) -> None:
        """Somebody has taken what was told."""
        self._room.set()
        self._room = trio.Event()

    def forget(self, stream: EventStream) -> None:
        """It listens no more."""
        self._streams.discard(stream)
        self.made_room()

    def close(self) -> None:
        """Nothing more happens."""
        self._closed = True
        for stream in tuple(self._streams):
            stream.close()


def events_of(message: m.Message, cell_id: str, at_ms: float) -> Iterator[Event]:
    """What a worker's message says of a cell, as events; calls are told by who gives them their ids."""
    match message:
        case m.Output(items=items):
            for kind, body in items:
                yield OutputEmitted(cell_id, at_ms, read_item(kind, body))
        case m.Logs(entries=entries):
            for level, text in entries:
                yield ConsoleWritten(cell_id, at_ms, level, text)
        case m.Stores(entries=values):
            for key, value in values:
                yield ValueStored(cell_id, at_ms, key, value)
        case m.Notes(texts=texts):
            for text in texts:
                yield Notified(cell_id, at_ms, text)
        case m.Yielded():
            yield CellYielded(cell_id, at_ms)
        case _:
            pass


def _chars(event: Event) -> int:
    """How long its texts are, roughly: what a queue of them costs."""
    match event:
        case OutputEmitted(item=TextItem(text=text) | ImageItem(image_url=text) | AudioItem(audio_url=text)):
            return len(text)
        case ConsoleWritten(text=text) | Notified(text=text) | CallStarted(arguments_json=text):
            return len(text)
        case CellStarted(source=text) | CallProgressed(message=text):
            return len(text)
        case ValueStored(value_json=str(text)):
            return len(text)
        case OutputEmitted():
            return _BLOCK_CHARS
        case _:
            return 0
