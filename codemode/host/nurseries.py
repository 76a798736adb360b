"""Three ways to hold background tasks that a plain nursery does not give."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import outcome
import trio

T = TypeVar("T")

JOIN_S = 1.0
"""How long a cancelled call may take to end before it is left behind."""

_log = logging.getLogger("codemode")


@asynccontextmanager
async def background_nursery() -> AsyncIterator[trio.Nursery]:
    """A nursery for tasks behind a `with` block: they end with the block, and what the block raises stays itself.

    A plain nursery would wrap the caller's own exception in a group. A task that crashes still cancels the block and
    raises its group.
    """
    raised: BaseException | None = None
    async with trio.open_nursery() as nursery:
        try:
            yield nursery
        except BaseException as error:
            raised = error
        finally:
            nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised


class AbandonableTasks:
    """A nursery that can be left while a task in it refuses to end: no close waits for a tool that shields itself.

    Such a task goes on until the trio run ends; what it gives is dropped by whoever waited for it.
    """

    def __init__(self) -> None:
        self._nursery: trio.Nursery | None = None
        self._finished = trio.Event()
        self.is_closed = False
        """True once no task may be started any more."""

    @property
    def living(self) -> int:
        """How many of its tasks have not ended; once it is closed, those that were left behind."""
        return 0 if self._nursery is None else len(self._nursery.child_tasks)

    async def open(self) -> None:
        """Makes it ready for tasks."""
        opened = trio.Event()

        async def hold() -> None:
            try:
                async with trio.open_nursery() as self._nursery:
                    opened.set()
                    await trio.sleep_forever()
            except* Exception:  # from a task of trio's own it would end the whole program
                _log.exception("a background task failed, and those beside it were cancelled")
            finally:
                self.is_closed = True
                self._finished.set()

        trio.lowlevel.spawn_system_task(hold, context=contextvars.copy_context())
        with trio.CancelScope(shield=True):  # a tick; cancelled here, the nursery would be left and never closed
            await opened.wait()

    def start_soon(self, function: Callable[..., Awaitable[Any]], *args: Any, name: str) -> None:
        """Starts a task. Its name is given, for to make one up costs trio a quarter of a short task's time."""
        assert self._nursery is not None, "tasks are started after open"
        self._nursery.start_soon(function, *args, name=name)

    async def close(self, timeout_s: float) -> None:
        """Cancels every task and waits for them, so long and no longer. Nothing to do where it was not opened."""
        self.is_closed = True
        if self._nursery is None:
            return
        self._nursery.cancel_scope.cancel()
        with trio.move_on_after(timeout_s, shield=True):
            await self._finished.wait()


async def in_own_task(
    function: Callable[[], Awaitable[T]], *, name: str, on_cancel: Callable[[], None], on_left: Callable[[int], None]
) -> T:
    """Runs an async function in a task of its own, which is left behind where it does not heed its cancellation.

    Cancelling this cancels the function, and waits 1 s at most for its end. What it ends with all the same counts.

    Args:
        function: called and awaited once.
        name: of the task.
        on_cancel: called when this is cancelled, before the function is.
        on_left: called with 1 when the task is left behind, and with -1 when it ends after that.
    """
    end: outcome.Outcome[T] | None = None
    ended = trio.Event()
    scope = trio.CancelScope()
    is_left = False

    async def run() -> None:
        nonlocal end
        try:
            with scope:
                end = await outcome.acapture(function)  # all of it: what escapes from such a task ends the program
        finally:
            ended.set()
            if is_left:
                on_left(-1)

    trio.lowlevel.spawn_system_task(run, name=name, context=contextvars.copy_context())
    try:
        await ended.wait()
    except trio.Cancelled:
        on_cancel()
        scope.cancel()
        with trio.move_on_after(JOIN_S, shield=True):
            await ended.wait()
        if end is None:
            is_left = True
            on_left(1)
            raise
        if isinstance(end, outcome.Error) and _holds_cancelled(end.error):
            raise
    assert end is not None
    return end.unwrap()


def _holds_cancelled(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(map(_holds_cancelled, error.exceptions))
    return isinstance(error, trio.Cancelled)
