"""A conversation again, from the dump of its log: what came is given to another guard, in the same order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from codemode.host.transcript.guard import TranscriptGuard
from codemode.host.transcript.log import Digest, TranscriptEntry, load
from codemode.host.transcript.pieces import Item


@dataclass(frozen=True, slots=True)
class SentHistory:
    """The items that `history()` gave once."""

    entry: TranscriptEntry
    """The entry that the log has of it: when it was, and which calls were open."""
    items: list[Item]
    same: bool
    """Whether these are the items that were given then, by their digest."""


class TranscriptReplay:
    """What a dump tells, and the guard as it stood in the end.

    Args:
        dump: what `TranscriptGuard.dump()` gave, or `json.load` of it.

    Raises:
        UsageError: it is no such dump.
    """

    def __init__(self, dump: Mapping[str, Any]) -> None:
        self.format, self.entries = load(dump)
        self._now_s = 0.0
        self.guard = TranscriptGuard(self.format, clock=lambda: self._now_s)
        self.changed = tuple(sent.entry.number for sent in self._fed(self.guard) if not sent.same)
        """The numbers of the `sent` entries whose history is another now: made by another version, or by hand."""

    def histories(self) -> Iterator[SentHistory]:
        """Each history that was sent, one by one, as the conversation is played once more."""
        return self._fed(TranscriptGuard(self.format))

    def _fed(self, guard: TranscriptGuard) -> Iterator[SentHistory]:
        causes = (entry for entry in self.entries if entry.item is not None or entry.what in ("cancelled", "sent"))
        for _, group in groupby(causes, lambda entry: entry.extended or -entry.number):
            entry, *others = group
            self._now_s = entry.at_s
            if entry.item is not None:
                guard.extend([entry.item, *(other.item for other in others)])
            elif entry.what == "cancelled":
                for call_id in entry.call_ids:
                    guard.cancel(call_id)
            else:
                items = guard.history()
                yield SentHistory(entry, items, Digest().of(items, 0) == entry.digest)
