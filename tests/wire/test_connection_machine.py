"""Both ends of a conversation at once, with the bytes between them held back, split and crossed, against a model.

The model is written from the rules of `protocol/README.md` and knows nothing of `TRANSITIONS`. Each end has a view of
its own, which steps when that end says or has taken a message, so the two differ while something is on the way. Shown
here: an end says and hears exactly what its view allows; whoever keeps the rules is never refused, whatever crosses
what; and a bad message closes the end that hears it and harms nothing else.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from codemode.errors import LocalProtocolError, RemoteProtocolError
from codemode.wire import messages as m
from codemode.wire.codec import Decoder, encode
from codemode.wire.connection import Connection, State
from codemode.wire.frames import FrameDecoder, encode_frame
from codemode.wire.validation import StrictDecoder

Role = Literal["host", "worker"]

READ_WORKER = StrictDecoder()
READ_HOST = Decoder(m.HOST_MESSAGES)
MAX_FRAME_BYTES = 2000
MAX_CALLS = 4
GREATEST = 9_007_199_254_740_991
WORKERS_CODES = {
    "call_limit", "cpu_limit", "memory_limit", "module_not_found", "output_limit", "script_error",
    "source_too_large", "stalled", "syntax_error", "timer_limit",
}  # fmt: skip


# ── the model ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class View:
    """What one end knows of the conversation, by the rules of the specification."""

    phase: str = "opening"
    version: int | None = None
    cell: int | None = None
    last_cell: int = -1
    last_call: int = 0
    last_call_before_cell: int = 0
    room: int = 0
    open: frozenset[int] = frozenset()
    abortable: frozenset[int] = frozenset()
    last_ping: int = -1
    pings: frozenset[int] = frozenset()

    @property
    def is_running(self) -> bool:
        return self.phase in ("running", "failing")

    @property
    def is_up(self) -> bool:
        return self.phase in ("warming", "ready", "running", "failing")

    def after(self, message: m.Message) -> View | None:
        """The view once this has been said, or None where no rule allows it."""
        step = self._step(message)
        return None if step is None else dataclasses.replace(self, **step)

    def _step(self, message: m.Message) -> dict[str, Any] | None:
        allowed: bool
        step: dict[str, Any] = {}
        match message:
            case m.Hello(protocol=version):
                allowed = self.phase == "opening"
                step = {"phase": "warming" if version == 1 else "foreign", "version": version}
            case m.Ready():
                allowed, step = self.phase == "warming", {"phase": "ready"}
            case m.Refused(protocols=spoken):
                allowed = self.phase in ("foreign", "warming", "ready") and self.version not in spoken
                step = {"phase": "closed"}
            case m.Start(cell=cell, max_calls_in_flight=room, max_store_bytes=store):
                in_range = all(0 <= amount <= GREATEST for amount in (cell, room, store))
                allowed = self.phase == "ready" and cell > self.last_cell and in_range
                step = {"phase": "running", "cell": cell, "last_cell": cell, "room": room}
                step["last_call_before_cell"] = self.last_call
            case m.Output() | m.Stores() | m.Logs() | m.Notes() | m.Yielded():
                allowed = self._is_of_cell(message.cell)
            case m.YieldTime(yield_time_ms=amount) | m.OutputBudget(max_output_tokens=amount):
                allowed = self._is_of_cell(message.cell) and 0 <= amount <= GREATEST
            case m.Failing():
                allowed, step = self.phase == "running" and message.cell == self.cell, {"phase": "failing"}
            case m.Completed() | m.Failed():
                code_is_good = isinstance(message, m.Completed) or message.code in WORKERS_CODES
                allowed = self._is_of_cell(message.cell) and code_is_good
                step = {"phase": "warming", "cell": None, "open": frozenset(), "abortable": frozenset()}
            case m.Calls():
                made = [call for call, _, _ in message.calls]
                grow = all(later > earlier for earlier, later in zip([self.last_call, *made], made, strict=False))
                fit = len(self.open) + len(made) <= self.room
                named_once = len(set(message.abortable)) == len(message.abortable)
                are_legal = grow and fit and named_once and set(message.abortable) <= set(made)
                allowed = self._is_of_cell(message.cell) and are_legal and max(made, default=0) <= GREATEST
                step = {
                    "open": self.open | set(made),
                    "abortable": self.abortable | set(message.abortable),
                    "last_call": max([self.last_call, *made]),
                }
            case m.Cancels():
                # An id that was skipped cannot be told from one that was used: it is the cell's by its place.
                own = all(self.last_call_before_cell < call <= self.last_call for call in message.calls)
                without_signal = self.open - self.abortable
                allowed = self._is_of_cell(message.cell) and own and not without_signal & set(message.calls)
            case m.Answers() if self.cell is not None and message.cell == self.cell:
                answered = [call for call, _, _ in message.answers]
                allowed = self.is_up and len(set(answered)) == len(answered) and set(answered) <= self.open
                step = {"open": self.open - set(answered), "abortable": self.abortable - set(answered)}
            case m.Answers() | m.Stored():
                allowed = self.is_up and 0 <= message.cell <= self.last_cell
            case m.Ping(ping=ping):
                allowed = self.is_up and self.last_ping < ping <= GREATEST
                step = {"last_ping": ping, "pings": self.pings | {ping}}
            case m.Pong(ping=ping):
                allowed, step = self.is_up and ping in self.pings, {"pings": self.pings - {ping}}
            case _:
                raise AssertionError(f"the model does not know {message}")
        return step if allowed else None

    def _is_of_cell(self, cell: int) -> bool:
        return self.is_running and cell == self.cell


class Parcel(NamedTuple):
    """What one end put on the wire at once."""

    data: bytes
    message: m.Message | None
    """None: bytes that are no message of that end."""
    judged_after: int
    """So many of its bytes must be there before anything can be said of it."""


def inside(connection: Connection) -> dict[str, Any]:
    """All that a connection remembers, so that nothing in it can change unseen."""
    kept = {name: copy.copy(value) if isinstance(value, set) else value for name, value in vars(connection).items()}
    return {name: bytes(value._buffer) if isinstance(value, FrameDecoder) else value for name, value in kept.items()}


def as_read(message: m.Message) -> m.Message:
    """Of a hello of another version the host reads the version alone."""
    if isinstance(message, m.Hello) and message.protocol != 1:
        return m.Hello(message.protocol, "", 0, {})
    return message


def parcel_of(message: m.Message) -> Parcel:
    frame = encode_frame(encode(message))
    return Parcel(frame, as_read(message), len(frame))


class End:
    """A connection, what the model says of it, and the bytes that are on their way to it."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.connection = Connection(role, READ_WORKER if role == "host" else READ_HOST, MAX_FRAME_BYTES)
        self.view = View()
        self.faulted = False
        self.cut = False
        """No byte will come any more."""
        self.on_the_way = b""
        self.parcels: deque[Parcel] = deque()
        """Those that have not been taken, in order."""
        self.arrived = 0
        """Bytes of them that are there."""

    def twin(self) -> End:
        """One that can be lied to without harm to this one."""
        twin = copy.copy(self)
        # What reads payloads holds no state, and cannot be copied.
        shared = {id(READ_WORKER): READ_WORKER, id(READ_HOST): READ_HOST}
        twin.connection = copy.deepcopy(self.connection, shared)
        twin.parcels = self.parcels.copy()
        return twin

    @property
    def is_deaf(self) -> bool:
        return self.view.phase == "closed" or (self.view.phase == "foreign" and self.role == "host")

    def agree_with_model(self) -> None:
        connection, view = self.connection, self.view
        assert connection.state is State(view.phase)
        assert (connection.cell, connection.open_calls) == (view.cell, view.open)

    # ── saying ──────────────────────────────────────────────────────────────────────────────────────────────

    def say(self, message: m.Message, listener: End) -> bool:
        """True where the rules allow it. What they do not allow is not said, and nothing has changed."""
        after = self.view.after(message)
        if after is None:
            self.refuse_to_say(message)
            return False
        frame = self.connection.send(message)
        assert frame == encode_frame(encode(message))
        self.view = after
        listener.send_here(Parcel(frame, as_read(message), len(frame)))
        return True

    def refuse_to_say(self, message: m.Message) -> None:
        before = inside(self.connection)
        with pytest.raises(LocalProtocolError):
            self.connection.send(message)
        assert inside(self.connection) == before

    # ── hearing ─────────────────────────────────────────────────────────────────────────────────────────────

    def send_here(self, parcel: Parcel) -> None:
        if not self.cut:
            self.parcels.append(parcel)
            self.on_the_way += parcel.data

    def hear(self, size: int) -> None:
        """Some of the bytes arrive. Nothing is taken yet."""
        piece, self.on_the_way = self.on_the_way[:size], self.on_the_way[size:]
        before = inside(self.connection)
        self.connection.receive_data(piece)
        if self.is_deaf:
            assert inside(self.connection) == before, "what is not read is not kept either"
        else:
            self.arrived += len(piece)

    def take(self, *, by_iterator: bool = False) -> bool:
        """Takes one message, which must be what the model says. False where there is none."""
        heard = iter(self.connection.receive_data(b"")) if by_iterator else iter(self.connection.next_message, None)
        if self.faulted:
            self.refuse_to_hear(heard)
            return False
        parcel = self.parcels[0] if self.parcels else None
        if self.is_deaf or parcel is None or self.arrived < parcel.judged_after:
            assert next(heard, None) is None
            return False
        after = None if parcel.message is None else self.view.after(parcel.message)
        if after is None:
            self.refuse_to_hear(heard)
            self.view, self.faulted = dataclasses.replace(self.view, phase="closed"), True
            return False
        assert next(heard, None) == parcel.message
        self.view = after
        self.parcels.popleft()
        self.arrived -= len(parcel.data)
        return True

    def refuse_to_hear(self, heard: Any) -> None:
        before = inside(self.connection)
        with pytest.raises(RemoteProtocolError):
            next(heard)
        assert self.connection.state is State.CLOSED
        kept = ("_cell", "_open_calls", "_abortable", "_last_call", "_last_cell", "_last_ping", "_pings")
        after = inside(self.connection)
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}

    def take_all(self, *, by_iterator: bool = False) -> int:
        taken = 0
        while self.take(by_iterator=by_iterator):
            taken += 1
        return taken

    def hear_all(self) -> None:
        self.hear(len(self.on_the_way))
        self.take_all()

    def end_of_stream(self) -> None:
        """The other end says nothing more, perhaps in the middle of a frame."""
        head = self.parcels[0] if self.parcels else None
        if self.is_deaf or not self.arrived or head is None:
            self.connection.receive_eof()
            self.cut = True
        elif 4 < head.judged_after <= self.arrived:  # whole, and its length was a good one
            before = inside(self.connection)
            with pytest.raises(LocalProtocolError):
                self.connection.receive_eof()
            assert inside(self.connection) == before
            return
        else:
            with pytest.raises(RemoteProtocolError):
                self.connection.receive_eof()
            self.faulted = self.cut = True
        self.on_the_way = b""
        self.view = dataclasses.replace(self.view, phase="closed")


# ── what may be said, near to what is right ─────────────────────────────────────────────────────────────────

TEXTS = ["", "a", "é𝒳", '{"a": [1]}']
AMOUNTS = [0, 1, 10_000, GREATEST, -1, GREATEST + 1]
CODES = ["script_error", "stalled", "terminated", "no_such_code"]
KINDS: dict[Role, tuple[type[m.Message], ...]] = {"worker": m.WORKER_MESSAGES, "host": m.HOST_MESSAGES}
OF_A_CELL = (
    m.Output, m.Calls, m.Cancels, m.Stores, m.Logs, m.Notes, m.Yielded, m.YieldTime, m.OutputBudget, m.Failing,
)  # fmt: skip


class Dice(NamedTuple):
    """What chance gives to a message; `message_of` makes of it something near to what may be said."""

    kind: int
    astray: int
    """Seldom 1 or 2: of another cell, or a step back."""
    numbers: tuple[int, ...]
    choice: int


# One strategy, made once: to make strategies from the view at each step took ten times as long as all else.
DICE = st.builds(
    Dice,
    st.integers(0, 59),
    st.sampled_from([0, 0, 0, 0, 1, 2]),
    st.lists(st.integers(0, 5), max_size=4).map(tuple),
    st.integers(0, 11),
)


def message_of(role: Role, view: View, dice: Dice) -> m.Message:
    """Something that this end could say: all kinds; cells and ids right, late, twice, skipped and unknown."""
    kind = KINDS[role][dice.kind % len(KINDS[role])]
    near = max(view.last_cell if view.cell is None else view.cell, 0)
    cell = (near, near + 1, max(near - 1, 0))[dice.astray]
    choice, text = dice.choice, TEXTS[dice.choice % 4]
    match kind:
        case m.Hello:
            return m.Hello(2 if choice == 0 else 1, text, choice, {"landlock": "on"})
        case m.Output:
            kinds: tuple[m.ItemKind, ...] = ("text", "image", "audio", "content")
            return m.Output(cell, tuple((kinds[number % 4], text) for number in dice.numbers))
        case m.Calls:
            return _calls_of(view, cell, dice)
        case m.Cancels:
            near_calls = [*sorted(view.abortable), *range(max(view.last_call - 3, 0), view.last_call + 2)]
            return m.Cancels(cell, tuple(near_calls[number % len(near_calls)] for number in dice.numbers))
        case m.Stores:
            return m.Stores(cell, tuple((text, None if number % 2 else text) for number in dice.numbers))
        case m.Logs:
            levels: tuple[m.LogLevel, ...] = ("debug", "log", "info", "warn", "error")
            return m.Logs(cell, tuple((levels[number % 5], text) for number in dice.numbers))
        case m.Notes:
            return m.Notes(cell, (text,) * len(dice.numbers))
        case m.YieldTime | m.OutputBudget:
            return kind(cell, AMOUNTS[choice % len(AMOUNTS)])
        case m.Failed:
            place = None if choice % 2 else choice
            return m.Failed(cell, CODES[choice % len(CODES)], text, None if choice > 5 else text, place, place)
        case m.Pong:
            near_pings = [*sorted(view.pings), max(view.last_ping, 0), view.last_ping + 1]
            return m.Pong(near_pings[choice % len(near_pings)])
        case m.Start:
            step = (1, 1, 2, 0)[choice % 4]
            return start_of(max(view.last_cell + step, 0), (MAX_CALLS, 1, 0, -1)[sum(dice.numbers[:1]) % 4])
        case m.Answers:
            near_calls = [*sorted(view.open), *(range(max(view.last_call - 2, 0), view.last_call + 2))]
            ids = [near_calls[number % len(near_calls)] for number in dice.numbers]
            ids = list(dict.fromkeys(ids)) if choice else ids
            statuses: tuple[m.CallStatus, ...] = ("ok", "error", "cancelled")
            return m.Answers(cell, tuple((call, statuses[choice % 3], text) for call in ids))
        case m.Stored:
            return m.Stored(cell, text, None if choice % 2 else text)
        case m.Ping:
            return m.Ping(max(view.last_ping + (1, 1, 5, 0)[choice % 4], 0))
        case m.Refused:
            return m.Refused(((), (3,), (3, 4), (1,), (2,))[choice % 5])
        case m.Ready:
            return m.Ready()
        case m.Yielded | m.Failing | m.Completed:
            return kind(cell)
    raise AssertionError(f"no way to make a {kind.__name__}")


def _calls_of(view: View, cell: int, dice: Dice) -> m.Calls:
    """Ids that mostly grow, some skipped; at times more than may be open, out of order, or with a strange signal."""
    grows = dice.choice != 0
    ids, last = [], view.last_call
    for number in dice.numbers:
        last += 1 + (number == 5) if grows else number - 1
        ids.append(last)
    abortable = ids[::2] if dice.choice % 2 else []
    if dice.choice == 2:
        abortable = [*abortable, last + 1]
    if dice.choice == 4:
        abortable = ids + ids[:1]
    return m.Calls(cell, tuple((call, "get", "{}") for call in ids), tuple(abortable))


def start_of(cell: int, room: int = MAX_CALLS) -> m.Start:
    return m.Start(
        cell, f"cell-{cell}.js", "1", "javascript", (("get", "tools.js", "get", "", False, ""),), {"k": "1"}, room, 1000
    )


def unsayable(role: Role, cell: int) -> list[m.Message]:
    """What no wire can carry (half of a surrogate pair, a text longer than a frame), and what the other end says."""
    texts = ("\ud800", "x" * (MAX_FRAME_BYTES + 1))
    if role == "worker":
        notes: list[m.Message] = [m.Notes(cell, (text,)) for text in texts]
        calls = [m.Calls(cell, ((10**9, "a", text),)) for text in texts]
        return [*notes, *calls, start_of(cell), m.Ping(10**6), m.Refused((9,)), m.Answers(cell, ())]
    starts: list[m.Message] = [dataclasses.replace(start_of(cell + 1), source=text) for text in texts]
    stored = [m.Stored(cell, "a", text) for text in texts]
    return [*starts, *stored, m.Hello(1, "", 1, {}), m.Ready(), m.Pong(0), m.Completed(cell), m.Output(cell, ())]


BAD_LENGTHS = st.one_of(
    st.just(bytes(4)),
    st.integers(MAX_FRAME_BYTES + 1, 2**32 - 1).map(lambda length: length.to_bytes(4, "big")),
)
BAD_PAYLOADS: dict[Role, list[bytes]] = {
    # What the worker is told it trusts in its fields, so that only their names are checked.
    "worker": [
        b"\xc1",
        b"\x80",
        b"\x90",
        encode(m.Ping(9**9))[:-1],
        encode(m.Ping(9**9)) + b"\x00",
        b"\x81\xa4type\xa4ping",
        b"\x83\xa4type\xa4ping\xa4ping\x01\xa4pong\x01",
        b"\x82\xa4type\xa4nope\xa4ping\x01",
        encode(m.Ready()),
        encode(m.Pong(0)),
    ],
    "host": [
        b"\xc1",
        b"\x80",
        b"\x90",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 1500,
        encode(m.Ready()) + b"\x00",
        encode(m.Ready())[:-1],
        b"\x82\xa4type\xa5ready\xa1x\x01",
        b"\x82\xa4type\xa4pong\xa4ping\xc3",
        b"\x82\xa4type\xa4pong\xa4ping\xa10",
        b"\x82\xa4type\xa4pong\xa4ping\xff",
        b"\x82\xa4type\xa4pong\xa4ping\xcb?\xf0\x00\x00\x00\x00\x00\x00",
        b"\x82\xa4type\xa4pong\xa4type\xa4pong",
        encode(m.Ping(9**9)),
        encode(m.Answers(0, ())),
        encode(start_of(0)),
    ],
}


def garbage(listener: Role) -> st.SearchStrategy[Parcel]:
    """Bytes that are no message: judged as soon as their length is there, or when their payload is whole."""
    payloads = st.one_of(st.sampled_from(BAD_PAYLOADS[listener]), st.binary(min_size=1, max_size=20))
    return st.one_of(
        st.tuples(BAD_LENGTHS, st.binary(max_size=20)).map(lambda parts: Parcel(b"".join(parts), None, 4)),
        payloads.map(encode_frame).map(lambda frame: Parcel(frame, None, len(frame))),
    )


GARBAGE: dict[Role, st.SearchStrategy[Parcel]] = {"host": garbage("host"), "worker": garbage("worker")}


# ── the machine ─────────────────────────────────────────────────────────────────────────────────────────────

ROLES = st.sampled_from(["host", "worker"])
LONG_ENOUGH = 20
"""Steps after which a conversation may be ended, so that most get somewhere."""


class Conversation(RuleBasedStateMachine):
    """A host and a worker that would say anything, but say only what they may; wires that deliver when they like."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: dict[str, End] = {"host": End("host"), "worker": End("worker")}
        self.steps = 0
        self.was_forged = False
        """Something came that its end had not said: the two need not agree any more, each only with its model."""

    def other(self, role: str) -> End:
        return self.ends["worker" if role == "host" else "host"]

    # ── what is said ────────────────────────────────────────────────────────────────────────────────────────

    @rule(dice=DICE)
    def the_worker_says(self, dice: Dice) -> None:
        worker = self.ends["worker"]
        worker.say(message_of("worker", worker.view, dice), self.ends["host"])

    @rule(dice=DICE)
    def the_host_says(self, dice: Dice) -> None:
        host = self.ends["host"]
        message = message_of("host", host.view, dice)
        if not isinstance(message, m.Refused) or self.steps > LONG_ENOUGH or host.view.phase == "foreign":
            host.say(message, self.ends["worker"])

    @precondition(lambda self: self.ends["worker"].view.is_running)
    @rule(count=st.integers(1, MAX_CALLS), too_many=st.booleans(), with_signal=st.booleans())
    def the_worker_calls(self, count: int, too_many: bool, with_signal: bool) -> None:
        """As many as there is room for at most, or one more than that, which is not said."""
        view = self.ends["worker"].view
        room = view.room - len(view.open)
        ids = range(view.last_call + 1, view.last_call + 1 + (room + 1 if too_many else min(count, room)))
        calls = m.Calls(view.cell or 0, tuple((call, "get", "{}") for call in ids), tuple(ids) if with_signal else ())
        assert self.ends["worker"].say(calls, self.ends["host"]) != too_many

    @precondition(lambda self: self.ends["worker"].view.is_running)
    @rule(dice=DICE)
    def the_worker_says_more_of_its_cell(self, dice: Dice) -> None:
        worker = self.ends["worker"]
        place = KINDS["worker"].index(OF_A_CELL[dice.kind % len(OF_A_CELL)])
        worker.say(message_of("worker", worker.view, dice._replace(kind=place)), self.ends["host"])

    @precondition(lambda self: self.ends["worker"].view.is_running and self.ends["worker"].view.abortable)
    @rule()
    def the_worker_cancels_its_calls(self) -> None:
        view = self.ends["worker"].view
        assert self.ends["worker"].say(m.Cancels(view.cell or 0, tuple(view.abortable)), self.ends["host"])

    @precondition(lambda self: self.ends["host"].view.is_up)
    @rule(cell_ago=st.integers(0, 2), ping=st.booleans())
    def the_host_tells_its_worker(self, cell_ago: int, ping: bool) -> None:
        host = self.ends["host"]
        cell = max(host.view.last_cell - cell_ago, 0)
        stored = m.Stored(cell, "k", None if cell_ago else "1")
        host.say(m.Ping(host.view.last_ping + 1) if ping else stored, self.ends["worker"])

    @precondition(lambda self: self.ends["host"].view.is_running and self.ends["host"].view.open)
    @rule(first=st.integers(0, 3), step=st.sampled_from([1, 2, -1]))
    def the_host_answers(self, first: int, step: int) -> None:
        view = self.ends["host"].view
        ids = sorted(view.open)[first % len(view.open) :: step]
        answers = m.Answers(view.cell or 0, tuple((call, "ok", "1") for call in ids))
        assert self.ends["host"].say(answers, self.ends["worker"])

    @precondition(lambda self: self.ends["worker"].view.is_running)
    @rule(fails=st.booleans())
    def the_worker_ends_its_cell(self, fails: bool) -> None:
        cell = self.ends["worker"].view.cell or 0
        end = m.Failed(cell, "script_error", "no", None, 1, 1) if fails else m.Completed(cell)
        assert self.ends["worker"].say(end, self.ends["host"])

    @precondition(lambda self: self.ends["worker"].view.is_up and self.ends["worker"].view.pings)
    @rule()
    def the_worker_answers_its_pings(self) -> None:
        for ping in sorted(self.ends["worker"].view.pings, reverse=True):
            assert self.ends["worker"].say(m.Pong(ping), self.ends["host"])

    @precondition(lambda self: not self.was_forged and not any(end.is_deaf for end in self.ends.values()))
    @rule()
    def the_next_cell_is_started(self) -> None:
        """As far as it can be: what stands between is said and heard."""
        host, worker = self.ends["host"], self.ends["worker"]
        self.everything_arrives()
        if worker.view.phase == "opening":
            assert worker.say(m.Hello(1, "V8", 7, {}), host)
        if worker.view.phase == "warming":
            assert worker.say(m.Ready(), host)
        self.everything_arrives()
        if host.view.phase == "ready":
            assert host.say(start_of(host.view.last_cell + 1), worker)

    @precondition(lambda self: self.steps > LONG_ENOUGH)
    @rule(protocols=st.sampled_from([(), (3,), (3, 4), (1,), (2,)]))
    def the_host_refuses(self, protocols: tuple[int, ...]) -> None:
        self.ends["host"].say(m.Refused(protocols), self.ends["worker"])

    @rule(role=ROLES, choice=st.integers(0, 7))
    def what_cannot_be_said_is_not(self, role: Role, choice: int) -> None:
        end = self.ends[role]
        end.refuse_to_say(unsayable(role, max(end.view.last_cell, 0))[choice])

    # ── what arrives ────────────────────────────────────────────────────────────────────────────────────────

    @rule(role=ROLES, size=st.integers(1, 80), takes=st.integers(0, 3), by_iterator=st.booleans())
    def a_piece_arrives(self, role: str, size: int, takes: int, by_iterator: bool) -> None:
        end = self.ends[role]
        end.hear(size)
        for _ in range(takes):
            end.take(by_iterator=by_iterator)

    @rule(role=ROLES)
    def bytes_arrive_one_at_a_time(self, role: str) -> None:
        end = self.ends[role]
        for _ in range(len(end.on_the_way)):
            end.hear(1)
            end.take_all()

    @rule()
    def everything_arrives(self) -> None:
        for end in self.ends.values():
            end.hear_all()

    # ── what always holds ───────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def each_end_is_where_its_model_is(self) -> None:
        self.steps += 1
        for end in self.ends.values():
            end.agree_with_model()

    @invariant()
    def whoever_keeps_the_rules_is_never_refused(self) -> None:
        assert self.was_forged or not any(end.faulted for end in self.ends.values())

    @invariant()
    def both_ends_agree_once_nothing_is_on_the_way(self) -> None:
        host, worker = self.ends["host"], self.ends["worker"]
        if self.was_forged or host.is_deaf or worker.is_deaf or host.parcels or worker.parcels:
            return
        assert host.view == worker.view
        of_one_end = {"_role", "_decode", "_sendable"}
        both = [{k: v for k, v in inside(end.connection).items() if k not in of_one_end} for end in (host, worker)]
        assert both[0] == both[1]

    def teardown(self) -> None:
        """Also a conversation that stops anywhere comes to an agreement when everything has arrived."""
        self.everything_arrives()
        self.everything_arrives()
        for end in self.ends.values():
            end.agree_with_model()
        self.whoever_keeps_the_rules_is_never_refused()
        self.both_ends_agree_once_nothing_is_on_the_way()


class ConversationAmongLiars(Conversation):
    """The same, on wires that bring what nobody said, and that break."""

    @rule(role=ROLES, dice=DICE)
    def a_twin_is_told_what_was_never_said(self, role: Role, dice: Dice) -> None:
        """After all that is on the way comes a message that its other end did not say, legal or not."""
        self.lie_to_twin(role, self.forged(role, dice))

    @rule(data=st.data(), role=ROLES)
    def a_twin_hears_garbage(self, data: st.DataObject, role: Role) -> None:
        self.lie_to_twin(role, data.draw(GARBAGE[role]))

    def lie_to_twin(self, role: Role, lie: Parcel) -> None:
        twin = self.ends[role].twin()
        later = parcel_of(m.Ready() if role == "host" else m.Ping(10**6))
        twin.hear_all()
        twin.send_here(lie)
        twin.send_here(later)
        twin.hear_all()
        if twin.faulted:
            twin.send_here(later)
            twin.hear_all()
            twin.refuse_to_say(m.Ping(10**7) if role == "host" else m.Ready())
        twin.agree_with_model()

    @precondition(lambda self: self.steps > LONG_ENOUGH)
    @rule(role=ROLES, dice=DICE)
    def an_end_is_told_what_was_never_said(self, role: Role, dice: Dice) -> None:
        self.was_forged = True
        self.ends[role].send_here(self.forged(role, dice))

    @precondition(lambda self: self.steps > LONG_ENOUGH)
    @rule(data=st.data(), role=ROLES)
    def an_end_hears_garbage(self, data: st.DataObject, role: Role) -> None:
        self.was_forged = True
        self.ends[role].send_here(data.draw(GARBAGE[role]))

    def forged(self, listener: Role, dice: Dice) -> Parcel:
        return parcel_of(message_of("worker" if listener == "host" else "host", self.ends[listener].view, dice))

    @precondition(lambda self: self.steps > LONG_ENOUGH)
    @rule(role=ROLES, size=st.integers(0, 80))
    def a_wire_is_cut(self, role: str, size: int) -> None:
        end = self.ends[role]
        if not end.cut:
            self.was_forged = True
            end.hear(size)
            end.end_of_stream()


ORDINARY = settings(
    max_examples=150,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,  # the ordinary suite is the same each time; the soak is not
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault of the conversation
)
SOAK = settings(ORDINARY, max_examples=20 * 150, derandomize=False)


def test_both_ends_agree_whatever_is_said_and_whatever_crosses() -> None:
    run_state_machine_as_test(Conversation, settings=ORDINARY)


def test_a_bad_message_closes_the_end_that_hears_it_and_harms_nothing_else() -> None:
    run_state_machine_as_test(ConversationAmongLiars, settings=ORDINARY)


@pytest.mark.soak
@pytest.mark.parametrize("machine", [Conversation, ConversationAmongLiars])
def test_both_ends_keep_the_rules_for_long(machine: type[Conversation]) -> None:
    run_state_machine_as_test(machine, settings=SOAK)
