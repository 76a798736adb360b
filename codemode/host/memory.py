"""Memory that this process no longer needs goes back to the system.

After a flood the C library keeps what was freed, for there are small blocks between the large ones: some ten megabytes
each time, in a process that runs scripts for days.
"""

from __future__ import annotations

import contextlib
import ctypes
import os

from codemode.host.process import resident_bytes
from codemode.limits import MIB

GROWTH_BYTES = 8 * MIB


class MemoryKeeper:
    """Looks at this process's memory, and has the C library give back what is free where it has grown: glibc can."""

    def __init__(self) -> None:
        self._usual_bytes = resident_bytes(os.getpid())

    def look(self) -> None:
        """Costs some microseconds; where memory has grown by 8 MiB since it was last trimmed, some milliseconds."""
        resident = resident_bytes(os.getpid())
        if resident > self._usual_bytes + GROWTH_BYTES:
            with contextlib.suppress(OSError, AttributeError):  # another C library
                ctypes.CDLL(None).malloc_trim(0)
            resident = resident_bytes(os.getpid())
        else:
            resident = min(resident, self._usual_bytes)
        self._usual_bytes = resident
