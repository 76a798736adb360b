"""A cell and its ledger under anything that a worker says, a host decides and observers do, in any order.

The model tells by *when* things happened what each observation gives: all that was said before it was taken and had not
been given before it began. It counts no places, as the cell does.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from codemode.host.archive import Archive
from codemode.host.cell import TERMINATED, Cell, Phase, Verdict
from codemode.host.outcome import (
    AudioItem,
    CallRecord,
    CallState,
    CellError,
    CellOutcome,
    ContentItem,
    ImageItem,
    Item,
    LogEntry,
    TextItem,
)
from codemode.host.output import token_count
from codemode.wire import messages as m

MAX_CONSOLE_BYTES = 20

ITEMS: list[tuple[tuple[m.ItemKind, str], Item]] = [
    (("text", "plain"), TextItem("plain")),
    (("text", ""), TextItem("")),
    (("image", '{"image_url": "https://x", "detail": "low"}'), ImageItem("https://x", "low")),
    (("audio", '{"audio_url": "data:x"}'), AudioItem("data:x")),
    (("content", json.dumps({"block": {"type": "resource"}})), ContentItem({"type": "resource"})),
    (("image", "no JSON"), TextItem("no JSON")),
    (("audio", "[" * 10_000), TextItem("[" * 10_000)),
]
"""What a worker says, and what becomes of it."""

VERDICTS = [
    TERMINATED,
    Verdict.failed("wall_limit", "too long"),
    Verdict.failed("memory_limit", "too large"),
    Verdict.failed("worker_crashed", "gone"),
]
SAID_ENDS: list[tuple[m.Message, Verdict]] = [
    (m.Completed(1), Verdict("completed")),
    (
        m.Failed(1, "script_error", "no", "no\n    at cell-1.js:1:2", 1, 2),
        Verdict("failed", CellError("script_error", "no", "no\n    at cell-1.js:1:2", 1, 2)),
    ),
    (m.Failed(1, "cpu_limit", "busy", None, None, None), Verdict("failed", CellError("cpu_limit", "busy"))),
]
SAID_TO_OTHERS: list[m.Message] = [
    m.Hello(1, "V8", 1, {}), m.Ready(), m.Pong(1), m.Failing(1), m.Calls(1, ((1, "a", "{}"),)), m.Cancels(1, (1,)),
    m.Stores(1, (("a", "1"),)), m.Notes(1, ("a",)),
]  # fmt: skip
"""What the cell has nothing to do with, or the caller acts on."""


@dataclass
class Observation:
    """One that somebody has begun."""

    token: int | None
    """As the cell gave it."""
    began: int
    of_delivered_end: bool


@dataclass
class Said:
    """An item, and when an observation first gave it."""

    item: Item
    given: int | None = None


def failure_text(outcome: CellOutcome) -> list[Item]:
    """The last item of a failure's content."""
    return outcome.content()[-1:] if outcome.status == "failed" else []


class CellMachine(RuleBasedStateMachine):
    """One cell, and a clock that counts the steps."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = Cell(7, max_output_tokens=100, max_console_bytes=MAX_CONSOLE_BYTES)
        self.now = 0
        self.phase = Phase.RUNNING
        self.verdict: Verdict | None = None
        self.said: list[Said] = []
        self.logs: list[LogEntry] = []
        self.yields = 0
        self.yield_ms: int | None = None
        self.max_output_tokens = 100
        self.calls: dict[str, CallRecord] = {}
        self.observations: list[Observation] = []
        self.delivered: CellOutcome | None = None
        """The end, as it was given last."""
        self.outcomes: list[tuple[CellOutcome, dict[str, Any]]] = []
        self.outputs: dict[str, str] = {}
        """Everything that was ever given, and what it held then."""

    @property
    def hears(self) -> bool:
        """What is said to it counts: it has not been settled."""
        return self.phase is not Phase.SETTLED

    # ── what the worker says, also when nobody should hear it any more ──────────────────────────────────────

    @rule(numbers=st.lists(st.integers(0, len(ITEMS) - 1), max_size=3))
    def emit(self, numbers: list[int]) -> None:
        self.cell.receive(m.Output(1, tuple(ITEMS[number][0] for number in numbers)))
        if self.hears:
            self.said += [Said(ITEMS[number][1]) for number in numbers]

    @rule(lines=st.lists(st.tuples(st.sampled_from(["log", "warn"]), st.text("aé𝒳", max_size=12)), max_size=3))
    def log(self, lines: list[tuple[m.LogLevel, str]]) -> None:
        self.cell.receive(m.Logs(1, tuple(lines)))
        if self.hears:
            self.logs += [LogEntry(level, text) for level, text in lines]

    @rule()
    def yield_control(self) -> None:
        self.cell.receive(m.Yielded(1))
        self.yields += self.hears

    @rule(amount=st.integers(0, 5))
    def set_yield_time(self, amount: int) -> None:
        self.cell.receive(m.YieldTime(1, amount))
        if self.hears:
            self.yield_ms = amount

    @rule(amount=st.integers(0, 5))
    def set_output_budget(self, amount: int) -> None:
        self.cell.receive(m.OutputBudget(1, amount))
        if self.hears:
            self.max_output_tokens = amount

    @rule(message=st.sampled_from(SAID_TO_OTHERS))
    def say_what_is_for_others(self, message: m.Message) -> None:
        self.cell.receive(message)

    # ── ends ────────────────────────────────────────────────────────────────────────────────────────────────

    # Seldom before the rest has happened: a third of the runs would be of cells that have ended at once.
    @precondition(lambda self: self.now > 8)
    @rule(end=st.sampled_from(SAID_ENDS))
    def the_worker_says_the_end(self, end: tuple[m.Message, Verdict]) -> None:
        message, verdict = end
        self.cell.receive(message)
        self.ended_by(verdict)

    @precondition(lambda self: self.now > 8)
    @rule(verdict=st.sampled_from(VERDICTS))
    def the_host_ends_it(self, verdict: Verdict) -> None:
        self.cell.end(verdict)
        self.ended_by(verdict)

    def ended_by(self, verdict: Verdict) -> None:
        if self.phase is Phase.RUNNING:
            self.phase, self.verdict = Phase.ENDING, verdict

    @precondition(lambda self: self.phase is Phase.ENDING)
    @rule()
    def settle(self) -> None:
        for number in range(len(self.calls)):
            self.settle_a_call(number, "cancelled")
        self.cell.settle()
        self.phase = Phase.SETTLED

    @precondition(lambda self: self.phase is Phase.SETTLED)
    @rule(in_memory=st.booleans())
    def lay_to_rest_and_ask_for_again(self, in_memory: bool) -> None:
        archive = Archive(max_in_memory_bytes=1_000_000 if in_memory else 0)
        archive.put(self.cell)
        cell = archive.take("7", token_count)
        archive.close()
        assert cell is not None
        self.cell = cell

    @precondition(lambda self: self.phase is not Phase.ENDING)
    @rule()
    def settle_at_the_wrong_time(self) -> None:
        with pytest.raises(AssertionError):
            self.cell.settle()

    # ── calls ───────────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.hears)
    @rule(tool=st.sampled_from(["grep", "read"]))
    def make_a_call(self, tool: str) -> None:
        call_id = self.cell.ledger.make(tool)
        assert call_id.startswith("7-")
        assert call_id not in self.calls
        self.calls[call_id] = CallRecord(call_id, tool, "running", None, None, None)

    @rule(number=st.integers(0, 12))
    def start_a_call(self, number: int) -> None:
        """One that is open, settled or unknown; each reaches its tool at most once."""
        call_id = self.some_call(number)
        record = self.calls.get(call_id)
        if record is not None and record.started_ms is not None:
            return
        self.cell.ledger.start(call_id, float(self.now))
        if record is not None and record.status == "running":
            self.calls[call_id] = record._replace(started_ms=float(self.now))

    @rule(number=st.integers(0, 12), status=st.sampled_from(["ok", "error", "cancelled"]))
    def settle_a_call(self, number: int, status: CallState) -> None:
        """Open, settled before, or unknown: only the first answer of an open one counts."""
        call_id = self.some_call(number)
        record = self.calls.get(call_id)
        is_first = record is not None and record.status == "running"
        code = None if status == "ok" else "tool_failed"
        assert self.cell.ledger.settle(call_id, status, code, float(self.now)) == is_first
        if record is not None and is_first:
            self.calls[call_id] = record._replace(status=status, code=code, ended_ms=float(self.now))

    def some_call(self, number: int) -> str:
        known = [*self.calls, f"7-{len(self.calls) + 1}", "8-1", ""]
        return known[number % len(known)]

    # ── observations ────────────────────────────────────────────────────────────────────────────────────────

    @rule()
    def begin_an_observation(self) -> None:
        token = self.cell.begin_observation()
        assert (token is None) == (self.delivered is not None)
        self.observations.append(Observation(token, self.now, token is None))

    @precondition(lambda self: self.observations)
    @rule(number=st.integers(0, 5))
    def abandon_an_observation(self, number: int) -> None:
        """Its caller was cancelled. There is nothing to tell the cell."""
        self.observations.pop(number % len(self.observations))

    @precondition(lambda self: self.observations)
    @rule(number=st.integers(0, 5), wall_time_s=st.sampled_from([0.0, 2.5]), max_tokens=st.integers(0, 3))
    def take_an_observation(self, number: int, wall_time_s: float, max_tokens: int) -> None:
        observation = self.observations.pop(number % len(self.observations))
        outcome = self.cell.outcome(observation.token, wall_time_s, max_tokens)
        if observation.of_delivered_end:
            assert self.delivered is not None
            expected = dataclasses.replace(
                self.delivered, wall_time_s=wall_time_s, max_output_tokens=max_tokens, delivered_before=True
            )
        else:
            is_over = self.phase is Phase.SETTLED
            verdict = self.verdict if is_over and self.verdict is not None else Verdict("running")
            expected = CellOutcome(
                cell_id="7",
                status=verdict.status,
                items=tuple(said.item for said in self.news_for(observation)),
                error=verdict.error,
                wall_time_s=wall_time_s,
                calls=tuple(self.calls.values()),
                logs=self.console(),
                max_output_tokens=max_tokens,
            )
            for said in self.said:
                said.given = self.now if said.given is None else said.given
            if is_over:
                self.delivered = expected
        assert dataclasses.replace(outcome, output_id=None) == expected
        texts = [item.text for item in outcome.items if isinstance(item, TextItem)]
        assert (outcome.output_id is not None) == (outcome.content()[1:] != [*outcome.items, *failure_text(outcome)])
        if outcome.output_id is not None:
            assert self.outputs.setdefault(outcome.output_id, "\n".join(texts)) == "\n".join(texts)
        self.outcomes.append((outcome, dataclasses.asdict(outcome)))

    @precondition(lambda self: self.outputs)
    @rule(number=st.integers(0, 5), max_tokens=st.integers(1, 3_000))
    def read_an_output_page_by_page(self, number: int, max_tokens: int) -> None:
        """Whatever has been emitted since, the pages together are what was cut."""
        output_id, whole = list(self.outputs.items())[number % len(self.outputs)]
        pages = []
        offset: int | None = 0
        while offset is not None:
            page = self.cell.page(output_id, offset, max_tokens)
            header, *rest = page.content()
            assert header == TextItem(page.header())
            assert rest == [TextItem(page.text)]
            assert token_count(page.text) <= max_tokens
            pages.append(page.text)
            offset = page.next_offset
        assert "".join(pages) == whole

    def news_for(self, observation: Observation) -> list[Said]:
        """What nobody had been given when it began."""
        return [said for said in self.said if said.given is None or said.given > observation.began]

    def console(self) -> tuple[LogEntry, ...]:
        """The newest lines that fit, and at least the last one."""
        kept: list[LogEntry] = []
        size = 0
        for entry in reversed(self.logs):
            size += len(entry.text.encode()) + 1
            if kept and size > MAX_CONSOLE_BYTES:
                break
            kept.insert(0, entry)
        return tuple(kept)

    # ── what always holds ───────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def the_cell_is_where_its_model_is(self) -> None:
        self.now += 1
        cell = self.cell
        assert (cell.phase, cell.verdict) == (self.phase, self.verdict)
        assert (cell.yields, cell.exec_yield_ms) == (self.yields, self.yield_ms)
        assert cell.exec_max_output_tokens == self.max_output_tokens
        for observation in self.observations:
            has_news = not observation.of_delivered_end and bool(self.news_for(observation))
            assert cell.has_news(observation.token) == has_news

    @invariant()
    def each_call_is_in_the_ledger_once_and_settled_once(self) -> None:
        assert self.cell.ledger.records() == tuple(self.calls.values())
        assert self.cell.ledger.open == {
            call_id for call_id, record in self.calls.items() if record.status == "running"
        }

    def teardown(self) -> None:
        """One who asks at the end gets all that is left, and what was given before has not changed."""
        if self.phase is Phase.RUNNING:
            self.the_host_ends_it(TERMINATED)
        if self.phase is Phase.ENDING:
            self.settle()
        self.now += 1
        for _ in range(2):
            self.observations = []
            self.begin_an_observation()
            self.now += 1
            self.take_an_observation(0, 1.0, 1)
        assert self.delivered is not None
        assert all(dataclasses.asdict(outcome) == before for outcome, before in self.outcomes)


ORDINARY = settings(
    max_examples=300,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,  # the ordinary suite is the same each time; the soak is not
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault of the cell
)
SOAK = settings(ORDINARY, max_examples=20 * 300, derandomize=False)


def test_each_observation_gives_what_was_not_given_before_it_began_and_the_first_end_stands() -> None:
    run_state_machine_as_test(CellMachine, settings=ORDINARY)


@pytest.mark.soak
def test_a_cell_keeps_its_rules_for_long() -> None:
    run_state_machine_as_test(CellMachine, settings=SOAK)
