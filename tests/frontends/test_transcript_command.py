"""`codemode transcript`: what it tells of a dump, of a history and of a request's body, and its exit status."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

import codemode
from codemode.frontends.cli import main
from codemode.frontends.transcript_report import CallReport, Finding, SentReport, report

USER = {"role": "user", "content": "find it"}
NO_RESULTS = (
    "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a, b. "
    "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
)


def uses(*call_ids: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": i, "name": "f", "input": {}} for i in call_ids]}


def result(call_id: str, text: str = "done") -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": text}]}


def ticking() -> codemode.TranscriptGuard:
    """A guard whose every entry is half a second after the one before."""
    ticks = itertools.count()
    return codemode.TranscriptGuard("anthropic", clock=lambda: 1_000_000.0 + next(ticks) / 2)


def interrupted() -> codemode.TranscriptGuard:
    """One call is answered, one cancelled and answered too late, one never answered; an output belongs to none."""
    guard = ticking()
    guard.add(USER)
    guard.history()
    guard.add(uses("a", "b"))
    guard.add(result("b"))
    guard.add({"role": "user", "content": "and hurry up"})
    guard.history()
    guard.cancel("a")
    guard.add(result("a", "too late"))
    guard.add(uses("c"))
    guard.add(result("z"))
    return guard


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command on a document, from a file or from stdin: its exit status, and what it printed."""

    def run(document: Any, *options: str, stdin: bool = False) -> tuple[int, str]:
        text = document if isinstance(document, str) else json.dumps(document)
        file = tmp_path / "transcript.json"
        file.write_text(text, "utf-8")
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        status = main(["transcript", "-" if stdin else str(file), *options])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def test_a_conversation_without_fault(run: Any) -> None:
    guard = ticking()
    for item in (USER, uses("a", "b"), result("b"), result("a")):
        guard.add(item)
    guard.history()
    status, text = run(guard.dump())
    assert status == 0
    assert text.splitlines() == [
        "A conversation of anthropic, from 1970-01-12 13:46:40 UTC",
        "",
        '#1        +0.000 s  added     {"role": "user", "content": "find it"}',
        '#2        +0.500 s  added     a, b {"role": "assistant", "content": [{"type": "tool_use", "id": "a", '
        '"name": "f", "input": {}}, {"type…',
        '#3        +1.000 s  answered  b {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "b", '
        '"content": "done"}]}',
        '#4        +1.500 s  answered  a {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", '
        '"content": "done"}]}',
        "#5        +2.000 s  sent      3 items",
        "",
        "Calls",
        "  a: asked for in #2, answered after 1.000 s in #4",
        "  b: asked for in #2, answered after 0.500 s in #3",
        "",
        "Sent in #5, 3 items: no fault found",
        "The history as it stands, 3 items: no fault found",
    ]


def test_it_says_how_each_call_ended_and_where_a_history_went_wrong(run: Any) -> None:
    status, text = run(interrupted().dump())
    assert status == 1
    for line in (
        "  a: asked for in #3, cancelled after 2.000 s in #7; what came later was dropped: #9",
        "  b: asked for in #3, answered after 0.500 s in #4",
        "  c: asked for in #10, NEVER ANSWERED",
        "  the call of the output in #11 NEVER CAME",
        "Sent in #2, 1 item: no fault found",
        "Sent in #6, 2 items, with a open: REFUSED",
        f"  item 1, which came in #3: {NO_RESULTS}",
        "The history as it stands, 5 items: would be REFUSED by anthropic",
    ):
        assert line in text.splitlines()
    assert "which came in #10: messages.4: `tool_use` ids were found without" in text


def test_the_report_is_there_for_programs() -> None:
    found = report(interrupted().dump())
    assert not found.is_good
    assert found.calls == [
        CallReport("a", 3, "cancelled", 7, 2.0, [9]),
        CallReport("b", 3, "answered", 4, 0.5),
        CallReport("c", 10),
    ]
    assert found.uncalled == [11]
    assert found.sent == [
        SentReport(2, 1, (), True, []),
        SentReport(6, 2, ("a",), True, [Finding(NO_RESULTS, 1, ("a", "b"), 3)]),
    ]


def test_json_is_one_document(run: Any) -> None:
    status, text = run(interrupted().dump(), "--json")
    document = json.loads(text)
    assert status == 1
    assert document["format"] == "anthropic"
    assert document["is_good"] is False
    assert [entry["what"] for entry in document["entries"]] == [entry.what for entry in interrupted().log]
    assert document["entries"][0] == {
        "number": 1,
        "at_s": 1_000_000.0,
        "what": "added",
        "call_ids": [],
        "reason": "",
        "item": USER,
        "about": None,
        "sent_items": None,
        "digest": None,
        "extended": None,
    }
    assert document["calls"][0] == {
        "call_id": "a",
        "asked": 3,
        "status": "cancelled",
        "ended": 7,
        "after_s": 2.0,
        "dropped": [9],
    }
    assert document["sent"][1] == {
        "entry": 6,
        "items": 2,
        "open_ids": ["a"],
        "is_same": True,
        "findings": [{"message": NO_RESULTS, "place": 1, "call_ids": ["a", "b"], "entry": 3}],
    }


def test_a_dump_that_was_changed_gives_another_history(run: Any) -> None:
    guard = ticking()
    guard.add(USER)
    guard.history()
    dump = guard.dump()
    dump["entries"][0]["item"] = {"role": "user", "content": "find something else"}
    status, text = run(dump)
    assert status == 1
    assert "Sent in #2, 1 item: no fault found; the replay gives ANOTHER HISTORY than was sent" in text


def test_a_call_without_an_id_is_found_by_its_name(run: Any) -> None:
    guard = codemode.TranscriptGuard("gemini")
    guard.add({"role": "user", "parts": [{"text": "find it"}]})
    part = {"function_call": {"name": "find", "args": {}}, "thought_signature": b"\x00signed"}
    guard.add({"role": "model", "parts": [part]})
    guard.history()
    status, text = run(guard.dump())
    assert status == 1
    assert "item 1, which came in #2: Please ensure that multiturn requests ends with a user role" in text
    (part,) = json.loads(run(guard.dump(), "--json")[1])["entries"][1]["item"]["parts"]
    assert part["thought_signature"] == {"$bytes": "AHNpZ25lZA=="}


def test_a_clock_that_tells_no_time_of_day_does_no_harm(run: Any) -> None:
    guard = codemode.TranscriptGuard("anthropic", clock=lambda: 1e300)
    guard.add(USER)
    status, text = run(guard.dump())
    assert (status, text.splitlines()[0]) == (0, "A conversation of anthropic")


def test_a_conversation_that_has_not_begun_has_no_fault(run: Any) -> None:
    assert run(codemode.TranscriptGuard("gemini").dump())[0] == 0


CALL = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
CHAT_CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
GEMINI_USER = {"role": "user", "parts": [{"text": "find it"}]}
UNSIGNED = [
    GEMINI_USER,
    {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
    {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]},
]


@pytest.mark.parametrize(
    ("document", "options", "line"),
    [
        ([USER, CALL], ["--format", "openai"], "  item 1: No tool output found for function call a."),
        ({"model": "m", "input": [CALL]}, [], "  item 0: No tool output found for function call a."),
        (
            {"model": "m", "messages": [USER, {"role": "assistant", "tool_calls": [CHAT_CALL]}, USER]},
            ["--format", "openai.chat"],
            "did not have response messages: a",
        ),
        ([USER, uses("a", "b"), USER], ["--format", "anthropic"], NO_RESULTS),
        ({"contents": UNSIGNED[:2]}, [], "  item 1: Please ensure that multiturn requests ends with a user role"),
        ({"contents": UNSIGNED}, ["--model", "gemini-3-pro"], "is missing a thought_signature in functionCall parts"),
    ],
)
@pytest.mark.parametrize("stdin", [False, True], ids=["file", "stdin"])
def test_a_history_by_itself_is_judged(run: Any, document: Any, options: list[str], line: str, stdin: bool) -> None:
    status, text = run(document, *options, stdin=stdin)
    assert status == 1
    assert "would be REFUSED by" in text
    assert line in text


@pytest.mark.parametrize(
    ("document", "options"),
    [
        ({"input": "find it"}, []),
        ({"contents": UNSIGNED}, ["--model", "gemini-2.5-pro"]),
        ([USER, uses("a"), result("a")], ["--format", "anthropic"]),
    ],
)
def test_a_good_history_is_said_to_be_good(run: Any, document: Any, options: list[str]) -> None:
    status, text = run(document, *options)
    assert status == 0
    assert "no fault found" in text


@pytest.mark.parametrize(
    ("document", "options", "said"),
    [
        ("{", [], "is not JSON"),
        ("[" * 100_000, [], "is not JSON"),
        ("5", [], "this is something else"),
        ({"text": "hello"}, [], "this is something else"),
        ([USER], [], "it does not say whose history it is"),
        ({"messages": [USER]}, [], "it does not say whose history it is"),
        ({"entries": []}, [], "a dump of a transcript has"),
        ({"format": "anthropic", "version": 99, "entries": []}, [], "version 99"),
        (codemode.TranscriptGuard("gemini").dump(), ["--format", "anthropic"], "conversation of 'gemini', not of"),
    ],
)
def test_what_is_no_transcript_is_wrong_usage(run: Any, document: Any, options: list[str], said: str) -> None:
    status, text = run(document, *options)
    assert status == 2
    assert said in text
    assert len(text.splitlines()) == 1


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transcript", str(tmp_path / "none.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err
