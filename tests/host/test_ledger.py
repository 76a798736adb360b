from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codemode.host.ledger import Ledger
from codemode.host.outcome import CallRecord


def test_the_records_stand_in_the_order_in_which_the_calls_were_made() -> None:
    ledger = Ledger("7")
    first, second = ledger.make("grep"), ledger.make("read")
    ledger.start(second, 1.0)
    ledger.settle(second, "ok", None, 2.0)
    assert ledger.records() == (
        CallRecord("7-1", "grep", "running", None, None, None),
        CallRecord("7-2", "read", "ok", None, 1.0, 2.0),
    )
    assert ledger.open == {first}


def test_a_late_start_or_result_changes_nothing() -> None:
    ledger = Ledger("7")
    call_id = ledger.make("grep")
    assert ledger.settle(call_id, "cancelled", "cancelled", 3.0)
    ledger.start(call_id, 4.0)
    assert not ledger.settle(call_id, "ok", None, 5.0)
    assert ledger.records() == (CallRecord("7-1", "grep", "cancelled", "cancelled", None, 3.0),)


class LedgerMachine(RuleBasedStateMachine):
    """Any order of makes and settles: each call is settled once, and what was open is what is left."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger("1")
        self.made: list[str] = []
        self.settled: dict[str, str] = {}

    @rule(tool=st.sampled_from(["a", "b"]))
    def make(self, tool: str) -> None:
        self.made.append(self.ledger.make(tool))

    @precondition(lambda self: self.made)
    @rule(data=st.data(), status=st.sampled_from(["ok", "error", "cancelled"]))
    def settle(self, data: st.DataObject, status: str) -> None:
        call_id = data.draw(st.sampled_from(self.made))
        first = self.ledger.settle(call_id, status, None, 0.0)  # type: ignore[arg-type]
        assert first == (call_id not in self.settled)
        self.settled.setdefault(call_id, status)

    @invariant()
    def the_first_settlement_stands(self) -> None:
        assert self.ledger.open == set(self.made) - set(self.settled)
        assert {r.call_id: r.status for r in self.ledger.records() if r.status != "running"} == self.settled
        assert len(set(self.made)) == len(self.made)


TestLedger = LedgerMachine.TestCase
