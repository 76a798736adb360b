"""`codemode doctor`: reports engine, fences and limits, and proves each by trying it."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import AsyncIterator, Collection
from typing import Any

import trio

import codemode
from codemode.frontends.doctor.check import Check
from codemode.frontends.doctor.fences import check_fences
from codemode.frontends.doctor.flags import check_flags
from codemode.frontends.doctor.limits import check_limits
from codemode.frontends.doctor.workers import check_worker
from codemode.host.launcher import SpawnLauncher
from codemode.host.zygote import ZygoteLauncher, default_launcher
from codemode.limits import Limits

PROVEN, FAILED = 0, 1


def add_to(commands: Any) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "doctor",
        help="prove that workers are fenced and limited on this system",
        description="Start workers, and try from inside what they must not be able to do: each fence alone and all of "
        "them together, each flag of the engine by what it changes, and each limit by a script that reaches it.",
        epilog="Exit status: 0 all of it was proved, 1 something was not, 2 wrong usage, 4 no worker could be had.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    found = trio.run(_examine, not options.json)
    if options.json:
        checks = [dataclasses.asdict(check) for check in found]
        print(json.dumps({"proven": _is_proven(found), "version": codemode.__version__, "checks": checks}, indent=2))
    else:
        print(_verdict(found))
    return PROVEN if _is_proven(found) else FAILED


async def _examine(tell: bool) -> list[Check]:
    found: list[Check] = []
    async for check in all_checks():
        found.append(check)
        if tell:
            print(line(check), flush=True)
    return found


async def all_checks(skip: Collection[str] = ()) -> AsyncIterator[Check]:
    """Every check, each as soon as it has been made.

    Args:
        skip: fences and flags that are left out of the processes in which they are tried: what they prove then fails.
    """
    forks = isinstance(default_launcher(Limits()), ZygoteLauncher)
    if forks:
        yield await check_worker("forked", ZygoteLauncher)
    yield await check_worker("spawned", SpawnLauncher)
    for check in await check_fences(skip, forks=forks):
        yield check
    async for check in check_flags(skip):
        yield check
    async for check in check_limits():
        yield check


def line(check: Check) -> str:
    """The check as a line of text."""
    return f"{'PASS' if check.passed else 'FAIL'}  {check.group:<7}  {check.name}: {check.found}"


def _is_proven(found: list[Check]) -> bool:
    return all(check.passed for check in found)


def _verdict(found: list[Check]) -> str:
    failed = [check.name for check in found if not check.passed]
    if not failed:
        return f"\nAll {len(found)} checks passed."
    return f"\n{len(failed)} of {len(found)} checks FAILED: {', '.join(failed)}"
