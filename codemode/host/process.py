"""A worker process as bytes: what is said to it, what it says, its end. Where it lives is its launcher's business."""

from __future__ import annotations

import os
import select
import sys
import weakref
from pathlib import Path
from typing import Protocol

import trio

from codemode.errors import WorkerUnavailable

READ_BYTES = 65536
"""Larger reads cost a mapping each."""


class WorkerProcess(Protocol):
    """A child process and the bytes to and from it. Whoever has it kills it, waits for it, and closes it."""

    pid: int

    async def receive(self) -> bytes:
        """What the worker wrote next; nothing once it has closed its end, or is gone."""
        ...

    async def receive_stderr(self) -> bytes:
        """What the worker wrote to stderr next; nothing once that is closed."""
        ...

    async def send(self, data: bytes | memoryview) -> bool:
        """Writes all of it, and waits while the worker does not read. False where it has closed its end."""
        ...

    def has_exited(self) -> bool:
        """True where it has ended, as far as can be seen without waiting."""
        ...

    def resident_bytes(self) -> int:
        """The memory that it really has now, shared pages among it; 0 where nobody knows."""
        ...

    def kill(self) -> None:
        """Ends it with SIGKILL. Harmless where it has ended."""
        ...

    async def wait(self) -> int | None:
        """Waits for its end, and reaps it. Its exit status as `Popen.returncode` gives it; None: nobody knows it."""
        ...

    def close(self) -> None:
        """Closes what leads to it. Nothing more is asked of it."""
        ...


class Closable(Protocol):
    """What holds descriptors."""

    def close(self) -> None:
        """Closes them. Harmless where that has been done."""
        ...


_NOT_FOR_CHILDREN: weakref.WeakSet[Closable] = weakref.WeakSet()


def close_in_children(holder: Closable) -> None:
    """A child that the program forks, as multiprocessing does, closes these descriptors at once.

    It would hold open what tells workers that their host has gone, for as long as it lives.
    """
    _NOT_FOR_CHILDREN.add(holder)


def _close_in_child() -> None:
    for holder in list(_NOT_FOR_CHILDREN):
        holder.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


class Pipes:
    """The three pipes of a worker: the host's ends do not block, and the child's are to be closed once it has them.

    Raises:
        WorkerUnavailable: the system gives none.
    """

    def __init__(self) -> None:
        self._open: list[int] = []
        try:
            self.from_host, self.inbound = self._pipe()
            self.outbound, self.to_host = self._pipe()
            self.stderr, self.to_stderr = self._pipe()
        except OSError as error:
            self.close()
            raise WorkerUnavailable(f"the system gave no pipe: {error}") from error
        for descriptor in (self.inbound, self.outbound, self.stderr):
            os.set_blocking(descriptor, False)
        close_in_children(self)

    @property
    def is_open(self) -> bool:
        """False once it has been closed."""
        return bool(self._open)

    def _pipe(self) -> tuple[int, int]:
        ends = os.pipe()
        self._open += ends
        return ends

    def close_childs_ends(self) -> None:
        """The child has its own copies now, or never will."""
        self._close(self.from_host, self.to_host, self.to_stderr)

    def close(self) -> None:
        """Closes what is still open."""
        self._close(*self._open)

    def _close(self, *descriptors: int) -> None:
        for descriptor in descriptors:
            if descriptor in self._open:
                self._open.remove(descriptor)
                os.close(descriptor)


class PipedProcess:
    """The bytes of a worker at the other end of pipes. Its life is for those who build on this.

    Args:
        pid: its process id.
        pipes: the host's ends of which belong to this object from now on.
    """

    def __init__(self, pid: int, pipes: Pipes) -> None:
        self.pid = pid
        self._pipes = pipes

    async def receive(self) -> bytes:
        """See `WorkerProcess.receive`."""
        return await read_some(self._pipes.outbound)

    async def receive_stderr(self) -> bytes:
        """See `WorkerProcess.receive_stderr`."""
        return await read_some(self._pipes.stderr)

    async def send(self, data: bytes | memoryview) -> bool:
        """See `WorkerProcess.send`."""
        while data:
            try:
                data = memoryview(data)[os.write(self._pipes.inbound, data) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._pipes.inbound)
            except OSError:
                return False
        return True

    def has_exited(self) -> bool:
        """True where it has closed its end of the pipe, as a process that ends does."""
        poll = select.poll()
        poll.register(self._pipes.outbound, select.POLLIN)
        return any(events & select.POLLHUP for _, events in poll.poll(0))

    def resident_bytes(self) -> int:
        """See `WorkerProcess.resident_bytes`."""
        return 0 if self.has_exited() else resident_bytes(self.pid)

    def close(self) -> None:
        """See `WorkerProcess.close`."""
        self._pipes.close()


if sys.platform == "linux":

    def resident_bytes(pid: int) -> int:
        """The memory that a process really has; 0 where nobody knows."""
        try:
            return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            return 0

else:
    import psutil

    def resident_bytes(pid: int) -> int:
        """The memory that a process really has; 0 where nobody knows."""
        try:
            resident: int = psutil.Process(pid).memory_info().rss
        except psutil.Error:
            return 0
        return resident


async def read_some(descriptor: int) -> bytes:
    """What can be read next from a descriptor that does not block; nothing at its end."""
    while True:
        try:
            return os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            await trio.lowlevel.wait_readable(descriptor)
        except OSError:
            return b""


class Tail:
    """The end of what a process wrote to stderr.

    Args:
        max_bytes: how much is kept.
    """

    def __init__(self, max_bytes: int = 65536) -> None:
        self._max_bytes = max_bytes
        self._kept = bytearray()

    def add(self, data: bytes) -> None:
        """The process wrote this."""
        self._kept += data
        del self._kept[: -self._max_bytes]

    def __str__(self) -> str:
        return self._kept.decode("utf-8", "replace")


def last_words(stderr: str) -> str:
    """What a log says after how a process ended: the end of its stderr, or nothing."""
    return f"; its stderr ends:\n{stderr[-2000:].rstrip()}" if stderr.strip() else ""
