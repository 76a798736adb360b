"""The calls of one cell: who was asked, how it went, when. Sans-IO: the caller says what time it is."""

from __future__ import annotations

from codemode.host.outcome import CallRecord, CallState


class _Entry:
    __slots__ = ("code", "ended_ms", "started_ms", "status", "tool")

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self.status: CallState = "running"
        self.code: str | None = None
        self.started_ms: float | None = None
        self.ended_ms: float | None = None


class Ledger:
    """Every call of a cell, in the order in which they were made. Each is settled exactly once.

    Args:
        cell_id: stands first in each call id.
    """

    def __init__(self, cell_id: str) -> None:
        self._cell_id = cell_id
        self._entries: dict[str, _Entry] = {}
        self._open: set[str] = set()

    def __repr__(self) -> str:
        return f"<Ledger of {len(self._entries)} calls, {len(self._open)} open>"

    @property
    def open(self) -> frozenset[str]:
        """The ids of the calls that have not been settled."""
        return frozenset(self._open)

    def tool_of(self, call_id: str) -> str:
        """Who was asked."""
        return self._entries[call_id].tool

    def make(self, tool: str) -> str:
        """The script has made a call. Gives its call id, which is unique in the session."""
        call_id = f"{self._cell_id}-{len(self._entries) + 1}"
        self._entries[call_id] = _Entry(tool)
        self._open.add(call_id)
        return call_id

    def start(self, call_id: str, at_ms: float) -> None:
        """The call has reached its tool. One that was settled before stays as it is."""
        if call_id in self._open:
            self._entries[call_id].started_ms = at_ms

    def settle(self, call_id: str, status: CallState, code: str | None, at_ms: float) -> bool:
        """The call has ended. False where it had been settled before: a late result, to be dropped."""
        if call_id not in self._open:
            return False
        self._open.remove(call_id)
        entry = self._entries[call_id]
        entry.status, entry.code, entry.ended_ms = status, code, at_ms
        return True

    def records(self) -> tuple[CallRecord, ...]:
        """The calls as they stand now."""
        return tuple(
            CallRecord(call_id, entry.tool, entry.status, entry.code, entry.started_ms, entry.ended_ms)
            for call_id, entry in self._entries.items()
        )
