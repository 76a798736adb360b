"""`codemode.aio` under a real asyncio loop, with real workers: what the core promises under trio holds here too."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import inspect
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

import codemode as trio_codemode
from codemode import aio as codemode
from codemode.bridge.portal import Portal

T = TypeVar("T")

ANSWER_S = 20.0
"""Generous: for what must answer at all."""

pytestmark = [pytest.mark.usefixtures("nothing_is_left"), pytest.mark.one_launcher]


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs it to its end in a loop of its own, within a generous bound."""

    async def bounded() -> T:
        async with asyncio.timeout(ANSWER_S):
            return await main

    return asyncio.run(bounded())


class Tools:
    """Tools for asyncio, and what they saw."""

    def __init__(self) -> None:
        self.registry = codemode.ToolRegistry()
        self.seen: list[Any] = []
        self.asked = asyncio.Event()
        """Set when a call has reached `hang` or `deaf`."""
        self.gate = asyncio.Event()
        """What `deaf` waits for."""
        tool = self.registry.tool

        @tool
        async def double(i: int) -> int:
            return 2 * i

        @tool
        async def hang() -> None:
            self.asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.seen.append("cancelled")
                raise

        @tool
        async def deaf() -> str:
            self.asked.set()
            while not self.gate.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await self.gate.wait()
            return "at last"


@contextlib.asynccontextmanager
async def opened(tools: Tools | codemode.ToolRegistry, **options: Any) -> AsyncIterator[codemode.Turn]:
    """A turn of a session with these tools."""
    registry = tools.registry if isinstance(tools, Tools) else tools
    async with codemode.open_session(registry, **options) as session, session.open_turn() as turn:
        yield turn


# ── tools ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_async_tools_run_on_the_callers_loop_and_sync_tools_in_threads() -> None:
    tools = codemode.ToolRegistry()
    lock = asyncio.Lock()
    seen: dict[str, Any] = {}

    @tools.tool
    async def on_loop() -> str:
        async with lock:
            await asyncio.sleep(0)
            seen["loop"] = asyncio.get_running_loop(), threading.current_thread()
        return "loop"

    @tools.tool
    def in_thread() -> str:
        seen["thread"] = threading.current_thread()
        return "thread"

    async def main() -> None:
        async with opened(tools) as turn:
            outcome = await turn.run("text(await tools.on_loop() + ' ' + await tools.in_thread())")
        assert (outcome.status, outcome.text) == ("completed", "loop thread")
        assert type(outcome) is trio_codemode.CellOutcome
        assert seen["loop"] == (asyncio.get_running_loop(), threading.current_thread())
        assert seen["thread"] not in (threading.current_thread(), threading.main_thread())

    run(main())


def test_a_tool_sees_the_context_variables_of_the_exec_that_calls_it() -> None:
    tools = codemode.ToolRegistry()
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")

    @tools.tool
    async def who() -> str:
        before = user.get()
        user.set("changed by a call")
        await asyncio.sleep(0)
        return before

    @tools.tool
    def who_in_thread() -> str:
        return user.get()

    async def one(turn: codemode.Turn, name: str) -> str | None:
        user.set(name)
        outcome = await turn.run("text([await tools.who(), await tools.who(), await tools.who_in_thread()].join(' '))")
        return outcome.text

    async def main() -> None:
        async with opened(tools) as turn:
            assert await asyncio.gather(*(one(turn, name) for name in ("ada", "bob"))) == ["ada ada ada", "bob bob bob"]
        assert user.get() == "nobody"

    run(main())


def test_a_function_that_returns_an_awaitable_is_awaited_on_the_loop() -> None:
    tools = codemode.ToolRegistry()

    async def inner() -> str:
        return (asyncio.current_task() is not None and "on the loop") or "elsewhere"

    @tools.tool
    def decorated() -> Any:
        return inner()

    @tools.tool
    async def twice() -> Any:
        return inner()

    async def main() -> str | None:
        async with opened(tools) as turn:
            return (await turn.run("text([await tools.decorated(), await tools.twice()])")).text

    assert run(main()) == '["on the loop","on the loop"]'


def test_what_a_tool_raises_is_the_error_of_its_call_alone() -> None:
    tools = codemode.ToolRegistry()

    @tools.tool
    async def fail(how: str) -> None:
        match how:
            case "plainly":
                raise LookupError("nothing there")
            case "in its own words":
                raise codemode.ToolFailure("not today", "denied")
            case "by a bad end":
                raise SystemExit("bad")

    async def main() -> str | None:
        async with opened(tools) as turn:
            outcome = await turn.run("""
                const all = await Promise.allSettled(
                  ["plainly", "in its own words", "by a bad end", "not"].map((how) => tools.fail({how})));
                text(all.map(({reason}) => reason ? `${reason.code}: ${reason.message}` : "ok").join("; "));
            """)
            return outcome.text

    said = run(main())
    assert said is not None
    assert said == "tool_failed: LookupError: nothing there; denied: not today; tool_failed: SystemExit; ok"


def test_thousands_of_calls_at_once_are_each_answered() -> None:
    async def main() -> None:
        async with opened(Tools()) as turn:
            outcome = await turn.run("""
                const all = await Promise.all(Array.from({length: 3000}, (_, i) => tools.double({i})));
                text(all.every((value, i) => value === 2 * i));
            """)
        assert outcome.text == "true"
        assert [call.status for call in outcome.calls] == ["ok"] * 3000

    run(main())


def test_max_concurrency_holds_for_all_sessions_of_a_service() -> None:
    tools = codemode.ToolRegistry()
    running: list[int] = [0]
    most: list[int] = [0]

    @tools.tool(max_concurrency=2)
    async def slow() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.001)
        running[0] -= 1

    async def one(service: codemode.Service) -> str:
        async with service.open_session(tools) as session, session.open_turn() as turn:
            return (await turn.run("await Promise.all(Array.from({length: 20}, () => tools.slow()))")).status

    async def main() -> None:
        async with codemode.open_service() as service:
            assert await asyncio.gather(one(service), one(service)) == ["completed", "completed"]

    run(main())
    assert most == [2]


def test_progress_is_told_before_the_end_of_its_call() -> None:
    tools = codemode.ToolRegistry()

    @tools.tool
    async def steps(i: int, ctx: codemode.ToolContext) -> None:
        ctx.progress(f"{i} half")
        await ctx.progress(f"{i} whole")

    async def main() -> list[codemode.Event]:
        async with codemode.open_session(tools) as session, session.open_turn() as turn:
            with session.events() as events:
                await turn.run("await Promise.all(Array.from({length: 200}, (_, i) => tools.steps({i})))")
                heard: list[codemode.Event] = []
                async for event in events:
                    heard.append(event)
                    if isinstance(event, codemode.CellEnded):
                        return heard
        raise AssertionError

    told: dict[str, list[str]] = {}
    for event in run(main()):
        if isinstance(event, codemode.CallProgressed):
            told.setdefault(event.call_id, []).append(event.message.split()[1])
        if isinstance(event, codemode.CallSettled):
            told.setdefault(event.call_id, []).append(event.status)
    assert list(told.values()) == [["half", "whole", "ok"]] * 200


# ── cancelled calls ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "script",
    [
        "const stop = new AbortController(); sleep(20).then(() => stop.abort());"
        "try { await tools.hang({}, {signal: stop.signal}) } catch (error) { text(error.name) }",
        "tools.hang(); await tools.double({i: 1})",
        "tools.hang(); await tools.double({i: 1}); exit()",
        "tools.hang(); await tools.double({i: 1}); throw new Error('no more')",
    ],
)
def test_a_call_that_the_script_gives_up_cancels_its_asyncio_task(script: str) -> None:
    tools = Tools()

    async def main() -> None:
        async with opened(tools) as turn:
            outcome = await turn.run(script)
            assert tools.seen == ["cancelled"]
            assert [call.status for call in outcome.calls if call.tool == "hang"] == ["cancelled"]

    run(main())


def test_terminate_cancels_the_asyncio_task() -> None:
    tools = Tools()

    async def main() -> None:
        async with opened(tools) as turn:
            first = await turn.exec("yield_control(); await tools.hang()")
            await tools.asked.wait()
            assert (await turn.wait(first.cell_id, terminate=True)).status == "terminated"
            assert tools.seen == ["cancelled"]

    run(main())


def test_a_tool_that_does_not_heed_its_cancellation_is_left_behind() -> None:
    tools = Tools()

    async def main() -> None:
        async with codemode.open_session(tools.registry) as session, session.open_turn() as turn:
            outcome = await turn.run("tools.deaf(); await tools.double({i: 1})")
            assert [(call.tool, call.status) for call in outcome.calls] == [("deaf", "cancelled"), ("double", "ok")]
            assert session.statistics().tasks_left_behind == 1
        # The trio thread has ended without it; what it gives comes to nobody.
        assert not any(thread.name == "codemode" for thread in threading.enumerate())
        tools.gate.set()

    run(main())


def test_a_late_answer_of_a_tool_left_behind_is_dropped() -> None:
    tools = Tools()

    async def main() -> None:
        async with codemode.open_session(tools.registry) as session, session.open_turn() as turn:
            await turn.run("tools.deaf(); await tools.double({i: 1})")
            tools.gate.set()
            while session.statistics().tasks_left_behind:  # noqa: ASYNC110 - it happens in another thread
                await asyncio.sleep(0.001)
            assert (await turn.run("text(await tools.double({i: 4}))")).text == "8"

    run(main())


def test_a_tool_that_takes_too_long_is_cancelled_and_told_so() -> None:
    tools = codemode.ToolRegistry()
    seen = []

    @tools.tool(timeout_s=0.05)
    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main() -> str | None:
        async with opened(tools) as turn:
            return (await turn.run("try { await tools.slow() } catch (error) { text(error.code) }")).text

    assert (run(main()), seen) == ("tool_timeout", ["cancelled"])


@pytest.mark.parametrize("timeout_s", [None, 60])
def test_a_tool_that_cancels_itself_has_cancelled_its_call(timeout_s: float | None) -> None:
    tools = codemode.ToolRegistry()

    @tools.tool(timeout_s=timeout_s)
    async def give_up() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(60)

    async def main() -> None:
        async with opened(tools) as turn:
            outcome = await turn.run("try { await tools.give_up() } catch (error) { text(error.code) }")
        assert outcome.text == "cancelled"
        assert [call.status for call in outcome.calls] == ["cancelled"]

    run(main())


# ── cancelled callers ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["exec", "run"])
@pytest.mark.parametrize("script", ["for (;;) {}", "await tools.hang()"])
def test_cancelling_an_exec_terminates_its_cell(method: str, script: str) -> None:
    tools = Tools()

    async def main() -> None:
        async with codemode.open_session(tools.registry) as session, session.open_turn() as turn:
            begun = session.events()
            running = asyncio.create_task(getattr(turn, method)(script))
            cell = await anext(begun)
            if "hang" in script:
                await tools.asked.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert (await turn.wait(cell.cell_id)).status == "terminated"
            assert tools.seen == ["cancelled"] * ("hang" in script)
            assert session.live_cells == ()

    run(main())


def test_a_cell_whose_exec_was_cancelled_as_it_returned_is_terminated_too() -> None:
    async def main() -> None:
        known: set[str] = set()
        async with codemode.open_session(Tools().registry) as session, session.open_turn() as turn:
            for i in range(60):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.0002 * i):  # an exec takes some milliseconds
                        if i % 2:
                            outcome = await turn.exec("await tools.hang()", yield_time_ms=0)
                            known.add(outcome.cell_id)
                        else:
                            reply = await session.call_tool(
                                "exec", {"source": "await tools.hang()", "yield_time_ms": 0}
                            )
                            assert reply.outcome is not None
                            known.add(reply.outcome.cell_id)
            while not set(session.live_cells) <= known:  # noqa: ASYNC110 - it happens in another thread
                await asyncio.sleep(0.005)
        assert known

    run(main())


def test_a_timeout_of_asyncio_ends_a_script_that_spins() -> None:
    async def main() -> None:
        async with opened(Tools()) as turn:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await turn.exec("for (;;) {}")
            assert (await turn.run("text('next')")).text == "next"

    run(main())


def test_cancelling_a_wait_ends_that_observation_only() -> None:
    tools = Tools()

    async def main() -> None:
        async with opened(tools) as turn:
            first = await turn.exec("yield_control(); await tools.hang().catch(() => 0)", yield_time_ms=10_000)
            await tools.asked.wait()
            waiting = asyncio.create_task(turn.wait(first.cell_id))
            await asyncio.sleep(0.02)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert (await turn.wait(first.cell_id, yield_time_ms=0)).status == "running"

    run(main())


def test_a_block_that_is_cancelled_while_it_closes_closes_and_raises() -> None:
    tools = Tools()

    async def work() -> None:
        async with opened(tools) as turn:
            await turn.exec("yield_control(); await tools.deaf()")
            await tools.asked.wait()

    async def main() -> None:
        closing = asyncio.create_task(work())
        await tools.asked.wait()
        await asyncio.sleep(0.05)  # now it waits for `deaf`, for a second
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert not any(thread.name == "codemode" for thread in threading.enumerate())
        tools.gate.set()

    run(main())


def test_a_block_that_is_cancelled_while_it_opens_leaves_nothing() -> None:
    async def work() -> None:
        async with opened(Tools()):
            raise AssertionError

    async def main() -> None:
        for delay in (0.0, 0.0005, 0.002, 0.01):
            opening = asyncio.create_task(work())
            await asyncio.sleep(delay)
            opening.cancel()
            with pytest.raises((asyncio.CancelledError, AssertionError)):
                await opening
            assert not any(thread.name == "codemode" for thread in threading.enumerate())

    run(main())


def test_a_session_that_closes_answers_those_who_wait() -> None:
    async def main() -> None:
        async with codemode.open_service() as service:
            async with service.open_session(Tools().registry) as session, session.open_turn() as turn:
                pending = asyncio.create_task(turn.exec("await tools.hang()"))
                await asyncio.sleep(0.05)
            assert (await pending).status == "terminated"
            with pytest.raises(codemode.ClosedError):
                await turn.exec("1")
            assert service.statistics().crashed == 0
        with pytest.raises(codemode.ClosedError):
            await turn.exec("1")
        assert session.statistics().cells == 1

    run(main())


def test_what_a_block_raises_stays_itself() -> None:
    async def main() -> None:
        with pytest.raises(LookupError, match="mine"):
            async with opened(Tools()):
                raise LookupError("mine")
        with pytest.raises(codemode.UsageError, match="spares"):
            async with codemode.open_service(spares=-1):
                pass
        with pytest.raises(codemode.UsageError, match="min_yield_time_ms"):
            async with codemode.open_session(min_yield_time_ms=-1):
                pass
        async with opened(Tools()) as turn:
            with pytest.raises(codemode.CellNotFound):
                await turn.wait("99")

    run(main())


# ── events and callbacks ──────────────────────────────────────────────────────────────────────────────────────


def test_events_come_whole_and_in_order_however_the_listener_is_cancelled() -> None:
    count = 3_000

    async def main() -> None:
        async with codemode.open_session() as session, session.open_turn() as turn:
            events = session.events()
            running = asyncio.create_task(turn.run(f"for (let i = 0; i < {count}; i++) text(i)"))
            heard: list[str] = []
            cancelled = 0
            while True:
                try:
                    async with asyncio.timeout(0.0005):
                        event = await anext(events)
                except TimeoutError:
                    cancelled += 1
                    continue
                if isinstance(event, codemode.OutputEmitted):
                    assert isinstance(event.item, codemode.TextItem)
                    heard.append(event.item.text)
                if isinstance(event, codemode.CellEnded):
                    break
            assert heard == [str(i) for i in range(count)]
            assert cancelled > 0
            assert (await running).status == "completed"

    run(main())


def test_a_listener_that_does_not_listen_slows_the_script_and_a_dropped_one_does_not() -> None:
    flood = "for (let i = 0; i < 90_000; i++) text(i); text('end')"

    async def main() -> None:
        async with codemode.open_session() as session, session.open_turn() as turn:
            events = session.events()
            assert (await turn.exec(flood, yield_time_ms=1_000)).status == "running"
            assert isinstance(await anext(events), codemode.CellStarted)
            assert (await turn.wait("1", yield_time_ms=500)).status == "running"
            del events
            assert (await turn.wait("1", yield_time_ms=15_000)).status == "completed"

    run(main())


def test_events_end_with_the_session_and_those_that_wait_are_given_first() -> None:
    async def main() -> list[str]:
        async with codemode.open_session() as session, session.open_turn() as turn:
            early, late = session.events(), session.events()
            await turn.run("text('x')")
            reading = asyncio.create_task(read(early))
        assert await reading == await read(late)
        assert await read(session.events()) == []
        return await reading

    async def read(events: codemode.EventStream) -> list[str]:
        return [event.type async for event in events]

    assert run(main()) == ["cell_started", "output", "cell_ended"]


def test_a_session_calls_what_it_was_given_where_it_says() -> None:
    where: dict[str, threading.Thread] = {}
    notes: list[tuple[str, str]] = []

    class Store(trio_codemode.MemoryStore):
        def put(self, key: str, value: str | None) -> None:
            where["store"] = threading.current_thread()
            super().put(key, value)

    def count(text: str) -> int:
        where["tokenizer"] = threading.current_thread()
        return len(text)

    def hear(cell_id: str, text: str) -> None:
        assert asyncio.get_running_loop() is not None
        notes.append((cell_id, text))
        raise RuntimeError("nobody is harmed by this")

    async def main() -> None:
        async with opened(Tools(), store=Store(), tokenizer=count, on_notify=hear) as turn:
            outcome = await turn.run("notify('one'); notify('two'); store('a', 1); text('x'.repeat(50_000))")
            assert outcome.output_id is not None or outcome.content()
        assert notes == [("1", "one"), ("1", "two")]
        assert {thread.name for thread in where.values()} <= {"codemode", "MainThread"}
        assert where["store"].name == "codemode"

    run(main())


# ── policies, hooks and approvals ─────────────────────────────────────────────────────────────────────────────


def guarded(**policy: Any) -> codemode.ToolRegistry:
    """A registry with `wipe`, which must be asked for unless the policy says otherwise."""
    tools = codemode.ToolRegistry()

    @tools.tool(**{"approval": "ask", **policy})
    async def wipe(path: str) -> str:
        """Deletes a file."""
        return f"wiped {path}"

    return tools


WIPE = """
    const wiped = await Promise.allSettled(["a", "b", "c"].map((path) => tools.wipe({ path })));
    wiped.forEach(({ value, reason }) => text(value ?? `${reason.code}: ${reason.message}`));
"""


def where() -> tuple[bool, str]:
    """Whether this runs on a loop, and in which thread."""
    with contextlib.suppress(RuntimeError):
        return asyncio.get_running_loop().is_running(), threading.current_thread().name
    return False, threading.current_thread().name


class Hooks(codemode.CallHooks):
    """Sync and async ones, which change what they see, and say where they ran."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, tuple[bool, str]]] = []

    async def before(self, invocation: codemode.ToolInvocation) -> codemode.ToolInvocation:
        await asyncio.sleep(0)
        self.ran.append(("before", where()))
        return dataclasses.replace(invocation, arguments={"path": invocation.arguments["path"].upper()})

    def after(self, invocation: codemode.ToolInvocation, outcome: codemode.ToolCallOutcome) -> codemode.ToolCallOutcome:
        self.ran.append(("after", where()))
        return dataclasses.replace(outcome, value=f"<{outcome.value}>")

    async def error(self, invocation: codemode.ToolInvocation, outcome: codemode.ToolCallOutcome) -> None:
        await asyncio.sleep(0)
        self.ran.append(("error", where()))


def test_hooks_run_on_the_loop_whether_they_are_async_or_not() -> None:
    hooks = Hooks()

    def approve(request: codemode.ApprovalRequest) -> bool:
        return bool(request.arguments["path"] != "B")

    async def main() -> str | None:
        async with opened(guarded(approval=approve), hooks=[hooks]) as turn:
            return (await turn.run(WIPE)).text

    assert run(main()) == "<wiped A>\ndenied: the call was denied: its policy does not allow it\n<wiped C>"
    assert sorted(hooks.ran) == sorted(
        (name, (True, "MainThread")) for name in ["before"] * 3 + ["after"] * 2 + ["error"]
    )


@pytest.mark.parametrize("how", ["at once", "async", "later", "from another thread"])
def test_who_is_asked_is_asked_on_the_loop_about_all_that_wait_together(how: str) -> None:
    asked: list[tuple[list[str], tuple[bool, str]]] = []

    def decide(requests: Sequence[codemode.ApprovalRequest]) -> None:
        for request in requests:
            if request.arguments["path"] == "b":
                request.deny("not b")
            else:
                request.allow()

    def on_approval(requests: Sequence[codemode.ApprovalRequest]) -> Any:
        asked.append(([request.arguments["path"] for request in requests], where()))
        match how:
            case "at once":
                decide(requests)
            case "later":
                asyncio.get_running_loop().call_later(0.01, decide, requests)
            case "from another thread":
                threading.Thread(target=decide, args=(requests,), daemon=True).start()
            case "async":
                return later(requests)
        return None

    async def later(requests: Sequence[codemode.ApprovalRequest]) -> None:
        await asyncio.sleep(0)
        decide(requests)

    async def main() -> str | None:
        async with opened(guarded(), on_approval=on_approval) as turn:
            return (await turn.run(WIPE)).text

    assert run(main()) == "wiped a\ndenied: the call was denied: not b\nwiped c"
    assert asked == [(["a", "b", "c"], (True, "MainThread"))]


def test_an_async_function_approves_calls_on_the_loop_and_may_have_them_asked_for() -> None:
    ran: list[tuple[bool, str]] = []

    async def approve(request: codemode.ApprovalRequest) -> str:
        await asyncio.sleep(0)
        ran.append(where())
        return {"a": "allow", "b": "ask", "c": "deny"}[request.arguments["path"]]

    async def main() -> str | None:
        async with opened(guarded(approval=approve), on_approval=lambda requests: requests[0].deny("asked")) as turn:
            return (await turn.run(WIPE)).text

    assert run(main()) == (
        "wiped a\ndenied: the call was denied: asked\ndenied: the call was denied: its policy does not allow it"
    )
    assert ran == [(True, "MainThread")] * 3


@pytest.mark.parametrize("end", ["exec", "session"])
def test_a_call_that_waits_for_its_approval_ends_with_its_cell_and_nobody_is_asked_on(end: str) -> None:
    seen: list[str] = []

    async def main() -> None:
        asked = asyncio.Event()

        async def on_approval(requests: Sequence[codemode.ApprovalRequest]) -> None:
            asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("no longer asked")
                raise

        async with (
            codemode.open_session(guarded(), on_approval=on_approval) as session,
            session.open_turn(on_end="keep") as turn,
        ):
            running = asyncio.create_task(
                turn.exec("await tools.wipe({ path: 'a' })", yield_time_ms=60_000 if end == "exec" else 0)
            )
            await asked.wait()
            (request,) = session.waiting_for_approval
            assert (request.tool, request.arguments, request.is_waiting) == ("wipe", {"path": "a"}, True)
            assert request.definition.description == "Deletes a file."
            if end == "exec":
                running.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await running
                assert [call.status for call in (await turn.wait("1")).calls] == ["cancelled"]
                assert session.waiting_for_approval == ()
            else:
                assert (await running).status == "running"
        assert not request.is_waiting
        request.allow()  # it comes too late, and harms nobody

    run(main())
    assert seen == ["no longer asked"]


def test_a_dispatcher_of_ones_own_may_have_only_run_async_or_not() -> None:
    tools = Tools()
    batches: list[list[str]] = []

    class Passing:
        async def run(self, invocations: Sequence[codemode.ToolInvocation]) -> list[codemode.ToolCallOutcome]:
            batches.append([invocation.tool for invocation in invocations])
            return await codemode.ToolDispatcher(tools.registry).run(invocations)

    class Knowing:
        def run(self, invocations: Sequence[codemode.ToolInvocation]) -> list[codemode.ToolCallOutcome]:
            batches.append([f"{invocation.tool}, at once" for invocation in invocations])
            return [codemode.ToolCallOutcome(invocation.call_id, "ok", 1) for invocation in invocations]

    async def main() -> list[str | None]:
        source = "text(await Promise.all([1, 2].map((i) => tools.double({ i }))))"
        texts = []
        for dispatcher in (Passing(), Knowing()):
            async with opened(tools, dispatcher=dispatcher) as turn:
                texts.append((await turn.run(source)).text)
        return texts

    assert run(main()) == ["[2,4]", "[1,1]"]
    assert batches == [["double"], ["double"], ["double, at once"], ["double, at once"]]


def test_a_dispatcher_of_ones_own_asks_and_is_seen_to_wait() -> None:
    async def main() -> None:
        asked = asyncio.Event()
        registry = guarded()
        dispatcher = codemode.ToolDispatcher(registry, on_approval=lambda requests: asked.set(), hooks=[Hooks()])
        async with codemode.open_session(registry, dispatcher=dispatcher) as session, session.open_turn() as turn:
            running = asyncio.create_task(turn.run("text(await tools.wipe({ path: 'a' }))"))
            await asked.wait()
            (request,) = session.waiting_for_approval
            request.allow()
            assert (await running).text == "<wiped A>"
        with pytest.raises(codemode.UsageError, match="give hooks and on_approval to the dispatcher"):
            async with codemode.open_session(registry, dispatcher=dispatcher, hooks=[Hooks()]):
                pass

    run(main())


# ── dispatchers ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_dispatcher_of_ones_own_runs_on_the_loop_and_may_use_the_one_it_replaces() -> None:
    tools = Tools()
    asked: list[str] = []

    class Careful(codemode.ToolDispatcher):
        async def call(self, invocation: codemode.ToolInvocation, **options: Any) -> codemode.ToolCallOutcome:
            await asyncio.sleep(0)
            asked.append(invocation.tool)
            if invocation.tool == "hang":
                return codemode.ToolCallOutcome.failed(invocation.call_id, "denied", "not this one")
            return await super().call(invocation, **options)

    async def main() -> None:
        async with opened(tools, dispatcher=Careful(tools.registry)) as turn:
            outcome = await turn.run("""
                text(await tools.double({i: 4}));
                try { await tools.hang() } catch (error) { text(`${error.code}: ${error.message}`) }
                tools.deaf(); await sleep(20)
            """)
            tools.gate.set()
        assert outcome.text == "8\ndenied: not this one"
        assert asked == ["double", "hang", "deaf"]
        assert [call.started_ms is None for call in outcome.calls] == [False, True, False]

    run(main())


def test_a_batch_has_one_outcome_each_in_input_order() -> None:
    tools = Tools()

    @tools.registry.tool
    def in_thread() -> str:
        return threading.current_thread().name

    async def main() -> list[codemode.ToolCallOutcome]:
        invocations = [
            codemode.ToolInvocation("a", "double", {"i": 2}),
            codemode.ToolInvocation("b", "absent"),
            codemode.ToolInvocation("c", "double", {"i": "x"}),
            codemode.ToolInvocation("d", "in_thread"),
        ]
        return await codemode.ToolDispatcher(tools.registry).run(invocations)

    outcomes = run(main())
    assert [outcome.call_id for outcome in outcomes] == ["a", "b", "c", "d"]
    assert [outcome.error.code if outcome.error else "ok" for outcome in outcomes] == [
        "ok",
        "tool_not_found",
        "invalid_arguments",
        "ok",
    ]
    assert outcomes[0].value == 4


def test_cancelling_a_batch_cancels_its_functions() -> None:
    tools = Tools()

    async def main() -> None:
        batch = asyncio.create_task(
            codemode.ToolDispatcher(tools.registry).run(
                [codemode.ToolInvocation("a", "hang"), codemode.ToolInvocation("b", "hang")]
            )
        )
        await tools.asked.wait()
        await asyncio.sleep(0.01)
        batch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await batch
        assert tools.seen == ["cancelled", "cancelled"]

    run(main())


def test_each_outcome_of_a_batch_is_told_on_the_loop_as_it_comes() -> None:
    tools = Tools()
    told: list[tuple[str, str, tuple[bool, str]]] = []

    @tools.registry.tool
    async def pause() -> None:
        await asyncio.sleep(0.05)

    async def main() -> list[codemode.ToolCallOutcome]:
        return await codemode.ToolDispatcher(tools.registry).run(
            [codemode.ToolInvocation("a", "pause"), codemode.ToolInvocation("b", "double", {"i": 2})],
            on_outcome=lambda outcome: told.append((outcome.call_id, outcome.status, where())),
        )

    assert [outcome.call_id for outcome in run(main())] == ["a", "b"]
    assert told == [("b", "ok", (True, "MainThread")), ("a", "ok", (True, "MainThread"))]


def test_a_batch_that_is_cancelled_leaves_a_deaf_function_behind_and_tells_of_each_call_once() -> None:
    tools = Tools()
    told: list[tuple[str, str]] = []

    async def main() -> float:
        loop = asyncio.get_running_loop()
        calls = [codemode.ToolInvocation(name, name) for name in ("deaf", "hang")]
        batch = asyncio.create_task(
            codemode.ToolDispatcher(tools.registry).run(
                [*calls, codemode.ToolInvocation("double", "double", {"i": 1})],
                on_outcome=lambda outcome: told.append((outcome.call_id, outcome.status)),
            )
        )
        await tools.asked.wait()
        await asyncio.sleep(0.1)
        batch.cancel()
        since = loop.time()
        with pytest.raises(asyncio.CancelledError):
            await batch
        took = loop.time() - since
        tools.gate.set()
        return took

    assert run(main()) < 5  # 1 s, and 10 s where it is waited for
    assert sorted(told) == [("deaf", "cancelled"), ("double", "ok"), ("hang", "cancelled")]
    assert tools.seen == ["cancelled"]
    assert not any(thread.name == "codemode" for thread in threading.enumerate())


# ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_service_whose_loop_ends_before_its_block_ends_with_the_loop() -> None:
    kept: list[Any] = []

    async def main() -> None:
        block = codemode.open_session(Tools().registry)
        session = await block.__aenter__()
        kept.append(block)
        async with session.open_turn() as turn:
            assert (await turn.run("text(await tools.double({i: 1}))")).text == "2"

    run(main())
    assert not any(thread.name == "codemode" for thread in threading.enumerate())
    kept.clear()


def test_a_service_whose_loop_was_closed_under_it_closes_itself() -> None:
    tools = Tools()
    loop = asyncio.new_event_loop()
    kept: list[Any] = []

    async def main() -> None:
        block = codemode.open_session(tools.registry)
        session = await block.__aenter__()
        turn_block = session.open_turn()
        turn = await turn_block.__aenter__()
        kept.extend([block, turn_block, turn, session])
        await turn.exec("yield_control(); await tools.hang()")
        await tools.asked.wait()

    async def after() -> None:
        with pytest.raises(codemode.ClosedError):
            await kept[2].exec("1")
        assert kept[3].live_cells == ()

    loop.run_until_complete(main())
    for task in asyncio.all_tasks(loop):  # that of `hang`: asyncio logs what is destroyed while it is pending
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    for thread in threading.enumerate():
        if thread.name == "codemode":
            thread.join(ANSWER_S)
    assert not any(thread.name == "codemode" for thread in threading.enumerate())
    run(after())


def test_who_waits_when_the_trio_thread_breaks_down_is_told_so() -> None:
    tools = Tools()

    async def main() -> None:
        with pytest.raises(codemode.ClosedError, match="broken down") as info:
            async with codemode.open_session(tools.registry) as session, session.open_turn() as turn:
                pending = asyncio.create_task(turn.exec("await tools.hang()"))
                await tools.asked.wait()
                portal = turn._portal
                portal.post(_crash, portal)
                with pytest.raises(codemode.ClosedError, match="broken down") as told:
                    await pending
                assert told.value.__cause__ is not None
                with pytest.raises(codemode.ClosedError, match="broken down"):
                    await turn.exec("1")
        assert info.value.__cause__ is not None

    run(main())


def _crash(portal: Portal) -> None:
    async def fail() -> None:
        raise ZeroDivisionError("a bug")

    assert portal._nursery is not None
    portal._nursery.start_soon(fail)


def test_several_loops_in_several_threads_have_a_service_each() -> None:
    statuses: list[str] = []

    def work() -> None:
        async def main() -> None:
            async with opened(Tools()) as turn:
                for i in range(5):
                    outcome = await turn.run(f"text(await tools.double({{i: {i}}}))")
                    statuses.append(f"{outcome.status} {outcome.text}")

        run(main())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ANSWER_S)
    assert sorted(statuses) == sorted(f"completed {2 * i}" for i in range(5) for _ in range(3))


INTERRUPTED = """
import asyncio, sys
from codemode import aio as codemode

tools = codemode.ToolRegistry()

@tools.tool
async def ready() -> None:
    print(service.statistics().zygote_pid, flush=True)

async def main():
    global service
    async with codemode.open_service() as service:
        async with service.open_session(tools) as session, session.open_turn() as turn:
            await turn.run("await tools.ready(); for (;;) {}")

asyncio.run(main())
"""


def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    with program:
        assert program.stdout is not None
        assert program.stderr is not None
        zygote = program.stdout.readline().strip()
        program.send_signal(signal.SIGINT)
        _, stderr = program.communicate(timeout=ANSWER_S)
    assert stderr.rstrip().endswith("KeyboardInterrupt")
    assert program.returncode == -signal.SIGINT
    if zygote != "None":
        with pytest.raises(ProcessLookupError):
            os.kill(int(zygote), 0)


FORGOTTEN = """
import asyncio
from codemode import aio as codemode

async def main():
    block = codemode.open_session()
    session = await block.__aenter__()
    async with session.open_turn() as turn:
        print((await turn.run("text('done')")).text)
    kept.append(block)

kept = []
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
"""


def test_a_program_that_forgets_to_close_ends_all_the_same(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FORGOTTEN], capture_output=True, text=True, timeout=ANSWER_S, cwd=tmp_path, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_public_name_is_here_and_the_values_are_the_same_classes() -> None:
    own = {name for name in trio_codemode.__all__ if getattr(codemode, name) is not getattr(trio_codemode, name)}
    assert own == {
        "EventStream",
        "Service",
        "Session",
        "ToolDispatcher",
        "Turn",
        "open_service",
        "open_session",
    }


@pytest.mark.parametrize("name", ["Turn.exec", "Turn.run", "Turn.wait", "Session.call_tool", "Session.tool_specs"])
def test_methods_have_the_signatures_of_the_core(name: str) -> None:
    kind, method = name.split(".")
    ours, cores = (getattr(getattr(module, kind), method) for module in (codemode, trio_codemode))
    assert inspect.signature(ours) == inspect.signature(cores)


def test_a_model_calls_exec_and_wait_as_under_trio() -> None:
    async def main() -> None:
        async with codemode.open_session(Tools().registry) as session:
            assert [spec["name"] for spec in session.tool_specs("anthropic")] == ["exec", "wait"]
            reply = await session.call_tool("exec", "text(await tools.double({i: 21}))")
            assert (reply.is_error, reply.text.splitlines()[-1]) == (False, "42")
            assert (await session.call_tool("wait", {"cell_id": "77"})).is_error

    run(main())
