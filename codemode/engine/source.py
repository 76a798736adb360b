"""What reading a script takes: its text as UTF-16 units, its syntax tree, and where in it something is wrong."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Literal

from tree_sitter import Language, Parser, Tree

# ── what is wrong ───────────────────────────────────────────────────────────────────────────────────────────────────


class SourceError(Exception):
    """The script cannot be run as it is written.

    Args:
        code: the cell error code.
        message: what is wrong, in V8's words where V8 has some.
        line: from 1.
        column: from 1, in UTF-16 units.
    """

    def __init__(self, code: Literal["syntax_error", "module_not_found"], message: str, line: int, column: int) -> None:
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        super().__init__(code, message, line, column)

    def __str__(self) -> str:
        return f"{self.message} ({self.line}:{self.column})"


def place_of(units: str, at: int) -> tuple[int, int]:
    """Line and column of an index, from 1."""
    line, line_start = 1, 0
    for line_end in LINE_END.finditer(units, 0, at):
        line, line_start = line + 1, line_end.end()
    return line, at - line_start + 1


def syntax_error(units: str, message: str, at: int) -> SourceError:
    """A syntax error at an index."""
    return SourceError("syntax_error", message, *place_of(units, at))


def code_frame(source: str, line: int, column: int) -> str:
    """The line of an error and the one before it, a caret under the column; long lines are cut around it.

    Args:
        source: the script.
        line: from 1; one beyond the last line stands for the last.
        column: from 1, in UTF-16 units.
    """
    lines = LINE_END.split(source)
    line = min(max(line, 1), len(lines))
    text = lines[line - 1]
    caret = len(to_text(to_units(text)[: max(column - 1, 0)]))
    start = max(0, min(caret - _FRAME_WIDTH // 2, len(text) - _FRAME_WIDTH))
    gutter = len(str(line))
    shown = [
        f"{number:>{gutter}} | {lines[number - 1][start : start + _FRAME_WIDTH]}".rstrip()
        for number in (line - 1, line)
        if number > 0
    ]
    # Tabs stay tabs, so that the caret stands right whatever their width.
    indent = re.sub(r"[^\t]", " ", text[start:caret])
    return "\n".join([*shown, f"{'':>{gutter}} | {indent}^"])


_FRAME_WIDTH = 120


def near(name: str, names: Collection[str]) -> str:
    """The end of the sentence that says that there is no such name: what it may have been meant for."""
    matches = get_close_matches(name, names, n=3) if len(name) <= _MAX_NAME_CHARS else []
    return f"; did you mean {' or '.join(map(quoted, matches))}?" if matches else "."


def quoted(name: str) -> str:
    """A name as a message shows it."""
    cut = name if len(name) <= _MAX_NAME_CHARS else name[:_MAX_NAME_CHARS] + "…"
    return json.dumps(cut, ensure_ascii=False)


_MAX_NAME_CHARS = 200
"""A longer name is cut in a message and compared with none, which takes time in the square of its length."""

# ── text as UTF-16 units ────────────────────────────────────────────────────────────────────────────────────────────
# Whoever rewrites a script holds it as a str of UTF-16 units (an astral character is its two surrogates), so that
# an index is the same for a slice, for tree-sitter (two bytes a unit) and for a column.

SPACE = r" \t\v\f\xa0\ufeff\u1680\u2000-\u200a\u202f\u205f\u3000"
NEWLINE = r"\n\r\u2028\u2029"
LINE_END = re.compile(rf"\r\n|[{NEWLINE}]")
TRIVIA = rf"(?:[{SPACE}{NEWLINE}]|//[^{NEWLINE}]*|/\*(?s:.*?)\*/)*+"
"""White space and comments."""
_EMPTY = re.compile(rf"(?:#![^{NEWLINE}]*)?{TRIVIA}")
_NO_NEWLINE = re.compile(rf"[^{NEWLINE}]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def is_empty(source: str) -> bool:
    """Whether the script holds nothing but white space, comments and a hashbang line."""
    return _EMPTY.fullmatch(source) is not None


def to_units(text: str) -> str:
    """The text, each astral character as its two surrogates."""

    def surrogates(match: re.Match[str]) -> str:
        high, low = divmod(ord(match[0]) - 0x10000, 0x400)
        return chr(0xD800 + high) + chr(0xDC00 + low)

    return _ASTRAL.sub(surrogates, text)


def to_text(units: str) -> str:
    """The units as well-formed text: a lone surrogate becomes U+FFFD."""
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def blank(units: str, start: int, end: int) -> str:
    """The span as white space, its lines kept."""
    return _NO_NEWLINE.sub(" ", units[start:end])


def overwrite(units: str, pieces: Iterable[tuple[int, str]]) -> str:
    """The units with each piece written over what stands at its index. The pieces are in order."""
    parts, end = [], 0
    for start, piece in pieces:
        parts += [units[end:start], piece]
        end = start + len(piece)
    return "".join([*parts, units[end:]])


# ── the syntax tree ─────────────────────────────────────────────────────────────────────────────────────────────────

UNREADABLE = "The source nests too deeply, or is too broken, to be read"
"""What is said where a parser gives up."""
MAX_PARSE_S = 3.0
"""CPU time. A mebibyte of ordinary code takes half a second, one of nothing but quotes seven."""
_CHUNK_BYTES = 65536


def parse(language: Language, units: str, deadline: float) -> Tree:
    """The syntax tree, its offsets two bytes a unit.

    Args:
        language: the grammar.
        units: the script.
        deadline: when to give up, of `time.thread_time`.

    Raises:
        SourceError: the parser gives up.
    """
    source = units.encode("utf-16-le", "surrogatepass")

    def read(offset: int, _: object) -> bytes:
        return source[offset : offset + _CHUNK_BYTES]

    def is_late(_offset: int, _has_error: bool) -> bool:
        return time.thread_time() > deadline

    try:
        return Parser(language).parse(read, encoding="utf16le", progress_callback=is_late)
    except ValueError:
        raise syntax_error(units, UNREADABLE, 0) from None
