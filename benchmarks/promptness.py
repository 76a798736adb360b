"""How soon a host hears of what a script says, and has it back, while the script is busy.

    python benchmarks/promptness.py [--rounds 40]

Each script says something and then spins: in a loop, in a microtask, in a regular expression or in a native builtin.
The bounds that are promised stand beside the figures: 100 ms from the word to the host, 500 ms beyond the yield time,
1.5 s from a terminate to its answer.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import trio

import codemode

tools = codemode.ToolRegistry()

YIELD_MS = 200
SAY = "const said = Date.now(); text(said); tools.heard({said}); "
BUSY = {
    "a loop": "for (;;) {}",
    "microtasks": "const again = () => Promise.resolve().then(again); await again(); for (;;) await 0;",
    "a regular expression": "/^(a+)+$/.test('a'.repeat(40) + 'b'); for (;;) {}",
    "a native builtin": "let n = 3n ** 90000n; for (;;) n = n * n % (7n ** 90000n);",
}
BOUNDS_MS = {
    "output heard after": 100,
    "call heard after": 100,
    "exec beyond its time": 500,
    "terminate answered": 1_500,
}
Figures = dict[str, list[float]]
_heard: list[float] = []


@tools.tool
async def heard(said: float) -> None:
    """Notes how old the word is; both clocks are this machine's."""
    _heard.append(time.time() * 1000 - said)


async def one(session: codemode.Session, source: str) -> Figures:
    """One script: what it said is heard, its exec returns, it is terminated."""
    figures: Figures = {}
    _heard.clear()
    async with session.open_turn() as turn:
        await turn.run("1")  # the worker is leased and warm
        with session.events() as events:
            elapsed_ms = clock()
            outcome = None

            async def listen() -> None:
                async for event in events:
                    if isinstance(event, codemode.OutputEmitted) and isinstance(event.item, codemode.TextItem):
                        figures["output heard after"] = [time.time() * 1000 - float(event.item.text)]
                        return

            async with trio.open_nursery() as nursery:
                nursery.start_soon(listen)
                outcome = await turn.exec(SAY + source, yield_time_ms=YIELD_MS)
                figures["exec beyond its time"] = [elapsed_ms() - YIELD_MS]
        if outcome.status != "running" or not outcome.items or len(outcome.calls) != 1:
            raise SystemExit(f"a wrong outcome: {outcome.status}, {outcome.items}, {outcome.calls}")
        figures["call heard after"] = [*_heard]
        elapsed_ms = clock()
        ended = await turn.wait(outcome.cell_id, terminate=True)
        figures["terminate answered"] = [elapsed_ms()]
        if ended.status != "terminated":
            raise SystemExit(f"a wrong outcome: {ended.status}")
    return figures


def clock() -> Callable[[], float]:
    """Milliseconds since now."""
    began_s = time.perf_counter()
    return lambda: (time.perf_counter() - began_s) * 1000


async def measure(rounds: int) -> dict[str, Figures]:
    """Every script in every round, in turn."""
    found: dict[str, Figures] = {name: {figure: [] for figure in BOUNDS_MS} for name in BUSY}
    async with codemode.open_session(tools) as session:
        for _ in range(rounds):
            for name, source in BUSY.items():
                for figure, values in (await one(session, source)).items():
                    found[name][figure] += values
    return found


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    found = trio.run(measure, parser.parse_args().rounds)
    print(f"{'busy in':<22}{'':<22}{'median':>9}{'p99':>9}{'most':>9}{'promised':>10}   (ms)")
    for name, figures in found.items():
        for figure, values in figures.items():
            values.sort()
            p99 = values[min(len(values) - 1, round(len(values) * 0.99))]
            print(
                f"{name:<22}{figure:<22}{statistics.median(values):>9.1f}{p99:>9.1f}{values[-1]:>9.1f}{BOUNDS_MS[figure]:>10}"
            )


if __name__ == "__main__":
    main()
