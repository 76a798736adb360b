"""Thousands of worlds, each a whole host under seeded tasks and a virtual clock; and proof that they can fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, get_args

import pytest
import trio
from trio._core import _run as trio_run

from codemode.host.cell import Cell
from codemode.host.outcome import CELL_ERROR_CODES
from codemode.host.pool import Pool
from codemode.host.running_cell import Observation, RunningCell, observe
from codemode.host.worker_handle import Death, WorkerHandle
from codemode.testing.fake_worker import BIRTH_MISHAPS, LIES, MISHAPS
from codemode.testing.simulation import main, simulate, simulate_in_processes
from codemode.wire import messages as m

SEEDS = range(700)
PROCESSES = os.cpu_count() or 2
PLANTED_SEEDS = range(400)
"""Among so many worlds one must find a fault that is planted in the host."""


@pytest.fixture(scope="module")
def survey() -> tuple[int | None, Counter[str]]:
    """The first seed that has a fault, and the statistics of all."""
    return trio.run(simulate_in_processes, SEEDS, PROCESSES)


def test_every_call_is_answered_once_and_in_time_in_every_world(survey: tuple[int | None, Counter[str]]) -> None:
    failing, statistics = survey
    if failing is not None:
        report = simulate(failing)
        pytest.fail("\n".join([report.trace, f"seed {failing}:", *report.faults]))
    assert statistics["worlds"] == len(SEEDS)
    assert statistics["frames"] > 36 * len(SEEDS)


def test_everything_that_can_happen_has_happened(survey: tuple[int | None, Counter[str]]) -> None:
    if survey[0] is not None:
        pytest.skip("a world has a fault")
    expected = {
        *(f"message:{kind.type}" for kind in (*m.WORKER_MESSAGES, *m.HOST_MESSAGES)),
        *(f"code:{code}" for code in CELL_ERROR_CODES),
        *(f"mishap:{kind}" for kind in (*MISHAPS, *BIRTH_MISHAPS)),
        *(f"lie:{lie}" for lie in LIES),
        *(f"status:{status}" for status in ("completed", "failed", "terminated")),
        *(f"call:{status}" for status in get_args(m.CallStatus)),
        *(f"call code:{code}" for code in _CALL_CODES),
        *(f"gave:{status}" for status in ("running", "completed", "failed", "terminated")),
        *(f"raised:{error}" for error in ("ClosedError", "CellNotFound", "UsageError")),
        *(f"launch:{kind}" for kind in ("refused", "refused late", "slow", "endless")),
        *(f"death:{kind}" for kind in ("slow reaping", "endless reaping", "unknown status", "held stderr", "lives on")),
        *(f"op:{kind}" for kind in ("exec", "run", "wait", "terminate", "a")),
        *(f"provoked:{what}" for what in ("store.put", "store.load_all", "on_notify")),
        *(f"provoked:dispatcher {kind}" for kind in range(8)),
        *(f"tool:{tool}" for tool in _TOOLS),
        "turn:keep", "turn:terminate", "was cancelled", "interrupted", "service closed early", "session closed early",
        "session cancelled", "leases run out", "recovered", "wire:garbled",
    }  # fmt: skip
    assert expected - survey[1].keys() == set()


_CALL_CODES = ("cancelled", "denied", "invalid_arguments", "result_too_large", "tool_failed", "tool_timeout")
_TOOLS = (
    "abrupt", "answer", "cancels_itself", "fail", "never", "odd", "queued", "slow", "stubborn", "timed",
)  # fmt: skip


@pytest.mark.soak
def test_a_million_worlds_have_no_fault() -> None:
    failing, _ = trio.run(simulate_in_processes, range(len(SEEDS), 1_000_000), PROCESSES)
    assert failing is None, f"python -m codemode.testing.simulation --seed {failing} --trace"


# ── one seed is one world ─────────────────────────────────────────────────────────────────────────────────────

_PRINT_TRACES = "from codemode.testing.simulation import simulate; [print(simulate(n).trace) for n in range(12)]"


def test_a_seed_gives_the_same_world_again() -> None:
    for seed in range(20):
        assert simulate(seed).trace == simulate(seed).trace


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_gives_the_same_world_in_another_process(hash_seed: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _PRINT_TRACES],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert told == "".join(f"{simulate(seed).trace}\n" for seed in range(12))


def test_seeds_give_different_worlds() -> None:
    assert len({simulate(seed).trace for seed in range(20)}) == 20


def test_nothing_of_a_world_is_left_behind() -> None:
    before = (trio_run._r.getstate(), trio_run._ALLOW_DETERMINISTIC_SCHEDULING, os.cpu_count)
    simulate(0)
    assert (trio_run._r.getstate(), trio_run._ALLOW_DETERMINISTIC_SCHEDULING, os.cpu_count) == before


# ── a check that cannot fail is worth nothing ─────────────────────────────────────────────────────────────────


def _never_answers_the_second_call(patch: pytest.MonkeyPatch) -> None:
    answer = WorkerHandle.answer

    def forgetful(self: WorkerHandle, call: int, status: m.CallStatus, text: str) -> None:
        if call != 2:
            answer(self, call, status, text)

    patch.setattr(WorkerHandle, "answer", forgetful)


def _answers_twice(patch: pytest.MonkeyPatch) -> None:
    answer = WorkerHandle.answer

    def stuttering(self: WorkerHandle, call: int, status: m.CallStatus, text: str) -> None:
        answer(self, call, status, text)
        answer(self, call, status, text)

    patch.setattr(WorkerHandle, "answer", stuttering)


def _answers_late(patch: pytest.MonkeyPatch) -> None:
    serve = RunningCell._serve

    async def queueing(self: RunningCell, call: int, *rest: Any) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(4.0)
        await serve(self, call, *rest)

    patch.setattr(RunningCell, "_serve", queueing)


def _leaves_calls_open(patch: pytest.MonkeyPatch) -> None:
    async def settle_nothing(self: RunningCell) -> None:
        await trio.lowlevel.checkpoint()

    patch.setattr(RunningCell, "_cancel_open_calls", settle_nothing)


def _lends_a_worker_twice(patch: pytest.MonkeyPatch) -> None:
    lease, lent = Pool.lease, list[WorkerHandle]()

    async def lend(self: Pool) -> WorkerHandle:
        for worker in lent:
            if worker.is_ready and worker in self._workers:
                return worker
        lent.append(await lease(self))
        return lent[-1]

    patch.setattr(Pool, "lease", lend)


def _has_no_heartbeat(patch: pytest.MonkeyPatch) -> None:
    async def beat(self: WorkerHandle) -> None:
        await trio.sleep_forever()

    patch.setattr(WorkerHandle, "_beat", beat)


def _never_kills(patch: pytest.MonkeyPatch) -> None:
    def kill(self: WorkerHandle) -> None:
        pass

    patch.setattr(WorkerHandle, "kill", kill)


def _loses_output(patch: pytest.MonkeyPatch) -> None:
    receive = Cell.receive

    def forgetful(self: Cell, message: m.Message) -> None:
        if not isinstance(message, m.Output) or message.items[0][1] != "some text":
            receive(self, message)

    patch.setattr(Cell, "receive", forgetful)


def _gives_the_same_output_again(patch: pytest.MonkeyPatch) -> None:
    begin = Cell.begin_observation
    patch.setattr(Cell, "begin_observation", lambda self: None if begin(self) is None else 0)


def _comes_back_early(patch: pytest.MonkeyPatch) -> None:
    is_due = Observation.is_due.fget
    assert is_due is not None
    patch.setattr(Observation, "is_due", property(lambda self: self.running.cell.has_news(0) or is_due(self)))


def _comes_back_late(patch: pytest.MonkeyPatch) -> None:
    async def slowly(observations: Any, **given: Any) -> Any:
        yield_s = given.pop("yield_s")
        return await observe(observations, yield_s=lambda: yield_s() + 0.7, **given)

    patch.setattr("codemode.host.turn.observe", slowly)


def _lets_a_late_terminate_win(patch: pytest.MonkeyPatch) -> None:
    end = Cell.end

    def overwrite(self: Cell, verdict: Any) -> None:
        end(self, verdict)
        if verdict.status == "failed" and self.ledger.records():
            self.verdict = type(verdict)("completed")

    patch.setattr(Cell, "end", overwrite)


def _leaves_a_process(patch: pytest.MonkeyPatch) -> None:
    async def bury_nothing(self: WorkerHandle) -> None:
        self.death = None
        if self._listener is not None:
            listener, self._listener = self._listener, None
            listener.worker_died(Death(None, ""))
        self._announce()

    patch.setattr(WorkerHandle, "_bury", bury_nothing)


def _hangs_for_ever(patch: pytest.MonkeyPatch) -> None:
    async def wait(self: RunningCell) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep_forever()

    patch.setattr(RunningCell, "_settle", wait)


def _goes_round_in_circles(patch: pytest.MonkeyPatch) -> None:
    async def wait(self: RunningCell) -> None:
        with trio.CancelScope(shield=True):
            while True:
                await trio.lowlevel.checkpoint()

    patch.setattr(RunningCell, "_settle", wait)


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (_never_answers_the_second_call, "was settled at .* and told never"),
        (_answers_twice, "the run raised LocalProtocolError"),
        (_answers_late, "tasks are left|reached its tool|settled at|open"),
        (_leaves_calls_open, "the cell has ended, and calls are open"),
        (_lends_a_worker_twice, "its worker has served"),
        (_has_no_heartbeat, "its worker met its fate: (stop|mute|deaf|half_frame|close_inbound|garbage)"),
        (_never_kills, "wait .* terminate=True .* not 2.500 s|the end of turn"),
        (_loses_output, "observations gave .*, and the worker said"),
        (_gives_the_same_output_again, "observations gave .*, and the worker said"),
        (_comes_back_early, "came back after .* with nothing"),
        (_comes_back_late, "gave running after .* s, not"),
        (_lets_a_late_terminate_win, "ended with completed, and its worker said"),
        (_leaves_a_process, "was waited for 0 times and closed 0 times"),
        (_hangs_for_ever, "stuck: not over after 3000 s; pending: op"),
        (_goes_round_in_circles, "stuck: time stands still at .*; pending: op"),
    ],
)
def test_a_fault_that_is_planted_in_the_host_is_found(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], found: str
) -> None:
    plant(monkeypatch)
    for seed in PLANTED_SEEDS:
        if any(re.search(found, fault) for fault in simulate(seed).faults):
            return
    pytest.fail(f"{len(PLANTED_SEEDS)} worlds noticed nothing")


# ── the command line ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_replayed_seed_prints_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "3", "--trace"]) == 0
    assert capsys.readouterr().out == f"{simulate(3).trace}\nseed 3: 0 faults\n"


def test_a_range_of_seeds_says_how_many_worlds_there_were(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "0:6", "--jobs", "2"]) == 0
    assert re.fullmatch(r"6 worlds, \d+ frames, no fault\n", capsys.readouterr().out)


def test_a_seed_with_a_fault_is_an_exit_status_of_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _answers_twice(monkeypatch)
    failing = next(seed for seed in PLANTED_SEEDS if simulate(seed).faults)
    assert main(["--seed", str(failing)]) == 1
    assert f"seed {failing}: " in capsys.readouterr().out
