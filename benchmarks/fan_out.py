"""Fan-out of trivial calls: how many nested calls a second go from a script to a tool and back.

    python benchmarks/fan_out.py [--calls 20000] [--rounds 7]

Two scripts alternate in one run, in the worker of one turn: one makes all its calls in one `Promise.all`, the other one
after another. Each is measured free and pinned to one CPU. The machine's speed drifts: the ratios are what counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time

import trio

import codemode

tools = codemode.ToolRegistry()


@tools.tool
async def double(i: int) -> int:
    """Twice the number."""
    return 2 * i


FAN_OUT = """
const answers = await Promise.all(Array.from({length: %d}, (_, i) => tools.double({i})));
text(answers.every((answer, i) => answer === 2 * i));
"""
ONE_BY_ONE = """
let right = true;
for (let i = 0; i < %d; i++) right &&= await tools.double({i}) === 2 * i;
text(right);
"""


async def rate(turn: codemode.Turn, script: str, calls: int) -> float:
    """Calls a second of one run of the script."""
    began_s = time.perf_counter()
    outcome = await turn.run(script % calls)
    took_s = time.perf_counter() - began_s
    if outcome.text != "true" or len(outcome.calls) != calls:
        raise SystemExit(f"wrong answers: {outcome.error or outcome.text}")
    return calls / took_s


async def measure(calls: int, rounds: int) -> tuple[list[float], list[float]]:
    """Calls a second of each round: fanned out, and one by one."""
    fan_out: list[float] = []
    one_by_one: list[float] = []
    async with codemode.open_session(tools) as session, session.open_turn() as turn:
        await rate(turn, FAN_OUT, calls)
        for _ in range(rounds):
            fan_out.append(await rate(turn, FAN_OUT, calls))
            one_by_one.append(await rate(turn, ONE_BY_ONE, calls // 10))
    return fan_out, one_by_one


def report(mode: str, calls: int, rounds: int) -> None:
    """Measures and prints one mode."""
    fan_out, one_by_one = trio.run(measure, calls, rounds)
    for name, rates in (("fan-out", fan_out), ("one by one", one_by_one)):
        low, middle, high = min(rates), statistics.median(rates), max(rates)
        print(f"{mode:16} {name:11} {middle:10,.0f} calls/s (median; {low:,.0f} to {high:,.0f})")
    ratio = statistics.median(fan / one for fan, one in zip(fan_out, one_by_one, strict=True))
    print(f"{mode:16} fan-out : one by one = {ratio:.1f} (median of the rounds' ratios)")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    report("free", options.calls, options.rounds)
    if sys.platform == "linux":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        report("pinned to 1 CPU", options.calls, options.rounds)


if __name__ == "__main__":
    main()
