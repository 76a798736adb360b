"""Calls functions on an asyncio loop for the trio thread: async tools, and notes to the host.

A hop between threads wakes one that sleeps, which costs more than a call. So what is to be said together crosses
together, in both directions.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import copy
import inspect
import logging
import threading
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

import outcome
import trio

from codemode.errors import ClosedError
from codemode.host.hooks import awaited
from codemode.host.tools import Invoke, Tool, ToolRegistry

_log = logging.getLogger("codemode")


class LoopCalls:
    """The way from the trio thread to an asyncio loop, and back.

    Args:
        loop: where the functions run. It need not run yet.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], object]] = []
        """What the loop is to do."""
        self._open: set[_Call] = set()
        """Calls that have not ended. Touched in the trio thread only."""
        self._ended: list[_Call] = []
        """Calls of whose end trio has not been told. Touched on the loop only."""

    # ── in the trio thread ────────────────────────────────────────────────────────────────────────────────────

    async def call(self, function: Callable[[], Awaitable[Any]]) -> Any:
        """Calls an async function on the loop, in a copy of this task's context.

        Cancelling this cancels the asyncio task, and waits for its end.

        Raises:
            ClosedError: the loop has been closed, or the trio run ends.
            trio.Cancelled: this was cancelled, or the function cancelled itself.
        """
        call = _Call(self, function)
        self.post(call.begin)
        self._open.add(call)
        await trio.lowlevel.wait_task_rescheduled(call.abort)
        return await _cancel_oneself() if call.end is None else call.end.unwrap()

    def on_loop(self, function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        """The function, which may be async or not, to be called in the trio thread: it runs on the loop."""

        async def called(*args: Any) -> Any:
            return await self.call(partial(awaited, function, *args))

        return called

    def post(self, function: Callable[[], object]) -> None:
        """Calls a function on the loop, soon, after those that were posted earlier.

        Raises:
            ClosedError: the loop has been closed.
        """
        with self._lock:
            self._waiting.append(function)
            is_first = len(self._waiting) == 1
        try:
            if is_first:
                self.loop.call_soon_threadsafe(self._take, context=self._context)
            is_closed = self.loop.is_closed()
        except RuntimeError:
            is_closed = True
        if is_closed:
            raise ClosedError("the event loop of this service has been closed")

    def forget(self, call: _Call) -> None:
        """Its end is waited for no longer."""
        self._open.discard(call)

    def release(self) -> None:
        """Lets go of the calls whose functions do not heed their cancellation: the trio run ends."""
        for call in self._open:
            call.end = outcome.Error(ClosedError("the service has been closed"))
            call.wake(cancelled=True)
        self._open.clear()

    def _deliver(self, ended: list[_Call]) -> None:
        for call in ended:
            if call in self._open:
                self._open.remove(call)
                call.wake(cancelled=call.end is None)

    # ── on the loop ───────────────────────────────────────────────────────────────────────────────────────────

    def _take(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for function in waiting:
            try:
                function()
            except Exception:
                _log.exception("what the trio thread asked of the event loop failed")

    def tell_ended(self, call: _Call) -> None:
        """A call has ended. Trio hears together of all that end in one turn of the loop, and of their progress first,
        which goes its own way.
        """
        self._ended.append(call)
        if len(self._ended) == 1:
            self.loop.call_soon(self._send, context=self._context)

    def _send(self) -> None:
        ended, self._ended = self._ended, []
        with contextlib.suppress(trio.RunFinishedError):  # they were left behind
            ended[0].token.run_sync_soon(self._deliver, ended)


class _Call:
    """A call on its way: a trio task that waits for an asyncio task."""

    __slots__ = ("_calls", "_context", "_function", "_raise_cancel", "_task", "_trio_task", "end", "token")

    def __init__(self, calls: LoopCalls, function: Callable[[], Awaitable[Any]]) -> None:
        self.token = trio.lowlevel.current_trio_token()
        self.end: outcome.Outcome[Any] | None = None
        """What came of the asyncio task; None where it was cancelled."""
        self._calls = calls
        self._function = function
        self._trio_task = trio.lowlevel.current_task()
        # A copy: a context cannot be entered in two threads at a time.
        self._context = contextvars.copy_context()
        self._task: asyncio.Task[outcome.Outcome[Any]] | None = None
        self._raise_cancel: Callable[[], NoReturn] | None = None

    # In the trio thread.

    def abort(self, raise_cancel: Callable[[], NoReturn]) -> trio.lowlevel.Abort:
        """Cancels the asyncio task, whose end is then waited for."""
        self._raise_cancel = raise_cancel
        try:
            self._calls.post(self._cancel)
        except ClosedError:
            self._calls.forget(self)
            return trio.lowlevel.Abort.SUCCEEDED
        return trio.lowlevel.Abort.FAILED

    def wake(self, *, cancelled: bool) -> None:
        """Lets the trio task go on: by the cancellation that it asked for, where that was heeded."""
        if cancelled and self._raise_cancel is not None:
            trio.lowlevel.reschedule(self._trio_task, outcome.capture(self._raise_cancel))
        else:
            trio.lowlevel.reschedule(self._trio_task)

    # On the loop.

    def begin(self) -> None:
        """Starts the asyncio task."""
        running = self._run()
        try:
            self._task = self._calls.loop.create_task(running, context=self._context)
        except Exception as error:  # a task factory of the program's own
            running.close()
            self.end = outcome.Error(error)
            self._calls.tell_ended(self)
        else:
            self._task.add_done_callback(self._done)

    async def _run(self) -> outcome.Outcome[Any]:
        try:
            value = await self._function()
            return outcome.Value(await value if inspect.iscoroutine(value) else value)
        except (Exception, SystemExit) as error:  # out of a task, SystemExit would end the whole loop
            return outcome.Error(error)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _done(self, task: asyncio.Task[outcome.Outcome[Any]]) -> None:
        if not task.cancelled():
            error = task.exception()  # KeyboardInterrupt, which ends the loop
            self.end = task.result() if error is None else outcome.Error(error)
        self._calls.tell_ended(self)


async def _cancel_oneself() -> NoReturn:
    """Raises what a trio function that cancels itself would raise. Only trio can make one of these."""
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.sleep_forever()
        except trio.Cancelled as error:
            cancelled = error
    raise cancelled


class LoopTools(ToolRegistry):
    """A registry as a dispatcher in the trio thread is to see it: async functions are called on the loop.

    Args:
        tools: the registry. What is added to it later is seen too.
        calls: the way to the loop.
    """

    def __init__(self, tools: ToolRegistry, calls: LoopCalls) -> None:
        super().__init__()
        self._given = tools
        self._calls = calls
        self._moved: weakref.WeakKeyDictionary[Tool, Tool] = weakref.WeakKeyDictionary()
        self.get = self._get  # type: ignore[assignment]

    def why_missing(self, identifier: str) -> str:
        """See `ToolRegistry.why_missing`."""
        return self._given.why_missing(identifier)

    def _get(self, identifier: str) -> Tool | None:
        tool = self._given.get(identifier)
        if tool is None:
            return None
        moved = self._moved.get(tool)
        if moved is None:
            moved = self._moved[tool] = self._move(tool)
        return moved

    def _move(self, tool: Tool) -> Tool:
        """The same tool, with the same queue of calls that wait for their turn; its coroutines run on the loop, and the
        function that approves its calls.
        """
        moved = copy.copy(tool)
        if callable(tool.definition.approval):
            moved.definition = replace(tool.definition, approval=self._calls.on_loop(tool.definition.approval))
        moved.invoke = self._async(tool.invoke) if tool.is_async else self._sync(tool.invoke)
        return moved

    def _async(self, invoke: Invoke) -> Invoke:
        return lambda arguments, context: self._calls.call(partial(invoke, arguments, context))

    def _sync(self, invoke: Invoke) -> Invoke:
        def invoked(arguments: Any, context: Any) -> Any:
            value = invoke(arguments, context)  # in a thread of its own
            return self._calls.call(lambda: value) if inspect.isawaitable(value) else value

        return invoked
