"""`codemode run` as a user starts it: what goes to stdout and to stderr, the JSON document, and the exit status."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import codemode

pytestmark = pytest.mark.usefixtures("nothing_is_left")

Run = Callable[..., subprocess.CompletedProcess[str]]

TOOLS = '''
import trio
from codemode import ToolRegistry

tools = ToolRegistry()

@tools.tool
async def double(n: int) -> int:
    """Twice n."""
    return 2 * n

@tools.tool
async def fail() -> None:
    """Raises."""
    raise RuntimeError("it went wrong")

@tools.tool
async def never() -> None:
    """Never answers."""
    await trio.sleep_forever()
'''
MORE_TOOLS = '''
from codemode import ToolRegistry

more = ToolRegistry()

@more.tool(namespace="more")
def triple(n: int) -> int:
    """Three times n."""
    return 3 * n

tools = more
'''

GUARDED_TOOLS = '''
from codemode import ToolRegistry

tools = ToolRegistry()

@tools.tool(destructive=True, approval="ask")
def wipe(path: str) -> str:
    """Deletes a file.

    For good.
    """
    return f"wiped {path}"

@tools.tool(read_only=True, approval="ask")
def look(path: str) -> str:
    return f"looked at {path}"

@tools.tool(approval="deny")
def never() -> None:
    """Is not to be called."""

@tools.tool(callers="direct")
def for_the_model() -> None:
    """Is not for scripts."""
'''

INTERRUPTED_TOOL = '''
import signal
from codemode import ToolRegistry

tools = ToolRegistry()

@tools.tool
async def interrupted() -> None:
    """Ctrl-C is pressed just now."""
    signal.raise_signal(signal.SIGINT)
'''


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `codemode run`, or another command, with these arguments, in a directory of its own."""
    (tmp_path / "tools.py").write_text(TOOLS)
    (tmp_path / "more_tools.py").write_text(MORE_TOOLS)
    (tmp_path / "guarded_tools.py").write_text(GUARDED_TOOLS)

    def run(*arguments: str, script: str | None = None, command: str = "run") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "codemode", command, *arguments],
            cwd=tmp_path,
            input=script,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run


def test_code_given_with_e_runs_and_its_output_is_all_that_stands_on_stdout(run: Run) -> None:
    done = run("-e", "text('a'); text({ b: 1 })")

    assert (done.returncode, done.stdout, done.stderr) == (0, 'a\n{"b":1}\n', "")


def test_a_script_comes_from_a_file_or_from_standard_input(run: Run, tmp_path: Path) -> None:
    (tmp_path / "script.js").write_bytes("\ufefftext('from a file: 😀')".encode())

    assert run("script.js").stdout == "from a file: 😀\n"
    assert run("-", script="text('from standard input: 😀')").stdout == "from standard input: 😀\n"


def test_the_tools_of_several_places_are_there_together(run: Run) -> None:
    done = run(
        *("--tools", "tools.py", "--tools", "more_tools:more"),
        *("-e", "import { triple } from 'tools/more.js'; text(await tools.double({ n: 2 }) + await triple({ n: 3 }))"),
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "13\n", "")


def test_the_console_goes_to_stderr(run: Run) -> None:
    done = run("-e", "console.log('logged', { a: 1 }); console.error('wrong'); text('said')")

    assert (done.returncode, done.stdout, done.stderr) == (0, "said\n", "[log] logged { a: 1 }\n[error] wrong\n")


def test_notes_and_progress_go_to_stderr(run: Run, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "from codemode import ToolContext, ToolRegistry\n"
        "tools = ToolRegistry()\n"
        "@tools.tool\n"
        "async def copy(ctx: ToolContext) -> None:\n"
        '    ctx.progress("half way")\n'
    )
    done = run("-e", "notify('begun'); await tools.copy(); text('done')", "--tools", "slow.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "[note] begun\n[copy] half way\n")


def test_output_and_console_are_shown_while_the_script_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "codemode", "run", "-e", "text('said'); console.log('logged'); for (;;) {}"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "said\n"
        assert process.stderr.readline() == "[log] logged\n"
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130


def test_events_are_told_on_stderr_a_json_object_a_line(run: Run) -> None:
    done = run("-e", "text('a'); console.log('c'); await tools.double({ n: 2 })", "--tools", "tools.py", "--events")

    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.stdout == "a\n"
    assert [event["type"] for event in events] == [
        "cell_started",
        "output",
        "console",
        "call_started",
        "call_settled",
        "cell_ended",
    ]
    assert events[1]["item"] == {"type": "text", "text": "a"}
    assert {key: value for key, value in events[4].items() if key != "at_ms"} == {
        "type": "call_settled",
        "cell_id": "1",
        "call_id": "1-1",
        "tool": "double",
        "status": "ok",
        "code": None,
    }


def test_a_ts_file_is_typescript_from_the_start(run: Run, tmp_path: Path) -> None:
    """`f(a<b, c>(d))` is two comparisons in JavaScript, and one generic call in TypeScript."""
    script = "const f = (...given) => text(given.length), a = () => 1, b = 2, c = 0, d = 1; f(a<b, c>(d))"
    for name in ("script.js", "script.ts", "script.mts"):
        (tmp_path / name).write_text(script)
    assert [run(name).stdout for name in ("script.js", "script.ts", "script.mts")] == ["2\n", "1\n", "1\n"]


def test_a_store_keeps_values_from_run_to_run(run: Run, tmp_path: Path) -> None:
    count = "store('n', (load('n') ?? 0) + 1); text(load('n'))"
    assert [run("-e", count, "--store", "values.db").stdout for _ in range(3)] == ["1\n", "2\n", "3\n"]
    (tmp_path / "no.db").write_text("no database" * 100)
    refused = run("-e", count, "--store", "no.db")
    assert (refused.returncode, refused.stderr) == (
        2,
        "codemode: the store 'no.db' cannot be used: file is not a database\n",
    )


def test_the_tools_of_an_mcp_server_are_there(run: Run, tmp_path: Path) -> None:
    server = Path(__file__).parent / "programs" / "ordinary_mcp_server.py"
    config = {"mcpServers": {"plain": {"command": sys.executable, "args": [str(server)]}}}
    (tmp_path / "servers.json").write_text(json.dumps(config))
    done = run("-e", "text(ALL_TOOLS.some((tool) => tool.module === 'tools/mcp/plain.js'))", "--mcp", "servers.json")
    assert (done.returncode, done.stdout) == (0, "true\n")
    config["mcpServers"]["plain"]["command"] = "no-such-program"
    (tmp_path / "servers.json").write_text(json.dumps(config))
    refused = run("-e", "1", "--mcp", "servers.json")
    assert refused.returncode == 2
    assert refused.stderr.startswith("codemode: the MCP server 'plain'")


def test_a_script_that_fails_says_why_on_stderr_and_keeps_its_output(run: Run) -> None:
    done = run("-e", "text('said');\nthrow new Error('x')")

    assert (done.returncode, done.stdout) == (1, "said\n")
    assert done.stderr == "script_error: Error: x\n    at cell-1.js:2:7\n"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("text(1)", 0),
        ("exit()", 0),
        ("throw 1", 1),
        ("let a = ;", 1),
        ("import 'nope.js'", 1),
        ("await new Promise(() => {})", 1),
        ("await tools.fail()", 1),
        ("'a'.repeat(2 ** 27).match(/a/g)", 3),
        ("for (;;) text('x'.repeat(2 ** 20))", 3),
        ("for (;;) setTimeout(() => {}, 1000)", 3),
        ("/*" + " " * 2**17 + "*/ text(1)", 0),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_exit_status_says_how_the_script_ended(run: Run, code: str, status: int) -> None:
    assert run("--tools", "tools.py", "-", script=code).returncode == status


@pytest.mark.parametrize("spin", ["for (;;) await null", "for (;;) {}", "await tools.never()"])
def test_the_timeout_ends_a_script_with_status_3_and_its_earlier_output_is_kept(run: Run, spin: str) -> None:
    began_s = time.monotonic()
    done = run("--timeout", "3", "--tools", "tools.py", "-e", f"text('said'); console.log('logged'); {spin}")

    assert (done.returncode, done.stdout) == (3, "said\n")
    assert done.stderr == "[log] logged\nwall_limit: the script ran for longer than 3 s\n"
    assert 3 <= time.monotonic() - began_s < 8


def test_a_machine_that_gives_no_worker_ends_with_status_4(run: Run, tmp_path: Path) -> None:
    (tmp_path / "no_interpreter.py").write_text(
        "import sys\nfrom codemode import ToolRegistry\n"
        "tools = ToolRegistry()\nsys.executable = '/nonexistent/python'\n"
    )

    done = run("--tools", "no_interpreter.py", "--json", "-e", "text(1)")

    document = json.loads(done.stdout)
    assert done.returncode == 4
    assert (document["status"], document["error"]["code"], document["items"]) == ("failed", "worker_unavailable", [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "one of the arguments SCRIPT -e is required"),
        (["script.js", "-e", "1"], "not allowed with argument"),
        (["missing.js"], "missing.js"),
        (["-e", "1", "--timeout", "0"], "--timeout"),
        (["-e", "1", "--timeout", "soon"], "--timeout"),
        (["-e", "1", "--max-output-tokens", "-1"], "--max-output-tokens"),
        (["-e", "1", "--tools", "missing.py"], "missing.py"),
        (["-e", "1", "--tools", "missing_module:tools"], "missing_module"),
        (["-e", "1", "--tools", "more_tools:less"], "less"),
        (["-e", "1", "--tools", "tools"], "FILE.py or MODULE:ATTR"),
        (["-e", "1", "--tools", "tools.py", "--tools", "tools.py"], "double"),
        (["-e", "1", "--no-such-option"], "--no-such-option"),
    ],
)
def test_wrong_usage_ends_with_status_2_and_says_what_is_wrong(run: Run, arguments: list[str], says: str) -> None:
    done = run(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_tools_file_that_raises_is_wrong_usage_and_its_own_traceback_is_shown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('broken here')")

    done = run("-e", "1", "--tools", "broken.py")

    assert (done.returncode, done.stdout) == (2, "")
    assert "RuntimeError: broken here" in done.stderr


def test_the_json_document_has_exactly_its_fields(run: Run) -> None:
    done = run(
        *("--json", "--tools", "tools.py", "-e"),
        "text('said'); image('https://example.org/a.png'); image('data:,', 'low'); console.log('logged');\n"
        "text(await tools.double({ n: 21 })); tools.never();\nawait tools.fail()",
    )

    document = json.loads(done.stdout)
    double, never, fail = document["calls"]
    assert (done.returncode, done.stderr) == (1, "")
    assert document == {
        "status": "failed",
        "cell_id": "1",
        "items": [
            {"type": "text", "text": "said"},
            {"type": "image", "image_url": "https://example.org/a.png"},
            {"type": "image", "image_url": "data:,", "detail": "low"},
            {"type": "text", "text": "42"},
        ],
        "error": {
            "code": "script_error",
            "message": "ToolError: RuntimeError: it went wrong",
            "stack": "ToolError: RuntimeError: it went wrong\n    at async cell-1.js:3:1",
            "line": 3,
            "column": 1,
        },
        "calls": [
            call("1-1", "double", "ok", None, double),
            call("1-2", "never", "cancelled", "cancelled", never),
            call("1-3", "fail", "error", "tool_failed", fail),
        ],
        "logs": [{"level": "log", "text": "logged"}],
        "wall_time_s": document["wall_time_s"],
    }
    assert isinstance(document["wall_time_s"], float)
    for each in document["calls"]:
        assert 0 <= each["started_ms"] <= each["ended_ms"]


def call(call_id: str, tool: str, status: str, code: str | None, times: dict[str, Any]) -> dict[str, Any]:
    return {
        "call_id": call_id,
        "tool": tool,
        "status": status,
        "code": code,
        "started_ms": times["started_ms"],
        "ended_ms": times["ended_ms"],
    }


def test_the_json_document_of_a_script_that_completed_has_no_error(run: Run) -> None:
    done = run("--json", "-e", "text('a\\u2028\\ud83d\\ude00')")

    document = json.loads(done.stdout)
    wall_time_s = document.pop("wall_time_s")
    assert done.stdout.count("\n") == 1
    assert wall_time_s > 0
    assert document == {
        "status": "completed",
        "cell_id": "1",
        "items": [{"type": "text", "text": "a\u2028😀"}],
        "error": None,
        "calls": [],
        "logs": [],
    }


def test_the_output_is_cut_only_where_a_budget_is_given(run: Run) -> None:
    code = "text('x'.repeat(100_000))"

    assert run("-e", code).stdout == "x" * 100_000 + "\n"
    assert run("--max-output-tokens", "10", "-e", code).stdout == (
        "Warning: truncated output (original token count: 25000)\nTotal output lines: 1\n\n"
        + "x" * 20
        + "…24990 tokens truncated…"
        + "x" * 20
        + "\n"
    )


def test_a_call_without_a_matching_tool_names_those_that_come_near(run: Run) -> None:
    done = run("--tools", "tools.py", "-e", "await tools.dubble({ n: 1 })")

    assert done.returncode == 1
    assert "ToolError" in done.stderr
    assert "double" in done.stderr


def test_an_interrupt_that_meets_a_tool_ends_the_run_and_its_worker(run: Run, tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(INTERRUPTED_TOOL)

    done = run("--tools", "interrupted.py", "-e", "await tools.interrupted(); for (;;) {}")

    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_and_the_mcp_servers_that_it_started(tmp_path: Path, number: signal.Signals) -> None:
    stubborn = (
        "import os, pathlib, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "pathlib.Path('pid').write_text(str(os.getpid())); exec(open(sys.argv[1]).read())"
    )
    program = Path(__file__).parent / "programs" / "ordinary_mcp_server.py"
    config = {"mcpServers": {"plain": {"command": sys.executable, "args": ["-c", stubborn, str(program)]}}}
    (tmp_path / "servers.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "codemode", "run", "-e", "text('up'); for (;;) {}", "--mcp", "servers.json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        assert process.wait(timeout=20) == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_the_command_is_installed_and_says_its_version() -> None:
    command = Path(sys.executable).with_name("codemode")
    done = subprocess.run([command, "--version"], capture_output=True, encoding="utf-8", timeout=30, check=True)

    assert done.stdout == f"codemode {codemode.__version__}\n"


def test_tools_prints_what_a_model_is_told(run: Run) -> None:
    done = run("--tools", "tools.py", "--tools", "more_tools:more", command="tools")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# exec\n\nRuns JavaScript")
    assert "  // tools.js\n  /** Twice n. */\n  double(args: { n: number /* integer */ })" in done.stdout
    assert "  // tools/more.js\n" in done.stdout
    assert "\n# wait\n\n" in done.stdout


def test_tools_prints_the_request_of_a_provider(run: Run) -> None:
    specs = json.loads(run("--tools", "tools.py", "--format", "anthropic", command="tools").stdout)

    assert [(spec["name"], list(spec)) for spec in specs] == [
        ("exec", ["name", "description", "input_schema"]),
        ("wait", ["name", "description", "input_schema"]),
    ]


def test_tools_keeps_to_a_budget(run: Run) -> None:
    done = run("--tools", "tools.py", "--max-tokens", "0", command="tools")

    assert "double(" not in done.stdout
    assert "tell the rest:\nand 3 more\n" in done.stdout


def test_tools_prints_the_tools_themselves(run: Run) -> None:
    tools = json.loads(run("--tools", "more_tools:more", "--format", "json", command="tools").stdout)

    assert tools == [
        {
            "identifier": "more__triple",
            "module": "tools/more.js",
            "name": "triple",
            "description": "Three times n.",
            "parameters": {
                "type": "object",
                "properties": {"n": {"type": "integer"}},
                "required": ["n"],
                "additionalProperties": False,
            },
            "output_schema": {"type": "integer"},
            "read_only": False,
            "destructive": False,
            "freeform": False,
            "callers": ["direct", "code"],
            "declaration": "declare const tools: {\n  /** Three times n. */\n"
            "  more__triple(args: { n: number /* integer */ }): Promise<number /* integer */>;\n};",
        }
    ]


def test_tools_tells_the_model_nothing_of_tools_that_are_not_for_scripts(run: Run) -> None:
    told = run("--tools", "guarded_tools.py", command="tools").stdout

    assert "wipe(" in told
    assert "for_the_model" not in told


@pytest.mark.parametrize("command", ["tools", "serve"])
def test_wrong_tools_are_wrong_usage_of_every_command(run: Run, command: str) -> None:
    done = run("--tools", "missing.py", command=command)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "codemode: --tools missing.py: there is no such file\n"


def test_an_unknown_form_is_wrong_usage(run: Run) -> None:
    done = run("--format", "gpt", command="tools")

    assert (done.returncode, done.stdout) == (2, "")
    assert "invalid choice: 'gpt'" in done.stderr


def test_a_server_whose_client_says_nothing_ends_in_peace(run: Run) -> None:
    done = run("--tools", "tools.py", command="serve", script="")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1", "127.0.0.1 is not HOST:PORT"),
        ("127.0.0.1:99999", "is not HOST:PORT"),
        ("192.0.2.1:80", "cannot listen"),
    ],
)
def test_an_address_that_cannot_be_had_is_wrong_usage(run: Run, address: str, said: str) -> None:
    done = run("--http", address, command="serve")

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


# ── calls that need an approval ───────────────────────────────────────────────────────────────────────────────

SEVERAL = """
const said = (await Promise.allSettled([tools.wipe({ path: "a" }), tools.look({ path: "b" }), tools.never()]))
  .map(({ value, reason }) => value ?? `${reason.code}: ${reason.message}`);
said.forEach(text);
"""
NEVER = "denied: the call was denied: its policy does not allow it"


@pytest.mark.parametrize(
    ("approve", "said"),
    [
        (["--approve", "all"], ["wiped a", "looked at b", NEVER]),
        (
            [],
            ["denied: the call was denied: it needs an approval, and there is no terminal to ask at; "
             "codemode run --approve all makes such calls unasked"] * 2 + [NEVER],
        ),
    ],
)  # fmt: skip
def test_without_a_terminal_calls_that_need_an_approval_are_made_or_denied_as_the_command_line_says(
    run: Run, approve: list[str], said: list[str]
) -> None:
    done = run("--tools", "guarded_tools.py", *approve, "-e", SEVERAL)

    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, said, "")


def test_events_tell_who_was_asked_and_what_was_decided(run: Run) -> None:
    done = run("--tools", "guarded_tools.py", "--approve", "none", "--events", "-e", SEVERAL)
    told = [event for line in done.stderr.splitlines() if "approval" in (event := json.loads(line))["type"]]

    why = "it needs an approval, and the command line says --approve none"
    assert done.stdout.splitlines() == [f"denied: the call was denied: {why}"] * 2 + [NEVER]
    assert sorted((event["type"], event["tool"], event.get("is_allowed"), event.get("reason")) for event in told) == [
        ("approval_asked", "look", None, None),
        ("approval_asked", "wipe", None, None),
        ("approval_decided", "look", False, why),
        ("approval_decided", "wipe", False, why),
    ]


LEADER = "import os, sys; os.open(os.ttyname(0), os.O_RDWR); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
"""Makes the terminal that it was given that of its session, as a shell has it, and becomes another program."""


class AtTerminal:
    """A `codemode run` that was started at a terminal, and the person there."""

    def __init__(self, cwd: Path, *arguments: str) -> None:
        self._terminal, its = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", LEADER, "-m", "codemode", "run", *arguments],
            cwd=cwd,
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
        )
        os.close(its)
        self._unread = ""

    def until(self, text: str) -> str:
        """What the terminal shows up to this text, and with it."""
        while text not in self._unread:
            ready, _, _ = select.select([self._terminal], [], [], 30)
            assert ready, f"{text!r} does not come after {self._unread!r}"
            self._unread += os.read(self._terminal, 4096).decode()
        shown, _, self._unread = self._unread.replace("\r\n", "\n").partition(text)
        return shown + text

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def end(self) -> tuple[str, int]:
        """What is shown at last, and the exit status."""
        with contextlib.suppress(OSError):  # Linux tells so that nobody holds the other side
            while data := os.read(self._terminal, 4096):
                self._unread += data.decode()
        return self._unread.replace("\r\n", "\n"), self._process.wait(30)

    def leave(self) -> None:
        """Whatever still runs is ended."""
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)


@pytest.fixture
def at_terminal(run: Run, tmp_path: Path) -> Iterator[Callable[..., AtTerminal]]:
    """Starts `codemode run` at a terminal, in the directory where the tools are."""
    with contextlib.ExitStack() as opened:

        def start(*arguments: str) -> AtTerminal:
            terminal = AtTerminal(tmp_path, *arguments)
            opened.callback(terminal.leave)
            return terminal

        yield start


PROMPT = "[a]ll, [n]one, the numbers to allow (1 3), ? to see them whole, or why not: "


def test_at_a_terminal_all_calls_that_wait_are_asked_about_in_one_list(at_terminal: Callable[..., AtTerminal]) -> None:
    path = "a\x1b[2K" + "b" * 200
    terminal = at_terminal("--tools", "guarded_tools.py", "-e", SEVERAL.replace('"a"', json.dumps(path)))

    question = terminal.until(PROMPT)
    assert question.splitlines()[:-1] == [
        "codemode: 2 calls wait for your approval",
        f'  1. wipe({{"path": "a\\u001b[2K{"b" * 38}… 222 characters)  [destructive]',
        "     Deletes a file.",
        '  2. look({"path": "b"})  [read-only]',
    ]
    terminal.type("?\n")
    assert "b" * 200 in terminal.until(PROMPT)
    terminal.type("3\n")
    assert "the calls have the numbers 1 to 2" in terminal.until(PROMPT)
    terminal.type("2\n")

    shown, status = terminal.end()
    assert shown.splitlines() == ["2", "denied: the call was denied: it was not approved", "looked at b", NEVER]
    assert status == 0


def test_a_question_whose_call_has_gone_vanishes_and_what_was_typed_by_then_answers_no_other(
    at_terminal: Callable[..., AtTerminal],
) -> None:
    terminal = at_terminal(
        *("--tools", "guarded_tools.py", "-e"),
        """
        const gone = new AbortController();
        console.log(await Promise.all([
          tools.wipe({ path: "a" }, { signal: gone.signal }).catch(({ code }) => code),
          sleep(300).then(() => gone.abort()),
        ]).then(([code]) => code));
        await tools.wipe({ path: "b" });
        """,
    )
    prompt = "[a]llow it, [n]o, ? to see it whole, or why not: "

    terminal.until(prompt)
    terminal.type("a")  # and no more, for the question vanishes
    assert "nothing waits for that answer any more" in terminal.until('1. wipe({"path": "b"})')
    terminal.until(prompt)
    terminal.type("not this one, thanks\n")

    shown, status = terminal.end()
    assert "script_error: ToolError: the call was denied: not this one, thanks\n" in shown
    assert status == 1


@pytest.mark.parametrize(("key", "says", "expected"), [("\x04", "nobody answered", 1), ("\x03", "", 130)])
def test_who_is_asked_may_leave_the_question_or_the_whole_program(
    at_terminal: Callable[..., AtTerminal], key: str, says: str, expected: int
) -> None:
    terminal = at_terminal("--tools", "guarded_tools.py", "-e", "await tools.wipe({ path: 'a' })")
    terminal.until("or why not: ")
    terminal.type(key)

    shown, status = terminal.end()
    assert says in shown
    assert status == expected


def test_a_reader_that_has_seen_enough_is_no_fault(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "codemode", "tools"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        assert listing.stdout is not None
        listing.stdout.close()
        assert listing.stderr is not None
        assert (listing.stderr.read(), listing.wait(30)) == (b"", 0)
