"""Workers as a service starts them: what they say of themselves, and what the kernel says of them."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import trio

from codemode.frontends.doctor.check import Check
from codemode.host.launcher import Launcher
from codemode.host.service import open_service
from codemode.host.worker_handle import WorkerHandle, missing_fences
from codemode.limits import Limits

_THREADS = 4
"""The worker's main thread and its sentry, and two of the engine's binding."""
_LOOKS = 100
_OF_EACH_THREAD = {"NoNewPrivs": "1", "Seccomp": "2", "CapInh": "0" * 16, "CapPrm": "0" * 16, "CapEff": "0" * 16}
"""Fields of /proc/PID/task/TID/status, which every user may read."""


async def check_worker(way: str, launcher: Callable[[Limits], Launcher]) -> Check:
    """A worker that was started so."""
    async with open_service(spares=0, launcher=launcher) as service:
        worker = await service.lease_worker()
        forked = service.statistics().forked
        engine = "no engine" if worker.hello is None else worker.hello.engine
        faults = [f"{name}: {state}" for name, state in missing_fences(worker.hello).items()]
        if sys.platform == "linux":
            try:
                faults += await _of_the_kernel(worker)
            except OSError as error:  # /proc is not there, or shows nobody but oneself
                faults.append(f"what the kernel says of its threads cannot be read: {error}")
    if way == "forked" and not forked:
        faults.append("no zygote forked it: it was spawned")
    found = f"{engine} in mini-racer {importlib.metadata.version('mini-racer')}, {platform.platform()}"
    return Check(
        "worker", way, not faults, "; ".join([found, *(faults or ["every fence is on, in each of its threads"])])
    )


async def _of_the_kernel(worker: WorkerHandle) -> list[str]:
    """What it does not find as it should be."""
    threads = _threads(worker.pid)
    for _ in range(_LOOKS):  # the sentry starts when the worker has said that it is ready
        if len(threads) == _THREADS:
            break
        await trio.sleep(0.01)
        threads = _threads(worker.pid)
    faults = [] if len(threads) == _THREADS else [f"{len(threads)} threads instead of {_THREADS}"]
    for name, expected in _OF_EACH_THREAD.items():
        found = {thread.get(name, expected) for thread in threads}
        faults += [f"{name} of a thread is {value}" for value in sorted(found - {expected})]
    return faults


def _threads(pid: int) -> list[dict[str, str]]:
    return [_fields(thread / "status") for thread in Path(f"/proc/{pid}/task").iterdir()]


def _fields(status: Path) -> dict[str, str]:
    lines = status.read_text("ascii", "replace").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
