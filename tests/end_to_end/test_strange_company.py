"""Tools, dispatchers, stores and callers that do what nobody should: the one call suffers, and nothing else."""

from __future__ import annotations

import time
from typing import Any

import pytest
import trio

import codemode

pytestmark = pytest.mark.usefixtures("nothing_is_left")


class OddError(BaseException):
    """Neither an Exception nor anything that Python knows."""


def tools_that_raise(error: BaseException) -> codemode.ToolRegistry:
    tools = codemode.ToolRegistry()

    @tools.tool
    async def odd() -> None:
        raise error

    @tools.tool
    async def one() -> int:
        return 1

    return tools


@pytest.mark.parametrize(
    "error",
    [
        OddError(),
        GeneratorExit(),
        SystemExit(1),
        KeyboardInterrupt(),
        BaseExceptionGroup("group", [OddError()]),
        BaseExceptionGroup("group", [SystemExit(1)]),
    ],
    ids=repr,
)
async def test_whatever_a_tool_raises_ends_its_own_call_only(error: BaseException) -> None:
    async with codemode.open_session(tools_that_raise(error)) as session, session.open_turn() as turn:
        outcome = await turn.run("""
            const [odd, one] = await Promise.allSettled([tools.odd(), tools.one()]);
            text([odd.reason.code, one.value]);
        """)
        assert (outcome.status, outcome.text) == ("completed", '["tool_failed",1]')


def outcome_of(**fields: Any) -> codemode.ToolCallOutcome:
    return codemode.ToolCallOutcome(**{"call_id": "another", "status": "ok", **fields})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (outcome_of(value=5), '{"value":5}'),
        (outcome_of(value=5, value_json="{not json"), '{"value":5}'),
        (outcome_of(value=object()), '{"code":"tool_failed"}'),
        (outcome_of(status="fine"), '{"code":"tool_failed"}'),
        (outcome_of(status="error"), '{"code":"tool_failed"}'),
        (outcome_of(status="error", error=codemode.ToolCallError("denied", "no")), '{"code":"denied"}'),
        (outcome_of(status="error", error=codemode.ToolCallError(object(), 7)), None),  # type: ignore[arg-type]
        ("no outcome at all", '{"code":"tool_failed"}'),
        (None, '{"code":"cancelled"}'),
    ],
    ids=[
        "a value",
        "JSON that is none",
        "no JSON form",
        "no status",
        "no error",
        "denied",
        "an odd error",
        "a text",
        "nothing",
    ],
)
async def test_whatever_a_dispatcher_gives_the_call_is_answered_once(given: Any, told: str | None) -> None:
    class Dispatcher(codemode.ToolDispatcher):
        async def call(self, invocation: codemode.ToolInvocation, **_: Any) -> codemode.ToolCallOutcome:
            return given  # type: ignore[no-any-return]

    tools = tools_that_raise(OddError())
    async with (
        codemode.open_session(tools, dispatcher=Dispatcher(tools)) as session,
        session.open_turn() as turn,
    ):
        with trio.fail_after(20):
            outcome = await turn.run("text(await tools.one().then((value) => ({ value }), ({ code }) => ({ code })))")
        assert outcome.status == "completed"
        assert told is None or outcome.text == told
        assert [call.status for call in outcome.calls] != ["running"]


class BrokenStore:
    def load_all(self) -> dict[str, str]:
        raise OSError("the disk is gone")

    def put(self, key: str, value: str | None) -> None:
        raise OSError("the disk is gone")


async def test_a_store_that_cannot_be_read_is_an_outcome_and_the_session_lives() -> None:
    async with codemode.open_session(store=BrokenStore()) as session, session.open_turn() as turn:
        for _ in range(2):
            outcome = await turn.run("text(1)")
            assert outcome.error is not None
            assert outcome.error.code == "worker_unavailable"


async def test_a_session_whose_service_has_been_closed_says_so_to_its_caller() -> None:
    async with codemode.open_service() as service, service.open_session() as session, session.open_turn() as turn:
        service.close()
        with pytest.raises(codemode.ClosedError, match="service"):
            await turn.exec("1")


async def test_a_signal_that_was_aborted_before_the_call_cancels_it() -> None:
    tools = codemode.ToolRegistry()

    @tools.tool
    async def never() -> None:
        await trio.sleep_forever()

    async with codemode.open_session(tools) as session, session.open_turn() as turn:
        with trio.fail_after(20):
            outcome = await turn.run(
                "try { await tools.never({}, { signal: { aborted: true } }) } catch (error) { text(error.code) }"
            )
        assert (outcome.status, outcome.text) == ("completed", "cancelled")
        assert [call.status for call in outcome.calls] == ["cancelled"]


async def test_a_wait_that_ends_early_neither_ends_nor_empties_another() -> None:
    outcomes: dict[str, codemode.CellOutcome] = {}
    async with codemode.open_session() as session, session.open_turn() as turn:
        begun = await turn.exec("await sleep(600); text('late')", yield_time_ms=0)

        async def wait(name: str, yield_time_ms: int) -> None:
            outcomes[name] = await turn.wait(begun.cell_id, yield_time_ms=yield_time_ms)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait, "short", 100)
            nursery.start_soon(wait, "long", 30_000)
            nursery.start_soon(wait, "as long", 30_000)
    assert (outcomes["short"].status, outcomes["short"].text) == ("running", "")
    for name in ("long", "as long"):
        outcome = outcomes[name]
        assert (outcome.status, outcome.text, outcome.delivered_before) == ("completed", "late", False)


async def test_the_exec_after_a_late_terminate_has_a_worker_that_lives() -> None:
    async with codemode.open_session() as session, session.open_turn() as turn:
        await turn.run("1")
        for _ in range(3):
            begun = await turn.exec("await sleep(50); text('done')", yield_time_ms=0)
            time.sleep(0.3)  # noqa: ASYNC251 - the host is busy while the cell ends, so its end stands in the pipe
            ended = await turn.wait(begun.cell_id, terminate=True)
            assert ended.status in ("completed", "terminated")
            assert (await turn.run("text('after')")).text == "after"


async def test_a_worker_that_died_while_it_was_parked_does_not_cost_the_next_exec() -> None:
    async with codemode.open_session() as session, session.open_turn() as turn:
        await turn.run("1")
        [(_, worker)] = turn._idle
        worker._process.kill()
        time.sleep(0.1)  # noqa: ASYNC251 - it is gone before the host comes to see that
        assert (await turn.run("text('next')")).text == "next"
