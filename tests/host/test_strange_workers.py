"""A host whose launcher, or whose workers, are not what they should be."""

from __future__ import annotations

from typing import Any

import trio

import codemode
from codemode.host.launcher import LaunchStatistics
from codemode.host.process import WorkerProcess
from codemode.testing.fake_worker import FakeLauncher, FakeWorker
from codemode.wire import messages as m


async def test_a_worker_that_calls_a_tool_of_an_endless_name_is_answered_and_harms_nobody() -> None:
    told: list[m.Message | None] = []

    async def liar(worker: FakeWorker) -> None:
        await worker.stand_ready()
        await worker.hear()
        await worker.say(m.Calls(1, ((1, "x" * 17_000_000, "{}"),)))
        told.append(await worker.hear())
        await worker.say(m.Completed(1))
        await worker.hear()

    async with (
        codemode.open_service(launcher=lambda _: FakeLauncher(liar), spares=0) as service,
        service.open_session() as session,
        session.open_turn() as turn,
    ):
        with trio.fail_after(30):
            outcome = await turn.run("text('never run')")

    assert outcome.status == "completed"
    assert [(call.status, call.code) for call in outcome.calls] == [("error", "tool_not_found")]
    [answers] = told
    assert isinstance(answers, m.Answers)
    assert len(answers.answers[0][2]) < 100_000


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
