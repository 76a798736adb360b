"""Whatever befalls a zygote, living workers go on, every exec is answered, and another zygote comes."""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

import codemode
from codemode.errors import WorkerUnavailable
from codemode.host import zygote as host_zygote
from codemode.host.zygote import ZygoteLauncher
from codemode.testing.faults import signal_process
from codemode.wire import messages as m

pytestmark = [
    pytest.mark.usefixtures("nothing_is_left", "family"),
    pytest.mark.skipif(sys.platform != "linux", reason="there is no zygote elsewhere"),
]

PROGRAMS = Path(__file__).with_name("programs")
ANSWER_S = 10.0
GONE_S = 5.0
"""Generous: a second is what it must take."""
SIGNALS = [signal.SIGKILL, signal.SIGTRAP, signal.SIGSTOP]


@pytest.fixture
def launcher() -> Any:
    """The workers of these tests are forked."""
    return ZygoteLauncher


def texts(outcome: codemode.CellOutcome) -> list[str]:
    return [item.text for item in outcome.items if item.type == "text"]


def hit(pid: int, number: signal.Signals) -> None:
    """Sends the signal, to a process that may be stopped."""
    signal_process(pid, number)
    if number is not signal.SIGSTOP:
        signal_process(pid, signal.SIGCONT)


def worker_of(lab: Any, cell_id: str) -> int:
    """The process id of the worker that was told to run this cell."""
    number = next(
        entry.worker
        for entry in lab.trace.entries
        if isinstance(entry.message, m.Start) and str(entry.message.cell) == cell_id
    )
    return int(lab.pids[number - 1])


async def answers(turn: codemode.Turn, said: str = "alive") -> None:
    """The next exec completes, in time."""
    with trio.fail_after(ANSWER_S):
        outcome = await turn.run(f"text('{said}')")
    assert (outcome.status, texts(outcome)) == ("completed", [said])


@pytest.fixture
def standing(lab: Any, eventually: Any) -> Any:
    """`await standing()`: the process id of the zygote, once it stands."""

    async def until_standing(other_than: int | None = None) -> int:
        await eventually(lambda: lab.service.statistics().zygote_pid not in (None, other_than))
        return int(lab.service.statistics().zygote_pid)

    return until_standing


# ── signals ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", SIGNALS)
async def test_an_exec_is_answered_whatever_befell_the_zygote_before_its_first_fork_and_another_comes(
    turn: codemode.Turn, lab: Any, standing: Any, *, number: signal.Signals
) -> None:
    first = await standing()
    hit(first, number)
    await answers(turn)
    assert await standing(other_than=first) != first
    # A worker that was started beside one that took long is lent before another is forked.
    for _ in range(4):
        async with lab.service.open_session() as session, session.open_turn() as other:
            await answers(other)

    assert lab.service.statistics().zygotes == 2
    assert lab.service.statistics().forked >= 1


@pytest.mark.parametrize("number", SIGNALS)
async def test_an_exec_is_answered_whatever_befalls_the_zygote_while_it_starts(
    turn: codemode.Turn, family: Any, eventually: Any, *, number: signal.Signals
) -> None:
    await eventually(family.zygotes)
    hit(family.zygotes()[0], number)
    await answers(turn)


@pytest.mark.parametrize("number", SIGNALS)
async def test_an_exec_is_answered_whatever_befalls_the_zygote_that_was_asked_to_fork(
    turn: codemode.Turn, lab: Any, standing: Any, *, number: signal.Signals
) -> None:
    pid = await standing()
    signal_process(pid, signal.SIGSTOP)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(answers, turn)
        await trio.testing.wait_all_tasks_blocked(0.05)
        hit(pid, number)

    assert lab.service.statistics().spawned >= 1 or lab.service.statistics().zygotes > 1


@pytest.mark.parametrize("number", SIGNALS)
async def test_workers_go_on_with_their_cells_whatever_befalls_their_zygote(
    session: codemode.Session, lab: Any, toolbox: Any, standing: Any, *, number: signal.Signals
) -> None:
    async with session.open_turn() as turn, session.open_turn() as other:
        cells = [
            (await opened.exec("text(await tools.gated()); text(await tools.answer())", yield_time_ms=0)).cell_id
            for opened in (turn, other)
        ]
        await toolbox.until_asked(2, "gated")
        pid = await standing()
        hit(pid, number)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(answers, turn)  # in another worker, for its own is busy
            assert await standing(other_than=pid)
        toolbox.gate.set()
        with trio.fail_after(ANSWER_S):
            outcomes = [await turn.wait(cell) for cell in cells]
        await answers(other)

    assert [(outcome.status, texts(outcome)) for outcome in outcomes] == [("completed", ["", "42"])] * 2


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_worker_that_dies_with_its_zygote_fails_its_cell_although_nobody_knows_its_exit_status(
    turn: codemode.Turn, lab: Any, toolbox: Any, standing: Any, *, number: signal.Signals
) -> None:
    started = await turn.exec("text('said'); await tools.never()", yield_time_ms=0)
    await toolbox.until_asked(1)
    pid = await standing()
    signal_process(pid, signal.SIGSTOP)  # it will report nothing
    signal_process(worker_of(lab, started.cell_id), signal.SIGKILL)
    hit(pid, number)
    with trio.fail_after(ANSWER_S):
        outcome = await turn.wait(started.cell_id)
    await answers(turn)

    assert outcome.status == "failed"
    assert outcome.error is not None
    assert outcome.error.code == "worker_crashed"
    assert texts(started) + texts(outcome) == ["said"]
    assert [call.status for call in outcome.calls] == ["cancelled"]


@pytest.mark.parametrize("number", SIGNALS)
async def test_spares_are_lent_whatever_has_befallen_their_zygote(
    open_lab: Any, eventually: Any, *, number: signal.Signals
) -> None:
    async with open_lab(spares=2) as lab, lab.service.open_session() as session, session.open_turn() as turn:
        await eventually(lambda: lab.service.statistics().spares == 2)
        hit(lab.service.statistics().zygote_pid, number)
        await answers(turn)

        assert lab.service.statistics().spawned == 0


async def test_an_exec_is_answered_each_time_that_a_zygote_has_died_however_often(
    session: codemode.Session, lab: Any, family: Any
) -> None:
    for _ in range(8):
        for pid in family.zygotes():
            signal_process(pid, signal.SIGKILL)
        async with session.open_turn() as turn:
            await answers(turn)


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_service_closes_in_time_whatever_has_befallen_its_zygote_and_workers(
    open_lab: Any, toolbox: Any, family: Any, *, number: signal.Signals
) -> None:
    async with (
        open_lab(spares=2) as lab,
        lab.service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        await turn.exec("tools.never(); for (;;) {}", yield_time_ms=0)
        await toolbox.until_asked(1)
        for member in family.living():
            hit(member.pid, number)
        begun_s = trio.current_time()
    assert trio.current_time() - begun_s < ANSWER_S
    assert family.left() == []


# ── a zygote that lies, or cannot be had ──────────────────────────────────────────────────────────────────────


def let_zygotes_be(habit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every zygote that is started from now on has this habit."""
    start = host_zygote.spawn_interpreter

    async def start_false(import_main: str, arguments: list[str], **options: Any) -> trio.Process:
        assert import_main == "from codemode.worker.zygote import main"
        import_main = f"sys.path.insert(0, {str(PROGRAMS)!r}); import false_zygote; "
        return await start(import_main + f"main = false_zygote.zygote_that({habit!r})", arguments, **options)

    monkeypatch.setattr(host_zygote, "spawn_interpreter", start_false)


@pytest.mark.parametrize(
    "habit",
    [
        "exits at once",
        "kills itself",
        "closes its socket at once",
        "never stands",
        "says garbage first",
        "says that it stands twice",
        "says garbage when it has forked",
        "says nothing when it has forked",
        "closes its socket when it has forked",
        "exits when it has forked",
        "gives no pidfd",
        "gives two pidfds",
        "names a request that was never made",
        "answers twice",
        "says too much",
        "tells of strangers",
        "lies about the exit status",
        "refuses",
    ],
)
async def test_every_exec_is_answered_however_the_zygote_breaks_its_protocol(
    open_lab: Any, toolbox: Any, monkeypatch: pytest.MonkeyPatch, *, habit: str
) -> None:
    let_zygotes_be(habit, monkeypatch)
    async with open_lab() as lab, lab.service.open_session(toolbox.registry) as session:
        async with trio.open_nursery() as nursery:
            for _ in range(2):

                async def run_twice() -> None:
                    async with session.open_turn() as turn:
                        for _ in range(2):
                            await answers(turn)

                nursery.start_soon(run_twice)
        async with session.open_turn() as turn:
            started = await turn.exec("await tools.never()", yield_time_ms=0)
            await toolbox.until_asked(1)
            signal_process(worker_of(lab, started.cell_id), signal.SIGKILL)
            with trio.fail_after(ANSWER_S):
                outcome = await turn.wait(started.cell_id)
            await answers(turn)

    assert outcome.status == "failed"


async def test_a_zygote_that_answers_no_ping_is_replaced_and_its_workers_go_on(
    open_lab: Any, toolbox: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_zygotes_be("answers no ping", monkeypatch)
    async with (
        open_lab() as lab,
        lab.service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        started = await turn.exec("text(await tools.gated())", yield_time_ms=0)
        await toolbox.until_asked(1)
        await eventually(lambda: lab.service.statistics().zygotes == 2)
        toolbox.gate.set()
        outcome = await turn.wait(started.cell_id)
        await answers(turn)

    assert outcome.status == "completed"


async def test_where_no_zygote_can_be_started_workers_are_spawned(
    open_lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(limits: codemode.Limits) -> host_zygote.Zygote:
        raise WorkerUnavailable("the system started no process")

    monkeypatch.setattr(host_zygote, "start_zygote", refuse)
    async with open_lab() as lab, lab.service.open_session() as session, session.open_turn() as turn:
        for _ in range(2):
            await answers(turn)
        statistics = lab.service.statistics()

    assert (statistics.spawned, statistics.forked, statistics.zygotes) == (1, 0, 0)


# ── the host dies ─────────────────────────────────────────────────────────────────────────────────────────────

SPINS = "await tools.begun(); for (;;) {}"
SPINS_IN_MICROTASKS = "await tools.begun(); for (;;) await null"
FLOODS = "await tools.begun(); for (;;) text('x'.repeat(100_000))"
WAITS = "await tools.begun(); await tools.never()"


class Host:
    """A host process, and descriptors that tell when its workers and its zygote have ended."""

    def __init__(self, process: subprocess.Popen[str], pids: list[int]) -> None:
        self.process = process
        self.pids = pids
        self.watched = {pid: os.pidfd_open(pid) for pid in pids}

    def kill(self) -> dict[int, float]:
        """Kills the host; how long each process lived on."""
        killed_s = time.monotonic()
        self.process.kill()
        left, ended_s = dict(self.watched), {}
        while left and time.monotonic() - killed_s < GONE_S:
            ended, _, _ = select.select(list(left.values()), [], [], GONE_S)
            for pid in [pid for pid, watched in left.items() if watched in ended]:
                del left[pid]
                ended_s[pid] = time.monotonic() - killed_s
        return ended_s

    def close(self) -> None:
        """Ends what is left."""
        for watched in self.watched.values():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(watched, signal.SIGKILL)
            os.close(watched)


@contextlib.contextmanager
def a_host(*arguments: str) -> Iterator[Host]:
    command = [sys.executable, str(PROGRAMS / "host.py"), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "opening\n"
            host = Host(process, [int(pid) for pid in process.stdout.readline().split() if pid != "0"])
            try:
                yield host
            finally:
                host.close()
        finally:
            process.kill()


def blocks_in_write(pid: int) -> bool:
    """True where a thread of the process waits for room in a pipe."""
    if os.geteuid() != 0:
        pytest.skip("an ordinary user may not see where a worker waits")
    waits = []
    for wait in Path(f"/proc/{pid}/task").glob("*/wchan"):
        with contextlib.suppress(OSError):
            waits.append(wait.read_text())
    return any("pipe_write" in wait for wait in waits)


@pytest.mark.parametrize("how", ["forked", "spawned"])
async def test_a_host_that_is_killed_leaves_neither_zygote_nor_workers_whatever_they_do(
    eventually: Any, *, how: str
) -> None:
    with a_host(how, SPINS, SPINS_IN_MICROTASKS, WAITS, FLOODS) as host:
        host.process.send_signal(signal.SIGSTOP)  # it reads no more
        await eventually(lambda: any(blocks_in_write(pid) for pid in host.pids))
        ended_s = host.kill()

        assert set(ended_s) == set(host.pids)
        assert len(host.pids) >= 6


async def test_a_host_that_is_killed_leaves_no_forked_worker_that_is_stopped() -> None:
    with a_host("forked", SPINS, WAITS) as host:
        *workers, _ = host.pids
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        ended_s = host.kill()

        assert set(ended_s) == set(host.pids)


async def test_a_host_whose_zygote_was_killed_before_it_leaves_no_worker() -> None:
    with a_host("forked", SPINS, WAITS, FLOODS) as host:
        *workers, zygote = host.pids
        os.kill(zygote, signal.SIGKILL)
        ended_s = host.kill()

        assert set(ended_s) == {*workers, zygote}


def processes_naming(text: str) -> list[int]:
    """The processes on whose command line it stands."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if text.encode() in command.read_bytes():
                found.append(int(command.parent.name))
    return found


@pytest.mark.parametrize("how", ["forked", "spawned"])
async def test_a_host_that_is_killed_while_it_starts_leaves_nothing(
    tmp_path: Path, eventually: Any, *, how: str
) -> None:
    moments = random.Random(7)
    # Every process that a host starts is given its import path, so the directory is on their command lines.
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    async def start_and_kill(after_s: float) -> None:
        command = [sys.executable, str(PROGRAMS / "host.py"), how, SPINS, WAITS]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:  # noqa: ASYNC220
            assert process.stdout is not None
            await trio.lowlevel.wait_readable(process.stdout)
            await trio.sleep(after_s)
            process.kill()

    async with trio.open_nursery() as nursery:
        limiter = trio.CapacityLimiter(3)

        async def take_turns(after_s: float) -> None:
            async with limiter:
                await start_and_kill(after_s)

        for _ in range(9):
            nursery.start_soon(take_turns, moments.uniform(0, 0.5))
    await eventually(lambda: processes_naming(str(tmp_path)) == [], GONE_S)
