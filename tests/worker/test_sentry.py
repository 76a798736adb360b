"""`codemode.worker.sentry`: it looks while the main thread is inside V8 for long, and at no other time."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from codemode.worker.sentry import Sentry

ANSWER_S = 10.0


class Looks:
    """Counts the looks, and lets a test wait for them."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait_for(self, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.count >= count, ANSWER_S)


def test_it_looks_again_and_again_at_an_entry_that_lasts() -> None:
    looks = Looks()
    sentry = Sentry(looks)
    sentry.start()

    with sentry:
        assert looks.wait_for(3)


def test_it_looks_at_a_later_entry_after_it_fell_asleep() -> None:
    looks = Looks()
    sentry = Sentry(looks)
    sentry.start()
    for _ in range(3):
        with sentry:
            assert looks.wait_for(looks.count + 1)
        time.sleep(0.3)  # longer than it stays awake for nothing


def test_it_does_not_look_while_nobody_is_inside() -> None:
    looks = Looks()
    sentry = Sentry(looks)
    sentry.start()
    with sentry:
        assert looks.wait_for(1)
    time.sleep(0.05)  # a look that had begun
    count = looks.count
    time.sleep(0.1)

    assert looks.count == count


def test_an_exception_in_a_look_ends_the_process_and_says_why() -> None:
    script = (
        "import time\n"
        "from codemode.worker.sentry import Sentry\n"
        "sentry = Sentry(lambda: 1 / 0); sentry.start()\n"
        "with sentry: time.sleep(30)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr
