"""The log of a conversation, its dump, and what a replay tells of it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from codemode import TranscriptEntry, TranscriptGuard, TranscriptReplay, UsageError

Item = dict[str, Any]

BEGIN = {"role": "user", "parts": [{"text": "begin"}]}
CALLS = {
    "role": "model",
    "parts": [
        {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": b"\xff\x00"},
        {"functionCall": {"name": "g", "args": {}}},
    ],
}
MORE = {"role": "user", "parts": [{"text": "more"}]}
DONE = {"role": "user", "parts": [{"functionResponse": {"name": "g", "response": {"output": {"$bytes": "no"}}}}]}


def a_conversation() -> tuple[TranscriptGuard, list[list[Item]]]:
    """One with everything in it, at a second an entry, and the histories that were sent."""
    now = iter(range(1000, 2000))
    guard = TranscriptGuard("gemini", clock=lambda: float(next(now)))
    guard.add(BEGIN)
    sent = [guard.history()]
    guard.add(CALLS)
    guard.add(MORE)
    guard.add(DONE)
    sent.append(guard.history())
    guard.cancel()
    guard.add(DONE)
    sent.append(guard.history())
    return guard, sent


def test_the_log_tells_what_came_and_went_and_when() -> None:
    guard, _ = a_conversation()
    assert [dataclasses.replace(entry, digest=None) for entry in guard.log] == [
        TranscriptEntry(1, 1000.0, "added", item=BEGIN),
        TranscriptEntry(2, 1001.0, "sent", sent_items=1),
        TranscriptEntry(3, 1002.0, "added", ("f#1", "g#2"), item=CALLS),
        TranscriptEntry(4, 1003.0, "held", reason="no output of f#1, g#2", item=MORE),
        TranscriptEntry(5, 1004.0, "answered", ("g#2",), item=DONE),
        TranscriptEntry(6, 1005.0, "sent", ("f#1",), sent_items=2),
        TranscriptEntry(7, 1006.0, "cancelled", ("f#1",), "the caller gave it up"),
        TranscriptEntry(8, 1007.0, "flushed", about=4),
        TranscriptEntry(9, 1008.0, "dropped", ("g",), "second: the call was answered in entry 5", item=DONE),
        TranscriptEntry(10, 1009.0, "sent", sent_items=4),
    ]


def test_a_dump_is_json_and_replays_to_the_same_conversation() -> None:
    guard, sent = a_conversation()
    replay = TranscriptReplay(json.loads(json.dumps(guard.dump())))
    assert replay.format == "gemini"
    assert replay.entries == list(guard.log)
    assert replay.changed == ()
    assert [(one.entry.number, one.items, one.same) for one in replay.histories()] == [
        (2, sent[0], True),
        (6, sent[1], True),
        (10, sent[2], True),
    ]
    assert [dataclasses.replace(entry, at_s=0) for entry in replay.guard.log] == [
        dataclasses.replace(entry, at_s=0) for entry in guard.log
    ]
    assert replay.guard.history() == guard.history()


def test_what_was_taken_at_once_is_replayed_at_once() -> None:
    """A step that is not signed is of the step before it, but not in a conversation that was kept."""
    step = {"role": "model", "parts": [{"functionCall": {"name": "g", "args": {}}}]}
    kept = [
        BEGIN,
        {**CALLS, "parts": CALLS["parts"][:1]},
        {**DONE, "parts": [{"functionResponse": {"name": "f"}}]},
        step,
    ]
    guard = TranscriptGuard("gemini")
    guard.extend(kept)
    assert [entry.extended for entry in guard.log] == [1, 1, 1, 1]
    assert guard.history() == kept
    guard.extend([DONE, MORE])
    guard.history()
    assert [entry.extended for entry in guard.log[5:]] == [6, 6, None]
    assert TranscriptReplay(guard.dump()).changed == ()


def test_a_history_that_is_another_now_is_named() -> None:
    guard, _ = a_conversation()
    dump = guard.dump()
    dump["entries"][3]["item"]["parts"][0]["text"] = "something else"
    replay = TranscriptReplay(dump)
    assert replay.changed == (10,)
    assert [one.same for one in replay.histories()] == [True, True, False]


def test_the_log_shares_its_items_with_the_conversation_and_a_dump_does_not() -> None:
    guard, _ = a_conversation()
    dump = guard.dump()
    dump["entries"][0]["item"].clear()
    assert guard.log[0].item == BEGIN
    guard.history()[0].clear()
    assert guard.log[0].item == BEGIN


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({}, "something else"),
        ([], "something else"),
        ({"format": "gemini", "version": 2, "entries": []}, "version 2"),
        ({"format": "gemini", "version": 1, "entries": [{}]}, "no entry"),
        ({"format": "gemini", "version": 1, "entries": [{"number": 1, "at_s": 0, "what": "eaten"}]}, "no entry"),
        ({"format": "gemini", "version": 1, "entries": [{"number": 1, "at_s": 0, "what": "sent", "x": 1}]}, "no entry"),
        (
            {"format": "gemini", "version": 1, "entries": [{"number": 1, "at_s": 0, "what": "sent", "item": 1}]},
            "no entry",
        ),
        ({"format": "x", "version": 1, "entries": []}, "no format"),
    ],
)
def test_what_is_no_dump_is_refused(bad: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        TranscriptReplay(bad)
    assert words in str(caught.value)
