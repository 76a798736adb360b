"""A real worker process, driven over its pipes by the host's end of the wire alone."""

from __future__ import annotations

import fcntl
import os
import resource
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import codemode
from codemode.limits import Limits
from codemode.wire import messages as m
from codemode.wire.connection import Connection
from codemode.wire.validation import StrictDecoder

ANSWER_S = 15.0
"""Generous: for what must answer at all."""
BOOT = "import sys; sys.path[:] = sys.argv[4:]; from codemode.worker.main import main; main(sys.argv[1:4])"


class Driver:
    """The host's end of one worker's pipes.

    Args:
        boot: what the interpreter does first.
        limits: of the worker.
    """

    def __init__(self, boot: str = BOOT, **limits: Any) -> None:
        from_host, self.inbound = os.pipe()
        self.outbound, to_host = os.pipe()
        own = str(Path(codemode.__file__).parents[1])
        start = (sys.executable, "-I", "-S", "-c", boot)
        self.process = subprocess.Popen(
            [*start, *map(str, (from_host, to_host)), Limits(**limits).to_json(), *filter(None, sys.path), own],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(from_host, to_host),
            env={"SECRET": "of the host"},
        )
        os.close(from_host)
        os.close(to_host)
        self.connection = Connection("host", StrictDecoder())
        self._ended = False

    def close(self) -> None:
        """Ends the process, whatever it does."""
        self.process.kill()
        self.process.communicate()
        self.close_reading()
        self.hang_up()

    def close_reading(self) -> None:
        """The host reads no more."""
        if self.outbound >= 0:
            os.close(self.outbound)
            self.outbound = -1

    def hang_up(self) -> None:
        """The host's death, as the worker sees it."""
        if self.inbound >= 0:
            os.close(self.inbound)
            self.inbound = -1

    def say(self, message: m.Message) -> None:
        os.write(self.inbound, self.connection.send(message))

    def hear(self) -> m.Message | None:
        """The next message; None where the worker has ended."""
        deadline = time.monotonic() + ANSWER_S
        while (message := self.connection.next_message()) is None:
            assert select.select([self.outbound], [], [], max(0, deadline - time.monotonic()))[0], "no answer"
            data = os.read(self.outbound, 65536)
            if not data:
                return None
            self.connection.receive_data(data)
        return message

    def hear_until(self, *kinds: type[m.Message]) -> list[m.Message]:
        """Everything to the first message of these kinds; that one is last."""
        heard: list[m.Message] = []
        while not heard or not isinstance(heard[-1], kinds):
            message = self.hear()
            assert message is not None, f"the worker ended after {heard}: {self.process.communicate()[1]!r}"
            heard.append(message)
        return heard

    def start(self, source: str, cell: int = 1, *, ready: bool = True, calls: int = 1024) -> None:
        """Starts a script, with the tools `get` and `raw`."""
        if ready:
            self.hear_until(m.Ready)
        tools = (("get", "tools.js", "get", "", False, ""), ("raw", "tools.js", "raw", "", True, ""))
        self.say(m.Start(cell, f"cell-{cell}.js", source, "javascript", tools, {}, calls, 1 << 20))

    def run(self, source: str, cell: int = 1) -> list[m.Message]:
        """What a script says that calls nothing, to its end."""
        self.start(source, cell)
        return self.hear_until(m.Completed, m.Failed)

    def exit_status(self) -> int:
        """How the process ended; it must have, or be about to."""
        return self.process.wait(ANSWER_S)

    def wait_until_blocked(self) -> None:
        """Until the worker's pipe is full, and who writes to it waits. Each write may leave a page half empty."""
        capacity = fcntl.fcntl(self.outbound, fcntl.F_GETPIPE_SZ) - 4 * resource.getpagesize()
        deadline = time.monotonic() + ANSWER_S
        while int.from_bytes(fcntl.ioctl(self.outbound, termios.FIONREAD, bytes(4)), sys.byteorder) < capacity:
            assert time.monotonic() < deadline, "its pipe was never full"
            time.sleep(0.01)


@pytest.fixture
def open_worker() -> Iterator[Callable[..., Driver]]:
    """Starts workers, by how an interpreter begins, where that is said, and the limits given."""
    drivers: list[Driver] = []

    def opened(boot: str = BOOT, **limits: Any) -> Driver:
        drivers.append(Driver(boot, **limits))
        return drivers[-1]

    yield opened
    for driver in drivers:
        driver.close()


@pytest.fixture
def worker(open_worker: Callable[..., Driver]) -> Driver:
    """A worker with the limits that a user gets."""
    return open_worker()
