"""What the function behind a tool may use: the context of its call, and a failure in its own words."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import trio

_log = logging.getLogger("codemode")


class ToolFailure(Exception):
    """Raised by a tool to say in its own words how the call failed; the script's call rejects with it.

    Args:
        message: for the script and the model, passed on as it is.
        code: the code of the rejection, such as `tool_failed` or `denied`.
    """

    def __init__(self, message: str, code: str = "tool_failed") -> None:
        self.message = message
        self.code = code
        super().__init__(message, code)

    def __str__(self) -> str:
        return str(self.message)


class _Done:
    """Awaits nothing, so that `progress` may be awaited or not."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


_DONE = _Done()


@dataclass(slots=True, eq=False)
class ToolContext:
    """What a tool may know of the call that it serves. The dispatcher fills in a parameter annotated with it.

    One made by hand, `ToolContext()`, is good for calling the function of a tool in a test.
    """

    call_id: str = ""
    """The id of the call, unique in its session."""
    tool: str = ""
    """The tool's identifier in `tools.js`."""
    cell_id: str | None = None
    """The cell whose script made the call; None outside of a cell."""
    session_id: str | None = None
    """The session of the cell; None outside of a session."""
    on_progress: Callable[[ToolContext, str], None] | None = None
    """Where `progress` goes. Called in the trio thread."""

    _token: trio.lowlevel.TrioToken | None = field(default=None, repr=False)

    def progress(self, message: str) -> _Done:
        """Tells the host how far the call is. May be called from any thread, awaited or not; never waits.

        Args:
            message: one line for a person. What comes after the call was answered is dropped.
        """
        if self._token is None or _in_run_of(self._token):
            self._report(message)
        else:
            with contextlib.suppress(trio.RunFinishedError):  # a thread may outlive the trio run
                self._token.run_sync_soon(self._report, message)
        return _DONE

    def _report(self, message: str) -> None:
        if self.on_progress is None:
            return
        try:
            self.on_progress(self, message)
        except Exception:  # an exception in a callback from a thread would end the whole trio run
            _log.exception("on_progress raised for the call %s of %s", self.call_id, self.tool)


def _in_run_of(token: trio.lowlevel.TrioToken) -> bool:
    try:
        return trio.lowlevel.current_trio_token() is token
    except RuntimeError:
        return False
