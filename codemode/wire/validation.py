"""The host's strict check of what a worker says. Loads pydantic: never imported by the worker.

Each message becomes a `TypedDict` of the same fields, validated without coercion, unknown fields refused.
"""

from __future__ import annotations

import dataclasses
import operator
from functools import cache, reduce
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, FailFast, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from codemode.errors import RemoteProtocolError
from codemode.wire.codec import unpack_map
from codemode.wire.frames import Payload
from codemode.wire.messages import MAX_INTEGER, PROTOCOL_VERSION, WORKER_MESSAGES, Hello, Message
from codemode.wire.sizes import MAX_MAP_ENTRIES, check_size

_Natural = Annotated[int, Field(ge=0, le=MAX_INTEGER)]


@cache
def message_schema(kinds: tuple[type[Message], ...]) -> TypeAdapter[dict[str, Any]]:
    """The strict check of these messages, and the source of their JSON Schema. Made once: it takes some 5 ms."""
    forms: list[Any] = []
    for kind in kinds:
        hints = get_type_hints(kind, include_extras=True)
        fields: dict[str, Any] = {"type": Literal[kind.type]}
        fields |= {field.name: _bounded(hints[field.name]) for field in dataclasses.fields(kind)}
        form = TypedDict(kind.__name__, fields)  # type: ignore[misc]
        form.__doc__ = kind.__doc__
        form.__pydantic_config__ = ConfigDict(strict=True, extra="forbid")  # type: ignore[attr-defined]
        forms.append(form)
    either: Any = Annotated[reduce(operator.or_, forms), Field(discriminator="type")]
    return TypeAdapter(either)


def _bounded(hint: Any) -> Any:
    """The same type, each integer in the wire's range, each array given up at its first fault.

    A million bad elements would otherwise be a million reports.
    """
    if hint is int:
        return _Natural
    origin = get_origin(hint)
    if origin is None or origin is Literal:
        return hint
    if origin is Annotated:
        (choices,) = hint.__metadata__
        return Literal[tuple(sorted(choices))]
    parts = tuple(part if part is ... else _bounded(part) for part in get_args(hint))
    if origin is UnionType:
        return reduce(operator.or_, parts)
    if ... in parts:
        return Annotated[origin[parts], FailFast()]
    return origin[parts]


class StrictDecoder:
    """Turns payloads of an untrusted end into messages, believing nothing.

    Args:
        kinds: the messages that may come; a worker's by default.
        max_map_entries: a greater map is refused; what a worker may say by default.
    """

    def __init__(
        self, kinds: tuple[type[Message], ...] = WORKER_MESSAGES, max_map_entries: int = MAX_MAP_ENTRIES
    ) -> None:
        self._kinds = {kind.type: kind for kind in kinds}
        self._max_map_entries = max_map_entries
        self._validate = message_schema(kinds).validator.validate_python

    def __call__(self, payload: Payload) -> Message:
        """The message in a payload.

        Of a `hello` that names another version, only the version is read: the rest is that version's to
        define.

        Raises:
            RemoteProtocolError: it is not one of the messages, whole, with fields of exactly their types.
        """
        check_size(payload, RemoteProtocolError)
        fields = unpack_map(payload, self._max_map_entries)
        if _speaks_another_version(fields) and Hello.type in self._kinds:
            return Hello(protocol=fields["protocol"], engine="", pid=0, fences={})
        if not isinstance(fields.get("type"), str):  # pydantic would write out whatever it is
            raise RemoteProtocolError("a bad message: type: Input should be a valid string")
        try:
            fields = self._validate(fields)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            # The names and values in it are the other end's, as long as it likes.
            raise RemoteProtocolError(f"a bad message: {where:.200}: {first['msg']:.500}") from None
        return self._kinds[fields.pop("type")](**fields)


def _speaks_another_version(fields: dict[str, Any]) -> bool:
    protocol = fields.get("protocol")
    return (
        fields.get("type") == Hello.type
        and type(protocol) is int
        and 0 <= protocol <= MAX_INTEGER
        and protocol != PROTOCOL_VERSION
    )
