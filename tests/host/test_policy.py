"""What the owner of a tool decides of its calls: how many at a time, how often, by whom."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest
import trio
import trio.testing

import codemode
from codemode.host.calls import ToolCallOutcome, ToolInvocation
from codemode.host.context import ToolContext, ToolFailure
from codemode.host.dispatcher import ToolDispatcher, the_call_of
from codemode.host.policy import Retry, ToolGroup
from codemode.host.tools import ToolDefinition, ToolRegistry


@pytest.fixture
def tools() -> ToolRegistry:
    return ToolRegistry()


def calls(*tools: str, **options: Any) -> list[ToolInvocation]:
    return [ToolInvocation(str(place), tool, **options) for place, tool in enumerate(tools)]


def codes(outcomes: list[ToolCallOutcome]) -> list[str]:
    return [outcome.error.code if outcome.error else outcome.status for outcome in outcomes]


# ── groups ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_tools_of_a_group_share_its_places_and_others_wait_for_none(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    database = ToolGroup("database", max_concurrency=2)
    running = {"in group": 0, "most": 0}

    async def work() -> float:
        running["in group"] += 1
        running["most"] = max(running["most"], running["in group"])
        await trio.sleep(1)
        running["in group"] -= 1
        return trio.current_time()

    tools.tool(name="read", group=database)(work)
    tools.tool(name="write", group=database, max_concurrency=1)(work)

    @tools.tool
    async def free() -> float:
        return trio.current_time()

    outcomes = await ToolDispatcher(tools).run(calls("write", "write", "read", "read", "free"))
    assert running["most"] == 2
    assert outcomes[4].value == 0
    assert sorted(outcome.value for outcome in outcomes[:4]) in ([1, 1, 2, 2], [1, 1, 2, 3])  # by who came first


async def test_a_thread_keeps_its_place_in_its_group_while_it_runs(tools: ToolRegistry) -> None:
    narrow, go = ToolGroup("narrow", max_concurrency=1), threading.Event()
    tools.tool(name="block", group=narrow)(lambda: go.wait(10))
    tools.tool(name="next", group=narrow)(lambda: 1)
    dispatcher = ToolDispatcher(tools)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dispatcher.call, *calls("block"))
        while not dispatcher._thread_limiter.borrowed_tokens:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    with trio.move_on_after(0.05) as scope:
        await dispatcher.call(*calls("next"))
    assert scope.cancelled_caught
    go.set()
    assert (await dispatcher.call(*calls("next"))).value == 1


async def test_a_plain_function_around_an_async_one_keeps_its_places_and_its_time(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    autojump_clock.autojump_threshold = 0.02  # real threads run: let them start
    running = {"now": 0, "most": 0}

    async def work(shielded: bool) -> None:
        running["now"] += 1
        running["most"] = max(running.values())
        with trio.CancelScope(shield=shielded):
            await trio.sleep(50 if shielded else 1)
        running["now"] -= 1

    tools.tool(name="narrow", max_concurrency=1)(lambda: work(False))
    tools.tool(name="deaf", timeout_s=2)(lambda: work(True))
    dispatcher = ToolDispatcher(tools)
    assert codes(await dispatcher.run(calls("narrow", "narrow", "narrow"))) == ["ok"] * 3
    assert running["most"] == 1
    began_s = trio.current_time()
    assert codes(await dispatcher.run(calls("deaf"))) == ["tool_timeout"]
    assert trio.current_time() - began_s < 10
    assert dispatcher.tasks_left_behind == 1


# ── retries ───────────────────────────────────────────────────────────────────────────────────────────────────


class Flaky:
    """Fails so many times, each time in another way."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.seen: list[tuple[int, str, float]] = []

    async def __call__(self, ctx: ToolContext, box: list[int]) -> list[int]:
        self.seen.append((ctx.attempt, ctx.idempotency_key, trio.current_time()))
        box.append(1)
        if self.errors:
            raise self.errors.pop(0)
        return box


async def test_a_call_that_fails_is_made_again_with_the_same_key_and_the_same_arguments(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    flaky = Flaky(ValueError("a"), ToolFailure("b"))
    tools.tool(name="flaky", retry=Retry(3, delay_s=1))(flaky)
    first = ToolInvocation("a", "flaky", {"box": []})
    outcome = await ToolDispatcher(tools).call(first)
    assert (outcome.status, outcome.value) == ("ok", [1])
    assert [attempt for attempt, _, _ in flaky.seen] == [1, 2, 3]
    assert len({key for _, key, _ in flaky.seen}) == 1
    waits = [later[2] - earlier[2] for earlier, later in zip(flaky.seen, flaky.seen[1:], strict=False)]
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2

    outcome = await ToolDispatcher(tools).call(first)
    assert flaky.seen[-1][1] != flaky.seen[0][1], "another call has another key"


async def test_the_key_of_the_caller_is_the_key(tools: ToolRegistry) -> None:
    @tools.tool
    async def pay(ctx: ToolContext) -> str:
        return ctx.idempotency_key

    outcome = await ToolDispatcher(tools).call(ToolInvocation("a", "pay", idempotency_key="order-7"))
    assert outcome.value == "order-7"


@pytest.mark.parametrize(
    ("retry", "errors", "code"),
    [
        (2, [ValueError("a"), ValueError("b")], "tool_failed"),
        (3, [ToolFailure("for good", "denied")], "denied"),
        (Retry(3, delay_s=0, codes=["busy"]), [ToolFailure("x", "busy"), ValueError("y")], "tool_failed"),
        (Retry(3, delay_s=0, codes=["busy"]), [ToolFailure("x", "busy")], "ok"),
    ],
)
async def test_only_some_failures_are_worth_another_attempt(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock, retry: Any, errors: list[Exception], code: str
) -> None:
    flaky, made = Flaky(*errors), len(errors) + (code == "ok")
    tools.tool(name="flaky", retry=retry)(flaky)
    assert codes(await ToolDispatcher(tools).run(calls("flaky", arguments={"box": []}))) == [code]
    assert len(flaky.seen) == made


async def test_each_attempt_has_its_own_time(tools: ToolRegistry, autojump_clock: trio.testing.MockClock) -> None:
    attempts: list[ToolContext] = []

    @tools.tool(retry=Retry(2, delay_s=1), timeout_s=5)
    async def slow(ctx: ToolContext) -> None:
        attempts.append(ctx)
        await trio.sleep(10)

    assert codes(await ToolDispatcher(tools).run(calls("slow"))) == ["tool_timeout"]
    assert 10.5 <= trio.current_time() <= 11
    assert [(ctx.attempt, ctx.is_cancelled) for ctx in attempts] == [(1, True), (2, True)]


async def test_a_call_that_is_cancelled_is_not_made_again(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    made: list[float] = []

    @tools.tool(retry=Retry(5, delay_s=10))
    async def fails() -> None:
        made.append(trio.current_time())
        raise ValueError

    with trio.move_on_after(1) as scope:
        await ToolDispatcher(tools).run(calls("fails"))
    assert scope.cancelled_caught
    await trio.sleep(100)
    assert made == [0]


# ── callers ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_tool_is_called_by_those_for_whom_it_is(tools: ToolRegistry) -> None:
    tools.tool(name="both")(lambda: 1)
    tools.tool(name="direct", callers="direct")(lambda: 1)
    tools.tool(name="code", callers=["code"])(lambda: 1)
    dispatcher, names = ToolDispatcher(tools), ("both", "direct", "code")
    direct, code = await dispatcher.run(calls(*names)), await dispatcher.run(calls(*names, caller="code"))
    assert codes(direct) == ["ok", "ok", "denied"]
    assert codes(code) == ["ok", "denied", "ok"]
    assert direct[2].error is not None
    assert "code is for scripts" in direct[2].error.message


async def test_a_script_sees_the_tools_that_are_for_it(tools: ToolRegistry) -> None:
    tools.tool(name="for_scripts")(lambda: 1)
    tools.tool(name="for_the_model", callers="direct")(lambda: 1)
    async with codemode.open_session(tools) as session, session.open_turn() as turn:
        outcome = await turn.run("text(ALL_TOOLS.map((tool) => tool.name)); await tools.for_the_model()")
        assert "for_the_model" not in str(session.tool_specs("mcp"))
    assert (outcome.text, outcome.error and outcome.error.code) == ('["for_scripts"]', "script_error")
    assert "for_the_model" in str(outcome.error)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("callers", [], 'callers are "direct", "code" or both'),
        ("callers", "model", 'callers are "direct", "code" or both'),
        ("approval", "perhaps", 'approval is "allow", "ask", "deny" or a function'),
        ("approval", True, 'approval is "allow", "ask", "deny" or a function'),
        ("max_concurrency", 0, "max_concurrency must be a whole number, at least 1"),
        ("max_concurrency", 1.5, "max_concurrency must be a whole number"),
        ("timeout_s", "5", "timeout_s must be more than 0"),
        ("group", "database", "group is a ToolGroup"),
        ("retry", "3", "retry is a Retry"),
        ("destructive", True, "is not destructive"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(field: str, value: Any, words: str) -> None:
    with pytest.raises(codemode.UsageError, match=words):
        ToolDefinition(name="a", **{"read_only": True, field: value})


@pytest.mark.parametrize(
    "make",
    [
        lambda: Retry(0),
        lambda: Retry(True),
        lambda: Retry(2, delay_s=-1),
        lambda: Retry(2, codes="tool_failed"),
        lambda: Retry(2, delay_s="1"),  # type: ignore[arg-type]
        lambda: ToolGroup("a", max_concurrency=0),
    ],
)
def test_figures_that_make_no_sense_are_refused(make: Any) -> None:
    with pytest.raises(codemode.UsageError):
        make()


# ── what does not heed its cancellation ───────────────────────────────────────────────────────────────────────


async def test_an_async_tool_that_cannot_be_interrupted_holds_up_neither_its_answer_nor_its_siblings(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    contexts: list[ToolContext] = []

    @tools.tool(timeout_s=2)
    async def deaf(ctx: ToolContext) -> None:
        contexts.append(ctx)
        with trio.CancelScope(shield=True):
            await trio.sleep(50)

    @tools.tool
    async def quick() -> float:
        return trio.current_time()

    dispatcher = ToolDispatcher(tools)
    outcomes = await dispatcher.run(calls("deaf", "quick"))
    assert codes(outcomes) == ["tool_timeout", "ok"]
    assert (outcomes[1].value, trio.current_time(), dispatcher.tasks_left_behind) == (0, 3, 1)
    with pytest.raises(ToolFailure, match="cancelled"):
        contexts[0].raise_if_cancelled()
    await trio.sleep(50)
    assert dispatcher.tasks_left_behind == 0


async def test_a_function_in_a_thread_can_see_that_nobody_waits_for_it(tools: ToolRegistry) -> None:
    seen: list[str] = []
    ended = threading.Event()

    @tools.tool(timeout_s=0.05)
    def patient(ctx: ToolContext) -> None:
        give_up = threading.Event()
        try:
            for _ in range(1000):
                ctx.raise_if_cancelled()
                give_up.wait(0.01)
        except ToolFailure as failure:
            seen.append(failure.code)
        finally:
            ended.set()

    assert codes(await ToolDispatcher(tools).run(calls("patient"))) == ["tool_timeout"]
    with trio.fail_after(10):
        await trio.to_thread.run_sync(ended.wait)
    assert seen == ["cancelled"]


# ── dispatchers of one's own ──────────────────────────────────────────────────────────────────────────────────


class OnlyRun:
    """An object with the protocol, and nothing of the class."""

    def __init__(self, inner: ToolDispatcher) -> None:
        self.inner = inner
        self.seen: list[str] = []

    async def run(self, invocations: list[ToolInvocation]) -> list[ToolCallOutcome]:
        self.seen += [invocation.tool for invocation in invocations]
        return await self.inner.run(invocations)


class OwnRun(ToolDispatcher):
    """A subclass that goes between at `run` only."""

    def __init__(self, tools: ToolRegistry) -> None:
        super().__init__(tools)
        self.seen: list[str] = []

    async def run(self, invocations: Any, **options: Any) -> list[ToolCallOutcome]:
        self.seen += [invocation.tool for invocation in invocations]
        return await super().run(invocations, **options)


class OwnCall(OwnRun):
    """A subclass that goes between at `call`: its `run` comes there too."""

    async def call(self, invocation: ToolInvocation) -> ToolCallOutcome:
        self.seen.append(f"{invocation.caller} {invocation.tool}")
        return await super().call(invocation)


@pytest.mark.parametrize("kind", [OnlyRun, OwnRun, OwnCall])
async def test_a_subclass_or_another_object_may_run_the_calls_of_a_session(tools: ToolRegistry, kind: Any) -> None:
    @tools.tool
    async def one(ctx: ToolContext) -> list[str | None]:
        ctx.progress("on the way")
        return [ctx.cell_id, ctx.session_id]

    dispatcher = OnlyRun(ToolDispatcher(tools)) if kind is OnlyRun else kind(tools)
    told: list[str] = []
    async with codemode.open_session(tools, dispatcher=dispatcher, session_id="s") as session:
        events = session.events()
        async with session.open_turn() as turn:
            outcome = await turn.run("text(await tools.one())")
        with trio.fail_after(10):
            async for event in events:
                if isinstance(event, codemode.CallProgressed):
                    told.append(event.message)
                elif isinstance(event, codemode.CellEnded):
                    break
    assert outcome.text == '["1","s"]'
    assert dispatcher.seen == (["code one"] if kind is OwnCall else ["one"])
    assert outcome.calls[0].started_ms is not None
    assert told == ["on the way"]


async def test_what_is_no_dispatcher_is_refused_and_hooks_beside_one_too(tools: ToolRegistry) -> None:
    with pytest.raises(codemode.UsageError, match="has neither"):
        the_call_of(object())
    async with codemode.open_service() as service:
        with pytest.raises(codemode.UsageError, match="has neither"):
            service.open_session(tools, dispatcher=object())  # type: ignore[arg-type]
        with pytest.raises(codemode.UsageError, match="give hooks"):
            service.open_session(tools, dispatcher=ToolDispatcher(tools), hooks=[codemode.CallHooks()])


# ── nothing accumulates ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_hundred_thousand_calls_leave_nothing_behind(tools: ToolRegistry) -> None:
    """Of every kind that keeps something while it runs: a context, places, a task of its own, and so on."""
    tools.tool(name="plain", max_concurrency=4)(_nothing)
    tools.tool(name="timed", timeout_s=60, group=ToolGroup("g", max_concurrency=4))(_nothing)
    tools.tool(name="asked", approval=lambda request: True)(_nothing)
    tools.tool(name="denied", approval="deny")(_nothing)
    tools.tool(name="fails", retry=Retry(2, delay_s=0))(_fails)
    dispatcher = ToolDispatcher(tools)
    batch = calls("plain", "timed", "asked", "denied", "fails", "absent", "plain", "plain", "plain", "plain")

    async def make(batches: int) -> int:
        for _ in range(batches):
            assert len(await dispatcher.run(batch)) == len(batch)
        gc.collect()
        return len(gc.get_objects())

    before = await make(50)
    after = await make(10_000)
    assert after - before < 500
    assert (dispatcher.tasks_left_behind, dispatcher.threads_left_behind, dispatcher.waiting_for_approval) == (0, 0, ())


async def _nothing(ctx: ToolContext) -> None:
    ctx.progress("here")


async def _fails() -> None:
    raise ValueError
