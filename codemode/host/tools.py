"""Which tools exist: what each is called, what it takes, and the function behind it. The dispatcher calls it.

tools = ToolRegistry()

@tools.tool
async def get_weather(city: str, units: str = "metric") -> Weather:
    '''The weather in a city, now.'''
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, TypedDict, TypeVar, Unpack, overload

from codemode.errors import ToolNameConflict, UsageError
from codemode.host.arguments import ArgumentCheck, InvalidArguments, SchemaCheck
from codemode.host.calls import Caller
from codemode.host.context import ToolContext
from codemode.host.identifiers import script_name
from codemode.host.policy import (
    CALLERS,
    Approval,
    Retry,
    RunLimiter,
    ToolGroup,
    check_approval,
    check_concurrency,
    read_callers,
)
from codemode.host.signatures import FREEFORM_PARAMETERS, is_context, read_signature

Function = TypeVar("Function", bound=Callable[..., Any])

Invoke = Callable[[Any, ToolContext | None], Any]
"""Calls the function behind a tool with arguments that have been checked, and the context if it takes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDefinition:
    """What a tool is, apart from the function behind it."""

    name: str
    """As its owner calls it; scripts know it by an identifier made of this."""
    description: str = ""
    """For the model: what the tool does, and when to use it."""
    parameters: Mapping[str, Any] | None = None
    """JSON Schema of the one object of parameters; None: the tool takes none, or a string if it is free-form.
    Where it has `properties` and says nothing of others, others are refused."""
    namespace: str | Sequence[str] | None = None
    """A group of tools with a module of its own; its parts, or one string with `/` between them."""
    output_schema: Mapping[str, Any] | None = None
    """JSON Schema of the result, for the model. Results are not checked against it."""
    timeout_s: float | None = None
    """Seconds that a call may run, not counting the time it waits for its turn; None: as long as it takes."""
    max_concurrency: int | None = None
    """Calls that may run at a time, in all sessions of one trio run; more wait. None: any number."""
    group: ToolGroup | None = None
    """Tools with which it shares a number of calls at a time, besides its own."""
    read_only: bool = False
    """Whether it changes nothing, as the model is told."""
    destructive: bool = False
    """Whether it may do what cannot be undone, as the model and who approves its calls are told."""
    freeform: bool = False
    """Whether it takes one string instead of an object of parameters."""
    retry: Retry | None = None
    """Whether a call that fails is made again; None: it is not."""
    callers: Caller | Collection[Caller] = CALLERS
    """Who may call it: the model itself (`direct`), scripts (`code`), or both. A script does not see what is not for
    it, and the dispatcher refuses what is not for the caller with `denied`."""
    approval: Approval = "allow"
    """What becomes of a call that fits: it is made, somebody is asked first, or it is `denied`; or a function that says
    which for each `ApprovalRequest`, sync or async. One that raises denies the call."""

    def __post_init__(self) -> None:
        of = f"the tool {self.name!r}"
        if self.timeout_s is not None and not (isinstance(self.timeout_s, int | float) and self.timeout_s > 0):
            raise UsageError(f"{of}: timeout_s must be more than 0, not {self.timeout_s!r}")
        check_concurrency(of, self.max_concurrency)
        check_approval(of, self.approval)
        if not isinstance(self.group, ToolGroup | None):
            raise UsageError(f"{of}: group is a ToolGroup, not {self.group!r}")
        if not isinstance(self.retry, Retry | None):
            raise UsageError(f"{of}: retry is a Retry, not {self.retry!r}")
        object.__setattr__(self, "callers", read_callers(of, self.callers))
        if self.read_only and self.destructive:
            raise UsageError(f"{of}: what changes nothing (read_only) is not destructive")

    @property
    def full_name(self) -> str:
        """The name with its namespace, for a person."""
        parts = (self.namespace,) if isinstance(self.namespace, str) else tuple(self.namespace or ())
        return "/".join((*filter(None, parts), self.name))


class PolicyChanges(TypedDict, total=False):
    """What `ToolRegistry.configure` changes; see the fields of `ToolDefinition`."""

    timeout_s: float | None
    max_concurrency: int | None
    group: ToolGroup | None
    retry: Retry | int | None
    callers: Caller | Collection[Caller]
    approval: Approval
    read_only: bool
    destructive: bool


class Tool:
    """One tool of a registry, ready to be called.

    Args:
        definition: what it is.
        check: of its arguments.
        invoke: calls the function behind it.
        takes_context: whether that one takes the context of the call.
        is_async: whether it is called in the event loop; else in a thread.

    Raises:
        UsageError: scripts could not call it by its name.
    """

    def __init__(
        self,
        definition: ToolDefinition,
        check: ArgumentCheck,
        invoke: Invoke,
        *,
        takes_context: bool,
        is_async: bool,
    ) -> None:
        named = script_name(definition.name, definition.namespace)
        self.definition = definition
        self.identifier = named.identifier
        self.module = named.module
        self.name = named.name
        self.invoke = invoke
        self.takes_context = takes_context
        self.is_async = is_async
        self.check = check
        self.limiter = RunLimiter(self.identifier, definition.max_concurrency)
        limits = (definition.timeout_s, definition.max_concurrency, definition.group, definition.retry)
        self.is_simple = is_async and limits == (None, None, None, None)
        """Whether a call of it is nothing but a call of its function."""

    def __repr__(self) -> str:
        return f"<Tool {self.identifier}>"

    def redefined(self, definition: ToolDefinition) -> Tool:
        """The same function under another policy. Where that leaves `max_concurrency`, the calls share its queue."""
        tool = Tool(definition, self.check, self.invoke, takes_context=self.takes_context, is_async=self.is_async)
        if definition.max_concurrency == self.definition.max_concurrency:
            tool.limiter = self.limiter
        return tool

    def validate(self, arguments_json: str) -> Any:
        """What the function behind the tool takes, from JSON text: a dict, or the string of a free-form tool.

        Raises:
            InvalidArguments: they do not fit. The message names what is wrong and lists the valid parameters.
        """
        try:
            return self.check(arguments_json)
        except InvalidArguments as error:
            raise InvalidArguments(f"{self.identifier}: {error}") from None


class ToolRegistry:
    """The tools that scripts may call, by their identifiers. Tools may be added while sessions are open."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}
        self.get = self._tools.get
        """The tool of an identifier, or None."""

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._tools

    def __getitem__(self, identifier: str) -> Tool:
        try:
            return self._tools[identifier]
        except KeyError:
            raise KeyError(self.why_missing(identifier)) from None

    def __iter__(self) -> Iterator[Tool]:
        """The tools in the order in which they were registered."""
        return iter(tuple(self._tools.values()))

    def __len__(self) -> int:
        return len(self._tools)

    def __repr__(self) -> str:
        return f"<ToolRegistry of {len(self)}: {', '.join(self._tools)}>"

    @property
    def definitions(self) -> list[ToolDefinition]:
        """What the tools are, in the order in which they were registered."""
        return [tool.definition for tool in self]

    def why_missing(self, identifier: str) -> str:
        """For one who asked for a tool that is not here: that it is not, and which have a name like it."""
        text = identifier if len(identifier) <= 100 else f"{identifier[:99]}…"
        near = [known for known in self._tools if known.endswith(f"__{text}")][:3]
        near = near or get_close_matches(text, self._tools, n=3)
        if near:
            return f"no tool is named {text!r}; did you mean {' or '.join(map(repr, near))}?"
        return f"no tool is named {text!r}; there are {len(self)} tools"

    @overload
    def tool(self, function: Function, /) -> Function: ...

    @overload
    def tool(
        self,
        function: None = None,
        /,
        *,
        name: str | None = None,
        namespace: str | Sequence[str] | None = None,
        description: str | None = None,
        timeout_s: float | None = None,
        max_concurrency: int | None = None,
        group: ToolGroup | None = None,
        read_only: bool = False,
        destructive: bool = False,
        freeform: bool = False,
        retry: Retry | int | None = None,
        callers: Caller | Collection[Caller] = CALLERS,
        approval: Approval = "allow",
    ) -> Callable[[Function], Function]: ...

    def tool(
        self,
        function: Function | None = None,
        /,
        *,
        name: str | None = None,
        namespace: str | Sequence[str] | None = None,
        description: str | None = None,
        timeout_s: float | None = None,
        max_concurrency: int | None = None,
        group: ToolGroup | None = None,
        read_only: bool = False,
        destructive: bool = False,
        freeform: bool = False,
        retry: Retry | int | None = None,
        callers: Caller | Collection[Caller] = CALLERS,
        approval: Approval = "allow",
    ) -> Function | Callable[[Function], Function]:
        """Registers a function, as a decorator with or without arguments, and gives it back as it was.

        Its name, description and JSON Schema come from its signature and docstring. Async functions run in
        the event loop, others in threads. A parameter annotated `ToolContext` is filled in; one without an
        annotation takes anything; `**kwargs` takes further parameters.

        Args:
            function: a function, bound method, `functools.partial` or callable object.
            name: instead of the function's own.
            description: instead of its docstring.
            retry: see `ToolDefinition`; a number is that of `Retry.attempts`.
            namespace, timeout_s, max_concurrency, group, read_only, destructive, freeform, callers, approval: see
                `ToolDefinition`.

        Raises:
            ToolNameConflict: another tool has the identifier.
            UsageError: scripts could not call it by its name, or could not give it what it takes.
        """
        names = sys._getframe(1).f_locals  # types local to the function in which a tool is written

        def register(function: Function) -> Function:
            signature = read_signature(function, freeform=freeform, names=names)
            if not name and signature.name == "<lambda>":
                raise UsageError("a lambda has no name: give it one by name=…")
            definition = ToolDefinition(
                name=signature.name if name is None else name,
                namespace=namespace,
                description=signature.description if description is None else description,
                parameters=signature.parameters,
                output_schema=signature.output_schema,
                timeout_s=timeout_s,
                max_concurrency=max_concurrency,
                group=group,
                read_only=read_only,
                destructive=destructive,
                freeform=freeform,
                retry=_retry(retry),
                callers=callers,
                approval=approval,
            )
            tool = Tool(
                definition,
                signature.check,
                _by_keywords(function, context=signature.context, freeform=signature.freeform),
                takes_context=signature.context is not None,
                is_async=_is_async(function),
            )
            self._register(tool)
            return function

        return register if function is None else register(function)

    def add(self, definition: ToolDefinition, handler: Callable[..., Any]) -> Tool:
        """Registers a tool that has a schema instead of a signature.

        Args:
            definition: what it is.
            handler: called with the arguments, a dict of JSON values (a string for a free-form tool), and
                with the `ToolContext` if it takes a second parameter. Async, or called in a thread.

        Raises:
            ToolNameConflict: another tool has the identifier.
            UsageError: its schema is not a good one (the message says where), or scripts could not call it by
                its name.
        """
        parameters = definition.parameters
        if parameters is None:
            parameters = FREEFORM_PARAMETERS if definition.freeform else {"type": "object", "properties": {}}
        try:
            check = SchemaCheck(parameters, freeform=definition.freeform)
        except UsageError as error:
            raise UsageError(f"the tool {definition.full_name!r}: {error}") from error
        takes_context = _takes_context(handler)
        invoke: Invoke = handler if takes_context else lambda arguments, _: handler(arguments)
        definition = replace(definition, parameters=parameters)
        tool = Tool(definition, check, invoke, takes_context=takes_context, is_async=_is_async(handler))
        self._register(tool)
        return tool

    def include(self, other: ToolRegistry) -> None:
        """Registers every tool that another registry has now, or none of them.

        Raises:
            ToolNameConflict: another tool has the identifier of one of them.
        """
        for tool in other:
            self._check_free(tool)
        self._tools.update(other._tools)

    def configure(
        self, tools: str | Callable[[ToolDefinition], object], /, **changes: Unpack[PolicyChanges]
    ) -> tuple[str, ...]:
        """Changes the policy of tools that are registered, such as those that somebody else has written.

            tools.configure("mcp__wiki__*", timeout_s=30, max_concurrency=4)
            tools.configure(lambda definition: definition.destructive, approval="ask")

        It holds for the calls that are made from now on. Those under way keep the policy under which they began.

        Args:
            tools: which: a shell-style pattern of identifiers, or a function that says whether it is one of them.
            changes: fields of `ToolDefinition`: timeout_s, max_concurrency, group, retry (also as a number of
                attempts), callers, approval, read_only, destructive.

        Returns:
            The identifiers of the tools, which are all changed or, where this raises, none of them.

        Raises:
            UsageError: there is no such tool or no such field, or a tool cannot have it so.
        """
        if unknown := sorted(changes.keys() - PolicyChanges.__annotations__.keys()):
            raise UsageError(f"no policy is named {unknown[0]!r}; there are {', '.join(PolicyChanges.__annotations__)}")
        chosen = [tool for tool in self if _is_chosen(tool, tools)]
        if not chosen:
            raise UsageError(self.why_missing(tools) if isinstance(tools, str) else "the function chose no tool")
        fields: dict[str, Any] = dict(changes)
        if "retry" in fields:
            fields["retry"] = _retry(fields["retry"])
        changed = {tool.identifier: tool.redefined(replace(tool.definition, **fields)) for tool in chosen}
        self._tools.update(changed)
        return tuple(changed)

    def _register(self, tool: Tool) -> None:
        self._check_free(tool)
        self._tools[tool.identifier] = tool

    def _check_free(self, tool: Tool) -> None:
        known = self._tools.get(tool.identifier)
        if known is not None and known is not tool:
            raise ToolNameConflict(tool.identifier, known.definition.full_name, tool.definition.full_name)


def _retry(given: Retry | int | None) -> Retry | None:
    return Retry(given) if isinstance(given, int) else given


def _is_chosen(tool: Tool, by: str | Callable[[ToolDefinition], object]) -> bool:
    return fnmatchcase(tool.identifier, by) if isinstance(by, str) else bool(by(tool.definition))


def _by_keywords(function: Callable[..., Any], *, context: str | None, freeform: str | None) -> Invoke:
    if context is None and freeform is None:
        return lambda arguments, _: function(**arguments)

    def invoke(arguments: Any, given: ToolContext | None) -> Any:
        keywords = dict(arguments) if freeform is None else {freeform: arguments}
        if context is not None:  # last: a tool with `**kwargs` may be sent one of that name
            keywords[context] = given
        return function(**keywords)

    return invoke


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _takes_context(handler: Callable[..., Any]) -> bool:
    """Whether a handler has a second parameter for the context, and not for something that has a default."""
    try:
        parameters = list(inspect.signature(handler).parameters.values())
    except ValueError:
        return False
    if len(parameters) < 2 or parameters[1].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        return False
    second = parameters[1]
    return (
        second.default is inspect.Parameter.empty
        or second.name in ("ctx", "context")
        or is_context(second.annotation)
        or "ToolContext" in str(second.annotation)
    )
