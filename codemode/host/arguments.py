"""What a tool takes: the check of arguments, from their JSON text, and one message about all their faults.

Nothing is coerced: "5" is no integer. What JSON has no type for (dates, UUIDs, enums, paths) is read from
strings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import reduce
from itertools import islice
from typing import Any, Protocol

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind as Kind
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from codemode.errors import UsageError
from codemode.host.values import (
    MAX_ARGUMENT_VALUES,
    MAX_DEPTH,
    NotJson,
    from_json_text,
    has_more_values,
    is_deeper,
    is_depth_error,
    to_json_text,
    well_formed_json,
)

MAX_PROBLEMS = 10
"""Told in one message; the rest is counted."""

MAX_FAULTS = 10_000
"""Of arguments that pydantic found more wrong with only the number is told: it makes an object of each fault first."""

_MAX_MESSAGE_CHARS = 4_000
_MAX_SHOWN_CHARS = 60
_MAX_LISTED = 40

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]
Problem = tuple[Path, str]
"""Where, and what is wrong there: `expected …`, `missing`, `unknown`, or a sentence without its subject."""


class InvalidArguments(Exception):
    """The arguments of a call do not fit its tool. The message says what is wrong and lists what is valid."""


class ArgumentCheck(Protocol):
    """Makes of arguments as JSON text what a handler takes."""

    def __call__(self, text: str) -> Any:
        """Raises InvalidArguments."""


class SignatureCheck:
    """The check that pydantic makes, straight from the text.

    Args:
        adapter: of a TypedDict that has the parameters.
        schema: its JSON Schema, for messages.
    """

    def __init__(self, adapter: TypeAdapter[dict[str, Any]], schema: Schema) -> None:
        self._schema = schema
        self._validate = adapter.validator.validate_json

    def __call__(self, text: str) -> Any:
        """The keyword arguments. Raises InvalidArguments."""
        _check_count(text)
        try:
            arguments = self._validate(text, strict=True)
        except ValidationError as error:
            return self._after(error, text)
        if is_deeper(text, MAX_DEPTH):
            raise InvalidArguments(_TOO_DEEP)
        return arguments

    def _after(self, error: ValidationError, text: str) -> Any:
        """The arguments, if lone surrogates were the only fault."""
        faults = error.error_count()
        if faults > MAX_FAULTS:
            raise InvalidArguments(f"{faults:,} faults in the arguments. {_parameters(self._schema)}") from None
        details = error.errors(include_url=False, include_context=False, include_input=False)
        if is_depth_error(details[0]["msg"]):
            raise InvalidArguments(_TOO_DEEP) from None
        repaired = well_formed_json(text)
        if repaired != text:
            return self(repaired)
        sent = _parse(text)
        raise InvalidArguments(_message(_pydantic_problems(details, sent), sent, self._schema)) from None


class SchemaCheck:
    """The check against a JSON Schema.

    Args:
        schema: of one object of parameters, or of a string for a free-form tool.
        freeform: which of the two.

    Raises:
        UsageError: the schema is not a good one, or not of that type. What it refers to is never fetched.
    """

    def __init__(self, schema: Schema, *, freeform: bool = False) -> None:
        wanted = "string" if freeform else "object"
        if not isinstance(schema, Mapping):
            raise UsageError(f"the parameters must be a JSON Schema, an object; got {_shown(schema)}")
        types = schema.get("type", wanted)
        if wanted not in (types if isinstance(types, list) else [types]):
            raise UsageError(f"the JSON Schema of the parameters must have the type {wanted}; it has {types!r}")
        self._schema = schema
        self._types = str if freeform else dict
        self._validator = _compiled({**schema, "additionalProperties": False} if _is_closed(schema) else schema)

    def __call__(self, text: str) -> Any:
        """The arguments: a dict, or the string of a free-form tool. Raises InvalidArguments."""
        _check_count(text)
        sent = _parse(text)
        if not isinstance(sent, self._types):
            wanted = "one string" if self._types is str else "an object of parameters"
            raise InvalidArguments(_message([((), f"expected {wanted}")], sent, self._schema))
        if not self._validator.is_valid(sent):
            problems = _schema_problems(self._validator.iter_errors(sent))
            raise InvalidArguments(_message(problems, sent, self._schema))
        return sent


_PIECEWISE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).iterencode
_TOO_DEEP = f"the arguments are nested deeper than {MAX_DEPTH} levels"


def _check_count(text: str) -> None:
    if has_more_values(text, MAX_ARGUMENT_VALUES):
        most = f"{MAX_ARGUMENT_VALUES:,}"
        raise InvalidArguments(f"the arguments hold more than {most} values: send fewer, or as text")


def _parse(text: str) -> Any:
    try:
        return from_json_text(text)
    except NotJson as error:
        raise InvalidArguments(f"the arguments are not good JSON: {error}") from None


def _is_closed(schema: Schema) -> bool:
    """Whether a schema that says nothing of further properties is taken to have none: it names all it has."""
    elsewhere = {
        "additionalProperties", "unevaluatedProperties", "patternProperties", "propertyNames",
        "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "$ref", "$dynamicRef",
    }  # fmt: skip
    return "properties" in schema and not elsewhere & schema.keys()


def _compiled(schema: Schema) -> Any:
    def refuse(uri: str) -> Any:
        raise ValueError(f"{uri} is not part of the schema, and nothing is fetched")

    try:
        return jsonschema_rs.validator_for(dict(schema), retriever=refuse)
    except jsonschema_rs.ValidationError as error:
        where = "".join(f"[{_shown(part)}]" for part in error.instance_path)
        text = _cut(error.message, 300)
        raise UsageError(f"a bad JSON Schema of the parameters{where and ' at '}{where}: {text}") from None
    except Exception as error:
        raise UsageError(f"a bad JSON Schema of the parameters: {_cut(str(error), 300)}") from error


# ── what is wrong ───────────────────────────────────────────────────────────────────────────────────────────


def _pydantic_problems(details: Iterable[ErrorDetails], sent: Any) -> Iterator[Problem]:
    for detail in details:
        path = _path_in(sent, detail["loc"], missing=detail["type"] == "missing")
        match detail["type"]:
            case "missing":
                yield path, "missing"
            case "extra_forbidden":
                yield path, "unknown"
            case _:
                yield path, _wording(detail["msg"])


def _path_in(sent: Any, location: Path, *, missing: bool) -> Path:
    """The location without what was not sent: pydantic also names the member of a union that it tried."""
    path: list[str | int] = []
    for part in location[: len(location) - missing]:
        if _has(sent, part):
            sent = sent[part]
            path.append(part)
    return (*path, location[-1]) if missing else tuple(path)


def _wording(message: str) -> str:
    """Pydantic's message in the words used here: `expected an integer`."""
    rest = message.removeprefix("Input should be ")
    if rest == message:
        return message
    rest = re.sub("^a valid (?=[aeiou])", "an ", rest).replace("a valid ", "a ")
    return f"expected {rest}" if re.match("an? |null|'|[0-9]", rest) else f"should be {rest}"


def _schema_problems(errors: Iterable[jsonschema_rs.ValidationError]) -> Iterator[Problem]:
    for error in errors:
        path = tuple(error.instance_path)
        match error.kind:
            case Kind.Type(types=types):
                yield path, f"expected {' or '.join(map(_with_article, types))}"
            case Kind.Enum(options=options):
                yield path, f"expected {_one_of(options)}"
            case Kind.Constant(expected_value=value):
                yield path, f"expected {_shown(value)}"
            case Kind.Required(property=name):
                yield (*path, name), "missing"
            case Kind.AdditionalProperties(unexpected=names) | Kind.UnevaluatedProperties(unexpected=names):
                yield from (((*path, name), "unknown") for name in names)
            case Kind.AnyOf(context=branches) | Kind.OneOfNotValid(context=branches):
                for branch in branches:
                    yield from _schema_problems(branch)
            case _:
                text = error.message.removeprefix(_exact(error.instance)).strip()
                yield path, _cut(text, 200)


def _message(problems: Iterable[Problem], sent: Any, schema: Schema) -> str:
    """One message of bounded length about all problems, and what would have been right."""
    wordings: dict[Path, list[str]] = {}
    for path, wording in islice(problems, 10 * MAX_PROBLEMS):
        wordings.setdefault(path, []).append(wording)
    properties = schema.get("properties", {})
    missing = [path[0] for path, words in wordings.items() if len(path) == 1 and words == ["missing"]]
    unknown = [path[0] for path, words in wordings.items() if len(path) == 1 and words == ["unknown"]]

    def meant(name: str) -> str:
        near = get_close_matches(name[:100], [other for other in properties if other not in sent], n=1)
        if not near and len(missing) == len(unknown) == 1:
            near = [str(missing[0])]
        return f"; did you mean {_exact(near[0])}?" if near else ""

    told = [_sentence(path, words, sent, meant) for path, words in islice(wordings.items(), MAX_PROBLEMS)]
    if len(wordings) > MAX_PROBLEMS:
        told.append(f"and {len(wordings) - MAX_PROBLEMS} more")
    text = reduce(lambda text, more: f"{text}{' ' if text[-1:] == '?' else '; '}{more}", told)
    if schema.get("type") == "string":
        return _cut(text, _MAX_MESSAGE_CHARS)
    return f"{_cut(text, _MAX_MESSAGE_CHARS)}{' ' if text[-1:] == '?' else '. '}{_parameters(schema)}"


def _sentence(path: Path, words: list[str], sent: Any, meant: Callable[[str], str]) -> str:
    *parents, last = path or ("",)
    within = f"parameter {_exact(_dotted(parents))}: " if parents else ""
    match list(dict.fromkeys(words)):
        case ["unknown"]:
            return (
                f"{within}unknown key {_shown(last)}"
                if within
                else f"unknown parameter {_shown(last)}{meant(str(last))}"
            )
        case ["missing"]:
            return f"{within}missing {'key' if within else 'parameter'} {_shown(last)}"
        case wordings:
            for part in path:
                sent = sent[part] if _has(sent, part) else None
            subject = f"parameter {_exact(_dotted(path))}: " if path else ""
            return f"{subject}{_either(wordings)}, got {_shown(sent)}"


def _has(value: Any, part: str | int) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _either(wordings: list[str]) -> str:
    """Several things that would have been right, or several that are wrong."""
    if all(wording.startswith("expected ") for wording in wordings):
        return f"expected {' or '.join(wording.removeprefix('expected ') for wording in wordings)}"
    return "; or ".join(wordings)


def _dotted(path: Iterable[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_cut(part, 100)}" for part in path)
    return text.removeprefix(".")


def _parameters(schema: Schema) -> str:
    """`Parameters: city (string, required), units (string)`."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    if not properties:
        return "It takes no parameters." if schema.get("additionalProperties") is False else "Any parameters."
    required = schema.get("required", ())
    listed = [
        f"{name} ({_kind(form, schema)}{', required' if name in required else ''})"
        for name, form in islice(properties.items(), _MAX_LISTED)
    ]
    if len(properties) > _MAX_LISTED:
        listed.append(f"and {len(properties) - _MAX_LISTED} more")
    return _cut(f"Parameters: {', '.join(listed)}", _MAX_MESSAGE_CHARS)


def _kind(form: Any, schema: Schema) -> str:
    """One or a few words for what a schema allows."""
    match form:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            target = schema.get("$defs", schema.get("definitions", {})).get(name, {})
            return name if "$ref" in target else _kind(target, {})
        case {"enum": list(options)}:
            return _one_of(options)
        case {"const": value}:
            return _shown(value)
        case {"anyOf": list(forms)} | {"oneOf": list(forms)}:
            return " or ".join(dict.fromkeys(_kind(form, schema) for form in forms))
        case {"type": str(kind)}:
            return kind
        case {"type": list(kinds)}:
            return " or ".join(map(str, kinds))
    return "any"


def _one_of(options: list[Any]) -> str:
    shown = [_shown(option) for option in options[:MAX_PROBLEMS]]
    return " or ".join(shown + ["…"] * (len(options) > len(shown)))


def _with_article(kind: str) -> str:
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _exact(value: Any) -> str:
    try:
        return to_json_text(value, quote_large=False)
    except Exception:
        return repr(value)


def _shown(value: Any) -> str:
    """The beginning of its text. A value may be long: no more of it is written than is shown."""
    text = ""
    try:
        for piece in _PIECEWISE(value[: _MAX_SHOWN_CHARS + 1] if isinstance(value, str) else value):
            text += piece
            if len(text) > _MAX_SHOWN_CHARS:
                break
    except (TypeError, ValueError):  # of a schema, not of an argument
        text = repr(value)
    return _cut(text, _MAX_SHOWN_CHARS)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
