"""The MCP server over streamable HTTP: one process for many clients, each MCP session a session of its own."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Any, cast

import mcp_types as types
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from codemode.frontends.mcp_server import make_server
from codemode.host.service import Service
from codemode.host.session import Session
from codemode.host.tools import ToolRegistry

PATH = "/mcp"
_STATE = "codemode"


@dataclass(slots=True, eq=False)
class _Held:
    """A session of ours, for as long as one of MCP's lasts."""

    ready: trio.Event = field(default_factory=trio.Event)
    over: trio.Event = field(default_factory=trio.Event)
    session: Session | None = None


class Sessions:
    """Opens a session for each connection that calls a tool, and closes it with the connection.

    Args:
        service: opens them.
        tools: what their scripts may call.
        nursery: where they are held, for they outlive the requests that open them.
    """

    def __init__(self, service: Service, tools: ToolRegistry, nursery: trio.Nursery) -> None:
        self._service = service
        self._tools = tools
        self._nursery = nursery

    async def of(self, context: ServerRequestContext[Any, Any]) -> Session:
        """The session of the connection that a request came by.

        Raises:
            MCPError: it is not one that lasts: a client of the revision that has no sessions.
        """
        connection = context.session._connection  # the context of a request has no public way to it
        if connection.session_id is None:
            versions = ", ".join(HANDSHAKE_PROTOCOL_VERSIONS)
            raise MCPError(types.INVALID_REQUEST, f"scripts need a session: initialize with one of {versions}")
        held: _Held | None = connection.state.get(_STATE)
        if held is None:
            held = connection.state[_STATE] = _Held()
            connection.exit_stack.callback(held.over.set)
            self._nursery.start_soon(self._hold, held, connection.session_id)
        await held.ready.wait()
        assert held.session is not None, "it is set before the event is"
        return held.session

    async def _hold(self, held: _Held, session_id: str) -> None:
        async with self._service.open_session(self._tools, session_id=session_id) as held.session:
            held.ready.set()
            await held.over.wait()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one.

    Raises:
        OSError: it cannot.
    """
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


async def serve_http(service: Service, tools: ToolRegistry, listener: socket.socket) -> None:
    """Serves at `/mcp` until it is cancelled. Says on stderr where that is."""
    host = listener.getsockname()[0]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.graceful_timeout = 0
    async with trio.open_nursery() as nursery:
        server = make_server(Sessions(service, tools, nursery).of)
        server.add_request_handler("server/discover", types.RequestParams, _discover)
        app = server.streamable_http_app(streamable_http_path=PATH, host=host)
        await serve(cast(Any, app), config, shutdown_trigger=trio.sleep_forever)


async def _discover(context: ServerRequestContext[Any, Any], params: types.RequestParams) -> types.DiscoverResult:
    """Names the revisions that have sessions, so that a client of a newer one shakes hands too."""
    return types.DiscoverResult(
        supported_versions=list(HANDSHAKE_PROTOCOL_VERSIONS),
        capabilities=types.ServerCapabilities(tools=types.ToolsCapability()),
    )
