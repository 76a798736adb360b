"""The limits of cells, workers and sessions, and what each is measured in. Imported by both ends; stdlib only."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

MIB = 1024 * 1024


_MOST = {
    "max_argument_bytes": 20 * MIB,  # UTF-16 units, each up to three bytes of UTF-8
    "max_result_bytes": 60 * MIB,
    "max_source_bytes": 16 * MIB,
    "max_store_bytes": 32 * MIB,
}
"""What one frame of the wire can carry."""


_RESIDENT_BASE_BYTES = 96 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a cell, a session and a service may use. Each field has the code that a cell ends with, where it ends one.

    Every figure is settable, up to what one frame of the wire can carry.

    Raises:
        ValueError: a limit is not positive.
    """

    max_heap_bytes: int = 128 * MIB
    """V8's heap; over it the worker dies: `memory_limit`."""
    max_memory_bytes: int = 512 * MIB
    """Memory of a worker beyond what V8 reserves for itself. The kernel refuses more, and the host ends a worker that
    really has more: `memory_limit`."""
    max_cpu_s: float = 30.0
    """Seconds of CPU time of a cell; waiting for tools does not count: `cpu_limit`."""
    max_wall_s: float | None = None
    """Seconds from start to end of a cell, None for no limit: `wall_limit`."""
    max_source_bytes: int = MIB
    """UTF-8 bytes of a script: `source_too_large`."""
    max_argument_bytes: int = 16 * MIB
    """UTF-16 units of a call's argument as JSON text; over it the call rejects with `invalid_arguments`."""
    max_result_bytes: int = 16 * MIB
    """UTF-8 bytes of a call's result as JSON text; over it the call rejects with `result_too_large`."""
    max_calls_in_flight: int = 1024
    """Calls of a cell that are open at a time; more wait in the worker."""
    max_argument_bytes_in_flight: int = 32 * MIB
    """UTF-16 units of the arguments of the calls of a cell that are open at a time; more wait in the worker. One call
    alone may always be open."""
    max_calls: int = 100_000
    """Calls of a cell in all: `call_limit`."""
    max_output_bytes: int = 16 * MIB
    """UTF-16 units of all items of a cell: `output_limit`."""
    max_output_items: int = 100_000
    """Items of a cell: `output_limit`."""
    max_console_bytes: int = 64 * 1024
    """UTF-8 bytes of a cell's console that are kept, the newest, each entry with its line end."""
    max_store_bytes: int = 16 * MIB
    """UTF-8 bytes of keys and JSON text of a session's stored values; over it `store` throws a RangeError."""
    max_store_keys: int = 50_000
    """Stored values of a session; one more, and `store` throws a RangeError."""
    max_timers: int = 10_000
    """Live timers of a cell: `timer_limit`."""
    max_live_cells: int = 64
    """Cells of a session that run at a time: `cell_limit`."""
    max_threads: int = 256
    """Threads of sync tools of a service."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise ValueError(f"Limits.{field.name} must be positive, not {value!r}")
            if field.name in _MOST and value > _MOST[field.name]:
                raise ValueError(
                    f"Limits.{field.name} is at most {_MOST[field.name]}, not {value!r}: a frame is 64 MiB"
                )

    @property
    def max_resident_bytes(self) -> int:
        """The memory that a worker may really have: beside `max_memory_bytes` what it has before its first script, most
        of which it shares with the others.
        """
        return _RESIDENT_BASE_BYTES + self.max_memory_bytes

    def to_json(self) -> str:
        """The limits as JSON text, as a worker is given them."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Limits:
        """What `to_json` made."""
        return cls(**json.loads(text))
