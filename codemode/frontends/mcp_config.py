"""Which MCP servers there are and how each is reached: `{"mcpServers": {NAME: {…}}}`, as other MCP clients read it too.

    {"mcpServers": {
      "files": {"command": "uvx", "args": ["mcp-files", "/srv"], "env": {"TOKEN": "${FILES_TOKEN}"}, "cwd": "/srv"},
      "wiki": {"url": "https://wiki.example/mcp", "headers": {"Authorization": "Bearer ${WIKI_TOKEN:-none}"},
               "approval": "ask", "timeout_s": 30, "max_concurrency": 4}
    }}

`approval` (`allow`, `ask` or `deny`), `timeout_s` and `max_concurrency` are ours: a policy for all tools of a server.
`${NAME}` (or `${env:NAME}`) in a value is that variable of our environment, and `${NAME:-text}` is the text where there
is no such variable. A server with `"disabled": true` is left out.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from codemode.errors import UsageError
from codemode.host.identifiers import script_name
from codemode.host.policy import Decision

_log = logging.getLogger("codemode")

_VARIABLE = re.compile(r"\$\{(?:env:)?(\w+)(?::-([^}]*))?\}")
_STDIO_KEYS = ("command", "args", "env", "cwd")
_HTTP_KEYS = ("url", "headers")
_POLICY_KEYS = ("approval", "timeout_s", "max_concurrency")
_HTTP_TYPES = ("http", "streamable-http", "streamable_http", "streamableHttp")
"""What clients call the transport that the MCP specification names streamable HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPolicy:
    """What holds for the calls of a server's tools."""

    approval: Decision = "allow"
    """What becomes of each call. See `ToolDefinition.approval`."""
    timeout_s: float | None = None
    """Seconds that each call may take; None: as long as it takes."""
    max_concurrency: int | None = None
    """Calls that may run at a time, of all its tools together; None: any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StdioServer(ServerPolicy):
    """A server that is started as a child process, and spoken to by its stdin and stdout."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Beside the few harmless variables of ours that a server is given. Out of sight in logs, for it holds secrets."""
    cwd: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpServer(ServerPolicy):
    """A server that runs somewhere, and is spoken to by streamable HTTP."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with each request. Out of sight in logs, for they hold secrets."""


McpServer = StdioServer | HttpServer


def load_mcp_config(path: str | os.PathLike[str]) -> dict[str, McpServer]:
    """The servers of a configuration file, by their names.

    Raises:
        UsageError: the file cannot be read, or is not such a configuration: names the file, the key, and what is
            expected there.
    """
    path = Path(path)
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: the MCP configuration cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: the MCP configuration is not JSON: {error}") from error
    try:
        return _servers(document)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def check_server_names(servers: Mapping[str, McpServer]) -> None:
    """Refuses names that scripts could not use, or could not tell apart.

    Raises:
        UsageError: says which.
    """
    taken: dict[str, str] = {}
    for name in servers:
        identifier = script_name("tool", ("mcp", name)).identifier
        if identifier in taken:
            raise UsageError(f"the MCP servers {taken[identifier]!r} and {name!r} would be one in a script; rename one")
        taken[identifier] = name


def _servers(document: Any) -> dict[str, McpServer]:
    entries = _object(document, "the configuration").get("mcpServers")
    if entries is None:
        raise UsageError('expected an object {"mcpServers": {NAME: {…}}}; there is no key mcpServers')
    servers: dict[str, McpServer] = {}
    for name, entry in _object(entries, "mcpServers").items():
        where = f"mcpServers.{name}"
        if not _is_disabled(_object(entry, where), where):
            servers[name] = _server(entry, where)
    check_server_names(servers)
    return servers


def _server(entry: dict[str, Any], where: str) -> McpServer:
    kind = entry.get("type")
    if kind not in (None, "stdio", *_HTTP_TYPES):
        raise UsageError(f"{where}.type: expected 'stdio' or 'http' (streamable HTTP), got {_shown(kind)}")
    if ("command" in entry) == ("url" in entry):
        raise UsageError(f"{where}: expected either command (a program to start) or url (streamable HTTP)")
    if kind is not None and (kind == "stdio") != ("command" in entry):
        raise UsageError(f"{where}.type: {kind!r} does not go with {'command' if 'command' in entry else 'url'}")
    known = (*(_STDIO_KEYS if "command" in entry else _HTTP_KEYS), *_POLICY_KEYS)
    for key in entry.keys() - {*known, "type", "disabled"}:
        _log.warning("%s: the key %r is not known and has no effect; known keys: %s", where, key, ", ".join(known))
    if "command" in entry:
        command = _text(entry["command"], f"{where}.command")
        if not command:
            raise UsageError(f"{where}.command: expected a program to start, got an empty string")
        return StdioServer(
            command=command,
            args=tuple(_text(each, f"{where}.args[{i}]") for i, each in enumerate(_list(entry, "args", where))),
            env=_texts(entry, "env", where),
            cwd=None if entry.get("cwd") is None else _text(entry["cwd"], f"{where}.cwd"),
            **_policy(entry, where),
        )
    url = _text(entry["url"], f"{where}.url")
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"{where}.url: expected a URL that begins with http:// or https://, got {_shown(url)}")
    return HttpServer(url=url, headers=_texts(entry, "headers", where), **_policy(entry, where))


def _policy(entry: dict[str, Any], where: str) -> dict[str, Any]:
    """What the entry says of the fields of `ServerPolicy`."""
    approval, timeout_s, max_concurrency = given = [entry.get(key) for key in _POLICY_KEYS]
    if approval is not None and approval not in get_args(Decision):
        raise UsageError(f"{where}.approval: expected 'allow', 'ask' or 'deny', got {_shown(approval)}")
    if timeout_s is not None and not (type(timeout_s) in (int, float) and 0 < timeout_s < math.inf):
        raise UsageError(f"{where}.timeout_s: expected a number of seconds, more than 0, got {_shown(timeout_s)}")
    if max_concurrency is not None and not (type(max_concurrency) is int and max_concurrency >= 1):
        raise UsageError(f"{where}.max_concurrency: expected a whole number, at least 1, got {_shown(max_concurrency)}")
    return {key: value for key, value in zip(_POLICY_KEYS, given, strict=True) if value is not None}


def _is_disabled(entry: dict[str, Any], where: str) -> bool:
    disabled = entry.get("disabled", False)
    if not isinstance(disabled, bool):
        raise UsageError(f"{where}.disabled: expected true or false, got {_shown(disabled)}")
    return disabled


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{where}: expected an object, got {_shown(value)}")
    return value


def _list(entry: dict[str, Any], key: str, where: str) -> list[Any]:
    value = entry.get(key, [])
    if not isinstance(value, list):
        raise UsageError(f"{where}.{key}: expected a list of strings, got {_shown(value)}")
    return value


def _texts(entry: dict[str, Any], key: str, where: str) -> dict[str, str]:
    texts = _object(entry.get(key, {}), f"{where}.{key}")
    return {name: _text(value, f"{where}.{key}.{name}") for name, value in texts.items()}


def _text(value: Any, where: str) -> str:
    """The string, with variables of the environment in their places."""
    if not isinstance(value, str):
        raise UsageError(f"{where}: expected a string, got {_shown(value)}")

    def variable(found: re.Match[str]) -> str:
        name, default = found.groups()
        given = os.environ.get(name, default)
        if given is None:
            raise UsageError(f"{where}: the environment has no variable {name}; set it, or write ${{{name}:-default}}")
        return given

    return _VARIABLE.sub(variable, value)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
