"""OpenAI Chat: an assistant's message holds a batch of calls, and a message of role `tool` answers each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codemode.errors import UsageError
from codemode.host.transcript.pieces import CANCELLED, Call, Item, Output, Piece, Reading


def read(item: Item) -> Reading:
    """What the message holds."""
    if not isinstance(role := item.get("role"), str):
        raise UsageError(
            f"a message of Chat has a 'role'; this item has {', '.join(map(repr, item)) or 'nothing'}. "
            "An item of the Responses API is for format 'openai.responses'"
        )
    if role == "tool":
        if not isinstance(call_id := item.get("tool_call_id"), str) or not call_id:
            raise UsageError("a tool's message needs a 'tool_call_id', which says which call it answers")
        return Reading(outputs=(Output(call_id, None, item),))
    calls = item.get("tool_calls") or ()
    if not isinstance(calls, list | tuple):
        raise UsageError(f"'tool_calls' is a list, not {type(calls).__name__}")
    return Reading(piece=Piece(item, tuple(map(_call, calls)), by_model=role == "assistant"))


def _call(source: Any) -> Call:
    match source:
        case {"id": str(call_id), "function": {"name": str(name)}} if call_id:
            return Call(call_id, name, source)
        case {"id": str(call_id)} if call_id:  # of another kind of tool
            return Call(call_id, "", source)
    raise UsageError("each of 'tool_calls' is a dict with an 'id', by which its output is known; one has none")


def placed(items: Sequence[Item], piece: Piece) -> tuple[int, Item]:
    """None: messages stay by themselves."""
    return 0, piece.item


def continues(last: Item, piece: Piece) -> bool:
    """Never: a message comes whole."""
    return False


def cancelled(call: Call) -> Output:
    """The message that answers a call that was given up."""
    return Output(call.call_id, None, {"role": "tool", "tool_call_id": call.call_id, "content": CANCELLED})


def lay_out(answers: Sequence[tuple[Call, Output]], rest: Sequence[Item]) -> list[Item]:
    """The messages that follow a batch, one for each call."""
    return [output.block for _, output in answers]
