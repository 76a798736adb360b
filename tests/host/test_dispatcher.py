from __future__ import annotations

import contextvars
import functools
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import trio
import trio.testing

from codemode.host.approvals import ApprovalRequest
from codemode.host.calls import ToolCallError, ToolCallOutcome, ToolInvocation
from codemode.host.context import MAX_UNHEARD, ToolContext, ToolFailure
from codemode.host.dispatcher import ToolDispatcher
from codemode.host.tools import ToolDefinition, ToolRegistry


@pytest.fixture
def tools() -> ToolRegistry:
    return ToolRegistry()


def invocation(tool: str, arguments: Any = None, call_id: str = "1") -> ToolInvocation:
    return ToolInvocation(call_id, tool, {} if arguments is None else arguments)


class Watcher:
    """Hears nothing of its call."""

    def call_started(self, call_id: str) -> None: ...

    def call_progressed(self, context: ToolContext, message: str) -> None: ...

    def approval_asked(self, request: ApprovalRequest) -> None: ...

    def approval_decided(self, request: ApprovalRequest) -> None: ...


def failed(code: str, message: str) -> ToolCallOutcome:
    return ToolCallOutcome("1", "error", error=ToolCallError(code, message))


def ok(value: Any, value_json: str) -> ToolCallOutcome:
    return ToolCallOutcome("1", "ok", value, None, value_json)


@contextmanager
def gate() -> Iterator[threading.Event]:
    """Opened at the end, so that no thread of a test outlives it for long."""
    event = threading.Event()
    try:
        yield event
    finally:
        event.set()


# ── results ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_call_has_the_value_and_its_json_text(tools: ToolRegistry) -> None:
    @tools.tool
    async def pair(a: int) -> tuple[int, float]:
        return a, math.nan

    (outcome,) = await ToolDispatcher(tools).run([invocation("pair", {"a": 2**60})])
    assert outcome.value == (2**60, pytest.approx(math.nan, nan_ok=True))
    assert outcome.value_json == '["1152921504606846976",null]'


async def test_arguments_that_came_as_json_text_are_used_instead_of_values(tools: ToolRegistry) -> None:
    @tools.tool
    async def echo(a: str) -> str:
        return a

    call = ToolInvocation("1", "echo", arguments_json=r'{"a": "\ud800"}')
    assert await ToolDispatcher(tools).call(call) == ok("\ufffd", '"\ufffd"')


async def test_every_kind_of_function_can_be_called(tools: ToolRegistry) -> None:
    async def later(a: int) -> int:
        await trio.lowlevel.checkpoint()
        return a

    @functools.wraps(later)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        return later(*args, **kwargs)

    async def later_still(a: int) -> Any:
        return later(a)

    class Object:
        def method(self, a: int) -> int:
            return a

        async def __call__(self, a: int) -> int:
            return a

    tools.tool(name="async")(later)
    tools.tool(name="sync")(lambda a: a)
    tools.tool(name="decorated")(decorated)
    tools.tool(name="later_still")(later_still)
    tools.tool(name="partial")(functools.partial(later, a=1))
    tools.tool(name="method")(Object().method)
    tools.tool(name="object")(Object())
    tools.add(ToolDefinition(name="handler", parameters={}), lambda arguments: arguments["a"])
    tools.add(ToolDefinition(name="with_context", parameters={}), lambda arguments, ctx: len(ctx.call_id))
    invocations = [invocation(tool.identifier, {"a": 1}) for tool in tools]
    assert await ToolDispatcher(tools).run(invocations) == [ok(1, "1")] * len(tools)


async def test_a_free_form_tool_gets_its_string(tools: ToolRegistry) -> None:
    @tools.tool(freeform=True)
    async def shout(text: str, ctx: ToolContext) -> str:
        return f"{ctx.tool} {text}".upper()

    tools.add(ToolDefinition(name="echo", freeform=True), lambda text: text)
    dispatcher = ToolDispatcher(tools)
    assert await dispatcher.call(invocation("shout", "a")) == ok("SHOUT A", '"SHOUT A"')
    assert await dispatcher.call(ToolInvocation("1", "echo", arguments_json='"b"')) == ok("b", '"b"')


async def test_a_tool_that_is_added_later_can_be_called(tools: ToolRegistry) -> None:
    dispatcher = ToolDispatcher(tools)
    tools.tool(name="new")(lambda: 1)
    assert await dispatcher.call(invocation("new")) == ok(1, "1")


# ── failures ──────────────────────────────────────────────────────────────────────────────────────────────────


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


GROUP = ExceptionGroup("outer", [ValueError("a"), ExceptionGroup("inner", [KeyError("b"), ToolFailure("c")])])


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("bad"), "tool_failed", "ValueError: bad"),
        (ValueError(), "tool_failed", "ValueError"),
        (KeyError("x"), "tool_failed", "KeyError: 'x'"),
        (ValueError("a\ud800"), "tool_failed", "ValueError: a\ufffd"),
        (Mute(), "tool_failed", "Mute"),
        (StopIteration(1), "tool_failed", None),
        (TimeoutError("of its own"), "tool_failed", "TimeoutError: of its own"),
        (GROUP, "tool_failed", "ValueError: a; KeyError: 'b'; ToolFailure: c"),
        (ExceptionGroup("", [ExceptionGroup("", [ValueError("only")])]), "tool_failed", "ValueError: only"),
        (BaseExceptionGroup("", [ValueError("only")]), "tool_failed", "ValueError: only"),
        (ToolFailure("my words"), "tool_failed", "my words"),
        (ToolFailure("not you", code="denied"), "denied", "not you"),
        (ExceptionGroup("", [ToolFailure("not you", code="denied")]), "denied", "not you"),
    ],
)
@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_what_a_tool_raises_is_its_outcome(
    tools: ToolRegistry, kind: str, error: Exception, code: str, message: str | None
) -> None:
    async def fail_async() -> None:
        raise error

    def fail_sync() -> None:
        raise error

    tools.tool(name="fail")(fail_async if kind == "async" else fail_sync)
    outcome = await ToolDispatcher(tools).call(invocation("fail"))
    assert outcome.error is not None
    assert outcome.error.code == code
    if message is not None:
        assert outcome == failed(code, message)


async def test_a_long_message_is_cut(tools: ToolRegistry) -> None:
    @tools.tool
    async def fail() -> None:
        raise ExceptionGroup("", [ValueError("x" * 10_000)] * 2)

    outcome = await ToolDispatcher(tools).call(invocation("fail"))
    assert outcome.error is not None
    assert len(outcome.error.message) == 8_000


async def test_a_call_of_nothing_names_what_is_near(tools: ToolRegistry) -> None:
    tools.add(ToolDefinition(name="read", namespace="fs"), lambda arguments: None)
    dispatcher = ToolDispatcher(tools)
    assert await dispatcher.call(invocation("read")) == failed(
        "tool_not_found", "no tool is named 'read'; did you mean 'fs__read'?"
    )
    outcome = await dispatcher.call(invocation("x" * 1_000_000))
    assert outcome.error is not None
    assert len(outcome.error.message) < 200


@pytest.mark.parametrize(
    "arguments",
    [{"b": 1}, {"a": "1"}, [], "text", {"a": object()}, {"a": [1] * 20_000}],
)
async def test_arguments_that_do_not_fit_never_reach_the_tool(tools: ToolRegistry, arguments: Any) -> None:
    called: list[Any] = []
    tools.tool(name="strict")(take_int(called))
    outcome = await ToolDispatcher(tools, max_argument_bytes=10_000).call(invocation("strict", arguments))
    assert outcome.error is not None
    assert outcome.error.code == "invalid_arguments"
    assert outcome.error.message.startswith("strict: ")
    assert called == []


def take_int(called: list[Any]) -> Callable[[int], Any]:
    def take(a: int) -> None:
        called.append(a)

    return take


async def test_argument_text_over_the_limit_is_refused_unread(tools: ToolRegistry) -> None:
    tools.tool(name="take")(lambda a: None)
    dispatcher = ToolDispatcher(tools, max_argument_bytes=20)
    fits = ToolInvocation("1", "take", arguments_json='{"a": "1234567890"}')
    assert (await dispatcher.call(fits)).status == "ok"
    large = ToolInvocation("1", "take", arguments_json='{"a": "ééééééé"}')
    assert (await dispatcher.call(large)).error == ToolCallError(
        "invalid_arguments",
        "take: the arguments: 23 bytes of JSON, of which 20 may cross; give less, or in pages",
    )


async def test_a_result_without_json_form_is_a_failure_of_the_tool(tools: ToolRegistry) -> None:
    tools.tool(name="make")(lambda: {"rows": [object()]})
    outcome = await ToolDispatcher(tools).call(invocation("make"))
    assert outcome == failed("tool_failed", "the result: .rows[0]: object has no JSON form")


async def test_a_result_that_is_too_large_is_said_to_be(tools: ToolRegistry) -> None:
    tools.tool(name="make")(lambda: "x" * 100)
    outcome = await ToolDispatcher(tools, max_result_bytes=50).call(invocation("make"))
    assert outcome == failed(
        "result_too_large", "the result is 102 bytes of JSON, of which 50 may cross; give less, or in pages"
    )


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_keyboard_interrupt_is_nobodys_outcome(tools: ToolRegistry, kind: str) -> None:
    async def stop_async() -> None:
        raise KeyboardInterrupt

    def stop_sync() -> None:
        raise KeyboardInterrupt

    tools.tool(name="stop")(stop_async if kind == "async" else stop_sync)
    with pytest.raises(KeyboardInterrupt):
        await ToolDispatcher(tools).call(invocation("stop"))


async def test_an_interrupt_within_a_group_is_nobodys_outcome(tools: ToolRegistry) -> None:
    @tools.tool
    async def stop() -> None:
        raise BaseExceptionGroup("", [ValueError(), KeyboardInterrupt()])

    with pytest.RaisesGroup(ValueError, KeyboardInterrupt):
        await ToolDispatcher(tools).call(invocation("stop"))


# ── batches ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_batch_is_answered_in_input_order_one_each_whatever_fails(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    @tools.tool
    async def sleep(seconds: float) -> float:
        await trio.sleep(seconds)
        if seconds == 2:
            raise ValueError("two")
        return seconds

    outcomes = await ToolDispatcher(tools).run(
        [
            invocation("sleep", {"seconds": 3}, "a"),
            invocation("sleep", {"seconds": 2}, "b"),
            invocation("nothing", {}, "c"),
            invocation("sleep", {"minutes": 1}, "d"),
            invocation("sleep", {"seconds": 1}, "a"),
        ]
    )
    assert trio.current_time() == 3
    assert [(outcome.call_id, outcome.status, outcome.value) for outcome in outcomes] == [
        ("a", "ok", 3),
        ("b", "error", None),
        ("c", "error", None),
        ("d", "error", None),
        ("a", "ok", 1),
    ]
    assert await ToolDispatcher(tools).run([]) == []


async def test_a_cancelled_batch_ends_after_its_tools_have_ended_or_a_second_has_passed(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    ended: list[float] = []

    @tools.tool
    async def stubborn(a: float) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(a)
            ended.append(a)

    dispatcher = ToolDispatcher(tools)
    heard: list[ToolCallOutcome] = []
    calls = [invocation("stubborn", {"a": a}, str(a)) for a in (0.75, 0.5, 3)]
    with trio.move_on_after(10) as scope:
        await dispatcher.run(calls, on_outcome=heard.append)
    assert scope.cancelled_caught
    assert ended == [0.5, 0.75]
    assert [(outcome.call_id, outcome.status) for outcome in heard] == [
        ("0.5", "cancelled"),
        ("0.75", "cancelled"),
        ("3", "cancelled"),
    ]
    assert (trio.current_time(), dispatcher.tasks_left_behind) == (11, 1)
    await trio.sleep(3)
    assert (ended, dispatcher.tasks_left_behind) == ([0.5, 0.75, 3], 0)


async def test_a_cancelled_call_raises_cancelled_and_no_error_of_the_tool(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    @tools.tool
    async def bitter() -> None:
        async def fail() -> None:
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("while it was cancelled")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(fail)

    with trio.move_on_after(1) as scope:
        await ToolDispatcher(tools).call(invocation("bitter"))
    assert scope.cancelled_caught


async def test_a_cancellation_that_leaks_out_of_a_tool_ends_its_call_only(tools: ToolRegistry) -> None:
    async def stolen() -> trio.Cancelled:
        with trio.CancelScope() as scope:
            scope.cancel()
            try:
                await trio.lowlevel.checkpoint()
            except trio.Cancelled as error:
                return error
        raise AssertionError

    @tools.tool
    async def leak(grouped: bool) -> None:
        error = await stolen()
        raise BaseExceptionGroup("", [error]) if grouped else error

    tools.tool(name="fine")(lambda: 1)
    outcomes = await ToolDispatcher(tools).run(
        [invocation("leak", {"grouped": False}), invocation("leak", {"grouped": True}), invocation("fine")]
    )
    cancelled = ToolCallOutcome.cancelled("1", "the tool cancelled itself")
    assert outcomes == [cancelled, cancelled, ok(1, "1")]


# ── time and turns ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_tool_that_takes_too_long_is_stopped(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    @tools.tool(timeout_s=1.5)
    async def slow(bitter: bool) -> None:
        async def fail() -> None:
            try:
                await trio.sleep_forever()
            finally:
                if bitter:
                    raise ValueError("while it was stopped")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(fail)

    timed_out = failed("tool_timeout", "the tool did not end within 1.5 s")
    dispatcher = ToolDispatcher(tools)
    assert await dispatcher.call(invocation("slow", {"bitter": False})) == timed_out
    assert await dispatcher.call(invocation("slow", {"bitter": True})) == timed_out
    assert trio.current_time() == 3


async def test_a_tool_that_ends_in_time_is_not_stopped(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    @tools.tool(timeout_s=2)
    async def quick() -> int:
        await trio.sleep(1)
        return 1

    assert await ToolDispatcher(tools).call(invocation("quick")) == ok(1, "1")
    assert trio.current_time() == 1


async def test_a_tool_with_a_limit_queues_its_own_calls_and_no_others(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    running = 0
    ended: list[tuple[float, str]] = []

    @tools.tool(max_concurrency=2, timeout_s=1.5)
    async def narrow() -> int:
        nonlocal running
        running += 1
        most = running
        await trio.sleep(1)
        running -= 1
        ended.append((trio.current_time(), "narrow"))
        return most

    @tools.tool
    async def wide() -> None:
        ended.append((trio.current_time(), "wide"))

    # Two dispatchers, as two sessions have them: the limit is the tool's.
    results: list[ToolCallOutcome] = []

    async def run() -> None:
        calls = [invocation("narrow")] * 3 + [invocation("wide")]
        results.extend(await ToolDispatcher(tools).run(calls))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        nursery.start_soon(run)
    assert {outcome.status for outcome in results} == {"ok"}
    assert max(outcome.value or 0 for outcome in results) == 2
    assert sorted(ended) == [(0, "wide")] * 2 + [(time, "narrow") for time in (1, 1, 2, 2, 3, 3)]


async def test_a_waiting_call_that_is_cancelled_leaves_its_queue(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    @tools.tool(max_concurrency=1)
    async def narrow() -> float:
        await trio.sleep(10)
        return trio.current_time()

    dispatcher = ToolDispatcher(tools)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dispatcher.call, invocation("narrow"))
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(1):
            await dispatcher.call(invocation("narrow"))
    assert (await dispatcher.call(invocation("narrow"))).value == 20


# ── threads ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_blocking_tool_holds_neither_an_async_one_nor_another_blocking_one(tools: ToolRegistry) -> None:
    with gate() as go:
        tools.tool(name="block")(lambda: go.wait(10))

        @tools.tool
        async def open_gate() -> None:
            go.set()

        outcomes = await ToolDispatcher(tools).run([invocation("block")] * 100 + [invocation("open_gate")])
    assert {outcome.status for outcome in outcomes} == {"ok"}


async def test_context_variables_pass_into_threads(tools: ToolRegistry) -> None:
    variable = contextvars.ContextVar("variable", default="outside")

    @tools.tool
    def read() -> str:
        return variable.get()

    variable.set("inside")
    assert (await ToolDispatcher(tools).call(invocation("read"))).value == "inside"


@pytest.mark.parametrize("settings", [{}, {"max_concurrency": 1}])
async def test_a_thread_that_is_left_behind_is_counted_until_it_ends(
    tools: ToolRegistry, settings: dict[str, Any]
) -> None:
    limiter = trio.CapacityLimiter(3)
    dispatcher = ToolDispatcher(tools, thread_limiter=limiter)
    with gate() as go:
        tools.tool(name="block", **settings)(lambda: go.wait(10))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(dispatcher.call, invocation("block"))
            while not limiter.borrowed_tokens:
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        assert (dispatcher.threads_left_behind, limiter.borrowed_tokens) == (1, 1)
    while dispatcher.threads_left_behind:
        await trio.lowlevel.checkpoint()
    assert limiter.borrowed_tokens == 0
    assert (await dispatcher.call(invocation("block"))).value is True


async def test_a_blocking_tool_that_takes_too_long_is_answered_and_keeps_its_place(
    tools: ToolRegistry, autojump_clock: trio.testing.MockClock
) -> None:
    autojump_clock.autojump_threshold = 0.02  # real threads run: let them start
    dispatcher = ToolDispatcher(tools)
    with gate() as go:
        tools.tool(name="block", timeout_s=5, max_concurrency=1)(lambda: go.wait(10))
        outcome = await dispatcher.call(invocation("block"))
        assert outcome == failed("tool_timeout", "the tool did not end within 5 s")
        with trio.move_on_after(100) as scope:
            await dispatcher.call(invocation("block"))
        assert scope.cancelled_caught
        assert dispatcher.threads_left_behind == 1


# ── the context of a call ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_a_tool_knows_its_call_and_can_tell_how_far_it_is(tools: ToolRegistry, kind: str) -> None:
    kept: list[ToolContext] = []

    async def work_async(ctx: ToolContext) -> None:
        kept.append(ctx)
        await ctx.progress("half")
        ctx.progress("done")

    def work_sync(ctx: ToolContext) -> None:
        kept.append(ctx)
        ctx.progress("half")
        ctx.progress("done")

    told: list[tuple[str, str | None, str | None, str, str]] = []

    class Listener(Watcher):
        def call_progressed(self, context: ToolContext, message: str) -> None:
            told.append((context.call_id, context.cell_id, context.session_id, context.tool, message))

    tools.tool(name="work", namespace="fs")(work_async if kind == "async" else work_sync)
    outcome = await ToolDispatcher(tools).call(
        ToolInvocation("7", "fs__work", cell_id="3", session_id="s", watcher=Listener())
    )
    assert outcome.status == "ok"
    kept[0].progress("too late")
    assert told == [("7", "3", "s", "fs__work", "half"), ("7", "3", "s", "fs__work", "done")]


async def test_a_thread_that_tells_and_tells_waits_for_its_host(tools: ToolRegistry) -> None:
    told: list[str] = []
    most = 0

    @tools.tool
    def work(ctx: ToolContext) -> int:
        nonlocal most
        for number in range(20_000):
            ctx.progress(str(number))
            most = max(most, len(ctx._unheard))
        return 1

    class Listener(Watcher):
        def call_progressed(self, context: ToolContext, message: str) -> None:
            told.append(message)

    assert await ToolDispatcher(tools).call(replace(invocation("work"), watcher=Listener())) == ok(1, "1")
    assert most <= MAX_UNHEARD + 1
    await trio.testing.wait_all_tasks_blocked()
    assert told == [str(number) for number in range(len(told))]
    assert len(told) >= 20_000 - MAX_UNHEARD


async def test_a_listener_that_raises_harms_nothing(tools: ToolRegistry, caplog: pytest.LogCaptureFixture) -> None:
    @tools.tool
    def work(ctx: ToolContext) -> int:
        ctx.progress("half")
        return 1

    class Listener(Watcher):
        def call_progressed(self, context: ToolContext, message: str) -> None:
            raise ValueError("of the host")

    assert await ToolDispatcher(tools).call(replace(invocation("work"), watcher=Listener())) == ok(1, "1")
    assert "who was told of the progress" in caplog.text


def test_a_context_can_be_made_by_hand() -> None:
    ToolContext().progress("nobody listens")


async def test_a_parameter_named_like_the_context_cannot_take_its_place(tools: ToolRegistry) -> None:
    @tools.tool
    async def take(ctx: ToolContext, **further: Any) -> str:
        return ctx.tool

    assert (await ToolDispatcher(tools).call(invocation("take", {"ctx": 1}))).value == "take"
