"""Tools as TypeScript, for the model: a JSON Schema becomes a type, a description a comment. Values only, no I/O.

A schema may come from anybody, an MCP server for instance. Whatever it is, its text is bounded, parses as TypeScript,
and says `unknown` where the schema says nothing that TypeScript can say.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count, islice
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from codemode.host.tools import Tool
from codemode.host.values import JsonTooLarge, NoJsonForm, to_json_text, well_formed

MAX_CHARS = 16_000
"""About what one declaration may come to. What a schema goes on to say after that is left out, and said to be."""
MAX_DEPTH = 12
"""Types within each other; a named type begins anew."""
MAX_OPTIONS = 60
"""Members of one union, such as the values of an enum."""
MAX_DESCRIPTION_CHARS = 4_000
MAX_SUMMARY_CHARS = 120
_MAX_LITERAL_CHARS = 200
_MAX_KEY_CHARS = 200
_MAX_NAME_CHARS = 60
_FEW = 8
_WIDTH = 88
"""An object type without comments stands on one line where it fits."""

_UNKNOWN = "unknown"
_INTEGER = "number /* integer */"
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_$]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_BUILT_IN = frozenset({"Array", "Promise", "Record"})
"""Types that the text itself uses."""
_SCALARS = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"}
_SHAPE = ("properties", "additionalProperties", "patternProperties", "items", "prefixItems")
_COMBINED = ("$ref", "anyOf", "oneOf", "allOf")
_TAGS = ("default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
         "maxLength", "pattern", "minItems", "maxItems")  # fmt: skip
"""What a type cannot say and a caller should know, as tags of the comment."""

Schema = Mapping[str, Any]


class ToolDeclaration(NamedTuple):
    """One tool in TypeScript, in the parts of which a declaration of many tools is made."""

    types: tuple[tuple[str, str], ...]
    """(name, declaration) of each type that has a name of its own."""
    member: str
    """What stands in `declare const tools: { … }`: the comment, and the tool as a method."""


_declared: WeakKeyDictionary[Tool, ToolDeclaration] = WeakKeyDictionary()


def declaration(tool: Tool) -> str:
    """The TypeScript declaration of one tool, with its documentation in comments. Never raises."""
    return declare((declared_tool(tool),))


def declare(tools: Iterable[ToolDeclaration | str]) -> str:
    """The declaration of several tools in one text. A string is a comment between them."""
    types: dict[str, str] = {}
    members: list[str] = []
    for tool in tools:
        if isinstance(tool, str):
            members.append(f"// {_one_line(tool)}")
        else:
            types.update(tool.types)
            members.append(tool.member)
    return "\n".join([*types.values(), "declare const tools: {", *(_indented(member) for member in members), "};"])


def declared_tool(tool: Tool, *, apart: bool = False) -> ToolDeclaration:
    """The parts of a tool's declaration, which are made once.

    Args:
        tool: whose definition is read.
        apart: whether the names of its types begin with its identifier, since another tool has one of them.
    """
    if apart:
        return _Writer(f"{tool.identifier}_").tool(tool)
    if tool not in _declared:
        _declared[tool] = _Writer("").tool(tool)
    return _declared[tool]


def summary(tool: Tool) -> str:
    """The first sentence of a tool's description, on one line; empty where it has none."""
    paragraph = re.split(r"\n\s*\n", _clean(tool.definition.description).strip(), maxsplit=1)[0]
    sentence = re.split(r"(?<=[.!?])\s", paragraph, maxsplit=1)[0]
    return _cut(_one_line(sentence), MAX_SUMMARY_CHARS)


class _Definition(NamedTuple):
    """What a `$ref` leads to, still to be written."""

    name: str
    schema: Any
    root: Any


class _Writer:
    """Writes one declaration. `_room` is what may still be written; each type takes some, so every walk ends."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._room = MAX_CHARS
        self._root: Any = {}
        self._names: dict[tuple[int, str], str] = {}
        """By the schema that they stand in, and the reference."""
        self._waiting: deque[_Definition] = deque()

    def tool(self, tool: Tool) -> ToolDeclaration:
        """The parts of this tool's declaration."""
        definition = tool.definition
        effect = "@readonly" if definition.read_only else "@destructive" if definition.destructive else ""
        comment = self._comment(str(definition.description), effect)
        name = '"new"' if tool.identifier == "new" else tool.identifier  # a method of that name is a constructor
        parameters = "input: string" if definition.freeform else self._parameters(definition.parameters)
        result = _UNKNOWN if definition.output_schema is None else self._rooted(definition.output_schema)
        member = f"{comment}{name}({parameters}): Promise<{result}>;"
        return ToolDeclaration(tuple(self._types()), member)

    def _parameters(self, schema: Any) -> str:
        if not isinstance(schema, Mapping):
            return ""
        combined = any(keyword in schema for keyword in _COMBINED)
        if not combined and schema.get("properties") == {} and not _is_open(schema):
            return ""
        optional = "" if combined or schema.get("required") else "?"
        return f"args{optional}: {self._rooted(schema)}"

    def _rooted(self, schema: Any) -> str:
        """The type of a whole schema: what its references are looked up in."""
        self._root = schema
        return self._type(schema, 0)

    def _types(self) -> Iterable[tuple[str, str]]:
        """Writes the types that were referred to, and those that these refer to."""
        while self._waiting:
            name, schema, self._root = self._waiting.popleft()
            comment = self._comment(_description(schema), _tags(schema))
            yield name, f"{comment}type {name} = {self._type(schema, 0)};"

    # ── types ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _type(self, schema: Any, depth: int) -> str:
        self._room -= 1
        if schema is False:
            return self._take("never")
        if not isinstance(schema, Mapping) or depth > MAX_DEPTH or self._room <= 0:
            return self._take(_UNKNOWN)
        parts = list(dict.fromkeys(self._parts(schema, depth)))
        text = " & ".join(map(_grouped, parts)) if len(parts) > 1 else "".join(parts) or _UNKNOWN
        return f"{text} | null" if schema.get("nullable") is True and parts else text

    def _parts(self, schema: Schema, depth: int) -> Iterable[str]:
        """The types that a value has all together; mostly one."""
        if "$ref" in schema:
            yield self._reference(schema["$ref"], depth)
        if "const" in schema:
            yield self._literal(schema["const"])
        elif _is_list(schema.get("enum")):
            yield self._union(schema["enum"], self._literal)
        elif _has_shape(schema):
            yield self._shape(schema, depth)
        for keyword in ("anyOf", "oneOf"):
            if _is_list(schema.get(keyword)):
                yield self._union(schema[keyword], lambda form: self._type(form, depth + 1))
        if _is_list(schema.get("allOf")):
            for form in islice(schema["allOf"], MAX_OPTIONS):
                yield self._type(form, depth + 1)

    def _shape(self, schema: Schema, depth: int) -> str:
        """By `type`, or what the other keywords say of it."""
        kinds = schema.get("type")
        if _is_list(kinds):
            return self._union(kinds, lambda kind: self._of_kind(kind, schema, depth))
        if kinds is None:
            kinds = "array" if "items" in schema or "prefixItems" in schema else "object"
        return self._of_kind(kinds, schema, depth)

    def _of_kind(self, kind: Any, schema: Schema, depth: int) -> str:
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer":
                return self._take(_INTEGER)
            case "string" if isinstance(schema.get("format"), str):
                return self._take(f"string /* {_in_comment(_cut(_one_line(schema['format']), 40))} */")
            case str() if kind in _SCALARS:
                return self._take(_SCALARS[kind])
        return self._take(_UNKNOWN)

    def _object(self, schema: Schema, depth: int) -> str:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        required = schema.get("required")
        required = {name for name in required if isinstance(name, str)} if _is_list(required) else set()
        undescribed = [name for name in sorted(required) if name not in properties]
        members: list[str] = []
        named = [*properties.items(), *((name, True) for name in undescribed)]
        for name, form in named:
            if self._room <= 0 or len(str(name)) > _MAX_KEY_CHARS:
                members.append(f"// and {len(named) - len(members)} more")
                break
            key = self._take(_key(str(name)))
            members.append(
                f"{self._comment(_description(form), _tags(form))}{key}{'' if name in required else '?'}: "
                f"{self._type(form, depth + 1)};"
            )
        further = list(self._further(schema, depth))
        if not members and not further:
            return self._take("{}" if schema.get("additionalProperties") is False else f"Record<string, {_UNKNOWN}>")
        if not members and len(further) == 1:
            return f"Record<string, {further[0]}>"
        if further:
            members.append(f"[key: string]: {' | '.join(dict.fromkeys(map(_grouped, further)))};")
        return _braced(members)

    def _further(self, schema: Schema, depth: int) -> Iterable[str]:
        """The types of properties that have no name in the schema."""
        patterns = schema.get("patternProperties")
        if isinstance(patterns, Mapping):
            for form in islice(patterns.values(), MAX_OPTIONS):
                yield self._type(form, depth + 1)
        more = schema.get("additionalProperties")
        if more is True or isinstance(more, Mapping):
            yield self._type(more, depth + 1)

    def _array(self, schema: Schema, depth: int) -> str:
        items, first = schema.get("items"), schema.get("prefixItems")
        if _is_list(items):  # a tuple, as drafts before 2020-12 have it
            items, first = schema.get("additionalItems"), items
        if not _is_list(first) or not first:
            return _array_of(self._type(items, depth + 1))
        shown = list(islice(first, MAX_OPTIONS))
        least = schema.get("minItems")
        least = least if isinstance(least, int) else 0
        elements = []
        for index, form in enumerate(shown):
            text = self._type(form, depth + 1)
            elements.append(text if index < least else f"{_in_parentheses(text)}?")
        most = schema.get("maxItems")
        closed = items is False or (isinstance(most, int) and most <= len(first))
        if len(shown) < len(first) or not closed:
            rest = _UNKNOWN if len(shown) < len(first) else self._type(items, depth + 1)
            elements.append(f"...{_array_of(rest)}")
        return f"[{', '.join(elements)}]"

    def _union(self, options: Sequence[Any], write: Callable[[Any], str]) -> str:
        """One of the options. `unknown` among them says all."""
        texts: list[str] = []
        for option in islice(options, MAX_OPTIONS):
            texts.append(write(option))
            if texts[-1] == _UNKNOWN or self._room <= 0:
                return _UNKNOWN
        if len(options) > MAX_OPTIONS:
            wider = dict.fromkeys(map(_widened, texts))
            texts.append(f"{' | '.join(wider)} /* and {len(options) - MAX_OPTIONS} more */")
        if "number" in texts:
            texts = [text for text in texts if text != _INTEGER]
        return " | ".join(sorted(dict.fromkeys(texts), key=lambda text: text == "null")) or "never"

    def _literal(self, value: Any) -> str:
        """JSON text is a type of TypeScript."""
        try:
            text = to_json_text(value, quote_large=False)
        except (NoJsonForm, JsonTooLarge):
            return self._take(_UNKNOWN)
        return self._take(text if len(text) <= _MAX_LITERAL_CHARS else _widened(text))

    # ── references ────────────────────────────────────────────────────────────────────────────────────────────

    def _reference(self, reference: Any, depth: int) -> str:
        target = _resolved(self._root, reference)
        if not isinstance(target, Mapping) or self._room <= 0:
            return self._take(_UNKNOWN)
        if _is_simple(target):
            return self._type(target, depth + 1)
        place = (id(self._root), str(reference))
        if place not in self._names:
            self._names[place] = self._new_name(str(reference))
            self._waiting.append(_Definition(self._names[place], target, self._root))
        return self._take(self._names[place])

    def _new_name(self, reference: str) -> str:
        last = _NOT_IN_NAMES.sub("_", unquote(reference.rpartition("/")[2])).strip("_") or "Self"
        name = self._prefix + last[0].upper() + last[1:_MAX_NAME_CHARS]
        if not _NAME.match(name):
            name = f"_{name}"
        taken = _BUILT_IN | set(self._names.values())
        return next(free for number in count(1) if (free := name if number == 1 else f"{name}{number}") not in taken)

    # ── comments ──────────────────────────────────────────────────────────────────────────────────────────────

    def _comment(self, description: str, tags: str) -> str:
        """A JSDoc comment and a line end; nothing where there is nothing to say, or no room to say it."""
        text = _clean(_cut(description, MAX_DESCRIPTION_CHARS)).strip()
        text = _in_comment(("\n" if "\n" in text else " ").join(filter(None, (text, tags))))
        if not text or self._room <= 0:
            return ""
        self._take(text)
        if "\n" not in text:
            return f"/** {text} */\n"
        body = "\n".join(f" * {line}".rstrip() for line in text.split("\n"))
        return f"/**\n{body}\n */\n"

    def _take(self, text: str) -> str:
        self._room -= len(text)
        return text


# ── what a schema says ────────────────────────────────────────────────────────────────────────────────────────────


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple)


def _is_open(schema: Schema) -> bool:
    """Whether it says that an object may have properties without a name in it."""
    more = schema.get("additionalProperties")
    return more is True or isinstance(more, Mapping) or bool(schema.get("patternProperties"))


def _has_shape(schema: Schema) -> bool:
    """Whether it says itself what a value is, and does not leave that to the schemas that it combines."""
    if any(schema.get(keyword) for keyword in _SHAPE):
        return True
    return ("type" in schema or "required" in schema) and not any(keyword in schema for keyword in _COMBINED)


def _is_simple(schema: Schema) -> bool:
    """Whether it is best written where it is used: a scalar or a few values, without documentation."""
    if _description(schema) or any(keyword in schema for keyword in (*_SHAPE, *_COMBINED)):
        return False
    values = schema.get("enum")
    if _is_list(values):
        return len(values) <= _FEW
    return "const" in schema or (isinstance(schema.get("type"), str) and schema["type"] in _SCALARS)


def _resolved(root: Any, reference: Any) -> Any:
    """What a reference within the same schema leads to; None where it leads nowhere."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    pointer = unquote(reference[1:])
    if pointer and not pointer.startswith("/"):
        return None
    found = root
    for part in pointer.split("/")[1:]:
        step = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(step)
        elif _is_list(found) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def _description(schema: Any) -> str:
    text = schema.get("description") if isinstance(schema, Mapping) else None
    return text if isinstance(text, str) else ""


def _tags(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return ""
    tags = []
    for keyword in _TAGS:
        if keyword in schema and schema[keyword] is not None and not ("Items" in keyword and "prefixItems" in schema):
            try:
                value = to_json_text(schema[keyword], quote_large=False)
            except (NoJsonForm, JsonTooLarge):
                continue
            tags.append(f"@{keyword} {_cut(value, _MAX_LITERAL_CHARS)}")
    if schema.get("deprecated") is True:
        tags.append("@deprecated")
    return _clean(" ".join(tags))


# ── text ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _key(name: str) -> str:
    return name if _NAME.fullmatch(name) else to_json_text(name)


def _braced(members: list[str]) -> str:
    inline = f"{{ {' '.join(members)[:-1]} }}"
    if len(inline) <= _WIDTH and not any("\n" in member or member.startswith("//") for member in members):
        return inline
    return "\n".join(["{", *(_indented(member) for member in members), "}"])


def _indented(text: str) -> str:
    return "  " + text.replace("\n", "\n  ")


def _array_of(text: str) -> str:
    return f"{text}[]" if _NAME.fullmatch(text.removesuffix("[]")) else f"Array<{text}>"


def _grouped(text: str) -> str:
    return f"({text})" if "|" in text else text


def _in_parentheses(text: str) -> str:
    return text if _NAME.fullmatch(text) else f"({text})"


def _widened(literal: str) -> str:
    """The type that a literal, as JSON text, is one of."""
    match literal[:1]:
        case '"':
            return "string"
        case "t" | "f":
            return "boolean"
        case "n":
            return "null"
        case "{" | "[":
            return _UNKNOWN
    return "number"


def _in_comment(text: str) -> str:
    return text.replace("*/", "*\\/")


def _clean(text: Any) -> str:
    return _CONTROL.sub(" ", well_formed(str(text)).replace("\r\n", "\n"))


def _one_line(text: str) -> str:
    return " ".join(_clean(text).split())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
