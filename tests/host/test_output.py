from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codemode.host.outcome import CallRecord, CellError, CellOutcome, ImageItem, LogEntry, TextItem, ledger_text
from codemode.host.output import cut_text, cut_to_budget, token_count


def test_a_token_is_four_bytes_rounded_up() -> None:
    assert [token_count(text) for text in ("", "a", "abcd", "abcde", "é" * 2, "𝒳")] == [0, 1, 1, 2, 1, 1]


def test_items_within_the_budget_stay_as_they_are() -> None:
    items = [TextItem("abcd"), ImageItem("https://x"), TextItem("efgh")]
    assert cut_to_budget(items, 2, TextItem) == items


def test_over_budget_the_text_is_one_item_with_head_and_tail() -> None:
    [only] = cut_to_budget([TextItem("a" * 20), TextItem("b" * 19)], 4, TextItem)
    assert only.text == (
        "Warning: truncated output (original token count: 10)\n"
        "Total output lines: 2\n\n"
        "aaaaaaaa…6 tokens truncated…bbbbbbbb"
    )


def test_an_image_is_never_cut_and_text_beside_it_is_cut_on_its_own() -> None:
    image = ImageItem("data:image/png;base64," + "A" * 1000)
    before, kept, after = cut_to_budget([TextItem("a" * 400), image, TextItem("b" * 400)], 20, TextItem)
    assert kept is image
    assert "a…90 tokens truncated…a" in before.text
    assert "b…90 tokens truncated…b" in after.text


@given(st.text(min_size=1), st.integers(0, 20))
def test_a_cut_text_is_well_formed_and_its_kept_part_within_the_budget(text: str, max_tokens: int) -> None:
    cut = cut_text(text, max_tokens)
    if token_count(text) <= max_tokens:
        assert cut == text
        return
    kept = cut.split("\n\n", 1)[1]
    head, tail = kept.split(f"…{token_count(text) - max_tokens} tokens truncated…", 1)
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len((head + tail).encode()) <= max_tokens * 4


def test_a_model_sees_the_header_the_items_and_what_went_wrong() -> None:
    outcome = CellOutcome(
        cell_id="3",
        status="failed",
        items=(TextItem("half"),),
        error=CellError("script_error", "Error: no", "Error: no\n    at cell-3.js:1:7", 1, 7),
        wall_time_s=1.25,
        calls=(CallRecord("3-1", "grep", "ok", None, 0.0, 1.0),),
        logs=(LogEntry("warn", "careful"),),
    )
    assert [item.text for item in outcome.content() if isinstance(item, TextItem)] == [
        "Script failed\nWall time 1.2 seconds\nOutput:",
        "half",
        "Script error:\nError: no\n    at cell-3.js:1:7\nConsole:\n[warn] careful\nCalls:\n  finished: 1 (grep#3-1)",
    ]


def test_the_header_of_a_running_cell_names_it() -> None:
    outcome = CellOutcome(cell_id="12", status="running", items=(), error=None, wall_time_s=10.0)
    assert outcome.header() == "Script running with cell ID 12\nWall time 10.0 seconds\nOutput:"


def test_the_ledger_counts_every_group_and_names_at_most_twenty() -> None:
    calls = (
        *(CallRecord(f"1-{n}", "a", "ok", None, 0.0, 1.0) for n in range(30)),
        CallRecord("1-30", "b", "error", "tool_failed", 0.0, 1.0),
        CallRecord("1-31", "c", "cancelled", "cancelled", 0.0, 1.0),
        CallRecord("1-32", "c", "cancelled", "cancelled", None, 1.0),
    )
    lines = ledger_text(calls).split("\n")
    assert lines[1].startswith("  finished: 30 (a#1-0, ")
    assert lines[1].endswith("a#1-19, …)")
    assert lines[2:] == ["  failed: 1", "  cancelled while running (effect unknown): 1", "  never started: 1"]
