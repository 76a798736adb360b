"""`codemode serve`: an MCP server that offers exec and wait."""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from codemode.frontends.commands.options import (
    USAGE,
    add_store,
    add_strict,
    add_tools,
    all_tools,
    registry,
    store,
    until_signal,
)
from codemode.host.service import Service, open_service

Serve = Callable[[Service], Awaitable[None]]


def add_to(commands: Any) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "serve",
        help="serve exec and wait over MCP",
        description="An MCP server that offers exec and wait, on stdin and stdout. The process is one session: stored "
        "values and scripts that still run outlive the calls that made them, and end with it. What tools print goes to "
        "stderr.",
    )
    add_tools(parser)
    add_store(parser)
    add_strict(parser)
    parser.add_argument(
        "--http",
        type=_address,
        metavar="HOST:PORT",
        help="serve streamable HTTP there instead, at /mcp, with a session for each client; nobody is asked for "
        "credentials, so HOST is best 127.0.0.1",
    )
    parser.set_defaults(command=_serve)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not HOST:PORT")
    return host.strip("[]"), int(port)


def _serve(options: argparse.Namespace) -> int:
    return _serve_stdio(options) if options.http is None else _serve_http(options)


# The SDK takes longer to load than all the rest, so it is loaded here: no other command pays for it.


def _serve_stdio(options: argparse.Namespace) -> int:
    from codemode.frontends.mcp_server import claimed_standard_streams, serve_session  # noqa: PLC0415

    with claimed_standard_streams() as (stdin, stdout):
        from_files, values = registry(options), store(options)

        async def serve(service: Service) -> None:
            async with (
                all_tools(options, from_files) as tools,
                service.open_session(tools, store=values) as session,
            ):
                await serve_session(session, stdin, stdout)

        return trio.run(_serve_until_signal, serve, options.strict)


def _serve_http(options: argparse.Namespace) -> int:
    if importlib.util.find_spec("hypercorn") is None:
        print("codemode: --http needs hypercorn: pip install 'codemode[http]'", file=sys.stderr)
        return USAGE
    from codemode.frontends.mcp_http import listen, serve_http  # noqa: PLC0415

    if options.store is not None:
        print("codemode: --store is for one session, and --http serves many", file=sys.stderr)
        return USAGE
    from_files = registry(options)
    try:
        listener = listen(*options.http)
    except OSError as error:
        print(f"codemode: --http cannot listen there: {error}", file=sys.stderr)
        return USAGE

    async def serve(service: Service) -> None:
        async with all_tools(options, from_files) as tools:
            await serve_http(service, tools, listener)

    return trio.run(_serve_until_signal, serve, options.strict)


async def _serve_until_signal(serve: Serve, strict: bool) -> int:
    async def served() -> None:
        async with open_service(strict=strict) as service:
            await serve(service)

    return await until_signal(served, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
