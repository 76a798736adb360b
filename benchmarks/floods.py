"""How much a host grows, and how long another script of its session waits, while a script floods it.

    python benchmarks/floods.py [--only NAME]

Each flood has a host of its own, a process. Beside it runs a script that calls a tool, and sleeps 2 ms, over and over;
how long that takes is compared with what it took before the flood. 64 MB is the bound that is promised. Linux only: the
peak of a process's memory is read from /proc.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import trio

import codemode

BOUND_MIB = 64
QUIET_S = 1.0
tools = codemode.ToolRegistry()
_beats_s: list[float] = []


@tools.tool
async def beat() -> None:
    """The script beside the flood lives."""
    _beats_s.append(time.perf_counter())


@tools.tool
async def echo(text: str = "") -> str:
    """Gives back its text."""
    return text


@tools.tool
async def never() -> None:
    """Never answers."""
    await trio.sleep_forever()


BESIDE = "for (;;) { await tools.beat(); await sleep(2) }"

SCRIPTS = {
    "1 GiB of output": "const s = 'x'.repeat(2 ** 20); for (let i = 0; i < 1024; i++) text(s)",
    "output in small pieces": "for (;;) text('ab')",
    "1,000,000 calls not waited for": "for (let i = 0; i < 1e6; i++) tools.never().catch(() => {}); await sleep(1e9)",
    "100,000 calls answered": "for (let i = 0; i < 1e5; i++) tools.echo({ text: 'ab' }); await sleep(3000)",
    "calls with long arguments": "for (let i = 0; i < 100; i++) await tools.echo({ text: 'x'.repeat(1e6) })",
    "1 GiB stored": "const s = 'x'.repeat(2 ** 16); for (let i = 0; i < 16384; i++) store('k' + (i % 100), s)",
    "1,000,000 values stored": "for (let i = 0; i < 1e6; i++) try { store('k' + i, i) } catch {}",
    "console": "for (;;) console.log('x'.repeat(1000))",
    "notes": "for (;;) notify('x'.repeat(100))",
    "yields": "for (let i = 0; i < 1e6; i++) yield_control()",
}
READS_NOTHING = """
const text = "x".repeat(2 ** 14);
for (;;) await Promise.all(Array.from({ length: 1000 }, () => tools.echo({ text })));
"""
"""Its worker is stopped, so the answers that are on their way stay with the host until it is ended for its silence."""
NAMES = (*SCRIPTS, "a worker that stops reading")


async def flood(name: str, session: codemode.Session, turn: codemode.Turn) -> str:
    """Runs one; says how its script ended."""
    if name in SCRIPTS:
        outcome = await turn.run(SCRIPTS[name])
    else:
        outcome = await turn.exec(READS_NOTHING, yield_time_ms=100)
        worker = session.find(outcome.cell_id)._worker
        assert worker is not None, "the script has not ended"
        os.kill(worker.pid, signal.SIGSTOP)
        while outcome.status == "running":
            outcome = await turn.wait(outcome.cell_id)
    return outcome.error.code if outcome.error is not None else outcome.status


async def measure(name: str) -> dict[str, Any]:
    """One flood, in this process."""
    async with codemode.open_session(tools) as session, session.open_turn() as turn:
        await turn.exec(BESIDE, yield_time_ms=0)
        await turn.run("text('warm')")
        await trio.sleep(QUIET_S)
        quiet_ms = beats_ms()
        gc.collect()
        resident_mib = memory_mib("VmRSS")
        begin_a_new_peak()
        ended = await flood(name, session, turn)
        during_ms = beats_ms()
        return {
            "ended": ended,
            "host grew by MiB": round(memory_mib("VmHWM") - resident_mib, 1),
            "a beat beside took ms": round(statistics.median(during_ms), 2),
            "at most": round(max(during_ms), 1),
            "of what it took before": round(statistics.median(during_ms) / statistics.median(quiet_ms), 2),
        }


def beats_ms() -> list[float]:
    """Between the beats since the last time that this was asked."""
    times_s = list(_beats_s)
    _beats_s[:] = times_s[-1:]
    return [1000 * (after_s - before_s) for before_s, after_s in pairwise(times_s)]


def begin_a_new_peak() -> None:
    """What the kernel says was the most memory of this process counts from now on."""
    Path("/proc/self/clear_refs").write_text("5")


def memory_mib(field: str) -> float:
    """What the kernel says of this process's memory."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition(f"{field}:")[2].split()[0]) / 1024


def main() -> int:
    """All floods, or one; 1 where the host grew by more than it may."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=NAMES, metavar="NAME", help=f"one flood, in this process: {', '.join(NAMES)}")
    options = parser.parse_args()
    if options.only:
        print(json.dumps(trio.run(measure, options.only)))
        return 0
    is_bounded = True
    for name in NAMES:
        command = [sys.executable, __file__, "--only", name]
        figures = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300).stdout)
        is_bounded &= figures["host grew by MiB"] < BOUND_MIB
        print(f"{name:30} {', '.join(f'{what}: {figure}' for what, figure in figures.items())}", flush=True)
    return 0 if is_bounded else 1


if __name__ == "__main__":
    sys.exit(main())
