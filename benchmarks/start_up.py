"""What a worker costs: forked and spawned, and what a turn waits for its first answer with a spare and without.

    python benchmarks/start_up.py [--rounds 15]

The ways alternate in one run. The machine's speed drifts: the ratios are what counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

import codemode
from codemode.host.launcher import Launcher, SpawnLauncher
from codemode.host.service import Service
from codemode.host.worker_handle import WorkerHandle, until_ready
from codemode.host.zygote import ZygoteLauncher
from codemode.limits import Limits

Way = Callable[[], Awaitable[float]]


async def to_ready(launcher: Launcher) -> tuple[float, float]:
    """Milliseconds from the request to a worker that stands ready, and KiB of memory that are its own."""
    async with trio.open_nursery() as nursery:
        began_s = time.perf_counter()
        worker = WorkerHandle(await launcher.launch())
        nursery.start_soon(worker.run)
        await until_ready(worker)
        took_ms = (time.perf_counter() - began_s) * 1000
        private = private_kib(worker.pid)
        worker.kill()
    return took_ms, private


def private_kib(pid: int) -> float:
    """KiB of memory that this process shares with no other; not a number where only root may know that of a worker."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except PermissionError:
        return float("nan")
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


async def first_answer(service: Service) -> float:
    """Milliseconds of a new turn's first exec."""
    async with service.open_session() as session, session.open_turn() as turn:
        began_s = time.perf_counter()
        outcome = await turn.exec("text(1)")
        took_ms = (time.perf_counter() - began_s) * 1000
    if outcome.text != "1":
        raise SystemExit(f"a wrong answer: {outcome.error or outcome.text}")
    await trio.sleep(0.3)  # the spare is replaced
    return took_ms


async def next_answer(service: Service) -> float:
    """Milliseconds of a turn's second exec, in the worker that it has, some time after the first."""
    async with service.open_session() as session, session.open_turn() as turn:
        await turn.exec("text(0)")
        await trio.sleep(0.1)  # the model thinks
        began_s = time.perf_counter()
        await turn.exec("text(1)")
        return (time.perf_counter() - began_s) * 1000


async def measure(mode: str, rounds: int) -> None:
    """Measures and prints one mode."""
    limits = Limits()
    figures: dict[str, list[float]] = {}
    async with trio.open_nursery() as nursery:
        forker, spawner = ZygoteLauncher(limits), SpawnLauncher(limits)
        nursery.start_soon(forker.run)
        async with (
            codemode.open_service() as warm,
            codemode.open_service(spares=0) as cold,
            codemode.open_service(spares=0, launcher=SpawnLauncher) as plain,
        ):
            for service in (warm, cold):
                await first_answer(service)
            for _ in range(rounds):
                for name, launcher in (("forked, to ready", forker), ("spawned, to ready", spawner)):
                    took_ms, private = await to_ready(launcher)
                    figures.setdefault(f"{name}: ms", []).append(took_ms)
                    figures.setdefault(f"{name}: private KiB", []).append(private)
                for name, service in (("a spare", warm), ("no spare, forked", cold), ("no spare, spawned", plain)):
                    figures.setdefault(f"first exec of a turn, {name}: ms", []).append(await first_answer(service))
                figures.setdefault("a later exec of a turn: ms", []).append(await next_answer(warm))
        nursery.cancel_scope.cancel()
    for name, values in figures.items():
        low, middle, high = min(values), statistics.median(values), max(values)
        print(f"{mode:16} {name:42} {middle:10,.1f} (median; {low:,.1f} to {high:,.1f})")
    pairs = zip(figures["spawned, to ready: ms"], figures["forked, to ready: ms"], strict=True)
    ratio = statistics.median(spawned / forked for spawned, forked in pairs)
    print(f"{mode:16} spawned : forked = {ratio:.1f} (median of the rounds' ratios)")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    if sys.platform != "linux":
        raise SystemExit("workers are forked on Linux only")
    trio.run(measure, "free", options.rounds)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    trio.run(measure, "pinned to 1 CPU", options.rounds)


if __name__ == "__main__":
    main()
