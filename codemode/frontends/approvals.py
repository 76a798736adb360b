"""Asks a person at the terminal whether calls may be made, and the two answers that need nobody: all, and none.

How a call is shown is the same wherever a person is asked. What is shown was written by a model, or by whoever made the
tool: none of it can move the cursor, or hide what stands behind it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import termios
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import trio

from codemode.host.approvals import ApprovalRequest, OnApproval
from codemode.host.values import well_formed

READ_BYTES = 65_536
COLUMNS = 100
"""Of a terminal that does not know how wide it is."""


def allow_all(requests: Sequence[ApprovalRequest]) -> None:
    """Every call is made."""
    for request in requests:
        request.allow()


def deny_all(reason: str) -> OnApproval:
    """No call is made.

    Args:
        reason: for the script and the model.
    """

    def deny(requests: Sequence[ApprovalRequest]) -> None:
        for request in requests:
            request.deny(reason)

    return deny


# ── how a call is shown ───────────────────────────────────────────────────────────────────────────────────────


def shown_call(request: ApprovalRequest, max_chars: int | None = None) -> str:
    """A call on one line: the tool, what it is called with, and whether that may do harm.

    Args:
        request: the call.
        max_chars: of the line, where it is to be cut.
    """
    definition = request.definition
    mark = "  [destructive]" if definition.destructive else "  [read-only]" if definition.read_only else ""
    arguments = printable(json.dumps(request.arguments, ensure_ascii=False))
    if max_chars is not None:
        arguments = _cut(arguments, max_chars - len(request.tool) - len("()") - len(mark))
    return f"{request.tool}({arguments}){mark}"


def shown_description(request: ApprovalRequest, max_chars: int) -> str:
    """The first line of what the tool says it does; empty where it says nothing."""
    lines = str(request.definition.description).strip().splitlines()
    return _cut(printable(lines[0].strip()), max_chars) if lines else ""


def printable(text: str) -> str:
    """The text with an escape for each character that a terminal would obey, and not show."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _cut(text: str, max_chars: int) -> str:
    if len(text) <= max_chars:
        return text
    rest = f"… {len(text)} characters"
    return text[: max(max_chars - len(rest), 10)] + rest


# ── the terminal ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said of the calls of a question."""

    allowed: frozenset[int]
    """Their numbers, from 1; the others are denied."""
    reason: str | None = None
    """Why they are, if that was said."""


class Unclear(Exception):
    """The answer says nothing of the calls. Its text says what would."""


def read_answer(line: str, count: int) -> Answer:
    """The answer that a line is.

    Args:
        line: what was typed.
        count: the calls of the question.

    Raises:
        Unclear: it has to be asked again.
    """
    text = line.strip()
    every = range(1, count + 1)
    if text.lower() in ("a", "all", "y", "yes"):
        return Answer(frozenset(every))
    if text.lower() in ("n", "none", "no"):
        return Answer(frozenset())
    if re.fullmatch(r"\d[\d\s,]*", text, re.ASCII):
        numbers = frozenset(map(int, re.findall(r"\d{1,9}", text)))
        if not numbers <= frozenset(every):
            raise Unclear(f"the calls have the numbers 1 to {count}" if count > 1 else "there is one call, number 1")
        return Answer(numbers)
    if sum(map(str.isalpha, text)) < 2:  # a slip rather than a reason
        raise Unclear("a, n, numbers, or a few words why not")
    return Answer(frozenset(), well_formed(text))


class Terminal:
    """A person at the terminal from which the program was started.

    Args:
        descriptor: of the terminal, opened for this alone and not blocking: so a question whose calls have all gone
            leaves nobody behind who would read the answer to the next.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def ask(self, requests: Sequence[ApprovalRequest]) -> None:
        """Decides the calls as the person says; where nobody answers, none of them is made."""
        columns = _columns(self._descriptor)
        _say(_question(requests, columns))
        try:
            termios.tcflush(self._descriptor, termios.TCIFLUSH)  # what was typed before answers another question
            answer = await self._answer(requests)
        except (OSError, termios.error) as error:
            deny_all(f"the terminal cannot be read: {error}")(requests)
            return
        except trio.Cancelled:
            _say("\ncodemode: nothing waits for that answer any more\n")
            raise
        for number, request in enumerate(requests, 1):
            if number in answer.allowed:
                request.allow()
            else:
                request.deny(answer.reason)

    async def _answer(self, requests: Sequence[ApprovalRequest]) -> Answer:
        while True:
            _say(f"{_PROMPT if len(requests) == 1 else _PROMPT_FOR_SEVERAL}: ")
            await trio.lowlevel.wait_readable(self._descriptor)
            data = os.read(self._descriptor, READ_BYTES)
            if not data:
                _say("\n")
                return Answer(frozenset(), "nobody answered")
            line = data.decode("utf-8", "replace")
            if line.strip() == "?":
                _say("".join(f"  {number}. {shown_call(each)}\n" for number, each in enumerate(requests, 1)))
                continue
            try:
                return read_answer(line, len(requests))
            except Unclear as unclear:
                _say(f"{unclear}\n")


_PROMPT = "[a]llow it, [n]o, ? to see it whole, or why not"
_PROMPT_FOR_SEVERAL = "[a]ll, [n]one, the numbers to allow (1 3), ? to see them whole, or why not"


@contextlib.contextmanager
def asking_at_the_terminal() -> Iterator[Terminal | None]:
    """The person at the terminal, for as long as the block; None where nobody would see a question, or answer it."""
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stderr)):
        yield None
        return
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        yield None
        return
    try:
        yield Terminal(descriptor)
    finally:
        os.close(descriptor)


def _question(requests: Sequence[ApprovalRequest], columns: int) -> str:
    lines = ["codemode: a call waits for your approval" if len(requests) == 1 else _several(len(requests))]
    for number, request in enumerate(requests, 1):
        head = f"  {number}. "
        lines.append(head + shown_call(request, columns - len(head)))
        if description := shown_description(request, columns - len(head)):
            lines.append(" " * len(head) + description)
    return "\n".join(lines) + "\n"


def _several(count: int) -> str:
    return f"codemode: {count} calls wait for your approval"


def _columns(descriptor: int) -> int:
    try:
        return os.get_terminal_size(descriptor).columns or COLUMNS
    except OSError:
        return COLUMNS


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # there is none, or it has been closed
        return False


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()
