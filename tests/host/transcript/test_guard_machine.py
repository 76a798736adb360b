"""A conversation in each format, under whatever a model, its tools and its users do in any order.

What is known here of a guard: a call gets the first output that was given for it, also one that came too early, or that
of a cancellation. What the model says stays in its order, and so does what users say. Everything else is asked of
`rules`, which say what the provider refuses and what the guard promises beyond that.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import codemode
from codemode import TranscriptGuard, TranscriptReplay
from codemode.host.transcript.rules import misplaced, problems

Item = dict[str, Any]
Token = tuple[str, str]
"""What a history says, in whatever format: (`call`, its id), or `output`, `user`, `model` or `thought` and its text."""

SIGNATURE = b"\xffsigned\x00"


class Dialect:
    """How one provider's items are written and read."""

    format: str
    thinks = False
    """Has items of thought, which must come right before what they lead to."""
    goes_on = False
    """Calls of one response may come in several items."""

    def user(self, text: str) -> Item:
        return {"role": "user", "content": text}

    def model(self, text: str) -> Item:
        return {"role": "assistant", "content": text}

    def calls(self, ids: list[str], *, continued: bool) -> list[Item]:
        raise NotImplementedError

    def outputs(self, answers: list[tuple[str, str]], text: str | None) -> list[Item]:
        raise NotImplementedError

    def read(self, item: Item) -> Iterator[Token]:
        raise NotImplementedError


class Responses(Dialect):
    format = "openai.responses"
    thinks = goes_on = True

    def calls(self, ids: list[str], *, continued: bool) -> list[Item]:
        return [{"type": "function_call", "call_id": i, "name": "f", "arguments": "{}"} for i in ids]

    def thought(self, text: str) -> Item:
        return {"type": "reasoning", "id": text, "summary": [], "encrypted_content": "sealed"}

    def outputs(self, answers: list[tuple[str, str]], text: str | None) -> list[Item]:
        made = [{"type": "function_call_output", "call_id": i, "output": output} for i, output in answers]
        return made if text is None else [*made, self.user(text)]

    def read(self, item: Item) -> Iterator[Token]:
        match item:
            case {"type": "function_call", "call_id": call_id}:
                yield "call", call_id
            case {"type": "function_call_output", "output": text}:
                yield "output", text
            case {"type": "reasoning", "id": text}:
                yield "thought", text
            case {"role": role, "content": text}:
                yield "model" if role == "assistant" else "user", text


class Chat(Dialect):
    format = "openai.chat"

    def calls(self, ids: list[str], *, continued: bool) -> list[Item]:
        calls = [{"id": i, "type": "function", "function": {"name": "f", "arguments": "{}"}} for i in ids]
        return [{"role": "assistant", "content": None, "tool_calls": calls}]

    def outputs(self, answers: list[tuple[str, str]], text: str | None) -> list[Item]:
        made = [{"role": "tool", "tool_call_id": i, "content": output} for i, output in answers]
        return made if text is None else [*made, self.user(text)]

    def read(self, item: Item) -> Iterator[Token]:
        match item:
            case {"role": "assistant", "tool_calls": calls}:
                yield from (("call", call["id"]) for call in calls)
            case {"role": "tool", "content": text}:
                yield "output", text
            case {"role": role, "content": text}:
                yield "model" if role == "assistant" else "user", text


class Anthropic(Dialect):
    format = "anthropic"
    goes_on = True

    def calls(self, ids: list[str], *, continued: bool) -> list[Item]:
        blocks: list[Item] = [{"type": "tool_use", "id": i, "name": "f", "input": {}} for i in ids]
        if continued:
            return blocks
        return [{"role": "assistant", "content": [{"type": "thinking", "thinking": "…", "signature": "s"}, *blocks]}]

    def outputs(self, answers: list[tuple[str, str]], text: str | None) -> list[Item]:
        blocks: list[Item] = [{"type": "tool_result", "tool_use_id": i, "content": output} for i, output in answers]
        if text is not None:
            blocks.insert(0, {"type": "text", "text": text})
        return [{"role": "user", "content": blocks}]

    def read(self, item: Item) -> Iterator[Token]:
        if isinstance(item["content"], str):
            yield "model" if item["role"] == "assistant" else "user", item["content"]
            return
        for block in item["content"]:
            match block:
                case {"type": "tool_use", "id": call_id}:
                    yield "call", call_id
                case {"type": "tool_result", "content": text}:
                    yield "output", text
                case {"type": "text", "text": text}:
                    yield "user", text
                case _:
                    assert block == {"type": "thinking", "thinking": "…", "signature": "s"}
                    assert item["role"] == "assistant"


class Gemini(Dialect):
    format = "gemini"
    goes_on = True
    call, response, signature, has_ids = "functionCall", "functionResponse", "thoughtSignature", True

    def user(self, text: str) -> Item:
        return {"role": "user", "parts": [{"text": text}]}

    def model(self, text: str) -> Item:
        return {"role": "model", "parts": [{"text": text}]}

    def named(self, call_id: str, **fields: Any) -> Item:
        return {"id": call_id, "name": "f", **fields} if self.has_ids else {"name": call_id, **fields}

    def calls(self, ids: list[str], *, continued: bool) -> list[Item]:
        parts: list[Item] = [{self.call: self.named(i, args={})} for i in ids]
        if not continued:
            parts[0] = {**parts[0], self.signature: SIGNATURE}
        return [{"role": "model", "parts": parts}]

    def outputs(self, answers: list[tuple[str, str]], text: str | None) -> list[Item]:
        parts = [{self.response: self.named(i, response={"output": output})} for i, output in answers]
        return [{"role": "user", "parts": parts if text is None else [{"text": text}, *parts]}]

    def read(self, item: Item) -> Iterator[Token]:
        for part in item["parts"]:
            if self.call in part:
                yield "call", part[self.call]["id" if self.has_ids else "name"]
            elif self.response in part:
                response = part[self.response]["response"]
                yield "output", response.get("output", response.get("error"))
            else:
                yield "model" if item["role"] == "model" else "user", part["text"]


class GeminiWithoutIds(Gemini):
    call, response, signature, has_ids = "function_call", "function_response", "thought_signature", False


@dataclass
class Call:
    """One that was made."""

    key: str
    """The id, or the name of one without."""
    call_id: str
    """By which the guard knows it."""
    output: str | None = None


class Conversation(RuleBasedStateMachine):
    """One guard, and what was said to it."""

    dialect: Dialect

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.guard = TranscriptGuard(self.dialect.format, clock=lambda: self.now)
        self.made: list[Call] = []
        self.ended: set[str] = set()
        self.early: dict[str, list[str]] = {}
        self.said: dict[str, list[str]] = {"user": [], "model": [], "thought": []}
        self.words = 0
        self.responding = False
        """The model has made calls, and may make more in the same response."""
        self.thinking = False
        """The model's last item leads to one that has not come."""
        self.sent: list[list[Item]] = []

    # ── what is said ────────────────────────────────────────────────────────────────────────────────────────

    def word(self) -> str:
        self.words += 1
        return f"w{self.words}"

    def add(self, item: Item) -> None:
        """Adds it, and spoils the caller's dict, which the guard must not hold."""
        self.now += 1
        given = copy.deepcopy(item)
        entries = self.guard.add(given)
        given.clear()
        assert entries == self.guard.log[-len(entries) :]
        assert entries[0].item == item
        assert all(entry.at_s == self.now for entry in entries)

    @initialize()
    def begin(self) -> None:
        self.say()

    @rule()
    def say(self) -> None:
        self.responding = self.responding and bool(self.open)  # else it is another response that goes on
        self.said["user"].append(self.word())
        self.add(self.dialect.user(self.said["user"][-1]))

    @rule()
    def speak(self) -> None:
        self.responding = self.thinking = False
        self.said["model"].append(self.word())
        self.add(self.dialect.model(self.said["model"][-1]))

    @precondition(lambda self: self.dialect.thinks)
    @rule()
    def think(self) -> None:
        assert isinstance(self.dialect, Responses)
        self.thinking = True
        self.said["thought"].append(self.word())
        self.add(self.dialect.thought(self.said["thought"][-1]))

    @rule(count=st.integers(1, 3))
    def call(self, count: int) -> None:
        self.make([f"c{len(self.made) + i}" for i in range(count)], continued=False)
        self.responding = True

    @precondition(lambda self: self.responding and self.dialect.goes_on)
    @rule(count=st.integers(1, 2))
    def call_more(self, count: int) -> None:
        self.make([f"c{len(self.made) + i}" for i in range(count)], continued=True)

    @rule(data=st.data())
    def call_by_an_id_that_was_used(self, data: st.DataObject) -> None:
        """As local models do."""
        if self.ended:
            self.make([data.draw(st.sampled_from(sorted(self.ended)))], continued=False)
            self.responding = True

    def make(self, keys: list[str], *, continued: bool) -> None:
        self.thinking = False
        for key in keys:
            has_id = not isinstance(self.dialect, GeminiWithoutIds)
            call = Call(key, key if has_id else f"{key}#{len(self.made) + 1}")
            self.made.append(call)
            if waiting := self.early.get(key):
                self.end(call, waiting.pop(0))
                if not waiting:
                    del self.early[key]
        for item in self.dialect.calls(keys, continued=continued):
            self.add(item)

    def end(self, call: Call, output: str) -> None:
        call.output = output
        self.ended.add(call.key)

    @rule(data=st.data(), with_text=st.booleans())
    def answer(self, data: st.DataObject, with_text: bool) -> None:
        """Open calls, calls that have ended, and calls that have not been made, in one message where there is such."""
        keys = sorted({call.key for call in self.made}) + [f"c{len(self.made) + i}" for i in range(3)]
        chosen = data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=4))
        answers = [(key, self.word()) for key in chosen]
        for key, output in answers:
            self.give(key, output)
        text = self.word() if with_text else None
        if text is not None:
            self.responding = self.responding and bool(self.open)
            self.said["user"].append(text)
        for item in self.dialect.outputs(answers, text):
            self.add(item)

    @rule()
    def answer_all(self) -> None:
        answers = [(call.key, self.word()) for call in self.open]
        for key, output in answers:
            self.give(key, output)
        for item in self.dialect.outputs(answers, None) if answers else []:
            self.add(item)

    def give(self, key: str, output: str) -> None:
        for call in self.open:
            if call.key == key:
                self.end(call, output)
                return
        if key not in self.ended and (key not in self.early or isinstance(self.dialect, GeminiWithoutIds)):
            self.early.setdefault(key, []).append(output)

    @rule(data=st.data())
    def cancel_one(self, data: st.DataObject) -> None:
        if self.open:
            call_id = data.draw(st.sampled_from([call.call_id for call in self.open]))
            self.guard.cancel(call_id)
            self.end(next(call for call in self.open if call.call_id == call_id), "Tool cancelled")

    @rule()
    def cancel_all(self) -> None:
        self.guard.cancel()
        for call in self.open:
            self.end(call, "Tool cancelled")

    @precondition(lambda self: not self.thinking)
    @rule()
    def send(self) -> None:
        self.responding = False
        self.sent.append(self.guard.history())

    # ── what must be true ───────────────────────────────────────────────────────────────────────────────────

    @property
    def open(self) -> list[Call]:
        return [call for call in self.made if call.output is None]

    @invariant()
    def pending_are_the_open_calls(self) -> None:
        assert self.guard.pending == [call.call_id for call in self.open]

    @invariant()
    def what_may_be_sent_is_valid(self) -> None:
        items = copy.deepcopy(self.guard).history()
        assert misplaced(self.dialect.format, items) == []
        tokens = [token for item in items for token in self.dialect.read(item)]
        shown = [self.made[place] for place in range(sum(kind == "call" for kind, _ in tokens))]
        outputs = [text for kind, text in tokens if kind == "output"]
        assert [key for kind, key in tokens if kind == "call"] == [call.key for call in shown]
        assert outputs == [call.output for call in shown][: len(outputs)]
        for kind, said in self.said.items():
            told = [text for of, text in tokens if of == kind]
            assert told == said[: len(told)]
        last_calls = len(shown) - len(outputs)
        if self.open:
            bridges = ("thought", "model") if isinstance(self.dialect, Gemini) else ("thought",)
            assert [kind for kind, _ in tokens if kind not in bridges][-last_calls:] == ["call"] * last_calls
            assert any(call.output is None for call in shown[len(outputs) :])
        else:
            assert len(shown) == len(outputs) == len(self.made)
            assert {kind: [text for of, text in tokens if of == kind] for kind in self.said} == self.said
            if not self.thinking:
                refused = problems(self.dialect.format, items)
                assert [one for one in refused if "unique" not in one.message and "end" not in one.message] == []

    @invariant()
    def nothing_comes_or_goes_unsaid(self) -> None:
        whats = [entry.what for entry in self.guard.log]
        held = [entry for entry in self.guard.log if entry.what == "held"]
        flushed = {entry.about for entry in self.guard.log if entry.what == "flushed"}
        if not self.open and not self.thinking:
            assert {entry.about or entry.number for entry in held} <= flushed
        assert [entry.number for entry in self.guard.log] == list(range(1, len(whats) + 1))

    def teardown(self) -> None:
        self.guard.cancel()
        if self.thinking:
            self.speak()
        self.sent.append(self.guard.history())
        for call in self.open:
            self.end(call, "Tool cancelled")
        self.thinking = False
        self.what_may_be_sent_is_valid()
        replay = TranscriptReplay(json.loads(json.dumps(self.guard.dump())))
        assert replay.changed == ()
        assert replay.entries == list(self.guard.log)
        assert [sent.items for sent in replay.histories()] == self.sent
        assert replay.guard.history() == self.guard.history()


@pytest.mark.parametrize(
    "dialect", [Responses(), Chat(), Anthropic(), Gemini(), GeminiWithoutIds()], ids=lambda d: type(d).__name__
)
def test_a_conversation_stays_valid_whatever_comes_in_whatever_order(dialect: Dialect) -> None:
    machine = type("Conversation", (Conversation,), {"dialect": dialect})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_the_names_are_public() -> None:
    assert {"TranscriptGuard", "TranscriptReplay", "TranscriptEntry"} <= set(codemode.__all__)
