"""What a model is told of exec and wait: how scripts are written, and every tool that they may call.

The same tools give the same text, so a provider's cache of the prompt holds.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from codemode.errors import check_whole
from codemode.host.declarations import ToolDeclaration, declare, declared_tool, summary
from codemode.host.output import token_count
from codemode.host.provider_content import check_format
from codemode.host.tools import Tool
from codemode.host.turn import MAX_TOKENS, YIELD_TIME_MS

DESCRIPTION_TOKENS = 8_000
"""What the description of exec may come to, tools and all."""
_EXEC = f"""\
Runs JavaScript that calls your tools. Use it for everything the tools below can do: one script can make many calls, \
in loops and in parallel, and hand you only what matters of their results.

The source is one ES module; TypeScript's types are erased. It runs in a fresh sandbox with no files, network, \
processes or Node.js: `tools` is its only way out.
- Call a tool with one object, or with a string where its declaration says so: `const issue = await \
tools.get_issue({{ id: 7 }})`. `import {{ get_issue }} from "tools.js"` works too. A result is a plain JavaScript value.
- Only what the script emits comes back to you: `text(value)`. Results of calls, the value of the last expression \
and `console.log` do not. Filter, join and count in the script; emit what you need to read.
- Make calls that do not depend on each other together: `await Promise.all([...])`. Await every call: those still \
open when the script ends are cancelled.
- A call that fails rejects with a `ToolError` (`message`, `code`, `tool`). Uncaught, it fails the script, but what \
was emitted before is kept. Use `try`/`catch` or `Promise.allSettled` where a failure is no reason to stop.
- Top-level `await` works; top-level `return` does not. Variables do not outlive the script: keep JSON values for \
later scripts with `store(key, value)` and read them with `load(key)`.
- A script that still runs after `yield_time_ms` ({YIELD_TIME_MS:,} by default) goes on in the background. You get \
what it has emitted so far and `Script running with cell ID N`: call `wait` with that ID.
- Output over `max_output_tokens` ({MAX_TOKENS:,} by default) is cut in its middle; `wait` pages the whole.
- Both can also be set in the first line: `// @exec: {{"yield_time_ms": 60000, "max_output_tokens": 2000}}`

Globals besides the language's own (also exported by "codemode"):
- `text(value)`: strings as they are, other values readably. `image(url_or_block, detail?)`, `audio(url_or_block)`, \
`content(mcp_blocks)`: what is not text
- `store(key, value)`, `load(key)`: values kept between scripts; `undefined` where there is none
- `yield_control()`: return to you now and go on in the background. `set_yield_time(ms)`, \
`set_max_output_tokens_per_exec_call(n)`: as the arguments. `notify(value)`: a note for the user interface
- `exit()`: end the script as completed
- `sleep(ms)`, `setTimeout`, `setInterval`, `as_settled(promises)`: `for await` over `{{ index, status, value, \
reason }}` in the order in which they settle
- `ALL_TOOLS`: every tool as `{{ name, module, description }}`. `search_tools(query)`: those that fit best. \
`describe_tool(name)`: the declaration and documentation of one, as text

"""

_WAIT = """\
Observes a script that exec left running: returns what it has emitted since you last looked, when it ends, when it \
yields, or after `yield_time_ms`. It goes on meanwhile, and its tool calls are served whether you wait or not.
- A long wait costs no more than a short one: prefer one of 60000 ms to many of 1000 ms.
- `until: "output"` returns as soon as there is something new to read.
- `cell_ids` watches several scripts: the first that changes answers.
- `terminate: true` ends the script. What it has emitted and stored is kept.
- Where an output was cut, `output_id` and `offset` read the whole of it, `max_tokens` at a time; no cell is needed.\
"""

_WHOLE = "Every tool, with what it takes and gives:\n"
_SOME = "Tools, with what they take and give:\n"
_LINES = "Further tools. Read the declaration before the first use: `text(describe_tool(name))`\n"
_NAMES = "Further tools, by name only; `search_tools(query)` and `describe_tool(name)` tell the rest:\n"
_NONE = "There are no tools.\n"


def exec_description(tools: Sequence[Tool], max_tokens: int = DESCRIPTION_TOKENS) -> str:
    """What a model is told of exec: how scripts are written, and every tool, as fully as there is room.

    First all are named, then told of in a line, then declared, each step in the order of registration as far as the
    budget goes, so that the text is the same for the same tools.
    """
    room = max_tokens - token_count(_EXEC)
    return _EXEC + (_tools_text(tools, room) if tools else _NONE)


def _tools_text(tools: Sequence[Tool], max_tokens: int) -> str:
    """All tools declared; where that is too long, as much of it as fits."""
    parts = _declared_apart(tools)
    whole = _WHOLE + _declared_text(tools, parts)
    if token_count(whole) <= max_tokens:
        return whole
    room = max_tokens * 4 - _size(_SOME + _declared_text((), parts) + _LINES + _NAMES + f"and {len(tools)} more\n")
    in_lines: list[Tool] = []
    declared: list[Tool] = []
    named, room = _within(room, tools, lambda tool: _size(_name(tool)))
    if len(named) == len(tools):
        in_lines, room = _within(room, tools, lambda tool: _size(_line(tool)) - _size(_name(tool)))
    if len(in_lines) == len(tools):
        room -= sum(_size(f"  // {module}\n") for module in {tool.module for tool in tools})
        declared, room = _within(room, tools, lambda tool: _declared_size(parts[tool]) - _size(_line(tool)))
    text = _SOME + _declared_text(declared, parts) if declared else ""
    told = set(declared)
    if lines := [_line(tool) for tool in in_lines if tool not in told]:
        text += _LINES + "".join(lines)
    told.update(in_lines)
    if len(told) < len(tools):
        names = [_name(tool) for tool in named if tool not in told]
        left = len(tools) - len(named)
        text += _NAMES + "".join([*names, f"and {left} more"] if left else names).removesuffix(", ") + "\n"
    return text


def _within(room: int, tools: Sequence[Tool], cost: Callable[[Tool], int]) -> tuple[list[Tool], int]:
    """The tools that fit into so many bytes, in their order, and what is left. One too long lets those behind it by."""
    chosen = []
    for tool in tools:
        price = cost(tool)
        if price <= room:
            room -= price
            chosen.append(tool)
    return chosen, room


def _declared_apart(tools: Sequence[Tool]) -> dict[Tool, ToolDeclaration]:
    """The declarations, so that no two of them use one name for different types."""
    known: dict[str, str] = {}
    parts = {}
    for tool in tools:
        part = declared_tool(tool)
        if any(known.get(name, text) != text for name, text in part.types):
            part = declared_tool(tool, apart=True)
        known.update(part.types)
        parts[tool] = part
    return parts


def _declared_text(tools: Sequence[Tool], parts: Mapping[Tool, ToolDeclaration]) -> str:
    """The declarations by module, each module where its first tool stands."""
    modules: dict[str, list[ToolDeclaration | str]] = {}
    for tool in tools:
        modules.setdefault(tool.module, [tool.module]).append(parts[tool])
    return declare(part for module in modules.values() for part in module) + "\n"


def _declared_size(part: ToolDeclaration) -> int:
    indentation = 2 * (part.member.count("\n") + 1)
    return _size(part.member) + indentation + 1 + sum(_size(text) + 1 for _, text in part.types)


def _name(tool: Tool) -> str:
    return f"{tool.identifier}, "


def _line(tool: Tool) -> str:
    said = summary(tool)
    return f"- {tool.identifier}: {said}\n" if said else f"- {tool.identifier}\n"


def _size(text: str) -> int:
    return len(text.encode())


_MILLISECONDS = {"type": "integer", "minimum": 0}
_TOKENS = {"type": "integer", "minimum": 0}

EXEC_PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "source": {"type": "string", "description": "The script: the source text of one ES module."},
        "yield_time_ms": {
            **_MILLISECONDS,
            "description": f"Milliseconds after which a script that still runs is left to the background; "
            f"{YIELD_TIME_MS} by default.",
        },
        "max_output_tokens": {
            **_TOKENS,
            "description": f"How much output comes back before it is cut; {MAX_TOKENS} by default.",
        },
    },
    "required": ["source"],
    "additionalProperties": False,
}

WAIT_PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "cell_id": {"type": "string", "description": "The cell ID that exec gave."},
        "session_id": {"type": "string", "description": "An older name of cell_id."},
        "cell_ids": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Several cell IDs instead: the first that changes answers.",
        },
        "yield_time_ms": {
            **_MILLISECONDS,
            "description": f"How long to wait, in milliseconds; {YIELD_TIME_MS} by default.",
        },
        "max_tokens": {
            **_TOKENS,
            "description": f"How much output comes back before it is cut; {MAX_TOKENS} by default.",
        },
        "terminate": {"type": "boolean", "description": "Whether to end the script; false by default."},
        "until": {
            "type": "string",
            "enum": ["settled", "output"],
            "description": "What to wait for: the end (settled, the default), or new output too.",
        },
        "output_id": {"type": "string", "description": "An output that was cut, to be read whole, page by page."},
        "offset": {**_TOKENS, "description": "Where in it the page begins, in characters; 0 by default."},
    },
    "additionalProperties": False,
}


def tool_specs(
    tools: Sequence[Tool],
    format: str,  # noqa: A002 - the word of the API
    *,
    max_tokens: int | None = None,
) -> list[dict[str, Any]]:
    """exec and wait as a provider's request lists its tools. See `Session.tool_specs`."""
    budget = DESCRIPTION_TOKENS if max_tokens is None else max_tokens
    check_whole("max_tokens", budget)
    described = [  # the caller may write into what it gets
        ("exec", exec_description(tools, budget), copy.deepcopy(EXEC_PARAMETERS)),
        ("wait", _WAIT, copy.deepcopy(WAIT_PARAMETERS)),
    ]
    match check_format(format):
        case "openai" | "openai.responses":
            # Strict mode would have every parameter required.
            return [{"type": "function", **_function(*each), "strict": False} for each in described]
        case "openai.chat":
            return [{"type": "function", "function": _function(*each)} for each in described]
        case "anthropic":
            return [{"name": name, "description": text, "input_schema": schema} for name, text, schema in described]
        case "gemini":
            # Its subset of JSON Schema does not know additionalProperties.
            return [
                {"functionDeclarations": [_function(name, text, _open(schema)) for name, text, schema in described]}
            ]
        case "mcp":
            return [{"name": name, "description": text, "inputSchema": schema} for name, text, schema in described]


def _function(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "description": description, "parameters": parameters}


def _open(schema: dict[str, Any]) -> dict[str, Any]:
    return {keyword: value for keyword, value in schema.items() if keyword != "additionalProperties"}
