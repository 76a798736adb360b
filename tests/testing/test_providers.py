"""The fake providers, asked by the real SDKs: what they say, stream and refuse arrives as from the real ones."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

import codemode
from codemode.testing.providers import Call, FakeProvider, Reply

FORMATS = ("openai.responses", "openai.chat", "anthropic", "gemini")
BATCH = Reply("let me see", [Call("weather", {"city": "Malmö"}), Call("clock", {})])


def post(provider: FakeProvider, path: str, body: Any) -> tuple[int, Any]:
    """A request without any SDK: its status and its body."""
    host = provider.base_url.removesuffix("/v1")
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{host}{path}", data=data), timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_responses_api_says_what_the_script_says() -> None:
    import openai  # noqa: PLC0415 - the SDKs take their time to load

    script = [Reply("so", [Call("weather", {"city": "Malmö"}), Call("shell", "ls")], reasoning="hm"), "done"]
    with FakeProvider("openai", script) as provider, openai.OpenAI(base_url=provider.base_url, api_key="-") as client:
        first = client.responses.create(model="m", input="hello")
        assert [item.type for item in first.output] == ["reasoning", "message", "function_call", "custom_tool_call"]
        assert first.output_text == "so"
        made: list[Any] = first.output
        assert json.loads(made[2].arguments) == {"city": "Malmö"}
        assert made[3].input == "ls"

        with pytest.raises(openai.BadRequestError) as caught:
            client.responses.create(model="m", previous_response_id=first.id, input="and?")
        assert caught.value.body == {
            "message": f"No tool output found for function call {made[2].call_id}.",
            "type": "invalid_request_error",
            "param": "input",
            "code": None,
        }
        outputs: list[Any] = [
            {"type": "function_call_output", "call_id": made[2].call_id, "output": "rain"},
            {"type": "custom_tool_call_output", "call_id": made[3].call_id, "output": "a.txt"},
        ]
        references: list[Any] = [{"type": "item_reference", "id": item.id} for item in made]
        with pytest.raises(openai.BadRequestError, match="without its required 'reasoning' item: 'rs_"):
            client.responses.create(model="m", input=[*references[1:], *outputs])
        with pytest.raises(openai.BadRequestError, match="Previous response with id 'resp_x' not found"):
            client.responses.create(model="m", previous_response_id="resp_x", input="and?")
        last = client.responses.create(model="m", previous_response_id=first.id, input=outputs)
        assert last.output_text == "done"
        with pytest.raises(openai.APIStatusError, match="the script of this fake provider ended after 4 requests"):
            client.responses.create(model="m", input="hello")
    assert [request.status for request in provider.requests] == [200, 400, 400, 200, 410]
    assert len(provider.refused) == 2
    assert provider.requests[3].history[0] == {"role": "user", "content": "hello"}


def test_chat_says_what_the_script_says() -> None:
    import openai  # noqa: PLC0415

    with (
        FakeProvider("openai.chat", [BATCH, "done"]) as provider,
        openai.OpenAI(base_url=provider.base_url, api_key="-") as client,
    ):
        messages: list[Any] = [{"role": "user", "content": "hello"}]
        first = client.chat.completions.create(model="m", messages=messages).choices[0]
        assert first.finish_reason == "tool_calls"
        messages.append(first.message.model_dump(exclude_none=True))
        calls: list[Any] = first.message.tool_calls or []
        assert [call.function.name for call in calls] == ["weather", "clock"]
        messages.append({"role": "tool", "tool_call_id": calls[1].id, "content": "noon"})
        with pytest.raises(openai.BadRequestError, match=f"did not have response messages: {calls[0].id}") as caught:
            client.chat.completions.create(model="m", messages=messages)
        assert caught.value.param == "messages.[3].role"
        messages.append({"role": "tool", "tool_call_id": calls[0].id, "content": "rain"})
        assert client.chat.completions.create(model="m", messages=messages).choices[0].message.content == "done"


def test_anthropic_says_what_the_script_says() -> None:
    import anthropic  # noqa: PLC0415

    with (
        FakeProvider("anthropic", [BATCH, "done"]) as provider,
        anthropic.Anthropic(base_url=provider.base_url, api_key="-") as client,
    ):
        messages: list[Any] = [{"role": "user", "content": "hello"}]
        first = client.messages.create(model="m", max_tokens=9, messages=messages)
        text, *uses = [block.to_dict() for block in first.content]
        assert text["text"] == "let me see"
        assert [(use["name"], use["input"]) for use in uses] == [("weather", {"city": "Malmö"}), ("clock", {})]
        messages.append({"role": "assistant", "content": first.content})
        with pytest.raises(
            anthropic.BadRequestError, match="`tool_use` ids were found without `tool_result`"
        ) as caught:
            client.messages.create(model="m", max_tokens=9, messages=[*messages, {"role": "user", "content": "and?"}])
        body: Any = caught.value.body
        assert (body["type"], body["error"]["type"]) == ("error", "invalid_request_error")
        results = [{"type": "tool_result", "tool_use_id": use["id"], "content": "1"} for use in uses]
        last = client.messages.create(
            model="m", max_tokens=9, messages=[*messages, {"role": "user", "content": results}]
        )
        assert last.stop_reason == "end_turn"


def test_gemini_says_what_the_script_says() -> None:
    from google import genai  # noqa: PLC0415

    with FakeProvider("gemini", [BATCH, "done"]) as provider:
        client = genai.Client(api_key="-", http_options=genai.types.HttpOptions(base_url=provider.base_url))
        first = client.models.generate_content(model="gemini-3-pro", contents="hello").candidates[0].content
        assert [part.thought_signature is not None for part in first.parts] == [False, True, False]
        calls = [part.function_call for part in first.parts[1:]]
        assert [(call.name, call.args) for call in calls] == [("weather", {"city": "Malmö"}), ("clock", {})]
        hello = genai.types.Content(role="user", parts=[genai.types.Part(text="hello")])
        with pytest.raises(genai.errors.ClientError, match="number of function response parts is equal") as caught:
            client.models.generate_content(model="gemini-3-pro", contents=[hello, first, hello])
        assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
        responses = [
            genai.types.Part(function_response=genai.types.FunctionResponse(id=call.id, name=call.name, response={}))
            for call in calls
        ]
        answered = genai.types.Content(role="user", parts=responses)
        first.parts[1].thought_signature = None
        with pytest.raises(genai.errors.ClientError, match="`default_api:weather` , position 2"):
            client.models.generate_content(model="gemini-3-pro", contents=[hello, first, answered])
        last = client.models.generate_content(model="gemini-2.5-pro", contents=[hello, first, answered])
        assert last.text == "done"
        client.close()


def stream_responses(base_url: str) -> tuple[str, list[tuple[str, Any]]]:
    import openai  # noqa: PLC0415

    with (
        openai.OpenAI(base_url=base_url, api_key="-") as client,
        client.responses.stream(model="m", input="hello") as stream,
    ):
        made = stream.get_final_response()
    calls = [(item.name, json.loads(item.arguments)) for item in made.output if item.type == "function_call"]
    return made.output_text, calls


def stream_chat(base_url: str) -> tuple[str, list[tuple[str, Any]]]:
    import openai  # noqa: PLC0415

    with (
        openai.OpenAI(base_url=base_url, api_key="-") as client,
        client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "hello"}]) as stream,
    ):
        message = stream.get_final_completion().choices[0].message
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()]
    return message.content or "", calls


def stream_anthropic(base_url: str) -> tuple[str, list[tuple[str, Any]]]:
    import anthropic  # noqa: PLC0415

    with (
        anthropic.Anthropic(base_url=base_url, api_key="-") as client,
        client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}]) as stream,
    ):
        made = stream.get_final_message()
    blocks = [block.to_dict() for block in made.content]
    calls = [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
    return "".join(block["text"] for block in blocks if block["type"] == "text"), calls


def stream_gemini(base_url: str) -> tuple[str, list[tuple[str, Any]]]:
    from google import genai  # noqa: PLC0415

    client = genai.Client(api_key="-", http_options=genai.types.HttpOptions(base_url=base_url))
    chunks = client.models.generate_content_stream(model="gemini-3-pro", contents="hello")
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
    client.close()
    calls = [(part.function_call.name, part.function_call.args) for part in parts if part.function_call]
    return "".join(part.text or "" for part in parts), calls


@pytest.mark.parametrize(
    ("format", "stream"),
    list(zip(FORMATS, (stream_responses, stream_chat, stream_anthropic, stream_gemini), strict=True)),
)
def test_a_stream_comes_to_the_same(
    format: str,  # noqa: A002
    stream: Callable[[str], tuple[str, list[tuple[str, Any]]]],
) -> None:
    with FakeProvider(format, [BATCH]) as provider:
        assert stream(provider.base_url) == ("let me see", [("weather", {"city": "Malmö"}), ("clock", {})])
    assert provider.refused == []


def test_a_path_that_is_not_faked_is_not_found() -> None:
    with FakeProvider("anthropic") as provider:
        status, body = post(provider, "/v1/models", {})
    assert (status, body["error"]["type"]) == (404, "not_found_error")
    assert provider.requests == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with FakeProvider("gemini") as provider:
        assert post(provider, "/v1beta/models/m:generateContent", body)[0] == 400


@pytest.mark.parametrize("format", FORMATS)
def test_an_answer_without_a_server(format: str) -> None:  # noqa: A002
    """The script is played, and each request kept, also where a test carries the bytes by itself."""
    provider = FakeProvider(format, ["hello"])
    path = {
        "openai.responses": "/v1/responses",
        "openai.chat": "/v1/chat/completions",
        "anthropic": "/v1/messages",
        "gemini": "/v1beta/models/m:generateContent",
    }[format]
    hello = {"role": "user", "content": "hi", "parts": [{"text": "hi"}]}
    del hello["content" if format == "gemini" else "parts"]
    request = provider.answer(path, {"contents" if format == "gemini" else "messages": [hello], "input": [hello]})
    assert (request.status, request.history) == (200, [hello])
    assert "hello" in json.dumps(request.response)
    assert provider.requests == [request]


def test_requests_at_once_get_one_reply_each() -> None:
    body = {"messages": [{"role": "user", "content": "hi"}]}
    with FakeProvider("openai.chat", map(str, range(20))) as provider:
        answers: list[str] = []

        def ask() -> None:
            status, said = post(provider, "/v1/chat/completions", body)
            answers.append(said["choices"][0]["message"]["content"] if status == 200 else str(status))

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(answers, key=int) == list(map(str, range(20)))


def test_wrong_use_says_what_to_do() -> None:
    with pytest.raises(codemode.UsageError, match="'mcp' is no provider's format; there are 'openai'"):
        FakeProvider("mcp")
    with pytest.raises(codemode.UsageError, match="with FakeProvider"):
        FakeProvider("gemini").base_url
    with pytest.raises(codemode.UsageError, match="the call of 'shell' has a text as its arguments"):
        FakeProvider("anthropic", [Reply(calls=[Call("shell", "ls")])])
