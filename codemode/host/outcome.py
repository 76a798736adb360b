"""What an observation of a cell gives: its state, what is new, its calls; and how a model sees that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from codemode.host.output import TokenCount, cut_to_budget, text_items_joined, token_count

CellStatus = Literal["running", "completed", "failed", "terminated"]
CallState = Literal["running", "ok", "error", "cancelled"]

CELL_ERROR_CODES = frozenset(
    {"script_error", "syntax_error", "module_not_found", "stalled", "cpu_limit", "wall_limit", "memory_limit",
     "output_limit", "call_limit", "cell_limit", "timer_limit", "source_too_large", "worker_crashed",
     "worker_unavailable", "terminated"}
)  # fmt: skip
"""Every `CellError.code`."""

MAX_NAMED_CALLS = 20
MAX_CONSOLE_TAIL = 20
MAX_CONSOLE_LINE_CHARS = 1_000
"""Of each entry that a model is shown after a failure; `CellOutcome.logs` has it whole."""


@dataclass(frozen=True, slots=True)
class TextItem:
    """Text that the script emitted."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class ImageItem:
    """An image that the script emitted: an http(s) or data: URL."""

    image_url: str
    detail: str | None = None
    type: Literal["image"] = "image"


@dataclass(frozen=True, slots=True)
class AudioItem:
    """Audio that the script emitted: a data: URL."""

    audio_url: str
    type: Literal["audio"] = "audio"


@dataclass(frozen=True, slots=True)
class ContentItem:
    """An MCP content block that passes to the model as it is."""

    block: dict[str, Any]
    type: Literal["content"] = "content"


Item = TextItem | ImageItem | AudioItem | ContentItem


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a cell did not complete.

    Attributes:
        code: one of `CELL_ERROR_CODES`.
        message: one sentence; for a thrown error its name and message.
        stack: the script's own frames, or a code frame for a syntax error.
        line: from 1, where there is a place.
        column: from 1, in UTF-16 units.
        exit_status: of the worker, where it has ended too early, as `Popen.returncode` gives it.
        stderr: the end of what that worker wrote there, at most 64 KiB. Not for models: it may hold paths of the host.
    """

    code: str
    message: str
    stack: str | None = None
    line: int | None = None
    column: int | None = None
    exit_status: int | None = None
    stderr: str = ""


class CallRecord(NamedTuple):
    """One nested call in the ledger of its cell.

    Attributes:
        tool: the identifier in `tools.js`.
        code: the code of a call that failed or was cancelled.
        started_ms: from the cell's start; None for a call that never reached its tool.
        ended_ms: from the cell's start; None while it runs.
    """

    call_id: str
    tool: str
    status: CallState
    code: str | None
    started_ms: float | None
    ended_ms: float | None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the script's console."""

    level: str
    text: str


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """What an exec or a wait gives.

    Attributes:
        cell_id: the cell, for `wait`.
        status: `running`, or how it ended.
        items: what the script emitted since the last observation, whole.
        error: why it failed or was terminated.
        wall_time_s: how long this call took, in seconds.
        calls: every nested call so far, in the order in which they were made.
        logs: the end of the console so far.
        output_id: where `content()` is cut, what `wait` takes to give the whole text page by page; else None.
        next_offset: of a page, where the next one begins, in characters; None at the end, and where this is no page.
        max_output_tokens: the budget of `content()`.
        token_count: what counts its tokens.
        delivered_before: the cell had ended, and this is its last outcome again.
        is_page: this is one page of an earlier output, its text the one item.
    """

    cell_id: str
    status: CellStatus
    items: tuple[Item, ...]
    error: CellError | None
    wall_time_s: float
    calls: tuple[CallRecord, ...] = ()
    logs: tuple[LogEntry, ...] = ()
    output_id: str | None = None
    next_offset: int | None = None
    max_output_tokens: int = 10_000
    token_count: TokenCount = field(default=token_count, repr=False, compare=False)
    delivered_before: bool = False
    is_page: bool = False

    @property
    def text(self) -> str:
        """The text items, joined by newlines."""
        return text_items_joined(self.items)

    def header(self) -> str:
        """The first text that a model sees."""
        match self.status:
            case "running":
                first = f"Script running with cell ID {self.cell_id}"
            case "completed" | "failed" | "terminated":
                first = f"Script {self.status}"
        if self.delivered_before:
            first += "\nThis result was already delivered."
        return f"{first}\nWall time {self.wall_time_s:.1f} seconds\nOutput:"

    def content(self) -> list[Item]:
        """What a model sees: the header, the items cut to the budget, and after a failure what went wrong."""
        items: list[Item] = [
            TextItem(self.header()),
            *cut_to_budget(self.items, self.max_output_tokens, TextItem, self.token_count),
        ]
        if self.error is not None and self.status == "failed" and not self.is_page:
            items.append(TextItem(self._failure_text(self.error)))
        return items

    def _failure_text(self, error: CellError) -> str:
        parts = ["Script error:", error.stack or error.message]
        if error.stack is not None and error.code != "script_error":
            parts[1] = f"{error.code}: {error.stack}"
        elif error.code != "script_error":
            parts[1] = f"{error.code}: {error.message}"
        if self.logs:
            parts.append("Console:")
            parts += [f"[{entry.level}] {_shortened(entry.text)}" for entry in self.logs[-MAX_CONSOLE_TAIL:]]
        if self.calls:
            parts.append(ledger_text(self.calls))
        return "\n".join(parts)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_CONSOLE_LINE_CHARS else f"{text[: MAX_CONSOLE_LINE_CHARS - 1]}…"


def ledger_text(calls: tuple[CallRecord, ...]) -> str:
    """Which calls finished, failed, were cancelled while running, or never started: counts, and up to 20 by name."""
    groups: dict[str, list[CallRecord]] = {
        "finished": [],
        "failed": [],
        "cancelled while running (effect unknown)": [],
        "never started": [],
    }
    for call in calls:
        match call.status:
            case "ok":
                group = "finished"
            case "error":
                group = "failed"
            case "cancelled" if call.started_ms is None:
                group = "never started"
            case _:
                group = "cancelled while running (effect unknown)"
        groups[group].append(call)
    named = MAX_NAMED_CALLS
    lines = ["Calls:"]
    for group, members in groups.items():
        if members:
            names = [f"{call.tool}#{call.call_id}" for call in members[:named]]
            named -= len(names)
            more = ["…"] if len(members) > len(names) else []
            shown = f" ({', '.join(names + more)})" if names else ""
            lines.append(f"  {group}: {len(members)}{shown}")
    return "\n".join(lines)
