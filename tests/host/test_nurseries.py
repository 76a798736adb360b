from __future__ import annotations

import pytest
import trio
import trio.testing

from codemode.host.nurseries import AbandonableTasks, background_nursery


async def test_what_the_block_raises_stays_itself() -> None:
    with pytest.raises(ZeroDivisionError):
        async with background_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            raise ZeroDivisionError


async def test_the_tasks_end_with_the_block() -> None:
    ended = trio.Event()

    async def task() -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    async with background_nursery() as nursery:
        nursery.start_soon(task)
        await trio.testing.wait_all_tasks_blocked()
    assert ended.is_set()


async def test_a_task_that_crashes_ends_the_block_and_is_told() -> None:
    async def crash() -> None:
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError):
        async with background_nursery() as nursery:
            nursery.start_soon(crash)
            await trio.sleep_forever()


async def test_a_cancellation_from_outside_goes_through() -> None:
    with trio.CancelScope() as scope:
        async with background_nursery():
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught


async def test_closing_cancels_and_joins_the_tasks() -> None:
    tasks = AbandonableTasks()
    await tasks.open()
    ended = trio.Event()

    async def task() -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    tasks.start_soon(task, name="task")
    await trio.testing.wait_all_tasks_blocked()
    await tasks.close(5)
    assert ended.is_set()


async def test_a_task_that_refuses_to_end_holds_up_nobody(autojump_clock: trio.testing.MockClock) -> None:
    tasks = AbandonableTasks()
    await tasks.open()
    release = trio.Event()

    async def stubborn() -> None:
        with trio.CancelScope(shield=True):
            await release.wait()

    tasks.start_soon(stubborn, name="stubborn")
    await trio.testing.wait_all_tasks_blocked()
    began_s = trio.current_time()
    await tasks.close(1)
    assert trio.current_time() - began_s == 1
    release.set()


async def test_what_has_been_closed_says_so() -> None:
    tasks = AbandonableTasks()
    await tasks.open()
    assert not tasks.is_closed
    await tasks.close(1)
    assert tasks.is_closed


async def test_what_was_never_opened_needs_no_closing() -> None:
    await AbandonableTasks().close(1)


async def test_a_task_that_fails_is_logged_and_closes_the_rest_without_harm_to_the_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    tasks = AbandonableTasks()
    await tasks.open()
    tasks.start_soon(trio.sleep_forever, name="beside")
    tasks.start_soon(fail, name="fail")
    await trio.testing.wait_all_tasks_blocked()

    assert tasks.is_closed
    assert "ZeroDivisionError" in caplog.text
    await tasks.close(1)
