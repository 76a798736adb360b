"""A real zygote, driven over its socket by the test alone."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest

import codemode
from codemode.limits import Limits
from codemode.wire import messages as m
from codemode.wire.connection import Connection
from codemode.wire.validation import StrictDecoder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a zygote needs Linux")

ANSWER_S = 15.0
"""Generous: for what must answer at all."""
_BOOT = "import sys; sys.path[:] = sys.argv[3:]; from codemode.worker.zygote import main; main(sys.argv[1:3])"


class Driver:
    """The host's end of a zygote's socket."""

    def __init__(self, *ignored: signal.Signals) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(ANSWER_S)
        own = str(Path(codemode.__file__).parents[1])
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _BOOT, str(theirs.fileno()), Limits().to_json(), *sys.path, own],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            env={},
            preexec_fn=lambda: [signal.signal(number, signal.SIG_IGN) for number in ignored],  # noqa: PLW1509 - no threads
        )
        theirs.close()
        self.descriptors: list[int] = []

    def say(self, message: Any, *descriptors: int) -> None:
        socket.send_fds(self.control, [msgpack.packb(message)], descriptors)

    def hear(self) -> Any:
        data, descriptors, _, _ = socket.recv_fds(self.control, 65536, 4)
        self.descriptors += descriptors
        return msgpack.unpackb(data) if data else None

    def fork(self, request: int = 1) -> Forked:
        """A worker of the zygote."""
        ends = [*os.pipe(), *os.pipe(), *os.pipe()]
        from_host, inbound, outbound, to_host, stderr, to_stderr = ends
        self.say(["fork", request], from_host, to_host, to_stderr)
        for descriptor in (from_host, to_host, to_stderr):
            os.close(descriptor)
        kind, answered, pid = self.hear()
        assert (kind, answered) == ("forked", request)
        self.descriptors += [inbound, outbound, stderr]
        return Forked(pid, self.descriptors.pop(-4), inbound, outbound, stderr)

    def close(self) -> None:
        self.control.close()
        self.process.kill()
        self.process.communicate()
        for descriptor in self.descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)


class Forked:
    """A worker and the host's ends of its pipes."""

    def __init__(self, pid: int, pidfd: int, inbound: int, outbound: int, stderr: int) -> None:
        self.pid, self.pidfd = pid, pidfd
        self.inbound, self.outbound, self.stderr = inbound, outbound, stderr
        self.connection = Connection("host", StrictDecoder())

    def until(self, kind: type[m.Message]) -> list[m.Message]:
        """What it says up to the first message of a kind."""
        heard: list[m.Message] = []
        while not any(isinstance(message, kind) for message in heard):
            assert select.select([self.outbound], [], [], ANSWER_S)[0], f"no {kind.type}"
            heard += self.connection.receive_data(os.read(self.outbound, 65536))
        return heard

    def run(self, source: str, cell: int = 1) -> list[m.Message]:
        """What it says of a script."""
        start = m.Start(
            cell=cell,
            name=f"cell-{cell}.js",
            source=source,
            language="javascript",
            tools=(),
            stored={},
            max_calls_in_flight=4,
            max_store_bytes=100,
        )
        os.write(self.inbound, self.connection.send(start))
        return self.until(m.Completed)

    def has_ended(self) -> bool:
        return bool(select.select([self.pidfd], [], [], ANSWER_S)[0])


@pytest.fixture
def zygote() -> Iterator[Driver]:
    driver = Driver()
    try:
        assert driver.hear() == ["standing"]
        yield driver
    finally:
        driver.close()


def ends_of(pid: int) -> set[str]:
    """Where the descriptors of a process lead."""
    return {os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")}


def emitted(messages: list[m.Message]) -> list[str]:
    return [body for message in messages if isinstance(message, m.Output) for _, body in message.items]


def test_it_stands_with_one_thread_and_answers_pings(zygote: Driver) -> None:
    zygote.say(["ping", 7])

    assert zygote.hear() == ["pong", 7]
    assert len(os.listdir(f"/proc/{zygote.process.pid}/task")) == 1


def test_a_forked_worker_stands_ready_and_runs_scripts(zygote: Driver) -> None:
    worker = zygote.fork()
    hello, _ = worker.until(m.Ready)

    assert isinstance(hello, m.Hello)
    assert (hello.pid, set(hello.fences.values())) == (worker.pid, {"on"})
    assert emitted(worker.run("text(await Promise.resolve(6) * 7)")) == ["42"]
    worker.until(m.Ready)
    assert emitted(worker.run("text('again')", cell=2)) == ["again"]


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user may not read this of a worker")
def test_a_forked_worker_has_its_own_descriptors_and_nothing_of_its_siblings(zygote: Driver) -> None:
    workers = [zygote.fork(request) for request in (1, 2, 3)]
    for worker in workers:
        worker.until(m.Ready)

    of_zygote = {end for end in ends_of(zygote.process.pid) if end.startswith("socket:")}
    assert len(of_zygote) == 1
    for worker in workers:
        pipes = {end for end in ends_of(worker.pid) if end.startswith("pipe:")}
        own = {os.readlink(f"/proc/self/fd/{end}") for end in (worker.inbound, worker.outbound, worker.stderr)}
        assert pipes == own
        assert not ends_of(worker.pid) & of_zygote


def test_the_zygote_keeps_no_end_of_a_workers_pipes(zygote: Driver) -> None:
    worker = zygote.fork()
    worker.until(m.Ready)
    os.close(worker.inbound)
    zygote.descriptors.remove(worker.inbound)

    assert worker.has_ended()


def test_two_workers_do_not_share_their_random_numbers(zygote: Driver) -> None:
    said = []
    for request in (1, 2):
        worker = zygote.fork(request)
        worker.until(m.Ready)
        said.append(emitted(worker.run("text(Math.random())")))

    assert said[0] != said[1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTRAP, signal.SIGTERM])
def test_the_end_of_a_worker_is_reported_with_its_exit_status(zygote: Driver, number: signal.Signals) -> None:
    worker = zygote.fork()
    worker.until(m.Ready)
    signal.pidfd_send_signal(worker.pidfd, number)

    assert zygote.hear() == ["exited", worker.pid, -number]
    assert worker.has_ended()
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)


def test_a_worker_whose_host_has_gone_exits_by_itself(zygote: Driver) -> None:
    worker = zygote.fork()
    worker.until(m.Ready)
    os.close(worker.inbound)
    zygote.descriptors.remove(worker.inbound)

    assert zygote.hear() == ["exited", worker.pid, 0]


def test_a_worker_lives_on_without_its_zygote(zygote: Driver) -> None:
    worker = zygote.fork()
    worker.until(m.Ready)
    zygote.process.kill()
    zygote.process.wait()

    assert emitted(worker.run("text('alive')")) == ["alive"]


def test_a_zygote_whose_host_has_gone_takes_its_workers_with_it_also_one_that_was_stopped(zygote: Driver) -> None:
    spinning, stopped = zygote.fork(1), zygote.fork(2)
    stopped.until(m.Ready)
    signal.pidfd_send_signal(stopped.pidfd, signal.SIGSTOP)
    spinning.until(m.Ready)
    zygote.control.shutdown(socket.SHUT_RDWR)

    assert stopped.has_ended()
    assert spinning.has_ended()
    assert zygote.process.wait(ANSWER_S) == 0


@pytest.mark.parametrize(
    "message",
    [["fork", 1], ["unknown"], "fork", {}, ["ping"]],
    ids=["no descriptors", "unknown", "text", "map", "short"],
)
def test_a_message_that_makes_no_sense_ends_it_with_its_reason_on_stderr(zygote: Driver, message: Any) -> None:
    zygote.say(message)
    _, stderr = zygote.process.communicate(timeout=ANSWER_S)

    assert zygote.process.returncode == 70
    assert b"ValueError: the host said" in stderr


def test_what_a_worker_writes_to_stderr_goes_to_its_own_pipe(zygote: Driver) -> None:
    worker = zygote.fork()
    worker.until(m.Ready)
    os.write(worker.inbound, b"\xff" * 64)

    assert zygote.hear() == ["exited", worker.pid, 70]
    assert b"Traceback" in os.read(worker.stderr, 65536)


def test_a_host_that_ignores_the_end_of_its_children_does_not_keep_the_zygote_from_reaping() -> None:
    zygote = Driver(signal.SIGCHLD)
    try:
        assert zygote.hear() == ["standing"]
        worker = zygote.fork()
        worker.until(m.Ready)
        signal.pidfd_send_signal(worker.pidfd, signal.SIGKILL)
        assert zygote.hear() == ["exited", worker.pid, -signal.SIGKILL]
    finally:
        zygote.close()
