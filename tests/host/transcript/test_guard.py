"""What a guard does with every provider's items alike. What only one provider has is beside this, by its name."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import codemode
import codemode.aio
import codemode.blocking
from codemode import TranscriptGuard, UsageError
from codemode.host.transcript.guard import MAX_EARLY

Item = dict[str, Any]


@dataclass(frozen=True)
class Wire:
    """How one provider's items are written."""

    format: str
    user: Callable[[str], Item]
    calls: Callable[[list[str]], list[Item]]
    outputs: Callable[[dict[str, str]], list[Item]]
    """As the provider wants them after a batch."""
    cancelled: Callable[[list[str]], list[Item]]

    def output(self, call_id: str, text: str) -> Item:
        """One by itself."""
        (item,) = self.outputs({call_id: text})
        return item

    def guard(self) -> TranscriptGuard:
        return TranscriptGuard(self.format)


def said_by_user(text: str) -> Item:
    return {"role": "user", "content": text}


def anthropic_results(outputs: dict[str, str], **more: Any) -> list[Item]:
    blocks = [{"type": "tool_result", "tool_use_id": i, "content": text, **more} for i, text in outputs.items()]
    return [{"role": "user", "content": blocks}]


def gemini_responses(outputs: dict[str, str], key: str = "output") -> list[Item]:
    parts = [{"functionResponse": {"id": i, "name": "f", "response": {key: text}}} for i, text in outputs.items()]
    return [{"role": "user", "parts": parts}]


RESPONSES = Wire(
    "openai.responses",
    user=said_by_user,
    calls=lambda ids: [{"type": "function_call", "call_id": i, "name": "f", "arguments": "{}"} for i in ids],
    outputs=lambda outs: [{"type": "function_call_output", "call_id": i, "output": o} for i, o in outs.items()],
    cancelled=lambda ids: RESPONSES.outputs(dict.fromkeys(ids, "Tool cancelled")),
)
CHAT = Wire(
    "openai.chat",
    user=said_by_user,
    calls=lambda ids: [
        {
            "role": "assistant",
            "tool_calls": [{"id": i, "type": "function", "function": {"name": "f", "arguments": "{}"}} for i in ids],
        }
    ],
    outputs=lambda outs: [{"role": "tool", "tool_call_id": i, "content": o} for i, o in outs.items()],
    cancelled=lambda ids: CHAT.outputs(dict.fromkeys(ids, "Tool cancelled")),
)
ANTHROPIC = Wire(
    "anthropic",
    user=said_by_user,
    calls=lambda ids: [
        {"role": "assistant", "content": [{"type": "tool_use", "id": i, "name": "f", "input": {}} for i in ids]}
    ],
    outputs=anthropic_results,
    cancelled=lambda ids: anthropic_results(dict.fromkeys(ids, "Tool cancelled"), is_error=True),
)
GEMINI = Wire(
    "gemini",
    user=lambda text: {"role": "user", "parts": [{"text": text}]},
    calls=lambda ids: [{"role": "model", "parts": [{"functionCall": {"id": i, "name": "f", "args": {}}} for i in ids]}],
    outputs=gemini_responses,
    cancelled=lambda ids: gemini_responses(dict.fromkeys(ids, "Tool cancelled"), "error"),
)


@pytest.fixture(params=[RESPONSES, CHAT, ANTHROPIC, GEMINI], ids=lambda wire: wire.format)
def wire(request: pytest.FixtureRequest) -> Wire:
    return request.param


def whats(guard: TranscriptGuard) -> list[str]:
    return [entry.what for entry in guard.log]


# ── the situations that this began with ─────────────────────────────────────────────────────────────────────────


def test_normal_flow_is_untouched(wire: Wire) -> None:
    items = [
        wire.user("begin"),
        *wire.calls(["a", "b"]),
        *wire.outputs({"a": "1", "b": "2"}),
        wire.user("and now"),
        *wire.calls(["c"]),
        *wire.outputs({"c": "3"}),
    ]
    guard = wire.guard()
    for item in items:
        guard.add(item)
    assert guard.history() == items
    assert guard.pending == []
    assert not {"held", "flushed", "dropped", "early"} & set(whats(guard))


def test_a_user_message_in_the_middle_of_a_tool_call_waits_for_its_output(wire: Wire) -> None:
    guard = wire.guard()
    before = [wire.user("begin"), *wire.calls(["a"])]
    guard.extend(before)
    (entry,) = guard.add(wire.user("wait, one more thing"))
    assert (entry.what, entry.reason) == ("held", "no output of a")
    assert guard.history() == before
    guard.add(wire.output("a", "done"))
    assert guard.history() == [*before, *wire.outputs({"a": "done"}), wire.user("wait, one more thing")]


def test_messages_that_wait_come_in_the_order_in_which_they_were_said(wire: Wire) -> None:
    guard = wire.guard()
    guard.extend([wire.user("begin"), *wire.calls(["a"])])
    said = [wire.user(f"message {number}") for number in range(5)]
    guard.extend(said)
    guard.add(wire.output("a", "done"))
    assert guard.history()[-5:] == said


def test_outputs_come_in_the_order_asked_for_however_they_arrive(wire: Wire) -> None:
    guard = wire.guard()
    guard.extend([wire.user("delegate"), *wire.calls(["a", "b", "c", "d"])])
    for call_id in "cadb":
        assert guard.history() == [wire.user("delegate"), *wire.calls(["a", "b", "c", "d"])]
        guard.add(wire.output(call_id, call_id.upper()))
    outputs = wire.outputs({"a": "A", "b": "B", "c": "C", "d": "D"})
    assert guard.history() == [wire.user("delegate"), *wire.calls(["a", "b", "c", "d"]), *outputs]


def test_a_cancelled_batch_is_answered_whole(wire: Wire) -> None:
    guard = wire.guard()
    guard.extend([wire.user("begin"), *wire.calls(["a", "b"]), wire.user("stop")])
    entries = guard.cancel()
    assert [(entry.what, entry.call_ids) for entry in entries] == [("cancelled", ("a", "b")), ("flushed", ())]
    assert guard.pending == []
    assert guard.history() == [
        wire.user("begin"),
        *wire.calls(["a", "b"]),
        *wire.cancelled(["a", "b"]),
        wire.user("stop"),
    ]


def test_one_call_is_cancelled_and_its_sibling_keeps_its_output(wire: Wire) -> None:
    guard = wire.guard()
    guard.extend([wire.user("begin"), *wire.calls(["a", "b"]), wire.output("b", "B")])
    guard.cancel("a")
    outputs = [*wire.cancelled(["a"]), *wire.outputs({"b": "B"})]
    if wire in (ANTHROPIC, GEMINI):  # in one message
        key = "content" if wire is ANTHROPIC else "parts"
        outputs = [{"role": "user", key: [part for item in outputs for part in item[key]]}]
    assert guard.history()[-len(outputs) :] == outputs


def test_an_output_after_the_cancellation_is_dropped_as_late(wire: Wire) -> None:
    guard = wire.guard()
    guard.extend([wire.user("begin"), *wire.calls(["a"])])
    (cancelled,) = guard.cancel("a")
    before = guard.history()
    (entry,) = guard.add(wire.output("a", "finished after all"))
    assert (entry.what, entry.call_ids) == ("dropped", ("a",))
    assert entry.reason == f"late: the call was cancelled in entry {cancelled.number}"
    assert guard.history() == before


def test_a_second_output_is_dropped(wire: Wire) -> None:
    guard = wire.guard()
    guard.extend([wire.user("begin"), *wire.calls(["a", "b"])])
    (first,) = guard.add(wire.output("a", "first"))
    (entry,) = guard.add(wire.output("a", "second"))
    assert (entry.what, entry.reason) == ("dropped", f"second: the call was answered in entry {first.number}")
    guard.add(wire.output("b", "B"))
    outputs = wire.outputs({"a": "first", "b": "B"})
    assert guard.history() == [wire.user("begin"), *wire.calls(["a", "b"]), *outputs]


# ── what comes at another time than one would think ─────────────────────────────────────────────────────────────


def test_an_output_before_its_call_is_kept_and_shown_with_it(wire: Wire) -> None:
    guard = wire.guard()
    guard.add(wire.user("begin"))
    (early,) = guard.add(wire.output("a", "done"))
    assert early.what == "early"
    assert guard.history() == [wire.user("begin")]
    (second,) = guard.add(wire.output("a", "done again"))
    assert (second.what, second.reason) == ("dropped", "second: one is kept for when the call comes")
    added, answered = guard.extend(wire.calls(["a"]))
    assert (added.what, answered.what, answered.about) == ("added", "answered", early.number)
    assert guard.pending == []
    assert guard.history() == [wire.user("begin"), *wire.calls(["a"]), *wire.outputs({"a": "done"})]


def test_strangers_do_not_stay_for_ever(wire: Wire) -> None:
    guard = wire.guard()
    guard.add(wire.user("begin"))
    guard.extend(wire.output(f"stranger {number}", "?") for number in range(MAX_EARLY + 2))
    dropped = [entry for entry in guard.log if entry.what == "dropped"]
    assert [entry.call_ids for entry in dropped] == [("stranger 0",), ("stranger 1",)]
    assert [guard.log[(entry.about or 0) - 1].call_ids for entry in dropped] == [entry.call_ids for entry in dropped]
    guard.extend(wire.calls(["stranger 1"]))
    assert guard.pending == ["stranger 1"]
    guard.extend(wire.calls(["stranger 2"]))
    assert guard.pending == ["stranger 1"]


def test_a_call_that_waits_itself_may_be_answered_or_cancelled_meanwhile(wire: Wire) -> None:
    guard = wire.guard()
    first = [wire.user("begin"), *wire.calls(["a"])]
    guard.extend(first)
    blocker = wire.user("more")
    guard.add(blocker)
    answer = {"role": "assistant", "content": "hm"}
    if wire is not GEMINI:  # whose model's contents are one while a call of them is open
        guard.add(answer)
    later = [*wire.calls(["b"]), *wire.calls(["c"])] if wire is not RESPONSES else wire.calls(["b", "c"])
    guard.extend(later)
    assert guard.pending == ["a", "b", "c"]
    guard.add(wire.output("b", "B"))
    guard.cancel("c")
    assert guard.pending == ["a"]
    assert "B" not in str(guard.history())
    guard.add(wire.output("a", "A"))
    text = str(guard.history())
    assert guard.pending == []
    assert text.index("'A'") < text.index("'more'")
    assert text.index("'B'") < text.index("Tool cancelled")


def test_an_id_that_is_used_again_is_another_call(wire: Wire) -> None:
    guard = wire.guard()
    items = [wire.user("begin")]
    for number in range(3):
        items += [*wire.calls(["call_0"]), *wire.outputs({"call_0": f"output {number}"}), wire.user("again")]
    guard.extend(items)
    assert guard.history() == items


def test_of_two_open_calls_with_one_id_the_first_gets_the_first_output(wire: Wire) -> None:
    guard = wire.guard()
    guard.extend([wire.user("begin"), *wire.calls(["x", "x"])])
    assert guard.pending == ["x", "x"]
    guard.add(wire.output("x", "first"))
    assert guard.pending == ["x"]
    guard.add(wire.output("x", "second"))
    text = str(guard.history())
    assert 0 < text.index("first") < text.index("second")


# ── items ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_items_are_copied_on_the_way_in_and_out(wire: Wire) -> None:
    guard = wire.guard()
    given = [wire.user("begin"), *wire.calls(["a"]), wire.output("a", "1")]
    expected = copy.deepcopy(given)
    guard.extend(given)
    for item in given:
        item["cache_control"] = item.pop("role", None)
    for item in guard.history():
        for value in item.values():
            if isinstance(value, list):
                value.clear()
        item.clear()
    assert guard.history() == expected


@pytest.mark.parametrize(
    "bad", [None, 3, "text", b"bytes", [], object(), {}, {"a": 1}, {1: 2}, {"role": "user", "content": {1}}]
)
def test_what_is_no_item_is_refused_and_changes_nothing(wire: Wire, bad: Any) -> None:
    guard = wire.guard()
    guard.extend([wire.user("begin"), *wire.calls(["a"])])
    before, log = copy.deepcopy(guard).history(), guard.log
    with pytest.raises(UsageError):
        guard.add(bad)
    with pytest.raises(UsageError):
        guard.extend([wire.output("a", "1"), bad])
    with pytest.raises(UsageError, match="extend"):
        guard.extend(wire.user("not in a list"))
    assert guard.log == log
    assert guard.pending == ["a"]
    assert guard.history() == before


def test_an_item_that_holds_itself_is_refused(wire: Wire) -> None:
    item = wire.user("round")
    item["content"] = [item]
    with pytest.raises(UsageError, match="holds itself"):
        wire.guard().add(item)


def test_cancelling_what_was_never_called_names_what_is_open(wire: Wire) -> None:
    guard = wire.guard()
    with pytest.raises(UsageError, match="open calls: none"):
        guard.cancel("a")
    assert guard.cancel() == ()
    guard.extend([wire.user("begin"), *wire.calls(["a", "b"]), wire.output("a", "1")])
    with pytest.raises(UsageError, match="'z' was seen; open calls: 'b'"):
        guard.cancel("z")
    assert guard.cancel("a") == ()
    assert guard.pending == ["b"]


def test_a_guard_can_be_copied_and_pickled_to_go_on_from_there(wire: Wire) -> None:
    guard = wire.guard()
    guard.extend([wire.user("begin"), *wire.calls(["a", "b"]), wire.output("b", "B"), wire.user("more")])
    for branch in (copy.deepcopy(guard), pickle.loads(pickle.dumps(guard))):
        branch.cancel()
        assert branch.pending == []
    assert guard.pending == ["a"]
    assert repr(guard) == f"<TranscriptGuard {wire.format}, {len(guard.history())} items, 1 open calls, 1 held>"


def test_many_that_are_open_are_not_all_named(wire: Wire) -> None:
    guard = wire.guard()
    guard.extend([wire.user("begin"), *wire.calls(list("abcdef"))])
    (entry,) = guard.add(wire.user("more"))
    assert entry.reason == "no output of a, b, c and 3 more"


# ── names ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_openai_means_the_responses_api() -> None:
    assert TranscriptGuard("openai").format == "openai.responses"


@pytest.mark.parametrize("bad", ["", "mcp", "OpenAI", "google"])
def test_an_unknown_format_is_refused_and_the_good_ones_named(bad: str) -> None:
    with pytest.raises(UsageError, match=r"'openai.responses', 'openai.chat', 'anthropic', 'gemini'"):
        TranscriptGuard(bad)


def test_it_is_the_same_thing_for_trio_asyncio_and_plain_scripts() -> None:
    for name in ("TranscriptGuard", "TranscriptReplay", "TranscriptEntry"):
        assert getattr(codemode, name) is getattr(codemode.aio, name) is getattr(codemode.blocking, name)
