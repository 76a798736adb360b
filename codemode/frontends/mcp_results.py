"""What a script gets for the result of an MCP tool.

1. `structuredContent`, where there is one, is the value. FastMCP wraps what is no object as `{"result": …}` and says so
   in the tool's output schema; then the value is what it wrapped.
2. Else text blocks are the value: one string, joined by newlines, for how a server splits its text means nothing; null
   where there are none. Text stays text also where it looks like JSON: what a tool gives would have another type from
   call to call, and `JSON.parse` is short.
3. A result with anything but text gives `{content: […]}`, the blocks in MCP's order and form. Beside structured content
   `content` holds the blocks that are not text, and is added to it: to an object without a key of that name.

The bytes of media (images, audio, binary resources) stay out: a block has `bytes`, their number, and `ref` in their
place. A script that wants them asks, `await tools.mcp__media({ref})`, and gets the block whole, as `image()`, `audio()`
and `content()` take it. Media are kept until `MAX_KEPT_CHARS` of newer ones have come.

`isError` rejects with `tool_failed` and the result's text.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from mcp_types import CallToolResult, TextContent

from codemode.host.context import ToolFailure
from codemode.host.tools import ToolDefinition

MAX_KEPT_CHARS = 64 * 1024 * 1024
"""Of media, as base64 text, for all servers together. The newest is kept whatever its size."""

MEDIA_TOOL = ToolDefinition(
    name="media",
    namespace="mcp",
    description="An image, audio or binary resource that an MCP tool gave, as a whole MCP content block. "
    "In results such a block has a `ref` in the place of its data. "
    "Show it with `content(await tools.mcp__media({ref: block.ref}))`.",
    parameters={
        "type": "object",
        "properties": {"ref": {"type": "string", "description": "the `ref` of a content block"}},
        "required": ["ref"],
        "additionalProperties": True,  # so that it takes the block itself, too
    },
    read_only=True,
)


class KeptMedia:
    """Media blocks that scripts may ask for, the newest.

    Args:
        max_chars: of their base64 text in all.
    """

    def __init__(self, max_chars: int = MAX_KEPT_CHARS) -> None:
        self._max_chars = max_chars
        self._blocks: dict[str, tuple[dict[str, Any], int]] = {}
        self._chars = 0

    def keep(self, block: dict[str, Any], chars: int) -> str:
        """Keeps a block of that size. Its ref, which nobody can guess: sessions may share a registry."""
        ref = secrets.token_hex(8)
        self._blocks[ref] = (block, chars)
        self._chars += chars
        while self._chars > self._max_chars and len(self._blocks) > 1:
            _, forgotten = self._blocks.pop(next(iter(self._blocks)))
            self._chars -= forgotten
        return ref

    async def get(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The handler of `MEDIA_TOOL`."""
        try:
            return self._blocks[arguments["ref"]][0]
        except KeyError:
            raise ToolFailure(
                "nothing is kept under this ref: it is wrong, or newer media have taken its place; call the tool again"
            ) from None


def script_value(result: CallToolResult, output_schema: Mapping[str, Any] | None, media: KeptMedia) -> Any:
    """The value for a script of what a tool gave.

    Args:
        result: what came from the server.
        output_schema: of the tool, as the server lists it.
        media: where the bytes of media go.

    Raises:
        ToolFailure: the result says that the tool failed.
    """
    text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
    if result.is_error:
        raise ToolFailure(text or "the tool failed and did not say why")
    blocks = [_without_bytes(block.model_dump(by_alias=True, exclude_none=True), media) for block in result.content]
    other = [block for block in blocks if block["type"] != "text"]
    structured = result.structured_content
    if structured is not None:
        if other and isinstance(structured, dict):
            return {"content": other, **structured}
        return structured["result"] if _is_wrapped(structured, output_schema) else structured
    if other:
        return {"content": blocks}
    return text if blocks else None


def value_schema(output_schema: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The schema of what scripts get, for a tool whose structured content has this one."""
    match output_schema:
        case {"x-fastmcp-wrap-result": True, "properties": {"result": dict(wrapped)}, "$defs": shared}:
            return {**wrapped, "$defs": shared}
        case {"x-fastmcp-wrap-result": True, "properties": {"result": dict(wrapped)}}:
            return wrapped
    return output_schema


def _is_wrapped(structured: Any, output_schema: Mapping[str, Any] | None) -> bool:
    return (
        output_schema is not None
        and output_schema.get("x-fastmcp-wrap-result") is True
        and isinstance(structured, dict)
        and structured.keys() == {"result"}
    )


def _without_bytes(block: dict[str, Any], media: KeptMedia) -> dict[str, Any]:
    """The block as a script sees it, its base64 text replaced by what it is asked for with."""
    match block:
        case {"type": "image" | "audio", "data": str(data)}:
            rest = {key: value for key, value in block.items() if key != "data"}
        case {"type": "resource", "resource": {"blob": str(data)} as resource}:
            rest = {**block, "resource": {key: value for key, value in resource.items() if key != "blob"}}
        case _:
            return block
    ref = media.keep(block, len(data))
    return {
        **rest,
        "bytes": len(data.rstrip("=")) * 3 // 4,
        "ref": ref,
        "get": f"await tools.mcp__media({{ref: {ref!r}}})",
    }
