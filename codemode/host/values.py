"""JSON text of what tools return, and values of what scripts send. Nothing here knows of tools or calls.

What a script cannot hold is made into something that it can, and by these rules only:

- NaN and the infinities become null;
- an integer beyond ±(2^53 - 1) becomes a string of its digits, since a JavaScript number would lose some;
- a lone surrogate, in a value or a key, becomes U+FFFD;
- dataclasses, pydantic models, dates, UUIDs, enums, paths, decimals, sets and the like take the JSON form
  that pydantic gives them;
- bytes become text if they are UTF-8, and have no JSON form otherwise: whether base64, hex or a `data:` URL
  is meant, only the tool knows.
"""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import accumulate
from typing import Any

from pydantic_core import from_json, to_json, to_jsonable_python

MAX_DEPTH = 128
"""Arrays and objects within each other. pydantic_core's parser stops near 200, its serialiser at 255."""

MAX_JSON_BYTES = 16 * 1024 * 1024
"""UTF-8 bytes of one value."""

MAX_ARGUMENT_VALUES = 1 << 19
"""JSON values in the arguments of one call. Nothing else runs in the host while they are made into objects, which takes
up to 1 µs each: 16 MiB of empty arrays would hold it for seconds, and take 500 MB."""

_MAX_SAFE_INTEGER = "9007199254740991"
_SIXTEEN_DIGITS = b"0" * len(_MAX_SAFE_INTEGER)
_SHAPE = bytes.maketrans(b"123456789:[-", b"000000000,,,")
"""Shows where integers begin: digits as 0, whatever stands before a number as a comma."""

_LONG_INTEGER = re.compile(r"([\[:,])-?([0-9]{16,}+)(?![.eE])")  # a class that comes first makes the search fast
_NOT_FINITE = re.compile(r"NaN|-?Infinity")

_DEPTH_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")

_HIGH, _LOW = r"[89abAB][0-9a-fA-F]{2}", r"[c-fC-F][0-9a-fA-F]{2}"
_LONE_ESCAPE = re.compile(rf"\\u[dD](?:{_HIGH}(?!\\u[dD]{_LOW})|(?<!\\u[dD]{_HIGH}\\u[dD]){_LOW})")
"""A surrogate as an escape, without its other half."""


class NoJsonForm(TypeError):
    """A value cannot be written as JSON. The message says which part of it, and why."""


class NotJson(ValueError):
    """A text is not JSON, or nested deeper than it may be."""


class JsonTooLarge(ValueError):
    """The JSON text of a value is larger than it may be.

    Args:
        size: of the text, in UTF-8 bytes.
        limit: in bytes.
    """

    def __init__(self, size: int, limit: int) -> None:
        self.size = size
        self.limit = limit
        super().__init__(size, limit)

    def __str__(self) -> str:
        return f"{self.size:,} bytes of JSON, of which {self.limit:,} may cross; give less, or in pages"


def to_json_text(value: Any, *, max_bytes: int = MAX_JSON_BYTES, quote_large: bool = True) -> str:
    """The JSON text of a value, well-formed, that JavaScript can parse without loss.

    Args:
        value: anything that pydantic can serialise, and mappings and collections of such.
        max_bytes: what the text may come to, in UTF-8 bytes.
        quote_large: whether integers beyond ±(2^53 - 1) become strings.

    Raises:
        NoJsonForm: a part of the value has no JSON form, the value contains itself, or it is nested deeper
            than `MAX_DEPTH` levels.
        JsonTooLarge: the text is larger than `max_bytes`.
    """
    if hasattr(value, "__next__"):
        value = list(value)  # it can be read once only, and a failure is explained by reading again
    try:
        data = to_json(value, inf_nan_mode="null", fallback=_plain)
    except Exception as error:
        data = _to_json_after(error, value)
    if len(data) > max_bytes:
        raise JsonTooLarge(len(data), max_bytes)
    text = data.decode()
    if "NaN" in text or "Infinity" in text:  # in a string, or of a model that asks for constants
        text = _outside_strings(text, _NOT_FINITE, lambda _: "null")
    if quote_large and len(data) >= len(_SIXTEEN_DIGITS):
        shape = data.translate(_SHAPE)
        if shape.find(b"," + _SIXTEEN_DIGITS) >= 0 or shape.startswith(_SIXTEEN_DIGITS):
            text = _outside_strings("," + text, _LONG_INTEGER, _quote_large)[1:]
    if is_deeper(text, MAX_DEPTH):
        raise NoJsonForm(f"the value is nested deeper than {MAX_DEPTH} levels")
    return text


def from_json_text(text: str, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text. Lone surrogates, escaped or not, become U+FFFD.

    Raises:
        NotJson: the text is not JSON, or nested deeper than `max_depth` levels.
    """
    try:
        value = from_json(text, allow_inf_nan=False)
    except (ValueError, TypeError) as error:
        if is_depth_error(str(error)):
            raise NotJson(f"nested deeper than {max_depth} levels") from None
        repaired = well_formed_json(text)
        if repaired != text:
            return from_json_text(repaired, max_depth=max_depth)
        raise NotJson(str(error)) from None
    if is_deeper(text, max_depth):
        raise NotJson(f"nested deeper than {max_depth} levels")
    return value


def is_deeper(text: str, depth: int) -> bool:
    """Whether more than `depth` arrays and objects lie within each other in valid JSON text."""
    return len(text) > 2 * depth and text.count("[") + text.count("{") > depth and json_depth(text.encode()) > depth


def json_depth(data: bytes) -> int:
    """How many arrays and objects lie within each other in valid JSON text. Takes about 30 ns a bracket."""
    brackets = _outside_quotes(_marks(data, b"[]{}"))
    return max(accumulate(array("b", brackets.translate(_DEPTH_STEPS))), default=0)


def has_more_values(text: str, count: int) -> bool:
    """Whether there are more than `count` values in valid JSON text, keys not counted; an empty array counts twice."""
    if sum(map(text.count, "[{,")) < count:
        return False
    marks = _marks(text.encode("utf-8", "surrogatepass"), b"[{,")
    # Each string is a value, or the key of one.
    return marks.count(b'"') // 4 > count or len(_outside_quotes(marks)) >= count


def _marks(data: bytes, wanted: bytes) -> bytes:
    """Those of these bytes that stand in valid JSON text, in their order, and the quotes of its strings."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    return data.translate(None, bytes(set(range(256)) - {*wanted, *b'"'}))


def _outside_quotes(marks: bytes) -> bytes:
    """Those that stand outside of strings."""
    # Two quotes side by side are a string without such bytes, or the seam of two strings: either way what is
    # outside of strings stays outside.
    return b"".join(marks.replace(b'""', b"").split(b'"')[::2])


def is_depth_error(message: str) -> bool:
    """Whether this is what pydantic_core says of a text or a value that is nested too deep for it."""
    return "recursion limit exceeded" in message or "depth exceeded" in message


def well_formed(text: str) -> str:
    """The text with U+FFFD for each lone surrogate; two that make a pair are joined."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def well_formed_json(text: str) -> str:
    """The JSON text with U+FFFD for each lone surrogate, also where it is written as an escape."""
    text = well_formed(text)
    if "\\u" not in text or "\x01" in text:  # a control character never stands raw in JSON
        return text
    # An escaped backslash hides what follows it.
    return _LONE_ESCAPE.sub("\ufffd", text.replace("\\\\", "\x01")).replace("\x01", "\\\\")


def _outside_strings(text: str, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]) -> str:
    """The substitution, made outside the strings of valid JSON text."""
    # Control characters never stand raw in JSON, so they can stand for what would be in the way.
    pieces = text.replace("\\\\", "\x01\x01").replace('\\"', "\x01\x02").split('"')
    pieces[::2] = pattern.sub(replace, "\x00".join(pieces[::2])).split("\x00")
    return '"'.join(pieces).replace("\x01\x02", '\\"').replace("\x01\x01", "\\\\")


def _quote_large(found: re.Match[str]) -> str:
    digits = found[2]
    if len(digits) == len(_MAX_SAFE_INTEGER) and digits <= _MAX_SAFE_INTEGER:
        return found[0]
    return f'{found[1]}"{found[0][1:]}"'


def _plain(value: Any) -> Any:
    """What pydantic does not know, but is plainly an object or an array."""
    match value:
        case memoryview():
            return bytes(value)
        case os.PathLike():
            return os.fspath(value)
        case Mapping():
            return dict(value)
        case Sequence() | Set():
            return list(value)
    if hasattr(type(value), "__iter__") and hasattr(type(value), "__len__"):
        return list(value)
    raise NoJsonForm(f"{_type_name(value)} has no JSON form")


def _to_json_after(error: Exception, value: Any) -> bytes:
    """The JSON text of a value whose lone surrogates were the only fault.

    Raises:
        NoJsonForm: they were not.
    """
    if "surrogates not allowed" in str(error):
        value = _repaired(value)
        try:
            return to_json(value, inf_nan_mode="null", fallback=_plain)
        except Exception as second:
            error = second
    if is_depth_error(str(error)):
        raise NoJsonForm(f"the value is nested deeper than {MAX_DEPTH} levels") from None
    raise NoJsonForm(_what_has_no_form(value, error)) from error


def _repaired(value: Any, room: int = MAX_DEPTH) -> Any:
    """The value with U+FFFD for each lone surrogate, down to the greatest depth."""
    match value:
        case str():
            return well_formed(value)
        case None | bool() | int() | float():
            return value
        case Iterator():
            raise NoJsonForm("an iterator that yields lone surrogates cannot be read again; return a list")
    if not room:
        raise NoJsonForm(f"the value is nested deeper than {MAX_DEPTH} levels")
    match value:
        case Mapping():
            return {_repaired(key): _repaired(member, room - 1) for key, member in value.items()}
        case list() | tuple() | Set():
            return [_repaired(member, room - 1) for member in value]
    try:
        plain = to_jsonable_python(value, inf_nan_mode="null", fallback=_plain)
    except Exception:
        return value  # for the serialiser to tell what is wrong with it
    return plain if plain is value else _repaired(plain, room - 1)


def _what_has_no_form(value: Any, error: Exception) -> str:
    """Where in the value the fault lies, and what it is: `.rows[3].owner: Connection has no JSON form`."""
    path = ""
    for _ in range(0 if "Circular reference" in str(error) else MAX_DEPTH):
        for step, member in _members(value):
            try:
                to_json(member, inf_nan_mode="null", fallback=_plain)
            except Exception as inner:
                path, value, error = path + step, member, inner
                break
        else:
            break
    return (f"{path}: " if path else "") + _reason(value, error)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case Mapping():
            yield from ((f".{key}", member) for key, member in value.items())
        case list() | tuple():
            yield from ((f"[{index}]", member) for index, member in enumerate(value))
        case _ if hasattr(value, "__dict__") and not isinstance(value, type):
            yield from ((f".{key}", member) for key, member in vars(value).items() if key[:1] != "_")


def _reason(value: Any, error: Exception) -> str:
    text = str(error).removeprefix("Error serializing to JSON: ").removeprefix("NoJsonForm: ")
    if "Circular reference" in text:
        return "the value contains itself"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{_type_name(value)} that is not UTF-8 has no JSON form; return text, such as base64"
    if "Unable to serialize unknown type" in text:
        return f"{_type_name(value)} has no JSON form"
    return text


def _type_name(value: Any) -> str:
    return f"class {value.__name__}" if isinstance(value, type) else type(value).__name__
