"""How much of a cell's output a model sees, and the pages of what it does not. Pure functions.

A token is four bytes of UTF-8, rounded up, unless the host counts tokens in its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

TokenCount = Callable[[str], int]
"""How many tokens a text has."""

BYTES_PER_TOKEN = 4
_MAX_CHARS_PER_TOKEN = 256
"""How much of a text is looked at, a token of the budget, where the host counts: no tokenizer's are longer."""


def token_count(text: str) -> int:
    """Tokens of a text: `ceil(bytes / 4)`."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def text_of(item: Any) -> str | None:
    """The text that a model reads of an item: of a text, or of a content block that is one; None of anything else."""
    match item.type, getattr(item, "block", None):
        case "text", _:
            text: str = item.text
            return text
        case "content", {"type": "text", "text": str(text)} | {"type": "resource", "resource": {"text": str(text)}}:
            return text
        case _:
            return None


def text_items_joined(items: Iterable[Any]) -> str:
    """The text of the items that have one, joined by newlines."""
    return "\n".join(text for item in items if (text := text_of(item)) is not None)


def is_over_budget(items: Iterable[Any], max_tokens: int, count: TokenCount = token_count) -> bool:
    """True where `cut_to_budget` would cut."""
    items = list(items)
    if count is token_count:  # a character is a byte at least: of a long output nothing has to be counted
        characters = sum(len(text_of(item) or "") for item in items)
        if characters > max_tokens * BYTES_PER_TOKEN:
            return True
    return sum(tokens for _, _, tokens in _runs(items, count)) > max_tokens


def cut_to_budget(
    items: Iterable[Any], max_tokens: int, make_text: Callable[[str], Any], count: TokenCount = token_count
) -> list[Any]:
    """The items as they are where their text fits the budget; else each run of text is one item, cut in its middle.

    What is not text is never cut. Runs of text before and after it have equal shares of the budget, and what a short
    one leaves of its share goes to the others.
    """
    items = list(items)
    runs = _runs(items, count)
    if sum(tokens for _, _, tokens in runs) <= max_tokens:
        return items
    shares = _shares([tokens for is_text, _, tokens in runs if is_text], max_tokens)
    cut: list[Any] = []
    for is_text, run, _ in runs:
        if is_text:
            cut.append(make_text(cut_text(text_items_joined(run), next(shares), count)))
        else:
            cut += run
    return cut


def _runs(items: Iterable[Any], count: TokenCount) -> list[tuple[bool, list[Any], int]]:
    """Neighbours that are text, or are not: (whether they are, the items, their tokens)."""
    runs = [(is_text, list(run)) for is_text, run in groupby(items, lambda item: text_of(item) is not None)]
    return [(is_text, run, count(text_items_joined(run)) if is_text else 0) for is_text, run in runs]


def _shares(wanted: list[int], total: int) -> Iterator[int]:
    """What each gets of the total, in their order: all that it wants, or as much as any other that gets less."""
    shares = {}
    for rank, place in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        shares[place] = min(wanted[place], total // (len(wanted) - rank))
        total -= shares[place]
    return iter([shares[place] for place in range(len(wanted))])


def cut_text(text: str, max_tokens: int, count: TokenCount = token_count) -> str:
    """The text itself, or its head and its tail with a note of what is missing between them.

    The head and the tail have half of the budget each, and are cut between characters.
    """
    tokens = count(text)
    if tokens <= max_tokens:
        return text
    if count is token_count:
        encoded = text.encode("utf-8", "replace")
        half = max_tokens * BYTES_PER_TOKEN // 2
        head = encoded[:half].decode("utf-8", "ignore")
        tail = encoded[len(encoded) - half :].decode("utf-8", "ignore")
    else:
        head = text[: _longest(text, max_tokens // 2, count, lambda length: text[:length])]
        tail_length = _longest(text, max_tokens // 2, count, lambda length: text[len(text) - length :])
        tail = text[len(text) - tail_length :]
    return (
        f"Warning: truncated output (original token count: {tokens})\n"
        f"Total output lines: {text.count(chr(10)) + 1}\n\n"
        f"{head}…{tokens - max_tokens} tokens truncated…{tail}"
    )


def page_of(text: str, offset: int, max_tokens: int, count: TokenCount = token_count) -> str:
    """As much of the text from that character on as the budget holds, ending at the end of a line where one is near.

    One character at least, while there is one.
    """
    if count is token_count:
        most = max_tokens * BYTES_PER_TOKEN
        page = text[offset : offset + most].encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
    else:
        length = _longest(text, max_tokens, count, lambda length: text[offset : offset + length])
        page = text[offset : offset + length]
    page = page or text[offset : offset + 1]  # whoever reads on must come to the end
    if offset + len(page) < len(text):
        last_line_end = page.rfind("\n") + 1
        if last_line_end > len(page) // 2:
            page = page[:last_line_end]
    return page


def _longest(text: str, max_tokens: int, count: TokenCount, piece: Callable[[int], str]) -> int:
    """The greatest length whose piece is within the budget."""
    low, high = 0, min(len(text), max_tokens * _MAX_CHARS_PER_TOKEN)
    while low < high:
        middle = (low + high + 1) // 2
        if count(piece(middle)) <= max_tokens:
            low = middle
        else:
            high = middle - 1
    return low
