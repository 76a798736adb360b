"""What the owner of a tool decides of its calls: how many at a time, how often, by whom and with whose leave."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import trio

from codemode.errors import UsageError
from codemode.host.calls import Caller

if TYPE_CHECKING:
    from codemode.host.approvals import ApprovalRequest

Decision = Literal["allow", "ask", "deny"]
"""What becomes of a call: it is made, somebody is asked, or it is `denied`."""

Approval = Decision | Callable[["ApprovalRequest"], Decision | bool | Awaitable[Decision | bool]]
"""A decision for all calls of a tool, or a function that decides each; True is `allow`, False `deny`."""

CALLERS: tuple[Caller, ...] = get_args(Caller)


@dataclass(frozen=True, slots=True)
class Retry:
    """A call that fails is made again, with the same idempotency key (`ToolContext.idempotency_key`).

    For tools that change nothing, or that pass the key on to a service which does the same thing once only. A call that
    was refused, not approved or cancelled is never made again.

    Raises:
        UsageError: a figure makes no sense.
    """

    attempts: int = 3
    """In all, the first among them."""
    delay_s: float = 0.5
    """Seconds before the second attempt, doubled before each further one; by chance up to a half less, so that calls
    which failed together do not come back together."""
    max_delay_s: float = 30.0
    """The most that is waited between two."""
    codes: Collection[str] = ("tool_failed", "tool_timeout")
    """Of the failures that are worth another attempt. A tool that knows better raises `ToolFailure` with another."""

    def __post_init__(self) -> None:
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int) or self.attempts < 1:
            raise UsageError(f"Retry.attempts is a whole number, at least 1, not {self.attempts!r}")
        if not all(isinstance(delay_s, int | float) and delay_s >= 0 for delay_s in (self.delay_s, self.max_delay_s)):
            raise UsageError("Retry.delay_s and max_delay_s are seconds, at least 0")
        if isinstance(self.codes, str) or not isinstance(self.codes, Collection):
            raise UsageError(f"Retry.codes is a collection of codes, not {self.codes!r}")

    def wait_s(self, attempt: int) -> float:
        """Seconds to wait after this attempt, the first being 1."""
        longest_s = min(self.delay_s * 2.0 ** min(attempt - 1, 100), self.max_delay_s)
        return longest_s * random.uniform(0.5, 1.0)


class RunLimiter:
    """A count of calls that may run at a time. There is one for each trio run, for a registry may serve several.

    Args:
        name: whose calls.
        max_concurrency: how many; None for any number.
    """

    def __init__(self, name: str, max_concurrency: int | None) -> None:
        self._max_concurrency = max_concurrency
        self._limiter: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar(name)

    def get(self) -> trio.CapacityLimiter | None:
        """What calls queue for in the current trio run; None where any number may run."""
        if self._max_concurrency is None:
            return None
        try:
            return self._limiter.get()
        except LookupError:
            limiter = trio.CapacityLimiter(self._max_concurrency)
            self._limiter.set(limiter)
            return limiter


class ToolGroup:
    """Tools that share a number of calls at a time, such as all that use one database.

    Args:
        name: for a person.
        max_concurrency: calls of these tools that may run at a time, in all sessions of one trio run; more wait.

    Raises:
        UsageError: max_concurrency is less than 1.
    """

    def __init__(self, name: str, *, max_concurrency: int) -> None:
        check_concurrency(f"the group {name!r}", max_concurrency)
        self.name = name
        self.max_concurrency = max_concurrency
        self.limiter = RunLimiter(name, max_concurrency)

    def __repr__(self) -> str:
        return f"ToolGroup({self.name!r}, max_concurrency={self.max_concurrency})"


def check_concurrency(of: str, max_concurrency: int | None) -> None:
    """Raises `UsageError` where so many calls at a time make no sense."""
    if max_concurrency is not None and not (isinstance(max_concurrency, int) and max_concurrency >= 1):
        raise UsageError(f"{of}: max_concurrency must be a whole number, at least 1, not {max_concurrency!r}")


def read_callers(of: str, callers: Caller | Collection[Caller]) -> tuple[Caller, ...]:
    """The callers in their own order.

    Raises:
        UsageError: one is none, or there is none.
    """
    given = {callers} if isinstance(callers, str) else set(callers)
    if not given or not given <= set(CALLERS):
        raise UsageError(f'{of}: callers are "direct", "code" or both, not {callers!r}')
    return tuple(caller for caller in CALLERS if caller in given)


def check_approval(of: str, approval: object) -> None:
    """Raises `UsageError` where it is neither a decision nor a function."""
    if not callable(approval) and approval not in get_args(Decision):
        raise UsageError(f'{of}: approval is "allow", "ask", "deny" or a function, not {approval!r}')
