"""Scripts as a hostile or broken model might write them: each ends as its header says, and harms nobody else.

A script's header holds `EXPECT`, a JSON object: `status` (the final states allowed; one that had to be terminated
counts as failed), `within_s` (for the final answer), `terminable` (it may run for ever: exec yields on time, and
terminate or a limit answers), `no_forged`, `expect_text`, `no_text`, `append_surrogate`, `twice`, and `then` (the
script that runs next).
Whatever it does: a sibling of the same turn completes with the right answer, a fresh exec answers, every call is
answered exactly once, and no task, process or descriptor is left.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio

import codemode
from codemode.host.calls import ToolCallOutcome, ToolInvocation
from codemode.host.dispatcher import ToolDispatcher

pytestmark = pytest.mark.usefixtures("nothing_is_left")

SCRIPTS = Path(__file__).with_name("scripts")
YIELD_MS = 1000
MAX_CPU_S = 2
FINAL_S = 20.0
"""The bound on the final answer of a script that has none of its own."""
FRESH_S = 2.0

SIBLING = """
import { echo, gated } from "tools.js";
const before = await echo({ sibling: 1 });
yield_control();
await gated({});
const after = await Promise.all([echo({ sibling: 2 }), echo({ sibling: 3 })]);
text(JSON.stringify([before, ...after]));
"""
SIBLING_SAID = '[{"sibling":1},{"sibling":2},{"sibling":3}]'


@dataclass(frozen=True)
class Attack:
    """One script and what its header promises."""

    name: str
    source: str
    status: list[str]
    within_s: float = FINAL_S
    terminable: bool = False
    worker_may_die: bool = False
    no_forged: bool = False
    expect_text: str | None = None
    no_text: str | None = None
    append_surrogate: bool = False
    twice: bool = False
    then: str | None = None

    @classmethod
    def load(cls, path: Path) -> Attack:
        """Reads a script. A key that is not known is an error, so that no promise goes unchecked."""
        source = path.read_text("utf-8")
        (expected,) = re.findall(r"^// EXPECT: (\{.*\})$", source, re.MULTILINE)
        attack = cls(path.stem, source, **json.loads(expected))
        if attack.append_surrogate:
            attack = cls(path.stem, source + "'\ud800'", **json.loads(expected))
        return attack


MADE_BY = {"forge_tool_fn_props": [{}]}
"""The calls of `echo` that a script really makes, where they are others than `echo({ a: 1 })`."""

ATTACKS = [Attack.load(path) for path in sorted(SCRIPTS.glob("*.js"))]


class CountingDispatcher(ToolDispatcher):
    """Counts what is asked and what is answered, by call id."""

    def __init__(self, tools: codemode.ToolRegistry) -> None:
        super().__init__(tools)
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()

    async def call(self, invocation: ToolInvocation, **options: Any) -> ToolCallOutcome:
        """See `ToolDispatcher.call`."""
        self.asked[invocation.call_id] += 1
        try:
            return await super().call(invocation, **options)
        finally:
            self.answered[invocation.call_id] += 1


@dataclass
class Target:
    """A session under attack, and what was seen of it."""

    session: codemode.Session
    turn: codemode.Turn
    dispatcher: CountingDispatcher
    finals: list[codemode.CellOutcome] = field(default_factory=list)

    async def run(self, attack: Attack) -> None:
        """Runs the script to its end, by termination where it has none, and checks what its header promises."""
        items: list[Any] = []
        ended = "by itself"
        with trio.fail_after(YIELD_MS / 1000 + attack.within_s):
            outcome = await self.turn.exec(attack.source, yield_time_ms=YIELD_MS)
            items += outcome.items
            while outcome.status == "running":
                if attack.terminable and outcome.wall_time_s >= YIELD_MS / 1000:
                    with trio.fail_after(2):
                        outcome = await self.turn.wait(outcome.cell_id, terminate=True)
                    ended = "terminated"
                else:
                    outcome = await self.turn.wait(outcome.cell_id, yield_time_ms=YIELD_MS)
                items += outcome.items
        self.finals.append(outcome)
        status = "failed" if outcome.status == "terminated" else outcome.status
        assert status in attack.status, (ended, outcome.error)
        if outcome.error is not None:
            assert outcome.error.code != "worker_crashed" or attack.worker_may_die, outcome.error
            assert len(outcome.error.message) < 100_000
            assert len(outcome.error.stack or "") < 100_000
        self._check_text(attack, "\n".join(item.text for item in items if item.type == "text"))
        assert sum(len(item.text) for item in items if item.type == "text") <= self.session.limits.max_output_bytes

    def _check_text(self, attack: Attack, said: str) -> None:
        said.encode()  # no lone surrogate gets out
        if attack.no_forged:
            assert "FORGED" not in said
        if attack.expect_text is not None:
            assert attack.expect_text in said
        if attack.no_text is not None:
            assert attack.no_text not in said

    def check_calls(self) -> None:
        """Every call that reached the host was answered once, and the ledgers tell of these and of no others."""
        assert self.dispatcher.asked == self.dispatcher.answered
        assert set(self.dispatcher.asked.values()) <= {1}
        ledger = [call for final in self.finals for call in final.calls]
        assert Counter(call.call_id for call in ledger) >= self.dispatcher.asked
        assert {call.status for call in ledger} <= {"ok", "error", "cancelled"}
        assert all(call.ended_ms is not None for call in ledger)


@asynccontextmanager
async def a_target(open_lab: Any, toolbox: Any, hosts_tasks: Any) -> AsyncIterator[Target]:
    """A session with small limits. When it has closed, no task of the host is left."""
    before = hosts_tasks()
    dispatcher = CountingDispatcher(toolbox.registry)
    async with (
        open_lab(max_cpu_s=MAX_CPU_S) as lab,
        lab.service.open_session(toolbox.registry, dispatcher=dispatcher) as session,
        session.open_turn() as turn,
    ):
        yield Target(session, turn, dispatcher)
        assert session.live_cells == ()
    assert hosts_tasks() == before
    assert toolbox.open.total() == 0


@asynccontextmanager
async def a_sibling(target: Target, toolbox: Any) -> AsyncIterator[None]:
    """Another script of the turn, begun before the block, that goes on after it and gets the right answers."""
    started = await target.turn.exec(SIBLING)
    assert started.status == "running"
    yield
    toolbox.gate.set()
    with trio.fail_after(10):
        ended = await target.turn.wait(started.cell_id)
    target.finals.append(ended)
    assert (ended.status, ended.text) == ("completed", SIBLING_SAID)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_an_attack_ends_as_it_must_and_harms_nobody(
    attack: Attack, open_lab: Any, toolbox: Any, hosts_tasks: Any
) -> None:
    async with a_target(open_lab, toolbox, hosts_tasks) as target:
        await withstand(attack, target, toolbox)


async def withstand(attack: Attack, target: Target, toolbox: Any) -> None:
    """Runs the attack beside a sibling and before a fresh script, and checks all three."""
    async with a_sibling(target, toolbox):
        await target.run(attack)
        if attack.twice:
            await target.run(attack)
        if attack.then is not None:
            await target.run(Attack.load(SCRIPTS / f"{attack.then.removesuffix('.js')}.js"))
        with trio.fail_after(FRESH_S):
            alive = await target.turn.run("output_text('alive')")
        assert (alive.status, alive.text) == ("completed", "alive")
    target.finals.append(alive)
    target.check_calls()
    if attack.no_forged:
        sent = [arguments for tool, arguments in toolbox.asked if tool == "echo" and "sibling" not in arguments]
        assert sent in ([], MADE_BY.get(attack.name, [{"a": 1}]))
        assert {tool for tool, _ in toolbox.asked} <= {"echo", "gated"}


def test_every_promise_of_the_corpus_is_read() -> None:
    assert len(ATTACKS) == 50
    assert all(attack.status for attack in ATTACKS)
