"""What a provider's items are read into: calls, outputs, and what stands beside them. The words of `guard.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Item = dict[str, Any]
"""A provider's own dict. No item is changed after it has been read; what is made of it is another dict."""

CANCELLED = "Tool cancelled"
"""What the model reads as the output of a call that was given up."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that the program is to answer, as the provider wrote it."""

    call_id: str | None
    """None where the provider gave none."""
    name: str
    source: Item
    """The item, block or part that is the call."""
    made_up_id: str | None = None
    """What a call without an id goes by in the guard. It never enters an item."""
    alone: bool = False
    """The provider takes nothing behind the output until the model has gone on."""


@dataclass(frozen=True, slots=True)
class Output:
    """The output of one call."""

    call_id: str | None
    name: str | None
    """The function's, where outputs may go by it."""
    block: Item
    """The output itself: an item, block or part."""
    envelope: Item = field(default_factory=dict)
    """The other fields of the message that it came in."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands in the history by itself, with calls or without."""

    item: Item
    calls: tuple[Call, ...] = ()
    by_model: bool = False
    """The model made it. What it makes while calls are open, it makes in the response that they are in."""
    joins: bool = False
    """The model's, and becomes part of a batch of calls that is still open."""
    bridges: bool = False
    """The model's, and may stand between two calls of one batch."""
    leads: bool = False
    """The model's, and the provider wants what the model made next right after it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one item holds: outputs, then at most one piece."""

    outputs: tuple[Output, ...] = ()
    piece: Piece | None = None
    stays: bool = False
    """The piece may stay in one message with the outputs, after them."""


class Form(Protocol):
    """How a provider writes a conversation. A module of functions; none of them keeps anything."""

    def read(self, item: Item) -> Reading:
        """What the item holds.

        Raises:
            UsageError: it is not well formed. The message says what to do.
        """

    def placed(self, items: Sequence[Item], piece: Piece) -> tuple[int, Item]:
        """How many of the last items of the history become one with the piece, and that one."""

    def continues(self, last: Item, piece: Piece) -> bool:
        """True where the piece must be of the response whose calls end with the last item, though all are answered."""

    def cancelled(self, call: Call) -> Output:
        """The output of a call that was given up."""

    def lay_out(self, answers: Sequence[tuple[Call, Output]], rest: Sequence[Item]) -> list[Item]:
        """The items that follow a batch of calls.

        Args:
            answers: each call of the batch with its output, in the order of the calls.
            rest: what came in one message with outputs and may stay there.
        """
