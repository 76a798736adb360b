"""Code mode for Python agents: scripts call the agent's tools from a sandboxed V8 worker, and every call is answered.

The public names are loaded when they are first used, so that the worker, which imports this package too, stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codemode.errors import (
        CellNotFound,
        ClosedError,
        CodemodeError,
        FenceMissing,
        LocalProtocolError,
        OutputNotFound,
        ProtocolError,
        RemoteProtocolError,
        ToolNameConflict,
        UsageError,
        WorkerUnavailable,
    )
    from codemode.host.approvals import ApprovalRequest
    from codemode.host.calls import ToolCallError, ToolCallOutcome, ToolInvocation
    from codemode.host.context import ToolContext, ToolFailure
    from codemode.host.dispatcher import ToolDispatcher
    from codemode.host.events import (
        ApprovalAsked,
        ApprovalDecided,
        CallProgressed,
        CallSettled,
        CallStarted,
        CellEnded,
        CellStarted,
        CellYielded,
        ConsoleWritten,
        Event,
        EventStream,
        Notified,
        OutputEmitted,
        ValueStored,
    )
    from codemode.host.hooks import CallHooks
    from codemode.host.model_tools import ToolReply
    from codemode.host.outcome import (
        AudioItem,
        CallRecord,
        CellError,
        CellOutcome,
        ContentItem,
        ImageItem,
        LogEntry,
        TextItem,
    )
    from codemode.host.policy import Retry, ToolGroup
    from codemode.host.service import Service, ServiceStatistics, open_service, open_session
    from codemode.host.session import Session, SessionStatistics
    from codemode.host.sqlite_store import SqliteStore
    from codemode.host.store import MemoryStore, Store
    from codemode.host.tools import ToolDefinition, ToolRegistry
    from codemode.host.transcript.guard import TranscriptGuard
    from codemode.host.transcript.log import TranscriptEntry
    from codemode.host.transcript.replay import TranscriptReplay
    from codemode.host.turn import Turn
    from codemode.limits import Limits

_HOME = {
    "codemode.errors": (
        "CellNotFound",
        "ClosedError",
        "CodemodeError",
        "FenceMissing",
        "LocalProtocolError",
        "OutputNotFound",
        "ProtocolError",
        "RemoteProtocolError",
        "ToolNameConflict",
        "UsageError",
        "WorkerUnavailable",
    ),
    "codemode.host.approvals": ("ApprovalRequest",),
    "codemode.host.calls": ("ToolCallError", "ToolCallOutcome", "ToolInvocation"),
    "codemode.host.context": ("ToolContext", "ToolFailure"),
    "codemode.host.dispatcher": ("ToolDispatcher",),
    "codemode.host.events": (
        "ApprovalAsked",
        "ApprovalDecided",
        "CallProgressed",
        "CallSettled",
        "CallStarted",
        "CellEnded",
        "CellStarted",
        "CellYielded",
        "ConsoleWritten",
        "Event",
        "EventStream",
        "Notified",
        "OutputEmitted",
        "ValueStored",
    ),
    "codemode.host.hooks": ("CallHooks",),
    "codemode.host.model_tools": ("ToolReply",),
    "codemode.host.outcome": (
        "AudioItem",
        "CallRecord",
        "CellError",
        "CellOutcome",
        "ContentItem",
        "ImageItem",
        "LogEntry",
        "TextItem",
    ),
    "codemode.host.policy": ("Retry", "ToolGroup"),
    "codemode.host.service": ("Service", "ServiceStatistics", "open_service", "open_session"),
    "codemode.host.session": ("Session", "SessionStatistics"),
    "codemode.host.sqlite_store": ("SqliteStore",),
    "codemode.host.store": ("MemoryStore", "Store"),
    "codemode.host.tools": ("ToolDefinition", "ToolRegistry"),
    "codemode.host.transcript.guard": ("TranscriptGuard",),
    "codemode.host.transcript.log": ("TranscriptEntry",),
    "codemode.host.transcript.replay": ("TranscriptReplay",),
    "codemode.host.turn": ("Turn",),
    "codemode.limits": ("Limits",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__version__ = "0.1.0"
__all__ = [
    "ApprovalAsked",
    "ApprovalDecided",
    "ApprovalRequest",
    "AudioItem",
    "CallHooks",
    "CallProgressed",
    "CallRecord",
    "CallSettled",
    "CallStarted",
    "CellEnded",
    "CellError",
    "CellNotFound",
    "CellOutcome",
    "CellStarted",
    "CellYielded",
    "ClosedError",
    "CodemodeError",
    "ConsoleWritten",
    "ContentItem",
    "Event",
    "EventStream",
    "FenceMissing",
    "ImageItem",
    "Limits",
    "LocalProtocolError",
    "LogEntry",
    "MemoryStore",
    "Notified",
    "OutputEmitted",
    "OutputNotFound",
    "ProtocolError",
    "RemoteProtocolError",
    "Retry",
    "Service",
    "ServiceStatistics",
    "Session",
    "SessionStatistics",
    "SqliteStore",
    "Store",
    "TextItem",
    "ToolCallError",
    "ToolCallOutcome",
    "ToolContext",
    "ToolDefinition",
    "ToolDispatcher",
    "ToolFailure",
    "ToolGroup",
    "ToolInvocation",
    "ToolNameConflict",
    "ToolRegistry",
    "ToolReply",
    "TranscriptEntry",
    "TranscriptGuard",
    "TranscriptReplay",
    "Turn",
    "UsageError",
    "ValueStored",
    "WorkerUnavailable",
    "open_service",
    "open_session",
]


def __getattr__(name: str) -> Any:
    try:
        module = _MODULE_OF[name]
    except KeyError:
        raise AttributeError(f"module 'codemode' has no attribute {name!r}") from None
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
