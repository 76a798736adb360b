"""Opens sessions in the trio thread for programs whose tools live on an asyncio loop."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypedDict

from codemode.bridge.dispatcher import Dispatcher, GivenDispatcher, LoopDispatcher, Place
from codemode.bridge.loop_calls import LoopCalls
from codemode.bridge.portal import Portal
from codemode.errors import ClosedError
from codemode.host.approvals import OnApproval
from codemode.host.dispatcher import check_alone, the_call_of
from codemode.host.hooks import CallHooks
from codemode.host.output import TokenCount
from codemode.host.service import Service
from codemode.host.session import Notify, Session
from codemode.host.store import Store
from codemode.host.tools import ToolRegistry

_log = logging.getLogger("codemode")


class SessionOptions(TypedDict, total=False):
    """The keyword arguments of `open_session`; the core's own, but for where each is called."""

    session_id: str | None
    """The session's name in tool contexts; made up by default."""
    store: Store | None
    """Where values are kept; in memory by default. Called in the trio thread."""
    dispatcher: Dispatcher | None
    """Runs the calls. Called on the asyncio loop."""
    hooks: Iterable[CallHooks]
    """What happens around each call, on the asyncio loop."""
    on_approval: OnApproval | None
    """Who is asked where a tool's policy is `ask`, on the asyncio loop."""
    on_notify: Notify | None
    """Called with (cell id, text) for each `notify` of a script, on the asyncio loop."""
    min_yield_time_ms: int
    """The floor of every yield time, in milliseconds."""
    tokenizer: TokenCount | None
    """Counts the tokens of a text. Called in the trio thread."""


def open_core_session(
    service: Service,
    portal: Portal,
    calls: LoopCalls,
    tools: ToolRegistry,
    options: SessionOptions,
    *,
    base: type[LoopDispatcher],
) -> AbstractAsyncContextManager[Session]:
    """A session of the core, in the trio thread. What is the program's own is called on its loop.

    Args:
        service: whose.
        portal: its trio thread.
        calls: the way from there to the loop.
        tools: what scripts may call.
        options: the rest.
        base: the dispatcher of this front, which a program may have made its own from.
    """
    given, on_notify = options.get("dispatcher"), options.get("on_notify")
    hooks, on_approval = tuple(options.get("hooks", ())), options.get("on_approval")
    place = Place(portal, calls, service.thread_limiter)
    if given is None:
        limits = service.limits
        dispatcher: Any = place.new_core(
            tools, hooks=hooks, on_approval=on_approval, max_result_bytes=limits.max_result_bytes
        )
    else:
        dispatcher = GivenDispatcher(the_call_of(check_alone(given, hooks, on_approval), base), place)
    return service.open_session(
        tools,
        session_id=options.get("session_id"),
        store=options.get("store"),
        dispatcher=dispatcher,
        on_notify=None if on_notify is None else partial(_notify_on_loop, calls, on_notify),
        min_yield_time_ms=options.get("min_yield_time_ms", 0),
        tokenizer=options.get("tokenizer"),
    )


def _notify_on_loop(calls: LoopCalls, on_notify: Notify, cell_id: str, text: str) -> None:
    def notify() -> None:
        try:
            on_notify(cell_id, text)
        except Exception:
            _log.exception("on_notify raised for cell %s", cell_id)

    try:
        calls.post(notify)
    except ClosedError:
        _log.warning("nobody is left to hear a note of cell %s", cell_id)
