"""What one line from an MCP server is: a message, an answer that is no good, or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from codemode.frontends.mcp_transports import message_of

DEEP = "[" * 5000 + "]" * 5000


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"jsonrpc": "2.0", "id": 1, "result": {"a": 1}}\r', JSONRPCResponse(jsonrpc="2.0", id=1, result={"a": 1})),
        ('{"jsonrpc": "2.0", "id": "\\ud800", "result": {}}', JSONRPCResponse(jsonrpc="2.0", id="\ufffd", result={})),
        ('{"jsonrpc": "2.0", "id": "b", "method": "ping"}', JSONRPCRequest(jsonrpc="2.0", id="b", method="ping")),
        ('{"jsonrpc": "2.0", "method": "m"}', JSONRPCNotification(jsonrpc="2.0", method="m")),
    ],
)  # fmt: skip
def test_a_message_is_read(line: str, message: Any) -> None:
    assert message_of(line.encode()) == message


@pytest.mark.parametrize(
    "line",
    [
        "", "\r", "Listening on stdio", "{", "{}", "[]", "null", "7", '"id"', "\0", DEEP, DEEP[:5000],
        '{"level": "info", "id": 7.5}', '{"jsonrpc": "2.0", "id": 7, "method": 5}',
        '{"jsonrpc": "2.0", "id": [], "result": {}}',
    ],
)  # fmt: skip
def test_what_is_no_message_and_no_answer_is_nothing(line: str) -> None:
    assert message_of(line.encode()) is None


@pytest.mark.parametrize(
    "line",
    [
        '{"jsonrpc": "2.0", "id": 7, "result": "text"}',
        '{"jsonrpc": "2.0", "id": 7}',
        '{"jsonrpc": "2.0", "id": 7, "error": "text"}',
        '{"id": 7, "result": {}}',
        f'{{"jsonrpc": "2.0", "id": 7, "result": {DEEP}}}',
        f'{{"result": {DEEP}, "jsonrpc": "2.0", "id":7}}',
        f' {{"id"  :  7, "result": {DEEP}}}',
        '{"jsonrpc": "2.0", "id": 7, "result": {"a": ',
    ],
)
def test_an_answer_that_is_no_good_is_an_error_answer_of_its_call(line: str) -> None:
    message = message_of(line.encode())

    assert isinstance(message, JSONRPCError)
    assert message.id == 7
    assert message.error.message.startswith("the answer cannot be read: ")


def test_bytes_that_are_no_utf8_do_not_cost_the_message() -> None:
    message = message_of(b'{"jsonrpc": "2.0", "id": 7, "result": {"a": "\xff"}}')

    assert message == JSONRPCResponse(jsonrpc="2.0", id=7, result={"a": "\ufffd"})


@given(st.binary(max_size=200))
def test_no_line_raises(line: bytes) -> None:
    message_of(line)
    message_of(b'{"jsonrpc": "2.0", "id": 7, "result": ' + line)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values, st.sampled_from(["result", "error", "params", "method", "id"]))
def test_no_value_in_any_place_raises_and_an_answer_to_a_call_stays_one(value: Any, place: str) -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": 7, "result": {}, place: value}).encode()

    message = message_of(line)

    if place in ("result", "error"):
        assert isinstance(message, JSONRPCResponse | JSONRPCError)
        assert message.id == 7
