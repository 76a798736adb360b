"""Hostile bytes out of good ones: frames of a conversation changed where a decoder, or whoever believes it, may break.

Everything follows from a seed. What comes out may still be good: whoever uses it asks a decoder of their own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgpack

from codemode.wire.frames import MAX_FRAME_BYTES

_LENGTH_BYTES = 4
_FRAGMENT = "\0here stands a fragment\0"
_MAX_LONG = 70_000

FRAGMENTS: tuple[bytes, ...] = (
    b"\xc1",  # a byte that msgpack never uses
    b"\xdd\xff\xff\xff\xff",  # an array of 2^32 - 1 elements, and none of them
    b"\xdf\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xc9\xff\xff\xff\xff\x05",
    b"\xdc\xff\xff" * 50,
    b"\x91" * 511 + b"\xc0",
    b"\x91" * 100_000 + b"\xc0",
    b"\x81\xa1a" * 1000 + b"\xc0",
    b"\xa1\xff",  # no UTF-8
    b"\xa3\xed\xa0\x80",  # a surrogate
    b"\xa2\xc0\x80",  # an overlong zero
    b"\xa4\xf4\x90\x80\x80",  # beyond Unicode
    b"\x82\xa1a\x01\xa1a\x02",  # a key twice
    b"\x81\x01\x02",
    b"\x81\xc0\xc0",
    b"\x81\x90\x01",
    b"\xd6\xff\x00\x00\x00\x01",  # timestamps
    b"\xc7\x0c\xff" + b"\xff" * 12,
    b"\xd4\x05x",  # an extension
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
    b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",  # not a number
    b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
)
"""What no packer writes, or none of ours: each stands where a value belongs."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 2**31, 2**53 - 1, 2**53, 2**64 - 1, -(2**63), 0.0, 1.0, 1e308,
    "", "a", "\0", "\u2028", "\U0001f600", "__proto__", "../../etc", "x" * _MAX_LONG, b"", b"bytes",
    [], {}, [[]], [None], [1, "a"], [1, "a", "b"], [[1, "a", "b"]], {"a": 1}, {"type": "ready"}, ["text", "x"],
    "[" * 5000, '{"a":' * 2000, '"' + "\\ud800" * 2000 + '"', "1" * 5000, [0] * 2000, ["text"] * 2000,
)  # fmt: skip
"""What a value is replaced by: other types, the ends of ranges, and what means something elsewhere."""

LENGTHS = (0, 1, 2**16, MAX_FRAME_BYTES, MAX_FRAME_BYTES + 1, 2**31 - 1, 2**31, 2**32 - 1)
"""What the length of a frame may claim."""


class Mutator:
    """Changes frames.

    Args:
        seed: of all that it does.
    """

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)
        self._of_a_payload: tuple[Callable[[bytes], bytes], ...] = (
            self._other_bytes,
            self._other_value,
            self._other_value,
            self._other_value,
            self._other_field,
            self._other_field,
            self._cut_or_grown,
        )

    def frame(self, frame: bytes) -> bytes:
        """A frame, changed: its bytes, its values, its fields, or its length."""
        payload = frame[_LENGTH_BYTES:]
        for _ in range(self._random.choice((1, 1, 1, 2, 3))):
            payload = self._random.choice(self._of_a_payload)(payload)
        length = len(payload)
        if self._random.random() < 0.1:
            length = self._random.choice((*LENGTHS, max(0, length - 1), length + 1))
        return length.to_bytes(_LENGTH_BYTES, "big") + payload

    def frames(self, frames: Sequence[bytes]) -> list[bytes]:
        """Some frames of a conversation, changed, and perhaps their order."""
        changed = list(frames)
        for _ in range(self._random.choice((0, 0, 0, 1, 1, 2))):
            self._disorder(changed)
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 3))):
            if changed:
                at = self._random.randrange(len(changed))
                changed[at] = self.frame(changed[at])
        return changed

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The bytes as they may come out of a pipe: whole, in pieces, or one at a time."""
        most = self._random.choice((1, 3, 7, 100, 4096, len(data) or 1))
        if len(data) > 1000 * most:
            most = len(data)
        at = 0
        while at < len(data):
            end = at + self._random.randint(1, most)
            yield data[at:end]
            at = end

    # ── one payload ───────────────────────────────────────────────────────────────────────────────────────────

    def _other_bytes(self, payload: bytes) -> bytes:
        changed = bytearray(payload)
        for _ in range(self._random.choice((1, 1, 2, 8))):
            at = self._random.randrange(len(changed) + 1)
            match self._random.randrange(5):
                case 0 if at < len(changed):
                    changed[at] ^= 1 << self._random.randrange(8)
                case 1 if at < len(changed):
                    changed[at] = self._random.randrange(256)
                case 2:
                    changed[at:at] = self._random.randbytes(self._random.choice((1, 2, 9)))
                case 3:
                    del changed[at : at + self._random.choice((1, 2, 9))]
                case _:
                    changed[at:at] = changed[self._random.randrange(len(changed) + 1) :][:100]
        return bytes(changed)

    def _cut_or_grown(self, payload: bytes) -> bytes:
        match self._random.randrange(4):
            case 0:
                return payload[: self._random.randrange(len(payload) + 1)]
            case 1:
                return payload + self._random.choice((b"\0", b"\xc0", payload, bytes(300)))
            case 2:
                return self._random.randbytes(self._random.choice((1, 20, 1000)))
            case _:
                return self._random.choice(FRAGMENTS)

    def _other_value(self, payload: bytes) -> bytes:
        value = _unpacked(payload)
        places = [*_places(value)]
        if not places:
            return self._other_bytes(payload)
        holder, key = self._random.choice(places)
        if self._random.random() < 0.4:
            holder[key] = _FRAGMENT
            packed: bytes = msgpack.packb(value)
            return packed.replace(msgpack.packb(_FRAGMENT), self._random.choice(FRAGMENTS))
        old = holder[key]
        match old, self._random.randrange(3):
            case int(), 0:
                holder[key] = old + self._random.choice((-1, 1, 2, -(2**32), 2**32))
            case list(), 0:
                holder[key] = old * self._random.choice((2, 3, 50))
            case _:
                holder[key] = self._random.choice(VALUES)
        return _packed(value, payload)

    def _other_field(self, payload: bytes) -> bytes:
        value = _unpacked(payload)
        if not isinstance(value, dict) or not value:
            return self._other_bytes(payload)
        name = self._random.choice(list(value))
        match self._random.randrange(5):
            case 0:
                del value[name]
            case 1:
                value[self._random.choice(("more", "", "cell", "type", "\0", 1, b"type"))] = value[name]
            case 2:
                value["x" * self._random.choice((1, 40, _MAX_LONG))] = value.pop(name)
            case 3:
                value["type"] = self._random.choice(("hello", "ready", "calls", "completed", "start", "answers", "", 0))
            case _:
                value |= {f"key {number}": number for number in range(self._random.choice((1, 60, 70, 3000)))}
        return _packed(value, payload)

    # ── their order ───────────────────────────────────────────────────────────────────────────────────────────

    def _disorder(self, frames: list[bytes]) -> None:
        if not frames:
            return
        one, other = self._random.randrange(len(frames)), self._random.randrange(len(frames))
        match self._random.randrange(5):
            case 0:
                frames[one], frames[other] = frames[other], frames[one]
            case 1:
                frames.insert(one, frames[other])
            case 2:
                del frames[one]
            case 3:
                frames[one:one] = [frames[other]] * self._random.choice((2, 20))
            case _:
                frames[one] = frames[one][: self._random.randrange(len(frames[one]) + 1)]


def _unpacked(payload: bytes) -> Any:
    """The value in a payload; None where there is none that Python can hold."""
    try:
        return msgpack.unpackb(payload, strict_map_key=False)
    except Exception:
        return None


def _packed(value: Any, otherwise: bytes) -> bytes:
    try:
        packed: bytes = msgpack.packb(value)
    except Exception:  # an integer beyond msgpack's
        return otherwise
    return packed


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value within one, by what holds it and its key there."""
    within = [value]
    while within:
        holder = within.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in keys:
            yield holder, key
            within.append(holder[key])
