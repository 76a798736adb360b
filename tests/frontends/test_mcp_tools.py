"""The tools of MCP servers, called as a cell calls them: of an ordinary server by either transport, and false ones."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

import codemode
from codemode.errors import UsageError
from codemode.frontends import mcp_tools, mcp_transports
from codemode.frontends.mcp_config import HttpServer, StdioServer
from codemode.frontends.mcp_tools import McpServerUnavailable, open_mcp_tools

pytestmark = [
    pytest.mark.usefixtures("nothing_is_left"),
    # The SDK's HTTP transport leaves off in the middle of a stream; trio tells of the generator that it leaves behind.
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
]

PROGRAMS = Path(__file__).resolve().parents[1] / "end_to_end" / "programs"
ORDINARY = StdioServer(command=sys.executable, args=(str(PROGRAMS / "ordinary_mcp_server.py"),))


def false(way: str = "well", *arguments: str | Path) -> StdioServer:
    """A server that starts in one of the ways of `false_mcp_server.py`."""
    program = str(PROGRAMS / "false_mcp_server.py")
    return StdioServer(command=sys.executable, args=(program, way, *map(str, arguments)))


async def call(
    tools: codemode.ToolRegistry, tool: str, arguments: dict[str, Any] | None = None, **options: Any
) -> codemode.ToolCallOutcome:
    invocation = codemode.ToolInvocation(call_id="c", tool=tool, arguments=arguments or {}, **options)
    return await codemode.ToolDispatcher(tools).call(invocation)


async def value(tools: codemode.ToolRegistry, tool: str, arguments: dict[str, Any] | None = None) -> Any:
    """What the call gives, where it succeeds."""
    outcome = await call(tools, tool, arguments)
    assert outcome.error is None, outcome.error
    return outcome.value


async def failure(tools: codemode.ToolRegistry, tool: str, arguments: dict[str, Any] | None = None) -> str:
    """The message of the call, which fails with `tool_failed`."""
    outcome = await call(tools, tool, arguments)
    assert outcome.error is not None, outcome.value
    assert outcome.error.code == "tool_failed"
    return outcome.error.message


@contextlib.contextmanager
def http_server(port: int = 0) -> Iterator[tuple[HttpServer, subprocess.Popen[str]]]:
    """The ordinary server over HTTP: how it is reached, and its process."""
    command = [sys.executable, str(PROGRAMS / "ordinary_mcp_server.py"), "--http", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield HttpServer(url=process.stdout.readline().strip(), headers={"X-Key": "open"}), process
        finally:
            process.kill()


@pytest.fixture(params=["stdio", "http"])
def ordinary(request: pytest.FixtureRequest) -> Iterator[StdioServer | HttpServer]:
    """An ordinary server, by either transport."""
    if request.param == "stdio":
        yield ORDINARY
        return
    with http_server() as (server, _):
        yield server


# ── what a server gives ───────────────────────────────────────────────────────────────────────────────────────


async def test_the_tools_of_servers_are_nested_tools_under_the_names_of_their_servers() -> None:
    async with open_mcp_tools({"weather-now": ORDINARY, "false": false()}) as tools:
        forecast = tools["mcp__weather_now__forecast"]

        assert (forecast.module, forecast.name) == ("tools/mcp/weather-now.js", "forecast")
        assert forecast.definition.description == "The weather of the next days."
        assert forecast.definition.parameters is not None
        assert list(forecast.definition.parameters["properties"]) == ["city"]
        assert forecast.definition.output_schema is not None
        assert list(forecast.definition.output_schema["properties"]) == ["city", "degrees"]
        servers = [tool.identifier.split("__")[1] for tool in tools]
        assert servers == [*sorted(servers[:-1], reverse=True), "media"]
        assert "mcp__false__echo" in tools


async def test_a_tool_is_read_only_or_destructive_where_its_server_says_so_outright() -> None:
    async with open_mcp_tools({"s": ORDINARY}) as tools:
        told = {tool.name: (tool.definition.read_only, tool.definition.destructive) for tool in tools}

    assert told["forecast"] == (True, False)
    assert told["refuse"] == (False, True)
    assert told["picture"] == (True, False)  # it says both: what changes nothing destroys nothing
    assert told["greet"] == (False, False)


async def test_the_policy_of_a_server_holds_for_all_its_tools_and_no_other() -> None:
    careful = dataclasses.replace(ORDINARY, approval="deny", timeout_s=5, max_concurrency=2)
    async with open_mcp_tools({"careful": careful, "s": ORDINARY}) as tools:
        definitions = [tool.definition for tool in tools if tool.module == "tools/mcp/careful.js"]
        assert {(each.approval, each.timeout_s) for each in definitions} == {("deny", 5)}
        assert len({each.group for each in definitions}) == 1
        assert definitions[0].group is not None
        assert definitions[0].group.max_concurrency == 2

        outcome = await call(tools, "mcp__careful__greet", {"name": "Ada"})
        assert outcome.error is not None
        assert outcome.error.code == "denied"
        assert await value(tools, "mcp__s__greet", {"name": "Ada"}) == "hello, Ada"


async def test_calls_of_a_server_wait_for_their_turn_and_run_out_of_time_in_it() -> None:
    hasty = dataclasses.replace(ORDINARY, timeout_s=0.3, max_concurrency=1)
    outcomes = []
    async with open_mcp_tools({"s": hasty}) as tools, trio.open_nursery() as nursery:

        async def pause(ms: int) -> None:
            outcomes.append(await call(tools, "mcp__s__pause", {"ms": ms, "name": f"after {ms}"}))

        nursery.start_soon(pause, 60_000)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(pause, 1)

    assert [outcome.error and outcome.error.code for outcome in outcomes] == ["tool_timeout", None]
    assert outcomes[1].value == "after 1"


async def test_results_are_what_scripts_expect(ordinary: StdioServer | HttpServer) -> None:
    async with open_mcp_tools({"s": ordinary}) as tools:
        assert await value(tools, "mcp__s__forecast", {"city": "Oslo"}) == {"city": "Oslo", "degrees": [7, 9]}
        assert await value(tools, "mcp__s__greet", {"name": "Ada"}) == "hello, Ada"
        assert "the door is locked" in await failure(tools, "mcp__s__refuse")
        text, image = (await value(tools, "mcp__s__picture"))["content"]
        assert text["text"] == "a red dot"
        assert (image["type"], image["mimeType"], image["bytes"]) == ("image", "image/png", 8)
        assert (await value(tools, "mcp__media", image))["data"] == "iVBORyByZWQ="


async def test_arguments_are_checked_against_the_schema_of_the_server() -> None:
    async with open_mcp_tools({"s": ORDINARY}) as tools:
        outcome = await call(tools, "mcp__s__forecast", {"town": "Oslo"})

    assert outcome.error is not None
    assert outcome.error.code == "invalid_arguments"
    assert 'unknown parameter "town"' in outcome.error.message


async def test_progress_is_passed_on(ordinary: StdioServer | HttpServer) -> None:
    told: list[str] = []

    class Watcher:
        def __getattr__(self, name: str) -> Any:
            return lambda *_: None

        def call_progressed(self, context: codemode.ToolContext, message: str) -> None:
            told.append(message)

    async with open_mcp_tools({"s": ordinary}) as tools:
        outcome = await call(tools, "mcp__s__count", {"to": 3}, watcher=Watcher())

    assert outcome.value == "counted"
    assert set(told) <= {"1/3: step 1", "2/3: step 2", "3/3: step 3"}
    assert told[0] == "1/3: step 1"


async def test_calls_run_side_by_side_and_a_slow_one_delays_no_other(
    ordinary: StdioServer | HttpServer, soon: Any
) -> None:
    ended: list[str] = []
    async with open_mcp_tools({"s": ordinary}) as tools:

        async def pause(ms: int, name: str) -> None:
            ended.append(await value(tools, "mcp__s__pause", {"ms": ms, "name": name}))

        with soon(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pause, 60_000, "slow")
                for i in range(150):
                    nursery.start_soon(pause, 1, f"fast {i}")
                while len(ended) < 150:  # noqa: ASYNC110 - they end in another process
                    await trio.sleep(0.005)
                nursery.cancel_scope.cancel()

    assert sorted(ended) == sorted(f"fast {i}" for i in range(150))


async def test_a_call_that_is_cancelled_is_cancelled_in_the_server(
    ordinary: StdioServer | HttpServer, tmp_path: Path, eventually: Any
) -> None:
    note = tmp_path / "note"
    async with open_mcp_tools({"s": ordinary}) as tools:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call, tools, "mcp__s__hold", {"note": str(note)})
            await eventually(lambda: note.exists() and note.read_text() == "running")
            nursery.cancel_scope.cancel()
        await eventually(lambda: note.read_text() == "cancelled")
        assert await value(tools, "mcp__s__greet", {"name": "Ada"}) == "hello, Ada"


async def test_a_server_has_the_environment_and_directory_of_its_configuration_and_no_secret_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    server = StdioServer(command=ORDINARY.command, args=ORDINARY.args, env={"GREETING": "hi"}, cwd=str(tmp_path))
    async with open_mcp_tools({"s": server}) as tools:
        found = await value(tools, "mcp__s__environment")

    assert found == {"cwd": str(tmp_path), "greeting": "hi", "secret": ""}


async def test_a_list_of_tools_in_pages_is_read_to_its_end() -> None:
    async with open_mcp_tools({"s": false("with_three_pages")}) as tools:
        assert [tool.name for tool in tools] == ["page1", "page2", "page3", "media"]


async def test_a_server_that_knows_only_the_newest_protocol_is_spoken_to_in_it() -> None:
    async with open_mcp_tools({"s": false("without_the_handshake")}) as tools:
        assert await value(tools, "mcp__s__new") == [1, 2]
        assert await failure(tools, "mcp__s__ask") == "the tool asks its user for input, which a script cannot give"


async def test_without_servers_there_are_no_tools() -> None:
    async with open_mcp_tools({}) as tools:
        assert len(tools) == 0


# ── servers that do not start ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("server", "reason", "stderr"),
    [
        (StdioServer(command="no-such-program"), "it could not be started: [Errno 2] No such file", ""),
        (StdioServer(command=sys.executable, cwd="/no/such/place"), "it could not be started: [Errno 2]", ""),
        (StdioServer(command="a\0b"), "ValueError: embedded null byte", ""),
        (false("and_die"), "it ended with exit status 7", "the configuration has no such file\n"),
        (false("silently"), "it did not answer within 0.5 s", ""),
        (false("with_pages_without_end"), "it did not answer within 0.5 s", ""),
        (false("with_an_error"), "not today", ""),
        (false("with_an_unknown_version"), "RuntimeError: Unsupported protocol version", ""),
        (HttpServer(url="http://127.0.0.1:1/mcp"), "127.0.0.1: ", ""),
        (HttpServer(url="http://127.0.0.1:1/mcp", headers={"A": "ä"}), "UnicodeEncodeError: ", ""),
    ],
)
async def test_a_server_that_does_not_start_is_named_with_the_reason(
    server: StdioServer | HttpServer, reason: str, stderr: str, soon: Any
) -> None:
    is_late = "0.5 s" in reason
    servers = {"bad": server} if is_late else {"good": false(), "bad": server}
    with soon(), pytest.raises(McpServerUnavailable) as caught:
        async with open_mcp_tools(servers, start_timeout_s=0.5 if is_late else 30.0):
            pytest.fail("it started")

    error = caught.value
    assert (error.server, error.stderr) == ("bad", stderr)
    assert error.reason.startswith(reason)
    assert str(error).startswith(f"the MCP server 'bad' cannot be used: {error.reason}")
    assert isinstance(error, UsageError)


async def test_servers_start_side_by_side(tmp_path: Path, soon: Any) -> None:
    """Each of two waits for the other one's start."""
    program = PROGRAMS / "false_mcp_server.py"
    one, two = tmp_path / "one", tmp_path / "two"

    def waiting(mine: Path, others: Path) -> StdioServer:
        line = f"touch {mine}; until [ -e {others} ]; do sleep 0.01; done; exec {sys.executable} {program} well"
        return StdioServer(command="/bin/sh", args=("-c", line))

    with soon():
        async with open_mcp_tools({"one": waiting(one, two), "two": waiting(two, one)}) as tools:
            assert await value(tools, "mcp__one__echo", {"a": 1}) == {"a": 1}
            assert await value(tools, "mcp__two__echo", {"a": 2}) == {"a": 2}


async def test_two_servers_that_would_be_one_in_scripts_are_refused_before_any_starts(tmp_path: Path) -> None:
    note = tmp_path / "note"
    with pytest.raises(UsageError, match="'a-b' and 'a_b' would be one"):
        async with open_mcp_tools({"a-b": false("stubbornly", note), "a_b": false()}):
            pytest.fail("they started")
    assert not note.exists()


async def test_an_http_server_that_refuses_says_how() -> None:
    with (
        http_server() as (server, _),
        pytest.raises(McpServerUnavailable, match="cannot be used: HTTP 401 Unauthorized"),
    ):
        async with open_mcp_tools({"s": HttpServer(url=server.url)}):
            pytest.fail("it started")


async def test_what_the_block_raises_stays_itself() -> None:
    with pytest.raises(ZeroDivisionError):
        async with open_mcp_tools({"s": false()}):
            raise ZeroDivisionError


# ── tools that cannot be had as they are ──────────────────────────────────────────────────────────────────────


async def test_strange_tools_take_none_of_the_others_down(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "codemode"):
        async with open_mcp_tools({"s": false("with_strange_tools")}) as tools:
            names = [tool.name for tool in tools]
            description = tools["mcp__s__well"].definition.description
            unchecked = [tool.name for tool in tools if tool.definition.parameters == {"type": "object"}]

    assert names == ["well", "a_b", "gr__e___", "_9lives", "bad_type", "bad_ref", "a_list", "media"]
    assert description == "All is well"
    assert unchecked == ["well", "a_b", "gr__e___", "bad_type", "bad_ref", "a_list"]
    assert [message.split(":")[0] for message in caplog.messages] == [
        *["a tool of the MCP server 's' is left out, for it is not MCP"] * 2,
        *["a tool of the MCP server 's' is left out"] * 5,
        *["a tool of the MCP server 's' takes any object"] * 3,
    ]
    assert "the tools 'mcp/s/a-b' and 'mcp/s/a_b' would both be 'mcp__s__a_b'" in caplog.text


# ── servers that say what they should not ─────────────────────────────────────────────────────────────────────


async def test_noise_before_the_first_message_is_skipped(soon: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with soon():
        async with open_mcp_tools({"s": false("with_noise")}) as tools:
            assert await value(tools, "mcp__s__echo", {"a": 1}) == {"a": 1}

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("tool", "expected"),
    [("garbage", "after all"), ("surrogate", "a\ufffdb"), ("not_utf8", "a\ufffdb"), ("dribble", "drop by drop")],
)
async def test_an_answer_that_can_be_read_is_taken(tool: str, expected: str, soon: Any) -> None:
    async with open_mcp_tools({"s": false()}) as tools:
        with soon():
            assert await value(tools, f"mcp__s__{tool}") == expected
            assert await value(tools, "mcp__s__echo", {"a": 1}) == {"a": 1}


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ("no_object", "the call of the MCP server 's' failed: the answer cannot be read: it is no JSON-RPC answer"),
        ("no_result", "the MCP server 's' sent a result that is none: "),
        ("deep", "the call of the MCP server 's' failed: the answer cannot be read: nested deeper than 128 levels"),
        (
            "deep_with_its_id_last",
            "the call of the MCP server 's' failed: the answer cannot be read: nested deeper than 128 levels",
        ),
        ("error", "the call of the MCP server 's' failed: out of order"),
        ("false_close", "the call of the MCP server 's' failed: Connection closed"),
    ],
)
async def test_an_answer_that_is_no_good_fails_its_own_call_only(tool: str, message: str, soon: Any) -> None:
    async with open_mcp_tools({"s": false()}) as tools:
        with soon():
            assert (await failure(tools, f"mcp__s__{tool}")).startswith(message)
            assert await value(tools, "mcp__s__echo", {"a": 1}) == {"a": 1}


async def test_a_result_of_many_megabytes_comes_whole(soon: Any) -> None:
    async with open_mcp_tools({"s": false()}) as tools:
        with soon():
            assert await value(tools, "mcp__s__big", {"size": 10_000_000}) == "x" * 10_000_000
            too_large = await call(tools, "mcp__s__big", {"size": 20_000_000})

    assert too_large.error is not None
    assert too_large.error.code == "result_too_large"


async def test_a_line_without_end_loses_the_connection(monkeypatch: pytest.MonkeyPatch, soon: Any) -> None:
    monkeypatch.setattr(mcp_transports, "MAX_MESSAGE_BYTES", 3_000_000)
    async with open_mcp_tools({"s": false()}) as tools:
        with soon():
            assert "it sent a message longer than 3000000 bytes" in await failure(tools, "mcp__s__endless_line")
            assert await value(tools, "mcp__s__echo", {"a": 1}) == {"a": 1}


async def test_what_a_server_asks_is_answered_and_nothing_is_offered(soon: Any) -> None:
    async with open_mcp_tools({"s": false()}) as tools:
        with soon():
            answers = {each["id"]: each for each in (await value(tools, "mcp__s__ask"))["answers"]}

    assert answers["a"]["result"] == {}
    assert all("error" in answers[call_id] for call_id in "bcd")


async def test_a_server_that_asks_and_never_reads_delays_nobody_else(soon: Any) -> None:
    async with open_mcp_tools({"s": false(), "other": false()}) as tools:
        answered: list[Any] = []

        async def ask() -> None:
            answered.append(await value(tools, "mcp__s__ask_and_never_read"))

        with soon(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask)
                assert await value(tools, "mcp__other__echo", {"a": 1}) == {"a": 1}
                assert answered == []

    assert answered == ["enough"]


# ── servers that die ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("tool", "reason"),
    [
        ("crash", "it ended with exit status 3"),
        ("kill", "it was killed by signal 9"),
        ("hang_up", "it closed the connection"),
    ],
)
async def test_a_server_that_dies_fails_its_open_calls_and_the_next_call_starts_it_again(
    tool: str, reason: str, soon: Any
) -> None:
    lost = f"the MCP server 's' was lost before it answered: {reason}. What the call has done is not known"
    messages: list[str] = []
    async with open_mcp_tools({"s": false(), "other": false()}) as tools:

        async def fail(tool: str) -> None:
            messages.append(await failure(tools, tool))

        with soon():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fail, "mcp__s__hold")
                nursery.start_soon(fail, "mcp__s__hold")
                await value(tools, "mcp__s__echo")  # so they have arrived
                nursery.start_soon(fail, f"mcp__s__{tool}")
            assert messages == [lost] * 3
            assert await value(tools, "mcp__s__echo", {"a": 1}) == {"a": 1}
            assert await value(tools, "mcp__other__echo", {"a": 1}) == {"a": 1}


async def test_calls_of_a_server_that_does_not_come_back_share_one_attempt(
    tmp_path: Path, soon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = 0
    open_process = mcp_tools.open_process

    def counted(*arguments: Any) -> Any:
        nonlocal attempts
        attempts += 1
        return open_process(*arguments)

    monkeypatch.setattr(mcp_tools, "open_process", counted)
    messages: list[str] = []
    async with open_mcp_tools({"s": false("once", tmp_path / "note")}, start_timeout_s=2.0) as tools:

        async def fail() -> None:
            messages.append(await failure(tools, "mcp__s__echo"))

        with soon():
            await failure(tools, "mcp__s__crash")
            async with trio.open_nursery() as nursery:
                for _ in range(20):
                    nursery.start_soon(fail)

    assert set(messages) == {"the MCP server 's' cannot be used: it did not answer within 2 s"}
    assert attempts == 2


async def test_a_caller_that_gives_up_while_a_server_is_started_again_harms_no_other(soon: Any) -> None:
    values: list[Any] = []
    async with open_mcp_tools({"s": false()}) as tools:

        async def echo() -> None:
            values.append(await value(tools, "mcp__s__echo", {"a": 1}))

        await failure(tools, "mcp__s__crash")
        with soon():
            async with trio.open_nursery() as patient, trio.open_nursery() as impatient:
                for callers in (impatient, patient, impatient, patient):
                    callers.start_soon(echo)
                    await trio.testing.wait_all_tasks_blocked()
                impatient.cancel_scope.cancel()

    assert values == [{"a": 1}] * 2


async def test_a_block_that_ends_while_a_call_starts_its_server_again_ends_and_answers_it(
    tmp_path: Path, soon: Any
) -> None:
    messages: list[str] = []

    async def fail(tools: codemode.ToolRegistry) -> None:
        messages.append(await failure(tools, "mcp__s__echo"))

    with soon():
        async with trio.open_nursery() as nursery, open_mcp_tools({"s": false("once", tmp_path / "note")}) as tools:
            await failure(tools, "mcp__s__crash")
            nursery.start_soon(fail, tools)
            nursery.start_soon(fail, tools)
            await trio.testing.wait_all_tasks_blocked(0.1)

    assert messages == ["the MCP server 's' cannot be used: it has been closed"] * 2


async def test_an_http_server_that_dies_fails_its_calls_and_one_that_took_its_place_is_greeted_anew(soon: Any) -> None:
    messages: list[str] = []

    async def fail(tools: codemode.ToolRegistry) -> None:
        messages.append(await failure(tools, "mcp__s__pause", {"ms": 60_000, "name": "a"}))

    with http_server() as (server, process):
        async with open_mcp_tools({"s": server}) as tools:
            with soon(20):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(fail, tools)
                    nursery.start_soon(fail, tools)
                    await value(tools, "mcp__s__greet", {"name": "Ada"})
                    process.kill()
                assert len(messages) == 2
                message = await failure(tools, "mcp__s__greet", {"name": "Ada"})
                assert message.startswith("the call of the MCP server 's' failed: 127.0.0.1: ")
            process.wait()
            with http_server(int(server.url.split(":")[2].split("/")[0])), soon(20):
                assert "it has forgotten the session" in await failure(tools, "mcp__s__greet", {"name": "Ada"})
                assert await value(tools, "mcp__s__greet", {"name": "Ada"}) == "hello, Ada"


# ── what is left ──────────────────────────────────────────────────────────────────────────────────────────────


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("way", ["stubbornly", "and_leave_a_child"])
@pytest.mark.parametrize("how", ["end", "cancelled"])
async def test_no_process_of_a_server_outlives_the_block(
    way: str, how: str, tmp_path: Path, soon: Any, eventually: Any
) -> None:
    note = tmp_path / "note"
    with soon(), trio.CancelScope() as scope:
        async with open_mcp_tools({"s": false(way, note)}) as tools:
            await value(tools, "mcp__s__echo")
            if how == "cancelled":
                scope.cancel()
                await trio.sleep_forever()

    pids = [int(pid) for pid in note.read_text().split()]
    assert len(pids) == 2
    await eventually(lambda: not any(map(is_running, pids)))  # they have been killed, which takes them a moment


async def test_calls_that_are_open_at_the_end_are_answered_and_later_ones_too(soon: Any) -> None:
    messages: list[str] = []

    async def fail(tools: codemode.ToolRegistry) -> None:
        messages.append(await failure(tools, "mcp__s__hold"))

    with soon():
        async with trio.open_nursery() as nursery, open_mcp_tools({"s": false()}) as tools:
            nursery.start_soon(fail, tools)
            await value(tools, "mcp__s__echo")
    later = await failure(tools, "mcp__s__echo")

    assert messages == [
        "the MCP server 's' was lost before it answered: it has been closed. What the call has done is not known"
    ]
    assert later == "the MCP server 's' cannot be used: it has been closed"
