"""`codemode.worker.fences`: what a worker says of its fences is true of its process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codemode.limits import MIB, Limits
from codemode.wire import messages as m
from codemode.worker.fences import MAX_OPEN_FILES, V8_RESERVE_BYTES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def process(worker: Any) -> Path:
    """What the kernel says of a worker that stands ready."""
    hello, _ = worker.hear_until(m.Ready)
    for name in ("environment", "directory", "memory", "core", "file_size", "open_files"):
        assert hello.fences[name] == "on"
    return Path(f"/proc/{worker.process.pid}")


def test_every_fence_is_on_or_says_why_it_is_missing(worker: Any) -> None:
    hello, _ = worker.hear_until(m.Ready)

    assert hello.fences
    assert all(state == "on" or state.startswith("missing: ") for state in hello.fences.values())


def test_the_environment_is_empty_for_python_and_for_the_c_library() -> None:
    script = (
        "import ctypes, os\n"
        "from codemode.limits import Limits\n"
        "from codemode.worker.fences import apply_fences\n"
        "get = ctypes.CDLL(None).getenv\n"
        "assert get(b'SECRET')\n"
        "assert apply_fences(Limits())['environment'] == 'on'\n"
        "assert not os.environ and not get(b'SECRET')\n"
    )
    environment = {**os.environ, "SECRET": "of the host"}

    assert subprocess.run([sys.executable, "-c", script], env=environment, timeout=60, check=False).returncode == 0


def test_the_directory_is_the_root(process: Path) -> None:
    assert os.readlink(process / "cwd") == "/"


def test_only_the_wire_and_stderr_are_open(process: Path) -> None:
    leads_to = {int(name): os.readlink(process / "fd" / name) for name in os.listdir(process / "fd")}

    pipes = {number for number, target in leads_to.items() if target.startswith("pipe:")}
    assert 2 in pipes
    assert len(pipes) == 3
    # Of its own: the engine's binding holds an event loop (a poll and a pair of sockets that lead to each other), and
    # the worker looks at its own size. Nothing of the host's is among them.
    others = sorted(leads_to[number].partition("[")[0] for number in leads_to.keys() - pipes)
    own_size = [target for target in others if target == f"/proc/{process.name}/statm"]
    assert [target for target in others if target not in own_size] in (
        [],
        sorted(["anon_inode:", "socket:", "socket:"]),
    )


def test_the_kernels_limits_are_those_that_are_said(process: Path) -> None:
    limits = {
        line[:26].strip(): tuple(line[26:].split()[:2])
        for line in (process / "limits").read_text("utf-8").splitlines()[1:]
    }
    memory = str(V8_RESERVE_BYTES + Limits().max_memory_bytes)

    assert limits["Max data size"] == (memory, memory)
    assert limits["Max core file size"] == ("0", "0")
    assert limits["Max file size"] == ("0", "0")
    assert limits["Max open files"] == (str(MAX_OPEN_FILES), str(MAX_OPEN_FILES))


def test_the_memory_fence_follows_the_limit(open_worker: Any) -> None:
    worker = open_worker(max_memory_bytes=300 * MIB)
    worker.hear_until(m.Ready)
    text = Path(f"/proc/{worker.process.pid}/limits").read_text("utf-8")

    assert str(V8_RESERVE_BYTES + 300 * MIB) in text
