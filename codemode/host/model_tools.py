"""exec and wait as a model calls them: reads its arguments, and makes a reply of what came of them.

A model's mistake is a reply that says what to do instead; an exception is the host's own mistake.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codemode.errors import ClosedError, UsageError
from codemode.host.arguments import InvalidArguments, SchemaCheck
from codemode.host.outcome import CellOutcome, TextItem
from codemode.host.provider_content import Format, check_format, content_blocks
from codemode.host.tool_specs import EXEC_PARAMETERS, WAIT_PARAMETERS
from codemode.host.turn import Turn
from codemode.host.values import JsonTooLarge, NoJsonForm, NotJson, from_json_text, to_json_text


@dataclass(frozen=True, slots=True)
class ToolReply:
    """What a model gets for one call of exec or wait.

    Attributes:
        content: the blocks of the tool's result, in the provider's own form.
        is_error: whether the script failed, or the call itself was wrong.
        outcome: what the cell gave; None where the call was wrong.
        text: all the text of the content.
    """

    content: list[dict[str, Any]]
    is_error: bool
    outcome: CellOutcome | None
    text: str


class WrongCall(Exception):
    """The model called exec or wait wrongly; the message tells it how to do better."""


_CHECKS = {"exec": SchemaCheck(EXEC_PARAMETERS), "wait": SchemaCheck(WAIT_PARAMETERS)}
_BEGINS_AS_ARGUMENTS = re.compile(r'\s*\{\s*"(?:source|yield_time_ms|max_output_tokens)"\s*:')
"""No script that does anything begins so."""
_CELLS = ("cell_id", "session_id", "cell_ids", "output_id")


async def call(turn: Turn, name: str, arguments: Any, format: str) -> ToolReply:  # noqa: A002 - the word of the API
    """Answers one call of a model, in this turn. See `Session.call_tool`."""
    form = check_format(format)
    try:
        match name:
            case "exec":
                outcome = await turn.exec(**read_arguments(name, arguments))
            case "wait":
                outcome = await turn.wait(**_of_one_kind(read_arguments(name, arguments)))
            case _:
                raise WrongCall(
                    f"no tool is named {name!r} here; there are exec and wait. All others are called by a script that "
                    "exec runs: `await tools.name({…})`"
                )
    except ClosedError:
        raise
    except (WrongCall, UsageError) as error:
        text = f"{name}: {error}" if name in _CHECKS else str(error)
        return ToolReply(content_blocks([TextItem(text)], form), True, None, text)
    return reply(outcome, form)


def reply(outcome: CellOutcome, format: Format) -> ToolReply:  # noqa: A002
    """What a model gets to see of an outcome: its content, and how to read what was cut."""
    items = outcome.content()
    if outcome.output_id is not None and (not outcome.is_page or outcome.next_offset is not None):
        items.append(TextItem(_how_to_read_on(outcome.output_id, outcome.next_offset or 0)))
    text = "\n".join(item.text for item in items if isinstance(item, TextItem))
    return ToolReply(content_blocks(items, format), outcome.status == "failed" and not outcome.is_page, outcome, text)


def _how_to_read_on(output_id: str, offset: int) -> str:
    arguments = json.dumps({"output_id": output_id, "offset": offset})
    what = "The output goes on" if offset else "The output was cut; it can be read whole"
    return f"{what}: wait({arguments})"


def read_arguments(name: str, arguments: Any) -> dict[str, Any]:
    """The arguments of exec or wait, from an object, its JSON text, or for exec the source alone.

    Raises:
        WrongCall: they do not fit.
    """
    given = {} if arguments is None else arguments
    if isinstance(given, str):
        given = _parsed(name, given)
    if isinstance(given, Mapping):
        # A model may write null for a parameter that it leaves out.
        given = {
            key: _as_text(value) if key in _CELLS else value
            for key, value in given.items()
            if value is not None or key == "source"
        }
    try:
        read = _CHECKS[name](to_json_text(given, quote_large=False))
    except (InvalidArguments, NoJsonForm, JsonTooLarge) as error:
        raise WrongCall(str(error)) from None
    # JSON has one kind of number: 5.0 is an integer.
    return {key: int(value) if isinstance(value, float) else value for key, value in read.items()}


def _parsed(name: str, text: str) -> Any:
    try:
        value = from_json_text(text)
    except NotJson as error:
        if name == "exec" and not _BEGINS_AS_ARGUMENTS.match(text):
            return {"source": text}
        raise WrongCall(f"the arguments are not JSON: {error}") from None
    return {"source": text} if name == "exec" and not isinstance(value, dict) else value


def _as_text(value: Any) -> Any:
    """Models write a cell ID as the number that it looks like."""
    if isinstance(value, list):
        return [_as_text(each) for each in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _of_one_kind(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of wait, which say what it is to observe in one way."""
    older = arguments.pop("session_id", None)
    if older is not None and arguments.setdefault("cell_id", older) != older:
        raise WrongCall("session_id is an older name of cell_id, and both are given; give cell_id alone")
    if sum(kind in arguments for kind in _CELLS) != 1:
        raise WrongCall(
            "give one of cell_id, cell_ids and output_id: what exec named, or the note under an output that was cut"
        )
    return arguments
