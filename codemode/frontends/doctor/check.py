"""A claim, whether it was proved, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """One line of what the doctor says.

    Attributes:
        group: what the claim is of: a worker as it is started, one fence alone, all of them together, a flag of the
            engine, a limit.
        name: what it is about.
        passed: it was proved.
        found: what was tried, and what came of it.
    """

    group: Literal["worker", "fence", "defence", "flag", "limit"]
    name: str
    passed: bool
    found: str
