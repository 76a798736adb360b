from __future__ import annotations

import sys
from pathlib import Path

import pytest

from codemode.errors import ToolNameConflict, UsageError
from codemode.frontends.tool_files import load_tools

TOOLS = """
from __future__ import annotations
from dataclasses import dataclass
import codemode
import neighbour

tools = codemode.ToolRegistry()

@dataclass
class Place:
    name: str

@tools.tool
async def {name}(place: Place) -> str:
    return neighbour.GREETING + place.name
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "neighbour.py").write_text("GREETING = 'hello '")
    (tmp_path / "one.py").write_text(TOOLS.format(name="one"))
    (tmp_path / "two.py").write_text(TOOLS.format(name="two"))
    return tmp_path


def test_several_files_make_one_registry(folder: Path) -> None:
    path_before = list(sys.path)
    registry = load_tools([str(folder / "one.py"), str(folder / "two.py")])
    assert [tool.identifier for tool in registry] == ["one", "two"]
    assert sys.path == path_before


def test_a_registry_is_found_in_a_module_by_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(folder)
    assert [tool.identifier for tool in load_tools(["one:tools"])] == ["one"]


def test_two_tools_of_one_name_are_refused(folder: Path) -> None:
    (folder / "again.py").write_text(TOOLS.format(name="one"))
    with pytest.raises(ToolNameConflict):
        load_tools([str(folder / "one.py"), str(folder / "again.py")])


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("missing.py", "no such file"),
        ("neighbour.py", "no ToolRegistry named 'tools'"),
        ("no_such_module:tools", "No module named"),
        ("neither", "FILE.py or MODULE:ATTR"),
    ],
)
def test_a_place_without_a_registry_is_told(
    folder: Path, place: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(UsageError, match=says):
        load_tools([place])
