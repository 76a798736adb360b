"""The pool with workers that the test plays, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from codemode.errors import WorkerUnavailable
from codemode.host import pool as pool_module
from codemode.host.pool import FIT_S, IDLE_S, MAX_SPARES, MAX_TRIES, SLOW_S, Pool
from codemode.host.worker_handle import WorkerHandle
from codemode.testing.fake_worker import KILLED, FakeLauncher, FakeProcess, FakeWorker
from codemode.wire import messages as m

Play = Callable[[FakeWorker], Awaitable[None]]


async def healthy(worker: FakeWorker) -> None:
    """Stands ready after 10 ms and answers pings."""
    await trio.sleep(0.01)
    await worker.stand_ready()
    while (message := await worker.hear()) is not None:
        if isinstance(message, m.Ping):
            await worker.say(m.Pong(message.ping))


async def silent(worker: FakeWorker) -> None:
    """Never says a word."""
    await worker.hear()


@asynccontextmanager
async def running_pool(spares: int, *plays: Play, last: Play = healthy) -> AsyncIterator[tuple[Pool, FakeLauncher]]:
    """A pool whose workers are played so, the first ones first and all later ones by the last."""
    left = list(plays)

    async def play(worker: FakeWorker) -> None:
        await (left.pop(0) if left else last)(worker)

    launcher = FakeLauncher(play)
    async with trio.open_nursery() as background:
        background.start_soon(launcher.run)
        async with trio.open_nursery() as workers:
            pool = Pool(launcher, workers, spares)
            workers.start_soon(pool.run)
            yield pool, launcher
            pool.close()
            workers.cancel_scope.cancel()
        assert (pool.workers, pool.spares, pool.starting) == (0, 0, 0)
        background.cancel_scope.cancel()
    for process in launcher.processes:
        assert (process.misuses, process.waits, process.closes) == ([], 1, 1)


async def until_full(pool: Pool, spares: int) -> None:
    with trio.fail_after(60):
        while (pool.spares, pool.starting) != (spares, 0):  # noqa: ASYNC110 - in virtual time
            await trio.sleep(0.01)


async def test_it_warms_its_spares_and_then_makes_nothing_while_the_host_is_quiet(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with running_pool(2) as (pool, launcher):
        await until_full(pool, 2)
        await trio.sleep(3600)

        assert (pool.spares, pool.started, len(launcher.processes)) == (2, 2, 2)
        assert [process.kills for process in launcher.processes] == [0, 0]


async def test_a_lease_takes_a_spare_at_once_and_it_is_replaced_soon(autojump_clock: trio.testing.MockClock) -> None:
    async with running_pool(2) as (pool, launcher):
        await until_full(pool, 2)
        began_s = trio.current_time()
        worker = await pool.lease()

        assert trio.current_time() == began_s
        assert worker.is_ready
        await until_full(pool, 2)
        assert len(launcher.processes) == 3


async def test_no_worker_is_leased_twice(autojump_clock: trio.testing.MockClock) -> None:
    async with running_pool(2) as (pool, _):
        leased: list[WorkerHandle] = []

        async def lease() -> None:
            leased.append(await pool.lease())

        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(lease)

        assert len(set(leased)) == 30
        assert all(worker.is_ready for worker in leased)


async def test_without_spares_a_worker_is_started_when_it_is_needed_and_none_else(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with running_pool(0) as (pool, launcher):
        await trio.sleep(60)
        assert launcher.processes == []
        await pool.lease()
        await trio.sleep(60)
        assert (len(launcher.processes), pool.spares) == (1, 0)


async def test_a_burst_makes_it_keep_more_spares_and_quiet_makes_it_let_them_go_one_by_one(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with running_pool(1) as (pool, launcher):
        await until_full(pool, 1)
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(pool.lease)
        await until_full(pool, MAX_SPARES)
        leased_and_more = len(launcher.processes)
        await trio.sleep(IDLE_S * 1.5)
        assert pool.spares == MAX_SPARES - 1
        await trio.sleep(IDLE_S * MAX_SPARES)
        assert (pool.spares, len(launcher.processes)) == (1, leased_and_more)


async def test_a_spare_that_has_died_is_replaced_and_counted(autojump_clock: trio.testing.MockClock) -> None:
    async with running_pool(2) as (pool, launcher):
        await until_full(pool, 2)
        launcher.processes[0].exit(KILLED)
        await trio.testing.wait_all_tasks_blocked()
        assert pool.crashed == 1
        await until_full(pool, 2)
        assert (await pool.lease()).is_ready


async def test_spares_that_die_as_soon_as_they_stand_are_replaced_ever_more_slowly(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def short_lived(worker: FakeWorker) -> None:
        await worker.stand_ready()
        await trio.sleep(0.001)

    async with running_pool(1, last=short_lived) as (_, launcher):
        await trio.sleep(3600)
        assert len(launcher.processes) < 3600 / pool_module.MAX_BACKOFF_S + 20


async def test_a_spare_that_was_stopped_is_not_lent(autojump_clock: trio.testing.MockClock) -> None:
    async with running_pool(2) as (pool, launcher):
        await until_full(pool, 2)
        launcher.processes[1].stop()
        began_s = trio.current_time()
        leased = [await pool.lease(), await pool.lease()]

        assert trio.current_time() - began_s < FIT_S + 1
        assert all(worker.is_ready for worker in leased)
        assert launcher.processes[1].pid not in {worker.pid for worker in leased}
        assert pool.crashed == 1


async def test_a_start_that_hangs_does_not_hold_up_a_lease(autojump_clock: trio.testing.MockClock) -> None:
    async with running_pool(0, silent) as (pool, _):
        began_s = trio.current_time()
        worker = await pool.lease()

        assert worker.pid == 2
        assert trio.current_time() - began_s < SLOW_S + 0.1


async def test_a_machine_that_is_slow_for_all_is_not_made_slower_by_ever_more_starts(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def slow(worker: FakeWorker) -> None:
        await trio.sleep(10)
        await healthy(worker)

    async with running_pool(0, last=slow) as (pool, launcher):
        await pool.lease()
        assert len(launcher.processes) <= 4


async def test_where_one_spare_was_stopped_the_others_are_tried_together_and_a_worker_is_started_beside(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with running_pool(6) as (pool, launcher):
        await until_full(pool, 6)
        stopped = list(launcher.processes)
        for process in stopped:
            process.stop()
        began_s = trio.current_time()
        worker = await pool.lease()

        assert trio.current_time() - began_s < FIT_S + 0.1
        assert worker.pid not in {process.pid for process in stopped}
        await trio.sleep(FIT_S)
        assert all(process.kills for process in stopped)


async def test_a_start_that_fails_is_tried_again(autojump_clock: trio.testing.MockClock) -> None:
    async def stillborn(worker: FakeWorker) -> None:
        worker.process.exit(1)

    async with running_pool(0, *[stillborn] * (MAX_TRIES - 1)) as (pool, _):
        assert (await pool.lease()).pid == MAX_TRIES


async def test_a_lease_fails_after_several_failed_starts_and_tells_what_the_last_one_wrote(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def stillborn(worker: FakeWorker) -> None:
        worker.process.write_stderr("no such module")
        worker.process.exit(1)

    async with running_pool(0, *[stillborn] * MAX_TRIES) as (pool, _):
        with pytest.raises(WorkerUnavailable) as caught:
            await pool.lease()
        assert (caught.value.exit_status, caught.value.stderr) == (1, "no such module")
        assert (await pool.lease()).is_ready


async def test_leases_are_served_in_the_order_of_asking(autojump_clock: trio.testing.MockClock) -> None:
    def after(seconds: float) -> Play:
        async def late(worker: FakeWorker) -> None:
            await trio.sleep(seconds)
            await healthy(worker)

        return late

    async with running_pool(0, *[after(number / 20) for number in range(5)]) as (pool, _):
        served: list[int] = []

        async def lease(number: int) -> None:
            await pool.lease()
            served.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(lease, number)
                await trio.testing.wait_all_tasks_blocked()
        assert served == [0, 1, 2, 3, 4]


async def test_the_worker_of_a_cancelled_lease_goes_to_the_next(autojump_clock: trio.testing.MockClock) -> None:
    async with running_pool(0) as (pool, launcher):
        with trio.move_on_after(0.005):
            await pool.lease()
        await until_full(pool, 1)
        assert (await pool.lease()).pid == 1
        assert len(launcher.processes) == 1


async def test_a_worker_that_nobody_wants_any_more_is_let_go_in_time(autojump_clock: trio.testing.MockClock) -> None:
    async with running_pool(0) as (pool, launcher):
        with trio.move_on_after(0.005):
            await pool.lease()
        await trio.sleep(2 * IDLE_S)
        assert (pool.spares, pool.workers) == (0, 0)
        assert launcher.processes[0].kills


async def test_closing_answers_whoever_waits_for_a_worker(autojump_clock: trio.testing.MockClock) -> None:
    refused: list[str] = []
    async with running_pool(0, last=silent) as (pool, _), trio.open_nursery() as nursery:

        async def lease() -> None:
            with pytest.raises(WorkerUnavailable, match="closed"):
                await pool.lease()
            refused.append("refused")

        nursery.start_soon(lease)
        await trio.testing.wait_all_tasks_blocked()
        pool.close()
    assert refused == ["refused"]
    with pytest.raises(WorkerUnavailable, match="closed"):
        await pool.lease()


async def test_a_system_that_refuses_every_process_fails_a_lease_and_is_asked_less_and_less_for_spares(
    autojump_clock: trio.testing.MockClock,
) -> None:
    asked = 0

    async def refuse() -> FakeProcess:
        nonlocal asked
        asked += 1
        raise WorkerUnavailable("no process")

    launcher = FakeLauncher(healthy, refuse)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(launcher.run)
        pool = Pool(launcher, nursery, 1)
        nursery.start_soon(pool.run)
        with pytest.raises(WorkerUnavailable, match="no process"):
            await pool.lease()
        assert asked == MAX_TRIES
        await trio.sleep(3600)
        assert asked < 3600 / pool_module.MAX_BACKOFF_S + 20
        nursery.cancel_scope.cancel()


async def test_starts_that_hung_before_anybody_asked_hold_up_no_lease(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    async with running_pool(8, *[silent] * 4) as (pool, _):
        await trio.sleep(1)
        assert (pool.starting, pool.spares) == (4, 0)
        began_s = trio.current_time()
        await pool.lease()
        assert trio.current_time() - began_s < 0.1


async def test_many_spares_are_started_a_few_at_a_time(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    most = 0

    async def counted(worker: FakeWorker) -> None:
        nonlocal most
        most = max(most, pool.starting)
        await healthy(worker)

    async with running_pool(100, last=counted) as (pool, _):
        await until_full(pool, 100)
    assert most <= 4


async def test_a_lease_under_a_shield_is_refused_where_its_service_was_cancelled(
    autojump_clock: trio.testing.MockClock,
) -> None:
    launcher = FakeLauncher(healthy)
    async with trio.open_nursery() as background:
        background.start_soon(launcher.run)
        async with trio.open_nursery() as workers:
            pool = Pool(launcher, workers, 0)
            workers.start_soon(pool.run)
            await trio.testing.wait_all_tasks_blocked()
            workers.cancel_scope.cancel()
            with trio.CancelScope(shield=True), pytest.raises(WorkerUnavailable, match="closed"):
                await pool.lease()
        background.cancel_scope.cancel()
