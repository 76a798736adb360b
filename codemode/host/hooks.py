"""What a host does around every call of a dispatcher: logging, redaction, and rules of its own."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec

from codemode.host.calls import ToolCallOutcome, ToolInvocation

P = ParamSpec("P")


class CallHooks:
    """What happens around each call, whoever makes it. Subclass it, and override what you need; sync or async.

    `before` hears of each call that fits its tool, in the order of the hooks. Of the end of each call, whatever it is,
    every hook hears once, in the reverse order: by `after` where it is `ok`, else by `error`. What hooks see of
    arguments and results are plain JSON values, as the caller sends and gets them.

    A hook that raises fails its call: with the code and message of a `ToolFailure`, so that
    `raise ToolFailure("not on a Sunday", "denied")` refuses it; else with `tool_failed`. So what a redaction could not
    redact reaches nobody.
    """

    def before(self, invocation: ToolInvocation) -> Awaitable[ToolInvocation | ToolCallOutcome | None] | Any:
        """The call is about to be made; nobody has been asked to approve it yet.

        Returns:
            None: it is made as it is. Another `ToolInvocation`, best by `dataclasses.replace`: that is made instead,
            if it fits its tool. A `ToolCallOutcome`: it has ended so, and no tool is called.
        """
        return None

    def after(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> Awaitable[ToolCallOutcome | None] | Any:
        """The call has a result, in `outcome.value`.

        Returns:
            None: the outcome stays. Another one, best by `dataclasses.replace`: that is the call's outcome.
        """
        return None

    def error(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> Awaitable[ToolCallOutcome | None] | Any:
        """The call has failed, was refused or was cancelled; `outcome.error` says how.

        Returns:
            As `after`. What is returned for a call whose caller has given it up counts for nothing.
        """
        return None


async def awaited(function: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:
    """What a function gives that may be async or not."""
    value = function(*args, **kwargs)
    return await value if inspect.isawaitable(value) else value
