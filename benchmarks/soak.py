"""Whether a host that runs scripts all day stays as it is: its memory, its processes, its descriptors and tasks.

    python benchmarks/soak.py [--execs 2000]

One session, a turn for each ten scripts. Every tenth script is an attack of the corpus in `tests/attacks/scripts`, in
an order of its own; the rest call tools, store, print and fail like scripts of a model. Before it is measured every
script has run once and the session's store is full: what a burst of a thousand tasks needs once, and what a session
may keep, is no growth. The slope is that of a straight line through the host's memory at every twentieth exec. 5 MB for
each 1,000 execs is the bound that is promised. Linux only.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trio

import codemode

BOUND_MIB = 5.0
SAMPLE_EVERY = 20
EXECS_OF_A_TURN = 10
TIME_S = 30.0
"""For one exec, whatever it does: a script that has not ended is terminated after a second."""
ATTACKS = sorted((Path(__file__).parents[1] / "tests" / "attacks" / "scripts").glob("*.js"))
random.Random(0).shuffle(ATTACKS)
ORDINARY = (
    "text(await tools.echo({ i: 1 }))",
    "const all = await Promise.all(Array.from({ length: 50 }, (_, i) => tools.echo({ i }))); text(all.length)",
    "store('seen', (load('seen') ?? 0) + 1); text(load('seen'))",
    "for (let i = 0; i < 200; i++) text(`line ${i} ${'x'.repeat(200)}`)",
    "console.log('so'); throw new Error('it went wrong')",
    "try { await tools.fail() } catch (error) { text(error.message) }",
    "await sleep(5); text(new URL('https://example.org/a?b=1').searchParams.get('b'))",
    "text(await tools.echo({ long: 'x'.repeat(100_000) }).then((got) => got.long.length))",
)
FILL_THE_STORE = "for (let i = 0; i < 1560; i++) store('full' + i, 'x'.repeat(10_000))"
tools = codemode.ToolRegistry()


@tools.tool
async def echo(**arguments: Any) -> dict[str, Any]:
    """Gives back its arguments."""
    return arguments


@tools.tool
async def sleep(ms: float) -> None:
    """Answers later."""
    await trio.sleep(ms / 1000)


@tools.tool
async def fail() -> None:
    """Raises."""
    raise RuntimeError("it went wrong")


@tools.tool
async def never() -> None:
    """Never answers."""
    await trio.sleep_forever()


def resident_mib() -> float:
    """The host's memory now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def children() -> list[str]:
    """The states of the processes below this one: Z for one that nobody has reaped."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == os.getpid():
            found.append(state)
    return found


async def run_one(turn: codemode.Turn, source: str) -> str:
    """Runs a script to its end, or to its termination."""
    outcome = await turn.exec(source, yield_time_ms=1000)
    while outcome.status == "running":
        outcome = await turn.wait(outcome.cell_id, yield_time_ms=1000, terminate=outcome.wall_time_s > 0.9)
    return outcome.error.code if outcome.error is not None else outcome.status


class Soak:
    """Scripts one after another in a session, and how they ended."""

    def __init__(self, session: codemode.Session) -> None:
        self._session = session
        self.ends: Counter[str] = Counter()
        self.unanswered = 0

    async def turn(self, sources: Sequence[str]) -> None:
        """Runs these in a turn of their own."""
        async with self._session.open_turn() as turn:
            for source in sources:
                with trio.move_on_after(TIME_S) as scope:
                    self.ends[await run_one(turn, source)] += 1
                self.unanswered += scope.cancelled_caught


def scripts(first: int) -> list[str]:
    """Those of the turn that begins with this exec; the last is an attack."""
    attack = ATTACKS[first // EXECS_OF_A_TURN % len(ATTACKS)]
    ordinary = [ORDINARY[number % len(ORDINARY)] for number in range(first, first + EXECS_OF_A_TURN - 1)]
    return [*ordinary, attack.read_text("utf-8")]


async def soak(execs: int) -> dict[str, Any]:
    """So many execs, and what they left."""
    samples: list[tuple[int, float]] = []
    async with codemode.open_session(tools, limits=codemode.Limits(max_cpu_s=2)) as session:
        warm_up = Soak(session)
        await warm_up.turn([FILL_THE_STORE, *ORDINARY])
        for attack in ATTACKS:
            await warm_up.turn([attack.read_text("utf-8")])
        measured = Soak(session)
        began_s = time.monotonic()
        tasks = trio.lowlevel.current_statistics().tasks_living
        descriptors = len(os.listdir("/proc/self/fd"))
        for first in range(0, execs, EXECS_OF_A_TURN):
            await measured.turn(scripts(first))
            if first % SAMPLE_EVERY == 0:
                gc.collect()
                samples.append((first, resident_mib()))
        await trio.sleep(1)
        figures = {
            "execs": execs,
            "attacks among them": execs // EXECS_OF_A_TURN,
            "without an answer": warm_up.unanswered + measured.unanswered,
            "MiB for each 1,000 execs": round(slope(samples) * 1000, 2),
            "MiB at the beginning": round(samples[0][1], 1),
            "MiB at the end": round(resident_mib(), 1),
            "tasks more": trio.lowlevel.current_statistics().tasks_living - tasks,
            "descriptors more": len(os.listdir("/proc/self/fd")) - descriptors,
            "zombies": children().count("Z"),
            "seconds": round(time.monotonic() - began_s),
            "ends": measured.ends,
        }
    return {**figures, "children after it": len(children())}


def slope(samples: list[tuple[int, float]]) -> float:
    """MiB an exec, by least squares."""
    line = statistics.linear_regression([execs for execs, _ in samples], [mib for _, mib in samples])
    return line.slope


def main() -> int:
    """Prints the figures; 1 where one is over its bound."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--execs", type=int, default=2000)
    figures = trio.run(soak, parser.parse_args().execs)
    print(json.dumps(figures, indent=2))
    is_good = (
        figures["MiB for each 1,000 execs"] < BOUND_MIB
        and not figures["without an answer"]
        and not figures["zombies"]
        and not figures["children after it"]
    )
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
