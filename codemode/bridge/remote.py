"""Objects that stand for those of the core, which live in the trio thread."""

from __future__ import annotations

import contextlib
from collections import deque
from typing import Any, Generic, Self, TypeVar

import trio

from codemode.bridge.loop_calls import LoopCalls
from codemode.bridge.portal import Portal
from codemode.errors import ClosedError
from codemode.host.approvals import ApprovalRequest
from codemode.host.cell import TERMINATED
from codemode.host.events import Event, EventStream
from codemode.host.model_tools import ToolReply
from codemode.host.outcome import CellOutcome
from codemode.host.service import Service, ServiceStatistics
from codemode.host.session import Session, SessionStatistics
from codemode.host.turn import Turn

C = TypeVar("C")

MAX_EVENTS = 256
"""Events that cross together."""


class Remote(Generic[C]):
    """Stands for an object of the core.

    Args:
        core: the object. Its methods are called in the trio thread.
        portal: that thread.
    """

    def __init__(self, core: C, portal: Portal) -> None:
        self._core = core
        self._portal = portal


async def take_back_cell(turn: Turn, outcome: CellOutcome, *_: object, **__: object) -> None:
    """Nobody will know of the cell that an exec has begun: its caller was cancelled as it returned."""
    if outcome.status == "running":
        with contextlib.suppress(ClosedError):
            await turn.wait(outcome.cell_id, terminate=True)


async def take_back_reply(session: Session, reply: ToolReply, name: str, *_: object, **__: object) -> None:
    """Likewise, of the cell of a model's exec."""
    if name == "exec" and reply.outcome is not None and reply.outcome.status == "running":
        session.find(reply.outcome.cell_id).stop(TERMINATED)


class RemoteService(Remote[Service]):
    """Starts workers and ends them.

    Args:
        calls: the way from the trio thread to the tools of its sessions.
    """

    def __init__(self, core: Service, portal: Portal, calls: LoopCalls) -> None:
        super().__init__(core, portal)
        self._calls = calls
        self.limits = core.limits

    def statistics(self) -> ServiceStatistics:
        """What it has and has done."""
        return self._portal.ask(self._core.statistics)


class RemoteSession(Remote[Session]):
    """Cells, stored values and tools of one conversation."""

    def __init__(self, core: Session, portal: Portal) -> None:
        super().__init__(core, portal)
        self.session_id = core.session_id
        self.limits = core.limits
        self.tools = core.tools

    def __repr__(self) -> str:
        return f"<Session {self.session_id}>"

    @property
    def live_cells(self) -> tuple[str, ...]:
        """The ids of the cells that run."""
        return self._portal.ask(lambda: self._core.live_cells)

    @property
    def waiting_for_approval(self) -> tuple[ApprovalRequest, ...]:
        """The calls that wait until somebody approves them. See `codemode.Session.waiting_for_approval`."""
        return self._portal.ask(lambda: self._core.waiting_for_approval)

    def statistics(self) -> SessionStatistics:
        """What it has now."""
        return self._portal.ask(self._core.statistics)

    def tool_specs(self, format: str, *, max_tokens: int | None = None) -> list[dict[str, Any]]:  # noqa: A002
        """exec and wait as a model is to be told of them. See `codemode.Session.tool_specs`."""
        return self._core.tool_specs(format, max_tokens=max_tokens)

    def _listen(self) -> EventStream:
        return self._portal.ask(self._core.events)


class RemoteEvents(Remote[EventStream]):
    """The events of a session, for an iterator elsewhere. Every event is given once, in order.

    To stop listening leave the `with` block, `close` it, or drop it. Who does not read it slows the session down.
    """

    def __init__(self, stream: EventStream, portal: Portal) -> None:
        super().__init__(stream, portal)
        self.taken: deque[Event] = deque()
        """Events that have crossed and were not given yet."""
        self.is_over = False
        """Whether no more will cross."""

    async def take(self) -> None:
        """Waits for events, and takes those that wait together. In the trio thread: so none is lost where who asked for
        them has been cancelled meanwhile.
        """
        try:
            self.taken.append(await anext(self._core))
            with trio.CancelScope(shield=True):
                for _ in range(min(len(self._core._waiting), MAX_EVENTS)):
                    self.taken.append(await anext(self._core))
        except StopAsyncIteration:
            self.is_over = True

    def take_rest(self) -> None:
        """Takes what is left where the trio run has ended, and nothing else touches the stream any more.

        Raises:
            ClosedError: the trio run has broken down.
        """
        self._portal.check()
        self.taken.extend(self._core._waiting)
        self._core._waiting.clear()
        self.is_over = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Hears nothing more. What waits is given before the iteration ends."""
        self._portal.post(self._core.close)
