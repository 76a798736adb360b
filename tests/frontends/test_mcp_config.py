"""The configuration of MCP servers: what is read from it, and what is said of each fault."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from codemode.errors import UsageError
from codemode.frontends.mcp_config import HttpServer, StdioServer, load_mcp_config


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes a configuration: text, or a value as JSON."""

    def write(content: Any) -> Path:
        path = tmp_path / "mcp.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return path

    return write


def test_servers_of_both_kinds_are_read_in_their_order(written: Any) -> None:
    path = written(
        {
            "mcpServers": {
                "wiki": {"type": "http", "url": "https://wiki.example/mcp", "headers": {"X-Key": "k"}},
                "files": {"command": "uvx", "args": ["mcp-files", "/srv"], "env": {"A": "1"}, "cwd": "/srv"},
                "plain": {"command": "server"},
                "old": {"command": "server", "disabled": True},
                "typed": {"type": "stdio", "command": "server", "args": [], "cwd": None},
                "streamed": {"type": "streamable-http", "url": "http://127.0.0.1:1/mcp"},
            },
            "theme": "dark",
        }
    )

    servers = load_mcp_config(path)

    assert list(servers.items()) == [
        ("wiki", HttpServer(url="https://wiki.example/mcp", headers={"X-Key": "k"})),
        ("files", StdioServer(command="uvx", args=("mcp-files", "/srv"), env={"A": "1"}, cwd="/srv")),
        ("plain", StdioServer(command="server")),
        ("typed", StdioServer(command="server")),
        ("streamed", HttpServer(url="http://127.0.0.1:1/mcp")),
    ]


def test_a_configuration_may_begin_with_a_byte_order_mark_and_name_no_server(written: Any) -> None:
    assert load_mcp_config(written('\ufeff{"mcpServers": {}}')) == {}


def test_a_policy_stands_beside_the_way_to_its_server(written: Any) -> None:
    path = written(
        {
            "mcpServers": {
                "a": {"command": "c", "approval": "ask", "timeout_s": 2.5, "max_concurrency": 4},
                "b": {"url": "http://h", "approval": "deny", "timeout_s": 30},
                "c": {"command": "c", "approval": None, "timeout_s": None, "max_concurrency": None},
            }
        }
    )

    assert load_mcp_config(path) == {
        "a": StdioServer(command="c", approval="ask", timeout_s=2.5, max_concurrency=4),
        "b": HttpServer(url="http://h", approval="deny", timeout_s=30),
        "c": StdioServer(command="c"),
    }


def test_variables_of_the_environment_are_put_in_everywhere(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "t0ken")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("NOWHERE", raising=False)
    path = written(
        {
            "mcpServers": {
                "a": {
                    "command": "${TOKEN}/bin",
                    "args": ["--key=${TOKEN}${TOKEN}", "$TOKEN ${} ${NOWHERE:-}|${NOWHERE:-a b}|${EMPTY:-x}"],
                    "env": {"K": "${env:TOKEN}"},
                    "cwd": "/${TOKEN}",
                },
                "b": {"url": "https://${NOWHERE:-h}/mcp", "headers": {"Authorization": "Bearer ${TOKEN}"}},
            }
        }
    )

    assert load_mcp_config(path) == {
        "a": StdioServer(
            command="t0ken/bin", args=("--key=t0kent0ken", "$TOKEN ${} |a b|"), env={"K": "t0ken"}, cwd="/t0ken"
        ),
        "b": HttpServer(url="https://h/mcp", headers={"Authorization": "Bearer t0ken"}),
    }


def test_secrets_are_not_shown() -> None:
    servers = [StdioServer(command="c", env={"K": "s3cret"}), HttpServer(url="http://h", headers={"K": "s3cret"})]

    assert "s3cret" not in repr(servers)


def one(entry: Any) -> dict[str, Any]:
    return {"mcpServers": {"s": entry}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "the MCP configuration is not JSON: Expecting property name"),
        ("[" * 100_000, "the MCP configuration is not JSON: "),
        ([], "the configuration: expected an object, got []"),
        ({"servers": {}}, 'expected an object {"mcpServers": {NAME: {…}}}; there is no key mcpServers'),
        ({"mcpServers": []}, "mcpServers: expected an object, got []"),
        (one("uvx"), 'mcpServers.s: expected an object, got "uvx"'),
        (one({}), "mcpServers.s: expected either command (a program to start) or url (streamable HTTP)"),
        (
            one({"command": "a", "url": "http://h"}),
            "mcpServers.s: expected either command (a program to start) or url (streamable HTTP)",
        ),
        (one({"command": 5}), "mcpServers.s.command: expected a string, got 5"),
        (one({"command": ""}), "mcpServers.s.command: expected a program to start, got an empty string"),
        (one({"command": "a", "args": "b"}), 'mcpServers.s.args: expected a list of strings, got "b"'),
        (one({"command": "a", "args": ["b", 1]}), "mcpServers.s.args[1]: expected a string, got 1"),
        (one({"command": "a", "env": ["b"]}), 'mcpServers.s.env: expected an object, got ["b"]'),
        (one({"command": "a", "env": {"K": 1}}), "mcpServers.s.env.K: expected a string, got 1"),
        (one({"command": "a", "cwd": 1}), "mcpServers.s.cwd: expected a string, got 1"),
        (one({"command": "a", "disabled": "no"}), 'mcpServers.s.disabled: expected true or false, got "no"'),
        (
            one({"command": "a", "args": ["${NOWHERE}"]}),
            "mcpServers.s.args[0]: the environment has no variable NOWHERE",
        ),
        (one({"url": "ftp://h"}), "mcpServers.s.url: expected a URL that begins with http:// or https://"),
        (one({"url": "http://h", "headers": {"K": None}}), "mcpServers.s.headers.K: expected a string, got null"),
        (
            one({"type": "sse", "url": "http://h"}),
            "mcpServers.s.type: expected 'stdio' or 'http' (streamable HTTP), got \"sse\"",
        ),
        (one({"type": "stdio", "url": "http://h"}), "mcpServers.s.type: 'stdio' does not go with url"),
        (one({"type": "http", "command": "a"}), "mcpServers.s.type: 'http' does not go with command"),
        (
            one({"command": "a", "approval": "always"}),
            "mcpServers.s.approval: expected 'allow', 'ask' or 'deny', got \"always\"",
        ),
        (one({"command": "a", "approval": ["ask"]}), "mcpServers.s.approval: expected 'allow', 'ask' or 'deny'"),
        (
            one({"url": "http://h", "timeout_s": 0}),
            "mcpServers.s.timeout_s: expected a number of seconds, more than 0, got 0",
        ),
        (one({"command": "a", "timeout_s": "5"}), "mcpServers.s.timeout_s: expected a number of seconds, more than 0"),
        (one({"command": "a", "timeout_s": True}), "mcpServers.s.timeout_s: expected a number of seconds"),
        ('{"mcpServers": {"s": {"command": "a", "timeout_s": Infinity}}}', "timeout_s: expected a number of seconds"),
        (
            one({"command": "a", "max_concurrency": 0}),
            "mcpServers.s.max_concurrency: expected a whole number, at least 1, got 0",
        ),
        (one({"command": "a", "max_concurrency": 2.0}), "mcpServers.s.max_concurrency: expected a whole number"),
        ({"mcpServers": {"": {"command": "a"}}}, "has a part without a name"),
        (
            {"mcpServers": {"my-wiki": {"command": "a"}, "my_wiki": {"command": "b"}}},
            "the MCP servers 'my-wiki' and 'my_wiki' would be one in a script; rename one",
        ),
    ],
)
def test_a_fault_is_told_with_the_file_the_key_and_what_is_expected(
    content: Any, message: str, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    path = written(content)

    with pytest.raises(UsageError) as caught:
        load_mcp_config(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"mcp\.json: the MCP configuration cannot be read: No such file"):
        load_mcp_config(tmp_path / "mcp.json")


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes(b'{"mcpServers": {"\xff": {}}}')

    with pytest.raises(UsageError, match="not JSON: 'utf-8' codec"):
        load_mcp_config(path)


def test_a_key_that_has_no_effect_is_logged(written: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "codemode"):
        load_mcp_config(written(one({"command": "a", "arguments": ["b"]})))

    assert caplog.messages == [
        "mcpServers.s: the key 'arguments' is not known and has no effect; known keys: command, args, env, cwd, "
        "approval, timeout_s, max_concurrency"
    ]


def test_what_other_clients_keep_there_about_approvals_is_told_to_have_no_effect(
    written: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "codemode"):
        servers = load_mcp_config(written(one({"url": "http://h", "alwaysAllow": ["a"], "autoApprove": ["b"]})))

    assert servers == {"s": HttpServer(url="http://h")}
    assert sorted(message.split()[3] for message in caplog.messages) == ["'alwaysAllow'", "'autoApprove'"]
