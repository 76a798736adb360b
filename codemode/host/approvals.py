"""Asks whoever may decide before a call is made: a hook around the calls of the tools whose policy is not `allow`.

What waits is parked: other calls go on, the script may yield, and a call that is cancelled asks nobody any more.
"""

from __future__ import annotations

import contextvars
import copy
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import trio

from codemode.host.calls import ToolInvocation
from codemode.host.context import ToolFailure
from codemode.host.hooks import CallHooks, awaited
from codemode.host.policy import Decision
from codemode.host.tools import ToolDefinition, ToolRegistry

_log = logging.getLogger("codemode")

GATHER_S = 0.01
"""How long the first of several calls waits for those that are made with it, so that all are asked about together."""

OnApproval = Callable[[Sequence["ApprovalRequest"]], Awaitable[Any] | Any]
"""Called with the calls that wait and were not asked about before, in their order. It decides each by `allow` or
`deny`, before it returns or later; sync or async. Those that come meanwhile are asked about when it has returned: one
that shows questions and collects answers elsewhere returns at once. A sync one must not wait: the event loop calls it.
"""


class ApprovalRequest:
    """A call that waits until somebody approves it. What is decided first counts. Made by the dispatcher.

    Attributes:
        invocation: the call; its `arguments` are a plain JSON value that fits the tool.
        definition: what the tool is: its description, whether it is `read_only` or `destructive`.
    """

    def __init__(self, invocation: ToolInvocation, definition: ToolDefinition) -> None:
        self.invocation = invocation
        self.definition = definition
        self.is_allowed: bool | None = None
        """None while nobody has decided."""
        self.reason: str | None = None
        """Why it was denied, if that was said."""
        self.is_waiting = False
        """Whether the call waits for the decision. False once it has been decided, or cancelled."""
        self._decided = trio.Event()
        self._token = trio.lowlevel.current_trio_token()

    def __repr__(self) -> str:
        return f"<ApprovalRequest {self.tool}#{self.call_id}>"

    @property
    def call_id(self) -> str:
        """The id of the call."""
        return self.invocation.call_id

    @property
    def tool(self) -> str:
        """The tool's identifier in `tools.js`."""
        return self.invocation.tool

    @property
    def arguments(self) -> Any:
        """What it is called with, as a plain JSON value."""
        return self.invocation.arguments

    def allow(self) -> None:
        """The call is made. May be called from any thread."""
        self._post(True, None)

    def deny(self, reason: str | None = None) -> None:
        """The call is `denied`. May be called from any thread.

        Args:
            reason: for the script and the model.
        """
        self._post(False, reason)

    def _post(self, is_allowed: bool, reason: str | None) -> None:
        try:
            is_here = trio.lowlevel.current_trio_token() is self._token
        except RuntimeError:
            is_here = False
        if is_here:
            self._decide(is_allowed, reason)
            return
        try:
            self._token.run_sync_soon(self._decide, is_allowed, reason)
        except trio.RunFinishedError:
            return  # the call has ended with the run

    def _decide(self, is_allowed: bool, reason: str | None) -> None:
        if self.is_allowed is None:
            self.is_allowed, self.reason, self.is_waiting = is_allowed, reason, False
            self._decided.set()

    async def until_decided(self) -> None:
        """Waits until somebody has decided."""
        await self._decided.wait()


class Approvals(CallHooks):
    """Holds calls up until they are approved, and asks about all that wait together.

    Args:
        tools: whose policy decides which calls.
        ask: who is asked; None: a call that must be asked for is denied.
    """

    def __init__(self, tools: ToolRegistry, ask: OnApproval | None) -> None:
        self._tools = tools
        self._ask = ask
        self._waiting: dict[ApprovalRequest, None] = {}
        self._unasked: list[ApprovalRequest] = []
        self._is_asking = False
        self._asked_about: tuple[Sequence[ApprovalRequest], trio.CancelScope] = (), trio.CancelScope()
        self._context = contextvars.copy_context()

    @property
    def waiting(self) -> tuple[ApprovalRequest, ...]:
        """The calls that wait now, in the order in which they were made."""
        return tuple(sorted((request for request in self._waiting if request.is_waiting), key=_order))

    async def before(self, invocation: ToolInvocation) -> None:
        """Returns when the call may be made.

        Raises:
            ToolFailure: it was denied.
        """
        tool = self._tools.get(invocation.tool)
        assert tool is not None, "it has been checked"
        definition = tool.definition
        request = ApprovalRequest(invocation, definition)
        decision = definition.approval
        if callable(decision):
            # It is shown a copy: what it changes in that is not what the approver sees.
            shown = replace(invocation, arguments=copy.deepcopy(invocation.arguments))
            decision = await self._decision(decision, ApprovalRequest(shown, definition))
        if decision == "allow":
            return
        if decision == "deny":
            raise _denied("its policy does not allow it")
        if self._ask is None:
            raise _denied("it needs an approval, and there is nobody to ask: open_session(…, on_approval=…)")
        await self._park(request)
        if not request.is_allowed:
            raise _denied(request.reason or "it was not approved")

    async def _decision(self, function: Callable[[ApprovalRequest], Any], request: ApprovalRequest) -> Decision:
        try:
            match await awaited(function, request):
                case True | "allow":
                    return "allow"
                case False | "deny":
                    return "deny"
                case "ask":
                    return "ask"
                case other:
                    raise TypeError(f'an approval function gives "allow", "ask" or "deny", not {other!r}')
        except ToolFailure:  # in its own words
            raise
        except Exception as error:
            _log.exception("the approval of %s could not be decided", request.tool)
            raise _denied(f"its approval could not be decided: {type(error).__name__}") from error

    async def _park(self, request: ApprovalRequest) -> None:
        watcher = request.invocation.watcher
        self._waiting[request] = None
        self._unasked.append(request)
        request.is_waiting = True
        try:
            if watcher is not None:
                watcher.approval_asked(request)
            self._see_that_all_are_asked_about()
            await request.until_decided()
            if watcher is not None:
                watcher.approval_decided(request)
        finally:
            request.is_waiting = False
            del self._waiting[request]
            asked_about, asking = self._asked_about
            is_gone = request.is_allowed is None and request in asked_about
            if is_gone and not any(each.is_waiting for each in asked_about):
                asking.cancel()

    def _see_that_all_are_asked_about(self) -> None:
        if not self._is_asking:
            self._is_asking = True
            # Not in a task of a call's: that one may be cancelled while others wait.
            trio.lowlevel.spawn_system_task(self._ask_about_all, name="approvals", context=self._context)

    async def _ask_about_all(self) -> None:
        try:
            while self._unasked:
                await trio.sleep(GATHER_S)
                unasked, self._unasked = self._unasked, []
                if waiting := [request for request in unasked if request.is_waiting]:
                    await self._ask_about(sorted(waiting, key=_order))
        finally:
            self._is_asking = False

    async def _ask_about(self, requests: Sequence[ApprovalRequest]) -> None:
        assert self._ask is not None
        try:
            with trio.CancelScope() as scope:  # nobody is asked on about calls that are all gone
                self._asked_about = requests, scope
                await awaited(self._ask, requests)
        except BaseException as error:  # out of this task it would end the program
            if isinstance(error, trio.Cancelled) and trio.current_effective_deadline() == -math.inf:
                raise
            _log.exception("who was asked for an approval raised")
            for request in requests:
                request.deny(f"who was to approve it failed: {type(error).__name__}")
        finally:
            self._asked_about = (), trio.CancelScope()


def _order(request: ApprovalRequest) -> int:
    return request.invocation.order


def _denied(why: str) -> ToolFailure:
    return ToolFailure(f"the call was denied: {why}", "denied")
