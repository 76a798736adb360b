"""Plans of calls at the dispatcher, drawn by chance and run in virtual time, against a model of how each must end.

A plan says of each call when it is made, of which tool, what the function behind it does and when its caller gives up.
The model goes through each tool's calls by themselves, so that what one call does to another's outcome is seen.
Functions in threads, which run in real time, are held by gates and are the matter of a second part.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codemode.host.approvals import ApprovalRequest
from codemode.host.calls import ToolCallOutcome, ToolInvocation
from codemode.host.context import ToolContext, ToolFailure
from codemode.host.dispatcher import ToolDispatcher
from codemode.host.nurseries import JOIN_S
from codemode.host.tools import ToolDefinition, ToolRegistry

MAX_CALLS = 8
MAX_TOOLS = 3
MAX_BYTES = 1_000

Manner = Literal["obeys", "lingers", "swallows", "turns", "bitter"]
"""What a function does when it is to stop: ends at once; ends after a while; returns a value in spite of it; raises an
error instead; fails in one task of a nursery while another is stopped."""


# ── how a function may end by itself ────────────────────────────────────────────────────────────────────────


class Abort(BaseException):
    """What no outcome can hold."""


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Thorny:
    """Cannot even be looked at."""

    def __getattr__(self, name: str) -> Any:
        raise ValueError("do not touch")


async def _later() -> int:
    return 5


def _endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


async def _leak() -> None:
    """Raises a cancellation that belongs to no scope of the caller."""
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled as error:
            stolen = error
    raise stolen


VALUES: list[tuple[Callable[[], Any], str]] = [
    (lambda: None, "null"),
    (lambda: {"a": [1, "é"]}, '{"a":[1,"é"]}'),
    (lambda: math.nan, "null"),
    (lambda: 2**60, '"1152921504606846976"'),
    (lambda: "\ud800", '"\ufffd"'),
    (lambda: iter([1, 2]), "[1,2]"),
    (_later, "5"),
]
"""Odd values and their JSON texts."""

BAD_VALUES: list[tuple[Callable[[], Any], str]] = [
    (object, "tool_failed"),
    (_endless, "tool_failed"),
    (lambda: b"\xff", "tool_failed"),
    (lambda: [[object()]], "tool_failed"),
    (Thorny, "tool_failed"),
    (lambda: "x" * MAX_BYTES, "result_too_large"),
]
ERRORS: list[tuple[Callable[[], Exception], str]] = [
    (lambda: ValueError("bad"), "tool_failed"),
    (Mute, "tool_failed"),
    (lambda: StopIteration(1), "tool_failed"),
    (lambda: trio.TooSlowError("of its own"), "tool_failed"),
    (lambda: ExceptionGroup("", [ValueError("a"), KeyError("b")]), "tool_failed"),
    (lambda: ToolFailure("no", code="denied"), "denied"),
    (lambda: ExceptionGroup("", [ToolFailure("no", code="denied")]), "denied"),
]
ABORTS: list[Callable[[], BaseException]] = [Abort, KeyboardInterrupt, SystemExit, GeneratorExit]

FAULTS: dict[str, tuple[Callable[[str, int], ToolInvocation], str]] = {
    "unknown": (lambda tool, n: ToolInvocation("", tool + "_", {"n": n}), "tool_not_found"),
    "no name": (lambda tool, n: ToolInvocation("", None, {"n": n}), "tool_not_found"),  # type: ignore[arg-type]
    "not JSON": (lambda tool, n: ToolInvocation("", tool, None, '{"n": '), "invalid_arguments"),
    "no object": (lambda tool, n: ToolInvocation("", tool, [n]), "invalid_arguments"),
    "wrong type": (lambda tool, n: ToolInvocation("", tool, {"n": str(n)}), "invalid_arguments"),
    "too many": (lambda tool, n: ToolInvocation("", tool, {"n": n, "m": n}), "invalid_arguments"),
    "too few": (lambda tool, n: ToolInvocation("", tool), "invalid_arguments"),
    "no JSON form": (lambda tool, n: ToolInvocation("", tool, {"n": object()}), "invalid_arguments"),
    "too large": (lambda tool, n: ToolInvocation("", tool, None, " " * MAX_BYTES + '{"n": 1}'), "invalid_arguments"),
}
"""Calls that never reach their tool, and their codes."""

Ending = tuple[Literal["value", "bad value", "error", "abort", "leak"], int]
ENDINGS: list[Ending] = [
    *(("value", number) for number in range(len(VALUES))),
    *(("bad value", number) for number in range(len(BAD_VALUES))),
    *(("error", number) for number in range(len(ERRORS))),
    *(("abort", number) for number in range(len(ABORTS))),
    ("leak", 0),
]


# ── plans ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class PlannedTool:
    timeout_s: float | None
    max_concurrency: int | None


@dataclass(frozen=True)
class PlannedCall:
    tool: int
    arrives_s: float
    fault: str | None
    work_s: float | None
    """None: the function never waits."""
    ending: Ending
    manner: Manner
    linger_s: float
    gives_up_after_s: float | None
    """After its arrival, its caller cancels it."""


@dataclass(frozen=True)
class Plan:
    tools: tuple[PlannedTool, ...]
    calls: tuple[PlannedCall, ...]
    all_cancelled_s: float | None


SECONDS = st.integers(0, 6)
MAYBE_SECONDS = st.one_of(st.none(), SECONDS)
CALLS = st.builds(
    PlannedCall,
    tool=st.integers(0, MAX_TOOLS - 1),
    arrives_s=SECONDS,
    fault=st.sampled_from([None] * 20 + list(FAULTS)),
    work_s=MAYBE_SECONDS,
    ending=st.sampled_from(ENDINGS),
    manner=st.sampled_from(["obeys", "lingers", "swallows", "turns", "bitter"]),
    linger_s=SECONDS,
    gives_up_after_s=MAYBE_SECONDS,
)
TOOLS = st.builds(PlannedTool, st.one_of(st.none(), st.integers(0, 4)), st.sampled_from([None, None, 1, 2]))


def spread(tools: list[PlannedTool], calls: list[PlannedCall], all_cancelled_s: int | None) -> Plan:
    """The plan with a fraction of its own added to every time, so that no two things happen at once.

    Each is a power of two, and all sums of them are exact: the model's times are those of trio's clock.
    """
    bit = (2.0**-n for n in itertools.count(1))
    spread_calls = [
        PlannedCall(
            tool=call.tool,
            arrives_s=call.arrives_s + next(bit),
            fault=call.fault,
            work_s=None if call.work_s is None else call.work_s + next(bit),
            ending=call.ending,
            manner=call.manner,
            linger_s=call.linger_s + next(bit),
            gives_up_after_s=None if call.gives_up_after_s is None else call.gives_up_after_s + next(bit),
        )
        for call in calls
    ]
    # Of a tool's timeout several may stand in one sum, one for each call.
    timeouts = [2.0 ** -(4 * MAX_CALLS + 3 * (place + 1)) for place in range(len(tools))]
    spread_tools = [
        PlannedTool(None if tool.timeout_s is None else tool.timeout_s + more, tool.max_concurrency)
        for tool, more in zip(tools, timeouts, strict=True)
    ]
    last_bit = 2.0 ** -(4 * MAX_CALLS + 3 * MAX_TOOLS + 1)
    all_cancelled = None if all_cancelled_s is None else all_cancelled_s + last_bit
    return Plan(tuple(spread_tools), tuple(spread_calls), all_cancelled)


PLANS = st.builds(
    spread,
    st.lists(TOOLS, min_size=MAX_TOOLS, max_size=MAX_TOOLS),
    st.lists(CALLS, max_size=MAX_CALLS),
    st.sampled_from([None, None, None, 2, 5, 9]),
)


# ── the model ───────────────────────────────────────────────────────────────────────────────────────────────


class End(NamedTuple):
    """How and when a call ends."""

    at_s: float
    started_s: float | None
    how: str
    """`ok`, the code of an error, `cancelled itself`, `given up` by its caller, or `raised`, past all outcomes."""
    value_json: str | None = None


def expected_ends(plan: Plan) -> dict[int, End]:
    """By call; one whose caller was cancelled before it was made is not there."""
    ends: dict[int, End] = {}
    for place, tool in enumerate(plan.tools):
        calls = [(call.arrives_s, n) for n, call in enumerate(plan.calls) if call.tool == place]
        free_at = [0.0] * (tool.max_concurrency or MAX_CALLS)
        for arrives_s, n in sorted(calls):
            call = plan.calls[n]
            given_up_s = time_of_giving_up(plan, call)
            if given_up_s < arrives_s:
                continue
            if call.fault is not None:
                ends[n] = End(arrives_s, None, FAULTS[call.fault][1])
                continue
            starts_s = max(arrives_s, free_at[0])
            if given_up_s <= starts_s:  # at once where all are cancelled: who runs makes room as who waits gives up
                ends[n] = End(given_up_s, None, "given up")
                continue
            ends[n] = end_of(call, tool.timeout_s, starts_s, given_up_s)
            heapq.heapreplace(free_at, really_ends_s(call, ends[n], tool.timeout_s, given_up_s))
    return ends


def time_of_giving_up(plan: Plan, call: PlannedCall) -> float:
    own = math.inf if call.gives_up_after_s is None else call.arrives_s + call.gives_up_after_s
    return min(own, math.inf if plan.all_cancelled_s is None else plan.all_cancelled_s)


def end_of(call: PlannedCall, timeout_s: float | None, starts_s: float, given_up_s: float) -> End:
    """How a call ends that has reached its tool."""
    finished_s = starts_s + (call.work_s or 0.0)
    timed_out_s = math.inf if timeout_s is None else starts_s + timeout_s
    stopped_s = min(timed_out_s, given_up_s)
    if finished_s < stopped_s:
        return End(finished_s, starts_s, *how_it_ends_by_itself(call.ending))
    linger_s = call.linger_s if call.manner in ("lingers", "swallows", "turns") else 0.0
    is_left = timeout_s is not None and linger_s > JOIN_S
    ends_s = stopped_s + (JOIN_S if is_left else linger_s)
    match call.manner:
        case "swallows" if not is_left:
            return End(ends_s, starts_s, "ok", '"after all"')
        case "turns" if not is_left:
            return End(ends_s, starts_s, "tool_timeout" if timed_out_s <= ends_s else "tool_failed")
        case _:
            return End(ends_s, starts_s, "given up" if given_up_s <= ends_s else "tool_timeout")


def really_ends_s(call: PlannedCall, end: End, timeout_s: float | None, given_up_s: float) -> float:
    """When the function behind the tool is done and its place is free: after its call, where it was left behind."""
    assert end.started_s is not None
    stopped_s = min(given_up_s, math.inf if timeout_s is None else end.started_s + timeout_s)
    lingers = call.manner in ("lingers", "swallows", "turns") and stopped_s < end.started_s + (call.work_s or 0.0)
    return max(end.at_s, stopped_s + call.linger_s) if lingers else end.at_s


def how_it_ends_by_itself(ending: Ending) -> tuple[str, str | None]:
    match ending:
        case "value", number:
            return "ok", VALUES[number][1]
        case "bad value", number:
            return BAD_VALUES[number][1], None
        case "error", number:
            return ERRORS[number][1], None
        case "abort", _:
            return "raised", None
        case _:
            return "cancelled itself", None


# ── the stage ───────────────────────────────────────────────────────────────────────────────────────────────


class Stage:
    """The tools of a plan, and what became of its calls."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.registry = ToolRegistry()
        self.running = [0] * len(plan.tools)
        self.raised: list[BaseException] = []
        self.surprises: list[BaseException] = []
        """What came out of the dispatcher, and no tool had raised it to get through."""
        self.started: list[tuple[str, float]] = []
        self.ended: list[tuple[int, End]] = []
        self.progress: list[str] = []
        self.contexts: list[ToolContext] = []
        for place, tool in enumerate(plan.tools):
            definition = ToolDefinition(
                name=f"tool{place}",
                parameters={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
                timeout_s=tool.timeout_s,
                max_concurrency=tool.max_concurrency,
            )
            self.registry.add(definition, self.function(place))
        self.dispatcher = ToolDispatcher(self.registry, max_argument_bytes=MAX_BYTES, max_result_bytes=MAX_BYTES)

    def function(self, place: int) -> Callable[..., Any]:
        async def play(arguments: dict[str, int], ctx: ToolContext) -> Any:
            call = self.plan.calls[arguments["n"]]
            assert (ctx.call_id, call.tool) == (str(arguments["n"]), place)
            self.contexts.append(ctx)
            self.running[place] += 1
            assert self.running[place] <= (self.plan.tools[place].max_concurrency or MAX_CALLS)
            try:
                if call.work_s is not None:
                    stopped = await work(call)
                    if stopped:
                        return "after all"
                return await self.end(call.ending)
            finally:
                self.running[place] -= 1

        return play

    async def end(self, ending: Ending) -> Any:
        kind, number = ending
        match kind:
            case "value":
                return VALUES[number][0]()
            case "bad value":
                return BAD_VALUES[number][0]()
            case "error":
                raise ERRORS[number][0]()
            case "abort":
                error = ABORTS[number]()
                self.raised.append(error)
                raise error
            case "leak":
                return await _leak()

    def invocation(self, n: int) -> ToolInvocation:
        call = self.plan.calls[n]
        tool = f"tool{call.tool}"
        if call.fault is None:
            return ToolInvocation(str(n), tool, {"n": n})
        made = FAULTS[call.fault][0](tool, n)
        return ToolInvocation(str(n), made.tool, made.arguments, made.arguments_json)

    async def make(self, n: int) -> None:
        """One call, from a caller that has patience for so long."""
        call = self.plan.calls[n]
        await trio.sleep_until(call.arrives_s)
        given_up = math.inf if call.gives_up_after_s is None else call.arrives_s + call.gives_up_after_s
        with trio.CancelScope(deadline=given_up):
            try:
                outcome = await self.dispatcher.call(replace(self.invocation(n), watcher=self))
            except BaseException as error:
                if all(isinstance(leaf, trio.Cancelled) for leaf in leaves(error)):  # grouped by the tool's nursery
                    self.note(n, "given up", None)
                    raise
                self.surprises += [] if any(error is raised for raised in self.raised) else [error]
                self.note(n, "raised", None)
            else:
                self.note(n, *told(outcome, str(n)))

    def call_started(self, call_id: str) -> None:
        self.started.append((call_id, trio.current_time()))

    def call_progressed(self, context: ToolContext, message: str) -> None:
        self.progress.append(message)

    def approval_asked(self, request: ApprovalRequest) -> None:
        raise AssertionError(request)

    def approval_decided(self, request: ApprovalRequest) -> None:
        raise AssertionError(request)

    def note(self, n: int, how: str, value_json: str | None) -> None:
        starts = [at_s for call_id, at_s in self.started if call_id == str(n)]
        assert len(starts) <= 1
        self.ended.append((n, End(trio.current_time(), starts[0] if starts else None, how, value_json)))

    async def assert_nothing_is_left(self, tasks: int) -> None:
        assert self.surprises == []
        while self.dispatcher.tasks_left_behind:  # noqa: ASYNC110 - in virtual time
            await trio.sleep(JOIN_S)
        await trio.testing.wait_all_tasks_blocked()
        assert self.running == [0] * len(self.plan.tools)
        assert trio.lowlevel.current_statistics().tasks_living == tasks
        assert self.dispatcher.threads_left_behind == 0
        for tool in self.registry:
            limiter = tool.limiter.get()
            assert limiter is None or limiter.borrowed_tokens == 0
        for context in self.contexts:
            context.progress("too late")
        assert self.progress == []


async def work(call: PlannedCall) -> bool:
    """Works until the work is done, or until it is stopped. True where that is to be ignored."""
    assert call.work_s is not None
    if call.manner == "bitter":
        await work_in_a_nursery(call.work_s)
        return False
    try:
        await trio.sleep(call.work_s)
    except trio.Cancelled:
        if call.manner == "obeys":
            raise
        with trio.CancelScope(shield=True):
            await trio.sleep(call.linger_s)
        if call.manner == "turns":
            raise ValueError("turned") from None
        if call.manner == "lingers":
            raise
        return True
    return False


async def work_in_a_nursery(work_s: float) -> None:
    async def fail_when_stopped() -> None:
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            if not done:
                raise ValueError("while it was stopped") from None
            raise

    done = False
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fail_when_stopped)
        await trio.sleep(work_s)
        done = True
        nursery.cancel_scope.cancel()


def told(outcome: ToolCallOutcome, call_id: str) -> tuple[str, str | None]:
    """What an outcome says, which must be of one piece."""
    assert outcome.call_id == call_id
    if outcome.status == "ok":
        assert outcome.error is None
        assert outcome.value_json is not None
        return "ok", outcome.value_json
    assert outcome.error is not None
    assert (outcome.value, outcome.value_json) == (None, None)
    outcome.error.message.encode()
    if outcome.status == "cancelled":
        assert outcome.error.code == "cancelled"
        return "cancelled itself", None
    return outcome.error.code, None


def virtual(function: Callable[..., Any], *args: Any) -> None:
    trio.run(function, *args, clock=trio.testing.MockClock(autojump_threshold=0))


async def play_calls(plan: Plan) -> None:
    """Each call by a caller of its own: it ends when and as the model says."""
    stage = Stage(plan)
    tasks = trio.lowlevel.current_statistics().tasks_living
    with trio.move_on_at(math.inf if plan.all_cancelled_s is None else plan.all_cancelled_s):
        async with trio.open_nursery() as nursery:
            for n in range(len(plan.calls)):
                nursery.start_soon(stage.make, n)
    assert len(stage.ended) == len({n for n, _ in stage.ended})
    assert dict(stage.ended) == expected_ends(plan)
    await stage.assert_nothing_is_left(tasks)


async def play_batch(plan: Plan) -> None:
    """All calls in one batch, in input order. Who of a queue is first is not said, so times are not compared."""
    stage = Stage(plan)
    tasks = trio.lowlevel.current_statistics().tasks_living
    outcomes: list[ToolCallOutcome] | None = None
    aborted: BaseExceptionGroup[BaseException] | None = None
    with trio.move_on_at(math.inf if plan.all_cancelled_s is None else plan.all_cancelled_s) as scope:
        try:
            outcomes = await stage.dispatcher.run([stage.invocation(n) for n in range(len(plan.calls))])
        except BaseExceptionGroup as group:
            _, aborted = group.split(trio.Cancelled)
            if aborted is None:
                raise
    assert (aborted is not None) == bool(stage.raised)
    if aborted is not None:
        assert {id(error) for error in leaves(aborted)} == {id(error) for error in stage.raised}
    elif outcomes is None:
        assert scope.cancelled_caught
    else:
        for n, (call, outcome) in enumerate(zip(plan.calls, outcomes, strict=True)):
            assert told(outcome, str(n)) in possible_outcomes(call, plan)
    await stage.assert_nothing_is_left(tasks)


def possible_outcomes(call: PlannedCall, plan: Plan) -> list[tuple[str, str | None]]:
    """Of a call of a batch that came to its end, by its time from its start and the cancellation of all."""
    if call.fault is not None:
        return [(FAULTS[call.fault][1], None)]
    timeout_s = plan.tools[call.tool].timeout_s
    possible = [end_of(call, timeout_s, 0.0, math.inf)]
    if plan.all_cancelled_s is not None:  # it may have been stopped by that, and answered all the same
        possible.append(end_of(call, None, 0.0, 0.0))
        if timeout_s is not None and call.manner == "turns":  # and its time may have run out while it lingered
            possible.append(End(timeout_s, 0.0, "tool_timeout"))
    return [(end.how, end.value_json) for end in possible]


def leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves(inner)]
    return [error]


# ── functions in threads ────────────────────────────────────────────────────────────────────────────────────

Action = tuple[Literal["call", "release", "cancel", "time passes"], int]
ACTIONS: st.SearchStrategy[Action] = st.tuples(
    st.sampled_from(["call", "call", "call", "release", "cancel", "time passes"]), st.integers(0, 5)
)
TIMEOUT_S = 5.0


@dataclass
class ThreadModel:
    """Who waits for a place, who runs, who was left behind by its caller, and what the callers were told."""

    places: int
    times_out: bool
    waiting: list[int] = field(default_factory=list)
    running: list[int] = field(default_factory=list)
    left_behind: list[int] = field(default_factory=list)
    released: set[int] = field(default_factory=set)
    told: dict[int, str] = field(default_factory=dict)

    def release(self, n: int) -> None:
        self.released.add(n)
        self.go_on()

    def give_up(self, n: int, how: str) -> None:
        self.told[n] = how
        if n in self.waiting:
            self.waiting.remove(n)
        else:
            self.running.remove(n)
            self.left_behind.append(n)
        self.go_on()

    def go_on(self) -> None:
        """Places go to who waited longest; who has been released ends, whether or not anybody still listens."""
        while True:
            for n in [n for n in self.running if n in self.released]:
                self.running.remove(n)
                self.told[n] = how_a_thread_ends(n)
            self.left_behind = [n for n in self.left_behind if n not in self.released]
            if not self.waiting or len(self.running) + len(self.left_behind) >= self.places:
                return
            self.running.append(self.waiting.pop(0))


def how_a_thread_ends(n: int) -> str:
    return "tool_failed" if n % 3 == 2 else "ok"


async def play_threads(
    clock: trio.testing.MockClock, places: int, max_concurrency: int | None, times_out: bool, actions: list[Action]
) -> None:
    limiter = trio.CapacityLimiter(places)
    model = ThreadModel(min(places, max_concurrency or places), times_out)
    gates: list[threading.Event] = []
    scopes: list[trio.CancelScope] = []
    entered: list[int] = []
    left: list[int] = []
    told_of: dict[int, str] = {}
    registry = ToolRegistry()

    @registry.tool(max_concurrency=max_concurrency, timeout_s=TIMEOUT_S if times_out else None)
    def block(n: int) -> int:
        entered.append(n)
        assert gates[n].wait(10)
        left.append(n)
        if how_a_thread_ends(n) != "ok":
            raise ValueError(n)
        return n

    dispatcher = ToolDispatcher(registry, thread_limiter=limiter)

    async def make(n: int) -> None:
        with scopes[n]:
            try:
                outcome = await dispatcher.call(ToolInvocation(str(n), "block", {"n": n}))
            except trio.Cancelled:
                assert n not in told_of
                told_of[n] = "given up"
                raise
            assert n not in told_of
            assert outcome.status != "ok" or outcome.value == n
            told_of[n], _ = told(outcome, str(n))

    def state() -> tuple[dict[int, str], int, int, list[int]]:
        return told_of, dispatcher.threads_left_behind, limiter.borrowed_tokens, sorted(set(entered) - set(left))

    def expected() -> tuple[dict[int, str], int, int, list[int]]:
        held = sorted(model.running + model.left_behind)
        return model.told, len(model.left_behind), len(held), held

    async def until_as_expected() -> None:
        give_up_s = time.monotonic() + 10
        while state() != expected() and time.monotonic() < give_up_s:
            await trio.lowlevel.checkpoint()
        await trio.testing.wait_all_tasks_blocked()
        assert state() == expected()

    try:
        async with trio.open_nursery() as nursery:
            for kind, number in actions:
                match kind:
                    case "call":
                        gates.append(threading.Event())
                        scopes.append(trio.CancelScope())
                        model.waiting.append(len(gates) - 1)
                        model.go_on()
                        nursery.start_soon(make, len(gates) - 1)
                    case "release" if gates:  # also one that waits, and one that nobody listens to
                        gates[number % len(gates)].set()
                        model.release(number % len(gates))
                    case "cancel" if model.waiting or model.running:
                        n = sorted(model.waiting + model.running)[number % len(model.waiting + model.running)]
                        scopes[n].cancel()
                        model.give_up(n, "given up")
                    case "time passes":
                        clock.jump(TIMEOUT_S + 1)
                        for n in model.running.copy() if times_out else []:
                            model.give_up(n, "tool_timeout")
                    case _:
                        pass
                await until_as_expected()
            for n, gate in enumerate(gates):
                gate.set()
                model.release(n)
            await until_as_expected()
            tool_limiter = registry["block"].limiter.get()
            assert tool_limiter is None or tool_limiter.borrowed_tokens == 0
    finally:
        for gate in gates:
            gate.set()
    assert set(told_of) == set(range(len(gates)))
    assert len(entered) == len(set(entered))


def run_threads(places: int, max_concurrency: int | None, times_out: bool, actions: list[Action]) -> None:
    clock = trio.testing.MockClock()
    with contextlib.closing(_NoThreadLeft()):
        trio.run(play_threads, clock, places, max_concurrency, times_out, actions, clock=clock)


class _NoThreadLeft:
    """trio's idle threads keep their name; one that still runs a tool has the tool's."""

    def close(self) -> None:
        busy = [thread.name for thread in threading.enumerate() if "block" in thread.name]
        assert busy == []


# ── tests ───────────────────────────────────────────────────────────────────────────────────────────────────

ORDINARY = settings(
    max_examples=600,
    deadline=None,
    derandomize=True,  # the ordinary suite is the same each time; the soak is not
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault of the dispatcher
)
SOAK = settings(ORDINARY, max_examples=20 * 600, derandomize=False)
# Threads run in real time.
FEW = settings(ORDINARY, max_examples=200)
MANY = settings(SOAK, max_examples=20 * 200)
THREADS = given(
    places=st.integers(1, 2),
    max_concurrency=st.sampled_from([None, 1, 2, 3]),
    times_out=st.booleans(),
    actions=st.lists(ACTIONS, min_size=3, max_size=16),
)


@ORDINARY
@given(PLANS)
def test_each_call_ends_once_when_and_as_it_must_whatever_the_others_do(plan: Plan) -> None:
    virtual(play_calls, plan)


@ORDINARY
@given(PLANS)
def test_a_batch_has_one_outcome_for_each_call_in_input_order(plan: Plan) -> None:
    virtual(play_batch, plan)


@FEW
@THREADS
def test_a_thread_keeps_its_place_until_it_ends_and_nobody_hears_of_it_late(**plan: Any) -> None:
    run_threads(**plan)


@pytest.mark.soak
@SOAK
@given(PLANS)
def test_calls_end_as_they_must_for_long(plan: Plan) -> None:
    virtual(play_calls, plan)


@pytest.mark.soak
@SOAK
@given(PLANS)
def test_batches_keep_their_order_for_long(plan: Plan) -> None:
    virtual(play_batch, plan)


@pytest.mark.soak
@MANY
@THREADS
def test_threads_keep_their_places_for_long(**plan: Any) -> None:
    run_threads(**plan)
