"""The fences: each proved alone, since two may forbid one act, and all of them together."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from codemode.frontends.doctor.check import Check
from codemode.frontends.doctor.probes import Report, run_probe, surroundings
from codemode.wire.messages import FENCES


async def check_fences(skip: Collection[str], *, forks: bool) -> list[Check]:
    """One check for each fence, and one for each act that all of them together forbid.

    Args:
        skip: fences that the probes leave out.
        forks: workers are forked here, and so are probes.
    """
    with surroundings() as around:
        spawned = await run_probe("spawned", skip, around)
        forked = await run_probe("forked", skip, around) if forks else None
    reports = {"spawned": spawned} if forked is None else {"forked": forked, "spawned": spawned}
    trials = [document for document in (forked or spawned).documents if "act" in document]
    return [
        *(_fence(name, reports, trials) for name in FENCES),
        *(_defence(act, reports) for act in _acts_behind_all(reports)),
    ]


def _fence(name: str, reports: dict[str, Report], trials: list[dict[str, Any]]) -> Check:
    """It stands, and what it alone is there to refuse is refused."""
    states = [f"{_state(name, report)} ({way})" for way, report in reports.items()]
    faults = [state for state in states if not state.startswith("on ")]
    alone = [trial for trial in trials if trial["behind"] == name]
    if holes := [trial for trial in alone if trial["outcome"] != "refused"]:
        faults.append(f"alone it did not refuse: {_told(holes)}")
    if not alone:
        faults.append("alone it was not tried, for no worker is forked here")
    if faults:
        return Check("fence", name, False, "; ".join(faults))
    vain = {trial["act"] for trial in trials if trial["behind"] is None and trial["outcome"] != "done"}
    if telling := [trial for trial in alone if trial["act"] not in vain]:
        return Check("fence", name, True, f"alone it refuses: {_told(telling)}")
    return Check("fence", name, True, "on, and there is nothing here that it would have to refuse")


def _state(name: str, report: Report) -> str:
    for document in report.documents:
        if "states" in document:
            return str(document["states"].get(name, "not named by the probe"))
    return report.ending or "the probe said nothing"


def _told(trials: list[dict[str, Any]]) -> str:
    return ", ".join(f"{trial['act']} ({trial['why'] or trial['outcome']})" for trial in trials)


def _acts_behind_all(reports: dict[str, Report]) -> list[str]:
    acts = [doc["act"] for report in reports.values() for doc in report.documents if doc.get("behind") == "all"]
    return list(dict.fromkeys(acts))


def _defence(act: str, reports: dict[str, Report]) -> Check:
    found: list[str] = []
    passed = True
    for way, report in reports.items():
        by_place = {doc["behind"]: doc for doc in report.documents if doc.get("act") == act}
        if None in by_place:
            without = by_place[None]
            found.append("done without fences" if without["outcome"] == "done" else f"without fences {_end(without)}")
        behind = by_place.get("all")
        passed = passed and behind is not None and behind["outcome"] == "refused"
        found.append(f"{_end(behind) if behind else report.ending or 'not tried'} behind all of them ({way})")
    return Check("defence", act, passed, "; ".join(found))


def _end(trial: dict[str, Any]) -> str:
    return f"{trial['outcome']}: {trial['why']}" if trial["why"] else str(trial["outcome"])
