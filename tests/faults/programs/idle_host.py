"""A host with nothing to do. Its arguments are how its workers come to be (forked or spawned), and how many seconds.

It opens a service with two spares and a turn, runs scripts, waits, runs others in the same workers and in a spare, and
prints as JSON how the scripts ended and how many workers have crashed meanwhile.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import trio

import codemode
from codemode.host.launcher import SpawnLauncher
from codemode.host.zygote import ZygoteLauncher

LAUNCHERS: dict[str, Any] = {"forked": ZygoteLauncher, "spawned": SpawnLauncher}


async def main(how: str, idle_s: str) -> None:
    """Runs scripts, with a long while between them."""
    async with codemode.open_service(launcher=LAUNCHERS[how]) as service, service.open_session() as session:
        async with session.open_turn() as turn:
            before = await turn.run("text('before')")
            # A timer that is set and a call of which no answer comes: a cell that is idle too.
            kept = await turn.exec("await new Promise((done) => setTimeout(done, 1e9))", yield_time_ms=0)
            beside = await turn.run("text('beside')")
            while service.statistics().spares < 2:  # noqa: ASYNC110 - a pool tells nobody
                await trio.sleep(0.01)
            await trio.sleep(float(idle_s))
            alive = await turn.wait(kept.cell_id, yield_time_ms=0)
            after = await turn.run("text('after')")
        async with session.open_turn() as turn:
            in_a_spare = await turn.run("text('in a spare')")
        ended = [outcome.status for outcome in (before, beside, alive, after, in_a_spare)]
        print(json.dumps([ended, service.statistics().crashed]))  # noqa: T201


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
