"""Landlock: this process can open, list, make and change no file, whoever it runs as.

A ruleset that handles every right of the running kernel and has no rule allows nothing. What was opened before stays
open.
"""

from __future__ import annotations

import ctypes
import os

from codemode.worker.kernel import syscall

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same on every architecture
_GET_VERSION = 1
_FILE_RIGHTS = (13, 14, 15, 15, 16)
"""How many rights on files there are, by the version of the interface; the last goes on."""
_NETWORK_SINCE, _NETWORK_RIGHTS = 4, 0b11  # to bind and to connect TCP
_SCOPES_SINCE, _SCOPES = 6, 0b11  # abstract UNIX sockets and signals, to processes outside


def landlock_version() -> int:
    """The version of the kernel's interface.

    Raises:
        OSError: the kernel has none, or it is turned off.
    """
    return syscall(_CREATE_RULESET, 0, 0, _GET_VERSION)


def allow_nothing() -> None:
    """Puts this thread, and what it starts from now on, under a ruleset that allows nothing, for good.

    Raises:
        OSError: the kernel has no Landlock; no_new_privs is not set, and the process is not privileged.
    """
    version = landlock_version()
    handled = [(1 << _FILE_RIGHTS[min(version, len(_FILE_RIGHTS)) - 1]) - 1]
    if version >= _NETWORK_SINCE:
        handled.append(_NETWORK_RIGHTS)
    if version >= _SCOPES_SINCE:
        handled.append(_SCOPES)
    attributes = (ctypes.c_uint64 * len(handled))(*handled)
    ruleset = syscall(_CREATE_RULESET, ctypes.addressof(attributes), ctypes.sizeof(attributes))
    try:
        syscall(_RESTRICT_SELF, ruleset)
    finally:
        os.close(ruleset)
