"""The fences of a worker, applied in the child before its first engine. Each says `on`, or why it is missing.

In this order: each may need what a later one refuses.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Collection
from itertools import pairwise
from pathlib import Path

from codemode.limits import MIB, Limits
from codemode.wire.messages import FENCES
from codemode.worker.kernel import SET_DUMPABLE, SET_NO_NEW_PRIVS, drop_capabilities, prctl
from codemode.worker.landlock import allow_nothing
from codemode.worker.seccomp import install_filter

# V8 reserves 512 MiB for code and about 90 MiB more before a script has done anything (measured with RLIMIT_DATA).
V8_RESERVE_BYTES = 608 * MIB
MAX_OPEN_FILES = 64
CPU_SLACK_S = 1
"""How much longer than a cell may take the kernel waits, which ends the process where the sentry has not."""
CELLS_OF_CPU = 100
"""How many cells that use all of their CPU time a process may run in its life: by default, for an hour."""
_MOST_CPU_S = 1e9
_MOST_DESCRIPTORS = 1 << 16
_OOM_SCORE = b"1000"
"""The kernel, where it is out of memory, ends this process before any other."""
_LINUX_ONLY = frozenset({"oom_score", "no_new_privs", "dumpable", "capabilities", "landlock", "seccomp"})


def apply_fences(limits: Limits, *, keep: Collection[int], skip: Collection[str] = ()) -> dict[str, str]:
    """Closes what the process can do without. Gives each fence's state by name.

    Args:
        limits: memory and CPU time.
        keep: the descriptors that stay open.
        skip: fences that are left out: `codemode doctor` tries each alone.
    """
    applied: dict[str, Callable[[], object]] = {
        "environment": _empty_environment,
        "directory": lambda: os.chdir("/"),
        "descriptors": lambda: _close_all_but(keep),
        "memory": lambda: _limit(resource.RLIMIT_DATA, V8_RESERVE_BYTES + limits.max_memory_bytes),
        "cpu": lambda: _limit_cpu_time(limits.max_cpu_s),
        "core": lambda: _limit(resource.RLIMIT_CORE, 0),
        "file_size": lambda: _limit(resource.RLIMIT_FSIZE, 0),
        "open_files": lambda: _limit(resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        "oom_score": _be_first_to_go,
        "no_new_privs": lambda: prctl(SET_NO_NEW_PRIVS, 1),
        "dumpable": lambda: prctl(SET_DUMPABLE, 0),
        "capabilities": drop_capabilities,
        "landlock": allow_nothing,
        "seccomp": install_filter,
    }
    return {name: "missing: left out" if name in skip else _state(name, applied[name]) for name in FENCES}


def _state(name: str, apply: Callable[[], object]) -> str:
    if name in _LINUX_ONLY and sys.platform != "linux":
        return "missing: only on Linux"
    try:
        apply()
    except (OSError, ValueError, NotImplementedError) as error:
        return f"missing: {error}"
    return "on"


def _empty_environment() -> None:
    """Empties it, and wipes the text that the process was started with, which stands in its memory and in /proc."""
    was_started_with_one = bool(os.environ)
    os.environ.clear()
    if was_started_with_one and sys.platform == "linux":
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        start, end = int(fields[47]), int(fields[48])
        ctypes.memset(start, 0, end - start)


def _close_all_but(keep: Collection[int]) -> None:
    try:
        open_now = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:  # there is no /proc
        for below, above in pairwise([-1, *sorted(keep), _MOST_DESCRIPTORS]):
            os.closerange(below + 1, above)
        return
    for descriptor in open_now:
        if descriptor not in keep:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _limit(which: int, amount: int) -> None:
    """Sets a limit of the kernel for good. One that is lower already stays."""
    _, most = resource.getrlimit(which)
    if most != resource.RLIM_INFINITY:
        amount = min(amount, most)
    resource.setrlimit(which, (amount, amount))


def _limit_cpu_time(max_cpu_s: float) -> None:
    _limit(resource.RLIMIT_CPU, _whole(CELLS_OF_CPU * max_cpu_s))
    allow_cpu_until(time.process_time() + max_cpu_s)


def allow_cpu_until(cpu_s: float) -> bool:
    """The kernel ends this process by SIGXCPU once it has used so much CPU time, of `time.process_time`, and some more.

    False where that is more than it may use in its life: it is to serve no further cell.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = _whole(cpu_s)
    is_within = most == resource.RLIM_INFINITY or wanted <= most
    if not is_within:
        wanted = max(0, most - 1)  # at the very end the kernel would end it by SIGKILL, which tells nobody why
    with contextlib.suppress(OSError):  # a sandbox around this one forbids it: the fence is missing
        resource.setrlimit(resource.RLIMIT_CPU, (wanted, most))
    return is_within


def _whole(cpu_s: float) -> int:
    """Seconds as the kernel counts them, with the slack."""
    return math.ceil(min(cpu_s, _MOST_CPU_S)) + CPU_SLACK_S


def _be_first_to_go() -> None:
    descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    try:
        os.write(descriptor, _OOM_SCORE)
    finally:
        os.close(descriptor)
