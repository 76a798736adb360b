"""What each provider's API looks like from outside: its paths, its replies and its errors. No sockets, no threads."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

from codemode.host.transcript.rules import Problem, problems

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that the model makes."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    """An object; for OpenAI also the text that a free-form tool takes."""
    call_id: str | None = None
    """One that is made up, where it is None."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says in one response. Calls of one reply are parallel ones."""

    text: str = ""
    calls: Sequence[Call] = ()
    reasoning: str = ""
    """Of the Responses API: a summary of what it thought, in an item that must come back with what follows it."""


class Refused(Exception):
    """A request is answered with an error.

    Args:
        status: of the HTTP response.
        problem: what is wrong.
    """

    def __init__(self, status: int, problem: Problem) -> None:
        self.status = status
        self.problem = problem
        super().__init__(status, problem)

    def __str__(self) -> str:
        return self.problem.message


class Form:
    """One provider's API, with what it remembers."""

    format: ClassVar[str]
    paths: ClassVar[re.Pattern[str]]
    """Of requests for a response; the group `model`, where there is one, is the model."""
    root: ClassVar[str] = ""
    """What stands behind the host in the URL that the SDK takes."""
    history_field: ClassVar[str] = "messages"
    """Where the history stands in a request."""
    has_free_form_calls: ClassVar[bool] = False
    """Whether a call's arguments may be a text."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def history(self, body: Document) -> list[Any]:
        """The whole history that a request asks to go on from.

        Raises:
            Refused: it is to go on from a response that is not known.
        """
        items = body.get(self.history_field, [])
        return items if isinstance(items, list) else []

    def problems(self, history: list[Any], model: str) -> list[Problem]:
        """What is wrong with it."""
        return problems(self.format, history, model=model)

    def response(self, reply: Reply, history: list[Any], model: str) -> Document:
        """The body of the response that says it."""
        raise NotImplementedError

    def events(self, response: Document) -> Iterator[tuple[str | None, str]]:
        """The same response as a stream: the names of the events, and their data."""
        raise NotImplementedError

    def error(self, refused: Refused) -> Document:
        """The body of a response that refuses."""
        raise NotImplementedError

    def _id(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):08d}"


class _OpenAI(Form):
    root = "/v1"
    has_free_form_calls = True

    def error(self, refused: Refused) -> Document:
        problem = refused.problem
        where = {"param": problem.param, "code": problem.code}
        return {"error": {"message": problem.message, "type": "invalid_request_error", **where}}


class Responses(_OpenAI):
    """OpenAI's Responses API. It keeps its responses, for `previous_response_id` and references to items."""

    format = "openai.responses"
    paths = re.compile(r"/v1/responses")
    history_field = "input"

    def __init__(self) -> None:
        super().__init__()
        self._stored: dict[str, list[Any]] = {}  # the history up to and with a response, by its id
        self._made: dict[str, Document] = {}  # items, by id
        self._reasoning_of: dict[str, str] = {}

    def history(self, body: Document) -> list[Any]:
        given = body.get("input", [])
        items = [{"role": "user", "content": given}] if isinstance(given, str) else super().history(body)
        items = [self._made.get(str(item.get("id")), item) if _refers(item) else item for item in items]
        if body.get("previous_response_id") is None:
            return items
        previous = str(body["previous_response_id"])
        if previous not in self._stored:
            message = f"Previous response with id '{previous}' not found."
            problem = Problem(message, 0, (), "previous_response_id", "previous_response_not_found")
            raise Refused(400, problem)
        return self._stored[previous] + items

    def problems(self, history: list[Any], model: str) -> list[Problem]:
        return problems(self.format, history, model=model, reasoning_of=self._reasoning_of)

    def response(self, reply: Reply, history: list[Any], model: str) -> Document:
        output: list[Document] = []
        if reply.reasoning:
            summary = [{"type": "summary_text", "text": reply.reasoning}]
            output.append({"id": self._id("rs_"), "type": "reasoning", "summary": summary})
        if reply.text:
            content = [{"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}]
            made = {"type": "message", "role": "assistant", "status": "completed", "content": content}
            output.append({"id": self._id("msg_"), **made})
        output += [self._call(call) for call in reply.calls]
        if reply.reasoning and len(output) > 1:
            self._reasoning_of[output[1]["id"]] = output[0]["id"]
        self._made.update((item["id"], item) for item in output)
        response_id = self._id("resp_")
        self._stored[response_id] = history + output
        return {
            "id": response_id,
            "object": "response",
            "created_at": 0,
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "model": model,
            "output": output,
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "usage": {
                "input_tokens": 1,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": 1,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 2,
            },
        }

    def _call(self, call: Call) -> Document:
        common = {"call_id": call.call_id or self._id("call_"), "name": call.name, "status": "completed"}
        if isinstance(call.arguments, str):
            return {"id": self._id("ctc_"), "type": "custom_tool_call", **common, "input": call.arguments}
        return {"id": self._id("fc_"), "type": "function_call", **common, "arguments": _json(call.arguments)}

    def events(self, response: Document) -> Iterator[tuple[str | None, str]]:
        numbers = count()

        def event(kind: str, **fields: Any) -> tuple[str, str]:
            return kind, json.dumps({"type": kind, "sequence_number": next(numbers), **fields})

        begun = {**response, "status": "in_progress", "output": []}
        yield event("response.created", response=begun)
        for place, item in enumerate(response["output"]):
            yield event("response.output_item.added", output_index=place, item={**item, "status": "in_progress"})
            if item["type"] == "message":
                text = item["content"][0]["text"]
                where = {"item_id": item["id"], "output_index": place, "content_index": 0, "logprobs": []}
                for piece in _pieces(text):
                    yield event("response.output_text.delta", **where, delta=piece)
                yield event("response.output_text.done", **where, text=text)
            elif item["type"] == "function_call":
                where = {"item_id": item["id"], "output_index": place}
                for piece in _pieces(item["arguments"]):
                    yield event("response.function_call_arguments.delta", **where, delta=piece)
                done = {"name": item["name"], "arguments": item["arguments"]}
                yield event("response.function_call_arguments.done", **where, **done)
            yield event("response.output_item.done", output_index=place, item=item)
        yield event("response.completed", response=response)


class Chat(_OpenAI):
    """OpenAI's Chat Completions API."""

    format = "openai.chat"
    paths = re.compile(r"/v1/chat/completions")

    def response(self, reply: Reply, history: list[Any], model: str) -> Document:
        message: Document = {"role": "assistant", "content": reply.text or None, "refusal": None}
        if reply.calls:
            message["tool_calls"] = [self._call(call) for call in reply.calls]
        reason = "tool_calls" if reply.calls else "stop"
        return {
            "id": self._id("chatcmpl-"),
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }

    def _call(self, call: Call) -> Document:
        call_id = call.call_id or self._id("call_")
        if isinstance(call.arguments, str):
            return {"id": call_id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
        function = {"name": call.name, "arguments": _json(call.arguments)}
        return {"id": call_id, "type": "function", "function": function}

    def events(self, response: Document) -> Iterator[tuple[str | None, str]]:
        choice = response["choices"][0]
        message = choice["message"]

        def chunk(delta: Document, reason: str | None = None) -> tuple[None, str]:
            choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]
            head = {key: response[key] for key in ("id", "created", "model")}
            return None, json.dumps({**head, "object": "chat.completion.chunk", "choices": choices})

        yield chunk({"role": "assistant", "content": "" if message["content"] else None})
        for piece in _pieces(message["content"] or ""):
            yield chunk({"content": piece})
        for place, call in enumerate(message.get("tool_calls", ())):
            kind, text = ("custom", "input") if call["type"] == "custom" else ("function", "arguments")
            yield chunk({"tool_calls": [{**call, "index": place, kind: {**call[kind], text: ""}}]})
            for piece in _pieces(call[kind][text]):
                yield chunk({"tool_calls": [{"index": place, kind: {text: piece}}]})
        yield chunk({}, choice["finish_reason"])
        yield None, "[DONE]"


class Anthropic(Form):
    """Anthropic's Messages API."""

    format = "anthropic"
    paths = re.compile(r"/v1/messages")

    def response(self, reply: Reply, history: list[Any], model: str) -> Document:
        content: list[Document] = [{"type": "text", "text": reply.text}] if reply.text else []
        for call in reply.calls:
            call_id = call.call_id or self._id("toolu_")
            content.append({"type": "tool_use", "id": call_id, "name": call.name, "input": call.arguments})
        return {
            "id": self._id("msg_"),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": "tool_use" if reply.calls else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }

    def events(self, response: Document) -> Iterator[tuple[str | None, str]]:
        def event(kind: str, **fields: Any) -> tuple[str, str]:
            return kind, json.dumps({"type": kind, **fields})

        yield event("message_start", message={**response, "content": [], "stop_reason": None})
        for place, block in enumerate(response["content"]):
            is_text = block["type"] == "text"
            begun = {**block, "text": ""} if is_text else {**block, "input": {}}
            yield event("content_block_start", index=place, content_block=begun)
            for piece in _pieces(block["text"] if is_text else _json(block["input"])):
                delta = (
                    {"type": "text_delta", "text": piece}
                    if is_text
                    else {"type": "input_json_delta", "partial_json": piece}
                )
                yield event("content_block_delta", index=place, delta=delta)
            yield event("content_block_stop", index=place)
        end = {"stop_reason": response["stop_reason"], "stop_sequence": None}
        yield event("message_delta", delta=end, usage=response["usage"])
        yield event("message_stop")

    def error(self, refused: Refused) -> Document:
        kind = "not_found_error" if refused.status == 404 else "invalid_request_error"
        error = {"type": kind, "message": refused.problem.message}
        return {"type": "error", "error": error, "request_id": self._id("req_")}


class Gemini(Form):
    """Google's Gemini API. From version 3 on calls have ids, and the first of a response is signed."""

    format = "gemini"
    paths = re.compile(r"/v1(?:beta|alpha)?/models/(?P<model>[^/:]+):(?:g|streamG)enerateContent")
    history_field = "contents"

    def response(self, reply: Reply, history: list[Any], model: str) -> Document:
        version = re.search(r"gemini-(\d+)", model)
        signs = version is not None and int(version[1]) >= 3
        parts: list[Document] = [{"text": reply.text}] if reply.text else []
        for place, call in enumerate(reply.calls):
            made: Document = {"name": call.name, "args": call.arguments}
            if call.call_id is not None or signs:
                made["id"] = call.call_id or self._id("")
            part: Document = {"functionCall": made}
            if signs and not place:
                part["thoughtSignature"] = base64.b64encode(self._id("signature ").encode()).decode()
            parts.append(part)
        return {
            "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
            "modelVersion": model,
            "responseId": self._id("response-"),
        }

    def events(self, response: Document) -> Iterator[tuple[str | None, str]]:
        """Each part is a chunk of its own, also each of several parallel calls."""
        parts = response["candidates"][0]["content"]["parts"]
        for place, part in enumerate(parts):
            candidate: Document = {"content": {"role": "model", "parts": [part]}, "index": 0}
            if place + 1 == len(parts):
                candidate["finishReason"] = "STOP"
            yield None, json.dumps({**response, "candidates": [candidate]})

    def error(self, refused: Refused) -> Document:
        status = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND"}.get(refused.status, "FAILED_PRECONDITION")
        return {"error": {"code": refused.status, "message": refused.problem.message, "status": status}}


FORMS: dict[str, type[Form]] = {
    "openai": Responses,
    "openai.responses": Responses,
    "openai.chat": Chat,
    "anthropic": Anthropic,
    "gemini": Gemini,
}


def _refers(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get("type") == "item_reference"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _pieces(text: str) -> Iterator[str]:
    """The text in two, as streams break it anywhere."""
    middle = len(text) // 2
    return (piece for piece in (text[:middle], text[middle:]) if piece)
