from __future__ import annotations

import json

import pytest

from codemode.host.cell import TERMINATED, Cell, Phase, Verdict, read_item
from codemode.host.outcome import AudioItem, CellError, ContentItem, ImageItem, LogEntry, TextItem
from codemode.wire import messages as m


def new_cell(max_console_bytes: int = 1000) -> Cell:
    return Cell(1, max_output_tokens=100, max_console_bytes=max_console_bytes)


def test_an_observation_gives_only_what_is_new() -> None:
    cell = new_cell()
    cell.receive(m.Output(1, (("text", "a"), ("text", "b"))))
    first = cell.outcome(cell.begin_observation(), 0.5, 100)
    assert (first.status, first.items, first.wall_time_s) == ("running", (TextItem("a"), TextItem("b")), 0.5)
    assert not cell.has_news(cell.begin_observation())
    cell.receive(m.Output(1, (("text", "c"),)))
    assert cell.has_news(cell.begin_observation())
    assert cell.outcome(cell.begin_observation(), 0.1, 100).items == (TextItem("c"),)


def test_a_cell_is_running_until_its_calls_are_settled() -> None:
    cell = new_cell()
    cell.receive(m.Completed(1))
    assert (cell.phase, cell.outcome(cell.begin_observation(), 0, 100).status) == (Phase.ENDING, "running")
    cell.settle()
    assert cell.outcome(cell.begin_observation(), 0, 100).status == "completed"


def test_completion_beats_a_late_terminate() -> None:
    cell = new_cell()
    cell.receive(m.Completed(1))
    cell.end(TERMINATED)
    cell.settle()
    assert cell.outcome(cell.begin_observation(), 0, 100).status == "completed"


def test_a_failure_carries_its_place() -> None:
    cell = new_cell()
    cell.receive(m.Failed(1, "script_error", "TypeError: no", "TypeError: no\n    at cell-1.js:3:5", 3, 5))
    cell.settle()
    assert cell.outcome(cell.begin_observation(), 0, 100).error == CellError(
        "script_error", "TypeError: no", "TypeError: no\n    at cell-1.js:3:5", 3, 5
    )


def test_a_delivered_end_is_given_again_and_says_so() -> None:
    cell = new_cell()
    cell.receive(m.Output(1, (("text", "a"),)))
    cell.end(Verdict("completed"))
    cell.settle()
    first, again = cell.outcome(cell.begin_observation(), 1, 100), cell.outcome(cell.begin_observation(), 2, 50)
    assert (first.delivered_before, again.delivered_before) == (False, True)
    assert (again.items, again.status, again.wall_time_s) == (first.items, first.status, 2)
    assert "already delivered" in again.header()


def test_the_console_keeps_its_newest_lines() -> None:
    cell = new_cell(max_console_bytes=11)
    cell.receive(m.Logs(1, (("log", "123456"), ("warn", "abcdef"), ("error", "xyz"))))
    assert cell.outcome(cell.begin_observation(), 0, 100).logs == (LogEntry("warn", "abcdef"), LogEntry("error", "xyz"))


def test_a_flood_of_empty_lines_is_bounded_too() -> None:
    cell = new_cell(max_console_bytes=100)
    cell.receive(m.Logs(1, (("log", ""),) * 10_000))
    assert len(cell.outcome(cell.begin_observation(), 0, 100).logs) == 100


@pytest.mark.parametrize(
    ("kind", "body", "item"),
    [
        ("text", "plain", TextItem("plain")),
        ("image", '{"image_url": "https://x", "detail": "low"}', ImageItem("https://x", "low")),
        ("image", '{"image_url": "https://x", "detail": 5}', ImageItem("https://x", None)),
        ("audio", '{"audio_url": "data:x"}', AudioItem("data:x")),
        ("content", '{"block": {"type": "resource"}}', ContentItem({"type": "resource"})),
        ("image", '{"image_url": 5}', TextItem('{"image_url": 5}')),
        ("image", "not JSON", TextItem("not JSON")),
        ("content", "[" * 100_000, TextItem("[" * 100_000)),
        ("audio", json.dumps([1]), TextItem("[1]")),
    ],
)
def test_an_item_of_the_wrong_form_becomes_text(kind: m.ItemKind, body: str, item: object) -> None:
    assert read_item(kind, body) == item


def test_a_block_that_nests_too_deep_for_those_who_pass_it_on_is_text() -> None:
    deep = '{"type":"content","block":{"type":"x","v":' + "[" * 200 + "]" * 200 + "}}"
    assert read_item("content", deep) == TextItem(deep)
