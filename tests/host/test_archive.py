"""`codemode.host.archive`: what has ended is at rest, and is as it was when it is asked for again."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from typing import Any

import pytest
import trio

import codemode
from codemode.host.archive import Archive
from codemode.host.cell import Cell, Verdict
from codemode.host.outcome import ContentItem
from codemode.host.output import token_count
from codemode.host.session import Session
from codemode.wire import messages as m


@pytest.fixture
def rested(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the cells that were laid to rest."""
    rested: list[str] = []
    put = Archive.put

    def noted(self: Archive, cell: Cell) -> None:
        rested.append(cell.cell_id)
        put(self, cell)

    monkeypatch.setattr(Archive, "put", noted)
    return rested


def ended(number: int, text: str) -> Cell:
    cell = Cell(number, max_output_tokens=10, max_console_bytes=100, count=lambda text: len(text) // 2)
    cell.receive(m.Output(number, (("text", text),)))
    cell.end(Verdict("completed"))
    cell.settle()
    return cell


def text_of(cell: Cell | None) -> str:
    assert cell is not None
    return cell.outcome(cell.begin_observation(), 0.0, 10).text


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_cell_is_as_it_was_and_at_rest_no_longer(size: int) -> None:
    archive = Archive()
    archive.put(ended(1, "a" * size))
    archive.put(ended(2, "b" * size))
    assert len(archive) == 2

    assert text_of(archive.take("2", token_count)) == "b" * size
    assert text_of(archive.take("1", token_count)) == "a" * size
    assert archive.take("1", token_count) is None
    archive.close()


def test_without_room_on_disk_a_cell_is_kept_in_memory(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def full(**_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    archive = Archive()
    archive.put(ended(1, "a" * 10_000))

    assert text_of(archive.take("1", token_count)) == "a" * 10_000
    assert "kept in memory" in caplog.text


def test_a_cell_that_comes_back_takes_no_more_of_the_disk() -> None:
    archive = Archive()
    archive.put(ended(1, "a" * 100_000))
    archive.put(ended(2, "b" * 100_000))
    size = archive.file_bytes
    for budget in range(10, 20):
        cell = archive.take("1", token_count)
        assert cell is not None
        cell.outcome(cell.begin_observation(), 0.0, budget)
        archive.put(cell)

    assert 200_000 < size == archive.file_bytes
    assert text_of(archive.take("1", token_count)) == "a" * 100_000
    assert text_of(archive.take("2", token_count)) == "b" * 100_000
    archive.close()


def test_all_that_a_cell_said_comes_back() -> None:
    cell = Cell(1, max_output_tokens=10, max_console_bytes=100)
    block = '{"block": {"type": "text", "text": "b", "of": [1, {"two": null}]}}'
    image = '{"image_url": "https://x", "detail": "low"}'
    cell.receive(m.Output(1, (("text", "one"), ("image", image), ("content", block), ("text", "\ufffd"))))
    cell.receive(m.Output(1, (("audio", '{"audio_url": "data:x"}'),)))
    cell.receive(m.Logs(1, (("log", "l"), ("warn", "w"))))
    call = cell.ledger.make("tool", 5)
    cell.ledger.settle(call, "error", "denied", 1.5)
    cell.end(Verdict.failed("script_error", "so"))
    cell.settle()
    before = cell.outcome(cell.begin_observation(), 0.0, 10)

    archive = Archive()
    archive.put(cell)
    again = archive.take("1", token_count)
    assert again is not None
    assert again.outcome(again.begin_observation(), 0.0, 10) == replace(before, delivered_before=True)


def test_what_the_program_has_made_of_a_block_is_kept_as_it_is(caplog: Any) -> None:
    cell = ended(1, "a")
    cell._items.append(ContentItem({"type": "text", "text": "b", "of": lambda: None}))
    archive = Archive()
    archive.put(cell)

    assert archive.take("1", token_count) is cell
    assert "kept as it is" in caplog.text


async def test_whatever_a_session_ran_is_answered_again_with_its_tokenizer(toolbox: Any, lab: Any) -> None:
    async with (
        lab.service.open_session(toolbox.registry, tokenizer=lambda text: len(text.split())) as session,
        session.open_turn() as turn,
    ):
        first = await turn.run(
            "text('word '.repeat(20_000)); console.log('noted'); await tools.answer(); throw new Error('so')",
            max_output_tokens=10,
        )
        unseen = await turn.exec("yield_control(); await tools.answer(); text('unseen')")
        for number in range(20):
            assert (await turn.run(f"text({number})")).text == str(number)
        again = await turn.wait(first.cell_id, max_tokens=10)
        page = await turn.wait(output_id=first.output_id, offset=99_995, max_tokens=10)
        late = await turn.wait(unseen.cell_id)
        statistics = session.statistics()

    assert (again.delivered_before, again.items, again.calls, again.logs, again.error, again.output_id) == (
        True, first.items, first.calls, first.logs, first.error, first.output_id,
    )  # fmt: skip
    assert (page.text, page.next_offset) == ("word ", None)
    assert (unseen.text + late.text, late.delivered_before, late.status) == ("unseen", False, "completed")
    assert (statistics.cells, statistics.live_cells, statistics.open_calls) == (22, 0, 0)


async def test_nothing_of_a_cell_stays_in_memory_but_a_little(
    session: Session, turn: codemode.Turn, rested: list[str]
) -> None:
    for _ in range(5):
        await turn.run("text('x'.repeat(1_000_000))")

    assert rested == ["1", "2", "3", "4"]
    assert [*session._cells] == ["5"]
    assert len(turn._cells) == 1


async def test_others_have_their_turn_between_cells_that_are_laid_to_rest(
    session: Session, turn: codemode.Turn, rested: list[str]
) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(turn.run, "await tools.answer()")
    seen: list[int] = []

    async def look(*, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        while True:
            await trio.lowlevel.checkpoint()
            seen.append(len(rested))

    async with trio.open_nursery() as nursery:
        await nursery.start(look)
        await turn.run("")
        nursery.cancel_scope.cancel()

    assert {1, 2, 3} & {*seen}
    assert seen[-1] == 4
