"""`codemode run`: runs a script to its end, with a worker and tools as an agent has them."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import trio

from codemode.errors import UsageError
from codemode.frontends.approvals import asking_at_the_terminal, deny_all
from codemode.frontends.commands.options import (
    NO_WORKER,
    add_approve,
    add_store,
    add_strict,
    add_tools,
    all_tools,
    registry,
    rule,
    store,
    until_signal,
    whole_number,
)
from codemode.frontends.document import event_document, outcome_document
from codemode.host.approvals import OnApproval
from codemode.host.events import (
    CallProgressed,
    CellEnded,
    ConsoleWritten,
    Event,
    EventStream,
    Notified,
    OutputEmitted,
)
from codemode.host.launcher import SpawnLauncher
from codemode.host.nurseries import background_nursery
from codemode.host.outcome import CellOutcome, Item
from codemode.host.service import open_service
from codemode.host.sqlite_store import SqliteStore
from codemode.host.tools import ToolRegistry
from codemode.limits import Limits
from codemode.wire.messages import Language

COMPLETED, FAILED, LIMIT, INTERRUPTED = 0, 1, 3, 130
"""Exit statuses, beside those for wrong usage and for no worker."""

LIMIT_CODES = frozenset(
    {"cpu_limit", "wall_limit", "memory_limit", "output_limit", "call_limit", "cell_limit", "timer_limit",
     "source_too_large"}
)  # fmt: skip
_STDERR_CHARACTERS = 2000
_NOBODY = (
    "it needs an approval, and there is no terminal to ask at; codemode run --approve all makes such calls unasked"
)


def add_to(commands: Any) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "run",
        help="run a script to its end",
        description="Run a script to its end. Output goes to stdout; the console, notes, progress and errors go to "
        "stderr.",
        epilog="Exit status: 0 completed, 1 the script failed, 2 wrong usage, 3 a limit or the timeout ended it, "
        "4 no worker could be had.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "script", nargs="?", metavar="SCRIPT", help="a JavaScript or TypeScript module, or - for standard input"
    )
    what.add_argument("-e", dest="code", metavar="CODE", help="run this code")
    add_tools(parser)
    add_store(parser)
    add_strict(parser)
    add_approve(parser, asked="you are asked at the terminal; where there is none, none is made")
    parser.add_argument("--events", action="store_true", help="tell on stderr what happens, a JSON object a line")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the output")
    parser.add_argument("--timeout", type=_seconds, metavar="S", help="end the script after so many seconds")
    parser.add_argument(
        "--max-output-tokens", type=whole_number, metavar="N", help="cut the output as a model with this budget sees it"
    )
    parser.set_defaults(command=_run)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return seconds


def _run(options: argparse.Namespace) -> int:
    script = _script(options)
    tools, values = registry(options), store(options)
    shown = _Shown(options)
    outcome: CellOutcome | None = None

    try:
        with _approver(options) as on_approval:

            async def run() -> None:
                nonlocal outcome
                outcome = await _run_script(script, options, tools, values, on_approval=on_approval, shown=shown)

            status = trio.run(until_signal, run, signal.SIGTERM, signal.SIGHUP)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseExceptionGroup as group:  # it met a task of trio's rather than the main one
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        return INTERRUPTED
    finally:
        if values is not None:
            values.close()
    if outcome is None:  # a signal came first
        return status
    shown.end(outcome)
    return FAILED if shown.is_lost else exit_status(outcome)


class _Script(NamedTuple):
    source: str
    language: Language


def _script(options: argparse.Namespace) -> _Script:
    if options.code is not None:
        return _Script(str(options.code), "javascript")
    try:
        data = sys.stdin.buffer.read() if options.script == "-" else Path(options.script).read_bytes()
        language: Language = "typescript" if Path(options.script).suffix in (".ts", ".mts") else "javascript"
        return _Script(data.decode("utf-8-sig"), language)
    except OSError as error:
        raise UsageError(f"the script cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the script is not UTF-8: {error}") from error


@contextlib.contextmanager
def _approver(options: argparse.Namespace) -> Iterator[OnApproval]:
    """Who approves calls."""
    if (decided := rule(options)) is not None:
        yield decided
    elif options.script == "-":
        yield deny_all(_NOBODY)
    else:
        with asking_at_the_terminal() as terminal:
            yield deny_all(_NOBODY) if terminal is None else terminal.ask


async def _run_script(
    script: _Script,
    options: argparse.Namespace,
    from_files: ToolRegistry,
    values: SqliteStore | None,
    *,
    on_approval: OnApproval,
    shown: _Shown,
) -> CellOutcome:
    limits = dataclasses.replace(Limits(), max_wall_s=options.timeout)
    async with (
        all_tools(options, from_files) as tools,
        # One script in one process: a zygote and spares would cost more than they save.
        open_service(limits=limits, spares=0, strict=options.strict, launcher=SpawnLauncher) as service,
        service.open_session(tools, store=values, on_approval=on_approval) as session,
        session.open_turn() as turn,
        background_nursery() as nursery,
    ):
        nursery.start_soon(shown.follow, session.events())
        outcome = await turn.run(script.source, language=script.language)
        await shown.until_followed()
    return outcome


class _Shown:
    """What a run prints: the output on stdout, and the console, notes, progress and events on stderr, as they come.

    Args:
        options: of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._document = options.json
        self._events = options.events
        self._max_output_tokens = options.max_output_tokens
        self._followed = trio.Event()
        self.is_lost = False
        """True where the output could not be written, which has been said."""

    async def follow(self, events: EventStream) -> None:
        """Prints what happens until the script has ended."""
        async for event in events:
            if self._events:
                _say_aside(json.dumps(event_document(event), ensure_ascii=False))
            match event:
                case CellEnded():
                    break
                case OutputEmitted(item=item) if not self._document and self._max_output_tokens is None:
                    self._print(item)
                case _ if not self._document and not self._events:
                    _print_aside(event)
                case _:
                    pass
        self._followed.set()

    async def until_followed(self) -> None:
        """Waits until all that happened has been printed."""
        await self._followed.wait()

    def end(self, outcome: CellOutcome) -> None:
        """Prints what is known only at the end."""
        if self._document:
            self._write(json.dumps(outcome_document(outcome), ensure_ascii=False))
            return
        if self._max_output_tokens is not None:
            cut = dataclasses.replace(outcome, max_output_tokens=self._max_output_tokens, error=None)
            for item in cut.content()[1:]:
                self._print(item)
        if outcome.error is not None:
            print(f"{outcome.error.code}: {outcome.error.stack or outcome.error.message}", file=sys.stderr)
            if outcome.error.stderr:
                print(f"the worker's stderr ends:\n{outcome.error.stderr[-_STDERR_CHARACTERS:]}", file=sys.stderr)

    def _print(self, item: Item) -> None:
        match item.type:
            case "text":
                self._write(item.text)
            case "image":
                self._write(f"[image: {_shortened(item.image_url)}]")
            case "audio":
                self._write(f"[audio: {_shortened(item.audio_url)}]")
            case "content":
                self._write(json.dumps(item.block, ensure_ascii=False))

    def _write(self, text: str) -> None:
        try:
            print(text, flush=True)
        except OSError as error:
            if not isinstance(error, BrokenPipeError):  # there whoever read has seen enough
                print(f"codemode: the output cannot be written: {error}", file=sys.stderr)
                self.is_lost = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_aside(event: Event) -> None:
    """What is beside the output."""
    match event:
        case ConsoleWritten(level=level, text=text):
            _say_aside(f"[{level}] {text}")
        case Notified(text=text):
            _say_aside(f"[note] {text}")
        case CallProgressed(tool=tool, message=message):
            _say_aside(f"[{tool}] {message}")
        case _:
            pass


def _say_aside(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads it: the script goes on
        print(text, file=sys.stderr)


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
