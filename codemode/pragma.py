"""The pragma: settings of an exec that stand in its script's first line, `// @exec: {"yield_time_ms": 5000}`.

It is a comment of JavaScript, so nothing has to be taken out of the script for it. Imported by both ends: the host goes
by what it sets, and the worker, which knows how to show a place in a script, says what is wrong with it. Stdlib only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, NoReturn

MAX_SETTING = 2**53 - 1
"""What JSON and JavaScript hold exactly."""


class PragmaError(Exception):
    """A pragma cannot be read.

    Args:
        message: what is wrong, and how it is written.
        at: where, as an index of the script's text.
    """

    def __init__(self, message: str, at: int) -> None:
        self.message = message
        self.at = at
        super().__init__(message, at)

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Pragma:
    """What it sets; None where it sets nothing."""

    yield_time_ms: int | None = None
    max_output_tokens: int | None = None


def read_pragma(source: str) -> Pragma:
    """The settings of a script. One without a pragma sets nothing.

    Args:
        source: the script.

    Raises:
        PragmaError: it has one that cannot be read.
    """
    found = _PRAGMA.match(source)
    if found is None:
        return Pragma()
    if not found["colon"]:
        raise PragmaError(f"the pragma needs a colon behind @exec{_FORM}", found.end("word"))
    if not found["settings"]:
        raise PragmaError(f"the pragma has no settings{_FORM}", found.end("colon"))
    settings: dict[str, int] = {}
    for key, key_at, value, value_at in _members(source, found.start("settings"), found.end("settings")):
        if key not in _SETTINGS:
            message = f"the pragma has no setting {_shown(key)}{_near(key)} Settings: {', '.join(_SETTINGS)}"
            raise PragmaError(message, key_at)
        if key in settings:
            raise PragmaError(f"the pragma sets {key} twice", key_at)
        settings[key] = _amount(key, value, value_at)
    return Pragma(**settings)


_NEWLINE = r"\n\r\u2028\u2029"
_SPACE = r" \t\v\f\xa0\ufeff\u1680\u2000-\u200a\u202f\u205f\u3000"
"""As ECMAScript has them."""
_MAX_NAME_CHARS = 200
_SETTINGS = tuple(setting.name for setting in fields(Pragma))
_FORM = '; it is written // @exec: {"yield_time_ms": 5000, "max_output_tokens": 2000}'
_PRAGMA = re.compile(
    rf"(?:\ufeff)?(?:#![^{_NEWLINE}]*(?:\r\n|[{_NEWLINE}]))?[{_SPACE}]*//[{_SPACE}]*"
    rf"(?P<word>@exec)(?![\w$-])[{_SPACE}]*(?P<colon>:?)[{_SPACE}]*(?P<settings>[^{_NEWLINE}]*?)[{_SPACE}]*(?:[{_NEWLINE}]|\Z)"
)


def _shown(key: str) -> str:
    return json.dumps(key if len(key) <= _MAX_NAME_CHARS else key[:_MAX_NAME_CHARS] + "…", ensure_ascii=False)


def _near(key: str) -> str:
    """The end of the sentence that says that there is no such setting."""
    found = get_close_matches(key[:_MAX_NAME_CHARS], _SETTINGS, n=1)
    return f"; did you mean {_shown(found[0])}?" if found else "."


def _amount(key: str, value: object, at: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PragmaError(f"the pragma's {key} must be a number", at)
    if value < 0:
        raise PragmaError(f"the pragma's {key} must not be negative", at)
    if value > MAX_SETTING:
        raise PragmaError(f"the pragma's {key} is too large: at most {MAX_SETTING}", at)
    if value != int(value):
        raise PragmaError(f"the pragma's {key} must be a whole number", at)
    return int(value)


def _members(source: str, start: int, end: int) -> Iterator[tuple[str, int, Any, int]]:
    """The members of the JSON object in the span: each key and value, and where they stand."""
    text = source[start:end]
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise PragmaError(f"the pragma is not JSON: {error.msg}{_FORM}", start + error.pos) from None
    except ValueError as error:
        raise PragmaError(f"the pragma is not JSON: {error}{_FORM}", start) from None
    except RecursionError:
        raise PragmaError(f"the pragma is not JSON that can be read: it nests too deeply{_FORM}", start) from None
    if not isinstance(value, dict):
        raise PragmaError(f"the pragma must be a JSON object{_FORM}", start)
    at = 1
    while text[at := _behind_space(text, at)] != "}":
        key, key_end = _DECODER.raw_decode(text, at)
        value_at = _behind_space(text, _behind_space(text, key_end) + 1)
        value, value_end = _DECODER.raw_decode(text, value_at)
        yield key, start + at, value, start + value_at
        at = _behind_space(text, value_end)
        at += text[at] == ","


def _behind_space(text: str, at: int) -> int:
    while text[at] in " \t":
        at += 1
    return at


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a value")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=float)
