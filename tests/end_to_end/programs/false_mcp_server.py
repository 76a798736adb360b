"""An MCP server that does what none should, written down to the bytes, without an SDK.

`false_mcp_server.py WAY [FILE]`: the ways to start are functions `start_…`, its tools `tool_…`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Message = dict[str, Any]
SCHEMA: Message = {"type": "object"}


def say(message: Any) -> None:
    """Sends one line."""
    say_bytes(json.dumps(message).encode() + b"\n")


def say_bytes(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def answer(request: Message, result: Any) -> None:
    say({"jsonrpc": "2.0", "id": request["id"], "result": result})


def said() -> Iterator[Message]:
    """What the client says."""
    for line in sys.stdin.buffer:
        yield json.loads(line)


def text(what: str) -> Message:
    """The result of a tool."""
    return {"content": [{"type": "text", "text": what}]}


def greet(request: Message, version: str = "2025-06-18") -> None:
    info = {"name": "false", "version": "0"}
    answer(request, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info})


def serve(tools: list[Message]) -> None:
    """Starts like any other server, with these tools."""
    for message in said():
        match message:
            case {"method": "initialize"}:
                greet(message)
            case {"method": "tools/list"}:
                answer(message, {"tools": tools})
            case {"method": "tools/call", "params": {"name": name}}:
                globals()[f"tool_{name}"](message)
            case _:
                pass


# ── ways to start ─────────────────────────────────────────────────────────────────────────────────────────────


def start_well() -> None:
    """Its tools are what is wrong with it."""
    names = [name.removeprefix("tool_") for name in globals() if name.startswith("tool_")]
    serve([{"name": name, "inputSchema": SCHEMA} for name in names])


def start_silently() -> None:
    """Says nothing."""
    for _ in said():
        pass


def start_and_die() -> None:
    """Ends before it has said anything, but for its last words."""
    sys.stderr.write("the configuration has no such file\n")
    sys.exit(7)


def start_once() -> None:
    """Starts the first time; later it says nothing."""
    note = Path(sys.argv[2])
    if note.exists():
        start_silently()
    note.write_text("started")
    start_well()


def start_with_an_unknown_version() -> None:
    """Speaks what nobody speaks."""
    for message in said():
        if "id" in message:
            greet(message, version="1999-12-31")


def start_with_an_error() -> None:
    """Refuses the handshake."""
    for message in said():
        if "id" in message:
            say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32603, "message": "not today"}})


def start_with_pages_without_end() -> None:
    """Its list of tools never ends."""
    for message in said():
        match message:
            case {"method": "initialize"}:
                greet(message)
            case {"method": "tools/list"}:
                answer(message, {"tools": [], "nextCursor": "next"})


def start_with_three_pages() -> None:
    """Lists a tool a page."""
    for message in said():
        match message:
            case {"method": "initialize"}:
                greet(message)
            case {"method": "tools/list"}:
                page = int(message.get("params", {}).get("cursor", "1"))
                more = {"nextCursor": str(page + 1)} if page < 3 else {}
                answer(message, {"tools": [{"name": f"page{page}", "inputSchema": SCHEMA}], **more})


def start_with_noise() -> None:
    """Talks before it serves, as programs do that were not told that stdout is taken."""
    say_bytes(b"Starting up...\n\n{'level': 'info'}\n\xff\xfe\x00\n[1, 2]\n" + b"[" * 5000 + b"\n")
    sys.stderr.buffer.write(b"\xffnoise\n" * 50_000)
    start_well()


def start_with_strange_tools() -> None:
    """Tools that cannot be had by their names, or whose schemas are none."""
    loop = {"$ref": "#/$defs/no"}
    serve(
        [
            {"name": "well", "inputSchema": SCHEMA, "title": "All is well"},
            {"name": "a-b", "inputSchema": SCHEMA},
            {"name": "a_b", "inputSchema": SCHEMA},
            {"name": "well", "inputSchema": SCHEMA},
            {"name": "__proto__", "inputSchema": SCHEMA},
            {"name": "then", "inputSchema": SCHEMA},
            {"name": "", "inputSchema": SCHEMA},
            {"name": "größe/…\n", "inputSchema": SCHEMA},
            {"name": "9lives", "inputSchema": {}},
            {"name": "bad_type", "inputSchema": {"type": "object", "properties": {"a": {"type": "fish"}}}},
            {"name": "bad_ref", "inputSchema": {"type": "object", "properties": {"a": loop}}},
            {"name": "a_list", "inputSchema": {"type": "array"}},
            {"name": "no_schema"},
            "no tool",
        ]
    )


def start_stubbornly() -> None:
    """Starts a child, and neither of them ends when it is asked to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(sys.argv[2]).write_text(f"{os.getpid()} {child.pid}")
    start_well()
    time.sleep(600)


def start_and_leave_a_child() -> None:
    """Ends when it should, and leaves a child that holds its pipes open."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(sys.argv[2]).write_text(f"{os.getpid()} {child.pid}")
    start_well()


def start_without_the_handshake() -> None:
    """Knows only the newest version of the protocol, which has none."""
    version = "2026-07-28"
    for message in said():
        match message:
            case {"method": "server/discover"}:
                answer(
                    message,
                    {"supportedVersions": [version], "capabilities": {"tools": {}}, "resultType": "complete",
                     "ttlMs": 0, "cacheScope": "private"},
                )  # fmt: skip
            case {"method": "tools/list"}:
                tools = [{"name": name, "inputSchema": SCHEMA} for name in ("new", "ask")]
                answer(message, {"tools": tools, "resultType": "complete", "ttlMs": 0, "cacheScope": "private"})
            case {"method": "tools/call", "params": {"name": "new"}}:
                answer(message, {**text("as of 2026"), "structuredContent": [1, 2], "resultType": "complete"})
            case {"method": "tools/call"}:
                asked = {"q": {"method": "elicitation/create", "params": {"message": "why?", "requestedSchema": {
                    "type": "object", "properties": {}}}}}  # fmt: skip
                answer(message, {"resultType": "input_required", "inputRequests": asked, "requestState": "s"})
            case {"id": _}:
                say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "Method not found"}})


# ── tools ─────────────────────────────────────────────────────────────────────────────────────────────────────


def tool_echo(request: Message) -> None:
    answer(request, {**text("echo"), "structuredContent": request["params"]["arguments"]})


def tool_hold(request: Message) -> None:
    """Never answers."""


def tool_crash(request: Message) -> None:
    os.write(2, b"Traceback: /secret/path\n")
    os._exit(3)


def tool_kill(request: Message) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def tool_hang_up(request: Message) -> None:
    """Closes stdout and lives on."""
    os.close(1)
    time.sleep(600)


def tool_garbage(request: Message) -> None:
    """Answers between lines that are no messages, and answers to calls that nobody made."""
    lines = [
        b"hello",
        b"",
        b"{",
        b"{}",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"jsonrpc": "2.0", "id": 999, "result": {}}',
        b'{"jsonrpc": "2.0", "id": null, "result": {}}',
        b'{"jsonrpc": "2.0", "method": 5}',
        b'{"jsonrpc": "2.0", "method": "notifications/unheard_of"}',
        b'{"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": {}}}',
    ]
    for line in lines:
        say_bytes(line + b"\r\n")
    answer(request, text("after all"))
    answer(request, text("twice"))


def tool_no_object(request: Message) -> None:
    answer(request, "a string")


def tool_no_result(request: Message) -> None:
    answer(request, {"content": "a string"})


def tool_deep(request: Message) -> None:
    say_bytes(b'{"jsonrpc": "2.0", "id": %d, "result": {"content": [], "structuredContent": {"a": ' % request["id"])
    say_bytes(b"[" * 5000 + b"]" * 5000 + b"}}}\n")


def tool_deep_with_its_id_last(request: Message) -> None:
    say_bytes(b'{"result": {"content": [], "structuredContent": {"a": ' + b"[" * 5000 + b"]" * 5000)
    say_bytes(b'}}, "jsonrpc": "2.0", "id": %d}\n' % request["id"])


def tool_surrogate(request: Message) -> None:
    say_bytes(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": text("a\ud800b")}).encode() + b"\n")


def tool_not_utf8(request: Message) -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": text("a?b")}).encode()
    say_bytes(line.replace(b"?", b"\xff") + b"\n")


def tool_dribble(request: Message) -> None:
    """Sends its answer a byte at a time."""
    for byte in json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": text("drop by drop")}).encode() + b"\n":
        say_bytes(bytes([byte]))


def tool_error(request: Message) -> None:
    say({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32000, "message": "out of order"}})


def tool_false_close(request: Message) -> None:
    """An error that the SDK itself uses for a connection that was lost."""
    say({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32000, "message": "Connection closed"}})


def tool_big(request: Message) -> None:
    answer(request, text("x" * request["params"]["arguments"]["size"]))


def tool_endless_line(request: Message) -> None:
    while True:
        say_bytes(b"x" * 1_000_000)


def tool_ask(request: Message) -> None:
    """Asks its client, and tells what it was answered."""
    answers: list[Any] = []
    for call_id, method in (("a", "ping"), ("b", "sampling/createMessage"), ("c", "roots/list"), ("d", "no/such")):
        params = {"messages": [], "maxTokens": 1} if method.startswith("sampling") else {}
        say({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params})
    for message in said():
        answers.append(message)
        if len(answers) == 4:
            break
    answer(request, {"content": [], "structuredContent": {"answers": answers}})


def tool_ask_and_never_read(request: Message) -> None:
    """Asks more than anyone can keep, reads none of the answers, and then answers."""
    ask = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode() + b"\n"
    for _ in range(20):
        say_bytes(ask * 1000)
    answer(request, text("enough"))


if __name__ == "__main__":
    way: Callable[[], None] = globals()[f"start_{sys.argv[1]}"]
    way()
