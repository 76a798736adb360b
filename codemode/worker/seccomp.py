"""Seccomp: the kernel answers the few calls that an engine and its wire need, and refuses every other.

The list was made by watching workers at their work. What is refused gives EPERM: Python and V8 look for files (a time
zone, the random device, the number of processors) that they can do without.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import socket
import struct
import sys

from codemode.worker.kernel import SET_SECCOMP, prctl

_FILTER_MODE = 2

# A program of the classic Berkeley Packet Filter: (code, steps to jump if true, if false, operand).
_LOAD, _AND, _EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06  # a word of the call; mask it; compare it; end
_ALLOW, _REFUSE, _KILL = 0x7FFF_0000, 0x0005_0000, 0x8000_0000
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in the kernel's `struct seccomp_data`, of little-endian machines
_FIRST_ARGUMENT, _ARGUMENT_BYTES = 16, 8

Step = tuple[int, int, int, int]

_ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}

CALLS: dict[str, tuple[int, int | None]] = {
    # memory: V8 changes what may be done there; its code is made at run time
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "pkey_mprotect": (329, 288),
    # threads: one for each engine, one for its answers, the sentry
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "gettid": (186, 178),
    "getpid": (39, 172),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "exit": (60, 93),
    "exit_group": (231, 94),
    # signals: handlers, masks, and coming back; V8's own traps
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    # time and chance
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "restart_syscall": (219, 128),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "getrandom": (318, 278),
    # the wire, stderr and the memory's figures: what is open already
    "read": (0, 63),
    "write": (1, 64),
    "writev": (20, 66),
    "pread64": (17, 67),
    "close": (3, 57),
    "poll": (7, None),
    "ppoll": (271, 73),
    # the event loop of the engine's binding
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_wait": (232, None),
    "epoll_pwait": (281, 22),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "getsockname": (51, 204),
}
"""The calls that are allowed whatever their arguments, by their numbers on x86_64 and on aarch64."""

_CLONE, _CLONE3 = (56, 220), (435, 435)
_MMAP, _SOCKETPAIR, _IOCTL, _TGKILL, _PRLIMIT64 = (9, 222), (53, 199), (16, 29), (234, 131), (302, 261)

_THREAD = 0x0001_0000
_NEW_NAMESPACES = 0x7E02_0000
_MAP_KIND = 0x0F  # private, shared, …
_MAP_GROWS_DOWN = 0x0100
_SOCKET_FLAGS = 0x0008_0800  # close on exec, do not block
_SET_NON_BLOCKING = 0x5421


def install_filter() -> None:
    """Refuses every other call to this thread and to what it starts from now on, for good.

    Raises:
        OSError: the kernel has no seccomp, or it forbids it; no_new_privs is not set.
        NotImplementedError: the numbers of this machine's calls are not known here.
    """
    machine = os.uname().machine
    if machine not in _ARCHITECTURES or sys.byteorder != "little" or sys.maxsize < 1 << 32:
        raise NotImplementedError(f"the calls of {machine} are not known")
    steps = filter_steps(machine, os.getpid())
    program = ctypes.create_string_buffer(b"".join([struct.pack("=HBBI", *step) for step in steps]))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(program)))
    prctl(SET_SECCOMP, _FILTER_MODE, ctypes.addressof(header))


def filter_steps(machine: str, pid: int) -> list[Step]:
    """The program that judges each call of the process with that id.

    A call of another architecture's interface ends the process: nothing here makes one by mistake. Those of x32 have
    numbers of their own, which no entry allows.
    """
    column = list(_ARCHITECTURES).index(machine)

    def is_call(numbers: tuple[int, int | None], *steps: Step) -> list[Step]:
        number = numbers[column]
        return [] if number is None else [(_EQUAL, 0, len(steps), number), *steps]

    def is_argument(index: int, value: int, mask: int = 0xFFFF_FFFF) -> list[Step]:
        """The lower word of an argument, masked, is the value; else the call is refused."""
        load = (_LOAD, 0, 0, _FIRST_ARGUMENT + index * _ARGUMENT_BYTES)
        return [load, (_AND, 0, 0, mask), (_EQUAL, 1, 0, value), _refuse(errno.EPERM)]

    allow: Step = (_RETURN, 0, 0, _ALLOW)
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        *[step for numbers in CALLS.values() for step in is_call(numbers, allow)],
        # Threads, and nothing that would be a process. The C library asks for them by clone3 first, whose flags no
        # filter can see; where the kernel has none, it uses clone.
        *is_call(_CLONE, *is_argument(0, _THREAD, _THREAD | _NEW_NAMESPACES), allow),
        *is_call(_CLONE3, _refuse(errno.ENOSYS)),
        # Neither memory that is shared nor a stack that grows counts to the limit of memory.
        *is_call(_MMAP, *is_argument(3, mmap.MAP_PRIVATE, _MAP_KIND | _MAP_GROWS_DOWN), allow),
        # The event loop wakes itself through a pair of sockets. Of a type that takes no address to send to.
        *is_call(
            _SOCKETPAIR,
            *is_argument(0, socket.AF_UNIX),
            *is_argument(1, socket.SOCK_STREAM, ~_SOCKET_FLAGS & 0xFFFF_FFFF),
            allow,
        ),
        *is_call(_IOCTL, *is_argument(1, _SET_NON_BLOCKING), allow),
        # V8 that gives up signals itself.
        *is_call(_TGKILL, *is_argument(0, pid), allow),
        # The CPU time of the next cell. The stack's limit is left as it was, and is not to be raised.
        *is_call(_PRLIMIT64, *is_argument(0, 0), *is_argument(1, resource.RLIMIT_CPU), allow),
        _refuse(errno.EPERM),
    ]


def _refuse(number: int) -> Step:
    return (_RETURN, 0, 0, _REFUSE | number)
