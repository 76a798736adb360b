"""`codemode` for plain scripts and notebooks: the same names, without an event loop. Every call waits for its result.

    from codemode import blocking as codemode

    with codemode.open_session(tools) as session, session.open_turn() as turn:
        outcome = turn.run("text(await tools.get_weather({city: 'Oslo'}))")

In a notebook, where a block cannot go on from cell to cell, `contextlib.ExitStack().enter_context(open_session(tools))`
holds one open, until the stack's `close()` or the interpreter's end.

All of it may be used from several threads at once, and in a thread in which an event loop runs. The trio core has a
thread of its own for each `open_service`, or `open_session` with a service of its own. What is the program's own is
called here:

- sync tools: in threads. They may use the session too.
- async tools, `on_notify`, `on_approval`, `hooks`, functions that approve calls, and a `dispatcher` of one's own: on an
  asyncio loop in another thread of the service's, also where the program runs a loop itself. From there the session
  cannot be used: it would wait for itself.
- `store` and `tokenizer`: in the trio thread, and at once.

Ctrl-C during `turn.exec` or `turn.run` terminates the cell, and during a wait ends that observation only; either raises
`KeyboardInterrupt` when the trio thread is done with it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

from codemode.bridge.dispatcher import LoopDispatcher
from codemode.bridge.loop_calls import LoopCalls
from codemode.bridge.names import *  # noqa: F403
from codemode.bridge.portal import SETTLE_S, Held, Portal, TakeBack
from codemode.bridge.remote import (
    Remote,
    RemoteEvents,
    RemoteService,
    RemoteSession,
    take_back_cell,
    take_back_reply,
)
from codemode.bridge.sessions import SessionOptions, open_core_session
from codemode.errors import ClosedError, UsageError
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
T = TypeVar("T")

LOOP_END_S = 2.0
"""How long async tools may take to heed the end of their loop, before its thread is left behind."""


class _LoopThread:
    """An asyncio loop in a thread of its own, for tools."""

    def __init__(self) -> None:
        ready: concurrent.futures.Future[asyncio.AbstractEventLoop] = concurrent.futures.Future()
        self._stopped = asyncio.Event()

        async def stand_by() -> None:
            ready.set_result(asyncio.get_running_loop())
            await self._stopped.wait()

        self.thread = threading.Thread(target=lambda: asyncio.run(stand_by()), name="codemode tools", daemon=True)
        self.thread.start()
        self.loop = ready.result()

    def close(self) -> None:
        """Cancels what still runs there. A function that blocks the loop, or does not heed that, is left behind."""
        with contextlib.suppress(RuntimeError):  # a tool has ended it
            self.loop.call_soon_threadsafe(self._stopped.set)
        if threading.current_thread() is not self.thread:
            self.thread.join(LOOP_END_S)


def _answer(future: concurrent.futures.Future[T], interrupt: Callable[[], object]) -> T:
    """The answer of another thread. Who is interrupted still waits for it, at most 10 s, and then raises what
    interrupted it.
    """
    try:
        return future.result()
    except BaseException as error:
        if not (future.done() and error is future.exception()):
            interrupt()
            concurrent.futures.wait((future,), timeout=SETTLE_S)
        raise


def _ask(portal: Portal, function: Callable[[], Awaitable[T]], take_back: TakeBack[T] | None = None) -> T:
    """Runs an async function in the trio thread. See `Request`.

    Raises:
        ClosedError: the service has been closed.
        UsageError: the caller is in a thread that the function may need.
    """
    if threading.current_thread() in portal.threads:
        raise UsageError("a function on the service's own event loop cannot wait for the service; make it a sync tool")
    request = portal.begin(function, take_back)
    return _answer(request.future, interrupt=partial(portal.cancel, request))


@contextmanager
def _open_portal() -> Iterator[tuple[Portal, LoopCalls]]:
    """A trio thread, and its way to a loop for async tools, for `with`."""
    tools = _LoopThread()
    calls = LoopCalls(tools.loop)
    portal = Portal(on_end=calls.release)
    portal.threads.add(tools.thread)
    portal.open()
    try:
        yield portal, calls
    finally:
        portal.stop()
        try:
            if threading.current_thread() not in portal.threads:  # else the garbage collector ends a forgotten block
                _answer(portal.ended, interrupt=lambda: None)
                portal.join()
        finally:
            tools.close()
    portal.check()


@contextmanager
def _held(portal: Portal, make: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """An async context manager of the trio thread, for `with` here."""
    place = Held(portal, make)
    try:
        yield _ask(portal, place.enter)
    finally:
        if not portal.ended.done() and threading.current_thread() not in portal.threads:
            _answer(portal.begin(place.leave).future, interrupt=lambda: None)


def _in_trio(
    method: Callable[Concatenate[C, P], Coroutine[Any, Any, R]],
    take_back: Callable[Concatenate[C, R, P], Awaitable[None]] | None = None,
) -> Callable[Concatenate[Remote[C], P], R]:
    """The method of the core under its own name, for its object's stand-in.

    Args:
        method: of the core.
        take_back: called with its object, what it gave, and its arguments. See `Request`.
    """

    @wraps(method)
    def call(self: Remote[C], /, *args: P.args, **kwargs: P.kwargs) -> R:
        async def undo(result: R) -> None:
            if take_back is not None:
                await take_back(self._core, result, *args, **kwargs)

        return _ask(self._portal, partial(method, self._core, *args, **kwargs), undo)

    return call


class Turn(Remote[turn.Turn]):
    """Runs scripts in workers that belong to this turn alone. Made by `Session.open_turn`."""

    exec = _in_trio(turn.Turn.exec, take_back_cell)
    run = _in_trio(turn.Turn.run)
    wait = _in_trio(turn.Turn.wait)


class EventStream(RemoteEvents):
    """The events of a session from now on: an iterator that ends with the session. Made by `Session.events`.

    Every event is given once, in order. To stop listening leave the `with` block, `close` it, or drop it.
    """

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        while not self.taken:
            if self.is_over:
                raise StopIteration
            try:
                _ask(self._portal, self.take)
            except ClosedError:
                self.take_rest()
        return self.taken.popleft()


class Session(RemoteSession):
    """Cells, stored values and tools of one conversation. Made by `Service.open_session`."""

    call_tool = _in_trio(session.Session.call_tool, take_back_reply)

    def events(self) -> EventStream:
        """What happens in the session from now on. See `codemode.Session.events`."""
        return EventStream(self._listen(), self._portal)

    @contextmanager
    def open_turn(self, *, on_end: OnEnd = "terminate") -> Iterator[Turn]:
        """A model turn, for `with`. See `codemode.Session.open_turn`."""
        with _held(self._portal, partial(self._core.open_turn, on_end=on_end)) as core:
            yield Turn(core, self._portal)


class Service(RemoteService):
    """Starts workers and ends them. Made by `open_service`."""

    @contextmanager
    def open_session(self, tools: ToolRegistry | None = None, **options: Unpack[SessionOptions]) -> Iterator[Session]:
        """A session, for `with`. See `codemode.Service.open_session`; the options are those of it."""
        tools = ToolRegistry() if tools is None else tools
        make = partial(open_core_session, self._core, self._portal, self._calls, tools, options, base=ToolDispatcher)
        with _held(self._portal, make) as core:
            yield Session(core, self._portal)


def _with_threads(
    open_core: Callable[P, AbstractAsyncContextManager[service.Service]],
) -> Callable[P, AbstractContextManager[Service]]:
    """The way to open a service, with the threads that it needs here."""

    @wraps(open_core)
    @contextmanager
    def opened(*args: P.args, **kwargs: P.kwargs) -> Iterator[Service]:
        with _open_portal() as (portal, calls), _held(portal, partial(open_core, *args, **kwargs)) as core:
            yield Service(core, portal, calls)

    return opened


open_service = _with_threads(service.open_service)


@contextmanager
def open_session(
    tools: ToolRegistry | None = None,
    *,
    limits: Limits | None = None,
    strict: bool = False,
    **options: Unpack[SessionOptions],
) -> Iterator[Session]:
    """A session with a service of its own, for `with`. See `Service.open_session`."""
    with open_service(limits=limits, strict=strict) as own, own.open_session(tools, **options) as session:
        yield session


class ToolDispatcher(LoopDispatcher):
    __doc__ = LoopDispatcher.__doc__

    def run(
        self, invocations: Sequence[ToolInvocation], *, on_outcome: OnOutcome | None = None
    ) -> list[ToolCallOutcome]:
        """Runs a batch concurrently, and gives one outcome for each invocation, in their order, whatever fails.

        See `codemode.ToolDispatcher.run`; `on_outcome` is called in another thread.
        """
        tools = _LoopThread()
        try:
            future = asyncio.run_coroutine_threadsafe(self.call_all(invocations, on_outcome), tools.loop)
            return _answer(future, interrupt=future.cancel)
        finally:
            tools.close()
