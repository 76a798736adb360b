"""`codemode.engine.ring`: what the runner has published is taken once, whole and in order."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from codemode.engine.ring import COUNTER_BYTES, RingReader


class Writer:
    """The runner's end, over plain memory."""

    def __init__(self, units: int, start: int = 0) -> None:
        self.memory = bytearray(COUNTER_BYTES + 2 * units)
        self.units = units
        self.head = start
        struct.pack_into("<II", self.memory, 0, start & 0xFFFF_FFFF, start & 0xFFFF_FFFF)

    @property
    def tail(self) -> int:
        (tail,) = struct.unpack_from("<I", self.memory, 4)
        return int(tail)

    @property
    def room(self) -> int:
        return self.units - ((self.head - self.tail) & 0xFFFF_FFFF)

    def write(self, *values: int) -> None:
        for value in values:
            struct.pack_into("<H", self.memory, COUNTER_BYTES + 2 * (self.head % self.units), value)
            self.head += 1
        struct.pack_into("<I", self.memory, 0, self.head & 0xFFFF_FFFF)


def units(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 2}H", data))


def test_what_was_published_is_taken_once() -> None:
    writer = Writer(8)
    reader = RingReader(memoryview(writer.memory))

    assert reader.take() == b""
    writer.write(1, 2, 0xFFFF)
    assert units(reader.take()) == [1, 2, 0xFFFF]
    assert reader.take() == b""
    assert writer.room == 8


def test_a_full_ring_is_not_an_empty_one() -> None:
    writer = Writer(8)
    reader = RingReader(memoryview(writer.memory))
    writer.write(1, 2, 3)
    reader.take()
    writer.write(*range(8))

    assert writer.room == 0
    assert units(reader.take()) == list(range(8))


@given(
    start=st.sampled_from([0, 5, 2**31 - 3, 2**31, 2**32 - 3]),
    bursts=st.lists(st.integers(0, 16), max_size=40),
)
def test_bursts_of_any_size_go_round_the_ring_and_over_the_ends_of_the_counters(start: int, bursts: list[int]) -> None:
    writer = Writer(16, start)
    reader = RingReader(memoryview(writer.memory))
    number = 0
    for burst in bursts:
        said = [(number + i) % 65536 for i in range(burst)]
        number += burst
        writer.write(*said)
        assert units(reader.take()) == said
        assert writer.tail == writer.head & 0xFFFF_FFFF
