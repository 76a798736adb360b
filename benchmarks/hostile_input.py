"""How long a host stands still for one hostile message, and what reading it takes in memory.

    python benchmarks/hostile_input.py [--rounds 3]

A hostile worker says one message over a real pipe while the host's loop is asked, again and again, whether it is there.
The longest silence of the loop is how long any other cell has had to wait.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import trio

import codemode
from codemode.host.launcher import SpawnLauncher
from codemode.limits import MIB
from codemode.testing.liars import Liar, LyingLauncher
from codemode.wire import messages as m
from codemode.wire.codec import encode
from codemode.wire.frames import MAX_FRAME_BYTES, encode_frame

tools = codemode.ToolRegistry()
ARGUMENT = 16 * MIB - 100
ANSWER_S = 3.0
"""How long a call is given, where there is one, before its worker ends."""


@tools.tool
async def take(value: Any = None) -> None:
    """Takes anything, as a signature checks it."""


tools.add(codemode.ToolDefinition(name="typed", parameters={"type": "object"}), lambda _: None)
tools.add(
    codemode.ToolDefinition(
        name="text_only", parameters={"type": "object", "properties": {"value": {"type": "string"}}}
    ),
    lambda _: None,
)


def said(*messages: m.Message) -> bytes:
    return b"".join(encode_frame(encode(message)) for message in messages)


def argument(value: str, tool: str = "take") -> bytes:
    return said(m.Calls(1, ((1, tool, f'{{"value":{value}}}'),)))


def repeated(before: str, unit: str, after: str) -> str:
    return before + unit * (ARGUMENT // len(unit)) + after


MESSAGES: dict[str, Callable[[], bytes]] = {
    "an argument: 16 MiB of text": lambda: argument(repeated('"', "a", '"')),
    "an argument: 16 MiB of text for another type": lambda: argument(repeated('"', "é", '"')[: 8 * MIB] + '"', "typed"),
    r"an argument: 16 MiB of \u0000": lambda: argument(repeated('"', "\\u0000", '"')),
    r"an argument: 16 MiB of \ud800": lambda: argument(repeated('"', "\\ud800", '"')),
    "an argument: 16 MiB of [": lambda: argument(repeated("", "[", "")),
    "an argument: 16 MiB of [],": lambda: argument(repeated("[", "[],", "[]]")),
    "an argument: 16 MiB of 1,": lambda: argument(repeated("[", "1,", "1]")),
    'an argument: 16 MiB of "[[",': lambda: argument(repeated("[", '"[[",', "1]")),
    "an argument: 520,000 numbers": lambda: argument("[" + "1," * 520_000 + "1]"),
    "an argument: 260,000 arrays": lambda: argument("[" + "[]," * 260_000 + "1]"),
    "an argument: 520,000 keys": lambda: argument("{" + ",".join(f'"{n}":1' for n in range(520_000)) + "}"),
    "an argument: 520,000 unknown parameters": lambda: said(
        m.Calls(1, ((1, "take", "{" + ",".join(f'"{n}":1' for n in range(520_000)) + "}"),))
    ),
    "an argument: 260,000 arrays where text belongs": lambda: argument("[" + "[]," * 260_000 + "1]", "text_only"),
    "an argument: nested 128 deep": lambda: argument("[" * 127 + "]" * 127),
    "a frame: 1,000 calls of 60 KB": lambda: said(
        m.Calls(1, tuple((call, "nobody", f'"{"x" * 60_000}"') for call in range(1, 1000)))
    ),
    "a frame: 1 Mi short calls": lambda: said(m.Calls(1, tuple((call, "t", "{}") for call in range(1, 2**20)))),
    "a frame: 30,000 short calls": lambda: said(m.Calls(1, tuple((call, "t", "{}") for call in range(1, 30_000)))),
    "a frame: 64 MiB of text": lambda: said(m.Notes(1, ("x" * (MAX_FRAME_BYTES - 40),))),
    "a frame: 64 MiB of empty maps": lambda: encode_frame(
        b"\x81\xa5texts\xdd\x03\xff\xff\xe0" + b"\x80" * (MAX_FRAME_BYTES - 40)
    ),
    "a frame: 43,000 items": lambda: said(m.Output(1, (("text", "a"),) * 43_000)),
    "an item: 8 MiB of [],": lambda: said(m.Output(1, (("content", repeated("[", "[],", "1]")[: 8 * MIB]),))),
}


async def silence_s(data: bytes) -> float:
    """The longest silence of the loop while a host takes this from a worker."""
    ended = trio.Event()

    async def play(liar: Liar) -> None:
        await liar.stand_ready()
        await liar.say_bytes(data)
        with trio.move_on_after(ANSWER_S):
            await liar.hear()

    silences = [0.0]

    async def listen() -> None:
        while not ended.is_set():
            before_s = trio.current_time()
            await trio.sleep(0.0005)
            silences.append(trio.current_time() - before_s - 0.0005)

    async with trio.open_nursery() as nursery:
        async with (
            codemode.open_service(
                launcher=lambda limits: LyingLauncher(SpawnLauncher(limits), play), spares=0
            ) as service,
            service.open_session(tools) as session,
            session.open_turn() as turn,
        ):
            nursery.start_soon(listen)
            await turn.run("text('never run')")
        ended.set()
    return max(silences)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print(f"{'':52}the loop stands still, ms")
    for name, make in MESSAGES.items():
        data = make()
        held_ms = [1000 * trio.run(silence_s, data) for _ in range(rounds)]
        print(f"{name:52}{statistics.median(held_ms):8.0f}    worst {max(held_ms):6.0f}", flush=True)


if __name__ == "__main__":
    main()
