"""The names by which scripts know tools: in `tools.js`, and in the module of a namespace."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from codemode.errors import UsageError

TOOLS_MODULE = "tools.js"
"""The module of every tool, and the own one of a tool without a namespace."""

RESERVED = frozenset({"tools", "ALL_TOOLS", "then", "toJSON", "__proto__", "constructor", "default"})
"""What `tools.js` exports besides tools, and what JavaScript reads of its own accord. Words such as `delete`
are fine: `tools.delete()` is JavaScript, and `import {delete as remove}` too."""

MAX_IDENTIFIER_CHARACTERS = 256
"""The host takes no longer name from a worker, so no tool has one."""

_NOT_IN_IDENTIFIERS = re.compile(r"[^A-Za-z0-9_$]")
_NOT_IN_SPECIFIERS = re.compile(r"[^\w$.@-]")


@dataclass(frozen=True, slots=True)
class ScriptName:
    """What scripts call one tool."""

    identifier: str
    """In `tools.js` and on `tools`: `mcp__github__search`."""
    module: str
    """The specifier of its own module: `tools/mcp/github.js`."""
    name: str
    """In its own module: `search`."""


def script_name(name: str, namespace: str | Sequence[str] | None = None) -> ScriptName:
    """What scripts call the tool of this name.

    Args:
        name: as its owner calls it, any text but the empty one.
        namespace: its parts, or one string that has them with `/` between; None or "" for none.

    Raises:
        UsageError: a name is empty, too long, or one that scripts need for something else.
    """
    parts = namespace.split("/") if isinstance(namespace, str) and namespace else tuple(namespace or ())
    if not name:
        raise UsageError("a tool needs a name")
    for part in parts:
        if not part.strip("."):
            raise UsageError(f"the namespace {namespace!r} of the tool {name!r} has a part without a name")
    module = "/".join(("tools", *(_NOT_IN_SPECIFIERS.sub("_", part) for part in parts)))
    named = ScriptName(_identifier("__".join((*parts, name))), f"{module}.js", _identifier(name))
    if (length := len(named.identifier)) > MAX_IDENTIFIER_CHARACTERS:
        most = MAX_IDENTIFIER_CHARACTERS
        raise UsageError(f"the tool {name[:most]!r} would have a name of {length} characters in scripts; {most} may be")
    for taken in RESERVED & {named.identifier, named.name}:
        raise UsageError(f"a tool cannot be {taken!r} in a script: that name is reserved; choose another")
    return named


def _identifier(text: str) -> str:
    text = _NOT_IN_IDENTIFIERS.sub("_", text)
    return f"_{text}" if text[0].isdigit() else text
