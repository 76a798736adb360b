"""Scripts as they are written for Codex's code mode run here too."""

from __future__ import annotations

from typing import Any

import pytest

SCRIPTS: dict[str, tuple[str, list[str]]] = {
    "a tool and a helper, imported": (
        """import { exec_command } from "tools.js";
           import { output_text } from "@openai/code_mode";

           const result = await exec_command({ cmd: "ls", workdir: "/tmp" });
           output_text(result.output);
           output_text(result);""",
        ["ran ls in /tmp", '{"output":"ran ls in /tmp","exit_code":0,"yield_time_ms":null}'],
    ),
    "globals only": (
        """const { output, exit_code } = await tools.exec_command({ cmd: "pwd" });
           text(output + exit_code);""",
        ["ran pwd in None0"],
    ),
    "a pragma on the first line": (
        """// @exec: {"yield_time_ms": 30000, "max_output_tokens": 500}
           text(await tools.apply_patch("*** Begin Patch"));""",
        ["patched: *** Begin Patch"],
    ),
    "the budget of the call": (
        """import { set_max_output_tokens_per_exec_call, output_text } from "@openai/code_mode";
           set_max_output_tokens_per_exec_call(2000); output_text("short");""",
        ["short"],
    ),
    "tools are looked up in ALL_TOOLS": (
        """const found = ALL_TOOLS.filter(({ name, description }) => /wiki/i.test(name + description));
           text(found.map(({ module, name }) => `${module} ${name}`).join());
           text(await tools.mcp__wiki__search({ query: "q" }));""",
        ["tools/mcp/wiki.js search", '["q","Q"]'],
    ),
    "calls side by side": (
        """const results = await Promise.all(["a", "b", "c"].map((cmd) => tools.exec_command({ cmd })));
           text(results.map((result) => result.output).join("\\n"));""",
        ["ran a in None\nran b in None\nran c in None"],
    ),
    "an early exit": ('text("before"); if (true) exit(); text("after");', ["before"]),
    "notes and images beside the text": (
        """notify("half way");
           image("data:image/png;base64,iVBORw0KGgo="); text("done")""",
        ["done"],
    ),
}


@pytest.mark.parametrize(("script", "expected"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_of_codex(says: Any, script: str, expected: list[str]) -> None:
    assert says(script) == expected


async def test_store_and_load_from_call_to_call(turn: Any) -> None:
    await turn.exec('import { store } from "@openai/code_mode"; store("plan", { step: 1, done: ["a"] });')
    second = await turn.exec("""
        const plan = load("plan") ?? { step: 0, done: [] };
        plan.step += 1;
        store("plan", plan);
        text(plan);
    """)

    assert second.text == '{"step":2,"done":["a"]}'


async def test_yield_control_and_then_wait(turn: Any, toolbox: Any) -> None:
    first = await turn.exec("""
        import { yield_control, output_text } from "openai/code_mode";
        output_text("started");
        yield_control();
        output_text(await tools.gated({ name: "finished" }));
    """)
    toolbox.gate.set()
    second = await turn.wait(first.cell_id)

    assert (first.status, first.text) == ("running", "started")
    assert (second.status, second.text) == ("completed", "finished")
    assert first.content()[0].text.splitlines()[0] == "Script running with cell ID 1"
