"""The command line: `codemode run` runs a script to its end, with a worker and tools as an agent has them."""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import trio

import codemode
from codemode.errors import UsageError
from codemode.frontends.document import outcome_document
from codemode.frontends.tool_files import load_tools
from codemode.host.launcher import SpawnLauncher
from codemode.host.outcome import CellOutcome
from codemode.host.service import open_service
from codemode.host.tools import ToolRegistry
from codemode.limits import Limits

COMPLETED, FAILED, USAGE, LIMIT, NO_WORKER, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit statuses of `codemode run`."""

LIMIT_CODES = frozenset(
    {"cpu_limit", "wall_limit", "memory_limit", "output_limit", "call_limit", "cell_limit", "timer_limit",
     "source_too_large"}
)  # fmt: skip
_STDERR_CHARACTERS = 2000


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; gives its exit status. Wrong usage exits with 2, as argparse does."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    options = _parser().parse_args(arguments)
    status: int = options.command(options)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codemode", description="Run JavaScript that calls your Python tools, in a sandboxed V8 worker."
    )
    parser.add_argument("--version", action="version", version=f"codemode {codemode.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    run = commands.add_parser(
        "run",
        help="run a script to its end",
        description="Run a script to its end. Output goes to stdout, the console and errors to stderr.",
        epilog="Exit status: 0 completed, 1 the script failed, 2 wrong usage, 3 a limit or the timeout ended it, "
        "4 no worker could be had.",
    )
    what = run.add_mutually_exclusive_group(required=True)
    what.add_argument("script", nargs="?", metavar="SCRIPT", help="a JavaScript module, or - for standard input")
    what.add_argument("-e", dest="code", metavar="CODE", help="run this code")
    run.add_argument(
        "--tools",
        action="append",
        default=[],
        metavar="FILE.py|MODULE:ATTR",
        help="tools for the script: a Python file with a ToolRegistry named `tools`; may be given again",
    )
    run.add_argument("--json", action="store_true", help="print one JSON document instead of the output")
    run.add_argument("--timeout", type=_seconds, metavar="S", help="end the script after so many seconds")
    run.add_argument(
        "--max-output-tokens", type=_tokens, metavar="N", help="cut the output as a model with this budget sees it"
    )
    run.set_defaults(command=_run)
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return seconds


def _tokens(text: str) -> int:
    tokens = int(text)
    if tokens < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return tokens


def _run(options: argparse.Namespace) -> int:
    try:
        source = _source(options)
        tools = load_tools(options.tools)
    except UsageError as error:
        print(f"codemode: {error}", file=sys.stderr)
        return USAGE
    except (Exception, SystemExit):
        traceback.print_exc()
        print("codemode: the tools could not be loaded: see above", file=sys.stderr)
        return USAGE
    try:
        outcome = trio.run(_run_script, source, tools, options.timeout)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseExceptionGroup as group:  # it met a task of trio's rather than the main one
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        return INTERRUPTED
    try:
        if options.json:
            print(json.dumps(outcome_document(outcome), ensure_ascii=False))
        else:
            _print(outcome, options.max_output_tokens)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"codemode: the output cannot be written: {error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return exit_status(outcome)


def _source(options: argparse.Namespace) -> str:
    if options.code is not None:
        return str(options.code)
    try:
        data = sys.stdin.buffer.read() if options.script == "-" else Path(options.script).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"the script cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the script is not UTF-8: {error}") from error


async def _run_script(source: str, tools: ToolRegistry, timeout_s: float | None) -> CellOutcome:
    limits = dataclasses.replace(Limits(), max_wall_s=timeout_s)
    async with (
        # One script in one process: a zygote and spares would cost more than they save.
        open_service(limits=limits, spares=0, launcher=SpawnLauncher) as service,
        service.open_session(tools) as session,
        session.open_turn() as turn,
    ):
        return await turn.run(source)


def _print(outcome: CellOutcome, max_output_tokens: int | None) -> None:
    for entry in outcome.logs:
        print(f"[{entry.level}] {entry.text}", file=sys.stderr)
    if max_output_tokens is not None:
        items = dataclasses.replace(outcome, max_output_tokens=max_output_tokens, error=None).content()[1:]
    else:
        items = list(outcome.items)
    for item in items:
        match item.type:
            case "text":
                print(item.text)
            case "image":
                print(f"[image: {_shortened(item.image_url)}]")
            case "audio":
                print(f"[audio: {_shortened(item.audio_url)}]")
            case "content":
                print(json.dumps(item.block, ensure_ascii=False))
    if outcome.error is not None:
        sys.stdout.flush()
        print(f"{outcome.error.code}: {outcome.error.stack or outcome.error.message}", file=sys.stderr)
        if outcome.error.stderr:
            print(f"the worker's stderr ends:\n{outcome.error.stderr[-_STDERR_CHARACTERS:]}", file=sys.stderr)


def _shortened(url: str) -> str:
    return url if len(url) <= 100 else f"{url[:60]}… {len(url)} characters"


def exit_status(outcome: CellOutcome) -> int:
    """What `codemode run` exits with."""
    match outcome.status, outcome.error:
        case "completed", _:
            return COMPLETED
        case _, error if error is not None and error.code in LIMIT_CODES:
            return LIMIT
        case _, error if error is not None and error.code == "worker_unavailable":
            return NO_WORKER
        case _:
            return FAILED


if __name__ == "__main__":
    sys.exit(main())
