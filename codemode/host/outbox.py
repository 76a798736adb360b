"""What a worker is to be told while its cell runs: answers, and what other cells have stored. Sans-IO.

It goes out in rounds. Of what others store in a flood, each round holds the last of each key; what was stored before an
answer was ready goes before it, for the answer may rest on it; and no flood holds an answer up for longer than a round.
"""

from __future__ import annotations

import math
from collections import deque

from codemode.wire import messages as m
from codemode.wire.frames import MAX_FRAME_BYTES

PAUSE_S = 0.01
"""Between two rounds that hold no answer."""
MAX_STORED_CHARACTERS = 65536
"""How much of what was stored goes into one write. One value alone may be longer."""
MAX_ANSWER_CHARACTERS = MAX_FRAME_BYTES // 8
"""How much JSON text goes into one frame of answers, a character being four bytes perhaps. One answer may be longer."""

Answer = tuple[int, m.CallStatus, str]


class Outbox:
    """Holds no more than one answer for each call, and each stored value twice."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []
        self._stored: dict[str, str | None] = {}
        self._answers_of_round: list[Answer] = []
        self._stored_of_round: deque[tuple[str, str | None]] = deque()
        self._last_round_s = -math.inf

    def add_answer(self, call: int, status: m.CallStatus, text: str) -> None:
        """A call has been answered."""
        self._answers.append((call, status, text))

    def add_stored(self, key: str, value: str | None) -> None:
        """Another cell stored a value, or removed it."""
        self._stored[key] = value

    def drop_stored(self, key: str) -> None:
        """The cell has stored under this key itself: what others had stored there before is not told any more."""
        self._stored.pop(key, None)

    def clear(self) -> None:
        """The cell has ended: nothing of it is told any more."""
        self.__init__()  # type: ignore[misc]

    def __bool__(self) -> bool:
        """False where there is nothing at all."""
        return bool(self._answers or self._stored or self._answers_of_round or self._stored_of_round)

    @property
    def due_s(self) -> float:
        """When there is something to be taken, on the clock of `take`; infinite where there is nothing at all."""
        if self._stored_of_round or self._answers_of_round or self._answers:
            return -math.inf
        return self._last_round_s + PAUSE_S if self._stored else math.inf

    def take(self, cell: int, now_s: float) -> list[m.Message]:
        """What goes out next, in one write; nothing where nothing is due.

        Args:
            cell: what the messages are of.
            now_s: on any clock.
        """
        if not self._stored_of_round and not self._answers_of_round and self.due_s <= now_s:
            self._begin_round(now_s)
        if self._stored_of_round:
            return self._some_stored(cell)
        if self._answers_of_round:
            return [m.Answers(cell, self._some_answers())]
        return []

    def _begin_round(self, now_s: float) -> None:
        self._answers_of_round, self._answers = self._answers, []
        if self._stored:
            self._stored_of_round, self._stored = deque(self._stored.items()), {}
        self._last_round_s = now_s

    def _some_stored(self, cell: int) -> list[m.Message]:
        some: list[m.Message] = []
        size = 0
        while self._stored_of_round and size <= MAX_STORED_CHARACTERS:
            key, value = self._stored_of_round.popleft()
            some.append(m.Stored(cell, key, value))
            size += len(key) + len(value or "")
        return some

    def _some_answers(self) -> tuple[Answer, ...]:
        size = count = 0
        for _, _, text in self._answers_of_round:
            size += len(text)
            if count and size > MAX_ANSWER_CHARACTERS:
                break
            count += 1
        some, self._answers_of_round = self._answers_of_round[:count], self._answers_of_round[count:]
        return tuple(some)
