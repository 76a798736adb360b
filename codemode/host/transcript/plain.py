"""Items as plain dicts and lists, copied on the way in and out, and the JSON form that a dump keeps them in."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from codemode.errors import UsageError
from codemode.host.transcript.pieces import Item

_LEAVES = (str, int, float, bytes, type(None))  # bool is an int
_BYTES = "$bytes"
_ESCAPED = "$escaped"


def plain_item(given: object) -> Item:
    """A copy of an item: a mapping, or an object of a provider's SDK, with whatever of both stands in it.

    Raises:
        UsageError: it is neither, or holds what cannot be sent.
    """
    try:
        item = _plain(given)
    except RecursionError:
        raise UsageError("the item is nested too deeply to be sent, or holds itself") from None
    if not isinstance(item, dict):
        raise UsageError(
            f"an item is a dict of the provider's or an object of its SDK, not {type(given).__name__}; "
            "give a list to extend()"
        )
    return item


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is int or value is None:  # most of what there is
        return value
    if kind is dict:
        return {_key(key): _plain(inner) for key, inner in value.items()}
    if kind is list or kind is tuple:
        return [_plain(inner) for inner in value]
    if isinstance(value, _LEAVES):
        return value
    if isinstance(value, Mapping):
        return _plain(dict(value))
    if isinstance(value, date | datetime):  # of a response's own, such as when its container expires
        return value.isoformat()
    if hasattr(value, "model_dump"):
        return _plain(_dumped(value))
    raise UsageError(f"an item holds what JSON can, and bytes, but not {kind.__name__}; write it as text")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise UsageError(f"the keys of an item are strings, not {key!r}")
    return key


def _dumped(model: Any) -> Any:
    """A pydantic model as its SDK would send it, without what is not set."""
    # An alias of a single field is the API's name for it (`async`). Where a model makes one for every field
    # (camelCase, Gemini), its SDK and its API take both, and dicts of that SDK have the names of the fields.
    by_alias = "alias_generator" not in getattr(model, "model_config", {})
    exclude = getattr(model, "__api_exclude__", None)  # what the SDK parsed for its user, and never sends
    return model.model_dump(exclude_none=True, by_alias=by_alias, exclude=exclude, warnings=False)


def copied(value: Any) -> Any:
    """A copy of what `plain_item` gave: no dict or list of it is shared."""
    kind = type(value)
    if kind is dict:
        return {key: copied(inner) for key, inner in value.items()}
    if kind is list:
        return [copied(inner) for inner in value]
    return value


def to_json_form(value: Any) -> Any:
    """What `plain_item` gave, with bytes as `{"$bytes": <base64>}`, for `json.dumps`."""
    kind = type(value)
    if kind is dict:
        form = {key: to_json_form(inner) for key, inner in value.items()}
        return {_ESCAPED: form} if len(form) == 1 and (_BYTES in form or _ESCAPED in form) else form
    if kind is list:
        return [to_json_form(inner) for inner in value]
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    return value


def from_json_form(form: Any) -> Any:
    """The value that `to_json_form` wrote."""
    if isinstance(form, list):
        return [from_json_form(inner) for inner in form]
    if not isinstance(form, dict):
        return form
    match form:
        case {"$bytes": str(text)} if len(form) == 1:
            return base64.b64decode(text)
        case {"$escaped": dict(inner)} if len(form) == 1:
            form = inner
    return {key: from_json_form(inner) for key, inner in form.items()}
