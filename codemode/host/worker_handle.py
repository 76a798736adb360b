"""One worker as the host sees it: a process, a connection, and the tasks that pump bytes between them.

The reader never waits for the writer, nor for anything that a message causes: what a message means is the listener's
business, who answers at once and does the rest in tasks of its own.
"""

from __future__ import annotations

import math
import signal
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import trio

from codemode.errors import FenceMissing, RemoteProtocolError, WorkerUnavailable
from codemode.host.outbox import Outbox
from codemode.host.patience import HEARTBEAT_S, STEPS
from codemode.host.process import READ_BYTES, Tail, WorkerProcess
from codemode.wire import messages as m
from codemode.wire.connection import Connection, State
from codemode.wire.frames import MAX_FRAME_BYTES
from codemode.wire.validation import StrictDecoder

SEND_BYTES = 65536
"""How much is written before that counts as a sign of life: what a pipe holds."""
MESSAGES_AT_A_TIME = 64
"""Messages of one worker that are taken before others have their turn."""
HELLO_S = 15.0
"""How long a worker may take to stand ready: a hundred times what it takes on an idle machine."""
REAP_S = 1.0
LAST_WORDS_S = 0.3
"""How long a killed process may take to close its pipes before it is left: the kernel may hold it."""
MAX_READS_BEFORE_PONG = 4 * MAX_FRAME_BYTES // READ_BYTES
"""A worker that talks and talks, and never answers, is ended all the same."""
BUSY_PAUSE_S = 0.5
PARKED_PAUSE_S = 10.0
"""Between two pings, while a cell runs and while none does."""
WATCH_PAUSE_S = 0.1
"""Between two looks at how much memory it has, while a cell runs."""
REFUSED_S = 0.5
MAX_STATE_CHARACTERS = 200
"""How much of what a worker says of a fence is passed on."""

_OPEN = (State.WARMING, State.READY, State.RUNNING, State.FAILING)
_OUT_OF_MEMORY = ("out of memory", "heap limit", "Last few GCs", "memory is close to its limit", "MemoryError")


_PARSER = 'codemode/engine/source.py", line'
"""Where a worker says that it was, when it died of a fault."""
_FATAL = frozenset({signal.SIGTRAP, signal.SIGABRT, signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGKILL})


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker ended.

    Attributes:
        exit_status: as `Popen.returncode` gives it; None where nobody knows it, or it could not be reaped in time.
        stderr: the end of what it wrote there.
        reason: why the host ended it, a clause about the worker; None where it ended by itself, or its cell was ended.
        is_over_memory: the host ended it for the memory that it had.
    """

    exit_status: int | None
    stderr: str
    reason: str | None = None
    is_over_memory: bool = False

    @property
    def of_reading(self) -> bool:
        """True where it died while the script was being read, and nothing of it ran: its parser knows no bounds.

        Some 10 KB of a text that it can take in more and more ways fill all memory; nesting of 90,000 ends its stack.
        """
        return self.reason is None and (self.exit_status or 0) < 0 and _PARSER in self.stderr

    @property
    def of_memory(self) -> bool:
        """True where the engine ran out of memory, and V8 or the worker says why on stderr, or where the host saw it.

        It traps or aborts; else it is a library's use of what it did not get, or the kernel's own choice.

        An exit status that nobody knows, for the process that was to report it is gone, does not speak against it.
        """
        if self.is_over_memory:
            return True
        fatal = self.exit_status is None or -self.exit_status in _FATAL or self.exit_status == 70
        return self.reason is None and fatal and any(mark in self.stderr for mark in _OUT_OF_MEMORY)

    @property
    def of_cpu(self) -> bool:
        """True where the kernel ended it for its CPU time: the worker's own watch had not."""
        return self.reason is None and self.exit_status == -signal.SIGXCPU

    def __str__(self) -> str:
        """For a model too: without what stands on stderr, which may hold paths of this machine."""
        if self.reason is not None:
            return f"the worker {self.reason}"
        match self.exit_status:
            case None:
                return "the worker ended"
            case status if status < 0:
                return f"the worker was killed by {_signal_name(-status)}"
            case status:
                return f"the worker ended with exit status {status}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Listener(Protocol):
    """The cell that a worker runs. It answers at once and never raises."""

    @property
    def is_full(self) -> bool:
        """True where it would rather hear nothing more for now: what the worker says next is left in its pipe."""
        ...

    async def until_room(self) -> None:
        """Waits while it is full. Never raises but to pass on its caller's cancellation."""
        ...

    def receive(self, message: m.Message) -> None:
        """The worker said this of the cell."""
        ...

    def worker_died(self, death: Death) -> None:
        """The worker has ended; all that it said has been received."""
        ...


class WorkerHandle:
    """A worker process, its connection, its pumps and its heartbeat.

    Args:
        process: as a launcher gave it; the handle closes it.
        max_resident_bytes: how much memory it may really have while a cell runs, its share of what all workers have
            together among it.
    """

    def __init__(self, process: WorkerProcess, max_resident_bytes: float = math.inf) -> None:
        self._process = process
        self._max_resident_bytes = max_resident_bytes
        self._connection = Connection("host", StrictDecoder())
        self._listener: Listener | None = None
        self._outgoing: deque[bytes] = deque()
        self._outbox = Outbox()
        self._wake = trio.Event()
        self._changed = trio.Event()
        self._stderr = Tail()
        self._reason: str | None = None
        self._is_to_blame = False
        self._killed = False
        self._pumps = trio.CancelScope()
        self._last_ping = self._last_pong = -1
        self._pieces_sent = self._full_reads = 0
        self._ping_is_sent = True
        self._is_held = False
        self._is_over_memory = False
        self.death: Death | None = None
        self.hello: m.Hello | None = None

    def __repr__(self) -> str:
        return f"<WorkerHandle of process {self._process.pid}, {self._connection!r}>"

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    @property
    def is_ready(self) -> bool:
        """True where a cell may be started."""
        return not self.is_ending and self._connection.state is State.READY and self._listener is None

    @property
    def is_ending(self) -> bool:
        """True once it has been killed, or has died."""
        return self._killed or self.death is not None

    @property
    def has_crashed(self) -> bool:
        """True once it has ended in the middle of something, or was ended for what it did: silence, or a lie."""
        if self.death is None:
            return False
        # A worker whose engine cannot be closed idle ends by itself once its cell has ended.
        has_ended_its_cell = self.death.exit_status in (0, None) and self._connection.state is State.WARMING
        return self._is_to_blame or not (self._killed or has_ended_its_cell)

    @property
    def is_busy(self) -> bool:
        """True while a cell runs here."""
        return self._listener is not None

    async def until_ready(self, timeout_s: float) -> bool:
        """Waits until a cell may be started. False where the worker died or the time is over first."""
        with trio.move_on_after(timeout_s):
            while not self.is_ready and not self.is_ending:
                await self._changed.wait()
        return self.is_ready

    async def prove_fit(self, timeout_s: float) -> bool:
        """True where it stands ready and answers a ping in time. Else it is ended: it is dead, stopped, or too slow."""
        fit = False
        try:
            with trio.move_on_after(timeout_s):
                if await self.until_ready(timeout_s) and not self._process.has_exited():
                    ping = self._ping()
                    while not self._has_answered(ping) and self.is_ready:
                        await self._changed.wait()
                    fit = self.is_ready
            if not fit:
                self._blame("did not answer before it was lent")
        finally:
            if not fit:
                self.kill()
        return fit

    def start(self, start: m.Start, listener: Listener) -> None:
        """Gives a cell to the worker, which must be ready. From now on the listener hears of it.

        Raises:
            LocalProtocolError: the message cannot be encoded, or is too long for a frame; nothing has changed.
        """
        assert self.is_ready, "a cell is started in a worker that stands ready"
        self._post(start)
        self._listener = listener
        self._announce()

    def answer(self, call: int, status: m.CallStatus, text: str) -> None:
        """Answers a call of the running cell. Answers that are ready together go out together."""
        self._outbox.add_answer(call, status, text)
        self._wake.set()

    def tell_stored(self, key: str, value: str | None) -> None:
        """Another cell of the session stored a value: told before any answer that comes later, else soon."""
        if self.is_busy:
            self._outbox.add_stored(key, value)
            self._wake.set()

    def drop_stored(self, key: str) -> None:
        """The running cell has stored under this key: what another stored there before is not told any more."""
        self._outbox.drop_stored(key)

    def kill(self) -> None:
        """Ends the process. `worker_died` follows, after all that it had said."""
        if not self.is_ending:
            self._killed = True
            self._end_process()
            self._announce()

    # Ctrl-C is for the program's main task: in a pump it would come out wrapped, and from the wrong place.
    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Pumps until the process has ended, and has been reaped. Cancelling this kills it."""
        try:
            with self._pumps:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    nursery.start_soon(self._read_stderr)
                    nursery.start_soon(self._beat)
                    nursery.start_soon(self._watch_memory)
                    await self._read()
                    nursery.cancel_scope.cancel()
        except BaseException:
            self._reason = self._reason or "was ended with its service"
            self.kill()
            raise
        finally:
            self._process.kill()
            await self._bury()

    def _blame(self, reason: str) -> None:
        """It is ended for this."""
        self._is_to_blame = True
        self._reason = self._reason or reason

    def _end_process(self) -> None:
        """Kills it. One that the kernel holds all the same closes no pipe, and is left after a while."""
        self._process.kill()
        self._pumps.deadline = min(self._pumps.deadline, trio.current_time() + LAST_WORDS_S)

    def _post(self, message: m.Message) -> None:
        self._outgoing.append(self._connection.send(message))
        self._wake.set()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # ── what it says ──────────────────────────────────────────────────────────────────────────────────────────

    @trio.lowlevel.enable_ki_protection
    async def _read(self) -> None:
        try:
            while data := await self._process.receive():  # its end is perhaps within a frame: it was killed in a write
                self._full_reads += len(data) > READ_BYTES // 2
                for number, message in enumerate(self._connection.receive_data(data), 1):
                    self._receive(message)
                    if number % MESSAGES_AT_A_TIME == 0:
                        await trio.lowlevel.checkpoint()
                await trio.lowlevel.checkpoint()
                await self._until_heard()
        except RemoteProtocolError as error:
            self._blame(f"broke the protocol and was ended: {error}")

    async def _until_heard(self) -> None:
        """Reads nothing while the listener has no room: the worker's pipe fills, and the worker waits in its turn."""
        while self._listener is not None and self._listener.is_full and not self.is_ending:
            self._is_held = True
            await self._listener.until_room()
        self._is_held = False

    def _receive(self, message: m.Message) -> None:
        match message:
            case m.Hello(protocol=protocol):
                self.hello = message
                if protocol != m.PROTOCOL_VERSION:
                    self._blame(f"speaks version {protocol} of the protocol, and this host {m.PROTOCOL_VERSION}")
                    self._post(m.Refused((m.PROTOCOL_VERSION,)))
            case m.Ready():
                self._announce()
            case m.Pong(ping=ping):
                self._last_pong = max(self._last_pong, ping)
                self._announce()
            case _:
                listener = self._listener
                if isinstance(message, m.Completed | m.Failed):
                    self._listener = None
                    self._outbox.clear()
                if listener is not None:
                    listener.receive(message)

    @trio.lowlevel.enable_ki_protection
    async def _read_stderr(self) -> None:
        while data := await self._process.receive_stderr():
            self._stderr.add(data)
            await trio.lowlevel.checkpoint()

    # ── what it is told ───────────────────────────────────────────────────────────────────────────────────────

    @trio.lowlevel.enable_ki_protection
    async def _write(self) -> None:
        while True:
            frames = memoryview(self._next_frames())
            if not frames:
                if not self._outbox:  # a scope costs 6 µs, and there would be one for each answer
                    await self._wake.wait()
                else:
                    with trio.move_on_at(max(self._outbox.due_s, 0.0)):
                        await self._wake.wait()
                self._wake = trio.Event()
                continue
            for start in range(0, len(frames), SEND_BYTES):
                if not await self._process.send(frames[start : start + SEND_BYTES]):
                    return  # it has closed its end: the reader sees the same, after what it still said
                self._pieces_sent += 1
            self._ping_is_sent = not self._outgoing
            if self._connection.state is State.CLOSED:  # it has been refused, and may read so before it goes
                await trio.sleep(REFUSED_S)
                self._end_process()
            await trio.lowlevel.checkpoint()

    def _next_frames(self) -> bytes:
        """The bytes to be sent now; answers that are ready together are one message."""
        if self._outgoing:
            return self._outgoing.popleft()
        if not self._outbox:
            return b""
        cell = self._connection.cell
        # Closed by a fault of the worker's, in this very tick: it is told nothing more.
        if cell is None or self._connection.state not in _OPEN:
            self._outbox.clear()
            return b""
        return b"".join(map(self._connection.send, self._outbox.take(cell, trio.current_time())))

    # ── its heart ─────────────────────────────────────────────────────────────────────────────────────────────

    @trio.lowlevel.enable_ki_protection
    async def _beat(self) -> None:
        """Ends a worker that leaves a ping unanswered. A stopped process closes no pipe: nothing else would tell."""
        while True:
            was_busy = self.is_busy
            if was_busy:
                await trio.sleep(BUSY_PAUSE_S)
            else:
                with trio.move_on_after(PARKED_PAUSE_S):
                    await self._changed.wait()
                    continue
            is_due = self.is_busy == was_busy and self._connection.state in _OPEN
            if is_due and not await self._is_alive():
                self._blame(f"left a ping unanswered for {HEARTBEAT_S:g} s and was ended")
                self._end_process()
                return

    @trio.lowlevel.enable_ki_protection
    async def _watch_memory(self) -> None:
        """Ends a worker that has more memory than it may. Where the kernel refuses it the memory, that comes first."""
        while True:
            while not self.is_busy:
                await self._changed.wait()
            await trio.sleep(WATCH_PAUSE_S)
            if self.is_busy and self._process.resident_bytes() > self._max_resident_bytes:
                self._is_over_memory = True
                self._end_process()
                return

    async def _is_alive(self) -> bool:
        ping = self._ping()
        most_full_reads = self._full_reads + MAX_READS_BEFORE_PONG
        beats = 0
        while beats < STEPS:
            pieces_sent, full_reads = self._pieces_sent, self._full_reads
            with trio.move_on_after(HEARTBEAT_S / STEPS) as step:
                while not self._has_answered(ping):
                    await self._changed.wait()
            if not step.cancelled_caught:
                return True
            # It lives while it reads what stands before the ping; and while what it said before the pong fills its
            # pipe, or is left there, it is the host that is slow.
            takes = not self._ping_is_sent and self._pieces_sent > pieces_sent
            gives = full_reads < self._full_reads < most_full_reads
            beats = 0 if takes or gives or self._is_held else beats + 1
        return False

    def _ping(self) -> int:
        self._last_ping += 1
        self._ping_is_sent = False
        self._post(m.Ping(self._last_ping))
        return self._last_ping

    def _has_answered(self, ping: int) -> bool:
        return self._last_pong >= ping

    # ── its end ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _bury(self) -> None:
        """Reaps the process, reads the last of what it wrote, closes the pipes, and tells the listener."""
        status: int | None = None
        with trio.CancelScope(deadline=trio.current_time() + REAP_S, shield=True):
            status = await self._process.wait()
            if self._pumps.cancelled_caught:  # the host was held up for so long itself, perhaps
                await self._read()
            while data := await self._process.receive_stderr():
                self._stderr.add(data)
        self._process.close()
        self.death = Death(status, str(self._stderr), self._reason, self._is_over_memory)
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.worker_died(self.death)
        self._announce()


async def until_ready(handle: WorkerHandle, *, strict: bool = False) -> None:
    """Waits until a new worker stands ready; where that is strict, behind all of its fences.

    Raises:
        WorkerUnavailable: it ended, or said nothing in time; it has been killed.
        FenceMissing: likewise, and it has been killed for it.
    """
    ready = fenced = False
    try:
        ready = await handle.until_ready(HELLO_S)
        missing = missing_fences(handle.hello) if strict else {}
        fenced = not missing
    finally:
        if not (ready and fenced):
            handle.kill()
    if ready and missing:
        raise FenceMissing(missing)
    if not ready:
        death = handle.death
        if death is None:
            raise WorkerUnavailable(f"it did not stand ready within {HELLO_S:g} s")
        raise WorkerUnavailable(str(death), exit_status=death.exit_status, stderr=death.stderr)


def missing_fences(hello: m.Hello | None) -> dict[str, str]:
    """The fences that do not stand, and what the worker says of each. One that it does not name is missing too."""
    said = {} if hello is None else hello.fences
    states = {name: said.get(name, "not named by the worker") for name in (*m.FENCES, *said)}
    return {name: state[:MAX_STATE_CHARACTERS] for name, state in states.items() if state != "on"}
