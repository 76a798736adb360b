"""Runs calls of tools and answers each exactly once, whatever the tool does.

One call never harms another: what a tool raises, returns or never does becomes the outcome of its own call. All calls
come this way, those of scripts and those that a model makes itself, and the policy of each tool is kept here.
"""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, cast

import trio

from codemode.errors import UsageError
from codemode.host.approvals import ApprovalRequest, Approvals, OnApproval
from codemode.host.arguments import InvalidArguments
from codemode.host.calls import ToolCallError, ToolCallOutcome, ToolInvocation
from codemode.host.context import ToolContext, ToolFailure
from codemode.host.hooks import CallHooks, awaited
from codemode.host.nurseries import in_own_task
from codemode.host.policy import Retry
from codemode.host.slots import Slots
from codemode.host.tools import Tool, ToolRegistry
from codemode.host.values import (
    MAX_JSON_BYTES,
    JsonTooLarge,
    NoJsonForm,
    NotJson,
    from_json_text,
    to_json_text,
    well_formed,
)

_log = logging.getLogger("codemode")

MAX_THREADS = 256
"""Threads of sync tools, which may block them as long as they like. trio's own 40 stay free for the host."""

MAX_MESSAGE_CHARS = 8_000
"""Of what a failed tool said."""

MAX_CODE_CHARS = 100
"""Of the code that a tool gave its failure."""

HOOK_S = 0.5
"""How long hooks may take to hear of a call that was cancelled: each of several an equal share."""

OnOutcome = Callable[[ToolCallOutcome], object]
OnStart = Callable[[], None]
CallTool = Callable[[ToolInvocation], Awaitable[ToolCallOutcome]]


class ToolDispatcher:
    """Calls the tools of a registry.

    Args:
        tools: those that may be called; ones that are registered later too.
        hooks: what happens around each call.
        on_approval: who is asked where a tool's policy is `ask`; None: such calls are `denied`.
        thread_limiter: counts the threads of sync tools; one of `MAX_THREADS` of its own by default.
        max_argument_bytes: of the arguments of one call, as JSON text in UTF-8.
        max_result_bytes: of one result, likewise.
    """

    def __init__(
        self,
        tools: ToolRegistry,
        *,
        hooks: Iterable[CallHooks] = (),
        on_approval: OnApproval | None = None,
        thread_limiter: trio.CapacityLimiter | None = None,
        max_argument_bytes: int = MAX_JSON_BYTES,
        max_result_bytes: int = MAX_JSON_BYTES,
    ) -> None:
        self.tools = tools
        self.threads_left_behind = 0
        """Threads of calls that have been answered, whose functions still run: a thread cannot be stopped."""
        self.tasks_left_behind = 0
        """Likewise tasks, of async tools that do not heed their cancellation."""
        self._hooks = tuple(hooks)
        self._approvals = Approvals(tools, on_approval)
        self._thread_limiter = thread_limiter or trio.CapacityLimiter(MAX_THREADS)
        self._max_argument_bytes = max_argument_bytes
        self._max_result_bytes = max_result_bytes

    @property
    def waiting_for_approval(self) -> tuple[ApprovalRequest, ...]:
        """The calls that wait until somebody approves them, in the order in which they were made."""
        return self._approvals.waiting

    async def run(
        self, invocations: Sequence[ToolInvocation], *, on_outcome: OnOutcome | None = None
    ) -> list[ToolCallOutcome]:
        """Runs a batch concurrently.

        Args:
            invocations: the calls.
            on_outcome: called with each outcome as it comes, and when this is cancelled with those of the calls that
                were cancelled by that: once for each call, whatever happens.

        Returns:
            One outcome for each invocation, in their order, whatever fails.

        Raises:
            trio.Cancelled: the caller was cancelled. Every function has ended then, but those that did not heed that
                within 1 s: they are left behind.
        """
        outcomes: dict[int, ToolCallOutcome] = {}

        async def settle(place: int, invocation: ToolInvocation) -> None:
            outcome = ToolCallOutcome.cancelled(invocation.call_id)
            try:
                outcome = await in_own_task(
                    partial(self.call, invocation),
                    name=str(invocation.tool),
                    on_cancel=_nothing,
                    on_left=self._count_task_left_behind,
                )
                outcomes[place] = outcome
            finally:
                if on_outcome is not None:
                    on_outcome(outcome)

        async with trio.open_nursery() as nursery:
            for place, invocation in enumerate(invocations):
                nursery.start_soon(settle, place, invocation)
        return [outcomes[place] for place in range(len(invocations))]

    async def call(self, invocation: ToolInvocation) -> ToolCallOutcome:
        """Makes one call.

        Args:
            invocation: which.

        Returns:
            How it ended. Never raises an Exception.

        Raises:
            trio.Cancelled: the caller was cancelled; it settles the call as `ToolCallOutcome.cancelled`. In a
                group where the tool has a nursery of its own.
        """
        if self._hooks:
            return await self._call_with_hooks(invocation)
        return await self._settle(invocation)

    async def _settle(self, invocation: ToolInvocation) -> ToolCallOutcome:
        """The call itself, once every hook has let it pass."""
        context: ToolContext | None = None
        try:
            tool, text = self._addressed(invocation)
            arguments = tool.validate(text)
            if tool.definition.approval != "allow":
                await self._approvals.before(replace(invocation, arguments=from_json_text(text), arguments_json=None))
            if tool.takes_context:
                context = ToolContext(
                    invocation.call_id,
                    tool.identifier,
                    invocation.cell_id,
                    invocation.session_id,
                    _key=invocation.idempotency_key,
                    _watcher=invocation.watcher,
                    _token=trio.lowlevel.current_trio_token(),
                )
            watcher = invocation.watcher
            if tool.is_simple:
                if watcher is not None:
                    watcher.call_started(invocation.call_id)
                value = await tool.invoke(arguments, context)
            else:
                on_start = None if watcher is None else partial(watcher.call_started, invocation.call_id)
                if (retry := tool.definition.retry) is None:
                    value = await self._attempt(tool, arguments, context, on_start)
                else:
                    value = await self._attempt_often(retry, tool, text, context, on_start)
            if inspect.iscoroutine(value):
                value = await value
            value_json = to_json_text(value, max_bytes=self._max_result_bytes)
        except trio.Cancelled as error:
            return _not_ours(invocation.call_id, error)
        except BaseExceptionGroup as group:
            return _settle_group(invocation.call_id, group)
        except Exception as error:
            return _failure(invocation.call_id, error)
        finally:
            if context is not None:
                context.end()
        return ToolCallOutcome(invocation.call_id, "ok", value, None, value_json)

    def _addressed(self, invocation: ToolInvocation) -> tuple[Tool, str]:
        """The tool, and the JSON text of its arguments: what is checked, approved and given to it, in each attempt.

        Raises:
            ToolFailure: there is no such tool, or this caller may not call it.
            InvalidArguments: the arguments are too large, or have no such text.
        """
        tool = self.tools.get(invocation.tool) if isinstance(invocation.tool, str) else None
        if tool is None:
            raise ToolFailure(self.tools.why_missing(str(invocation.tool)), "tool_not_found")
        if invocation.caller not in tool.definition.callers:
            raise ToolFailure(
                f"the call was denied: {tool.identifier} {_FOR_OTHERS.get(invocation.caller, _FOR_NOBODY)}", "denied"
            )
        return tool, self._arguments_json(invocation)

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

    # ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _attempt_often(
        self, retry: Retry, tool: Tool, text: str, context: ToolContext | None, on_start: OnStart | None
    ) -> Any:
        for attempt in count(1):
            try:
                # The arguments are made anew: what one attempt has changed in them must not be in the next.
                return await self._attempt(tool, tool.validate(text), context, on_start)
            except Exception as error:
                failure = _failure("", error).error
                if attempt >= retry.attempts or failure is None or failure.code not in retry.codes:
                    raise
            await trio.sleep(retry.wait_s(attempt))
            context, on_start = context and context.next_attempt(), None
        raise AssertionError("one attempt is the last")

    async def _attempt(self, tool: Tool, arguments: Any, context: ToolContext | None, on_start: OnStart | None) -> Any:
        """Waits for the places that the call needs, and calls the function behind the tool within its time."""
        timeout_s, group = tool.definition.timeout_s, tool.definition.group
        limiters = tool.limiter.get(), None if group is None else group.limiter.get()
        slots = Slots(
            *limiters,
            None if tool.is_async else self._thread_limiter,
            timeout_s=timeout_s,
            on_start=on_start,
            on_left=self._count_thread_left_behind,
        )

        async def invoke(function: Callable[[], Any], slots: Slots) -> Any:
            """Awaits what the function gives, in places that it has."""
            try:
                value = await function()
                return await value if inspect.iscoroutine(value) else value
            finally:
                slots.release_on_behalf_of(slots)

        function, places = partial(tool.invoke, arguments, context), slots

        try:
            with slots.scope:
                if not tool.is_async:
                    # Boxed: trio refuses a function that returns a coroutine, as a decorated async one does.
                    box = await trio.to_thread.run_sync(
                        lambda: (tool.invoke(arguments, context),),
                        abandon_on_cancel=True,
                        limiter=cast(trio.CapacityLimiter, slots),  # trio asks for these two methods only
                    )
                    if not inspect.isawaitable(box[0]):
                        return box[0]
                    # A plain function around an async one: the thread is done, and the rest needs its places too.
                    function = partial(_identity, box[0])
                    places = Slots(*limiters, timeout_s=None, on_start=None, on_left=_ignored)
                await places.acquire_on_behalf_of(places)
                if timeout_s is None:
                    return await invoke(function, places)
                return await in_own_task(
                    partial(invoke, function, places),
                    name=tool.identifier,
                    on_cancel=_nothing if context is None else context.end,
                    on_left=self._count_task_left_behind,
                )
        except Exception as error:
            if slots.scope.cancel_called:  # the tool was being stopped: what else went wrong comes second
                raise _TimedOut(timeout_s) from error
            raise
        finally:
            if context is not None:
                context.end()
            if not tool.is_async:
                slots.leave()
        raise _TimedOut(timeout_s)

    def _count_thread_left_behind(self, change: int) -> None:
        self.threads_left_behind += change

    def _count_task_left_behind(self, change: int) -> None:
        self.tasks_left_behind += change

    # ── hooks ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _call_with_hooks(self, given: ToolInvocation) -> ToolCallOutcome:
        """The call, and what its hooks make of it. Each of them hears of its end once."""
        invocation, unheard = _legible(given), list(self._hooks)
        try:
            outcome = self._refusal(invocation)
            if outcome is None:
                passed = await self._before(invocation)
                if isinstance(passed, ToolInvocation):
                    invocation = replace(passed, call_id=given.call_id, watcher=given.watcher)
                    passed = await self._settle(invocation)
                outcome = self._as_seen(replace(passed, call_id=given.call_id))
            while unheard:
                outcome = await self._end(unheard.pop(), invocation, outcome)
        except BaseException:
            for hook in reversed(unheard):
                with trio.move_on_after(HOOK_S / len(unheard), shield=True):
                    await self._end(hook, invocation, ToolCallOutcome.cancelled(given.call_id))
            raise
        return self._with_text(outcome)

    def _refusal(self, invocation: ToolInvocation) -> ToolCallOutcome | None:
        """How a call has ended that does not fit its tool."""
        try:
            tool, text = self._addressed(invocation)
            tool.validate(text)
        except Exception as error:
            return _failure(invocation.call_id, error)
        return None

    async def _before(self, invocation: ToolInvocation) -> ToolInvocation | ToolCallOutcome:
        """What the hooks make of a call that is about to be made."""
        for hook in self._hooks:
            try:
                given = await awaited(hook.before, invocation)
                if isinstance(given, ToolCallOutcome):
                    return given
                if given is not None and not isinstance(given, ToolInvocation):
                    raise TypeError(f"it gave {given!r}, which is neither None, a ToolInvocation nor a ToolCallOutcome")
            except trio.Cancelled as error:
                return _not_ours(invocation.call_id, error)
            except Exception as error:
                return _failure_of_hook(hook, "before", invocation, error)
            invocation = given or invocation
        return invocation

    async def _end(self, hook: CallHooks, invocation: ToolInvocation, outcome: ToolCallOutcome) -> ToolCallOutcome:
        """What a hook makes of the end of a call."""
        name = "after" if outcome.status == "ok" else "error"
        try:
            given = await awaited(getattr(hook, name), invocation, outcome)
            if given is None:
                return outcome
            if not isinstance(given, ToolCallOutcome):
                raise TypeError(f"it gave {given!r}, which is neither None nor a ToolCallOutcome")
        except trio.Cancelled as error:
            return _not_ours(invocation.call_id, error)
        except Exception as error:
            return _failure_of_hook(hook, name, invocation, error)
        return self._as_seen(replace(given, call_id=invocation.call_id))

    def _as_seen(self, outcome: ToolCallOutcome) -> ToolCallOutcome:
        """The outcome with its value as the caller will see it, for hooks. The text is made anew when they are done, so
        that none is left of a value that one of them has changed.
        """
        if outcome.status != "ok":
            return _without_value(outcome)
        try:
            text = outcome.value_json
            if text is None:
                text = to_json_text(outcome.value, max_bytes=self._max_result_bytes)
            return replace(outcome, value=from_json_text(text), value_json=None)
        except Exception as error:
            return _failure(outcome.call_id, error)

    def _with_text(self, outcome: ToolCallOutcome) -> ToolCallOutcome:
        if outcome.status != "ok":
            return outcome
        try:
            return replace(outcome, value_json=to_json_text(outcome.value, max_bytes=self._max_result_bytes))
        except Exception as error:
            return _failure(outcome.call_id, error)


_FOR_OTHERS = {
    "direct": "is for scripts, which exec runs",
    "code": "is not for scripts; the model calls it itself",
}


_FOR_NOBODY = "is for models and scripts, and the caller is neither"


def the_call_of(dispatcher: Any, base: Any = ToolDispatcher) -> CallTool:
    """How one call is made with a dispatcher, which may be one of the program's own.

    Args:
        dispatcher: an object with the `call` or the `run` of `ToolDispatcher`; a subclass may have its own of either.
        base: `ToolDispatcher`, or what stands for it elsewhere.

    Raises:
        UsageError: it has neither.
    """
    kind: Any = type(dispatcher)
    if not hasattr(dispatcher, "call") and not hasattr(dispatcher, "run"):
        raise UsageError(f"a dispatcher has the `run` or the `call` of ToolDispatcher; {dispatcher!r} has neither")
    has_own_call = getattr(kind, "call", base.call) is not base.call
    if has_own_call or (hasattr(dispatcher, "call") and getattr(kind, "run", base.run) is base.run):
        own: CallTool = dispatcher.call
        return own

    async def call(invocation: ToolInvocation) -> ToolCallOutcome:
        outcome: ToolCallOutcome
        (outcome,) = await awaited(dispatcher.run, [invocation])
        return outcome

    return call


def check_alone(dispatcher: Any, hooks: Sequence[CallHooks], on_approval: OnApproval | None) -> Any:
    """The dispatcher that a session is given.

    Raises:
        UsageError: hooks or on_approval are given beside it, who would never be heard.
    """
    if dispatcher is not None and (hooks or on_approval is not None):
        raise UsageError("give hooks and on_approval to the dispatcher: ToolDispatcher(tools, hooks=[…], …)")
    return dispatcher


class _TimedOut(Exception):
    def __init__(self, timeout_s: float | None) -> None:
        super().__init__(f"the tool did not end within {timeout_s:g} s")


def _nothing() -> None: ...


def _ignored(_: int) -> None: ...


def _identity(value: Any) -> Any:
    return value


def _without_value(outcome: ToolCallOutcome) -> ToolCallOutcome:
    """An outcome that is not `ok`, and says nothing but why: a hook may have made it of one that was."""
    if outcome.status not in ("error", "cancelled"):
        return ToolCallOutcome.failed(outcome.call_id, "tool_failed", f"a hook gave the status {outcome.status!r}")
    error = outcome.error or ToolCallError("tool_failed", "the call failed, and nothing was said of it")
    return ToolCallOutcome(outcome.call_id, outcome.status, error=error)


def _legible(invocation: ToolInvocation) -> ToolInvocation:
    """The call with its arguments as a plain value, for whoever looks at it."""
    try:
        text = invocation.arguments_json
        if text is None:
            text = to_json_text(invocation.arguments, quote_large=False)
        return replace(invocation, arguments=from_json_text(text), arguments_json=None)
    except (NotJson, NoJsonForm, JsonTooLarge):
        return invocation  # as it is: it will be refused


def _failure_of_hook(hook: CallHooks, name: str, invocation: ToolInvocation, error: Exception) -> ToolCallOutcome:
    if not isinstance(error, ToolFailure):
        _log.exception("the hook %r failed in %s of the call %s", hook, name, invocation.call_id)
        # Not in its own words: it may have failed on what it was there to hide.
        error = ToolFailure(f"a hook around the call failed: {type(error).__name__}")
    return _failure(invocation.call_id, error)


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
            return ToolCallOutcome.failed(call_id, _code_of(error), _text_of(error))
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


def _code_of(failure: ToolFailure) -> str:
    try:
        return well_formed(str(failure.code))[:MAX_CODE_CHARS]
    except Exception:  # its __str__ is the tool's code
        return "tool_failed"


def _text_of(error: BaseException) -> str:
    try:
        return _cut(well_formed(str(error)))
    except Exception:  # its __str__ is the tool's code
        return ""


def _cut(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE_CHARS else f"{text[: MAX_MESSAGE_CHARS - 1]}…"
