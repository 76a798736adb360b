"""`codemode.worker.seccomp`: the program that judges calls, run here as the kernel runs it, for both architectures."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys

import pytest

from codemode.worker.seccomp import CALLS, Step, filter_steps

PID = 4711
ALLOWED = 0x7FFF_0000
KILLED = 0x8000_0000
ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
I386, ARM = 0x4000_0003, 0x4000_0028
# Numbers by architecture, of calls that are judged by their arguments and of some that have no business here.
CLONE, CLONE3, MMAP, SOCKETPAIR, IOCTL, TGKILL, PRLIMIT = (
    {"x86_64": x86, "aarch64": arm}
    for x86, arm in ((56, 220), (435, 435), (9, 222), (53, 199), (16, 29), (234, 131), (302, 261))
)
NEVER = {
    "x86_64": {
        "open": 2, "openat": 257, "openat2": 437, "socket": 41, "connect": 42, "bind": 49, "sendmsg": 46, "fork": 57,
        "vfork": 58, "execve": 59, "execveat": 322, "kill": 62, "tkill": 200, "ptrace": 101, "process_vm_readv": 310,
        "process_vm_writev": 311, "pidfd_open": 434, "pidfd_getfd": 438, "io_uring_setup": 425, "bpf": 321,
        "userfaultfd": 323, "perf_event_open": 298, "unshare": 272, "setns": 308, "mount": 165, "chroot": 161,
        "setuid": 105, "capset": 126, "prctl": 157, "seccomp": 317, "memfd_create": 319, "truncate": 76,
        "getdents64": 217, "readlink": 89, "stat": 4, "dup": 32, "fcntl": 72, "keyctl": 250, "personality": 135,
    },
    "aarch64": {
        "openat": 56, "openat2": 437, "socket": 198, "connect": 203, "bind": 200, "sendmsg": 211, "execve": 221,
        "execveat": 281, "kill": 129, "tkill": 130, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271,
        "pidfd_open": 434, "pidfd_getfd": 438, "io_uring_setup": 425, "bpf": 280, "userfaultfd": 282, "unshare": 97,
        "setns": 268, "mount": 40, "chroot": 51, "setuid": 146, "capset": 91, "prctl": 167, "seccomp": 277,
        "memfd_create": 279, "truncate": 45, "getdents64": 61, "readlinkat": 78, "dup": 23, "fcntl": 25, "keyctl": 219,
    },
}  # fmt: skip
THREAD = 0x003D_0F00  # what the C library asks for
MUSL_THREAD = 0x007D_0F00
NEW_USER, NEW_NETWORK = 0x1000_0000, 0x4000_0000

machines = pytest.mark.parametrize("machine", ARCHITECTURES)


def refused(number: int) -> int:
    return 0x0005_0000 | number


def judge(steps: list[Step], architecture: int, number: int, *arguments: int) -> int:
    """What the kernel would do: it runs the program on the words that describe the call."""
    data = number.to_bytes(4, "little") + architecture.to_bytes(4, "little") + bytes(8)
    data += b"".join((argument & (1 << 64) - 1).to_bytes(8, "little") for argument in (*arguments, *[0] * 6)[:6])
    accumulator = at = 0
    while True:
        code, if_true, if_false, operand = steps[at]
        at += 1
        match code:
            case 0x20:  # load a word
                assert operand % 4 == 0
                assert operand < len(data)
                accumulator = int.from_bytes(data[operand : operand + 4], "little")
            case 0x54:  # and
                accumulator &= operand
            case 0x15:  # jump where it is equal
                at += if_true if accumulator == operand else if_false
            case 0x06:  # return
                return operand
            case _:
                raise AssertionError(f"an unknown step: {code:#x}")


@machines
def test_every_step_is_one_that_the_kernel_takes(machine: str) -> None:
    steps = filter_steps(machine, PID)

    for at, (_, if_true, if_false, operand) in enumerate(steps):
        assert max(if_true, if_false) < min(256, len(steps) - at)
        assert 0 <= operand < 1 << 32


@machines
def test_the_calls_of_the_list_are_allowed_and_no_other(machine: str) -> None:
    steps, column = filter_steps(machine, PID), list(ARCHITECTURES).index(machine)
    listed = {numbers[column] for numbers in CALLS.values()} - {None}
    by_argument = {numbers[machine] for numbers in (CLONE, CLONE3, MMAP, SOCKETPAIR, IOCTL, TGKILL, PRLIMIT)}

    for number in range(600):
        verdict = judge(steps, ARCHITECTURES[machine], number)
        if number in listed:
            assert verdict == ALLOWED
        elif number not in by_argument:
            assert verdict == refused(errno.EPERM)
    assert listed.isdisjoint(NEVER[machine].values())
    assert len(listed | by_argument) <= 60


@machines
def test_another_interface_of_the_same_machine_gets_nothing(machine: str) -> None:
    steps = filter_steps(machine, PID)
    others = {I386, ARM, *ARCHITECTURES.values()} - {ARCHITECTURES[machine]}

    assert {judge(steps, other, number) for other in others for number in range(600)} == {KILLED}
    x32 = [judge(steps, ARCHITECTURES[machine], 0x4000_0000 | number) for number in range(600)]
    assert set(x32) == {refused(errno.EPERM)}


@machines
@pytest.mark.parametrize(
    ("flags", "verdict"),
    [
        (THREAD, ALLOWED),
        (MUSL_THREAD, ALLOWED),
        (int(signal.SIGCHLD), refused(errno.EPERM)),
        (0x4111, refused(errno.EPERM)),  # vfork
        (THREAD | NEW_USER, refused(errno.EPERM)),
        (THREAD | NEW_NETWORK, refused(errno.EPERM)),
        (0, refused(errno.EPERM)),
    ],
)
def test_clone_makes_threads_and_nothing_else(machine: str, flags: int, verdict: int) -> None:
    steps = filter_steps(machine, PID)

    assert judge(steps, ARCHITECTURES[machine], CLONE[machine], flags) == verdict
    assert judge(steps, ARCHITECTURES[machine], CLONE3[machine], flags) == refused(errno.ENOSYS)


@machines
@pytest.mark.parametrize(
    ("call", "arguments", "is_allowed"),
    [
        (MMAP, (0, 4096, 7, 0x22), True),  # private, of no file
        (MMAP, (0, 4096, 3, 0x20022), True),  # the stack of a thread
        (MMAP, (0, 4096, 0, 0x4032), True),  # at a place of its choice, reserved
        (MMAP, (0, 4096, 3, 0x21), False),  # shared: it counts to no limit
        (MMAP, (0, 4096, 3, 0x23), False),
        (MMAP, (0, 4096, 3, 0x28), False),  # droppable
        (MMAP, (0, 4096, 3, 0x122), False),  # a stack that grows: likewise
        (SOCKETPAIR, (socket.AF_UNIX, socket.SOCK_STREAM | 0x80000), True),
        (SOCKETPAIR, (socket.AF_UNIX, socket.SOCK_STREAM | 0x80800), True),
        (SOCKETPAIR, (socket.AF_UNIX, socket.SOCK_DGRAM), False),  # which could be sent from to any address
        (SOCKETPAIR, (socket.AF_UNIX, 5), False),
        (SOCKETPAIR, (socket.AF_INET, socket.SOCK_STREAM), False),
        (IOCTL, (3, 0x5421), True),
        (IOCTL, (0, 0x5412), False),  # typing for another at a terminal
        (TGKILL, (PID, PID + 1, signal.SIGABRT), True),
        (TGKILL, (PID + 1, PID + 1, signal.SIGKILL), False),
        (TGKILL, (-1, 1, signal.SIGKILL), False),
        (PRLIMIT, (0, 0), True),
        (PRLIMIT, (1, 0), False),
        (PRLIMIT, (0, 3), False),  # of the stack
    ],
)
def test_arguments_are_judged(machine: str, call: dict[str, int], arguments: tuple[int, ...], is_allowed: bool) -> None:
    verdict = judge(filter_steps(machine, PID), ARCHITECTURES[machine], call[machine], *arguments)

    assert verdict == (ALLOWED if is_allowed else refused(errno.EPERM))


@pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64", reason="makes a call of the 32-bit interface of x86"
)
def test_a_call_of_the_32_bit_interface_ends_the_process() -> None:
    script = (
        "import ctypes, mmap\n"
        "from codemode.worker.kernel import SET_NO_NEW_PRIVS, prctl\n"
        "from codemode.worker.seccomp import install_filter\n"
        "place = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)\n"
        "place.write(b'\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3')\n"  # getpid, by the old way
        "call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(place)))\n"
        "prctl(SET_NO_NEW_PRIVS, 1)\n"
        "install_filter()\n"
        "call()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)

    assert done.returncode in (-signal.SIGSYS, -signal.SIGSEGV)  # the latter where the kernel has no such interface
