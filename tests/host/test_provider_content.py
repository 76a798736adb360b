"""A cell's items in each provider's form, and what becomes of those that it has no form for."""

from __future__ import annotations

from typing import Any

import pytest

from codemode.host.outcome import AudioItem, ContentItem, ImageItem, Item, TextItem
from codemode.host.provider_content import content_blocks

PNG = "data:image/png;base64,iVBORw=="
WAV = "data:audio/wav;base64,UklG"
OGG = "data:audio/ogg;base64,T2dn"
URL = "https://example.org/pictures/a.png"
BROKEN = "data:image/png;base64,not base64!"
PERCENT = "data:image/svg+xml,%3Csvg/%3E"

CASES: list[tuple[str, Item, list[dict[str, Any]]]] = [
    ("mcp", TextItem("a"), [{"type": "text", "text": "a"}]),
    ("mcp", TextItem(""), [{"type": "text", "text": ""}]),
    ("mcp", ImageItem(PNG, "high"), [{"type": "image", "data": "iVBORw==", "mimeType": "image/png"}]),
    ("mcp", ImageItem(PERCENT), [{"type": "image", "data": "PHN2Zy8+", "mimeType": "image/svg+xml"}]),
    ("mcp", ImageItem(URL), [{"type": "resource_link", "uri": URL, "name": "a.png"}]),
    ("mcp", ImageItem(BROKEN), [{"type": "text", "text": "[image: a data: URL without valid data]"}]),
    ("mcp", ImageItem("data:image/png"), [{"type": "text", "text": "[image: a data: URL without valid data]"}]),
    ("mcp", AudioItem(WAV), [{"type": "audio", "data": "UklG", "mimeType": "audio/wav"}]),
    ("mcp", ContentItem({"type": "text", "text": "b"}), [{"type": "text", "text": "b"}]),
    ("mcp", ContentItem({"type": "odd"}), [{"type": "odd"}]),
    ("openai", TextItem("a"), [{"type": "input_text", "text": "a"}]),
    ("openai.responses", ImageItem(PNG), [{"type": "input_image", "image_url": PNG}]),
    ("openai.responses", ImageItem(URL, "low"), [{"type": "input_image", "image_url": URL, "detail": "low"}]),
    ("openai.responses", ImageItem(URL, "odd"), [{"type": "input_image", "image_url": URL}]),
    ("openai.responses", AudioItem(WAV), [{"type": "input_text", "text": "[audio: audio/wav, 3 bytes]"}]),
    ("openai.responses", ContentItem({"type": "odd"}), [{"type": "input_text", "text": '{"type": "odd"}'}]),
    ("openai.chat", TextItem("a"), [{"type": "text", "text": "a"}]),
    ("openai.chat", ImageItem(PNG, "high"), [{"type": "text", "text": "[image: image/png, 6 bytes]"}]),
    ("openai.chat", AudioItem(WAV), [{"type": "text", "text": "[audio: audio/wav, 3 bytes]"}]),
    ("openai.chat", AudioItem(OGG), [{"type": "text", "text": "[audio: audio/ogg, 3 bytes]"}]),
    ("anthropic", TextItem("a"), [{"type": "text", "text": "a"}]),
    ("anthropic", TextItem(" \n"), []),
    ("anthropic", ImageItem(URL), [{"type": "image", "source": {"type": "url", "url": URL}}]),
    (
        "anthropic",
        ImageItem("DATA:Image/PNG;charset=x;BASE64,iVBORw%3D%3D"),
        [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}}],
    ),
    ("anthropic", AudioItem(WAV), [{"type": "text", "text": "[audio: audio/wav, 3 bytes]"}]),
    (
        "anthropic",
        ContentItem({"type": "image", "data": "iVBORw==", "mimeType": "image/png"}),
        [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}}],
    ),
    ("gemini", TextItem("a"), [{"response": {"output": "a"}}]),
    (
        "gemini",
        ImageItem(PNG),
        [{"response": {"output": ""}, "parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}]}],
    ),
    ("gemini", ImageItem(URL), [{"response": {"output": f"[image: {URL}]"}}]),
    (
        "gemini",
        AudioItem(OGG),
        [{"response": {"output": ""}, "parts": [{"inlineData": {"mimeType": "audio/ogg", "data": "T2dn"}}]}],
    ),
    (
        "gemini",
        ContentItem({"type": "resource", "resource": {"uri": "x:y", "text": "t"}}),
        [{"response": {"output": "t"}}],
    ),
    (
        "gemini",
        ContentItem({"type": "audio", "data": "T2dn", "mimeType": "audio/ogg"}),
        [{"response": {"output": ""}, "parts": [{"inlineData": {"mimeType": "audio/ogg", "data": "T2dn"}}]}],
    ),
    (
        "anthropic",
        ImageItem("data:image/svg+xml;base64,PHN2Zy8+"),
        [{"type": "text", "text": "[image: image/svg+xml, 6 bytes]"}],
    ),
    ("openai", ImageItem(PNG, "original"), [{"type": "input_image", "image_url": PNG, "detail": "original"}]),
]


@pytest.mark.parametrize(("format_", "item", "blocks"), CASES)
def test_an_item_has_the_form_of_its_provider(format_: Any, item: Item, blocks: list[dict[str, Any]]) -> None:
    assert content_blocks([item], format_) == blocks


def test_the_order_is_kept() -> None:
    items = [TextItem("a"), ImageItem(PNG), TextItem("b")]
    assert [block["type"] for block in content_blocks(items, "mcp")] == ["text", "image", "text"]


def test_a_long_url_is_shortened_where_it_stands_for_its_image() -> None:
    (block,) = content_blocks([ImageItem("https://example.org/" + "x" * 10_000)], "openai.chat")
    assert len(block["text"]) < 600
