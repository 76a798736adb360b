"""The way from the trio thread to an asyncio loop: many calls at one wake-up, and none that is waited for in vain."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio

from codemode.bridge.loop_calls import LoopCalls, LoopTools
from codemode.errors import ClosedError
from codemode.host.tools import ToolRegistry

ANSWER_S = 10.0


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts how often another thread has woken it."""

    def __init__(self) -> None:
        super().__init__()
        self.woken = 0

    def call_soon_threadsafe(self, *args: Any, **options: Any) -> asyncio.Handle:
        self.woken += 1
        return super().call_soon_threadsafe(*args, **options)


@pytest.fixture
def loop() -> Iterator[CountingLoop]:
    """A loop that does not run yet."""
    loop = CountingLoop()
    yield loop
    loop.close()


@pytest.fixture
def started(loop: CountingLoop) -> Iterator[Callable[[], None]]:
    """Lets the loop run in a thread of its own, until the end of the test."""
    thread = threading.Thread(target=loop.run_forever)
    yield thread.start
    if thread.ident is not None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(ANSWER_S)


async def test_calls_made_together_wake_the_loop_once_and_are_answered_together(
    loop: CountingLoop, started: Callable[[], None]
) -> None:
    calls = LoopCalls(loop)
    values: list[int] = []

    async def call(i: int) -> None:
        async def function() -> int:
            await asyncio.sleep(0)
            return i

        values.append(await calls.call(function))

    with trio.fail_after(ANSWER_S):
        async with trio.open_nursery() as nursery:
            for i in range(100):
                nursery.start_soon(call, i)
            await trio.testing.wait_all_tasks_blocked()
            started()
    assert sorted(values) == list(range(100))
    assert loop.woken == 1


async def test_a_call_that_is_cancelled_before_it_began_never_begins(
    loop: CountingLoop, started: Callable[[], None], autojump_clock: trio.testing.MockClock
) -> None:
    calls = LoopCalls(loop)
    begun: list[str] = []

    async def function() -> None:
        begun.append("begun")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(calls.call, function)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        started()
    assert begun == []


async def test_a_loop_that_makes_no_task_fails_the_call(loop: CountingLoop, started: Callable[[], None]) -> None:
    def refuse(*_: object, **__: object) -> Any:
        raise RuntimeError("no tasks today")

    loop.set_task_factory(refuse)
    started()
    with trio.fail_after(ANSWER_S), pytest.raises(RuntimeError, match="no tasks today"):
        await LoopCalls(loop).call(lambda: asyncio.sleep(0))


async def test_a_closed_loop_is_told_to_who_calls(loop: CountingLoop) -> None:
    calls = LoopCalls(loop)
    loop.close()
    for _ in range(2):
        with pytest.raises(ClosedError, match="has been closed"):
            await calls.call(lambda: asyncio.sleep(0))


async def test_a_call_to_a_loop_that_was_closed_meanwhile_can_be_cancelled(loop: CountingLoop) -> None:
    calls = LoopCalls(loop)
    with trio.fail_after(ANSWER_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(calls.call, lambda: asyncio.sleep(0))
            await trio.testing.wait_all_tasks_blocked()
            loop.close()
            nursery.cancel_scope.cancel()


async def test_release_lets_go_of_calls_that_do_not_end(loop: CountingLoop) -> None:
    calls = LoopCalls(loop)  # its loop never runs
    told: list[str] = []

    async def call(*, cancelled: bool) -> None:
        try:
            with trio.CancelScope() as scope:
                scope.deadline = trio.current_time() - 1 if cancelled else float("inf")
                await calls.call(lambda: asyncio.sleep(0))
            told.append("cancelled")
        except ClosedError:
            told.append("closed")

    with trio.fail_after(ANSWER_S):
        async with trio.open_nursery() as nursery:
            for cancelled in (True, False):
                nursery.start_soon(lambda cancelled=cancelled: call(cancelled=cancelled))
            await trio.testing.wait_all_tasks_blocked()
            assert told == []
            calls.release()
    assert sorted(told) == ["cancelled", "closed"]


def test_the_loops_tools_are_those_of_the_registry_as_it_stands(loop: CountingLoop) -> None:
    tools = ToolRegistry()
    moved = LoopTools(tools, LoopCalls(loop))
    assert moved.get("late") is None

    @tools.tool(max_concurrency=1)
    async def late() -> None: ...

    tool = moved.get("late")
    assert tool is moved.get("late") is not None
    assert tool.definition is tools["late"].definition
    assert moved.why_missing("lat") == tools.why_missing("lat")
