"""A host that runs scripts all day stays as it is. Measured by `benchmarks/soak.py`, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads memory and children from /proc")

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


def run(execs: int) -> dict[str, object]:
    command = [sys.executable, str(SOAK), "--execs", str(execs)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, timeout=1800, check=False)
    figures: dict[str, object] = json.loads(ran.stdout)
    assert ran.returncode == 0, figures
    return figures


@pytest.mark.soak
def test_2_000_execs_of_which_a_tenth_are_hostile_leave_nothing_behind() -> None:
    figures = run(2000)

    assert figures["attacks among them"] == 200
    assert figures["without an answer"] == figures["zombies"] == figures["children after it"] == 0
    assert figures["MiB for each 1,000 execs"] < 5  # type: ignore[operator]
