"""The check of a trace: what it finds, and that it finds nothing where all is well."""

from __future__ import annotations

from codemode.host.cell import Cell, Verdict
from codemode.testing.trace import Entry, EntryKind, Trace, check
from codemode.wire import messages as m

START = m.Start(
    cell=1,
    name="cell-1.js",
    source="",
    language="javascript",
    tools=(),
    stored={},
    max_calls_in_flight=9,
    max_store_bytes=1,
)
CALLS = m.Calls(1, ((1, "echo", "{}"), (2, "never", "{}")))
ANSWER = m.Answers(1, ((1, "ok", "1"),))


def traced(*lines: m.Message | EntryKind) -> Trace:
    """A trace of one worker: messages by whoever says them, and what became of the worker."""
    trace = Trace()
    trace.pids.append(1)
    for line in lines:
        if isinstance(line, str):
            trace.entries.append(Entry(0.0, 1, line))
        else:
            trace.entries.append(Entry(0.0, 1, "told" if isinstance(line, m.HOST_MESSAGES) else "said", line))
    return trace


def settled(*calls: tuple[str, str]) -> Cell:
    """A cell whose ledger says this, as (tool, status)."""
    cell = Cell(1, max_output_tokens=1, max_console_bytes=1)
    for tool, status in calls:
        cell.ledger.settle(cell.ledger.make(tool), status, None, 1.0)  # type: ignore[arg-type]
    cell.end(Verdict("completed"))
    cell.settle()
    return cell


def test_a_cell_with_an_answered_call_and_one_that_its_end_overtook_is_well() -> None:
    trace = traced(START, CALLS, ANSWER, m.Completed(1))
    assert check(trace, [settled(("echo", "ok"), ("never", "cancelled"))]) == []


def test_a_worker_that_was_killed_owes_nobody_an_answer() -> None:
    trace = traced(START, CALLS, "killed", "exited")
    assert check(trace, [settled(("echo", "cancelled"), ("never", "cancelled"))]) == []
    assert check(trace, [settled(("echo", "cancelled"))]) == []  # the other was said after the kill


def found(trace: Trace, *cells: Cell) -> str:
    [fault] = check(trace, cells)
    return fault


def test_a_second_answer_is_found() -> None:
    cell = settled(("echo", "ok"), ("never", "cancelled"))
    assert "a second answer to call 1" in found(traced(START, CALLS, ANSWER, ANSWER, m.Completed(1)), cell)


def test_an_answer_to_no_call_is_found() -> None:
    answers = m.Answers(1, ((7, "ok", "1"),))
    assert "call 7, which was never made" in found(traced(START, answers, m.Completed(1)), settled())


def test_an_answer_for_another_cell_is_found() -> None:
    assert "does not run" in found(traced(START, m.Answers(2, ()), m.Completed(1)), settled())


def test_a_call_without_an_answer_in_a_cell_without_an_end_is_found() -> None:
    cell = settled(("echo", "ok"), ("never", "cancelled"))
    faults = check(traced(START, CALLS, ANSWER), [cell])
    assert any("call 2 of cell 1 in worker 1 was never answered" in fault for fault in faults)


def test_a_second_cell_in_a_busy_worker_is_found() -> None:
    assert "a second cell while one runs" in check(traced(START, START))[0]


def test_a_ledger_that_disagrees_with_the_wire_is_found() -> None:
    trace = traced(START, CALLS, ANSWER, m.Completed(1))
    faults = check(trace, [settled(("echo", "error"), ("never", "cancelled"))])
    assert any("is not what the wire shows" in fault for fault in faults)


def test_calls_that_no_ledger_has_are_found() -> None:
    trace = traced(START, CALLS, m.Completed(1))
    assert "are in no ledger" in found(trace, settled())


def test_a_cell_that_is_not_settled_is_found() -> None:
    cell = Cell(1, max_output_tokens=1, max_console_bytes=1)
    cell.ledger.make("echo")
    faults = check(Trace(), [cell])
    assert any("is not settled" in fault for fault in faults)
    assert any("open" in fault for fault in faults)
