"""A cell's items as the content of a tool's result, in the form of each provider. Pure functions.

What a provider has no form for becomes a text that says what it was.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from typing import Any, Literal, cast, get_args
from urllib.parse import unquote_to_bytes

from codemode.errors import UsageError
from codemode.host.outcome import AudioItem, ContentItem, ImageItem, Item, TextItem

Format = Literal["openai", "openai.responses", "openai.chat", "anthropic", "gemini", "mcp"]
"""Whose form is meant; `openai` is that of the Responses API."""

Block = dict[str, Any]

_DATA_URL = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)
_DETAILS = frozenset({"auto", "low", "high", "original"})
_ANTHROPIC_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_MAX_SHOWN_CHARS = 500


def check_format(format: str) -> Format:  # noqa: A002 - the word of the API
    """The format, if it is one.

    Raises:
        UsageError: it is not; the message names those that are.
    """
    if format not in get_args(Format):
        raise UsageError(f"{format!r} is no format; there are {', '.join(map(repr, get_args(Format)))}")
    return cast(Format, format)


def content_blocks(items: Iterable[Item], format: Format) -> list[Block]:  # noqa: A002
    """The items, in their order, as blocks of a provider's content.

    For Gemini that is one block, what a function's response consists of beside its name and id: the text in `response`,
    media in `parts`.
    """
    make = {
        "openai": _responses_block,
        "openai.responses": _responses_block,
        "openai.chat": _chat_block,
        "anthropic": _anthropic_block,
        "gemini": _gemini_block,
        "mcp": _mcp_block,
    }[format]
    if format != "mcp":
        items = map(_translated, items)
    blocks = [block for item in items if (block := make(_checked(item))) is not None]
    return [_gemini_response(blocks)] if format == "gemini" else blocks


def _translated(item: Item) -> Item:
    """For all but MCP, an MCP content block becomes the text, image or audio that it holds."""
    if not isinstance(item, ContentItem):
        return item
    match item.block:
        case {"type": "text", "text": str(text)} | {"type": "resource", "resource": {"text": str(text)}}:
            return TextItem(text)
        case {"type": "image", "data": str(data), "mimeType": str(media)}:
            return ImageItem(f"data:{media};base64,{data}")
        case {"type": "audio", "data": str(data), "mimeType": str(media)}:
            return AudioItem(f"data:{media};base64,{data}")
        case block:
            return TextItem(json.dumps(block, ensure_ascii=False))


def _checked(item: Item) -> Item:
    """A `data:` URL that holds no data would make the whole request invalid, and ends here."""
    match item:
        case ImageItem(url) | AudioItem(url) if url[:5].lower() == "data:" and _data(url) is None:
            return TextItem(f"[{item.type}: a data: URL without valid data]")
    return item


def _mcp_block(item: Item) -> Block | None:
    match item:
        case TextItem(text):
            return {"type": "text", "text": text}
        case ContentItem(block):
            return block
        case ImageItem(url) | AudioItem(url):
            if (found := _data(url)) is None:
                return {"type": "resource_link", "uri": url, "name": _shown(url.rpartition("/")[2] or url)}
            return {"type": item.type, "data": found[1], "mimeType": found[0]}


def _responses_block(item: Item) -> Block | None:
    match item:
        case TextItem(text):
            return {"type": "input_text", "text": text}
        case ImageItem(url, detail):
            return {"type": "input_image", "image_url": url, **_with_detail(detail)}
    return {"type": "input_text", "text": _note(item)}


def _chat_block(item: Item) -> Block | None:
    match item:
        case TextItem(text):
            return {"type": "text", "text": text}
    return {"type": "text", "text": _note(item)}  # a tool's message takes nothing but text


def _anthropic_block(item: Item) -> Block | None:
    match item:
        case TextItem(text):  # the API refuses a text without a character in it
            return {"type": "text", "text": text} if text.strip() else None
        case ImageItem(url):
            if (found := _data(url)) is None:
                return {"type": "image", "source": {"type": "url", "url": url}}
            if found[0] in _ANTHROPIC_IMAGES and found[1]:
                return {"type": "image", "source": {"type": "base64", "media_type": found[0], "data": found[1]}}
    return {"type": "text", "text": _note(item)}


def _gemini_block(item: Item) -> Block | None:
    match item:
        case TextItem(text):
            return {"text": text}
        case ImageItem(url) | AudioItem(url) if (found := _data(url)) is not None:
            return {"inlineData": {"mimeType": found[0], "data": found[1]}}
    return {"text": _note(item)}


def _gemini_response(parts: list[Block]) -> Block:
    media = [part for part in parts if "text" not in part]
    output = "\n".join(part["text"] for part in parts if "text" in part)
    return {"response": {"output": output}, **({"parts": media} if media else {})}


def _with_detail(detail: str | None) -> Block:
    return {"detail": detail} if detail in _DETAILS else {}


def _note(item: Item) -> str:
    """What stands for an item that the provider has no form for."""
    match item:
        case ImageItem(url) | AudioItem(url):
            found = _data(url)
            return f"[{item.type}: {_shown(url) if found is None else f'{found[0]}, {len(found[1]) * 3 // 4} bytes'}]"
    return f"[{item.type}]"


def _shown(url: str) -> str:
    return url if len(url) <= _MAX_SHOWN_CHARS else f"{url[:_MAX_SHOWN_CHARS]}…"


def _data(url: str) -> tuple[str, str] | None:
    """The media type and the data, in base64, of a `data:` URL; None for any other, or where they are not there."""
    head = _DATA_URL.match(url)
    if head is None:
        return None
    media = head[1].strip().lower() or "text/plain"
    body = url[head.end() :]
    if not head[2].lower().endswith(";base64"):
        return media, base64.b64encode(unquote_to_bytes(body)).decode()
    try:
        data = base64.b64decode(unquote_to_bytes(body), validate=True)
    except binascii.Error:
        return None
    return media, base64.b64encode(data).decode()
