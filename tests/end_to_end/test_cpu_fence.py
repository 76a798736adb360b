"""The kernel's own limit of CPU time, which ends a worker that has stopped watching itself, is told as `cpu_limit`."""

from __future__ import annotations

import sys

import pytest

import codemode
from codemode.host.launcher import SpawnLauncher, spawn_piped
from codemode.host.process import WorkerProcess

OVERRUN = (  # what the kernel does to it at that limit
    "import codemode.worker.main as worker, signal; "
    "worker.Worker._turn = lambda self, cell: signal.raise_signal(signal.SIGXCPU); main = worker.main"
)


class Overrunning(SpawnLauncher):
    """Its workers use too much CPU time in every cell."""

    async def launch(self) -> WorkerProcess:
        return await spawn_piped(OVERRUN, [self._limits.to_json()])


@pytest.mark.skipif(sys.platform != "linux", reason="tried on Linux")
async def test_a_worker_that_the_kernel_ends_for_its_cpu_time_ends_its_cell_with_that_code() -> None:
    async with (
        codemode.open_service(spares=0, launcher=Overrunning) as service,
        service.open_session() as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run("text(1)")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == ("failed", "cpu_limit")
