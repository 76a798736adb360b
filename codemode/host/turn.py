"""One model turn: runs scripts and observes cells, and keeps its worker from script to script."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, Protocol

import trio

from codemode.errors import ClosedError, UsageError
from codemode.host.cell import TERMINATED, Cell, Phase, Verdict
from codemode.host.outcome import CellOutcome
from codemode.host.running_cell import CellOwner, RunningCell, Until, stop_all
from codemode.host.values import well_formed
from codemode.host.worker_handle import WorkerHandle
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

    def check_open(self) -> None:
        """Raises `ClosedError` where the session has been closed."""
        ...

    def find(self, cell_id: str) -> RunningCell:
        """The cell of that id, or `CellNotFound`."""
        ...

    def new_cell(self, max_output_tokens: int) -> Cell:
        """The next cell of the session."""
        ...

    def start_message(self, cell: Cell, source: str) -> m.Start:
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
        self, source: str, *, yield_time_ms: int | None = None, max_output_tokens: int | None = None
    ) -> CellOutcome:
        """Runs a script until it ends, yields, or its yield time is over; it goes on in the background then.

        Args:
            source: one ES module.
            yield_time_ms: milliseconds; 10,000 by default. The script's own `set_yield_time` goes before it.
            max_output_tokens: the budget of the outcome's `content()`; 10,000 by default.

        Returns:
            What came of it. Whatever the script, its source, a worker or the machine did is an outcome.

        Raises:
            ClosedError: the turn or its session has been closed.
            UsageError: an argument is of the wrong kind.

        Cancelling it terminates the cell.
        """
        default_ms = _amount("yield_time_ms", yield_time_ms, YIELD_TIME_MS)
        running = self._begin(source, max_output_tokens)

        def yield_s() -> float:
            chosen = running.cell.exec_yield_ms
            return (default_ms if chosen is None else chosen) / 1000

        try:
            return await running.observe(yield_s=yield_s, max_tokens=lambda: running.cell.exec_max_output_tokens)
        except trio.Cancelled:
            running.stop(TERMINATED)
            raise

    async def run(self, source: str, *, max_output_tokens: int | None = None) -> CellOutcome:
        """Runs a script to its end, however long it takes and however often it yields. See `exec`."""
        running = self._begin(source, max_output_tokens)
        since, began_s = running.cell.begin_observation(), trio.current_time()
        try:
            await running.until_settled()
        except trio.Cancelled:
            running.stop(TERMINATED)
            raise
        return running.cell.outcome(since, trio.current_time() - began_s, running.cell.exec_max_output_tokens)

    async def wait(
        self,
        cell_id: str,
        *,
        yield_time_ms: int | None = None,
        max_tokens: int | None = None,
        terminate: bool = False,
        until: Until = "settled",
    ) -> CellOutcome:
        """Observes a cell of this session until it ends, yields, or the time is over.

        Args:
            cell_id: as an earlier outcome named it.
            yield_time_ms: milliseconds; 10,000 by default.
            max_tokens: the budget of the outcome's `content()`; 10,000 by default.
            terminate: end the cell first. One that has ended meanwhile has ended as it did.
            until: `output` returns as soon as the script has emitted something.

        Returns:
            What is new since the last observation; for a cell whose end was delivered, its last outcome again.

        Raises:
            CellNotFound: the session has no such cell; it names those that run.
            ClosedError: the turn or its session has been closed.
            UsageError: an argument is of the wrong kind.
        """
        self._check_open()
        if until not in ("settled", "output"):
            raise UsageError(f'until is "settled" or "output", not {until!r}')
        yield_time_s = _amount("yield_time_ms", yield_time_ms, YIELD_TIME_MS) / 1000
        budget = _amount("max_tokens", max_tokens, MAX_TOKENS)
        running = self._session.find(cell_id)
        if terminate:
            running.stop(TERMINATED)
            yield_time_s = float("inf")  # the end is near, and bounded
        return await running.observe(
            yield_s=lambda: yield_time_s, max_tokens=lambda: budget, until="settled" if terminate else until
        )

    def _begin(self, source: str, max_output_tokens: int | None) -> RunningCell:
        self._check_open()
        if not isinstance(source, str):
            raise UsageError(f"source is a string, not {type(source).__name__}")
        cell = self._session.new_cell(_amount("max_output_tokens", max_output_tokens, MAX_TOKENS))
        source = well_formed(source)
        running = RunningCell(
            cell,
            self._session,
            start=lambda: self._session.start_message(cell, source),
            lease=lambda: self._lease(cell.number),
            give_back=lambda worker: self._give_back(cell.number, worker),
        )
        size, most = len(source.encode()), self._session.limits.max_source_bytes
        if size > most:
            running.stop(Verdict.failed("source_too_large", f"the script has {size} bytes; at most {most} are taken"))
        self._cells.append(running)
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


def _amount(name: str, given: int | None, default: int) -> int:
    if given is None:
        return default
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise UsageError(f"{name} is a whole number, at least 0, not {given!r}")
    return min(given, _MOST)


@asynccontextmanager
async def hold_turn(session: TurnOwner, on_end: Literal["terminate", "keep"]) -> AsyncIterator[Turn]:
    """The turn of `Session.open_turn`."""
    turn = Turn(session)
    try:
        yield turn
    finally:
        await turn.close(on_end)
