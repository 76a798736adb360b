"""A host whose launcher, or whose workers, are not what they should be."""

from __future__ import annotations

from typing import Any

import pytest
import trio

import codemode
from codemode.host.launcher import LaunchStatistics
from codemode.host.process import WorkerProcess
from codemode.testing.fake_worker import FakeLauncher, FakeWorker
from codemode.wire import messages as m


def calls(*numbers: int, size: int = 0, name: str = "answer") -> m.Calls:
    return m.Calls(1, tuple((number, name, '"' + "x" * size + '"') for number in numbers))


LIES: dict[str, tuple[list[m.Message], str, str]] = {
    "output": ([m.Output(1, (("text", "x" * 600),))] * 2, "output_limit", "longer than 1000 characters"),
    "items": ([m.Output(1, (("text", ""),) * 11)], "output_limit", "more than 10 items"),
    "notes": ([m.Notes(1, ("x" * 1001,))], "output_limit", "longer than 1000 characters"),
    "calls": ([calls(1, 2), calls(3, 4), calls(5)], "call_limit", "more than 4 calls"),
    "arguments": ([calls(1, size=600)], "worker_crashed", "an argument of 602 characters"),
    "arguments in flight": ([calls(1, 2, size=300)], "worker_crashed", "come to 604 characters, where 500 may be"),
    "an endless name": ([calls(1, name="x" * 17_000_000)], "worker_crashed", "a tool by 17000000 characters"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_worker_that_oversteps_a_limit_ends_and_its_cell_keeps_what_was_said_before(
    toolbox: Any, lie: str
) -> None:
    messages, code, told = LIES[lie]
    killed: list[FakeWorker] = []

    async def liar(worker: FakeWorker) -> None:
        await worker.stand_ready()
        await worker.hear()
        await worker.say(m.Output(1, (("text", "said"),)))
        for message in messages:
            await worker.say(message)
            if isinstance(message, m.Calls) and message is not messages[-1]:
                await worker.hear()
        await worker.process.killed.wait()
        killed.append(worker)

    limits = codemode.Limits(
        max_output_bytes=1000, max_output_items=10, max_calls=4, max_calls_in_flight=2, max_argument_bytes=400,
        max_argument_bytes_in_flight=500,
    )  # fmt: skip
    async with (
        codemode.open_service(launcher=lambda _: FakeLauncher(liar), spares=0, limits=limits) as service,
        service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        with trio.fail_after(30):
            outcome = await turn.run("text('never run')")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == ("failed", code)
    assert told in outcome.error.message
    assert outcome.items[0].text == "said"
    assert all(call.ended_ms is not None for call in outcome.calls)
    assert len(killed) == 1


async def test_what_a_worker_says_of_an_error_is_told_in_short() -> None:
    async def liar(worker: FakeWorker) -> None:
        await worker.stand_ready()
        await worker.hear()
        await worker.say(m.Logs(1, (("log", "x" * 17_000_000),)))
        await worker.say(m.Failed(1, "script_error", "m" * 11_000_000, "s" * 11_000_000, 1, 1))
        await worker.hear()

    async with (
        codemode.open_service(launcher=lambda _: FakeLauncher(liar), spares=0) as service,
        service.open_session() as session,
        session.open_turn() as turn,
    ):
        with trio.fail_after(30):
            outcome = await turn.run("text('never run')")

    assert outcome.error is not None
    assert len(outcome.error.message) < 100_000
    assert len(outcome.error.stack or "") < 100_000
    assert [len(entry.text) < 100_000 for entry in outcome.logs] == [True]


async def test_a_worker_that_has_more_memory_than_it_may_is_ended_where_the_kernel_gives_it_more() -> None:
    async def glutton(worker: FakeWorker) -> None:
        await worker.stand_ready()
        await worker.hear()
        await worker.say(m.Output(1, (("text", "said"),)))
        worker.process.resident = codemode.Limits().max_resident_bytes + 1
        await worker.process.killed.wait()

    async with (
        codemode.open_service(launcher=lambda _: FakeLauncher(glutton), spares=0) as service,
        service.open_session() as session,
        session.open_turn() as turn,
    ):
        with trio.fail_after(30):
            outcome = await turn.run("text('never run')")
        crashed = service.statistics().crashed

    assert outcome.error is not None
    assert (outcome.error.code, outcome.text, crashed) == ("memory_limit", "said", 1)


async def test_the_watch_on_memory_sees_what_a_real_worker_has(launcher: Any) -> None:
    """The kernel lets this one have ten times of what the service allows."""
    mib = 1024 * 1024
    async with (
        codemode.open_service(
            launcher=lambda _: launcher(codemode.Limits(max_memory_bytes=1000 * mib)),
            limits=codemode.Limits(max_memory_bytes=100 * mib),
        ) as service,
        service.open_session() as session,
        session.open_turn() as turn,
    ):
        fits = await turn.run("const held = new Uint8Array(60 * 2 ** 20).fill(1); await sleep(300); text('fits')")
        over = await turn.run(
            "text('said'); await sleep(50); const held = new Uint8Array(3e8).fill(1); await sleep(6e4)"
        )
        after = await turn.run("text('alive')")

    assert (fits.text, after.text) == ("fits", "alive")
    assert over.error is not None
    assert (over.error.code, over.text) == ("memory_limit", "said")


async def test_a_dispatcher_whose_error_is_endless_is_told_in_short(toolbox: Any) -> None:
    class Verbose(codemode.ToolDispatcher):
        async def call(self, invocation: codemode.ToolInvocation, **_: Any) -> codemode.ToolCallOutcome:
            error = codemode.ToolCallError("tool_failed", "no " * 7_000_000)
            return codemode.ToolCallOutcome(invocation.call_id, "error", None, error)

    async with (
        codemode.open_session(toolbox.registry, dispatcher=Verbose(toolbox.registry)) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run("try { await tools.answer() } catch (error) { text(error.message.length) }")

    assert outcome.status == "completed"
    assert 100 < int(outcome.text) < 100_000


async def test_the_exit_status_and_the_end_of_stderr_of_a_worker_that_crashed_are_told() -> None:
    async def crash(worker: FakeWorker) -> None:
        await worker.stand_ready()
        await worker.hear()
        worker.process.write_stderr("Fatal error in v8::internal")
        worker.process.exit(-11)

    async with (
        codemode.open_service(launcher=lambda _: FakeLauncher(crash), spares=0) as service,
        service.open_session() as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run("text('never run')")

    assert outcome.error == codemode.CellError(
        "worker_crashed", "the worker was killed by SIGSEGV", exit_status=-11, stderr="Fatal error in v8::internal"
    )
    assert not [item for item in outcome.content() if "Fatal error" in str(item)]  # a model does not read it


class Broken:
    """A launcher that breaks its contract."""

    async def run(self) -> None:
        """See `Launcher.run`."""

    async def launch(self) -> WorkerProcess:
        """See `Launcher.launch`."""
        raise OSError(7, "argument list too long")

    def statistics(self) -> LaunchStatistics:
        """See `Launcher.statistics`."""
        return LaunchStatistics()


async def test_a_launcher_that_raises_makes_cells_fail_as_worker_unavailable_and_the_service_goes_on() -> None:
    async with (
        codemode.open_service(launcher=lambda _: Broken()) as service,
        service.open_session() as session,
        session.open_turn() as turn,
    ):
        with trio.fail_after(30):
            outcomes = [await turn.run("text(1)"), await turn.run("text(2)")]

    for outcome in outcomes:
        assert outcome.error is not None
        assert (outcome.error.code, "OSError" in outcome.error.message) == ("worker_unavailable", True)
