"""How the bytes of a client are cut into messages, and what of a script's content the protocol takes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import mcp_types as types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemode.frontends import mcp_server
from codemode.frontends.mcp_server import MessageLines, content_block


@given(data=st.binary(max_size=60).map(lambda data: data.replace(b"x", b"\n")), cuts=st.lists(st.integers(0, 60)))
def test_lines_are_the_same_however_the_bytes_come(data: bytes, cuts: list[int]) -> None:
    lines = MessageLines()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    got = [line for first, last in pairwise(places) for line in lines.add(data[first:last])]
    assert got == [line.strip() for line in data.split(b"\n")[:-1] if line.strip()]


def test_a_line_that_is_longer_than_any_message_is_seen_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_server, "MAX_MESSAGE_BYTES", 10)
    lines = MessageLines()
    assert list(lines.add(b"0123456789")) == []
    assert not lines.is_too_long
    assert list(lines.add(b"0")) == []
    assert lines.is_too_long
    assert list(lines.add(b"\n0123")) == [b"01234567890"]
    assert not lines.is_too_long


@pytest.mark.parametrize(
    ("block", "taken"),
    [
        ({"type": "text", "text": "a"}, True),
        ({"type": "image", "data": "AAAA", "mimeType": "image/png"}, True),
        ({"type": "resource_link", "uri": "https://example.org/a", "name": "a"}, True),
        ({"type": "image"}, False),
        ({"type": 5}, False),
        ({}, False),
    ],
)
def test_a_block_that_is_none_of_the_protocol_becomes_text(block: dict[str, Any], taken: bool) -> None:
    made = content_block(block)
    assert isinstance(made, types.TextContent) == (not taken or block["type"] == "text")
    dumped = made.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert dumped == (block if taken else {"type": "text", "text": str(block).replace("'", '"')})
