"""`codemode.host.outbox`: all of it is told, in an order in which it makes sense, and no flood holds an answer up."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from codemode.host.outbox import MAX_ANSWER_CHARACTERS, MAX_STORED_CHARACTERS, PAUSE_S, Outbox
from codemode.wire import messages as m

STEPS: st.SearchStrategy[list[Any]] = st.lists(
    st.one_of(
        st.tuples(st.just("store"), st.sampled_from("abc"), st.sampled_from([None, 1, 2, 70_000])),
        st.tuples(st.just("answer"), st.sampled_from([1, 5_000_000])),
        st.tuples(st.just("take"), st.sampled_from([0.0, PAUSE_S / 2, PAUSE_S])),
    ),
    max_size=40,
)
"""Texts by their length: hypothesis writes out what it gives."""


@given(STEPS)
def test_each_answer_comes_once_in_order_and_after_what_was_stored_before_it(steps: list[Any]) -> None:
    outbox, now_s, calls = Outbox(), 0.0, 0
    store: dict[str, str | None] = {}
    seen: dict[str, str | None] = {}
    versions: dict[str, list[str | None]] = {}
    then: list[dict[str, int]] = []
    """For each answer, how many values each key had been given when it was ready."""
    answered = 0

    def look(messages: list[m.Message]) -> None:
        nonlocal answered
        for message in messages:
            if isinstance(message, m.Stored):
                seen[message.key] = message.value
            elif isinstance(message, m.Answers):
                for call, _, _ in message.answers:
                    assert call == answered
                    for key, count in then[call].items():
                        assert seen[key] in versions[key][count - 1 :]
                    answered += 1

    for kind, *arguments in steps:
        if kind == "store":
            key, size = arguments
            value = None if size is None else "x" * size
            store[key] = value
            versions.setdefault(key, []).append(value)
            outbox.add_stored(key, value)
        elif kind == "answer":
            then.append({key: len(values) for key, values in versions.items()})
            outbox.add_answer(calls, "ok", "x" * arguments[0])
            calls += 1
        else:
            now_s += arguments[0]
            was_due = outbox.due_s <= now_s
            messages = outbox.take(1, now_s)
            assert bool(messages) == was_due
            look(messages)
    while outbox.due_s < float("inf"):
        now_s = max(now_s, outbox.due_s)
        look(outbox.take(1, now_s))
    assert (seen, answered) == (store, calls)


def test_what_is_stored_at_once_is_told_at_once_and_a_flood_is_told_in_rounds() -> None:
    outbox = Outbox()
    outbox.add_stored("k", "1")
    assert outbox.take(1, 5.0) == [m.Stored(1, "k", "1")]
    for number in range(100):
        outbox.add_stored("k", str(number))
        assert outbox.take(1, 5.0 + PAUSE_S / 2) == []
    assert outbox.due_s == 5.0 + PAUSE_S
    assert outbox.take(1, outbox.due_s) == [m.Stored(1, "k", "99")]
    assert outbox.due_s == float("inf")


def test_what_the_cell_has_stored_itself_since_is_not_told_as_another_stored_it() -> None:
    outbox = Outbox()
    outbox.add_stored("k", "theirs")
    outbox.add_stored("n", "theirs")
    outbox.drop_stored("k")
    outbox.drop_stored("of nobody else's")
    assert outbox.take(1, 5.0) == [m.Stored(1, "n", "theirs")]


def test_a_flood_holds_an_answer_up_for_a_round_at_most() -> None:
    outbox, told = Outbox(), []
    for number in range(10):
        outbox.add_stored(str(number), "x" * MAX_STORED_CHARACTERS)
    outbox.add_answer(1, "ok", "null")
    for number in range(20):
        told += outbox.take(1, 0.0)
        outbox.add_stored(f"later {number}", "x" * MAX_STORED_CHARACTERS)

    before = told[: told.index(m.Answers(1, ((1, "ok", "null"),)))]
    assert [message.key for message in before if isinstance(message, m.Stored)] == [*map(str, range(10))]


def test_answers_that_are_ready_together_are_one_message_unless_they_are_long() -> None:
    outbox = Outbox()
    for number in range(3):
        outbox.add_answer(number, "ok", "1")
    assert outbox.take(1, 0.0) == [m.Answers(1, ((0, "ok", "1"), (1, "ok", "1"), (2, "ok", "1")))]
    long = "x" * (MAX_ANSWER_CHARACTERS // 2 + 1)
    for number in range(3):
        outbox.add_answer(number, "ok", long)
    for number in range(3):
        assert outbox.take(1, 0.0) == [m.Answers(1, ((number, "ok", long),))]


def test_an_ended_cell_is_told_nothing_more() -> None:
    outbox = Outbox()
    outbox.add_stored("a", "x" * MAX_STORED_CHARACTERS)
    outbox.add_stored("b", "1")
    outbox.add_answer(1, "ok", "null")
    outbox.take(1, 0.0)
    outbox.clear()

    assert (outbox.take(1, 10.0), outbox.due_s) == ([], float("inf"))
