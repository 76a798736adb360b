"""A session lives as long as an agent's conversation: its stored values, its cells, and the tools that they call."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import trio

from codemode.errors import CellNotFound, ClosedError, OutputNotFound, UsageError
from codemode.host.approvals import ApprovalRequest, OnApproval
from codemode.host.archive import Archive
from codemode.host.cell import TERMINATED, Cell, Phase, Verdict
from codemode.host.declarations import declaration
from codemode.host.dispatcher import CallTool, ToolDispatcher, the_call_of
from codemode.host.events import EventHub, EventStream
from codemode.host.hooks import CallHooks
from codemode.host.memory import MemoryKeeper
from codemode.host.model_tools import ToolReply, call
from codemode.host.nurseries import background_nursery
from codemode.host.output import TokenCount, token_count
from codemode.host.running_cell import RunningCell, stop_all
from codemode.host.store import BoundedStore, MemoryStore, Store, StoreFull
from codemode.host.tool_specs import tool_specs
from codemode.host.tools import Tool, ToolRegistry
from codemode.host.turn import Turn, hold_turn
from codemode.host.values import well_formed
from codemode.host.worker_handle import WorkerHandle
from codemode.limits import Limits
from codemode.wire import messages as m

_log = logging.getLogger("codemode")

Notify = Callable[[str, str], None]
OnEnd = Literal["terminate", "keep"]

KEEP_S = 600.0
"""How long a kept cell goes on after the last observation of it."""
CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class SessionStatistics:
    """What a session has, at one moment.

    Attributes:
        cells: cells that it ever ran.
        live_cells: cells that run.
        open_calls: calls of these that are open.
        threads_left_behind: threads of calls that have been answered without them, whose functions still run.
        tasks_left_behind: likewise tasks, of async tools that do not heed their cancellation.
    """

    cells: int
    live_cells: int
    open_calls: int
    threads_left_behind: int
    tasks_left_behind: int


class WorkerSource(Protocol):
    """What a session needs of its service."""

    limits: Limits
    thread_limiter: trio.CapacityLimiter
    memory: MemoryKeeper

    def check_open(self) -> None:
        """Raises `ClosedError` where the service has been closed."""
        ...

    async def lease_worker(self) -> WorkerHandle:
        """A new worker that stands ready, or `WorkerUnavailable`."""
        ...


class Session:
    """Cells, stored values and tools of one conversation. Made by `Service.open_session`."""

    def __init__(
        self,
        service: WorkerSource,
        tools: ToolRegistry,
        *,
        session_id: str | None,
        store: Store | None,
        dispatcher: ToolDispatcher | None,
        hooks: Iterable[CallHooks],
        on_approval: OnApproval | None,
        on_notify: Notify | None,
        min_yield_time_ms: int,
        tokenizer: TokenCount | None,
        nursery: trio.Nursery,
    ) -> None:
        self._service = service
        self.limits = service.limits
        self.tools = tools
        self.session_id = uuid.uuid4().hex if session_id is None else session_id
        self.dispatcher = dispatcher or ToolDispatcher(
            tools,
            hooks=hooks,
            on_approval=on_approval,
            thread_limiter=service.thread_limiter,
            max_result_bytes=service.limits.max_result_bytes,
        )
        self.call_tool_of_script: CallTool = the_call_of(self.dispatcher)
        self.believes_dispatcher = type(self.dispatcher) is ToolDispatcher
        self._store = BoundedStore(
            MemoryStore() if store is None else store, service.limits.max_store_bytes, service.limits.max_store_keys
        )
        self._on_notify = on_notify
        self.min_yield_time_ms = min_yield_time_ms
        self.hub = EventHub()
        self._count = tokenizer or token_count
        self._nursery = nursery
        self._cells: dict[str, RunningCell] = {}
        """Those that run, and those that ended since the last one began. The others are at rest."""
        self._archive = Archive()
        self._memory = service.memory
        self._last_number = 0
        self._turns: list[Turn] = []
        """Those that are open, the one opened last at the end."""
        self._own_turn = Turn(self)
        """Where a model's calls go while no turn is open. Its cells outlive the calls that began them."""
        self._closed = False

    def __repr__(self) -> str:
        return f"<Session {self.session_id}, {self._last_number} cells, {len(self.live_cells)} running>"

    @property
    def live_cells(self) -> tuple[str, ...]:
        """The ids of the cells that run."""
        return tuple(cell_id for cell_id, running in self._cells.items() if running.cell.phase is not Phase.SETTLED)

    def statistics(self) -> SessionStatistics:
        """What it has now."""
        open_calls = {True: 0, False: 0}
        for running in self._cells.values():
            open_calls[running.cell.phase is Phase.SETTLED] += running.open_calls
        return SessionStatistics(
            cells=self._last_number,
            live_cells=len(self.live_cells),
            open_calls=open_calls[False],
            threads_left_behind=getattr(self.dispatcher, "threads_left_behind", 0),
            tasks_left_behind=open_calls[True] + getattr(self.dispatcher, "tasks_left_behind", 0),
        )

    @property
    def waiting_for_approval(self) -> tuple[ApprovalRequest, ...]:
        """The calls of this session's scripts that wait until somebody approves them, in their order."""
        waiting: tuple[ApprovalRequest, ...] = getattr(self.dispatcher, "waiting_for_approval", ())
        return tuple(request for request in waiting if request.invocation.session_id == self.session_id)

    def events(self) -> EventStream:
        """What happens in the session from now on, as it happens: an async iterator, which ends with the session.

        A cell's events come in their order. While 1,000 events wait to be taken, the workers of the session are slowed
        down, so a stream is to be read, closed or dropped.
        """
        return self.hub.listen()

    def open_turn(self, *, on_end: OnEnd = "terminate") -> AbstractAsyncContextManager[Turn]:
        """A model turn, for `async with`.

        Args:
            on_end: what happens to cells that still run when the block ends. `terminate` ends them; `keep` lets them go
                on until they end, or nobody has observed them for 600 s, and any later turn may wait for them.

        Raises:
            ClosedError: the session has been closed.
        """
        self.check_open()
        if on_end not in ("terminate", "keep"):
            raise UsageError(f'on_end is "terminate" or "keep", not {on_end!r}')
        return self._hold_turn(on_end)

    @asynccontextmanager
    async def _hold_turn(self, on_end: OnEnd) -> AsyncIterator[Turn]:
        async with hold_turn(self, on_end) as turn:
            self._turns.append(turn)
            try:
                yield turn
            finally:
                self._turns.remove(turn)

    def tool_specs(self, format: str, *, max_tokens: int | None = None) -> list[dict[str, Any]]:  # noqa: A002
        """exec and wait as a model is to be told of them: what goes into a request as its `tools`.

        Args:
            format: the provider's form: "openai" or "openai.responses" (the Responses API), "openai.chat",
                "anthropic", "gemini" or "mcp".
            max_tokens: what the description of exec may come to; 8,000 by default. Where the tools' declarations do not
                all fit, the rest have a line each, or are named; scripts have `search_tools` and `describe_tool`.

        Raises:
            UsageError: there is no such format.
        """
        return tool_specs(self._tools_of_scripts(), format, max_tokens=max_tokens)

    async def call_tool(self, name: str, arguments: Any = None, *, format: str = "mcp") -> ToolReply:  # noqa: A002
        """Answers a model's call of exec or wait.

        It is made in the turn that was opened last and is still open. Where none is, the script goes on when this
        returns, until it ends, the session does, or nobody has observed it for 600 s.

        Args:
            name: "exec" or "wait".
            arguments: an object, or its JSON text; for exec also the source alone.
            format: whose form the content has; see `tool_specs`.

        Returns:
            What the model is to see. Whatever it did wrong is a reply with `is_error`, which tells it what to do.

        Raises:
            ClosedError: the session has been closed.
            UsageError: there is no such format.

        Cancelling an exec terminates its cell, cancelling a wait ends that observation only.
        """
        self.check_open()
        turn = self._turns[-1] if self._turns else self._own_turn
        reply = await call(turn, name, arguments, format)
        if turn is self._own_turn and name == "exec" and reply.outcome is not None:
            self.keep(self.find(reply.outcome.cell_id))
        return reply

    def check_open(self) -> None:
        """Raises `ClosedError` where the session has been closed."""
        if self._closed:
            raise ClosedError("the session has been closed; open a new one")
        self._service.check_open()

    # ── for turns ─────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, cell_id: str) -> RunningCell:
        """The cell of that id.

        Raises:
            CellNotFound: this session has none.
        """
        if not isinstance(cell_id, str):
            raise UsageError(f"a cell id is a string, not {cell_id!r}")
        if (running := self._find(cell_id)) is None:
            raise CellNotFound(cell_id, self.live_cells)
        return running

    def _find(self, cell_id: str) -> RunningCell | None:
        if cell_id not in self._cells and (cell := self._archive.take(cell_id, self._count)) is not None:
            self._cells[cell_id] = RunningCell.at_rest(cell, self)
        return self._cells.get(cell_id)

    def find_output(self, output_id: str) -> Cell:
        """The cell that had an output of that id cut.

        Raises:
            OutputNotFound: this session has none.
        """
        running = self._find(output_id.partition(".")[0])
        if running is None or not running.cell.has_output(output_id):
            raise OutputNotFound(output_id)
        return running.cell

    def new_cell(self, max_output_tokens: int) -> Cell:
        """The next cell of this session."""
        self._last_number += 1
        return Cell(
            self._last_number,
            max_output_tokens=max_output_tokens,
            max_console_bytes=self.limits.max_console_bytes,
            count=self._count,
        )

    def run_cell(self, running: RunningCell) -> None:
        """Lets a cell run in the background of this session."""
        self._nursery.start_soon(self._lay_to_rest)
        self._cells[running.cell.cell_id] = running
        if len(self.live_cells) > self.limits.max_live_cells:
            live = self.limits.max_live_cells
            running.stop(Verdict.failed("cell_limit", f"{live} cells run already; wait for one, or terminate one"))
        self._nursery.start_soon(running.run)

    async def _lay_to_rest(self) -> None:
        """What has ended is kept where it takes little room. A long output takes a while, so others have their turn."""
        for cell_id in list(self._cells):
            await trio.lowlevel.checkpoint()
            if (running := self._cells.get(cell_id)) is not None and running.may_rest:
                self._archive.put(self._cells.pop(cell_id).cell)
            del running  # else the last one would still be there to be looked at
        self._memory.look()

    def start_message(self, cell: Cell, source: str, language: m.Language) -> m.Start:
        """What a worker is told to run this script."""
        stored, left_out = self._store.load()
        if left_out:
            keys = ", ".join(map(repr, left_out[:20]))
            cell.note_in_log("warn", f"the store holds more than a session may; this script does not see {keys}")
        return m.Start(
            cell=cell.number,
            name=f"cell-{cell.cell_id}.js",
            source=source,
            language=language,
            tools=tuple(map(_entry, self._tools_of_scripts())),
            stored=stored,
            max_calls_in_flight=self.limits.max_calls_in_flight,
            max_store_bytes=self.limits.max_store_bytes,
        )

    def _tools_of_scripts(self) -> tuple[Tool, ...]:
        return tuple(tool for tool in self.tools if "code" in tool.definition.callers)

    def keep(self, running: RunningCell) -> None:
        """Lets a cell go on without a turn, until its lease runs out."""
        self._nursery.start_soon(self._end_when_forgotten, running)

    async def _end_when_forgotten(self, running: RunningCell) -> None:
        while running.cell.phase is not Phase.SETTLED:
            left_s = running.observed_s + KEEP_S - trio.current_time()
            if left_s <= 0:
                running.stop(TERMINATED)
                return
            with trio.move_on_after(left_s):
                await running.until_settled()

    async def lease_worker(self) -> WorkerHandle:
        """A new worker that stands ready.

        Raises:
            WorkerUnavailable: none could be started.
        """
        return await self._service.lease_worker()

    # ── for cells ─────────────────────────────────────────────────────────────────────────────────────────────

    def store_values(self, entries: tuple[tuple[str, str | None], ...], origin: RunningCell) -> None:
        """Keeps what a script stored, and tells the other cells that run."""
        others = [
            running for running in self._cells.values() if running is not origin and running.cell.phase is Phase.RUNNING
        ]
        for key, value in entries:
            try:
                self._store.put(key, value)
            except StoreFull as full:  # scripts side by side have each had room for theirs
                origin.cell.note_in_log("warn", f"{key!r} was not stored: {full}")
                continue
            except Exception as error:
                _log.exception("the store did not keep %r of cell %s", key, origin.cell.cell_id)
                origin.cell.note_in_log("warn", f"{key!r} may not have been stored: {type(error).__name__}")
            for other in others:
                other.tell_stored(key, value)

    def notify(self, cell: Cell, texts: tuple[str, ...]) -> None:
        """Hands on what a script gave to `notify`."""
        if self._on_notify is None:
            return
        for text in texts:
            try:
                self._on_notify(cell.cell_id, text)
            except Exception:
                _log.exception("on_notify raised for cell %s", cell.cell_id)

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────

    async def close(self) -> None:
        """Terminates what runs, answers all of it, and drops what comes later."""
        self._closed = True
        with trio.move_on_after(CLOSE_S, shield=True):
            await stop_all(self._cells.values(), TERMINATED)
        await self._own_turn.close("terminate")
        self._archive.close()
        self.hub.close()


def _entry(tool: Tool) -> tuple[str, str, str, str, bool, str]:
    definition = tool.definition
    description = well_formed(definition.description)
    return tool.identifier, tool.module, tool.name, description, definition.freeform, declaration(tool)


@asynccontextmanager
async def hold_session(make: Callable[[trio.Nursery], Session]) -> AsyncIterator[Session]:
    """The session of `Service.open_session`, with the tasks behind it.

    Args:
        make: gives the session, whose tasks run in that nursery.
    """
    async with background_nursery() as nursery:
        session = make(nursery)
        try:
            yield session
        finally:
            await session.close()
