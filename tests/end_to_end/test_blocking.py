"""`codemode.blocking` in plain functions, with real workers."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import inspect
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import trio

import codemode as trio_codemode
from codemode import aio
from codemode import blocking as codemode

ANSWER_S = 20.0
"""Generous: for what must answer at all."""

pytestmark = [pytest.mark.usefixtures("nothing_is_left"), pytest.mark.one_launcher]


class Tools:
    """Tools for a plain script, and what they saw."""

    def __init__(self) -> None:
        self.registry = codemode.ToolRegistry()
        self.seen: list[str] = []
        self.asked = threading.Event()
        """Set when a call has reached `hang`."""
        tool = self.registry.tool

        @tool
        def double(i: int) -> int:
            return 2 * i

        @tool
        async def double_later(i: int) -> int:
            await asyncio.sleep(0.001)
            return 2 * i

        @tool
        async def hang() -> None:
            self.asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.seen.append("cancelled")
                raise

        @tool
        def interrupt() -> None:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def tools() -> Tools:
    return Tools()


@contextlib.contextmanager
def opened(tools: Tools | codemode.ToolRegistry, **options: Any) -> Iterator[codemode.Turn]:
    """A turn of a session with these tools."""
    registry = tools.registry if isinstance(tools, Tools) else tools
    with codemode.open_session(registry, **options) as session, session.open_turn() as turn:
        yield turn


# ── tools ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sync_tools_run_in_threads_and_async_tools_on_one_asyncio_loop() -> None:
    tools = codemode.ToolRegistry()
    loops: list[asyncio.AbstractEventLoop] = []
    threads: list[threading.Thread] = []

    @tools.tool
    async def on_loop() -> None:
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)

    @tools.tool
    def in_thread() -> None:
        threads.append(threading.current_thread())

    with opened(tools) as turn:
        outcome = turn.run("for (let i = 0; i < 3; i++) { await tools.on_loop(); await tools.in_thread() }")
    assert outcome.status == "completed"
    assert type(outcome) is trio_codemode.CellOutcome
    assert len(loops) == 3
    assert len(set(loops)) == 1
    assert len(threads) == 3
    assert threading.current_thread() not in threads


def test_a_tool_sees_the_context_variables_of_the_exec_that_calls_it() -> None:
    tools = codemode.ToolRegistry()
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")

    @tools.tool
    async def who() -> str:
        return user.get()

    @tools.tool
    def who_in_thread() -> str:
        return user.get()

    with opened(tools) as turn:
        user.set("ada")
        assert turn.run("text(await tools.who() + await tools.who_in_thread())").text == "adaada"


def test_exec_returns_while_the_script_runs_and_wait_goes_on(tools: Tools) -> None:
    with opened(tools) as turn:
        outcome = turn.exec("text('one'); yield_control(); text(await tools.double_later({i: 1}))")
        texts = [outcome.text]
        while outcome.status == "running":
            outcome = turn.wait(outcome.cell_id)
            texts.append(outcome.text)
    assert texts == ["one", "2"]


def test_a_script_that_ends_cancels_the_async_tools_that_it_called(tools: Tools) -> None:
    with opened(tools) as turn:
        turn.run("tools.hang(); await tools.double_later({i: 1})")
        assert tools.seen == ["cancelled"]


def test_an_async_tool_that_blocks_its_loop_delays_neither_an_exec_nor_a_close() -> None:
    tools = codemode.ToolRegistry()
    asked, gate = threading.Event(), threading.Event()

    @tools.tool
    async def block() -> None:
        asked.set()
        gate.wait(2 * ANSWER_S)

    began_s = time.monotonic()
    with opened(tools) as turn:
        assert turn.exec("yield_control(); await tools.block()").status == "running"
        assert asked.wait(ANSWER_S)
        assert turn.wait("1", yield_time_ms=10).status == "running"
    assert time.monotonic() - began_s < ANSWER_S
    left = [thread for thread in threading.enumerate() if thread.name == "codemode tools"]
    assert len(left) == 1
    gate.set()
    left[0].join(ANSWER_S)


# ── threads and loops ─────────────────────────────────────────────────────────────────────────────────────────


def test_one_session_serves_several_threads_at_once(tools: Tools) -> None:
    def work(i: int) -> str | None:
        with session.open_turn() as turn:
            return turn.run(f"text(await tools.double({{i: {i}}}) + await tools.double_later({{i: {i}}}))").text

    with codemode.open_session(tools.registry) as session, ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(8))) == [str(4 * i) for i in range(8)]


def test_an_event_loop_that_runs_in_the_callers_thread_does_not_matter(tools: Tools) -> None:
    async def in_a_loop() -> str | None:
        with opened(tools) as turn:
            return turn.run("text(await tools.double_later({i: 2}))").text

    assert asyncio.run(in_a_loop()) == "4"
    assert trio.run(in_a_loop) == "4"


def test_a_sync_tool_may_use_the_session_that_calls_it(tools: Tools) -> None:
    @tools.registry.tool
    def nested(source: str) -> str | None:
        with session.open_turn() as turn:
            return turn.run(source).text

    with codemode.open_session(tools.registry) as session, session.open_turn() as turn:
        assert turn.run("text(await tools.nested({source: 'text(await tools.double({i: 3}))'}))").text == "6"


def test_an_async_tool_that_would_wait_for_its_own_session_is_told_so(tools: Tools) -> None:
    @tools.registry.tool
    async def nested() -> str | None:
        assert session.statistics().open_calls == 1  # what answers at once may be asked
        return turn.run("1").text

    with codemode.open_session(tools.registry) as session, session.open_turn() as turn:
        outcome = turn.run("await tools.nested()")
    assert outcome.error is not None
    assert "UsageError" in outcome.error.message
    assert "make it a sync tool" in outcome.error.message


# ── Ctrl-C ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_ctrl_c_during_a_run_terminates_its_cell(tools: Tools) -> None:
    with opened(tools) as turn:
        with pytest.raises(KeyboardInterrupt):
            turn.run("await tools.interrupt(); for (;;) {}")
        assert turn.wait("1").status == "terminated"
        assert turn.run("text('next')").text == "next"


def test_ctrl_c_during_a_wait_ends_that_observation_only(tools: Tools) -> None:
    with opened(tools) as turn:
        turn.exec("yield_control(); await sleep(50); await tools.interrupt(); await tools.hang()")
        with pytest.raises(KeyboardInterrupt):
            turn.wait("1")
        assert turn.wait("1", yield_time_ms=0).status == "running"


def test_ctrl_c_that_leaves_the_blocks_closes_them(tools: Tools) -> None:
    with pytest.raises(KeyboardInterrupt), opened(tools) as turn:
        turn.run("tools.hang(); await tools.interrupt(); await sleep(1e6)")
    assert tools.seen == ["cancelled"]


# ── events and callbacks ──────────────────────────────────────────────────────────────────────────────────────


def test_events_are_a_plain_iterator(tools: Tools) -> None:
    heard: list[str] = []

    def listen(events: codemode.EventStream) -> None:
        heard.extend(event.type for event in events)

    with codemode.open_session(tools.registry) as session, session.open_turn() as turn:
        late = session.events()
        listener = threading.Thread(target=listen, args=(session.events(),))
        listener.start()
        turn.run("text(await tools.double({i: 1}))")
    listener.join(ANSWER_S)
    assert heard == ["cell_started", "call_started", "call_settled", "output", "cell_ended"]
    assert [event.type for event in late] == heard


def test_a_slow_listener_slows_the_script_and_misses_nothing(tools: Tools) -> None:
    count = 5_000
    with codemode.open_session(tools.registry) as session, session.open_turn() as turn:
        with session.events() as events:
            turn.exec(f"for (let i = 0; i < {count}; i++) text(i)", yield_time_ms=100)
            texts = []
            for event in events:
                if isinstance(event, codemode.OutputEmitted):
                    assert isinstance(event.item, codemode.TextItem)
                    texts.append(event.item.text)
                if isinstance(event, codemode.CellEnded):
                    break
        assert texts == [str(i) for i in range(count)]


def test_on_notify_is_called_on_the_loop_of_the_async_tools(tools: Tools) -> None:
    notes: list[tuple[str, str, str]] = []

    def hear(cell_id: str, text: str) -> None:
        notes.append((cell_id, text, threading.current_thread().name))

    with opened(tools, on_notify=hear) as turn:
        turn.run("notify('one'); notify('two'); await tools.double_later({i: 1})")
    assert notes == [("1", "one", "codemode tools"), ("1", "two", "codemode tools")]


def test_values_are_kept_in_a_store_that_the_caller_opened(tools: Tools, tmp_path: Path) -> None:
    with contextlib.closing(codemode.SqliteStore(tmp_path / "values.sqlite")) as store:
        with opened(tools, store=store) as turn:
            turn.run("store('a', 1)")
        with opened(tools, store=store) as turn:
            assert turn.run("text(load('a'))").text == "1"


# ── dispatchers ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_batch_has_one_outcome_each_in_input_order(tools: Tools) -> None:
    outcomes = codemode.ToolDispatcher(tools.registry).run(
        [
            codemode.ToolInvocation("a", "double_later", {"i": 2}),
            codemode.ToolInvocation("b", "absent"),
            codemode.ToolInvocation("c", "double", {"i": 3}),
        ]
    )
    assert [(outcome.call_id, outcome.status, outcome.value) for outcome in outcomes] == [
        ("a", "ok", 4),
        ("b", "error", None),
        ("c", "ok", 6),
    ]


def test_a_dispatcher_of_ones_own_may_deny_a_call(tools: Tools) -> None:
    class Careful(codemode.ToolDispatcher):
        async def call(self, invocation: codemode.ToolInvocation, **options: Any) -> codemode.ToolCallOutcome:
            if invocation.tool == "hang":
                return codemode.ToolCallOutcome.failed(invocation.call_id, "denied", "not this one")
            return await super().call(invocation, **options)

    with opened(tools, dispatcher=Careful(tools.registry)) as turn:
        outcome = turn.run("text(await tools.double({i: 1})); await tools.hang().catch((error) => text(error.code))")
    assert outcome.text == "2\ndenied"


class Passing:
    """A dispatcher of one's own that has only `run`."""

    def __init__(self, tools: codemode.ToolRegistry) -> None:
        self._inner = aio.ToolDispatcher(tools)

    async def run(self, invocations: Sequence[codemode.ToolInvocation]) -> list[codemode.ToolCallOutcome]:
        return await self._inner.run(invocations)


def test_a_dispatcher_of_ones_own_may_have_only_run(tools: Tools) -> None:
    with opened(tools, dispatcher=Passing(tools.registry)) as turn:
        assert turn.run("text(await Promise.all([1, 2].map((i) => tools.double({ i }))))").text == "[2,4]"


def test_ctrl_c_ends_a_batch_and_each_outcome_is_told(tools: Tools) -> None:
    told: list[tuple[str, str]] = []

    with pytest.raises(KeyboardInterrupt):
        codemode.ToolDispatcher(tools.registry).run(
            [codemode.ToolInvocation("a", "hang"), codemode.ToolInvocation("b", "interrupt")],
            on_outcome=lambda outcome: told.append((outcome.call_id, outcome.status)),
        )
    assert ("a", "cancelled") in told
    assert sorted(call_id for call_id, _ in told) == ["a", "b"]
    assert tools.seen == ["cancelled"]


# ── hooks and approvals ───────────────────────────────────────────────────────────────────────────────────────


class Hooks(codemode.CallHooks):
    """Sync and async ones, and the threads in which they ran."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, str]] = []

    def before(self, invocation: codemode.ToolInvocation) -> None:
        self.ran.append(("before", threading.current_thread().name))

    async def after(
        self, invocation: codemode.ToolInvocation, outcome: codemode.ToolCallOutcome
    ) -> codemode.ToolCallOutcome:
        await asyncio.sleep(0)
        self.ran.append(("after", threading.current_thread().name))
        return dataclasses.replace(outcome, value=outcome.value + 1)


def test_hooks_and_who_is_asked_are_called_on_the_loop_of_the_async_tools(tools: Tools) -> None:
    hooks, asked = Hooks(), []
    tools.registry.configure("double", approval="ask")

    def on_approval(requests: Sequence[codemode.ApprovalRequest]) -> None:
        asked.append((len(requests), threading.current_thread().name))
        for request in requests:
            request.allow() if request.arguments["i"] < 3 else request.deny("too much")

    with opened(tools, hooks=[hooks], on_approval=on_approval) as turn:
        outcome = turn.run("""
            const all = await Promise.allSettled([1, 2, 3].map((i) => tools.double({ i })));
            text(all.map(({ value, reason }) => value ?? reason.message).join("; "));
        """)
    assert outcome.text == "3; 5; the call was denied: too much"
    assert asked == [(3, "codemode tools")]
    assert sorted(hooks.ran) == [("after", "codemode tools")] * 2 + [("before", "codemode tools")] * 3


def test_a_plain_script_may_decide_in_its_own_thread_while_the_cell_waits(tools: Tools) -> None:
    tools.registry.configure("double", approval="ask")
    with (
        codemode.open_session(tools.registry, on_approval=lambda requests: None) as session,
        session.open_turn() as turn,
    ):
        running = turn.exec("text(await Promise.all([1, 2].map((i) => tools.double({ i }))))", yield_time_ms=50)
        while len(session.waiting_for_approval) < 2:
            time.sleep(0.001)
        for request in session.waiting_for_approval:
            request.allow()
        assert turn.wait(running.cell_id).text == "[2,4]"
        assert session.waiting_for_approval == ()

        running = turn.exec("await tools.double({ i: 1 })", yield_time_ms=50)
        while not session.waiting_for_approval:
            time.sleep(0.001)
        assert turn.wait(running.cell_id, terminate=True).status == "terminated"
        assert session.waiting_for_approval == ()


# ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_used_after_its_end_says_so(tools: Tools) -> None:
    with codemode.open_session(tools.registry) as session:
        with session.open_turn() as turn:
            turn.run("1")
        with pytest.raises(codemode.ClosedError):
            turn.run("1")
    for use in (lambda: turn.run("1"), session.open_turn().__enter__, lambda: session.call_tool("exec", "1")):
        with pytest.raises(codemode.ClosedError):
            use()
    assert session.statistics().cells == 1
    assert list(session.events()) == []


def test_what_a_block_raises_stays_itself(tools: Tools) -> None:
    with pytest.raises(LookupError, match="mine"), opened(tools):
        raise LookupError("mine")
    with pytest.raises(codemode.UsageError, match="spares"), codemode.open_service(spares=-1):
        pass


FORGOTTEN = """
from contextlib import ExitStack
from codemode import blocking as codemode

tools = codemode.ToolRegistry()

@tools.tool
async def hang() -> None:
    import asyncio
    await asyncio.Event().wait()

stack = ExitStack()
session = stack.enter_context(codemode.open_session(tools))
turn = stack.enter_context(session.open_turn())
print(turn.exec("yield_control(); await tools.hang()").status)
"""


def test_a_program_that_forgets_to_close_ends_all_the_same(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-c", FORGOTTEN],
        capture_output=True,
        text=True,
        timeout=ANSWER_S,
        cwd=tmp_path,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "running\n", "")


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_names_are_those_of_aio() -> None:
    for name in trio_codemode.__all__:
        is_shared = getattr(aio, name) is getattr(trio_codemode, name)
        assert (getattr(codemode, name) is getattr(trio_codemode, name)) == is_shared, name


@pytest.mark.parametrize("name", ["Turn.exec", "Turn.run", "Turn.wait", "Session.call_tool", "Session.tool_specs"])
def test_methods_have_the_arguments_of_the_core_and_are_not_async(name: str) -> None:
    kind, method = name.split(".")
    ours, cores = (getattr(getattr(module, kind), method) for module in (codemode, trio_codemode))
    assert inspect.signature(ours) == inspect.signature(cores)
    assert not inspect.iscoroutinefunction(ours)


def test_a_model_calls_exec_and_wait_as_under_trio(tools: Tools) -> None:
    with codemode.open_session(tools.registry) as session:
        reply = session.call_tool("exec", "text(await tools.double_later({i: 21}))")
        assert (reply.is_error, reply.text.splitlines()[-1]) == (False, "42")
