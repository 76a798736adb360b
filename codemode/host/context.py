"""What the function behind a tool may use: the context of its call, and a failure in its own words."""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field, replace

import trio

from codemode.host.calls import CallWatcher

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

MAX_UNHEARD = 1000
"""Messages of one call that may wait to be taken before the thread that says the next one waits."""


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
    attempt: int = 1
    """Which attempt at the call this is; a tool with a `Retry` may see more than the first."""

    _key: str | None = field(default=None, repr=False)
    _watcher: CallWatcher | None = field(default=None, repr=False)
    _token: trio.lowlevel.TrioToken | None = field(default=None, repr=False)
    _is_over: bool = field(default=False, repr=False)
    _unheard: deque[str] = field(default_factory=deque, repr=False)
    """What was said in other threads and has not reached the host's."""

    @property
    def idempotency_key(self) -> str:
        """The same in all attempts at this call, and in no other call: for a service that does the same thing once only
        where it is given the same key.
        """
        if self._key is None:
            self._key = uuid.uuid4().hex
        return self._key

    @property
    def is_cancelled(self) -> bool:
        """True once nobody waits for the call any more: it was cancelled, or has run out of time. May be asked in any
        thread. A function in a thread goes on for nothing, unless it asks this. An async tool is cancelled where it
        waits, and has this set when it has ended, or when its timeout is over.
        """
        return self._is_over

    def raise_if_cancelled(self) -> None:
        """Ends a tool that nobody waits for any more, from any thread.

        Raises:
            ToolFailure: nobody does.
        """
        if self._is_over:
            raise ToolFailure("the call was cancelled", "cancelled")

    def next_attempt(self) -> ToolContext:
        """The context of another attempt at the same call."""
        return replace(self, attempt=self.attempt + 1, _key=self.idempotency_key, _is_over=False)

    def end(self) -> None:
        """Nobody waits for what this serves any more."""
        self._is_over = True

    def progress(self, message: str) -> _Done:
        """Tells the host how far the call is. May be called from any thread, awaited or not. It does not wait, but in
        another thread than the host's, where a thousand messages wait to be taken.

        Args:
            message: one line for a person. What comes after the call was answered is dropped.
        """
        if self._token is None or _in_run_of(self._token):
            self._report(message)
        else:
            self._unheard.append(message)
            with contextlib.suppress(trio.RunFinishedError):  # a thread may outlive the trio run
                if len(self._unheard) > MAX_UNHEARD:
                    trio.from_thread.run_sync(self._report_next, trio_token=self._token)
                else:
                    self._token.run_sync_soon(self._report_next)
        return _DONE

    def _report_next(self) -> None:
        self._report(self._unheard.popleft())

    def _report(self, message: str) -> None:
        if self._watcher is None or self._is_over:
            return
        try:
            self._watcher.call_progressed(self, message)
        except Exception:  # an exception in a callback from a thread would end the whole trio run
            _log.exception("who was told of the progress of the call %s of %s raised", self.call_id, self.tool)


def _in_run_of(token: trio.lowlevel.TrioToken) -> bool:
    try:
        return trio.lowlevel.current_trio_token() is token
    except RuntimeError:
        return False
