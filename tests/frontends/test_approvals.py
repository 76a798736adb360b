"""How a call that waits for an approval is shown, and what is read from the answers: typed, or filled into a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import codemode
from codemode.frontends.approvals import (
    Answer,
    Unclear,
    allow_all,
    deny_all,
    printable,
    read_answer,
    shown_call,
    shown_description,
)
from codemode.host.approvals import ApprovalRequest


def request(tool: str = "t", arguments: Any = None, **definition: Any) -> ApprovalRequest:
    """A call that waits. Made within a trio run."""
    invocation = codemode.ToolInvocation("c", tool, {} if arguments is None else arguments)
    return ApprovalRequest(invocation, codemode.ToolDefinition(name=tool, **definition))


def decisions(requests: Sequence[ApprovalRequest]) -> list[tuple[bool | None, str | None]]:
    return [(each.is_allowed, each.reason) for each in requests]


# ── how a call is shown ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_call_is_shown_on_a_line_with_its_arguments_and_what_it_may_do() -> None:
    assert shown_call(request("send", {"to": "Zoë", "n": 1}, destructive=True)) == (
        'send({"to": "Zoë", "n": 1})  [destructive]'
    )
    assert shown_call(request("look", "all of it", freeform=True, read_only=True)) == 'look("all of it")  [read-only]'
    assert shown_call(request("plain")) == "plain({})"


async def test_a_long_call_is_cut_to_the_line_and_says_how_long_it_is() -> None:
    long = request("write", {"text": "x" * 1000}, destructive=True)

    assert shown_call(long, 80) == f'write({{"text": "{"x" * 31}… 1012 characters)  [destructive]'
    assert len(shown_call(long, 80)) == 80
    assert "x" * 1000 in shown_call(long)


async def test_nothing_that_is_shown_moves_the_cursor_or_hides_what_stands_behind_it() -> None:
    tricky = request(
        "t", {"path": "a\r\x1b[2K\u202egpj\x9b"}, description="\x1b]0;title\x07 Says\u2028this.\nAnd that."
    )

    assert shown_call(tricky) == r't({"path": "a\r\u001b[2K\u202egpj\x9b"})'
    assert shown_description(tricky, 80) == r"\x1b]0;title\x07 Says"
    assert shown_description(request("t", description="\n\n  First line.  \nSecond."), 80) == "First line."
    assert shown_description(request("t", description=" \n "), 80) == ""


@given(st.text(st.characters()))
def test_whatever_is_shown_is_printable_and_stays_as_it_is_where_it_was(text: str) -> None:
    assert printable(text).isprintable()
    assert text.isprintable() == (printable(text) == text)


# ── what is typed ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("a\n", Answer(frozenset({1, 2, 3}))),
        (" ALL \n", Answer(frozenset({1, 2, 3}))),
        ("yes\n", Answer(frozenset({1, 2, 3}))),
        ("n\n", Answer(frozenset())),
        ("none", Answer(frozenset())),
        ("2\n", Answer(frozenset({2}))),
        ("1, 3\n", Answer(frozenset({1, 3}))),
        ("3 1,1\n", Answer(frozenset({1, 3}))),
        ("not before noon\n", Answer(frozenset(), "not before noon")),
        ("2 is wrong\n", Answer(frozenset(), "2 is wrong")),
        ("all but the last\n", Answer(frozenset(), "all but the last")),
        ("why\ud800\n", Answer(frozenset(), "why\ufffd")),
    ],
)
def test_what_is_typed_allows_all_none_or_some_or_says_why_not(line: str, answer: Answer) -> None:
    assert read_answer(line, 3) == answer


@pytest.mark.parametrize(
    ("line", "count", "says"),
    [
        ("\n", 3, "a, n, numbers, or a few words why not"),
        ("  \n", 3, "a, n, numbers, or a few words why not"),
        ("s\n", 3, "a, n, numbers, or a few words why not"),
        ("1-2\n", 3, "a, n, numbers, or a few words why not"),
        (", ,\n", 3, "a, n, numbers, or a few words why not"),
        ("4\n", 3, "the calls have the numbers 1 to 3"),
        ("0 1\n", 3, "the calls have the numbers 1 to 3"),
        ("1234567890123456789\n", 3, "the calls have the numbers 1 to 3"),
        ("2\n", 1, "there is one call, number 1"),
    ],
)
def test_a_slip_of_the_finger_decides_nothing(line: str, count: int, says: str) -> None:
    with pytest.raises(Unclear, match=says):
        read_answer(line, count)


@given(st.text(), st.integers(1, 5))
def test_whatever_is_typed_allows_no_call_that_is_not_there(line: str, count: int) -> None:
    try:
        answer = read_answer(line, count)
    except Unclear:
        return
    assert answer.allowed <= set(range(1, count + 1))
    assert not (answer.allowed and answer.reason)


async def test_all_or_none_are_decided_without_asking() -> None:
    calls = [request("a"), request("b")]
    allow_all(calls)
    assert decisions(calls) == [(True, None)] * 2

    calls = [request("a"), request("b")]
    deny_all("not here")(calls)
    assert decisions(calls) == [(False, "not here")] * 2


# ── what is filled into a form ────────────────────────────────────────────────────────────────────────────────
