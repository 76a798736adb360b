"""Calls of scripts that wait for an approval: parked, presented together, denied, kept over a yield, cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import trio

import codemode

pytestmark = [pytest.mark.one_launcher, pytest.mark.usefixtures("nothing_is_left")]


class Person:
    """Who is asked, and decides when the test says so."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.requests: list[codemode.ApprovalRequest] = []
        self._asked = trio.Event()

    def __call__(self, requests: Sequence[codemode.ApprovalRequest]) -> None:
        self.asked.append([f"{request.tool} {request.arguments['id']}" for request in requests])
        self.requests += requests
        self._asked.set()
        self._asked = trio.Event()

    async def until_asked(self, calls: int) -> None:
        with trio.fail_after(10):
            while len(self.requests) < calls:
                await self._asked.wait()


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
async def session(person: Person) -> AsyncIterator[codemode.Session]:
    tools = codemode.ToolRegistry()

    @tools.tool(approval="ask", destructive=True)
    async def cancel_order(id: int) -> str:  # noqa: A002 - what a tool would call it
        return f"cancelled {id}"

    @tools.tool(read_only=True)
    async def get_order(id: int) -> int:  # noqa: A002
        return id * 100

    async with codemode.open_session(tools, on_approval=person) as session:
        yield session


async def test_a_call_that_waits_for_its_approval_lets_the_others_go_on(
    session: codemode.Session, person: Person
) -> None:
    async with session.open_turn() as turn:
        outcome = await turn.exec("""
            const cancelled = [1, 2, 3].map((id) => tools.cancel_order({ id }));
            text(await Promise.all([7, 8].map((id) => tools.get_order({ id }))));
            yield_control();
            const settled = await Promise.allSettled(cancelled);
            text(settled.map(({ value, reason }) => value ?? `${reason.name} ${reason.code}: ${reason.message}`));
        """)
        assert (outcome.status, outcome.text) == ("running", "[700,800]")
        await person.until_asked(3)
        assert person.asked == [["cancel_order 1", "cancel_order 2", "cancel_order 3"]]
        assert [request.call_id for request in session.waiting_for_approval] == ["1-1", "1-2", "1-3"]
        open_calls = {call.call_id: call for call in outcome.calls}
        assert (open_calls["1-1"].status, open_calls["1-1"].started_ms) == ("running", None)
        by_id = {request.arguments["id"]: request for request in person.requests}
        by_id[3].allow()
        by_id[1].deny()
        by_id[2].deny("ask the customer first")
        outcome = await turn.wait(outcome.cell_id)
    assert outcome.status == "completed"
    assert outcome.text == (
        '["ToolError denied: the call was denied: it was not approved",'
        '"ToolError denied: the call was denied: ask the customer first","cancelled 3"]'
    )
    assert [(call.status, call.code) for call in outcome.calls[:3]] == [
        ("error", "denied"),
        ("error", "denied"),
        ("ok", None),
    ]
    assert session.waiting_for_approval == ()


async def test_a_parked_call_survives_the_yield_of_its_exec_and_waits_that_come_and_go(
    session: codemode.Session, person: Person
) -> None:
    async with session.open_turn(on_end="keep") as turn:
        outcome = await turn.exec("text(await tools.cancel_order({ id: 1 }))", yield_time_ms=20)
    assert outcome.status == "running"
    async with session.open_turn() as turn:
        for _ in range(2):
            outcome = await turn.wait(outcome.cell_id, yield_time_ms=20)
            assert outcome.status == "running", "a script with a parked call is not stalled"
        await person.until_asked(1)
        person.requests[0].allow()
        outcome = await turn.wait(outcome.cell_id)
    assert (outcome.status, outcome.text) == ("completed", "cancelled 1")
    assert len(person.asked) == 1, "the person was asked once"


async def test_a_parked_call_is_cancelled_with_its_cell_and_that_of_another_cell_is_not(
    session: codemode.Session, person: Person
) -> None:
    async with session.open_turn() as turn:
        first = await turn.exec("await tools.cancel_order({ id: 1 })", yield_time_ms=20)
        await person.until_asked(1)
        second = await turn.exec("text(await tools.cancel_order({ id: 2 }))", yield_time_ms=20)
        await person.until_asked(2)
        first = await turn.wait(first.cell_id, terminate=True)
        assert first.status == "terminated"
        assert [(call.status, call.started_ms) for call in first.calls] == [("cancelled", None)]
        assert [request.is_waiting for request in person.requests] == [False, True]
        person.requests[0].allow()  # too late, and nothing comes of it
        person.requests[1].allow()
        second = await turn.wait(second.cell_id)
    assert (second.status, second.text) == ("completed", "cancelled 2")


async def test_a_script_may_give_a_parked_call_up(session: codemode.Session, person: Person) -> None:
    async with session.open_turn() as turn:
        outcome = await turn.run("""
            const controller = new AbortController();
            const parked = tools.cancel_order({ id: 1 }, { signal: controller.signal });
            await tools.get_order({ id: 1 });
            await sleep(60);
            controller.abort();
            await parked.catch((error) => text(error.code));
        """)
    assert outcome.text == "cancelled"
    assert [request.is_waiting for request in person.requests] == [False]


async def test_what_waits_for_an_approval_is_told_as_it_happens(session: codemode.Session, person: Person) -> None:
    told: list[tuple[str, ...]] = []
    events = session.events()
    async with session.open_turn() as turn, trio.open_nursery() as nursery:

        async def listen() -> None:
            async for event in events:
                match event:
                    case codemode.ApprovalAsked(call_id=call_id, tool=tool):
                        told.append(("asked", call_id, tool))
                    case codemode.ApprovalDecided(call_id=call_id, is_allowed=is_allowed, reason=reason):
                        told.append(("decided", call_id, str(is_allowed), str(reason)))
                    case codemode.CallSettled(call_id=call_id, status=status):
                        told.append(("settled", call_id, status))
                    case codemode.CellEnded():
                        return

        nursery.start_soon(listen)
        outcome = await turn.exec("await tools.cancel_order({ id: 1 }).catch(() => {})", yield_time_ms=20)
        await person.until_asked(1)
        person.requests[0].deny("no")
        await turn.wait(outcome.cell_id)
    assert told == [
        ("asked", "1-1", "cancel_order"),
        ("decided", "1-1", "False", "no"),
        ("settled", "1-1", "error"),
    ]


async def test_a_session_that_closes_answers_what_is_parked(person: Person) -> None:
    tools = codemode.ToolRegistry()
    tools.tool(name="act", approval="ask")(lambda id: id)  # noqa: A006
    async with codemode.open_session(tools, on_approval=person) as session, session.open_turn(on_end="keep") as turn:
        await turn.exec("await tools.act({ id: 1 })", yield_time_ms=20)
        await person.until_asked(1)
    assert [request.is_waiting for request in person.requests] == [False]
    assert session.statistics().open_calls == 0
