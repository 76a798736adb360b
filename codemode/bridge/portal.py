"""A trio run in a thread of its own, and what other threads may ask of it. Knows nothing of who asks.

Every request is answered: with what its function gave or, where the run has ended first, with a `ClosedError` that
says why.
"""

from __future__ import annotations

import atexit
import concurrent.futures
import contextlib
import contextvars
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

import trio

from codemode.errors import ClosedError

_log = logging.getLogger("codemode")

P = ParamSpec("P")
T = TypeVar("T")
TakeBack = Callable[[T], Awaitable[None]]

LOOK_S = 1.0
"""How soon it is noticed that the caller has gone without a word."""
SETTLE_S = 10.0
"""How long a caller who was interrupted waits for the end of what it asked for. A session may take 5 s to close."""


class Request(Generic[T]):
    """An async function that runs in the trio thread for somebody elsewhere.

    Args:
        function: called and awaited once.
        take_back: undoes what it did, where its answer came too late for one who had just been cancelled.
    """

    def __init__(self, function: Callable[[], Awaitable[T]], take_back: TakeBack[T] | None = None) -> None:
        self._function = function
        self._take_back = take_back
        self.future: concurrent.futures.Future[T] = concurrent.futures.Future()
        """Its answer. Running from the start, so that nobody but the trio thread settles it."""
        self.future.set_running_or_notify_cancel()
        self.context = contextvars.copy_context()
        self._scope = trio.CancelScope()

    async def run(self) -> None:
        """Runs the function and answers, unless the whole trio run is ending: why it does is known only at its end."""
        try:
            with self._scope:
                value = await self._function()
        except BaseException as error:
            if _is_cancelled(error):
                raise
            self.future.set_exception(error)
        else:
            if self._scope.cancelled_caught:
                self.future.set_exception(concurrent.futures.CancelledError())
            else:
                self.future.set_result(value)

    def cancel(self, nursery: trio.Nursery) -> None:
        """Cancels the function; where it has answered already, begins to take back what it did."""
        self._scope.cancel()
        if self._take_back is not None and self.future.done() and self.future.exception() is None:
            nursery.start_soon(self._take_back, self.future.result())


def _is_cancelled(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.split(trio.Cancelled)[0] is not None
    return isinstance(error, trio.Cancelled)


class Portal:
    """The trio thread.

    It is a daemon, and closed at the interpreter's exit at the latest: a program that forgot to close ends all the
    same, and leaves no process.

    Args:
        is_gone: whether the caller has gone for good. Asked every second, in the trio thread.
        on_end: called in the trio thread when it is about to end.
    """

    def __init__(
        self, *, is_gone: Callable[[], bool] = lambda: False, on_end: Callable[[], None] = lambda: None
    ) -> None:
        self._is_gone = is_gone
        self._on_end = on_end
        self._thread = threading.Thread(target=self._run, name="codemode", daemon=True)
        self.threads = {self._thread}
        """Those on which the answers depend: none of them may wait for one."""
        # Reentrant: the garbage collector may close an event stream inside any statement.
        self._lock = threading.RLock()
        self._early: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        """What was posted before trio ran."""
        self._token: trio.lowlevel.TrioToken | None = None
        self._nursery: trio.Nursery | None = None
        """None when no task may be started: before trio runs, and from the beginning of its end."""
        self._stop = trio.Event()
        self._pending: set[Request[Any]] = set()
        self._failure: BaseException | None = None
        self.ended: concurrent.futures.Future[None] = concurrent.futures.Future()
        """Done when the trio run has ended."""
        self.ended.set_running_or_notify_cancel()

    # ── for callers ───────────────────────────────────────────────────────────────────────────────────────────

    def open(self) -> None:
        """Starts the thread. What is asked from now on is answered."""
        self._thread.start()
        atexit.register(self._end_at_exit)

    def begin(self, function: Callable[[], Awaitable[T]], take_back: TakeBack[T] | None = None) -> Request[T]:
        """Begins to run an async function in the trio thread, in a copy of the caller's context. See `Request`.

        Raises:
            ClosedError: the trio run has ended.
        """
        request = Request(function, take_back)
        with self._lock:
            if self.ended.done():
                raise self._closed()
            self._pending.add(request)
        self.post(self._start, request)
        return request

    def ask(self, function: Callable[[], T]) -> T:
        """What a function that does not wait gives in the trio thread. Once that has ended, nothing changes any more,
        and the function is called here.
        """

        async def soon() -> T:
            return function()

        if self._is_here:
            return function()
        try:
            return self.begin(soon).future.result()
        except ClosedError:
            if not self.ended.done():
                raise
            return function()

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Calls a function that does not wait in the trio thread, soon, after those that were posted earlier; or never,
        where that has ended.
        """
        with self._lock:
            if self._token is None:
                self._early.append((function, args))
                return
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(function, *args)

    def carried(self, function: Callable[P, object]) -> Callable[P, None]:
        """The function, to be called from any thread: it runs in the trio thread, there at once and else soon."""

        def call(*args: P.args, **kwargs: P.kwargs) -> None:
            if self._is_here:
                function(*args, **kwargs)
            else:
                self.post(partial(function, *args, **kwargs))

        return call

    def cancel(self, request: Request[Any]) -> None:
        """Cancels a request. It is answered all the same."""
        self.post(self._cancel, request)

    def stop(self) -> None:
        """Ends the trio run, and with it whatever is open there."""
        self.post(self._stop.set)

    def join(self) -> None:
        """Waits for the thread's end, a moment after that of the trio run."""
        self._thread.join(SETTLE_S)
        atexit.unregister(self._end_at_exit)

    def check(self) -> None:
        """Raises `ClosedError` where the trio run has broken down."""
        if self._failure is not None:
            raise self._closed()

    @property
    def _is_here(self) -> bool:
        return threading.current_thread() is self._thread

    def _closed(self) -> ClosedError:
        if self._failure is None:
            return ClosedError("the service has been closed; open a new one")
        error = ClosedError(f"the service has broken down ({self._failure!r}); open a new one")
        error.__cause__ = self._failure
        return error

    def _end_at_exit(self) -> None:
        if self._thread.is_alive():  # not in a process that was forked from this one
            self.stop()
            self._thread.join(SETTLE_S)

    # ── in the trio thread ────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        try:
            trio.run(self._main)
        except BaseException as error:
            _log.exception("the trio thread has ended by an exception")
            self._failure = error
        with self._lock:
            self.ended.set_result(None)
            pending = tuple(self._pending)
        for request in pending:
            request.future.set_exception(self._closed())

    async def _main(self) -> None:
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                with self._lock:
                    self._token = trio.lowlevel.current_trio_token()
                try:
                    for function, args in self._early:
                        function(*args)
                    while not self._stop.is_set() and not self._is_gone():
                        with trio.move_on_after(LOOK_S):
                            await self._stop.wait()
                finally:
                    self._nursery = None
                nursery.cancel_scope.cancel()
        finally:
            self._on_end()

    def _start(self, request: Request[Any]) -> None:
        if self._nursery is not None:  # else it is answered when the run has ended
            request.context.run(self._nursery.start_soon, self._serve, request)

    def _cancel(self, request: Request[Any]) -> None:
        if self._nursery is not None:
            request.cancel(self._nursery)

    async def _serve(self, request: Request[Any]) -> None:
        await request.run()
        self._pending.discard(request)

    async def hold(self, function: Callable[..., Awaitable[Any]]) -> Any:
        """Starts a task that ends with the trio run, and gives what it gives to `task_status.started`."""
        if self._nursery is None:
            raise self._closed()
        return await self._nursery.start(function)


class Held(Generic[T]):
    """An async context manager that is entered and left by requests. Both happen in one task, as trio demands.

    Args:
        portal: where.
        make: gives the context manager, in the trio thread.
    """

    def __init__(self, portal: Portal, make: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._portal = portal
        self._make = make
        self._leave = trio.Event()
        self._left: trio.Event | None = None

    async def enter(self) -> T:
        """Enters it."""
        value: T = await self._portal.hold(self._hold)
        return value

    async def leave(self) -> None:
        """Leaves it, and waits until it has been left. Nothing to do where it was not entered."""
        self._leave.set()
        if self._left is not None:
            await self._left.wait()

    async def _hold(self, *, task_status: trio.TaskStatus[T]) -> None:
        self._left = trio.Event()
        try:
            async with self._make() as value:
                task_status.started(value)
                await self._leave.wait()
        finally:
            self._left.set()
