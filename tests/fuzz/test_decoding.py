"""Hostile bytes to both ends of the wire, without pipes: a message, or `RemoteProtocolError`, and nothing else."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import time
import tracemalloc
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codemode.errors import LocalProtocolError, RemoteProtocolError
from codemode.testing.mutation import FRAGMENTS, Mutator
from codemode.wire import messages as m
from codemode.wire.codec import Decoder, encode
from codemode.wire.connection import Connection, State
from codemode.wire.frames import MAX_FRAME_BYTES, FrameDecoder, encode_frame
from codemode.wire.sizes import MAX_CHARACTERS
from codemode.wire.validation import StrictDecoder

MIB = 1024 * 1024
FRAME_S = 5.0
"""Generous: a frame is read in milliseconds."""
MOST_CHARACTERS = 1500
"""Of what is said of a fault: it stands in logs, and in what a model reads."""

READERS: dict[str, Callable[[bytes], m.Message]] = {"host": StrictDecoder(), "worker": Decoder(m.HOST_MESSAGES)}


def read(connection: Connection, data: bytes, seen: Counter[str]) -> bool:
    """Gives the bytes to one end; whether it can still be spoken to."""
    began_s, told = time.monotonic(), ""
    try:
        for message in connection.receive_data(data):
            assert isinstance(message, m.Message)
            seen["read"] += 1
    except RemoteProtocolError as fault:
        told = str(fault)
    assert time.monotonic() - began_s < FRAME_S
    if not told:
        return True
    seen["refused"] += 1
    assert len(told) < MOST_CHARACTERS
    assert connection.state is State.CLOSED
    with pytest.raises(RemoteProtocolError, match="closed by an earlier fault"):
        connection.next_message()
    return False


def play(reader: str, conversation: Sequence[tuple[str, m.Message]], mutator: Mutator, seen: Counter[str]) -> None:
    """One end hears a conversation whose far end is hostile."""
    connection = Connection("host" if reader == "host" else "worker", READERS[reader])
    said = [encode_frame(encode(message)) for role, message in conversation if role != reader]
    own = deque(message for role, message in conversation if role == reader)
    answer(connection, own)
    for frame in mutator.frames(said):
        seen["hostile"] += frame not in said
        if not all(read(connection, piece, seen) for piece in mutator.pieces(frame)):
            break
        answer(connection, own)
    try:
        connection.receive_eof()
    except RemoteProtocolError:
        seen["cut short"] += 1


def answer(connection: Connection, own: deque[m.Message]) -> None:
    """Says what may be said by now."""
    with contextlib.suppress(LocalProtocolError):
        while own:
            connection.send(own[0])
            own.popleft()


def fuzz(reader: str, conversations: Sequence[Any], frames: int, seed: str) -> Counter[str]:
    """Plays them in turn until so many hostile frames have been read, or refused."""
    seen: Counter[str] = Counter()
    mutator = Mutator(f"{seed} {reader}")
    conversation = itertools.cycle(conversations)
    while seen["hostile"] < frames:
        play(reader, next(conversation), mutator, seen)
    return seen


@pytest.mark.parametrize("reader", READERS)
async def test_whatever_is_said_is_a_message_or_a_fault(reader: str, conversations: list[Any]) -> None:
    seen = fuzz(reader, conversations, 12_000, "suite")
    # Were nearly all refused, or nearly none, it would show little.
    assert seen["refused"] > 2_000, seen
    assert seen["read"] > 5_000, seen
    assert seen["cut short"] > 200, seen


@pytest.mark.soak
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("seed", range(10))
async def test_half_a_million_hostile_frames(reader: str, seed: int, conversations: list[Any]) -> None:
    assert fuzz(reader, conversations, 25_000, f"soak {seed}")["refused"] > 1_000


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=9)
    | st.binary(max_size=9),
    lambda within: st.lists(within, max_size=4) | st.dictionaries(st.text(max_size=6), within, max_size=4),
    max_leaves=12,
)
KINDS = [kind.type for kind in (*m.WORKER_MESSAGES, *m.HOST_MESSAGES)]
NAMES = ["cell", "calls", "items", "entries", "texts", "ping", "code", "message", "stack", "line", "abortable", "more"]
FIELDS = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS) | VALUES},
    optional=dict.fromkeys(NAMES, VALUES),
)
PAYLOADS = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from(FRAGMENTS), max_size=4).map(b"".join),
    FIELDS.map(msgpack.packb),
)


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=500, deadline=None)
@given(payload=PAYLOADS)
def test_a_payload_of_any_kind_is_a_message_or_a_fault(reader: str, payload: bytes) -> None:
    said, fault = None, ""
    try:
        said = READERS[reader](payload)
    except RemoteProtocolError as error:
        fault = str(error)
    kinds = m.WORKER_MESSAGES if reader == "host" else m.HOST_MESSAGES
    assert type(said) in kinds or 0 < len(fault) < MOST_CHARACTERS


@settings(max_examples=500, deadline=None)
@given(stream=st.binary(max_size=80), cuts=st.lists(st.integers(0, 80)))
def test_a_stream_gives_the_same_frames_and_the_same_fault_however_it_was_split(stream: bytes, cuts: list[int]) -> None:
    def payloads(pieces: list[bytes]) -> list[bytes | str]:
        decoder, found = FrameDecoder(30), list[bytes | str]()
        try:
            for piece in pieces:
                found += decoder.receive_data(piece)
            decoder.receive_eof()
        except RemoteProtocolError as fault:
            found.append(str(fault))
        return found

    edges = sorted({0, *(cut for cut in cuts if cut < len(stream)), len(stream)})
    assert payloads([stream[a:b] for a, b in itertools.pairwise(edges)]) == payloads([stream])


# ── what is meant to take memory ──────────────────────────────────────────────────────────────────────────────

GREATEST = MAX_FRAME_BYTES


def notes(texts: bytes) -> bytes:
    return b"\x83\xa4type\xa5notes\xa4cell\x01\xa5texts" + texts


def array(count: int, elements: bytes) -> bytes:
    return b"\xdd" + count.to_bytes(4, "big") + elements


def long(announced: bytes, content: bytes) -> bytes:
    """Notes of one value, as long as a frame."""
    return notes(b"\x91" + announced[:1] + (GREATEST - 40).to_bytes(4, "big") + announced[1:] + content)


def many_keys() -> bytes:
    return b"".join(b"\xce" + key.to_bytes(4, "big") + b"\xc0" for key in range(1_000_000))


TIMESTAMP = b"\xd6\xff\0\0\0\1"
BOMBS: dict[str, Callable[[], bytes]] = {
    "arrays that announce 2^32 elements": lambda: b"\x82\xa4type\xa5calls\xa5calls" + b"\xdd\xff\xff\xff\xff" * 100_000,
    "maps that announce 2^32 entries": lambda: b"\xdf\xff\xff\xff\xff" * 100_000,
    "nested arrays that announce what could be": lambda: array(65_000, b"\xdc\xff\xff" * 20_000),
    "a frame of empty maps": lambda: notes(array(GREATEST - 40, b"\x80" * (GREATEST - 40))),
    "a frame of nothing but zeros": lambda: notes(array(GREATEST - 40, bytes(GREATEST - 40))),
    "a million texts": lambda: encode(m.Notes(1, ("ab",) * 1_000_000)),
    "a hundred thousand calls": lambda: encode(m.Calls(1, tuple((call, "t", "{}") for call in range(1, 100_000)))),
    "as many calls as may be": lambda: encode(m.Calls(1, tuple((call, "t", "{}") for call in range(1, 30_000)))),
    "a deep nest": lambda: b"\x91" * 1_000_000 + b"\xc0",
    "a nest as long as a frame": lambda: b"\x91" * (GREATEST - 1) + b"\xc0",
    "a deep nest of maps": lambda: b"\x81\xa1a" * 1_000_000 + b"\xc0",
    "a text as long as a frame": lambda: long(b"\xdb", b"x" * (GREATEST - 40)),
    "a text that is no UTF-8 at its end": lambda: long(b"\xdb", b"x" * (GREATEST - 41) + b"\xff"),
    "bytes as long as a frame": lambda: long(b"\xc6", bytes(GREATEST - 40)),
    "an extension as long as a frame": lambda: long(b"\xc9\x05", bytes(GREATEST - 40)),
    "half a million timestamps": lambda: notes(array(500_000, TIMESTAMP * 500_000)),
    "as many timestamps as may be": lambda: notes(array(100_000, TIMESTAMP * 100_000)),
    "a map of a million keys": lambda: b"\xdf\x00\x0f\x42\x40" + many_keys(),
    "the same key a million times": lambda: b"\xdf\x00\x0f\x42\x40" + b"\xa1a\xc0" * 1_000_000,
    "a million cancels of no call": lambda: encode(m.Cancels(1, tuple(range(1_000_000)))),
}


# What may be said, and what is found wrong only when it is made a text: one emoji makes four bytes of each character.
TEXTS: dict[str, Callable[[], bytes]] = {
    "the longest text": lambda: encode(m.Notes(1, ("x" * (MAX_CHARACTERS - 40),))),
    "the longest text, with one emoji": lambda: encode(m.Notes(1, ("x" * (MAX_CHARACTERS - 40) + "😀",))),
    "the longest text of emoji": lambda: encode(m.Notes(1, ("😀" * (GREATEST // 4 - 20),))),
    "the longest text, which is no UTF-8 at its end": lambda: (
        encode(m.Notes(1, ("x" * (MAX_CHARACTERS - 40),)))[:-1] + b"\xff"
    ),
    "many long texts, each with one emoji": lambda: encode(m.Notes(1, ("x" * (MIB - 40) + "😀",) * 24)),
}
MOST_OF_TEXTS = 160 * MIB


def conversation_at(reader: str) -> Connection:
    """An end that hears of a running cell."""
    start = m.Start(1, "cell-1.js", "x", "javascript", (), {}, 1024, 1)
    connection = Connection("host" if reader == "host" else "worker", READERS[reader])
    if reader == "host":
        for hello in (m.Hello(1, "V8", 7, {}), m.Ready()):
            assert [*connection.receive_data(encode_frame(encode(hello)))] == [hello]
        connection.send(start)
    return connection


def in_reads(frame: bytes) -> Iterator[bytes]:
    return (frame[at : at + 65536] for at in range(0, len(frame), 65536))


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_takes_little_more_than_its_bytes(bomb: str) -> None:
    """It is refused from the bytes as they came."""
    frame, seen = encode_frame(BOMBS[bomb]()), Counter[str]()
    connection = conversation_at("host")
    tracemalloc.start()
    try:
        for piece in in_reads(frame):
            if not read(connection, piece, seen):
                break
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen == {"refused": 1}
    assert peak_bytes < len(frame) + 16 * MIB


MEASURE = """
import os, resource, runpy, sys
names = runpy.run_path(sys.argv[1])
for bomb, make in {**names["BOMBS"], **names["TEXTS"]}.items():
    frame = names["encode_frame"](make())
    if os.fork() == 0:
        connection = names["conversation_at"]("host")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        all(names["read"](connection, piece, names["Counter"]()) for piece in names["in_reads"](frame))
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print((most - before) * 1024, len(frame), bomb, flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, bomb
"""


@pytest.mark.skipif(sys.platform != "linux", reason="where ru_maxrss is in KiB, and a fork begins at what it has")
def test_a_bomb_takes_no_memory_that_python_does_not_know_of() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, __file__], stdout=subprocess.PIPE, check=True, text=True, timeout=120
    )
    lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
    taken = {bomb: (int(most), int(size)) for most, size, bomb in lines}
    assert taken.keys() == {*BOMBS, *TEXTS}
    # The C library keeps what a buffer has grown out of, and gives it back when it is asked (`codemode.host.memory`).
    assert [bomb for bomb in BOMBS if taken[bomb][0] > 2 * taken[bomb][1] + 16 * MIB] == []
    assert [text for text in TEXTS if taken[text][0] > MOST_OF_TEXTS] == []
