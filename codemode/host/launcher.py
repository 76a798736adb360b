"""How worker processes come to be: the interface, and the way that works everywhere."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import trio

import codemode
from codemode.errors import WorkerUnavailable
from codemode.host.process import PipedProcess, Pipes, WorkerProcess
from codemode.limits import Limits


@dataclass(frozen=True, slots=True)
class LaunchStatistics:
    """How workers came to be.

    Attributes:
        forked: how many were forked from a zygote.
        spawned: how many were started as an interpreter of their own.
        zygotes: how many zygotes were started.
        zygote_pid: the process id of the one that stands; None where none does.
    """

    forked: int = 0
    spawned: int = 0
    zygotes: int = 0
    zygote_pid: int | None = None


class Launcher(Protocol):
    """Starts worker processes."""

    async def run(self) -> None:
        """Does what there is to do in the background, until it is cancelled. A service runs this while it lives."""
        ...

    async def launch(self) -> WorkerProcess:
        """A new process, which has yet to say hello.

        Raises:
            WorkerUnavailable: the system gave none.
        """
        ...

    def statistics(self) -> LaunchStatistics:
        """What it has started so far."""
        ...


class SpawnedProcess(PipedProcess):
    """A worker started as a fresh interpreter."""

    def __init__(self, process: trio.Process, pipes: Pipes) -> None:
        super().__init__(process.pid, pipes)
        self._process = process

    def kill(self) -> None:
        """Ends it with SIGKILL."""
        self._process.kill()

    async def wait(self) -> int:
        """Its exit status; reaps it."""
        return await self._process.wait()


class SpawnLauncher:
    """Starts each worker as a fresh interpreter: works everywhere, about 150 ms each.

    Args:
        limits: what the workers enforce.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._spawned = 0

    async def run(self) -> None:
        """Nothing to do."""

    def statistics(self) -> LaunchStatistics:
        """See `Launcher.statistics`."""
        return LaunchStatistics(spawned=self._spawned)

    async def launch(self) -> WorkerProcess:
        """A new interpreter with the worker in it. See `Launcher.launch`."""
        worker = await spawn_piped("from codemode.worker.main import main", [self._limits.to_json()])
        self._spawned += 1
        return worker


async def spawn_piped(import_main: str, arguments: list[str]) -> SpawnedProcess:
    """A fresh interpreter that calls `main` with the descriptors of its pipes, inbound and outbound, and the arguments.

    Raises:
        WorkerUnavailable: the system gave no pipe, or started no process.
    """
    pipes = Pipes()
    try:
        process = await spawn_interpreter(
            import_main,
            [str(pipes.from_host), str(pipes.to_host), *arguments],
            stderr=pipes.to_stderr,
            pass_fds=(pipes.from_host, pipes.to_host),
        )
    except BaseException:
        pipes.close()
        raise
    pipes.close_childs_ends()
    return SpawnedProcess(process, pipes)


async def spawn_interpreter(
    import_main: str, arguments: list[str], *, stderr: int, pass_fds: tuple[int, ...]
) -> trio.Process:
    """A fresh interpreter that calls `main(arguments)`: with nothing of this process's but its import path.

    Args:
        import_main: the statement that imports `main`.
        arguments: given to it.
        stderr: descriptor for what it writes to stdout and stderr.
        pass_fds: descriptors that it inherits.

    Raises:
        WorkerUnavailable: the system started no process.
    """
    last = 1 + len(arguments)
    boot = f"import sys; sys.path[:] = sys.argv[{last}:]; {import_main}; main(sys.argv[1:{last}])"
    # -I: neither the environment nor the user's site decides what is imported.
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", boot, *arguments, *_import_path()]
    try:
        return await trio.lowlevel.open_process(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            pass_fds=pass_fds,
            env={},
            start_new_session=True,  # Ctrl-C in the host's terminal is the host's to answer
        )
    except OSError as error:
        raise WorkerUnavailable(f"the system started no process: {error}") from error


def _import_path() -> list[str]:
    """Where the child finds what this process can import, the package itself first of all."""
    own = str(Path(codemode.__file__).resolve().parent.parent)
    return list(dict.fromkeys([*(entry for entry in sys.path if entry), own]))
