"""What several commands take, and how they say that it was wrong."""

from __future__ import annotations

import argparse
import signal
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio

from codemode.errors import UsageError
from codemode.frontends.approvals import allow_all, deny_all
from codemode.frontends.tool_files import load_tools
from codemode.host.approvals import OnApproval
from codemode.host.sqlite_store import SqliteStore
from codemode.host.tools import ToolRegistry

USAGE = 2
"""The exit status for wrong usage, as argparse has it."""
NO_WORKER = 4
"""The exit status where no worker could be had."""


def add_tools(parser: argparse.ArgumentParser) -> None:
    """`--tools` and `--mcp`, for `registry` and `all_tools`."""
    parser.add_argument(
        "--tools",
        action="append",
        default=[],
        metavar="FILE.py|MODULE:ATTR",
        help="tools for scripts: a Python file with a ToolRegistry named `tools`; may be given again",
    )
    parser.add_argument(
        "--mcp",
        metavar="FILE.json",
        help='the tools of MCP servers: a file of {"mcpServers": {NAME: {"command", "args"} or {"url"}}}',
    )


def registry(options: argparse.Namespace) -> ToolRegistry:
    """The tools of the files of the command line.

    Raises:
        UsageError: they cannot be had. What a file itself raised has been printed on stderr.
    """
    try:
        return load_tools(options.tools)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        raise UsageError("the tools could not be loaded: see above") from error


@asynccontextmanager
async def all_tools(options: argparse.Namespace, tools: ToolRegistry) -> AsyncIterator[ToolRegistry]:
    """Those tools and the ones of the MCP servers of the command line, which run for as long as the block.

    Raises:
        UsageError: the file of the servers is not a good one, or a server cannot be had.
    """
    if options.mcp is None:
        yield tools
        return
    # The SDK takes longer to load than all the rest: who names no server does not pay for it.
    from codemode.frontends.mcp_config import load_mcp_config  # noqa: PLC0415
    from codemode.frontends.mcp_tools import open_mcp_tools  # noqa: PLC0415

    async with open_mcp_tools(load_mcp_config(options.mcp)) as of_servers:
        tools.include(of_servers)
        yield tools


def add_approve(parser: argparse.ArgumentParser, *, asked: str) -> None:
    """`--approve`, for `rule`.

    Args:
        parser: of the command.
        asked: who is asked.
    """
    parser.add_argument(
        "--approve",
        choices=("all", "none", "ask"),
        default="ask",
        help=f"what becomes of calls of tools that need an approval: all are made, none is, or, by default, {asked}",
    )


def rule(options: argparse.Namespace) -> OnApproval | None:
    """Who approves calls without asking anybody; None where somebody is to be asked."""
    match options.approve:
        case "all":
            return allow_all
        case "none":
            return deny_all("it needs an approval, and the command line says --approve none")
        case _:
            return None


def add_strict(parser: argparse.ArgumentParser) -> None:
    """`--strict`, which `open_service` has too."""
    parser.add_argument(
        "--strict",
        action="store_true",
        help="run nothing where a fence of the worker is missing on this system; codemode doctor tells which",
    )


def add_store(parser: argparse.ArgumentParser) -> None:
    """`--store`, for `store`."""
    parser.add_argument("--store", metavar="FILE", help="keep stored values in this SQLite file")


def store(options: argparse.Namespace) -> SqliteStore | None:
    """The store of the command line; None where values are kept in memory.

    Raises:
        UsageError: the file is no store.
    """
    return None if options.store is None else SqliteStore(options.store)


def whole_number(text: str) -> int:
    """A number of tokens and the like."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return number


async def until_signal(work: Callable[[], Awaitable[None]], *numbers: signal.Signals) -> int:
    """Does the work until it ends or a signal asks for the end; gives 0, or 128 and the number of the signal.

    What the work raises is raised as it is.
    """
    status = 0
    raised: Exception | None = None

    async def end_on_signal(task_status: trio.TaskStatus[None]) -> None:
        nonlocal status
        with trio.open_signal_receiver(*numbers) as signals:
            task_status.started()
            async for number in signals:
                status = 128 + number
                nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        await nursery.start(end_on_signal)
        try:
            await work()
        except Exception as error:
            raised = error
        nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised
    return status
