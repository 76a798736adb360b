"""`codemode transcript`: shows a conversation that was kept, and what the provider refuses in it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from codemode.errors import UsageError
from codemode.frontends.transcript_report import CallReport, Finding, TranscriptReport, report
from codemode.host.transcript.formats import TranscriptFormat
from codemode.host.transcript.log import TranscriptEntry
from codemode.host.transcript.plain import to_json_form

GOOD = 0
FOUND = 1
"""A history was or would be refused, or the replay gave another one than was sent."""

_MAX_SHOWN_CHARS = 100


def add_to(commands: Any) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "transcript",
        help="show a kept conversation, and what the provider refuses in it",
        description="Show what came to a conversation and what was sent, how each call ended, and which histories the "
        "provider refuses, in its words. The exit status is 1 where it refuses one, 0 where it does not.",
    )
    parser.add_argument(
        "file",
        metavar="FILE|-",
        help="JSON: the dump of a TranscriptGuard, a history (a list of items), or the body of a request",
    )
    parser.add_argument(
        "--format",
        choices=("openai", *get_args(TranscriptFormat)),
        help="whose history it is; needed for a list, and for a body with `messages`",
    )
    parser.add_argument(
        "--model", default="", help="the model that is asked, where the file does not say: gemini-3-pro"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(command=_transcript)


def _transcript(options: argparse.Namespace) -> int:
    found = report(_read(options.file), format=options.format, model=options.model)
    if options.json:
        print(json.dumps(_document(found), ensure_ascii=False, indent=2))
    else:
        for line in _lines(found):
            print(line)
    return GOOD if found.is_good else FOUND


def _read(file: str) -> Any:
    try:
        return json.loads(sys.stdin.read() if file == "-" else Path(file).read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not JSON: {error}") from error


def _document(found: TranscriptReport) -> dict[str, Any]:
    document = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return {
        **document,
        "is_good": found.is_good,
        "entries": [_entry_document(entry) for entry in found.entries],
        **{name: list(map(dataclasses.asdict, document[name])) for name in ("calls", "sent", "findings")},
    }


def _entry_document(entry: TranscriptEntry) -> dict[str, Any]:
    fields = {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry)}
    return {**fields, "item": to_json_form(entry.item)}


def _lines(found: TranscriptReport) -> Iterator[str]:
    if found.entries:
        began_s = found.entries[0].at_s
        yield f"A conversation of {found.format}{_since(began_s)}"
        yield ""
        for entry in found.entries:
            yield _entry_line(entry, began_s)
        yield ""
    if found.calls or found.uncalled:
        yield "Calls"
        for call in found.calls:
            yield f"  {call.call_id}: {_fate(call)}"
        for number in found.uncalled:
            yield f"  the call of the output in #{number} NEVER CAME"
        yield ""
    for sent in found.sent:
        is_open = f", with {', '.join(sent.open_ids)} open" if sent.open_ids else ""
        changed = "" if sent.is_same else "; the replay gives ANOTHER HISTORY than was sent"
        verdict = "REFUSED" if sent.findings else "no fault found"
        yield f"Sent in #{sent.entry}, {_count(sent.items)}{is_open}: {verdict}{changed}"
        yield from _finding_lines(sent.findings)
    verdict = f"would be REFUSED by {found.format}" if found.findings else "no fault found"
    yield f"The history{' as it stands' if found.entries else ''}, {_count(found.items)}: {verdict}"
    yield from _finding_lines(found.findings)


def _since(began_s: float) -> str:
    try:
        return f", from {datetime.fromtimestamp(began_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):  # the clock of the guard was one of its own
        return ""


def _entry_line(entry: TranscriptEntry, began_s: float) -> str:
    parts = [f"#{entry.number:<4} {entry.at_s - began_s:+10.3f} s  {entry.what:<9}"]
    if entry.about is not None:
        parts.append(f"#{entry.about}")
    if entry.sent_items is not None:
        parts.append(_count(entry.sent_items))
    if entry.call_ids:
        parts.append(", ".join(entry.call_ids))
    if entry.reason:
        parts.append(f"({entry.reason})")
    if entry.item is not None:
        parts.append(_cut(json.dumps(to_json_form(entry.item), ensure_ascii=False)))
    return " ".join(parts)


def _fate(call: CallReport) -> str:
    """How a call ended, in words."""
    end = "NEVER ANSWERED" if call.ended is None else f"{call.status} after {call.after_s:.3f} s in #{call.ended}"
    dropped = f"; what came later was dropped: {', '.join(f'#{number}' for number in call.dropped)}"
    return f"asked for in #{call.asked}, {end}{dropped if call.dropped else ''}"


def _count(items: int) -> str:
    return f"{items} item{'' if items == 1 else 's'}"


def _finding_lines(findings: list[Finding]) -> Iterator[str]:
    for finding in findings:
        origin = "" if finding.entry is None else f", which came in #{finding.entry}"
        yield f"  item {finding.place}{origin}: {finding.message.strip()}"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN_CHARS else f"{text[: _MAX_SHOWN_CHARS - 1]}…"
