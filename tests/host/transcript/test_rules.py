"""What providers refuse: each rule by the smallest history that breaks it, and histories that break none."""

from __future__ import annotations

import random
from typing import Any

import pytest

import codemode
from codemode.host.transcript.rules import misplaced, problems

Item = dict[str, Any]
USER = {"role": "user", "content": "hello"}


def said(format: str, items: list[Any], **told: Any) -> list[str]:  # noqa: A002
    return [str(problem) for problem in problems(format, items, **told)]


def asks(*call_ids: str, kind: str = "function_call") -> list[Item]:
    """Calls of the Responses API."""
    return [{"type": kind, "call_id": call_id, "name": "f", "arguments": "{}"} for call_id in call_ids]


def tells(*call_ids: str, kind: str = "function_call_output") -> list[Item]:
    """Their outputs."""
    return [{"type": kind, "call_id": call_id, "output": "1"} for call_id in call_ids]


def chat_asks(*call_ids: str) -> Item:
    calls = [{"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}} for one in call_ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def chat_tells(call_id: str) -> Item:
    return {"role": "tool", "tool_call_id": call_id, "content": "1"}


def claude_asks(*call_ids: str) -> Item:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": i, "name": "f", "input": {}} for i in call_ids]}


def claude_tells(*call_ids: str, after: str = "") -> Item:
    results: list[Item] = [{"type": "tool_result", "tool_use_id": one, "content": "1"} for one in call_ids]
    return {"role": "user", "content": [*results, *([{"type": "text", "text": after}] if after else [])]}


def gemini_says(text: str, role: str = "user") -> Item:
    return {"role": role, "parts": [{"text": text}]}


def gemini_asks(*names: str, signed: bool = False) -> Item:
    parts: list[Item] = [{"functionCall": {"name": name, "args": {}}} for name in names]
    if signed:
        parts[0]["thoughtSignature"] = "c2lnbmVk"
    return {"role": "model", "parts": parts}


def gemini_tells(*names: str) -> Item:
    return {
        "role": "user",
        "parts": [{"functionResponse": {"name": name, "response": {"output": 1}}} for name in names],
    }


GOOD: dict[str, list[list[Item]]] = {
    "openai.responses": [
        [USER, *asks("a", "b"), *tells("a", "b"), USER],
        [USER, {"type": "reasoning", "id": "rs_1", "summary": []}, *asks("a"), *tells("a")],
        [{"type": "web_search_call", "id": "ws_1", "status": "completed"}, USER],
        [{"type": "reasoning", "id": "rs_1", "summary": []}, {"role": "assistant", "content": "hi", "id": "msg_1"}],
    ],
    "openai.chat": [
        [{"role": "system", "content": "be kind"}, USER, chat_asks("a", "b"), chat_tells("a"), chat_tells("b"), USER],
        [USER, {"role": "assistant", "content": "hi"}, USER],
    ],
    "anthropic": [
        [USER, claude_asks("a", "b"), claude_tells("a", "b"), {"role": "assistant", "content": "done"}],
        [USER, claude_asks("a"), claude_tells("a", after="and now?"), USER],
        [
            USER,
            {
                "role": "assistant",
                "content": [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}],
            },
        ],
    ],
    "gemini": [
        [gemini_says("hello"), gemini_asks("f", "g"), gemini_tells("f", "g"), gemini_says("done", "model")],
        [gemini_says("hello"), gemini_asks("f"), gemini_tells("f"), gemini_asks("g"), gemini_tells("g")],
        [gemini_says("a"), gemini_says("b"), gemini_asks("f", signed=True), gemini_tells("f")],
    ],
}


@pytest.mark.parametrize("format", GOOD)
def test_nothing_is_found_in_a_good_history(format: str) -> None:  # noqa: A002
    for history in GOOD[format]:
        assert problems(format, history) == []
        assert misplaced(format, history) == []


def test_openai_alone_means_the_responses_api() -> None:
    assert said("openai", asks("a")) == said("openai.responses", asks("a")) != []


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        ([USER, *asks("a"), USER], "No tool output found for function call a."),
        ([*asks("a", "b"), *tells("a")], "No tool output found for function call b."),
        ([*asks("a", kind="custom_tool_call")], "No tool output found for custom tool call a."),
        ([*asks("a", kind="local_shell_call")], "No tool output found for local shell call a."),
        ([*asks("a", kind="apply_patch_call")], "No tool output found for apply patch call a."),
        (tells("z"), "No tool call found for function call output with call_id z."),
        (
            tells("z", kind="custom_tool_call_output"),
            "No tool call found for custom tool call output with call_id z.",
        ),
        (tells("z", kind="computer_call_output"), "No tool call found for computer call with call_id z."),
        (
            [{"type": "reasoning", "id": "rs_1", "summary": []}, USER],
            "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
        ),
        (
            [
                {"role": "assistant", "content": "a", "id": "msg_1"},
                {"role": "assistant", "content": "b", "id": "msg_1"},
            ],
            "Duplicate item found with id msg_1. Remove duplicate items from your input and try again.",
        ),
        (
            [USER, *asks("c" * 65), *tells("c" * 65)],
            "Invalid 'input[1].call_id': string too long. Expected a string with maximum length 64, "
            "but got a string with length 65 instead.",
        ),
    ],
)
def test_responses_refuses(history: list[Item], sentence: str) -> None:
    assert said("openai.responses", history)[0] == sentence


def test_responses_takes_a_message_before_the_output_and_the_promise_of_the_guard_does_not() -> None:
    history = [*asks("a"), USER, *tells("a")]
    assert problems("openai.responses", history) == []
    assert [problem.place for problem in misplaced("openai.responses", history)] == [1, 2]


def test_an_output_is_for_its_kind_of_call_only() -> None:
    history = [*asks("a"), *tells("a", kind="custom_tool_call_output")]
    assert said("openai.responses", history) == [
        "No tool output found for function call a.",
        "No tool call found for custom tool call output with call_id a.",
    ]


def test_the_output_of_a_local_shell_call_names_it_by_call_id() -> None:
    calls = asks("a", kind="local_shell_call")
    assert said("openai.responses", [*calls, {"type": "local_shell_call_output", "id": "a", "output": "1"}])
    assert problems("openai.responses", [*calls, *tells("a", kind="local_shell_call_output")]) == []


def test_what_stands_behind_a_reference_is_not_judged() -> None:
    assert problems("openai.responses", [{"type": "item_reference", "id": "fc_1"}, *tells("a")]) == []


def test_a_tool_search_of_the_provider_is_not_the_clients_to_answer() -> None:
    search = {"type": "tool_search_call", "call_id": "a", "arguments": {}}
    assert problems("openai.responses", [{**search, "execution": "server"}]) == []
    assert said("openai.responses", [{**search, "execution": "client"}]) == [
        "No tool output found for tool search call a."
    ]


def test_an_item_must_come_with_the_reasoning_that_the_provider_remembers() -> None:
    call = {**asks("a")[0], "id": "fc_1"}
    assert said("openai.responses", [call, *tells("a")], reasoning_of={"fc_1": "rs_1"}) == [
        "Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'."
    ]
    whole = [{"type": "reasoning", "id": "rs_1", "summary": []}, call, *tells("a")]
    assert problems("openai.responses", whole, reasoning_of={"fc_1": "rs_1"}) == []


FOLLOWED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
)


@pytest.mark.parametrize(
    ("history", "sentence", "param"),
    [
        (
            [USER, chat_asks("a", "b"), chat_tells("b"), USER],
            f"{FOLLOWED}The following tool_call_ids did not have response messages: a",
            "messages.[3].role",
        ),
        (
            [USER, chat_asks("a", "b")],
            f"{FOLLOWED}The following tool_call_ids did not have response messages: a, b",
            "messages.[2].role",
        ),
        (
            [chat_asks("a"), USER, chat_tells("a")],
            f"{FOLLOWED}The following tool_call_ids did not have response messages: a",
            "messages.[1].role",
        ),
        (
            [USER, chat_tells("a")],
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
            "with 'tool_calls'.",
            "messages.[1].role",
        ),
        (
            [chat_asks("a"), chat_tells("a"), chat_tells("z")],
            "Invalid parameter: 'tool_call_id' of 'z' not found in 'tool_calls' of previous message.",
            "messages.[2].tool_call_id",
        ),
        (
            [chat_asks("a"), chat_tells("a"), chat_tells("a")],
            "Duplicate value for 'tool_call_id' of a in message[2]",
            "messages.[2].tool_call_id",
        ),
        (
            [chat_asks("a"), chat_tells("a"), {"role": "tool", "content": "1"}],
            "Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'.",
            "messages.[2].tool_call_id",
        ),
        (
            [USER, {"role": "assistant", "content": "hi", "tool_calls": []}],
            "Invalid 'messages[1].tool_calls': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            "messages[1].tool_calls",
        ),
        (
            [USER, {"role": "assistant", "content": None}],
            "Invalid value for 'content': expected a string, got null.",
            "messages.[1].content",
        ),
        (
            [chat_asks("c" * 41), chat_tells("c" * 41)],
            "Invalid 'messages[0].tool_calls[0].id': string too long. Expected a string with maximum length 40, "
            "but got a string with length 41 instead.",
            "messages[0].tool_calls[0].id",
        ),
    ],
)
def test_chat_refuses(history: list[Item], sentence: str, param: str) -> None:
    first = problems("openai.chat", history)[0]
    assert (first.message, first.param) == (sentence, param)


def missing_results(place: int, call_ids: str) -> str:
    return (
        f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after: {call_ids}. "
        "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        ([USER, claude_asks("a", "b")], missing_results(1, "a, b")),
        ([USER, claude_asks("a", "b"), claude_tells("b")], missing_results(1, "a")),
        ([USER, claude_asks("a"), USER, claude_tells("a")], missing_results(1, "a")),
        ([USER, claude_asks("a", "b"), claude_tells("a"), claude_tells("b")], missing_results(1, "b")),
        (
            [
                USER,
                claude_asks("a"),
                {"role": "user", "content": [{"type": "text", "text": "so"}, *claude_tells("a")["content"]]},
            ],
            missing_results(1, "a"),
        ),
        (
            [USER, claude_asks("a"), claude_tells("a", "z")],
            "messages.2.content.1: unexpected `tool_use_id` found in `tool_result` blocks: z. "
            "Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
        ),
        (
            [USER, claude_asks("a"), claude_tells("a", "a")],
            "messages.2.content.1: each tool_use must have a single result. "
            "Found multiple `tool_result` blocks with id: a",
        ),
        ([USER, claude_asks("a", "a"), claude_tells("a")], "messages.1.content.1: `tool_use` ids must be unique"),
        (
            [USER, claude_asks("call.1"), claude_tells("call.1")],
            "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
        ),
        ([{"role": "assistant", "content": "hi"}], 'messages: first message must use the "user" role'),
        ([], "messages: at least one message is required"),
        (
            [{"role": "user", "content": [{"type": "text", "text": ""}]}],
            "messages: text content blocks must be non-empty",
        ),
        (
            [{"role": "user", "content": [{"type": "text", "text": " \n"}]}],
            "messages: text content blocks must contain non-whitespace text",
        ),
        (
            [USER, {"role": "assistant", "content": []}, USER],
            "messages.1: all messages must have non-empty content except for the optional final assistant message",
        ),
        (
            [USER, {"role": "assistant", "content": claude_tells("a")["content"]}],
            "messages.1: `tool_result` blocks can only be in `user` messages",
        ),
        (
            [{"role": "user", "content": claude_asks("a")["content"]}],
            "messages.0: `tool_use` blocks can only be in `assistant` messages",
        ),
        ([{**USER, "id": "msg_1"}], "messages.0.id: Extra inputs are not permitted"),
    ],
)
def test_anthropic_refuses(history: list[Item], sentence: str) -> None:
    assert said("anthropic", history)[0] == sentence


NUMBER = (
    "Please ensure that the number of function response parts is equal to the number of function call parts "
    "of the function call turn."
)
CALL_TURN = (
    "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
)
RESPONSE_TURN = "Please ensure that function response turn comes immediately after a function call turn."
HELLO = gemini_says("hello")


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        ([HELLO, gemini_asks("f", "g"), gemini_tells("f")], NUMBER),
        ([HELLO, gemini_asks("f", "g"), gemini_tells("f"), gemini_tells("g")], NUMBER),
        ([HELLO, gemini_asks("f"), HELLO, gemini_tells("f")], NUMBER),
        ([HELLO, gemini_asks("f"), gemini_tells("f", "f")], NUMBER),
        ([gemini_asks("f"), gemini_tells("f")], CALL_TURN),
        ([HELLO, gemini_says("so", "model"), gemini_asks("f"), gemini_tells("f")], CALL_TURN),
        ([HELLO, gemini_tells("f")], RESPONSE_TURN),
        (
            [HELLO, gemini_asks("f")],
            "Please ensure that multiturn requests ends with a user role or a function response.",
        ),
        ([], "* GenerateContentRequest.contents: contents is not specified\n"),
        (
            [{"role": "user", "parts": []}],
            "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.\n",
        ),
        (
            [HELLO, gemini_asks("f"), gemini_tells("")],
            "* GenerateContentRequest.contents[2].parts[0].function_response.name: Name cannot be empty.\n",
        ),
        (
            [{"role": "user", "parts": [{"thought": True}]}],
            "* GenerateContentRequest.contents[0].parts[0].data: required oneof field 'data' "
            "must have one initialized field\n",
        ),
    ],
)
def test_gemini_refuses(history: list[Item], sentence: str) -> None:
    assert said("gemini", history)[0] == sentence


def test_gemini_3_wants_the_first_call_of_each_step_of_the_turn_signed() -> None:
    before = [HELLO, gemini_asks("old"), gemini_tells("old")]
    step = [gemini_asks("f", "g", signed=True), gemini_tells("f", "g")]
    assert problems("gemini", [*before, HELLO, *step], model="gemini-3-pro-preview") == []
    unsigned = [*before, HELLO, *step, gemini_asks("h"), gemini_tells("h")]
    (found,) = problems("gemini", unsigned, model="gemini-3-pro-preview")
    assert found.message.startswith("Function call is missing a thought_signature in functionCall parts.")
    assert "function call `default_api:h` , position 7." in found.message
    assert (found.place, found.call_ids) == (6, ("h",))
    assert problems("gemini", unsigned) == [found]
    assert problems("gemini", unsigned, model="gemini-2.5-pro") == []


def test_gemini_is_read_in_the_names_of_the_sdk_too() -> None:
    history = [
        HELLO,
        {"role": "model", "parts": [{"function_call": {"name": "f", "id": "1"}, "thought_signature": b"s"}]},
        {"role": "user", "parts": [{"function_response": {"name": "f", "id": "1", "response": {}}}]},
    ]
    assert problems("gemini", history, model="gemini-3-pro") == []
    assert [problem.call_ids for problem in problems("gemini", history[:2])] == [("1",)]


@pytest.mark.parametrize(
    ("format", "history", "places"),
    [
        ("openai.responses", [*asks("a", "b"), *tells("b", "a")], [2, 3]),
        ("openai.responses", [*asks("a"), *tells("a", "a")], [2]),
        ("openai.responses", [*asks("a", "b"), *tells("a")], [1]),
        ("openai.chat", [chat_asks("a", "b"), chat_tells("b"), chat_tells("a")], [1, 2]),
        ("anthropic", [USER, claude_asks("a", "b"), claude_tells("b", "a")], [2]),
        ("gemini", [HELLO, gemini_asks("f", "g"), gemini_tells("g", "f")], [2]),
    ],
)
def test_the_promise_of_the_guard_is_broken_by_another_order(
    format: str,  # noqa: A002
    history: list[Item],
    places: list[int],
) -> None:
    assert [problem.place for problem in misplaced(format, history)] == places


@pytest.mark.parametrize("format", GOOD)
def test_the_last_batch_may_be_open(format: str) -> None:  # noqa: A002
    openings = {
        "openai.responses": asks("a", "b"),
        "openai.chat": [chat_asks("a", "b")],
        "anthropic": [USER, claude_asks("a", "b")],
        "gemini": [HELLO, gemini_asks("f", "g")],
    }
    assert misplaced(format, openings[format]) == []
    assert problems(format, openings[format]) != []


def test_another_format_is_a_usage_error() -> None:
    for judge in (problems, misplaced):
        with pytest.raises(codemode.UsageError, match=r"'claude' is no format .*'anthropic'"):
            judge("claude", [USER])


@pytest.mark.parametrize("format", GOOD)
def test_any_history_is_judged_whatever_it_holds(format: str) -> None:  # noqa: A002
    """What a person hands to the command line may be anything that JSON can say."""
    odd: list[Any] = [None, 1, "text", [], {}, {"role": 3}, {"type": ["x"]}, {"role": "assistant", "tool_calls": 5}]
    odd += [{"role": "assistant", "content": 7}, {"role": "user", "content": [None, 3, {"type": "tool_result"}]}]
    odd += [{"parts": 3}, {"role": "model", "parts": [None, {"functionCall": 4}, {"functionResponse": []}]}]
    odd += [
        {"type": "function_call", "call_id": 5},
        {"type": "reasoning", "id": {}},
        {"role": "tool", "tool_call_id": {}},
    ]
    odd += [item for history in GOOD[format] for item in history]
    chance = random.Random(5)
    for _ in range(300):
        history = chance.choices(odd, k=chance.randrange(8))
        assert all(0 <= problem.place <= len(history) for problem in problems(format, history))
        misplaced(format, history)
