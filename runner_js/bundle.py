"""Makes one file of the runner: `codemode/engine/runner.js` from `runner_js/src/*.js`.

    python runner_js/bundle.py           write it
    python runner_js/bundle.py --check   fail if the committed file is not what the sources make

Each module becomes a function that runs once, after those it imports, and gives its exports; so the bundle reads like
its sources and leaves no name on the global. An import names what it takes, without renaming; an export stands before
its declaration. Anything else is refused.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE / "src"
ENTRY = "port.js"
RESULT = "enginePort"
BUNDLE = HERE.parent / "codemode" / "engine" / "runner.js"

IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(
    r"^export (?P<declaration>(?:async )?(?:function|const|class) (?P<names>\w+|\{[^}]*\}))", re.MULTILINE
)
OTHER_FORM = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


class BundleError(Exception):
    """The sources cannot be joined; the message says which rule they break, and where."""


def names_in(braced: str) -> list[str]:
    """The names that `a, b: c` or `{a, b: c}` binds."""
    parts = (part.strip() for part in braced.strip("{}").split(","))
    return [part.split(":")[-1].strip() for part in parts if part]


def in_order(entry: str) -> list[str]:
    """The modules that `entry` needs, each after those that it imports, itself last."""
    order: list[str] = []
    on_the_way: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        if name in on_the_way:
            raise BundleError(f"a circle of imports: {' → '.join([*on_the_way, name])}")
        on_the_way.append(name)
        for match in IMPORT.finditer((SOURCES / f"{name}.js").read_text("utf-8")):
            visit(match.group(2))
        on_the_way.pop()
        order.append(name)

    visit(entry.removesuffix(".js"))
    return order


def variable(name: str) -> str:
    """The variable that holds a module's exports."""
    return f"module_{name.replace('-', '_')}"


def bundle_module(name: str, exports: dict[str, list[str]]) -> str:
    """One module as a function that gives its exports; notes them in `exports`."""
    text = (SOURCES / f"{name}.js").read_text("utf-8")

    def take(match: re.Match[str]) -> str:
        wanted, origin = names_in(match.group(1)), match.group(2)
        if missing := sorted(set(wanted) - set(exports[origin])):
            raise BundleError(f"{name}.js imports {', '.join(missing)}, which {origin}.js does not export")
        return f"const {{ {', '.join(wanted)} }} = {variable(origin)};\n"

    exports[name] = [exported for match in EXPORT.finditer(text) for exported in names_in(match.group("names"))]
    body = EXPORT.sub(lambda match: match.group("declaration"), IMPORT.sub(take, text)).strip("\n")
    if found := OTHER_FORM.search(body):
        raise BundleError(f"{name}.js: {found.group()!r} is of a form that is not bundled")
    return (
        f"// ── {name}.js ──\nconst {variable(name)} = (() => {{\n{body}\n"
        f"return {{ __proto__: null, {', '.join(exports[name])} }};\n}})();\n"
    )


def bundle() -> str:
    """The text of the bundle: an expression whose value is the port.

    Raises:
        BundleError: something is imported that is not exported, or an import or export has another form.
    """
    exports: dict[str, list[str]] = {}
    modules = "\n".join(bundle_module(name, exports) for name in in_order(ENTRY))
    return (
        "// Generated from runner_js/src by runner_js/bundle.py. Do not edit.\n"
        f'(() => {{\n"use strict";\n\n{modules}\n'
        f"return {variable(ENTRY.removesuffix('.js'))}.{RESULT};\n}})()\n"
        "//# sourceURL=codemode:runner\n"
    )


def main(arguments: list[str]) -> int:
    """The command line; the exit status is 1 where `--check` finds the bundle stale."""
    made = bundle()
    if "--check" in arguments:
        if BUNDLE.exists() and BUNDLE.read_text("utf-8") == made:
            return 0
        sys.stderr.write("codemode/engine/runner.js is stale: run `python runner_js/bundle.py`\n")
        return 1
    BUNDLE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
