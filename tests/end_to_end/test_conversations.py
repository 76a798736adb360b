"""The situations that this project began with, with the real SDK of each provider and servers that refuse as it does.

A model's calls are run by `ToolDispatcher`, a `TranscriptGuard` keeps the conversation, and what it gives is sent as it
is. Each situation is shown a second time without the guard, where the provider refuses it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing

import codemode
from codemode.host.transcript.rules import misplaced
from codemode.testing.providers import Call, FakeProvider, Reply

ANSWER_S = 10.0
Item = dict[str, Any]
FOUR = ("search the tickets", "read the manual", "ask the archive", "count the orders")
DELEGATIONS = Reply(calls=[Call("delegate", {"task": task}) for task in FOUR])


class Wire:
    """One provider's SDK, and the dicts that its programs write."""

    format = ""
    Refused: type[Exception]
    """What the SDK raises for status 400."""

    def __init__(self, base_url: str) -> None:
        raise NotImplementedError

    def send(self, history: list[Any], tools: Sequence[Any] = ()) -> Any:
        """Asks the model, and gives its response as the SDK has it."""
        raise NotImplementedError

    def made(self, response: Any) -> list[Any]:
        """What of it belongs to the conversation: objects of the SDK."""
        raise NotImplementedError

    def plain(self, response: Any) -> list[Item]:
        """The same as dicts."""
        return [item.to_dict() for item in self.made(response)]

    def calls(self, response: Any) -> list[codemode.ToolInvocation]:
        raise NotImplementedError

    def user(self, text: str) -> Item:
        return {"role": "user", "content": text}

    def output(self, call: codemode.ToolInvocation, text: str, *, is_error: bool = False) -> Item:
        raise NotImplementedError

    def close(self) -> None:
        self.client.close()

    client: Any


class ResponsesWire(Wire):
    format = "openai.responses"

    def __init__(self, base_url: str) -> None:
        import openai  # noqa: PLC0415 - the SDKs take their time to load

        self.client = openai.OpenAI(base_url=base_url, api_key="-")
        self.Refused = openai.BadRequestError

    def send(self, history: list[Any], tools: Sequence[Any] = ()) -> Any:
        return self.client.responses.create(model="m", input=history, tools=tools)

    def made(self, response: Any) -> list[Any]:
        return list(response.output)

    def calls(self, response: Any) -> list[codemode.ToolInvocation]:
        calls = [item for item in response.output if item.type == "function_call"]
        return [codemode.ToolInvocation(call.call_id, call.name, arguments_json=call.arguments) for call in calls]

    def output(self, call: codemode.ToolInvocation, text: str, *, is_error: bool = False) -> Item:
        return {"type": "function_call_output", "call_id": call.call_id, "output": text}


class ChatWire(Wire):
    format = "openai.chat"

    def __init__(self, base_url: str) -> None:
        import openai  # noqa: PLC0415

        self.client = openai.OpenAI(base_url=base_url, api_key="-")
        self.Refused = openai.BadRequestError

    def send(self, history: list[Any], tools: Sequence[Any] = ()) -> Any:
        return self.client.chat.completions.create(model="m", messages=history, **({"tools": tools} if tools else {}))

    def made(self, response: Any) -> list[Any]:
        return [response.choices[0].message]

    def calls(self, response: Any) -> list[codemode.ToolInvocation]:
        return [
            codemode.ToolInvocation(call.id, call.function.name, arguments_json=call.function.arguments)
            for call in response.choices[0].message.tool_calls or ()
        ]

    def output(self, call: codemode.ToolInvocation, text: str, *, is_error: bool = False) -> Item:
        return {"role": "tool", "tool_call_id": call.call_id, "content": text}


class AnthropicWire(Wire):
    format = "anthropic"

    def __init__(self, base_url: str) -> None:
        import anthropic  # noqa: PLC0415

        self.client = anthropic.Anthropic(base_url=base_url, api_key="-")
        self.Refused = anthropic.BadRequestError

    def send(self, history: list[Any], tools: Sequence[Any] = ()) -> Any:
        return self.client.messages.create(model="m", max_tokens=99, messages=history, tools=tools)

    def made(self, response: Any) -> list[Any]:
        return [response]

    def plain(self, response: Any) -> list[Item]:
        return [{"role": "assistant", "content": [block.to_dict() for block in response.content]}]

    def calls(self, response: Any) -> list[codemode.ToolInvocation]:
        uses = [block for block in response.content if block.type == "tool_use"]
        return [codemode.ToolInvocation(use.id, use.name, use.input) for use in uses]

    def output(self, call: codemode.ToolInvocation, text: str, *, is_error: bool = False) -> Item:
        result = {"type": "tool_result", "tool_use_id": call.call_id, "content": text, "is_error": is_error}
        return {"role": "user", "content": [result]}


class GeminiWire(Wire):
    format = "gemini"

    def __init__(self, base_url: str) -> None:
        from google import genai  # noqa: PLC0415

        self.client = genai.Client(api_key="-", http_options=genai.types.HttpOptions(base_url=base_url))
        self.Refused = genai.errors.ClientError

    def send(self, history: list[Any], tools: Sequence[Any] = ()) -> Any:
        config = {"tools": list(tools)} if tools else None
        return self.client.models.generate_content(model="gemini-3-pro", contents=history, config=config)

    def made(self, response: Any) -> list[Any]:
        return [response.candidates[0].content]

    def plain(self, response: Any) -> list[Item]:
        content = response.candidates[0].content
        return [content.model_dump(mode="json", by_alias=True, exclude_none=True)]

    def calls(self, response: Any) -> list[codemode.ToolInvocation]:
        calls = [part.function_call for part in response.candidates[0].content.parts if part.function_call]
        return [codemode.ToolInvocation(call.id, call.name, call.args) for call in calls]

    def user(self, text: str) -> Item:
        return {"role": "user", "parts": [{"text": text}]}

    def output(self, call: codemode.ToolInvocation, text: str, *, is_error: bool = False) -> Item:
        response = {"id": call.call_id, "name": call.tool, "response": {"error" if is_error else "output": text}}
        return {"role": "user", "parts": [{"functionResponse": response}]}


WIRES = {wire.format: wire for wire in (ResponsesWire, ChatWire, AnthropicWire, GeminiWire)}


class Agent:
    """A program of few lines, as anybody's: it asks, runs what the model calls, and tells."""

    def __init__(self, wire: Wire, provider: FakeProvider, tools: codemode.ToolRegistry) -> None:
        self.wire = wire
        self.provider = provider
        self.guard = codemode.TranscriptGuard(wire.format)
        self.dispatcher = codemode.ToolDispatcher(tools)
        self.calls: list[codemode.ToolInvocation] = []
        """Of the last response."""
        self.calls_made: list[codemode.ToolInvocation] = []
        """Of all."""

    def hear(self, text: str) -> None:
        self.guard.add(self.wire.user(text))

    async def ask(self, tools: Sequence[Any] = ()) -> Any:
        """Sends the conversation and takes the response into it."""
        send = partial(self.wire.send, self.guard.history(), tools)
        response = await trio.to_thread.run_sync(send)
        self.guard.extend(self.wire.made(response))
        self.calls = self.wire.calls(response)
        self.calls_made += self.calls
        return response

    async def run_calls(self) -> list[codemode.ToolCallOutcome]:
        """Runs the calls of the last response together, and tells of each as it ends."""
        return await self.dispatcher.run(self.calls, on_outcome=self.tell)

    def tell(self, outcome: codemode.ToolCallOutcome) -> None:
        (call,) = (call for call in self.calls if call.call_id == outcome.call_id)
        if outcome.status == "cancelled":
            self.guard.cancel(outcome.call_id)
        elif outcome.error is not None:
            self.guard.add(self.wire.output(call, outcome.error.message, is_error=True))
        else:
            self.guard.add(self.wire.output(call, str(outcome.value)))

    @property
    def sent(self) -> list[Any]:
        """The history of the last request, as the provider saw it."""
        return self.provider.requests[-1].history

    def place(self, text: str) -> int:
        """Where in it a text stands: its line, when all of it is written out."""
        lines = json.dumps(self.sent, indent=1).splitlines()
        (found,) = (number for number, line in enumerate(lines) if json.dumps(text)[1:-1] in line)
        return found

    def assert_accepted(self) -> None:
        """All that was sent was taken, and kept the promise, which is stricter."""
        assert [request.problems for request in self.provider.refused] == []
        assert [misplaced(self.wire.format, request.history) for request in self.provider.requests] == [
            [] for _ in self.provider.requests
        ]
        assert self.guard.pending == []


def without_nulls(value: Any) -> Any:
    """The same without fields that say nothing."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


class Office:
    """Tools whose work begins and ends when a test says so."""

    def __init__(self) -> None:
        self.tools = codemode.ToolRegistry()
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.doors = {task: trio.Event() for task in FOUR}
        """Each delegation ends when its door is open."""
        self.all_begun = trio.Event()
        self.tools.tool(self.delegate)
        self.tools.tool(self.ask_a_person)
        self.tools.tool(self.break_down)

    async def delegate(self, task: str) -> str:
        """Gives a task to somebody else, and waits for what they say."""
        self.begun.append(task)
        if len(self.begun) == len(FOUR):
            self.all_begun.set()
        try:
            await self.doors[task].wait()
            return f"done: {task}"
        finally:
            self.ended.append(task)

    async def ask_a_person(self, question: str) -> str:
        """Asks somebody."""
        return f"no idea about {question}"

    async def break_down(self) -> None:
        """Fails."""
        raise RuntimeError("the line is dead")


MakeAgent = Callable[..., Agent]


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture(params=WIRES)
def make_agent(request: pytest.FixtureRequest, office: Office) -> Iterator[MakeAgent]:
    """Makes an agent whose model says this; on each provider."""
    opened: list[tuple[Wire, FakeProvider]] = []

    def make(*replies: Reply | str, tools: codemode.ToolRegistry | None = None) -> Agent:
        provider = FakeProvider(request.param, replies)
        provider.__enter__()
        wire = WIRES[request.param](provider.base_url)
        opened.append((wire, provider))
        return Agent(wire, provider, tools or office.tools)

    yield make
    for wire, provider in opened:
        wire.close()
        provider.__exit__(None, None, None)


async def test_normal_flow_is_untouched(make_agent: MakeAgent) -> None:
    first, second = (Reply(f"let me ask {n}", [Call("ask_a_person", {"question": f"question {n}"})]) for n in (1, 2))
    agent = make_agent(first, second, "nobody knows", "goodbye")
    by_hand: list[Any] = []

    def add(*items: Item) -> None:
        by_hand.extend(items)
        agent.guard.extend(items)

    add(agent.wire.user("what is it?"))
    for _ in range(2):
        response = await trio.to_thread.run_sync(agent.wire.send, agent.guard.history())
        add(*agent.wire.plain(response))
        (call,) = agent.wire.calls(response)
        (outcome,) = await agent.dispatcher.run([call])
        add(agent.wire.output(call, str(outcome.value)))
        assert agent.sent == by_hand[: len(agent.sent)]
    response = await trio.to_thread.run_sync(agent.wire.send, agent.guard.history())
    add(*agent.wire.plain(response), agent.wire.user("thank you"))

    assert agent.guard.history() == by_hand
    await trio.to_thread.run_sync(agent.wire.send, by_hand)
    assert agent.sent == by_hand
    assert {entry.what for entry in agent.guard.log} == {"added", "answered", "sent"}
    agent.assert_accepted()


async def test_objects_of_the_sdk_arrive_as_its_dicts_would(make_agent: MakeAgent) -> None:
    reply = Reply("let me ask", [Call("ask_a_person", {"question": "Malmö?"})], reasoning="a person may know")
    agent = make_agent(reply, "nobody knows", "really")
    agent.hear("what is it?")
    response = await agent.ask()
    await agent.run_calls()
    await agent.ask()
    by_guard = agent.sent
    plain = agent.wire.plain(response)
    by_hand = [agent.wire.user("what is it?"), *plain, agent.wire.output(agent.calls_made[0], "no idea about Malmö?")]
    await trio.to_thread.run_sync(agent.wire.send, by_hand)
    assert without_nulls(by_guard) == without_nulls(agent.sent)
    agent.assert_accepted()


async def test_a_user_message_in_the_middle_of_a_tool_call_waits_for_its_output(
    make_agent: MakeAgent, office: Office
) -> None:
    agent = make_agent(Reply(calls=[Call("delegate", {"task": FOUR[0]})]), "both done")
    agent.hear("find it")
    await agent.ask()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(agent.run_calls)
        await trio.testing.wait_all_tasks_blocked()
        assert office.begun == [FOUR[0]]
        (entry,) = agent.guard.add(agent.wire.user("and hurry up"))
        assert entry.what == "held"
        assert agent.guard.pending == [agent.calls[0].call_id]
        office.doors[FOUR[0]].set()
    await agent.ask()
    assert agent.place("find it") < agent.place(f"done: {FOUR[0]}") < agent.place("and hurry up")
    agent.assert_accepted()


async def test_an_interrupted_call_is_answered_with_tool_cancelled(make_agent: MakeAgent, office: Office) -> None:
    agent = make_agent(Reply(calls=[Call("delegate", {"task": FOUR[0]})]), "as you like")
    agent.hear("find it")
    await agent.ask()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(agent.run_calls)
            await trio.testing.wait_all_tasks_blocked()
            agent.hear("no, stop")
            scope.cancel()
    assert office.ended == [FOUR[0]]
    await agent.ask()
    assert agent.place("find it") < agent.place("Tool cancelled") < agent.place("no, stop")
    agent.assert_accepted()


async def test_a_call_is_cancelled_before_it_ran(make_agent: MakeAgent, office: Office) -> None:
    """The program was restarted, or the person said no: nothing runs any more, and the conversation goes on."""
    agent = make_agent(DELEGATIONS, "as you like")
    agent.hear("find it")
    await agent.ask()
    agent.guard.cancel()
    agent.hear("something else, then")
    await agent.ask()
    assert json.dumps(agent.sent).count("Tool cancelled") == 4
    assert office.begun == []
    agent.assert_accepted()


async def test_four_delegations_run_in_parallel_and_come_back_in_the_order_asked_for(
    make_agent: MakeAgent, office: Office
) -> None:
    agent = make_agent(DELEGATIONS, "all done")
    agent.hear("find it everywhere")
    await agent.ask()
    outcomes: list[codemode.ToolCallOutcome] = []

    async def run() -> None:
        outcomes.extend(await agent.run_calls())

    with trio.fail_after(ANSWER_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await office.all_begun.wait()
            assert office.ended == []
            for task in reversed(FOUR):
                office.doors[task].set()
                await trio.testing.wait_all_tasks_blocked()
    assert office.ended == list(reversed(FOUR))
    assert [outcome.value for outcome in outcomes] == [f"done: {task}" for task in FOUR]
    await agent.ask()
    places = [agent.place(f"done: {task}") for task in FOUR]
    assert places == sorted(places)
    agent.assert_accepted()


async def test_a_cancelled_parallel_batch_leaves_a_history_that_the_provider_accepts(
    make_agent: MakeAgent, office: Office
) -> None:
    agent = make_agent(DELEGATIONS, "half of it, then")
    agent.hear("find it everywhere")
    await agent.ask()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(agent.run_calls)
            with trio.fail_after(ANSWER_S):
                await office.all_begun.wait()
            for task in (FOUR[3], FOUR[1]):
                office.doors[task].set()
            agent.hear("that is enough")
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    assert agent.guard.pending == []
    await agent.ask()
    assert [f"done: {task}" in json.dumps(agent.sent) for task in FOUR] == [False, True, False, True]
    assert json.dumps(agent.sent).count("Tool cancelled") == 2
    assert agent.place(f"done: {FOUR[1]}") < agent.place(f"done: {FOUR[3]}") < agent.place("that is enough")
    agent.assert_accepted()


async def test_one_failing_call_harms_no_sibling(make_agent: MakeAgent) -> None:
    agent = make_agent(
        Reply(
            calls=[
                Call("break_down", {}),
                Call("ask_a_person", {"question": "this"}),
                Call("no_such_tool", {}),
                Call("ask_a_person", {"query": "that"}),
                Call("ask_a_person", {"question": "the rest"}),
            ]
        ),
        "I see",
    )
    agent.hear("ask around")
    await agent.ask()
    outcomes = await agent.run_calls()
    codes = [None if outcome.error is None else outcome.error.code for outcome in outcomes]
    assert codes == ["tool_failed", None, "tool_not_found", "invalid_arguments", None]
    await agent.ask()
    places = [agent.place(text) for text in ("the line is dead", "no idea about this", "no idea about the rest")]
    assert places == sorted(places)
    agent.assert_accepted()


async def test_an_output_that_comes_after_the_cancel_is_dropped(make_agent: MakeAgent) -> None:
    agent = make_agent(Reply(calls=[Call("ask_a_person", {"question": "this"})]), "as you like", "still here")
    agent.hear("ask somebody")
    await agent.ask()
    (call,) = agent.calls
    agent.guard.cancel(call.call_id)
    agent.hear("forget it")
    await agent.ask()
    for _ in range(2):
        (entry,) = agent.guard.add(agent.wire.output(call, "too late"))
        assert (entry.what, entry.call_ids) == ("dropped", (call.call_id,))
    agent.hear("are you there?")
    await agent.ask()
    assert "too late" not in json.dumps(agent.sent)
    agent.assert_accepted()


async def test_calls_that_a_stream_gives_one_by_one_become_one_batch(make_agent: MakeAgent) -> None:
    """As Responses and Gemini stream them; of Gemini's only the first is signed, so they must become one content."""
    agent = make_agent(DELEGATIONS, "all done")
    agent.hear("find it everywhere")
    response = await trio.to_thread.run_sync(agent.wire.send, agent.guard.history())
    agent.calls = agent.wire.calls(response)
    for item in agent.wire.plain(response):
        match item:
            case {"parts": parts}:
                agent.guard.extend({"role": "model", "parts": [part]} for part in parts)
            case {"content": list(blocks)}:
                agent.guard.extend(blocks)
            case _:
                agent.guard.add(item)
    for call in reversed(agent.calls):
        agent.guard.add(agent.wire.output(call, f"done by {call.call_id}"))
    await agent.ask()
    assert len(agent.sent) == {"openai.responses": 9, "openai.chat": 6, "anthropic": 3, "gemini": 3}[agent.wire.format]
    agent.assert_accepted()


async def test_exec_and_wait_are_called_by_the_model(make_agent: MakeAgent) -> None:
    """A script yields, is waited for, and two calls of exec are made at once; all through `Session.call_tool`."""
    tools = codemode.ToolRegistry()
    gate = trio.Event()

    @tools.tool
    async def slow_sum(numbers: list[int]) -> int:
        """Adds numbers."""
        await gate.wait()
        return sum(numbers)

    source = 'text("begun"); text(await tools.slow_sum({numbers: [1, 2, 39]}))'
    agent = make_agent(
        Reply("a script", [Call("exec", {"source": source, "yield_time_ms": 0})]),
        Reply(calls=[Call("wait", {"cell_id": "1"}), Call("exec", {"source": "text(6 * 7 + 1)"}), Call("wait", {})]),
        "42 and 43",
        tools=tools,
    )
    agent.hear("add them")
    with trio.fail_after(30):
        async with codemode.open_session(tools) as session:
            specs = session.tool_specs(agent.wire.format)

            async def run(call: codemode.ToolInvocation) -> None:
                arguments: Any = call.arguments if call.arguments_json is None else call.arguments_json
                reply = await session.call_tool(call.tool, arguments, format=agent.wire.format)
                agent.guard.add(agent.wire.output(call, reply.text, is_error=reply.is_error))

            await agent.ask(specs)
            while agent.calls:
                async with trio.open_nursery() as nursery:
                    for call in agent.calls:
                        nursery.start_soon(run, call)
                gate.set()
                await agent.ask(specs)
    told = json.dumps(agent.sent)
    assert told.index("Script running with cell ID 1") < told.index("42") < told.index("43") < told.index("give one of")
    agent.assert_accepted()


# ── Without the guard ────────────────────────────────────────────────────────────────────────────────────────────────

NO_OUTPUT = {
    "openai.responses": "No tool output found for function call",
    "openai.chat": "must be followed by tool messages responding to each 'tool_call_id'",
    "anthropic": "`tool_use` ids were found without `tool_result` blocks immediately after",
    "gemini": "number of function response parts is equal to the number of function call parts",
}
NO_CALL = {
    "openai.responses": "No tool call found for function call output with call_id",
    "openai.chat": "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'",
    "anthropic": "unexpected `tool_use_id` found in `tool_result` blocks",
    "gemini": "function response turn comes immediately after a function call turn",
}


async def refused_without_the_guard(
    make_agent: MakeAgent,
    continued: Callable[[Wire, list[Item], list[codemode.ToolInvocation]], list[Item]],
    sentences: Mapping[str, str],
) -> None:
    """Sends what a program without a guard would: refused with that sentence, but where there is none."""
    agent = make_agent(DELEGATIONS, "fine")
    wire = agent.wire
    history = [wire.user("find it everywhere")]
    response = await trio.to_thread.run_sync(wire.send, history)
    calls = wire.calls(response)
    history = continued(wire, [*history, *wire.plain(response)], calls)
    if wire.format not in sentences:
        await trio.to_thread.run_sync(wire.send, history)
        return
    with pytest.raises(wire.Refused) as caught:
        await trio.to_thread.run_sync(wire.send, history)
    assert sentences[wire.format] in str(caught.value)
    assert [request.status for request in agent.provider.requests] == [200, 400]

    kept = codemode.TranscriptGuard(wire.format)
    kept.extend(history)
    kept.cancel()
    await trio.to_thread.run_sync(wire.send, kept.history())


async def test_without_the_guard_a_message_instead_of_the_outputs_is_refused(make_agent: MakeAgent) -> None:
    await refused_without_the_guard(
        make_agent, lambda wire, history, calls: [*history, wire.user("and hurry up")], NO_OUTPUT
    )


async def test_without_the_guard_a_message_before_the_outputs_is_refused(make_agent: MakeAgent) -> None:
    """OpenAI's Responses API takes it."""
    sentences = {format_: text for format_, text in NO_OUTPUT.items() if format_ != "openai.responses"}
    await refused_without_the_guard(
        make_agent,
        lambda wire, history, calls: [
            *history,
            wire.user("and hurry up"),
            *(wire.output(call, "done") for call in calls),
        ],
        sentences,
    )


async def test_without_the_guard_half_a_batch_is_refused(make_agent: MakeAgent) -> None:
    await refused_without_the_guard(
        make_agent,
        lambda wire, history, calls: [
            *history,
            *(wire.output(call, "done") for call in calls[:2]),
            wire.user("enough"),
        ],
        NO_OUTPUT,
    )


async def test_without_the_guard_a_late_output_is_refused(make_agent: MakeAgent) -> None:
    """Each call was answered, in the provider's form, and one is answered again later."""

    def continued(wire: Wire, history: list[Item], calls: list[codemode.ToolInvocation]) -> list[Item]:
        guard = codemode.TranscriptGuard(wire.format)
        guard.extend(history)
        guard.cancel()
        return [*guard.history(), wire.user("enough"), wire.output(calls[0], "too late")]

    sentences = {format_: text for format_, text in NO_CALL.items() if format_ != "openai.responses"}
    await refused_without_the_guard(make_agent, continued, sentences)


async def test_without_the_guard_an_output_whose_call_was_cut_off_is_refused(make_agent: MakeAgent) -> None:
    """As when a program keeps the last so many items only."""
    await refused_without_the_guard(
        make_agent,
        lambda wire, history, calls: [history[0], *(wire.output(call, "done") for call in calls)],
        NO_CALL,
    )
