"""The calls of one cell: who was asked, how it went, when. Sans-IO: the caller says what time it is."""

from __future__ import annotations

from typing import Any

from codemode.host.outcome import CallRecord, CallState


class _OpenCall:
    __slots__ = ("size", "started_ms", "tool")

    def __init__(self, tool: str, size: int) -> None:
        self.tool = tool
        self.size = size
        self.started_ms: float | None = None


class Ledger:
    """Every call of a cell, in the order in which they were made. Each is settled exactly once.

    Args:
        cell_id: stands first in each call id.
    """

    def __init__(self, cell_id: str) -> None:
        self._cell_id = cell_id
        self._calls: dict[str, CallRecord | None] = {}
        """None stands for a call that is open."""
        self._open: dict[str, _OpenCall] = {}
        self.open_size = 0
        """Characters of the arguments of the calls that have not been settled."""

    def __repr__(self) -> str:
        return f"<Ledger of {len(self)} calls, {self.open_count} open>"

    def __len__(self) -> int:
        """How many calls were made."""
        return len(self._calls)

    def __getstate__(self) -> tuple[str, tuple[tuple[Any, ...], ...]]:
        """For an `Archive`, which keeps a ledger whose calls have all been settled: by columns, for they are many."""
        assert not self._open, "a cell at rest has no open call"
        return self._cell_id, tuple(zip(*self.records(), strict=True))

    def __setstate__(self, state: tuple[str, tuple[tuple[Any, ...], ...]]) -> None:
        cell_id, columns = state
        self.__init__(cell_id)  # type: ignore[misc]
        if columns:
            self._calls = dict(zip(columns[0], map(CallRecord, *columns), strict=True))

    @property
    def open(self) -> frozenset[str]:
        """The ids of the calls that have not been settled."""
        return frozenset(self._open)

    @property
    def open_count(self) -> int:
        """How many calls have not been settled."""
        return len(self._open)

    def tool_of(self, call_id: str) -> str:
        """Who was asked."""
        record = self._calls[call_id]
        return self._open[call_id].tool if record is None else record.tool

    def make(self, tool: str, size: int = 0) -> str:
        """The script has made a call, with an argument of so many characters.

        Gives its call id, which is unique in the session.
        """
        call_id = f"{self._cell_id}-{len(self._calls) + 1}"
        self._calls[call_id] = None
        self._open[call_id] = _OpenCall(tool, size)
        self.open_size += size
        return call_id

    def start(self, call_id: str, at_ms: float) -> None:
        """The call has reached its tool. One that was settled before stays as it is."""
        if call_id in self._open:
            self._open[call_id].started_ms = at_ms

    def settle(self, call_id: str, status: CallState, code: str | None, at_ms: float) -> bool:
        """The call has ended. False where it had been settled before: a late result, to be dropped."""
        call = self._open.pop(call_id, None)
        if call is None:
            return False
        self.open_size -= call.size
        self._calls[call_id] = CallRecord(call_id, call.tool, status, code, call.started_ms, at_ms)
        return True

    def records(self) -> tuple[CallRecord, ...]:
        """The calls as they stand now."""
        return tuple(
            self._record_of_open(call_id) if record is None else record for call_id, record in self._calls.items()
        )

    def _record_of_open(self, call_id: str) -> CallRecord:
        call = self._open[call_id]
        return CallRecord(call_id, call.tool, "running", None, call.started_ms, None)
