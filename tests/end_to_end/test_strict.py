"""A strict service runs nothing in a worker that lacks a fence, and says so before anything else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
import trio

import codemode
import codemode.aio
import codemode.blocking
from codemode.errors import FenceMissing, WorkerUnavailable
from codemode.host.launcher import Launcher, SpawnLauncher, spawn_piped
from codemode.host.process import WorkerProcess
from codemode.host.worker_handle import MAX_STATE_CHARACTERS, missing_fences
from codemode.limits import Limits
from codemode.testing.fake_worker import HELLO
from codemode.wire import messages as m

WITHOUT_LANDLOCK = (
    "import codemode.worker.main as worker, functools; "
    "worker.apply_fences = functools.partial(worker.apply_fences, skip={'landlock'}); main = worker.main"
)
COMMAND = (
    "import codemode.wire.messages as m, sys; m.FENCES += ('moat',); "
    "from codemode.frontends.cli import main; sys.exit(main(sys.argv[1:]))"
)


class OneGoodWorker(SpawnLauncher):
    """Its first worker has every fence, and no other has."""

    async def launch(self) -> WorkerProcess:
        if self.statistics().spawned == 0:
            return await super().launch()
        return await spawn_piped(WITHOUT_LANDLOCK, [self._limits.to_json()])


@pytest.fixture
def no_worker_has_a_moat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(m, "FENCES", (*m.FENCES, "moat"))


@pytest.fixture
def all_fences_stand() -> None:
    """A container may forbid some: then there is nothing to be seen here."""
    try:
        with codemode.blocking.open_service(strict=True, spares=0):
            pass
    except FenceMissing as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("all_fences_stand")
async def test_where_all_fences_stand_it_is_a_service_like_any_other(launcher: Callable[[Limits], Launcher]) -> None:
    async with (
        codemode.open_service(strict=True, launcher=launcher) as service,
        service.open_session() as session,
        session.open_turn() as turn,
    ):
        assert service.statistics().started >= 1
        assert (await turn.run("text(1)")).text == "1"


@pytest.mark.usefixtures("no_worker_has_a_moat")
async def test_it_does_not_open_and_names_what_is_missing() -> None:
    with pytest.raises(FenceMissing) as raised:
        async with codemode.open_service(strict=True):
            pytest.fail("it has opened")

    assert raised.value.missing["moat"] == "not named by the worker"
    assert "moat (not named by the worker)" in str(raised.value)
    assert "codemode doctor" in str(raised.value)
    assert isinstance(raised.value, WorkerUnavailable)


@pytest.mark.usefixtures("no_worker_has_a_moat")
async def test_without_strict_nobody_asks() -> None:
    async with codemode.open_session() as session, session.open_turn() as turn:
        assert (await turn.run("text(1)")).text == "1"


@pytest.mark.usefixtures("all_fences_stand")
async def test_a_worker_that_comes_later_and_lacks_one_is_never_lent() -> None:
    async with (
        codemode.open_service(strict=True, spares=0, launcher=OneGoodWorker) as service,
        service.open_session() as session,
        session.open_turn() as turn,
    ):
        assert (await turn.run("text(1)")).status == "completed"
        running = await turn.exec("await sleep(60000)", yield_time_ms=0)
        outcome = await turn.run("text(2)")
        assert (outcome.status, outcome.text) == ("failed", "")
        assert outcome.error is not None
        assert outcome.error.code == "worker_unavailable"
        assert "landlock (missing: left out)" in outcome.error.message
        await turn.wait(running.cell_id, terminate=True)


@pytest.mark.usefixtures("no_worker_has_a_moat")
async def test_every_front_passes_it_on() -> None:
    with pytest.raises(FenceMissing):
        async with codemode.open_session(strict=True):
            pytest.fail("it has opened")

    async def on_asyncio() -> None:
        with pytest.raises(FenceMissing):
            async with codemode.aio.open_session(strict=True):
                pytest.fail("it has opened")

    def blocking() -> None:
        with pytest.raises(FenceMissing), codemode.blocking.open_session(strict=True):
            pytest.fail("it has opened")

    import asyncio  # noqa: PLC0415 - for this front alone

    await trio.to_thread.run_sync(asyncio.run, on_asyncio())
    await trio.to_thread.run_sync(blocking)


@pytest.mark.parametrize("command", [("run", "-e", "text(1)"), ("serve",)])
def test_the_command_line_refuses_with_its_own_status(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *command, "--strict"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (4, "")
    message = done.stderr.splitlines()[-1]
    assert message.startswith("codemode: no worker could be started: ")
    assert "moat" in message


FORBIDDING = """
import ctypes, os, struct, sys
number, first = int(sys.argv[1]), int(sys.argv[2])
load_number, load_first, allow, refuse = (0x20, 0, 0, 0), (0x20, 0, 0, 16), (6, 0, 0, 0x7FFF0000), (6, 0, 0, 0x50001)
steps = [load_number, (0x15, 0, 3, number), load_first, (0x15, 0, 1, first), refuse, allow]
program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
header = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(program)))
prctl = ctypes.CDLL(None, use_errno=True).prctl
prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
assert prctl(38, 1, 0, 0, 0) == prctl(22, 2, ctypes.addressof(header), 0, 0) == 0
os.execv(sys.executable, [sys.executable, "-m", "codemode", *sys.argv[3:]])
"""
"""Runs a command where the kernel refuses one call with one first argument, as a container's own filter may."""


@pytest.mark.usefixtures("all_fences_stand")
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="names the calls by their numbers there")
@pytest.mark.parametrize(("fence", "number", "first"), [("landlock", 444, 0), ("seccomp", 157, 22)])
def test_where_the_system_forbids_a_fence_it_is_missing_and_strict_refuses(fence: str, number: int, first: int) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", FORBIDDING, str(number), str(first), "run", "-e", "text(1)", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (run().returncode, run().stdout) == (0, "1\n")
    strict = run("--strict")
    assert (strict.returncode, strict.stdout) == (4, "")
    assert f"strict: {fence} (missing: [Errno 1] Operation not permitted); see codemode doctor" in strict.stderr


def test_every_fence_of_the_hello_counts_and_its_state_is_cut() -> None:
    states = dict.fromkeys(m.FENCES, "on")
    hello = m.Hello(m.PROTOCOL_VERSION, "", 7, {**states, "core": "missing: x" * 1000, "own": "missing: y"})

    assert missing_fences(hello) == {"core": ("missing: x" * 1000)[:MAX_STATE_CHARACTERS], "own": "missing: y"}
    assert missing_fences(m.Hello(m.PROTOCOL_VERSION, "", 7, states)) == {}
    assert missing_fences(HELLO) == missing_fences(None) == dict.fromkeys(m.FENCES, "not named by the worker")
