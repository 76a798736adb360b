"""Workers by fork: the helper process that forks them, as the host sees it.

A fork costs a tenth of a fresh interpreter. Where the helper cannot be had, is slow, or dies, workers are spawned
plainly: nobody waits for a zygote in vain, and workers that it has forked live on without it.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import os
import select
import signal
import socket
import sys
from typing import Any

import msgpack
import trio

from codemode.errors import WorkerUnavailable
from codemode.host.launcher import Launcher, LaunchStatistics, SpawnLauncher, spawn_interpreter
from codemode.host.patience import HEARTBEAT_S, comes_in_time
from codemode.host.process import PipedProcess, Pipes, Tail, WorkerProcess, close_in_children, last_words, read_some
from codemode.limits import Limits

_log = logging.getLogger("codemode")

STANDING_S = 15.0
"""How long a zygote may take to stand: a hundred times what it takes on an idle machine."""
WAIT_S = 0.7
"""How long a worker waits for a zygote that is starting, before it is spawned without."""
FORK_S = 0.7
"""How long a fork may take before a worker is spawned instead: hundreds of times what it takes on an idle machine."""
STATUS_S = 0.25
"""How long the zygote may take to report an exit status, once the worker has been seen to end."""
REAP_S = 1.0
RETRY_S = (0.0, 0.1, 1.0, 5.0, 30.0)
"""How long after the death of a zygote the next one is started, by how many have died without forking anything."""
_MAX_MESSAGE_BYTES = 4096
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class ZygoteLost(Exception):
    """The zygote gave no worker: it died, broke its protocol, or was too slow. The worker is spawned then."""


class ForkedProcess(PipedProcess):
    """A worker that a zygote has forked, known by its pidfd.

    Args:
        pid: its process id, for people.
        pidfd: by which it is signalled and waited for; belongs to this object from now on.
        pipes: see `PipedProcess`.
        zygote: who reports its exit status.
    """

    def __init__(self, pid: int, pidfd: int, pipes: Pipes, zygote: Zygote) -> None:
        super().__init__(pid, pipes)
        self._pidfd = pidfd
        self._zygote = zygote

    def has_exited(self) -> bool:
        """True where its pidfd says so."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(0))

    def kill(self) -> None:
        """Ends it with SIGKILL, also where its zygote is dead."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def wait(self) -> int | None:
        """Its exit status, where the zygote lives to tell it."""
        await trio.lowlevel.wait_readable(self._pidfd)
        return await self._zygote.exit_status(self.pid, self._pidfd)

    def close(self) -> None:
        """See `WorkerProcess.close`."""
        super().close()
        os.close(self._pidfd)


class _Fork:
    """A fork that was asked for."""

    def __init__(self, pipes: Pipes) -> None:
        self.pipes = pipes
        self.answered = trio.Event()
        self.is_overdue = False
        self.process: ForkedProcess | None = None
        self.refusal: str | None = None


class Zygote:
    """One zygote process, from its start to its end.

    Args:
        process: it.
        control: the host's end of its socket; belongs to this object from now on.
        stderr: the host's end of the pipe that is its stderr; likewise.
    """

    def __init__(self, process: trio.Process, control: socket.socket, stderr: int) -> None:
        self._process = process
        self._control = control
        self._stderr_end = stderr
        self._stderr = Tail()
        self._forks: dict[int, _Fork] = {}
        self._statuses: dict[int, int] = {}
        self._workers: set[int] = set()
        self._last_request = 0
        self._last_ping = self._last_pong = 0
        self._heard = trio.Event()
        self._is_closed = False
        self.is_given_up = False
        """True once it has died, or is being ended."""
        self._reason = "it ended"
        self.standing = trio.Event()
        self.gone = trio.Event()
        self.forked = 0
        """How many workers it has forked."""
        self.overdue = 0
        """How many forks it has not answered in time, and not since."""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def fork(self) -> ForkedProcess:
        """A new worker.

        Raises:
            ZygoteLost: it is gone, could not fork, or did not in time; then it is overdue until it has.
            WorkerUnavailable: the system gives no pipe.
        """
        fork = _Fork(Pipes())
        try:
            self._last_request += 1
            self._forks[self._last_request] = fork
            self._say(["fork", self._last_request], fork.pipes.from_host, fork.pipes.to_host, fork.pipes.to_stderr)
            fork.pipes.close_childs_ends()
            if not await comes_in_time(fork.answered.wait, FORK_S) and not fork.answered.is_set():
                fork.is_overdue = True
                self.overdue += 1
                raise ZygoteLost(f"it did not fork within {FORK_S:g} s")
            if fork.refusal is not None:
                raise ZygoteLost(f"it could not fork: {fork.refusal}")
            if fork.process is None:
                raise ZygoteLost(self._reason)
        except BaseException:
            if fork.process is None:
                fork.pipes.close()  # a worker that is forked all the same finds nobody there, and ends
            else:
                fork.process.kill()
                fork.process.close()
                self._workers.discard(fork.process.pid)
            raise
        return fork.process

    async def exit_status(self, pid: int, pidfd: int) -> int | None:
        """The exit status of a worker that has ended, None where nobody knows it any more."""
        with contextlib.suppress(ChildProcessError):  # not ours, as a rule; an orphan of a host that is init is
            found = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)  # noqa: ASYNC222 - it waits for nothing
            if found is not None:
                return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        with trio.move_on_after(STATUS_S):
            while pid not in self._statuses and not self.gone.is_set():
                await self._heard.wait()
        self._workers.discard(pid)
        return self._statuses.pop(pid, None)

    def give_up(self, reason: str) -> None:
        """Ends it. Its workers live on."""
        if not self.is_given_up:
            self.is_given_up = True
            self._reason = f"it {reason}"
            self._process.kill()

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Listens to it until it has ended and has been reaped. Cancelling this ends it."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read_stderr)
                nursery.start_soon(self._beat)
                await self._listen()
                nursery.cancel_scope.cancel()
        finally:
            await self._bury()

    def __str__(self) -> str:
        return f"{self._reason} (exit status {self._process.returncode}){last_words(str(self._stderr))}"

    def _say(self, message: list[Any], *descriptors: int) -> None:
        """The socket holds some hundred messages: where it is full, nobody has read them for long."""
        try:
            if self._is_closed:
                raise ZygoteLost(self._reason)
            socket.send_fds(self._control, [msgpack.packb(message)], descriptors)
        except BlockingIOError:
            self.give_up("reads nothing that it is told")
            raise ZygoteLost(self._reason) from None
        except OSError as error:  # it is gone, as the listener sees too
            raise ZygoteLost(self._reason) from error

    @trio.lowlevel.enable_ki_protection
    async def _listen(self) -> None:
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._control, _MAX_MESSAGE_BYTES, 1, _CLOSE_ON_EXEC)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._control)
                continue
            except OSError:
                return
            if not data:
                return
            try:
                self._receive(msgpack.unpackb(data), descriptors)
            except Exception as error:
                self.give_up(f"broke its protocol: {error}")
                return
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            self._heard.set()
            self._heard = trio.Event()
            await trio.lowlevel.checkpoint()

    def _receive(self, message: object, descriptors: list[int]) -> None:
        match message:
            case ["standing"] if not self.standing.is_set():
                self.standing.set()
            case ["forked", int(request), int(pid)] if self.standing.is_set():
                self.forked += 1
                fork = self._answered(request)
                if not descriptors:  # this process may have no more
                    fork.refusal = "its descriptor did not arrive"
                elif fork.pipes.is_open:  # else nobody waits for it any more
                    fork.process = ForkedProcess(pid, descriptors.pop(), fork.pipes, self)
                    self._workers.add(pid)
                    self._statuses.pop(pid, None)  # of an earlier process of that number
            case ["refused", int(request), str(why)]:
                self._answered(request).refusal = why
            case ["exited", int(pid), int(status)]:
                if pid in self._workers:
                    self._statuses[pid] = status
            case ["pong", int(number)]:
                self._last_pong = number
            case _:
                raise ValueError(f"it said {str(message)[:200]}")

    def _answered(self, request: int) -> _Fork:
        fork = self._forks.pop(request)
        self.overdue -= fork.is_overdue
        fork.answered.set()
        return fork

    @trio.lowlevel.enable_ki_protection
    async def _read_stderr(self) -> None:
        while data := await read_some(self._stderr_end):
            self._stderr.add(data)
            await trio.lowlevel.checkpoint()

    @trio.lowlevel.enable_ki_protection
    async def _beat(self) -> None:
        with trio.move_on_after(STANDING_S):
            await self.standing.wait()
        if not self.standing.is_set():
            self.give_up(f"did not stand within {STANDING_S:g} s")
            return
        with contextlib.suppress(ZygoteLost):
            while True:
                await trio.sleep(HEARTBEAT_S)
                self._last_ping += 1
                self._say(["ping", self._last_ping])
                if not await comes_in_time(self._until_answered, HEARTBEAT_S):
                    self.give_up(f"left a ping unanswered for {HEARTBEAT_S:g} s")
                    return

    async def _until_answered(self) -> None:
        while self._last_pong < self._last_ping:
            await self._heard.wait()

    async def _bury(self) -> None:
        self.is_given_up = True
        self._process.kill()
        with trio.CancelScope(deadline=trio.current_time() + REAP_S, shield=True):
            await self._process.wait()
        self._is_closed = True
        self._control.close()
        with contextlib.suppress(OSError):
            self._stderr.add(os.read(self._stderr_end, 65536))
        os.close(self._stderr_end)
        self.gone.set()
        self._heard.set()
        for fork in self._forks.values():
            fork.answered.set()


class ZygoteState(enum.Enum):
    """Where the zygote of a service is."""

    STARTING = "starting"
    STANDING = "standing"
    REFUSED = "refused"


class ZygoteLauncher:
    """Forks each worker from a zygote; spawns it plainly where there is none.

    Args:
        limits: what the workers enforce.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._spawner = SpawnLauncher(limits)
        self._zygote: Zygote | None = None
        self._changed = trio.Event()
        self._state = ZygoteState.STARTING
        self._zygotes = self._forked = 0

    def statistics(self) -> LaunchStatistics:
        """See `Launcher.statistics`."""
        return LaunchStatistics(
            forked=self._forked,
            spawned=self._spawner.statistics().spawned,
            zygotes=self._zygotes,
            zygote_pid=None if self._zygote is None else self._zygote.pid,
        )

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Keeps a zygote standing: starts the next where one has died."""
        try:
            await self._keep_one()
        finally:
            self._set(None, ZygoteState.REFUSED)

    async def _keep_one(self) -> None:
        barren = 0
        while True:
            forked = 0
            try:
                zygote = await start_zygote(self._limits)
            except WorkerUnavailable as error:
                _log.warning("no zygote, so workers are spawned: %s", error)
            else:
                self._zygotes += 1
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._announce_when_standing, zygote)
                    await zygote.run()
                    nursery.cancel_scope.cancel()
                forked = zygote.forked
                _log.warning("the zygote %d is gone: %s", zygote.pid, zygote)
            barren = 0 if forked else min(barren + 1, len(RETRY_S) - 1)
            self._set(None, ZygoteState.REFUSED if barren > 1 else ZygoteState.STARTING)
            await trio.sleep(RETRY_S[barren])

    async def launch(self) -> WorkerProcess:
        """A new worker. See `Launcher.launch`."""
        with trio.move_on_after(WAIT_S):
            while self._state is ZygoteState.STARTING:
                await self._changed.wait()
        if (zygote := self._zygote) is not None and not zygote.overdue:
            try:
                process = await zygote.fork()
            except ZygoteLost as lost:
                _log.warning("a worker is spawned instead of forked: %s", lost)
                if self._zygote is zygote and zygote.is_given_up:
                    self._set(None, ZygoteState.STARTING)
            else:
                self._forked += 1
                return process
        return await self._spawner.launch()

    async def _announce_when_standing(self, zygote: Zygote) -> None:
        await zygote.standing.wait()
        self._set(zygote, ZygoteState.STANDING)

    def _set(self, zygote: Zygote | None, state: ZygoteState) -> None:
        self._zygote = zygote
        self._state = state
        self._changed.set()
        self._changed = trio.Event()


async def start_zygote(limits: Limits) -> Zygote:
    """A new zygote, which has yet to stand.

    Raises:
        WorkerUnavailable: the system started no process.
    """
    try:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    except OSError as error:
        raise WorkerUnavailable(f"the system gave no socket: {error}") from error
    try:
        stderr, to_stderr = os.pipe()
    except OSError as error:
        ours.close()
        theirs.close()
        raise WorkerUnavailable(f"the system gave no pipe: {error}") from error
    try:
        process = await spawn_interpreter(
            "from codemode.worker.zygote import main",
            [str(theirs.fileno()), limits.to_json()],
            stderr=to_stderr,
            pass_fds=(theirs.fileno(),),
        )
    except BaseException:
        ours.close()
        os.close(stderr)
        raise
    finally:
        theirs.close()
        os.close(to_stderr)
    ours.setblocking(False)
    close_in_children(ours)
    os.set_blocking(stderr, False)
    return Zygote(process, ours, stderr)


def default_launcher(limits: Limits) -> Launcher:
    """A zygote where the system has what one needs: Linux, and its pidfds."""
    return ZygoteLauncher(limits) if _has_pidfds() else SpawnLauncher(limits)


def _has_pidfds() -> bool:
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):  # a Python built without it; a kernel before 5.3, or a sandbox that refuses it
        return False
    return True
