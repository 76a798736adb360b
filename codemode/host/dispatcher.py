"""Runs calls of tools and answers each exactly once, whatever the tool does.

One call never harms another: what a tool raises, returns or never does becomes the outcome of its own call.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, cast

import trio

from codemode.host.arguments import InvalidArguments
from codemode.host.context import ToolContext, ToolFailure
from codemode.host.tools import Tool, ToolRegistry
from codemode.host.values import MAX_JSON_BYTES, JsonTooLarge, NoJsonForm, to_json_text, well_formed

__all__ = [
    "ToolCallError",
    "ToolCallOutcome",
    "ToolContext",
    "ToolDispatcher",
    "ToolFailure",
    "ToolInvocation",
]

MAX_THREADS = 256
"""Threads of sync tools, which may block them as long as they like. trio's own 40 stay free for the host."""

MAX_MESSAGE_CHARS = 8_000
"""Of what a failed tool said."""

OnProgress = Callable[[ToolContext, str], None]


@dataclass(frozen=True, slots=True)
class ToolInvocation:
    """One call being made."""

    call_id: str
    """The caller's name for it."""
    tool: str
    """The tool's identifier in `tools.js`."""
    arguments: Any = field(default_factory=dict)
    """The one object of parameters (a string for a free-form tool), as a value."""
    arguments_json: str | None = None
    """JSON text, instead of `arguments`: what a script sent is parsed once, by the tool's check."""


@dataclass(frozen=True, slots=True)
class ToolCallError:
    """Why a call has no result."""

    code: str
    """`tool_not_found`, `invalid_arguments`, `tool_failed`, `tool_timeout`, `cancelled`, `result_too_large`,
    `denied`, or what the tool gave to `ToolFailure`."""
    message: str
    """For the model."""


@dataclass(frozen=True, slots=True)
class ToolCallOutcome:
    """How a call ended."""

    call_id: str
    status: Literal["ok", "error", "cancelled"]
    value: Any = None
    """What the function behind the tool returned."""
    error: ToolCallError | None = None
    """None where the status is `ok`."""
    value_json: str | None = None
    """JSON text of the value, serialised once; None unless the status is `ok`."""

    @classmethod
    def failed(cls, call_id: str, code: str, message: str) -> ToolCallOutcome:
        """The outcome of a call that failed."""
        return cls(call_id, "error", error=ToolCallError(code, message))

    @classmethod
    def cancelled(cls, call_id: str, message: str = "the call was cancelled") -> ToolCallOutcome:
        """The outcome of a call that its caller gave up."""
        return cls(call_id, "cancelled", error=ToolCallError("cancelled", message))


class ToolDispatcher:
    """Calls the tools of a registry.

    Args:
        tools: those that may be called; ones that are registered later too.
        thread_limiter: counts the threads of sync tools; one of `MAX_THREADS` of its own by default.
        max_argument_bytes: of the arguments of one call, as JSON text in UTF-8.
        max_result_bytes: of one result, likewise.
    """

    def __init__(
        self,
        tools: ToolRegistry,
        *,
        thread_limiter: trio.CapacityLimiter | None = None,
        max_argument_bytes: int = MAX_JSON_BYTES,
        max_result_bytes: int = MAX_JSON_BYTES,
    ) -> None:
        self.tools = tools
        self.threads_left_behind = 0
        """Threads of calls that have been answered, whose functions still run: a thread cannot be stopped."""
        self._thread_limiter = thread_limiter or trio.CapacityLimiter(MAX_THREADS)
        self._max_argument_bytes = max_argument_bytes
        self._max_result_bytes = max_result_bytes

    async def run(self, invocations: Sequence[ToolInvocation]) -> list[ToolCallOutcome]:
        """Runs a batch concurrently.

        Returns:
            One outcome for each invocation, in their order, whatever fails.

        Raises:
            trio.Cancelled: the caller was cancelled; every function has ended then, except those in threads.
        """
        outcomes: dict[int, ToolCallOutcome] = {}

        async def settle(place: int, invocation: ToolInvocation) -> None:
            outcomes[place] = await self.call(invocation)

        async with trio.open_nursery() as nursery:
            for place, invocation in enumerate(invocations):
                nursery.start_soon(settle, place, invocation)
        return [outcomes[place] for place in range(len(invocations))]

    async def call(
        self,
        invocation: ToolInvocation,
        *,
        cell_id: str | None = None,
        session_id: str | None = None,
        on_progress: OnProgress | None = None,
        on_start: Callable[[str], None] | None = None,
    ) -> ToolCallOutcome:
        """Makes one call.

        Args:
            invocation: which.
            cell_id: the cell whose script makes it, for the tool's context.
            session_id: its session, likewise.
            on_progress: called with the context and the message of each `ToolContext.progress`.
            on_start: called with the call id when the call reaches its tool: after the check of its arguments, and
                after its wait for a slot. In the trio thread.

        Returns:
            How it ended. Never raises an Exception.

        Raises:
            trio.Cancelled: the caller was cancelled; it settles the call as `ToolCallOutcome.cancelled`. In a
                group where the tool has a nursery of its own.
        """
        call_id = invocation.call_id
        tool = self.tools.get(invocation.tool) if isinstance(invocation.tool, str) else None
        if tool is None:
            return ToolCallOutcome.failed(call_id, "tool_not_found", self.tools.why_missing(str(invocation.tool)))
        context: ToolContext | None = None
        try:
            arguments = tool.validate(self._arguments_json(invocation))
            if tool.takes_context:
                context = ToolContext(
                    call_id,
                    tool.identifier,
                    cell_id,
                    session_id,
                    on_progress,
                    trio.lowlevel.current_trio_token(),
                )
            if tool.is_async and tool.definition.timeout_s is tool.definition.max_concurrency is None:
                if on_start is not None:
                    on_start(call_id)
                value = await tool.invoke(arguments, context)
            else:
                started = None if on_start is None else partial(on_start, call_id)
                value = await self._invoke_within_limits(tool, arguments, context, started)
            if inspect.iscoroutine(value):
                value = await value
            value_json = to_json_text(value, max_bytes=self._max_result_bytes)
        except trio.Cancelled as error:
            return _not_ours(call_id, error)
        except BaseExceptionGroup as group:
            return _settle_group(call_id, group)
        except Exception as error:
            return _failure(call_id, error)
        finally:
            if context is not None:
                context.on_progress = None
        return ToolCallOutcome(call_id, "ok", value, None, value_json)

    def _arguments_json(self, invocation: ToolInvocation) -> str:
        limit = self._max_argument_bytes
        text = invocation.arguments_json
        try:
            if text is None:
                return to_json_text(invocation.arguments, max_bytes=limit, quote_large=False)
            if len(text) * 4 > limit and (size := len(text.encode(errors="surrogatepass"))) > limit:
                raise JsonTooLarge(size, limit)
        except (NoJsonForm, JsonTooLarge) as error:
            raise InvalidArguments(f"{invocation.tool}: the arguments: {error}") from None
        return text

    async def _invoke_within_limits(
        self, tool: Tool, arguments: Any, context: ToolContext | None, on_start: Callable[[], None] | None
    ) -> Any:
        slots = _Slots(self, tool, on_start, in_thread=not tool.is_async)
        try:
            with slots.scope:
                if not tool.is_async:
                    # Boxed: trio refuses a function that returns a coroutine, as a decorated async one does.
                    box = await trio.to_thread.run_sync(
                        lambda: (tool.invoke(arguments, context),),
                        abandon_on_cancel=True,
                        limiter=cast(trio.CapacityLimiter, slots),  # trio asks for these two methods only
                    )
                    return await box[0] if inspect.isawaitable(box[0]) else box[0]
                await slots.acquire_on_behalf_of(slots)
                try:
                    return await tool.invoke(arguments, context)
                finally:
                    slots.release_on_behalf_of(slots)
        except Exception as error:
            if slots.scope.cancel_called:  # the tool was being stopped: what else went wrong comes second
                raise _TimedOut(tool.definition.timeout_s) from error
            raise
        finally:
            slots.leave()
        raise _TimedOut(tool.definition.timeout_s)


class _TimedOut(Exception):
    def __init__(self, timeout_s: float | None) -> None:
        super().__init__(f"the tool did not end within {timeout_s:g} s")


class _Slots:
    """A call's places in the queues that it must pass: that of its tool, then that for a thread.

    Its time starts when it has them. It serves as the limiter of its thread, which thereby keeps its places
    for as long as it runs, also when the call has been given up.
    """

    def __init__(
        self, dispatcher: ToolDispatcher, tool: Tool, on_start: Callable[[], None] | None, *, in_thread: bool
    ) -> None:
        self.scope = trio.CancelScope()
        self._dispatcher = dispatcher
        self._timeout_s = tool.definition.timeout_s
        self._on_start = on_start
        limiters = (tool.limiter, dispatcher._thread_limiter if in_thread else None)
        self._limiters = [limiter for limiter in limiters if limiter is not None]
        self._held = False
        self._left_behind = False

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        taken: list[trio.CapacityLimiter] = []
        try:
            for limiter in self._limiters:
                await limiter.acquire_on_behalf_of(borrower)
                taken.append(limiter)
        except BaseException:
            for limiter in taken:
                limiter.release_on_behalf_of(borrower)
            raise
        self._held = True
        if self._on_start is not None:
            self._on_start()
        if self._timeout_s is not None:
            self.scope.deadline = trio.current_time() + self._timeout_s

    def release_on_behalf_of(self, borrower: object) -> None:
        for limiter in self._limiters:
            limiter.release_on_behalf_of(borrower)
        self._held = False
        self._dispatcher.threads_left_behind -= self._left_behind

    def leave(self) -> None:
        """The call is over. A thread that still runs is counted until it ends."""
        self._left_behind = self._held
        self._dispatcher.threads_left_behind += self._left_behind


def _not_ours(call_id: str, error: trio.Cancelled) -> ToolCallOutcome:
    """Passes the caller's cancellation on; one that leaked out of a scope of the tool ends its call only."""
    if trio.current_effective_deadline() == -math.inf:
        raise error
    return ToolCallOutcome.cancelled(call_id, "the tool cancelled itself")


def _settle_group(call_id: str, group: BaseExceptionGroup[BaseException]) -> ToolCallOutcome:
    cancelled, rest = group.split(trio.Cancelled)
    if rest is not None and not isinstance(rest, Exception):
        raise group  # KeyboardInterrupt and the like
    if cancelled is not None and trio.current_effective_deadline() == -math.inf:
        raise cancelled
    if rest is None:
        return ToolCallOutcome.cancelled(call_id, "the tool cancelled itself")
    return _failure(call_id, rest)


def _failure(call_id: str, error: Exception) -> ToolCallOutcome:
    match error:
        case InvalidArguments():
            return ToolCallOutcome.failed(call_id, "invalid_arguments", well_formed(str(error)))
        case ToolFailure():
            return ToolCallOutcome.failed(call_id, str(error.code), _text_of(error))
        case _TimedOut():
            return ToolCallOutcome.failed(call_id, "tool_timeout", str(error))
        case JsonTooLarge():
            return ToolCallOutcome.failed(call_id, "result_too_large", f"the result is {error}")
        case NoJsonForm():
            return ToolCallOutcome.failed(call_id, "tool_failed", well_formed(f"the result: {error}"))
        case ExceptionGroup(exceptions=[Exception() as only]):
            return _failure(call_id, only)
    return ToolCallOutcome.failed(call_id, "tool_failed", _cut("; ".join(_sentences(error))))


def _sentences(error: BaseException) -> list[str]:
    """`ExceptionType: text` of the exception, or of each that a group holds, however deep."""
    if isinstance(error, BaseExceptionGroup):
        return [sentence for inner in error.exceptions for sentence in _sentences(inner)]
    text = _text_of(error)
    return [f"{type(error).__name__}: {text}" if text else type(error).__name__]


def _text_of(error: BaseException) -> str:
    try:
        return _cut(well_formed(str(error)))
    except Exception:  # its __str__ is the tool's code
        return ""


def _cut(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE_CHARS else f"{text[: MAX_MESSAGE_CHARS - 1]}…"
