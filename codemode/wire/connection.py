"""The conversation of a host and one worker as a value: bytes in, messages out; what may come next, in one
table.

No clock, no pipe, no task. Each end has a `Connection` of its own and sees the same states:

    state      worker may say                            host may say
    OPENING    hello → WARMING, or → FOREIGN when it     —
               names a version that this end does not
               speak
    FOREIGN    (anything; it is not read)                refused → CLOSED
    WARMING    ready → READY                             refused → CLOSED
    READY      —                                         start → RUNNING; refused → CLOSED
    RUNNING    completed, failed → WARMING;              —
               failing → FAILING; all else of a cell
    FAILING    completed, failed → WARMING; calls and    —
               stores and output made while the error
               was read
    CLOSED     —                                         —

From WARMING to FAILING the worker may say `pong` as well, and the host `ping`, `answers` and `stored`: the
cell that these name may have ended while they were on their way, and the worker then drops them. A `refused`
crosses the `ready` of the worker that it refuses, which is why it may come in READY.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from typing import Literal

from codemode.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from codemode.wire import messages as m
from codemode.wire.codec import encode
from codemode.wire.frames import MAX_FRAME_BYTES, FrameDecoder, Payload, encode_frame
from codemode.wire.sizes import MAX_MAP_ENTRIES, MAX_VALUES, check_size


class State(enum.Enum):
    """What may come next on a connection."""

    OPENING = "opening"
    FOREIGN = "foreign"
    WARMING = "warming"
    READY = "ready"
    RUNNING = "running"
    FAILING = "failing"
    CLOSED = "closed"


_OF_A_RUNNING_CELL = (
    m.Output, m.Calls, m.Cancels, m.Stores, m.Logs, m.Notes, m.Yielded, m.YieldTime, m.OutputBudget,
)  # fmt: skip
_WHILE_OPEN = (State.WARMING, State.READY, State.RUNNING, State.FAILING)

TRANSITIONS: dict[tuple[State, type[m.Message]], State] = {
    (State.OPENING, m.Hello): State.WARMING,
    **{(state, m.Refused): State.CLOSED for state in (State.FOREIGN, State.WARMING, State.READY)},
    (State.WARMING, m.Ready): State.READY,
    (State.READY, m.Start): State.RUNNING,
    (State.RUNNING, m.Failing): State.FAILING,
    **{(state, kind): state for state in (State.RUNNING, State.FAILING) for kind in _OF_A_RUNNING_CELL},
    **{(state, kind): State.WARMING for state in (State.RUNNING, State.FAILING) for kind in (m.Completed, m.Failed)},
    **{(state, kind): state for state in _WHILE_OPEN for kind in (m.Ping, m.Pong, m.Answers, m.Stored)},
}
"""Which message may come in which state, from whichever end it belongs to, and the state after it.

One thing hangs on more than the kind: a `hello` of a version other than ours leads to FOREIGN.
"""


class Connection:
    """One end of the conversation.

    Args:
        role: whose end this is.
        decode: a payload to a message; the host gives `StrictDecoder()`.
        max_frame_bytes: see `frames.MAX_FRAME_BYTES`.
    """

    def __init__(
        self,
        role: Literal["host", "worker"],
        decode: Callable[[Payload], m.Message],
        max_frame_bytes: int = MAX_FRAME_BYTES,
    ) -> None:
        self._role = role
        self._decode = decode
        self._max_frame_bytes = max_frame_bytes
        self._frames = FrameDecoder(max_frame_bytes)
        self._sendable = frozenset(m.HOST_MESSAGES if role == "host" else m.WORKER_MESSAGES)
        self._state = State.OPENING
        self._fault: str | None = None
        self._protocol: int | None = None
        self._cell: int | None = None
        self._last_cell = -1
        self._last_call = 0
        self._last_call_of_earlier_cells = 0
        self._max_calls_in_flight = 0
        self._open_calls: set[int] = set()
        self._abortable: set[int] = set()
        self._last_ping = -1
        self._pings: set[int] = set()

    def __repr__(self) -> str:
        return f"<Connection of the {self._role}, {self._state.value}, {len(self._open_calls)} calls open>"

    @property
    def state(self) -> State:
        """What may come next."""
        return self._state

    @property
    def cell(self) -> int | None:
        """The running cell, if there is one."""
        return self._cell

    @property
    def open_calls(self) -> frozenset[int]:
        """Calls of the running cell that have no answer yet."""
        return frozenset(self._open_calls)

    def send(self, message: m.Message) -> bytes:
        """The bytes that say this message.

        Raises:
            LocalProtocolError: it may not be said now; nothing has changed.
        """
        kind = type(message)
        if kind not in self._sendable:
            raise LocalProtocolError(f"a {self._role} never says {message.type}")
        payload = encode(message)
        if self._role == "worker" and len(payload) > MAX_VALUES:
            check_size(payload, LocalProtocolError)
        frame = encode_frame(payload, self._max_frame_bytes)
        self._step(message, LocalProtocolError)
        return frame

    def receive_data(self, data: bytes) -> Iterator[m.Message]:
        """Keep the bytes, and give the messages that are whole, one `next_message` at a time.

        A later message is not looked at before the earlier one was taken, since the answer to the earlier may
        decide whether the later is legal. The bytes are kept whether or not the iterator is used: what one
        iterator did not give, the next one gives. Once the connection is closed, or is about to be refused,
        what comes is dropped.

        Raises:
            RemoteProtocolError: from the iterator, as from `next_message`.
        """
        if not self._is_deaf:
            self._frames.receive_data(data)
        return iter(self.next_message, None)

    def next_message(self) -> m.Message | None:
        """Take the next message, or None while none is whole.

        Raises:
            RemoteProtocolError: the other end broke a rule. The connection is closed, every later call raises
                again; the messages before it are good.
        """
        if self._fault is not None:
            raise RemoteProtocolError(f"closed by an earlier fault: {self._fault}")
        if self._is_deaf:
            return None
        try:
            payload = self._frames.next_payload()
            if payload is None:
                return None
            message = self._decode(payload)
            if type(message) in self._sendable:
                raise RemoteProtocolError(f"{message.type} is ours to say")
            try:
                self._step(message, RemoteProtocolError)
            except (TypeError, ValueError) as error:  # a decoder that trusts has given what is of another shape
                raise RemoteProtocolError(f"a bad message: {message.type}: {error!s:.500}") from None
        except RemoteProtocolError as fault:
            self._close_for(fault)
            raise
        return message

    def receive_eof(self) -> None:
        """The other end will say nothing more.

        Raises:
            RemoteProtocolError: it ended in the middle of a frame.
            LocalProtocolError: the last messages were not taken yet; take them first. Nothing has changed.
        """
        if self._is_deaf:
            self._state = State.CLOSED
            return
        try:
            self._frames.receive_eof()
        except RemoteProtocolError as fault:
            self._close_for(fault)
            raise
        self._state = State.CLOSED

    @property
    def _is_deaf(self) -> bool:
        """Whether what comes is dropped unread: a host cannot read a version that it is about to refuse."""
        return self._state is State.CLOSED or (self._state is State.FOREIGN and self._role == "host")

    def _close_for(self, fault: RemoteProtocolError) -> None:
        self._state = State.CLOSED
        # Its words alone: the error itself holds the payload, by its traceback.
        self._fault = str(fault)

    def _step(self, message: m.Message, error: type[ProtocolError]) -> None:
        """Change the state as the message says, or raise `error` and change nothing: each case checks, then
        changes."""
        after = TRANSITIONS.get((self._state, type(message)))
        if after is None:
            raise error(f"{message.type} while {self._state.value}")
        match message:
            case m.Hello(protocol=protocol):
                _check_range(message, error, protocol, message.pid)
                if len(message.fences) > MAX_MAP_ENTRIES:
                    raise error(f"a hello with {len(message.fences)} fences; at most {MAX_MAP_ENTRIES}")
                self._protocol = protocol
                if protocol != m.PROTOCOL_VERSION:
                    after = State.FOREIGN
            case m.Refused(protocols=protocols):
                _check_range(message, error, *protocols)
                if self._protocol in protocols:
                    raise error(f"refused names {self._protocol}, the version that the worker speaks")
            case m.Start():
                self._start(message, error)
            case m.Calls():
                self._check_cell(message.cell, error)
                self._open(message, error)
            case m.Answers():
                self._settle(message, error)
            case m.Stored(cell=cell):
                self._check_started(cell, error)
            case m.Cancels():
                self._check_cell(message.cell, error)
                self._check_cancels(message, error)
            case m.Failed(code=code) if code not in m.WORKER_FAILURE_CODES:
                raise error(f"failed with the code {code!r}, which is not a worker's to give")
            case m.Completed(cell=cell) | m.Failed(cell=cell):
                self._check_cell(cell, error)
                if isinstance(message, m.Failed):
                    _check_range(message, error, message.line or 0, message.column or 0)
                self._cell = None
                self._open_calls.clear()
                self._abortable.clear()
            case m.YieldTime(yield_time_ms=amount) | m.OutputBudget(max_output_tokens=amount):
                self._check_cell(message.cell, error)
                _check_range(message, error, amount)
            case m.Ping(ping=ping):
                _check_range(message, error, ping)
                if ping <= self._last_ping:
                    raise error(f"ping {ping} after ping {self._last_ping}: numbers only grow")
                self._last_ping = ping
                self._pings.add(ping)
            case m.Pong(ping=ping):
                if ping not in self._pings:
                    raise error(f"pong {ping} answers no ping")
                self._pings.discard(ping)
            case (
                m.Output(cell=cell)
                | m.Stores(cell=cell)
                | m.Logs(cell=cell)
                | m.Notes(cell=cell)
                | m.Yielded(cell=cell)
                | m.Failing(cell=cell)
            ):
                self._check_cell(cell, error)
            case _:
                pass
        self._state = after

    def _check_cell(self, cell: int, error: type[ProtocolError]) -> None:
        if cell != self._cell:
            raise error(f"a message for cell {cell} while cell {self._cell} runs")

    def _check_started(self, cell: int, error: type[ProtocolError]) -> None:
        if not 0 <= cell <= self._last_cell:
            raise error(f"a message for cell {cell}, which was never started")

    def _start(self, start: m.Start, error: type[ProtocolError]) -> None:
        _check_range(start, error, start.cell, start.max_calls_in_flight, start.max_store_bytes)
        if start.cell <= self._last_cell:
            raise error(f"start of cell {start.cell} after cell {self._last_cell}: numbers only grow")
        self._cell = self._last_cell = start.cell
        self._max_calls_in_flight = start.max_calls_in_flight
        self._last_call_of_earlier_cells = self._last_call

    def _open(self, message: m.Calls, error: type[ProtocolError]) -> None:
        last = self._last_call
        for call, _, _ in message.calls:
            if call <= last:
                raise error(f"call {call} after call {last}: ids only grow")
            last = call
        if last > m.MAX_INTEGER:
            raise error(f"call {last}: the greatest id is {m.MAX_INTEGER}")
        if len(self._open_calls) + len(message.calls) > self._max_calls_in_flight:
            raise error(f"more calls at a time than the {self._max_calls_in_flight} that may be open")
        made = {call for call, _, _ in message.calls}
        abortable = set(message.abortable)
        # Whoever looks up each call in `abortable` may count on its being no longer than the calls.
        if len(abortable) != len(message.abortable) or not abortable <= made:
            raise error("abortable names a call twice, or one that is not made here")
        self._last_call = last
        self._open_calls |= made
        self._abortable |= abortable

    def _check_cancels(self, message: m.Cancels, error: type[ProtocolError]) -> None:
        for call in message.calls:
            if not self._last_call_of_earlier_cells < call <= self._last_call:
                raise error(f"cancels names call {call}, which cell {message.cell} never made")
            if call in self._open_calls and call not in self._abortable:
                raise error(f"cancels names call {call}, which was made without a signal")

    def _settle(self, message: m.Answers, error: type[ProtocolError]) -> None:
        self._check_started(message.cell, error)
        _check_range(message, error, *[call for call, _, _ in message.answers])
        if message.cell != self._cell:
            return
        answered = {call for call, _, _ in message.answers}
        if len(answered) != len(message.answers):
            raise error("two answers to one call")
        if not answered <= self._open_calls:
            raise error(f"an answer to call {min(answered - self._open_calls)}, which is not open")
        self._open_calls -= answered
        self._abortable -= answered


def _check_range(message: m.Message, error: type[ProtocolError], *amounts: int) -> None:
    for amount in amounts:
        if not 0 <= amount <= m.MAX_INTEGER:
            raise error(f"{message.type} of {amount}; an integer is from 0 to {m.MAX_INTEGER}")
