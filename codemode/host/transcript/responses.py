"""OpenAI Responses: each call and each output is an item of its own; they belong together by `call_id`."""

from __future__ import annotations

from collections.abc import Sequence

from codemode.errors import UsageError
from codemode.host.transcript.pieces import CANCELLED, Call, Item, Output, Piece, Reading

_OUTPUT_OF = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "computer_call": "computer_call_output",
    "local_shell_call": "local_shell_call_output",
    "shell_call": "shell_call_output",
    "apply_patch_call": "apply_patch_call_output",
    "tool_search_call": "tool_search_output",
    "mcp_approval_request": "mcp_approval_response",
}
"""What the program answers, and by what type of item."""

_OUTPUTS = frozenset(_OUTPUT_OF.values())

_HOSTED = frozenset({
    "reasoning", "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call",
    "mcp_list_tools", "program", "program_output", "tool_search_call", "tool_search_output", "compaction",
    "additional_tools",
})  # fmt: skip
"""The model's own, and calls that the provider answers: what may stand between the calls of one response."""

_SCREENSHOT = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAWwAAAA8AQAAAABqHb1XAAAAdUlEQVR42u3VQQ6AMAgEwP3B/v+X/qACW9FDL73RSG2QkrmQEsXYWReaNz+cA5wHrg"
    "Szznp8pFpxL5bm9vKMugpaDsxEPEBNbk+E7JdRGbOY4ABuXYn79AUHTuF8W33OChW5RkzfqJgs5xqxz67I++/R/C/8BpsFIMhUJfk7AAAAAElFTkSuQmCC"
)
"""A picture of the words `Tool cancelled`: an action on a screen is answered by a screenshot and by nothing else."""


def read(item: Item) -> Reading:
    """What the item holds."""
    kind = item.get("type") or ("message" if "role" in item else "item_reference" if "id" in item else None)
    if not isinstance(kind, str) or "tool_calls" in item or item.get("role") == "tool":
        raise UsageError(
            "an item of the Responses API has a 'type' (a message may have a 'role' alone); "
            f"this one has {', '.join(map(repr, item)) or 'nothing'}. A message of Chat is for format 'openai.chat'"
        )
    if item.get("execution", "client") == "server" or (kind.startswith("tool_search") and item.get("call_id") is None):
        return Reading(piece=Piece(item, by_model=True, bridges=True))
    if kind in _OUTPUT_OF:
        name = item.get("name")
        call = Call(_id(item, kind), name if isinstance(name, str) else kind, item)
        return Reading(piece=Piece(item, (call,), by_model=True, joins=True))
    if kind == "local_shell_call_output" and "call_id" not in item and "id" in item:
        # The type of the SDK names the call by `id`; the API wants `call_id`, or does not find the output.
        # https://github.com/openai/openai-agents-python/pull/1855
        item = {"call_id" if name == "id" else name: value for name, value in item.items()}
    if kind in _OUTPUTS:
        return Reading(outputs=(Output(_id(item, kind), None, item),))
    hosted = kind in _HOSTED
    by_model = hosted or item.get("role") == "assistant"
    return Reading(piece=Piece(item, by_model=by_model, bridges=hosted, leads=kind == "reasoning"))


def _id(item: Item, kind: str) -> str:
    name = {"mcp_approval_request": "id", "mcp_approval_response": "approval_request_id"}.get(kind, "call_id")
    if isinstance(call_id := item.get(name), str) and call_id:
        return call_id
    raise UsageError(f"a {kind} needs a {name!r}, which says what belongs to what; this one has none")


def placed(items: Sequence[Item], piece: Piece) -> tuple[int, Item]:
    """None: items stay by themselves."""
    return 0, piece.item


def continues(last: Item, piece: Piece) -> bool:
    """Never: a call that comes later may stand after the outputs of others."""
    return False


def cancelled(call: Call) -> Output:
    """The output of a call that was given up, as its kind of tool writes it."""
    kind = call.source["type"]
    item: Item = {"type": _OUTPUT_OF[kind], "call_id": call.call_id}
    if "caller" in call.source:  # a program of the model's that made the call, and waits for it
        item["caller"] = call.source["caller"]
    match kind:
        case "computer_call":
            item["output"] = {"type": "computer_screenshot", "image_url": _SCREENSHOT}
            if checks := call.source.get("pending_safety_checks"):
                # The API refuses an output that leaves one out. What is acknowledged here is an action not taken.
                item["acknowledged_safety_checks"] = checks
        case "shell_call":
            item["output"] = [{"stdout": "", "stderr": CANCELLED, "outcome": {"type": "exit", "exit_code": 130}}]
            action = call.source.get("action")
            if isinstance(action, dict) and "max_output_length" in action:
                item["max_output_length"] = action["max_output_length"]
        case "apply_patch_call":
            item |= {"status": "failed", "output": CANCELLED}
        case "tool_search_call":  # has room for tools only
            item |= {"execution": "client", "status": "completed", "tools": []}
        case "mcp_approval_request":
            item = {
                "type": "mcp_approval_response",
                "approval_request_id": call.call_id,
                "approve": False,
                "reason": CANCELLED,
            }
        case _:
            item["output"] = CANCELLED
    return Output(call.call_id, None, item)


def lay_out(answers: Sequence[tuple[Call, Output]], rest: Sequence[Item]) -> list[Item]:
    """The items that follow a batch: its outputs, one by one."""
    return [output.block for _, output in answers]
