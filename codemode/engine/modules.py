"""Turns a script, which is one ES module, into a text that a plain eval can run, with every position kept.

Only what an eval cannot do is done here: imports and exports are read and blanked, links are checked, and what
a module forbids and an async function allows is refused. V8 stays the judge of everything else.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, islice
from operator import attrgetter, itemgetter

import tree_sitter_javascript
from tree_sitter import Language, Node, Tree

from codemode.engine.source import (
    LINE_END,
    MAX_PARSE_S,
    NEWLINE,
    SPACE,
    TRIVIA,
    SourceError,
    blank,
    near,
    overwrite,
    parse,
    place_of,
    quoted,
    syntax_error,
    to_text,
    to_units,
)

# ── what this module gives ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LinkedScript:
    """A script that is ready for the engine."""

    text: str
    """For eval. It gives `f(report, namespaces, dynamicImport)`, and that a function that starts the script, once.
    `report(0)` is called when the script has come to its end, `report(1, error)` when it has thrown."""
    body: str
    """The rewritten script alone, line for line and column for column. If it parses by itself as the body of
    a strict async function, nothing in it closes the wrapper of `text`."""
    prologue_units: int
    """UTF-16 units that stand before the script on line 1 of `text`."""
    broken_link: SourceError | None
    """`module_not_found` for the first unknown module or export. As in any engine it counts once the script parses."""


def link(source: str, exports: Mapping[str, Collection[str]], *, name: str, nonce: str) -> LinkedScript:
    """Rewrite a module for eval and look up its static links.

    Args:
        source: the script, well-formed Unicode.
        exports: the names that each module exports, by specifier.
        name: the file name for positions, such as `cell-3.js`.
        nonce: at least 128 random bits as text, from which the wrapper's own identifiers are made.

    Raises:
        SourceError: `syntax_error`, for what only a module forbids.
    """
    units = to_units(source)
    report, error = _fresh_identifier(units, nonce, "$", 33), _fresh_identifier(units, nonce, "_", 33)
    module = _Module(
        units,
        import_name=_fresh_identifier(units, nonce, "$", len("import")),
        default_name=_fresh_identifier(units, nonce, "_", len("export")),
    )
    module.rewrite()

    body = to_text(module.units)
    constants = [*_import_constants(module.bindings.values())]
    if module.imports_dynamically:
        constants.append(f"{module.import_name}=arguments[2]")
    # The script could still reach `arguments` by a direct eval, so they are emptied before it starts.
    prologue = (
        f'(function({report}){{"use strict";return()=>{{(async()=>{{try{{{{'
        + (f"const {','.join(constants)};" if constants else "")
        + "arguments.length=0;delete arguments[0];delete arguments[1];delete arguments[2];"
    )
    # The script has a block of its own: what it declares with `using` is disposed of before the report.
    epilogue = f"\n}}{report}(0)}}catch({error}){{{report}(1,{error})}}}})()}}}})\n//# sourceURL={name}"
    return LinkedScript(prologue + body + epilogue, body, len(to_units(prologue)), _broken_link(module, exports))


# ── tokens of a declaration ─────────────────────────────────────────────────────────────────────────────────────────

_TOKEN = re.compile(
    rf"""(?P<trivia>{TRIVIA})
    (?:(?P<name>(?:[A-Za-z0-9_$]|[^\x00-\x7f{SPACE}{NEWLINE}]|\\u[0-9A-Fa-f]{{4}}|\\u\{{[0-9A-Fa-f]+\}})++)
    |(?P<string>"(?:[^"\\\r\n]|\\(?:\r\n|.))*+"|'(?:[^'\\\r\n]|\\(?:\r\n|.))*+')
    |(?P<end>\Z)
    |(?P<punctuator>.))""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9A-Fa-f]+)\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(\r\n|[\n\r\u2028\u2029])|(.))", re.DOTALL
)
_SIMPLE_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}

_KEYWORDS = frozenset(
    {"break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete", "do", "else",
     "export", "extends", "false", "finally", "for", "function", "if", "import", "in", "instanceof", "new", "null",
     "return", "super", "switch", "this", "throw", "true", "try", "typeof", "var", "void", "while", "with"}
)  # fmt: skip
_STRICT_WORDS = frozenset(
    {"implements", "interface", "let", "package", "private", "protected", "public", "static", "yield"}
)  # fmt: skip


def _unescape(units: str) -> str:
    def value(match: re.Match[str]) -> str:
        braced, four, two, line_end, simple = match.groups()
        if digits := braced or four or two:
            return to_units(chr(min(int(digits, 16), 0x10FFFF)))
        return "" if line_end else _SIMPLE_ESCAPES.get(simple, simple)

    return to_text(_ESCAPE.sub(value, units) if "\\" in units else units)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    """`name` (identifiers and keywords), `string`, `punctuator` (any other single unit) or `end`."""
    units: str
    start: int
    end: int
    after_newline: bool

    @property
    def value(self) -> str:
        """What a name or string stands for."""
        return _unescape(self.units[1:-1] if self.kind == "string" else self.units)


class _Reader:
    """Reads the tokens of one declaration, and refuses one that does not fit in V8's words."""

    def __init__(self, units: str, start: int) -> None:
        self._units = units
        self.next = self._scan(start)
        self.end = start

    @property
    def at_async_function(self) -> bool:
        following = self._scan(self.next.end)
        return self.next.units == "async" and following.units == "function" and not following.after_newline

    def _scan(self, start: int) -> _Token:
        match = _TOKEN.match(self._units, start)
        assert match is not None
        assert match.lastgroup is not None
        kind = match.lastgroup
        after_newline = LINE_END.search(match["trivia"]) is not None
        return _Token(kind, match[kind], match.start(kind), match.end(kind), after_newline)

    def take(self) -> _Token:
        token = self.next
        self.end = token.end
        self.next = self._scan(token.end)
        return token

    def take_if(self, units: str) -> bool:
        if self.next.units != units:
            return False
        self.take()
        return True

    def expect(self, units: str) -> None:
        if not self.take_if(units):
            raise self.unexpected()

    def expect_kind(self, *kinds: str) -> _Token:
        if self.next.kind not in kinds:
            raise self.unexpected()
        return self.take()

    def expect_binding(self) -> _Token:
        return self.check_binding(self.expect_kind("name"))

    def check_binding(self, token: _Token) -> _Token:
        """The token, if it may name a constant of strict code."""
        value = token.value
        if token.kind != "name" or value in _KEYWORDS:
            raise self.unexpected(token)
        if value in _STRICT_WORDS:
            raise self.error("Unexpected strict mode reserved word", token.start)
        if value in {"await", "enum"}:
            raise self.error("Unexpected reserved word", token.start)
        if value in {"eval", "arguments"}:
            raise self.error("Unexpected eval or arguments in strict mode", token.start)
        if not re.sub("[$\u200c\u200d]", "_", value).isidentifier():
            raise self.error("Invalid or unexpected token", token.start)
        return token

    def specifiers(self) -> Iterator[tuple[_Token, _Token]]:
        """The pairs of `{first as second, both}`."""
        self.expect("{")
        while not self.take_if("}"):
            first = self.expect_kind("name", "string")
            yield first, self.expect_kind("name", "string") if self.take_if("as") else first
            if self.next.units != "}":
                self.expect(",")

    def finish(self) -> None:
        """Read the declaration's end: a semicolon, or what lets one be left out."""
        if self.take_if("with"):
            self.expect("{")
            if self.next.units != "}":
                raise self.error(f"Import attribute '{self.next.value}' is not supported", self.next.start)
            self.take()
        if not self.take_if(";") and self.next.kind != "end" and not self.next.after_newline:
            raise self.unexpected()

    def unexpected(self, token: _Token | None = None) -> SourceError:
        token = token or self.next
        match token.kind:
            case "end":
                what = "end of input"
            case "string":
                what = "string"
            case "name" if token.units[0].isdigit():
                what = "number"
            case "name" if token.value not in _KEYWORDS:
                what = f"identifier '{token.value}'"
            case _:
                what = f"token '{token.value}'"
        return self.error(f"Unexpected {what}", token.start)

    def error(self, message: str, at: int) -> SourceError:
        return syntax_error(self._units, message, at)


# ── the module ──────────────────────────────────────────────────────────────────────────────────────────────────────

_LANGUAGE = Language(tree_sitter_javascript.language())
_DECLARATIONS = frozenset({"import_statement", "export_statement"})
_SCOPES = frozenset(
    {"function_declaration", "function_expression", "generator_function", "generator_function_declaration",
     "method_definition", "class_static_block", "field_definition", "arrow_function"}
)  # fmt: skip
"""What has a `return` of its own and, but for arrow functions, its own `arguments` and `new.target`; or where
V8 refuses them itself."""
_NAMED_DECLARATIONS = frozenset({"function_declaration", "generator_function_declaration", "class_declaration"})
_VARIABLE_DECLARATIONS = frozenset({"lexical_declaration", "variable_declaration", "using_declaration"})
_INERT = frozenset({"comment", "string", "string_fragment", "escape_sequence", "regex"})

_NEEDS_A_LOOK = re.compile(r"import|export|return|arguments|target|<!--|-->")
_HTML_COMMENT = re.compile(rf"(?P<open><!--)|(?:^|[{NEWLINE}]|\*/)[{SPACE}]*(?P<close>-->)")


@dataclass(frozen=True, slots=True)
class _Request:
    """A module that must exist, or an export that it must have."""

    specifier: str
    export: str | None
    at: int


@dataclass(frozen=True, slots=True)
class _Binding:
    """A constant that an import declares; `export` is None for the namespace."""

    specifier: str
    export: str | None
    local: str


@dataclass(slots=True)
class _Module:
    """A script while it is read and rewritten."""

    units: str
    import_name: str
    """As long as `import`, which it replaces before an argument list."""
    default_name: str
    """Names a default export that has no name; as long as `default` with the equals sign that follows it."""
    requests: list[_Request] = field(default_factory=list)
    bindings: dict[str, _Binding] = field(default_factory=dict)
    """By local name."""
    exported: list[tuple[str, int]] = field(default_factory=list)
    """Each exported name and where it stands."""
    exported_locals: list[tuple[str, int]] = field(default_factory=list)
    """Each local name in an export clause and where it stands."""
    exported_declarations: set[int] = field(default_factory=set)
    """Where a declaration starts that stands behind `export`."""
    imports_dynamically: bool = False

    def rewrite(self) -> None:
        """Read and blank every declaration, replace dynamic imports, refuse what no module may hold."""
        if self.units.startswith("#!"):
            self.units = "//" + self.units[2:]
        if not _NEEDS_A_LOOK.search(self.units):
            return
        deadline = time.thread_time() + MAX_PARSE_S
        tree = parse(_LANGUAGE, self.units, deadline)
        # What tree-sitter could not read may hide further declarations until those that it found are blank.
        while self._rewrite_declarations(tree) and tree.root_node.has_error:
            tree = parse(_LANGUAGE, self.units, deadline)
        self._refuse_html_comments(tree)
        self._check_exports(tree)
        self._examine(tree)

    def missing(self, message: str, at: int) -> SourceError:
        return SourceError("module_not_found", message, *place_of(self.units, at))

    def _error(self, message: str, at: int) -> SourceError:
        return syntax_error(self.units, message, at)

    # ── declarations ──

    def _rewrite_declarations(self, tree: Tree) -> bool:
        """Rewrite the declarations at the top level of the tree; say whether there was one."""
        pieces: list[tuple[int, str]] = []
        read_to = 0
        for start in self._declaration_starts(tree):
            reader = _Reader(self.units, start)
            keyword = reader.take()
            is_other = keyword.units not in {"import", "export"} or reader.next.units in {"(", ".", ":"}
            if start < read_to or is_other:
                continue
            if not self._may_start_at(start):
                raise reader.unexpected(keyword)
            read = self._read_import if keyword.units == "import" else self._read_export
            pieces.append((start, read(reader, start)))
            read_to = reader.end
        self.units = overwrite(self.units, pieces)
        return bool(pieces)

    def _declaration_starts(self, tree: Tree) -> Iterator[int]:
        for node in _top_level(tree):
            start = node.start_byte // 2
            # Where tree-sitter cannot read an export, it takes the keyword for an identifier.
            if node.type in {"import_statement", "import"} or self.units.startswith("export", start):
                yield start

    def _may_start_at(self, start: int) -> bool:
        while start and (unit := self.units[start - 1]) not in "\n\r\u2028\u2029;}/":
            if not unit.isspace() and unit != "\ufeff":
                return False
            start -= 1
        return True

    def _blank(self, start: int, end: int) -> str:
        """The span as white space. Its semicolon keeps the lines before and behind apart."""
        return ";" + blank(self.units, start + 1, end)

    def _read_import(self, reader: _Reader, start: int) -> str:
        imported: list[tuple[str | None, int, _Token]] = []
        if reader.next.kind != "string":
            imported = [*self._read_import_clause(reader)]
            reader.expect("from")
        specifier = self._read_specifier(reader)
        reader.finish()
        for export, at, local in imported:
            if local.value in self.bindings:
                raise self._error(f"Identifier '{local.value}' has already been declared", local.start)
            self.bindings[local.value] = _Binding(specifier, export, local.value)
            if export is not None:
                self.requests.append(_Request(specifier, export, at))
        return self._blank(start, reader.end)

    def _read_import_clause(self, reader: _Reader) -> Iterator[tuple[str | None, int, _Token]]:
        """The name of each export (None: the namespace), where it stands, and the local name."""
        if reader.next.kind == "name":
            local = reader.expect_binding()
            if local.units in {"defer", "source"} and reader.next.units not in {",", "from"}:
                raise self._error(f"'import {local.units}' is not supported", local.start)
            yield "default", local.start, local
            if not reader.take_if(","):
                return
        if reader.take_if("*"):
            reader.expect("as")
            local = reader.expect_binding()
            yield None, local.start, local
            return
        for export, local in reader.specifiers():
            yield export.value, export.start, reader.check_binding(local)

    def _read_specifier(self, reader: _Reader) -> str:
        specifier = reader.expect_kind("string")
        self.requests.append(_Request(specifier.value, None, specifier.start))
        return specifier.value

    def _read_export(self, reader: _Reader, start: int) -> str:
        following = reader.next
        match following.units:
            case "*":
                self._read_star_export(reader)
            case "{":
                self._read_export_clause(reader)
            case "default":
                return self._read_default_export(reader, start)
            case "class" | "const" | "function" | "let" | "var":
                self.exported_declarations.add(following.start)
            case "async" if reader.at_async_function:
                self.exported_declarations.add(following.start)
            case _:
                raise reader.unexpected()
        return self._blank(start, reader.end)

    def _read_star_export(self, reader: _Reader) -> None:
        reader.expect("*")
        if reader.take_if("as"):
            exported = reader.expect_kind("name", "string")
            self.exported.append((exported.value, exported.start))
        reader.expect("from")
        self._read_specifier(reader)
        reader.finish()

    def _read_export_clause(self, reader: _Reader) -> None:
        pairs = [*reader.specifiers()]
        self.exported += [(exported.value, exported.start) for _, exported in pairs]
        if reader.take_if("from"):
            specifier = self._read_specifier(reader)
            self.requests += [_Request(specifier, name.value, name.start) for name, _ in pairs]
            reader.finish()
            return
        for local, _ in pairs:
            if local.kind == "string":
                message = "String literal module export names must be followed by a 'from' clause"
                raise self._error(message, local.start)
        self.exported_locals += [(local.value, local.start) for local, _ in pairs]
        reader.finish()

    def _read_default_export(self, reader: _Reader, start: int) -> str:
        default = reader.take()
        self.exported.append(("default", default.start))
        match reader.next.units:
            case "const" | "let" | "var":
                raise reader.unexpected()
            case "function" | "class":
                return self._read_default_declaration(reader, start)
            case "async" if reader.at_async_function:
                return self._read_default_declaration(reader, start)
            case _:
                # A constant: safe after a line without a semicolon, and no comma may follow, as in a module.
                between = self.units[start + len("export") : default.start]
                return f";const{between}{self.default_name}="

    def _read_default_declaration(self, reader: _Reader, start: int) -> str:
        """A declaration without a name is given one: as an expression it would go on into a next line that
        starts with a parenthesis."""
        blank = self._blank(start, reader.end)
        keywords = reader.take().units
        if keywords == "async":
            keywords = f"async {reader.take().units}"
        if reader.take_if("*"):
            keywords += "*"
        if reader.next.kind == "name" and reader.next.units != "extends":
            return blank
        if LINE_END.search(self.units, start, reader.end):
            raise self._error("'export default' must stand on the line of what it exports", start)
        return f";{keywords} {self.default_name}".ljust(reader.end - start)

    # ── the tree ──

    def _refuse_html_comments(self, tree: Tree) -> None:
        """A module refuses the marks of HTML comments, where an eval would skip what follows one."""
        if not _HTML_COMMENT.search(self.units):
            return
        inert = ((node.start_byte // 2, node.end_byte // 2) for node in _nodes(tree, _INERT))
        start = end = 0
        for match in _HTML_COMMENT.finditer(self.units):
            at = match.start(match.lastgroup or 0)
            while end <= at:
                start, end = next(inert, (len(self.units), len(self.units)))
            if at < start:
                raise self._error("HTML comments are not allowed in modules", at)

    def _check_exports(self, tree: Tree) -> None:
        """Each exported name once, and each local one declared; in a broken tree nobody can tell."""
        if tree.root_node.has_error or not (self.exported or self.exported_declarations):
            return
        declared = {*self.bindings, *map(self._value_of, _hoisted_names(tree))}
        exported = list(self.exported)
        for declaration in _top_level_declarations(tree):
            names = [(self._value_of(node), node.start_byte // 2) for node in _declared_names(declaration)]
            declared.update(name for name, _ in names)
            if declaration.start_byte // 2 in self.exported_declarations:
                exported += names

        seen: set[str] = set()
        for name, at in sorted(exported, key=itemgetter(1)):
            if name in seen:
                raise self._error(f"Duplicate export of '{name}'", at)
            seen.add(name)
        for name, at in self.exported_locals:
            if name not in declared:
                raise self._error(f"Export '{name}' is not defined in module", at)

    def _value_of(self, node: Node) -> str:
        return _unescape(self.units[node.start_byte // 2 : node.end_byte // 2])

    def _examine(self, tree: Tree) -> None:
        """Replace the dynamic imports. In a tree that is whole, refuse what only the wrapper would allow."""
        whole = not tree.root_node.has_error
        kinds = _SCOPES | {"import"}
        if whole:
            kinds |= _DECLARATIONS | {"return_statement", "meta_property"}
            if "arguments" in self.units:
                kinds |= {"identifier", "shorthand_property_identifier"}
        dynamic_imports: list[int] = []
        function_end = arguments_end = 0
        for node in _nodes(tree, kinds):
            start, end = node.start_byte // 2, node.end_byte // 2
            match node.type:
                case "import":
                    if self._is_dynamic_import(start):
                        dynamic_imports.append(start)
                case "return_statement":
                    if start >= function_end:
                        raise self._error("Illegal return statement", start)
                case "meta_property":
                    if start >= arguments_end and self.units.startswith("new", start):
                        raise self._error("new.target expression is not allowed here", start)
                case "identifier" | "shorthand_property_identifier":
                    if start >= arguments_end and self.units[start:end] == "arguments":
                        raise self._error("'arguments' is not defined in a module", start)
                case "import_statement" | "export_statement":
                    keyword = self.units[start : start + len("import")]
                    if keyword in {"import", "export"}:
                        raise self._error(f"'{keyword}' may only appear at the top level of a module", start)
                case scope:
                    function_end = max(function_end, end)
                    if scope != "arrow_function":
                        arguments_end = max(arguments_end, end)
        self.imports_dynamically = bool(dynamic_imports)
        self.units = overwrite(self.units, [(at, self.import_name) for at in dynamic_imports])

    def _is_dynamic_import(self, start: int) -> bool:
        reader = _Reader(self.units, start)
        reader.take()
        if reader.take_if("."):
            raise self._error(f"'import.{reader.next.value}' is not supported", start)
        if not reader.take_if("("):
            return False
        if reader.next.units == ")":
            raise reader.unexpected()
        if self.units.startswith("...", reader.next.start):
            raise self._error("Unexpected token '...'", reader.next.start)
        return True


# ── the syntax tree ─────────────────────────────────────────────────────────────────────────────────────────────────


def _nodes(tree: Tree, kinds: Collection[str]) -> Iterator[Node]:
    """The nodes of these kinds in the order of the source.

    A walk by a cursor: a query takes time in the square of the depth, or of the length of an error.
    """
    ids = {_LANGUAGE.id_for_node_kind(kind, True) for kind in kinds}
    cursor = tree.walk()
    while True:
        node = cursor.node
        if node is not None and node.kind_id in ids:
            yield node
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _top_level(tree: Tree) -> Iterator[Node]:
    """The statements of the module, and the pieces of those that tree-sitter could not read."""
    for node in tree.root_node.children:
        yield from node.children if node.is_error else (node,)


def _top_level_declarations(tree: Tree) -> Iterator[Node]:
    for node in _top_level(tree):
        if node.type == "export_statement":
            yield from node.children_by_field_name("declaration")
        else:
            yield node


def _declared_names(declaration: Node) -> Iterator[Node]:
    if declaration.type in _NAMED_DECLARATIONS:
        yield from declaration.children_by_field_name("name")
    elif declaration.type in _VARIABLE_DECLARATIONS:
        for declarator in declaration.named_children:
            yield from _names_in_patterns(declarator.children_by_field_name("name"))


def _hoisted_names(tree: Tree) -> Iterator[Node]:
    """The names that `var` declares outside of functions, at any depth."""
    function_end = 0
    for node in _nodes(tree, _SCOPES | {"variable_declaration", "for_in_statement"}):
        if node.start_byte < function_end:
            continue
        match node.type:
            case "variable_declaration":
                yield from _declared_names(node)
            case "for_in_statement":
                if any(kind.type == "var" for kind in node.children_by_field_name("kind")):
                    yield from _names_in_patterns(node.children_by_field_name("left"))
            case _:
                function_end = node.end_byte


def _names_in_patterns(patterns: list[Node]) -> Iterator[Node]:
    while patterns:
        node = patterns.pop()
        match node.type:
            case "identifier" | "shorthand_property_identifier_pattern":
                yield node
            case "pair_pattern":
                patterns += node.children_by_field_name("value")
            case "assignment_pattern" | "object_assignment_pattern":
                patterns += node.children_by_field_name("left")
            case "object_pattern" | "array_pattern" | "rest_pattern":
                patterns += node.named_children
            case _:
                pass


# ── links ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_MAX_NAMES_LISTED = 20


def _broken_link(module: _Module, exports: Mapping[str, Collection[str]]) -> SourceError | None:
    for request in sorted(module.requests, key=attrgetter("at")):
        names = exports.get(request.specifier)
        if names is None and request.export is None:
            message = f"there is no module {quoted(request.specifier)}{near(request.specifier, exports)}"
            return module.missing(f"{message} Modules: {_listed(exports)}", request.at)
        if names is not None and request.export is not None and request.export not in names:
            message = f"{quoted(request.specifier)} has no export {quoted(request.export)}"
            return module.missing(f"{message}{_advice(request.export, names, exports)}", request.at)
    return None


def _advice(name: str, names: Collection[str], exports: Mapping[str, Collection[str]]) -> str:
    if name == "default":
        return ": write import {name} or import * as name"
    owners = [specifier for specifier, others in exports.items() if name in others]
    return near(name, names) + (f" It is an export of {_listed(owners)}" if owners else "")


def _listed(names: Collection[str]) -> str:
    listed = ", ".join(map(quoted, islice(names, _MAX_NAMES_LISTED)))
    more = len(names) - _MAX_NAMES_LISTED
    return f"{listed} and {more} more" if more > 0 else listed or "none"


# ── the wrapper ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _import_constants(bindings: Iterable[_Binding]) -> Iterator[str]:
    """What stands behind `const` to declare the imports."""
    by_specifier: dict[str, list[str]] = {}
    for binding in bindings:
        if binding.export is None:
            yield f"{binding.local}=arguments[1][{json.dumps(binding.specifier)}]"
        else:
            named = by_specifier.setdefault(binding.specifier, [])
            named.append(f"{json.dumps(binding.export)}:{binding.local}")
    for specifier, named in by_specifier.items():
        yield f"{{{','.join(named)}}}=arguments[1][{json.dumps(specifier)}]"


def _fresh_identifier(units: str, nonce: str, initial: str, length: int) -> str:
    """An identifier that does not occur in the script. One full of candidates still leaves most of them free."""
    for attempt in count():
        digest = hashlib.sha256(f"{nonce} {initial} {length} {attempt}".encode()).hexdigest()
        identifier = initial + digest[: length - 1]
        if identifier not in units:
            return identifier
    raise AssertionError
