"""What scripts get for the results of MCP tools: one case for each rule, and for where two of them meet."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from mcp_types import CallToolResult

from codemode.frontends.mcp_results import KeptMedia, script_value, value_schema
from codemode.host.context import ToolFailure

RED = base64.b64encode(b"red!").decode()
WRAPPED = {"type": "object", "properties": {"result": {"type": "integer"}}, "x-fastmcp-wrap-result": True}
NOT_MARKED = {"type": "object", "properties": {"result": {"type": "integer"}}}

TEXT = {"type": "text", "text": "one"}
TEXTS = [TEXT, {"type": "text", "text": '{"two": 2}', "annotations": {"priority": 1}}]
IMAGE = {"type": "image", "data": RED, "mimeType": "image/png"}
AUDIO = {"type": "audio", "data": RED, "mimeType": "audio/wav"}
BLOB = {"type": "resource", "resource": {"uri": "file:///a.bin", "mimeType": "a/b", "blob": RED}}
NOTE = {"type": "resource", "resource": {"uri": "file:///a.txt", "text": "a note"}}
LINK = {"type": "resource_link", "uri": "file:///b.txt", "name": "b"}


class NamedMedia(KeptMedia):
    """Media whose refs are known beforehand: r1, r2, …"""

    count = 0

    def keep(self, block: dict[str, Any], chars: int) -> str:
        self.count += 1
        return f"r{self.count}"


def handle(block: dict[str, Any], ref: str) -> dict[str, Any]:
    return {**block, "bytes": 4, "ref": ref, "get": f"await tools.mcp__media({{ref: {ref!r}}})"}


IMAGE_HANDLE = handle({"type": "image", "mimeType": "image/png"}, "r1")


@pytest.mark.parametrize(
    ("result", "schema", "value"),
    [
        ({"content": [TEXT], "structuredContent": {"a": [1, None]}}, None, {"a": [1, None]}),
        ({"content": [], "structuredContent": {}}, None, {}),
        ({"content": [], "structuredContent": {"result": 3}}, WRAPPED, 3),
        ({"content": [], "structuredContent": {"result": None}}, WRAPPED, None),
        ({"content": [], "structuredContent": {"result": 3}}, NOT_MARKED, {"result": 3}),
        ({"content": [], "structuredContent": {"result": 3}}, None, {"result": 3}),
        ({"content": [], "structuredContent": {"result": 3, "more": 4}}, WRAPPED, {"result": 3, "more": 4}),
        ({"content": [], "structuredContent": [1]}, WRAPPED, [1]),
        ({"content": []}, None, None),
        ({"content": []}, WRAPPED, None),
        ({"content": [{"type": "text", "text": ""}]}, None, ""),
        ({"content": [TEXT]}, None, "one"),
        ({"content": TEXTS}, None, 'one\n{"two": 2}'),
        ({"content": [IMAGE]}, None, {"content": [IMAGE_HANDLE]}),
        ({"content": [TEXT, IMAGE]}, None, {"content": [TEXT, IMAGE_HANDLE]}),
        (
            {"content": [AUDIO, BLOB, NOTE, LINK]},
            None,
            {
                "content": [
                    handle({"type": "audio", "mimeType": "audio/wav"}, "r1"),
                    handle({"type": "resource", "resource": {"uri": "file:///a.bin", "mimeType": "a/b"}}, "r2"),
                    NOTE,
                    LINK,
                ]
            },
        ),
        (
            {"content": [TEXT, IMAGE], "structuredContent": {"a": 1}},
            None,
            {"content": [IMAGE_HANDLE], "a": 1},
        ),
        ({"content": [IMAGE], "structuredContent": {"content": 1}}, None, {"content": 1}),
        (
            {"content": [IMAGE], "structuredContent": {"result": 3}},
            WRAPPED,
            {"content": [IMAGE_HANDLE], "result": 3},
        ),
        ({"content": [IMAGE], "structuredContent": [1]}, None, [1]),
    ],
)
def test_a_result_becomes_a_value(result: dict[str, Any], schema: dict[str, Any] | None, value: Any) -> None:
    assert script_value(CallToolResult.model_validate(result), schema, NamedMedia()) == value


@pytest.mark.parametrize(
    ("content", "message"),
    [([*TEXTS, IMAGE], 'one\n{"two": 2}'), ([], "the tool failed and did not say why"), ([IMAGE], "the tool failed")],
)
def test_a_result_that_is_an_error_rejects_with_its_text(content: list[Any], message: str) -> None:
    result = CallToolResult.model_validate({"content": content, "structuredContent": {"a": 1}, "isError": True})

    with pytest.raises(ToolFailure) as caught:
        script_value(result, None, KeptMedia())

    assert caught.value.code == "tool_failed"
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("block", [IMAGE, AUDIO, BLOB])
async def test_media_are_given_whole_to_those_who_ask(block: dict[str, Any]) -> None:
    media = KeptMedia()

    value = script_value(CallToolResult.model_validate({"content": [block]}), None, media)

    (shown,) = value["content"]
    assert RED not in repr(value)
    assert await media.get({"ref": shown["ref"]}) == block
    assert await media.get(shown) == block


@pytest.mark.parametrize("size", range(7))
def test_the_number_of_bytes_is_that_of_what_base64_stands_for(size: int) -> None:
    image = {"type": "image", "data": base64.b64encode(b"x" * size).decode(), "mimeType": "image/png"}

    value = script_value(CallToolResult.model_validate({"content": [image]}), None, KeptMedia())

    assert value["content"][0]["bytes"] == size


async def test_the_oldest_media_make_room_and_the_newest_is_kept_whatever_its_size() -> None:
    media = KeptMedia(max_chars=10)
    first, second, third = (media.keep({"n": n}, 5) for n in range(3))

    assert [await media.get({"ref": ref}) for ref in (second, third)] == [{"n": 1}, {"n": 2}]
    with pytest.raises(ToolFailure, match="call the tool again"):
        await media.get({"ref": first})

    huge = media.keep({"n": 3}, 1000)
    assert await media.get({"ref": huge}) == {"n": 3}
    with pytest.raises(ToolFailure):
        await media.get({"ref": third})

    after = media.keep({"n": 4}, 1)
    assert await media.get({"ref": after}) == {"n": 4}
    with pytest.raises(ToolFailure):
        await media.get({"ref": huge})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (None, None),
        (NOT_MARKED, NOT_MARKED),
        (WRAPPED, {"type": "integer"}),
        (
            {**WRAPPED, "properties": {"result": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "null"}}},
            {"$ref": "#/$defs/A", "$defs": {"A": {"type": "null"}}},
        ),
        ({"x-fastmcp-wrap-result": True}, {"x-fastmcp-wrap-result": True}),
    ],
)
def test_the_schema_of_a_value_is_that_of_what_was_wrapped(schema: Any, value: Any) -> None:
    assert value_schema(schema) == value
