"""What a host does around every call: each hook hears of each call's end once, and what it makes of it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

import codemode
from codemode.host.calls import ToolCallError, ToolCallOutcome, ToolInvocation
from codemode.host.context import ToolFailure
from codemode.host.dispatcher import ToolDispatcher
from codemode.host.hooks import CallHooks
from codemode.host.tools import ToolRegistry


@pytest.fixture
def tools() -> ToolRegistry:
    registry = ToolRegistry()

    @registry.tool
    async def double(n: int) -> dict[str, int]:
        return {"twice": 2 * n}

    @registry.tool
    async def fail() -> None:
        raise ValueError("bad")

    @registry.tool
    async def wait() -> None:
        await trio.sleep_forever()

    registry.tool(name="refused", approval="deny")(lambda: 1)
    return registry


class Log(CallHooks):
    """Writes down what it hears, async or not."""

    def __init__(self, name: str = "", lines: list[str] | None = None) -> None:
        self.name = name
        self.lines: list[str] = [] if lines is None else lines

    async def before(self, invocation: ToolInvocation) -> None:
        await trio.lowlevel.checkpoint()
        self.lines.append(f"{self.name}before {invocation.tool} {invocation.arguments}")

    def after(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> None:
        self.lines.append(f"{self.name}after {invocation.tool} {outcome.value}")

    def error(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> None:
        assert outcome.error is not None
        self.lines.append(f"{self.name}error {invocation.tool} {outcome.error.code}")


async def test_every_end_of_every_call_is_heard_of(tools: ToolRegistry) -> None:
    log = Log()
    dispatcher = ToolDispatcher(tools, hooks=[log])
    for tool, arguments in (
        ("double", {"n": 1}),
        ("fail", {}),
        ("absent", {}),
        ("double", {"n": "x"}),
        ("refused", {}),
    ):
        await dispatcher.call(ToolInvocation("1", tool, arguments))
    assert log.lines == [
        "before double {'n': 1}",
        "after double {'twice': 2}",
        "before fail {}",
        "error fail tool_failed",
        "error absent tool_not_found",
        "error double invalid_arguments",
        "before refused {}",
        "error refused denied",
    ]


async def test_hooks_stand_around_each_other(tools: ToolRegistry) -> None:
    lines: list[str] = []
    await ToolDispatcher(tools, hooks=[Log("1 ", lines), Log("2 ", lines)]).call(
        ToolInvocation("1", "double", {"n": 1})
    )
    assert [line.split(" double")[0] for line in lines] == ["1 before", "2 before", "2 after", "1 after"]


async def test_a_script_that_calls_is_heard_of_like_a_model_that_does(tools: ToolRegistry) -> None:
    log = Log()
    async with codemode.open_session(tools, hooks=[log]) as session, session.open_turn() as turn:
        outcome = await turn.run("text(await tools.double({n: 2})); tools.wait(); await tools.fail()")
    assert outcome.text.startswith('{"twice":4}')
    assert log.lines[:2] == ["before double {'n': 2}", "after double {'twice': 4}"]
    assert sorted(log.lines[2:]) == [
        "before fail {}",
        "before wait {}",
        "error fail tool_failed",
        "error wait cancelled",
    ]


async def test_hooks_hear_of_a_call_that_its_caller_gave_up(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    lines: list[str] = []

    class Slow(Log):
        async def error(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> None:  # type: ignore[override]
            await trio.sleep(0.125)
            super().error(invocation, outcome)

    class Deaf(CallHooks):
        async def error(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> None:
            await trio.sleep(10)

    hooks = [Deaf(), Slow("slow ", lines), Log("", lines)]
    with trio.move_on_after(1) as scope:
        await ToolDispatcher(tools, hooks=hooks).call(ToolInvocation("1", "wait"))
    assert scope.cancelled_caught
    assert lines[2:] == ["error wait cancelled", "slow error wait cancelled"]
    assert trio.current_time() <= 1.5, "no hook holds a cancelled call up for longer than half a second"


# ── what hooks make of a call ─────────────────────────────────────────────────────────────────────────────────


@dataclass
class Does(CallHooks):
    """Does at each place what it is told to."""

    first: Callable[[ToolInvocation], Any] = lambda invocation: None
    last: Callable[[ToolCallOutcome], Any] = lambda outcome: None
    lines: list[str] = field(default_factory=list)

    async def before(self, invocation: ToolInvocation) -> Any:
        return self.first(invocation)

    async def after(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> Any:
        self.lines.append("after")
        return self.last(outcome)

    async def error(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> Any:
        self.lines.append("error")
        return self.last(outcome)

    __hash__ = CallHooks.__hash__


def raising(error: Exception) -> Callable[[Any], Any]:
    def function(_: Any) -> Any:
        raise error

    return function


def spoil(outcome: ToolCallOutcome) -> None:
    outcome.value["twice"] = "[redacted]"


FAILED = "tool_failed"


@pytest.mark.parametrize(
    ("hook", "value_json", "code"),
    [
        (Does(), '{"twice":4}', None),
        (Does(first=lambda call: replace(call, arguments={"n": 21})), '{"twice":42}', None),
        (Does(first=lambda call: replace(call, tool="fail", arguments={})), None, FAILED),
        (Does(first=lambda call: replace(call, arguments={"n": "x"})), None, "invalid_arguments"),
        (Does(first=lambda call: replace(call, arguments_json='{"n":5}')), '{"twice":10}', None),
        (Does(first=lambda call: ToolCallOutcome("other", "ok", {"kept": 1})), '{"kept":1}', None),
        (Does(first=lambda call: ToolCallOutcome.failed("other", "quota", "enough")), None, "quota"),
        (Does(first=raising(ToolFailure("not you", "denied"))), None, "denied"),
        (Does(first=raising(KeyError("x"))), None, FAILED),
        (Does(first=lambda call: "yes"), None, FAILED),
        (Does(last=lambda outcome: replace(outcome, value=[1])), "[1]", None),
        (Does(last=lambda outcome: replace(outcome, value_json='"text"')), '"text"', None),
        (Does(last=lambda outcome: replace(outcome, value=2**60)), '"1152921504606846976"', None),
        (Does(last=lambda outcome: ToolCallOutcome.failed("other", "secret", "no")), None, "secret"),
        (Does(last=spoil), '{"twice":"[redacted]"}', None),
        (Does(last=raising(ToolFailure("a secret", "denied"))), None, "denied"),
        (Does(last=raising(ZeroDivisionError())), None, FAILED),
        (Does(last=lambda outcome: replace(outcome, value=object())), None, FAILED),
        (Does(last=lambda outcome: replace(outcome, value_json="{")), None, FAILED),
        (Does(last=lambda outcome: True), None, FAILED),
        (Does(last=lambda outcome: replace(outcome, value="x" * 1000)), None, "result_too_large"),
    ],
)
async def test_what_a_hook_makes_of_a_call_counts(
    tools: ToolRegistry, hook: Does, value_json: str | None, code: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    outer = Log()
    outcome = await ToolDispatcher(tools, hooks=[outer, hook], max_result_bytes=500).call(
        ToolInvocation("1", "double", {"n": 2})
    )
    assert (outcome.call_id, outcome.value_json, outcome.error and outcome.error.code) == ("1", value_json, code)
    assert outcome.status == ("ok" if code is None else "error")
    assert len(outer.lines) == 2, "a hook around it hears of one beginning and one end"
    if code != "result_too_large":  # the last word is the dispatcher's
        assert outer.lines[1].startswith("after") == (code is None)


async def test_a_hook_may_turn_a_failure_into_a_result(tools: ToolRegistry) -> None:
    hook = Does(last=lambda outcome: ToolCallOutcome("", "ok", "instead") if outcome.error else None)
    outer = Log()
    outcome = await ToolDispatcher(tools, hooks=[outer, hook]).call(ToolInvocation("1", "fail"))
    assert (outcome.call_id, outcome.status, outcome.value_json) == ("1", "ok", '"instead"')
    assert outer.lines[1] == "after fail instead"


async def test_a_redaction_reaches_every_caller(tools: ToolRegistry) -> None:
    @tools.tool
    async def account() -> dict[str, Any]:
        return {"owner": "Ida", "card": {"number": "4111 1111"}}

    class Redaction(CallHooks):
        def after(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> ToolCallOutcome:
            return replace(outcome, value=without_numbers(outcome.value))

    def without_numbers(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_numbers(each) for key, each in value.items() if key != "number"}
        return value

    hooks = [Redaction()]
    (direct,) = await ToolDispatcher(tools, hooks=hooks).run([ToolInvocation("1", "account")])
    assert direct.value == {"owner": "Ida", "card": {}}
    async with codemode.open_session(tools, hooks=hooks) as session, session.open_turn() as turn:
        outcome = await turn.run("text(await tools.account())")
    assert outcome.text == '{"owner":"Ida","card":{}}'


async def test_what_a_hook_fails_on_or_refuses_does_not_get_out(tools: ToolRegistry) -> None:
    registry = ToolRegistry()
    registry.tool(name="key")(lambda: "sk-SECRET")

    class Fails(CallHooks):
        def after(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> Any:
            return replace(outcome, value=int(outcome.value))

    class Refuses(CallHooks):
        def after(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> Any:
            return replace(outcome, status="error", error=ToolCallError("denied", "no keys"), value_json='"sk-SECRET"')

    class Odd(CallHooks):
        def after(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> Any:
            return replace(outcome, status="fine")

    for hook, code in ((Fails(), "tool_failed"), (Refuses(), "denied"), (Odd(), "tool_failed")):
        (outcome,) = await ToolDispatcher(registry, hooks=[hook]).run([ToolInvocation("1", "key")])
        assert (outcome.status, outcome.error and outcome.error.code) == ("error", code)
        assert "SECRET" not in str(outcome)


async def test_a_hook_that_cancels_itself_ends_its_call_only(tools: ToolRegistry) -> None:
    async def stolen() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            try:
                await trio.lowlevel.checkpoint()
            except trio.Cancelled as error:
                leaked = error
        raise leaked

    class Leaks(CallHooks):
        async def before(self, invocation: ToolInvocation) -> None:
            await stolen()

    outcomes = await ToolDispatcher(tools, hooks=[Leaks()]).run([ToolInvocation("1", "double", {"n": 1})] * 2)
    assert [(outcome.status, outcome.error) for outcome in outcomes] == [
        ("cancelled", ToolCallError("cancelled", "the tool cancelled itself"))
    ] * 2


ACTS = st.sampled_from(["nothing", "change", "answer", "fail", "raise", "odd"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(ACTS, ACTS), max_size=4), st.sampled_from(["double", "fail", "absent"]))
def test_whatever_hooks_do_each_hears_one_end_and_there_is_one_answer(hooks: list[tuple[str, str]], tool: str) -> None:
    registry = ToolRegistry()

    @registry.tool
    async def double(n: int) -> int:
        return 2 * n

    @registry.tool(name="fail")
    async def fails(n: int) -> int:
        raise ValueError

    heard: list[list[str]] = []

    class Acts(CallHooks):
        def __init__(self, acts: tuple[str, str]) -> None:
            self.acts = acts
            self.heard: list[str] = []
            heard.append(self.heard)

        def before(self, invocation: ToolInvocation) -> Any:
            self.heard.append("before")
            return act(self.acts[0], replace(invocation, arguments={"n": 3}), invocation.call_id)

        def after(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> Any:
            assert outcome.error is None
            self.heard.append("end")
            return act(self.acts[1], replace(outcome, value=0), outcome.call_id)

        def error(self, invocation: ToolInvocation, outcome: ToolCallOutcome) -> Any:
            assert outcome.error is not None
            self.heard.append("end")
            return act(self.acts[1], outcome, outcome.call_id)

    def act(name: str, changed: Any, call_id: str) -> Any:
        match name:
            case "change":
                return changed
            case "answer":
                return ToolCallOutcome(call_id, "ok", "an answer")
            case "fail":
                return ToolCallOutcome.failed(call_id, "quota", "enough")
            case "raise":
                raise ToolFailure("no", "denied")
            case "odd":
                return object()
        return None

    async def main() -> list[ToolCallOutcome]:
        dispatcher = ToolDispatcher(registry, hooks=[Acts(acts) for acts in hooks])
        return await dispatcher.run([ToolInvocation("1", tool, {"n": 1})])

    (outcome,) = trio.run(main)
    assert outcome.call_id == "1"
    assert (outcome.status == "ok") == (outcome.error is None) == (outcome.value_json is not None)
    assert all(each.count("end") == 1 and each.count("before") <= 1 and each[-1] == "end" for each in heard)
    if tool == "absent":
        assert all(each == ["end"] for each in heard)
    elif heard:
        assert heard[0][0] == "before"
