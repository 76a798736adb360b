"""Calls of the Linux kernel that Python has no name for. Each raises OSError where the kernel refuses."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

if sys.platform == "linux":
    _LIBC = ctypes.CDLL(None, use_errno=True)
    _LIBC.syscall.argtypes = [ctypes.c_long] * 4
    _LIBC.syscall.restype = ctypes.c_long
    _LIBC.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4

SET_DUMPABLE = 4
GET_DUMPABLE = 3
SET_SECCOMP = 22
DROP_FROM_BOUNDING_SET = 24
SET_NO_NEW_PRIVS = 38
GET_NO_NEW_PRIVS = 39
AMBIENT_CAPABILITIES = 47
CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x2008_0522
_Sets = ctypes.c_uint32 * 6  # the effective, permitted and inheritable set, by halves


def syscall(number: int, first: int = 0, second: int = 0, third: int = 0) -> int:
    """The call of that number, also where the C library is too old to have a name for it. Addresses are numbers."""
    return _checked(_LIBC.syscall(number, first, second, third))


def prctl(option: int, first: int = 0, second: int = 0) -> int:
    """An operation on this process."""
    return _checked(_LIBC.prctl(option, first, second, 0, 0))


def drop_capabilities() -> None:
    """Gives up all that root may do, for good: also what a program that is executed would get back."""
    prctl(AMBIENT_CAPABILITIES, CLEAR_ALL)
    with contextlib.suppress(OSError):  # an ordinary user's process; and the first that this kernel does not have
        for capability in range(64):
            prctl(DROP_FROM_BOUNDING_SET, capability)
    _checked(_LIBC.capset(_own_capabilities(), _Sets()))


def has_capabilities() -> bool:
    """True where this process may do anything that an ordinary user's may not, or can come to."""
    sets = _Sets()
    _checked(_LIBC.capget(_own_capabilities(), sets))
    return any(sets)


def _own_capabilities() -> ctypes.Array[ctypes.c_uint32]:
    return (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
