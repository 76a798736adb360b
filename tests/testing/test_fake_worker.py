"""The worker without V8: its pipes, its death, and what a test does with its frames."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

import pytest
import trio
import trio.testing

import codemode
from codemode.errors import LocalProtocolError, RemoteProtocolError, WorkerUnavailable
from codemode.host.worker_handle import Death, WorkerHandle, until_ready
from codemode.testing.fake_worker import (
    HEALTHY,
    HELLO,
    KILLED,
    LIES,
    FakeLauncher,
    FakePipe,
    FakeProcess,
    FakeWorker,
    Fate,
    ScriptedWorker,
    frame_of,
)
from codemode.wire import messages as m
from codemode.wire.connection import Connection
from codemode.wire.validation import StrictDecoder

START = m.Start(1, "cell-1.js", "", "javascript", (("answer", "tools.js", "answer", "", False, ""),), {}, 4, 100)


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


@asynccontextmanager
async def handled() -> AsyncIterator[tuple[FakeWorker, WorkerHandle]]:
    """A fake worker that stands ready, and the host's handle of it."""
    worker = FakeWorker(FakeProcess())
    handle = WorkerHandle(worker.process)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(handle.run)
        await worker.stand_ready()
        await until_ready(handle)
        yield worker, handle
        nursery.cancel_scope.cancel()


# ── the pipe ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pipe_gives_its_bytes_in_order_and_then_its_end() -> None:
    pipe = FakePipe(capacity=4)
    assert pipe.take() is None
    assert pipe.put(b"abcdef") == 4
    assert (pipe.take(1), pipe.put(b"ef"), len(pipe)) == (b"a", 1, 4)
    pipe.close_writer()
    assert [pipe.take(), pipe.take()] == [b"bcde", b""]


async def test_a_full_pipe_makes_the_host_wait() -> None:
    process = FakeProcess(pipe_bytes=3)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(process.send, b"abcdef")
        await trio.testing.wait_all_tasks_blocked()
        assert len(process.inbound) == 3
        assert [await process.read(), await process.read()] == [b"abc", b"def"]


async def test_the_host_is_told_when_nobody_reads() -> None:
    process = FakeProcess(pipe_bytes=3)
    async with trio.open_nursery() as nursery:
        sent: list[bool] = []

        async def send() -> None:
            sent.append(await process.send(b"abcdef"))

        nursery.start_soon(send)
        await trio.testing.wait_all_tasks_blocked()
        process.exit(1)
    assert (sent, await process.send(b"more")) == ([False], False)


# ── its life and death ────────────────────────────────────────────────────────────────────────────────────────


async def test_what_a_dead_process_wrote_can_still_be_read() -> None:
    process = FakeProcess()
    await process.write(b"last words")
    process.write_stderr("why")
    process.kill()
    assert [await process.receive(), await process.receive()] == [b"last words", b""]
    assert [await process.receive_stderr(), await process.receive_stderr()] == [b"why", b""]
    assert (await process.wait(), process.has_exited(), process.kills) == (KILLED, True, 1)
    with pytest.raises(trio.BrokenResourceError):
        await process.write(b"from beyond")


async def test_the_first_end_of_a_process_is_its_end() -> None:
    process = FakeProcess()
    process.exit(70)
    process.kill()
    assert await process.wait() == 70


async def test_a_status_can_be_unknown_and_late(autojump_clock: trio.testing.MockClock) -> None:
    process = FakeProcess()
    process.is_status_known, process.reap_s = False, 3.0
    process.kill()
    began_s = trio.current_time()
    assert await process.wait() is None
    assert trio.current_time() - began_s == pytest.approx(3.0)


async def test_a_stopped_process_neither_reads_nor_writes_until_it_is_resumed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    worker = FakeWorker(FakeProcess())
    worker.process.stop()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker.stand_ready)
        await trio.testing.wait_all_tasks_blocked()
        assert len(worker.process.outbound) == 0
        worker.process.resume()
        await trio.testing.wait_all_tasks_blocked()
        assert len(worker.process.outbound) > 0


async def test_a_stopped_process_can_be_killed() -> None:
    process = FakeProcess()
    process.stop()
    process.kill()
    assert await process.wait() == KILLED
    with pytest.raises(trio.BrokenResourceError):
        await process.read()


async def test_a_process_can_close_its_pipes_and_live_on() -> None:
    process = FakeProcess()
    process.close_pipes(inbound=False)
    assert await process.receive() == b""
    assert await process.send(b"x")
    process.close_pipes()
    assert not await process.send(b"x")
    assert not process.has_exited()


async def test_what_is_asked_of_a_closed_process_is_a_misuse() -> None:
    process = FakeProcess()
    process.exit(0)
    process.close()
    process.kill()
    assert (process.misuses, process.closes) == (["kill after close"], 1)


# ── its words ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_test_hears_what_the_host_says_and_says_what_it_likes() -> None:
    async with handled() as (worker, handle):
        heard = Heard()
        handle.start(START, heard)
        assert await worker.hear() == START
        await worker.say(m.Calls(1, ((1, "answer", "{}"),)))
        await trio.testing.wait_all_tasks_blocked()
        handle.answer(1, "ok", "42")
        assert await worker.hear() == m.Answers(1, ((1, "ok", "42"),))
        await worker.say(m.Completed(1))
        await trio.testing.wait_all_tasks_blocked()
        assert heard.messages == [m.Calls(1, ((1, "answer", "{}"),)), m.Completed(1)]


async def test_held_frames_go_one_by_one() -> None:
    async with handled() as (worker, handle):
        heard = Heard()
        handle.start(START, heard)
        await worker.hear()
        worker.hold()
        await worker.say(m.Yielded(1), m.Output(1, (("text", "a"),)))
        await worker.say(m.Completed(1))
        await trio.testing.wait_all_tasks_blocked()
        assert (heard.messages, worker.held) == ([], 3)
        await worker.let_go(1)
        await trio.testing.wait_all_tasks_blocked()
        assert heard.messages == [m.Yielded(1)]
        await worker.let_go()
        await worker.say(m.Ready())
        await trio.testing.wait_all_tasks_blocked()
        assert heard.messages == [m.Yielded(1), m.Output(1, (("text", "a"),)), m.Completed(1)]
        assert handle.is_ready


async def test_a_fake_worker_keeps_the_rules_unless_it_is_to_lie() -> None:
    async with handled() as (worker, handle):
        with pytest.raises(LocalProtocolError):
            await worker.say(m.Completed(1))
        await worker.say_bytes(frame_of(m.Completed(1)))
        await trio.testing.wait_all_tasks_blocked()
        assert handle.death is not None
        assert "broke the protocol" in str(handle.death)


async def test_hearing_ends_when_the_host_closes() -> None:
    async with handled() as (worker, _):
        worker.process.close()
        assert await worker.hear() is None


# ── its launcher ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_whole_service_runs_on_played_workers(autojump_clock: trio.testing.MockClock) -> None:
    async def play(worker: FakeWorker) -> None:
        await worker.stand_ready()
        start = await worker.hear()
        assert isinstance(start, m.Start)
        await worker.say(m.Output(start.cell, (("text", start.source),)), m.Completed(start.cell))

    launcher = FakeLauncher(play)
    async with (
        codemode.open_service(spares=0, launcher=lambda _: launcher) as service,
        service.open_session() as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run("echo")
    assert (outcome.status, outcome.text) == ("completed", "echo")
    assert [(process.exit_status, process.waits, process.closes) for process in launcher.processes] == [(0, 1, 1)]


async def test_a_launch_can_fail(autojump_clock: trio.testing.MockClock) -> None:
    async def refuse() -> FakeProcess:
        raise WorkerUnavailable("full")

    async def play(worker: FakeWorker) -> None:
        raise AssertionError

    async with (
        codemode.open_service(spares=0, launcher=lambda _: FakeLauncher(play, refuse)) as service,
        service.open_session() as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run("")
    assert outcome.error is not None
    assert outcome.error.code == "worker_unavailable"


async def test_a_process_can_outlive_its_kill_for_a_while(autojump_clock: trio.testing.MockClock) -> None:
    async def play(worker: FakeWorker) -> None:
        await trio.sleep_forever()

    launcher = FakeLauncher(play)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(launcher.run)
        await launcher.launch()
        (process,) = launcher.processes
        process.death_s = 3.0
        process.kill()
        assert not process.has_exited()
        began_s = trio.current_time()
        assert await process.wait() == KILLED
        assert trio.current_time() - began_s == pytest.approx(3.0)
        nursery.cancel_scope.cancel()


# ── the one that plays scripts ────────────────────────────────────────────────────────────────────────────────


async def talk(source: str, fate: Fate | None = None, seed: int = 0) -> tuple[ScriptedWorker, list[m.Message], str]:
    """What a scripted worker says when every call is answered; and the fault that ended it, if one did."""
    process = FakeProcess()
    player = ScriptedWorker(FakeWorker(process), Random(seed), fate)
    host = Connection("host", StrictDecoder())
    said: list[m.Message] = []
    fault = ""

    async def play() -> None:
        with trio.move_on_after(200):
            try:
                await player.run()
            except* trio.BrokenResourceError:
                pass
        process.exit(0)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        while not fault and (data := await process.receive()):
            try:
                for message in host.receive_data(data):
                    said.append(message)
                    match message:
                        case m.Ready() if len(said) == 2:
                            await process.send(host.send(m.Ping(0)) + host.send(replace(START, source=source)))
                        case m.Calls(calls=calls):
                            await process.send(host.send(m.Answers(1, tuple((call, "ok", "42") for call, *_ in calls))))
            except RemoteProtocolError as error:
                fault = str(error)
                process.kill()
    return player, said, fault


async def test_a_healthy_script_makes_a_call_and_completes(autojump_clock: trio.testing.MockClock) -> None:
    _, said, _ = await talk(f"any {HEALTHY}")
    assert said == [
        HELLO,
        m.Ready(),
        m.Pong(0),
        m.Calls(1, ((1, "answer", "{}"),)),
        m.Output(1, (("text", HEALTHY),)),
        m.Completed(1),
        m.Ready(),
    ]


@pytest.mark.parametrize("source", [str(n) for n in range(40)])
async def test_without_a_fate_it_keeps_every_rule(autojump_clock: trio.testing.MockClock, source: str) -> None:
    player, _, fault = await talk(source)
    assert (fault, player.met, player.lie) == ("", None, None)


async def test_one_source_is_one_script(autojump_clock: trio.testing.MockClock) -> None:
    assert (await talk("7", seed=1))[1] == (await talk("7", seed=2))[1]
    assert len({str((await talk(str(n)))[1]) for n in range(20)}) > 10


async def test_every_lie_is_found_out(autojump_clock: trio.testing.MockClock) -> None:
    faults: dict[str, str] = {}
    for seed in range(400):
        player, _, fault = await talk(f"any {HEALTHY}", Fate("lie", at_frame=1), seed)
        assert player.lie is not None
        faults[player.lie] = fault
    assert faults.keys() == set(LIES)
    assert all(faults.values())
