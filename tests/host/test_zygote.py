"""The host's side of the zygote, with real zygotes and workers."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from codemode.host.launcher import LaunchStatistics, SpawnLauncher
from codemode.host.process import WorkerProcess
from codemode.host.worker_handle import WorkerHandle, until_ready
from codemode.host.zygote import ForkedProcess, ZygoteLauncher, default_launcher
from codemode.limits import Limits

pytestmark = [
    pytest.mark.usefixtures("nothing_is_left"),
    pytest.mark.skipif(sys.platform != "linux", reason="a zygote needs Linux"),
]


@asynccontextmanager
async def running_launcher() -> AsyncIterator[ZygoteLauncher]:
    launcher = ZygoteLauncher(Limits())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(launcher.run)
        yield launcher
        nursery.cancel_scope.cancel()


async def ended(process: WorkerProcess) -> int | None:
    """Kills a worker, and gives its exit status."""
    process.kill()
    with trio.fail_after(10):
        status = await process.wait()
    assert process.has_exited()
    process.close()
    return status


async def test_workers_are_forked_and_the_statistics_say_so() -> None:
    async with running_launcher() as launcher:
        processes = [await launcher.launch() for _ in range(3)]
        statistics = launcher.statistics()

        assert all(isinstance(process, ForkedProcess) for process in processes)
        assert statistics == LaunchStatistics(forked=3, zygotes=1, zygote_pid=statistics.zygote_pid)
        assert statistics.zygote_pid is not None
        assert [await ended(process) for process in processes] == [-9, -9, -9]


async def test_many_workers_can_be_asked_for_at_once() -> None:
    async with running_launcher() as launcher:
        processes: list[WorkerProcess] = []

        async def one() -> None:
            processes.append(await launcher.launch())

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(one)

        assert len({process.pid for process in processes}) == 20
        assert launcher.statistics().forked == 20
        for process in processes:
            assert await ended(process) == -9


@pytest.mark.parametrize("number", [signal.SIGTRAP, signal.SIGSEGV, signal.SIGTERM])
async def test_the_exit_status_of_a_forked_worker_is_known(number: signal.Signals) -> None:
    async with running_launcher() as launcher:
        process = await launcher.launch()
        assert not process.has_exited()
        os.kill(process.pid, number)
        with trio.fail_after(10):
            assert await process.wait() == -number
        process.close()


async def test_a_worker_outlives_its_zygote_and_can_be_ended_without_it() -> None:
    async with running_launcher() as launcher:
        handle = WorkerHandle(await launcher.launch())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(handle.run)
            await until_ready(handle)
            zygote_pid = launcher.statistics().zygote_pid
            assert zygote_pid is not None
            os.kill(zygote_pid, signal.SIGKILL)
            while launcher.statistics().zygotes < 2:  # noqa: ASYNC110 - another process is waited for
                await trio.sleep(0.01)
            assert await handle.prove_fit(10)
            handle.kill()
        assert handle.death is not None
        assert handle.death.exit_status is None
        assert not handle.has_crashed


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTRAP, signal.SIGSTOP])
async def test_a_zygote_that_is_lost_is_replaced_and_nobody_waits_for_it(
    number: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_launcher() as launcher:
        first = await launcher.launch()
        zygote_pid = launcher.statistics().zygote_pid
        assert zygote_pid is not None
        os.kill(zygote_pid, number)
        with trio.fail_after(10):
            second = await launcher.launch()
            while launcher.statistics().zygote_pid in (None, zygote_pid):  # noqa: ASYNC110 - another process is waited for
                await trio.sleep(0.01)
            third = await launcher.launch()

        assert launcher.statistics().zygotes == 2
        assert isinstance(third, ForkedProcess)
        for process in (first, second, third):
            await ended(process)
    assert f"the zygote {zygote_pid} is gone" in caplog.text


async def test_a_zygote_that_was_late_is_asked_again_once_it_has_answered() -> None:
    async with running_launcher() as launcher:
        processes = [await launcher.launch()]
        zygote_pid = launcher.statistics().zygote_pid
        assert zygote_pid is not None
        os.kill(zygote_pid, signal.SIGSTOP)
        with trio.fail_after(10):
            processes += [await launcher.launch(), await launcher.launch()]
        assert launcher.statistics().spawned == 2
        os.kill(zygote_pid, signal.SIGCONT)
        with trio.fail_after(10):
            while launcher.statistics().forked < 2:
                processes.append(await launcher.launch())
                await trio.sleep(0.01)

        assert (launcher.statistics().zygotes, launcher.statistics().zygote_pid) == (1, zygote_pid)
        for process in processes:
            await ended(process)


async def test_a_zygote_that_stops_while_nobody_asks_is_ended_for_its_silence(caplog: pytest.LogCaptureFixture) -> None:
    async with running_launcher() as launcher:
        await ended(await launcher.launch())
        zygote_pid = launcher.statistics().zygote_pid
        assert zygote_pid is not None
        os.kill(zygote_pid, signal.SIGSTOP)
        with trio.fail_after(20):
            while launcher.statistics().zygotes < 2:  # noqa: ASYNC110 - another process is waited for
                await trio.sleep(0.05)
    assert "left a ping unanswered for 2 s" in caplog.text


async def test_without_a_zygote_workers_are_spawned(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*_: Any) -> Any:
        from codemode.errors import WorkerUnavailable  # noqa: PLC0415

        raise WorkerUnavailable("not today")

    monkeypatch.setattr("codemode.host.zygote.start_zygote", refuse)
    caplog.set_level(logging.WARNING)
    async with running_launcher() as launcher:
        with trio.fail_after(20):
            process = await launcher.launch()
        assert launcher.statistics() == LaunchStatistics(spawned=1)
        assert await ended(process) == -9
    assert "no zygote, so workers are spawned" in caplog.text


def test_a_zygote_is_the_default_where_the_system_has_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(default_launcher(Limits()), ZygoteLauncher)
    with monkeypatch.context() as patched:
        patched.setattr(os, "pidfd_open", refused)
        assert isinstance(default_launcher(Limits()), SpawnLauncher)
    with monkeypatch.context() as patched:
        patched.delattr(os, "pidfd_open")
        assert isinstance(default_launcher(Limits()), SpawnLauncher)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert isinstance(default_launcher(Limits()), SpawnLauncher)


def refused(*_: Any) -> Any:
    """A system call that this kernel does not have."""
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
