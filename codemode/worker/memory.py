"""Notes on stderr that memory is close to its limit, for V8 does not always say why it gave up.

An allocation that the kernel refuses can end V8 by a trap without a word. The host takes such an end for `memory_limit`
where this note stands on stderr.
"""

from __future__ import annotations

import os

from codemode.limits import Limits
from codemode.worker.fences import V8_RESERVE_BYTES

NOTE = "codemode: memory is close to its limit\n"
_DATA_FIELD = 5  # of /proc/self/statm, in pages: what RLIMIT_DATA counts, and the stack


class MemoryWatch:
    """Looks at this process's memory and notes once that it is close to its limit.

    Close is a third of what is allowed beyond V8's reserve: what has grown by doubling fails at its next step.

    Args:
        limits: `max_memory_bytes` is what is allowed.
    """

    def __init__(self, limits: Limits) -> None:
        self._close_at_pages = (V8_RESERVE_BYTES + limits.max_memory_bytes // 3) // os.sysconf("SC_PAGE_SIZE")
        try:
            self._statm: int | None = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._statm = None  # not Linux: nothing is noted

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What it holds open: it is made before the fences, which let nothing be opened."""
        return () if self._statm is None else (self._statm,)

    def look(self) -> None:
        """Reads the figure; at most one note in the life of the process."""
        if self._statm is None:
            return
        if int(os.pread(self._statm, 256, 0).split()[_DATA_FIELD]) > self._close_at_pages:
            os.write(2, NOTE.encode())
            os.close(self._statm)
            self._statm = None
