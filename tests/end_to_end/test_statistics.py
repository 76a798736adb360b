"""What a service and a session tell of themselves."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
import trio

import codemode

pytestmark = pytest.mark.usefixtures("nothing_is_left")


async def test_a_service_counts_its_workers_and_where_they_came_from(
    open_lab: Any, toolbox: Any, eventually: Any, launcher: Any
) -> None:
    async with open_lab(spares=2) as lab, lab.service.open_session(toolbox.registry) as session:
        await eventually(lambda: lab.service.statistics().spares == 2)
        async with session.open_turn() as turn:
            await turn.run("text(1)")
            await eventually(lambda: lab.service.statistics().spares == 2)
            statistics = lab.service.statistics()

        assert (statistics.workers, statistics.starting, statistics.started, statistics.crashed) == (3, 0, 3, 0)
        forked, spawned = (3, 0) if launcher.__name__ == "ZygoteLauncher" else (0, 3)
        assert (statistics.forked, statistics.spawned) == (forked, spawned)
        assert (statistics.zygotes, statistics.zygote_pid is not None) == ((1, True) if forked else (0, False))
        await eventually(lambda: lab.service.statistics().workers == 2)


async def test_a_service_counts_workers_that_crashed_and_not_those_that_it_ended(
    lab: Any, toolbox: Any, eventually: Any
) -> None:
    async with lab.service.open_session(toolbox.registry) as session, session.open_turn() as turn:
        started = await turn.exec("await tools.never()", yield_time_ms=0)
        await toolbox.until_asked(1)
        os.kill(lab.pids[-1], signal.SIGKILL)
        await turn.wait(started.cell_id)
        await turn.exec("for (;;) {}", yield_time_ms=0)
    # A start that was slow may have left a spare.
    await eventually(lambda: lab.service.statistics().workers == lab.service.statistics().spares)

    assert lab.service.statistics().crashed == 1


async def test_a_service_counts_the_threads_that_run_a_tool(
    lab: Any, turn: codemode.Turn, toolbox: Any, eventually: Any
) -> None:
    started = await turn.exec("await tools.blocking()", yield_time_ms=0)
    await eventually(lambda: lab.service.statistics().threads == 1)
    toolbox.thread_gate.set()
    assert (await turn.wait(started.cell_id)).status == "completed"
    await eventually(lambda: lab.service.statistics().threads == 0)


async def test_a_session_counts_its_cells_and_the_calls_that_are_open_or_left_behind(
    session: codemode.Session, turn: codemode.Turn, toolbox: Any, eventually: Any
) -> None:
    finish = trio.Event()

    @toolbox.registry.tool
    async def stubborn() -> None:
        """Does not heed its cancellation."""
        with trio.CancelScope(shield=True):
            await finish.wait()

    def counted(**counts: int) -> bool:
        none = {"live_cells": 0, "open_calls": 0, "threads_left_behind": 0, "tasks_left_behind": 0}
        return session.statistics() == codemode.SessionStatistics(cells=2, **{**none, **counts})

    await turn.run("text(1)")
    started = await turn.exec("await Promise.all([tools.blocking(), tools.never(), tools.stubborn()])", yield_time_ms=0)
    await eventually(lambda: counted(live_cells=1, open_calls=3))
    ended = await turn.wait(started.cell_id, terminate=True)
    assert [call.status for call in ended.calls] == ["cancelled"] * 3
    assert counted(threads_left_behind=1, tasks_left_behind=1)

    toolbox.thread_gate.set()
    finish.set()
    await eventually(counted)


async def test_a_worker_that_was_ended_with_its_script_or_its_service_has_not_crashed(lab: Any) -> None:
    async with lab.service.open_session() as session, session.open_turn() as turn:
        for script in ("exit()", "setTimeout(() => { for (;;) {} }); text(1)", "text(1)"):
            assert (await turn.run(script)).status == "completed"
        await turn.exec("for (;;) {}", yield_time_ms=0)
    assert lab.service.statistics().crashed == 0


async def test_what_a_service_tells_after_its_end_is_that_nothing_is_left(open_lab: Any) -> None:
    async with open_lab(spares=2) as lab, lab.service.open_session() as session, session.open_turn() as turn:
        await turn.run("text(1)")
    statistics = lab.service.statistics()
    assert (statistics.workers, statistics.spares, statistics.starting) == (0, 0, 0)
    assert (statistics.crashed, statistics.zygote_pid) == (0, None)
