"""DESIGN.md 7: each limit, its figure, and what happens over it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import trio

import codemode

MIB = 1024 * 1024

FIGURES: dict[str, tuple[str, float | None]] = {
    "heap 128 MB": ("max_heap_bytes", 128 * MIB),
    "resident memory 512 MB": ("max_memory_bytes", 512 * MIB),
    "CPU time 30 s a cell": ("max_cpu_s", 30),
    "no wall limit by default": ("max_wall_s", None),
    "source 1 MiB": ("max_source_bytes", MIB),
    "tool arguments 16 MiB": ("max_argument_bytes", 16 * MIB),
    "tool result 16 MiB": ("max_result_bytes", 16 * MIB),
    "calls in flight 1,024 a cell": ("max_calls_in_flight", 1024),
    "calls 100,000 in all": ("max_calls", 100_000),
    "output 16 MiB": ("max_output_bytes", 16 * MIB),
    "100,000 items a cell": ("max_output_items", 100_000),
    "console 64 KiB": ("max_console_bytes", 64 * 1024),
    "arguments of calls in flight 32 MiB a cell": ("max_argument_bytes_in_flight", 32 * MIB),
    "50,000 stored values a session": ("max_store_keys", 50_000),
    "stored values 16 MiB a session": ("max_store_bytes", 16 * MIB),
    "live cells 64 a session": ("max_live_cells", 64),
    "timers 10,000 a cell": ("max_timers", 10_000),
    "threads of sync tools 256 a service": ("max_threads", 256),
}


@pytest.mark.parametrize(("name", "figure"), FIGURES.values(), ids=FIGURES)
def test_the_figures(name: str, figure: float | None) -> None:
    assert getattr(codemode.Limits(), name) == figure
    assert getattr(codemode.Limits(**{name: 17.0 if name.endswith("_s") else 17}), name) == 17


OVER: dict[str, tuple[dict[str, Any], str]] = {
    "memory_limit": ({"max_heap_bytes": 32 * MIB}, "const all = []; for (;;) all.push({ all })"),
    "cpu_limit": ({"max_cpu_s": 0.3}, "for (;;) {}"),
    "wall_limit": ({"max_wall_s": 1.0}, "await tools.never()"),
    "output_limit": ({"max_output_bytes": 1000}, "for (;;) text('x'.repeat(100))"),
    "call_limit": ({"max_calls": 3}, "for (;;) await tools.answer()"),
    "timer_limit": ({"max_timers": 3}, "for (;;) setTimeout(() => {}, 1000)"),
}


@pytest.mark.parametrize(("code", "limits", "script"), [(code, *case) for code, case in OVER.items()])
async def test_over_it_a_cell_fails_with_its_code_keeps_what_was_said_and_the_next_one_runs(
    toolbox: Any, soon: Any, code: str, limits: dict[str, Any], script: str
) -> None:
    async with (
        codemode.open_session(toolbox.registry, limits=codemode.Limits(**limits)) as session,
        session.open_turn() as turn,
    ):
        with soon():
            outcome = await turn.run(f"text('said'); store('k', 1); {script}")
            after = await turn.run("text(load('k'))")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == ("failed", code)
    assert outcome.items[0].text == "said"
    assert (after.status, after.text) == ("completed", "1")


async def test_too_many_items_are_output_limit(toolbox: Any) -> None:
    async with (
        codemode.open_session(toolbox.registry, limits=codemode.Limits(max_output_items=3)) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run("for (let i = 0; ; i++) text(i)")

    assert outcome.error is not None
    assert (outcome.error.code, outcome.text) == ("output_limit", "0\n1\n2")


async def test_a_source_over_1_mib_is_source_too_large_and_one_of_1_mib_runs(turn: codemode.Turn) -> None:
    script = "text('ran');"
    fits = await turn.run(script + " " * (MIB - len(script)))
    over = await turn.run(script + " " * (MIB - len(script) + 1))

    assert fits.text == "ran"
    assert over.error is not None
    assert (over.error.code, over.items) == ("source_too_large", ())


async def test_one_live_cell_too_many_is_cell_limit_and_the_others_go_on(toolbox: Any) -> None:
    async with (
        codemode.open_session(toolbox.registry, limits=codemode.Limits(max_live_cells=1)) as session,
        session.open_turn() as turn,
    ):
        first = await turn.exec("text(await tools.gated({ name: 'first' }))", yield_time_ms=0)
        refused = await turn.run("text(1)")
        toolbox.gate.set()
        ended = await turn.wait(first.cell_id)
        after = await turn.run("text('after')")

    assert refused.error is not None
    assert (refused.error.code, ended.text, after.text) == ("cell_limit", "first", "after")


async def test_time_spent_waiting_for_tools_is_no_cpu_time(toolbox: Any) -> None:
    async with (
        codemode.open_session(toolbox.registry, limits=codemode.Limits(max_cpu_s=0.2)) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run("await tools.sleep({ ms: 500 }); await sleep(200); text('end')")

    assert (outcome.text, outcome.error) == ("end", None)


async def test_arguments_that_are_too_large_reject_and_harm_nothing_else(toolbox: Any) -> None:
    async with (
        codemode.open_session(toolbox.registry, limits=codemode.Limits(max_argument_bytes=1000)) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run(
            "try { await tools.echo({ text: 'x'.repeat(2000) }) } catch (error) { text(error.name); text(error.code) }"
            "text(await tools.answer())"
        )

    assert [item.text for item in outcome.items] == ["ToolError", "invalid_arguments", "42"]


@pytest.mark.parametrize(("depth", "expected"), [(100, "answered"), (200, "rejected"), (100_000, "rejected")])
async def test_arguments_may_nest_to_a_depth_of_128(turn: codemode.Turn, depth: int, expected: str) -> None:
    outcome = await turn.run(f"""
        let value = 1;
        for (let i = 0; i < {depth}; i++) value = [value];
        try {{ await tools.echo({{ value }}); text("answered") }}
        catch (error) {{ text(error.name === "ToolError" ? "rejected" : error.name) }}
        text(await tools.answer());
    """)

    assert [item.text for item in outcome.items] == [expected, "42"]


async def test_results_may_nest_to_a_depth_of_128() -> None:
    tools = codemode.ToolRegistry()

    @tools.tool
    async def nested(depth: int) -> Any:
        """So many arrays, one in another."""
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return value

    async with codemode.open_session(tools) as session, session.open_turn() as turn:
        outcome = await turn.run("""
            for (const depth of [100, 200, 100_000])
              try { await tools.nested({ depth }); text("answered") } catch (error) { text(error.name) }
        """)

    assert [item.text for item in outcome.items] == ["answered", "ToolError", "ToolError"]


async def test_more_calls_than_may_be_in_flight_wait_their_turn(toolbox: Any) -> None:
    tools, most, running = codemode.ToolRegistry(), 0, 0

    @tools.tool
    async def work(i: int) -> int:
        """Gives back its number, soon."""
        nonlocal most, running
        running += 1
        most = max(most, running)
        await trio.sleep(0.001)
        running -= 1
        return i

    async with (
        codemode.open_session(tools, limits=codemode.Limits(max_calls_in_flight=8)) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run(
            "const all = await Promise.all(Array.from({ length: 500 }, (_, i) => tools.work({ i })));"
            "text(all.every((n, i) => n === i) && all.length)"
        )

    assert (outcome.text, outcome.error) == ("500", None)
    assert most == 8


async def test_calls_with_long_arguments_wait_their_turn_and_complete() -> None:
    tools, most, running = codemode.ToolRegistry(), 0, 0

    @tools.tool
    async def length(text: str) -> int:
        """How long it is, soon."""
        nonlocal most, running
        running += len(text)
        most = max(most, running)
        await trio.sleep(0.001)
        running -= len(text)
        return len(text)

    limits = codemode.Limits(max_argument_bytes_in_flight=100_000)
    async with codemode.open_session(tools, limits=limits) as session, session.open_turn() as turn:
        outcome = await turn.run("""
            const sizes = Array.from({ length: 100 }, (_, i) => (i % 10 === 9 ? 150_000 : 30_000));
            const all = await Promise.all(sizes.map((size) => tools.length({ text: "x".repeat(size) })));
            text(all.every((length, i) => length === sizes[i]));
        """)

    assert (outcome.text, outcome.error) == ("true", None)
    assert most == 150_000


async def test_one_stored_value_too_many_is_a_range_error_and_those_that_are_there_can_be_changed(toolbox: Any) -> None:
    async with (
        codemode.open_session(toolbox.registry, limits=codemode.Limits(max_store_keys=3)) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run("""
            for (let i = 0; i < 5; i++)
              try { store(`k${i}`, i) } catch (error) { text(error.name); text(error.message) }
            store("k0", "changed"); store("k1", undefined); store("k4", 4);
        """)
        after = await turn.run("text([0, 1, 2, 3, 4].map((i) => load(`k${i}`)).join())")

    told = [f'store("k{i}"): the session has 3 stored values already; no more are kept' for i in (3, 4)]
    assert [item.text for item in outcome.items] == ["RangeError", told[0], "RangeError", told[1]]
    assert after.text == "changed,,2,,4"


async def test_a_stored_value_is_no_longer_than_the_wire_carries_of_a_text(toolbox: Any) -> None:
    async with (
        codemode.open_session(toolbox.registry, limits=codemode.Limits(max_store_bytes=32 * MIB)) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run("""
            const longest = "x".repeat(20 * 2 ** 20 - 3);
            store("a", longest);
            try { store("a", longest + "x") } catch (error) { text(`${error.name}: ${error.message}`) }
            store("x".repeat(20 * 2 ** 20 + 1), undefined);
            text(load("a") === longest);
        """)

    told = "RangeError: store: a key and its value are at most 20971520 characters of JSON"
    assert ([item.text for item in outcome.items], outcome.error) == ([told, "true"], None)


async def test_a_promise_all_of_100_000_calls_completes(turn: codemode.Turn) -> None:
    outcome = await turn.run(
        "const all = await Promise.all(Array.from({ length: 100_000 }, () => tools.answer())); text(all.length)"
    )

    assert (outcome.text, outcome.error) == ("100000", None)


async def test_threads_of_sync_tools_are_bounded_and_more_calls_wait(soon: Any) -> None:
    tools, gate, running, most = codemode.ToolRegistry(), threading.Event(), 0, 0
    lock = threading.Lock()

    @tools.tool
    def work() -> int:
        """Runs in a thread."""
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(0.02)
        with lock:
            running -= 1
        return 1

    async with (
        codemode.open_session(tools, limits=codemode.Limits(max_threads=2)) as session,
        session.open_turn() as turn,
    ):
        with soon():
            outcome = await turn.run("text((await Promise.all([1, 2, 3, 4, 5, 6].map(() => tools.work()))).length)")

    assert (outcome.text, most) == ("6", 2)


async def test_the_threads_of_sync_tools_are_their_own_and_leave_those_of_the_host_free(
    turn: codemode.Turn, toolbox: Any, soon: Any, eventually: Any, lab: Any
) -> None:
    """trio gives 40 threads to everybody; more calls than that block theirs here, and another still gets one."""
    started = await turn.exec("await Promise.all(Array.from({ length: 60 }, () => tools.blocking()))", yield_time_ms=0)
    await eventually(lambda: lab.service.statistics().threads == 60)
    with soon():
        assert await trio.to_thread.run_sync(lambda: "free") == "free"
    toolbox.thread_gate.set()
    with soon():
        assert (await turn.wait(started.cell_id)).status == "completed"


async def test_a_burst_of_output_and_calls_drops_nothing(turn: codemode.Turn) -> None:
    outcome = await turn.run("""
        const calls = [];
        for (let i = 0; i < 5000; i++) { text(`${i} ${"x".repeat(500)}`); calls.push(tools.echo({ i })) }
        const all = await Promise.all(calls);
        text(all.every((answer, i) => answer.i === i));
    """)

    assert outcome.error is None
    assert [item.text.split()[0] for item in outcome.items] == [*map(str, range(5000)), "true"]
