from __future__ import annotations

import json

from codemode.frontends.commands.run import exit_status
from codemode.frontends.document import outcome_document
from codemode.host.outcome import CallRecord, CellError, CellOutcome, ImageItem, LogEntry, TextItem


def test_the_document_has_every_field_in_its_order() -> None:
    outcome = CellOutcome(
        cell_id="1",
        status="failed",
        items=(TextItem("a"), ImageItem("https://x"), ImageItem("https://y", "low")),
        error=CellError("script_error", "Error: no", "Error: no\n    at cell-1.js:1:1", 1, 1),
        wall_time_s=0.25,
        calls=(CallRecord("1-1", "grep", "error", "tool_failed", 1.0, 2.0),),
        logs=(LogEntry("log", "x"),),
    )
    assert json.dumps(outcome_document(outcome)) == json.dumps(
        {
            "status": "failed",
            "cell_id": "1",
            "items": [
                {"type": "text", "text": "a"},
                {"type": "image", "image_url": "https://x"},
                {"type": "image", "image_url": "https://y", "detail": "low"},
            ],
            "error": {
                "code": "script_error",
                "message": "Error: no",
                "stack": "Error: no\n    at cell-1.js:1:1",
                "line": 1,
                "column": 1,
            },
            "calls": [
                {
                    "call_id": "1-1",
                    "tool": "grep",
                    "status": "error",
                    "code": "tool_failed",
                    "started_ms": 1.0,
                    "ended_ms": 2.0,
                }
            ],
            "logs": [{"level": "log", "text": "x"}],
            "wall_time_s": 0.25,
        }
    )


def test_each_end_has_its_exit_status() -> None:
    def status(status: str, code: str | None) -> int:
        error = None if code is None else CellError(code, "")
        return exit_status(
            CellOutcome(cell_id="1", status=status, items=(), error=error, wall_time_s=0)  # type: ignore[arg-type]
        )

    assert status("completed", None) == 0
    assert {status("failed", code) for code in ("script_error", "syntax_error", "stalled", "worker_crashed")} == {1}
    assert {status("failed", code) for code in ("cpu_limit", "wall_limit", "memory_limit", "call_limit")} == {3}
    assert status("failed", "worker_unavailable") == 4
    assert status("terminated", "terminated") == 1
