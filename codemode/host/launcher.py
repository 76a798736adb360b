"""Starting a worker process. Only this module and the byte stream know where a worker lives."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Protocol

import trio

import codemode
from codemode.errors import WorkerUnavailable
from codemode.limits import Limits

_BOOT = "import sys; sys.path[:] = sys.argv[4:]; from codemode.worker.main import main; main(sys.argv[1:4])"


class WorkerProcess(Protocol):
    """A child process and the host's ends of its pipes. Whoever has it closes the descriptors."""

    pid: int
    inbound: int
    """Descriptor to write to the worker; non-blocking."""
    outbound: int
    """Descriptor to read from the worker; non-blocking."""
    stderr: int
    """Descriptor to read what the worker writes to stderr; non-blocking."""

    def kill(self) -> None:
        """Ends it with SIGKILL. Harmless where it has ended."""
        ...

    async def wait(self) -> int:
        """Its exit status as `Popen.returncode` gives it; reaps it."""
        ...


class Launcher(Protocol):
    """How worker processes come to be."""

    async def launch(self) -> WorkerProcess:
        """A new process, which has yet to say hello.

        Raises:
            WorkerUnavailable: the system gave none.
        """
        ...


class SpawnedProcess:
    """A worker started as a fresh interpreter."""

    def __init__(self, process: trio.Process, inbound: int, outbound: int, stderr: int) -> None:
        self._process = process
        self.pid = process.pid
        self.inbound = inbound
        self.outbound = outbound
        self.stderr = stderr

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

    async def launch(self) -> WorkerProcess:
        """A new interpreter with the worker in it. See `Launcher.launch`."""
        (from_host, inbound), (outbound, to_host), (stderr, to_stderr) = _pipes(3)
        try:
            process = await trio.lowlevel.open_process(
                [
                    sys.executable,
                    "-I",  # neither the environment nor the user's site decides what is imported
                    "-S",
                    "-X",
                    "utf8",
                    "-c",
                    _BOOT,
                    str(from_host),
                    str(to_host),
                    self._limits.to_json(),
                    *_import_path(),
                ],
                stdin=subprocess.DEVNULL,
                stdout=to_stderr,
                stderr=to_stderr,
                pass_fds=(from_host, to_host),
                env={},
                start_new_session=True,  # Ctrl-C in the host's terminal is the host's to answer
            )
        except BaseException as error:
            for descriptor in (inbound, outbound, stderr):
                os.close(descriptor)
            if isinstance(error, OSError):
                raise WorkerUnavailable(f"the system started no process: {error}") from error
            raise
        finally:
            for descriptor in (from_host, to_host, to_stderr):
                os.close(descriptor)
        for descriptor in (inbound, outbound, stderr):
            os.set_blocking(descriptor, False)
        return SpawnedProcess(process, inbound, outbound, stderr)


def _pipes(count: int) -> list[tuple[int, int]]:
    pipes: list[tuple[int, int]] = []
    try:
        for _ in range(count):
            pipes.append(os.pipe())  # one by one: those made are closed where a later one fails
    except OSError as error:
        for descriptor in chain.from_iterable(pipes):
            os.close(descriptor)
        raise WorkerUnavailable(f"the system gave no pipe: {error}") from error
    return pipes


def _import_path() -> list[str]:
    """Where the child finds what this process can import, the package itself first of all."""
    own = str(Path(codemode.__file__).resolve().parent.parent)
    return list(dict.fromkeys([*(entry for entry in sys.path if entry), own]))
