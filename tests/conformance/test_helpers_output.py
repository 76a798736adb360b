"""DESIGN.md 5, Helpers: what output_text, output_image, output_audio and output_content emit, and what they refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

TEXTS: dict[str, tuple[str, str]] = {
    "a string as it is": ("'two  words\\n\"quoted\"'", 'two  words\n"quoted"'),
    "an empty string as it is": ("''", ""),
    "undefined": ("undefined", "undefined"),
    "null": ("null", "null"),
    "a boolean": ("false", "false"),
    "a number": ("0.1 + 0.2", "0.30000000000000004"),
    "minus zero, as String has it": ("-0", "0"),
    "not a number": ("NaN", "NaN"),
    "infinity": ("-Infinity", "-Infinity"),
    "a bigint": ("2n ** 70n", str(2**70)),
    "other values by JSON.stringify: an object": (
        "{ a: 1, b: [true, null], c: 'x' }",
        '{"a":1,"b":[true,null],"c":"x"}',
    ),
    "an array": ("[1, 'two', { three: 3 }]", '[1,"two",{"three":3}]'),
    "a date": ("new Date(0)", '"1970-01-01T00:00:00.000Z"'),
    "an object with toJSON": ("{ toJSON() { return { said: 1 } } }", '{"said":1}'),
    "what JSON leaves out is left out": ("{ a: undefined, b: NaN, c() {} }", '{"b":null}'),
    "an object of a class": ("new (class Point { x = 1; y = 2 })()", '{"x":1,"y":2}'),
    "an object without a prototype": ("Object.assign(Object.create(null), { a: 1 })", '{"a":1}'),
    "by String(v) where that gives nothing: a function": ("function f(a) { return a }", "function f(a) { return a }"),
    "a symbol": ("Symbol('mine')", "Symbol(mine)"),
    "an object whose toJSON gives nothing": ("{ toJSON() {} }", "[object Object]"),
    "a lone surrogate becomes U+FFFD": ("'a\\ud800b'", "a\ufffdb"),
    "a pair of surrogates is one character": ("'a\\ud83d\\ude00b'", "a😀b"),
}


@pytest.mark.parametrize("helper", ["output_text", "text"])
@pytest.mark.parametrize(("value", "expected"), TEXTS.values(), ids=TEXTS)
def test_output_text_and_text_emit(says: Any, helper: str, value: str, expected: str) -> None:
    assert says(f"{helper}({value})") == [expected]


READABLE: dict[str, tuple[str, list[str]]] = {
    "a Map": ("new Map([['key', 'value'], [1, { inner: 2 }]])", ["Map", "key", "value", "inner"]),
    "a Set": ("new Set(['one', 'two'])", ["Set", "one", "two"]),
    "a typed array": ("new Uint8Array([7, 8, 9])", ["Uint8Array", "7", "8", "9"]),
    "an array of floats": ("new Float64Array([1.5, -2.5])", ["Float64Array", "1.5", "-2.5"]),
    "a cycle": ("(() => { const a = { name: 'ring' }; a.self = a; return a })()", ["name", "ring", "self", "ircular"]),
    "a cycle through an array": ("(() => { const a = ['first']; a.push(a); return a })()", ["first", "ircular"]),
    "a nested Map": ("{ deep: { map: new Map([['key', 'value']]) } }", ["deep", "map", "Map", "key", "value"]),
    "a nested Set": ("[{ set: new Set(['member']) }]", ["set", "Set", "member"]),
    "a nested typed array": ("{ bytes: new Uint16Array([300, 301]) }", ["bytes", "300", "301"]),
    "a Map within a Map": ("new Map([['outer', new Map([['inner', 'value']])]])", ["outer", "inner", "value"]),
    "a cycle through a Map": (
        "(() => { const m = new Map([['key', 'value']]); m.set('self', m); return m })()",
        ["Map", "key", "value", "self", "ircular"],
    ),
}


@pytest.mark.parametrize(("value", "shown"), READABLE.values(), ids=READABLE)
def test_what_json_has_no_form_for_is_rendered_readably(says: Any, value: str, shown: list[str]) -> None:
    [text] = says(f"text({value})")

    assert [part for part in shown if part not in text] == []


def test_an_object_that_is_referred_to_twice_is_no_cycle(says: Any) -> None:
    assert says("const shared = { a: 1 }; text({ x: shared, y: shared })") == ['{"x":{"a":1},"y":{"a":1}}']


def test_an_error_is_emitted_as_its_stack(says: Any) -> None:
    [text] = says("text(1 && new RangeError('too far'))")

    assert text.splitlines()[0] == "RangeError: too far"
    assert "cell-1.js:1:11" in text


def test_an_error_of_a_failed_call_is_emitted_as_its_stack(says: Any) -> None:
    [text] = says("try { await tools.fail() } catch (error) { text(error) }")

    assert text.startswith("ToolError: ")
    assert "it went wrong" in text
    assert "cell-1.js:1:7" in text


def test_the_short_names_are_the_long_ones(says: Any) -> None:
    script = "text([text === output_text, image === output_image, audio === output_audio, content === output_content])"
    assert says(script) == ["[true,true,true,true]"]


PNG = "data:image/png;base64,iVBORw0KGgo="
IMAGES: dict[str, tuple[str, tuple[str, str | None]]] = {
    "an https URL": ("'https://example.org/a.png'", ("https://example.org/a.png", None)),
    "an http URL": ("'http://example.org/a.png'", ("http://example.org/a.png", None)),
    "a data URL": (f"'{PNG}'", (PNG, None)),
    "a URL and a detail": (f"'{PNG}', 'high'", (PNG, "high")),
    "an object of image_url and detail": (f"{{ image_url: '{PNG}', detail: 'low' }}", (PNG, "low")),
    "an object of image_url alone": ("{ image_url: 'https://example.org/a.png' }", ("https://example.org/a.png", None)),
    "an MCP image block": ("{ type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' }", (PNG, None)),
}


@pytest.mark.parametrize("helper", ["output_image", "image"])
@pytest.mark.parametrize(("arguments", "expected"), IMAGES.values(), ids=IMAGES)
def test_output_image_emits(run: Any, helper: str, arguments: str, expected: tuple[str, str | None]) -> None:
    outcome = run(f"{helper}({arguments})")

    assert outcome.error is None
    assert [(item.type, item.image_url, item.detail) for item in outcome.items] == [("image", *expected)]


NOT_IMAGES: dict[str, str] = {
    "a path": "'/tmp/a.png'",
    "a URL of another scheme": "'ftp://example.org/a.png'",
    "a file URL": "'file:///etc/passwd'",
    "a javascript URL": "'javascript:alert(1)'",
    "an empty string": "''",
    "nothing": "",
    "null": "null",
    "a number": "42",
    "an array": "[]",
    "an object without image_url": "{}",
    "an object whose image_url is no URL": "{ image_url: 'a.png' }",
    "an object whose image_url is no string": "{ image_url: 5 }",
    "an MCP block of another type": "{ type: 'text', text: 'no image' }",
    "an MCP image block without data": "{ type: 'image', mimeType: 'image/png' }",
}


@pytest.mark.parametrize("arguments", NOT_IMAGES.values(), ids=NOT_IMAGES)
def test_output_image_refuses_anything_else_with_a_type_error_and_emits_nothing(run: Any, arguments: str) -> None:
    outcome = run(f"try {{ image({arguments}) }} catch (error) {{ text(error.name) }}")

    assert [(item.type, getattr(item, "text", None)) for item in outcome.items] == [("text", "TypeError")]


AUDIO = "data:audio/wav;base64,UklGRg=="
SOUNDS: dict[str, str] = {
    "a data URL": f"'{AUDIO}'",
    "an MCP audio block": "{ type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' }",
}


@pytest.mark.parametrize("helper", ["output_audio", "audio"])
@pytest.mark.parametrize("argument", SOUNDS.values(), ids=SOUNDS)
def test_output_audio_emits(run: Any, helper: str, argument: str) -> None:
    outcome = run(f"{helper}({argument})")

    assert outcome.error is None
    assert [(item.type, item.audio_url) for item in outcome.items] == [("audio", AUDIO)]


@pytest.mark.parametrize("argument", ["'https://example.org/a.wav'", "'words'", "42", "null", "{ type: 'text' }"])
def test_output_audio_refuses_anything_else(says: Any, argument: str) -> None:
    assert says(f"try {{ audio({argument}) }} catch (error) {{ text(error.name) }}") == ["TypeError"]


LINK = {"type": "resource_link", "uri": "file:///notes.md", "name": "notes", "mimeType": "text/markdown"}
RESOURCE = {"type": "resource", "resource": {"uri": "file:///a.txt", "text": "inside", "mimeType": "text/plain"}}


@pytest.mark.parametrize("helper", ["output_content", "content"])
def test_output_content_passes_an_mcp_block_as_it_is(run: Any, helper: str) -> None:
    outcome = run(
        f"{helper}({{ type: 'resource_link', uri: 'file:///notes.md', name: 'notes', mimeType: 'text/markdown' }})"
    )

    assert outcome.error is None
    assert [item.block for item in outcome.items] == [LINK]
    assert outcome.content()[1:] == list(outcome.items)


def test_output_content_passes_an_array_of_blocks_in_its_order(run: Any) -> None:
    outcome = run("""
        content([
          { type: "resource", resource: { uri: "file:///a.txt", text: "inside", mimeType: "text/plain" } },
          { type: "resource_link", uri: "file:///notes.md", name: "notes", mimeType: "text/markdown" },
        ]);
        text("after");
    """)

    assert outcome.error is None
    assert [getattr(item, "block", None) or item.text for item in outcome.items] == [RESOURCE, LINK, "after"]


def test_an_image_block_given_to_output_content_reaches_the_model(run: Any) -> None:
    async def story(turn: Any) -> Any:
        outcome = await turn.run(
            "content([{ type: 'text', text: 'seen' }, { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' }])"
        )
        return outcome.content()[1:]

    text, image = run.play(story)
    assert "seen" in str(text)
    assert "iVBORw0KGgo=" in str(image)


BLOCKS: dict[str, dict[str, Any]] = {
    "a text block": {"type": "text", "text": "seen", "annotations": {"audience": ["user"]}},
    "an image block": {"type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png", "_meta": {"page": 1}},
    "an audio block": {"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav", "annotations": {"priority": 1}},
    "a resource link": LINK,
    "an embedded resource": RESOURCE,
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
async def test_a_block_that_passes_to_a_model_by_mcp_is_whole(session: Any, turn: Any, block: dict[str, Any]) -> None:
    reply = await session.call_tool("exec", {"source": f"content({json.dumps(block)})"}, format="mcp")

    assert reply.content[1:] == [block]


def test_items_stand_in_the_order_in_which_they_were_emitted(run: Any) -> None:
    outcome = run(f"text('a'); image('{PNG}'); text('b'); audio('{AUDIO}'); text('c')")

    assert [item.type for item in outcome.items] == ["text", "image", "text", "audio", "text"]
