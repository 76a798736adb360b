"""What a Python function says of itself as a tool: name, description, parameters and result."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NotRequired, Union, cast, get_args, get_origin, get_type_hints

import docstring_parser
from pydantic import ConfigDict, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticUndefined, to_jsonable_python
from typing_extensions import TypedDict

from codemode.errors import UsageError
from codemode.host.arguments import ArgumentCheck, SchemaCheck, SignatureCheck
from codemode.host.context import ToolContext

FREEFORM_PARAMETERS = {"type": "string"}
"""What a free-form tool takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A function read as a tool."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the one object of parameters."""
    output_schema: dict[str, Any] | None
    """JSON Schema of the result; None where the annotation says nothing that pydantic knows."""
    check: ArgumentCheck
    context: str | None
    """The parameter that takes the `ToolContext`."""
    freeform: str | None
    """The parameter that takes the string of a free-form tool."""


def read_signature(
    function: Callable[..., Any], *, freeform: bool = False, names: Mapping[str, Any] | None = None
) -> Signature:
    """Reads a function, bound method, `functools.partial` or callable object as a tool.

    Args:
        function: what will be called with keyword arguments.
        freeform: whether it takes one string instead.
        names: where to look for a name in an annotation that the function's module does not know.

    Raises:
        UsageError: a parameter cannot be given by keyword, its annotation is not known or not one that JSON
            can be read into, or the function is a generator.
    """
    target = _target(function)
    name = getattr(function, "__name__", None) or _name(function, target)
    if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
        raise UsageError(f"the tool {name!r} is a generator; a tool has one result: return a list")
    hints = _hints(target, name, names or {})
    parameters, context = _parameters(function, name, hints)
    document = _Document(function, target)
    output_schema = _output_schema(hints.get("return", Any), document.returns)
    schema: dict[str, Any]
    check: ArgumentCheck
    if freeform:
        if len(parameters) != 1 or parameters[0].kind is inspect.Parameter.VAR_KEYWORD:
            raise UsageError(f"the free-form tool {name!r} must take exactly one parameter, a string")
        schema = dict(FREEFORM_PARAMETERS)
        check = SchemaCheck(schema, freeform=True)
    else:
        adapter, defaults = _adapter(name, parameters, hints)
        schema = _parameter_schema(adapter, document.parameters, defaults)
        check = SignatureCheck(adapter, schema)
    return Signature(
        name=name,
        description=document.description,
        parameters=schema,
        output_schema=output_schema,
        check=check,
        context=context,
        freeform=parameters[0].name if freeform else None,
    )


def is_context(hint: Any) -> bool:
    """Whether an annotation asks for the context of the call: `ToolContext`, optional or annotated too."""
    if get_origin(hint) in (Union, types.UnionType, Annotated):
        return any(is_context(part) for part in get_args(hint))
    return hint is ToolContext


def _target(function: Any) -> Any:
    """The function that is written somewhere: with annotations, a docstring and globals."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif inspect.ismethod(function):
            function = function.__func__
        elif inspect.isroutine(function) or isinstance(function, type):
            return inspect.unwrap(function)
        else:
            function = type(function).__call__


def _name(function: Any, target: Any) -> str:
    name: str = target.__name__
    return type(function).__name__ if name == "__call__" else name


def _hints(target: Any, name: str, names: Mapping[str, Any]) -> dict[str, Any]:
    # ToolContext is often imported for type checking only.
    known = {"ToolContext": ToolContext, **getattr(target, "__globals__", {})}
    try:
        try:
            return get_type_hints(target, known, include_extras=True)
        except NameError:
            return get_type_hints(target, {**names, **known}, include_extras=True)
    except Exception as error:
        raise UsageError(f"the annotations of the tool {name!r} cannot be read: {error}") from error


def _parameters(
    function: Callable[..., Any], name: str, hints: Mapping[str, Any]
) -> tuple[list[inspect.Parameter], str | None]:
    """The parameters that a call gives, and the one that the dispatcher gives."""
    given: list[inspect.Parameter] = []
    contexts: list[str] = []
    try:
        signature = inspect.signature(function)
    except ValueError as error:
        raise UsageError(f"the tool {name!r} has no signature to read; use tools.add") from error
    for parameter in signature.parameters.values():
        match parameter.kind:
            case inspect.Parameter.POSITIONAL_ONLY:
                raise UsageError(
                    f"the parameter {parameter.name!r} of the tool {name!r} is positional-only; "
                    "a tool is called with keyword arguments: remove the `/`"
                )
            case inspect.Parameter.VAR_POSITIONAL:
                raise UsageError(f"the tool {name!r} takes *{parameter.name}; take a list instead")
        if parameter.name == "self" and not given and "self" not in hints:
            raise UsageError(f"the tool {name!r} takes self: register the method of an object")
        if is_context(hints.get(parameter.name)):
            contexts.append(parameter.name)
        else:
            given.append(parameter)
    if len(contexts) > 1:
        raise UsageError(f"the tool {name!r} takes more than one ToolContext: {', '.join(contexts)}")
    return given, contexts[0] if contexts else None


def _adapter(
    name: str, parameters: list[inspect.Parameter], hints: Mapping[str, Any]
) -> tuple[TypeAdapter[dict[str, Any]], dict[str, Any]]:
    """The parameters as a TypedDict, and the defaults of those that have one."""
    fields: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    further: dict[str, Any] = {}
    for parameter in parameters:
        hint = hints.get(parameter.name, Any)
        default = parameter.default
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            further = {"extra_items": hint}
        elif isinstance(default, FieldInfo):  # pydantic fills in what it holds
            field = cast(Any, Annotated)[hint, default]
            fields[parameter.name] = field if default.is_required() else NotRequired[field]
        elif default is inspect.Parameter.empty:
            fields[parameter.name] = hint
        else:
            fields[parameter.name] = NotRequired[hint if default is not None else hint | None]
            defaults[parameter.name] = default
    try:
        return _typed_dict(fields, **further), defaults
    except Exception as error:
        for one, hint in fields.items():
            try:
                _typed_dict({one: hint})
            except Exception as inner:
                text = str(inner).partition("\n")[0]
                raise UsageError(f"the parameter {one!r} of the tool {name!r}: {text}") from inner
        raise UsageError(f"the parameters of the tool {name!r}: {error}") from error


def _typed_dict(fields: dict[str, Any], **further: Any) -> TypeAdapter[dict[str, Any]]:
    form: Any = cast(Any, TypedDict)("Arguments", fields, **further)
    form.__pydantic_config__ = ConfigDict(extra="allow" if further else "forbid")
    return TypeAdapter(form)


class _WithoutFieldTitles(GenerateJsonSchema):
    """Without titles made of names: they tell the model nothing, and cost tokens."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _parameter_schema(
    adapter: TypeAdapter[dict[str, Any]], descriptions: Mapping[str, str], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    try:
        schema = adapter.json_schema(schema_generator=_WithoutFieldTitles)
    except Exception as error:
        raise UsageError(f"the parameters have no JSON Schema: {error}") from error
    schema.pop("title", None)
    properties = schema.get("properties", {})
    for name, description in descriptions.items():
        if name in properties:
            properties[name].setdefault("description", description)
    for name, default in defaults.items():
        if name in properties:
            plain = _plain_or_undefined(default)
            if plain is not PydanticUndefined:
                properties[name].setdefault("default", plain)
    return schema


def _plain_or_undefined(value: Any) -> Any:
    try:
        return to_jsonable_python(value, inf_nan_mode="null")
    except Exception:
        return PydanticUndefined


def _output_schema(hint: Any, description: str | None) -> dict[str, Any] | None:
    """Best effort: an annotation that pydantic does not know costs the tool nothing but this."""
    if get_origin(hint) in (Awaitable, Coroutine):
        hint = get_args(hint)[-1]
    if hint is Any:
        return None
    try:
        schema = TypeAdapter(hint).json_schema(mode="serialization", schema_generator=_WithoutFieldTitles)
    except Exception:
        return None
    if description:
        schema.setdefault("description", description)
    return schema


class _Document:
    """The docstring of a function: what it is for, what its parameters are, what it returns."""

    def __init__(self, function: Any, target: Any) -> None:
        own = None if isinstance(function, functools.partial) else inspect.getdoc(function)
        text = inspect.getdoc(target) or own or ""
        self.description = inspect.cleandoc(text)
        self.parameters: dict[str, str] = {}
        self.returns: str | None = None
        try:
            parsed = docstring_parser.parse(text)
        except docstring_parser.ParseError:
            return
        short, long = parsed.short_description or "", parsed.long_description or ""
        between = "\n\n" if parsed.blank_after_short_description else "\n"
        self.description = f"{short}{between}{long}".strip()
        self.parameters = {
            parameter.arg_name.lstrip("*"): parameter.description
            for parameter in parsed.params
            if parameter.description
        }
        self.returns = parsed.returns.description if parsed.returns else None
