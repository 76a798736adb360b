"""Where a session keeps the values that its scripts store: JSON text by key."""

from __future__ import annotations

from typing import Protocol


class Store(Protocol):
    """Keeps values. Its methods answer at once."""

    def load_all(self) -> dict[str, str]:
        """Every value, JSON text by key."""
        ...

    def put(self, key: str, value: str | None) -> None:
        """Keeps JSON text under the key, or forgets the key (None)."""
        ...


class MemoryStore:
    """Keeps values for as long as it lives."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def load_all(self) -> dict[str, str]:
        """Every value, JSON text by key."""
        return dict(self._values)

    def put(self, key: str, value: str | None) -> None:
        """Keeps JSON text under the key, or forgets the key (None)."""
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value
