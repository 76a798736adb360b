"""What is particular to the Responses API: kinds of calls, reasoning, and calls that come one by one."""

from __future__ import annotations

from typing import Any

import pytest

from codemode import TranscriptGuard, UsageError

Item = dict[str, Any]

USER = {"role": "user", "content": "begin"}
MORE = {"role": "user", "content": "more"}
SCREEN = {"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"}


def call(call_id: str, **more: Any) -> Item:
    return {"type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "name": "f", "arguments": "{}", **more}


def output(call_id: str, text: str = "done") -> Item:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def reasoning(name: str) -> Item:
    return {"type": "reasoning", "id": name, "summary": [], "encrypted_content": "gAAA=="}


def guard_with(*items: Item) -> TranscriptGuard:
    guard = TranscriptGuard("openai.responses")
    guard.extend(items)
    return guard


KINDS: list[tuple[Item, Item, Item]] = [
    (
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "done"}]},
        {"type": "function_call_output", "call_id": "c", "output": "Tool cancelled"},
    ),
    (
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "caller": {"type": "program"}},
        {"type": "function_call_output", "call_id": "c", "output": "done", "caller": {"type": "program"}},
        {"type": "function_call_output", "call_id": "c", "output": "Tool cancelled", "caller": {"type": "program"}},
    ),
    (
        {"type": "custom_tool_call", "call_id": "c", "name": "exec", "input": "1"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "done"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "Tool cancelled"},
    ),
    (
        {"type": "local_shell_call", "id": "lsh_1", "call_id": "c", "action": {}, "status": "completed"},
        {"type": "local_shell_call_output", "call_id": "c", "output": "{}"},
        {"type": "local_shell_call_output", "call_id": "c", "output": "Tool cancelled"},
    ),
    (
        {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"], "max_output_length": 9}},
        {"type": "shell_call_output", "call_id": "c", "output": [], "max_output_length": 9},
        {
            "type": "shell_call_output",
            "call_id": "c",
            "output": [{"stdout": "", "stderr": "Tool cancelled", "outcome": {"type": "exit", "exit_code": 130}}],
            "max_output_length": 9,
        },
    ),
    (
        {"type": "apply_patch_call", "call_id": "c", "operation": {}, "status": "completed"},
        {"type": "apply_patch_call_output", "call_id": "c", "status": "completed"},
        {"type": "apply_patch_call_output", "call_id": "c", "status": "failed", "output": "Tool cancelled"},
    ),
    (
        {"type": "tool_search_call", "call_id": "c", "execution": "client", "arguments": {}},
        {"type": "tool_search_output", "call_id": "c", "execution": "client", "tools": []},
        {"type": "tool_search_output", "call_id": "c", "execution": "client", "status": "completed", "tools": []},
    ),
    (
        {"type": "mcp_approval_request", "id": "c", "name": "f", "arguments": "{}", "server_label": "s"},
        {"type": "mcp_approval_response", "approval_request_id": "c", "approve": True},
        {
            "type": "mcp_approval_response",
            "approval_request_id": "c",
            "approve": False,
            "reason": "Tool cancelled",
        },
    ),
]


@pytest.mark.parametrize(("made", "answer", "cancelled"), KINDS, ids=lambda item: item.get("type"))
def test_each_kind_of_call_has_its_own_kind_of_output(made: Item, answer: Item, cancelled: Item) -> None:
    guard = guard_with(USER, made, MORE)
    assert guard.pending == ["c"]
    assert guard.history() == [USER, made]
    guard.add(answer)
    assert guard.history() == [USER, made, answer, MORE]
    guard = guard_with(USER, made, MORE)
    guard.cancel("c")
    assert guard.history() == [USER, made, cancelled, MORE]


def test_a_cancelled_action_on_a_screen_is_answered_by_a_picture_of_the_words() -> None:
    checks = [{"id": "cu_sc_1", "code": "malicious_instructions", "message": "careful"}]
    made = {"type": "computer_call", "id": "cu_1", "call_id": "c", "action": {}, "pending_safety_checks": checks}
    guard = guard_with(USER, made)
    guard.cancel()
    answer = guard.history()[-1]
    assert answer["output"].pop("image_url").startswith("data:image/png;base64,iVBORw0KGgo")
    assert answer == {
        "type": "computer_call_output",
        "call_id": "c",
        "output": {"type": "computer_screenshot"},
        "acknowledged_safety_checks": checks,
    }
    guard = guard_with(USER, {**made, "pending_safety_checks": []})
    guard.cancel()
    assert "acknowledged_safety_checks" not in guard.history()[-1]
    guard = guard_with(USER, made, {"type": "computer_call_output", "call_id": "c", "output": SCREEN})
    assert guard.pending == []


def test_the_output_of_a_local_shell_names_its_call_as_the_api_wants_it() -> None:
    made = KINDS[3][0]
    guard = guard_with(USER, made, {"type": "local_shell_call_output", "id": "c", "output": "{}"})
    assert guard.history() == [USER, made, {"type": "local_shell_call_output", "call_id": "c", "output": "{}"}]


@pytest.mark.parametrize(
    "item",
    [
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "code_interpreter_call", "id": "ci_1", "code": "1"},
        {"type": "mcp_call", "id": "mcp_1", "name": "f", "arguments": "{}"},
        {"type": "tool_search_call", "id": "ts_1", "execution": "server", "call_id": None},
        {"type": "tool_search_output", "id": "tso_1", "execution": "server", "call_id": None, "tools": []},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"},
        {"type": "something_new", "id": "x_1"},
        {"id": "msg_1"},
    ],
    ids=lambda item: item.get("type", "reference"),
)
def test_what_the_provider_runs_itself_is_not_for_the_program_to_answer(item: Item) -> None:
    guard = guard_with(USER, item, MORE)
    assert guard.pending == []
    assert guard.history() == [USER, item, MORE]


def test_a_whole_response_with_reasoning_between_its_calls_is_untouched() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    response = [reasoning("rs_1"), call("a"), reasoning("rs_2"), search, call("b")]
    guard = guard_with(USER, *response)
    assert guard.history() == [USER, *response]
    guard.extend([output("b"), output("a")])
    assert guard.history() == [USER, *response, output("a"), output("b")]


def test_words_of_the_model_between_its_calls_come_after_the_output() -> None:
    words = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "and"}]}
    guard = guard_with(USER, call("a"), words, call("b"))
    assert guard.history() == [USER, call("a")]
    guard.add(output("a"))
    assert guard.history() == [USER, call("a"), output("a"), words, call("b")]


def test_a_message_in_the_middle_of_a_response_does_not_part_its_calls() -> None:
    guard = guard_with(USER, reasoning("rs_1"), call("a"), reasoning("rs_2"), MORE, call("b"))
    assert guard.history() == [USER, reasoning("rs_1"), call("a"), reasoning("rs_2"), call("b")]
    guard.extend([output("a"), output("b")])
    assert guard.history()[-3:] == [output("a"), output("b"), MORE]


def test_a_message_does_not_part_reasoning_from_what_it_led_to() -> None:
    words = {"type": "message", "role": "assistant", "content": "hello"}
    guard = guard_with(USER, reasoning("rs_1"))
    (entry,) = guard.add(MORE)
    assert (entry.what, entry.reason) == ("held", "the model goes on first")
    guard.add(words)
    assert guard.history() == [USER, reasoning("rs_1"), words, MORE]

    guard = guard_with(USER, call("a"), words, reasoning("rs_2"), MORE, words, output("a"))
    assert guard.history() == [USER, call("a"), output("a"), words, reasoning("rs_2"), words, MORE]


def test_a_message_after_reasoning_that_led_to_nothing_is_sent() -> None:
    guard = guard_with(USER, reasoning("rs_1"), MORE)
    assert guard.history() == [USER, reasoning("rs_1"), MORE]
    assert [entry.what for entry in guard.log] == ["added", "added", "held", "flushed", "sent"]


def test_an_output_of_another_kind_answers_its_call_all_the_same() -> None:
    """Programs answer a `local_shell_call` by a `function_call_output`, and the API takes it."""
    guard = guard_with(USER, KINDS[3][0], output("c"))
    assert guard.pending == []
    assert guard.history()[-1] == output("c")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"type": "function_call", "name": "f", "arguments": "{}"}, "a function_call needs a 'call_id'"),
        ({"type": "function_call_output", "call_id": "", "output": ""}, "a function_call_output needs a 'call_id'"),
        ({"type": "mcp_approval_request", "call_id": "a"}, "a mcp_approval_request needs a 'id'"),
        ({"role": "assistant", "tool_calls": []}, "for format 'openai.chat'"),
        ({"role": "tool", "tool_call_id": "a", "content": ""}, "for format 'openai.chat'"),
        ({"parts": []}, "this one has 'parts'"),
        ({"type": 3}, "has a 'type'"),
    ],
)
def test_what_the_api_does_not_know_is_refused_with_what_to_do(bad: Item, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        guard_with(bad)
    assert words in str(caught.value)
