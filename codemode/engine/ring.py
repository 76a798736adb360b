"""The reading end of the ring: UTF-16 units out of memory shared with the runner (`runner_js/src/ring.js`)."""

from __future__ import annotations

COUNTER_BYTES = 16
HEAD, TAIL = 0, 1


class RingReader:
    """Takes what the runner has published, without entering V8.

    One reader at a time: whoever calls `take` holds the worker's output lock.

    Args:
        shared: the whole shared buffer. Not to be touched after the engine has been closed.
    """

    def __init__(self, shared: memoryview) -> None:
        self._counters = shared[:COUNTER_BYTES].cast("i")
        self._bytes = shared[COUNTER_BYTES:]
        self._size = len(self._bytes)

    def take(self) -> bytes:
        """The bytes published since the last call, perhaps none; their room is the runner's again."""
        head, tail = self._counters[HEAD], self._counters[TAIL]
        count = ((head - tail) & 0xFFFF_FFFF) * 2
        if not count:
            return b""
        start = (tail * 2) % self._size
        first = self._bytes[start : start + count]
        taken = bytes(first)
        if len(taken) < count:
            taken += bytes(self._bytes[: count - len(taken)])
        self._counters[TAIL] = head
        return taken
