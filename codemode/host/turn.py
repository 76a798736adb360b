"""One model turn: runs scripts and observes cells, and keeps its worker from script to script."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal, Protocol, get_args

import trio

from codemode.errors import ClosedError, UsageError, check_whole
from codemode.host.cell import TERMINATED, Cell, Phase, Verdict
from codemode.host.events import CellStarted
from codemode.host.outcome import CellOutcome
from codemode.host.running_cell import CellOwner, RunningCell, Until, observe, stop_all
from codemode.host.values import well_formed
from codemode.host.worker_handle import WorkerHandle
from codemode.pragma import PragmaError, read_pragma
from codemode.wire import messages as m

YIELD_TIME_MS = 10_000
MAX_TOKENS = 10_000
FIT_S = 0.5
"""How long a worker that has just ended a cell may take to make its next engine: fifty times what it takes."""
_MOST = 10**12  # of milliseconds or tokens: more is as good as no end
MAX_IDLE_WORKERS = 2
"""Workers that a turn keeps from script to script: one, and another for a script beside it."""


class TurnOwner(CellOwner, Protocol):
    """What a turn needs of its session."""

    min_yield_time_ms: int

    def check_open(self) -> None:
        """Raises `ClosedError` where the session has been closed."""
        ...

    def find(self, cell_id: str) -> RunningCell:
        """The cell of that id, or `CellNotFound`."""
        ...

    def find_output(self, output_id: str) -> Cell:
        """The cell that had the output, or `OutputNotFound`."""
        ...

    def new_cell(self, max_output_tokens: int) -> Cell:
        """The next cell of the session."""
        ...

    def start_message(self, cell: Cell, source: str, language: m.Language) -> m.Start:
        """What a worker is told to run this script."""
        ...

    def run_cell(self, running: RunningCell) -> None:
        """Lets a cell run in the background of the session."""
        ...

    def keep(self, running: RunningCell) -> None:
        """Lets a cell go on without a turn, until its lease runs out."""
        ...

    async def lease_worker(self) -> WorkerHandle:
        """A new worker that stands ready, or `WorkerUnavailable`."""
        ...


class Turn:
    """Runs scripts in workers that belong to this turn alone. Made by `Session.open_turn`."""

    def __init__(self, session: TurnOwner) -> None:
        self._session = session
        self._idle: list[tuple[int, WorkerHandle]] = []
        """Each with the number of the last cell that it ran: on a wire these only grow."""
        self._cells: list[RunningCell] = []
        self._closed = False

    async def exec(
        self,
        source: str,
        *,
        yield_time_ms: int | None = None,
        max_output_tokens: int | None = None,
        language: m.Language = "javascript",
    ) -> CellOutcome:
        """Runs a script until it ends, yields, or its yield time is over; it goes on in the background then.

        Args:
            source: one ES module.
            yield_time_ms: milliseconds; 10,000 by default. The script's own `set_yield_time` goes before it, and its
                pragma; less than the session's floor is as much as that.
            max_output_tokens: the budget of the outcome's `content()`; 10,000 by default.
            language: `typescript` for what is TypeScript from its start. In JavaScript types are erased too, but only
                where V8 does not take the source as it is.

        Returns:
            What came of it. Whatever the script, its source, a worker or the machine did is an outcome.

        Raises:
            ClosedError: the turn or its session has been closed.
            UsageError: an argument is of the wrong kind.

        Cancelling it terminates the cell.
        """
        default_ms = _amount("yield_time_ms", yield_time_ms, YIELD_TIME_MS)
        running = self._begin(source, max_output_tokens, language)

        def yield_s() -> float:
            chosen = running.cell.exec_yield_ms
            return max(default_ms if chosen is None else chosen, self._session.min_yield_time_ms) / 1000

        try:
            return await observe(
                [running.observation()], yield_s=yield_s, max_tokens=lambda: running.cell.exec_max_output_tokens
            )
        except trio.Cancelled:
            running.stop(TERMINATED)
            raise

    async def run(
        self, source: str, *, max_output_tokens: int | None = None, language: m.Language = "javascript"
    ) -> CellOutcome:
        """Runs a script to its end, however long it takes and however often it yields. See `exec`."""
        running = self._begin(source, max_output_tokens, language)
        whole, began_s = running.observation(), trio.current_time()
        running.note_observer(present=True)
        try:
            await running.until_settled()
        except trio.Cancelled:
            running.stop(TERMINATED)
            raise
        finally:
            running.note_observer(present=False)
        return whole.take(trio.current_time() - began_s, running.cell.exec_max_output_tokens)

    async def wait(
        self,
        cell_id: str | None = None,
        *,
        cell_ids: Sequence[str] | None = None,
        yield_time_ms: int | None = None,
        max_tokens: int | None = None,
        terminate: bool = False,
        until: Until = "settled",
        output_id: str | None = None,
        offset: int = 0,
    ) -> CellOutcome:
        """Observes a cell of this session until it ends, yields, or the time is over; or reads on in a cut output.

        Args:
            cell_id: as an earlier outcome named it.
            cell_ids: several cells instead: the first that changes answers. One whose end was delivered is passed over
                while there is another.
            yield_time_ms: milliseconds; 10,000 by default. Less than the session's floor is as much as that.
            max_tokens: the budget of the outcome's `content()`; 10,000 by default.
            terminate: end the cell first, or all of them. One that has ended meanwhile has ended as it did.
            until: `output` returns as soon as the script has emitted something.
            output_id: as an outcome named it whose output was cut: gives one page of the whole text, at once, and says
                in `next_offset` where the next begins. No cell is needed.
            offset: where the page begins, in characters, from 0.

        Returns:
            What is new since the last observation; for a cell whose end was delivered, its last outcome again.

        Raises:
            CellNotFound: the session has no such cell; it names those that run.
            OutputNotFound: the session has no such output.
            ClosedError: the turn or its session has been closed.
            UsageError: an argument is of the wrong kind.
        """
        self._check_open()
        if until not in ("settled", "output"):
            raise UsageError(f'until is "settled" or "output", not {until!r}')
        if not isinstance(terminate, bool):
            raise UsageError(f"terminate is True or False, not {terminate!r}")
        yield_time_s = (
            max(_amount("yield_time_ms", yield_time_ms, YIELD_TIME_MS), self._session.min_yield_time_ms) / 1000
        )
        budget = _amount("max_tokens", max_tokens, MAX_TOKENS)
        if output_id is not None:
            return self._session.find_output(output_id).page(output_id, _amount("offset", offset, 0), budget)
        cells = [self._session.find(each) for each in _several(cell_id, cell_ids)]
        if terminate:
            for running in cells:
                running.stop(TERMINATED)
            yield_time_s = float("inf")  # the end is near, and bounded
        observations = [running.observation("settled" if terminate else until) for running in cells]
        fresh = [observation for observation in observations if not observation.was_delivered]
        return await observe(fresh or observations, yield_s=lambda: yield_time_s, max_tokens=lambda: budget)

    def _begin(self, source: str, max_output_tokens: int | None, language: m.Language) -> RunningCell:
        self._check_open()
        if not isinstance(source, str):
            raise UsageError(f"source is a string, not {type(source).__name__}")
        if language not in get_args(m.Language):
            raise UsageError(f'language is "javascript" or "typescript", not {language!r}')
        cell = self._session.new_cell(_amount("max_output_tokens", max_output_tokens, MAX_TOKENS))
        source = well_formed(source)
        with contextlib.suppress(PragmaError):  # the worker will say what is wrong with it, and where
            cell.begin_with(read_pragma(source))
        running = RunningCell(
            cell,
            self._session,
            start=lambda: self._session.start_message(cell, source, language),
            lease=lambda: self._lease(cell.number),
            give_back=lambda worker: self._give_back(cell.number, worker),
        )
        size, most = len(source.encode()), self._session.limits.max_source_bytes
        if size > most:
            running.stop(Verdict.failed("source_too_large", f"the script has {size} bytes; at most {most} are taken"))
        self._cells = [*(each for each in self._cells if each.cell.phase is not Phase.SETTLED), running]
        self._session.hub.publish(CellStarted(cell.cell_id, 0.0, source))
        self._session.run_cell(running)
        return running

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the turn has ended; open a new one")
        self._session.check_open()

    async def _lease(self, number: int) -> WorkerHandle:
        """The turn's own worker where it has an idle one that ran no later cell than this, else a new one."""
        earlier = [place for place, (last, _) in enumerate(self._idle) if last < number]
        if earlier:
            _, worker = self._idle.pop(earlier[-1])
            if await worker.prove_fit(FIT_S):
                return worker
        return await self._session.lease_worker()

    def _give_back(self, number: int, worker: WorkerHandle) -> None:
        if self._closed or worker.is_ending or worker.is_busy or len(self._idle) >= MAX_IDLE_WORKERS:
            worker.kill()
        else:
            self._idle.append((number, worker))

    async def close(self, on_end: Literal["terminate", "keep"]) -> None:
        """Ends the turn: its idle workers, and by policy its cells."""
        self._closed = True
        for _, worker in self._idle:
            worker.kill()
        self._idle.clear()
        if on_end == "keep":
            for running in self._cells:
                if running.cell.phase is not Phase.SETTLED:
                    self._session.keep(running)
        else:
            with trio.CancelScope(shield=True):  # every cell is settled in bounded time
                await stop_all(self._cells, TERMINATED)


def _several(cell_id: str | None, cell_ids: Sequence[str] | None) -> Sequence[str]:
    """The cells that a wait names, in either way."""
    if cell_ids is None:
        if cell_id is None:
            raise UsageError("wait takes a cell_id, cell_ids, or the output_id of an output that was cut")
        return [cell_id]
    if cell_id is not None or isinstance(cell_ids, str) or not cell_ids:
        raise UsageError("cell_ids is a list of at least one cell id, and stands instead of cell_id")
    return cell_ids


def _amount(name: str, given: int | None, default: int) -> int:
    if given is None:
        return default
    check_whole(name, given)
    return min(given, _MOST)


@asynccontextmanager
async def hold_turn(session: TurnOwner, on_end: Literal["terminate", "keep"]) -> AsyncIterator[Turn]:
    """The turn of `Session.open_turn`."""
    turn = Turn(session)
    try:
        yield turn
    finally:
        await turn.close(on_end)
