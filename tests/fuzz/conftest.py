"""What the fuzz tests share: good conversations, of the vectors and of a real worker, to be made hostile."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest
import trio

import codemode
from codemode.host.launcher import Launcher
from codemode.testing.trace import Trace, TracedLauncher
from codemode.wire import messages as m
from codemode.wire.validation import StrictDecoder

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors" / "conversations.json"

Conversation = list[tuple[str, m.Message]]
"""(role, message), in the order in which both ends said them."""

SCRIPT = """
    import { echo, sleep } from "tools.js";
    text("a"); image("https://example.org/a.png"); console.warn("w"); store("k", { a: [1, "b"] }); notify("n");
    set_yield_time(60_000); set_max_output_tokens_per_exec_call(500);
    text(await Promise.all([echo({ a: 1 }), sleep({ ms: 1, name: "x" }), echo({ b: "é😀" })]));
    const aborting = new AbortController();
    const aborted = tools.never({}, { signal: aborting.signal }).catch((error) => error.code);
    await sleep({ ms: 1 });
    aborting.abort();
    text(await aborted); yield_control();
    await tools.fail().catch((error) => text(error));
    throw new TypeError("at the end");
"""


@pytest.fixture(scope="session")
def vectors() -> list[Conversation]:
    """The good part of each conversation of the vectors, up to what a rule forbids."""
    read = StrictDecoder((*m.WORKER_MESSAGES, *m.HOST_MESSAGES))
    good = []
    for case in json.loads(VECTORS.read_text("utf-8")):
        steps: Conversation = []
        for step in case["steps"]:
            if "violation" in step or "unread" in step:
                break
            steps.append((step["from"], read(msgpack.packb(step["message"]))))
        good.append(steps)
    return good


@pytest.fixture(scope="session")
def recorded() -> list[Conversation]:
    """What real workers and a real host said to each other."""
    return []


@pytest.fixture
async def conversations(
    vectors: list[Conversation],
    recorded: list[Conversation],
    launcher: Callable[[codemode.Limits], Launcher],
    toolbox: Any,
) -> list[Conversation]:
    """All of them. The real ones are recorded once."""
    if not recorded:
        trace = Trace()
        async with (
            codemode.open_service(launcher=lambda limits: TracedLauncher(launcher(limits), trace), spares=0) as service,
            service.open_session(toolbox.registry) as session,
        ):
            for script in (SCRIPT, "text(load('k').a[0])", "} no script"):
                async with session.open_turn() as turn:
                    with trio.fail_after(30):
                        await turn.run(script)
            recorded += _by_worker(trace)
    return vectors + recorded


def _by_worker(trace: Trace) -> list[Conversation]:
    roles = {"said": "worker", "told": "host"}
    numbers = {entry.worker for entry in trace.entries}
    return [
        [
            (roles[entry.kind], entry.message)
            for entry in trace.entries
            if entry.worker == number and entry.message is not None
        ]
        for number in sorted(numbers)
    ]
