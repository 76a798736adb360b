"""The fences of a worker, applied in the child before its first engine. Each says `on`, or why it is missing."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable

from codemode.limits import MIB, Limits

# V8 reserves 512 MiB for code and about 90 MiB more before a script has done anything (measured with RLIMIT_DATA).
V8_RESERVE_BYTES = 608 * MIB
MAX_OPEN_FILES = 64


def apply_fences(limits: Limits) -> dict[str, str]:
    """Closes what the process can do without. Gives each fence's state by name."""

    def limit(which: int, amount: int) -> Callable[[], None]:
        return lambda: resource.setrlimit(which, (amount, amount))

    fences: dict[str, Callable[[], None]] = {
        "environment": os.environ.clear,
        "directory": lambda: os.chdir("/"),
        "memory": limit(resource.RLIMIT_DATA, V8_RESERVE_BYTES + limits.max_memory_bytes),
        "core": limit(resource.RLIMIT_CORE, 0),
        "file_size": limit(resource.RLIMIT_FSIZE, 0),
        "open_files": limit(resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
    }
    return {name: _state(apply) for name, apply in fences.items()}


def _state(apply: Callable[[], None]) -> str:
    try:
        apply()
    except (OSError, ValueError) as error:
        return f"missing: {error}"
    return "on"


def close_other_descriptors(*keep: int) -> None:
    """Closes every descriptor but these."""
    try:
        open_now = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        open_now = list(range(256))
    for descriptor in open_now:
        if descriptor not in keep:
            with contextlib.suppress(OSError):
                os.close(descriptor)
