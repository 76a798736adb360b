"""The tools of MCP servers as nested tools: `mcp__<server>__<tool>` in `tools.js`, `<tool>` in `tools/mcp/<server>.js`.

    async with open_mcp_tools(load_mcp_config("mcp.json")) as tools:
        async with service.open_session(tools) as session:
            …

A server that dies fails the calls that it has open; the next call connects anew. Its tools are listed once, when it is
opened: `notifications/tools/list_changed` is ignored. What a server asks of its client (sampling, elicitation, roots)
is not offered, nor is signing in (OAuth): an HTTP server gets the headers of its configuration. A tool is `read_only`
or `destructive` where its server says so, which is for the server to know: nothing here believes it for more than what
the model and who approves calls are told. What becomes of results is told in `mcp_results`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import trio
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp_types import (
    METHOD_NOT_FOUND,
    UNSUPPORTED_PROTOCOL_VERSION,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    Implementation,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    Tool,
    ToolAnnotations,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter, ValidationError

from codemode import __version__
from codemode.errors import ToolNameConflict, UsageError
from codemode.frontends.mcp_config import McpServer, StdioServer, check_server_names
from codemode.frontends.mcp_results import MEDIA_TOOL, KeptMedia, script_value, value_schema
from codemode.frontends.mcp_transports import Link, Streams, open_http, open_process
from codemode.host.context import ToolContext, ToolFailure
from codemode.host.nurseries import background_nursery
from codemode.host.policy import ToolGroup
from codemode.host.process import last_words
from codemode.host.tools import ToolDefinition, ToolRegistry

START_S = 30.0
"""For a server to start and to list its tools. `npx` and `uvx` fetch a package first, so it is long."""
CLOSE_S = 4.0
"""For a server to be taken leave of; one that is a process and stays is killed after 3 s."""
REASON_S = 1.0
"""For it to become known why a server was lost, such as its exit status; calls that it took with it wait so long."""

_CLOSED_BY_US = "it has been closed"
_ANY_OBJECT: Mapping[str, Any] = {"type": "object"}
_CallResult: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)
_US = Implementation(name="codemode", version=__version__)
_log = logging.getLogger("codemode")


class McpServerUnavailable(UsageError):
    """A server could not be started, or did not do as MCP servers do. Its configuration, or it, needs to be put right.

    Args:
        server: its name.
        reason: what happened.
        stderr: the end of what it wrote there.
    """

    def __init__(self, server: str, reason: str, stderr: str = "") -> None:
        self.server = server
        self.reason = reason
        self.stderr = stderr
        super().__init__(server, reason, stderr)

    def __str__(self) -> str:
        return f"the MCP server {self.server!r} cannot be used: {self.reason}{last_words(self.stderr)}"


@asynccontextmanager
async def open_mcp_tools(
    servers: Mapping[str, McpServer], *, start_timeout_s: float = START_S
) -> AsyncIterator[ToolRegistry]:
    """Starts the servers, all at a time, and ends them afterwards.

    Args:
        servers: by their names, as `load_mcp_config` gives them.
        start_timeout_s: for each to start and to list its tools; also for one that has died and is called again.

    Yields:
        A registry of their tools in the order of the servers, and of `mcp__media`. A tool whose name another one has
        already in scripts is left out, and one with a schema that cannot be checked takes any object; both are logged.

    Raises:
        McpServerUnavailable: one could not be started or did not answer in time. All have ended then.
        UsageError: two names would be one in scripts, or one is none.
    """
    check_server_names(servers)
    registry = ToolRegistry()
    media = KeptMedia()
    async with background_nursery() as nursery:
        clients = [_Client(name, server, start_timeout_s, nursery) for name, server in servers.items()]
        try:
            for client, listed in zip(clients, await _start_all(clients), strict=True):
                for tool in listed:
                    _add(registry, client, tool, media)
            if clients:
                registry.add(MEDIA_TOOL, media.get)
            yield registry
        finally:
            with trio.move_on_after(CLOSE_S):
                for client in clients:
                    client.close()
                for client in clients:
                    await client.closed()


async def _start_all(clients: Sequence[_Client]) -> list[list[Tool]]:
    """The tools of each. The first that fails is raised, and the others need not start any more."""
    listed: dict[_Client, list[Tool]] = {}
    failed: list[McpServerUnavailable] = []

    async def start(client: _Client) -> None:
        try:
            listed[client] = (await client.connected()).tools
        except McpServerUnavailable as error:
            failed.append(error)
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(start, client)
    if failed:
        raise failed[0]
    return [listed[client] for client in clients]


def _add(registry: ToolRegistry, client: _Client, tool: Tool, media: KeptMedia) -> None:
    async def handler(arguments: dict[str, Any], ctx: ToolContext) -> Any:
        return script_value(await client.call(tool.name, arguments, ctx), tool.output_schema, media)

    hints = tool.annotations or ToolAnnotations()
    definition = ToolDefinition(
        name=tool.name,
        namespace=("mcp", client.name),
        description=tool.description or tool.title or "",
        parameters=tool.input_schema,
        output_schema=value_schema(tool.output_schema),
        timeout_s=client.server.timeout_s,
        group=client.group,
        read_only=bool(hints.read_only_hint),
        # Said outright: by the protocol a tool that says nothing may be anything.
        destructive=bool(hints.destructive_hint and not hints.read_only_hint),
        approval=client.server.approval,
    )
    try:
        registry.add(definition, handler)
    except ToolNameConflict as error:
        _log.warning("a tool of the MCP server %r is left out: %s", client.name, error)
    except UsageError as error:
        try:
            registry.add(replace(definition, parameters=_ANY_OBJECT), handler)
        except UsageError as second:  # its name is no good, whatever its schema is
            _log.warning("a tool of the MCP server %r is left out: %s", client.name, second)
        else:
            _log.warning("a tool of the MCP server %r takes any object: %s", client.name, error)


class _Client:
    """One server: connected, or to be connected by the next call.

    Args:
        name: of the server.
        server: how it is reached.
        start_timeout_s: for it to be connected.
        nursery: where its connections live.
    """

    def __init__(self, name: str, server: McpServer, start_timeout_s: float, nursery: trio.Nursery) -> None:
        self.name = name
        self.server = server
        limit = server.max_concurrency
        self.group = None if limit is None else ToolGroup(name, max_concurrency=limit)
        """What all its tools share; None where any number of calls may run."""
        self._start_timeout_s = start_timeout_s
        self._nursery = nursery
        self._is_closed = False
        self._start: trio.CancelScope | None = None
        """Of the start that is under way."""
        self._connection: _Connection | None = None
        self._connecting = trio.Lock()
        self._failure: McpServerUnavailable | None = None
        self._failed_at = -math.inf

    async def call(self, tool: str, arguments: dict[str, Any], ctx: ToolContext) -> CallToolResult:
        """Calls a tool of the server. Cancelled, it tells the server so.

        Raises:
            ToolFailure: there is no result. What the tool itself says of its failure is one.
        """
        try:
            connection = await self.connected()
        except McpServerUnavailable as error:  # without its stderr, which is not for models
            raise ToolFailure(f"the MCP server {self.name!r} cannot be used: {error.reason}") from error
        return await connection.call(tool, arguments, ctx)

    async def connected(self) -> _Connection:
        """The connection, made anew where there is none. Who asks while it is being made shares how that ends.

        Raises:
            McpServerUnavailable: it cannot be made, or not in time.
        """
        asked_at = trio.current_time()
        if self._connection is None or not self._connection.is_ready:
            async with self._connecting:
                if self._failure is not None and self._failed_at >= asked_at:
                    raise self._failure
                if self._connection is None or not self._connection.is_ready:
                    self._connection = await self._connect(self._connection)
        return self._connection

    async def _connect(self, last: _Connection | None) -> _Connection:
        if self._is_closed:
            raise McpServerUnavailable(self.name, _CLOSED_BY_US)
        if last is not None:
            await last.gone.wait()  # one process of a server at a time
        # Known before it has started: whoever waits for that may be cancelled in the moment when it has.
        connection = self._connection = _Connection(self.name, self.server)
        try:
            with trio.fail_after(self._start_timeout_s) as self._start:
                await self._nursery.start(connection.run)
        except trio.TooSlowError:
            reason = _CLOSED_BY_US if self._is_closed else f"it did not answer within {self._start_timeout_s:g} s"
        except Exception as error:
            reason = connection.link.reason or _why(error)
        else:
            return connection
        self._failure = McpServerUnavailable(self.name, reason, str(connection.link.stderr))
        self._failed_at = trio.current_time()
        raise self._failure

    def close(self) -> None:
        """Makes the connection end, and no other one."""
        self._is_closed = True
        if self._start is not None:
            self._start.cancel()
        if self._connection is not None:
            self._connection.link.lose(_CLOSED_BY_US)

    async def closed(self) -> None:
        """Waits for the connection's end."""
        if self._connection is not None:
            await self._connection.gone.wait()


class _Connection:
    """One connection to a server, from its start to its end.

    Args:
        name: of the server.
        server: how it is reached.
    """

    def __init__(self, name: str, server: McpServer) -> None:
        self._name = name
        self._server = server
        self._session: ClientSession
        self.tools: list[Tool]
        """What the server lists."""
        self.link = Link()
        self.gone = trio.Event()
        """Set once nothing of it is left, and the reason for its end is known."""
        self._has_started = False

    @property
    def is_ready(self) -> bool:
        """Whether calls can be made."""
        return self._has_started and not self.link.lost.is_set()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Starts when the server has listed its tools; ends when the link is lost.

        Raises:
            Exception: it did not start.
        """
        try:
            with trio.CancelScope() as scope:
                async with self._opened() as (incoming, outgoing):
                    dispatcher = JSONRPCDispatcher(incoming, outgoing)
                    async with ClientSession(dispatcher=dispatcher, client_info=_US) as self._session:
                        await _agree_on_version(self._session)
                        self.tools = await _list_tools(self._session, dispatcher, self._name)
                        self._has_started = True
                        task_status.started()
                        await self.link.lost.wait()
                        scope.deadline = trio.current_time() + CLOSE_S
        except* Exception:
            if not self._has_started:
                raise
            _log.debug("the connection to the MCP server %r broke", self._name, exc_info=True)
        finally:
            self.link.lose("it broke off" if self._has_started else "")
            self.gone.set()

    def _opened(self) -> AbstractAsyncContextManager[Streams]:
        if isinstance(self._server, StdioServer):
            return open_process(self._server, self.link)
        return open_http(self._server, self.link)

    async def call(self, tool: str, arguments: dict[str, Any], ctx: ToolContext) -> CallToolResult:
        """See `_Client.call`."""

        async def report(progress: float, total: float | None, message: str | None) -> None:
            share = f"{progress:g}" if total is None else f"{progress:g}/{total:g}"
            ctx.progress(f"{share}: {message}" if message else share)

        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
        try:
            # Not `session.call_tool`, which checks results against the tool's output schema, in slow Python.
            result = await self._session.send_request(request, _CallResult, progress_callback=report)
        except MCPError as error:
            if self.link.lost.is_set():
                with trio.move_on_after(REASON_S):
                    await self.gone.wait()
                raise ToolFailure(
                    f"the MCP server {self._name!r} was lost before it answered: {self.link.reason}. "
                    "What the call has done is not known"
                ) from error
            raise ToolFailure(f"the call of the MCP server {self._name!r} failed: {error.message}") from error
        except ValidationError as error:
            raise ToolFailure(f"the MCP server {self._name!r} sent a result that is none: {_faults(error)}") from error
        if isinstance(result, InputRequiredResult):
            raise ToolFailure("the tool asks its user for input, which a script cannot give")
        return result


async def _agree_on_version(session: ClientSession) -> None:
    """By the handshake that all servers know but the newest, some of which know it no more."""
    try:
        await session.initialize()
    except MCPError as error:
        if error.code not in (UNSUPPORTED_PROTOCOL_VERSION, METHOD_NOT_FOUND):
            raise
        await session.discover()


async def _list_tools(session: ClientSession, dispatcher: JSONRPCDispatcher, server: str) -> list[Tool]:
    """All tools of all pages. A tool that is not as MCP has it is left out, and logged."""
    tools: list[Tool] = []
    cursor: str | None = None
    while True:
        params = PaginatedRequestParams(cursor=cursor)
        try:
            page = await session.list_tools(params=params)
        except ValidationError:
            if session.protocol_version in MODERN_PROTOCOL_VERSIONS:
                raise
            raw = await dispatcher.send_raw_request("tools/list", params.model_dump(exclude_none=True))
            page = ListToolsResult.model_validate({**raw, "tools": _good_tools(raw, server)})
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None:
            return tools


def _good_tools(page: Mapping[str, Any], server: str) -> Iterator[Tool]:
    for tool in page.get("tools", ()):
        try:
            yield Tool.model_validate(tool, by_name=False)
        except ValidationError as error:
            _log.warning("a tool of the MCP server %r is left out, for it is not MCP: %s", server, _faults(error))


def _why(error: BaseException) -> str:
    """Why a connection could not be made, from the first that went wrong."""
    match error:
        case BaseExceptionGroup():
            return _why(error.exceptions[0])
        case OSError():
            return f"it could not be started: {error}"
        case MCPError():
            return error.message
        case ValidationError():
            return f"what it answered is not MCP: {_faults(error)}"
    return f"{type(error).__name__}: {error}"


def _faults(error: ValidationError) -> str:
    """The first of what pydantic found, without what was sent."""
    first, *_ = error.errors(include_url=False, include_context=False, include_input=False)
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
