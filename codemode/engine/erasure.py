"""Erases TypeScript's types from a script: each becomes white space, so that every line and column stays.

What stands for code (an enum, a parameter property) is refused by its name. The tree is that of tree-sitter's
TypeScript grammar, which reads some valid TypeScript wrongly, or not at all. Where the tree shows such a place, the
grammar is given another text of the same length to read, which means the same to it, and the whole is read again. What
it still cannot read is refused too: a script never silently becomes another.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice

import tree_sitter_typescript
from tree_sitter import Language, Node, Tree

from codemode.engine.source import (
    LINE_END,
    MAX_PARSE_S,
    NEWLINE,
    SPACE,
    TRIVIA,
    SourceError,
    blank,
    overwrite,
    parse,
    place_of,
    syntax_error,
    to_text,
    to_units,
)

# ── what this module gives ──────────────────────────────────────────────────────────────────────────────────────────


class NotTypeScript(SourceError):
    """The grammar cannot read the script whole: what is wrong with it is for V8 to say."""


def erase(source: str) -> str:
    """The script without its types, line for line and column for column.

    Args:
        source: the script, well-formed Unicode.

    Raises:
        NotTypeScript: it cannot be read.
        SourceError: something in it stands for code and cannot be erased.
    """
    units = to_units(source)
    reading = _read(units)
    if reading.refusal is not None:
        raise syntax_error(units, *reading.refusal)
    return to_text(reading.erased())


_LANGUAGE = Language(tree_sitter_typescript.language_typescript())
_MAX_READINGS = 32
_MAX_PROBES = 16
_NODES_AT_A_TIME = 1024
"""How many are visited between looks at the clock."""
_UNREADABLE = "The source cannot be read as TypeScript"


def _read(units: str) -> _Reading:
    """Reads the script, again and again with what the grammar took wrongly replaced, until nothing is."""
    deadline = time.thread_time() + MAX_PARSE_S
    known = _Known()
    text = units
    for _ in range(_MAX_READINGS):
        reading = _reading(units, text, known, deadline)
        if reading.repairs:
            text = _edited(text, reading.repairs.items())
        elif reading.probes:
            known.probed |= reading.probes.keys()
            text = _edited(text, _confirmed(units, text, reading.probes, deadline))
        else:
            break
    if reading.unreadable_at is not None or reading.repairs or not reading.erases_all(known.must_vanish):
        raise _not_typescript(units, reading.unreadable_at or 0)
    return reading


def _not_typescript(units: str, at: int) -> NotTypeScript:
    return NotTypeScript("syntax_error", _UNREADABLE, *place_of(units, at))


def _reading(units: str, text: str, known: _Known, deadline: float) -> _Reading:
    try:
        tree = parse(_LANGUAGE, text, deadline)
    except SourceError as error:
        raise NotTypeScript(error.code, error.message, error.line, error.column) from None
    reading = _Reading(units, text, known, tree.root_node.has_error)
    for number, (node, parent) in enumerate(_nodes(tree)):
        if not number % _NODES_AT_A_TIME and time.thread_time() > deadline + MAX_PARSE_S:
            raise _not_typescript(units, 0)
        reading.visit(node, parent)
    return reading


_Edit = tuple[int, str]


def _edited(text: str, edits: Iterable[_Edit]) -> str:
    """The text with the edits made; one that begins inside another is left to a later reading."""
    apart, end = [], 0
    for start, piece in sorted(edits):
        if start >= end:
            apart.append((start, piece))
            end = start + len(piece)
    return overwrite(text, apart)


def _confirmed(units: str, text: str, probes: Mapping[int, list[_Edit]], deadline: float) -> Iterator[_Edit]:
    """The edits of those probes whose angle brackets, with the edits made, hold type arguments."""

    def holds(some: Mapping[int, list[_Edit]]) -> set[int]:
        probe = _edited(text, chain.from_iterable(some.values()))
        return some.keys() & _reading(units, probe, _Known(), deadline).ends_of_type_arguments

    held = holds(probes)
    if held != probes.keys():  # one that is none may have made the others unreadable
        held |= {at for at, edits in islice(probes.items(), _MAX_PROBES) if holds({at: edits})}
    for at in held:
        yield from probes[at]


# ── walking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _nodes(tree: Tree) -> Iterator[tuple[Node, Node | None]]:
    """Every node in the order of the source, tokens too, each with its parent."""
    cursor = tree.walk()
    parents: list[Node | None] = [None]
    while True:
        node = cursor.node
        assert node is not None
        yield node, parents[-1]
        if cursor.goto_first_child():
            parents.append(node)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            parents.pop()


def _start(node: Node) -> int:
    return node.start_byte // 2


def _end(node: Node) -> int:
    return node.end_byte // 2


def _kinds(node: Node) -> set[str]:
    return {child.type for child in node.children}


# ── one reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

_SKIP = re.compile(TRIVIA)
_SKIP_LINES = re.compile(rf"(?:[{SPACE}{NEWLINE}]|//[^{NEWLINE}]*)*+")
_WORD = re.compile(rf"(?:[A-Za-z0-9_$]|[^\x00-\x7f{SPACE}{NEWLINE}])+")

_TYPES_ONLY = frozenset(
    {"interface_declaration", "type_alias_declaration", "ambient_declaration", "function_signature"}
)
"""Declarations that leave nothing."""
_BODILESS_MEMBERS = frozenset({"method_signature", "abstract_method_signature", "index_signature"})
_MODIFIERS = frozenset({"accessibility_modifier", "override_modifier", "readonly"})
_MEMBERS = frozenset({"public_field_definition", "method_definition"})
_PARAMETERS = frozenset({"required_parameter", "optional_parameter"})
_ANNOTATIONS = frozenset(
    {"type_annotation", "type_predicate_annotation", "asserts_annotation", "type_parameters", "type_arguments",
     "implements_clause"}
)  # fmt: skip

_SIGNS = "+-<>"
"""Behind `f<T>` these make comparisons of it, whatever the line."""
_TYPE_WORDS = frozenset({"any", "boolean", "never", "number", "object", "string", "symbol", "unknown", "void"})

_BEFORE_STATEMENTS = frozenset({"", ";", "{", "}", ")", "=>", "else", "do", "default"})
_BEFORE_VALUES = frozenset({"=", "(", ",", "[", "?", ":", "return", "&&", "||", "??"})
_STATEMENT = re.compile(r"[{(\[`+\-/]|(?:async|class|function|let)\b")
"""What would be read as a statement of its own where one can begin, or as a part of the statement before."""

_CANNOT_BE_ERASED = {
    "enum_declaration": "TypeScript's enum stands for code and cannot be erased: use an object",
    "internal_module": "TypeScript's namespace stands for code and cannot be erased: use an object, or declarations",
    "module": "TypeScript's module block stands for code and cannot be erased: use an object, or declarations",
    "import_alias": "TypeScript's import alias stands for code and cannot be erased: use const",
    "import_require_clause": "TypeScript's import = require() stands for code and cannot be erased: use import … from",
    "=": "TypeScript's export assignment (export =) stands for code and cannot be erased: use export default",
    "decorator": "Decorators stand for code and cannot be erased: call the function",
    "type_assertion": "TypeScript's angle-bracket type assertion (<T>x) cannot be erased here: use x as T",
    "parameter": "TypeScript's parameter property stands for code and cannot be erased: declare a field, and assign it",
}


class _Known:
    """What the readings before this one found out."""

    def __init__(self) -> None:
        self.probed: set[int] = set()
        """Where a `>` stands of which is known whether it ends type arguments."""
        self.must_vanish: set[int] = set()
        """Where something was replaced that only the grammar may not see: it must be erased."""
        self.type_exports: set[int] = set()
        """Where a declaration `export type *` begins."""


class _Reading:
    """What one walk over the tree finds.

    Args:
        units: the script.
        text: what the grammar was given to read in its place, of the same length.
        known: what earlier readings found out.
        is_broken: whether the grammar could not read it whole.
    """

    def __init__(self, units: str, text: str, known: _Known, is_broken: bool) -> None:
        self.repairs: dict[int, str] = {}
        """What the grammar is to read instead, by index."""
        self.probes: dict[int, list[_Edit]] = {}
        """What it is to read instead where a `>` perhaps ends type arguments, by the index of that."""
        self.ends_of_type_arguments: set[int] = set()
        self.refusal: tuple[str, int] | None = None
        """The first thing that cannot be erased, and where it stands."""
        self.unreadable_at: int | None = None
        self._units = units
        self._text = text
        self._known = known
        self._is_broken = is_broken
        self._first_angle = text.find("<")
        self._last_comment_end = units.rfind("*/")
        self._spans: list[tuple[int, int]] = []
        self._erased_to = 0
        self._patches: dict[int, str] = {}
        """What is written after all spans have been blanked."""
        self._previous = (0, 0)
        """Where the token before starts and ends."""

    def visit(self, node: Node, parent: Node | None) -> None:
        kind = node.kind_id
        if self._is_broken:
            if self.unreadable_at is None and (node.is_error or node.is_missing):
                self.unreadable_at = _start(node)
            self._repair_broken(node)
        if repair := _REPAIRS.get(kind):
            repair(self, node, parent)
        if _start(node) >= self._erased_to and (eraser := _ERASERS.get(kind)):
            eraser(self, node, parent)
        if not node.child_count and node.end_byte > node.start_byte and kind != _COMMENT:
            self._previous = _start(node), _end(node)

    def erased(self) -> str:
        spans = [(start, blank(self._units, start, end)) for start, end in self._spans]
        return overwrite(overwrite(self._units, spans), sorted(self._patches.items()))

    def erases_all(self, places: Iterable[int]) -> bool:
        erased = self.erased() if places else ""
        return all(erased[at] in " ;" for at in places)

    # ── text ──

    def _next(self, at: int) -> int:
        """Where the next token of the text starts."""
        return self._behind_trivia(self._text, at)

    def _behind_trivia(self, units: str, at: int) -> int:
        # Where no comment ends any more, to look for its end at each token would take time in the square of the length.
        skipped = (_SKIP if at < self._last_comment_end else _SKIP_LINES).match(units, at)
        assert skipped is not None
        return skipped.end()

    def _breaks(self, start: int, end: int) -> bool:
        return LINE_END.search(self._text, start, end) is not None

    def _previous_word(self) -> str:
        start, end = self._previous
        return self._text[start:end]

    def _repair(self, start: int, end: int, text: str) -> None:
        self.repairs.setdefault(start, text.ljust(end - start))

    def _separate(self, end: int) -> None:
        """What ends there and the next token are to be read as two statements, or members."""
        self._repair(end, self._next(end), ";")

    def _is_mark(self, end: int, following: int) -> bool:
        """Whether what ends there is followed on its line by a `!` that is not of `!=`."""
        is_mark = self._text.startswith("!", following) and not self._text.startswith("!=", following)
        return is_mark and not self._breaks(end, following)

    # ── erasing ──

    def _erase(self, start: int, end: int) -> None:
        if start >= self._erased_to:
            self._spans.append((start, end))
            self._erased_to = end

    def _erase_statement(self, node: Node) -> None:
        """Its semicolon keeps the lines before and behind apart."""
        if _start(node) >= self._erased_to:
            self._erase(_start(node), _end(node))
            self._patches[_start(node)] = ";"

    def _refuse(self, construct: str, node: Node) -> None:
        if self.refusal is None:
            self.refusal = _CANNOT_BE_ERASED[construct], _start(node)

    def erase_annotation(self, node: Node, parent: Node | None) -> None:
        self._erase(_start(node), _end(node))
        if parent is not None and parent.type == "public_field_definition":
            self._end_field(_start(node), parent)

    def erase_mark(self, node: Node, parent: Node | None) -> None:
        """The `!` or `?` behind a name, an expression or a parameter."""
        match node.type, parent and parent.type:
            case "!", "non_null_expression" | "variable_declarator":
                self._erase(_start(node), _end(node))
            case "?", "optional_parameter" | "method_definition":
                self._erase(_start(node), _end(node))
            case _, "public_field_definition":
                self.erase_annotation(node, parent)
            case _:
                pass

    def _end_field(self, at: int, field: Node) -> None:
        """A field without a value could go on into the next member: `get: T` and a method."""
        if field.child_by_field_name("value") is None:
            self._patches[at] = ";"

    def erase_operator(self, node: Node, parent: Node | None) -> None:
        """`as` or `satisfies`, with its type."""
        if parent is None or parent.type not in {"as_expression", "satisfies_expression"}:
            return
        self._erase(_start(node), _end(parent))
        if self._units.startswith(
            ("(", "[", "`"), self._behind_trivia(self._units, _end(parent))
        ):  # behind a type it begins a statement
            self._patches[_start(node)] = ";"

    def erase_declaration(self, node: Node, _parent: Node | None) -> None:
        self._erase_statement(node)

    def erase_export(self, node: Node, _parent: Node | None) -> None:
        kinds = _kinds(node)
        if "=" in kinds:
            self._refuse("=", node)
        elif (
            "type" in kinds
            or kinds & _TYPES_ONLY
            or _start(node) in self._known.type_exports
            or any(_holds_types_only(child) for child in node.children)
        ):
            self._erase_statement(node)

    def erase_import(self, node: Node, _parent: Node | None) -> None:
        kinds = _kinds(node)
        if "type" in kinds:
            self._erase_statement(node)
        elif "import_require_clause" in kinds:
            self._refuse("import_require_clause", node)

    def erase_specifier(self, node: Node, _parent: Node | None) -> None:
        if "type" in _kinds(node):
            self._erase_with_comma(node)

    def _erase_with_comma(self, node: Node) -> None:
        following = self._next(_end(node))
        has_comma = self._text.startswith(",", following)
        self._erase(_start(node), following + 1 if has_comma else _end(node))

    def erase_namespace(self, node: Node, _parent: Node | None) -> None:
        if _holds_types_only(node):
            self._erase_statement(node)
        else:
            self._refuse(node.type, node)

    def erase_parameter(self, node: Node, _parent: Node | None) -> None:
        kinds = _kinds(node)
        if kinds & _MODIFIERS:
            self._refuse("parameter", node)
        elif (pattern := node.child_by_field_name("pattern")) is not None and pattern.type == "this":
            self._erase_with_comma(node)

    def erase_member(self, node: Node, parent: Node | None) -> None:
        kinds = _kinds(node)
        if "declare" in kinds or "abstract" in kinds:
            self._erase_statement(node)
        elif node.children[0].type in _MODIFIERS:  # without it a value before could go on into a computed name
            self._patches[_start(node)] = ";"

    def erase_signature(self, node: Node, parent: Node | None) -> None:
        if parent is not None and parent.type == "class_body":
            self._erase_statement(node)

    def erase_modifier(self, node: Node, parent: Node | None) -> None:
        if parent is not None and parent.type in _MEMBERS:
            self._erase(_start(node), _end(node))

    def erase_abstract(self, node: Node, parent: Node | None) -> None:
        if parent is not None and parent.type == "abstract_class_declaration":
            self._erase(_start(node), _end(node))

    def join_arrow(self, node: Node, _parent: Node | None) -> None:
        """No line may end before the parameters of an arrow function (`return`, `async`), nor before the arrow:
        where types span lines, the parentheses move."""
        parameters = node.child_by_field_name("parameters")
        if parameters is None:
            return
        type_parameters = node.child_by_field_name("type_parameters")
        return_type = node.child_by_field_name("return_type")
        if type_parameters is not None and self._breaks(_start(type_parameters), _start(parameters)):
            self._patches[_start(type_parameters)] = "("
            self._patches[_start(parameters)] = " "
        if return_type is not None and self._breaks(_end(parameters), _end(return_type)):
            self._patches[_end(parameters) - 1] = " "
            self._patches[_end(return_type) - 1] = ")"

    def erase_assertion(self, node: Node, _parent: Node | None) -> None:
        """Its angle brackets are erased as those of any type. What is left must not begin a statement that it did
        not begin, nor stand on the line behind a `return`."""
        start, operand = _start(node), _start(node.children[-1])
        before, before_end = self._previous_word(), self._previous[1]
        begins_statement = before in _BEFORE_STATEMENTS or self._breaks(before_end, start)
        may_be_statement = _STATEMENT.match(self._text, operand) is not None
        if self._breaks(start, operand) or (begins_statement and before not in _BEFORE_VALUES and may_be_statement):
            self._refuse("type_assertion", node)

    def refuse(self, node: Node, _parent: Node | None) -> None:
        self._refuse(node.type, node)

    # ── what the grammar reads wrongly ──

    def check_operator(self, node: Node, _parent: Node | None) -> None:
        """A type behind `as` ends too early at the second dot, and is said to go on into a next statement."""
        if node.child_count < 3:
            return
        value_end, end = _end(node.children[0]), _end(node)
        following = self._next(end)
        if self._breaks(value_end, self._next(value_end)):
            self._separate(value_end)
        elif self._text.startswith(("(", "[", "`"), following) and self._breaks(end, following):
            self._separate(end)
        elif self._text.startswith(".", following) and self._text[end - 1] not in "])}>'\"`":
            self._repair(end, self._next(following + 1), "_" * (self._next(following + 1) - end))
        elif self._text.startswith((".", "?.", "(", "[", "`"), following) or self._is_mark(end, following):
            self.unreadable_at = following
        self.check_index(node.children[-1], node)

    def check_index(self, node: Node, parent: Node | None) -> None:
        """An index or type arguments on a line of their own belong to no type."""
        if node.type in {"lookup_type", "array_type", "generic_type"} and node.child_count > 1:
            end = _end(node.children[0])
            in_heritage = parent is not None and parent.type in {"implements_clause", "extends_type_clause"}
            if self._breaks(end, self._next(end)) and not in_heritage:
                self._separate(end)

    def check_query(self, node: Node, _parent: Node | None) -> None:
        """`typeof` takes no call: what stands in parentheses on the next line is a statement of its own."""
        queried = node.children[-1]
        while queried.type in {"call_expression", "member_expression"} and queried.children[0].type != "import":
            value, last = queried.children[0], queried.children[-1]
            if last.type == "arguments" and self._breaks(_end(value), _start(last)):
                self._separate(_end(value))
            elif last.type == "arguments":
                self.unreadable_at = _start(last)
            queried = value

    def check_keyword(self, node: Node, parent: Node | None) -> None:
        """`declare` and its like are names where a line ends behind them, but not behind `export` or `declare`."""
        end = _end(node.children[0])
        continues = parent is not None and parent.type in {"export_statement", "ambient_declaration"}
        if self._breaks(end, self._next(end)) and not (continues and self._previous_word() != "default"):
            self._separate(end)

    def check_body(self, node: Node, parent: Node | None) -> None:
        """A namespace's body may stand on a line of its own."""
        self.check_keyword(node, parent)
        end = _end(node)
        following = self._next(end)
        if node.child_by_field_name("body") is None and self._text.startswith("{", following):
            self._repair(end, following, "")

    def check_name(self, node: Node, _parent: Node | None) -> None:
        """`export` and `let` are keywords also where a line ends behind them."""
        end = _end(node)
        if self._text[_start(node) : end] in {"export", "let"}:
            following = self._next(end)
            if self._breaks(end, following):
                self._repair(end, following, "")

    def check_instantiation(self, node: Node, _parent: Node | None) -> None:
        """Type arguments do not stand before a sign, nor before an index on the same line; in a type they may."""
        if _start(node) < self._erased_to:
            return
        end = _end(node)
        following = self._next(end)
        next_unit = self._text[following : following + 1]
        is_index = next_unit == "[" and not self._breaks(end, following)
        if is_index or (next_unit and next_unit in _SIGNS) or self._is_mark(end, following):
            self.unreadable_at = following

    def check_member(self, node: Node, _parent: Node | None) -> None:
        """A modifier is a field's name where a line ends behind it, and a generator method may follow a field without
        a semicolon."""
        for child in node.children:
            if child.type in _MODIFIERS or child.type in {"declare", "abstract"}:
                end = _end(child)
                if self._breaks(end, self._next(end)):
                    self._separate(end)
        following = self._next(_end(node))
        if self._text.startswith("*", following) and self._breaks(_end(node), following):
            self._separate(_end(node))

    def check_comparison(self, node: Node, _parent: Node | None) -> None:
        """`f<T>` before a template, or at the end of a line, is read as comparisons."""
        operator, right = node.child_by_field_name("operator"), node.child_by_field_name("right")
        if operator is None or right is None or operator.type != ">":
            return
        at = _start(operator)
        if at in self._known.probed or self._text.startswith("(", _start(right)):
            if _is_less_than(node.child_by_field_name("left")):  # nobody compares so: the grammar lacks the type
                self.unreadable_at = at
            return
        if not 0 <= self._first_angle < at:
            return
        if self._text.startswith("`", _start(right)):
            self.probes[at] = [*self._as_arguments(right)]
        elif self._breaks(_end(operator), _start(right)) and self._text[_start(right)] not in _SIGNS:
            self.probes[at] = [(at + 1, ";".ljust(_start(right) - at - 1))]

    def _as_arguments(self, node: Node) -> Iterator[_Edit]:
        """The template that the expression starts with, as an argument list that holds its substitutions."""
        while node.type != "template_string":
            node = node.children[0]
        yield _start(node), "("
        inner = _start(node) + 1
        substitutions = [child for child in node.children if child.type == "template_substitution"]
        for substitution in substitutions:
            start, end = _start(substitution), _end(substitution)
            yield inner, " " * (start + len("${") - inner)
            yield end - 1, ","
            inner = end
        yield inner, " " * (_end(node) - 1 - inner)
        yield _end(node) - 1, ")"

    def check_ternary(self, node: Node, _parent: Node | None) -> None:
        """In `a ? (b): c => (d) : e` the first colon may be that of a return type; the grammar takes it for the
        ternary's where the second can belong to an arrow function further on."""
        consequence, alternative = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
        if consequence is None or alternative is None or alternative.type != "arrow_function":
            return
        if self._text[_end(consequence) - 1] != ")" or alternative.child_by_field_name("return_type") is not None:
            return
        last = alternative
        for _ in range(_MAX_READINGS):
            if not last.named_children or last.type == "statement_block":
                return
            last = last.named_children[-1]
            if last.type == "arrow_function" and last.child_by_field_name("return_type") is not None:
                break
        self.unreadable_at = _start(node)

    def note_type_arguments(self, node: Node, _parent: Node | None) -> None:
        self.ends_of_type_arguments.add(_end(node) - 1)

    # ── what it cannot read ──

    def _repair_broken(self, node: Node) -> None:
        """Replaces what the grammar does not know by something that it does."""
        start, end = _start(node), _end(node)
        if node.type == "call_expression":  # import("module").Type<T>: any name does
            if self._text.startswith("import", start) and node.children[0].type == "import":
                self._repair(start, end, "_" * (end - start))
            return
        if node.child_count or start == end or node.kind_id == _COMMENT:
            return
        word = self._text[start:end]
        before_at, before_end = self._previous
        before = self._previous_word()
        following = self._next(end)
        next_word = _WORD.match(self._text, following)
        if word in {"in", "out"} and before in {"<", ",", "in"} and next_word and next_word[0] != "extends":
            self._repair(start, end, "")
            self._known.must_vanish.add(start)
        elif word == "type" and before == "export" and self._text.startswith("*", following):
            self._repair(start, end, "")
            self._known.type_exports.add(before_at)
            self._known.must_vanish.add(start)
        elif (
            word == "<"
            and before not in {"", "<", "{", ";", ",", "=>", "=", "(", ":"}
            and self._breaks(before_end, start)
        ):
            self._separate(before_end)  # a call signature
            self._known.must_vanish.add(start)
        elif word in _TYPE_WORDS and before in {"(", ","} and self._text.startswith((",", ")"), following):
            self._repair(start, end, "_" * len(word))  # (any) => void: a parameter's name
        elif word == "using" and next_word and not self._breaks(end, following):
            self._repair(start, end, "const")
            if before == "await":
                self._repair(before_at, before_end, "")


def _is_less_than(node: Node | None) -> bool:
    operator = node.child_by_field_name("operator") if node is not None else None
    return operator is not None and operator.type == "<"


def _holds_types_only(node: Node) -> bool:
    """Whether it is a namespace that leaves nothing."""
    if node.type != "internal_module":
        return False
    pending = [node]
    while pending:
        for body in pending.pop().children_by_field_name("body"):
            for statement in body.named_children:
                inner = statement
                if inner.type in {"export_statement", "expression_statement"} and inner.named_children:
                    inner = inner.named_children[0]
                if inner.type == "internal_module":
                    pending.append(inner)
                elif inner.type not in {"interface_declaration", "type_alias_declaration", "comment"}:
                    return False
    return True


_Visit = Callable[[_Reading, Node, Node | None], None]

_TOKENS = frozenset({"as", "satisfies", "!", "?", "readonly", "abstract"})


def _by_kind(visits: Mapping[str, _Visit]) -> dict[int, _Visit]:
    return {_LANGUAGE.id_for_node_kind(kind, kind not in _TOKENS) or -1: visit for kind, visit in visits.items()}


_COMMENT = _LANGUAGE.id_for_node_kind("comment", True)

_REPAIRS = _by_kind(
    {
        "as_expression": _Reading.check_operator,
        "satisfies_expression": _Reading.check_operator,
        "generic_type": _Reading.check_index,
        "lookup_type": _Reading.check_index,
        "array_type": _Reading.check_index,
        "type_query": _Reading.check_query,
        "ambient_declaration": _Reading.check_keyword,
        "interface_declaration": _Reading.check_keyword,
        "abstract_class_declaration": _Reading.check_keyword,
        "internal_module": _Reading.check_body,
        "module": _Reading.check_body,
        **dict.fromkeys(_MEMBERS | {"abstract_method_signature"}, _Reading.check_member),
        "binary_expression": _Reading.check_comparison,
        "identifier": _Reading.check_name,
        "instantiation_expression": _Reading.check_instantiation,
        "ternary_expression": _Reading.check_ternary,
        "type_arguments": _Reading.note_type_arguments,
    }
)
_ERASERS = _by_kind(
    {
        **dict.fromkeys(_ANNOTATIONS, _Reading.erase_annotation),
        **dict.fromkeys(_TYPES_ONLY, _Reading.erase_declaration),
        **dict.fromkeys(_BODILESS_MEMBERS, _Reading.erase_signature),
        **dict.fromkeys(_MODIFIERS, _Reading.erase_modifier),
        **dict.fromkeys(_MEMBERS, _Reading.erase_member),
        **dict.fromkeys(_PARAMETERS, _Reading.erase_parameter),
        **dict.fromkeys(["as", "satisfies"], _Reading.erase_operator),
        **dict.fromkeys(["!", "?"], _Reading.erase_mark),
        **dict.fromkeys(["import_specifier", "export_specifier"], _Reading.erase_specifier),
        **dict.fromkeys(["internal_module", "module"], _Reading.erase_namespace),
        **dict.fromkeys(["enum_declaration", "import_alias", "decorator"], _Reading.refuse),
        "export_statement": _Reading.erase_export,
        "import_statement": _Reading.erase_import,
        "abstract": _Reading.erase_abstract,
        "type_assertion": _Reading.erase_assertion,
        "arrow_function": _Reading.join_arrow,
    }
)
