"""Stored values in a SQLite file: they outlive the process, and other processes see them in their next script."""

from __future__ import annotations

import atexit
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from types import TracebackType
from typing import Self

from codemode.errors import UsageError

_log = logging.getLogger("codemode")

_BUSY_S = 1.0
"""How long one attempt waits for another process's write; both take microseconds."""
_CLOSE_S = 10.0
"""How long `close` waits for what was put, where the file is locked."""
_PAUSE_S = 0.1
_SCHEMA_VERSION = 1
_SCHEMA = 'CREATE TABLE "values" (name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, key))'


class SqliteStore:
    """Keeps the values of a session in a file, which is made where it is not there.

    A thread writes, in order and at once, so `put` waits for nothing: a file that another process has locked, or a full
    disk, holds up no script. What could not be written yet is tried again until the store is closed, or the interpreter
    ends, and is seen here meanwhile. What was put last may be lost when the process is killed in that moment.

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
        self._pending: dict[str, tuple[int, str | None]] = {}
        """What is not in the file yet: by key the number of the put, and the value."""
        self._puts = 0
        self._guard = threading.Lock()
        self._orders: queue.SimpleQueue[tuple[int, str, str | None] | None] = queue.SimpleQueue()
        self._gives_up_at: float | None = None
        with self._told():
            self._reader = self._connect()
            try:
                _prepare(self._reader)
            except BaseException:
                self._reader.close()
                raise
        self._writer = threading.Thread(target=self._write, name=f"codemode store {path}", daemon=True)
        self._writer.start()
        atexit.register(self.close)

    def __repr__(self) -> str:
        return f"<SqliteStore {str(self._path)!r}, {self._name!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def load_all(self) -> dict[str, str]:
        """Every value, JSON text by key; what other processes have put since the last time among them."""
        with self._guard:  # before the file is read: what is written meanwhile is then seen twice, and never missed
            pending = [(key, value) for key, (_, value) in self._pending.items()]
        (seen,) = self._reader.execute("PRAGMA data_version").fetchone()
        if seen != self._seen:
            self._values = dict(self._reader.execute('SELECT key, value FROM "values" WHERE name = ?', (self._name,)))
            self._seen = seen
        values = dict(self._values)
        for key, value in pending:
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value
        return values

    def put(self, key: str, value: str | None) -> None:
        """Keeps JSON text under the key, or forgets the key (None)."""
        with self._guard:
            self._puts += 1
            self._pending[key] = (self._puts, value)
        self._orders.put((self._puts, key, value))

    def close(self) -> None:
        """Waits until all is in the file, for 10 s where it is locked, and closes it. Nothing to do a second time."""
        if self._gives_up_at is not None:
            return
        atexit.unregister(self.close)
        self._gives_up_at = time.monotonic() + _CLOSE_S
        self._orders.put(None)
        self._writer.join()
        self._reader.close()
        if self._pending:
            _log.error("the store %r did not keep %s", str(self._path), ", ".join(map(repr, self._pending)))

    # ── the thread that writes ────────────────────────────────────────────────────────────────────────────────

    def _write(self) -> None:
        database = self._connect()
        while (order := self._orders.get()) is not None:
            number, key, value = order
            if self._keep(database, key, value):
                with self._guard:
                    if self._pending.get(key, (0, None))[0] == number:
                        del self._pending[key]
        database.close()

    def _keep(self, database: sqlite3.Connection, key: str, value: str | None) -> bool:
        """Writes until it has been written, or the store is to be closed for a while. Tells the first failure."""
        is_first = True
        while True:
            try:
                if value is None:
                    database.execute('DELETE FROM "values" WHERE name = ? AND key = ?', (self._name, key))
                else:
                    database.execute('INSERT OR REPLACE INTO "values" VALUES (?, ?, ?)', (self._name, key, value))
            except sqlite3.Error as error:
                if self._gives_up_at is not None and time.monotonic() > self._gives_up_at:
                    return False
                if is_first:
                    _log.warning("the store %r cannot be written now, and is tried again: %s", str(self._path), error)
                is_first = False
                time.sleep(_PAUSE_S)
            else:
                return True

    def _connect(self) -> sqlite3.Connection:
        # A host may hand the store from thread to thread; it is used by one at a time.
        return sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UsageError(f"the store {str(self._path)!r} cannot be used: {error}") from error


def _prepare(database: sqlite3.Connection) -> None:
    execute = database.execute
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
