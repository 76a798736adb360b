"""How messages come and go between an MCP session and its server: a child process, or streamable HTTP.

A transport never raises for what a server sends. What is no message is skipped, an answer that is no good becomes an
error answer of its call, and what cannot be gone on with loses the connection: its `Link` tells why.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import anyio
import httpx2
import trio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.client.streamable_http import MCP_SESSION_ID, streamable_http_client
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, PARSE_ERROR, ErrorData, JSONRPCError, JSONRPCMessage, JSONRPCRequest
from mcp_types import jsonrpc_message_adapter as any_message

from codemode.frontends.mcp_config import HttpServer, StdioServer
from codemode.host.nurseries import background_nursery
from codemode.host.process import READ_BYTES, Tail
from codemode.host.values import NotJson, from_json_text

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Of one message from a server: four times the largest result. Who sends a longer one is not listened to any more, for
nobody knows which call it answers."""

MAX_WAITING_MESSAGES = 1024
"""To a server that does not read. When there are so many, calls wait, and what the server asks is not answered."""

EXIT_S = 2.0
"""For a server to end by itself once its stdin is closed, then SIGTERM."""
TERMINATE_S = 1.0
"""From SIGTERM to SIGKILL."""

CONNECT_S = 30.0
"""For an HTTP server to take a connection, and what is sent."""
SILENCE_S = 300.0
"""For an HTTP server to send anything, while a call is open. As the SDK has it; servers that stream keep sending."""

KILL_S = 1.0
"""From SIGKILL to its effect, of which a process that hangs in the kernel knows nothing. Then it is left alone."""

_CLOSED = "it closed the connection"
_ID = re.compile(rb'"id"\s*:\s*(\d{1,15})\b')
_log = logging.getLogger("codemode")

# The SDK logs what servers do wrong, with tracebacks. Where nobody has set up logging, it would all be on our stderr.
for _name in ("mcp", "client"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


class Link:
    """What is known of a connection outside of it: whether it is lost, and why."""

    def __init__(self) -> None:
        self.lost = trio.Event()
        """Set once nothing more will come."""
        self.reason = ""
        """As `it …`; nothing where that is not known."""
        self.stderr = Tail()
        """Of a server that is a child process."""

    def lose(self, reason: str) -> None:
        """Nothing more will come. What was known first is the reason."""
        self.reason = self.reason or reason
        self.lost.set()


class Incoming:
    """What a server says, for a session to read. Where the session stops reading, the link is lost before it knows.

    Args:
        receive: gives the next message; raises anyio.EndOfStream.
        link: told of the end.
    """

    def __init__(self, receive: Callable[[], Awaitable[SessionMessage | Exception]], link: Link) -> None:
        self._receive = receive
        self._link = link

    async def receive(self) -> SessionMessage | Exception:
        """The next message."""
        try:
            return await self._receive()
        except anyio.EndOfStream:
            self._link.lose(_CLOSED)
            raise
        except BaseException:  # a cancellation, or a transport that broke
            self._link.lose("")
            raise

    async def aclose(self) -> None:
        """Nothing more is read."""
        self._link.lose("")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


Streams = tuple[Incoming, Any]
"""What comes from the server, and the stream for what goes to it."""


# ── a child process ───────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def open_process(server: StdioServer, link: Link) -> AsyncIterator[Streams]:
    """Starts a server, and ends it with all processes of its group.

    Raises:
        OSError: it could not be started.
        ValueError: nor will it ever: a NUL character in its command.
    """
    process = await trio.lowlevel.open_process(
        [server.command, *server.args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**get_default_environment(), **server.env},
        cwd=server.cwd,
        start_new_session=True,  # a group of its own, which an interrupt from the terminal does not reach
    )
    child = _Child(process, link)
    try:
        async with background_nursery() as nursery:
            nursery.start_soon(child.write)
            nursery.start_soon(child.keep_stderr)
            yield Incoming(child.receive, link), child.outgoing
    finally:
        with trio.CancelScope(shield=True):
            await child.end()


class _Child:
    """A server that is a child process. One JSON-RPC message is a line."""

    def __init__(self, process: trio.Process, link: Link) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._stderr = process.stderr
        self._link = link
        self._unread = bytearray()
        self._searched = 0
        self.outgoing: MemoryObjectSendStream[SessionMessage]
        self._to_write: MemoryObjectReceiveStream[SessionMessage]
        self.outgoing, self._to_write = anyio.create_memory_object_stream[SessionMessage](MAX_WAITING_MESSAGES)

    async def receive(self) -> SessionMessage:
        """The next message. Lines that are none are skipped."""
        while True:
            await trio.lowlevel.checkpoint()  # also while lines are at hand: a server that floods us is not alone here
            message = message_of(await self._line())
            if message is None:
                continue
            waiting = self._to_write.statistics().current_buffer_used
            if isinstance(message, JSONRPCRequest) and waiting == MAX_WAITING_MESSAGES:
                continue
            return SessionMessage(message)

    async def _line(self) -> bytes:
        while (end := self._unread.find(b"\n", self._searched)) < 0:
            self._searched = len(self._unread)
            if self._searched > MAX_MESSAGE_BYTES:
                self._link.lose(f"it sent a message longer than {MAX_MESSAGE_BYTES} bytes")
                raise anyio.EndOfStream
            try:
                data = await self._stdout.receive_some(READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
            if not data:
                raise anyio.EndOfStream
            self._unread += data
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        self._searched = 0
        return line

    async def write(self) -> None:
        """Writes what is sent, until the server reads no more."""
        with self._to_write:
            async for item in self._to_write:
                text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
                try:
                    await self._stdin.send_all(f"{text}\n".encode())
                except trio.BrokenResourceError:
                    self._link.lose(_CLOSED)
                    return

    async def keep_stderr(self) -> None:
        """Reads stderr to its end, and keeps the tail of it."""
        with contextlib.suppress(trio.BrokenResourceError):
            async for data in self._stderr:
                self._link.stderr.add(bytes(data))

    async def end(self) -> None:
        """Ends the process and its group, reaps it, and closes the pipes."""
        self.outgoing.close()
        await self._stdin.aclose()
        by_itself = await self._exits_within(EXIT_S)
        if not by_itself:
            self._signal(signal.SIGTERM)
            await self._exits_within(TERMINATE_S)
        self._signal(signal.SIGKILL)  # also to what the server leaves behind
        await self._exits_within(KILL_S)
        with trio.move_on_after(0.1):  # what it wrote last; a process that left the group may hold the pipe open
            await self.keep_stderr()
        await self._stdout.aclose()
        await self._stderr.aclose()
        if by_itself and self._link.reason == _CLOSED:
            self._link.reason = _how_it_ended(self._process.returncode)

    async def _exits_within(self, timeout_s: float) -> bool:
        """Whether it ends in that time, in which it may say what it likes."""
        with trio.move_on_after(timeout_s):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.keep_stderr)
                nursery.start_soon(self._drop_stdout)
                await self._process.wait()
                nursery.cancel_scope.cancel()
            return True
        return False

    async def _drop_stdout(self) -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            async for _ in self._stdout:
                pass

    def _signal(self, number: signal.Signals) -> None:
        # The number of a group is not given to another one while a process of it lives.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def message_of(line: bytes) -> JSONRPCMessage | None:
    """The message that a line is. An answer that is no good becomes an error answer; other text is nothing."""
    try:
        return any_message.validate_json(line, by_name=False)
    except ValueError:
        pass
    text = line.decode("utf-8", "replace")
    try:
        value = from_json_text(text)  # which takes lone surrogates
        return any_message.validate_python(value, by_name=False)
    except NotJson as error:
        why = str(error)
        # Where the text is JSON all the same (nested too deep), its id stands at one of its ends.
        found = (_ID.search(line[:100]) or _ID.search(line[-100:])) if text.lstrip().startswith("{") else None
        call_id = int(found[1]) if found else None
    except ValueError:
        why = "it is no JSON-RPC answer"
        call_id = value.get("id") if isinstance(value, dict) and "method" not in value else None
    _log.debug("an MCP server sent what is no message: %.200s", text)
    if isinstance(call_id, int | str) and not isinstance(call_id, bool):
        return JSONRPCError(
            jsonrpc="2.0", id=call_id, error=ErrorData(code=PARSE_ERROR, message=f"the answer cannot be read: {why}")
        )
    return None


def _how_it_ended(status: int | None) -> str:
    if status is not None and status < 0:
        return f"it was killed by signal {-status}"
    return f"it ended with exit status {status}"


# ── streamable HTTP ───────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def open_http(server: HttpServer, link: Link) -> AsyncIterator[Streams]:
    """Speaks to a server by streamable HTTP. The first request is the session's."""
    timeout = httpx2.Timeout(CONNECT_S, read=SILENCE_S, pool=None)
    # Any number of connections: each open call holds one, and how many there may be is for the dispatcher to say.
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
    async with (
        _HttpClient(link, headers=dict(server.headers), timeout=timeout, limits=limits) as client,
        streamable_http_client(server.url, http_client=client, max_sse_event_size=MAX_MESSAGE_BYTES) as (read, write),
    ):
        yield Incoming(read.receive, link), write


class _HttpClient(httpx2.AsyncClient):
    """An HTTP client whose failures are answers of their own requests; the SDK's transport would end with the first."""

    def __init__(self, link: Link, **options: Any) -> None:
        super().__init__(**options)
        self._link = link

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Sends a request. Where it fails, a JSON-RPC error that says how is the response."""
        try:
            response = await super().send(request, **options)
            if request.method != "POST" or response.status_code < 400:
                return response
            if response.status_code == 404 and MCP_SESSION_ID in request.headers:
                self._link.lose("it has forgotten the session")
            body = await response.aread()
            await response.aclose()
            if b'"jsonrpc"' in body:
                return response
            return _failure(request, response.status_code, f"HTTP {response.status_code} {response.reason_phrase}")
        except httpx2.RequestError as error:
            # 405 is what a server says that has no such request; the SDK goes on without it.
            status = 503 if request.method == "POST" else 405
            return _failure(request, status, f"{request.url.host}: {error or type(error).__name__}")


def _failure(request: httpx2.Request, status: int, message: str) -> httpx2.Response:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": INTERNAL_ERROR, "message": message}}
    return httpx2.Response(status, json=error, request=request)
