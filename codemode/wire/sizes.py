"""How much an untrusted payload holds, found out without making anything of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgpack

from codemode.errors import ProtocolError
from codemode.wire.frames import Payload

MAX_VALUES = 1 << 17
"""The greatest number of msgpack values in a worker's payload: six times what our worker puts into one, and
at most some 10 MB of Python objects, where a frame of 64 MiB could hold 64 Mi empty maps of 64 bytes each.
The host does nothing else while it reads a payload, which takes up to 1 µs a value."""

MAX_CHARACTERS = 24 << 20
"""The greatest number of characters in a worker's payload: those of the longest text that our worker says, 20 Mi, and
of what it says with it. In Python one emoji makes each character of its text take four bytes."""

MAX_MAP_ENTRIES = 64
"""The greatest number of entries in a map of a worker's payload. The greatest map is that of the fences."""


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
    """Bytes of content that the first byte alone announces."""
    values: int = 0
    """Values that it announces."""
    width: int = 0
    """Bytes of the length; 0 where there is none."""
    bytes_each: int = 0
    """Bytes of content for each one of the length."""
    values_each: int = 0
    """Values for each one of the length."""


def _forms() -> Iterator[tuple[int, _Form]]:
    yield from ((first, _Form()) for first in (*range(0x80), *range(0xE0, 0x100), 0xC0, 0xC2, 0xC3))
    for count in range(16):
        yield 0x80 + count, _Form(values=2 * count)
        yield 0x90 + count, _Form(values=count)
    yield from ((0xA0 + size, _Form(size)) for size in range(32))
    for step, width in enumerate((1, 2, 4)):
        yield 0xC4 + step, _Form(width=width, bytes_each=1)  # bytes
        yield 0xC7 + step, _Form(1, width=width, bytes_each=1)  # an extension: its type, then bytes
        yield 0xD9 + step, _Form(width=width, bytes_each=1)  # text
    for step, width in enumerate((2, 4)):
        yield 0xDC + step, _Form(width=width, values_each=1)
        yield 0xDE + step, _Form(width=width, values_each=2)
    for step, size in enumerate((1, 2, 4, 8)):
        yield 0xCC + step, _Form(size)
        yield 0xD0 + step, _Form(size)
    yield from ((0xCA, _Form(4)), (0xCB, _Form(8)))
    yield from ((0xD4 + step, _Form(1 + size)) for step, size in enumerate((1, 2, 4, 8, 16)))


_FORMS = dict(_forms())
_CONTINUATIONS = bytes(range(0x80, 0xC0))
_PIECE_BYTES = 1 << 20


def _count_characters(payload: Payload) -> int:
    """The bytes of a payload that begin a character of UTF-8, and those of numbers and lengths that look so."""
    with memoryview(payload) as view:
        pieces = (bytes(view[at : at + _PIECE_BYTES]) for at in range(0, len(view), _PIECE_BYTES))
        return sum(len(piece.translate(None, _CONTINUATIONS)) for piece in pieces)
