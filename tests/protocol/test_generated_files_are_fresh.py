"""What `protocol/` derives from the code is what the code says now."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PROTOCOL = Path(__file__).parents[2] / "protocol"


def generate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "generate.py"), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_generated_files_are_fresh() -> None:
    done = generate(PROTOCOL, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), "run: python protocol/generate.py"


def test_a_stale_file_is_named_and_then_written_anew(tmp_path: Path) -> None:
    folder = shutil.copytree(PROTOCOL, tmp_path / "protocol", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "schema.json").write_text("{}")
    (folder / "vectors" / "frames.json").unlink()
    named = ["protocol/schema.json", "protocol/vectors/frames.json"]

    checked = generate(folder, "--check")
    assert (checked.returncode, checked.stdout.splitlines()) == (1, [f"stale: {name}" for name in named])
    written = generate(folder)
    assert (written.returncode, written.stdout.splitlines()) == (0, [f"written: {name}" for name in named])
    assert (folder / "schema.json").read_bytes() == (PROTOCOL / "schema.json").read_bytes()
    assert generate(folder, "--check").returncode == 0
