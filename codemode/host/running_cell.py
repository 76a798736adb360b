"""Runs one cell: leases it a worker, serves its calls, lets observers wait, and settles it exactly once.

Everything here happens in tasks of the session, so calls are served while nobody observes the cell.
"""

from __future__ import annotations

import contextvars
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Literal, Protocol

import trio

from codemode.errors import LocalProtocolError, WorkerUnavailable
from codemode.host.allowance import Allowance, Overstepped
from codemode.host.approvals import ApprovalRequest
from codemode.host.calls import ToolCallError, ToolCallOutcome, ToolInvocation
from codemode.host.cell import TERMINATED, Cell, Phase, Verdict
from codemode.host.context import ToolContext
from codemode.host.dispatcher import CallTool
from codemode.host.events import (
    ApprovalAsked,
    ApprovalDecided,
    CallProgressed,
    CallSettled,
    CallStarted,
    CellEnded,
    EventHub,
    events_of,
)
from codemode.host.nurseries import JOIN_S, AbandonableTasks
from codemode.host.outcome import CallState, CellError, CellOutcome
from codemode.host.process import last_words
from codemode.host.values import JsonTooLarge, to_json_text
from codemode.host.worker_handle import Death, WorkerHandle
from codemode.limits import Limits
from codemode.wire import messages as m

_log = logging.getLogger("codemode")

DEATH_S = 1.0
"""How long a killed worker may take to be gone before the cell is settled without it."""

_MOST_SAID = 10_000
"""Characters of each field of a failed call's answer."""

_UNREADABLE = "SyntaxError: The source nests too deeply, or is too broken, to be read"

Until = Literal["settled", "output"]


class CellOwner(Protocol):
    """What a cell needs of the session that it belongs to. None of its methods raises."""

    limits: Limits
    session_id: str
    call_tool_of_script: CallTool
    believes_dispatcher: bool
    """Whether what `call_tool_of_script` gives is known to be well-formed."""
    hub: EventHub

    def store_values(self, entries: tuple[tuple[str, str | None], ...], origin: RunningCell) -> None:
        """Keeps what a script stored, and tells the other cells that run."""
        ...

    def notify(self, cell: Cell, texts: tuple[str, ...]) -> None:
        """Hands on what a script gave to `notify`."""
        ...


class RunningCell:
    """A cell, the worker that runs it and the calls that it has open.

    Args:
        cell: the state.
        owner: whose tools, store and limits it uses.
        start: what its worker is told.
        lease: gives a worker that is ready.
        give_back: takes the worker once the cell has ended.
    """

    def __init__(
        self,
        cell: Cell,
        owner: CellOwner,
        start: Callable[[], m.Start],
        lease: Callable[[], Awaitable[WorkerHandle]],
        give_back: Callable[[WorkerHandle], None],
    ) -> None:
        self.cell = cell
        self._owner = owner
        self._hub = owner.hub
        self._start = start
        self._lease = lease
        self._give_back = give_back
        self._began_s = trio.current_time()
        self._observed_s = self._began_s
        self._observers = 0
        self._worker: WorkerHandle | None = None
        self._scopes: dict[int, trio.CancelScope] = {}
        self._stopping: Verdict | None = None
        self._allowance = Allowance(owner.limits, cell.ledger)
        self._has_overstepped = False
        self._leasing = trio.CancelScope()
        # A tool sees the context variables of the exec that made the call possible.
        self._context = contextvars.copy_context()
        self._ended = trio.Event()
        self._tasks = AbandonableTasks()
        self._changed = trio.Event()

    @classmethod
    def at_rest(cls, cell: Cell, owner: CellOwner) -> RunningCell:
        """A cell that has been settled, to be observed again."""

        def never() -> Any:
            raise AssertionError("a cell that has been settled runs no more")

        running = cls(cell, owner, start=never, lease=never, give_back=lambda _: None)
        running._ended.set()
        return running

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def observed_s(self) -> float:
        """When somebody last observed the cell, on trio's clock: now, where somebody does."""
        return trio.current_time() if self._observers else self._observed_s

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """The cell's life, from lease to settled. Whatever happens here, the cell is settled."""
        try:
            with trio.move_on_after(self._owner.limits.max_wall_s or float("inf")):
                if not self._ended.is_set():  # refused before it began
                    await self._tasks.open()
                    await self._lease_and_start()
                    await self._ended.wait()
            if not self._ended.is_set():
                self.stop(_out_of_time(self._owner.limits.max_wall_s))
                await self._until_dead()
        except trio.Cancelled:
            self.stop(TERMINATED)
            raise
        finally:
            with trio.CancelScope(shield=True):
                await self._settle()

    async def _lease_and_start(self) -> None:
        try:
            with self._leasing:
                self._worker = await self._lease()
        except WorkerUnavailable as error:
            self._end(_lost("worker_unavailable", str(error), error.exit_status, error.stderr))
        except Exception as error:
            _log.exception("no worker for cell %s", self.cell.cell_id)
            self._end(Verdict.failed("worker_unavailable", f"no worker could be started: {type(error).__name__}"))
        if self._worker is None or self._ended.is_set():
            return
        try:
            self._worker.start(self._start(), self)
        except LocalProtocolError as error:
            self._end(Verdict.failed("worker_unavailable", f"the cell cannot be sent to its worker: {error}"))
        except Exception as error:  # a store of the user's that cannot be read
            _log.exception("cell %s could not be started", self.cell.cell_id)
            self._end(Verdict.failed("worker_unavailable", f"the cell could not be started: {type(error).__name__}"))

    async def _until_dead(self) -> None:
        with trio.move_on_after(DEATH_S, shield=True):
            await self._ended.wait()

    async def _settle(self) -> None:
        if self._stopping is not None and not self._ended.is_set():
            await self._until_dead()
        self._end(self._stopping or Verdict.failed("worker_crashed", "the cell was left without a worker"))
        await self._cancel_open_calls()
        self.cell.settle()
        self._announce()
        if self._hub and self.cell.verdict is not None:
            ending = CellEnded(self.cell.cell_id, self._now_ms(), self.cell.verdict.status, self.cell.verdict.error)
            self._hub.publish(ending)
        worker, self._worker = self._worker, None
        if worker is not None:
            self._give_back(worker)

    def stop(self, verdict: Verdict) -> None:
        """Ends the cell by ending its worker. A script that has already come to its end has ended so."""
        if self._ended.is_set() or self._stopping is not None:
            return
        self._stopping = verdict
        if self._worker is None:
            self._leasing.cancel()
            self._end(verdict)
        else:
            self._worker.kill()

    def _end(self, verdict: Verdict) -> None:
        self.cell.end(verdict)
        self._ended.set()

    # ── what the worker says ──────────────────────────────────────────────────────────────────────────────────

    def receive(self, message: m.Message) -> None:
        """See `Listener.receive`."""
        if self._has_overstepped or self.cell.phase is Phase.SETTLED:
            return
        try:
            self._admit(message)
        except Overstepped as overstepped:
            self._has_overstepped = True
            verdict = Verdict.failed(overstepped.code, overstepped.message)
            self.stop(verdict)
            self._end(self._stopping or verdict)  # it may say next that the cell has ended, and then is heard no more
            return
        if self._hub:
            for event in events_of(message, self.cell.cell_id, self._now_ms()):
                self._hub.publish(event)
        match message:
            case m.Calls(calls=calls, abortable=abortable):
                self._call(calls, abortable)
                return
            case m.Cancels(calls=calls):
                for call in calls:
                    if call in self._scopes:
                        self._scopes[call].cancel()
                return
            case m.Stores(entries=entries):
                if self._worker is not None:
                    for key, _ in entries:
                        self._worker.drop_stored(key)
                self._owner.store_values(entries, self)
                return
            case m.Notes(texts=texts):
                self._owner.notify(self.cell, texts)
                return
            case _:
                self.cell.receive(message)
        if self.cell.phase is not Phase.RUNNING:
            self._ended.set()
        self._announce()

    def _admit(self, message: m.Message) -> None:
        """Raises `Overstepped` for what no honest worker would say."""
        match message:
            case m.Output(items=items):
                self._allowance.admit_output([body for _, body in items])
            case m.Notes(texts=texts):
                self._allowance.admit_output(texts)
            case m.Calls(calls=calls):
                self._allowance.admit_calls(calls)
            case _:
                pass

    @property
    def is_full(self) -> bool:
        """See `Listener.is_full`."""
        return self._hub.is_full

    async def until_room(self) -> None:
        """See `Listener.until_room`."""
        await self._hub.until_room()

    def worker_died(self, death: Death) -> None:
        """See `Listener.worker_died`."""
        if self._stopping is not None:
            verdict = self._stopping
        elif death.of_reading:
            verdict = Verdict("failed", CellError("syntax_error", _UNREADABLE, line=1, column=1))
        elif death.of_memory:
            verdict = Verdict.failed("memory_limit", "the script used more memory than it may, and its worker is gone")
        elif death.of_cpu:
            verdict = Verdict.failed("cpu_limit", "the script used more CPU time than it may, and its worker is gone")
        else:
            verdict = _lost("worker_crashed", str(death), death.exit_status, death.stderr)
            _log.warning("cell %s: %s%s", self.cell.cell_id, death, last_words(death.stderr))
        self._end(verdict)
        self._announce()

    def tell_stored(self, key: str, value: str | None) -> None:
        """Another cell of the session stored a value."""
        if self._worker is not None and self.cell.phase is Phase.RUNNING:
            self._worker.tell_stored(key, value)

    # ── nested calls ──────────────────────────────────────────────────────────────────────────────────────────

    def _now_ms(self) -> float:
        return round((trio.current_time() - self._began_s) * 1000, 3)

    def _call(self, calls: tuple[tuple[int, str, str], ...], abortable: tuple[int, ...]) -> None:
        start_soon = self._tasks.start_soon
        for call, tool, arguments in calls:
            call_id = self.cell.ledger.make(tool, len(arguments))
            if self._hub:
                self._hub.publish(CallStarted(self.cell.cell_id, self._now_ms(), call_id, tool, arguments))
            invocation = ToolInvocation(
                call_id, tool, None, arguments, "code", self.cell.cell_id, self._owner.session_id, None, self
            )
            if self._tasks.is_closed:  # said by a worker that has been killed and is slow to go
                self._answer(call, tool, call_id, ToolCallOutcome.cancelled(call_id))
            elif call in abortable:
                # The scope is there before the task runs: its cancellation may be the very next message.
                self._scopes[call] = trio.CancelScope()
                self._context.run(start_soon, self._serve_abortably, call, invocation, name=tool)
            else:
                self._context.run(start_soon, self._serve, call, invocation, name=tool)

    # Ctrl-C is for the program's main task: in a task of trio's own it would bring down the run.
    @trio.lowlevel.enable_ki_protection
    async def _serve(self, call: int, invocation: ToolInvocation) -> None:
        """One task per call: runs it, and answers it whatever happens."""
        call_id, tool = invocation.call_id, invocation.tool
        outcome: ToolCallOutcome | None = None
        try:
            outcome = await self._owner.call_tool_of_script(invocation)
        except BaseException as error:  # also what would end a program: it was raised for this call, and ends this call
            if trio.current_effective_deadline() != -math.inf:
                _log.exception("the dispatcher raised for the call %s of %s", call_id, tool)
                outcome = ToolCallOutcome.failed(call_id, "tool_failed", type(error).__name__)
            elif isinstance(error, trio.Cancelled):
                raise
        finally:
            self._answer(call, tool, call_id, outcome or ToolCallOutcome.cancelled(call_id))

    async def _serve_abortably(self, call: int, invocation: ToolInvocation) -> None:
        """A scope costs half of what a trivial call costs, so only a call with a signal has one of its own."""
        with self._scopes[call] as scope:
            try:
                if scope.cancel_called:  # a tool that awaits nothing would not notice
                    call_id = invocation.call_id
                    self._answer(call, invocation.tool, call_id, ToolCallOutcome.cancelled(call_id))
                else:
                    await self._serve(call, invocation)
            finally:
                del self._scopes[call]

    def call_started(self, call_id: str) -> None:
        """See `CallWatcher`."""
        self.cell.ledger.start(call_id, self._now_ms())

    def approval_asked(self, request: ApprovalRequest) -> None:
        """See `CallWatcher`."""
        if self._hub:
            self._hub.publish(ApprovalAsked(self.cell.cell_id, self._now_ms(), request.call_id, request.tool))

    def approval_decided(self, request: ApprovalRequest) -> None:
        """See `CallWatcher`."""
        if self._hub:
            told = (request.call_id, request.tool, bool(request.is_allowed), request.reason)
            self._hub.publish(ApprovalDecided(self.cell.cell_id, self._now_ms(), *told))

    def call_progressed(self, context: ToolContext, message: str) -> None:
        """See `CallWatcher`."""
        if self._hub and not self._hub.is_full:  # a tool that tells of itself cannot be slowed down
            self._hub.publish(CallProgressed(self.cell.cell_id, self._now_ms(), context.call_id, context.tool, message))

    def _answer(self, call: int, tool: str, call_id: str, outcome: ToolCallOutcome) -> None:
        status, code, text = _told(tool, call_id, outcome, trusted=self._owner.believes_dispatcher)
        if not self._settle_call(call_id, status, code):
            return  # the cell has been settled without it
        if self.cell.phase is Phase.RUNNING and self._worker is not None:
            self._worker.answer(call, status, text)

    async def _cancel_open_calls(self) -> None:
        """Cancels and joins what the script left open. What does not end in time is settled without its task."""
        await self._tasks.close(JOIN_S)
        for call_id in self.cell.ledger.open:
            self._settle_call(call_id, "cancelled", "cancelled")

    def _settle_call(self, call_id: str, status: CallState, code: str | None) -> bool:
        """Settles a call in the ledger. False where it had been settled before."""
        now_ms, ledger = self._now_ms(), self.cell.ledger
        is_first = ledger.settle(call_id, status, code, now_ms)
        if is_first and self._hub:
            told = CallSettled(self.cell.cell_id, now_ms, call_id, ledger.tool_of(call_id), status, code)
            self._hub.publish(told)
        return is_first

    # ── observations ──────────────────────────────────────────────────────────────────────────────────────────

    def _announce(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    @property
    def may_rest(self) -> bool:
        """True where it has been settled, nobody observes it, and no call of it was left behind."""
        return self.cell.phase is Phase.SETTLED and not self._observers and not self.open_calls

    @property
    def open_calls(self) -> int:
        """How many of its calls have not ended; once the cell is settled, those that were left behind."""
        return self._tasks.living

    async def until_settled(self) -> None:
        """Waits until the cell has been settled."""
        while self.cell.phase is not Phase.SETTLED:
            await self._changed.wait()

    def observation(self, until: Until = "settled") -> Observation:
        """Begins to observe the cell, for `observe`."""
        return Observation(self, until)

    def note_observer(self, *, present: bool) -> None:
        """Somebody has begun to observe the cell, or has ended."""
        self._observers += 1 if present else -1
        self._observed_s = trio.current_time()

    @property
    def changed(self) -> trio.Event:
        """Set as soon as the worker says something more, or the cell comes nearer to its end."""
        return self._changed


class Observation:
    """One exec or wait looking at a cell. Until its outcome is taken it has consumed nothing.

    Args:
        running: the cell.
        until: `output`: something new is enough.
    """

    def __init__(self, running: RunningCell, until: Until) -> None:
        self.running = running
        self._until = until
        self._since = running.cell.begin_observation()
        self._yields = running.cell.yields

    @property
    def was_delivered(self) -> bool:
        """True where the cell's end had been given before this began."""
        return self._since is None

    @property
    def is_due(self) -> bool:
        """True where there is an outcome to be given: the end, a yield, output where that is waited for."""
        cell = self.running.cell
        return (
            cell.phase is Phase.SETTLED
            or cell.yields > self._yields
            or (self._until == "output" and cell.has_news(self._since))
        )

    def take(self, wall_time_s: float, max_tokens: int) -> CellOutcome:
        """All that is new since it began. Observations that are pending together give the same items."""
        return self.running.cell.outcome(self._since, wall_time_s, max_tokens)


async def observe(
    observations: Sequence[Observation], *, yield_s: Callable[[], float], max_tokens: Callable[[], int]
) -> CellOutcome:
    """The outcome of the first that has one, or of the first of them all when the time is over.

    Args:
        observations: at least one; what is not taken is left for a later one.
        yield_s: seconds after its beginning at which it returns; asked again whenever a cell changes.
        max_tokens: the budget of the outcome's content; asked at the end.
    """
    began_s = trio.current_time()
    for observation in observations:
        observation.running.note_observer(present=True)
    try:
        while not (due := [observation for observation in observations if observation.is_due]):
            with trio.move_on_at(began_s + yield_s()) as time:
                await _first_of([observation.running.changed for observation in observations])
            if time.cancelled_caught:
                break
    finally:
        for observation in observations:
            observation.running.note_observer(present=False)
    return (due or observations)[0].take(trio.current_time() - began_s, max_tokens())


async def _first_of(events: Sequence[trio.Event]) -> None:
    """Waits until one of them is set."""
    if len(events) == 1:
        await events[0].wait()
        return
    async with trio.open_nursery() as nursery:

        async def watch(event: trio.Event) -> None:
            await event.wait()
            nursery.cancel_scope.cancel()

        for event in events:
            nursery.start_soon(watch, event)


def _lost(code: str, message: str, exit_status: int | None, stderr: str) -> Verdict:
    """Its worker ended, or never stood."""
    return Verdict("failed", CellError(code, message, exit_status=exit_status, stderr=stderr))


def _out_of_time(max_wall_s: float | None) -> Verdict:
    return Verdict.failed("wall_limit", f"the script ran for longer than {max_wall_s:g} s")


def _told(tool: str, call_id: str, outcome: ToolCallOutcome, *, trusted: bool) -> tuple[m.CallStatus, str | None, str]:
    """What a script is told of a call: status, code, and JSON text of the result or of the fields of its `ToolError`.

    A dispatcher that is not ours (`trusted` is false) may have given anything at all: nothing that it gave is passed on
    as it is, and what makes no sense is `tool_failed`.
    """
    if trusted and outcome.value_json is not None:
        return "ok", None, outcome.value_json
    try:
        if outcome.status == "ok":
            return "ok", None, to_json_text(outcome.value)
        assert outcome.status in ("error", "cancelled"), f"the status {outcome.status!r}"
        error = outcome.error or ToolCallError("tool_failed", "the call failed, and nothing was said of it")
        status, code, message = outcome.status, str(error.code), str(error.message)
    except JsonTooLarge as too_large:
        status, code, message = "error", "result_too_large", f"the result is {too_large}"
    except Exception as strange:
        status, code, message = "error", "tool_failed", f"the dispatcher gave no good outcome: {strange}"
    told = {"code": _cut(code), "message": _cut(message), "callId": call_id, "tool": _cut(tool)}
    return status, code, to_json_text(told)


def _cut(text: str) -> str:
    """A message of a dispatcher's, or a tool name of a worker's, may be as long as it likes: an answer may not."""
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]}…"


async def stop_all(cells: Iterable[RunningCell], verdict: Verdict) -> None:
    """Ends those of the cells that still run, and waits until they are settled."""
    live = [running for running in cells if running.cell.phase is not Phase.SETTLED]
    for running in live:
        running.stop(verdict)
    for running in live:
        await running.until_settled()
