"""exec and wait as a model calls them, with real workers: arguments of every form, mistakes, turns, cancellations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import trio

import codemode
from codemode.host.declarations import declaration
from codemode.host.model_tools import WrongCall, read_arguments
from codemode.host.session import Session
from codemode.host.turn import Turn

Soon = Callable[..., AbstractContextManager[trio.CancelScope]]

# ── arguments ─────────────────────────────────────────────────────────────────────────────────────────────────────

READ: list[tuple[str, Any, dict[str, Any]]] = [
    ("exec", {"source": "1"}, {"source": "1"}),
    ("exec", '{"source": "1", "yield_time_ms": 5}', {"source": "1", "yield_time_ms": 5}),
    ("exec", "text(1)", {"source": "text(1)"}),
    ("exec", "5", {"source": "5"}),
    ("exec", '"use strict"', {"source": '"use strict"'}),
    ("exec", "[1, 2].map(text)", {"source": "[1, 2].map(text)"}),
    ("exec", "", {"source": ""}),
    ("exec", '{ text("a block") }', {"source": '{ text("a block") }'}),
    ("exec", {"source": "1", "yield_time_ms": 5.0}, {"source": "1", "yield_time_ms": 5}),
    ("exec", {"source": "1", "max_output_tokens": 0}, {"source": "1", "max_output_tokens": 0}),
    ("exec", {"source": "\ud800"}, {"source": "\ufffd"}),
    ("exec", {"source": "1", "yield_time_ms": 10**30}, {"source": "1", "yield_time_ms": 10**30}),
    ("wait", {}, {}),
    ("wait", None, {}),
    ("wait", {"cell_id": 3}, {"cell_id": "3"}),
    ("wait", '{"cell_ids": [1, "2"], "until": "output"}', {"cell_ids": ["1", "2"], "until": "output"}),
    ("wait", {"output_id": "1.1", "offset": 7}, {"output_id": "1.1", "offset": 7}),
]


@pytest.mark.parametrize(("name", "arguments", "read"), READ)
def test_arguments_are_read_in_every_form_that_providers_send(name: str, arguments: Any, read: dict[str, Any]) -> None:
    found = read_arguments(name, arguments)
    assert found == read
    assert [type(value) for value in found.values()] == [type(value) for value in read.values()]


WRONG: list[tuple[str, Any, str]] = [
    ("exec", {}, 'missing parameter "source"'),
    ("exec", None, 'missing parameter "source"'),
    ("exec", "{}", 'missing parameter "source"'),
    ("exec", '{"code": "1"}', 'unknown parameter "code"'),
    ("exec", {"source": 5}, 'parameter "source": expected a string, got 5'),
    ("exec", {"source": "1", "yield_time_ms": "5000"}, 'parameter "yield_time_ms": expected an integer, got "5000"'),
    ("exec", {"source": "1", "yield_time_ms": -1}, "yield_time_ms"),
    ("exec", {"source": "1", "yield_time_ms": 1.5}, "yield_time_ms"),
    ("exec", {"source": "1", "max_output_tokens": True}, "max_output_tokens"),
    ("exec", {"source": "1", "yield_ms": 1}, 'unknown parameter "yield_ms"; did you mean "yield_time_ms"?'),
    ("exec", ["1"], "an object of parameters"),
    ("exec", 5, "an object of parameters"),
    ("exec", {"source": object()}, "no JSON form"),
    ("wait", "cell 3", "the arguments are not JSON"),
    ("wait", '"3"', "an object of parameters"),
    ("wait", {"cell_id": True}, 'parameter "cell_id": expected a string, got true'),
    ("wait", {"cell_ids": "3"}, 'parameter "cell_ids": expected an array'),
    ("wait", {"cell_id": "3", "until": "end"}, 'parameter "until"'),
    ("wait", {"cell_id": "3", "terminate": "yes"}, 'parameter "terminate": expected a boolean, got "yes"'),
]


@pytest.mark.parametrize(("name", "arguments", "said"), WRONG)
def test_wrong_arguments_are_told_what_is_right(name: str, arguments: Any, said: str) -> None:
    with pytest.raises(WrongCall) as caught:
        read_arguments(name, arguments)
    assert said in str(caught.value)


# ── replies ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_script_that_completes_gives_its_header_and_its_items(session: Session) -> None:
    reply = await session.call_tool(
        "exec", {"source": "text(await tools.answer()); image('data:image/png;base64,iVBORw=='); text('end')"}
    )
    header, *items = reply.content
    assert header["text"].startswith("Script completed\nWall time ")
    assert items == [
        {"type": "text", "text": "42"},
        {"type": "image", "data": "iVBORw==", "mimeType": "image/png"},
        {"type": "text", "text": "end"},
    ]
    assert not reply.is_error
    assert reply.text == f"{header['text']}\n42\nend"
    assert reply.outcome is not None
    assert reply.outcome.status == "completed"


async def test_a_script_that_fails_is_an_error_with_what_it_had_said(session: Session) -> None:
    reply = await session.call_tool("exec", "text('before'); await tools.fail()", format="anthropic")
    assert reply.is_error
    assert [block["type"] for block in reply.content] == ["text"] * 3
    assert "before" in reply.content[1]["text"]
    assert "Script error:" in reply.content[2]["text"]
    assert "failed: 1 (fail#" in reply.content[2]["text"]


@pytest.mark.parametrize("format_", ["openai", "openai.responses", "openai.chat", "anthropic", "gemini", "mcp"])
async def test_every_form_carries_the_same_text(session: Session, format_: str) -> None:
    reply = await session.call_tool("exec", "text('one'); text('two')", format=format_)
    texts = [block["response"]["output"] if format_ == "gemini" else block["text"] for block in reply.content]
    assert "\n".join(texts) == reply.text
    assert reply.text.endswith("Output:\none\ntwo")


async def test_a_script_that_goes_on_is_waited_for(session: Session) -> None:
    begun = await session.call_tool("exec", {"source": "text(1); await tools.gated(); text(2)", "yield_time_ms": 0})
    assert begun.outcome is not None
    assert begun.outcome.status == "running"
    cell_id = begun.outcome.cell_id
    assert f"Script running with cell ID {cell_id}" in begun.text
    await session.call_tool("exec", "await tools.open_gate()")
    ended = await session.call_tool("wait", {"session_id": cell_id})
    assert (ended.text.splitlines()[0], ended.text.splitlines()[-1]) == ("Script completed", "2")
    again = await session.call_tool("wait", {"cell_id": cell_id})
    assert "already delivered" in again.text


async def test_the_first_of_several_cells_answers(session: Session) -> None:
    never = await session.call_tool("exec", {"source": "await tools.never()", "yield_time_ms": 0})
    gated = await session.call_tool("exec", {"source": "await tools.gated()", "yield_time_ms": 0})
    assert never.outcome is not None
    assert gated.outcome is not None
    await session.call_tool("exec", "await tools.open_gate()")
    reply = await session.call_tool("wait", {"cell_ids": [never.outcome.cell_id, gated.outcome.cell_id]})
    assert reply.outcome is not None
    assert (reply.outcome.cell_id, reply.outcome.status) == (gated.outcome.cell_id, "completed")


async def test_a_terminated_script_is_no_error(session: Session) -> None:
    begun = await session.call_tool("exec", {"source": "text('so far'); for (;;) {}", "yield_time_ms": 100})
    assert begun.outcome is not None
    reply = await session.call_tool("wait", {"cell_id": begun.outcome.cell_id, "terminate": True})
    assert reply.text.startswith("Script terminated")
    assert not reply.is_error


async def test_output_that_was_cut_says_how_to_read_it_and_can_be_read(session: Session) -> None:
    source = "for (let line = 0; line < 300; line++) text(`line ${line} äöü`)"
    reply = await session.call_tool("exec", {"source": source, "max_output_tokens": 50})
    assert reply.outcome is not None
    whole = "\n".join(item.text for item in reply.outcome.items if item.type == "text")
    read = ""
    for _ in range(20):
        note = reply.text.splitlines()[-1]
        if "wait(" not in note:
            break
        reply = await session.call_tool("wait", note[note.index("wait(") + 5 : -1].replace("}", ', "max_tokens": 500}'))
        assert not reply.is_error, reply.text
        read += reply.content[1]["text"]
    assert read == whole


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("exec", {}, 'exec: missing parameter "source"'),
        ("wait", {}, "give one of cell_id, cell_ids and output_id"),
        ("wait", {"cell_id": "1", "output_id": "1.1"}, "give one of"),
        ("wait", {"cell_id": "1", "session_id": "2"}, "session_id is an older name of cell_id"),
        ("wait", {"cell_ids": []}, "at least one cell id"),
        ("wait", {"cell_id": "99"}, "no cell has the id '99'"),
        ("wait", {"output_id": "99"}, "no output has the id '99'"),
        ("shell", {"command": "ls"}, "no tool is named 'shell' here; there are exec and wait"),
        ("", None, "there are exec and wait"),
    ],
)
async def test_a_mistake_of_the_model_is_a_reply(session: Session, name: str, arguments: Any, said: str) -> None:
    reply = await session.call_tool(name, arguments, format="openai.chat")
    assert (reply.is_error, reply.outcome) == (True, None)
    assert said in reply.text
    assert reply.content == [{"type": "text", "text": reply.text}]


async def test_an_unknown_cell_names_those_that_run(session: Session) -> None:
    await session.call_tool("exec", {"source": "await tools.never()", "yield_time_ms": 0})
    reply = await session.call_tool("wait", {"cell_id": "7"})
    assert "running cells: 1" in reply.text


async def test_a_mistake_of_the_host_raises(lab: Any) -> None:
    async with lab.service.open_session() as session:
        with pytest.raises(codemode.UsageError, match="'gpt' is no format"):
            await session.call_tool("exec", "1", format="gpt")
    with pytest.raises(codemode.ClosedError):
        await session.call_tool("exec", "1")


# ── turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_call_is_made_in_the_turn_that_was_opened_last(session: Session, soon: Soon) -> None:
    async with session.open_turn() as outer:
        async with session.open_turn() as inner:
            begun = await session.call_tool("exec", {"source": "await tools.never()", "yield_time_ms": 0})
        assert begun.outcome is not None
        with soon():
            ended = await outer.wait(begun.outcome.cell_id)
        assert ended.status == "terminated", "it ended with the inner turn"
        with pytest.raises(codemode.ClosedError):
            await inner.exec("1")
        assert not (await session.call_tool("exec", "1")).is_error


async def test_without_a_turn_a_script_outlives_its_call_and_its_calls_are_served(
    session: Session, toolbox: Any, soon: Soon
) -> None:
    begun = await session.call_tool("exec", {"source": "await tools.gated(); await tools.answer()", "yield_time_ms": 0})
    assert begun.outcome is not None
    toolbox.gate.set()
    with soon():
        await toolbox.until_asked(1, "answer")
    async with session.open_turn():
        reply = await session.call_tool("wait", {"cell_id": begun.outcome.cell_id})
    assert reply.text.startswith("Script completed")


async def test_a_script_that_nobody_looks_at_ends_after_its_lease(
    session: Session, monkeypatch: pytest.MonkeyPatch, soon: Soon, eventually: Any
) -> None:
    monkeypatch.setattr("codemode.host.session.KEEP_S", 0.2)
    await session.call_tool("exec", {"source": "await tools.never()", "yield_time_ms": 0})
    with soon():
        await eventually(lambda: session.live_cells == ())
    reply = await session.call_tool("wait", {"cell_id": "1"})
    assert reply.text.startswith("Script terminated")


async def test_an_observation_that_goes_on_keeps_the_script(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codemode.host.session.KEEP_S", 0.2)
    await session.call_tool("exec", {"source": "await tools.never()", "yield_time_ms": 0})
    reply = await session.call_tool("wait", {"cell_id": "1", "yield_time_ms": 1000})
    assert reply.text.startswith("Script running with cell ID 1")


async def test_cancelling_an_exec_ends_its_script_and_cancelling_a_wait_does_not(
    session: Session, toolbox: Any, soon: Soon, eventually: Any
) -> None:
    async def cancel_once_asked(scope: trio.CancelScope) -> None:
        await toolbox.until_asked(1, "never")
        scope.cancel()

    with soon():
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as scope:
                nursery.start_soon(cancel_once_asked, scope)
                await session.call_tool("exec", "await tools.never()")
            assert scope.cancelled_caught
        await eventually(lambda: session.live_cells == ())
    begun = await session.call_tool("exec", {"source": "await tools.never()", "yield_time_ms": 0})
    assert begun.outcome is not None
    with trio.move_on_after(0.05):
        await session.call_tool("wait", {"cell_id": begun.outcome.cell_id})
    assert session.live_cells == (begun.outcome.cell_id,)


async def test_four_scripts_run_side_by_side_without_a_turn(session: Session, toolbox: Any, soon: Soon) -> None:
    async def run(number: int) -> None:
        reply = await session.call_tool("exec", f"text(await tools.gated({{ name: '{number}' }}))")
        assert reply.content[1] == {"type": "text", "text": str(number)}

    with soon():
        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(run, number)
            await toolbox.until_asked(4, "gated")
            toolbox.gate.set()


async def test_the_session_tells_of_its_own_tools(session: Session) -> None:
    exec_spec, wait_spec = session.tool_specs("mcp")
    assert "echo(args?: Record<string, unknown>): Promise<Record<string, unknown>>;" in exec_spec["description"]
    assert len(session.tool_specs("mcp", max_tokens=0)[0]["description"]) < len(exec_spec["description"])
    assert json.dumps(wait_spec)


async def test_what_the_description_left_out_is_told_to_scripts(session: Session) -> None:
    reply = await session.call_tool("exec", "text(describe_tool('files__read')); text(ALL_TOOLS.length)")
    assert [block["text"] for block in reply.content[1:]] == [
        declaration(session.tools["files__read"]),
        str(len(session.tools)),
    ]


async def test_every_helper_that_the_description_names_is_there(session: Session) -> None:
    told = session.tool_specs("mcp")[0]["description"].partition("Globals besides")[2].partition("\n\n")[0]
    names = sorted(set(re.findall(r"`(\w+)[(`]", told)) - {"undefined"})
    assert len(names) > 15
    reply = await session.call_tool(
        "exec", f"text({json.dumps(names)}.filter((name) => globalThis[name] === undefined))"
    )
    assert reply.content[1]["text"] == "[]"


async def test_a_turn_is_asked_the_same_by_its_own_methods(turn: Turn, session: Session) -> None:
    reply = await session.call_tool("exec", "text(1)")
    outcome = await turn.exec("text(1)")
    assert reply.outcome is not None
    assert (reply.outcome.items, reply.outcome.status) == (outcome.items, outcome.status)
