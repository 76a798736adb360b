"""Finding a `ToolRegistry` by the words of the command line."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

from codemode.errors import UsageError
from codemode.host.tools import ToolRegistry


def load_tools(places: list[str]) -> ToolRegistry:
    """One registry of all the tools at the places: `FILE.py`, whose registry is named `tools`, or `MODULE:ATTR`.

    Raises:
        UsageError: a place holds no registry, or two tools share an identifier.
        Exception: what the file itself raised while it was loaded.
    """
    joined = ToolRegistry()
    for place in places:
        joined.include(_load_one(place))
    return joined


def _load_one(place: str) -> ToolRegistry:
    if place.endswith(".py"):
        found, attribute = _load_file(Path(place)), "tools"
    elif ":" in place:
        module, _, attribute = place.rpartition(":")
        if not module or not attribute:
            raise UsageError(f"--tools takes FILE.py or MODULE:ATTR, not {place!r}")
        sys.path.insert(0, str(Path.cwd()))  # as `python -m` has it
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise UsageError(f"--tools {place}: {error}") from error
        finally:
            sys.path.remove(str(Path.cwd()))
    else:
        raise UsageError(f"--tools takes FILE.py or MODULE:ATTR, not {place!r}")
    registry = getattr(found, attribute, None)
    if not isinstance(registry, ToolRegistry):
        raise UsageError(f"--tools {place}: there is no ToolRegistry named {attribute!r}")
    return registry


def _load_file(path: Path) -> object:
    if not path.is_file():
        raise UsageError(f"--tools {path}: there is no such file")
    name = f"codemode_tools_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--tools {path}: it cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # annotations and dataclasses look their module up by name
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module
