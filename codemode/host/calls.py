"""One call of a tool, as values: the call being made, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from codemode.host.approvals import ApprovalRequest
    from codemode.host.context import ToolContext

Caller = Literal["direct", "code"]
"""Who makes a call: the model itself, outside of code mode, or a script."""


class CallWatcher(Protocol):
    """Who is told of a call while it goes on. Its methods are called in the trio thread, and answer at once."""

    def call_started(self, call_id: str) -> None:
        """The call has reached its tool: it has been checked and approved, and has waited for its turn."""
        ...

    def call_progressed(self, context: ToolContext, message: str) -> None:
        """The function behind the tool has told how far it is."""
        ...

    def approval_asked(self, request: ApprovalRequest) -> None:
        """The call waits until somebody approves it."""
        ...

    def approval_decided(self, request: ApprovalRequest) -> None:
        """Somebody has."""
        ...


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
    caller: Caller = "direct"
    """Who makes it; a tool may be for one of them only."""
    cell_id: str | None = None
    """The cell whose script makes it; None outside of a cell."""
    session_id: str | None = None
    """The session of the cell; None outside of a session."""
    idempotency_key: str | None = None
    """What a tool gives to the service behind it, so that a call made again is not done twice; None: made up for this
    call, the same in all its attempts. One who makes a call again after a crash gives the key of the first."""
    watcher: CallWatcher | None = field(default=None, repr=False, compare=False)
    """Who is told how it goes. A dispatcher that hands the call on hands this on with it."""
    order: int = field(default_factory=count().__next__, repr=False, compare=False)
    """Grows from call to call: tasks begin in any order, and who is asked about several calls sees them in theirs."""


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
    """What the function behind the tool returned; where the dispatcher has hooks, that as a plain JSON value."""
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
