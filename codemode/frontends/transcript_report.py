"""What a conversation's dump tells of its calls, and which of its histories the provider would refuse. Pure functions.

A history by itself, or the body of a request, is judged too: for who has nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from codemode.errors import UsageError
from codemode.host.transcript.formats import TranscriptFormat, checked_format
from codemode.host.transcript.log import TranscriptEntry
from codemode.host.transcript.replay import TranscriptReplay
from codemode.host.transcript.rules import problems

_HISTORY_FIELDS: Mapping[str, TranscriptFormat] = {"contents": "gemini", "input": "openai.responses"}
"""Where the body of a request has its history, and whose body it then is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing for which the provider refuses a history."""

    message: str
    """As the provider says it."""
    place: int
    """The index in the history of the item that it is about."""
    call_ids: tuple[str, ...]
    entry: int | None
    """The number of the entry with which that item came; None where no log tells."""


@dataclass(frozen=True, slots=True)
class SentReport:
    """One history that was sent."""

    entry: int
    """Of its sending."""
    items: int
    open_ids: tuple[str, ...]
    """The calls that had no output then."""
    is_same: bool
    """Whether the replay gave the same history."""
    findings: list[Finding]


@dataclass(slots=True)
class CallReport:
    """One call, from its coming to its end."""

    call_id: str
    asked: int
    """The entry with which it came."""
    status: Literal["answered", "cancelled", "open"] = "open"
    ended: int | None = None
    """The entry with which it ended."""
    after_s: float | None = None
    """How long that took."""
    dropped: list[int] = field(default_factory=list)
    """The entries of outputs that came when it had ended."""


@dataclass(frozen=True, slots=True)
class TranscriptReport:
    """What is known of a conversation."""

    format: str
    entries: list[TranscriptEntry]
    """Its log; empty where only a history was given."""
    calls: list[CallReport]
    uncalled: list[int]
    """The entries of outputs whose call never came."""
    sent: list[SentReport]
    items: int
    """How many there are in the end."""
    findings: list[Finding]
    """For what the history would be refused as it stands in the end."""

    @property
    def is_good(self) -> bool:
        """True where no history was or would be refused, and the replay gave what was sent."""
        return not self.findings and all(sent.is_same and not sent.findings for sent in self.sent)


def report(document: Any, *, format: str | None = None, model: str = "") -> TranscriptReport:  # noqa: A002
    """Reads a conversation, and judges it.

    Args:
        document: what `TranscriptGuard.dump()` gave; or a history, a list of items; or the body of a request.
        format: whose history it is: `openai.responses` (or `openai`), `openai.chat`, `anthropic`, `gemini`. A dump says
            so itself, and so do bodies with `input` or `contents`.
        model: which model is asked, for rules that not all have; that of the body by default.

    Raises:
        UsageError: it is none of these, or it is not known whose it is.
    """
    given = None if format is None else checked_format(format)
    if isinstance(document, Mapping) and "entries" in document:
        replay = TranscriptReplay(document)
        if given not in (None, replay.format):
            raise UsageError(f"this is the dump of a conversation of {replay.format!r}, not of {given!r}")
        return _of_dump(replay, model)
    if isinstance(document, Mapping):
        found, document, model = _of_body(document, model)
        given = given or found
    if not isinstance(document, Sequence) or isinstance(document, str | bytes):
        raise UsageError(
            "a transcript is the dump of a TranscriptGuard, a list of items, or the body of a request "
            "with 'input', 'messages' or 'contents'; this is something else"
        )
    if given is None:
        raise UsageError("it does not say whose history it is: give the format (openai.responses, openai.chat, …)")
    return TranscriptReport(given, [], [], [], [], len(document), _judged(given, document, model, []))


def _of_body(body: Mapping[str, Any], model: str) -> tuple[TranscriptFormat | None, Any, str]:
    """Whose body it is, where it tells, its history, and the model that it asks."""
    model = model or str(body.get("model", ""))
    for name, format_ in _HISTORY_FIELDS.items():
        if name in body:
            history = body[name]
            return format_, [{"role": "user", "content": history}] if isinstance(history, str) else history, model
    return None, body.get("messages"), model


def _of_dump(replay: TranscriptReplay, model: str) -> TranscriptReport:
    entries = replay.entries
    sent = [
        SentReport(
            history.entry.number,
            len(history.items),
            history.entry.call_ids,
            history.same,
            _judged(replay.format, history.items, model, entries, until=history.entry),
        )
        for history in replay.histories()
    ]
    items = replay.guard.history()
    # A conversation that has not begun could not be sent, but nobody would.
    findings = _judged(replay.format, items, model, entries) if items else []
    came_early = (entry.about for entry in entries if entry.what == "answered")
    uncalled = {entry.number for entry in entries if entry.what == "early"}.difference(came_early)
    return TranscriptReport(replay.format, entries, _calls(entries), sorted(uncalled), sent, len(items), findings)


def _judged(
    format: str,  # noqa: A002
    items: Sequence[Any],
    model: str,
    entries: Sequence[TranscriptEntry],
    *,
    until: TranscriptEntry | None = None,
) -> list[Finding]:
    found = problems(format, items, model=model)
    end = next((place for place, entry in enumerate(entries) if entry is until), len(entries)) if found else 0
    return [
        Finding(one.message, one.place, one.call_ids, _origin(entries[:end], one.call_ids, items[one.place :]))
        for one in found
    ]


def _origin(entries: Sequence[TranscriptEntry], call_ids: Sequence[str], items: Sequence[Any]) -> int | None:
    """The last entry with which those calls came, or else the first of those items."""
    for entry in reversed(entries):
        if entry.what in ("added", "held") and any(_is_of(asked, one) for asked in entry.call_ids for one in call_ids):
            return entry.number
    same = (entry.number for entry in reversed(entries) if items and entry.item == items[0])
    return next(same, None)


def _is_of(asked: str, call_id: str) -> bool:
    """A call of Gemini's without an id is known by its name, which the guard numbers."""
    return asked == call_id or asked.rpartition("#")[0] == call_id


def _calls(entries: Iterable[TranscriptEntry]) -> list[CallReport]:
    calls: list[CallReport] = []
    by_id: dict[str, list[CallReport]] = {}
    asked_s: dict[int, float] = {}
    for entry in entries:
        for call_id in entry.call_ids:
            known = by_id.setdefault(call_id, [])
            running = next((call for call in known if call.status == "open"), None)
            match entry.what:
                case "added" | "held":
                    known.append(CallReport(call_id, entry.number))
                    calls.append(known[-1])
                    asked_s[entry.number] = entry.at_s
                case "answered" | "cancelled" if running is not None:
                    running.status = entry.what
                    running.ended = entry.number
                    running.after_s = round(entry.at_s - asked_s[running.asked], 3)
                case "dropped" if known:
                    known[-1].dropped.append(entry.number)
                case _:
                    pass
    return calls
