"""Makes one file of the runner: `codemode/engine/runner.js` from `runner_js/src/*.js`.

    python runner_js/bundle.py           write it
    python runner_js/bundle.py --check   fail if the committed file is not what the sources make

Each module becomes a function that runs once, after those it imports, and gives its exports; so the bundle leaves no
name on the global. An import names what it takes, without renaming; an export stands before its declaration. Anything
else is refused. Every engine reads the bundle anew, so it has no comments (a line that begins as one is one) and
nothing but ASCII, which V8 reads faster.

What `late.js` imports is made only when it is first asked for, which most scripts never do. The modules that nothing
else needs stand in the bundle as text, which costs next to nothing; `later.js` is given the function that runs them.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE / "src"
ENTRY = "port.js"
LATE = "late.js"
RESULT = "enginePort"
BUNDLE = HERE.parent / "codemode" / "engine" / "runner.js"
SOURCE_URL = "//# sourceURL=codemode:runner\n"

IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(
    r"^export (?P<declaration>(?:async )?(?:function|const|class) (?P<names>\w+|\{[^}]*\}))", re.MULTILINE
)
COMMENT = re.compile(r"^ *(?://.*|/\*\*[\s\S]*?\*/)\n", re.MULTILINE)
INDENT = re.compile(r"^ +", re.MULTILINE)
NOT_ASCII = re.compile(r"[^\x00-\x7f]")
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

    text = INDENT.sub("", COMMENT.sub("", text))
    text = NOT_ASCII.sub(lambda found: json.dumps(found.group())[1:-1], text)
    exports[name] = [exported for match in EXPORT.finditer(text) for exported in names_in(match.group("names"))]
    body = EXPORT.sub(lambda match: match.group("declaration"), IMPORT.sub(take, text)).strip("\n")
    if found := OTHER_FORM.search(body):
        raise BundleError(f"{name}.js: {found.group()!r} is of a form that is not bundled")
    return (
        f"// {name}.js\nconst {variable(name)} = (() => {{\n{body}\n"
        f"return {{ __proto__: null, {', '.join(exports[name])} }};\n}})();\n"
    )


def literal(text: str) -> str:
    """A text as a string literal of JavaScript, its lines still lines."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n\\\n") + '"'


def bundle_late(now: list[str], exports: dict[str, list[str]]) -> str:
    """The statement that says how `late.js` is made; "" where there is none. `now`: the modules that stand already."""
    if not (SOURCES / LATE).exists():
        return ""
    imports = [match.groups() for match in IMPORT.finditer((SOURCES / LATE).read_text("utf-8"))]
    wanted = {name: origin for braced, origin in imports for name in names_in(braced)}
    modules = "\n".join(bundle_module(name, exports) for name in in_order(LATE)[:-1] if name not in now)
    for name, origin in wanted.items():
        if name not in exports[origin]:
            raise BundleError(f"{LATE} imports {name}, which {origin}.js does not export")
    made = ", ".join(f"{name}: {variable(origin)}.{name}" for name, origin in wanted.items())
    given = ", ".join(map(variable, now))
    text = f'({given}) => {{\n"use strict";\n\n{modules}\nreturn {{ __proto__: null, {made} }};\n}}\n{SOURCE_URL}'
    return f"module_later.provideLater(() => module_primordials.evaluate({literal(text)})({given}));\n"


def bundle() -> str:
    """The text of the bundle: an expression whose value is the port.

    Raises:
        BundleError: something is imported that is not exported, or an import or export has another form.
    """
    exports: dict[str, list[str]] = {}
    now = in_order(ENTRY)
    modules = "\n".join(bundle_module(name, exports) for name in now)
    return (
        "// Generated from runner_js/src by runner_js/bundle.py. Do not edit.\n"
        f'(() => {{\n"use strict";\n\n{modules}\n{bundle_late(now, exports)}'
        f"return {variable(ENTRY.removesuffix('.js'))}.{RESULT};\n}})()\n{SOURCE_URL}"
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
