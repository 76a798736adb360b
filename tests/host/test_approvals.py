"""A call that somebody must approve waits for nobody else, and nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import trio
import trio.testing

from codemode.host.approvals import ApprovalRequest
from codemode.host.calls import ToolCallOutcome, ToolInvocation
from codemode.host.context import ToolFailure
from codemode.host.dispatcher import ToolDispatcher
from codemode.host.tools import ToolRegistry


@pytest.fixture
def tools() -> ToolRegistry:
    registry = ToolRegistry()

    @registry.tool(approval="ask", destructive=True)
    async def remove(path: str = "/") -> str:
        """Removes a file."""
        return f"removed {path}"

    @registry.tool
    async def read() -> str:
        return "read"

    return registry


def removals(*paths: str) -> list[ToolInvocation]:
    return [ToolInvocation(path, "remove", {"path": path}) for path in paths]


def told(outcomes: Sequence[ToolCallOutcome]) -> list[Any]:
    return [outcome.error.message if outcome.error else outcome.value for outcome in outcomes]


DENIED = "the call was denied: it was not approved"


async def test_all_that_wait_are_asked_about_together_and_others_do_not_wait(tools: ToolRegistry) -> None:
    asked: list[list[str]] = []

    def ask(requests: Sequence[ApprovalRequest]) -> None:
        asked.append([f"{request.tool} {request.arguments} {request.definition.destructive}" for request in requests])
        requests[0].allow()
        requests[1].deny()
        requests[2].deny("not that one")
        requests[2].allow()  # too late

    dispatcher = ToolDispatcher(tools, on_approval=ask)
    order: list[str] = []
    outcomes = await dispatcher.run(
        [*removals("a", "b", "c"), ToolInvocation("d", "read")],
        on_outcome=lambda outcome: order.append(outcome.call_id),
    )
    assert told(outcomes) == ["removed a", DENIED, "the call was denied: not that one", "read"]
    assert [outcome.error.code for outcome in outcomes[1:3] if outcome.error] == ["denied", "denied"]
    assert order[0] == "d"
    assert asked == [[f"remove {{'path': '{path}'}} True" for path in "abc"]]


async def test_those_that_come_while_somebody_is_being_asked_are_asked_about_afterwards(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    asked: list[list[str]] = []

    async def ask(requests: Sequence[ApprovalRequest]) -> None:
        asked.append([request.call_id for request in requests])
        await trio.sleep(10)
        for request in requests:
            request.allow()

    dispatcher = ToolDispatcher(tools, on_approval=ask)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dispatcher.run, removals("a"))
        for path in ("b", "c"):
            await trio.sleep(3)
            nursery.start_soon(dispatcher.run, removals(path))
        await trio.sleep(1)
        assert [request.call_id for request in dispatcher.waiting_for_approval] == ["a", "b", "c"]
    assert asked == [["a"], ["b", "c"]]
    assert trio.current_time() == pytest.approx(20, abs=0.1)
    assert dispatcher.waiting_for_approval == ()


async def test_a_decision_may_come_later_and_from_another_thread(tools: ToolRegistry) -> None:
    waiting: list[ApprovalRequest] = []
    dispatcher = ToolDispatcher(tools, on_approval=waiting.extend)
    outcomes: list[ToolCallOutcome] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: dispatcher.run(removals("a", "b"), on_outcome=outcomes.append))
        while len(waiting) < 2:  # noqa: ASYNC110 - what is asked is a list's method
            await trio.sleep(0.01)
        await trio.testing.wait_all_tasks_blocked()
        assert all(request.is_waiting for request in waiting)
        await trio.to_thread.run_sync(waiting[0].allow)
        await trio.to_thread.run_sync(waiting[1].deny, "no")
    assert sorted(told(outcomes)) == sorted([f"removed {waiting[0].arguments['path']}", "the call was denied: no"])
    assert not any(request.is_waiting for request in waiting)
    thread = threading.Thread(target=waiting[0].deny)  # long after: nothing happens
    thread.start()
    thread.join()


async def test_who_is_asked_may_go_on_when_all_is_decided(tools: ToolRegistry) -> None:
    told_of: list[str] = []

    async def ask(requests: Sequence[ApprovalRequest]) -> None:
        requests[0].allow()
        assert not requests[0].is_waiting
        await trio.sleep(0.02)
        told_of.append("and written down")

    dispatcher = ToolDispatcher(tools, on_approval=ask)
    assert told(await dispatcher.run(removals("a"))) == ["removed a"]
    await trio.sleep(0.1)
    assert told_of == ["and written down"]


async def test_a_policy_function_does_not_change_what_is_shown() -> None:
    tools, shown = ToolRegistry(), []

    def approve(request: ApprovalRequest) -> str:
        request.arguments.update(path="harmless")
        return "ask"

    def ask(requests: Sequence[ApprovalRequest]) -> None:
        shown.append(requests[0].arguments)
        requests[0].allow()

    tools.tool(name="remove", approval=approve)(lambda path: path)  # type: ignore[arg-type]
    assert told(await ToolDispatcher(tools, on_approval=ask).run(removals("/"))) == ["/"]
    assert shown == [{"path": "/"}]


async def test_a_call_that_is_cancelled_asks_nobody_any_more(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    events: list[str] = []

    async def ask(requests: Sequence[ApprovalRequest]) -> None:
        events.append(f"asked about {len(requests)}")
        try:
            await trio.sleep_forever()
        finally:
            events.append(f"given up at {trio.current_time()}")

    dispatcher = ToolDispatcher(tools, on_approval=ask)

    async def give_up(at_s: float) -> None:
        with trio.move_on_at(at_s):
            await dispatcher.run(removals("a"))

    async with trio.open_nursery() as nursery:
        for at_s in (5, 7):
            nursery.start_soon(give_up, at_s)
    await trio.sleep(1)
    assert events == ["asked about 2", "given up at 7.0"]
    with trio.move_on_after(0):  # gone before anybody was asked
        await dispatcher.run(removals("b"))
    await trio.sleep(1)
    assert (len(events), dispatcher.waiting_for_approval) == (2, ())
    with trio.move_on_after(2):  # and who comes next is asked about all the same
        await dispatcher.run(removals("c"))
    assert events[2] == "asked about 1"


@pytest.mark.parametrize("kind", ["raises", "cancels itself", "leaves"])
async def test_who_is_asked_and_fails_has_denied(
    tools: ToolRegistry, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    async def ask(requests: Sequence[ApprovalRequest]) -> None:
        requests[0].allow()
        match kind:
            case "raises":
                raise ValueError("of the host")
            case "leaves":
                raise SystemExit
        with trio.CancelScope() as scope:
            scope.cancel()
            try:
                await trio.lowlevel.checkpoint()
            except trio.Cancelled as error:
                leaked = error
        raise leaked

    dispatcher = ToolDispatcher(tools, on_approval=ask)
    outcomes = await dispatcher.run(removals("a", "b"))
    assert sum(outcome.status == "ok" for outcome in outcomes) == 1
    (denied,) = [outcome.error for outcome in outcomes if outcome.error]
    assert denied.code == "denied"
    assert "who was to approve it failed" in denied.message
    assert (await dispatcher.run(removals("c")))[0].status == "ok", "the next is asked about as if nothing had been"


async def test_where_nobody_can_be_asked_the_call_is_denied_and_says_what_to_do(tools: ToolRegistry) -> None:
    (outcome,) = await ToolDispatcher(tools).run(removals("a"))
    assert outcome.error is not None
    assert outcome.error.code == "denied"
    assert "on_approval" in outcome.error.message


async def _later(decision: Any) -> Any:
    await trio.lowlevel.checkpoint()
    return decision


def _raise(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize(
    ("approval", "expected"),
    [
        ("allow", "done"),
        ("deny", "the call was denied: its policy does not allow it"),
        (lambda request: "allow", "done"),
        (lambda request: True, "done"),
        (lambda request: False, "the call was denied: its policy does not allow it"),
        (lambda request: "deny", "the call was denied: its policy does not allow it"),
        (lambda request: "ask", "the call was denied: asked"),
        (lambda request: _later("ask"), "the call was denied: asked"),
        (lambda request: _later(request.arguments == {"n": 1}), "done"),
        (lambda request: _raise(ToolFailure("my words", "quota")), "my words"),
        (lambda request: _raise(ValueError("x")), "the call was denied: its approval could not be decided: ValueError"),
        (lambda request: None, "the call was denied: its approval could not be decided: TypeError"),
        (lambda request: 1, "the call was denied: its approval could not be decided: TypeError"),
    ],
)
async def test_a_policy_or_its_function_decides(approval: Any, expected: str, caplog: pytest.LogCaptureFixture) -> None:
    tools, made = ToolRegistry(), []

    @tools.tool(approval=approval)
    async def act(n: int) -> str:
        made.append(n)
        return "done"

    dispatcher = ToolDispatcher(tools, on_approval=lambda requests: requests[0].deny("asked"))
    outcomes = await dispatcher.run([ToolInvocation("a", "act", arguments_json='{"n": 1}')])
    assert told(outcomes) == [expected]
    assert made == ([1] if expected == "done" else [])


async def test_a_call_that_does_not_fit_asks_nobody(tools: ToolRegistry) -> None:
    dispatcher = ToolDispatcher(tools, on_approval=_raise)
    (outcome,) = await dispatcher.run([ToolInvocation("a", "remove", {"path": 1})])
    assert outcome.error is not None
    assert outcome.error.code == "invalid_arguments"


async def test_what_was_approved_is_what_is_done() -> None:
    """Arguments that change while somebody is asked, and between attempts, change nothing."""
    tools, shared, seen = ToolRegistry(), {"path": ["a"]}, []

    @tools.tool(approval="ask", retry=2)
    async def remove(path: list[str]) -> None:
        seen.append(path.copy())
        path.append("spoiled")
        raise ValueError

    def ask(requests: Sequence[ApprovalRequest]) -> None:
        shared["path"].append("b")
        requests[0].arguments["path"].append("c")
        requests[0].allow()

    await ToolDispatcher(tools, on_approval=ask).run([ToolInvocation("1", "remove", shared)])
    assert seen == [["a"], ["a"]]


async def test_a_parked_call_holds_no_place_of_its_tool(autojump_clock: trio.testing.MockClock) -> None:
    tools = ToolRegistry()
    decide: Callable[[ApprovalRequest], Any] = lambda request: "ask" if request.arguments["n"] else "allow"  # noqa: E731

    @tools.tool(approval=decide, max_concurrency=1)
    async def act(n: int) -> float:
        return trio.current_time()

    async def ask(requests: Sequence[ApprovalRequest]) -> None:
        await trio.sleep(5)
        requests[0].allow()

    outcomes = await ToolDispatcher(tools, on_approval=ask).run([ToolInvocation("a", "act", {"n": n}) for n in (1, 0)])
    assert outcomes[1].value == 0
    assert outcomes[0].value == pytest.approx(5, abs=0.1)
