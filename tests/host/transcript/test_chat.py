"""What is particular to OpenAI's Chat: whole messages, and tools of two kinds."""

from __future__ import annotations

from typing import Any

import pytest

from codemode import TranscriptGuard, UsageError

Item = dict[str, Any]

USER = {"role": "user", "content": "begin"}


def guard_with(*items: Item) -> TranscriptGuard:
    guard = TranscriptGuard("openai.chat")
    guard.extend(items)
    return guard


def test_functions_and_custom_tools_are_calls_alike() -> None:
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "b", "type": "custom", "custom": {"name": "exec", "input": "1"}},
        ],
    }
    guard = guard_with(USER, message)
    assert guard.pending == ["a", "b"]
    guard.cancel()
    assert guard.history() == [
        USER,
        message,
        {"role": "tool", "tool_call_id": "a", "content": "Tool cancelled"},
        {"role": "tool", "tool_call_id": "b", "content": "Tool cancelled"},
    ]


def test_another_message_with_calls_waits_for_the_outputs_of_the_first() -> None:
    def asks(call_id: str) -> Item:
        call = {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}}
        return {"role": "assistant", "tool_calls": [call]}

    def answers(call_id: str) -> Item:
        return {"role": "tool", "tool_call_id": call_id, "content": call_id}

    guard = guard_with(USER, asks("a"), asks("b"), answers("b"))
    assert guard.history() == [USER, asks("a")]
    guard.add(answers("a"))
    assert guard.history() == [USER, asks("a"), answers("a"), asks("b"), answers("b")]


@pytest.mark.parametrize("calls", [None, []])
def test_a_message_without_calls_is_a_message(calls: Any) -> None:
    message = {"role": "assistant", "content": "hello", "tool_calls": calls, "reasoning_content": "signed"}
    guard = guard_with(USER, message, {"role": "developer", "content": "be kind"})
    assert guard.history() == [USER, message, {"role": "developer", "content": "be kind"}]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"type": "function_call", "call_id": "a"}, "for format 'openai.responses'"),
        ({"role": "tool", "content": "done"}, "needs a 'tool_call_id'"),
        ({"role": "assistant", "tool_calls": [{"type": "function"}]}, "with an 'id'"),
        ({"role": "assistant", "tool_calls": ["a"]}, "with an 'id'"),
        ({"role": "assistant", "tool_calls": {"id": "a"}}, "is a list, not dict"),
    ],
)
def test_what_the_api_does_not_know_is_refused_with_what_to_do(bad: Item, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        guard_with(bad)
    assert words in str(caught.value)
