"""The places that a call needs before its tool may run: in the queue of its tool, of its group, and for a thread."""

from __future__ import annotations

from collections.abc import Callable

import trio


class Slots:
    """The places of one attempt at a call. Its time starts when it has them.

    It serves as the limiter of its thread, which thereby keeps its places for as long as it runs, also when the call
    has been given up.

    Args:
        limiters: where a place is needed, in the order in which they are taken; None where none is.
        timeout_s: how long the attempt may take; None for as long as it takes.
        on_start: called when it has its places.
        on_left: called with 1 when the places stay taken although the attempt is over, with -1 when they are free.
    """

    def __init__(
        self,
        *limiters: trio.CapacityLimiter | None,
        timeout_s: float | None,
        on_start: Callable[[], None] | None,
        on_left: Callable[[int], None],
    ) -> None:
        self.scope = trio.CancelScope()
        self._limiters = [limiter for limiter in limiters if limiter is not None]
        self._timeout_s = timeout_s
        self._on_start = on_start
        self._on_left = on_left
        self._held = False
        self._is_left = False

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        """Waits for the places, one after the other."""
        taken: list[trio.CapacityLimiter] = []
        try:
            for limiter in self._limiters:
                await limiter.acquire_on_behalf_of(borrower)
                taken.append(limiter)
            if self._on_start is not None:
                self._on_start()
        except BaseException:
            for limiter in taken:
                limiter.release_on_behalf_of(borrower)
            raise
        self._held = True
        if self._timeout_s is not None:
            self.scope.deadline = trio.current_time() + self._timeout_s

    def release_on_behalf_of(self, borrower: object) -> None:
        """Gives the places back."""
        for limiter in self._limiters:
            limiter.release_on_behalf_of(borrower)
        self._held = False
        if self._is_left:
            self._on_left(-1)

    def leave(self) -> None:
        """The attempt is over. Places that are still held are counted until they are free."""
        if self._held:
            self._is_left = True
            self._on_left(1)
