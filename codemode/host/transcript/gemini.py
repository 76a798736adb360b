"""Gemini: a model's content holds a batch of `functionCall`s, and the next content one `functionResponse` for each.

The names of fields may be camelCase, as the REST API writes them, or snake_case, as the SDK does. Parts by themselves
are taken too, as a stream gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codemode.errors import UsageError
from codemode.host.transcript.pieces import CANCELLED, Call, Item, Output, Piece, Reading

_CALL = ("functionCall", "function_call")
_RESPONSE = ("functionResponse", "function_response")
_SIGNATURE = ("thoughtSignature", "thought_signature")


def read(item: Item) -> Reading:
    """What the content, or the part, holds."""
    if "parts" not in item and (_field(item, _CALL) or _field(item, _RESPONSE)):
        item = {"role": "model" if _field(item, _CALL) else "user", "parts": [item]}
    parts = item.get("parts")
    if not isinstance(parts, list):
        raise UsageError(
            "an item of Gemini's is a content with 'parts', or a part with a functionCall or a functionResponse; "
            f"put other parts into a content. This item has {', '.join(map(repr, item)) or 'nothing'}"
        )
    calls = tuple(_call(part) for part in parts if _field(part, _CALL))
    responses = tuple(part for part in parts if _field(part, _RESPONSE))
    if calls and responses:
        raise UsageError("a content holds functionCalls, the model's, or functionResponses, the program's; not both")
    if calls and item.get("role") is None:
        item = {**item, "role": "model"}  # a call that joins this content is looked for by its role
    if not responses:
        by_model = bool(calls) or item.get("role") == "model"
        return Reading(piece=Piece(item, calls, by_model=by_model, joins=by_model))
    envelope = {name: value for name, value in item.items() if name != "parts"}
    rest = [part for part in parts if not _field(part, _RESPONSE)]
    return Reading(
        outputs=tuple(_output(part, envelope) for part in responses),
        piece=Piece({**envelope, "parts": rest}) if rest else None,
    )


def _field(part: object, names: tuple[str, str]) -> str | None:
    """By which of its two names the part has the field."""
    if isinstance(part, dict):
        for name in names:
            if part.get(name) is not None:
                return name
    return None


def _named(part: Item, names: tuple[str, str]) -> tuple[str | None, str, Item]:
    """The id, the name and all fields of the call or the response in a part."""
    fields = part[_field(part, names) or names[0]]
    if not isinstance(fields, dict) or not isinstance(name := fields.get("name"), str) or not name:
        raise UsageError(f"a {names[0]} is a dict with the 'name' of its function; this one is {fields!r:.100}")
    call_id = fields.get("id")
    if call_id is not None and not isinstance(call_id, str):
        raise UsageError(f"the 'id' of a {names[0]} is a string or not there, not {call_id!r}")
    return call_id or None, name, fields


def _call(part: Item) -> Call:
    call_id, name, fields = _named(part, _CALL)
    if fields.get("willContinue") or fields.get("will_continue"):
        raise UsageError(f"this is the beginning of a call of {name!r} that is being streamed; add it when it is whole")
    return Call(call_id, name, part)


def _output(part: Item, envelope: Item) -> Output:
    call_id, name, _ = _named(part, _RESPONSE)
    return Output(call_id, name, part, envelope)


def placed(items: Sequence[Item], piece: Piece) -> tuple[int, Item]:
    """A model's contents that follow each other become one where they have calls: they are one step.

    Only the first call of a step is signed, and a content of its own would be another step. Nor does the API take
    calls after words of the model's that are not in the same content.
    """
    if not piece.joins:
        return 0, piece.item
    begin = len(items)
    while begin and items[begin - 1].get("role") == "model":
        begin -= 1
    contents = [*items[begin:], piece.item]
    if len(contents) == 1 or not any(_field(part, _CALL) for content in contents for part in content["parts"]):
        return 0, piece.item
    return len(contents) - 1, {**contents[0], "parts": [part for content in contents for part in content["parts"]]}


def continues(last: Item, piece: Piece) -> bool:
    """The first call of a step is signed, so an unsigned one that follows a signed step is of that step."""
    first = next((part for part in last["parts"] if _field(part, _CALL)), None)
    return bool(piece.calls and _field(first, _SIGNATURE) and not _field(piece.calls[0].source, _SIGNATURE))


def cancelled(call: Call) -> Output:
    """The response of a call that was given up, in the case that the call is written in."""
    by_name = _CALL.index(_field(call.source, _CALL) or _CALL[0])
    fields: dict[str, Any] = {"name": call.name, "response": {"error": CANCELLED}}
    if call.call_id is not None:
        fields["id"] = call.call_id
    return Output(call.call_id, call.name, {_RESPONSE[by_name]: fields})


def lay_out(answers: Sequence[tuple[Call, Output]], rest: Sequence[Item]) -> list[Item]:
    """The one content that follows a batch: a response for each call, and nothing else."""
    return [{"role": "user", **answers[0][1].envelope, "parts": [_part(*answer) for answer in answers]}]


def _part(call: Call, output: Output) -> Item:
    """The response, without the id that the guard made up for its call, if the caller wrote it there."""
    name = _field(output.block, _RESPONSE)
    if name is None or output.call_id is None or output.call_id != call.made_up_id:
        return output.block
    return {**output.block, name: {key: value for key, value in output.block[name].items() if key != "id"}}
