"""A conversation that was kept and is loaded comes back as it was: nothing in it is taken for a stream."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from codemode import TranscriptGuard

Item = dict[str, Any]


def gemini_call(name: str, *, signed: bool = False) -> Item:
    signature = {"thoughtSignature": "c2ln"} if signed else {}
    return {"role": "model", "parts": [{"functionCall": {"name": name, "args": {}}, **signature}]}


def gemini_response(name: str) -> Item:
    return {"role": "user", "parts": [{"functionResponse": {"name": name, "response": {"output": name}}}]}


def gemini_text(text: str) -> Item:
    return {"role": "user", "parts": [{"text": text}]}


def use(call_id: str) -> Item:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": {}}


def result(call_id: str) -> Item:
    return {"type": "tool_result", "tool_use_id": call_id, "content": call_id}


KEPT = [
    gemini_text("one"),
    gemini_call("a", signed=True),
    gemini_response("a"),
    gemini_text("two"),
    gemini_call("b"),
    gemini_response("b"),
]


def test_a_later_question_keeps_its_place_before_the_call_that_answers_it() -> None:
    guard = TranscriptGuard("gemini")
    guard.extend(KEPT)
    assert guard.history() == KEPT


def test_blocks_by_themselves_after_a_later_question_are_of_another_message() -> None:
    guard = TranscriptGuard("anthropic")
    question, further = {"role": "user", "content": "q"}, {"role": "user", "content": "next"}
    guard.extend([question, use("a"), result("a"), further, use("b"), result("b")])
    assert [message["role"] for message in guard.history()] == [
        "user",
        "assistant",
        "user",
        "user",
        "assistant",
        "user",
    ]


def test_a_content_that_does_not_say_whose_it_is_is_the_models_where_it_calls() -> None:
    guard = TranscriptGuard("gemini")
    guard.extend([gemini_text("q"), {"parts": gemini_call("a")["parts"]}])
    guard.extend([{"role": "model", "parts": [{"text": "more"}]}, gemini_response("a"), gemini_text("z")])
    roles = [content["role"] for content in guard.history()]
    assert roles == ["user", "model", "user", "user"]


def test_a_time_in_what_a_response_says_of_itself_is_text() -> None:
    guard = TranscriptGuard("openai.responses")
    guard.add({"type": "message", "role": "assistant", "content": "a", "at": datetime(2026, 1, 2, tzinfo=UTC)})
    assert guard.history()[0]["at"] == "2026-01-02T00:00:00+00:00"
