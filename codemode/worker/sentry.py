"""The thread that watches while the main thread is inside V8.

A quiet worker never wakes it. While an engine works, it looks every few milliseconds at an entry that has lasted longer
than that: sends on what the script has said, answers the host, and ends the process where the script will not end.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable

from codemode.worker.link import end_process

TICK_S = 0.005
QUIET_TICKS = 40


class Sentry:
    """Calls `look` about every 5 ms while the main thread has been inside V8 for longer than that.

    Args:
        look: what to do then. An exception from it ends the process: the ring would never be emptied again.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._entered_at: float | None = None
        self._wake = threading.Event()

    def start(self) -> None:
        """Starts the thread. Only after V8 has been initialised: a process that forks has no threads."""
        threading.Thread(target=self._watch, name="codemode sentry", daemon=True).start()

    def __enter__(self) -> None:
        """The main thread goes into V8."""
        self._entered_at = time.monotonic()
        if not self._wake.is_set():
            self._wake.set()

    def __exit__(self, *_: object) -> None:
        """The main thread is back."""
        self._entered_at = None

    def _watch(self) -> None:
        try:
            while True:
                self._wake.wait()
                self._watch_until_quiet()
                self._wake.clear()
                if self._entered_at is not None:  # it went in between the last look and the clear
                    self._wake.set()
        except BaseException:
            traceback.print_exc()
            end_process(70)

    def _watch_until_quiet(self) -> None:
        quiet = 0
        while quiet < QUIET_TICKS:
            time.sleep(TICK_S)
            entered_at = self._entered_at
            if entered_at is None:
                quiet += 1
            elif time.monotonic() - entered_at >= TICK_S:
                quiet = 0
                self._look()
