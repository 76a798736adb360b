"""The conversation of a host and one worker as a value: bytes in, messages out; what may come next, in one table.

No clock, no pipe, no task. Each end has a `Connection` of its own and sees the same states:

    state      worker may say                         host may say
    OPENING    hello → WARMING                        refused → CLOSED
    WARMING    ready → READY                          (after hello) refused → CLOSED
    READY      —                                      start → RUNNING
    RUNNING    completed, failed → WARMING;           —
               failing → FAILING; all else of a cell
    FAILING    completed, failed → WARMING; calls and stores and output made while the error was read
    CLOSED     —                                      —

`pong` may come in every state after OPENING, `ping` likewise. `answers`, `stored` may be sent in every state after
OPENING: the cell that they name may have ended while they were on their way, and the worker then drops them.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from typing import Literal

from codemode.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from codemode.wire import messages as m
from codemode.wire.codec import encode
from codemode.wire.frames import MAX_FRAME_BYTES, FrameDecoder, encode_frame


class State(enum.Enum):
    """What may come next on a connection."""

    OPENING = "opening"
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
    (State.WARMING, m.Refused): State.CLOSED,
    (State.WARMING, m.Ready): State.READY,
    (State.READY, m.Start): State.RUNNING,
    (State.RUNNING, m.Failing): State.FAILING,
    **{(state, kind): state for state in (State.RUNNING, State.FAILING) for kind in _OF_A_RUNNING_CELL},
    **{
        (state, kind): State.WARMING
        for state in (State.RUNNING, State.FAILING)
        for kind in (m.Completed, m.Failed)
    },
    **{(state, kind): state for state in _WHILE_OPEN for kind in (m.Ping, m.Pong, m.Answers, m.Stored)},
}
"""Which message may come in which state, from whichever end it belongs to, and the state after it."""


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
        decode: Callable[[bytes], m.Message],
        max_frame_bytes: int = MAX_FRAME_BYTES,
    ) -> None:
        self._role = role
        self._decode = decode
        self._max_frame_bytes = max_frame_bytes
        self._frames = FrameDecoder(max_frame_bytes)
        self._sendable = frozenset(m.HOST_MESSAGES if role == "host" else m.WORKER_MESSAGES)
        self._state = State.OPENING
        self._cell: int | None = None
        self._last_cell = -1
        self._last_call = 0
        self._open_calls: set[int] = set()
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
        frame = encode_frame(encode(message), self._max_frame_bytes)
        self._step(message, LocalProtocolError)
        return frame

    def receive_data(self, data: bytes) -> Iterable[m.Message]:
        """The messages that are whole now, one by one: a later one is not looked at before the earlier was taken.

        Raises:
            RemoteProtocolError: the other end broke a rule. The connection is closed; messages before it are good.
        """
        try:
            for payload in self._frames.receive_data(data):
                message = self._decode(payload)
                if type(message) in self._sendable:
                    raise RemoteProtocolError(f"{message.type} is ours to say")
                self._step(message, RemoteProtocolError)
                yield message
        except RemoteProtocolError:
            self._state = State.CLOSED
            raise

    def receive_eof(self) -> None:
        """The other end will say nothing more.

        Raises:
            RemoteProtocolError: it ended in the middle of a frame.
        """
        self._state = State.CLOSED
        self._frames.receive_eof()

    def _step(self, message: m.Message, error: type[ProtocolError]) -> None:
        after = TRANSITIONS.get((self._state, type(message)))
        if after is None:
            raise error(f"{message.type} while {self._state.value}")
        match message:
            case m.Start(cell=cell):
                if cell <= self._last_cell:
                    raise error(f"start of cell {cell} after cell {self._last_cell}")
                self._cell = self._last_cell = cell
                self._open_calls.clear()
            case m.Calls(calls=calls):
                self._check_cell(message.cell, error)
                self._open(calls, error)
            case m.Answers():
                self._settle(message, error)
            case m.Cancels(calls=calls):
                self._check_cell(message.cell, error)
                for call in calls:
                    if not 0 < call <= self._last_call:
                        raise error(f"cancels names call {call}, which was never made")
            case m.Completed() | m.Failed():
                self._check_cell(message.cell, error)
                if isinstance(message, m.Failed) and message.code not in m.WORKER_FAILURE_CODES:
                    raise error(f"failed with the code {message.code!r}, which is not a worker's to give")
                self._cell = None
                self._open_calls.clear()
            case m.YieldTime(yield_time_ms=amount) | m.OutputBudget(max_output_tokens=amount):
                self._check_cell(message.cell, error)
                if amount < 0:
                    raise error(f"{message.type} of {amount}")
            case m.Ping(ping=ping):
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

    def _open(self, calls: tuple[tuple[int, str, str], ...], error: type[ProtocolError]) -> None:
        last = self._last_call
        for call, _, _ in calls:
            if call <= last:
                raise error(f"call {call} after call {last}: ids only grow")
            last = call
        self._last_call = last
        self._open_calls.update(call for call, _, _ in calls)

    def _settle(self, message: m.Answers, error: type[ProtocolError]) -> None:
        if message.cell != self._cell:
            if message.cell > self._last_cell:
                raise error(f"answers for cell {message.cell}, which was never started")
            return
        for call, _, _ in message.answers:
            if call not in self._open_calls:
                raise error(f"an answer to call {call}, which is not open")
            self._open_calls.discard(call)
