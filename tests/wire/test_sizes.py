"""`codemode.wire.sizes`: what holds too much is found before anything is made of it."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemode.errors import LocalProtocolError, RemoteProtocolError
from codemode.wire.sizes import MAX_CHARACTERS, MAX_VALUES, check_size, count_values

ARRAY_OF_EVERYTHING = msgpack.packb([None, {"a": [1, "b"]}, "x" * (MAX_VALUES + 1), [], {}])


@pytest.mark.parametrize("error", [LocalProtocolError, RemoteProtocolError])
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x92\x00",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc1",
        b"\x91" * 5000,
        ARRAY_OF_EVERYTHING[:-1],
        ARRAY_OF_EVERYTHING.replace(b"\xc0", b"\xc1", 1),
    ],
    ids=[
        "empty",
        "short",
        "array 32",
        "map 32",
        "never used",
        "deep",
        "long and short",
        "long and never used",
    ],
)
def test_a_payload_that_is_cut_short_or_never_ends_is_found_before_it_is_unpacked(
    payload: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error, match="not msgpack"):
        check_size(payload, error)


@pytest.mark.parametrize("payload", [b"\x80", b"\x92\x80\x90", ARRAY_OF_EVERYTHING])
def test_a_whole_payload_of_any_shape_passes(payload: bytes) -> None:
    check_size(payload, RemoteProtocolError)


def test_a_payload_holds_as_many_values_as_allowed_and_not_one_more() -> None:
    # The array itself is a value; a value of two bytes makes the payload long enough to be counted.
    full = msgpack.packb([200] * (MAX_VALUES - 1))
    check_size(full, RemoteProtocolError)
    with pytest.raises(RemoteProtocolError, match=f"more than {MAX_VALUES} values"):
        check_size(msgpack.packb([200] * MAX_VALUES), RemoteProtocolError)


@pytest.mark.parametrize("character", ["x", "é", "漢"])
def test_a_payload_holds_as_many_characters_as_allowed_and_not_one_more(character: str) -> None:
    # Before the text stand its own first byte and the four of its length; three of these four may be zeros.
    text = character * (MAX_CHARACTERS - 5)
    check_size(msgpack.packb(text), RemoteProtocolError)
    with pytest.raises(RemoteProtocolError, match=f"more than {MAX_CHARACTERS} characters"):
        check_size(msgpack.packb(text + 10 * character), RemoteProtocolError)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.sampled_from([0, 1, 31, 32, 255, 256, 65535, 65536]).map("x".__mul__),
    st.sampled_from([0, 1, 255, 256, 65535, 65536]).map(bytes),
    st.sampled_from([0, 1, 2, 3, 4, 8, 16, 17, 255, 256, 65536]).map(lambda size: msgpack.ExtType(5, bytes(size))),
)
LENGTHS = st.sampled_from([0, 1, 15, 16, 17])
VALUES_WITH_COUNTS = st.recursive(
    SCALARS.map(lambda scalar: (scalar, 1)),
    lambda within: st.one_of(
        st.lists(within, max_size=4).map(lambda all_: ([one for one, _ in all_], 1 + sum(count for _, count in all_))),
        st.builds(lambda length, one: ([one[0]] * length, 1 + length * one[1]), LENGTHS, within),
        st.builds(
            lambda length, one: ({str(key): one[0] for key in range(length)}, 1 + length * (1 + one[1])),
            LENGTHS, within,
        ),
    ),
    max_leaves=5,
)  # fmt: skip


@given(VALUES_WITH_COUNTS, st.data())
def test_values_are_counted_as_what_was_packed(counted: tuple[Any, int], data: st.DataObject) -> None:
    value, count = counted
    payload = msgpack.packb(value)
    assert count_values(payload) == count or (count > MAX_VALUES and count_values(payload) > MAX_VALUES)
    with pytest.raises(ValueError, match="cut short"):
        count_values(payload[: data.draw(st.integers(0, len(payload) - 1))])


@pytest.mark.parametrize(("length", "array"), [(65535, b"\xdc"), (65536, b"\xdd"), (65535, b"\xde")])
def test_values_of_the_longest_arrays_are_counted(length: int, array: bytes) -> None:
    packed = msgpack.packb([7] * length if array != b"\xde" else dict.fromkeys(range(length)))
    assert packed[:1] == array
    assert count_values(packed) == 1 + length * (1 if array != b"\xde" else 2)


def test_a_byte_that_begins_no_value_is_found() -> None:
    with pytest.raises(RemoteProtocolError, match="byte 3 begins no value"):
        check_size(b"\x93\xc0\xc0\xc1" + bytes(MAX_VALUES), RemoteProtocolError)


@pytest.mark.parametrize("element", [b"\x80", b"\x90", b"\x91\xc0", b"\xa2ab"])
def test_a_frame_full_of_tiny_values_is_refused_before_it_is_unpacked(element: bytes) -> None:
    rows = (MAX_VALUES + 1).to_bytes(4, "big")
    with pytest.raises(RemoteProtocolError, match="more than"):
        check_size(b"\xdd" + rows + element * (MAX_VALUES + 1), RemoteProtocolError)


def test_nested_arrays_that_announce_much_are_refused_by_their_sum() -> None:
    announced = b"\xdd" + (MAX_VALUES // 4).to_bytes(4, "big")
    with pytest.raises(RemoteProtocolError, match="more than"):
        check_size(announced * 1000 + bytes(MAX_VALUES), RemoteProtocolError)
