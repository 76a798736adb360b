"""Waiting for another process, in virtual time."""

from __future__ import annotations

from collections.abc import Callable

import trio
import trio.testing

from codemode.host.patience import STEPS, comes_in_time


async def test_what_comes_in_time_has_come(autojump_clock: trio.testing.MockClock) -> None:
    came = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_after, 1.9, came.set)
        assert await comes_in_time(came.wait, 2)
    assert trio.current_time() == 1.9


async def test_what_does_not_come_has_its_whole_time_and_no_more(autojump_clock: trio.testing.MockClock) -> None:
    assert not await comes_in_time(trio.Event().wait, 2)
    assert trio.current_time() == 2


async def test_a_host_that_was_held_up_has_waited_one_step_only(autojump_clock: trio.testing.MockClock) -> None:
    came = trio.Event()

    async def hold_up() -> None:
        await trio.sleep(0.1)
        autojump_clock.jump(60)
        came.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hold_up)
        assert await comes_in_time(came.wait, 2)


async def test_each_step_asks_anew(autojump_clock: trio.testing.MockClock) -> None:
    asked = 0

    async def never() -> None:
        nonlocal asked
        asked += 1
        await trio.sleep_forever()

    assert not await comes_in_time(never, 2)
    assert asked == STEPS


async def _after(seconds: float, do: Callable[[], None]) -> None:
    await trio.sleep(seconds)
    do()
