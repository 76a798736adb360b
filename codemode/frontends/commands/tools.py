"""`codemode tools`: prints what a model is told of exec and wait, and of the tools that scripts may call."""

from __future__ import annotations

import argparse
import json
from typing import Any, get_args

import trio

from codemode.frontends.commands.options import add_tools, all_tools, registry, whole_number
from codemode.host.declarations import declaration
from codemode.host.provider_content import Format
from codemode.host.tool_specs import DESCRIPTION_TOKENS, tool_specs
from codemode.host.tools import Tool

COMPLETED = 0


def add_to(commands: Any) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "tools",
        help="print what the model is told",
        description="Print what a model is told of exec and wait, with the tools' declarations in TypeScript.",
    )
    add_tools(parser)
    parser.add_argument(
        "--max-tokens",
        type=whole_number,
        metavar="N",
        help=f"what the description of exec may come to; {DESCRIPTION_TOKENS} by default",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", *get_args(Format)),
        default="text",
        help="text, the default; the `tools` of a provider's request; or json, the nested tools themselves",
    )
    parser.set_defaults(command=_tools)


def _tools(options: argparse.Namespace) -> int:
    tools = trio.run(_every_tool, options)
    of_scripts = [tool for tool in tools if "code" in tool.definition.callers]
    match options.format:
        case "text":
            for spec in tool_specs(of_scripts, "mcp", max_tokens=options.max_tokens):
                print(f"# {spec['name']}\n\n{spec['description'].rstrip()}\n")
        case "json":
            print(json.dumps([_document(tool) for tool in tools], ensure_ascii=False, indent=2))
        case format_:
            specs = tool_specs(of_scripts, format_, max_tokens=options.max_tokens)
            print(json.dumps(specs, ensure_ascii=False, indent=2))
    return COMPLETED


async def _every_tool(options: argparse.Namespace) -> tuple[Tool, ...]:
    async with all_tools(options, registry(options)) as tools:
        return tuple(tools)


def _document(tool: Tool) -> dict[str, Any]:
    """One nested tool, as its owner defined it and as scripts know it."""
    definition = tool.definition
    return {
        "identifier": tool.identifier,
        "module": tool.module,
        "name": tool.name,
        "description": definition.description,
        "parameters": definition.parameters,
        "output_schema": definition.output_schema,
        "read_only": definition.read_only,
        "destructive": definition.destructive,
        "freeform": definition.freeform,
        "callers": list(definition.callers),
        "declaration": declaration(tool),
    }
