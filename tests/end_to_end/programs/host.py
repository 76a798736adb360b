"""A host to be killed. It runs the script of its first argument in a worker.

It prints the worker's process id once the script has called `tools.begun()` or, with `--idle`, once it has ended. With
`--forks` it forks a child first, which outlives it.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import trio

import codemode
from codemode.host.launcher import SpawnLauncher
from codemode.host.process import WorkerProcess

tools = codemode.ToolRegistry()
pids: list[int] = []


class Launcher(SpawnLauncher):
    """Remembers the process ids."""

    async def launch(self) -> WorkerProcess:
        """See `Launcher.launch`."""
        process = await super().launch()
        pids.append(process.pid)
        return process


@tools.tool
async def begun() -> None:
    """The script has begun."""
    if "--forks" in sys.argv and os.fork() == 0:
        time.sleep(10)  # noqa: ASYNC251 - a process of its own, as of multiprocessing: it holds what it inherits
        os._exit(0)
    print(pids[-1], flush=True)  # noqa: T201


async def main(source: str, *options: str) -> None:
    """Runs the script, and then waits to be killed."""
    limits: Any = codemode.Limits(max_output_bytes=2**50, max_output_items=2**50, max_cpu_s=600)
    async with (
        codemode.open_service(limits=limits, launcher=Launcher, spares=0) as service,
        service.open_session(tools) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run(source)
        if options == ("--idle",) and outcome.status == "completed":
            print(pids[-1], flush=True)  # noqa: T201
        await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
