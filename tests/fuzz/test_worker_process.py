"""Hostile bytes to a real worker: it trusts its host, but ends with a reason where that makes no sense."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgpack
import pytest
import trio

import codemode
from codemode.errors import RemoteProtocolError
from codemode.host.launcher import Launcher
from codemode.host.process import Tail, WorkerProcess
from codemode.testing.mutation import Mutator
from codemode.wire import messages as m
from codemode.wire.codec import Decoder, encode
from codemode.wire.frames import FrameDecoder, encode_frame

pytestmark = pytest.mark.usefixtures("nothing_is_left")

ANSWER_S = 20.0
"""Generous: for what must answer at all."""
SPINNING = "tools.never(); for (;;) {}"


def frame(message: m.Message) -> bytes:
    return encode_frame(encode(message))


class Hearer:
    """A real worker, and what it says."""

    def __init__(self, process: WorkerProcess) -> None:
        self.process = process
        self._frames, self._decode = FrameDecoder(), Decoder(m.WORKER_MESSAGES)
        self.stderr = Tail()

    async def until(self, *kinds: type[m.Message]) -> bool:
        """Whether it says a message of these kinds. If not, it has ended."""
        while data := await self.process.receive():
            if any(type(message) in kinds for message in map(self._decode, self._frames.receive_data(data))):
                return True
        return False

    async def end(self) -> tuple[int | None, str]:
        """Its exit status and stderr, once it has ended by itself."""
        status = await self.process.wait()
        while data := await self.process.receive_stderr():
            self.stderr.add(data)
        return status, str(self.stderr)


@pytest.fixture
async def launch(launcher: Callable[[codemode.Limits], Launcher]) -> AsyncIterator[Callable[..., Any]]:
    """Opens a worker that stands ready."""
    source = launcher(codemode.Limits())

    @contextlib.asynccontextmanager
    async def launched() -> AsyncIterator[Hearer]:
        hearer = Hearer(await source.launch())
        try:
            with trio.fail_after(ANSWER_S):
                assert await hearer.until(m.Ready)
                yield hearer
        finally:
            hearer.process.kill()
            with trio.CancelScope(shield=True):
                await hearer.process.wait()
            hearer.process.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(source.run)
        yield launched
        nursery.cancel_scope.cancel()


def fault_in(data: bytes) -> str | None:
    """What is wrong with the first of these frames that is no message; None where they all are, as far as they go."""
    decode = Decoder(m.HOST_MESSAGES)
    try:
        for payload in FrameDecoder().receive_data(data):
            decode(payload)
    except RemoteProtocolError as fault:
        return str(fault)
    return None


def hosts_frames(conversation: Sequence[tuple[str, m.Message]]) -> list[bytes]:
    return [frame(message) for role, message in conversation if role == "host"]


async def test_a_worker_ends_with_a_reason_at_what_is_no_message(launch: Any, conversations: list[Any]) -> None:
    mutator, seen = Mutator("worker"), Counter[str]()
    hosts = itertools.cycle([frames for conversation in conversations if (frames := hosts_frames(conversation))])
    while seen["ended"] < 30:
        data = b"".join(mutator.frames(next(hosts)))
        fault = fault_in(data)
        if fault is None:
            seen["fine"] += 1
            continue
        async with launch() as hearer:
            for piece in mutator.pieces(data):
                await hearer.process.send(piece)
            while await hearer.process.receive():
                pass
            status, stderr = await hearer.end()
        # What stands before the fault may have ended it: it was refused, or it was told what may not be said then.
        assert status in (0, 70), (data[:200], stderr)
        if status == 70:
            seen["ended"] += 1
            assert "Error" in stderr.splitlines()[-1], stderr
            seen["as foreseen"] += fault[:100] in stderr
    assert seen["as foreseen"] > 15, seen


async def test_a_worker_answers_or_ends_at_what_has_the_form_of_a_message(launch: Any) -> None:
    good = {"type": "start", "cell": 1, "name": "cell-1.js", "source": "text(1)", "language": "javascript", "tools": [],
            "stored": {}, "max_calls_in_flight": 4, "max_store_bytes": 100}  # fmt: skip
    strange: list[Any] = [None, -1, 2**63, 1.5, "x" * 100_000, "\0", [], {}, [[]], [["a"]], {"a": 1}, True]
    trials = [(field, value) for field in good if field != "type" for value in strange]
    for field, value in trials[::3]:
        async with launch() as hearer:
            await hearer.process.send(encode_frame(msgpack.packb(good | {field: value})))
            if not await hearer.until(m.Completed, m.Failed):
                status, stderr = await hearer.end()
                assert (status, "Error" in stderr) == (70, True), (field, value, stderr)


async def test_a_worker_whose_script_spins_ends_with_a_reason_too(launch: Any) -> None:
    tools = (("never", "tools.js", "never", "", False, ""),)
    spinning = m.Start(1, "cell-1.js", SPINNING, "javascript", tools, {}, 4, 100)
    for hostile in (
        b"\xff\xff\xff\xff",
        bytes(4),
        frame(m.Refused((1,))),
        encode_frame(b"\xc1"),
        frame(m.Answers(9, ())),
    ):
        async with launch() as hearer:
            await hearer.process.send(frame(spinning))
            assert await hearer.until(m.Calls)
            await hearer.process.send(hostile)
            assert not await hearer.until(m.Completed)
            status, stderr = await hearer.end()
        assert (status, "RemoteProtocolError" in stderr) == (70, True), (hostile, status, stderr)
