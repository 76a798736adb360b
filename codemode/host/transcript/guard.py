"""Keeps a conversation valid: each call has exactly one output, before any later message. Sans-IO.

What comes is read into calls, outputs and other pieces (`pieces.py`) by the form of the provider. Pieces queue:

    queue ──→ history, up to a batch of calls ──→ (all of them answered) ──→ their outputs ──→ queue …

While a call of the batch at the end of the history is open the queue waits, and only what the model made in the same
response still joins the batch, past what others said meanwhile. An output is kept with its call wherever that stands,
so a call that is answered while it waits in the queue leaves it answered.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from codemode.errors import UsageError
from codemode.host.transcript.formats import FORMS, TranscriptFormat, checked_format
from codemode.host.transcript.log import Digest, TranscriptEntry, What, dump
from codemode.host.transcript.pieces import Call, Form, Item, Output, Piece, Reading
from codemode.host.transcript.plain import copied, plain_item

MAX_EARLY = 1_000
"""Outputs whose calls have not been seen: more than a response has calls. Without a bound, strangers would stay."""
_MAX_NAMED = 3

_Key = tuple[str, str]


class _Asked:
    """A call that was seen, and its output when that has come."""

    __slots__ = ("call", "call_id", "keys", "output", "serial", "shown")

    def __init__(self, call: Call, serial: int) -> None:
        self.call = call
        self.call_id = call.call_id or call.made_up_id or ""
        self.serial = serial
        self.output: Output | None = None
        self.shown = False
        """It stands in the history, in the batch at its end."""
        self.keys: tuple[_Key, ...] = (("id", self.call_id), ("name", call.name))
        if call.call_id is None:
            self.keys += (("name of one without id", call.name),)


def _keys_of(output: Output) -> tuple[_Key, ...]:
    """By what the output's call may be found, best first: by id where both have one, else by name."""
    if output.call_id is None:
        return (("name", output.name or ""),)
    if output.name is None:
        return (("id", output.call_id),)
    return (("id", output.call_id), ("name of one without id", output.name))


@dataclass(eq=False, slots=True)
class _Queued:
    piece: Piece
    asked: tuple[_Asked, ...]
    entry: int
    """The number of the entry of the item that it came in."""
    was_held: bool = False


class _Batch:
    """The calls at the end of the history, until all of them are answered, and a while longer."""

    __slots__ = ("after", "asked", "end", "open", "rest", "settled")

    def __init__(self) -> None:
        self.asked: list[_Asked] = []
        self.open = 0
        self.rest: list[Item] = []
        """What came in one message with outputs, and stays there."""
        self.end = 0
        """Where in the history its outputs begin, when it is closed."""
        self.settled = 0
        """How many items were settled until then."""
        self.after: list[_Queued] = []
        """What came into the history after its outputs."""

    @property
    def is_alone(self) -> bool:
        """True where nothing may stand behind its outputs."""
        return any(one.call.alone for one in self.asked)


class TranscriptGuard:
    """A conversation with a model that the model's provider accepts, whatever comes in which order.

    Args:
        format: `openai.responses` (or `openai`), `openai.chat`, `anthropic` or `gemini`.
        clock: what time it is, for the log.

    Raises:
        UsageError: there is no such format.
    """

    def __init__(self, format: TranscriptFormat | str, *, clock: Callable[[], float] = time.time) -> None:  # noqa: A002
        self.format = checked_format(format)
        self._clock = clock
        self._items: list[Item] = []
        self._settled = 0
        """How many items will never change: those before what the model said last."""
        self._batch: _Batch | None = None
        self._closed: _Batch | None = None
        """The last batch, until something is sent or the model is seen to go on."""
        self._leads = False
        """The history ends with what wants the model's next piece right after it."""
        self._alone = False
        """The history ends with outputs behind which the provider takes nothing but the model's next piece."""
        self._queue: deque[_Queued] = deque()
        self._calls = 0
        self._without_id = 0
        self._open: dict[int, _Asked] = {}
        self._open_by: dict[_Key, OrderedDict[int, _Asked]] = {}
        self._ended: dict[_Key, int] = {}
        """The entry by which the last call of that key was answered or cancelled."""
        self._early: OrderedDict[int, Output] = OrderedDict()
        """Outputs without their calls, by the number of their entries."""
        self._early_by: dict[_Key, list[int]] = {}
        self._extended: int | None = None
        """The first entry of an `extend` that is under way with several items."""
        self._log: list[TranscriptEntry] = []
        self._digest = Digest()

    def __repr__(self) -> str:
        return (
            f"<TranscriptGuard {self.format}, {len(self._items)} items, "
            f"{len(self._open)} open calls, {len(self._queue)} held>"
        )

    @property
    def pending(self) -> list[str]:
        """The ids of the calls that have no output, in the order in which they came."""
        return [asked.call_id for asked in self._open.values()]

    @property
    def log(self) -> tuple[TranscriptEntry, ...]:
        """What came and what went."""
        return tuple(self._log)

    def add(self, item: object) -> tuple[TranscriptEntry, ...]:
        """Takes an item of the conversation: a message, a call, an output.

        Args:
            item: the provider's own dict, or an object of its SDK. It is copied.

        Returns:
            What it caused, the item itself first.

        Raises:
            UsageError: the item is not well formed. Nothing has changed then.
        """
        return self.extend((item,))

    def extend(self, items: Iterable[object]) -> tuple[TranscriptEntry, ...]:
        """Takes items in their order, all or none: the `output` of a response, or a conversation that was kept.

        Raises:
            UsageError: one of them is not well formed. Nothing has changed then.
        """
        if isinstance(items, str | bytes | Mapping):
            raise UsageError(f"extend() takes a list of items, not {type(items).__name__}; give one item to add()")
        plain = [plain_item(item) for item in items]
        read = [(item, self._form.read(item)) for item in plain]
        before = len(self._log)
        self._extended = before + 1 if len(read) > 1 else None
        for item, reading in read:
            self._take(item, reading)
            if len(read) > 1:
                self._closed = None  # what was kept with its outputs is no stream: after these comes another response
        self._extended = None
        return tuple(self._log[before:])

    def cancel(self, call_id: str | None = None) -> tuple[TranscriptEntry, ...]:
        """Answers open calls with `Tool cancelled`.

        Args:
            call_id: which. None: all of them. One that has ended is left as it ended.

        Raises:
            UsageError: no call of that id was seen.
        """
        if call_id is None:
            asked = list(self._open.values())
        elif found := self._open_by.get(("id", call_id)):
            asked = [next(iter(found.values()))]
        elif ("id", call_id) in self._ended:
            asked = []
        else:
            open_ids = ", ".join(map(repr, self.pending)) or "none"
            raise UsageError(f"no call with the id {call_id!r} was seen; open calls: {open_ids}")
        before = len(self._log)
        if asked:
            entry = self._note("cancelled", [one.call_id for one in asked], "the caller gave it up")
            for one in asked:
                self._answer(one, self._form.cancelled(one.call), entry.number)
            self._advance()
        return tuple(self._log[before:])

    def history(self) -> list[Item]:
        """The items that may be sent now. They end at the open calls, if there are any.

        The list and the dicts are the caller's to change.
        """
        self._advance(release=True)
        self._closed = None
        waiting = [] if self._batch is None else [one.call_id for one in self._batch.asked if one.output is None]
        digest = self._digest.of(self._items, self._settled)
        self._note("sent", waiting, sent_items=len(self._items), digest=digest)
        return [copied(item) for item in self._items]

    def dump(self) -> dict[str, Any]:
        """The log as `json.dump` can write it, with every item: what `replay` rebuilds the conversation from."""
        return dump(self.format, self._log)

    @property
    def _form(self) -> Form:
        return FORMS[self.format]  # not kept: a guard can be copied and pickled, a module cannot

    # ── what comes ──────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, item: Item, reading: Reading) -> None:
        """Takes one item: its outputs go to their calls, its piece into the queue."""
        first = len(self._log) + 1
        shown = [self._take_output(output, first, item) for output in reading.outputs]
        if (piece := reading.piece) is not None:
            batch = self._batch
            if reading.stays and any(shown) and not self._queue and batch is not None and not batch.is_alone:
                batch.rest.append(piece.item)
            else:
                self._advance()
                self._take_piece(piece, first, item)
        self._advance()

    def _take_piece(self, piece: Piece, first: int, item: Item) -> None:
        self._reopen_for(piece)
        queued = _Queued(piece, tuple(map(self._ask, piece.calls)), first)
        reason = self._why_held(piece)
        queued.was_held = bool(reason)
        call_ids = [one.call_id for one in queued.asked]
        self._note_first(first, "held" if reason else "added", call_ids, reason, item)
        for asked in queued.asked:
            self._answer_early(asked)
        self._enqueue(queued)
        if self._batch is not None and piece.joins:
            self._join()

    def _ask(self, call: Call) -> _Asked:
        """A call was made: it is open."""
        if call.call_id is None:
            self._without_id += 1
            call = replace(call, made_up_id=f"{call.name}#{self._without_id}")
        self._calls += 1
        asked = _Asked(call, self._calls)
        self._open[asked.serial] = asked
        for key in asked.keys:
            self._open_by.setdefault(key, OrderedDict())[asked.serial] = asked
        return asked

    def _take_output(self, output: Output, first: int, item: Item) -> bool:
        """Gives an output to its call. True where that stands at the end of the history."""
        keys = _keys_of(output)
        said = [output.call_id or output.name or ""]
        for key in keys:
            if found := self._open_by.get(key):
                asked = next(iter(found.values()))
                entry = self._note_first(first, "answered", [asked.call_id], "", item)
                self._answer(asked, output, entry.number)
                return asked.shown
        ended = max((self._ended.get(key, 0) for key in keys), default=0)
        if ended:
            by = (
                "late: the call was cancelled"
                if self._log[ended - 1].what == "cancelled"
                else "second: the call was answered"
            )
            self._note_first(first, "dropped", said, f"{by} in entry {ended}", item)
        elif output.call_id is not None and keys[0] in self._early_by:
            self._note_first(first, "dropped", said, "second: one is kept for when the call comes", item)
        else:
            self._keep_early(output, first, item, said, keys)
        return False

    # ── outputs before their calls ──────────────────────────────────────────────────────────────────────────

    def _keep_early(self, output: Output, first: int, item: Item, said: list[str], keys: tuple[_Key, ...]) -> None:
        entry = self._note_first(first, "early", said, "no such call yet; kept until it comes", item)
        self._early[entry.number] = output
        for key in keys:
            self._early_by.setdefault(key, []).append(entry.number)
        if len(self._early) > MAX_EARLY:
            oldest = next(iter(self._early))
            forgotten = self._forget_early(oldest)
            reason = f"no such call came, and {MAX_EARLY:,} newer outputs wait for theirs"
            self._note("dropped", [forgotten.call_id or forgotten.name or ""], reason, about=oldest)

    def _answer_early(self, asked: _Asked) -> None:
        for key in asked.keys:
            if kept := self._early_by.get(key):
                number = kept[0]
                output = self._forget_early(number)
                entry = self._note("answered", [asked.call_id], "its output came before it", about=number)
                self._answer(asked, output, entry.number)
                return

    def _forget_early(self, number: int) -> Output:
        output = self._early.pop(number)
        for key in _keys_of(output):
            self._early_by[key].remove(number)
            if not self._early_by[key]:
                del self._early_by[key]
        return output

    # ── the queue and the history ───────────────────────────────────────────────────────────────────────────

    def _answer(self, asked: _Asked, output: Output, entry: int) -> None:
        """A call has its output: it is open no more."""
        asked.output = output
        del self._open[asked.serial]
        for key in asked.keys:
            del self._open_by[key][asked.serial]
            if not self._open_by[key]:
                del self._open_by[key]
            self._ended[key] = entry
        if asked.shown and self._batch is not None:
            self._batch.open -= 1

    def _why_held(self, piece: Piece) -> str:
        """Why the piece, which comes now, cannot stand in the history yet; empty where it can."""
        if self._batch is None:
            return "the model goes on first" if (self._leads or self._alone) and not piece.by_model else ""
        if piece.joins and all(queued.piece.bridges for queued in self._queue if queued.piece.by_model):
            return ""
        waiting = (one.call_id for one in self._batch.asked if one.output is None)
        more = self._batch.open - _MAX_NAMED
        return f"no output of {', '.join(islice(waiting, _MAX_NAMED))}{f' and {more} more' if more > 0 else ''}"

    def _enqueue(self, queued: _Queued) -> None:
        """Puts a piece at the end of the queue, or right after the piece of the model's that leads to it."""
        if queued.piece.by_model:
            for back, before in enumerate(reversed(self._queue)):
                if before.piece.by_model:
                    self._queue.insert(len(self._queue) - back if before.piece.leads else len(self._queue), queued)
                    return
            if self._leads or self._alone:
                self._queue.appendleft(queued)
                return
        self._queue.append(queued)

    def _advance(self, *, release: bool = False) -> None:
        """Moves what may stand in the history from the queue to it.

        Args:
            release: whether the model is known to have ended its response.
        """
        while True:
            while self._queue and self._batch is None:
                goes_on = self._alone or (self._leads and not release)
                if goes_on and not self._queue[0].piece.by_model:
                    return
                queued = self._queue.popleft()
                self._show(queued)
                if queued.asked:
                    self._join()
            if self._batch is None or self._batch.open:
                return
            self._close()

    def _join(self) -> None:
        """Moves what belongs to the open batch from the queue into it, past what is not the model's."""
        joining: list[_Queued] = []
        bridging: list[_Queued] = []
        for queued in self._queue:
            if queued.piece.joins:
                joining += [*bridging, queued]
                bridging.clear()
            elif queued.piece.bridges:
                bridging.append(queued)
            elif queued.piece.by_model:
                break
        if joining:
            moved = set(joining)
            self._queue = deque(queued for queued in self._queue if queued not in moved)
            for queued in joining:
                self._show(queued)

    def _show(self, queued: _Queued) -> None:
        """Puts a piece into the history."""
        piece = queued.piece
        count, item = self._form.placed(self._items, piece)
        self._items[len(self._items) - count :] = [item]
        self._leads, self._alone = piece.leads, False
        if piece.by_model:
            self._closed = None
        else:
            self._settled = len(self._items)
            if self._closed is not None:
                self._closed.after.append(queued)
        if queued.asked:
            self._batch = self._batch or _Batch()
            self._batch.asked += queued.asked
            self._batch.open += sum(one.output is None for one in queued.asked)
            for one in queued.asked:
                one.shown = True
        if queued.was_held:
            self._note("flushed", [one.call_id for one in queued.asked], about=queued.entry)

    def _close(self) -> None:
        """All calls of the batch are answered: their outputs follow them."""
        assert self._batch is not None, "there is a batch to close"
        self._batch.end, self._batch.settled = len(self._items), self._settled
        self._batch.after.clear()
        answers = [(one.call, one.output) for one in self._batch.asked if one.output is not None]
        self._items += self._form.lay_out(answers, self._batch.rest)
        self._settled = len(self._items)
        self._alone = self._batch.is_alone
        self._batch, self._closed = None, self._batch

    def _reopen_for(self, piece: Piece) -> None:
        """Where a response goes on though all calls of it were answered, its batch does too.

        Not after something was sent, nor after somebody spoke when all were answered: then it is another response.
        """
        closed = self._closed
        if closed is None or not all(queued.was_held for queued in closed.after):
            return
        if self._form.continues(self._items[closed.end - 1], piece):
            del self._items[closed.end :]
            self._settled = closed.settled
            self._queue.extendleft(reversed(closed.after))
            self._batch, self._closed = closed, None

    # ── the log ─────────────────────────────────────────────────────────────────────────────────────────────

    def _note(
        self,
        what: What,
        call_ids: Iterable[str] = (),
        reason: str = "",
        *,
        item: Item | None = None,
        about: int | None = None,
        sent_items: int | None = None,
        digest: str | None = None,
    ) -> TranscriptEntry:
        number = len(self._log) + 1
        entry = TranscriptEntry(
            number,
            self._clock(),
            what,
            tuple(call_ids),
            reason,
            item,
            about,
            sent_items,
            digest,
            None if item is None else self._extended,
        )
        self._log.append(entry)
        return entry

    def _note_first(self, first: int, what: What, call_ids: Iterable[str], reason: str, item: Item) -> TranscriptEntry:
        """Notes what an item causes. The first of its entries has the item, and the others name that one."""
        if first == len(self._log) + 1:
            return self._note(what, call_ids, reason, item=item)
        return self._note(what, call_ids, reason, about=first)
