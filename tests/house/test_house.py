"""The checks that the test command holds the whole house to: style, types, layers, and what is generated."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> str:
    """Runs a tool of this environment at the root of the checkout; fails with what it printed."""
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_ruff_finds_nothing() -> None:
    run("-m", "ruff", "check", ".")


def test_the_code_is_formatted() -> None:
    run("-m", "ruff", "format", "--check", ".")


def test_the_types_are_strict_and_clean() -> None:
    assert "Success" in run("-m", "mypy")


def test_layers_import_downwards_only() -> None:
    assert "0 broken" in run("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")


@pytest.mark.parametrize("generator", ["runner_js/bundle.py", "protocol/generate.py"])
def test_what_is_generated_is_fresh(generator: str) -> None:
    run(generator, "--check")


def test_the_lazy_public_names_are_all_there() -> None:
    run("-c", "import codemode; [getattr(codemode, name) for name in codemode.__all__]")


def test_the_readme_example_runs() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    example = re.findall(r"```python\n(.*?)\n```", readme, re.DOTALL)[0]
    assert run("-c", example) == 'completed {"city":"Oslo","celsius":21}\n'


def test_no_path_of_a_machine_stands_in_the_repository() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    homes = re.compile(rb"/(?:home|root|Users|work)/\w")
    found = [name for name in tracked if (ROOT / name).is_file() and homes.search((ROOT / name).read_bytes())]
    assert found == []
