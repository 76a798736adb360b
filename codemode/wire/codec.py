"""Messages to payloads and back: one msgpack map, `type` first, then the fields in their order.

`Decoder` trusts the fields that it reads, and is for the worker. The host reads a worker with
`validation.StrictDecoder`, which calls `check_size` before anything is made of the payload.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple

import msgpack

from codemode.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from codemode.wire.frames import Payload
from codemode.wire.messages import HOST_MESSAGES, WORKER_MESSAGES, Message

MAX_VALUES = 1 << 17
"""The greatest number of msgpack values in a worker's payload: six times what our worker puts into one, and
at most some 10 MB of Python objects, where a frame of 64 MiB could hold 64 Mi empty maps of 64 bytes each.
The host does nothing else while it reads a payload, which takes up to 1 µs a value."""

MAX_CHARACTERS = 24 << 20
"""The greatest number of characters in a worker's payload: those of the longest text that our worker says, 20 Mi, and
of what it says with it. One emoji makes four bytes of each of its text's, in Python."""

MAX_MAP_ENTRIES = 64
"""The greatest number of entries in a map of a worker's payload. The greatest map is that of the fences."""


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


def check_size(payload: Payload, error: type[ProtocolError]) -> None:
    """Check that a payload is whole and holds at most `MAX_VALUES` values and `MAX_CHARACTERS`, making nothing of it.

    An array may announce 2^32 elements in five bytes, and so may each array in it: whatever makes room for
    what is announced must not see such a payload.

    Raises:
        error: it is cut short, holds too much, or is not msgpack.
    """
    try:
        # A value takes a byte at least, so that a short payload need not be counted.
        if len(payload) <= MAX_VALUES:
            reader = msgpack.Unpacker(max_buffer_size=MAX_VALUES)
            reader.feed(payload)
            reader.skip()
        elif count_values(payload) > MAX_VALUES:
            raise error(f"a payload of more than {MAX_VALUES} values")
    except (msgpack.UnpackException, ValueError, IndexError) as cause:
        raise error(f"a payload is not msgpack: {type(cause).__name__}: {cause}") from cause
    if len(payload) > MAX_CHARACTERS and _count_characters(payload) > MAX_CHARACTERS:
        raise error(f"a payload of more than {MAX_CHARACTERS} characters")


def count_values(payload: Payload) -> int:
    """The number of values that a payload announces; counting ends where there are more than `MAX_VALUES`.

    msgpack's own reader skips values too, but copies the payload first, and that may be 64 MiB.

    Raises:
        ValueError: it is cut short, or a value begins with the one byte that begins none.
    """
    values, read, at, end = 1, 0, 0, len(payload)
    while read < values <= MAX_VALUES and at < end:
        form = _FORMS.get(payload[at])
        if form is None:
            raise ValueError(f"byte {at} begins no value")
        at += 1
        size, within = form.size, form.values
        if form.width:
            length = int.from_bytes(payload[at : at + form.width], "big")
            size, within = size + form.width + length * form.bytes_each, length * form.values_each
        at += size
        values += within
        read += 1
    if values <= MAX_VALUES and (read < values or at > end):
        raise ValueError("it is cut short")
    return values


class _Form(NamedTuple):
    """What follows the first byte of a value, by the specification of msgpack: perhaps a length, then content."""

    size: int = 0
    """Bytes of content, and values within it, that the first byte alone announces."""
    values: int = 0
    width: int = 0
    """Bytes of the length, and what one of it stands for: bytes of content, or values within."""
    bytes_each: int = 0
    values_each: int = 0


def _forms() -> Iterator[tuple[int, _Form]]:
    yield from ((first, _Form()) for first in (*range(0x80), *range(0xE0, 0x100), 0xC0, 0xC2, 0xC3))
    for count in range(16):
        yield 0x80 + count, _Form(values=2 * count)
        yield 0x90 + count, _Form(values=count)
    yield from ((0xA0 + size, _Form(size)) for size in range(32))
    for power, width in enumerate((1, 2, 4)):
        yield 0xC4 + power, _Form(width=width, bytes_each=1)  # bytes
        yield 0xC7 + power, _Form(1, width=width, bytes_each=1)  # an extension: its type, then bytes
        yield 0xD9 + power, _Form(width=width, bytes_each=1)  # text
    for power, width in enumerate((2, 4)):
        yield 0xDC + power, _Form(width=width, values_each=1)
        yield 0xDE + power, _Form(width=width, values_each=2)
    for power in range(4):
        yield 0xCC + power, _Form(1 << power)
        yield 0xD0 + power, _Form(1 << power)
    yield from ((0xCA, _Form(4)), (0xCB, _Form(8)))
    yield from ((0xD4 + power, _Form(1 + (1 << power))) for power in range(5))


_FORMS = dict(_forms())
_CONTINUATIONS = bytes(range(0x80, 0xC0))
_PIECE_BYTES = 1 << 20


def _count_characters(payload: Payload) -> int:
    """The bytes of a payload that begin a character of UTF-8, and those of numbers and lengths that look so."""
    with memoryview(payload) as view:
        pieces = (bytes(view[at : at + _PIECE_BYTES]) for at in range(0, len(view), _PIECE_BYTES))
        return sum(len(piece.translate(None, _CONTINUATIONS)) for piece in pieces)


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
