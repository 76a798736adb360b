"""`ToolDispatcher` under asyncio, and how the core calls one that has been put in the place of its own."""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import trio

from codemode.bridge.from_loop import ask, open_portal
from codemode.bridge.loop_calls import LoopCalls, LoopTools
from codemode.bridge.portal import Portal
from codemode.host.dispatcher import MAX_THREADS, OnProgress, ToolCallOutcome, ToolDispatcher, ToolInvocation
from codemode.host.tools import ToolRegistry
from codemode.host.values import MAX_JSON_BYTES

OnStart = Callable[[str], None]


class Dispatcher(Protocol):
    """What a session asks of its dispatcher, on the asyncio loop."""

    def call(
        self,
        invocation: ToolInvocation,
        *,
        cell_id: str | None = None,
        session_id: str | None = None,
        on_progress: OnProgress | None = None,
        on_start: OnStart | None = None,
    ) -> Awaitable[ToolCallOutcome]:
        """Makes one call. See `ToolDispatcher.call`."""
        ...


class LoopDispatcher:
    """Calls the tools of a registry, for asyncio.

    As the dispatcher of a session it makes its calls in that one's service; elsewhere it has a trio thread of its own
    for as long as a call, or a batch of them, takes.

    Args:
        tools: those that may be called; ones that are registered later too.
        max_argument_bytes: of the arguments of one call, as JSON text in UTF-8.
        max_result_bytes: of one result, likewise.
    """

    def __init__(
        self,
        tools: ToolRegistry,
        *,
        max_argument_bytes: int = MAX_JSON_BYTES,
        max_result_bytes: int = MAX_JSON_BYTES,
    ) -> None:
        self.tools = tools
        self.max_argument_bytes = max_argument_bytes
        self.max_result_bytes = max_result_bytes

    async def call(
        self,
        invocation: ToolInvocation,
        *,
        cell_id: str | None = None,
        session_id: str | None = None,
        on_progress: OnProgress | None = None,
        on_start: OnStart | None = None,
    ) -> ToolCallOutcome:
        """Makes one call. See `codemode.ToolDispatcher.call`; both callbacks are called in the trio thread."""
        async with here() as place:
            return await ask(
                place.portal,
                partial(
                    place.core(self).call,
                    invocation,
                    cell_id=cell_id,
                    session_id=session_id,
                    on_progress=on_progress,
                    on_start=on_start,
                ),
            )

    async def call_all(self, invocations: Sequence[ToolInvocation]) -> list[ToolCallOutcome]:
        """Makes the calls of a batch concurrently. See `codemode.ToolDispatcher.run`."""
        async with here(), asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.call(invocation)) for invocation in invocations]
        return [task.result() for task in tasks]


class Place:
    """Where calls are made: a trio thread, the way from there to the loop, and the count of threads for sync tools."""

    def __init__(self, portal: Portal, calls: LoopCalls, thread_limiter: trio.CapacityLimiter) -> None:
        self.portal = portal
        self.calls = calls
        self._thread_limiter = thread_limiter
        self._cores: weakref.WeakKeyDictionary[LoopDispatcher, ToolDispatcher] = weakref.WeakKeyDictionary()

    def core(self, dispatcher: LoopDispatcher) -> ToolDispatcher:
        """What makes the calls of this dispatcher here."""
        if dispatcher not in self._cores:
            self._cores[dispatcher] = self.new_core(
                dispatcher.tools,
                max_argument_bytes=dispatcher.max_argument_bytes,
                max_result_bytes=dispatcher.max_result_bytes,
            )
        return self._cores[dispatcher]

    def new_core(
        self, tools: ToolRegistry, *, max_argument_bytes: int = MAX_JSON_BYTES, max_result_bytes: int
    ) -> ToolDispatcher:
        """A dispatcher of the core, whose async tools are called on the loop."""
        return ToolDispatcher(
            LoopTools(tools, self.calls),
            thread_limiter=self._thread_limiter,
            max_argument_bytes=max_argument_bytes,
            max_result_bytes=max_result_bytes,
        )

    @property
    def threads_left_behind(self) -> int:
        """See `ToolDispatcher.threads_left_behind`."""
        return sum(core.threads_left_behind for core in tuple(self._cores.values()))


_place: contextvars.ContextVar[Place | None] = contextvars.ContextVar("codemode place", default=None)


@asynccontextmanager
async def here() -> AsyncIterator[Place]:
    """The place of the call that is being served here; outside of one, a place that lasts as long as the block."""
    place = _place.get()
    if place is not None and not place.portal.ended.done():
        yield place
        return
    async with open_portal() as (portal, calls):
        place = Place(portal, calls, trio.CapacityLimiter(MAX_THREADS))
        token = _place.set(place)
        try:
            yield place
        finally:
            _place.reset(token)


class GivenDispatcher:
    """The program's own dispatcher as the core sees it: called on the loop.

    Args:
        given: the program's.
        place: where its calls of tools are made.
    """

    def __init__(self, given: Dispatcher, place: Place) -> None:
        self._given = given
        self._place = place

    @property
    def threads_left_behind(self) -> int:
        """See `ToolDispatcher.threads_left_behind`."""
        return self._place.threads_left_behind

    async def call(
        self,
        invocation: ToolInvocation,
        *,
        cell_id: str | None = None,
        session_id: str | None = None,
        on_progress: OnProgress | None = None,
        on_start: OnStart | None = None,
    ) -> ToolCallOutcome:
        """Makes one call."""

        async def called() -> ToolCallOutcome:
            _place.set(self._place)  # in the context of this call alone
            return await self._given.call(
                invocation,
                cell_id=cell_id,
                session_id=session_id,
                on_progress=on_progress and self._place.portal.carried(on_progress),
                on_start=on_start and self._place.portal.carried(on_start),
            )

        outcome: ToolCallOutcome = await self._place.calls.call(called)
        return outcome
