"""`codemode.wire.connection`: what may be said when, and that whoever breaks a rule changes nothing by it."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterable
from typing import Any, Literal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from codemode.errors import LocalProtocolError, RemoteProtocolError
from codemode.wire import messages as m
from codemode.wire.codec import Decoder, encode
from codemode.wire.connection import TRANSITIONS, Connection, State
from codemode.wire.frames import encode_frame
from codemode.wire.sizes import MAX_VALUES
from codemode.wire.validation import StrictDecoder

READ_WORKER = StrictDecoder()
READ_HOST = Decoder(m.HOST_MESSAGES)

HELLO = m.Hello(m.PROTOCOL_VERSION, "V8", 7, {})
START = m.Start(3, "cell-3.js", "", "javascript", (), {}, 4, 1000)


def failed(cell: int, code: str = "script_error") -> m.Failed:
    return m.Failed(cell, code, "no", None, None, None)


def calls(cell: int, *ids: int, abortable: tuple[int, ...] = ()) -> m.Calls:
    return m.Calls(cell, tuple((call, "get", "{}") for call in ids), abortable)


def answers(cell: int, *ids: int) -> m.Answers:
    return m.Answers(cell, tuple((call, "ok", "1") for call in ids))


class Pair:
    """Both ends of one conversation; what one says reaches the other at once."""

    def __init__(self) -> None:
        self.host = Connection("host", READ_WORKER)
        self.worker = Connection("worker", READ_HOST)

    def ends(self, message: m.Message) -> tuple[Connection, Connection]:
        """The end that says it, then the one that hears it."""
        return (self.host, self.worker) if type(message) in m.HOST_MESSAGES else (self.worker, self.host)

    def say(self, *messages: m.Message) -> Pair:
        for message in messages:
            speaker, listener = self.ends(message)
            assert list(listener.receive_data(speaker.send(message))) == [message]
            assert inside(self.host) == inside(self.worker)
        return self

    def refuse(self, message: m.Message, why: str | None = None) -> None:
        """Neither end lets it pass: the one does not say it, the other does not hear it."""
        speaker, listener = self.ends(message)
        before = inside(speaker)
        with pytest.raises(LocalProtocolError, match=why):
            speaker.send(message)
        assert inside(speaker) == before
        before = inside(listener)
        with pytest.raises(RemoteProtocolError, match=why):
            list(listener.receive_data(encode_frame(encode(message))))
        assert inside(listener) == before | {"state": State.CLOSED}


def inside(connection: Connection) -> dict[str, Any]:
    """What a connection remembers of the conversation."""
    return {
        "state": connection.state,
        "cell": connection.cell,
        "open_calls": connection.open_calls,
        "abortable": frozenset(connection._abortable),
        "last_call": connection._last_call,
        "last_cell": connection._last_cell,
        "pings": frozenset(connection._pings),
        "last_ping": connection._last_ping,
    }


def in_state(state: State) -> Pair:
    """A conversation that has come to this state, by cell 3 and call 1 where there are any."""
    pair = Pair()
    match state:
        case State.OPENING:
            return pair
        case State.FOREIGN:
            return pair.say(m.Hello(m.PROTOCOL_VERSION + 1, "", 0, {}))
        case State.WARMING:
            return pair.say(HELLO)
        case State.READY:
            return pair.say(HELLO, m.Ready())
        case State.RUNNING:
            return pair.say(HELLO, m.Ready(), START, calls(3, 1, abortable=(1,)))
        case State.FAILING:
            return pair.say(HELLO, m.Ready(), START, calls(3, 1, abortable=(1,)), m.Failing(3))
        case State.CLOSED:
            return pair.say(HELLO, m.Refused((2,)))


EXAMPLES: list[m.Message] = [
    HELLO, m.Ready(), m.Output(3, ()), calls(3, 2), m.Cancels(3, (1,)), m.Stores(3, ()), m.Logs(3, ()),
    m.Notes(3, ()), m.Yielded(3), m.YieldTime(3, 1), m.OutputBudget(3, 1), m.Failing(3), m.Completed(3), failed(3),
    m.Pong(5), START, m.Answers(3, ()), m.Stored(3, "a", None), m.Ping(6), m.Refused((9,)),
]  # fmt: skip


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda message: message.type)
def test_a_message_may_come_exactly_where_the_table_has_it(state: State, example: m.Message) -> None:
    pair = in_state(state)
    if state in (State.WARMING, State.READY):
        # No cell was started there: those that name one name an earlier one.
        example = dataclasses.replace(example, cell=3) if hasattr(example, "cell") else example
        pair.host._last_cell = pair.worker._last_cell = 2 if isinstance(example, m.Start) else 3
    if isinstance(example, m.Pong) and (state, m.Ping) in TRANSITIONS:
        pair.say(m.Ping(5))
    after = TRANSITIONS.get((state, type(example)))
    if after is not None:
        pair.say(example)
        assert pair.host.state is after
        return
    speaker, listener = pair.ends(example)
    with pytest.raises(LocalProtocolError, match=f"{example.type} while {state.value}"):
        speaker.send(example)
    assert speaker.state is state
    frame = encode_frame(encode(example))
    if state is State.CLOSED or (state is State.FOREIGN and listener is pair.host):
        assert list(listener.receive_data(frame)) == []
        return
    with pytest.raises(RemoteProtocolError, match=f"{example.type} while {state.value}"):
        list(listener.receive_data(frame))
    assert listener.state is State.CLOSED


def test_the_examples_are_all_messages() -> None:
    assert {type(message) for message in EXAMPLES} == {*m.WORKER_MESSAGES, *m.HOST_MESSAGES}


def test_each_end_says_only_its_own_messages() -> None:
    pair = in_state(State.WARMING)
    with pytest.raises(LocalProtocolError, match="a host never says ready"):
        pair.host.send(m.Ready())
    with pytest.raises(LocalProtocolError, match="a worker never says ping"):
        pair.worker.send(m.Ping(1))
    everything = Decoder((*m.WORKER_MESSAGES, *m.HOST_MESSAGES))
    with pytest.raises(RemoteProtocolError, match="hello is ours to say"):
        Connection("worker", everything).receive_data(encode_frame(encode(HELLO))).__next__()


# ── the start of the conversation ───────────────────────────────────────────────────────────────────────────


def test_a_worker_of_another_version_is_refused_and_not_read_any_further() -> None:
    host = Connection("host", READ_WORKER)
    hello = encode(m.Hello(2, "", 0, {}))
    received = host.receive_data(encode_frame(hello) + encode_frame(b"of that version alone"))
    assert next(received) == m.Hello(2, "", 0, {})
    assert host.state is State.FOREIGN
    assert list(received) == []
    with pytest.raises(LocalProtocolError, match="ping while foreign"):
        host.send(m.Ping(1))
    assert host.send(m.Refused((m.PROTOCOL_VERSION,)))
    assert host.state is State.CLOSED
    assert list(host.receive_data(encode_frame(b"nor this"))) == []


def test_a_refusal_crosses_the_ready_of_the_worker_that_it_refuses() -> None:
    pair = in_state(State.READY)
    refused = encode_frame(encode(m.Refused((m.PROTOCOL_VERSION + 1,))))
    assert list(pair.worker.receive_data(refused)) == [m.Refused((m.PROTOCOL_VERSION + 1,))]
    assert pair.worker.state is State.CLOSED


def test_a_refusal_does_not_name_the_version_that_it_refuses() -> None:
    in_state(State.WARMING).refuse(m.Refused((2, m.PROTOCOL_VERSION)), "the version that the worker speaks")


# ── cells ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cell", [3, 2, 0])
def test_the_number_of_a_cell_is_greater_than_all_before(cell: int) -> None:
    pair = in_state(State.RUNNING).say(m.Completed(3), m.Ready())
    pair.refuse(dataclasses.replace(START, cell=cell), f"start of cell {cell} after cell 3")


@pytest.mark.parametrize("field", ["cell", "max_calls_in_flight", "max_store_bytes"])
@pytest.mark.parametrize("amount", [-1, m.MAX_INTEGER + 1])
def test_a_start_holds_no_number_out_of_range(field: str, amount: int) -> None:
    in_state(State.READY).refuse(dataclasses.replace(START, **{field: amount}), f"start of {amount}")


@pytest.mark.parametrize(
    "example",
    [e for e in EXAMPLES if type(e) in m.WORKER_MESSAGES and hasattr(e, "cell")],
    ids=lambda message: message.type,
)
@pytest.mark.parametrize("cell", [2, 4])
def test_a_worker_speaks_of_its_running_cell_alone(example: m.Message, cell: int) -> None:
    of_another = dataclasses.replace(example, cell=cell)
    in_state(State.RUNNING).refuse(of_another, f"a message for cell {cell} while cell 3 runs")


def test_a_failure_is_not_given_a_code_of_the_host() -> None:
    pair = in_state(State.RUNNING)
    with pytest.raises(LocalProtocolError, match="not a worker's to give"):
        pair.worker.send(failed(3, "terminated"))
    assert pair.worker.state is State.RUNNING
    host = Connection("host", Decoder(m.WORKER_MESSAGES))
    list(host.receive_data(encode_frame(encode(HELLO)) + encode_frame(encode(m.Ready()))))
    host.send(START)
    with pytest.raises(RemoteProtocolError, match="not a worker's to give"):
        list(host.receive_data(encode_frame(encode(failed(3, "terminated")))))


def test_a_failing_cell_may_still_say_what_it_did_while_its_error_was_read() -> None:
    pair = in_state(State.FAILING).say(m.Output(3, (("text", "hi"),)), calls(3, 2), m.Stores(3, (("a", "1"),)))
    assert pair.say(failed(3)).host.state is State.WARMING


@pytest.mark.parametrize("amount", [-1, m.MAX_INTEGER + 1])
def test_a_time_or_budget_out_of_range_is_not_said(amount: int) -> None:
    worker = in_state(State.RUNNING).worker
    for message in (m.YieldTime(3, amount), m.OutputBudget(3, amount)):
        with pytest.raises(LocalProtocolError, match=f"{message.type} of {amount}"):
            worker.send(message)


# ── calls ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_calls_are_answered_in_any_order_each_once() -> None:
    pair = in_state(State.RUNNING).say(calls(3, 2, 3), answers(3, 3), answers(3, 1, 2))
    assert pair.host.open_calls == frozenset()
    pair.refuse(answers(3, 2), "answer to call 2, which is not open")


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        ((2, 2), "two answers to one call"),
        ((2, 9), "call 9, which is not open"),
        ((9, 1), "call 9, which is not open"),
        ((-1,), "answers of -1"),
    ],
)
def test_one_bad_answer_among_good_ones_settles_none(ids: tuple[int, ...], why: str) -> None:
    in_state(State.RUNNING).say(calls(3, 2)).refuse(answers(3, *ids), why)


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        ((1,), "call 1 after call 1"),
        ((2, 2), "call 2 after call 2"),
        ((3, 2), "call 2 after call 3"),
        ((2, 3, 4, 5), "more calls at a time than the 4"),
    ],
)
def test_one_bad_call_among_good_ones_opens_none(ids: tuple[int, ...], why: str) -> None:
    in_state(State.RUNNING).refuse(calls(3, *ids), why)


@pytest.mark.parametrize("call", [0, -1])
def test_the_least_id_of_a_call_is_one(call: int) -> None:
    worker = in_state(State.READY).say(START).worker
    with pytest.raises(LocalProtocolError, match=f"call {call} after call 0"):
        worker.send(calls(3, call))


def test_the_greatest_id_of_a_call_is_the_greatest_integer() -> None:
    pair = in_state(State.RUNNING)
    with pytest.raises(LocalProtocolError, match="the greatest id is"):
        pair.worker.send(calls(3, m.MAX_INTEGER + 1))
    pair.say(calls(3, m.MAX_INTEGER))


def test_an_answer_makes_room_for_another_call() -> None:
    in_state(State.RUNNING).say(calls(3, 2, 3, 4), answers(3, 2), calls(3, 5)).refuse(calls(3, 6), "more calls")


def test_the_ids_of_calls_go_on_from_cell_to_cell() -> None:
    pair = in_state(State.RUNNING).say(m.Completed(3), m.Ready(), dataclasses.replace(START, cell=4))
    pair.refuse(calls(4, 1), "ids only grow")


@pytest.mark.parametrize("end", [m.Completed(3), failed(3)])
def test_late_answers_and_stores_of_an_ended_cell_are_dropped(end: m.Message) -> None:
    late = answers(3, 1), answers(3, 1), m.Stored(3, "a", "1")
    pair = in_state(State.RUNNING).say(end, *late, m.Ready(), *late)
    pair.say(dataclasses.replace(START, cell=4), *late)
    assert pair.host.cell == 4


@pytest.mark.parametrize("cell", [-1, 4])
@pytest.mark.parametrize("message", [answers(3, 1), m.Stored(3, "a", None)], ids=lambda message: message.type)
def test_nothing_is_said_to_a_cell_that_was_never_started(message: m.Message, cell: int) -> None:
    pair = in_state(State.RUNNING)
    pair.refuse(dataclasses.replace(message, cell=cell), f"cell {cell}, which was never started")


@pytest.mark.parametrize("call", [1, 9])
def test_only_a_call_of_the_running_cell_is_cancelled(call: int) -> None:
    pair = in_state(State.RUNNING).say(m.Completed(3), m.Ready(), dataclasses.replace(START, cell=4))
    pair.say(calls(4, 2, abortable=(2,)), m.Cancels(4, (2,)), answers(4, 2), m.Cancels(4, (2,)))
    pair.refuse(m.Cancels(4, (2, call)), f"call {call}, which cell 4 never made")


def test_only_a_call_that_was_made_with_a_signal_is_cancelled_while_it_is_open() -> None:
    pair = in_state(State.RUNNING).say(calls(3, 2, 3, abortable=(3,)), m.Cancels(3, (3, 1)))
    pair.refuse(m.Cancels(3, (1, 2)), "call 2, which was made without a signal")


@pytest.mark.parametrize("abortable", [(1,), (2, 2), (2, 9), (-1,)])
def test_abortable_names_calls_of_its_own_message_each_once(abortable: tuple[int, ...]) -> None:
    in_state(State.RUNNING).refuse(calls(3, 2, 3, abortable=abortable))


# ── the heartbeat ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", [State.WARMING, State.READY, State.RUNNING, State.FAILING])
def test_a_ping_is_answered_once_in_every_state(state: State) -> None:
    pair = in_state(state).say(m.Ping(0), m.Ping(1), m.Pong(1), m.Pong(0))
    assert pair.host.state is state
    pair.refuse(m.Pong(1), "pong 1 answers no ping")


@pytest.mark.parametrize("ping", [4, 5, -1, m.MAX_INTEGER + 1])
def test_the_number_of_a_ping_is_greater_than_all_before(ping: int) -> None:
    in_state(State.READY).say(m.Ping(5), m.Pong(5)).refuse(m.Ping(ping), f"ping (of )?{ping}")


# ── bytes ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_bytes_are_kept_also_when_nobody_iterates() -> None:
    host = Connection("host", READ_WORKER)
    host.receive_data(encode_frame(encode(HELLO)))
    assert host.state is State.OPENING
    assert list(host.receive_data(encode_frame(encode(m.Ready())))) == [HELLO, m.Ready()]
    assert host.state is State.READY


def test_a_message_is_not_looked_at_before_the_one_before_it_was_taken() -> None:
    host = Connection("host", READ_WORKER)
    worker = in_state(State.READY).worker
    list(worker.receive_data(encode_frame(encode(START))))
    stream = b"".join(encode_frame(encode(message)) for message in (HELLO, m.Ready()))
    received = host.receive_data(stream + encode_frame(encode(m.Output(3, ()))))
    assert next(received) == HELLO
    assert next(received) == m.Ready()
    # The host's own start, said between the two, is what makes the next one legal.
    host.send(START)
    assert next(received) == m.Output(3, ())


@pytest.mark.parametrize(
    "bad",
    [
        encode_frame(b"\x80"),
        encode_frame(b"\xc1"),
        encode_frame(b"\x91" * 5000),
        encode_frame(encode(HELLO)),
        struct.pack(">I", 0),
        struct.pack(">I", 0xFFFFFFFF),
    ],
    ids=["no type", "not msgpack", "too deep", "out of turn", "empty frame", "frame too long"],
)
def test_the_messages_before_a_bad_one_are_given_and_those_after_it_are_not(bad: bytes) -> None:
    host = Connection("host", READ_WORKER)
    received = host.receive_data(encode_frame(encode(HELLO)) + bad + encode_frame(encode(m.Ready())))
    assert next(received) == HELLO
    with pytest.raises(RemoteProtocolError):
        next(received)
    assert host.state is State.CLOSED
    with pytest.raises(RemoteProtocolError, match="closed by an earlier fault: "):
        next(received)
    with pytest.raises(RemoteProtocolError, match="closed by an earlier fault: "):
        list(host.receive_data(encode_frame(encode(m.Ready()))))
    with pytest.raises(LocalProtocolError, match="ping while closed"):
        host.send(m.Ping(1))
    host.receive_eof()


@pytest.mark.parametrize(
    "bad",
    [m.Ping("1"), m.Answers(3, ((1, "ok"),)), m.Answers(3, 7), m.Stored(None, "k", "1"), m.Refused(1)],  # type: ignore[arg-type]
    ids=lambda bad: bad.type,
)
def test_what_a_trusting_decoder_takes_for_a_message_is_a_fault_where_it_makes_no_sense(bad: m.Message) -> None:
    worker = in_state(State.READY if isinstance(bad, m.Refused) else State.RUNNING).worker
    with pytest.raises(RemoteProtocolError, match=f"a bad message: {bad.type}"):
        list(worker.receive_data(encode_frame(encode(bad))))
    assert worker.state is State.CLOSED


def test_what_cannot_be_sent_changes_nothing() -> None:
    pair = in_state(State.RUNNING)
    small = Connection("worker", READ_HOST, max_frame_bytes=20)
    with pytest.raises(LocalProtocolError, match="a frame holds"):
        small.send(HELLO)
    assert small.state is State.OPENING
    for message, why in [
        (m.Calls(3, ((2, "get", "\ud800"),)), "cannot be encoded"),
        (m.Notes(3, ("ab",) * MAX_VALUES), "values"),
        (m.Calls(3, ((2, "get", "{}"), (2**65, "get", "{}"))), "cannot be encoded"),
    ]:
        before = inside(pair.worker)
        with pytest.raises(LocalProtocolError, match=why):
            pair.worker.send(message)
        assert inside(pair.worker) == before


def test_the_host_may_say_more_values_than_a_worker() -> None:
    pair = in_state(State.READY)
    stored = {str(number): "1" for number in range(MAX_VALUES // 2 + 1)}
    pair.say(dataclasses.replace(START, stored=stored))


def test_the_end_of_the_stream_between_frames_closes_in_peace() -> None:
    host = in_state(State.RUNNING).host
    host.receive_eof()
    assert host.state is State.CLOSED
    assert list(host.receive_data(b"too late")) == []
    host.receive_eof()


def test_the_end_of_the_stream_within_a_frame_is_a_fault() -> None:
    host = in_state(State.RUNNING).host
    list(host.receive_data(b"\x00\x00"))
    with pytest.raises(RemoteProtocolError, match="ended 2 bytes into a frame"):
        host.receive_eof()
    assert host.state is State.CLOSED
    with pytest.raises(RemoteProtocolError, match="closed by an earlier fault"):
        host.next_message()


def test_the_end_of_the_stream_waits_for_the_last_messages() -> None:
    host = Connection("host", READ_WORKER)
    host.receive_data(encode_frame(encode(HELLO)))
    with pytest.raises(LocalProtocolError, match="before the last payloads were taken"):
        host.receive_eof()
    assert host.next_message() == HELLO
    host.receive_eof()
    assert host.state is State.CLOSED


def test_the_end_of_a_stream_that_is_not_read_any_more_is_no_fault() -> None:
    host = in_state(State.FOREIGN).host
    list(host.receive_data(b"\x00\x00"))
    host.receive_eof()
    assert host.state is State.CLOSED


def test_a_connection_says_where_it_is() -> None:
    assert repr(in_state(State.RUNNING).host) == "<Connection of the host, running, 1 calls open>"


# ── both ends against a model ───────────────────────────────────────────────────────────────────────────────

SMALL = st.integers(min_value=-1, max_value=6)


class Conversation(RuleBasedStateMachine):
    """Random messages, legal and not, said by either end; a model in plain terms says which are legal.

    What is illegal must change nothing at the end that would say it, and close the end that hears it: the listener is
    then put back as it was before, so that the conversation goes on.
    """

    @initialize()
    def begin(self) -> None:
        self.pair = Pair()
        self.phase: Literal["opening", "warming", "ready", "running", "failing", "closed"] = "opening"
        self.cell: int | None = None
        self.cells: set[int] = set()
        self.all_calls: list[int] = [0]
        self.calls_of_cell: set[int] = set()
        self.open: set[int] = set()
        self.abortable: set[int] = set()
        self.pings: list[int] = [-1]
        self.unanswered: set[int] = set()
        self.said: list[m.Message] = []

    def say(self, message: m.Message, legal: bool) -> None:
        if legal:
            self.pair.say(message)
            self.said.append(message)
            return
        # Only one end can be closed for good, so that the bad message goes to a pair that heard the same.
        rehearsed = Pair().say(*self.said)
        rehearsed.refuse(message) if self.phase != "closed" else self.is_deaf(rehearsed, message)
        with pytest.raises(LocalProtocolError):
            self.pair.ends(message)[0].send(message)

    @staticmethod
    def is_deaf(pair: Pair, message: m.Message) -> None:
        assert list(pair.ends(message)[1].receive_data(encode_frame(encode(message)))) == []

    @property
    def alive(self) -> bool:
        return self.phase in ("running", "failing")

    @property
    def open_for_all(self) -> bool:
        return self.phase in ("warming", "ready", "running", "failing")

    @rule()
    def hello(self) -> None:
        legal = self.phase == "opening"
        self.say(HELLO, legal)
        if legal:
            self.phase = "warming"

    @rule()
    def ready(self) -> None:
        legal = self.phase == "warming"
        self.say(m.Ready(), legal)
        if legal:
            self.phase = "ready"

    @precondition(lambda self: len(self.said) > 15)
    @rule()
    def refused(self) -> None:
        legal = self.phase in ("warming", "ready")
        self.say(m.Refused((2,)), legal)
        if legal:
            self.phase = "closed"

    @rule(step=st.integers(min_value=-1, max_value=2))
    def start(self, step: int) -> None:
        cell = max(self.cells, default=-1) + step
        legal = self.phase == "ready" and step > 0
        self.say(dataclasses.replace(START, cell=cell), legal)
        if legal:
            self.phase, self.cell, self.calls_of_cell = "running", cell, set()
            self.cells.add(cell)

    @rule(
        steps=st.lists(st.integers(min_value=0, max_value=2), max_size=3),
        astray=st.booleans(),
        with_signal=st.booleans(),
    )
    def calls(self, steps: list[int], astray: bool, with_signal: bool) -> None:
        ids = [self.all_calls[-1] + sum(steps[: place + 1]) for place in range(len(steps))]
        legal = self.alive and not astray and 0 not in steps and len(self.open) + len(ids) <= 4
        abortable = tuple(ids[:1]) if with_signal else ()
        self.say(calls((self.cell or 0) + astray, *ids, abortable=abortable), legal)
        if legal:
            self.all_calls += ids
            self.calls_of_cell.update(ids)
            self.open.update(ids)
            self.abortable.update(abortable)

    @rule(data=st.data(), strays=st.lists(SMALL, max_size=1))
    def answers(self, data: st.DataObject, strays: list[int]) -> None:
        ids = data.draw(st.lists(st.sampled_from(sorted(self.open)), max_size=3)) if self.open else []
        ids += strays
        legal = self.alive and len(set(ids)) == len(ids) and set(ids) <= self.open
        late_is_legal = self.open_for_all and not self.alive and bool(self.cells)
        self.say(
            answers(self.cell if self.cell is not None else max(self.cells, default=0), *ids), legal or late_is_legal
        )
        if legal:
            self.open.difference_update(ids)

    @rule(cell=SMALL)
    def stored(self, cell: int) -> None:
        started = bool(self.cells) and 0 <= cell <= max(self.cells)
        self.say(m.Stored(cell, "a", None), self.open_for_all and started)

    @rule(call=SMALL)
    def cancels(self, call: int) -> None:
        # An id that was skipped cannot be told from one that was used: it is the cell's by its place.
        earlier = max(earlier for earlier in self.all_calls if earlier not in self.calls_of_cell)
        has_signal = call not in self.open or call in self.abortable
        legal = self.alive and earlier < call <= self.all_calls[-1] and has_signal
        self.say(m.Cancels(self.cell or 0, (call,)), legal)

    @rule(
        kind=st.sampled_from([m.Output, m.Stores, m.Logs, m.Notes]),
        astray=st.booleans(),
    )
    def tell(self, kind: Any, astray: bool) -> None:
        self.say(kind((self.cell or 0) + astray, ()), self.alive and not astray)

    @rule(kind=st.sampled_from([m.YieldTime, m.OutputBudget]), amount=SMALL)
    def set_amount(self, kind: Any, amount: int) -> None:
        self.say(kind(self.cell or 0, amount), self.alive and amount >= 0)

    @rule(astray=st.booleans())
    def failing(self, astray: bool) -> None:
        legal = self.phase == "running" and not astray
        self.say(m.Failing((self.cell or 0) + astray), legal)
        if legal:
            self.phase = "failing"

    @rule(astray=st.booleans(), fails=st.booleans(), code=st.sampled_from(["stalled", "terminated"]))
    def end(self, astray: bool, fails: bool, code: str) -> None:
        cell = (self.cell or 0) + astray
        legal = self.alive and not astray and not (fails and code == "terminated")
        self.say(failed(cell, code) if fails else m.Completed(cell), legal)
        if legal:
            self.phase, self.cell, self.open = "warming", None, set()

    @rule(step=st.integers(min_value=-1, max_value=2))
    def ping(self, step: int) -> None:
        number = self.pings[-1] + step
        legal = self.open_for_all and step > 0
        self.say(m.Ping(number), legal)
        if legal:
            self.pings.append(number)
            self.unanswered.add(number)

    @rule(number=SMALL)
    def pong(self, number: int) -> None:
        legal = self.open_for_all and number in self.unanswered
        self.say(m.Pong(number), legal)
        if legal:
            self.unanswered.remove(number)

    @invariant()
    def both_ends_are_where_the_model_is(self) -> None:
        for end in (self.pair.host, self.pair.worker):
            assert (end.state.value, end.cell, end.open_calls) == (self.phase, self.cell, self.open)


TestConversation = Conversation.TestCase


def test_every_transition_of_the_table_belongs_to_a_message_of_one_end() -> None:
    def kinds(of: Iterable[type[m.Message]]) -> set[type[m.Message]]:
        return {kind for _, kind in TRANSITIONS if kind in of}

    assert kinds(m.WORKER_MESSAGES) | kinds(m.HOST_MESSAGES) == {kind for _, kind in TRANSITIONS}
    assert kinds(m.WORKER_MESSAGES) == set(m.WORKER_MESSAGES)
    assert kinds(m.HOST_MESSAGES) == set(m.HOST_MESSAGES)
