"""Workers without V8, in memory: a process that is only bytes, a worker that a test plays, and one that plays scripts.

Nothing here is a child process, a pipe of the system's or a clock, so a whole host runs on it in virtual time. What
such a worker says goes through the worker's own end of the protocol, unless it is to lie.
"""

from __future__ import annotations

import json
import signal
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

import trio

from codemode.errors import WorkerUnavailable
from codemode.host.launcher import LaunchStatistics
from codemode.host.process import READ_BYTES, WorkerProcess
from codemode.wire import messages as m
from codemode.wire.codec import Decoder, encode
from codemode.wire.connection import Connection
from codemode.wire.frames import encode_frame

PIPE_BYTES = 65536
KILLED = -int(signal.SIGKILL)
HELLO = m.Hello(m.PROTOCOL_VERSION, "none", 0, {})


class FakePipe:
    """A pipe in memory: bytes in order, a writer that waits while it is full, and two ends that close.

    Args:
        capacity: how many bytes it holds.
    """

    def __init__(self, capacity: int = PIPE_BYTES) -> None:
        self._capacity = capacity
        self._held = bytearray()
        self._has_writer = self._has_reader = True
        self._changed = trio.Event()

    def __len__(self) -> int:
        """How many bytes wait to be read."""
        return len(self._held)

    @property
    def is_broken(self) -> bool:
        """True where what is written has nobody to read it, or the writing end is closed."""
        return not (self._has_reader and self._has_writer)

    def put(self, data: bytes | memoryview) -> int:
        """Writes what there is room for; the number of those bytes."""
        room = max(0, min(self._capacity - len(self._held), len(data)))
        if room:
            self._held += data[:room]
            self._announce()
        return room

    def take(self, most: int = READ_BYTES) -> bytes | None:
        """Reads what is there; nothing at the end of the stream; None where there is nothing yet."""
        if not self._held:
            return None if self._has_writer else b""
        data = bytes(self._held[:most])
        del self._held[:most]
        self._announce()
        return data

    async def until_changed(self) -> None:
        """Waits for the next time that something is put or taken, or an end closes."""
        await self._changed.wait()

    def close_writer(self) -> None:
        """Nothing more is put; what is held can still be taken."""
        self._has_writer = False
        self._announce()

    def close_reader(self) -> None:
        """Nothing more is taken."""
        self._has_reader = False
        self._announce()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


class FakeProcess:
    """A `WorkerProcess` that is not there. The host has the one side of it; whoever plays the worker has the other.

    Args:
        pid: its process id, in name only.
        pipe_bytes: what each of its pipes holds.
        read_bytes: gives how much the next read of the host gets at most.

    Attributes:
        killed: set once the host has killed it.
        gone: set once it has ended.
        death_s: seconds that it lives on after a kill, as one does that the kernel holds; only under a `FakeLauncher`.
        reap_s: seconds that `wait` takes once it has ended.
        is_status_known: whether `wait` gives its exit status, or None.
        holds_stderr: whether its stderr stays open after its end, as where a child of its own has inherited it.
        kills, waits, closes: how often the host did that.
        misuses: what the host did with it that its contract forbids.
    """

    def __init__(
        self, pid: int = 1, *, pipe_bytes: int = PIPE_BYTES, read_bytes: Callable[[], int] = lambda: READ_BYTES
    ) -> None:
        self.pid = pid
        self.inbound, self.outbound, self.stderr = FakePipe(pipe_bytes), FakePipe(pipe_bytes), FakePipe()
        self.killed, self.gone = trio.Event(), trio.Event()
        self.resident = 0
        """Bytes of memory that it has, as its host sees it."""
        self.exit_status: int | None = None
        self.death_s = self.reap_s = 0.0
        self.is_status_known = True
        self.holds_stderr = False
        self.kills = self.waits = self.closes = 0
        self.misuses: list[str] = []
        self._read_bytes = read_bytes
        self._may_run = trio.Event()
        self._may_run.set()

    def __repr__(self) -> str:
        state = "lives" if self.exit_status is None else f"ended with {self.exit_status}"
        return f"<FakeProcess {self.pid}, {state}>"

    # ── the host's side ───────────────────────────────────────────────────────────────────────────────────────

    def _check_open(self, what: str) -> None:
        if self.closes:
            self.misuses.append(f"{what} after close")

    async def _taken(self, pipe: FakePipe, most: int) -> bytes:
        while (data := pipe.take(most)) is None:
            await pipe.until_changed()
        return data

    async def receive(self) -> bytes:
        """See `WorkerProcess.receive`."""
        self._check_open("receive")
        return await self._taken(self.outbound, self._read_bytes())

    async def receive_stderr(self) -> bytes:
        """See `WorkerProcess.receive_stderr`."""
        self._check_open("receive_stderr")
        return await self._taken(self.stderr, READ_BYTES)

    async def send(self, data: bytes | memoryview) -> bool:
        """See `WorkerProcess.send`."""
        self._check_open("send")
        while data:
            if self.inbound.is_broken:
                return False
            written = self.inbound.put(data)
            data = memoryview(data)[written:]
            if not written:
                await self.inbound.until_changed()
        return True

    def has_exited(self) -> bool:
        """See `WorkerProcess.has_exited`."""
        self._check_open("has_exited")
        return self.gone.is_set()

    def resident_bytes(self) -> int:
        """See `WorkerProcess.resident_bytes`: what a test says it is."""
        self._check_open("resident_bytes")
        return self.resident

    def kill(self) -> None:
        """See `WorkerProcess.kill`."""
        self._check_open("kill")
        self.kills += 1
        self.killed.set()
        if not self.death_s:
            self.exit(KILLED)

    async def wait(self) -> int | None:
        """See `WorkerProcess.wait`."""
        self._check_open("wait")
        self.waits += 1
        await self.gone.wait()
        if self.reap_s:
            await trio.sleep(self.reap_s)
        return self.exit_status if self.is_status_known else None

    def close(self) -> None:
        """See `WorkerProcess.close`."""
        self.closes += 1
        self.inbound.close_writer()
        self.outbound.close_reader()
        self.stderr.close_reader()

    # ── the worker's side ─────────────────────────────────────────────────────────────────────────────────────

    def exit(self, status: int) -> None:
        """It ends. What it has written can still be read."""
        if self.exit_status is None:
            self.exit_status = status
            self.gone.set()
            self.close_pipes()
            if not self.holds_stderr:
                self.stderr.close_writer()
            self._may_run.set()

    def stop(self) -> None:
        """As SIGSTOP does: it neither reads nor writes until it is resumed, or killed."""
        if self._may_run.is_set() and not self.gone.is_set():
            self._may_run = trio.Event()

    def resume(self) -> None:
        """As SIGCONT does."""
        self._may_run.set()

    def close_pipes(self, *, inbound: bool = True, outbound: bool = True) -> None:
        """It closes its ends, and lives on: `inbound` is what it reads from the host, `outbound` what it writes."""
        if inbound:
            self.inbound.close_reader()
        if outbound:
            self.outbound.close_writer()

    async def read(self) -> bytes:
        """What the host sent next; nothing once the host has closed its end.

        Raises:
            trio.BrokenResourceError: the process has ended.
        """
        while True:
            await self._until_it_may_run()
            data = self.inbound.take()
            if data is not None:
                return data
            await self.inbound.until_changed()

    async def write(self, data: bytes) -> None:
        """Writes all of it, and waits while the host does not read.

        Raises:
            trio.BrokenResourceError: the process has ended, or nobody reads any more.
        """
        left = memoryview(data)
        while left:
            await self._until_it_may_run()
            if self.outbound.is_broken:
                raise trio.BrokenResourceError
            written = self.outbound.put(left)
            left = left[written:]
            if not written:
                await self.outbound.until_changed()

    def write_stderr(self, text: str) -> None:
        """Writes to stderr as much as there is room for."""
        self.stderr.put(text.encode())

    async def _until_it_may_run(self) -> None:
        while not self._may_run.is_set():
            await self._may_run.wait()
        if self.gone.is_set():
            raise trio.BrokenResourceError


class FakeWorker:
    """A worker without V8: it says what it is told to say, and its frames can be held and let go one by one.

    Args:
        process: whose bytes it reads and writes.
    """

    def __init__(self, process: FakeProcess) -> None:
        self.process = process
        self.connection = Connection("worker", Decoder(m.HOST_MESSAGES))
        self._heard: deque[m.Message] = deque()
        self._held: deque[bytes] | None = None
        self._voice = trio.Lock()

    @property
    def held(self) -> int:
        """How many frames are held."""
        return len(self._held or ())

    async def stand_ready(self) -> None:
        """Says hello, and that an engine is ready."""
        await self.say(HELLO, m.Ready())

    async def hear(self) -> m.Message | None:
        """The host's next message; None once the host has closed its end.

        Raises:
            RemoteProtocolError: the host broke a rule.
            trio.BrokenResourceError: the process has ended.
        """
        while not self._heard:
            data = await self.process.read()
            if not data:
                return None
            self._heard += self.connection.receive_data(data)
        return self._heard.popleft()

    async def say(self, *messages: m.Message) -> None:
        """Says these, as the rules of the protocol allow.

        Raises:
            LocalProtocolError: they do not.
            trio.BrokenResourceError: the process has ended, or nobody reads any more.
        """
        async with self._voice:
            frames = [self.connection.send(message) for message in messages]
            if self._held is not None:
                self._held += frames
            else:
                await self.process.write(b"".join(frames))

    async def say_bytes(self, data: bytes) -> None:
        """Says what is perhaps no frame, or no message, or a lie.

        Raises:
            trio.BrokenResourceError: the process has ended, or nobody reads any more.
        """
        async with self._voice:
            await self.process.write(data)

    def hold(self) -> None:
        """From now on what is said goes no further, until it is let go."""
        if self._held is None:
            self._held = deque()

    async def let_go(self, count: int | None = None) -> None:
        """Lets so many of the held frames go, the oldest first; None: all, and what is said later is not held."""
        held = self._held
        if held is None:
            return
        for _ in range(len(held) if count is None else min(count, len(held))):
            await self.process.write(held.popleft())
        if count is None:
            self._held = None


def frame_of(message: m.Message) -> bytes:
    """The frame of a message, whether or not it may be said."""
    return encode_frame(encode(message))


class FakeLauncher:
    """Starts workers that are played.

    Args:
        play: plays one, from its start on; the process ends when this returns, with status 0. It is cancelled when the
            process ends.
        prepare: makes the process of each; may wait, or raise `WorkerUnavailable`.
    """

    def __init__(
        self,
        play: Callable[[FakeWorker], Awaitable[None]],
        prepare: Callable[[], Awaitable[FakeProcess]] | None = None,
    ) -> None:
        self._play = play
        self._prepare = prepare or self._next_process
        self._nursery: trio.Nursery | None = None
        self._runs = trio.Event()
        self.processes: list[FakeProcess] = []
        """Every process that it has started, in that order."""

    async def _next_process(self) -> FakeProcess:
        return FakeProcess(len(self.processes) + 1)

    async def run(self) -> None:
        """See `Launcher.run`."""
        async with trio.open_nursery() as self._nursery:
            self._runs.set()
            await trio.sleep_forever()

    async def launch(self) -> WorkerProcess:
        """See `Launcher.launch`."""
        await self._runs.wait()
        assert self._nursery is not None, "it runs"
        process = await self._prepare()
        if self._nursery.cancel_scope.cancel_called:
            raise WorkerUnavailable("the launcher has been closed")
        self.processes.append(process)
        self._nursery.start_soon(self._live, process)
        return process

    def statistics(self) -> LaunchStatistics:
        """See `Launcher.statistics`."""
        return LaunchStatistics(spawned=len(self.processes))

    async def _live(self, process: FakeProcess) -> None:
        """The life of one process, from its start to its end."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._die, process)
            nursery.start_soon(self._play_to_its_end, process)
            await process.gone.wait()
            nursery.cancel_scope.cancel()

    async def _play_to_its_end(self, process: FakeProcess) -> None:
        try:
            await self._play(FakeWorker(process))
        except* trio.BrokenResourceError:
            pass  # as a worker ends that finds nobody there
        process.exit(0)

    async def _die(self, process: FakeProcess) -> None:
        await process.killed.wait()
        await trio.sleep(process.death_s)
        process.exit(KILLED)


# ── a worker that plays scripts ───────────────────────────────────────────────────────────────────────────────

BirthMishap = Literal["silent", "late", "stillborn", "garbled_hello", "foreign", "stopped_at_birth"]
"""What may happen before it stands ready."""
Mishap = Literal[
    "delay", "pause", "stop", "die", "die_of_memory", "cut_frame", "half_frame", "close_outbound", "close_inbound",
    "close_both", "garbage", "lie", "lie_and_go_on", "mute", "deaf", "no_engine", "late_engine",
]  # fmt: skip
"""What may happen later."""
BIRTH_MISHAPS: tuple[BirthMishap, ...] = get_args(BirthMishap)
MISHAPS: tuple[Mishap, ...] = get_args(Mishap)

LIES = (
    "a call twice", "a wrong cell", "a pong to no ping", "a cancel of no call", "a message of the host's",
    "too many calls", "a second hello", "ready while it is not", "a code that is not its own", "an end of no cell",
    "an abortable call that is not made", "an unknown field", "no msgpack", "an empty frame", "a huge frame",
    "an unknown type", "a negative number",
)  # fmt: skip
"""What a lying worker may say."""
_FAR = 1000
"""From any cell that may be started next: what a liar guesses right, while that cell's start crosses it, is no lie."""

HEALTHY = "healthy"
"""The second word of a script that makes one call of the tool `answer`, says what came of it, and completes."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What will happen to a worker.

    Attributes:
        kind: at its birth, or later.
        at_frame: before it says its so many-eth frame after it stood ready. None: by the clock.
        after_s: so many seconds after it stood ready.
    """

    kind: BirthMishap | Mishap
    at_frame: int | None = None
    after_s: float = 0.0


class ScriptedWorker:
    """Plays a worker that makes up what each script does from the script's text, and meets its fate on the way.

    Args:
        worker: says it.
        rng: decides what the script does not.
        fate: what happens to it.
        is_calm: asked before the fate is met; True spares the worker.
        note: told of what it does that a wire does not show.

    Attributes:
        met: the fate, once it has been met, and when, on trio's clock.
        lie: what it said that was not so.
    """

    def __init__(
        self,
        worker: FakeWorker,
        rng: Random,
        fate: Fate | None = None,
        *,
        is_calm: Callable[[], bool] = lambda: False,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._worker = worker
        self._process = worker.process
        self._rng = rng
        self._fate = fate
        self._is_calm = is_calm
        self._note = note
        self._frames = 0
        self._is_mute = self._is_deaf = False
        self._cell = 0
        self._start: m.Start | None = None
        self._last_call = 0
        self._open: list[int] = []
        self._abortable: list[int] = []
        self._heard = trio.Event()
        self._speaks = trio.Lock()
        self.met: tuple[float, str] | None = None
        self.lie: str | None = None

    async def run(self) -> None:
        """Plays it to its end."""
        await self._stand_up()
        async with trio.open_nursery() as nursery:
            if self._fate is not None and self._fate.kind in MISHAPS and self._fate.at_frame is None:
                nursery.start_soon(self._meet_by_the_clock, self._fate.after_s)
            while (message := await self._worker.hear()) is not None:
                match message:
                    case m.Ping(ping=ping):
                        if not self._is_mute:
                            await self._say(m.Pong(ping))
                    case m.Start():
                        nursery.start_soon(self._play, message)
                    case m.Answers(answers=answers):
                        for call, _, _ in answers:
                            if call in self._open:
                                self._open.remove(call)
                        self._heard.set()
                        self._heard = trio.Event()
                    case m.Refused():
                        self._process.exit(1)
                    case _:
                        pass
                if self._is_deaf:
                    await trio.sleep_forever()
            self._process.exit(0)

    async def _stand_up(self) -> None:
        fate = None if self._fate is None or self._is_calm() else self._fate.kind
        if fate in BIRTH_MISHAPS:
            self._meet(str(fate))
        match fate:
            case "silent":
                await trio.sleep_forever()
            case "late":
                await trio.sleep(self._rng.uniform(0.3, 20))
            case "stillborn":
                self._process.write_stderr("Traceback: it could not begin\n")
                self._process.exit(self._rng.choice((1, 70, KILLED)))
            case "garbled_hello":
                await self._worker.say_bytes(b"Usage: python [option]\n")
            case "foreign":
                await self._worker.say(m.Hello(m.PROTOCOL_VERSION + 1, "none", 0, {}))
                return
            case "stopped_at_birth":
                self._process.stop()
            case _:
                pass
        await self._worker.stand_ready()

    # ── its fate ──────────────────────────────────────────────────────────────────────────────────────────────

    def _meet(self, kind: str) -> None:
        self.met = (trio.current_time(), kind)
        self._note(f"meets its fate: {kind}")

    def _is_due(self) -> bool:
        fate = self._fate
        return (
            fate is not None
            and self.met is None
            and fate.at_frame is not None
            and self._frames > fate.at_frame
            and not self._is_calm()
            and fate.kind not in ("no_engine", "late_engine")
        )

    async def _meet_by_the_clock(self, after_s: float) -> None:
        await trio.sleep(after_s)
        if self.met is None and not self._is_calm():
            async with self._speaks:
                await self._befall(m.Pong(0))

    async def _say(self, *messages: m.Message) -> None:
        async with self._speaks:
            self._frames += len(messages)
            if self._is_due():
                await self._befall(messages[0])
            await self._worker.say(*messages)

    async def _befall(self, message: m.Message) -> None:
        """What happens instead of, or before, this message."""
        assert self._fate is not None, "it has a fate"
        rng, process, kind = self._rng, self._process, self._fate.kind
        self._meet(str(kind))
        match kind:
            case "delay":
                await trio.sleep(rng.uniform(0.1, 1.5))
            case "pause":
                process.stop()
                await trio.sleep(rng.uniform(0.1, 1.5))
                process.resume()
            case "stop":
                process.stop()
            case "die":
                process.exit(rng.choice((0, 1, 71, KILLED, -int(signal.SIGSEGV), -200)))
            case "die_of_memory":
                process.write_stderr("# Fatal JavaScript out of memory: Reached heap limit\n")
                process.exit(rng.choice((-int(signal.SIGTRAP), -int(signal.SIGABRT), 70)))
            case "cut_frame" | "half_frame":
                frame = frame_of(message)
                await self._worker.say_bytes(frame[: rng.randrange(1, len(frame))])
                if kind == "cut_frame":
                    process.exit(KILLED)
                process.stop()
            case "close_outbound" | "close_inbound" | "close_both":
                process.close_pipes(inbound=kind != "close_outbound", outbound=kind != "close_inbound")
                await trio.sleep_forever()
            case "garbage":
                await self._worker.say_bytes(bytes(rng.randrange(256) for _ in range(rng.randrange(4, 200))))
                await self._worker.say_bytes(b"\xff" * 8)  # a length that no frame has, wherever the next one begins
                await trio.sleep_forever()
            case "lie" | "lie_and_go_on":
                self.lie = rng.choice(LIES)
                self._note(f"lies: {self.lie}")
                await self._worker.say_bytes(self._lie(self.lie))
                if kind == "lie":
                    await trio.sleep_forever()
            case "mute":
                self._is_mute = True
            case "deaf":
                self._is_deaf = True
            case _:
                pass

    def _lie(self, lie: str) -> bytes:
        cell, call = self._cell, self._last_call
        most = 8 if self._start is None else self._start.max_calls_in_flight
        empty_map = b"\x80"
        match lie:
            case "a call twice":
                return frame_of(m.Calls(cell, ((call + 9, "answer", "{}"), (call + 9, "answer", "{}"))))
            case "a wrong cell":
                return frame_of(m.Output(cell + _FAR, (("text", "whose?"),)))
            case "a pong to no ping":
                return frame_of(m.Pong(10**6))
            case "a cancel of no call":
                return frame_of(m.Cancels(cell, (call + 99,)))
            case "a message of the host's":
                return frame_of(m.Ping(10**6))
            case "too many calls":
                return frame_of(m.Calls(cell, tuple((call + 1 + n, "answer", "{}") for n in range(most + 1))))
            case "a second hello":
                return frame_of(HELLO)
            case "ready while it is not":
                return frame_of(m.Ready()) * 2
            case "a code that is not its own":
                return frame_of(m.Failed(cell, "worker_unavailable", "", None, None, None))
            case "an end of no cell":
                return frame_of(m.Completed(cell + _FAR))
            case "an abortable call that is not made":
                return frame_of(m.Calls(cell, ((call + 1, "answer", "{}"),), (call + 2,)))
            case "an unknown field":
                return encode_frame(b"\x82\xa4type\xa5ready\xa1x\x01")
            case "no msgpack":
                return encode_frame(b"\xc1" * 12)
            case "an empty frame":
                return bytes(4)
            case "a huge frame":
                return b"\x7f\xff\xff\xff" + bytes(100)
            case "an unknown type":
                return encode_frame(empty_map)
            case _:
                return encode_frame(b"\x82\xa4type\xa4pong\xa4ping\xff")

    # ── its scripts ───────────────────────────────────────────────────────────────────────────────────────────

    async def _play(self, start: m.Start) -> None:
        """One script: some steps, and an end."""
        self._start, self._cell = start, start.cell
        self._open, self._abortable = [], []
        rng = Random(start.source)
        if HEALTHY in start.source.split(maxsplit=2)[1:2]:
            await self._make_calls(start.cell, [("answer", "{}")], 0)
            await self._until_answered()
            await self._say(m.Output(start.cell, (("text", HEALTHY),)), m.Completed(start.cell))
        else:
            for _ in range(rng.randrange(7)):
                await self._take_step(start, rng)
            await self._end(start.cell, rng)
        await self._make_engine()

    async def _take_step(self, start: m.Start, rng: Random) -> None:
        cell = start.cell
        tools = [identifier for identifier, *_ in start.tools] or ["answer"]
        match rng.randrange(16):
            case 0 | 1 | 2 | 3:
                room = start.max_calls_in_flight - len(self._open)
                if room > 0:
                    count = min(room, rng.choice((1, 1, 2, 3, 5)))
                    calls = [(rng.choice(tools), _arguments(rng)) for _ in range(count)]
                    await self._make_calls(cell, calls, rng.randrange(count + 1) if rng.random() < 0.4 else 0)
            case 4 | 5:
                with trio.move_on_after(rng.uniform(0, 3)):
                    await self._until_answered()
            case 6:
                abortable = [call for call in self._abortable if call in self._open]
                if abortable:
                    await self._say(m.Cancels(cell, (rng.choice(abortable),)))
            case 7 | 8:
                await self._say(m.Output(cell, tuple(_item(rng) for _ in range(rng.randrange(1, 4)))))
            case 9:
                value = rng.choice(("1", '"v"', '{"a":[1,2]}', None))
                await self._say(m.Stores(cell, ((rng.choice("abc"), value),)))
            case 10:
                await self._say(m.Logs(cell, ((rng.choice(("log", "warn", "error")), "line " * rng.randrange(9)),)))
            case 11:
                await self._say(m.Notes(cell, (f"note {rng.randrange(100)}",)))
            case 12:
                await self._say(m.Yielded(cell))
            case 13:
                setting: m.Message = m.YieldTime(cell, rng.choice((0, 100, 3000, 20_000)))
                if rng.random() < 0.5:
                    setting = m.OutputBudget(cell, rng.randrange(2000))
                await self._say(setting)
            case 14:
                burst = rng.choice((2, 5, 90))  # more than the host takes before others have their turn
                await self._say(*(m.Output(cell, (("text", str(n)),)) for n in range(burst)))
            case _:
                await trio.sleep(rng.choice((0.0, 0.01, 0.3, 2.0, 6.0)))

    async def _make_calls(self, cell: int, calls: list[tuple[str, str]], abortable: int) -> None:
        made = tuple((self._last_call + n, tool, arguments) for n, (tool, arguments) in enumerate(calls, 1))
        self._last_call += len(made)
        ids = [call for call, _, _ in made]
        self._open += ids
        self._abortable += ids[:abortable]
        await self._say(m.Calls(cell, made, tuple(ids[:abortable])))

    async def _until_answered(self) -> None:
        while self._open:
            await self._heard.wait()

    async def _end(self, cell: int, rng: Random) -> None:
        match rng.randrange(10):
            case 0:
                await trio.sleep_forever()  # it spins: only the end of its process ends it
            case 1 | 2 | 3:
                code = rng.choice(sorted(m.WORKER_FAILURE_CODES))
                if rng.random() < 0.5:
                    await self._say(m.Failing(cell), m.Output(cell, (("text", "from a getter of the error"),)))
                    await trio.sleep(rng.choice((0.0, 0.8)))
                line = rng.choice((None, 3))
                await self._say(m.Failed(cell, code, f"it ended with {code}", "Error\n  at cell.js:3:1", line, line))
            case 4:
                await self._say(m.Output(cell, (("text", "last"),)), m.Completed(cell))
            case _:
                with trio.move_on_after(rng.uniform(0, 20)):
                    await self._until_answered()
                await self._say(m.Completed(cell))

    async def _make_engine(self) -> None:
        """The next engine; or none, where the last cannot be closed."""
        kind = None if self._fate is None or self._is_calm() else self._fate.kind
        if self.met is None and kind in ("no_engine", "late_engine"):
            self._meet(str(kind))
            if kind == "no_engine":
                self._process.exit(0)
            await trio.sleep(self._rng.uniform(0.1, 2))
        await self._say(m.Ready())


def _arguments(rng: Random) -> str:
    if rng.random() < 0.1:
        return rng.choice(("[]", '{"n": "no number"}', "{", '"text"', "[" * 300, '{"\\ud800": 1}'))
    return json.dumps({"n": rng.randrange(1000)})


def _item(rng: Random) -> tuple[m.ItemKind, str]:
    items: tuple[tuple[m.ItemKind, str], ...] = (
        ("text", "some text"),
        ("text", "x" * rng.choice((0, 100, 3000))),
        ("image", '{"image_url": "https://example.org/a.png", "detail": "high"}'),
        ("image", '{"image_url": 7}'),
        ("audio", '{"audio_url": "data:audio/wav;base64,AA=="}'),
        ("content", '{"block": {"type": "text", "text": "b"}}'),
        ("content", "no JSON"),
    )
    return rng.choice(items)
