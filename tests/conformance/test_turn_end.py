"""DESIGN.md 6: what becomes of cells when their turn ends."""

from __future__ import annotations

from typing import Any

import trio
import trio.testing

import codemode


async def test_by_default_the_end_of_a_turn_terminates_its_cells(session: codemode.Session, toolbox: Any) -> None:
    async with session.open_turn() as turn:
        started = await turn.exec("text('said'); await tools.never()", yield_time_ms=0)
        await toolbox.until_asked(1)
    async with session.open_turn() as later:
        outcome = await later.wait(started.cell_id)

    assert outcome.status == "terminated"
    assert started.text + outcome.text == "said"
    assert toolbox.open["never"] == 0


async def test_a_cell_that_spins_is_terminated_too(session: codemode.Session, soon: Any) -> None:
    with soon():
        async with session.open_turn(on_end="terminate") as turn:
            started = await turn.exec("for (;;) {}", yield_time_ms=0)
    async with session.open_turn() as later:
        assert (await later.wait(started.cell_id)).status == "terminated"


async def test_a_kept_cell_goes_on_and_any_later_turn_can_wait_for_it(
    session: codemode.Session, toolbox: Any, soon: Any
) -> None:
    async with session.open_turn(on_end="keep") as turn:
        started = await turn.exec("await tools.gated(); text(await tools.answer())", yield_time_ms=0)
    async with session.open_turn() as between:
        await between.run("text('between')")
    async with session.open_turn() as later:
        toolbox.gate.set()
        with soon():
            outcome = await later.wait(started.cell_id)

    assert (outcome.status, outcome.text) == ("completed", "42")


async def test_a_kept_cells_calls_are_served_while_no_turn_is_open(
    session: codemode.Session, toolbox: Any, soon: Any
) -> None:
    async with session.open_turn(on_end="keep") as turn:
        await turn.exec(
            "await tools.gated(); for (let i = 0; i < 20; i++) await tools.echo({ i }); await tools.answer()",
            yield_time_ms=0,
        )
    toolbox.gate.set()
    with soon():
        await toolbox.until_asked(1, "answer")

    assert [arguments for tool, arguments in toolbox.asked if tool == "echo"] == [{"i": i} for i in range(20)]


async def test_the_end_of_a_later_turn_does_not_end_a_kept_cell_that_it_waited_for(
    session: codemode.Session, toolbox: Any, soon: Any
) -> None:
    async with session.open_turn(on_end="keep") as turn:
        started = await turn.exec("text(await tools.gated({ name: 'kept' }))", yield_time_ms=0)
    async with session.open_turn(on_end="terminate") as later:
        await later.wait(started.cell_id, yield_time_ms=1)
    toolbox.gate.set()
    async with session.open_turn() as last:
        with soon():
            outcome = await last.wait(started.cell_id)

    assert (outcome.status, outcome.text) == ("completed", "kept")


async def test_a_kept_cell_ends_when_nobody_has_observed_it_for_600_s(
    mock_clock: trio.testing.MockClock, session: codemode.Session, toolbox: Any, eventually: Any
) -> None:
    mock_clock.rate = 1
    async with session.open_turn(on_end="keep") as turn:
        started = await turn.exec("text('said'); await tools.never()", yield_time_ms=0)
    await toolbox.until_asked(1)
    mock_clock.jump(590)
    await trio.testing.wait_all_tasks_blocked(0.05)
    assert session.live_cells == (started.cell_id,)
    mock_clock.jump(20)
    await eventually(lambda: session.live_cells == ())
    async with session.open_turn() as later:
        outcome = await later.wait(started.cell_id)

    assert outcome.status == "terminated"
    assert started.text + outcome.text == "said"
    assert toolbox.open["never"] == 0


async def test_each_observation_renews_the_lease(
    mock_clock: trio.testing.MockClock, session: codemode.Session, toolbox: Any
) -> None:
    mock_clock.rate = 1
    async with session.open_turn(on_end="keep") as turn:
        started = await turn.exec("await tools.never()", yield_time_ms=0)
    await toolbox.until_asked(1)
    for _ in range(3):
        mock_clock.jump(400)
        async with session.open_turn() as later:
            assert (await later.wait(started.cell_id, yield_time_ms=1)).status == "running"

    assert session.live_cells == (started.cell_id,)


async def test_the_end_of_the_session_ends_kept_cells(lab: Any, toolbox: Any, soon: Any) -> None:
    with soon():
        async with lab.service.open_session(toolbox.registry) as session:
            async with session.open_turn(on_end="keep") as turn:
                await turn.exec("await tools.never()", yield_time_ms=0)
            await toolbox.until_asked(1)

    assert toolbox.open["never"] == 0
