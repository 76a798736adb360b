"""An ordinary MCP server, made with the official SDK: over stdio, or with `--http PORT` on 127.0.0.1 (0: a free port).

With `--http` its first line on stdout is its URL, and each request must have the header `X-Key: open`.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel

server = MCPServer("ordinary", log_level="CRITICAL")


class Forecast(BaseModel):
    """Weather to come."""

    city: str
    degrees: list[int]


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def forecast(city: str) -> Forecast:
    """The weather of the next days."""
    return Forecast(city=city, degrees=[7, 9])


@server.tool(structured_output=False)
def greet(name: str) -> str:
    """Says hello."""
    return f"hello, {name}"


@server.tool()
def environment() -> dict[str, str]:
    """What the server was started with."""
    return {"cwd": os.getcwd(), "greeting": os.environ.get("GREETING", ""), "secret": os.environ.get("SECRET", "")}


@server.tool(annotations=ToolAnnotations(destructive_hint=True))
def refuse() -> str:
    """Fails."""
    raise ToolError("the door is locked")


@server.tool(structured_output=False, annotations=ToolAnnotations(read_only_hint=True, destructive_hint=True))
def picture() -> list[Any]:
    """A text and an image."""
    return ["a red dot", Image(data=b"\x89PNG red", format="png")]


@server.tool(structured_output=False)
async def pause(ms: int, name: str) -> str:
    """Answers with its name, later."""
    await anyio.sleep(ms / 1000)
    return name


@server.tool(structured_output=False)
async def hold(note: str) -> str:
    """Never answers. Writes to the file `note` that it runs, and that it was cancelled."""
    write = Path(note).write_text
    write("running")
    try:
        await anyio.sleep_forever()
    finally:
        write("cancelled")
    return "never"


@server.tool(structured_output=False)
async def count(to: int, ctx: Context) -> str:
    """Reports progress."""
    for i in range(to):
        await ctx.report_progress(i + 1, to, f"step {i + 1}")
    return "counted"


@server.tool()
def die() -> str:
    """Ends the whole server."""
    os._exit(3)


class Key:
    """Refuses requests without the key, before the server sees them."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and (b"x-key", b"open") not in scope["headers"]:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"no key"})
            return
        await self.app(scope, receive, send)


def serve_http(port: int) -> None:
    """Serves until it is killed."""
    listening = socket.create_server(("127.0.0.1", port))
    sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp\n")
    sys.stdout.flush()
    config = uvicorn.Config(Key(server.streamable_http_app()), log_level="critical")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    serve_http(int(sys.argv[2])) if "--http" in sys.argv else server.run()
