"""Hostile workers of a live service: each ends its own cell, and a sibling in a real worker notices nothing."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import gc
import logging
import math
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

import codemode
from codemode.errors import RemoteProtocolError
from codemode.host.service import Service
from codemode.testing.liars import Liar, LyingLauncher
from codemode.testing.mutation import Mutator
from codemode.wire import messages as m
from codemode.wire.codec import encode
from codemode.wire.connection import Connection
from codemode.wire.frames import MAX_FRAME_BYTES, encode_frame
from codemode.wire.validation import StrictDecoder

pytestmark = pytest.mark.usefixtures("nothing_is_left")

MIB = 1024 * 1024
ANSWER_S = 20.0
"""Generous: for what must answer at all."""
LATE_S = 1.0
"""Generous: how long a sibling's call may be late. Its figures are measured by `benchmarks/hostile_input.py`."""
MOST_CHARACTERS = 70_000
"""Of what is told of an end: a script's own error may say so much."""
SIBLING = """
    let sum = 0;
    for (let call = 1, more = true; more; call++) {
        ({ more } = await tools.tick({ call }));
        sum += call;
    }
    text(sum);
"""
HOSTS_CODES = {"worker_crashed", "output_limit", "call_limit", "memory_limit"}
"""How a cell ends whose worker lies. The codes of `failed` are there too where it only says one."""


class Sibling:
    """A cell in a real worker that calls a tool all the time, and when each call came."""

    def __init__(self) -> None:
        self.registry = codemode.ToolRegistry()
        self.more = True
        self.calls = 0
        self.worst_s = 0.0
        self.began = trio.Event()
        self._last_s = math.inf

        @self.registry.tool
        async def tick(call: int) -> dict[str, bool]:
            now_s = time.monotonic()
            self.worst_s = max(self.worst_s, now_s - self._last_s)
            self._last_s = now_s
            assert call == self.calls + 1
            self.calls = call
            self.began.set()
            await trio.sleep(0.002)
            return {"more": self.more}


class Stage:
    """A service with the sibling in it, and liars for whoever comes next."""

    def __init__(self, service: Service, tools: codemode.ToolRegistry, sibling: Sibling) -> None:
        self.service = service
        self.tools = tools
        self.sibling = sibling
        self.play: Callable[[Liar], Awaitable[None]] = Liar.stand_ready
        self.played = 0

    async def outcome_of(self, play: Callable[[Liar], Awaitable[None]]) -> codemode.CellOutcome:
        """How cell 1 of a new session ends whose worker does this."""
        self.play = play
        played = self.played
        with trio.fail_after(ANSWER_S):
            while self.played == played:  # a host that is slow has had honest workers made beside the sibling's
                async with self.service.open_session(self.tools) as session, session.open_turn() as turn:
                    outcome = await turn.run("text('never run')")
        assert all(call.status != "running" and call.ended_ms is not None for call in outcome.calls)
        if outcome.error is not None:
            assert len(outcome.error.message) < MOST_CHARACTERS
            assert os.sep + "codemode" not in outcome.error.message
        return outcome


@pytest.fixture
async def stage(
    launcher: Any, hosts_tasks: Callable[[], int], toolbox: Any, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Stage]:
    caplog.set_level(logging.CRITICAL, "codemode")  # or pytest keeps a record of each worker that crashed
    tasks = hosts_tasks()
    sibling = Sibling()
    stages: list[Stage] = []
    launchers: list[LyingLauncher] = []

    async def play(liar: Liar) -> None:
        stages[0].played += 1
        await stages[0].play(liar)

    def lying(limits: codemode.Limits) -> LyingLauncher:
        launchers.append(LyingLauncher(launcher(limits), play, lies=False))
        return launchers[0]

    async with (
        codemode.open_service(launcher=lying, spares=0) as service,
        service.open_session(sibling.registry) as own,
        own.open_turn() as turn,
    ):
        stages.append(Stage(service, toolbox.registry, sibling))
        async with trio.open_nursery() as nursery:
            outcomes: list[codemode.CellOutcome] = []

            async def run() -> None:
                outcomes.append(await turn.run(SIBLING))

            nursery.start_soon(run)
            with trio.fail_after(ANSWER_S):
                await sibling.began.wait()
            launchers[0].lies = True
            before_bytes = resident_bytes()
            yield stages[0]
            grown_bytes = resident_bytes() - before_bytes
            sibling.more = False
        [outcome] = outcomes
        assert outcome.status == "completed"
        assert outcome.text == str(sibling.calls * (sibling.calls + 1) // 2)
        assert sibling.worst_s < LATE_S
        assert grown_bytes < 64 * MIB
        assert service.statistics().workers == 1  # the sibling's, which serves its turn to the end
    assert hosts_tasks() <= tasks


def resident_bytes() -> int:
    """What this process has in memory, without what its allocator only keeps at hand. Its workers are none of it."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def said(*messages: m.Message) -> bytes:
    return b"".join(encode_frame(encode(message)) for message in messages)


# ── mutated frames ────────────────────────────────────────────────────────────────────────────────────────────


def is_refused(data: bytes) -> bool:
    """Whether the protocol forbids this after a start, and before its end is said. The tested host is not asked."""
    connection = Connection("host", StrictDecoder())
    good = said(m.Hello(1, "", 0, {}), m.Ready())
    assert len([*connection.receive_data(good)]) == 2
    connection.send(m.Start(1, "cell-1.js", "", "javascript", (), {}, 1024, 1))
    try:
        any(isinstance(message, m.Completed | m.Failed) for message in connection.receive_data(data))
    except RemoteProtocolError:
        return True
    return False


def after_start(conversation: Sequence[tuple[str, m.Message]]) -> list[bytes]:
    """What the worker says of its first cell, as cell 1."""
    frames: list[bytes] = []
    for role, message in conversation:
        if role == "worker" and hasattr(message, "cell"):
            frames.append(said(dataclasses.replace(message, cell=1)))
            if isinstance(message, m.Completed | m.Failed):
                break
    return frames


async def liars_until(stage: Stage, conversations: list[Any], frames: int, seed: str) -> Counter[str]:
    mutator, seen = Mutator(seed), Counter[str]()
    said_of_a_cell = [good for conversation in conversations if (good := after_start(conversation))]
    while seen["frames"] < frames:
        for good in said_of_a_cell:
            hostile = mutator.frames(good)
            data = b"".join(hostile)

            async def play(liar: Liar, data: bytes = data) -> None:
                if await liar.stand_ready() is not None:
                    for piece in mutator.pieces(data):
                        await liar.say_bytes(piece)

            outcome = await stage.outcome_of(play)
            seen["frames"] += sum(frame not in good for frame in hostile)
            seen[outcome.status] += 1
            if is_refused(data):
                seen["refused"] += 1
                assert outcome.error is not None
                assert outcome.error.code in HOSTS_CODES
    return seen


async def test_two_thousand_hostile_frames_end_their_own_cells_alone(stage: Stage, conversations: list[Any]) -> None:
    seen = await liars_until(stage, conversations, 2_000, "suite")
    assert seen["refused"] > 500, seen
    assert stage.sibling.calls > 100


@pytest.mark.soak
async def test_fifty_thousand_hostile_frames_end_their_own_cells_alone(stage: Stage, conversations: list[Any]) -> None:
    await liars_until(stage, conversations, 50_000, "soak")


# ── lies that are well-formed ─────────────────────────────────────────────────────────────────────────────────


def calls(*numbers: int, tool: str = "answer", size: int = 0) -> m.Calls:
    return m.Calls(1, tuple((number, tool, "{" + " " * size + "}") for number in numbers))


def text(*texts: str) -> m.Output:
    return m.Output(1, tuple(("text", text) for text in texts))


FAILED = m.Failed(1, "script_error", "said by a liar", None, None, None)
BRACKETS = '{"a":' + "[],[" * 4_000_000 + "}"
CRASHES: dict[str, tuple[bytes, str]] = {
    "an id again": (said(calls(1), calls(1)), "ids only grow"),
    "ids that shrink": (said(calls(5, 4)), "ids only grow"),
    "no id": (said(calls(0)), "ids only grow"),
    "an id beyond all": (said(calls(2**53)), "less than or equal to"),
    "a call of a stranger's cell": (said(m.Calls(2, ((1, "answer", "{}"),))), "for cell 2 while cell 1"),
    "output of a stranger's cell": (said(m.Output(7, (("text", "x"),))), "for cell 7 while cell 1"),
    "the end of a stranger's cell": (said(m.Completed(0)), "for cell 0 while cell 1"),
    "cancels of no call": (said(m.Cancels(1, (3,))), "never made"),
    "cancels of a call without a signal": (said(calls(1, tool="never"), m.Cancels(1, (1,))), "without a signal"),
    "abortable that was not made": (said(m.Calls(1, (), (3,))), "abortable"),
    "hello again": (said(m.Hello(1, "", 0, {})), "hello while running"),
    "hello of another version": (said(m.Hello(2, "", 0, {})), "hello while running"),
    "ready again": (said(m.Ready()), "ready while running"),
    "a pong that answers nothing": (said(m.Pong(1_000_000)), "answers no ping"),
    "failing twice": (said(m.Failing(1), m.Failing(1)), "failing while failing"),
    "what only the host says": (said(m.Ping(1)), "expected tags"),
    "a code of the host": (said(m.Failed(1, "terminated", "", None, None, None)), "failed.code"),
    "more calls than may be open": (said(calls(*range(1, 1026))), "1024"),
    "a hundred thousand calls": (said(calls(*range(1, 100_001))), "values"),
    "a name of a megabyte": (said(calls(1, tool="x" * MIB)), "named a tool by"),
    "a name that is no name": (said(calls(1, tool="\0/../\u2028")), "the worker ended"),
    "an argument that is too long": (said(calls(1, size=16 * MIB)), "an argument of"),
    "arguments too long together": (said(*(calls(n, tool="never", size=15 * MIB) for n in (1, 2, 3))), "come to"),
    "a frame without an end": ((2**26).to_bytes(4, "big") + b"\x81", "the worker ended"),
    "a frame of 4 GiB": (b"\xff\xff\xff\xff", "announces"),
    "an empty frame": (bytes(4), "announces"),
    "a frame of one note": (said(m.Notes(1, ("x" * (MAX_FRAME_BYTES - 40),))), "characters"),
}
"""What is said of cell 1 after its start, and words of what is told of the worker."""
OVERSTEPS: dict[str, bytes] = {
    "output that is too long": said(text("x" * 9 * MIB), text("x" * 9 * MIB)),
    "too many items": said(*[text(*[""] * 30_000)] * 4),
    "too many items, and the end": said(*[text(*[""] * 30_000)] * 4, m.Completed(1)),
    "too long a note, and the end twice": said(
        m.Notes(1, ("x" * 17 * MIB,)), m.Completed(1), m.Completed(1), m.Completed(1)
    ),
}
"""These end with `output_limit`."""
ENDURED: dict[str, bytes] = {
    "an argument that is no JSON": said(m.Calls(1, ((2, "answer", "{"),))),
    "an argument of brackets": said(m.Calls(1, ((1, "echo", BRACKETS),))),
    "items that are no items": said(m.Output(1, (("image", "{"), ("audio", "[" * 10_000), ("content", "null")))),
    "an item of brackets": said(m.Output(1, (("content", "[" + "[]," * 4_000_000 + "1]"),))),
    "a flood of logs": said(*[m.Logs(1, (("log", "x" * 1000),) * 1000)] * 20),
    "a flood of stores": said(*[m.Stores(1, (("key", '"' + "x" * MIB + '"'),))] * 50),
    "a store that is no JSON": said(m.Stores(1, (("key", "{"), ("__proto__", "1")))),
    "settings beyond reason": said(m.YieldTime(1, 2**53 - 1), m.OutputBudget(1, 2**53 - 1)),
    "an error of ten megabytes": said(m.Failed(1, "script_error", "x" * 10 * MIB, "y" * 10 * MIB, 1, 1)),
}
"""These break no rule. What follows is that the script failed."""
TOO_LATE: dict[str, bytes] = {
    "items after the end": said(m.Completed(1), text("late")),
    "completed twice": said(m.Completed(1), m.Completed(1)),
    "failed after completed": said(m.Completed(1), FAILED),
}
"""These cells have completed."""
LIES: dict[str, tuple[bytes, str | None, str]] = {
    **{name: (data, "worker_crashed", words) for name, (data, words) in CRASHES.items()},
    **{name: (data, "output_limit", "the script") for name, data in OVERSTEPS.items()},
    **{name: (data + said(FAILED), "script_error", "") for name, data in ENDURED.items()},
    **{name: (data, None, "") for name, data in TOO_LATE.items()},
}


@pytest.mark.parametrize("how", ["at once", "in pieces"])
async def test_a_lie_ends_its_own_cell_and_says_what_was_wrong(stage: Stage, how: str) -> None:
    for name, (data, code, words) in LIES.items():

        async def play(liar: Liar, data: bytes = data) -> None:
            if await liar.stand_ready() is not None:
                step = len(data) if how == "at once" or len(data) > 100_000 else 3
                for start in range(0, len(data), step):
                    await liar.say_bytes(data[start : start + step])

        outcome = await stage.outcome_of(play)
        error = outcome.error
        assert (name, error and error.code) == (name, code)
        assert words in (error.message if error else ""), name
        assert "late" not in outcome.text
