"""A script that floods its host slows down itself, and nobody else: the host grows by less than 64 MB.

The floods, and how they are measured, are those of `benchmarks/floods.py`: each in a host of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process's memory from /proc")

FLOODS = Path(__file__).parents[2] / "benchmarks" / "floods.py"
BOUND_MIB = 64

ENDS = {
    "1 GiB of output": "output_limit",
    "output in small pieces": "output_limit",
    "1,000,000 calls not waited for": "call_limit",
    "100,000 calls answered": "completed",
    "1,000,000 values stored": "completed",
    "a worker that stops reading": "worker_crashed",
}
SLOW = {
    "calls with long arguments": "completed",
    "notes": "output_limit",
    "1 GiB stored": "completed",
    "console": "cpu_limit",
    "yields": "completed",
}


@pytest.mark.parametrize(
    ("name", "ended"), [*ENDS.items(), *(pytest.param(*case, marks=pytest.mark.soak) for case in SLOW.items())]
)
def test_a_flood_ends_as_it_must_the_host_stays_small_and_a_script_beside_it_goes_on(name: str, ended: str) -> None:
    ran = subprocess.run([sys.executable, str(FLOODS), "--only", name], stdout=subprocess.PIPE, timeout=120, check=True)
    figures = json.loads(ran.stdout)

    assert figures["ended"] == ended
    assert figures["host grew by MiB"] < BOUND_MIB
    assert figures["at most"] < 10_000
