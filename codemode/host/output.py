"""How much of a cell's output a model sees. Pure functions; a token is four bytes of UTF-8, rounded up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, TypeVar

Text = TypeVar("Text")


def token_count(text: str) -> int:
    """Tokens of a text: `ceil(bytes / 4)`."""
    return -(-len(text.encode("utf-8", "replace")) // 4)


def text_items_joined(items: Iterable[Any]) -> str:
    """The text items, joined by newlines."""
    return "\n".join(item.text for item in items if item.type == "text")


def cut_to_budget(items: Iterable[Any], max_tokens: int, make_text: Callable[[str], Any]) -> list[Any]:
    """The items as they are where their text fits the budget; else each run of text is one item, cut in its middle.

    What is not text is never cut. Runs of text before and after it share the budget in proportion to their length.
    """
    items = list(items)
    runs = [(is_text, list(run)) for is_text, run in groupby(items, lambda item: item.type == "text")]
    counts = [token_count(text_items_joined(run)) if is_text else 0 for is_text, run in runs]
    total = sum(counts)
    if total <= max_tokens:
        return items
    cut: list[Any] = []
    for (is_text, run), count in zip(runs, counts, strict=True):
        if is_text:
            cut.append(make_text(cut_text(text_items_joined(run), max_tokens * count // total)))
        else:
            cut += run
    return cut


def cut_text(text: str, max_tokens: int) -> str:
    """The text itself, or its head and its tail with a note of what is missing between them.

    The head and the tail have half of the budget each, and are cut between characters.
    """
    tokens = token_count(text)
    if tokens <= max_tokens:
        return text
    encoded = text.encode("utf-8", "replace")
    half = max_tokens * 4 // 2
    head = encoded[:half].decode("utf-8", "ignore")
    tail = encoded[len(encoded) - half :].decode("utf-8", "ignore") if half else ""
    return (
        f"Warning: truncated output (original token count: {tokens})\n"
        f"Total output lines: {text.count(chr(10)) + 1}\n\n"
        f"{head}…{tokens - max_tokens} tokens truncated…{tail}"
    )
