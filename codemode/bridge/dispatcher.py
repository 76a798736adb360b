"""`ToolDispatcher` under asyncio, and how the core calls one that has been put in the place of its own."""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Protocol

import trio

from codemode.bridge.from_loop import ask, open_portal
from codemode.bridge.loop_calls import LoopCalls, LoopTools
from codemode.bridge.portal import Portal
from codemode.host.approvals import ApprovalRequest, OnApproval
from codemode.host.calls import CallWatcher, ToolCallOutcome, ToolInvocation
from codemode.host.dispatcher import MAX_THREADS, CallTool, OnOutcome, ToolDispatcher
from codemode.host.hooks import CallHooks
from codemode.host.tools import ToolRegistry
from codemode.host.values import MAX_JSON_BYTES


class Dispatcher(Protocol):
    """What a session asks of its dispatcher, on the asyncio loop."""

    def call(self, invocation: ToolInvocation) -> Awaitable[ToolCallOutcome]:
        """Makes one call. See `ToolDispatcher.call`."""
        ...


class LoopDispatcher:
    """Calls the tools of a registry, for asyncio.

    As the dispatcher of a session it makes its calls in that one's service; elsewhere it has a trio thread of its own
    for as long as a call, or a batch of them, takes.

    Args:
        tools: those that may be called; ones that are registered later too.
        hooks: what happens around each call, on the loop.
        on_approval: who is asked where a tool's policy is `ask`, on the loop; None: such calls are `denied`.
        max_argument_bytes: of the arguments of one call, as JSON text in UTF-8.
        max_result_bytes: of one result, likewise.
    """

    def __init__(
        self,
        tools: ToolRegistry,
        *,
        hooks: Iterable[CallHooks] = (),
        on_approval: OnApproval | None = None,
        max_argument_bytes: int = MAX_JSON_BYTES,
        max_result_bytes: int = MAX_JSON_BYTES,
    ) -> None:
        self.tools = tools
        self.hooks = tuple(hooks)
        self.on_approval = on_approval
        self.max_argument_bytes = max_argument_bytes
        self.max_result_bytes = max_result_bytes

    async def call(self, invocation: ToolInvocation) -> ToolCallOutcome:
        """Makes one call. See `codemode.ToolDispatcher.call`; its watcher is told in the trio thread.

        Cancelling this cancels the function behind the tool, which is left behind where it does not end within 1 s.
        """
        async with here() as place:
            (outcome,) = await ask(place.portal, partial(place.core(self).run, [invocation]))
            return outcome

    async def call_all(
        self, invocations: Sequence[ToolInvocation], on_outcome: OnOutcome | None
    ) -> list[ToolCallOutcome]:
        """Makes the calls of a batch concurrently. See `codemode.ToolDispatcher.run`."""

        async def settle(invocation: ToolInvocation) -> ToolCallOutcome:
            outcome = ToolCallOutcome.cancelled(invocation.call_id)
            try:
                outcome = await self.call(invocation)
            finally:
                if on_outcome is not None:
                    on_outcome(outcome)
            return outcome

        async with here(), asyncio.TaskGroup() as group:
            tasks = [group.create_task(settle(invocation)) for invocation in invocations]
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
                hooks=dispatcher.hooks,
                on_approval=dispatcher.on_approval,
                max_argument_bytes=dispatcher.max_argument_bytes,
                max_result_bytes=dispatcher.max_result_bytes,
            )
        return self._cores[dispatcher]

    def new_core(
        self,
        tools: ToolRegistry,
        *,
        hooks: Iterable[CallHooks],
        on_approval: OnApproval | None,
        max_argument_bytes: int = MAX_JSON_BYTES,
        max_result_bytes: int,
    ) -> ToolDispatcher:
        """A dispatcher of the core, which calls all that is the program's own on the loop, but for sync tools."""
        return ToolDispatcher(
            LoopTools(tools, self.calls),
            hooks=[LoopHooks(hook, self.calls) for hook in hooks],
            on_approval=None if on_approval is None else self.calls.on_loop(on_approval),
            thread_limiter=self._thread_limiter,
            max_argument_bytes=max_argument_bytes,
            max_result_bytes=max_result_bytes,
        )

    @property
    def threads_left_behind(self) -> int:
        """See `ToolDispatcher.threads_left_behind`."""
        return sum(core.threads_left_behind for core in tuple(self._cores.values()))

    @property
    def tasks_left_behind(self) -> int:
        """See `ToolDispatcher.tasks_left_behind`."""
        return sum(core.tasks_left_behind for core in tuple(self._cores.values()))

    @property
    def waiting_for_approval(self) -> tuple[ApprovalRequest, ...]:
        """See `ToolDispatcher.waiting_for_approval`."""
        return tuple(chain.from_iterable(core.waiting_for_approval for core in tuple(self._cores.values())))


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
        call: of the program's dispatcher.
        place: where its calls of tools are made.
    """

    def __init__(self, call: CallTool, place: Place) -> None:
        self._call = call
        self._place = place

    @property
    def threads_left_behind(self) -> int:
        """See `ToolDispatcher.threads_left_behind`."""
        return self._place.threads_left_behind

    @property
    def tasks_left_behind(self) -> int:
        """See `ToolDispatcher.tasks_left_behind`."""
        return self._place.tasks_left_behind

    @property
    def waiting_for_approval(self) -> tuple[ApprovalRequest, ...]:
        """See `ToolDispatcher.waiting_for_approval`."""
        return self._place.waiting_for_approval

    async def call(self, invocation: ToolInvocation) -> ToolCallOutcome:
        """Makes one call."""
        watcher = invocation.watcher and CarriedWatcher(invocation.watcher, self._place.portal)

        async def called() -> ToolCallOutcome:
            _place.set(self._place)  # in the context of this call alone
            return await self._call(replace(invocation, watcher=watcher))

        outcome: ToolCallOutcome = await self._place.calls.call(called)
        return outcome


class CarriedWatcher:
    """Tells the watcher of a call, in the trio thread, what is told in any thread."""

    def __init__(self, given: CallWatcher, portal: Portal) -> None:
        self.call_started = portal.carried(given.call_started)
        self.call_progressed = portal.carried(given.call_progressed)
        self.approval_asked = portal.carried(given.approval_asked)
        self.approval_decided = portal.carried(given.approval_decided)


class LoopHooks(CallHooks):
    """The program's hooks as the core sees them: called on the loop. What they do not override costs no way there."""

    def __init__(self, given: CallHooks, calls: LoopCalls) -> None:
        self._given = given
        for name in ("before", "after", "error"):
            if getattr(type(given), name, None) is not getattr(CallHooks, name):
                setattr(self, name, calls.on_loop(getattr(given, name)))

    def __repr__(self) -> str:
        return repr(self._given)
