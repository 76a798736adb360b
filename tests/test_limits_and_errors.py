from __future__ import annotations

import dataclasses

import pytest

import codemode
from codemode import errors
from codemode.limits import Limits


def test_limits_cross_to_the_worker_whole() -> None:
    limits = Limits(max_cpu_s=2.5, max_wall_s=3)
    assert Limits.from_json(limits.to_json()) == limits


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Limits)])
def test_a_limit_that_is_not_positive_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Limits(**{name: 0})


def test_an_unknown_cell_names_the_live_ones() -> None:
    assert str(errors.CellNotFound("9", ["1", "2"])) == "no cell has the id '9'; running cells: 1, 2"
    assert str(errors.CellNotFound("9", [])) == "no cell has the id '9', and none is running"


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    drawn = {word for word in (errors.__doc__ or "").split() if word in vars(errors)}
    classes = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert drawn == classes


def test_a_public_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        codemode.nope
