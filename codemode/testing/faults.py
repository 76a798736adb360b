"""Faults on purpose: a launcher whose workers die, stop, fall silent or babble at a chosen point of their conversation.

It stands around any launcher and reads both directions of the wire with decoders of its own. What it does, it does to
the process or to the bytes between; neither the host nor the worker knows of it.

    plan = [Injection(Fault.STOP, Point("said", "calls"))]  # the first worker to call a tool stops instead
    async with codemode.open_service(launcher=lambda limits: FaultyLauncher(SpawnLauncher(limits), plan)) as service:
        ...
"""

from __future__ import annotations

import contextlib
import enum
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import trio

from codemode.errors import ProtocolError
from codemode.host.launcher import Launcher, LaunchStatistics
from codemode.host.process import WorkerProcess
from codemode.wire import messages as m
from codemode.wire.codec import Decoder
from codemode.wire.validation import StrictDecoder

Direction = Literal["said", "told"]
"""Whose messages: what a worker said, or what it was told."""

_LENGTH_BYTES = 4
_SOME_BYTES = 64
_BEGINNING = b"\0\0"
"""Of the length of a frame."""


class Fault(enum.Enum):
    """What goes wrong."""

    KILL = "kill"
    """The process is killed: SIGKILL."""
    TRAP = "trap"
    """The process traps, as V8 does when it runs out of memory: SIGTRAP."""
    STOP = "stop"
    """The process stops and stays: SIGSTOP. Its pipes are open, and nobody is there."""
    CLOSE = "close"
    """The process lives and closes the pipe of this direction: the host reads its end, or can no longer write."""
    FULL = "full"
    """The process lives and reads no more: whatever is written to it waits for ever."""
    GARBAGE = "garbage"
    """A frame of the right length with random bytes in it."""
    NOISE = "noise"
    """Random bytes, and no frame."""
    TRUNCATE = "truncate"
    """Half of a frame, and then as `CLOSE`."""


_SIGNALS = {Fault.KILL: signal.SIGKILL, Fault.TRAP: signal.SIGTRAP, Fault.STOP: signal.SIGSTOP}
_KINDS: dict[Direction, tuple[type[m.Message], ...]] = {"said": m.WORKER_MESSAGES, "told": m.HOST_MESSAGES}


@dataclass(frozen=True, slots=True)
class Point:
    """A moment in the conversation with one worker.

    Attributes:
        direction: of the message.
        kind: the message's name on the wire.
        nth: the how many-th message of that kind to or from that worker, from 1.
        when: `before` the message has passed, or `after` it. Before it, `GARBAGE`, `NOISE` and `TRUNCATE` come in its
            place; and of what a worker says, neither it nor anything later arrives once the process has had a signal.

    Raises:
        ValueError: no message of that kind goes in that direction, or nth is not positive.
    """

    direction: Direction
    kind: str
    nth: int = 1
    when: Literal["before", "after"] = "before"

    def __post_init__(self) -> None:
        kinds = [message.type for message in _KINDS[self.direction]]
        if self.kind not in kinds:
            raise ValueError(f"{self.kind!r} is never {self.direction}; there are {', '.join(kinds)}")
        if self.nth < 1:
            raise ValueError(f"nth counts from 1, not from {self.nth}")

    def __str__(self) -> str:
        return f"{self.when} {self.direction} {self.kind} {self.nth}"


@dataclass(frozen=True, slots=True)
class Injection:
    """What goes wrong, and when.

    Attributes:
        fault: what.
        at: when; by default as soon as the process is there, before it has said anything.
    """

    fault: Fault
    at: Point | None = None

    def __str__(self) -> str:
        return f"{self.fault.value} {self.at or 'at launch'}"


class FaultyProcess:
    """A worker process that one fault may befall. `strike` brings one at any other time: while it is idle, or spins.

    Args:
        process: the real one. Its `receive` may be cancelled without loss, as that of `PipedProcess`.
        plan: what may befall it. What does is taken from there, so that it befalls no other.
        noise: where random bytes are taken from.
    """

    def __init__(self, process: WorkerProcess, plan: list[Injection], noise: random.Random) -> None:
        self._process = process
        self._noise = noise
        self._plan = plan
        self._is_watched = bool(plan)
        self._frames: dict[Direction, _Frames] = {"said": _Frames(), "told": _Frames()}
        self._met: Counter[tuple[Direction, str | None]] = Counter()
        self._pending = b""
        self._reading: trio.CancelScope | None = None
        self._is_silent = self._has_ended_speech = False
        self._is_full = self._has_ended_hearing = False
        self._is_reaped = False
        self._gone = trio.Event()
        self.pid = process.pid
        self.struck = trio.Event()
        """Set once the fault is there."""
        self.struck_at_s: float | None = None
        """When that was, on trio's clock."""
        at_launch = next((injection for injection in plan if injection.at is None), None)
        if at_launch is not None:
            plan.remove(at_launch)
            self.strike(at_launch.fault)

    def strike(self, fault: Fault) -> None:
        """Brings this fault now. What it does to bytes it does to those that the worker says next."""
        self._pending += self._strike(fault, "said", b"")
        if self._reading is not None:
            self._reading.cancel()

    async def receive(self) -> bytes:
        """See `WorkerProcess.receive`."""
        while True:
            if self._pending:
                data, self._pending = self._pending, b""
                return data
            if self._has_ended_speech:
                return b""
            data = b""
            with trio.CancelScope() as self._reading:
                data = await self._process.receive()
            was_interrupted, self._reading = self._reading.cancelled_caught, None
            if was_interrupted:
                continue
            if not data:
                self._gone.set()
                return b""
            if not self._is_silent:
                self._pending += self._pass("said", data)

    async def receive_stderr(self) -> bytes:
        """See `WorkerProcess.receive_stderr`."""
        return await self._process.receive_stderr()

    async def send(self, data: bytes | memoryview) -> bool:
        """See `WorkerProcess.send`. While a fault waits for what is told, frames are passed on whole."""
        has_sent = True
        if not self._is_full and not self._has_ended_hearing:
            passed = self._pass("told", bytes(data))
            has_sent = await self._process.send(passed) if passed else True
        if self._is_full:
            await self._gone.wait()
            return False
        return has_sent and not self._has_ended_hearing

    def has_exited(self) -> bool:
        """See `WorkerProcess.has_exited`."""
        return self._process.has_exited()

    def resident_bytes(self) -> int:
        """See `WorkerProcess.resident_bytes`."""
        return self._process.resident_bytes()

    def kill(self) -> None:
        """See `WorkerProcess.kill`."""
        self._process.kill()

    async def wait(self) -> int | None:
        """See `WorkerProcess.wait`."""
        status = await self._process.wait()
        self._is_reaped = True
        self._gone.set()
        return status

    def close(self) -> None:
        """See `WorkerProcess.close`."""
        self._process.close()

    # ── the fault ─────────────────────────────────────────────────────────────────────────────────────────────

    def _pass(self, direction: Direction, data: bytes) -> bytes:
        """What of these bytes passes on, with the fault where its point is among them."""
        frames = self._frames[direction]
        if not self._is_watched or self.struck.is_set():
            return frames.rest() + data
        frames.add(data)
        passed = bytearray()
        while (frame := frames.take()) is not None:
            injection = self._due(direction, frame)
            if injection is None:
                passed += frame
                continue
            if injection.at is not None and injection.at.when == "after":
                passed += frame
                frame = b""
            passed += self._strike(injection.fault, direction, frame)
            if not (self._is_silent or self._has_ended(direction)):
                passed += frames.rest()
            break
        return bytes(passed)

    def _due(self, direction: Direction, frame: bytes) -> Injection | None:
        """What this frame brings about; it is no longer planned then."""
        kind = _kind(direction, frame)
        self._met[direction, kind] += 1
        for injection in self._plan:
            at = injection.at
            if at is not None and (at.direction, at.kind, at.nth) == (direction, kind, self._met[direction, kind]):
                self._plan.remove(injection)
                return injection
        return None

    def _strike(self, fault: Fault, direction: Direction, frame: bytes) -> bytes:
        """Brings the fault in place of the frame, an empty one where none is to be replaced; what passes of it."""
        self.struck_at_s = trio.current_time()
        self.struck.set()
        passed = b""
        match fault:
            case Fault.KILL | Fault.TRAP | Fault.STOP:
                self._signal(_SIGNALS[fault])
                # What it says from here on it said after the point, were it only on its way already.
                self._is_silent = direction == "said"
                passed = b"" if self._is_silent else frame
            case Fault.CLOSE:
                self._end(direction)
            case Fault.FULL:
                self._is_full = True
                passed = frame if direction == "said" else b""
            case Fault.GARBAGE:
                length = max(len(frame) - _LENGTH_BYTES, _SOME_BYTES)
                passed = length.to_bytes(_LENGTH_BYTES, "big") + self._noise.randbytes(length)
            case Fault.NOISE:
                passed = self._noise.randbytes(max(len(frame), _SOME_BYTES))
            case Fault.TRUNCATE:
                passed = frame[: len(frame) // 2] or _BEGINNING
                self._end(direction)
        return passed

    def _signal(self, number: signal.Signals) -> None:
        if not self._is_reaped:
            signal_process(self.pid, number)

    def _end(self, direction: Direction) -> None:
        if direction == "said":
            self._has_ended_speech = True
        else:
            self._has_ended_hearing = True

    def _has_ended(self, direction: Direction) -> bool:
        return self._has_ended_speech if direction == "said" else self._has_ended_hearing


class FaultyLauncher:
    """Starts workers as another launcher does, and lets chosen faults befall them.

    Args:
        launcher: starts them.
        plan: what goes wrong. Each befalls the first worker that comes to its point; one worker has one fault at most.
        seed: of the random bytes.
    """

    def __init__(self, launcher: Launcher, plan: Iterable[Injection] = (), seed: int = 0) -> None:
        self._launcher = launcher
        self._plan = list(plan)
        self._noise = random.Random(seed)
        self.processes: list[FaultyProcess] = []
        """Every worker that was started, in that order."""

    @property
    def struck(self) -> list[FaultyProcess]:
        """Those that a fault has befallen."""
        return [process for process in self.processes if process.struck.is_set()]

    async def run(self) -> None:
        """See `Launcher.run`."""
        await self._launcher.run()

    async def launch(self) -> WorkerProcess:
        """See `Launcher.launch`."""
        process = await self._launcher.launch()
        faulty = FaultyProcess(process, self._plan, self._noise)
        self.processes.append(faulty)
        return faulty

    def statistics(self) -> LaunchStatistics:
        """See `Launcher.statistics`."""
        return self._launcher.statistics()


def signal_process(pid: int, number: signal.Signals) -> None:
    """Sends a signal to a process that may have ended: a worker, or the zygote of `Service.statistics`."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class _Frames:
    """Cuts bytes into frames, and keeps each frame whole, its length with it."""

    def __init__(self) -> None:
        self._held = bytearray()

    def add(self, data: bytes) -> None:
        self._held += data

    def take(self) -> bytes | None:
        """The next frame; None while it is not whole."""
        end = _LENGTH_BYTES + int.from_bytes(self._held[:_LENGTH_BYTES], "big")
        if len(self._held) < max(end, _LENGTH_BYTES):
            return None
        frame = bytes(self._held[:end])
        del self._held[:end]
        return frame

    def rest(self) -> bytes:
        """All that is left."""
        rest = bytes(self._held)
        self._held.clear()
        return rest


_DECODERS: dict[Direction, Callable[[bytes], m.Message]] = {
    "said": StrictDecoder(),
    "told": Decoder(m.HOST_MESSAGES),
}


def _kind(direction: Direction, frame: bytes) -> str | None:
    """The kind of the message in a frame; None where none can be read."""
    try:
        return _DECODERS[direction](frame[_LENGTH_BYTES:]).type
    except ProtocolError:
        return None
