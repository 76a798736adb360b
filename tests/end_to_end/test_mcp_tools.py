"""Scripts that call the tools of MCP servers: by their modules, with media, side by side, and when a server dies."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import codemode
from codemode.frontends.mcp_config import load_mcp_config
from codemode.frontends.mcp_tools import open_mcp_tools

pytestmark = [pytest.mark.usefixtures("nothing_is_left"), pytest.mark.one_launcher]

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
async def mcp_turn(lab: Any, toolbox: Any, tmp_path: Path) -> AsyncIterator[codemode.Turn]:
    """A turn of a session with the toolbox, an ordinary MCP server, `weather`, and a false one."""
    config = tmp_path / "mcp.json"
    servers = {
        "weather": {"command": sys.executable, "args": [str(PROGRAMS / "ordinary_mcp_server.py")]},
        "false": {"command": sys.executable, "args": [str(PROGRAMS / "false_mcp_server.py"), "well"]},
    }
    config.write_text(json.dumps({"mcpServers": servers}))
    async with open_mcp_tools(load_mcp_config(config)) as tools:
        tools.include(toolbox.registry)
        async with lab.service.open_session(tools) as session, session.open_turn() as turn:
            yield turn


def told(outcome: codemode.CellOutcome) -> list[Any]:
    """What the script gave to `text`, read as JSON."""
    assert outcome.error is None, outcome.error
    return [json.loads(item.text) for item in outcome.items if item.type == "text"]


async def test_a_script_imports_the_tools_of_a_server_by_its_module(mcp_turn: codemode.Turn) -> None:
    outcome = await mcp_turn.run(
        """
        import { forecast, greet } from "tools/mcp/weather.js";
        import { mcp__weather__greet } from "tools.js";
        const { city, degrees } = await forecast({ city: "Oslo" });
        text([city, Math.max(...degrees), await greet({ name: "Ada" }), await mcp__weather__greet({ name: "Bo" })]);
        """
    )

    assert told(outcome) == [["Oslo", 9, "hello, Ada", "hello, Bo"]]
    assert [(entry.tool, entry.status) for entry in outcome.calls] == [
        ("mcp__weather__forecast", "ok"),
        ("mcp__weather__greet", "ok"),
        ("mcp__weather__greet", "ok"),
    ]


async def test_media_stay_out_of_the_script_until_it_asks(mcp_turn: codemode.Turn) -> None:
    outcome = await mcp_turn.run(
        """
        const { content: [label, shot] } = await tools.mcp__weather__picture();
        text([label.text, Object.keys(shot)]);
        image(await tools.mcp__media(shot));
        content(await tools.mcp__media({ ref: shot.ref }));
        """
    )

    assert told(outcome) == [["a red dot", ["type", "mimeType", "bytes", "ref", "get"]]]
    urls = [item.image_url for item in outcome.items if item.type == "image"]
    assert urls == ["data:image/png;base64,iVBORyByZWQ="] * 2


async def test_a_tool_that_fails_rejects_with_its_own_words(mcp_turn: codemode.Turn) -> None:
    outcome = await mcp_turn.run(
        """
        const { refuse, forecast } = await import("tools/mcp/weather.js");
        for (const call of [() => refuse(), () => forecast({ town: "Oslo" }), () => tools.mcp__media({ ref: "x" })]) {
          try { await call() } catch ({ name, code, tool, message }) { text([name, code, tool, message.slice(0, 40)]) }
        }
        """
    )

    assert told(outcome) == [
        ["ToolError", "tool_failed", "mcp__weather__refuse", "Error executing tool refuse: the door is"],
        ["ToolError", "invalid_arguments", "mcp__weather__forecast", "mcp__weather__forecast: unknown paramete"],
        ["ToolError", "tool_failed", "mcp__media", "nothing is kept under this ref: it is wr"],
    ]


async def test_calls_of_one_server_and_of_others_run_side_by_side(mcp_turn: codemode.Turn, soon: Any) -> None:
    with soon(30):
        outcome = await mcp_turn.run(
            """
            const slow = tools.mcp__weather__pause({ ms: 600_000, name: "slow" });
            const names = Array.from({ length: 50 }, (_, i) => `n${i}`);
            const fast = names.map((name) => tools.mcp__weather__pause({ ms: 1, name }));
            const inOrder = (await Promise.all(fast)).join() === names.join();
            text([inOrder, await tools.answer(), await tools.mcp__false__echo()]);
            """
        )

    assert told(outcome) == [[True, 42, {}]]
    assert [entry.status for entry in outcome.calls if entry.status != "ok"] == ["cancelled"]


async def test_terminating_a_cell_cancels_its_call_in_the_server(
    mcp_turn: codemode.Turn, tmp_path: Path, eventually: Any
) -> None:
    note = tmp_path / "note"
    started = await mcp_turn.exec(
        f"await tools.mcp__weather__hold({{ note: {json.dumps(str(note))} }})", yield_time_ms=0
    )
    await eventually(lambda: note.exists() and note.read_text() == "running")

    ended = await mcp_turn.wait(started.cell_id, terminate=True)

    assert ended.status == "terminated"
    await eventually(lambda: note.read_text() == "cancelled")


async def test_a_server_that_dies_fails_its_calls_and_the_script_goes_on(mcp_turn: codemode.Turn, soon: Any) -> None:
    with soon():
        outcome = await mcp_turn.run(
            """
            const { hold, crash, echo } = await import("tools/mcp/false.js");
            const open = [hold(), hold()];
            await echo();
            const ended = await Promise.allSettled([...open, crash()]);
            const says = ({ reason }, words) => reason.message.includes(words);
            text(ended.map((each) => [each.reason.code, says(each, "exit status 3"), says(each, "secret")]));
            text([await echo({ again: 1 }), await tools.mcp__weather__greet({ name: "Ada" })]);
            """
        )

    assert told(outcome) == [[["tool_failed", True, False]] * 3, [{"again": 1}, "hello, Ada"]]
