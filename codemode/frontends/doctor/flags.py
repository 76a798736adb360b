"""The flags of the engine: V8 says nothing of one that it does not know, so each is seen by what it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from codemode.frontends.doctor.check import Check
from codemode.frontends.doctor.probes import PROBE_LIMITS, Report, run_probe
from codemode.limits import MIB

_SCRIPT_S = 5.0
"""How long a process may take that runs one script, which is over at once."""
_STACK_SHARE = 0.98
"""The stack is a twelfth smaller than V8's own choice; so is the number of frames on it."""


async def check_flags(skip: Collection[str]) -> AsyncIterator[Check]:
    """One check for each flag, with it and without.

    Args:
        skip: flags that are left out where they should be set.
    """

    async def seen(flag: str, *, without: bool = False) -> Report:
        return await run_probe(flag, {*skip, flag} if without else skip, timeout_s=_SCRIPT_S)

    flag = "single-threaded"
    with_it, without = _figure(await seen(flag)), _figure(await seen(flag, without=True))
    yield Check("flag", flag, with_it < without, f"{with_it:g} threads with an engine, {without:g} without the flag")

    flag = "max-heap-size"
    bounded, free = await seen(flag), await seen(flag, without=True)
    passed = bool(bounded.ending) and not bounded.documents and bool(free.documents)
    tried = f"a script keeps three times {PROBE_LIMITS.max_heap_bytes // MIB} MiB"
    yield Check("flag", flag, passed, f"{tried}: {_ending(bounded)}; {_ending(free)} without the flag")

    flag = "stack-size"
    with_it, without = _figure(await seen(flag)), _figure(await seen(flag, without=True))
    found = f"a function calls itself {with_it:g} times, {without:g} times without the flag"
    yield Check("flag", flag, with_it < _STACK_SHARE * without, found)

    flag = "enable-experimental-regexp-engine-on-excessive-backtracks"
    report = await seen(flag)  # without the flag it would not end
    passed = bool(report.documents)
    yield Check("flag", flag, passed, f"a regular expression that backtracks 2 ** 40 times: {_ending(report)}")


def _figure(report: Report) -> float:
    """What the script counted; not a number, which is neither less nor more than any, where it counted nothing."""
    return float(report.documents[0]["outcome"]) if report.documents else float("nan")


def _ending(report: Report) -> str:
    return report.ending or "it ended"
