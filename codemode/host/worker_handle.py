"""One worker as the host sees it: a process, a connection, and the tasks that pump bytes between them.

The reader never waits for the writer, nor for anything that a message causes: what a message means is the listener's
business, who answers at once and does the rest in tasks of its own.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import trio

from codemode.errors import RemoteProtocolError, WorkerUnavailable
from codemode.host.launcher import WorkerProcess
from codemode.wire import messages as m
from codemode.wire.connection import Connection, State
from codemode.wire.frames import MAX_FRAME_BYTES
from codemode.wire.validation import StrictDecoder

READ_BYTES = 65536
STDERR_BYTES = 65536
MESSAGES_AT_A_TIME = 64
"""Messages of one worker that are taken before others have their turn."""
HELLO_S = 15.0
"""How long a worker may take to stand ready: a hundred times what it takes on an idle machine."""
REAP_S = 1.0
REFUSED_S = 0.5
MAX_ANSWER_BYTES = MAX_FRAME_BYTES // 2
"""How much JSON text goes into one frame of answers. One answer alone may be longer."""

_OUT_OF_MEMORY = ("out of memory", "heap limit", "Last few GCs", "memory is close to its limit", "MemoryError")


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker ended.

    Attributes:
        exit_status: as `Popen.returncode` gives it; None where it could not be reaped in time.
        stderr: the end of what it wrote there.
        offence: what rule of the protocol it broke, if that is why it was ended.
    """

    exit_status: int | None
    stderr: str
    offence: str | None = None

    @property
    def of_memory(self) -> bool:
        """True where the engine ran out of memory: it traps or aborts, and V8 or the worker says why on stderr."""
        fatal = self.exit_status in (-signal.SIGTRAP, -signal.SIGABRT, -signal.SIGILL, 70)
        return self.offence is None and fatal and any(mark in self.stderr for mark in _OUT_OF_MEMORY)

    def __str__(self) -> str:
        """For a model too: without what stands on stderr, which may hold paths of this machine."""
        if self.offence is not None:
            return f"the worker broke the protocol and was ended: {self.offence}"
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
    """The cell that a worker runs. Both methods answer at once and never raise."""

    def receive(self, message: m.Message) -> None:
        """The worker said this of the cell."""
        ...

    def worker_died(self, death: Death) -> None:
        """The worker has ended; all that it said has been received."""
        ...


class WorkerHandle:
    """A worker process, its connection and its pumps.

    Args:
        process: as a launcher gave it; the handle closes its descriptors.
    """

    def __init__(self, process: WorkerProcess) -> None:
        self._process = process
        self._connection = Connection("host", StrictDecoder())
        self._listener: Listener | None = None
        self._outgoing: deque[bytes] = deque()
        self._answers: list[tuple[int, m.CallStatus, str]] = []
        self._wake = trio.Event()
        self._changed = trio.Event()
        self._stderr = bytearray()
        self._offence: str | None = None
        self._killed = False
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

    def has_hung_up(self) -> bool:
        """True where it has died and the reader has not come to see that yet."""
        poll = select.poll()
        poll.register(self._process.outbound, select.POLLIN)
        return self.is_ending or any(events & select.POLLHUP for _, events in poll.poll(0))

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

    def start(self, start: m.Start, listener: Listener) -> None:
        """Gives a cell to the worker, which must be ready. From now on the listener hears of it.

        Raises:
            LocalProtocolError: the message cannot be encoded, or is too long for a frame; nothing has changed.
        """
        assert self.is_ready, "a cell is started in a worker that stands ready"
        self._post(start)
        self._listener = listener

    def answer(self, call: int, status: m.CallStatus, text: str) -> None:
        """Answers a call of the running cell. Answers that are ready together go out together."""
        self._answers.append((call, status, text))
        self._wake.set()

    def tell_stored(self, key: str, value: str | None) -> None:
        """Another cell of the session stored a value."""
        if self._connection.cell is not None:
            self._post(m.Stored(self._connection.cell, key, value))

    def kill(self) -> None:
        """Ends the process. `worker_died` follows, after all that it had said."""
        self._killed = True
        self._process.kill()

    # Ctrl-C is for the program's main task: in a pump it would come out wrapped, and from the wrong place.
    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Pumps until the process has ended, and has been reaped. Cancelling this kills it."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                nursery.start_soon(self._read_stderr)
                await self._read()
                nursery.cancel_scope.cancel()
        finally:
            self._process.kill()
            await self._bury()

    def _post(self, message: m.Message) -> None:
        self._outgoing.append(self._connection.send(message))
        self._wake.set()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    @trio.lowlevel.enable_ki_protection
    async def _read(self) -> None:
        try:
            while True:
                try:
                    data = os.read(self._process.outbound, READ_BYTES)
                except BlockingIOError:
                    await trio.lowlevel.wait_readable(self._process.outbound)
                    continue
                except OSError:
                    return
                if not data:
                    return  # perhaps within a frame: it was killed while it wrote
                for number, message in enumerate(self._connection.receive_data(data), 1):
                    self._receive(message)
                    if number % MESSAGES_AT_A_TIME == 0:
                        await trio.lowlevel.checkpoint()
                await trio.lowlevel.checkpoint()
        except RemoteProtocolError as error:
            self._offence = str(error)

    def _receive(self, message: m.Message) -> None:
        match message:
            case m.Hello(protocol=protocol):
                self.hello = message
                if protocol != m.PROTOCOL_VERSION:
                    self._offence = f"it speaks version {protocol}, and this host {m.PROTOCOL_VERSION}"
                    self._post(m.Refused((m.PROTOCOL_VERSION,)))
            case m.Ready():
                self._announce()
            case m.Pong():
                pass
            case _:
                listener = self._listener
                if isinstance(message, m.Completed | m.Failed):
                    self._listener = None
                    self._answers.clear()
                if listener is not None:
                    listener.receive(message)

    @trio.lowlevel.enable_ki_protection
    async def _write(self) -> None:
        while True:
            data = self._next_frames()
            if not data:
                await self._wake.wait()
                self._wake = trio.Event()
                continue
            view = memoryview(data)
            while view:
                try:
                    view = view[os.write(self._process.inbound, view) :]
                except BlockingIOError:
                    await trio.lowlevel.wait_writable(self._process.inbound)
                except OSError:
                    return  # it has closed its end: the reader sees the same, after what it still said
            if self._connection.state is State.CLOSED:  # it has been refused, and may read so before it goes
                await trio.sleep(REFUSED_S)
                self._process.kill()
            await trio.lowlevel.checkpoint()

    def _next_frames(self) -> bytes:
        """The bytes to be sent now; answers that are ready together are one message."""
        if self._outgoing:
            return self._outgoing.popleft()
        cell = self._connection.cell
        if not self._answers or cell is None:
            self._answers.clear()
            return b""
        size = count = 0
        for _, _, text in self._answers:
            size += len(text)
            if count and size > MAX_ANSWER_BYTES // 4:  # a character may be four bytes
                break
            count += 1
        ready, self._answers = self._answers[:count], self._answers[count:]
        return self._connection.send(m.Answers(cell, tuple(ready)))

    @trio.lowlevel.enable_ki_protection
    async def _read_stderr(self) -> None:
        while True:
            try:
                data = os.read(self._process.stderr, READ_BYTES)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._process.stderr)
                continue
            except OSError:
                return
            if not data:
                return
            self._keep_stderr(data)
            await trio.lowlevel.checkpoint()

    def _keep_stderr(self, data: bytes) -> None:
        self._stderr += data
        del self._stderr[:-STDERR_BYTES]

    async def _bury(self) -> None:
        """Reaps the process, reads the last of its stderr, closes the pipes, and tells the listener."""
        status: int | None = None
        with trio.CancelScope(deadline=trio.current_time() + REAP_S, shield=True):
            status = await self._process.wait()
        with contextlib.suppress(OSError):
            while data := os.read(self._process.stderr, READ_BYTES):
                self._keep_stderr(data)
        for descriptor in (self._process.inbound, self._process.outbound, self._process.stderr):
            os.close(descriptor)
        self.death = Death(status, self._stderr.decode("utf-8", "replace"), self._offence)
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.worker_died(self.death)
        self._announce()


async def start_worker(process: WorkerProcess, nursery: trio.Nursery) -> WorkerHandle:
    """The handle of a new process, once it stands ready.

    Raises:
        WorkerUnavailable: it ended, or said nothing in time.
    """
    handle = WorkerHandle(process)
    nursery.start_soon(handle.run)
    try:
        ready = await handle.until_ready(HELLO_S)
    except BaseException:
        handle.kill()
        raise
    if ready:
        return handle
    handle.kill()
    death = handle.death
    if death is None:
        raise WorkerUnavailable(f"it did not stand ready within {HELLO_S:g} s")
    raise WorkerUnavailable(str(death), exit_status=death.exit_status, stderr=death.stderr)
