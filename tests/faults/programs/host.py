"""A host to be killed. Its arguments are how its workers come to be (forked or spawned), and scripts.

It prints `opening`, opens a service with two spares, runs each script in a turn of its own and, once each has called
`tools.begun()`, prints the process ids of its workers and then that of its zygote, 0 where there is none.
"""

from __future__ import annotations

import sys

import trio

import codemode
from codemode.host.launcher import SpawnLauncher
from codemode.host.zygote import ZygoteLauncher
from codemode.testing.trace import Trace, TracedLauncher

LAUNCHERS = {"forked": ZygoteLauncher, "spawned": SpawnLauncher}


async def main(how: str, *sources: str) -> None:
    """Runs the scripts, and then waits to be killed."""
    tools = codemode.ToolRegistry()
    trace = Trace()
    left = len(sources)
    all_begun = trio.Event()

    @tools.tool
    async def begun() -> None:
        """A script has begun."""
        nonlocal left
        left -= 1
        if not left:
            all_begun.set()

    @tools.tool
    async def never() -> None:
        """Never answers."""
        await trio.sleep_forever()

    async def run(session: codemode.Session, source: str) -> None:
        async with session.open_turn() as turn:
            await turn.run(source)

    print("opening", flush=True)  # noqa: T201
    async with (
        codemode.open_service(
            limits=codemode.Limits(max_output_bytes=2**50, max_output_items=2**50, max_cpu_s=600),
            launcher=lambda limits: TracedLauncher(LAUNCHERS[how](limits), trace),
        ) as service,
        service.open_session(tools) as session,
        trio.open_nursery() as nursery,
    ):
        for source in sources:
            nursery.start_soon(run, session, source)
        await all_begun.wait()
        while service.statistics().spares < 2:  # noqa: ASYNC110 - a pool tells nobody
            await trio.sleep(0.01)
        print(*trace.pids, service.statistics().zygote_pid or 0, flush=True)  # noqa: T201
        await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
