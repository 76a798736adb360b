"""A cell's outcome as the JSON document of `codemode run --json`."""

from __future__ import annotations

import dataclasses
from typing import Any

from codemode.host.outcome import CellOutcome, Item

_ERROR_FIELDS = ("code", "message", "stack", "line", "column")


def item_document(item: Item) -> dict[str, Any]:
    """One item: its `type`, then its fields, without those that it lacks."""
    fields = dataclasses.asdict(item)
    return {"type": fields.pop("type"), **{name: value for name, value in fields.items() if value is not None}}


def outcome_document(outcome: CellOutcome) -> dict[str, Any]:
    """The document: status, cell_id, items, error, calls, logs, wall_time_s."""
    return {
        "status": outcome.status,
        "cell_id": outcome.cell_id,
        "items": [item_document(item) for item in outcome.items],
        "error": None if outcome.error is None else {name: getattr(outcome.error, name) for name in _ERROR_FIELDS},
        "calls": [call._asdict() for call in outcome.calls],
        "logs": [dataclasses.asdict(entry) for entry in outcome.logs],
        "wall_time_s": round(outcome.wall_time_s, 6),
    }
