"""A cell as a value: what its worker said goes in, outcomes come out. No clock, no task, no worker.

    RUNNING ── completed / failed ──→ ENDING ── settle ──→ SETTLED
       └────── end (terminate, a limit, a crash) ──→ ENDING

The first end wins, but for one thing: a script that completed or failed before its worker was killed has ended so, for
completion beats a late terminate. While ENDING its open calls are being cancelled; SETTLED is final.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from collections import deque
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from codemode.errors import UsageError
from codemode.host.ledger import Ledger
from codemode.host.outcome import (
    AudioItem,
    CellError,
    CellOutcome,
    CellStatus,
    ContentItem,
    ImageItem,
    Item,
    LogEntry,
    TextItem,
)
from codemode.host.output import TokenCount, is_over_budget, page_of, text_items_joined, token_count
from codemode.host.values import (
    MAX_ARGUMENT_VALUES,
    MAX_DEPTH,
    has_more_values,
    is_deeper,
    well_formed_json,
)
from codemode.pragma import Pragma
from codemode.wire import messages as m

MAX_ERROR_CHARACTERS = 65_536
"""Of the message and of the stack of what a script threw: more than the runner says."""


class Phase(enum.Enum):
    """Where a cell is in its life."""

    RUNNING = "running"
    ENDING = "ending"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a cell ended."""

    status: CellStatus
    error: CellError | None = None

    @classmethod
    def failed(cls, code: str, message: str) -> Verdict:
        """Failed, with no place in the script."""
        return cls("failed", CellError(code, message))


TERMINATED = Verdict("terminated", CellError("terminated", "the script was terminated"))


class Cell:
    """One exec of one script.

    Args:
        number: counts the cells of a session, from 1.
        max_output_tokens: the budget of an exec's content.
        max_console_bytes: how much of the console is kept.
        count: what counts the tokens of its output.
    """

    def __init__(
        self, number: int, *, max_output_tokens: int, max_console_bytes: int, count: TokenCount = token_count
    ) -> None:
        self.number = number
        self.cell_id = str(number)
        self.phase = Phase.RUNNING
        self.verdict: Verdict | None = None
        self.ledger = Ledger(self.cell_id)
        self.exec_yield_ms: int | None = None
        """What the script gave to `set_yield_time` or its pragma sets, if they do."""
        self.exec_max_output_tokens = max_output_tokens
        self.yields = 0
        """How often the script has yielded."""
        self._items: list[Item] = []
        self._observed = 0
        self._count = count
        self._cut_outputs: dict[str, slice] = {}
        self._logs: deque[LogEntry] = deque()
        self._log_bytes = 0
        self._max_console_bytes = max_console_bytes
        self._is_delivered = False
        self._last_part = slice(0)
        """The items of the outcome that told of the end."""

    def __repr__(self) -> str:
        return f"<Cell {self.cell_id}, {self.phase.value}, {len(self._items)} items, {self.ledger!r}>"

    def __getstate__(self) -> dict[str, Any]:
        """For an `Archive`: texts and lines of the log as their fields alone, for they are many, and pickling an object
        takes ten times as long. A tokenizer may be anything, and is the session's.
        """
        items = [item.text if type(item) is TextItem else item for item in self._items]
        logs = [(entry.level, entry.text) for entry in self._logs]
        return {**self.__dict__, "_items": items, "_logs": logs, "_count": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._items = [TextItem(item) if isinstance(item, str) else item for item in state["_items"]]
        self._logs = deque(starmap(LogEntry, state["_logs"]))

    def count_with(self, count: TokenCount) -> None:
        """What counts the tokens of its output from now on: an `Archive` does not keep it."""
        self._count = count

    def begin_with(self, pragma: Pragma) -> None:
        """What the script's first line sets; what the script sets later comes later, and counts."""
        self.exec_yield_ms = pragma.yield_time_ms
        if pragma.max_output_tokens is not None:
            self.exec_max_output_tokens = pragma.max_output_tokens

    def begin_observation(self) -> int | None:
        """Where what is new begins, for `outcome`; None where the end has been delivered."""
        return None if self._is_delivered else self._observed

    def has_news(self, since: int | None) -> bool:
        """True where an observation that began so would give items."""
        return since is not None and since < len(self._items)

    def receive(self, message: m.Message) -> None:
        """Takes what the worker said of this cell; calls and stored values are the caller's to act on.

        What comes after it has been settled is dropped: its outcome has been told.
        """
        if self.phase is Phase.SETTLED:
            return
        match message:
            case m.Output(items=items):
                self._items += [read_item(kind, body) for kind, body in items]
            case m.Logs(entries=entries):
                for level, text in entries:
                    self._log(LogEntry(level, _cut(text, self._max_console_bytes)))
            case m.Yielded():
                self.yields += 1
            case m.YieldTime(yield_time_ms=yield_time_ms):
                self.exec_yield_ms = yield_time_ms
            case m.OutputBudget(max_output_tokens=max_output_tokens):
                self.exec_max_output_tokens = max_output_tokens
            case m.Completed():
                self.end(Verdict("completed"))
            case m.Failed(code=code, message=text, stack=stack, line=line, column=column):
                stack = None if stack is None else _cut(stack, MAX_ERROR_CHARACTERS)
                self.end(Verdict("failed", CellError(code, _cut(text, MAX_ERROR_CHARACTERS), stack, line, column)))
            case _:
                pass

    def note_in_log(self, level: str, text: str) -> None:
        """Adds a line of the host's own to the console's log."""
        self._log(LogEntry(level, text))

    def end(self, verdict: Verdict) -> None:
        """The cell has come to its end. A later verdict changes nothing."""
        if self.phase is Phase.RUNNING:
            self.phase = Phase.ENDING
            self.verdict = verdict

    def settle(self) -> None:
        """All calls are answered: the outcome is final."""
        assert self.phase is Phase.ENDING, "a cell is settled once, after it has ended"
        self.phase = Phase.SETTLED

    def outcome(self, since: int | None, wall_time_s: float, max_output_tokens: int) -> CellOutcome:
        """What an observation gives now: the items since it began, which no later one gives again.

        Args:
            since: as `begin_observation` gave it. None: the last outcome again.
            wall_time_s: how long the observation took.
            max_output_tokens: the budget of its content.
        """
        if since is None:
            assert self._is_delivered, "the end has been delivered"
            part = self._last_part
        else:
            self._observed = len(self._items)
            part = slice(since, self._observed)
        outcome = dataclasses.replace(
            self._now(tuple(self._items[part]), max_output_tokens),
            wall_time_s=wall_time_s,
            output_id=self._output_id(part, max_output_tokens),
            delivered_before=since is None,
        )
        if outcome.status != "running":
            self._is_delivered, self._last_part = True, part
        return outcome

    def _now(self, items: tuple[Item, ...], max_output_tokens: int) -> CellOutcome:
        """The cell as it stands, with these items."""
        verdict = self.verdict if self.phase is Phase.SETTLED else None
        return CellOutcome(
            cell_id=self.cell_id,
            status="running" if verdict is None else verdict.status,
            items=items,
            error=None if verdict is None else verdict.error,
            wall_time_s=0.0,
            calls=self.ledger.records(),
            logs=tuple(self._logs),
            max_output_tokens=max_output_tokens,
            token_count=self._count,
        )

    def _output_id(self, part: slice, max_tokens: int) -> str | None:
        """By what name these of its items can be read whole; None where the budget holds them."""
        if not is_over_budget(self._items[part], max_tokens, self._count):
            return None
        for output_id, known in self._cut_outputs.items():
            if known == part:
                return output_id
        output_id = f"{self.cell_id}.{len(self._cut_outputs) + 1}"
        self._cut_outputs[output_id] = part
        return output_id

    def has_output(self, output_id: str) -> bool:
        """True where an outcome of this cell named that id."""
        return output_id in self._cut_outputs

    def page(self, output_id: str, offset: int, max_tokens: int) -> CellOutcome:
        """One page of an output that was cut.

        Args:
            output_id: as an outcome of this cell named it.
            offset: in characters, from 0.
            max_tokens: how long the page may be.

        Raises:
            UsageError: the output ends before the offset.
        """
        text = text_items_joined(self._items[self._cut_outputs[output_id]])
        if offset > len(text):
            raise UsageError(f"offset is {offset}, but the output {output_id!r} has {len(text)} characters")
        page = page_of(text, offset, max_tokens, self._count)
        end = offset + len(page)
        return dataclasses.replace(
            self._now((TextItem(page),), max_tokens),
            output_id=output_id,
            next_offset=end if end < len(text) else None,
            is_page=True,
        )

    def _log(self, entry: LogEntry) -> None:
        self._logs.append(entry)
        self._log_bytes += _log_bytes(entry)
        while self._log_bytes > self._max_console_bytes and len(self._logs) > 1:
            self._log_bytes -= _log_bytes(self._logs.popleft())


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _log_bytes(entry: LogEntry) -> int:
    """With its line end: a million empty lines are not free."""
    return len(entry.text.encode("utf-8", "replace")) + 1


def read_item(kind: m.ItemKind, body: str) -> Item:
    """The item that a worker described. What it says is not believed: fields of the wrong form become text."""
    if kind == "text":
        return TextItem(body)
    fields = _record(body)
    match kind, fields:
        case "image", {"image_url": str(image_url), **rest}:
            detail = rest.get("detail")
            return ImageItem(image_url, detail if isinstance(detail, str) else None)
        case "audio", {"audio_url": str(audio_url)}:
            return AudioItem(audio_url)
        case "content", {"block": dict(block)}:
            return ContentItem(block)
        case _:
            return TextItem(body)


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _record(body: str) -> dict[str, Any]:
    if has_more_values(body, MAX_ARGUMENT_VALUES) or is_deeper(body, MAX_DEPTH):
        return {}
    try:
        value = json.loads(well_formed_json(body), parse_float=_finite, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
