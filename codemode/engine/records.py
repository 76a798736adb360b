"""The records of the ring, cut from its stream and joined into wire messages. The kinds are those of `ring.js`."""

from __future__ import annotations

import enum
import json
import struct
from collections.abc import Iterator
from typing import cast

from codemode.wire import messages as m

_HEADER = struct.Struct("<HI")
_PAIR = struct.Struct("<I")
_CALL = struct.Struct("<IH")


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
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[m.Message]:
        """The messages that are whole now, in the order in which the script said them."""
        self._buffer += data
        messages: list[m.Message] = []
        run_kind: Kind | None = None
        run: list[object] = []
        for kind, payload in self._records():
            if kind is not run_kind and run:
                messages.append(self._join(run_kind, run))
                run = []
            run_kind = kind
            match kind:
                case Kind.TEXT:
                    run.append(("text", text_of(payload)))
                case Kind.CALL:
                    call, tool_units = _CALL.unpack_from(payload)
                    start, end = _CALL.size, _CALL.size + 2 * tool_units
                    run.append((call, text_of(payload[start:end]), text_of(payload[end:])))
                case Kind.ITEM | Kind.LOG | Kind.STORE:
                    run.append(_pair(payload))
                case Kind.UNSET:
                    run.append((text_of(payload), None))
                case Kind.NOTE:
                    run.append(text_of(payload))
                case Kind.CANCEL:
                    run.append(int(text_of(payload)))
                case _:
                    messages.append(self._single(kind, text_of(payload)))
        if run:
            messages.append(self._join(run_kind, run))
        return messages

    def _records(self) -> Iterator[tuple[Kind, bytes]]:
        buffer = self._buffer
        start, end = 0, len(buffer)
        while end - start >= _HEADER.size:
            kind, units = _HEADER.unpack_from(buffer, start)
            after = start + _HEADER.size + 2 * units
            if after > end:
                break
            yield Kind(kind), bytes(buffer[start + _HEADER.size : after])
            start = after
        del buffer[:start]

    def _join(self, kind: Kind | None, run: list[object]) -> m.Message:
        entries = tuple(run)
        match kind:
            case Kind.TEXT | Kind.ITEM:
                return m.Output(self._cell, cast("tuple[tuple[m.ItemKind, str], ...]", entries))
            case Kind.CALL:
                return m.Calls(self._cell, cast("tuple[tuple[int, str, str], ...]", entries))
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

    def _single(self, kind: Kind, text: str) -> m.Message:
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
