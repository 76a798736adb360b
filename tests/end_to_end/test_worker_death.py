"""Whatever dies, everything that was asked is answered, nothing is left, and what comes next works."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
import trio

import codemode
from codemode.host.launcher import Launcher, SpawnedProcess, SpawnLauncher
from codemode.host.process import Pipes, WorkerProcess
from codemode.limits import Limits
from codemode.wire import messages as m
from codemode.wire.codec import encode
from codemode.wire.frames import encode_frame

pytestmark = pytest.mark.usefixtures("nothing_is_left")

PROGRAMS = Path(__file__).with_name("programs")
GONE_S = 1.0
on_linux = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="watches a process that is not a child by its pidfd"
)


def texts(outcome: codemode.CellOutcome) -> list[str]:
    return [item.text for item in outcome.items if item.type == "text"]


# ── the host dies ─────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def a_host(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """A host process, the process id of its worker, and a descriptor that tells when that one has ended."""
    command = [sys.executable, str(PROGRAMS / "host.py"), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as host:
        try:
            assert host.stdout is not None
            worker = int(host.stdout.readline())
            watched = os.pidfd_open(worker)
            try:
                yield host, worker, watched
            finally:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(watched, signal.SIGKILL)
                os.close(watched)
        finally:
            host.kill()


def has_ended(watched: int, within_s: float) -> bool:
    return bool(select.select([watched], [], [], within_s)[0])


def waits_in(process: int, *where: str) -> bool:
    """True where a thread of the process waits in one of these functions of the kernel."""
    if os.geteuid() != 0:
        pytest.skip("an ordinary user may not see where a worker waits")
    waits = []
    for wait in Path(f"/proc/{process}/task").glob("*/wchan"):
        with contextlib.suppress(OSError):
            waits.append(wait.read_text())
    return any(name in wait for name in where for wait in waits)


@on_linux
@pytest.mark.parametrize(
    "spin",
    [
        "for (;;) {}",
        "for (;;) await null",
        "let x = 2n; for (let i = 0; i < 40; i++) x = x * x; x.toString()",
        "for (;;) text('x')",
        "await sleep(600_000)",
        "await new Promise((done) => setTimeout(done, 600_000))",
        "setInterval(() => {}, 1); await sleep(600_000)",
    ],
)
def test_a_worker_that_runs_a_script_is_gone_soon_after_its_host_was_killed(spin: str) -> None:
    with a_host(f"tools.begun(); {spin}") as (host, _, watched):
        assert not has_ended(watched, 0.2)
        host.kill()
        assert has_ended(watched, GONE_S)


@on_linux
def test_an_idle_worker_is_gone_soon_after_its_host_was_killed() -> None:
    with a_host("text(1)", "--idle") as (host, _, watched):
        host.kill()
        assert has_ended(watched, GONE_S)


@on_linux
@pytest.mark.parametrize("spin", ["for (;;) {}", "await sleep(600_000)"])
def test_a_child_that_the_host_has_forked_keeps_no_worker_alive(spin: str) -> None:
    with a_host(f"tools.begun(); {spin}", "--forks") as (host, _, watched):
        host.kill()
        assert has_ended(watched, GONE_S)


@on_linux
async def test_a_worker_that_blocks_in_a_write_is_gone_soon_after_its_host_was_killed(eventually: Any) -> None:
    with a_host("tools.begun(); for (;;) text('x'.repeat(100_000))") as (host, worker, watched):
        host.send_signal(signal.SIGSTOP)  # it reads no more
        await eventually(lambda: waits_in(worker, "pipe_write"))
        host.kill()
        assert has_ended(watched, GONE_S)


# ── the worker dies ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTRAP, signal.SIGSEGV, signal.SIGTERM, signal.SIGABRT])
@pytest.mark.parametrize("script", ["await tools.never()", "await tools.answer(); yield_control(); for (;;) {}"])
async def test_a_worker_that_a_signal_ends_fails_its_cell_and_the_next_exec_answers(
    turn: codemode.Turn, lab: Any, toolbox: Any, soon: Any, *, number: signal.Signals, script: str
) -> None:
    started = await turn.exec(f"text('said'); {script}", yield_time_ms=0)
    await toolbox.until_asked(1)
    lab.signal_worker(number)
    with soon():
        outcome = await turn.wait(started.cell_id)
        while outcome.status == "running":
            outcome = await turn.wait(started.cell_id)
        after = await turn.run("text('alive')")

    assert outcome.status == "failed"
    assert outcome.error is not None
    # What a fault leaves on stderr is where the worker was: that is for whoever looks after the host.
    assert dataclasses.replace(outcome.error, stderr="") == codemode.CellError(
        "worker_crashed", f"the worker was killed by {number.name}", exit_status=-number
    )
    assert outcome.calls[0].status in ("ok", "cancelled")
    assert (after.status, texts(after)) == ("completed", ["alive"])


async def test_a_worker_that_dies_idle_between_two_scripts_is_replaced(
    turn: codemode.Turn, lab: Any, soon: Any
) -> None:
    await turn.run("text(1)")
    lab.signal_worker(signal.SIGKILL)
    with soon():
        outcome = await turn.run("text('alive')")

    assert (outcome.status, texts(outcome)) == ("completed", ["alive"])
    assert len(lab.pids) == 2


async def test_a_worker_that_dies_costs_its_own_cell_and_no_other(turn: codemode.Turn, lab: Any, toolbox: Any) -> None:
    beside = await turn.exec("text(await tools.gated({ name: 'beside' }))", yield_time_ms=0)
    await toolbox.until_asked(1, "gated")
    dying = await turn.exec("await tools.never()", yield_time_ms=0)
    await toolbox.until_asked(1, "never")
    lab.signal_worker(signal.SIGKILL)
    died = await turn.wait(dying.cell_id)
    toolbox.gate.set()
    ended = await turn.wait(beside.cell_id)

    assert died.error is not None
    assert (died.status, died.error.code) == ("failed", "worker_crashed")
    assert (ended.status, texts(ended)) == ("completed", ["beside"])


async def test_a_worker_that_stops_is_ended_by_terminate(
    turn: codemode.Turn, lab: Any, toolbox: Any, soon: Any
) -> None:
    started = await turn.exec("await tools.never()", yield_time_ms=0)
    await toolbox.until_asked(1)
    lab.signal_worker(signal.SIGSTOP)
    with soon(3):
        outcome = await turn.wait(started.cell_id, terminate=True)
        after = await turn.run("text('alive')")

    assert outcome.status == "terminated"
    assert texts(after) == ["alive"]


async def test_everything_that_was_said_before_a_crash_is_kept_in_order(
    turn: codemode.Turn, lab: Any, toolbox: Any
) -> None:
    started = await turn.exec(
        "for (let i = 0; i < 5000; i++) text(i); console.log('logged'); await tools.never()", yield_time_ms=0
    )
    await toolbox.until_asked(1)
    lab.signal_worker(signal.SIGKILL)
    outcome = await turn.wait(started.cell_id)

    assert texts(started) + texts(outcome) == [str(i) for i in range(5000)]
    assert outcome.logs == (codemode.LogEntry("log", "logged"),)


# ── the worker lies ───────────────────────────────────────────────────────────────────────────────────────────


def frame(message: m.Message) -> bytes:
    return encode_frame(encode(message))


def packed(value: Any) -> bytes:
    return encode_frame(msgpack.packb(value))


HELLO = frame(m.Hello(m.PROTOCOL_VERSION, "V8 0", 1, {}))
READY = HELLO + frame(m.Ready())
CALL = frame(m.Calls(1, ((1, "never", "{}"),), ()))


class FirstFalse(SpawnLauncher):
    """The first workers that it starts are false ones; the others are real."""

    def __init__(self, limits: Limits, first: bytes, then: bytes, status: int, count: int) -> None:
        super().__init__(limits)
        self._script = (first, then, status)
        self.left = count

    async def launch(self) -> WorkerProcess:
        """See `Launcher.launch`."""
        if not self.left:
            return await super().launch()
        self.left -= 1
        first, then, status = self._script
        pipes = Pipes()
        process = await trio.lowlevel.open_process(
            [
                *(sys.executable, "-S", str(PROGRAMS / "false_worker.py"), str(pipes.from_host)),
                *(str(pipes.to_host), str(status), first.hex(), then.hex()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=pipes.to_stderr,
            stderr=pipes.to_stderr,
            pass_fds=(pipes.from_host, pipes.to_host),
        )
        pipes.close_childs_ends()
        return SpawnedProcess(process, pipes)


@contextlib.asynccontextmanager
async def a_turn_with_a_false_worker(
    toolbox: Any, first: bytes, then: bytes = b"", status: int = -1, count: int = 1
) -> Any:
    def launcher(limits: Limits) -> Launcher:
        return FirstFalse(limits, first, then, status, count)

    async with (
        codemode.open_service(launcher=launcher, spares=0) as service,
        service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        yield turn


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\0\0\0\0", id="an empty frame"),
        pytest.param(b"\xff" * 64, id="a frame longer than any"),
        pytest.param(struct.pack(">I", 5) + b"\xc1\xc1\xc1\xc1\xc1", id="no msgpack"),
        pytest.param(packed([1, 2, 3]), id="no map"),
        pytest.param(packed({"type": "nonsense"}), id="an unknown kind"),
        pytest.param(packed({"type": "completed", "cell": 1, "more": 1}), id="an unknown field"),
        pytest.param(packed({"type": "completed"}), id="a field is missing"),
        pytest.param(packed({"type": "completed", "cell": "1"}), id="a field of the wrong kind"),
        pytest.param(struct.pack(">I", 10_000) + b"\x91" * 10_000, id="ten thousand arrays deep"),
        pytest.param(struct.pack(">I", 9) + b"\xdd\xff\xff\xff\xff1234", id="an array of four thousand millions"),
        pytest.param(frame(m.Completed(2)), id="a cell that is not its own"),
        pytest.param(frame(m.Ready()), id="ready in the middle of a cell"),
        pytest.param(READY, id="hello again"),
        pytest.param(CALL + CALL, id="a call id twice"),
        pytest.param(frame(m.Cancels(1, (7,))), id="cancels a call that it never made"),
        pytest.param(frame(m.Ping(1)), id="what only a host says"),
        pytest.param(packed({"type": "failed", "cell": 1, "code": "terminated", "message": "", "stack": None,
                             "line": None, "column": None}), id="a code that is the host's to give"),
    ],
)  # fmt: skip
async def test_a_worker_that_breaks_the_protocol_is_ended_and_nothing_else_is(
    toolbox: Any, soon: Any, garbage: bytes
) -> None:
    said = frame(m.Output(1, (("text", "said"),)))
    async with a_turn_with_a_false_worker(toolbox, READY, said + garbage) as turn:
        with soon():
            outcome = await turn.run("text('never run')")
            after = await turn.run("text(await tools.answer())")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, texts(outcome)) == ("failed", "worker_crashed", ["said"])
    assert outcome.error.message.startswith("the worker broke the protocol and was ended: ")
    assert {call.status for call in outcome.calls} <= {"cancelled"}
    assert (after.status, texts(after)) == ("completed", ["42"])
    assert toolbox.open.total() == 0


async def test_a_call_that_a_false_worker_makes_is_answered_as_any_other_and_ends_with_it(
    toolbox: Any, soon: Any
) -> None:
    calls = frame(
        m.Calls(1, ((1, "never", "{}"), (2, "__proto__", "{}"), (3, "answer", "]["), (4, "answer", "{}")), ())
    )
    async with a_turn_with_a_false_worker(toolbox, READY, calls + frame(m.Completed(1))) as turn:
        with soon():
            outcome = await turn.run("text('never run')")

    # Those that had an answer before the end have it; the others are cancelled with the cell.
    assert outcome.status == "completed"
    assert [call.tool for call in outcome.calls] == ["never", "__proto__", "answer", "answer"]
    assert outcome.calls[0].status == "cancelled"
    assert outcome.calls[1].code in ("tool_not_found", "cancelled")
    assert outcome.calls[2].code in ("invalid_arguments", "cancelled")
    assert toolbox.open.total() == 0


@pytest.mark.parametrize("status", [0, 1, 70])
async def test_a_worker_that_exits_in_the_middle_of_a_frame_fails_its_cell(
    toolbox: Any, soon: Any, status: int
) -> None:
    async with a_turn_with_a_false_worker(toolbox, READY, frame(m.Completed(1))[:-1], status) as turn:
        with soon():
            outcome = await turn.run("text('never run')")
            after = await turn.run("text('alive')")

    assert outcome.error == codemode.CellError(
        "worker_crashed", f"the worker ended with exit status {status}", exit_status=status
    )
    assert texts(after) == ["alive"]


never_ready = pytest.mark.parametrize(
    ("first", "status"),
    [
        pytest.param(b"", 3, id="exits at once"),
        pytest.param(b"garbage" * 100, -1, id="says garbage"),
        pytest.param(HELLO, 1, id="exits before it is ready"),
        pytest.param(HELLO + HELLO, -1, id="says hello twice"),
        pytest.param(frame(m.Hello(999, "V8 0", 1, {})), -1, id="speaks a version that is not known"),
        pytest.param(frame(m.Ready()), -1, id="does not say hello"),
    ],
)


@never_ready
async def test_one_worker_that_never_stands_ready_costs_no_exec(
    toolbox: Any, soon: Any, first: bytes, status: int
) -> None:
    async with a_turn_with_a_false_worker(toolbox, first, b"", status) as turn:
        with soon():
            outcome = await turn.run("text('alive')")

    assert (outcome.status, texts(outcome)) == ("completed", ["alive"])


@never_ready
async def test_workers_that_never_stand_ready_make_a_cell_fail_as_worker_unavailable_and_the_next_one_runs(
    toolbox: Any, soon: Any, first: bytes, status: int
) -> None:
    launcher = FirstFalse(Limits(), first, b"", status, count=1000)
    async with (
        codemode.open_service(launcher=lambda _: launcher, spares=0) as service,
        service.open_session(toolbox.registry) as session,
        session.open_turn() as turn,
    ):
        with soon():
            outcome = await turn.run("text('never run')")
            launcher.left = 0
            after = await turn.run("text('alive')")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.items) == ("failed", "worker_unavailable", ())
    if status >= 0:
        assert outcome.error.exit_status == status
    assert texts(after) == ["alive"]


async def test_a_system_that_gives_no_process_makes_every_cell_fail_as_worker_unavailable(
    open_lab: Any, soon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        open_lab(launcher=SpawnLauncher) as lab,
        lab.service.open_session() as session,
        session.open_turn() as turn,
    ):
        with monkeypatch.context() as patched, soon():
            patched.setattr(sys, "executable", "/nonexistent/python")
            outcomes = [await turn.run("text(1)"), await turn.exec("text(2)")]
        with soon():
            after = await turn.run("text('alive')")

        for outcome in outcomes:
            assert outcome.error is not None
            assert (outcome.status, outcome.error.code) == ("failed", "worker_unavailable")
            assert "/nonexistent/python" in outcome.error.message
        assert session.live_cells == ()
        assert texts(after) == ["alive"]
