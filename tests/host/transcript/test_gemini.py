"""What is particular to Gemini: one content of responses, calls without ids, two ways to write, and signatures."""

from __future__ import annotations

from typing import Any

import pytest

from codemode import TranscriptGuard, UsageError

Item = dict[str, Any]


def user(*parts: Any) -> Item:
    return {"role": "user", "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}


def model(*parts: Any) -> Item:
    return {"role": "model", "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}


def call(name: str, call_id: str | None = None, **part: Any) -> Item:
    fields = {"name": name, "args": {}} if call_id is None else {"id": call_id, "name": name, "args": {}}
    return {"functionCall": fields, **part}


def response(name: str, output: str = "done", call_id: str | None = None) -> Item:
    fields: Item = {"name": name, "response": {"output": output}}
    return {"functionResponse": fields if call_id is None else {"id": call_id, **fields}}


SIGNED = {"thoughtSignature": "EtUK"}
BEGIN = user("begin")


def guard_with(*items: Item) -> TranscriptGuard:
    guard = TranscriptGuard("gemini")
    for item in items:  # one by one, as they come
        guard.add(item)
    return guard


def test_responses_are_one_content_in_the_number_and_order_of_the_calls() -> None:
    calls = model("let me see", call("f", "1", **SIGNED), call("g", "2"), call("f", "3"))
    guard = guard_with(BEGIN, calls, user(response("f", "three", "3")), response("f", "one", "1"))
    assert guard.history() == [BEGIN, calls]
    guard.add({"role": "function", "parts": [response("g", "two", "2")]})
    assert guard.history() == [
        BEGIN,
        calls,
        user(response("f", "one", "1"), response("g", "two", "2"), response("f", "three", "3")),
    ]


def test_the_role_of_the_responses_is_that_of_the_first() -> None:
    responses = {"role": "function", "parts": [response("f")]}
    assert guard_with(BEGIN, model(call("f")), responses).history()[-1] == responses


def test_calls_without_ids_are_answered_by_name_in_their_order() -> None:
    calls = model(call("f"), call("g"), call("f"))
    guard = guard_with(BEGIN, calls)
    assert guard.pending == ["f#1", "g#2", "f#3"]
    guard.add(user(response("g", "of g"), response("f", "first"), response("f", "second")))
    assert guard.pending == []
    assert guard.history()[-1] == user(response("f", "first"), response("g", "of g"), response("f", "second"))


def test_a_made_up_id_cancels_and_answers_and_never_enters_an_item() -> None:
    guard = guard_with(BEGIN, model(call("f"), call("f"), call("f")))
    guard.cancel("f#1")
    guard.add(user(response("f", "third", "f#3")))
    assert guard.pending == ["f#2"]
    guard.add(user(response("f", "second")))
    cancelled = {"functionResponse": {"name": "f", "response": {"error": "Tool cancelled"}}}
    assert guard.history()[-1] == user(cancelled, response("f", "second"), response("f", "third"))


def test_ids_go_before_names_where_both_have_one() -> None:
    guard = guard_with(BEGIN, model(call("f", "1"), call("f", "2"), call("f")))
    guard.add(response("f", "by id", "2"))
    assert guard.pending == ["1", "f#1"]
    guard.add(response("f", "of none of these", "9"))
    assert guard.pending == ["1"], "where one has none, by name"
    (entry,) = guard.add(response("f", "of none of these", "8"))
    assert entry.what == "dropped", "as the call of that name without an id was answered"
    guard.add(response("f", "by name"))
    assert guard.history()[-1] == user(
        response("f", "by name"), response("f", "by id", "2"), response("f", "of none of these", "9")
    )


def test_outputs_of_one_name_that_came_before_their_calls_are_used_in_their_order() -> None:
    guard = guard_with(BEGIN, response("f", "1"), response("f", "2"), model(call("f"), call("f")))
    assert guard.history()[2:] == [user(response("f", "1"), response("f", "2"))]


def test_snake_case_is_read_and_written_where_the_call_is_in_it() -> None:
    made = {"role": "model", "parts": [{"function_call": {"id": "1", "name": "f"}, "thought_signature": b"\xff"}]}
    guard = guard_with(BEGIN, made)
    guard.cancel("1")
    cancelled = {"function_response": {"id": "1", "name": "f", "response": {"error": "Tool cancelled"}}}
    assert guard.history() == [BEGIN, made, user(cancelled)]
    guard = guard_with(BEGIN, made, {"function_response": {"id": "1", "name": "f", "response": {}}})
    assert guard.history()[-1] == user({"function_response": {"id": "1", "name": "f", "response": {}}})


def test_other_parts_of_a_content_of_responses_are_a_content_of_their_own_after_it() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    guard = guard_with(BEGIN, model(call("f"), call("g")), user(image, response("g")), user(response("f")))
    assert guard.history()[2:] == [user(response("f"), response("g")), user(image)]


def test_chunks_of_a_stream_are_one_step() -> None:
    """Only the first call of a step is signed, and a call in a content of its own is a step."""
    guard = guard_with(
        BEGIN, model("I think"), model("so"), model(call("f", **SIGNED)), user("more"), model(call("g")), call("h")
    )
    assert guard.history() == [BEGIN, model("I think", "so", call("f", **SIGNED), call("g"), call("h"))]
    guard.add(user(response("f"), response("g"), response("h")))
    assert guard.history()[2:] == [user(response("f"), response("g"), response("h")), user("more")]


def test_words_after_the_calls_of_a_stream_stay_with_them() -> None:
    last = {"text": "", "thoughtSignature": "EtUK"}
    guard = guard_with(BEGIN, model(call("f")), model(last), user(response("f")))
    assert guard.history() == [BEGIN, model(call("f"), last), user(response("f"))]


def test_a_step_goes_on_though_its_tools_have_answered_already() -> None:
    guard = guard_with(BEGIN, model(call("f", **SIGNED)), user("more"), response("f"), model(call("g")))
    assert guard.history() == [BEGIN, model(call("f", **SIGNED), call("g"))]
    guard.add(response("g"))
    assert guard.history()[2:] == [user(response("f"), response("g")), user("more")]


def test_steps_that_are_signed_or_never_signed_or_sent_stay_apart() -> None:
    def steps(first: Item, second: Item) -> list[Item]:
        return [BEGIN, model(first), user(response("f")), model(second), user(response("g"))]

    for items in (steps(call("f", **SIGNED), call("g", **SIGNED)), steps(call("f"), call("g"))):
        assert guard_with(*items).history() == items
    items = steps(call("f", **SIGNED), call("g"))
    guard = guard_with(*items[:3])
    guard.history()
    guard.extend(items[3:])
    assert guard.history() == items


def test_who_speaks_after_the_answers_is_answered_by_another_response() -> None:
    items = [BEGIN, model(call("f", **SIGNED)), user(response("f")), user("and"), model(call("g")), user(response("g"))]
    assert guard_with(*items).history() == items


def test_words_beside_all_the_responses_wait_for_nothing() -> None:
    guard = guard_with(BEGIN, model(call("f")), user(response("f"), "more"))
    assert [entry.what for entry in guard.log] == ["added", "added", "answered", "added"]


def test_words_that_follow_each_other_stay_apart() -> None:
    items = [BEGIN, model("one"), model("two"), user("three")]
    assert guard_with(*items).history() == items


def test_what_the_provider_runs_itself_is_not_for_the_program_to_answer() -> None:
    ran = model({"executableCode": {"code": "1"}}, {"codeExecutionResult": {"output": "1"}}, "one")
    guard = guard_with(BEGIN, ran, user("more"))
    assert guard.pending == []
    assert guard.history() == [BEGIN, ran, user("more")]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"text": "by itself"}, "put other parts into a content"),
        ({"role": "user", "content": "x"}, "a content with 'parts'"),
        (model(call("f"), response("f")), "not both"),
        (model({"functionCall": {"args": {}}}), "with the 'name' of its function"),
        (user({"functionResponse": "done"}), "with the 'name' of its function"),
        (model({"functionCall": {"name": "f", "id": 3}}), "is a string or not there, not 3"),
        (model({"functionCall": {"name": "f", "willContinue": True}}), "add it when it is whole"),
    ],
)
def test_what_the_api_does_not_know_is_refused_with_what_to_do(bad: Item, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        guard_with(bad)
    assert words in str(caught.value)
