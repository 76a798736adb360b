"""Messages to payloads and back: one msgpack map, `type` first, then the fields in their order.

`decode` here trusts what it reads, and is for the worker. The host reads a worker with `validation.decode_strictly`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

import msgpack

from codemode.errors import LocalProtocolError, RemoteProtocolError
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


_ENCODERS = {
    kind: (field_names(kind), _values_of(field_names(kind))) for kind in (*WORKER_MESSAGES, *HOST_MESSAGES)
}


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


def unpack_map(payload: bytes) -> dict[str, Any]:
    """The msgpack map in a payload, arrays as tuples.

    Raises:
        RemoteProtocolError: it is not exactly one msgpack map with text keys and well-formed UTF-8.
    """
    try:
        value = msgpack.unpackb(payload, use_list=False)
    except (msgpack.UnpackException, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise RemoteProtocolError(f"a frame is not msgpack: {type(error).__name__}: {error}") from error
    if not isinstance(value, dict):
        raise RemoteProtocolError(f"a frame holds {type(value).__name__}, not a map")
    return value


class Decoder:
    """Turns payloads into messages of the given kinds, trusting their fields.

    Args:
        kinds: the messages that may come.
    """

    def __init__(self, kinds: Iterable[type[Message]]) -> None:
        self._kinds = {kind.type: kind for kind in kinds}

    def __call__(self, payload: bytes) -> Message:
        """The message in a payload.

        Raises:
            RemoteProtocolError: its type is unknown, or its fields are not those of its type.
        """
        fields = unpack_map(payload)
        kind = self._kinds.get(fields.pop("type", None))
        if kind is None:
            raise RemoteProtocolError("a message of an unknown type")
        try:
            return kind(**fields)
        except TypeError as error:
            raise RemoteProtocolError(f"{kind.type}: {error}") from None
