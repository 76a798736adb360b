"""The wire log, and the check that every call on it was answered exactly once.

The log is kept beside the host: a launcher around the real one reads the same bytes with a decoder of its own, so that
a mistake of the host does not hide in its own record.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import trio

from codemode.errors import ProtocolError
from codemode.host.cell import Cell, Phase
from codemode.host.launcher import Launcher, LaunchStatistics
from codemode.host.process import WorkerProcess
from codemode.wire import messages as m
from codemode.wire.codec import Decoder
from codemode.wire.frames import FrameDecoder, Payload
from codemode.wire.validation import StrictDecoder

EntryKind = Literal["launched", "said", "told", "garbled", "killed", "exited"]
_SHOWN_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log.

    Attributes:
        at_s: on trio's clock.
        worker: counts the workers of the log, from 1.
        kind: `said` by the worker, `told` to it; `garbled` is what could not be read, from either.
        message: what was said or told.
    """

    at_s: float
    worker: int
    kind: EntryKind
    message: m.Message | None = None

    def __str__(self) -> str:
        text = f"{self.at_s:12.6f}  worker {self.worker:<3} {self.kind:<8}"
        return text if self.message is None else f"{text} {str(self.message)[:_SHOWN_CHARACTERS]}"


class Trace:
    """What went over the wires of a service, in order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.pids: list[int] = []
        """The process id of each worker, in the order of their numbers."""

    def __str__(self) -> str:
        return "\n".join(map(str, self.entries))

    def add(self, worker: int, kind: EntryKind, message: m.Message | None = None) -> None:
        """Notes this, now."""
        self.entries.append(Entry(trio.current_time(), worker, kind, message))


class _Tap:
    """Reads one direction of a wire as far as it can be read."""

    def __init__(self, decode: Callable[[Payload], m.Message]) -> None:
        self._frames = FrameDecoder()
        self._decode = decode
        self._is_garbled = False

    def read(self, data: bytes | memoryview, note: Callable[[m.Message | None], None]) -> None:
        if self._is_garbled:
            return
        try:
            for payload in self._frames.receive_data(bytes(data)):
                note(self._decode(payload))
        except ProtocolError:
            self._is_garbled = True
            note(None)


class TracedProcess:
    """A worker process whose wire is logged."""

    def __init__(self, process: WorkerProcess, trace: Trace) -> None:
        self._process = process
        self._trace = trace
        trace.pids.append(process.pid)
        self._number = len(trace.pids)
        self._said, self._told = _Tap(StrictDecoder()), _Tap(Decoder(m.HOST_MESSAGES))
        self.pid = process.pid
        trace.add(self._number, "launched")

    def _note(self, kind: EntryKind) -> Callable[[m.Message | None], None]:
        return lambda message: self._trace.add(self._number, kind if message is not None else "garbled", message)

    async def receive(self) -> bytes:
        """See `WorkerProcess.receive`."""
        data = await self._process.receive()
        self._said.read(data, self._note("said"))
        return data

    async def receive_stderr(self) -> bytes:
        """See `WorkerProcess.receive_stderr`."""
        return await self._process.receive_stderr()

    async def send(self, data: bytes | memoryview) -> bool:
        """See `WorkerProcess.send`."""
        self._told.read(data, self._note("told"))
        return await self._process.send(data)

    def has_exited(self) -> bool:
        """See `WorkerProcess.has_exited`."""
        return self._process.has_exited()

    def resident_bytes(self) -> int:
        """See `WorkerProcess.resident_bytes`."""
        return self._process.resident_bytes()

    def kill(self) -> None:
        """See `WorkerProcess.kill`."""
        self._trace.add(self._number, "killed")
        self._process.kill()

    async def wait(self) -> int | None:
        """See `WorkerProcess.wait`."""
        status = await self._process.wait()
        self._trace.add(self._number, "exited")
        return status

    def close(self) -> None:
        """See `WorkerProcess.close`."""
        self._process.close()


class TracedLauncher:
    """Starts workers as another launcher does, and logs their wires.

    Args:
        launcher: starts them.
        trace: the log.
    """

    def __init__(self, launcher: Launcher, trace: Trace) -> None:
        self._launcher = launcher
        self._trace = trace

    async def run(self) -> None:
        """See `Launcher.run`."""
        await self._launcher.run()

    async def launch(self) -> WorkerProcess:
        """See `Launcher.launch`."""
        return TracedProcess(await self._launcher.launch(), self._trace)

    def statistics(self) -> LaunchStatistics:
        """See `Launcher.statistics`."""
        return self._launcher.statistics()


# ── the check ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _WireCell:
    """A cell as the wire shows it."""

    worker: int
    number: int
    calls: list[tuple[int, str]] = field(default_factory=list)
    answers: dict[int, str] = field(default_factory=dict)
    has_ended: bool = False
    """It said its end."""
    is_cut_off: bool = False
    """Its worker was killed, ended or could not be understood."""

    @property
    def is_over(self) -> bool:
        """True where no call of it is answered any more."""
        return self.has_ended or self.is_cut_off


def check(trace: Trace, cells: Iterable[Cell] = ()) -> list[str]:
    """What on the log breaks the rule that every call gets exactly one answer; nothing where all is well.

    Args:
        trace: the log of a service, complete.
        cells: every cell that its sessions ran; each must be settled, and its ledger must agree with the wire.
    """
    faults: list[str] = []
    started: list[_WireCell] = []
    current: dict[int, _WireCell] = {}
    for entry in trace.entries:
        cell = current.get(entry.worker)
        match entry.kind, entry.message:
            case "told", m.Start(cell=number):
                if cell is not None and not cell.is_over:
                    faults.append(f"{entry}: a second cell while one runs")
                current[entry.worker] = _WireCell(entry.worker, number)
                started.append(current[entry.worker])
            case "told", m.Answers(cell=number, answers=answers):
                if cell is None or cell.number != number:
                    faults.append(f"{entry}: answers for a cell that its worker does not run")
                    continue
                made = {call for call, _ in cell.calls}
                for call, status, _ in answers:
                    if call not in made:
                        faults.append(f"{entry}: an answer to call {call}, which was never made")
                    elif call in cell.answers:
                        faults.append(f"{entry}: a second answer to call {call}")
                    cell.answers[call] = status
            case "said", m.Calls(calls=calls) if cell is not None:
                cell.calls += [(call, tool) for call, tool, _ in calls]
            case "said", m.Completed() | m.Failed() if cell is not None:
                cell.has_ended = True
            case (("killed" | "exited" | "garbled"), _) if cell is not None:
                cell.is_cut_off = True
            case _:
                pass
    faults += [
        f"call {call} of cell {cell.number} in worker {cell.worker} was never answered, and its cell never ended"
        for cell in started
        if not cell.is_over
        for call, _ in cell.calls
        if call not in cell.answers
    ]
    return faults + _disagreements(started, list(cells))


def _disagreements(started: list[_WireCell], cells: list[Cell]) -> list[str]:
    faults = [f"{cell!r} is not settled" for cell in cells if cell.phase is not Phase.SETTLED]
    faults += [f"{cell!r} has the call {call} open" for cell in cells for call in cell.ledger.open]
    for cell in cells:
        counts = Counter(record.call_id for record in cell.ledger.records())
        faults += [f"{cell!r} has the call {call_id} twice" for call_id, count in counts.items() if count > 1]
    shown = _shown_by(started, cells)
    for place, cell in enumerate(cells):
        records = cell.ledger.records()
        if records and place not in shown:
            found = [dataclasses.asdict(wire) for wire in started if wire.number == cell.number]
            ledger = [(record.tool, record.status) for record in records]
            faults.append(f"{cell!r}: its ledger {ledger} is not what the wire shows: {found}")
    if cells:
        faults += [
            f"the calls {wire.calls} of cell {wire.number} in worker {wire.worker} are in no ledger"
            for place, wire in enumerate(started)
            if wire.calls and not wire.is_cut_off and place not in shown.values()
        ]
    return faults


def _shown_by(wires: list[_WireCell], cells: list[Cell]) -> dict[int, int]:
    """The place of a wire for the place of each cell that one can show, none for two cells.

    Cells of two sessions may have one number, and a ledger may agree with the wires of both: so a cell that has found a
    wire moves on to another where the next one has no choice, as in any matching.
    """
    found: dict[int, int] = {}  # the place of a cell, by that of its wire

    def find(place: int, refused: set[int]) -> bool:
        cell = cells[place]
        for number, wire in enumerate(wires):
            if wire.number == cell.number and number not in refused and _agrees(wire, cell):
                refused.add(number)
                if number not in found or find(found[number], refused):
                    found[number] = place
                    return True
        return False

    # A cell that never had a worker agrees with the wire of any that was cut off: it chooses last, and takes none from
    # one that made calls.
    for place in sorted(range(len(cells)), key=lambda place: not cells[place].ledger.records()):
        find(place, set())
    return {place: number for number, place in found.items()}


def _agrees(wire: _WireCell, cell: Cell) -> bool:
    """True where the ledger names the calls of the wire, in order, and each answer that was told.

    Of a worker that was cut off, or said what it may not, the host has not taken everything.
    """
    records = cell.ledger.records()
    if len(records) != len(wire.calls) and not (wire.is_cut_off and len(records) < len(wire.calls)):
        return False
    return all(
        record.tool == tool and (record.status == wire.answers[call] if call in wire.answers else wire.is_over)
        for (call, tool), record in zip(wire.calls, records, strict=False)
    )
