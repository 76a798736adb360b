"""DESIGN.md 5, A nested call: what the tools of an MCP server answer, and what of it a script gets.

"Media stays out of the script unless it asks" does not say how a script asks: only the first half is held here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

SERVER = '''
"""Answers in every form that MCP has, over stdio."""

import json
import sys

FORMS = {
    "structured": {"content": [{"type": "text", "text": "beside"}], "structuredContent": {"city": "Oslo", "n": [1, 2]}},
    "text": {"content": [{"type": "text", "text": "plain words"}]},
    "error": {"content": [{"type": "text", "text": "the server said no"}], "isError": True},
    "picture": {
        "content": [
            {"type": "text", "text": "a caption"},
            {"type": "image", "data": "iVBORw0KGgo=" * 100, "mimeType": "image/png"},
        ]
    },
}


def answer(method, params):
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "forms", "version": "1"},
        }
    if method == "tools/list":
        schema = {"type": "object", "properties": {}}
        return {"tools": [{"name": name, "description": name, "inputSchema": schema} for name in FORMS]}
    if method == "tools/call":
        return FORMS[params["name"]]
    return {}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message and "method" in message:
        result = answer(message["method"], message.get("params") or {})
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
'''

SCRIPT = """
import { structured } from "tools/mcp/forms.js";
import { mcp__forms__text } from "tools.js";

const said = {};
said.structured = await structured();
said.text = await mcp__forms__text();
said.same = structured === tools.mcp__forms__structured;
try { await tools.mcp__forms__error() }
catch (error) { said.error = [error.name, error.code, error.tool, error.message] }
said.picture = JSON.stringify(await tools.mcp__forms__picture());
text(JSON.stringify(said));
"""


@pytest.fixture
def said(codemode_command: Any, tmp_path: Path) -> dict[str, Any]:
    """What a script got of a server's tools, by the command line."""
    (tmp_path / "server.py").write_text(SERVER)
    servers = {"forms": {"command": sys.executable, "args": [str(tmp_path / "server.py")]}}
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
    done = codemode_command("run", "--mcp", "mcp.json", "-e", SCRIPT)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_mcp_results_unwrap_their_structured_content_errors_reject_and_media_stays_out(said: dict[str, Any]) -> None:
    assert said["structured"] == {"city": "Oslo", "n": [1, 2]}
    assert said["text"] == "plain words"
    assert said["same"] is True
    name, code, tool, message = said["error"]
    assert (name, code, tool) == ("ToolError", "tool_failed", "mcp__forms__error")
    assert "the server said no" in message
    assert "a caption" in said["picture"]
    assert "iVBORw0KGgo=iVBORw0KGgo=" not in said["picture"]
