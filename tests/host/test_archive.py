"""`codemode.host.archive`: what has ended is at rest, and is as it was when it is asked for again."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest

import codemode
from codemode.host.archive import Archive
from codemode.host.cell import Cell, Verdict
from codemode.host.output import token_count
from codemode.host.running_cell import RunningCell
from codemode.host.session import Session
from codemode.wire import messages as m


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
    session: Session, turn: codemode.Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested: list[RunningCell] = []
    lay_to_rest = Session._lay_to_rest
    monkeypatch.setattr(
        Session, "_lay_to_rest", lambda self: (rested.extend(self._cells.values()), lay_to_rest(self))[1]
    )
    for _ in range(5):
        await turn.run("text('x'.repeat(1_000_000))")

    assert len(rested) == 4
    assert [*session._cells] == ["5"]
    assert len(turn._cells) == 1
