"""The limits: each is set low and reached by a script, and ends it, or its call, as it says."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import trio

from codemode.errors import RemoteProtocolError
from codemode.frontends.doctor.check import Check
from codemode.host.outcome import CellOutcome
from codemode.host.service import open_service
from codemode.host.tools import ToolRegistry
from codemode.host.turn import Turn
from codemode.host.values import MAX_DEPTH
from codemode.limits import MIB, Limits
from codemode.wire.frames import MAX_FRAME_BYTES, FrameDecoder

_LOW = Limits(
    max_heap_bytes=16 * MIB,
    max_memory_bytes=96 * MIB,
    max_cpu_s=0.3,
    max_source_bytes=4096,
    max_argument_bytes=1024,
    max_result_bytes=1024,
    max_calls_in_flight=4,
    max_argument_bytes_in_flight=2048,
    max_calls=40,
    max_output_bytes=4096,
    max_output_items=20,
    max_console_bytes=1024,
    max_store_bytes=4096,
    max_store_keys=10,
    max_timers=10,
    max_live_cells=2,
    max_threads=2,
)
_SMALL_MEMORY = Limits(max_heap_bytes=1024 * MIB, max_memory_bytes=96 * MIB)
_SHORT = Limits(max_wall_s=0.3)


@dataclass(frozen=True, slots=True)
class _Trial:
    """A script that reaches a limit: the code of the error that it ends with, or else what it says itself."""

    limit: str
    source: str
    code: str = ""
    text: str = ""
    limits: Limits = _LOW


def _caught(statement: str, field: str) -> str:
    return f"try {{ {statement} }} catch (error) {{ text(error.{field}); }}"


_FILL_HEAP = "const kept = []; for (;;) kept.push(Array(1 << 14).fill(1.5));"
_TRIALS = (
    _Trial("max_heap_bytes", _FILL_HEAP, "memory_limit"),
    _Trial("max_memory_bytes", _FILL_HEAP, "memory_limit", limits=_SMALL_MEMORY),
    _Trial("max_cpu_s", "for (;;) {}", "cpu_limit"),
    _Trial("max_wall_s", "await sleep(60000);", "wall_limit", limits=_SHORT),
    _Trial("max_source_bytes", f"// {'x' * 4096}", "source_too_large"),
    _Trial(
        "max_argument_bytes",
        _caught('await tools.echo({text: "x".repeat(2000)});', "code"),
        text="invalid_arguments",
    ),
    _Trial("max_result_bytes", _caught("await tools.flood();", "code"), text="result_too_large"),
    _Trial("max_calls", "for (let i = 0; i < 50; i++) await tools.echo({text: ''});", "call_limit"),
    _Trial("max_output_bytes", 'text("x".repeat(5000));', "output_limit"),
    _Trial("max_output_items", "for (let i = 0; i < 30; i++) text(i);", "output_limit"),
    _Trial("max_store_bytes", _caught('store("key", "x".repeat(5000));', "name"), text="RangeError"),
    _Trial("max_store_keys", _caught("for (let i = 0; i < 20; i++) store(`${i}`, i);", "name"), text="RangeError"),
    _Trial("max_timers", "for (let i = 0; i < 20; i++) setTimeout(() => {}, 60000);", "timer_limit"),
    _Trial(
        f"nesting depth of {MAX_DEPTH}",
        f"let deep = []; for (let i = 0; i < {MAX_DEPTH}; i++) deep = [deep]; "
        + _caught("await tools.take({value: deep});", "code"),
        text="invalid_arguments",
    ),
)


async def check_limits() -> AsyncIterator[Check]:
    """One check for each limit."""
    for limits in (_LOW, _SMALL_MEMORY, _SHORT):
        tools = _Tools()
        async with (
            open_service(limits=limits, spares=1) as service,
            service.open_session(tools.registry) as session,
            session.open_turn() as turn,
        ):
            for trial in _TRIALS:
                if trial.limits is limits:
                    yield _judged(trial, await turn.run(trial.source))
            if limits is _LOW:
                yield await _calls_in_flight(turn, tools, "max_calls_in_flight", "{}", limits.max_calls_in_flight)
                yield await _calls_in_flight(turn, tools, "max_argument_bytes_in_flight", '{text: "x".repeat(900)}', 2)
                yield await _threads(turn, tools, limits.max_threads)
                yield await _console(turn, limits.max_console_bytes)
                yield await _live_cells(turn, limits.max_live_cells)
    yield _frame()


class _Tools:
    """What the scripts call; they count how many calls of them run at a time."""

    def __init__(self) -> None:
        self.registry = ToolRegistry()
        self.registry.tool(self.echo)
        self.registry.tool(self.take)
        self.registry.tool(self.flood)
        self.registry.tool(self.hold)
        self.registry.tool(self.block)
        self.most = self._now = 0
        self._lock = threading.Lock()

    async def echo(self, text: str) -> str:
        return text

    async def take(self, value: object) -> None:
        pass

    async def flood(self) -> str:
        return "x" * 2000

    async def hold(self, text: str = "") -> None:
        with self._counted():
            await trio.sleep(0.02)

    def block(self) -> None:
        with self._counted():
            time.sleep(0.05)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1


def _judged(trial: _Trial, outcome: CellOutcome) -> Check:
    code = outcome.error.code if outcome.error is not None else ""
    passed = (code, outcome.text) == (trial.code, trial.text) if trial.text else code == trial.code
    found = f"the script ended with {code}" if code else f"the script caught {outcome.text or 'nothing'}"
    return Check("limit", trial.limit, passed, found)


async def _calls_in_flight(turn: Turn, tools: _Tools, limit: str, arguments: str, most: int) -> Check:
    tools.most = 0
    outcome = await turn.run(f"await Promise.all(Array.from({{length: 12}}, () => tools.hold({arguments})));")
    found = f"12 calls were made, {tools.most} at a time"
    return Check("limit", limit, outcome.status == "completed" and tools.most == most, found)


async def _threads(turn: Turn, tools: _Tools, most: int) -> Check:
    tools.most = 0
    outcome = await turn.run("await Promise.all(Array.from({length: 6}, () => tools.block()));")
    found = f"6 calls were made of a function that blocks, {tools.most} at a time"
    return Check("limit", "max_threads", outcome.status == "completed" and tools.most == most, found)


async def _console(turn: Turn, most: int) -> Check:
    outcome = await turn.run('for (let i = 0; i < 100; i++) console.log(`${i}`.padStart(99, "."));')
    kept = sum(len(entry.text.encode()) + 1 for entry in outcome.logs)
    newest = bool(outcome.logs) and outcome.logs[-1].text.endswith(".99")
    return Check("limit", "max_console_bytes", newest and kept <= most, f"of 10000 bytes the newest {kept} are kept")


async def _live_cells(turn: Turn, most: int) -> Check:
    started = [await turn.exec("await sleep(60000);", yield_time_ms=0) for _ in range(most)]
    one_more = await turn.exec("text(1);")
    code = one_more.error.code if one_more.error is not None else ""
    for outcome in started:
        await turn.wait(outcome.cell_id, terminate=True)
    found = f"beside {most} that run, one more ended with {code or 'no error'}"
    return Check("limit", "max_live_cells", code == "cell_limit", found)


def _frame() -> Check:
    try:
        list(FrameDecoder().receive_data((MAX_FRAME_BYTES + 1).to_bytes(4, "big")))
    except RemoteProtocolError as error:
        return Check("limit", f"frame of {MAX_FRAME_BYTES // MIB} MiB", True, str(error))
    return Check("limit", f"frame of {MAX_FRAME_BYTES // MIB} MiB", False, "a longer one was announced, and waited for")
