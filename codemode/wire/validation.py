"""The host's strict check of what a worker says. Loads pydantic: never imported by the worker.

Each message becomes a `TypedDict` of the same fields, validated without coercion, unknown fields refused.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable
from functools import reduce
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from codemode.errors import RemoteProtocolError
from codemode.wire.codec import unpack_map
from codemode.wire.messages import WORKER_MESSAGES, Message


def message_schema(kinds: Iterable[type[Message]]) -> TypeAdapter[dict[str, Any]]:
    """The strict check of these messages, and the source of their JSON Schema."""
    forms: list[Any] = []
    for kind in kinds:
        hints = get_type_hints(kind)
        fields: dict[str, Any] = {"type": Literal[kind.type]}  # type: ignore[name-defined]
        fields |= {field.name: hints[field.name] for field in dataclasses.fields(kind)}
        form = TypedDict(kind.__name__, fields)  # type: ignore[misc]
        form.__doc__ = kind.__doc__
        form.__pydantic_config__ = ConfigDict(strict=True, extra="forbid")  # type: ignore[attr-defined]
        forms.append(form)
    return TypeAdapter(Annotated[reduce(operator.or_, forms), Field(discriminator="type")])


class StrictDecoder:
    """Turns payloads of an untrusted end into messages, believing nothing.

    Args:
        kinds: the messages that may come; a worker's by default.
    """

    def __init__(self, kinds: Iterable[type[Message]] = WORKER_MESSAGES) -> None:
        kinds = tuple(kinds)
        self._kinds = {kind.type: kind for kind in kinds}
        self._validate = message_schema(kinds).validator.validate_python

    def __call__(self, payload: bytes) -> Message:
        """The message in a payload.

        Raises:
            RemoteProtocolError: it is not one of the messages, whole, with fields of exactly their types.
        """
        try:
            fields = self._validate(unpack_map(payload))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RemoteProtocolError(f"a bad message: {where}: {first['msg']}") from None
        return self._kinds[fields.pop("type")](**fields)
