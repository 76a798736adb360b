"""The worker's main loop: one engine ready, one cell at a time, everything the script says on its way at once.

Two threads touch the wire: this one, and the sentry while this one is inside V8. A cell that cannot be ended idle ends
the process, which is what processes are for.
"""

from __future__ import annotations

import codecs
import ctypes
import faulthandler
import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Collection

from codemode.engine.engine import ENDED, STALLED, Engine, initialise_v8
from codemode.engine.records import RecordDecoder
from codemode.engine.source import SourceError, code_frame
from codemode.limits import Limits
from codemode.wire import messages as m
from codemode.worker.fences import allow_cpu_until, apply_fences
from codemode.worker.link import Link, end_process
from codemode.worker.memory import MemoryWatch
from codemode.worker.sentry import Sentry

GRACE_S = 0.05
"""How long an engine may go on after its cell has ended before the process is ended."""
MESSAGES_AT_A_TIME = 2048
"""Messages in one write, before the host is listened to again."""
READING_S = 1.0
"""How long reading what a script threw may take."""


class RunningCell:
    """The cell in the engine, as both threads see it. Guarded by the link's writing lock."""

    def __init__(self, start: m.Start, engine: Engine, max_cpu_s: float) -> None:
        self.number = start.cell
        self.engine = engine
        self.records = RecordDecoder(start.cell)
        self.cpu_deadline_s = time.process_time() + max_cpu_s
        self.failing_since_s: float | None = None
        self.ended_at_s: float | None = None


class Worker:
    """Runs cells, one after another, until the host goes away.

    Args:
        link: the wire.
        limits: what a cell may use.
        fences: as `apply_fences` gave them.
        memory: looks at this process's.
    """

    def __init__(self, link: Link, limits: Limits, fences: dict[str, str], memory: MemoryWatch) -> None:
        self._link = link
        self._limits = limits
        self._fences = fences
        self._sentry = Sentry(self._look)
        self._memory = memory
        self._cell: RunningCell | None = None
        self._last_call = 0

    def run(self) -> None:
        """Speaks first, then serves. Returns only by ending the process."""
        engine = Engine(self._limits)
        self._link.send([m.Hello(m.PROTOCOL_VERSION, engine.version, os.getpid(), self._fences), m.Ready()])
        self._sentry.start()
        while True:
            message = self._link.receive(None)
            if isinstance(message, m.Start):
                self._run_cell(message, engine)
                engine.close()
                if not allow_cpu_until(time.process_time() + self._limits.max_cpu_s):
                    end_process()
                engine = Engine(self._limits)
                self._link.send([m.Ready()])

    def _run_cell(self, start: m.Start, engine: Engine) -> None:
        """Runs one cell to its end. The engine is idle when this returns."""
        cell = RunningCell(start, engine, self._limits.max_cpu_s)
        allow_cpu_until(cell.cpu_deadline_s)
        with self._link.writing:
            self._cell = cell
        try:
            self._begin(start, engine)
            while cell.ended_at_s is None:
                self._turn(cell)
        except SourceError as error:
            self._say_end(cell, refusal(start.cell, start.source, error))
        self._last_call = max(self._last_call, engine.last_call)
        with self._link.writing:
            self._cell = None

    def _begin(self, start: m.Start, engine: Engine) -> None:
        with self._sentry:
            engine.start(start, last_call=self._last_call, now_ms=_now_ms(), nonce=os.urandom(16).hex())

    def _turn(self, cell: RunningCell) -> None:
        """Lets promise jobs run, sends on what was said, and waits for what wakes the script next."""
        with self._sentry:
            state = cell.engine.state()
        with self._link.writing:
            self._send_said(cell)
            self._enforce(cell)
        if cell.ended_at_s is not None:
            return
        if state in (STALLED, ENDED):
            self._say_end(cell, stalled(cell.number) if state == STALLED else untold(cell.number))
            return
        message = self._link.receive(state / 1000 if state >= 0 else None)
        with self._sentry:
            while message is not None:
                self._deliver_stored(cell)  # an answer may rest on what was stored before it
                self._deliver(cell, message)
                message = self._link.receive_pending()
            self._deliver_stored(cell)
            if state >= 0:
                cell.engine.tick(_now_ms())

    def _deliver(self, cell: RunningCell, message: m.Message) -> None:
        match message:
            case m.Answers(cell=number, answers=answers) if number == cell.number:
                cell.engine.deliver(_answers_text(answers))
            case _:
                pass  # answers that came after the end of an earlier cell

    def _deliver_stored(self, cell: RunningCell) -> None:
        """What others have stored costs them their time, not this script its own."""
        if not self._link.has_stored:
            return
        with self._link.writing:
            self._send_said(cell)  # what the script has stored since comes after it
            stored = [message for message in self._link.take_stored() if message.cell == cell.number]
        if stored:
            before_s = time.process_time()
            cell.engine.take_stored([(message.key, message.value) for message in stored])
            cell.cpu_deadline_s += time.process_time() - before_s
            allow_cpu_until(cell.cpu_deadline_s)

    def _look(self) -> None:
        """What the sentry does while the main thread is inside V8."""
        self._memory.look()
        with self._link.writing:
            cell = self._cell
            if cell is not None:
                self._send_said(cell)
                self._enforce(cell)
                if cell.ended_at_s is not None and time.monotonic() - cell.ended_at_s > GRACE_S:
                    end_process()
        self._link.glance()

    def _send_said(self, cell: RunningCell) -> None:
        """Sends what is in the ring, and notes the cell's end if it is there."""
        said = cell.records.receive(cell.engine.ring.take())
        if not said:
            return
        for message in said:
            if isinstance(message, m.Failing):
                cell.failing_since_s = time.monotonic()
            elif isinstance(message, m.Completed | m.Failed):
                cell.ended_at_s = time.monotonic()
        for start in range(0, len(said), MESSAGES_AT_A_TIME):
            if start:
                self._link.glance()  # a flood of tiny messages takes the host a while: its pings are answered meanwhile
            self._link.send(said[start : start + MESSAGES_AT_A_TIME])

    def _enforce(self, cell: RunningCell) -> None:
        """Ends the cell, and with it the process, where a limit of time is over."""
        if cell.ended_at_s is not None:
            return
        if cell.failing_since_s is not None and time.monotonic() - cell.failing_since_s > READING_S:
            self._say_end(cell, unreadable(cell.number))
            end_process()
        if time.process_time() > cell.cpu_deadline_s:
            self._say_end(cell, out_of_cpu(cell.number, self._limits.max_cpu_s))
            end_process()

    def _say_end(self, cell: RunningCell, failed: m.Failed) -> None:
        with self._link.writing:
            if cell.ended_at_s is None:
                cell.ended_at_s = time.monotonic()
                self._link.send([failed])


def _now_ms() -> float:
    return time.monotonic() * 1000


def _answers_text(answers: tuple[tuple[int, m.CallStatus, str], ...]) -> str:
    return "[" + ",".join([f"{call},{0 if status == 'ok' else 1},{text}" for call, status, text in answers]) + "]"


def failure(cell: int, code: str, message: str) -> m.Failed:
    """A failure that has no place in the script."""
    return m.Failed(cell, code, message, None, None, None)


def stalled(cell: int) -> m.Failed:
    """Nothing can wake the script any more."""
    return failure(
        cell,
        "stalled",
        "the script waits for a promise that can never settle: no call is open and no timer is set",
    )


def untold(cell: int) -> m.Failed:
    """The script has ended, and its end is not in the ring: a fault of the runner, which must not leave a cell open."""
    return failure(cell, "script_error", "the script ended, and could not say how")


def unreadable(cell: int) -> m.Failed:
    """What was thrown runs code of the script that does not end."""
    return failure(cell, "script_error", f"what the script threw could not be read within {READING_S:g} s")


def out_of_cpu(cell: int, max_cpu_s: float) -> m.Failed:
    """The script has used up its CPU time."""
    return failure(
        cell,
        "cpu_limit",
        f"the script used more than {max_cpu_s:g} s of CPU time; waiting for tools does not count",
    )


def refusal(cell: int, source: str, error: SourceError) -> m.Failed:
    """The script was refused before any of it ran."""
    message = f"SyntaxError: {error.message}" if error.code == "syntax_error" else error.message
    frame = code_frame(source, error.line, error.column)
    return m.Failed(cell, error.code, message, f"{message}\n{frame}", error.line, error.column)


def load(limits: Limits, *, skip_flags: Collection[str] = ()) -> None:
    """Makes the process ready for its fences: V8 is loaded, and what Python looks for only when it first needs it."""
    initialise_v8(limits, skip=skip_flags)
    faulthandler.enable(2, all_threads=False)  # the parser of scripts ends a process where it gets no more memory
    codecs.lookup("utf-16-le")
    ctypes.CFUNCTYPE(None)(lambda: None)  # how the system lets code be made that C can call
    try:
        raise RuntimeError
    except RuntimeError:
        traceback.format_exc()
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)  # a parent of the host may have ignored it


def serve(inbound: int, outbound: int, limits: Limits) -> None:
    """What a worker does once all is loaded: it fences itself, and runs cells until the host goes away."""
    memory = MemoryWatch(limits)
    fences = apply_fences(limits, keep=(2, inbound, outbound, *memory.descriptors))
    gc.freeze()  # what is loaded stays; a burst of calls makes few cycles, and is not to pay for looking for them
    gc.set_threshold(50_000, 20, 20)
    Worker(Link(inbound, outbound), limits, fences, memory).run()


def main(arguments: list[str]) -> None:
    """The entry of a worker that is an interpreter of its own: `[inbound, outbound, JSON text of the limits]`."""
    try:
        inbound, outbound = int(arguments[0]), int(arguments[1])
        limits = Limits.from_json(arguments[2])
        load(limits)
        serve(inbound, outbound, limits)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        end_process(70)
