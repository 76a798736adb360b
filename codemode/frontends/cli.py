"""The command line: finds the command, and gives its exit status."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

import codemode
from codemode.errors import UsageError, WorkerUnavailable
from codemode.frontends.commands import doctor, run, serve, tools, transcript
from codemode.frontends.commands.options import NO_WORKER, USAGE

_COMMANDS = (run, serve, tools, transcript, doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; gives its exit status: 2 for wrong usage, which argparse exits with itself, and 4 for no worker."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
        sys.stdout.flush()
    except UsageError as error:
        print(f"codemode: {error}", file=sys.stderr)
        return USAGE
    except WorkerUnavailable as error:
        print(f"codemode: {error}", file=sys.stderr)
        return NO_WORKER
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codemode", description="Run JavaScript that calls your Python tools, in a sandboxed V8 worker."
    )
    parser.add_argument("--version", action="version", version=f"codemode {codemode.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
