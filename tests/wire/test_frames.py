"""`codemode.wire.frames`: a stream is cut the same way however it was split; a bad length keeps nothing."""

from __future__ import annotations

import struct
import sys
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemode.errors import LocalProtocolError, RemoteProtocolError
from codemode.limits import MIB
from codemode.wire.frames import MAX_FRAME_BYTES, FrameDecoder, encode_frame

PAYLOADS = st.lists(st.binary(min_size=1, max_size=300), max_size=12)


def chunks_of(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def payloads_of(decoder: FrameDecoder, chunks: list[bytes]) -> list[bytes]:
    return [payload for chunk in chunks for payload in decoder.receive_data(chunk)]


def test_a_frame_is_its_length_big_endian_in_four_bytes_and_its_payload() -> None:
    assert encode_frame(b"abc") == b"\x00\x00\x00\x03abc"
    assert encode_frame(b"x" * 0x010203)[:4] == b"\x00\x01\x02\x03"


@given(PAYLOADS)
def test_a_stream_received_whole_gives_its_payloads(payloads: list[bytes]) -> None:
    decoder = FrameDecoder()
    assert payloads_of(decoder, [b"".join(map(encode_frame, payloads))]) == payloads
    assert decoder.buffered_bytes == 0
    decoder.receive_eof()


@given(PAYLOADS)
def test_a_stream_received_byte_by_byte_gives_the_same_payloads(payloads: list[bytes]) -> None:
    stream = b"".join(map(encode_frame, payloads))
    assert payloads_of(FrameDecoder(), [stream[i : i + 1] for i in range(len(stream))]) == payloads


@given(PAYLOADS, st.lists(st.integers(min_value=0, max_value=4000), max_size=20))
def test_a_stream_split_anywhere_gives_the_same_payloads(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(encode_frame, payloads))
    assert payloads_of(FrameDecoder(), chunks_of(stream, cuts)) == payloads


@given(PAYLOADS, st.binary(min_size=1, max_size=50), st.data())
def test_a_tail_is_kept_until_its_frame_is_whole(payloads: list[bytes], last: bytes, data: st.DataObject) -> None:
    frame = encode_frame(last)
    cut = data.draw(st.integers(min_value=1, max_value=len(frame) - 1))
    decoder = FrameDecoder()
    assert payloads_of(decoder, [b"".join(map(encode_frame, payloads)) + frame[:cut]]) == payloads
    assert decoder.buffered_bytes == cut
    assert list(decoder.receive_data(frame[cut:])) == [last]


def test_what_one_iterator_did_not_give_the_next_one_gives() -> None:
    decoder = FrameDecoder()
    decoder.receive_data(encode_frame(b"first"))
    taken = next(decoder.receive_data(encode_frame(b"second") + encode_frame(b"third")))
    assert [taken, *decoder.receive_data(b"")] == [b"first", b"second", b"third"]


@pytest.mark.parametrize("length", [0, MAX_FRAME_BYTES + 1, 0xFFFFFFFF])
def test_a_length_out_of_range_is_refused_before_any_of_the_payload_came(length: int) -> None:
    decoder = FrameDecoder()
    with pytest.raises(RemoteProtocolError, match=f"announces {length} bytes"):
        next(decoder.receive_data(struct.pack(">I", length)))


def test_the_payloads_before_a_bad_length_are_given_and_nothing_after_it_is_kept() -> None:
    decoder = FrameDecoder(max_frame_bytes=8)
    payloads = decoder.receive_data(encode_frame(b"good") + struct.pack(">I", 9) + b"x" * 9 + encode_frame(b"no"))
    assert next(payloads) == b"good"
    for _ in range(2):
        with pytest.raises(RemoteProtocolError, match="may hold 1 to 8"):
            next(payloads)
    with pytest.raises(RemoteProtocolError, match="may hold 1 to 8"):
        next(decoder.receive_data(b"more"))
    assert decoder.buffered_bytes == struct.calcsize(">I")
    with pytest.raises(RemoteProtocolError, match="may hold 1 to 8"):
        decoder.receive_eof()


@pytest.mark.parametrize("size", [1, 8])
def test_the_least_and_the_greatest_frame_pass(size: int) -> None:
    assert list(FrameDecoder(8).receive_data(encode_frame(b"x" * size, 8))) == [b"x" * size]


@pytest.mark.parametrize("size", [0, 9])
def test_a_payload_that_is_empty_or_too_long_is_not_sent(size: int) -> None:
    with pytest.raises(LocalProtocolError, match=f"1 to 8 bytes, not {size}"):
        encode_frame(b"x" * size, max_frame_bytes=8)


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 8])
def test_the_end_of_the_stream_within_a_frame_is_an_error(cut: int) -> None:
    decoder = FrameDecoder()
    assert list(decoder.receive_data(encode_frame(b"hello")[:cut])) == []
    with pytest.raises(RemoteProtocolError, match=f"ended {cut} bytes into a frame"):
        decoder.receive_eof()


def test_the_end_of_the_stream_cannot_be_told_before_the_last_payloads_were_taken() -> None:
    decoder = FrameDecoder()
    decoder.receive_data(encode_frame(b"last"))
    with pytest.raises(LocalProtocolError, match="before the last payloads were taken"):
        decoder.receive_eof()
    assert decoder.next_payload() == b"last"
    decoder.receive_eof()


def test_a_greatest_frame_dribbled_in_small_reads_is_moved_a_bounded_number_of_times() -> None:
    read_bytes = 64 * 1024
    payload = bytes(MAX_FRAME_BYTES)
    frame = encode_frame(payload)
    decoder = FrameDecoder()
    sizes = set()
    for start in range(0, MAX_FRAME_BYTES, read_bytes):
        assert list(decoder.receive_data(frame[start : start + read_bytes])) == []
        sizes.add(sys.getsizeof(decoder._buffer))
    assert list(decoder.receive_data(frame[MAX_FRAME_BYTES:])) == [payload]
    # The buffer grows by an eighth at a time: few moves for 1,024 reads, which together copy linearly.
    assert len(sizes) < 100


def test_a_decoder_says_how_much_it_holds() -> None:
    decoder = FrameDecoder()
    decoder.receive_data(b"\x00\x00")
    assert repr(decoder) == "<FrameDecoder holding 2 bytes>"


def test_a_long_payload_is_not_copied() -> None:
    frame, decoder = encode_frame(bytes(16 * MIB)), FrameDecoder()
    tracemalloc.start()
    try:
        for start in range(0, len(frame), 65536):
            payloads = list(decoder.receive_data(frame[start : start + 65536]))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert payloads == [bytes(16 * MIB)]
    assert peak_bytes < 1.2 * len(frame)


@pytest.mark.parametrize("size", [MIB - 5, MIB - 4, MIB, 2 * MIB])
def test_what_comes_with_a_long_payload_is_kept(size: int) -> None:
    long, decoder = bytes(range(256)) * (size // 256) + b"end", FrameDecoder()
    pieces = [b"first", long, b"second", long, long, b"last"]
    data = b"".join(map(encode_frame, pieces))
    assert list(decoder.receive_data(data)) == pieces
    assert list(decoder.receive_data(data[:-1])) == pieces[:-1]
    assert list(decoder.receive_data(data[-1:])) == [b"last"]
    assert decoder.buffered_bytes == 0
