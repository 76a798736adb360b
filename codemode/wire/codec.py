"""Messages to payloads and back: one msgpack map, `type` first, then the fields in their order.

`Decoder` trusts the fields that it reads, and is for the worker. The host reads a worker with
`validation.StrictDecoder`, which has `sizes.check_size` look at a payload before anything is made of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

import msgpack

from codemode.errors import LocalProtocolError, RemoteProtocolError
from codemode.wire.frames import Payload
from codemode.wire.messages import HOST_MESSAGES, WORKER_MESSAGES, Message


def field_names(kind: type[Message]) -> tuple[str, ...]:
    """The names of a message's fields, in the order of the wire."""
    return tuple(field.name for field in dataclasses.fields(kind))


def _values_of(names: tuple[str, ...]) -> Callable[[Message], tuple[Any, ...]]:
    match names:
        case ():
            return lambda _: ()
        case (name,):
            get = attrgetter(name)
            return lambda message: (get(message),)
        case _:
            return attrgetter(*names)


_ENCODERS = {kind: (field_names(kind), _values_of(field_names(kind))) for kind in (*WORKER_MESSAGES, *HOST_MESSAGES)}


def to_map(message: Message) -> dict[str, Any]:
    """The message as the map that crosses the wire."""
    names, values_of = _ENCODERS[type(message)]
    return {"type": message.type, **dict(zip(names, values_of(message), strict=True))}


def encode(message: Message) -> bytes:
    """The message's payload.

    Raises:
        LocalProtocolError: a text holds a lone surrogate, or a number is out of msgpack's range.
    """
    try:
        packed: bytes = msgpack.packb(to_map(message))
    except (UnicodeEncodeError, OverflowError, ValueError, TypeError) as error:
        raise LocalProtocolError(f"{message.type} cannot be encoded: {error}") from error
    return packed


def unpack_map(payload: Payload, max_map_entries: int = -1) -> dict[str, Any]:
    """The msgpack map in a payload, arrays as tuples.

    Args:
        payload: of one frame.
        max_map_entries: a greater map is refused; -1 for no limit.

    Raises:
        RemoteProtocolError: it is not exactly one msgpack map with text keys, each once, and well-formed
            UTF-8.
    """
    try:
        value = msgpack.unpackb(payload, use_list=False, object_pairs_hook=_distinct, max_map_len=max_map_entries)
    except (msgpack.UnpackException, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise RemoteProtocolError(f"a payload is not msgpack: {type(error).__name__}: {error}") from error
    if not isinstance(value, dict):
        raise RemoteProtocolError(f"a payload holds {type(value).__name__}, not a map")
    return value


def _distinct(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise RemoteProtocolError("a map has the same key twice")
    return entries


class Decoder:
    """Turns payloads into messages of the given kinds, trusting their fields.

    Args:
        kinds: the messages that may come.
    """

    def __init__(self, kinds: Iterable[type[Message]]) -> None:
        self._kinds = {kind.type: kind for kind in kinds}

    def __call__(self, payload: Payload) -> Message:
        """The message in a payload.

        Raises:
            RemoteProtocolError: its type is unknown, or its fields are not those of its type.
        """
        fields = unpack_map(payload)
        name = fields.pop("type", None)
        kind = self._kinds.get(name) if isinstance(name, str) else None
        if kind is None:
            raise RemoteProtocolError("a message of an unknown type")
        try:
            return kind(**fields)
        except TypeError as error:
            raise RemoteProtocolError(f"{kind.type}: {error!s:.500}") from None
