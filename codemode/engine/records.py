"""The records of the ring, cut from its stream and joined into wire messages. The kinds are those of `ring.js`."""

from __future__ import annotations

import enum
import json
import struct
from collections.abc import Callable
from typing import cast

from codemode.wire import messages as m

_HEADER = struct.Struct("<HI")
_PAIR = struct.Struct("<I")
_CALL = struct.Struct("<IHH")
_MAX_JOINED = 4_096
"""Records in one message: what the host takes in one piece, and far less than the values that a frame may hold."""


class Kind(enum.IntEnum):
    """What a record says."""

    TEXT = 1
    ITEM = 2
    CALL = 3
    CANCEL = 4
    STORE = 5
    UNSET = 6
    LOG = 7
    NOTE = 8
    YIELD = 9
    YIELD_TIME = 10
    OUTPUT_BUDGET = 11
    FAILING = 12
    COMPLETED = 13
    FAILED = 14


def text_of(units: bytes | memoryview) -> str:
    """UTF-16 units as text; a lone surrogate becomes U+FFFD."""
    return str(units, "utf-16-le", "replace")


class RecordDecoder:
    """Turns the ring's stream into messages of one cell, neighbours of a kind joined into one.

    Args:
        cell: the number that the messages carry.
    """

    def __init__(self, cell: int) -> None:
        self._cell = cell
        self._partial = bytearray()
        self._abortable: list[int] = []

    def receive(self, data: bytes) -> list[m.Message]:
        """The messages that are whole now, in the order in which the script said them."""
        if self._partial:
            data = bytes(self._partial) + data
            self._partial.clear()
        messages: list[m.Message] = []
        run_kind = 0
        run: list[object] = []
        start, end = 0, len(data)
        while end - start >= _HEADER.size:
            kind, units = _HEADER.unpack_from(data, start)
            after = start + _HEADER.size + 2 * units
            if after > end:
                break
            if run and (kind != run_kind or len(run) == _MAX_JOINED):
                messages.append(self._join(run_kind, run))
                run = []
            run_kind = kind
            payload = data[start + _HEADER.size : after]
            start = after
            if kind == Kind.CALL:
                run.append(self._call(payload))
            elif kind == Kind.TEXT:
                run.append(("text", text_of(payload)))
            elif kind in _JOINED:
                run.append(_JOINED[kind](payload))
            else:
                self._append_single(messages, self._single(kind, text_of(payload)))
        if run:
            messages.append(self._join(run_kind, run))
        self._partial += data[start:]
        return messages

    def _call(self, payload: bytes) -> tuple[int, str, str]:
        call, has_signal, tool_units = _CALL.unpack_from(payload)
        if has_signal:
            self._abortable.append(call)
        middle = _CALL.size + 2 * tool_units
        return call, text_of(payload[_CALL.size : middle]), text_of(payload[middle:])

    def _join(self, kind: int, run: list[object]) -> m.Message:
        entries = tuple(run)
        match kind:
            case Kind.TEXT | Kind.ITEM:
                return m.Output(self._cell, cast("tuple[tuple[m.ItemKind, str], ...]", entries))
            case Kind.CALL:
                abortable, self._abortable = tuple(self._abortable), []
                return m.Calls(self._cell, cast("tuple[tuple[int, str, str], ...]", entries), abortable)
            case Kind.STORE | Kind.UNSET:
                return m.Stores(self._cell, cast("tuple[tuple[str, str | None], ...]", entries))
            case Kind.LOG:
                return m.Logs(self._cell, cast("tuple[tuple[m.LogLevel, str], ...]", entries))
            case Kind.NOTE:
                return m.Notes(self._cell, cast("tuple[str, ...]", entries))
            case Kind.CANCEL:
                return m.Cancels(self._cell, cast("tuple[int, ...]", entries))
            case _:
                raise AssertionError(f"records of kind {kind} are not joined")

    def _append_single(self, messages: list[m.Message], message: m.Message) -> None:
        """Of settings that follow one another only the last counts: a flood of them is one message."""
        last = messages[-1] if messages else None
        if type(last) is type(message) and isinstance(message, m.Yielded | m.YieldTime | m.OutputBudget):
            messages[-1] = message
        else:
            messages.append(message)

    def _single(self, kind: int, text: str) -> m.Message:
        match kind:
            case Kind.YIELD:
                return m.Yielded(self._cell)
            case Kind.YIELD_TIME:
                return m.YieldTime(self._cell, int(text))
            case Kind.OUTPUT_BUDGET:
                return m.OutputBudget(self._cell, int(text))
            case Kind.FAILING:
                return m.Failing(self._cell)
            case Kind.COMPLETED:
                return m.Completed(self._cell)
            case Kind.FAILED:
                return m.Failed(self._cell, **json.loads(text))
            case _:
                raise AssertionError(f"a record of kind {kind} does not stand alone")


def _pair(payload: bytes) -> tuple[str, str]:
    (units,) = _PAIR.unpack_from(payload)
    middle = _PAIR.size + 2 * units
    return text_of(payload[_PAIR.size : middle]), text_of(payload[middle:])


_JOINED: dict[int, Callable[[bytes], object]] = {
    Kind.ITEM: _pair,
    Kind.LOG: _pair,
    Kind.STORE: _pair,
    Kind.UNSET: lambda payload: (text_of(payload), None),
    Kind.NOTE: text_of,
    Kind.CANCEL: lambda payload: int(text_of(payload)),
}
"""How a record reads whose neighbours of the same kind go into one message with it."""
