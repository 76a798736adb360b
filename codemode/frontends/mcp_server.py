"""An MCP server that offers exec and wait, and how it is served over the standard streams: one process, one session.

The official SDK speaks the protocol, under trio. The streams are carried here, so that a server which waits for input
can be ended, a client that does not read holds up nobody, and nothing but the protocol reaches stdout.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol

import anyio
import mcp_types as types
import trio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from pydantic import TypeAdapter, ValidationError

import codemode
from codemode.host.model_tools import ToolReply
from codemode.host.session import Session
from codemode.host.values import NotJson, from_json_text

_log = logging.getLogger("codemode")

READ_BYTES = 65_536
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""A client that sends a longer line is not one of MCP."""
FLUSH_S = 1.0
"""How long the last answers may take to be written once the client has closed its end."""

_NAMES = ("exec", "wait")
_CONTENT_BLOCK: TypeAdapter[Any] = TypeAdapter(types.ContentBlock)

Received = SessionMessage | Exception


SessionOf = Callable[[ServerRequestContext[Any, Any]], Awaitable[Session]]
"""Finds the session that a request belongs to."""


def make_server(session_of: SessionOf) -> Server[Any]:
    """The protocol's side of sessions: exec and wait as tools."""

    async def list_tools(context: ServerRequestContext[Any, Any], params: object) -> types.ListToolsResult:
        specs = (await session_of(context)).tool_specs("mcp")
        return types.ListToolsResult(tools=[types.Tool.model_validate(spec) for spec in specs])

    async def call_tool(
        context: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        if params.name not in _NAMES:
            raise MCPError(types.INVALID_PARAMS, f"no tool is named {params.name!r}; there are exec and wait")
        session = await session_of(context)
        return _result(await session.call_tool(params.name, params.arguments, format="mcp"))

    return Server("codemode", version=codemode.__version__, on_list_tools=list_tools, on_call_tool=call_tool)


def _result(reply: ToolReply) -> types.CallToolResult:
    return types.CallToolResult(content=[content_block(block) for block in reply.content], is_error=reply.is_error)


def content_block(block: dict[str, Any]) -> Any:
    """A content block; one of the script's own making that is none in the protocol becomes its JSON text."""
    try:
        return _CONTENT_BLOCK.validate_python(block)
    except ValidationError:
        return types.TextContent(type="text", text=json.dumps(block, ensure_ascii=False))


async def serve_session(session: Session, stdin: int, stdout: int) -> None:
    """Serves a session until the client closes its end.

    Args:
        session: what is served.
        stdin, stdout: the descriptors that carry the protocol.
    """

    async def the_one(context: object) -> Session:
        return session

    server = make_server(the_one)
    async with _message_streams(stdin, stdout) as (received, sent):
        await server.run(received, sent, server.create_initialization_options())


@asynccontextmanager
async def _message_streams(
    stdin: int, stdout: int
) -> AsyncIterator[tuple[MemoryObjectReceiveStream[Received], MemoryObjectSendStream[SessionMessage]]]:
    """The messages that come in by one descriptor and go out by another."""
    to_server, received = anyio.create_memory_object_stream[Received](0)
    sent, to_client = anyio.create_memory_object_stream[SessionMessage](0)
    written = trio.Event()

    async def write() -> None:
        async with to_client:
            await _write_messages(stdout, to_client)
        written.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_read_messages, stdin, to_server, sent.clone())
        nursery.start_soon(write)
        async with received, sent:
            yield received, sent
        with trio.move_on_after(FLUSH_S):
            await written.wait()
        nursery.cancel_scope.cancel()


async def _read_messages(
    stdin: int, to_server: MemoryObjectSendStream[Received], answers: MemoryObjectSendStream[SessionMessage]
) -> None:
    """A message a line; what is none is answered here.

    A thread reads, for a descriptor of any kind; it is left behind when the server ends.
    """
    lines = MessageLines()
    async with to_server, answers:
        while data := await trio.to_thread.run_sync(os.read, stdin, READ_BYTES, abandon_on_cancel=True):
            for line in lines.add(data):
                message = message_of(line)
                if isinstance(message, SessionMessage):
                    await to_server.send(message)
                else:
                    await answers.send(SessionMessage(message))
            if lines.is_too_long:
                _log.error("the client sent a message of more than %s bytes; nothing more is read", MAX_MESSAGE_BYTES)
                return


def message_of(line: bytes) -> SessionMessage | types.JSONRPCError:
    """The message that a line is; where it is none that can be read, the error to answer it with.

    A request is read with whatever text it holds: Node writes a lone surrogate as an escape that strict parsers refuse.
    """
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValidationError:
        pass
    try:
        value = from_json_text(line.decode("utf-8", "replace"))
    except NotJson as error:
        return _refusal(_id_in(line), types.PARSE_ERROR, f"the message is no JSON that can be read: {error}")
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_python(value, by_name=False))
    except ValidationError:
        found = value.get("id") if isinstance(value, dict) else None
        return _refusal(found, types.INVALID_REQUEST, "the message is none of JSON-RPC 2.0")


def _refusal(request_id: object, code: int, message: str) -> types.JSONRPCError:
    known = request_id if isinstance(request_id, int | str) and not isinstance(request_id, bool) else None
    return types.JSONRPCError(jsonrpc="2.0", id=known, error=types.ErrorData(code=code, message=message))


def _id_in(line: bytes) -> int | None:
    """The id of a request that cannot be parsed (nested too deep, say): it stands near one of its ends."""
    found = _ID.search(line[:200]) or _ID.search(line[-200:])
    return None if found is None else int(found[1])


_ID = re.compile(rb'"id"\s*:\s*(\d{1,15})\b')


class MessageLines:
    """Cuts a stream of bytes into its lines; what has no end yet is kept."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> Iterator[bytes]:
        """The lines that end in these bytes, without the empty ones."""
        *ended, rest = data.split(b"\n")
        for line in ended:
            whole = b"".join((*self._parts, line)).strip()
            self._parts, self._size = [], 0
            if whole:
                yield whole
        self._parts.append(rest)
        self._size += len(rest)

    @property
    def is_too_long(self) -> bool:
        """Whether the line that has begun is longer than any message."""
        return self._size > MAX_MESSAGE_BYTES


class _Messages(Protocol):
    def __aiter__(self) -> AsyncIterator[SessionMessage]: ...


async def _write_messages(stdout: int, messages: _Messages) -> None:
    async for message in messages:
        line = message.message.model_dump_json(by_alias=True, exclude_unset=True) + "\n"
        try:
            await trio.to_thread.run_sync(_write_all, stdout, line.encode(), abandon_on_cancel=True)
        except BrokenPipeError:  # the client has gone; its other pipe ends next
            return


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


@contextmanager
def claimed_standard_streams() -> Iterator[tuple[int, int]]:
    """Takes stdin and stdout away from all else in this process, and gives the descriptors that lead where they led.

    Whoever reads stdin then meets its end, and what is printed goes to stderr: by a tool, and by its children too.
    """
    sys.stdout.flush()
    stdin, stdout = os.dup(0), os.dup(1)
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        yield stdin, stdout
    finally:
        sys.stdout.flush()
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        # Not closed: a thread may still be reading, and would read of what takes the number next.
