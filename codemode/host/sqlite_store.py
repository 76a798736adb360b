"""Stored values in a SQLite file: they outlive the process, and other processes see them in their next script."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from types import TracebackType
from typing import Self

from codemode.errors import UsageError

_BUSY_S = 1.0
"""How long a write waits for another process's; both take microseconds."""
_SCHEMA_VERSION = 1
_SCHEMA = 'CREATE TABLE "values" (name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, key))'


class SqliteStore:
    """Keeps the values of a session in a file, which is made where it is not there.

    Each value is in the file when `put` returns: it survives the end of the process. What was put last may be lost when
    the whole machine goes down, for nothing is waited for until the disk has it.

    Args:
        path: of the file; beside it SQLite keeps two more while it is open.
        name: whose values they are. Sessions that are to share values have the same name, others each their own.

    Raises:
        UsageError: the file cannot be opened, or is no store.
    """

    def __init__(self, path: str | PathLike[str], name: str = "default") -> None:
        self._path = path
        self._name = name
        self._values: dict[str, str] = {}
        self._seen = -1
        with self._told():
            # A host may hand it from thread to thread; it is used by one at a time.
            self._database = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._database.close()
                raise

    def __repr__(self) -> str:
        return f"<SqliteStore {str(self._path)!r}, {self._name!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def load_all(self) -> dict[str, str]:
        """Every value, JSON text by key; what other processes have put since the last time among them."""
        (seen,) = self._database.execute("PRAGMA data_version").fetchone()
        if seen != self._seen:
            self._values = dict(self._database.execute('SELECT key, value FROM "values" WHERE name = ?', (self._name,)))
            self._seen = seen
        return dict(self._values)

    def put(self, key: str, value: str | None) -> None:
        """Keeps JSON text under the key, or forgets the key (None)."""
        if value is None:
            self._database.execute('DELETE FROM "values" WHERE name = ? AND key = ?', (self._name, key))
            self._values.pop(key, None)
        else:
            self._database.execute('INSERT OR REPLACE INTO "values" VALUES (?, ?, ?)', (self._name, key, value))
            self._values[key] = value

    def close(self) -> None:
        """Closes the file. The store is not to be used any more."""
        self._database.close()

    def _prepare(self) -> None:
        execute = self._database.execute
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        execute("BEGIN IMMEDIATE")  # of two processes that make the file one waits
        (version,) = execute("PRAGMA user_version").fetchone()
        if version == 0 and execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
            execute(_SCHEMA)
            execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        elif version != _SCHEMA_VERSION:
            raise sqlite3.DatabaseError("it holds something else, or is of another version of codemode")
        execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UsageError(f"the store {str(self._path)!r} cannot be used: {error}") from error
