"""Tools over a directory of text files and an SQLite database, for scripts to call. Made to be copied.

Here they serve the notes and the records of Skerry Lines, a small ferry company that does not exist. They serve
yours when you set CODEMODE_EXAMPLES_FILES to a directory, and CODEMODE_EXAMPLES_DB to an SQLite file.

What the docstrings say is what the model reads. Async functions run in trio's event loop, the others in threads.
"""

from __future__ import annotations

import atexit
import csv
import os
import re
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import trio

import codemode

DATA = Path(__file__).resolve().parent / "data"
FILES = Path(os.environ.get("CODEMODE_EXAMPLES_FILES", DATA / "notes")).resolve()

MAX_MATCHES = 1_000
MAX_ROWS = 5_000
QUERY_TIMEOUT_S = 10.0

tools = codemode.ToolRegistry()


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class FileEntry:
    """A file that can be read."""

    path: str
    size_bytes: int


@dataclass(frozen=True)
class Match:
    """A line that fits a pattern."""

    path: str
    line: int
    text: str


@tools.tool(namespace="files", name="list", read_only=True)
def list_files(directory: str = ".") -> list[FileEntry]:
    """List the files below a directory, sorted by path.

    Args:
        directory: relative to the root of the files.
    """
    return [FileEntry(_relative(path), path.stat().st_size) for path in _files_below(_inside(directory))]


@tools.tool(namespace="files", read_only=True)
async def read(path: str) -> str:
    """Read a text file whole. A file that does not exist rejects with the code `not_found`.

    Args:
        path: as `list` and `grep` give it.
    """
    file = trio.Path(_inside(path))
    if not await file.is_file():
        raise codemode.ToolFailure(f"there is no file {path!r}; files.list tells which there are", "not_found")
    return await file.read_text(encoding="utf-8", errors="replace")


# Python's `re` may backtrack for ever. The call is answered after its timeout; its thread is left behind.
@tools.tool(namespace="files", read_only=True, timeout_s=10)
def grep(pattern: str, directory: str = ".", ignore_case: bool = False) -> list[Match]:
    """Find the lines that a regular expression (Python's) fits, in the order of paths and lines; 1,000 at most.

    Args:
        pattern: searched for anywhere in the line.
        directory: where to look, with all that is below.
    """
    try:
        expression = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except re.error as error:
        raise codemode.ToolFailure(f"the pattern is not a regular expression: {error}") from error
    matches: list[Match] = []
    for path in _files_below(_inside(directory)):
        for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if expression.search(text):
                matches.append(Match(_relative(path), number, text))
                if len(matches) == MAX_MATCHES:
                    return matches
    return matches


def _inside(path: str) -> Path:
    """The place that a script means, which is inside of FILES: also after `..`, and behind symbolic links."""
    place = (FILES / path).resolve()
    if not place.is_relative_to(FILES):
        raise codemode.ToolFailure(
            f"{path!r} is outside of the directory that these tools may read; give a path relative to its root",
            "denied",
        )
    return place


def _files_below(directory: Path) -> Iterator[Path]:
    if not directory.is_dir():
        raise codemode.ToolFailure(f"there is no directory {_relative(directory)!r}", "not_found")
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.resolve().is_relative_to(FILES):
            yield path


def _relative(path: Path) -> str:
    return path.relative_to(FILES).as_posix()


# ── the database ──────────────────────────────────────────────────────────────────────────────────────────────

Value = str | int | float | None


@dataclass(frozen=True)
class QueryResult:
    """The rows of a query, as objects by column name."""

    rows: list[dict[str, Value]]
    truncated: bool
    """Whether there were more rows than these."""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    type: str
    primary_key: bool
    references: str | None
    """`table.column` that it points to."""


@dataclass(frozen=True)
class Table:
    """One table of the database."""

    name: str
    columns: list[Column]
    row_count: int


@tools.tool(namespace="db", read_only=True)
def schema() -> list[Table]:
    """Tell which tables the database has, and their columns. Read this before you write a query."""
    with closing(_connect()) as connection:
        names = [
            str(row["name"])
            for row in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            )
        ]
        return [_table(connection, name) for name in names]


@tools.tool(namespace="db", read_only=True)
def query(sql: str, parameters: list[Value] | dict[str, Value] | None = None) -> QueryResult:
    """Run one SELECT statement (SQLite's dialect); at most 5,000 rows. Anything but reading is denied.

    Args:
        sql: with `?` or `:name` where a value goes; never build values into the text.
        parameters: a list of values for `?`, or an object for `:name`.
    """
    deadline = time.monotonic() + QUERY_TIMEOUT_S
    with closing(_connect()) as connection:
        connection.set_authorizer(_authorize_reading)
        # A thread cannot be cancelled, but SQLite asks now and then whether it may go on.
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        try:
            cursor = connection.execute(sql, parameters or [])
            columns = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchmany(MAX_ROWS + 1)
        except (sqlite3.Error, sqlite3.Warning) as error:
            match getattr(error, "sqlite_errorcode", None):
                case sqlite3.SQLITE_AUTH:
                    raise codemode.ToolFailure(f"only reading is allowed: {error}", "denied") from error
                case sqlite3.SQLITE_INTERRUPT:
                    raise codemode.ToolFailure(
                        f"the query took more than {QUERY_TIMEOUT_S:g} s and was stopped", "tool_timeout"
                    ) from error
                case _:
                    raise codemode.ToolFailure(f"SQLite says: {error}") from error
    if len(set(columns)) < len(columns):
        raise codemode.ToolFailure(f"two columns share a name, rename one by AS: {', '.join(columns)}")
    return QueryResult([dict(row) for row in rows[:MAX_ROWS]], truncated=len(rows) > MAX_ROWS)


_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


def _authorize_reading(action: int, *_names: str | None) -> int:
    """Refuses what `mode=ro` leaves open: ATTACH reads, and makes, any other file."""
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _connect() -> sqlite3.Connection:
    """A connection for one call: threads share nothing, and each sees whole transactions."""
    connection = sqlite3.connect(f"{_database().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    return connection


def _table(connection: sqlite3.Connection, name: str) -> Table:
    quoted = '"' + name.replace('"', '""') + '"'
    points_to = {
        row["from"]: f"{row['table']}.{row['to']}"
        for row in connection.execute("SELECT * FROM pragma_foreign_key_list(?)", (name,))
    }
    columns = [
        Column(row["name"], row["type"], bool(row["pk"]), points_to.get(row["name"]))
        for row in connection.execute("SELECT * FROM pragma_table_info(?)", (name,))
    ]
    (row_count,) = connection.execute(f"SELECT count(*) FROM {quoted}").fetchone()
    return Table(name, columns, row_count)


_building = threading.Lock()
_built: Path | None = None


def _database() -> Path:
    """The SQLite file. Without one of yours, it is built when it is first needed, once, for this process alone."""
    global _built  # noqa: PLW0603 - one file per process is the point
    if yours := os.environ.get("CODEMODE_EXAMPLES_DB"):
        return Path(yours).resolve()
    with _building:  # the first calls of a script come all at once, each in a thread of its own
        if _built is None:
            directory = Path(tempfile.mkdtemp(prefix="codemode-examples-"))
            atexit.register(shutil.rmtree, directory, ignore_errors=True)
            _build(directory / "skerry.sqlite")
            _built = directory / "skerry.sqlite"
        return _built


def _build(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript((DATA / "db" / "schema.sql").read_text(encoding="utf-8"))
        for table in ("services", "deploys", "tickets"):
            with (DATA / "db" / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
                header, *rows = csv.reader(lines)
            places = ", ".join("?" * len(header))
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(header)}) VALUES ({places})",
                ([value or None for value in row] for row in rows),
            )
