"""The worker's end of the wire: blocking pipes, and whoever of its two threads holds them.

The host gone means the end of this process, wherever that is noticed.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Sequence
from typing import NoReturn

from codemode.wire import messages as m
from codemode.wire.codec import Decoder
from codemode.wire.connection import Connection

READ_BYTES = 65536


def end_process(status: int = 0) -> NoReturn:
    """Ends this process at once. Leaving an engine open to the interpreter's own exit can deadlock it."""
    os._exit(status)


class Link:
    """Reads and writes messages. Any thread may call anything.

    Args:
        inbound: descriptor to read the host from.
        outbound: descriptor to write to the host.
    """

    def __init__(self, inbound: int, outbound: int) -> None:
        self._inbound = inbound
        self._outbound = outbound
        self._poll = select.poll()
        self._poll.register(inbound, select.POLLIN)
        self._connection = Connection("worker", Decoder(m.HOST_MESSAGES))
        self._inbox: deque[m.Message] = deque()
        self._stored: dict[str, m.Stored] = {}
        """What other cells have stored, the last of each key: however long the script is busy, it stays bounded."""
        self._reading = threading.Lock()
        self._writing = threading.RLock()

    @property
    def writing(self) -> threading.RLock:
        """Held by whoever takes from the ring and writes, so that what the script said keeps its order."""
        return self._writing

    def send(self, messages: Sequence[m.Message]) -> None:
        """Says these, in one write where the pipe takes it. Waits while the host does not read."""
        with self._writing:
            data = memoryview(b"".join([self._connection.send(message) for message in messages]))
            if self._stored:
                self._forget_overwritten(messages)
            try:
                while data:
                    data = data[os.write(self._outbound, data) :]
            except BrokenPipeError:
                end_process()

    def _forget_overwritten(self, messages: Sequence[m.Message]) -> None:
        """What others had stored before this script stored under the same key: to the host the script was the last."""
        for message in messages:
            if isinstance(message, m.Stores):
                for key, _ in message.entries:
                    self._stored.pop(key, None)

    @property
    def has_stored(self) -> bool:
        """True where `take_stored` would give something."""
        return bool(self._stored)

    def receive(self, timeout_s: float | None) -> m.Message | None:
        """The next message but for `stored`, or None where none came in time, or only those."""
        if not self._inbox:
            with self._reading:
                if not self._inbox:
                    self._read(timeout_s)
        return self._inbox.popleft() if self._inbox else None

    def receive_pending(self) -> m.Message | None:
        """The next message that has been read already, or None."""
        return self._inbox.popleft() if self._inbox else None

    def take_stored(self) -> list[m.Stored]:
        """What was read of what other cells have stored, the last of each key; nothing for a second time."""
        if not self._stored:
            return []
        with self._writing:
            stored, self._stored = list(self._stored.values()), {}
        return stored

    def glance(self) -> None:
        """Reads what has come, without waiting: pings are answered, the host's end is seen, the rest is kept."""
        if self._reading.acquire(blocking=False):
            try:
                self._read(0)
            finally:
                self._reading.release()

    def _read(self, timeout_s: float | None) -> None:
        if not self._poll.poll(None if timeout_s is None else timeout_s * 1000):
            return
        data = os.read(self._inbound, READ_BYTES)
        if not data:
            end_process()
        with self._writing:
            for message in self._connection.receive_data(data):
                if isinstance(message, m.Ping):
                    self.send([m.Pong(message.ping)])
                elif isinstance(message, m.Refused):
                    end_process()
                elif isinstance(message, m.Stored):
                    self._stored[message.key] = message
                else:
                    self._inbox.append(message)
