"""Probes: processes with the code of a worker that try, behind its fences, what these forbid, and report."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from codemode.errors import UsageError
from codemode.host.launcher import spawn_piped
from codemode.host.process import Tail, last_words
from codemode.limits import MIB, Limits

PROBE_LIMITS = Limits(max_cpu_s=0.1, max_heap_bytes=32 * MIB)
"""What probes are held to: reached soon."""
PROBE_S = 60.0
"""How long a probe may take: ten times what it takes on an idle machine."""

_GIVEN_UP = (signal.SIGTRAP, signal.SIGABRT, signal.SIGILL)


@dataclass(frozen=True, slots=True)
class Report:
    """What a probe said, and how it ended.

    Attributes:
        documents: one for each thing that it found.
        ending: a clause, where it did not end as it should; else nothing.
    """

    documents: tuple[dict[str, Any], ...]
    ending: str


@contextlib.contextmanager
def surroundings() -> Iterator[dict[str, Any]]:
    """What there is to be reached from a probe: listeners of every kind on this machine, and a directory.

    Raises:
        UsageError: they cannot be had here.
    """
    with contextlib.ExitStack() as stack:
        try:
            around = _put_up(stack)
        except OSError as error:
            raise UsageError(
                f"the doctor needs a directory for a file and a socket, as TMPDIR names it: {error}"
            ) from error
        yield around


def _put_up(stack: contextlib.ExitStack) -> dict[str, Any]:
    name = f"codemode-doctor-{secrets.token_hex(8)}"
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="codemode-doctor-"))

    def bound(family: int, kind: int, address: Any) -> socket.socket:
        listener = stack.enter_context(socket.socket(family, kind))
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen(100)
        return listener

    unix_path = str(Path(directory, "socket"))
    bound(socket.AF_UNIX, socket.SOCK_STREAM, unix_path)
    if sys.platform == "linux":
        bound(socket.AF_UNIX, socket.SOCK_STREAM, f"\0{name}")
    return {
        "directory": directory,
        "tcp_port": bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)).getsockname()[1],
        "udp_port": bound(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)).getsockname()[1],
        "unix_path": unix_path,
        "abstract_name": name,
    }


async def run_probe(
    way: str, skip: Collection[str], around: dict[str, Any] | None = None, *, timeout_s: float = PROBE_S
) -> Report:
    """Starts a probe, and waits for its end.

    Args:
        way: `forked`, `spawned`, or the name of a flag.
        skip: fences and flags that it leaves out.
        around: as `surroundings` gave it; a flag needs none.
        timeout_s: how long it may take.

    Raises:
        WorkerUnavailable: the system started no process.
    """
    arguments = [way, PROBE_LIMITS.to_json(), json.dumps(sorted(skip)), json.dumps(around)]
    process = await spawn_piped("from codemode.worker.probe import main", arguments)
    said, stderr, status = bytearray(), Tail(), None

    async def read_stderr() -> None:
        while data := await process.receive_stderr():
            stderr.add(data)

    try:
        with trio.move_on_after(timeout_s):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(read_stderr)
                while data := await process.receive():
                    said += data
            status = await process.wait()
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
        process.close()
    documents = tuple(json.loads(line) for line in said.splitlines(keepends=True) if line.endswith(b"\n"))
    return Report(documents, _ending(status, str(stderr), timeout_s))


def _ending(status: int | None, stderr: str, timeout_s: float) -> str:
    match status:
        case 0:
            return ""
        case None:
            return f"the probe did not end within {timeout_s:g} s"
        case _ if -status in _GIVEN_UP:
            return f"the engine gave up, by {signal.Signals(-status).name}"
        case _:
            return f"the probe ended with exit status {status}{last_words(stderr)}"
