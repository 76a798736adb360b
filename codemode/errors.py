"""The errors that codemode raises. What a script, its source or a worker did is an outcome, never an exception.

CodemodeError
├── UsageError                the caller's mistake
│   ├── CellNotFound          no cell of that id; names the live ones
│   ├── OutputNotFound        no cut output of that id
│   ├── ToolNameConflict      two tools that end up under one identifier
│   └── ClosedError           the service, session or turn has been closed
├── WorkerUnavailable         no worker could be started (a cell reports it as its outcome)
│   └── FenceMissing          a fence could not be put up, and the service is strict
└── ProtocolError             the wire rules were broken
    ├── LocalProtocolError    by us: a bug in this program
    └── RemoteProtocolError   by the other end: it is not to be believed any more
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class CodemodeError(Exception):
    """The base of every error of this package."""


class UsageError(CodemodeError, ValueError):
    """The caller asked for something that cannot be: the message says what, and what to do instead."""


class CellNotFound(UsageError, LookupError):
    """No cell of this session has the id.

    Args:
        cell_id: the id asked for.
        live: the ids of the cells that are still running.
    """

    def __init__(self, cell_id: str, live: Iterable[str]) -> None:
        self.cell_id = cell_id
        self.live = tuple(live)
        super().__init__(cell_id, self.live)

    def __str__(self) -> str:
        if not self.live:
            return f"no cell has the id {self.cell_id!r}, and none is running"
        return f"no cell has the id {self.cell_id!r}; running cells: {', '.join(self.live)}"


class OutputNotFound(UsageError, LookupError):
    """No cell of this session has had an output of that id cut.

    Args:
        output_id: the id asked for.
    """

    def __init__(self, output_id: str) -> None:
        self.output_id = output_id
        super().__init__(output_id)

    def __str__(self) -> str:
        return (
            f"no output has the id {self.output_id!r}; an outcome whose output was cut names its id, "
            "which is good until the session ends"
        )


class ToolNameConflict(UsageError):
    """Two tools would be one in a script. Rename one of them, or give it a namespace.

    Args:
        identifier: the name that a script would use for both.
        first: the name of the tool that has it.
        second: the name of the tool that was refused.
    """

    def __init__(self, identifier: str, first: str, second: str) -> None:
        self.identifier = identifier
        self.first = first
        self.second = second
        super().__init__(identifier, first, second)

    def __str__(self) -> str:
        return (
            f"the tools {self.first!r} and {self.second!r} would both be {self.identifier!r} in a script; "
            "rename one of them or give it a namespace"
        )


class ClosedError(UsageError):
    """The service, session or turn was used after it had been closed. Open a new one."""


class WorkerUnavailable(CodemodeError):
    """No worker process could be started.

    Args:
        reason: what happened, for a person.
        exit_status: of the process that ended too early, as `Popen.returncode` gives it, or None.
        stderr: the end of what it wrote there.
    """

    def __init__(self, reason: str, *, exit_status: int | None = None, stderr: str = "") -> None:
        self.reason = reason
        self.exit_status = exit_status
        self.stderr = stderr
        super().__init__(reason, exit_status, stderr)

    def __str__(self) -> str:
        """For a model too: without what stands on stderr, which may hold paths of this machine."""
        return f"no worker could be started: {self.reason}"


class FenceMissing(WorkerUnavailable):
    """The service is strict, and this system does not let a worker put up all of its fences.

    Args:
        missing: by the name of the fence, what the worker said of it.
    """

    def __init__(self, missing: Mapping[str, str]) -> None:
        self.missing = dict(missing)
        named = ", ".join(f"{name} ({state})" for name, state in self.missing.items())
        super().__init__(f"not every fence stands, and the service is strict: {named}; see codemode doctor")


class ProtocolError(CodemodeError):
    """A rule of the wire protocol was broken (protocol/README.md)."""


class LocalProtocolError(ProtocolError):
    """This end tried to break a rule. Nothing was sent; it is a bug in this program."""


class RemoteProtocolError(ProtocolError):
    """The other end broke a rule. Its process is ended, and nothing else."""


def check_whole(name: str, given: object) -> None:
    """Raises `UsageError` where an argument of that name is not a whole number, at least 0."""
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise UsageError(f"{name} is a whole number, at least 0, not {given!r}")
