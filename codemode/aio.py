"""`codemode` for asyncio: the same names, the same objects, the same arguments and results.

    from codemode import aio as codemode

    async with codemode.open_session(tools) as session, session.open_turn() as turn:
        outcome = await turn.run("text(await tools.get_weather({city: 'Oslo'}))")

Each `open_service`, and each `open_session` with a service of its own, has the trio core in a thread of its own, which
ends with the block. What is the program's own is called here:

- async tools, `on_notify`, `on_approval`, `hooks`, functions that approve calls, a `dispatcher` of one's own: on the
  asyncio loop where the service was opened. Tools see the context variables of the exec whose script calls them.
- sync tools: in threads, as ever.
- `store` and `tokenizer`: in the trio thread, and at once: they must not wait, nor touch the loop.

A nested call that is cancelled cancels its asyncio task. A tool that does not heed that holds nobody up: it is left
behind after 1 s. Cancelling `turn.exec` or `turn.run` ends the cell, cancelling a wait ends that observation only;
either raises `CancelledError` when the trio thread is done with it. When the loop is closed with a service open, the
service closes itself, within a second or two.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

from codemode.bridge.dispatcher import LoopDispatcher
from codemode.bridge.from_loop import ask, held, open_portal
from codemode.bridge.names import *  # noqa: F403
from codemode.bridge.remote import (
    Remote,
    RemoteEvents,
    RemoteService,
    RemoteSession,
    take_back_cell,
    take_back_reply,
)
from codemode.bridge.sessions import SessionOptions, open_core_session
from codemode.errors import ClosedError
from codemode.host import service, session, turn
from codemode.host.calls import ToolCallOutcome, ToolInvocation
from codemode.host.dispatcher import OnOutcome
from codemode.host.events import Event
from codemode.host.session import OnEnd
from codemode.host.tools import ToolRegistry
from codemode.limits import Limits

C = TypeVar("C")
P = ParamSpec("P")
R = TypeVar("R")


def _in_trio(
    method: Callable[Concatenate[C, P], Coroutine[Any, Any, R]],
    take_back: Callable[Concatenate[C, R, P], Awaitable[None]] | None = None,
) -> Callable[Concatenate[Remote[C], P], Coroutine[Any, Any, R]]:
    """The method of the core under its own name, for its object's stand-in.

    Args:
        method: of the core.
        take_back: called with its object, what it gave, and its arguments. See `Request`.
    """

    @wraps(method)
    async def call(self: Remote[C], /, *args: P.args, **kwargs: P.kwargs) -> R:
        async def undo(result: R) -> None:
            if take_back is not None:
                await take_back(self._core, result, *args, **kwargs)

        return await ask(self._portal, partial(method, self._core, *args, **kwargs), undo)

    return call


class Turn(Remote[turn.Turn]):
    """Runs scripts in workers that belong to this turn alone. Made by `Session.open_turn`."""

    exec = _in_trio(turn.Turn.exec, take_back_cell)
    run = _in_trio(turn.Turn.run)
    wait = _in_trio(turn.Turn.wait)


class EventStream(RemoteEvents):
    """The events of a session from now on: an async iterator that ends with the session. Made by `Session.events`.

    Every event is given once, in order. To stop listening leave the `with` block, `close` it, or drop it.
    """

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self.taken:
            if self.is_over:
                raise StopAsyncIteration
            try:
                await ask(self._portal, self.take)
            except ClosedError:
                self.take_rest()
        return self.taken.popleft()


class Session(RemoteSession):
    """Cells, stored values and tools of one conversation. Made by `Service.open_session`."""

    call_tool = _in_trio(session.Session.call_tool, take_back_reply)

    def events(self) -> EventStream:
        """What happens in the session from now on. See `codemode.Session.events`."""
        return EventStream(self._listen(), self._portal)

    @asynccontextmanager
    async def open_turn(self, *, on_end: OnEnd = "terminate") -> AsyncIterator[Turn]:
        """A model turn, for `async with`. See `codemode.Session.open_turn`."""
        async with held(self._portal, partial(self._core.open_turn, on_end=on_end)) as core:
            yield Turn(core, self._portal)


class Service(RemoteService):
    """Starts workers and ends them. Made by `open_service`."""

    @asynccontextmanager
    async def open_session(
        self, tools: ToolRegistry | None = None, **options: Unpack[SessionOptions]
    ) -> AsyncIterator[Session]:
        """A session, for `async with`. See `codemode.Service.open_session`; the options are those of it."""
        tools = ToolRegistry() if tools is None else tools
        make = partial(open_core_session, self._core, self._portal, self._calls, tools, options, base=ToolDispatcher)
        async with held(self._portal, make) as core:
            yield Session(core, self._portal)


def _with_a_thread(
    open_core: Callable[P, AbstractAsyncContextManager[service.Service]],
) -> Callable[P, AbstractAsyncContextManager[Service]]:
    """The way to open a service, with the thread that it needs here."""

    @wraps(open_core)
    @asynccontextmanager
    async def opened(*args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Service]:
        async with open_portal() as (portal, calls), held(portal, partial(open_core, *args, **kwargs)) as core:
            yield Service(core, portal, calls)

    return opened


open_service = _with_a_thread(service.open_service)


@asynccontextmanager
async def open_session(
    tools: ToolRegistry | None = None,
    *,
    limits: Limits | None = None,
    strict: bool = False,
    **options: Unpack[SessionOptions],
) -> AsyncIterator[Session]:
    """A session with a service of its own, for `async with`. See `Service.open_session`."""
    async with open_service(limits=limits, strict=strict) as own, own.open_session(tools, **options) as session:
        yield session


class ToolDispatcher(LoopDispatcher):
    __doc__ = LoopDispatcher.__doc__

    async def run(
        self, invocations: Sequence[ToolInvocation], *, on_outcome: OnOutcome | None = None
    ) -> list[ToolCallOutcome]:
        """Runs a batch concurrently, and gives one outcome for each invocation, in their order, whatever fails.

        See `codemode.ToolDispatcher.run`; `on_outcome` is called on the loop.

        Cancelling this cancels every function, and waits for them as `codemode.aio` says.
        """
        return await self.call_all(invocations, on_outcome)
