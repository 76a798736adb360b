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


class StoreFull(Exception):
    """A value would take a session's store over what it may hold. Nothing has changed."""


class BoundedStore:
    """A store that holds no more than a session may, whatever several scripts, or other processes, put into it.

    Args:
        store: where the values are.
        max_bytes: UTF-8 bytes of keys and JSON text.
        max_keys: how many values.
    """

    def __init__(self, store: Store, max_bytes: int, max_keys: int) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._max_keys = max_keys
        self._sizes: dict[str, int] | None = None
        self._bytes = 0

    def load(self) -> tuple[dict[str, str], list[str]]:
        """The values, and the keys of those that are too much: where other processes have filled the store as well."""
        values = self._store.load_all()
        self._sizes = {key: _size(key, value) for key, value in values.items()}
        self._bytes = sum(self._sizes.values())
        left_out: list[str] = []
        total = self._bytes
        for key in sorted(values, key=self._sizes.__getitem__, reverse=True):
            if total <= self._max_bytes and len(values) <= self._max_keys:
                break
            total -= self._sizes[key]
            left_out.append(key)
            del values[key]
        return values, left_out

    def put(self, key: str, value: str | None) -> None:
        """Keeps JSON text under the key, or forgets the key (None).

        Raises:
            StoreFull: there is no room for it.
        """
        if self._sizes is None:
            self.load()
        assert self._sizes is not None, "it has been loaded"
        if value is None:
            self._store.put(key, None)
            self._bytes -= self._sizes.pop(key, 0)
            return
        size = _size(key, value)
        total = self._bytes - self._sizes.get(key, 0) + size
        if total > self._max_bytes:
            raise StoreFull(
                f"the session's stored values would come to {total} bytes; at most {self._max_bytes} are kept"
            )
        if key not in self._sizes and len(self._sizes) >= self._max_keys:
            raise StoreFull(f"the session has {len(self._sizes)} stored values already; no more are kept")
        self._store.put(key, value)
        self._bytes = total
        self._sizes[key] = size


def _size(key: str, value: str) -> int:
    return len(key.encode("utf-8", "replace")) + len(value.encode("utf-8", "replace"))
