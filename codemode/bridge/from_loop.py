"""How an asyncio task asks the trio thread for something, and waits for the answer."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from codemode.bridge.loop_calls import LoopCalls
from codemode.bridge.portal import SETTLE_S, Held, Portal, TakeBack

T = TypeVar("T")


async def ask(portal: Portal, function: Callable[[], Awaitable[T]], take_back: TakeBack[T] | None = None) -> T:
    """Runs an async function in the trio thread. See `Request`.

    Cancelling this cancels the function, and raises when that has ended, or after 10 s.

    Raises:
        ClosedError: the trio run has ended.
    """
    request = portal.begin(function, take_back)
    return await _answer(request.future, interrupt=lambda: portal.cancel(request))


async def _answer(source: concurrent.futures.Future[T], interrupt: Callable[[], None]) -> T:
    """The answer of another thread. Who is cancelled still waits for it, and then raises what cancelled it.

    Args:
        source: where the answer comes.
        interrupt: called when this is cancelled for the first time.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[None] = loop.create_future()

    def tell(_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody waits
            loop.call_soon_threadsafe(answered.set_result, None)

    source.add_done_callback(tell)
    cancelled: asyncio.CancelledError | None = None
    left_s: float | None = None
    while not answered.done() and left_s != 0:
        try:
            await asyncio.wait((answered,), timeout=left_s)
        except asyncio.CancelledError as error:
            if cancelled is None:
                interrupt()
                until_s = time.monotonic() + SETTLE_S
            cancelled = error
        if cancelled is not None:
            left_s = max(0, until_s - time.monotonic())
    if cancelled is not None:
        raise cancelled
    return source.result()


@asynccontextmanager
async def open_portal() -> AsyncIterator[tuple[Portal, LoopCalls]]:
    """A trio thread, and its way back to the loop that runs here, for `async with`. It ends with the block, or with the
    loop.

    Raises:
        ClosedError: the trio run broke down meanwhile.
    """
    calls = LoopCalls(asyncio.get_running_loop())
    portal = Portal(is_gone=calls.loop.is_closed, on_end=calls.release)
    portal.open()
    try:
        yield portal, calls
    finally:
        portal.stop()
        try:
            await _answer(portal.ended, interrupt=lambda: None)
        finally:
            portal.join()
    portal.check()


@asynccontextmanager
async def held(portal: Portal, make: Callable[[], AbstractAsyncContextManager[T]]) -> AsyncIterator[T]:
    """An async context manager of the trio thread, for `async with` here."""
    place = Held(portal, make)
    try:
        yield await ask(portal, place.enter)
    finally:
        if not portal.ended.done():
            # Not cancelled with its caller: what has been opened is closed.
            await _answer(portal.begin(place.leave).future, interrupt=lambda: None)
