"""Outputs that are read page by page, waits for several cells, floors of yield times, and a tokenizer of the host's."""

from __future__ import annotations

from typing import Any

import pytest
import trio

import codemode

pytestmark = [pytest.mark.usefixtures("nothing_is_left"), pytest.mark.one_launcher]

FOR_EVER_MS = 3_600_000


def texts(outcome: codemode.CellOutcome) -> list[str]:
    return [item.text for item in outcome.content() if isinstance(item, codemode.TextItem)]


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_cut_output_is_read_whole_page_by_page(session: codemode.Session) -> None:
    async with session.open_turn() as turn:
        cut = await turn.exec(
            "for (let i = 0; i < 900; i++) text(`line ${i} é𝒳`); image('https://x')", max_output_tokens=50
        )
    whole = "\n".join(f"line {i} é𝒳" for i in range(900))
    assert texts(cut)[1].startswith("Warning: truncated output (original token count: ")
    assert cut.text == whole
    assert cut.output_id is not None
    assert cut.next_offset is None

    pages = []
    offset: int | None = 0
    async with session.open_turn() as later:
        while offset is not None:
            page = await later.wait(output_id=cut.output_id, offset=offset, max_tokens=1_000)
            header, text = page.content()
            assert header == codemode.TextItem("Script completed\nWall time 0.0 seconds\nOutput:")
            assert text == codemode.TextItem(page.text)
            assert len(page.text.encode()) <= 4_000
            assert (page.cell_id, page.output_id) == (cut.cell_id, cut.output_id)
            pages.append(page.text)
            offset = page.next_offset
    assert "".join(pages) == whole
    assert all(page.endswith("\n") for page in pages[:-1])


async def test_each_observation_of_a_cell_has_an_output_of_its_own(turn: codemode.Turn) -> None:
    first = await turn.exec(
        "text('a'.repeat(900)); yield_control(); await tools.gated({}); text('b'.repeat(900))", max_output_tokens=9
    )
    await turn.run("await tools.open_gate()")
    second = await turn.wait(first.cell_id, max_tokens=9)

    assert (first.status, second.status) == ("running", "completed")
    assert (await turn.wait(output_id=first.output_id)).text == "a" * 900
    assert (await turn.wait(output_id=second.output_id, offset=899)).text == "b"
    again = await turn.wait(first.cell_id, max_tokens=9)
    assert again.output_id == second.output_id
    assert (await turn.wait(first.cell_id)).output_id is None


async def test_a_page_of_a_failed_cell_is_the_page_alone(turn: codemode.Turn) -> None:
    failed = await turn.run("text('a'.repeat(900)); throw new Error('no')", max_output_tokens=9)
    page = await turn.wait(output_id=failed.output_id)

    assert (page.status, texts(page)[1:]) == ("failed", ["a" * 900])
    assert page.error == failed.error


async def test_an_output_that_fits_its_budget_has_no_pages(turn: codemode.Turn) -> None:
    assert (await turn.run("text('a')")).output_id is None
    assert (await turn.run("text('a'.repeat(40))", max_output_tokens=10)).output_id is None


async def test_an_unknown_output_or_offset_is_the_callers_mistake(turn: codemode.Turn) -> None:
    cut = await turn.run("text('a'.repeat(90))", max_output_tokens=9)

    with pytest.raises(codemode.OutputNotFound, match="no output has the id 'x'"):
        await turn.wait(output_id="x")
    with pytest.raises(codemode.UsageError, match=r"offset is 91, but the output '1\.1' has 90 characters"):
        await turn.wait(output_id=cut.output_id, offset=91)
    with pytest.raises(codemode.UsageError, match="offset is a whole number, at least 0, not -1"):
        await turn.wait(output_id=cut.output_id, offset=-1)
    assert (await turn.wait(output_id=cut.output_id, offset=90)).next_offset is None


# ── several cells ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_first_of_several_cells_that_changes_answers_and_the_others_keep_what_is_new(
    turn: codemode.Turn,
) -> None:
    slow = await turn.exec("text('slow'); await tools.gated({})", yield_time_ms=0)
    quick = await turn.exec("await tools.sleep({ ms: 100 }); text('quick')", yield_time_ms=0)
    ids = [slow.cell_id, quick.cell_id]

    first = await turn.wait(cell_ids=ids, yield_time_ms=FOR_EVER_MS)
    await turn.run("await tools.open_gate()")
    second = await turn.wait(cell_ids=ids, yield_time_ms=FOR_EVER_MS)
    third = await turn.wait(cell_ids=ids, yield_time_ms=FOR_EVER_MS)

    assert (first.cell_id, first.status, first.text) == (quick.cell_id, "completed", "quick")
    assert (second.cell_id, second.status) == (slow.cell_id, "completed")
    assert slow.text + second.text == "slow"
    assert third.delivered_before


async def test_several_cells_that_stay_quiet_answer_when_the_time_is_over(turn: codemode.Turn) -> None:
    ids = [(await turn.exec("await tools.never()", yield_time_ms=0)).cell_id for _ in range(3)]

    outcome = await turn.wait(cell_ids=ids, yield_time_ms=200)

    assert (outcome.cell_id, outcome.status) == (ids[0], "running")
    assert outcome.wall_time_s >= 0.2


async def test_several_cells_are_terminated_together(session: codemode.Session, turn: codemode.Turn, soon: Any) -> None:
    ids = [(await turn.exec("await tools.never()", yield_time_ms=0)).cell_id for _ in range(3)]

    with soon():
        outcomes = [await turn.wait(cell_ids=ids, terminate=True) for _ in ids]

    assert {outcome.cell_id: outcome.status for outcome in outcomes} == dict.fromkeys(ids, "terminated")
    assert session.live_cells == ()


async def test_wait_says_what_is_wrong_with_its_arguments(turn: codemode.Turn) -> None:
    done = await turn.run("1")
    for arguments, message in (
        ({}, "takes a cell_id, cell_ids, or the output_id"),
        ({"cell_ids": []}, "a list of at least one"),
        ({"cell_ids": done.cell_id}, "a list of at least one"),
        ({"cell_id": done.cell_id, "cell_ids": [done.cell_id]}, "stands instead of cell_id"),
        ({"cell_ids": [done.cell_id, "99"]}, "no cell has the id '99'"),
        ({"cell_id": done.cell_id, "until": "done"}, 'until is "settled" or "output"'),
    ):
        with pytest.raises(codemode.UsageError, match=message):
            await turn.wait(**arguments)


# ── floors and tokenizers ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_floor_holds_for_exec_wait_and_what_a_script_sets(lab: Any, toolbox: Any) -> None:
    async with (
        lab.service.open_session(toolbox.registry, min_yield_time_ms=300) as session,
        session.open_turn() as turn,
    ):
        begun = await turn.exec("await tools.never()", yield_time_ms=1)
        waited = await turn.wait(begun.cell_id, yield_time_ms=0)
        scripted = await turn.exec("set_yield_time(0); await tools.never()")
        yielded = await turn.exec("yield_control(); await tools.never()")

    assert all(outcome.wall_time_s >= 0.3 for outcome in (begun, waited, scripted))
    assert yielded.wall_time_s < 5
    with pytest.raises(codemode.UsageError, match="min_yield_time_ms is a whole number"):
        lab.service.open_session(min_yield_time_ms=-1)


async def test_a_tokenizer_of_the_hosts_counts_for_budgets_and_pages(lab: Any) -> None:
    def words(text: str) -> int:
        return len(text.split())

    async with lab.service.open_session(tokenizer=words) as session, session.open_turn() as turn:
        fits = await turn.exec("text('word '.repeat(10))", max_output_tokens=10)
        cut = await turn.exec("text(Array.from({ length: 100 }, (_, i) => `w${i}`).join(' '))", max_output_tokens=10)
        page = await turn.wait(output_id=cut.output_id, max_tokens=30)

    assert fits.output_id is None
    assert "…90 tokens truncated…" in texts(cut)[1]
    assert "w0 w1 w2 w3 w4" in texts(cut)[1]
    assert page.text.split() == [f"w{i}" for i in range(30)]


async def test_a_kept_cell_lives_while_somebody_waits_for_it(
    lab: Any, toolbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codemode.host.session.KEEP_S", 0.5)
    async with lab.service.open_session(toolbox.registry) as session:
        async with session.open_turn(on_end="keep") as turn:
            kept = await turn.exec("await tools.never()", yield_time_ms=0)
        async with session.open_turn() as later:
            observed = await later.wait(kept.cell_id, yield_time_ms=1_500)
            await trio.sleep(1.5)
            forgotten = await later.wait(kept.cell_id, yield_time_ms=0)

    assert observed.status == "running"
    assert forgotten.status == "terminated"
