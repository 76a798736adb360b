"""The heartbeat of a worker, in virtual time: who is silent is ended, who is only slow is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio
import trio.testing

from codemode.host.patience import HEARTBEAT_S
from codemode.host.worker_handle import (
    BUSY_PAUSE_S,
    PARKED_PAUSE_S,
    SEND_BYTES,
    Death,
    WorkerHandle,
    until_ready,
)
from codemode.testing.fake_worker import FakeLauncher, FakeProcess, FakeWorker
from codemode.wire import messages as m

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
SILENT = "the worker left a ping unanswered for 2 s and was ended"


class Cell:
    """A listener that notes when its worker died, and how."""

    is_full = False

    def __init__(self) -> None:
        self.died: tuple[float, Death] | None = None

    def receive(self, message: m.Message) -> None:
        """Nothing of it matters here."""

    async def until_room(self) -> None:
        """There always is."""

    def worker_died(self, death: Death) -> None:
        self.died = (trio.current_time(), death)


async def healthy(worker: FakeWorker) -> None:
    await worker.stand_ready()
    while (message := await worker.hear()) is not None:
        if isinstance(message, m.Ping):
            await worker.say(m.Pong(message.ping))


@asynccontextmanager
async def a_worker(
    play: Callable[[FakeWorker], Awaitable[None]] = healthy,
) -> AsyncIterator[tuple[FakeProcess, WorkerHandle]]:
    launcher = FakeLauncher(play)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(launcher.run)
        handle = WorkerHandle(await launcher.launch())
        nursery.start_soon(handle.run)
        await until_ready(handle)
        yield launcher.processes[0], handle
        nursery.cancel_scope.cancel()


async def test_a_worker_that_answers_lives_for_ever_parked_and_busy(autojump_clock: trio.testing.MockClock) -> None:
    async with a_worker() as (process, handle):
        await trio.sleep(600)
        handle.start(START, Cell())
        await trio.sleep(600)
        assert (handle.is_ending, process.kills) == (False, 0)


async def test_a_worker_that_stops_under_its_cell_is_ended_after_its_heartbeat(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with a_worker() as (process, handle):
        cell = Cell()
        handle.start(START, cell)
        process.stop()
        began_s = trio.current_time()
        await trio.sleep(10)

        assert cell.died is not None
        assert HEARTBEAT_S <= cell.died[0] - began_s <= HEARTBEAT_S + BUSY_PAUSE_S + 0.01
        assert str(cell.died[1]) == SILENT
        assert handle.has_crashed


async def test_a_parked_worker_that_stops_is_ended_too(autojump_clock: trio.testing.MockClock) -> None:
    async with a_worker() as (process, handle):
        process.stop()
        await trio.sleep(PARKED_PAUSE_S + HEARTBEAT_S + 0.01)
        assert handle.death is not None
        assert str(handle.death) == SILENT


async def test_a_worker_that_stops_does_not_prove_fit_and_is_ended(autojump_clock: trio.testing.MockClock) -> None:
    async with a_worker() as (process, handle):
        assert await handle.prove_fit(0.5)
        process.stop()
        began_s = trio.current_time()
        assert not await handle.prove_fit(0.5)
        assert trio.current_time() - began_s == 0.5
        await trio.testing.wait_all_tasks_blocked()
        assert handle.has_crashed


async def test_a_host_that_is_held_up_itself_ends_no_worker_for_it(autojump_clock: trio.testing.MockClock) -> None:
    async with a_worker() as (process, handle):
        handle.start(START, Cell())
        for _ in range(20):
            await trio.sleep(0.3)
            autojump_clock.jump(30)  # as a tool that computes in the host's own thread makes it miss
        await trio.sleep(10)
        assert (handle.is_ending, process.kills) == (False, 0)


async def test_a_worker_that_reads_slowly_what_stands_before_the_ping_lives(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def slow_reader(worker: FakeWorker) -> None:
        await worker.stand_ready()
        assert isinstance(await worker.hear(), m.Start)
        await worker.say(m.Calls(1, ((1, "big", "{}"),)))
        while data := await worker.process.read():
            for message in worker.connection.receive_data(data):
                if isinstance(message, m.Ping):
                    await worker.say(m.Pong(message.ping))
            await trio.sleep(1)  # 64 KiB a second

    async with a_worker(slow_reader) as (process, handle):
        handle.start(START, Cell())
        await trio.sleep(0.1)
        handle.answer(1, "ok", '"' + "x" * (40 * SEND_BYTES) + '"')
        await trio.sleep(60)
        assert (handle.is_ending, process.kills) == (False, 0)


async def test_a_worker_that_talks_but_answers_no_ping_is_ended(autojump_clock: trio.testing.MockClock) -> None:
    async def chatterer(worker: FakeWorker) -> None:
        await worker.stand_ready()
        await worker.hear()
        while True:
            await worker.say(m.Output(1, (("text", "still here"),)))
            await trio.sleep(0.1)

    async with a_worker(chatterer) as (_, handle):
        cell = Cell()
        handle.start(START, cell)
        await trio.sleep(HEARTBEAT_S + BUSY_PAUSE_S + 0.1)
        assert cell.died is not None
        assert str(cell.died[1]) == SILENT


async def test_a_host_that_is_slow_to_read_a_long_message_does_not_take_its_worker_for_silent(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def long_winded(worker: FakeWorker) -> None:
        await worker.stand_ready()
        await worker.hear()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker.say, m.Output(1, (("text", "x" * 15_000_000),)))
            while (message := await worker.hear()) is not None:
                if isinstance(message, m.Ping):
                    nursery.start_soon(worker.say, m.Pong(message.ping))

    async with a_worker(long_winded) as (process, handle):
        receive = process.receive

        async def receive_slowly() -> bytes:
            await trio.sleep(0.02)
            return await receive()

        process.receive = receive_slowly  # type: ignore[method-assign]
        handle.start(START, Cell())
        await trio.sleep(60)
        assert (handle.is_ending, process.kills) == (False, 0)
