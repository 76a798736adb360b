"""What is particular to Anthropic: results in one message, other blocks beside them, and blocks by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from codemode import TranscriptGuard, UsageError

Item = dict[str, Any]


def user(*content: Any) -> Item:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def assistant(*blocks: Item) -> Item:
    return {"role": "assistant", "content": list(blocks)}


def text(words: str) -> Item:
    return {"type": "text", "text": words}


def use(call_id: str) -> Item:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": {}}


def result(call_id: str, words: str = "done") -> Item:
    return {"type": "tool_result", "tool_use_id": call_id, "content": words}


THINKING = {"type": "thinking", "thinking": "…", "signature": "EqoB"}


def guard_with(*items: Item) -> TranscriptGuard:
    guard = TranscriptGuard("anthropic")
    for item in items:  # one by one, as they come
        guard.add(item)
    return guard


def test_a_whole_message_with_results_and_more_is_untouched() -> None:
    items = [
        user("begin"),
        assistant(THINKING, text("let me see"), use("a"), use("b")),
        user(result("a"), result("b"), text("and tell me why"), {"type": "image", "source": {}}),
    ]
    guard = guard_with(*items)
    assert guard.history() == items
    assert [entry.what for entry in guard.log] == ["added", "added", "answered", "answered", "sent"]


def test_results_in_several_messages_become_one_and_what_stood_with_the_first_stays_after_them() -> None:
    guard = guard_with(
        user("begin"), assistant(use("a"), use("b")), user(result("b"), text("one")), user(text("two"), result("a"))
    )
    assert guard.history()[2:] == [user(result("a"), result("b"), text("one"), text("two"))]


def test_what_stood_with_results_comes_after_what_was_held_before_it() -> None:
    guard = guard_with(user("begin"), assistant(use("a")), user("first"), user(result("a"), text("second")))
    assert guard.history()[2:] == [user(result("a")), user("first"), user(text("second"))]


def test_the_other_blocks_of_a_message_whose_results_are_late_are_a_message() -> None:
    guard = guard_with(user("begin"), assistant(use("a"), use("b")))
    guard.cancel("a")
    entries = guard.add(user(result("a"), text("sorry")))
    assert [(entry.what, entry.about) for entry in entries] == [("dropped", None), ("held", entries[0].number)]
    guard.cancel()
    assert guard.history()[3:] == [user(text("sorry"))]


def test_a_message_of_late_results_alone_leaves_nothing() -> None:
    guard = guard_with(user("begin"), assistant(use("a")), user(result("a")))
    guard.add(user(result("a", "again"), result("a", "and again")))
    assert guard.history() == [user("begin"), assistant(use("a")), user(result("a"))]


def test_a_message_may_answer_calls_that_are_shown_and_calls_that_wait() -> None:
    guard = guard_with(user("begin"), assistant(use("a")), assistant(use("b")), user(result("b"), result("a")))
    assert guard.history() == [
        user("begin"),
        assistant(use("a")),
        user(result("a")),
        assistant(use("b")),
        user(result("b")),
    ]


def test_the_fields_of_a_message_of_results_stay_with_it() -> None:
    message = {**user(result("a")), "cache": "yes"}
    guard = guard_with(user("begin"), assistant(use("a")), message)
    assert guard.history()[-1] == message


def test_a_cancelled_call_is_an_error_for_the_model() -> None:
    guard = guard_with(user("begin"), assistant(use("a"), use("b")), user(result("b")))
    guard.cancel()
    cancelled = {"type": "tool_result", "tool_use_id": "a", "content": "Tool cancelled", "is_error": True}
    assert guard.history()[-1] == user(cancelled, result("b"))


def test_blocks_of_a_stream_become_messages() -> None:
    guard = guard_with(user("begin"), assistant(THINKING, text("let me see")))
    for block in (use("a"), use("b")):
        guard.add(block)
    assert guard.history() == [user("begin"), assistant(THINKING, text("let me see"), use("a"), use("b"))]
    guard.add(result("b"))
    guard.add(result("a"))
    assert guard.history()[2:] == [user(result("a"), result("b"))]


def test_a_block_after_words_that_are_a_string_stands_beside_them() -> None:
    guard = guard_with(user("begin"), {"role": "assistant", "content": "let me see"}, use("a"), result("a"))
    assert guard.history() == [user("begin"), assistant(text("let me see"), use("a")), user(result("a"))]


def test_blocks_of_one_response_stay_in_one_message_though_tools_answer_between_them() -> None:
    """In a message of its own, the second would stand without the thinking, which the API refuses."""
    guard = guard_with(user("begin"), assistant(THINKING, use("a")), user("more"), result("a"), use("b"))
    assert guard.pending == ["b"]
    assert guard.history() == [user("begin"), assistant(THINKING, use("a"), use("b"))]
    guard.add(result("b"))
    assert guard.history()[2:] == [user(result("a"), result("b")), user("more")]
    guard.extend([use("c"), result("c")])
    assert guard.history()[4:] == [assistant(use("c")), user(result("c"))]


def test_what_the_provider_runs_itself_is_not_for_the_program_to_answer() -> None:
    blocks = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "f", "server_name": "s", "input": {}},
        {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "content": []},
    ]
    guard = guard_with(user("begin"), assistant(*blocks), user("more"))
    assert guard.pending == []
    assert guard.history() == [user("begin"), assistant(*blocks), user("more")]


def test_nothing_comes_behind_the_results_for_code_that_the_provider_runs_until_it_has_gone_on() -> None:
    ran = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "code_execution", "input": {"code": "…"}}
    calls = [
        {**use(call_id), "caller": {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}} for call_id in "ab"
    ]
    begun = [user("begin"), assistant(ran, *calls)]
    guard = guard_with(*begun, user(result("a"), text("first")), user("second"), user(result("b")))
    (entry,) = guard.add(user("third"))
    assert (entry.what, entry.reason) == ("held", "the model goes on first")
    assert guard.pending == []
    for _ in range(2):
        assert guard.history() == [*begun, user(result("a"), result("b"))]
    guard.add(assistant(text("done")))
    more = [user(text("first")), user("second"), user("third")]
    assert guard.history() == [*begun, user(result("a"), result("b")), assistant(text("done")), *more]
    direct = {**use("c"), "caller": {"type": "direct"}}
    guard.extend([assistant(direct), user(result("c")), user("fourth")])
    assert guard.history()[-1] == user("fourth")


def test_of_a_response_only_what_may_be_sent_again_is_kept() -> None:
    message = {
        **assistant(use("a")),
        "id": "msg_1",
        "type": "message",
        "model": "m",
        "stop_reason": "tool_use",
        "usage": {},
    }
    guard = guard_with(user("begin"), message)
    assert guard.history()[-1] == assistant(use("a"))
    assert guard.log[1].item == message


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (text("by itself"), "put other blocks into a message"),
        ({"role": "tool", "content": "x"}, "'role' (user or assistant)"),
        ({"role": "user"}, "and 'content'"),
        ({"type": "tool_use", "name": "f"}, "a tool_use needs a 'id'"),
        (user({"type": "tool_result", "content": "x"}), "a tool_result needs a 'tool_use_id'"),
        (user(use("a")), "stands in an assistant's message"),
        (assistant(result("a")), "a tool_result in a user's"),
    ],
)
def test_what_the_api_does_not_know_is_refused_with_what_to_do(bad: Item, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        guard_with(bad)
    assert words in str(caught.value)
