"""Live events: what a session tells of its cells, in order, to everybody who listens, and what a slow listener does."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import trio

import codemode

pytestmark = [pytest.mark.usefixtures("nothing_is_left"), pytest.mark.one_launcher]


async def take(stream: codemode.EventStream, until: type[codemode.Event]) -> list[codemode.Event]:
    """The events up to the first of that kind."""
    events = []
    with trio.fail_after(20):
        async for event in stream:
            events.append(event)
            if isinstance(event, until):
                break
    return events


def told(events: list[codemode.Event]) -> list[tuple[Any, ...]]:
    """Each event's name and what it says, without its time."""
    return [
        (event.type, *[value for name, value in _fields(event) if name not in ("cell_id", "at_ms")]) for event in events
    ]


def _fields(event: codemode.Event) -> list[tuple[str, Any]]:
    return [(field.name, getattr(event, field.name)) for field in dataclasses.fields(event)]


async def test_everything_that_a_script_does_is_told_in_its_order(session: codemode.Session) -> None:
    source = (
        "text('a'); console.warn('w'); store('k', [1]); store('k', undefined); notify('n'); yield_control();"
        "image('https://x/y.png'); await tools.answer(); try { await tools.fail() } catch { text('b') }"
    )
    async with session.open_turn() as turn:
        stream = session.events()
        await turn.run(source)
        events = await take(stream, codemode.CellEnded)

    assert told(events) == [
        ("cell_started", source),
        ("output", codemode.TextItem("a")),
        ("console", "warn", "w"),
        ("stored", "k", "[1]"),
        ("stored", "k", None),
        ("notified", "n"),
        ("cell_yielded",),
        ("output", codemode.ImageItem("https://x/y.png")),
        ("call_started", "1-1", "answer", "{}"),
        ("call_settled", "1-1", "answer", "ok", None),
        ("call_started", "1-2", "fail", "{}"),
        ("call_settled", "1-2", "fail", "error", "tool_failed"),
        ("output", codemode.TextItem("b")),
        ("cell_ended", "completed", None),
    ]
    assert {event.cell_id for event in events} == {"1"}
    times = [event.at_ms for event in events]
    assert times == sorted(times)
    assert times[0] == 0


async def test_events_come_while_the_script_is_busy(session: codemode.Session) -> None:
    async with session.open_turn() as turn, trio.open_nursery() as nursery:
        stream = session.events()
        nursery.start_soon(turn.run, "text('before'); notify('now'); for (;;) {}")
        events = await take(stream, codemode.Notified)
        nursery.cancel_scope.cancel()

    assert [event.type for event in events] == ["cell_started", "output", "notified"]


async def test_a_failure_is_told_with_its_error_and_open_calls_are_settled_before_it(session: codemode.Session) -> None:
    async with session.open_turn() as turn:
        stream = session.events()
        await turn.run("tools.never(); tools.sleep({ ms: 9e9 }); await tools.answer(); throw new Error('no')")
        events = await take(stream, codemode.CellEnded)

    *_, before, last, ending = events
    assert {(event.tool, event.status) for event in (before, last) if isinstance(event, codemode.CallSettled)} == {
        ("never", "cancelled"),
        ("sleep", "cancelled"),
    }
    assert isinstance(ending, codemode.CellEnded)
    assert ending.error is not None
    assert (ending.status, ending.error.code, ending.error.message) == ("failed", "script_error", "Error: no")


async def test_progress_of_a_tool_is_told(toolbox: Any, lab: Any) -> None:
    @toolbox.registry.tool
    async def copy(ctx: codemode.ToolContext) -> str:
        ctx.progress("half way")
        await trio.lowlevel.checkpoint()
        return "done"

    async with lab.service.open_session(toolbox.registry) as session, session.open_turn() as turn:
        stream = session.events()
        await turn.run("await tools.copy()")
        events = await take(stream, codemode.CellEnded)

    assert ("call_progressed", "1-1", "copy", "half way") in told(events)


async def test_every_listener_hears_every_event_from_the_moment_it_asked(session: codemode.Session) -> None:
    async with session.open_turn() as turn:
        early = session.events()
        await turn.run("text('first')")
        late = session.events()
        await turn.run("text('second')")
        heard_early = [*await take(early, codemode.CellEnded), *await take(early, codemode.CellEnded)]
        heard_late = await take(late, codemode.CellEnded)

    assert heard_early[3:] == heard_late
    assert [event.item.text for event in heard_early if isinstance(event, codemode.OutputEmitted)] == [
        "first",
        "second",
    ]


async def test_the_iteration_ends_with_the_session_after_its_last_event(toolbox: Any, lab: Any) -> None:
    async with lab.service.open_session(toolbox.registry) as session:
        stream = session.events()
        async with session.open_turn(on_end="keep") as turn:
            await turn.exec("await tools.never()", yield_time_ms=0)
    with trio.fail_after(5):
        events = [event async for event in stream]
        nothing = [event async for event in session.events()]

    assert [event.type for event in events][-1] == "cell_ended"
    assert nothing == []


async def test_who_leaves_the_block_or_drops_the_stream_is_forgotten(session: codemode.Session) -> None:
    with session.events() as left:
        assert session.hub
    dropped = session.events()
    assert session.hub
    del dropped

    assert not session.hub
    with trio.fail_after(5):
        assert [event async for event in left] == []


async def test_a_listener_that_does_not_read_slows_the_script_down_and_loses_nothing(
    session: codemode.Session, soon: Any
) -> None:
    """Beside it exec yields, another cell runs to its end, and the silence of a worker that waits is not its death."""
    count = 60_000
    async with session.open_turn() as turn:
        stream = session.events()
        with soon():
            slowed = await turn.exec(f"for (let i = 0; i < {count}; i++) text(i)", yield_time_ms=4_000)
        assert slowed.status == "running"
        assert len(slowed.items) < count
        assert stream.is_full

        seen = 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(turn.wait, slowed.cell_id)
            with trio.fail_after(30):
                async for event in stream:
                    if isinstance(event, codemode.OutputEmitted):
                        assert event.item == codemode.TextItem(str(seen))
                        seen += 1
                    if isinstance(event, codemode.CellEnded):
                        assert event.status == "completed"
                        break

    assert seen == count


async def test_terminate_and_a_dropped_stream_end_the_waiting_of_a_slowed_script(
    session: codemode.Session, soon: Any
) -> None:
    flood = "for (let i = 0; i < 90_000; i++) text(i); text('end')"
    async with session.open_turn() as turn:
        stream = session.events()
        first = await turn.exec(flood, yield_time_ms=1_000)
        assert stream.is_full
        with soon():
            assert (await turn.wait(first.cell_id, terminate=True)).status == "terminated"
        second = await turn.exec(flood, yield_time_ms=500)
        assert second.status == "running"
        del stream
        with soon():
            assert (await turn.wait(second.cell_id, yield_time_ms=60_000)).status == "completed"
