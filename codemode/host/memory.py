"""Memory that this process no longer needs goes back to the system.

After a flood the C library keeps what was freed, for there are small blocks between the large ones: some ten megabytes
each time, in a process that runs scripts for days.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time

from codemode.host.process import resident_bytes
from codemode.limits import MIB

GROWTH_BYTES = 4 * MIB
PAUSE_S = 0.25


class MemoryKeeper:
    """Looks at this process's memory, and has the C library give back what is free where it has grown: glibc can."""

    def __init__(self) -> None:
        self._least_bytes = resident_bytes(os.getpid())
        self._last_trim_s = time.monotonic()

    def look(self) -> None:
        """Costs microseconds, and milliseconds at most every quarter of a second, where it is 4 MiB over its least."""
        now_s, resident = time.monotonic(), resident_bytes(os.getpid())
        if resident > self._least_bytes + GROWTH_BYTES and now_s - self._last_trim_s > PAUSE_S:
            with contextlib.suppress(OSError, AttributeError):  # another C library
                ctypes.CDLL(None).malloc_trim(0)
            self._last_trim_s = now_s
        self._least_bytes = min(resident, self._least_bytes)
