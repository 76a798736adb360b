"""What a worker has no business to do, as acts that `codemode doctor` has tried: each names the fences that refuse it.

An act raises OSError where the kernel refuses it, and `Held` where it finds by itself that a fence holds.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codemode.limits import Limits
from codemode.worker.fences import MAX_OPEN_FILES, V8_RESERVE_BYTES
from codemode.worker.kernel import GET_DUMPABLE, GET_NO_NEW_PRIVS, has_capabilities, prctl, syscall
from codemode.worker.landlock import landlock_version
from codemode.worker.link import end_process

EXECUTED = 42
"""The exit status of the program that is executed."""
SECRET = "CODEMODE_PROBE_SECRET"
"""The name of an environment variable that stands in the environment before the fences."""
_PTRACE_SEIZE, _NEW_USER_NAMESPACE, _X32 = 0x4206, 0x1000_0000, 0x4000_0000
_BURN_S = 4


class Held(Exception):
    """A fence holds: the sentence says what was found."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What has been put up around the process that tries.

    Attributes:
        limits: of its fences.
        directory: in which it may make files.
        tcp_port: where somebody listens on 127.0.0.1.
        udp_port: likewise, for datagrams.
        unix_path: the path of a UNIX socket where somebody listens.
        abstract_name: the name of one that has no path.
        spare_descriptor: one that is open and that no worker needs.
    """

    limits: Limits
    directory: str
    tcp_port: int
    udp_port: int
    unix_path: str
    abstract_name: str
    spare_descriptor: int


@dataclass(frozen=True, slots=True)
class Act:
    """One such act.

    Attributes:
        name: what it is, a clause.
        run: does it.
        fences: each refuses it alone.
        landlock_since: the version of Landlock that refuses it alone as well; None where none does.
        whole: it is tried behind all fences together, too.
        is_slow: it takes seconds, and is not tried without a fence too. Others are: what cannot be done anyway proves
            nothing.
    """

    name: str
    run: Callable[[Surroundings], object]
    fences: tuple[str, ...] = ("seccomp",)
    landlock_since: int | None = None
    whole: bool = True
    is_slow: bool = False

    def answering(self) -> tuple[str, ...]:
        """The fences that refuse it alone, on this kernel."""
        if self.landlock_since is None:
            return self.fences
        try:
            version = landlock_version()
        except OSError:
            version = self.landlock_since  # nothing will refuse it, which is to be seen
        return (*self.fences, "landlock") if version >= self.landlock_since else self.fences


def _open(path: str | Path) -> None:
    os.close(os.open(path, os.O_RDONLY))


def _connect(family: int, address: Any) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        client.connect(address)


def _send_datagram(around: Surroundings) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"probe", ("127.0.0.1", around.udp_port))


def _listen(_: Surroundings) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()


def _make_file(around: Surroundings) -> None:
    path = Path(around.directory, f"made by {os.getpid()}")
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    path.unlink()


def _write_file(around: Surroundings) -> None:
    path = Path(around.directory, f"written by {os.getpid()}")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        os.write(descriptor, b"a byte")
    finally:
        os.close(descriptor)
        path.unlink()


def _fork(_: Surroundings) -> None:
    if (pid := os.fork()) == 0:
        end_process()
    os.waitpid(pid, 0)


def _execute(_: Surroundings) -> None:
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", f"raise SystemExit({EXECUTED})"])


def _trace(_: Surroundings) -> None:
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long] * 4
    ptrace.restype = ctypes.c_long
    _check(ptrace(_PTRACE_SEIZE, os.getppid(), 0, 0))  # which stops nobody, and ends with this process


def _read_memory(_: Surroundings) -> None:
    """Of the parent, of which this process is a fork: what stands here stands there."""
    read = ctypes.CDLL(None, use_errno=True).process_vm_readv
    read.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
    read.restype = ctypes.c_ssize_t
    place = ctypes.create_string_buffer(8)
    here = (ctypes.c_size_t * 2)(ctypes.addressof(place), 8)
    there = (ctypes.c_size_t * 2)(id(SECRET), 8)
    _check(read(os.getppid(), here, 1, there, 1, 0))


def _check(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _make_namespace(_: Surroundings) -> None:
    _check(ctypes.CDLL(None, use_errno=True).unshare(_NEW_USER_NAMESPACE))


def _become_another_user(_: Surroundings) -> None:
    os.setuid(os.getuid() + 1)


def _call_by_x32(_: Surroundings) -> None:
    if os.uname().machine != "x86_64":
        raise Held("this machine has no second interface")
    syscall(_X32 + 39)


def _map_memory(around: Surroundings) -> None:
    size = V8_RESERVE_BYTES + around.limits.max_memory_bytes
    mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()


def _share_memory(_: Surroundings) -> None:
    mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS).close()


def _set_limit(_: Surroundings) -> None:
    resource.setrlimit(resource.RLIMIT_STACK, resource.getrlimit(resource.RLIMIT_STACK))


def _burn_cpu(_: Surroundings) -> None:
    while time.process_time() < _BURN_S:
        pass


def _keep_core(_: Surroundings) -> None:
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        raise Held("a core may have 0 bytes")


def _open_many(_: Surroundings) -> None:
    opened: list[int] = []
    try:
        for _number in range(MAX_OPEN_FILES + 1):
            opened.append(os.dup(2))
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _be_spared(_: Surroundings) -> None:
    if Path("/proc/self/oom_score_adj").read_text("ascii").strip() == "1000":
        raise Held("the kernel ends it first")


def _gain_privileges(_: Surroundings) -> None:
    if prctl(GET_NO_NEW_PRIVS):
        raise Held("no program that it could execute gives it any")


def _be_read(_: Surroundings) -> None:
    if not prctl(GET_DUMPABLE):
        raise Held("no other process of its user may")


def _read_secret(_: Surroundings) -> None:
    get = ctypes.CDLL(None).getenv
    get.restype = ctypes.c_char_p
    if not os.environ and get(SECRET.encode()) is None:
        raise Held("it is empty")


def _have_capabilities(_: Surroundings) -> None:
    if not has_capabilities():
        raise Held("it has none")


ACTS = (
    Act("open /etc/passwd", lambda _: _open("/etc/passwd"), landlock_since=1),
    Act("open a file of the package", lambda _: _open(__file__), landlock_since=1),
    Act("open /proc/self/environ", lambda _: _open("/proc/self/environ"), landlock_since=1),
    Act("list /", lambda _: os.listdir("/"), landlock_since=1),
    Act("make a file", _make_file, landlock_since=1),
    Act(
        "connect to a TCP port",
        lambda around: _connect(socket.AF_INET, ("127.0.0.1", around.tcp_port)),
        landlock_since=4,
    ),
    Act("send a UDP datagram", _send_datagram),
    Act("connect to a UNIX socket", lambda around: _connect(socket.AF_UNIX, around.unix_path)),
    Act(
        "connect to an abstract UNIX socket",
        lambda around: _connect(socket.AF_UNIX, f"\0{around.abstract_name}"),
        landlock_since=6,
    ),
    Act("listen on a TCP port", _listen, landlock_since=4),
    Act("fork", _fork),
    Act("signal its parent", lambda _: os.kill(os.getppid(), signal.SIGURG), landlock_since=6),
    Act("read its parent's environment", lambda _: _open(f"/proc/{os.getppid()}/environ"), landlock_since=1),
    Act("read its parent's memory", _read_memory, landlock_since=1),
    Act("trace its parent", _trace, landlock_since=1),
    Act("make a user namespace", _make_namespace),
    Act("change its root directory", lambda _: os.chroot("/"), fences=("capabilities", "seccomp")),
    Act("call by the x32 interface", _call_by_x32),
    Act("become another user", _become_another_user, fences=("capabilities", "seccomp")),
    Act("have capabilities", _have_capabilities, fences=("capabilities",), whole=False),
    Act("read the environment it was started with", _read_secret, fences=("environment",), whole=False),
    Act("open a file of the directory it was started in", lambda _: _open("probe.py"), ("directory",), whole=False),
    Act(
        "use a descriptor that it was not given", lambda a: os.fstat(a.spare_descriptor), ("descriptors",), whole=False
    ),
    Act("map more memory than it may have", _map_memory, fences=("memory",)),
    Act("map memory that does not count to its limit", _share_memory),
    Act("set its limit of the stack", _set_limit),
    Act("use more CPU time than it may", _burn_cpu, fences=("cpu",), whole=False, is_slow=True),
    Act("leave a core file", _keep_core, fences=("core",), whole=False),
    Act("write to a file", _write_file, fences=("file_size",), whole=False),
    Act("open many files", _open_many, fences=("open_files",), whole=False),
    Act("be spared where memory is short", _be_spared, fences=("oom_score",), whole=False),
    Act("gain privileges", _gain_privileges, fences=("no_new_privs",), whole=False),
    Act("be read by another process", _be_read, fences=("dumpable",), whole=False),
    Act("execute a program", _execute, landlock_since=1),  # the last: where it is done, nothing comes after it
)
