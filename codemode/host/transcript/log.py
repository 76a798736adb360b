"""What came to a conversation and what went, in order and with times; and the dump that another process can replay."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from codemode.errors import UsageError
from codemode.host.transcript.pieces import Item
from codemode.host.transcript.plain import from_json_form, to_json_form

What = Literal["added", "held", "flushed", "answered", "early", "dropped", "cancelled", "sent"]
"""What happened to an item or to a call.

- `added`: the item stands in the history.
- `held`: the item waits for the outputs of open calls.
- `flushed`: an item that was held stands in the history now.
- `answered`: a call has its output. It stands in the history when all calls of its batch have theirs.
- `early`: an output whose call has not been seen is kept until it is.
- `dropped`: an output that is late, second, or without a call for too long.
- `cancelled`: open calls were answered with `Tool cancelled`.
- `sent`: `history()` gave the items that may be sent.
"""

VERSION = 1


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """One thing that happened."""

    number: int
    """Counts the entries of a guard, from 1."""
    at_s: float
    """When, in seconds since 1970 unless the guard has a clock of its own."""
    what: What
    call_ids: tuple[str, ...] = ()
    """The calls that it is about; of `sent`, those that were open."""
    reason: str = ""
    """Why, for a person."""
    item: Item | None = None
    """What the caller added, in the first of the entries that one item causes. Not to be changed."""
    about: int | None = None
    """The number of the entry whose item this is about, where that is another one."""
    sent_items: int | None = None
    """How many items were sent."""
    digest: str | None = None
    """Of all items that were sent, so that a replay can tell whether it gives the same."""
    extended: int | None = None
    """The number of the first entry of the `extend` that took this item and others."""


def dump(format: str, entries: Iterable[TranscriptEntry]) -> dict[str, Any]:  # noqa: A002 - the word of the API
    """What `json.dump` can write and `load` reads."""
    return {"format": format, "version": VERSION, "entries": [_dumped(entry) for entry in entries]}


def _dumped(entry: TranscriptEntry) -> dict[str, Any]:
    values = {field.name: getattr(entry, field.name) for field in fields(entry)}
    return {
        name: to_json_form(list(v) if name == "call_ids" else v)
        for name, v in values.items()
        if v not in (None, "", ())
    }


def load(dumped: Mapping[str, Any]) -> tuple[str, list[TranscriptEntry]]:
    """The format and the entries of a dump.

    Raises:
        UsageError: it is none, or one of another version.
    """
    match dumped:
        case {"format": str(format_), "version": int(version), "entries": list(entries)}:
            if version != VERSION:
                raise UsageError(f"the dump has version {version}, and {VERSION} is what can be read")
            return format_, [_loaded(entry) for entry in entries]
    raise UsageError("a dump of a transcript has 'format', 'version' and 'entries'; this is something else")


def _loaded(form: Any) -> TranscriptEntry:
    match form:
        case {"number": int(), "at_s": int() | float(), "what": str(what)} if what in get_args(What):
            form = {**form, "call_ids": tuple(form.get("call_ids", ())), "item": from_json_form(form.get("item"))}
            known = {field.name for field in fields(TranscriptEntry)}
            if form.keys() <= known and (form["item"] is None or isinstance(form["item"], dict)):
                return TranscriptEntry(**form)
    raise UsageError(f"this is no entry of a transcript's log: {form!r:.200}")


class Digest:
    """Tells histories apart, without reading what is settled in them more than once."""

    def __init__(self) -> None:
        self._head = b""
        self._count = 0

    def of(self, items: list[Item], settled: int) -> str:
        """Of all items.

        Args:
            items: they begin with those that were settled before.
            settled: how many of them will never change.
        """
        for item in items[self._count : settled]:
            self._head = _chained(self._head, item)
        self._count = max(self._count, settled)
        head = self._head
        for item in items[self._count :]:
            head = _chained(head, item)
        return head.hex()


def _chained(head: bytes, item: Item) -> bytes:
    text = json.dumps(to_json_form(item), sort_keys=True)
    return hashlib.blake2b(head + text.encode(), digest_size=8).digest()
