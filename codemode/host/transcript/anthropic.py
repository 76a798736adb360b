"""Anthropic: an assistant's message holds a batch of `tool_use`, and the next user message all its `tool_result`s.

Blocks by themselves are taken too, as a stream gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codemode.errors import UsageError
from codemode.host.transcript.pieces import CANCELLED, Call, Item, Output, Piece, Reading

_SENT = ("role", "content")
"""What the API takes of a message that it gave. Its other fields it calls extra inputs, and refuses."""


def read(item: Item) -> Reading:
    """What the message, or the block, holds."""
    if item.get("type") == "tool_use":
        return Reading(piece=Piece({"role": "assistant", "content": [item]}, (_call(item),), by_model=True, joins=True))
    if item.get("type") == "tool_result":
        return Reading(outputs=(_output(item, {}),))
    role, content = item.get("role"), item.get("content")
    if role not in ("user", "assistant", "system") or not isinstance(content, str | list):
        raise UsageError(
            "an item of Anthropic's is a message with 'role' (user or assistant) and 'content', "
            "or a block of type tool_use or tool_result; put other blocks into a message. "
            f"This item has {', '.join(map(repr, item)) or 'nothing'}"
        )
    if item.get("type") == "message":
        item = {name: item[name] for name in _SENT}
    calls = tuple(map(_call, _blocks(content, "tool_use")))
    results = _blocks(content, "tool_result")
    if (calls and role != "assistant") or (results and role != "user"):
        raise UsageError("a tool_use stands in an assistant's message and a tool_result in a user's, never elsewhere")
    if not results:
        return Reading(piece=Piece(item, calls, by_model=role == "assistant"))
    envelope = {name: value for name, value in item.items() if name != "content"}
    rest = [block for block in content if not _is(block, "tool_result")]
    return Reading(
        outputs=tuple(_output(block, envelope) for block in results),
        piece=Piece({**envelope, "content": rest}) if rest else None,
        stays=True,
    )


def _is(block: object, kind: str) -> bool:
    return isinstance(block, dict) and block.get("type") == kind


def _blocks(content: str | list[Any], kind: str) -> list[Item]:
    return [] if isinstance(content, str) else [block for block in content if _is(block, kind)]


def _call(block: Item) -> Call:
    name, caller = block.get("name"), block.get("caller")
    # Code that the provider runs has made the call, and waits: a message with its result holds results alone.
    # https://platform.claude.com/docs/en/agents-and-tools/tool-use/programmatic-tool-calling
    alone = isinstance(caller, dict) and caller.get("type") != "direct"
    return Call(_id(block, "id"), name if isinstance(name, str) else "", block, alone=alone)


def _output(block: Item, envelope: Item) -> Output:
    return Output(_id(block, "tool_use_id"), None, block, envelope)


def _id(block: Item, name: str) -> str:
    if isinstance(call_id := block.get(name), str) and call_id:
        return call_id
    raise UsageError(f"a {block['type']} needs a {name!r}, which says what belongs to what; this one has none")


def placed(items: Sequence[Item], piece: Piece) -> tuple[int, Item]:
    """A block that came by itself goes into the assistant's message before it."""
    if not piece.joins or not items or items[-1]["role"] != "assistant":
        return 0, piece.item
    content = items[-1]["content"]
    before = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return 1, {**items[-1], "content": [*before, *piece.item["content"]]}


def continues(last: Item, piece: Piece) -> bool:
    """A block by itself is a part of a message, of which only the beginning may hold what the model thought."""
    return piece.joins


def cancelled(call: Call) -> Output:
    """The result of a call that was given up."""
    block = {"type": "tool_result", "tool_use_id": call.call_id, "content": CANCELLED, "is_error": True}
    return Output(call.call_id, None, block)


def lay_out(answers: Sequence[tuple[Call, Output]], rest: Sequence[Item]) -> list[Item]:
    """The one user message that follows a batch: its results first."""
    blocks = [output.block for _, output in answers]
    return [
        {"role": "user", **answers[0][1].envelope, "content": blocks + [b for item in rest for b in item["content"]]}
    ]
