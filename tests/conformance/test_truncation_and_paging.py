"""DESIGN.md 6: what a model sees of much output, and how it reads the rest."""

from __future__ import annotations

import re
from typing import Any

import pytest

import codemode

CUT = re.compile(
    r"Warning: truncated output \(original token count: (\d+)\)\nTotal output lines: (\d+)\n\n"
    r"(?P<head>.*?)…(\d+) tokens truncated…(?P<tail>.*)",
    re.DOTALL,
)


def cut_text(text: str) -> tuple[int, int, int, str, str]:
    """Tokens in all, lines in all, tokens that are missing, head and tail."""
    found = CUT.fullmatch(text)
    assert found, text[:300]
    return int(found[1]), int(found[2]), int(found[4]), found["head"], found["tail"]


# ── truncation ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("length", "tokens"), [(40, 10), (39, 10), (37, 10), (4, 1), (1, 1)])
def test_a_token_is_4_bytes_and_what_fits_is_not_cut(run: Any, length: int, tokens: int) -> None:
    assert run(f"text('x'.repeat({length}))", max_output_tokens=tokens).content()[1].text == "x" * length


@pytest.mark.parametrize(("length", "budget", "tokens"), [(41, 10, 11), (5, 1, 2), (400, 99, 100)])
def test_one_byte_more_than_the_budget_is_cut(run: Any, length: int, budget: int, tokens: int) -> None:
    text = run(f"text('x'.repeat({length}))", max_output_tokens=budget).content()[1].text

    assert cut_text(text)[:3] == (tokens, 1, tokens - budget)


def test_tokens_count_bytes_of_utf_8_and_not_characters(run: Any) -> None:
    assert run("text('é'.repeat(20))", max_output_tokens=10).content()[1].text == "é" * 20
    assert cut_text(run("text('é'.repeat(21))", max_output_tokens=10).content()[1].text)[0] == 11


def test_the_text_items_joined_by_newlines_become_one(run: Any) -> None:
    outcome = run("for (let i = 100; i < 200; i++) text(`line ${i}`)", max_output_tokens=40)

    _, shown = outcome.content()
    whole = "\n".join(f"line {i}" for i in range(100, 200))
    tokens, lines, missing, head, tail = cut_text(shown.text)
    assert (tokens, lines, missing) == (-(-len(whole) // 4), 100, -(-len(whole) // 4) - 40)
    assert (head, tail) == (whole[:80], whole[-80:])
    assert len(outcome.items) == 100


def test_a_cut_is_on_the_boundary_of_a_character(run: Any) -> None:
    for budget in range(1, 8):
        text = run("text('a' + '😀'.repeat(20) + 'é'.repeat(20) + 'z')", max_output_tokens=budget).content()[1].text
        *_, head, tail = cut_text(text)
        whole = "a" + "😀" * 20 + "é" * 20 + "z"
        assert whole.startswith(head)
        assert whole.endswith(tail)
        assert len(head.encode()) <= budget * 2
        assert len(tail.encode()) <= budget * 2
        assert len((head + tail).encode()) >= budget * 4 - 6, "more was cut than a character at each edge"


def test_text_before_and_after_an_image_is_cut_on_its_own_and_the_image_never(run: Any) -> None:
    url = "data:image/png;base64," + "A" * 4000
    outcome = run(
        "text('a'.repeat(400)); image('data:image/png;base64,' + 'A'.repeat(4000)); text('b'.repeat(400))",
        max_output_tokens=20,
    )

    _, before, image, after = outcome.content()
    assert (image.type, image.image_url) == ("image", url)
    *_, head, tail = cut_text(before.text)
    assert set(head + tail) == {"a"}
    *_, head_after, tail_after = cut_text(after.text)
    assert set(head_after + tail_after) == {"b"}
    assert len(head + tail + head_after + tail_after) <= 80


def test_a_budget_of_nothing_leaves_images_and_says_what_is_missing(run: Any) -> None:
    outcome = run("text('x'.repeat(400)); image('https://example.org/a.png')", max_output_tokens=0)

    _, text, image = outcome.content()
    assert cut_text(text.text) == (100, 1, 100, "", "")
    assert image.type == "image"


def test_the_failure_text_is_there_whatever_was_cut(run: Any) -> None:
    outcome = run("text('x'.repeat(400)); throw new Error('the reason')", max_output_tokens=1)

    assert [item.text.splitlines()[0][:14] for item in outcome.content()[1:]] == ["Warning: trunc", "Script error:"]
    assert "the reason" in outcome.content()[-1].text


async def test_a_host_may_supply_a_tokenizer(toolbox: Any) -> None:
    def words(text: str) -> int:
        return len(text.split())

    async with (
        codemode.open_session(toolbox.registry, tokenizer=words) as session,
        session.open_turn() as turn,
    ):
        fits = await turn.exec("text('word '.repeat(100))", max_output_tokens=100)
        over = await turn.exec("text('word '.repeat(100))", max_output_tokens=40)

    assert fits.content()[1].text == "word " * 100
    tokens, _, _, head, tail = cut_text(over.content()[1].text)
    assert tokens == 100
    assert 30 <= words(head) + words(tail) <= 42


# ── paging ────────────────────────────────────────────────────────────────────────────────────────────────────


def text_of(page: codemode.CellOutcome) -> str:
    """The one text item of a page, after its header."""
    header, text = page.content()
    assert header.text.startswith("Script ")
    assert header.text.endswith("Output:")
    assert (header.type, text.type) == ("text", "text")
    return str(text.text)


async def pages_of(turn: codemode.Turn, output_id: str, max_tokens: int) -> list[str]:
    """Every page of an output, read as a model would."""
    pages, offset = [], 0
    while True:
        page = await turn.wait(output_id=output_id, offset=offset, max_tokens=max_tokens)
        pages.append(text_of(page))
        if page.next_offset is None:
            return pages
        assert page.next_offset == offset + len(pages[-1]), "offsets count characters"
        offset = page.next_offset


async def test_the_full_text_of_a_cut_output_can_be_read_page_by_page(turn: codemode.Turn) -> None:
    outcome = await turn.exec("for (let i = 0; i < 1000; i++) text(`line ${i}`)", max_output_tokens=50)
    assert isinstance(outcome.output_id, str)

    pages = await pages_of(turn, outcome.output_id, max_tokens=500)

    assert "".join(pages) == "\n".join(f"line {i}" for i in range(1000))
    assert max(len(page.encode()) for page in pages) <= 2000
    assert len(pages) <= 6


async def test_offsets_count_characters_and_pages_end_between_them(turn: codemode.Turn) -> None:
    outcome = await turn.exec("text('aé😀'.repeat(300))", max_output_tokens=10)
    assert outcome.output_id is not None

    pages = await pages_of(turn, outcome.output_id, max_tokens=25)

    assert "".join(pages) == "aé😀" * 300


async def test_a_page_may_begin_anywhere(turn: codemode.Turn) -> None:
    outcome = await turn.exec("text('0123456789'.repeat(100))", max_output_tokens=10)
    page = await turn.wait(output_id=outcome.output_id, offset=995, max_tokens=10)

    assert (text_of(page), page.next_offset) == ("56789", None)


async def test_the_last_page_has_no_next_offset(turn: codemode.Turn) -> None:
    outcome = await turn.exec("text('x'.repeat(400))", max_output_tokens=10)
    whole = await turn.wait(output_id=outcome.output_id, max_tokens=100)

    assert (text_of(whole), whole.next_offset) == ("x" * 400, None)


async def test_the_full_text_is_that_of_text_around_images_too(turn: codemode.Turn) -> None:
    outcome = await turn.exec(
        "text('a'.repeat(400)); image('https://example.org/a.png'); text('b'.repeat(400))", max_output_tokens=10
    )
    assert outcome.output_id is not None

    whole = "".join(await pages_of(turn, outcome.output_id, max_tokens=1000))

    assert whole.count("a") >= 400
    assert whole.count("b") >= 400


async def test_the_full_text_stays_readable_until_the_session_ends(session: codemode.Session) -> None:
    async with session.open_turn() as turn:
        outcome = await turn.exec("text('x'.repeat(400))", max_output_tokens=10)
        await turn.exec("text('y'.repeat(400))", max_output_tokens=10)
    async with session.open_turn() as later:
        await later.run("text(1)")
        page = await later.wait(output_id=outcome.output_id, max_tokens=1000)

    assert text_of(page) == "x" * 400


async def test_an_output_that_a_wait_cut_can_be_read_too(turn: codemode.Turn, toolbox: Any) -> None:
    started = await turn.exec("text('first'); yield_control(); await tools.gated(); text('x'.repeat(400))")
    toolbox.gate.set()
    waited = await turn.wait(started.cell_id, max_tokens=10)
    assert waited.output_id is not None

    assert (await pages_of(turn, waited.output_id, max_tokens=1000))[0].endswith("x" * 400)


async def test_an_unknown_output_is_the_callers_mistake(turn: codemode.Turn) -> None:
    with pytest.raises(codemode.UsageError, match="no-such-output"):
        await turn.wait(output_id="no-such-output")


async def test_a_model_reads_pages_by_wait(session: Any, turn: codemode.Turn) -> None:
    cut = await session.call_tool("exec", {"source": "text('x'.repeat(400))", "max_output_tokens": 10})
    page = await session.call_tool("wait", {"output_id": cut.outcome.output_id, "offset": 390, "max_tokens": 100})

    assert cut.outcome.output_id in cut.text, "the model is not told the output_id"
    assert not page.is_error
    assert page.text.splitlines()[-1] == "x" * 10
