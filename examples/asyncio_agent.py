"""Code mode in an asyncio program: the tools run on its loop, and the calls of a script are shown as they settle.

Run it with `python examples/asyncio_agent.py`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from codemode import aio as codemode

NOTES = Path(__file__).resolve().parent / "data" / "notes"

SCRIPT = """
const names = await tools.runbooks();
const lengths = await Promise.all(names.map((name) => tools.words({ name })));
text(names.map((name, i) => `${name}: ${lengths[i]} words`).join("\\n"));
"""

tools = codemode.ToolRegistry()
at_a_time = asyncio.Semaphore(3)


@tools.tool(read_only=True)
async def runbooks() -> list[str]:
    """The names of the runbooks."""
    return sorted(path.stem for path in NOTES.glob("runbooks/*.md"))


@tools.tool(read_only=True)
async def words(name: str) -> int:
    """How many words a runbook has."""
    async with at_a_time:  # as with a server that one is polite to
        return len((await asyncio.to_thread((NOTES / "runbooks" / f"{name}.md").read_text, "utf-8")).split())


async def show_calls(events: codemode.EventStream) -> None:
    async for event in events:
        if isinstance(event, codemode.CallSettled):
            print(f"[{event.tool}: {event.status}]")


async def main() -> None:
    async with codemode.open_session(tools) as session, asyncio.TaskGroup() as group:
        group.create_task(show_calls(events := session.events()))
        async with session.open_turn() as turn:
            outcome = await turn.run(SCRIPT)
        events.close()  # the task ends when it has shown what was said before
    print(outcome.text or outcome.error)


if __name__ == "__main__":
    asyncio.run(main())
