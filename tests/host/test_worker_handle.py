"""The handle against a worker that the test plays itself, over real pipes."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from codemode.errors import WorkerUnavailable
from codemode.host.process import PipedProcess, Pipes
from codemode.host.worker_handle import Death, WorkerHandle, until_ready
from codemode.wire import messages as m
from codemode.wire.codec import Decoder, encode
from codemode.wire.connection import Connection
from codemode.wire.frames import encode_frame

START = m.Start(
    cell=1,
    name="cell-1.js",
    source="",
    language="javascript",
    tools=(),
    stored={},
    max_calls_in_flight=4,
    max_store_bytes=100,
)


class PlayedWorker(PipedProcess):
    """A worker process in name only: the test reads and writes its ends of the pipes."""

    def __init__(self) -> None:
        self.pipes = Pipes()
        super().__init__(0, self.pipes)
        os.set_blocking(self.pipes.from_host, False)
        self.connection = Connection("worker", Decoder(m.HOST_MESSAGES))
        self.exit_status = -int(signal.SIGKILL)
        self.gone = trio.Event()
        self.waited = 0

    def kill(self) -> None:
        """The process ends: its ends of the pipes close."""
        self.gone.set()
        self.pipes.close_childs_ends()

    async def wait(self) -> int:
        await self.gone.wait()
        self.waited += 1
        return self.exit_status

    def say(self, *messages: m.Message) -> None:
        os.write(self.pipes.to_host, b"".join(self.connection.send(message) for message in messages))

    async def hear(self) -> list[m.Message]:
        await trio.lowlevel.wait_readable(self.pipes.from_host)
        return list(self.connection.receive_data(os.read(self.pipes.from_host, 65536)))


class Heard:
    """A listener that keeps what it hears."""

    is_full = False

    def __init__(self) -> None:
        self.messages: list[m.Message] = []
        self.deaths: list[Death] = []

    def receive(self, message: m.Message) -> None:
        self.messages.append(message)

    async def until_room(self) -> None:
        """There always is."""

    def worker_died(self, death: Death) -> None:
        self.deaths.append(death)


HELLO = m.Hello(m.PROTOCOL_VERSION, "none", 0, {})


async def stand_ready(worker: PlayedWorker, nursery: trio.Nursery) -> WorkerHandle:
    """The handle of the worker, once it stands ready."""
    handle = WorkerHandle(worker)
    nursery.start_soon(handle.run)
    await until_ready(handle)
    return handle


@asynccontextmanager
async def started() -> AsyncIterator[tuple[PlayedWorker, WorkerHandle]]:
    async with trio.open_nursery() as nursery:
        worker = PlayedWorker()
        worker.say(HELLO, m.Ready())
        handle = await stand_ready(worker, nursery)
        yield worker, handle
        nursery.cancel_scope.cancel()
    assert worker.waited == 1


async def test_a_worker_is_ready_after_hello_and_ready() -> None:
    async with started() as (_, handle):
        assert (handle.is_ready, handle.hello) == (True, HELLO)


async def test_what_the_worker_says_of_its_cell_reaches_the_listener_in_order() -> None:
    async with started() as (worker, handle):
        heard = Heard()
        handle.start(START, heard)
        assert await worker.hear() == [START]
        said = [m.Output(1, (("text", "a"),)), m.Calls(1, ((1, "echo", "{}"),)), m.Completed(1)]
        worker.say(*said)
        await trio.testing.wait_all_tasks_blocked()
        assert heard.messages == said
        assert not handle.is_ready
        worker.say(m.Ready())
        assert await handle.until_ready(5)


async def test_answers_that_are_ready_together_are_one_message() -> None:
    async with started() as (worker, handle):
        handle.start(START, Heard())
        await worker.hear()
        worker.say(m.Calls(1, ((1, "echo", "{}"), (2, "echo", "{}"))))
        await trio.testing.wait_all_tasks_blocked()
        handle.answer(2, "ok", "2")
        handle.answer(1, "error", "{}")
        assert await worker.hear() == [m.Answers(1, ((2, "ok", "2"), (1, "error", "{}")))]


async def test_what_other_cells_store_is_told_before_an_answer_that_may_rest_on_it() -> None:
    async with started() as (worker, handle):
        handle.start(START, Heard())
        await worker.hear()
        worker.say(m.Calls(1, ((1, "echo", "{}"),)))
        await trio.testing.wait_all_tasks_blocked()
        handle.tell_stored("k", "1")
        assert await worker.hear() == [m.Stored(1, "k", "1")]
        handle.tell_stored("k", "2")
        handle.tell_stored("n", "1")
        handle.tell_stored("k", None)
        handle.answer(1, "ok", "1")
        told = await worker.hear()
        while len(told) < 3:
            told += await worker.hear()
        assert told == [m.Stored(1, "k", None), m.Stored(1, "n", "1"), m.Answers(1, ((1, "ok", "1"),))]


async def test_of_what_other_cells_store_in_a_flood_a_worker_is_told_the_last() -> None:
    async with started() as (worker, handle):
        handle.start(START, Heard())
        await worker.hear()
        told: list[m.Message] = []
        with trio.fail_after(10):
            for number in range(1000):
                handle.tell_stored("k", str(number))
                if number % 100 == 0:
                    await trio.sleep(0.001)
            while told[-1:] != [m.Stored(1, "k", "999")]:
                told += await worker.hear()
        assert len(told) < 100


async def test_a_worker_that_reads_nothing_is_kept_no_more_for_than_a_store_holds() -> None:
    async with started() as (_, handle):
        handle.start(START, Heard())
        for number in range(2000):
            handle.tell_stored(f"k{number % 10}", "x" * 1000)
            if number % 100 == 0:
                await trio.testing.wait_all_tasks_blocked()
        assert len(handle._outbox._stored) <= 10
        assert len(handle._outgoing) <= 1


async def test_an_answer_to_a_cell_that_has_ended_is_dropped() -> None:
    async with started() as (worker, handle):
        handle.start(START, Heard())
        await worker.hear()
        worker.say(m.Calls(1, ((1, "echo", "{}"),)), m.Completed(1), m.Ready())
        await trio.testing.wait_all_tasks_blocked()
        handle.answer(1, "ok", "1")
        await trio.testing.wait_all_tasks_blocked()
        assert handle.is_ready
        with pytest.raises(BlockingIOError):
            os.read(worker.pipes.from_host, 1)


async def test_a_death_is_told_once_with_all_that_was_said_before() -> None:
    async with started() as (worker, handle):
        heard = Heard()
        handle.start(START, heard)
        await worker.hear()
        worker.say(m.Output(1, (("text", "last words"),)))
        os.write(worker.pipes.to_stderr, b"Fatal JavaScript out of memory: Reached heap limit")
        worker.exit_status = -int(signal.SIGTRAP)
        worker.kill()
        while handle.death is None:
            await trio.testing.wait_all_tasks_blocked(0.01)
        assert heard.messages == [m.Output(1, (("text", "last words"),))]
        assert heard.deaths == [handle.death]
        assert handle.death.of_memory
        assert str(handle.death) == "the worker was killed by SIGTRAP"


@pytest.mark.parametrize(
    "bad",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        encode_frame(b"\x93\x01\x02\x03"),
        encode_frame(encode(m.Completed(2))),
        encode_frame(encode(HELLO)),
        encode_frame(encode(m.Calls(1, ((5, "echo", "{}"), (5, "echo", "{}"))))),
        encode_frame(encode(START)),
    ],
)
async def test_a_bad_frame_ends_the_worker_and_what_came_before_it_counts(bad: bytes) -> None:
    async with started() as (worker, handle):
        heard = Heard()
        handle.start(START, heard)
        await worker.hear()
        worker.say(m.Output(1, (("text", "before"),)))
        os.write(worker.pipes.to_host, bad)
        while handle.death is None:
            await trio.testing.wait_all_tasks_blocked(0.01)
        assert worker.gone.is_set()
        assert heard.messages == [m.Output(1, (("text", "before"),))]
        assert heard.deaths == [handle.death]
        assert str(handle.death).startswith("the worker broke the protocol and was ended: ")


async def test_a_worker_that_speaks_another_version_is_told_what_is_spoken_and_ended() -> None:
    worker = PlayedWorker()
    heard: list[m.Message] = []
    async with trio.open_nursery() as nursery:
        worker.say(m.Hello(99, "none", 0, {}))

        async def listen() -> None:
            heard.extend(await worker.hear())

        nursery.start_soon(listen)
        with pytest.raises(WorkerUnavailable, match="version 99"):
            await stand_ready(worker, nursery)
    assert heard == [m.Refused((m.PROTOCOL_VERSION,))]


async def test_a_worker_that_dies_before_it_is_ready_is_unavailable_with_its_last_words() -> None:
    worker = PlayedWorker()
    async with trio.open_nursery() as nursery:
        os.write(worker.pipes.to_stderr, b"no such module")
        worker.exit_status = 1
        worker.kill()
        with pytest.raises(WorkerUnavailable) as caught:
            await stand_ready(worker, nursery)
    assert (caught.value.exit_status, caught.value.stderr) == (1, "no such module")


async def test_a_worker_that_says_nothing_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    worker = PlayedWorker()
    async with trio.open_nursery() as nursery:
        with pytest.raises(WorkerUnavailable, match="did not stand ready"):
            await stand_ready(worker, nursery)
    assert worker.gone.is_set()


async def test_a_full_pipe_to_the_worker_does_not_stop_the_reader() -> None:
    async with started() as (worker, handle):
        heard = Heard()
        handle.start(START, heard)
        await worker.hear()
        worker.say(m.Calls(1, tuple((call, "echo", "{}") for call in range(1, 5))))
        await trio.testing.wait_all_tasks_blocked()
        handle.answer(1, "ok", '"' + "x" * 1_000_000 + '"')
        await trio.testing.wait_all_tasks_blocked()
        worker.say(m.Output(1, (("text", "still heard"),)))
        await trio.testing.wait_all_tasks_blocked()
        assert heard.messages[-1] == m.Output(1, (("text", "still heard"),))
