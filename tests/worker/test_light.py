"""The child is light: what a worker loads before it says hello."""

from __future__ import annotations

import subprocess
import sys


def loaded_by(statement: str) -> set[str]:
    """The top-level packages that a fresh interpreter has after this."""
    script = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_the_worker_loads_neither_trio_nor_pydantic() -> None:
    loaded = loaded_by("import codemode.worker, codemode.worker.main")

    assert loaded & {"trio", "pydantic", "pydantic_core", "jsonschema_rs", "attr", "outcome"} == set()


def test_the_worker_loads_asyncio_only_because_the_engine_does() -> None:
    assert ("asyncio" in loaded_by("import codemode.worker.main")) <= ("asyncio" in loaded_by("import py_mini_racer"))
    assert "asyncio" not in loaded_by("import codemode.worker.link, codemode.worker.sentry, codemode.worker.fences")


def test_the_worker_loads_nothing_of_the_host() -> None:
    script = (
        "import sys, codemode.worker.main;"
        " print(*[name for name in sys.modules if name.startswith(('codemode.host', 'codemode.frontends'))"
        " or name == 'codemode.wire.validation'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.split() == []
