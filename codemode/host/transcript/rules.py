"""What a provider's API answers with status 400 for a history, in the sentence that it answers with. Pure functions.

Written apart from the guard, which is judged by it: nothing here knows how a history came to be. Where a rule needs
what only the provider knows (the model, the items that it made) it is told, or the rule is left out. A history in which
nothing is found may therefore still be refused, for its model or for a field that has nothing to do with calls.

The sentences are those that users reported; each group of rules names where.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codemode.errors import UsageError

__all__ = ["Problem", "misplaced", "problems"]

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing for which a history is refused."""

    message: str
    """As the provider says it."""
    place: int
    """The index of the item that it is about: the call that lacks its output, the output that lacks its call."""
    call_ids: tuple[str, ...] = ()
    """The calls that it is about; for a Gemini call without an id, its name."""
    param: str | None = None
    """OpenAI's name for the place."""
    code: str | None = None
    """OpenAI's code of the error, which it seldom gives."""

    def __str__(self) -> str:
        return self.message


def problems(
    format: str,  # noqa: A002 - the word of the API
    items: Iterable[Any],
    *,
    model: str = "",
    reasoning_of: Mapping[str, str] | None = None,
) -> list[Problem]:
    """What the provider refuses in a history, in its order; nothing where it takes it. A provider names the first only.

    Args:
        format: `openai.responses` (or `openai`), `openai.chat`, `anthropic` or `gemini`.
        items: the history: `input`, `messages` or `contents` of the request. What is no mapping is passed over.
        model: which model is asked. Gemini wants thought signatures from version 3 on; of a model that is not named,
            only where the history has one.
        reasoning_of: what the Responses API remembers of the items that it made: the id of the reasoning item that each
            of them, by its id, must come with.

    Raises:
        UsageError: there is no such format.
    """
    history = _history(items)
    match format:
        case "openai" | "openai.responses":
            found = _responses(history, reasoning_of or {})
        case "openai.chat":
            found = _chat(history)
        case "anthropic":
            found = _anthropic(history)
        case "gemini":
            found = _gemini(history, model)
        case _:
            raise _no_format(format)
    return sorted(found, key=lambda problem: problem.place)


def misplaced(format: str, items: Iterable[Any]) -> list[Problem]:  # noqa: A002
    """What in a history breaks the promise of `TranscriptGuard`, which is stricter than some providers are.

    It is: behind each batch of calls comes exactly one output for each of them, in their order, and nothing else until
    the last; for Anthropic all in one message, first in it; for Gemini all in one content, alone in it. Only a batch at
    the very end may have none yet.
    """
    found: list[Problem] = []
    due: list[_Mark] = []
    taken = opened_at = 0
    for place, step in enumerate(_steps(format, _history(items))):
        if step.outputs:
            now = len(due) if step.is_whole else len(step.outputs)
            if not step.is_first or not _all_fit(due[:now], step.outputs):
                text = f"item {place} answers {_joined(step.outputs)} where {_joined(due[:now])} is due"
                found.append(Problem(text, place, _ids(step.outputs)))
            del due[:now]
            taken += len(step.outputs)
        elif due and not (step.joins and not taken):
            found.append(Problem(f"item {place} comes before the outputs of {_joined(due)}", place, _ids(due)))
            due.clear()
        if step.calls:
            opened_at, taken = place, 0
            due += step.calls
    if due and taken:
        found.append(Problem(f"the last batch lacks the outputs of {_joined(due)}", opened_at, _ids(due)))
    return found


def _history(items: Iterable[Any]) -> list[Item]:
    return [item if isinstance(item, Mapping) else {} for item in items]


def _no_format(format: str) -> UsageError:  # noqa: A002
    good = "'openai', 'openai.responses', 'openai.chat', 'anthropic', 'gemini'"
    return UsageError(f"{format!r} is no format of a transcript; there are {good}")


# ── OpenAI Responses ─────────────────────────────────────────────────────────────────────────────────────────────────
#
# https://github.com/openai/codex/issues/620                     No tool output found for function call
# https://github.com/diegosouzapw/OmniRoute/issues/8946          … for custom tool call
# https://github.com/microsoft/agent-framework/issues/8663       … for shell call
# https://github.com/openai/openai-agents-python/pull/1855       … for local shell call, also where its output names the
#                                                                call by `id`, as the reference has it, not by `call_id`
# https://github.com/continuedev/continue/issues/10092           No tool call found for function call output
# https://github.com/vercel/ai/issues/13307                      Duplicate item found with id
# https://github.com/continuedev/continue/issues/8933            reasoning without its following item
# https://github.com/cline/cline/issues/12242                    function_call without its reasoning item
# https://github.com/openclaw/openclaw/issues/10640              call_id: string too long
#
# A message between a call and its output is taken, and so is an output of an earlier call behind a later one. That a
# second output for one call is refused is known of a gateway only:
# https://github.com/NousResearch/hermes-agent/issues/102629

_OUTPUT_OF = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "computer_call": "computer_call_output",
    "local_shell_call": "local_shell_call_output",
    "shell_call": "shell_call_output",
    "apply_patch_call": "apply_patch_call_output",
    "tool_search_call": "tool_search_output",
}
_CALL_OF = {output: call for call, output in _OUTPUT_OF.items()}
_MAX_RESPONSES_ID = 64


def _responses(items: Sequence[Item], reasoning_of: Mapping[str, str]) -> Iterator[Problem]:
    calls = {key for item in items if (key := _responses_call(item)) is not None}
    outputs = {key for item in items if (key := _responses_output(item)) is not None}
    refers = any(_kind(item) == "item_reference" for item in items)
    seen: set[str] = set()
    for place, item in enumerate(items):
        call, output = _responses_call(item), _responses_output(item)
        for key in (call, output):
            if key is not None and len(key[1]) > _MAX_RESPONSES_ID:
                yield _too_long(f"input[{place}].call_id", key[1], _MAX_RESPONSES_ID, place)
        if call is not None and call not in outputs:
            name = call[0].replace("_", " ")
            yield Problem(f"No tool output found for {name} {call[1]}.", place, (call[1],), "input")
        if output is not None and output not in calls and not refers:
            yield Problem(
                f"No tool call found for {_said_of_output(output[0])} with call_id {output[1]}.",
                place,
                (output[1],),
                "input",
            )
        yield from _responses_ids(place, items, seen, reasoning_of)


def _responses_ids(
    place: int, items: Sequence[Item], seen: set[str], reasoning_of: Mapping[str, str]
) -> Iterator[Problem]:
    """What is wrong with an item by its own id, which is the provider's name for it."""
    item = items[place]
    kind, item_id = _kind(item), item.get("id")
    if not isinstance(item_id, str) or not item_id or kind == "local_shell_call_output":  # there it is that of the call
        return
    if item_id in seen:
        yield Problem(
            f"Duplicate item found with id {item_id}. Remove duplicate items from your input and try again.",
            place,
            param="input",
        )
    seen.add(item_id)
    if kind == "reasoning" and not _is_followed(place, items):
        yield Problem(
            f"Item '{item_id}' of type 'reasoning' was provided without its required following item.",
            place,
            param="input",
        )
    reasoning = reasoning_of.get(item_id)
    if reasoning is not None and reasoning not in seen:
        yield Problem(
            f"Item '{item_id}' of type '{kind}' was provided without its required 'reasoning' item: '{reasoning}'.",
            place,
            param="input",
        )


def _is_followed(place: int, items: Sequence[Item]) -> bool:
    """True where what follows the reasoning may be what it led to: something that the model made."""
    at = place + 1
    while at < len(items) and _kind(items[at]) == "reasoning":
        at += 1
    if at == len(items):
        return False
    following = items[at]
    kind = _kind(following)
    if kind == "message":
        return following.get("role") == "assistant"
    return kind not in _CALL_OF and kind != "mcp_approval_response"


def _responses_call(item: Item) -> tuple[str, str] | None:
    """The kind and the id of a call that the client answers."""
    kind, call_id = _kind(item), item.get("call_id")
    if kind not in _OUTPUT_OF or not isinstance(call_id, str):
        return None
    if kind == "tool_search_call" and item.get("execution") != "client":
        return None
    return kind, call_id


def _responses_output(item: Item) -> tuple[str, str] | None:
    """The kind of call that an output is for, and its id."""
    kind = _CALL_OF.get(_kind(item))
    call_id = item.get("call_id")
    if kind is None or not isinstance(call_id, str):
        return None
    if kind == "tool_search_call" and item.get("execution") != "client":
        return None
    return kind, call_id


def _kind(item: Item) -> str:
    kind = item.get("type", "message")
    return kind if isinstance(kind, str) else ""


def _said_of_output(kind: str) -> str:
    # Of computer calls it is reported as `No tool call found for computer call with call_id`.
    return "computer call" if kind == "computer_call" else _OUTPUT_OF[kind].replace("_", " ")


def _too_long(param: str, given: str, longest: int, place: int) -> Problem:
    return Problem(
        f"Invalid '{param}': string too long. Expected a string with maximum length {longest}, "
        f"but got a string with length {len(given)} instead.",
        place,
        (given,),
        param,
        "string_above_max_length",
    )


# ── OpenAI Chat ──────────────────────────────────────────────────────────────────────────────────────────────────────
#
# https://github.com/sdcb/chats/pull/132                     must be followed by tool messages
# https://github.com/smarter-sh/smarter/issues/264           messages with role 'tool' must be a response
# https://github.com/dapr/dapr-agents/issues/145             'tool_call_id' … not found in 'tool_calls'
# https://github.com/CherryHQ/cherry-studio/issues/4274      Missing parameter 'tool_call_id'
# https://github.com/openai/openai-python/issues/2061        tool_calls: empty array
# https://github.com/openclaw/openclaw/issues/10640          tool_calls[…].id: string too long
#
# For two outputs of one call it has DeepSeek's words: Duplicate value for 'tool_call_id' of … in message[…].

_MAX_CHAT_ID = 40


def _chat(messages: Sequence[Item]) -> Iterator[Problem]:
    place = 0
    while place < len(messages):
        message = messages[place]
        if message.get("role") == "tool":
            yield Problem(
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
                "with 'tool_calls'.",
                place,
                _only_text(message.get("tool_call_id")),
                f"messages.[{place}].role",
            )
        elif message.get("role") == "assistant":
            end = place + 1
            while (
                isinstance(message.get("tool_calls"), list)
                and end < len(messages)
                and messages[end].get("role") == "tool"
            ):
                end += 1
            yield from _chat_turn(messages, place, end)
            place = end - 1
        place += 1


def _chat_turn(messages: Sequence[Item], place: int, end: int) -> Iterator[Problem]:
    """An assistant's message, and the tool messages between it and `end`."""
    message = messages[place]
    calls = message.get("tool_calls")
    if calls == []:
        yield Problem(
            f"Invalid 'messages[{place}].tool_calls': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            place,
            param=f"messages[{place}].tool_calls",
            code="empty_array",
        )
    if all(message.get(key) is None for key in ("content", "tool_calls", "function_call", "refusal", "audio")):
        yield Problem(
            "Invalid value for 'content': expected a string, got null.", place, param=f"messages.[{place}].content"
        )
    asked = _chat_calls(message)
    for number, asked_id in enumerate(asked):
        if len(asked_id) > _MAX_CHAT_ID:
            yield _too_long(f"messages[{place}].tool_calls[{number}].id", asked_id, _MAX_CHAT_ID, place)
    answered: set[str] = set()
    for at in range(place + 1, end):
        call_id: Any = messages[at].get("tool_call_id")
        param = f"messages.[{at}].tool_call_id"
        if not isinstance(call_id, str):
            yield Problem(
                "Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'.",
                at,
                param=param,
            )
        elif call_id in answered:
            yield Problem(f"Duplicate value for 'tool_call_id' of {call_id} in message[{at}]", at, (call_id,), param)
        elif call_id not in asked:
            yield Problem(
                f"Invalid parameter: 'tool_call_id' of '{call_id}' not found in 'tool_calls' of previous message.",
                at,
                (call_id,),
                param,
            )
        else:
            answered.add(call_id)
    if missing := tuple(asked_id for asked_id in asked if asked_id not in answered):
        yield Problem(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(missing)}",
            place,
            missing,
            f"messages.[{end}].role",
        )


def _chat_calls(message: Item) -> list[str]:
    return [str(call.get("id")) for call in _mappings(message.get("tool_calls"))]


# ── Anthropic ────────────────────────────────────────────────────────────────────────────────────────────────────────
#
# https://github.com/anthropics/claude-code/issues/5989      tool_use ids were found without tool_result blocks
# https://github.com/openclaw/clawhub/issues/151             … for results in separate user messages
# https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls   … and for a text before the results
# https://github.com/anthropics/claude-code/issues/18947     unexpected tool_use_id found in tool_result blocks
# https://github.com/anthropics/claude-code/issues/14110     Found multiple tool_result blocks with id
# https://github.com/anthropics/claude-code/issues/20901     tool_use ids must be unique
# https://github.com/anomalyco/opencode/issues/1279          tool_use.id: String should match pattern
# https://github.com/microsoft/autogen/issues/3034           Extra inputs are not permitted
# https://github.com/anthropics/claude-code/issues/62379     text content blocks must be non-empty
# https://github.com/anthropics/claude-code/issues/23440     text content blocks must contain non-whitespace text
#
# The API joins messages of one role that follow each other. The pairs are judged message by message all the same, as
# the sentences have it: the same models elsewhere refuse results that are spread over two messages.

_ANTHROPIC_ID = re.compile(r"[a-zA-Z0-9_-]+")


def _anthropic(messages: Sequence[Item]) -> Iterator[Problem]:
    if not messages:
        yield Problem("messages: at least one message is required", 0)
    elif messages[0].get("role") == "assistant":
        yield Problem('messages: first message must use the "user" role', 0)
    for place, message in enumerate(messages):
        before = messages[place - 1] if place else {}
        after = messages[place + 1] if place + 1 < len(messages) else {}
        yield from _anthropic_content(place, message, is_last=place + 1 == len(messages))
        if message.get("role") == "assistant":
            yield from _anthropic_calls(place, message, after)
        else:
            yield from _anthropic_results(place, message, before)


def _anthropic_content(place: int, message: Item, *, is_last: bool) -> Iterator[Problem]:
    role, content = message.get("role"), message.get("content")
    for name in message.keys() - {"role", "content"}:
        yield Problem(f"messages.{place}.{name}: Extra inputs are not permitted", place)
    if content in ("", []) and not (is_last and role == "assistant"):
        yield Problem(
            f"messages.{place}: all messages must have non-empty content except for the optional final "
            "assistant message",
            place,
        )
    kinds = [block.get("type") for block in _mappings(content)]
    if role == "assistant" and "tool_result" in kinds:
        yield Problem(f"messages.{place}: `tool_result` blocks can only be in `user` messages", place)
    if role == "user" and "tool_use" in kinds:
        yield Problem(f"messages.{place}: `tool_use` blocks can only be in `assistant` messages", place)
    for text in (block.get("text") for block in _mappings(content) if block.get("type") == "text"):
        if text == "":
            yield Problem("messages: text content blocks must be non-empty", place)
        elif isinstance(text, str) and not text.strip():
            yield Problem("messages: text content blocks must contain non-whitespace text", place)


def _anthropic_calls(place: int, message: Item, after: Item) -> Iterator[Problem]:
    asked: list[str] = []
    for at, block in enumerate(_mappings(message.get("content"))):
        if block.get("type") != "tool_use":
            continue
        call_id = str(block.get("id", ""))
        if not _ANTHROPIC_ID.fullmatch(call_id):
            yield Problem(
                f"messages.{place}.content.{at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
                place,
                (call_id,),
            )
        if call_id in asked:
            yield Problem(f"messages.{place}.content.{at}: `tool_use` ids must be unique", place, (call_id,))
        asked.append(call_id)
    answered = _leading_results(after) if after.get("role") == "user" else []
    if missing := tuple(call_id for call_id in asked if call_id not in answered):
        yield Problem(
            f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block "
            "in the next message.",
            place,
            missing,
        )


def _anthropic_results(place: int, message: Item, before: Item) -> Iterator[Problem]:
    asked = _anthropic_ids(before, "tool_use", "id") if before.get("role") == "assistant" else []
    answered: Counter[str] = Counter()
    for at, block in enumerate(_mappings(message.get("content"))):
        if block.get("type") != "tool_result":
            continue
        call_id = str(block.get("tool_use_id", ""))
        answered[call_id] += 1
        if call_id not in asked:
            yield Problem(
                f"messages.{place}.content.{at}: unexpected `tool_use_id` found in `tool_result` blocks: {call_id}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
                place,
                (call_id,),
            )
        elif answered[call_id] == 2:
            yield Problem(
                f"messages.{place}.content.{at}: each tool_use must have a single result. "
                f"Found multiple `tool_result` blocks with id: {call_id}",
                place,
                (call_id,),
            )


def _anthropic_ids(message: Item, kind: str, key: str) -> list[str]:
    return [str(block.get(key, "")) for block in _mappings(message.get("content")) if block.get("type") == kind]


def _leading_results(message: Item) -> list[str]:
    """The ids of the results that a message begins with: those behind another block are not seen."""
    ids: list[str] = []
    for block in _mappings(message.get("content")):
        if block.get("type") != "tool_result":
            break
        ids.append(str(block.get("tool_use_id", "")))
    return ids


# ── Gemini ───────────────────────────────────────────────────────────────────────────────────────────────────────────
#
# https://github.com/google-gemini/gemini-cli/issues/16415   the number of function response parts
# https://github.com/google-gemini/gemini-cli/issues/11814   function call turn comes immediately after a user turn
# https://github.com/langchain-ai/langchain/issues/27799     function response turn comes immediately after …
# https://github.com/songquanpeng/one-api/issues/836         multiturn requests ends with a user role (of 2023; for a
#                                                            history that ends at a call nothing newer is reported)
# https://github.com/niki914/zafiro/issues/100               missing a thought_signature
# https://ai.google.dev/gemini-api/docs/thought-signatures   which of the calls must have one
#
# Names or ids that do not match those of the calls are not known to be refused.

_GEMINI_VERSION = re.compile(r"gemini-(\d+)")
_METADATA = frozenset({"thought", "thoughtSignature", "thought_signature", "videoMetadata", "video_metadata"})


def _gemini(contents: Sequence[Item], model: str) -> Iterator[Problem]:
    if not contents:
        yield Problem("* GenerateContentRequest.contents: contents is not specified\n", 0)
        return
    for place, content in enumerate(contents):
        before = contents[place - 1] if place else {}
        yield from _gemini_parts(place, content)
        calls, responses = _gemini_calls(content), _gemini_responses(content)
        if responses and not _gemini_calls(before):
            yield Problem(
                "Please ensure that function response turn comes immediately after a function call turn.",
                place,
                responses,
            )
        if not calls:
            continue
        if before.get("role", "user") == "model" or not place:
            yield Problem(
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn.",
                place,
                calls,
            )
        if place + 1 == len(contents):
            yield Problem(
                "Please ensure that multiturn requests ends with a user role or a function response.",
                place,
                calls,
            )
        elif len(_gemini_responses(contents[place + 1])) != len(calls):
            yield Problem(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn.",
                place,
                calls,
            )
    yield from _gemini_signatures(contents, model)


def _gemini_parts(place: int, content: Item) -> Iterator[Problem]:
    where = f"* GenerateContentRequest.contents[{place}].parts"
    parts = _mappings(content.get("parts"))
    if not parts:
        yield Problem(f"{where}: contents.parts must not be empty.\n", place)
    for at, part in enumerate(parts):
        if part.keys() <= _METADATA:
            yield Problem(f"{where}[{at}].data: required oneof field 'data' must have one initialized field\n", place)
        for kind, said in (("functionCall", "function_call"), ("functionResponse", "function_response")):
            one = _either(part, kind)
            if isinstance(one, Mapping) and not one.get("name"):
                yield Problem(f"{where}[{at}].{said}.name: Name cannot be empty.\n", place)


def _gemini_signatures(contents: Sequence[Item], model: str) -> Iterator[Problem]:
    """The first call of each step of the current turn, which began with the user's last words, must be signed."""
    version = _GEMINI_VERSION.search(model)
    signs = any(_signature(part) for content in contents for part in _mappings(content.get("parts")))
    if not (int(version[1]) >= 3 if version else signs):
        return
    began = max((place for place, content in enumerate(contents) if _is_said_by_user(content)), default=0)
    for place in range(began, len(contents)):
        for part in _mappings(contents[place].get("parts")):
            call = _either(part, "functionCall")
            if isinstance(call, Mapping):
                if not _signature(part):
                    yield _unsigned(place, call)
                break


def _unsigned(place: int, call: Item) -> Problem:
    return Problem(
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
        "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
        f"call `default_api:{call.get('name')}` , position {place + 1}. "
        "Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
        place,
        _ids([_gemini_mark(call)]),
    )


def _is_said_by_user(content: Item) -> bool:
    said = any(_either(part, "functionResponse") is None for part in _mappings(content.get("parts")))
    return content.get("role", "user") == "user" and said


def _signature(part: Item) -> Any:
    return _either(part, "thoughtSignature")


def _gemini_calls(content: Item) -> tuple[str, ...]:
    return _ids(_gemini_marks(content, "functionCall"))


def _gemini_responses(content: Item) -> tuple[str, ...]:
    return _ids(_gemini_marks(content, "functionResponse"))


def _gemini_marks(content: Item, kind: str) -> list[_Mark]:
    found = (_either(part, kind) for part in _mappings(content.get("parts")))
    return [_gemini_mark(one) for one in found if isinstance(one, Mapping)]


def _gemini_mark(one: Item) -> _Mark:
    call_id, name = one.get("id"), one.get("name")
    return call_id if isinstance(call_id, str) else None, name if isinstance(name, str) else ""


_CASES = {
    "functionCall": "function_call",
    "functionResponse": "function_response",
    "thoughtSignature": "thought_signature",
}


def _either(part: Item, name: str) -> Any:
    """A field by its name in the REST API, or in the dicts of the SDK."""
    found = part.get(name)
    return part.get(_CASES[name]) if found is None else found


# ── The promise of the guard ─────────────────────────────────────────────────────────────────────────────────────────


_Mark = tuple[str | None, str]
"""The id of a call, as the call or an output has it, and its name; Gemini goes by the name where one has no id."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What an item asks for and answers."""

    calls: Sequence[_Mark] = ()
    outputs: Sequence[_Mark] = ()
    is_whole: bool = False
    """Whether the outputs of a batch must all be in this one item."""
    is_first: bool = True
    """Whether the outputs stand before everything else in it."""
    joins: bool = False
    """Whether it may be of the batch that the item before is of."""


def _steps(format: str, items: Iterable[Item]) -> Iterator[_Step]:  # noqa: A002
    for item in items:
        match format:
            case "openai" | "openai.responses":
                yield _responses_step(item)
            case "openai.chat":
                yield _Step(_marks(_chat_calls(item)), _marks(_only_text(item.get("tool_call_id"))))
            case "anthropic":
                results = _anthropic_ids(item, "tool_result", "tool_use_id")
                is_first = _leading_results(item) == results
                calls = _marks(_anthropic_ids(item, "tool_use", "id"))
                yield _Step(calls, _marks(results), is_whole=True, is_first=is_first)
            case "gemini":
                responses = _gemini_marks(item, "functionResponse")
                alone = len(_mappings(item.get("parts"))) == len(responses)
                yield _Step(_gemini_marks(item, "functionCall"), responses, is_whole=True, is_first=alone)
            case _:
                raise _no_format(format)


def _responses_step(item: Item) -> _Step:
    kind, call, output = _kind(item), _responses_call(item), _responses_output(item)
    # Not known to be refused without its response, but a call like the others to the guard.
    if kind == "mcp_approval_request":
        return _Step(_marks([str(item.get("id"))]), joins=True)
    if kind == "mcp_approval_response":
        return _Step(outputs=_marks([str(item.get("approval_request_id"))]))
    if output is not None:
        return _Step(outputs=_marks([output[1]]))
    # Between two calls of one response a model may think again, or make a call that the provider answers.
    return _Step([] if call is None else _marks([call[1]]), joins=kind != "message")


def _marks(ids: Iterable[str]) -> list[_Mark]:
    return [(one, "") for one in ids]


def _all_fit(asked: Sequence[_Mark], told: Sequence[_Mark]) -> bool:
    """True where each output is for the call of its place."""
    return len(asked) == len(told) and all(
        asked_id == told_id if asked_id and told_id else asked_name == told_name
        for (asked_id, asked_name), (told_id, told_name) in zip(asked, told, strict=True)
    )


def _ids(marks: Iterable[_Mark]) -> tuple[str, ...]:
    return tuple(call_id or name for call_id, name in marks)


def _joined(marks: Iterable[_Mark]) -> str:
    return ", ".join(_ids(marks)) or "nothing"


def _mappings(value: Any) -> list[Item]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def _only_text(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else ()
