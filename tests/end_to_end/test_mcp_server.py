"""`codemode serve` as MCP clients see it: the SDK's under trio, fastmcp's under asyncio, and the bare protocol."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

pytestmark = pytest.mark.usefixtures("nothing_is_left")

Connect = Callable[..., Client]
Soon = Callable[..., AbstractContextManager[trio.CancelScope]]

ANSWER_S = 10.0
TOOLS = '''
import subprocess
import sys
from pathlib import Path

import trio
from codemode import ToolRegistry

tools = ToolRegistry()
print("printed while the tools are loaded")
here, all_here = 0, trio.Event()

@tools.tool
async def double(n: int) -> int:
    """Twice n."""
    return 2 * n

@tools.tool
async def meet() -> str:
    """Answers when four have come."""
    global here
    here += 1
    if here == 4:
        all_here.set()
    await all_here.wait()
    return "met"

@tools.tool
async def never(began: str, ended: str) -> None:
    """Never answers; leaves a file when it begins and one when it is cancelled."""
    Path(began).touch()
    try:
        await trio.sleep_forever()
    finally:
        Path(ended).touch()

@tools.tool
def chatter() -> str:
    """Prints, by a child too, and reads what is on stdin."""
    print("printed by a tool", flush=True)
    subprocess.run([sys.executable, "-c", "print('printed by a child')"], check=True)
    return sys.stdin.read()
'''


@pytest.fixture
def tools(tmp_path: Path) -> str:
    path = tmp_path / "tools.py"
    path.write_text(TOOLS)
    return str(path)


@pytest.fixture
def connect(tools: str, tmp_path: Path) -> Iterator[Connect]:
    """A client of a server of its own. What that writes to stderr stands in `stderr.txt`."""
    with (tmp_path / "stderr.txt").open("w") as stderr:
        server = StdioServerParameters(command=sys.executable, args=["-m", "codemode", "serve", "--tools", tools])
        yield lambda mode="auto": Client(stdio_client(server, errlog=stderr), mode=mode)


def blocks(result: Any) -> list[dict[str, Any]]:
    """What stands below the header."""
    assert result.content[0].text.startswith("Script ")
    return [block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in result.content[1:]]


def text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_client_of_either_generation_runs_scripts_and_keeps_values(
    connect: Connect, mode: str, soon: Soon
) -> None:
    with soon():
        async with connect(mode) as client:
            offered = (await client.list_tools()).tools
            assert [tool.name for tool in offered] == ["exec", "wait"]
            assert "  double(args: { n: number /* integer */ }): Promise<number" in (offered[0].description or "")
            assert offered[0].input_schema["required"] == ["source"]

            result = await client.call_tool(
                "exec", {"source": "store('n', 5); text(await tools.double({ n: 21 })); text({ a: 'ö' })"}
            )
            assert not result.is_error
            assert blocks(result) == [text("42"), text('{"a":"ö"}')]
            assert blocks(await client.call_tool("exec", {"source": "text(load('n'))"})) == [text("5")]


async def test_images_audio_and_blocks_are_content_of_the_protocol(connect: Connect, soon: Soon) -> None:
    source = """
        text("before");
        image("data:image/png;base64,iVBORw==");
        image("https://example.org/a.png");
        audio("data:audio/wav;base64,UklG");
        content({ type: "resource", resource: { uri: "file:///a", text: "inside" } });
        content({ type: "of my own making" });
        text("after");
    """
    with soon():
        async with connect() as client:
            assert blocks(await client.call_tool("exec", {"source": source})) == [
                text("before"),
                {"type": "image", "data": "iVBORw==", "mimeType": "image/png"},
                {"type": "resource_link", "name": "a.png", "uri": "https://example.org/a.png"},
                {"type": "audio", "data": "UklG", "mimeType": "audio/wav"},
                {"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}},
                text('{"type": "of my own making"}'),
                text("after"),
            ]


async def test_what_went_wrong_is_a_tool_error_or_one_of_the_protocol(connect: Connect, soon: Soon) -> None:
    with soon():
        async with connect() as client:
            failed = await client.call_tool("exec", {"source": "text('said'); throw new Error('mine')"})
            assert failed.is_error
            assert blocks(failed) == [text("said"), text("Script error:\nError: mine\n    at cell-1.js:1:21")]

            wrong = await client.call_tool("exec", {"source": "1", "yield_time_ms": "soon"})
            assert wrong.is_error
            assert 'parameter "yield_time_ms": expected an integer, got "soon"' in wrong.content[0].text

            unknown = await client.call_tool("wait", {"cell_id": "99"})
            assert (unknown.is_error, unknown.content[0].text) == (
                True,
                "wait: no cell has the id '99', and none is running",
            )
            with pytest.raises(MCPError, match="no tool is named 'double'; there are exec and wait"):
                await client.call_tool("double", {"n": 1})


async def test_a_script_outlives_its_call_until_it_is_waited_for_or_terminated(
    connect: Connect, soon: Soon, tmp_path: Path
) -> None:
    with soon():
        async with connect() as client:
            begun = await client.call_tool(
                "exec", {"source": "text(1); yield_control(); text(await tools.double({ n: 1 }))"}
            )
            assert "Script running with cell ID 1" in begun.content[0].text
            ended = await client.call_tool("wait", {"cell_id": "1"})
            assert ended.content[0].text.startswith("Script completed")
            assert blocks(begun) + blocks(ended) == [text("1"), text("2")]

            await client.call_tool("exec", {"source": "text('so far'); for (;;) {}", "yield_time_ms": 100})
            stopped = await client.call_tool("wait", {"cell_id": "2", "terminate": True})
            assert stopped.content[0].text.startswith("Script terminated")
            assert not stopped.is_error


async def test_four_scripts_run_side_by_side_and_a_slow_one_holds_up_nobody(
    connect: Connect, soon: Soon, tmp_path: Path
) -> None:
    files = json.dumps({"began": str(tmp_path / "began"), "ended": str(tmp_path / "ended")})
    met: list[Any] = []
    with soon():
        async with connect() as client, trio.open_nursery() as nursery:
            nursery.start_soon(client.call_tool, "exec", {"source": f"await tools.never({files})"})
            async with trio.open_nursery() as four:

                async def run() -> None:
                    met.extend(blocks(await client.call_tool("exec", {"source": "text(await tools.meet())"})))

                for _ in range(4):
                    four.start_soon(run)
            nursery.cancel_scope.cancel()
    assert met == [text("met")] * 4


async def test_a_request_that_is_cancelled_ends_its_script(
    connect: Connect, soon: Soon, tmp_path: Path, eventually: Any
) -> None:
    began, ended = tmp_path / "began", tmp_path / "ended"
    files = json.dumps({"began": str(began), "ended": str(ended)})
    with soon():
        async with connect() as client:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(
                    client.call_tool, "exec", {"source": f"text(store('n', 7)); await tools.never({files})"}
                )
                await eventually(began.exists)
                nursery.cancel_scope.cancel()
            await eventually(ended.exists)
            reply = await client.call_tool("wait", {"cell_id": "1"})
            assert reply.content[0].text.startswith("Script terminated")
            assert blocks(await client.call_tool("exec", {"source": "text(load('n'))"})) == [text("7")]


async def test_a_wait_that_is_cancelled_leaves_its_script_alone(connect: Connect, soon: Soon, tmp_path: Path) -> None:
    with soon():
        async with connect() as client:
            await client.call_tool("exec", {"source": "await sleep(300); text('woken')", "yield_time_ms": 0})
            with trio.move_on_after(0.05):
                await client.call_tool("wait", {"cell_id": "1"})
            assert blocks(await client.call_tool("wait", {"cell_id": "1"})) == [text("woken")]


async def test_what_tools_print_and_read_never_meets_the_protocol(connect: Connect, soon: Soon, tmp_path: Path) -> None:
    with soon():
        async with connect() as client:
            result = await client.call_tool("exec", {"source": "text(JSON.stringify(await tools.chatter()))"})
            assert blocks(result) == [text('""')]
    printed = (tmp_path / "stderr.txt").read_text()
    assert printed.splitlines() == ["printed while the tools are loaded", "printed by a tool", "printed by a child"]


def served_to_fastmcp(place: str) -> dict[str, Any]:
    """What fastmcp's client got, in a process of its own."""
    program = Path(__file__).with_name("programs") / "fastmcp_client.py"
    done = subprocess.run(
        [sys.executable, str(program), place], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    got: dict[str, Any] = json.loads(done.stdout)
    return got


FASTMCP_GETS = {
    "tools": ["exec", "wait"],
    "exec": [False, [text("42")]],
    "stored": [False, [text("1")]],
    "image": [False, [{"type": "image", "data": "iVBORw==", "mimeType": "image/png"}]],
    "failed": [True, [text("Script error:\nError: mine\n    at cell-4.js:1:7")]],
    "side by side": [[False, [text("met")]]] * 4,
    "begun": False,
    "waited": [False, [text("8")]],
}


def test_fastmcp_is_served_too(tools: str) -> None:
    assert served_to_fastmcp(tools) == FASTMCP_GETS


# ── the bare protocol ─────────────────────────────────────────────────────────────────────────────────────────────

HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bare", "version": "0"}},
}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def call(number: int, source: str, **more: Any) -> dict[str, Any]:
    arguments = {"source": source, **more}
    return {
        "jsonrpc": "2.0",
        "id": number,
        "method": "tools/call",
        "params": {"name": "exec", "arguments": arguments},
    }


class Bare:
    """A server, and the lines that go in and come out."""

    def __init__(self, tools: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "codemode", "serve", "--tools", tools],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    def say(self, *messages: dict[str, Any]) -> None:
        self.say_bytes(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    def say_bytes(self, data: bytes) -> None:
        self.stdin.write(data)
        self.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """The next message."""
        heard: dict[str, Any] = json.loads(self.stdout.readline())
        return heard

    def run(self, number: int, source: str, **more: Any) -> list[str]:
        """The texts of a script's result."""
        self.say(call(number, source, **more))
        heard = self.hear()
        assert heard["id"] == number
        return [block["text"] for block in heard["result"]["content"]]


@pytest.fixture
def bare(tools: str) -> Iterator[Bare]:
    server = Bare(tools)
    with server.process:
        try:
            server.say(HELLO, READY)
            assert server.hear()["result"]["serverInfo"]["name"] == "codemode"
            yield server
        finally:
            server.process.kill()


def descendants(pid: int) -> set[int]:
    """The processes below this one, now."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text("utf-8", "replace").rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, size = {pid}, 0
    while len(found) > size:
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found - {pid}


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(predicate: Callable[[], bool]) -> None:
    """Waits for what another process does."""
    deadline = time.monotonic() + ANSWER_S
    while not predicate():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@contextmanager
def all_end(pids: set[int]) -> Iterator[None]:
    """Fails where one of these processes lives on after the block."""
    assert pids, "a server has workers"
    yield
    until(lambda: not any(map(lives, pids)))


def test_messages_are_cut_out_of_whatever_the_reads_give(bare: Bare) -> None:
    whole = json.dumps(call(1, "text('ä')"), ensure_ascii=False).encode() + b"\r\n\n"
    for index in range(len(whole)):
        bare.say_bytes(whole[index : index + 1])
    assert bare.hear()["id"] == 1
    bare.say(call(2, "text(2)"), call(3, "text(3)"))
    assert {bare.hear()["id"], bare.hear()["id"]} == {2, 3}
    assert bare.run(4, f"text('{'x' * 300_000}'.length)")[1:] == ["300000"]


def test_what_is_no_message_ends_nothing(bare: Bare) -> None:
    bare.say_bytes(b"not JSON\n[1, 2]\n\xff\xfe\n{}\n" + b"{" * 100_000 + b"\n")
    assert [bare.hear()["error"]["code"] for _ in range(5)] == [-32700, -32600, -32700, -32600, -32700]
    assert bare.run(1, "text('still here')")[1:] == ["still here"]


def test_a_request_with_text_that_is_not_well_formed_is_served(bare: Bare) -> None:
    """Node writes a lone surrogate as an escape."""
    request = json.dumps(call(7, "text('a@b')")).replace("@", "\\ud83d")
    bare.say_bytes(request.encode() + b"\n")
    heard = bare.hear()
    assert (heard["id"], [block["text"] for block in heard["result"]["content"]][1:]) == (7, ["a\ufffdb"])


def test_a_request_that_nests_too_deep_is_refused_under_its_id(bare: Bare) -> None:
    request = json.dumps(call(8, "1")).replace('"1"', "[" * 300 + "]" * 300)
    bare.say_bytes(request.encode() + b"\n")
    heard = bare.hear()
    assert heard["id"] == 8
    assert "error" in heard or heard["result"]["isError"]


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


@linux_only
def test_a_client_that_leaves_takes_all_with_it(bare: Bare) -> None:
    assert "Script running" in bare.run(1, "for (;;) {}", yield_time_ms=200)[0]
    assert "Script running" in bare.run(2, "await tools.meet()", yield_time_ms=0)[0]
    bare.say(call(3, "await tools.meet()"))
    with all_end(descendants(bare.process.pid)):
        bare.stdin.close()
        assert bare.process.wait(ANSWER_S) == 0


@linux_only
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_server_that_waits_for_its_client(bare: Bare, number: signal.Signals, status: int) -> None:
    assert "Script running" in bare.run(1, "for (;;) {}", yield_time_ms=200)[0]
    with all_end(descendants(bare.process.pid)):
        bare.process.send_signal(number)
        assert bare.process.wait(ANSWER_S) == status


@linux_only
def test_a_client_that_does_not_read_holds_up_no_end(bare: Bare) -> None:
    for index in range(8):
        bare.say(call(index, "text('x'.repeat(2 ** 20))", max_output_tokens=2**20))
    assert bare.stdout.read(1000), "the first answer has begun"
    with all_end(descendants(bare.process.pid)):
        bare.stdin.close()
        assert bare.process.wait(ANSWER_S) == 0


@linux_only
def test_a_client_that_is_killed_leaves_no_process_behind(tools: str, tmp_path: Path) -> None:
    began = tmp_path / "began"
    files = json.dumps({"began": str(began), "ended": str(tmp_path / "ended")})
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, tools, f"await tools.never({files})"], stderr=subprocess.DEVNULL
    )
    with client:
        until(began.exists)
        with all_end(descendants(client.pid)):
            client.kill()
    assert (tmp_path / "ended").exists()


CLIENT = """
import sys, trio
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

async def main(tools, source):
    server = StdioServerParameters(command=sys.executable, args=["-m", "codemode", "serve", "--tools", tools])
    async with Client(stdio_client(server)) as client:
        await client.call_tool("exec", {"source": source})

trio.run(main, *sys.argv[1:])
"""


# ── over HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def http_server(tools: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server, and where it listens."""
    command = [sys.executable, "-m", "codemode", "serve", "--http", "127.0.0.1:0", "--tools", tools]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            said = server.stderr.readline()
            assert "Running on http://127.0.0.1:" in said, said
            yield server, said[said.index("http://") :].split()[0]
        finally:
            server.kill()


@linux_only
def test_each_client_over_http_has_a_session_of_its_own(http_server: tuple[subprocess.Popen[str], str]) -> None:
    server, url = http_server
    # Cells are counted anew, so the second client meets nothing that the first one left.
    assert served_to_fastmcp(f"{url}/mcp") == FASTMCP_GETS
    assert served_to_fastmcp(f"{url}/mcp") == FASTMCP_GETS
    with all_end(descendants(server.pid)):
        server.terminate()
        assert server.wait(ANSWER_S) == 143


def post(url: str, message: dict[str, Any], **headers: str) -> tuple[int, str, str]:
    """Status, session and body of the answer."""
    request = urllib.request.Request(
        f"{url}/mcp",
        json.dumps(message).encode(),
        {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
            return answer.status, answer.headers.get("Mcp-Session-Id", ""), answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, "", refused.read().decode()


@linux_only
def test_a_session_over_http_ends_when_its_client_says_so(
    http_server: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    _, url = http_server
    _, session, hello = post(url, HELLO)
    assert '"name":"codemode"' in hello
    began, ended = tmp_path / "began", tmp_path / "ended"
    script = f"await tools.never({json.dumps({'began': str(began), 'ended': str(ended)})})"
    status, _, body = post(url, call(1, f"text(1); {script}", yield_time_ms=100), **{"Mcp-Session-Id": session})
    assert (status, "Script running with cell ID 1" in body) == (200, True)
    until(began.exists)
    assert not ended.exists()

    farewell = urllib.request.Request(f"{url}/mcp", headers={"Mcp-Session-Id": session}, method="DELETE")
    urllib.request.urlopen(farewell, timeout=ANSWER_S).close()
    until(ended.exists)
    assert post(url, call(2, "1"), **{"Mcp-Session-Id": session})[0] == 404


@linux_only
def test_a_page_of_another_site_cannot_reach_a_server_on_this_machine(
    http_server: tuple[subprocess.Popen[str], str],
) -> None:
    _, url = http_server
    assert post(url, HELLO, Origin="https://evil.example")[0] == 403
    assert post(url, HELLO, Host="evil.example")[0] == 421
