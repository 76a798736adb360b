"""Waiting for another process without blaming it for what held up this one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

HEARTBEAT_S = 2.0
"""How long a worker or a zygote may leave a ping unanswered. Both answer while a script spins."""
STEPS = 4
"""In so many steps is a time waited for: a host that was itself held up for all of it has waited one step only."""


async def comes_in_time(what: Callable[[], Awaitable[object]], timeout_s: float) -> bool:
    """Waits for something of another process's; called anew in each step. False where the time was over first."""
    for _ in range(STEPS):
        with trio.move_on_after(timeout_s / STEPS):
            await what()
            return True
    return False
