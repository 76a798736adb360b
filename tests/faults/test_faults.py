"""What a fault does to the bytes between a host and a worker, and what it leaves alone."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
import trio
import trio.testing

from codemode.errors import RemoteProtocolError
from codemode.host.launcher import LaunchStatistics
from codemode.host.process import WorkerProcess
from codemode.testing.faults import Fault, FaultyLauncher, FaultyProcess, Injection, Point
from codemode.wire import messages as m
from codemode.wire.codec import encode
from codemode.wire.frames import FrameDecoder, encode_frame
from codemode.wire.validation import StrictDecoder


def frame(message: m.Message) -> bytes:
    return encode_frame(encode(message))


HELLO = frame(m.Hello(m.PROTOCOL_VERSION, "none", 1, {}))
READY = frame(m.Ready())
FIRST, SECOND = (frame(m.Output(1, (("text", text),))) for text in ("first", "second"))
PING = frame(m.Ping(1))
ANSWERS = frame(m.Answers(1, ((1, "ok", "1"),)))


class Bytes:
    """A process that says these bytes, piece by piece, then waits until it is killed; it remembers what it is told."""

    def __init__(self, *said: bytes) -> None:
        self.pid = 0
        self.told = b""
        self._said = deque(said)
        self._killed = trio.Event()

    async def receive(self) -> bytes:
        if not self._said:
            await self._killed.wait()
            return b""
        await trio.lowlevel.checkpoint()
        return self._said.popleft()

    async def receive_stderr(self) -> bytes:
        return b""

    async def send(self, data: bytes | memoryview) -> bool:
        await trio.lowlevel.checkpoint()
        self.told += bytes(data)
        return True

    def has_exited(self) -> bool:
        return False

    def resident_bytes(self) -> int:
        return 0

    def kill(self) -> None:
        self._killed.set()

    async def wait(self) -> int | None:
        await self._killed.wait()
        return None

    def close(self) -> None:
        pass


class Given:
    """A launcher of these processes, one after another."""

    def __init__(self, *processes: Bytes) -> None:
        self._processes = deque(processes)

    async def run(self) -> None:
        pass

    async def launch(self) -> WorkerProcess:
        return self._processes.popleft()

    def statistics(self) -> LaunchStatistics:
        return LaunchStatistics()


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The signals that faults send, in place of sending them."""
    sent: list[str] = []
    monkeypatch.setattr("codemode.testing.faults.signal_process", lambda pid, number: sent.append(number.name))
    return sent


async def befallen(process: Bytes, *plan: Injection) -> Any:
    return await FaultyLauncher(Given(process), plan).launch()


async def heard(process: FaultyProcess) -> tuple[bytes, bool]:
    """What arrives, until its end or until nothing comes any more, and whether that was its end."""
    data = b""
    with trio.move_on_after(1):
        while some := await process.receive():
            data += some
        return data, True
    return data, False


def pieces(data: bytes) -> list[bytes]:
    return [data[place : place + 1] for place in range(len(data))]


def said(kind: str, *, nth: int = 1, when: Any = "before") -> Point:
    return Point("said", kind, nth, when)


@pytest.mark.parametrize("cut", [lambda data: [data], pieces], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(
    ("fault", "point", "expected", "has_ended", "sent"),
    [
        (Fault.KILL, said("output"), HELLO + READY, False, ["SIGKILL"]),
        (Fault.KILL, said("output", when="after"), HELLO + READY + FIRST, False, ["SIGKILL"]),
        (Fault.TRAP, said("output", nth=2), HELLO + READY + FIRST, False, ["SIGTRAP"]),
        (Fault.STOP, said("hello"), b"", False, ["SIGSTOP"]),
        (Fault.CLOSE, said("ready"), HELLO, True, []),
        (Fault.CLOSE, said("output", nth=2, when="after"), HELLO + READY + FIRST + SECOND, True, []),
        (Fault.FULL, said("ready"), HELLO + READY + FIRST + SECOND, False, []),
        (Fault.TRUNCATE, said("output"), HELLO + READY + FIRST[: len(FIRST) // 2], True, []),
        (Fault.TRUNCATE, said("output", when="after"), HELLO + READY + FIRST + b"\0\0", True, []),
    ],
)
async def test_all_before_the_point_arrives_and_nothing_of_what_the_fault_takes_away(
    autojump_clock: Any,
    signals: list[str],
    *,
    cut: Any,
    fault: Fault,
    point: Point,
    expected: bytes,
    has_ended: bool,
    sent: list[str],
) -> None:
    process = await befallen(Bytes(*cut(HELLO + READY + FIRST + SECOND)), Injection(fault, point))

    assert await heard(process) == (expected, has_ended)
    assert signals == sent
    assert process.struck.is_set()


@pytest.mark.parametrize("cut", [lambda data: [data], pieces], ids=["whole", "byte by byte"])
async def test_garbage_stands_in_the_place_of_a_frame_and_the_rest_follows(autojump_clock: Any, *, cut: Any) -> None:
    process = await befallen(Bytes(*cut(HELLO + FIRST + SECOND)), Injection(Fault.GARBAGE, said("output")))
    data, _ = await heard(process)
    hello, garbage, second = FrameDecoder().receive_data(data)

    assert (hello, second) == (HELLO[4:], SECOND[4:])
    assert len(garbage) >= len(FIRST) - 4
    with pytest.raises(RemoteProtocolError):
        StrictDecoder()(garbage)


async def test_noise_is_no_frame_and_the_same_for_the_same_seed(autojump_clock: Any) -> None:
    runs = [await heard(await befallen(Bytes(HELLO, FIRST), Injection(Fault.NOISE, said("output")))) for _ in range(2)]

    assert runs[0] == runs[1]
    assert runs[0][0].startswith(HELLO)
    assert FIRST not in runs[0][0]


@pytest.mark.parametrize(
    ("fault", "when", "told", "taken"),
    [
        (Fault.KILL, "before", PING + ANSWERS + PING, [True, True, True]),
        (Fault.CLOSE, "before", PING, [True, False, False]),
        (Fault.CLOSE, "after", PING + ANSWERS, [True, False, False]),
        (Fault.TRUNCATE, "before", PING + ANSWERS[: len(ANSWERS) // 2], [True, False, False]),
        (Fault.FULL, "before", PING, [True, None, None]),
        (Fault.FULL, "after", PING + ANSWERS, [True, None, None]),
    ],
)
async def test_what_is_told_is_taken_up_to_the_point(
    autojump_clock: Any, signals: list[str], *, fault: Fault, when: Any, told: bytes, taken: list[bool | None]
) -> None:
    worker = Bytes()
    process = await befallen(worker, Injection(fault, Point("told", "answers", 1, when)))
    found: list[bool | None] = []
    for data in (PING, ANSWERS, PING):
        with trio.move_on_after(1):
            found.append(await process.send(data))
            continue
        found.append(None)

    assert worker.told == told
    assert found == taken


async def test_a_full_pipe_is_broken_once_the_process_has_ended(autojump_clock: Any) -> None:
    worker = Bytes()
    process = await befallen(worker, Injection(Fault.FULL))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(process.receive)
        nursery.start_soon(process.wait)
        await trio.testing.wait_all_tasks_blocked()
        process.kill()
        assert await process.send(PING) is False
        assert worker.told == b""


@pytest.mark.parametrize(
    ("fault", "expected", "has_ended"),
    [(Fault.CLOSE, b"", True), (Fault.TRUNCATE, b"\0\0", True), (Fault.STOP, b"", False)],
)
async def test_a_strike_reaches_a_reader_who_waits(
    autojump_clock: Any, signals: list[str], *, fault: Fault, expected: bytes, has_ended: bool
) -> None:
    process = await befallen(Bytes())
    found: list[Any] = []

    async def hear() -> None:
        found.append(await heard(process))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear)
        await trio.testing.wait_all_tasks_blocked()
        process.strike(fault)

    assert found == [(expected, has_ended)]


async def test_each_injection_befalls_one_worker_and_each_worker_one(autojump_clock: Any, signals: list[str]) -> None:
    closes = Injection(Fault.CLOSE, said("output"))
    processes = [Bytes(HELLO, FIRST) for _ in range(4)]
    launcher = FaultyLauncher(Given(*processes), [Injection(Fault.CLOSE), closes, closes])
    found = [await heard(await launcher.launch()) for _ in processes]  # type: ignore[arg-type]

    assert found == [(b"", True), (HELLO, True), (HELLO, True), (HELLO + FIRST, False)]
    assert launcher.struck == launcher.processes[:3]


def test_a_point_that_never_comes_is_refused() -> None:
    with pytest.raises(ValueError, match="'start' is never said; there are hello, ready"):
        Point("said", "start")
    with pytest.raises(ValueError, match="nth counts from 1"):
        Point("said", "hello", 0)
