"""Outcomes and events as JSON documents, as the command line prints them."""

from __future__ import annotations

import dataclasses
from typing import Any

from codemode.host.events import Event
from codemode.host.outcome import AudioItem, CellError, CellOutcome, ContentItem, ImageItem, Item, TextItem

_ERROR_FIELDS = ("code", "message", "stack", "line", "column")


def item_document(item: Item) -> dict[str, Any]:
    """One item: its `type`, then its fields, without those that it lacks."""
    fields = dataclasses.asdict(item)
    return {"type": fields.pop("type"), **{name: value for name, value in fields.items() if value is not None}}


def event_document(event: Event) -> dict[str, Any]:
    """An event: its `type`, then its fields."""
    document: dict[str, Any] = {"type": event.type}
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        match value:
            case CellError():
                value = error_document(value)
            case TextItem() | ImageItem() | AudioItem() | ContentItem():
                value = item_document(value)
            case float():
                value = round(value, 3)
            case _:
                pass
        document[field.name] = value
    return document


def error_document(error: CellError) -> dict[str, Any]:
    """An error, without what is not for models."""
    return {name: getattr(error, name) for name in _ERROR_FIELDS}


def outcome_document(outcome: CellOutcome) -> dict[str, Any]:
    """The document: status, cell_id, items, error, calls, logs, wall_time_s."""
    return {
        "status": outcome.status,
        "cell_id": outcome.cell_id,
        "items": [item_document(item) for item in outcome.items],
        "error": None if outcome.error is None else error_document(outcome.error),
        "calls": [call._asdict() for call in outcome.calls],
        "logs": [dataclasses.asdict(entry) for entry in outcome.logs],
        "wall_time_s": round(outcome.wall_time_s, 6),
    }
