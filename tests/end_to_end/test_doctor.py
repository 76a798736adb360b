"""`codemode doctor`: it proves what stands, and where one fence or flag is left out it fails at that one."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codemode.frontends.doctor import workers
from codemode.frontends.doctor.check import Check
from codemode.frontends.doctor.fences import check_fences
from codemode.frontends.doctor.flags import check_flags
from codemode.host.launcher import SpawnLauncher
from codemode.limits import Limits
from codemode.wire.messages import FENCES

FLAGS = (
    "single-threaded",
    "max-heap-size",
    "stack-size",
    "enable-experimental-regexp-engine-on-excessive-backtracks",
)
RESTS_ON_IT = {"no_new_privs": {"landlock", "seccomp"}}
"""What the kernel does not let a worker put up without another fence."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="most fences are those of Linux")


def doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "codemode", "doctor", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )


def failing(checks: list[Check], group: str) -> set[str]:
    return {check.name for check in checks if check.group == group and not check.passed}


def test_it_proves_every_fence_flag_and_limit() -> None:
    done = doctor("--json")
    document = json.loads(done.stdout)
    checks = {(check["group"], check["name"]): check for check in document["checks"]}

    assert [check for check in checks.values() if not check["passed"]] == []
    assert (done.returncode, document["proven"], done.stderr) == (0, True, "")
    assert {name for group, name in checks if group == "worker"} == {"forked", "spawned"}
    assert [name for group, name in checks if group == "fence"] == list(FENCES)
    assert [name for group, name in checks if group == "flag"] == list(FLAGS)
    limits = {name for group, name in checks if group == "limit"}
    assert limits >= {field.name for field in dataclasses.fields(Limits)}
    tried = {name for group, name in checks if group == "defence"}
    assert tried >= {
        "open /etc/passwd", "list /", "make a file", "connect to a TCP port", "listen on a TCP port", "fork",
        "execute a program", "signal its parent", "read its parent's environment", "trace its parent",
        "map memory that does not count to its limit",
    }  # fmt: skip


@pytest.mark.skipif(os.getuid() != 0, reason="it is run as an ordinary user already")
def test_it_proves_them_for_an_ordinary_user_too(run_as_nobody: Any) -> None:
    done = run_as_nobody("codemode", "doctor", "--json", timeout_s=120)
    document = json.loads(done.stdout)

    assert [check for check in document["checks"] if not check["passed"]] == []
    assert (done.returncode, document["proven"], done.stderr) == (0, True, "")
    assert [check["name"] for check in document["checks"] if check["group"] == "fence"] == list(FENCES)


def test_where_it_may_put_up_nothing_it_says_what_it_needs(tmp_path: Path) -> None:
    too_long = tmp_path / ("x" * 120)  # for the path of a socket in it
    too_long.mkdir()
    done = doctor("--json", TMPDIR=str(too_long))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("codemode: the doctor needs a directory")
    assert list(too_long.iterdir()) == []


async def test_a_worker_of_which_the_kernel_says_nothing_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    def have_no_proc(pid: int) -> list[dict[str, str]]:
        raise FileNotFoundError(2, "No such file or directory", f"/proc/{pid}/task")

    monkeypatch.setattr(workers, "_threads", have_no_proc)
    check = await workers.check_worker("spawned", SpawnLauncher)

    assert not check.passed
    assert "what the kernel says of its threads cannot be read" in check.found


@pytest.mark.parametrize("fence", FENCES)
async def test_without_a_fence_it_fails_at_exactly_that_one(fence: str) -> None:
    checks = await check_fences({fence}, forks=True)

    assert failing(checks, "fence") == {fence} | RESTS_ON_IT.get(fence, set())
    (check,) = [check for check in checks if (check.group, check.name) == ("fence", fence)]
    # It is not only that the worker says so: what the fence is there for can be done.
    if os.geteuid() == 0 or fence != "capabilities":  # an ordinary user has none that could be left
        assert "alone it did not refuse" in check.found
    if fence == "landlock":
        assert failing(checks, "defence") == set()  # seccomp refuses all of it too: only alone is Landlock seen


async def test_what_no_fence_is_left_to_refuse_is_a_hole_in_the_defence() -> None:
    checks = await check_fences({"landlock", "seccomp", "memory"}, forks=True)

    assert failing(checks, "fence") == {"landlock", "seccomp", "memory"}
    assert failing(checks, "defence") >= {
        "open /etc/passwd", "open a file of the package", "open /proc/self/environ", "list /", "make a file",
        "connect to a TCP port", "send a UDP datagram", "connect to a UNIX socket", "listen on a TCP port", "fork",
        "connect to an abstract UNIX socket", "signal its parent", "map more memory than it may have",
        "execute a program",
    }  # fmt: skip


async def test_behind_no_fence_at_all_nothing_is_proved() -> None:
    checks = await check_fences(FENCES, forks=True)

    assert failing(checks, "fence") == set(FENCES)


@pytest.mark.parametrize("flag", FLAGS)
async def test_without_a_flag_it_fails_at_exactly_that_one(flag: str) -> None:
    checks = [check async for check in check_flags({flag})]

    assert failing(checks, "flag") == {flag}
