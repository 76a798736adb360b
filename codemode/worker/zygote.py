"""The process that forks workers: everything imported and V8 initialised once, no engine, no thread.

It speaks with the host over one socket that keeps message boundaries. Each message is one msgpack array:

    host says                               zygote says
    ["fork", request] + three descriptors   ["forked", request, pid] + a pidfd, or ["refused", request, why]
    ["ping", number]                        ["pong", number]
                                            ["standing"] once, first; ["exited", pid, status] of each worker

It opens each worker's pidfd itself, before it can have reaped it, so the host never signals a stranger that got the
same process id. When the host is gone it kills what it has forked: a worker that was stopped cannot see that itself.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import traceback
from typing import Any

import msgpack

from codemode.limits import Limits
from codemode.worker.link import end_process
from codemode.worker.main import load, serve

MAX_MESSAGE_BYTES = 4096
_DESCRIPTORS = 3  # of a fork: inbound, outbound, stderr


class Zygote:
    """Forks on request, and reports the end of each worker.

    Args:
        control: the socket to the host.
        limits: what the workers enforce.
    """

    def __init__(self, control: socket.socket, limits: Limits) -> None:
        self._control = control
        self._limits = limits
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._workers: dict[int, int] = {}
        """Process id by pidfd."""

    def run(self) -> None:
        """Serves until the host is gone. Returns in no process: a forked worker never comes back either."""
        self._say(["standing"])
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor == self._control.fileno():
                    self._receive()
                else:
                    self._reap(descriptor)

    def _say(self, message: list[Any], *descriptors: int) -> None:
        try:
            socket.send_fds(self._control, [msgpack.packb(message)], descriptors)
        except (BrokenPipeError, ConnectionResetError):
            self._end()

    def _receive(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, MAX_MESSAGE_BYTES, _DESCRIPTORS)
        except ConnectionResetError:
            data, descriptors = b"", []
        if not data:
            self._end()
        match msgpack.unpackb(data):
            case ["fork", request] if len(descriptors) == _DESCRIPTORS:
                self._fork(request, *descriptors)
            case ["ping", number]:
                self._say(["pong", number])
            case message:
                raise ValueError(f"the host said {message!r} with {len(descriptors)} descriptors")

    def _fork(self, request: int, inbound: int, outbound: int, stderr: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            self._say(["refused", request, str(error)])
            pid = -1
        if pid == 0:
            become_worker(inbound, outbound, stderr, self._limits)
        for descriptor in (inbound, outbound, stderr):
            os.close(descriptor)
        if pid < 0:
            return
        try:
            pidfd = os.pidfd_open(pid)
        except OSError as error:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self._say(["refused", request, f"no pidfd: {error}"])
            return
        self._workers[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)
        self._say(["forked", request, pid], pidfd)

    def _reap(self, pidfd: int) -> None:
        self._poll.unregister(pidfd)
        pid = self._workers.pop(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(pid, 0)
        self._say(["exited", pid, os.waitstatus_to_exitcode(status)])

    def _end(self) -> None:
        for pidfd in self._workers:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        end_process()


def become_worker(inbound: int, outbound: int, stderr: int, limits: Limits) -> None:
    """What a forked child does: it lets go of all that is the zygote's, and serves. Never returns."""
    try:
        os.dup2(stderr, 1)
        os.dup2(stderr, 2)
        serve(inbound, outbound, limits)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    end_process(70)


def main(arguments: list[str]) -> None:
    """The zygote's entry: `[descriptor of the control socket, JSON text of the limits]`."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where a parent of the host ignores it, no child can be reaped
        control = socket.socket(fileno=int(arguments[0]))
        limits = Limits.from_json(arguments[1])
        load(limits)
        gc.collect()
        gc.freeze()  # a collection in a child would write to every page that it shares
        Zygote(control, limits).run()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        end_process(70)
