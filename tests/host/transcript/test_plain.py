"""Items as plain dicts: what is copied, what the SDKs' own objects become, and the JSON form that comes back."""

from __future__ import annotations

import json
from collections import UserDict
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codemode import TranscriptGuard, UsageError
from codemode.host.transcript.plain import copied, from_json_form, plain_item, to_json_form

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
KEYS = st.text(max_size=5) | st.sampled_from(["$bytes", "$escaped"])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2))


class Role(StrEnum):
    USER = "user"


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_the_json_form_comes_back_as_it_was(item: dict[str, Any]) -> None:
    assert plain_item(item) == item
    assert copied(item) == item
    assert from_json_form(json.loads(json.dumps(to_json_form(item)))) == item


def test_mappings_and_tuples_become_dicts_and_lists() -> None:
    assert plain_item(UserDict(role=Role.USER, content=({"a": 1.5},))) == {"role": "user", "content": [{"a": 1.5}]}


@pytest.mark.parametrize("bad", [{"at": 1j}, {"content": [{1, 2}]}, {"content": {3: 4}}])
def test_what_json_has_no_form_for_is_refused(bad: Any) -> None:
    with pytest.raises(UsageError):
        plain_item(bad)


def test_a_deep_item_is_refused_and_not_a_crash() -> None:
    item: dict[str, Any] = {}
    for _ in range(100_000):
        item = {"a": item}
    with pytest.raises(UsageError, match="too deeply"):
        plain_item(item)
    while item:  # taken apart by hand: to free such a thing at once takes as deep a stack
        item = item["a"]


# ── the SDKs' own objects ───────────────────────────────────────────────────────────────────────────────────────


def test_the_output_of_a_response_of_openai_is_taken_as_it_is() -> None:
    from openai.types.responses import (  # noqa: PLC0415 - the SDKs take their time to load
        ParsedResponseFunctionToolCall,
        ResponseCustomToolCall,
        ResponseReasoningItem,
    )

    guard = TranscriptGuard("openai")
    guard.extend(
        [
            ResponseReasoningItem(id="rs_1", summary=[], type="reasoning", encrypted_content="gAAA=="),
            ParsedResponseFunctionToolCall(
                arguments='{"a": null}', call_id="a", name="f", type="function_call", parsed_arguments={"a": None}
            ),
            ResponseCustomToolCall.model_validate(
                {"type": "custom_tool_call", "call_id": "b", "name": "exec", "input": "1", "async": True}
            ),
        ]
    )
    assert guard.history() == [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA=="},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": '{"a": null}'},
        {"type": "custom_tool_call", "call_id": "b", "name": "exec", "input": "1", "async": True},
    ]


def test_a_message_of_chat_is_taken_as_it_is() -> None:
    from openai.types.chat import ChatCompletionMessage  # noqa: PLC0415

    calls = [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    guard = TranscriptGuard("openai.chat")
    guard.add(ChatCompletionMessage.model_validate({"role": "assistant", "content": None, "tool_calls": calls}))
    assert guard.history() == [{"role": "assistant", "tool_calls": calls}]


def test_a_message_of_anthropic_is_taken_whole_or_by_its_content() -> None:
    from anthropic.types import Message  # noqa: PLC0415

    content = [
        {"type": "thinking", "thinking": "…", "signature": "EqoB"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"nothing": None, "inner": [None, {"x": None}]}},
    ]
    message = Message.model_validate(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": content,
            "stop_reason": "tool_use",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
    )
    for item in (message, {"role": "assistant", "content": message.content}):
        guard = TranscriptGuard("anthropic")
        guard.add(item)
        assert guard.history() == [{"role": "assistant", "content": content}]
        assert guard.pending == ["a"]


def test_a_content_of_gemini_keeps_its_signature() -> None:
    from google.genai import types  # noqa: PLC0415

    call = types.FunctionCall(name="f", args={"nothing": None})
    content = types.Content(role="model", parts=[types.Part(function_call=call, thought_signature=b"\xff\x00")])
    guard = TranscriptGuard("gemini")
    guard.add(content)
    guard.add(types.Part.from_function_response(name="f", response={"output": 1}))
    history = guard.history()
    assert history == [
        {
            "role": "model",
            "parts": [{"function_call": {"name": "f", "args": {"nothing": None}}, "thought_signature": b"\xff\x00"}],
        },
        {"role": "user", "parts": [{"function_response": {"name": "f", "response": {"output": 1}}}]},
    ]
    assert types.Content.model_validate(history[0]) == content
    json.dumps(guard.dump())
