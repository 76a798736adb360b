"""The public names of `codemode` that are the same in `codemode.aio` and `codemode.blocking`, for both to take over."""

# ruff: noqa: PLC0414 - the form in which a name is handed on

from codemode.errors import CellNotFound as CellNotFound
from codemode.errors import ClosedError as ClosedError
from codemode.errors import CodemodeError as CodemodeError
from codemode.errors import LocalProtocolError as LocalProtocolError
from codemode.errors import OutputNotFound as OutputNotFound
from codemode.errors import ProtocolError as ProtocolError
from codemode.errors import RemoteProtocolError as RemoteProtocolError
from codemode.errors import ToolNameConflict as ToolNameConflict
from codemode.errors import UsageError as UsageError
from codemode.errors import WorkerUnavailable as WorkerUnavailable
from codemode.host.context import ToolContext as ToolContext
from codemode.host.context import ToolFailure as ToolFailure
from codemode.host.dispatcher import ToolCallError as ToolCallError
from codemode.host.dispatcher import ToolCallOutcome as ToolCallOutcome
from codemode.host.dispatcher import ToolInvocation as ToolInvocation
from codemode.host.events import CallProgressed as CallProgressed
from codemode.host.events import CallSettled as CallSettled
from codemode.host.events import CallStarted as CallStarted
from codemode.host.events import CellEnded as CellEnded
from codemode.host.events import CellStarted as CellStarted
from codemode.host.events import CellYielded as CellYielded
from codemode.host.events import ConsoleWritten as ConsoleWritten
from codemode.host.events import Event as Event
from codemode.host.events import Notified as Notified
from codemode.host.events import OutputEmitted as OutputEmitted
from codemode.host.events import ValueStored as ValueStored
from codemode.host.model_tools import ToolReply as ToolReply
from codemode.host.outcome import AudioItem as AudioItem
from codemode.host.outcome import CallRecord as CallRecord
from codemode.host.outcome import CellError as CellError
from codemode.host.outcome import CellOutcome as CellOutcome
from codemode.host.outcome import ContentItem as ContentItem
from codemode.host.outcome import ImageItem as ImageItem
from codemode.host.outcome import LogEntry as LogEntry
from codemode.host.outcome import TextItem as TextItem
from codemode.host.service import ServiceStatistics as ServiceStatistics
from codemode.host.session import SessionStatistics as SessionStatistics
from codemode.host.sqlite_store import SqliteStore as SqliteStore
from codemode.host.store import MemoryStore as MemoryStore
from codemode.host.store import Store as Store
from codemode.host.tools import ToolDefinition as ToolDefinition
from codemode.host.tools import ToolRegistry as ToolRegistry
from codemode.limits import Limits as Limits
