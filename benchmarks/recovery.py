"""How long it takes until all is answered, and until the next exec has answered, when something dies or stops.

    python benchmarks/recovery.py [--rounds 10]

A script has 100 calls open while its worker, or the zygote, gets a signal. The bounds that are promised stand beside
the figures: 1 s after a death, 2 s and the pause between two pings after a stop, and 2 s for the next exec.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import statistics
import time
from collections.abc import Callable

import trio

import codemode
from codemode.host.launcher import Launcher, SpawnLauncher
from codemode.host.zygote import ZygoteLauncher
from codemode.limits import Limits
from codemode.testing.trace import Trace, TracedLauncher
from codemode.wire import messages as m

tools = codemode.ToolRegistry()

CALLS = 100
SCRIPT = f"text('said'); await Promise.all(Array.from({{length: {CALLS}}}, () => tools.never()))"
Figures = dict[str, list[float]]


@tools.tool
async def never() -> None:
    """Never answers."""
    await trio.sleep_forever()


def clock() -> Callable[[], float]:
    """Milliseconds since now."""
    began_s = time.perf_counter()
    return lambda: (time.perf_counter() - began_s) * 1000


async def strike(launcher: Callable[[Limits], Launcher], spares: int, whom: str, number: signal.Signals) -> Figures:
    """One round: the signal, the answer of the cell that it meets, and the next exec of the turn."""
    trace, figures = Trace(), {}
    async with (
        codemode.open_service(
            spares=spares, launcher=lambda limits: TracedLauncher(launcher(limits), trace)
        ) as service,
        service.open_session(tools) as session,
        session.open_turn() as turn,
    ):
        await turn.run("text(1)")
        while service.statistics().spares < spares:  # noqa: ASYNC110 - processes are waited for
            await trio.sleep(0.01)
        started = await turn.exec(SCRIPT, yield_time_ms=0)
        while session.statistics().open_calls < CALLS:  # noqa: ASYNC110
            await trio.sleep(0.001)
        zygote_pid = service.statistics().zygote_pid or 0
        elapsed_ms = clock()
        os.kill(zygote_pid if whom == "zygote" else running_worker(trace), number)
        if whom == "worker":
            outcome = await turn.wait(started.cell_id, yield_time_ms=60_000)
            figures["all answered"] = [elapsed_ms()]
            if outcome.error is None or outcome.error.code != "worker_crashed" or len(outcome.calls) != CALLS:
                raise SystemExit(f"a wrong outcome: {outcome.status}, {outcome.error}")
        elapsed_ms = clock()
        after = await turn.run("text('alive')")
        figures["next exec"] = [elapsed_ms()]
        if after.text != "alive":
            raise SystemExit(f"a wrong outcome: {after.status}, {after.error}")
    return figures


def running_worker(trace: Trace) -> int:
    """The process id of the worker that was given a cell last."""
    last = [entry.worker for entry in trace.entries if isinstance(entry.message, m.Start)][-1]
    return trace.pids[last - 1]


async def close_busy(cells: int, rounds: int) -> Figures:
    """A service that is closed while its cells have all their calls open."""
    figures: list[float] = []
    for _ in range(rounds):
        async with (
            codemode.open_service() as service,
            service.open_session(tools) as session,
            session.open_turn() as turn,
        ):
            for _ in range(cells):
                await turn.exec(SCRIPT, yield_time_ms=0)
            while session.statistics().open_calls < cells * CALLS:  # noqa: ASYNC110
                await trio.sleep(0.001)
            elapsed_ms = clock()
        figures.append(elapsed_ms())
    return {"closed": figures}


def show(case: str, figures: Figures, bounds: dict[str, str]) -> None:
    """Prints the figures of one case."""
    for name, values in figures.items():
        middle, high = statistics.median(values), max(values)
        print(f"{case:44} {name:13} {middle:8,.0f} ms (median; at most {high:,.0f}){bounds.get(name, '')}")


async def measure(rounds: int) -> None:
    """Measures and prints everything."""
    dead = {"all answered": "   promised: 1 s", "next exec": "   promised: 2 s"}
    stopped = {"all answered": "   promised: 2 s and 0.5 s between two pings", "next exec": "   promised: 2 s"}
    for case, launcher, spares, whom, number in (
        ("a worker is killed", ZygoteLauncher, 2, "worker", signal.SIGKILL),
        ("a worker traps", ZygoteLauncher, 2, "worker", signal.SIGTRAP),
        ("a worker is killed, no spares", ZygoteLauncher, 0, "worker", signal.SIGKILL),
        ("a spawned worker is killed, no spares", SpawnLauncher, 0, "worker", signal.SIGKILL),
        ("a worker stops", ZygoteLauncher, 2, "worker", signal.SIGSTOP),
        ("the zygote is killed, no spares", ZygoteLauncher, 0, "zygote", signal.SIGKILL),
        ("the zygote stops, no spares", ZygoteLauncher, 0, "zygote", signal.SIGSTOP),
    ):
        figures: Figures = {}
        for _ in range(rounds):
            for name, values in (await strike(launcher, spares, whom, number)).items():
                figures.setdefault(name, []).extend(values)
        show(case, figures, stopped if number == signal.SIGSTOP else dead)
    show(f"a service with 20 cells, {CALLS} calls open in each", await close_busy(20, max(1, rounds // 3)), {})


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    logging.disable()  # the host warns of each death
    trio.run(measure, options.rounds)


if __name__ == "__main__":
    main()
