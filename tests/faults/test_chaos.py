"""Signals at random to whatever process there is, services by the hundred, and long idleness: nothing hangs, nothing is
left, all is answered."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

import codemode
from codemode.host.launcher import SpawnLauncher
from codemode.testing.faults import signal_process
from codemode.testing.trace import Trace, TracedLauncher, check

pytestmark = pytest.mark.usefixtures("nothing_is_left", "family")

PROGRAMS = Path(__file__).with_name("programs")
ANSWER_S = 10.0
CELL_S = 60.0
"""Generous, for one cell under fire: a few starts that come to nothing, a heartbeat, a second for its calls."""
SIGNALS = [signal.SIGKILL, signal.SIGTRAP, signal.SIGSTOP]

SCRIPTS = [
    "text(await tools.answer())",
    "for (let i = 0; i < 20; i++) text(await tools.echo({ i }))",
    "const all = await Promise.all(Array.from({ length: 200 }, (_, i) => tools.echo({ i }))); text(all.length)",
    "await Promise.all(Array.from({ length: 20 }, (_, i) => tools.sleep({ ms: 10 * i }))); text('slept')",
    "store('n', (load('n') ?? 0) + 1); text(load('n')); await tools.sleep({ ms: 50 }); store('m', load('n'))",
    "text('before'); yield_control(); await tools.sleep({ ms: 100 }); text('after')",
    "yield_control(); await sleep(100); yield_control(); await sleep(100); text('twice')",
    "const until = Date.now() + 150; while (Date.now() < until); text('spun')",
    "tools.never(); tools.never(); text('left open')",
    "await tools.sleep({ ms: 300 }); throw new Error('thrown')",
    "text('x'.repeat(1_000_000)); text(await tools.big({ size: 500_000 }))",
    "for (let i = 0; i < 5; i++) { console.log(i); notify(i); await tools.answer(); await sleep(20) }",
]


class Chaos:
    """Four agents who run scripts while signals fall.

    Args:
        family: whom they fall upon.
        seed: of all that is random.
    """

    def __init__(self, family: Any, seed: int) -> None:
        self._family = family
        self._seed = seed
        self._random = random.Random(seed)
        self.signals = 0
        """How many have fallen."""
        self.slowest_s = 0.0
        """How long the slowest cell took."""
        self.ended: list[str] = []
        """How each cell ended."""

    async def fire(self) -> None:
        """Signals, until it is cancelled."""
        while True:
            await trio.sleep(self._random.uniform(0.05, 0.25))
            if living := self._family.living():
                self.signals += 1
                signal_process(self._random.choice(living).pid, self._random.choice(SIGNALS))

    async def converse(self, service: Any, toolbox: Any, agent: int, turns: int) -> None:
        """One agent's conversation."""
        choose = random.Random(f"{self._seed} {agent}")
        async with service.open_session(toolbox.registry) as session:
            for _ in range(turns):
                async with session.open_turn() as turn:
                    for source in choose.sample(SCRIPTS, 3):
                        await self._run_cell(turn, source, choose)

    async def _run_cell(self, turn: codemode.Turn, source: str, choose: random.Random) -> None:
        began_s = trio.current_time()
        with trio.move_on_after(CELL_S) as bound:
            outcome = await turn.exec(source, yield_time_ms=choose.choice([0, 50, 10_000]))
            while outcome.status == "running":
                terminate = choose.random() < 0.1
                outcome = await turn.wait(outcome.cell_id, yield_time_ms=200, terminate=terminate)
        assert not bound.cancelled_caught, f"seed {self._seed}: no answer within {CELL_S:g} s to {source}"
        assert all(call.status != "running" for call in outcome.calls), f"seed {self._seed}: {outcome}"
        self.slowest_s = max(self.slowest_s, trio.current_time() - began_s)
        self.ended.append(outcome.status)


async def live_through(family: Any, toolbox: Any, cells: list[Any], *, seed: int, turns: int) -> Chaos:
    """Chaos around four agents of so many turns, and peace after it."""
    trace = Trace()
    chaos = Chaos(family, seed)
    async with codemode.open_service(
        launcher=lambda limits: TracedLauncher(codemode.host.zygote.default_launcher(limits), trace)
    ) as service:
        async with trio.open_nursery() as fire:
            fire.start_soon(chaos.fire)
            async with trio.open_nursery() as agents:
                for agent in range(4):
                    agents.start_soon(chaos.converse, service, toolbox, agent, turns)
            fire.cancel_scope.cancel()
        with trio.fail_after(ANSWER_S):
            async with service.open_session(toolbox.registry) as session, session.open_turn() as turn:
                outcome = await turn.run("text(await tools.answer())")
        assert outcome.status == "completed", f"seed {seed}: {outcome}"
    faults = check(trace, cells)
    assert faults == [], f"seed {seed}:\n" + "\n".join(faults)
    assert len(chaos.ended) == 4 * turns * 3
    return chaos


@pytest.mark.parametrize("seed", [1, 2])
async def test_four_agents_have_every_cell_answered_while_whatever_lives_is_killed_trapped_or_stopped(
    family: Any, toolbox: Any, checked_cells: list[Any], hosts_tasks: Any, *, seed: int
) -> None:
    tasks = hosts_tasks()
    chaos = await live_through(family, toolbox, checked_cells, seed=seed, turns=6)

    assert chaos.signals >= 4
    assert hosts_tasks() == tasks
    assert toolbox.open.total() == 0


@pytest.mark.soak
async def test_ten_minutes_of_chaos_leave_nothing_unanswered(
    family: Any, toolbox: Any, checked_cells: list[Any], hosts_tasks: Any
) -> None:
    tasks, until_s = hosts_tasks(), trio.current_time() + 600
    seed = random.SystemRandom().randrange(2**32)
    while trio.current_time() < until_s:
        seed += 1
        checked_cells.clear()
        chaos = await live_through(family, toolbox, checked_cells, seed=seed, turns=12)
        print(f"seed {seed}: {chaos.signals} signals, slowest cell {chaos.slowest_s:.1f} s")  # noqa: T201
        assert hosts_tasks() == tasks, f"seed {seed}"
        assert family.left() == [], f"seed {seed}"


# ── many services, and long idleness ──────────────────────────────────────────────────────────────────────────

SERVICES = 200
AT_A_TIME = 5
OPEN_S = 30.0
"""Generous, for one service: a fraction of a second is what it takes."""


async def run_a_script(service: Any) -> None:
    async with service.open_session() as session, session.open_turn() as turn:
        outcome = await turn.run("text(1)")
    assert outcome.status == "completed"


async def leave_scripts_running(service: Any) -> None:
    async with service.open_session() as session, session.open_turn() as turn:
        await turn.exec("for (;;) {}", yield_time_ms=0)
        await turn.exec("await new Promise((done) => setTimeout(done, 1e9))", yield_time_ms=1)


async def wait_for_spares(service: Any) -> None:
    while service.statistics().spares < 2:  # noqa: ASYNC110 - a pool tells nobody
        await trio.sleep(0.005)


async def do_nothing(service: Any) -> None:
    pass


async def test_two_hundred_services_open_and_close_without_a_hang(hosts_tasks: Any) -> None:
    tasks = hosts_tasks()
    moments = random.Random(11)
    closed: list[float] = []

    async def open_and_close(number: int, moment_s: float) -> None:
        began_s = trio.current_time()
        options: dict[str, Any] = {"launcher": SpawnLauncher, "spares": 0} if number % 20 == 19 else {}
        with trio.fail_after(OPEN_S), trio.move_on_after(moment_s if number % 4 == 3 else float("inf")):
            async with codemode.open_service(**options) as service:
                match number % 4:
                    case 0:
                        await run_a_script(service)
                    case 1:
                        await do_nothing(service)
                    case 2:
                        await leave_scripts_running(service)
                    case _:  # cancelled somewhere on its way
                        await wait_for_spares(service)
                        await run_a_script(service)
        closed.append(trio.current_time() - began_s)

    async with trio.open_nursery() as nursery:
        limiter = trio.CapacityLimiter(AT_A_TIME)

        async def take_turns(number: int, moment_s: float) -> None:
            async with limiter:
                await open_and_close(number, moment_s)

        for number in range(SERVICES):
            nursery.start_soon(take_turns, number, moments.uniform(0, 0.5))

    assert len(closed) == SERVICES
    assert hosts_tasks() == tasks


async def idle(how: str, idle_s: float) -> None:
    """A host of its own, idle for so long. In this process, a thread that has spawned a worker would not idle so."""
    command = [sys.executable, str(PROGRAMS / "idle_host.py"), how, str(idle_s)]
    with trio.fail_after(idle_s + 3 * ANSWER_S):
        done = await trio.run_process(command, capture_stdout=True, env=dict(os.environ))
    assert json.loads(done.stdout) == [["completed", "completed", "running", "completed", "completed"], 0]


@pytest.mark.soak
@pytest.mark.parametrize("idle_s", [12.0, 30.0])
async def test_workers_live_through_idleness(idle_s: float) -> None:
    async with trio.open_nursery() as nursery:
        for how in ("forked", "spawned") if sys.platform == "linux" else ("spawned",):
            nursery.start_soon(idle, how, idle_s)
