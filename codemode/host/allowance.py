"""What a worker may say of its cell, whatever it claims. Sans-IO.

The runner keeps these limits as well, and ends the script where one is reached. Here they hold for a worker that lies,
so they are never stricter than there: a character counts once, which is two UTF-16 units perhaps. How many calls may be
open at a time is the wire's own rule (`Connection`).
"""

from __future__ import annotations

from collections.abc import Sequence

from codemode.host.identifiers import MAX_IDENTIFIER_CHARACTERS
from codemode.host.ledger import Ledger
from codemode.limits import Limits


class Overstepped(Exception):
    """The worker has said more than it may: what it said is to be dropped, and the worker ended.

    Attributes:
        code: how its cell ends.
        message: likewise, for a person.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code, message)


class Allowance:
    """What one cell may emit and call.

    Args:
        limits: of the cell.
        ledger: its calls.
    """

    def __init__(self, limits: Limits, ledger: Ledger) -> None:
        self._limits = limits
        self._ledger = ledger
        self._items = self._characters = 0

    def admit_output(self, texts: Sequence[str]) -> None:
        """The script emits these: the bodies of items, or notes.

        Raises:
            Overstepped: they are too much.
        """
        limits = self._limits
        self._items += len(texts)
        self._characters += sum(map(len, texts))
        if self._characters > limits.max_output_bytes:
            raise Overstepped(
                "output_limit", f"the script's output is longer than {limits.max_output_bytes} characters"
            )
        if self._items > limits.max_output_items:
            raise Overstepped("output_limit", f"the script emitted more than {limits.max_output_items} items")

    def admit_calls(self, calls: Sequence[tuple[int, str, str]]) -> None:
        """The script makes these, before the ledger knows them.

        Raises:
            Overstepped: they are too many, or their arguments too long.
        """
        limits, ledger = self._limits, self._ledger
        longest = longest_name = total = 0
        for _, tool, arguments in calls:
            size = len(arguments)
            total += size
            longest = max(longest, size)
            longest_name = max(longest_name, len(tool))
        if len(ledger) + len(calls) > limits.max_calls:
            raise Overstepped("call_limit", f"the script made more than {limits.max_calls} calls")
        if longest_name > MAX_IDENTIFIER_CHARACTERS:
            raise _broken(f"named a tool by {longest_name} characters")
        if longest > limits.max_argument_bytes:
            raise _broken(f"sent an argument of {longest} characters, where {limits.max_argument_bytes} may be")
        in_flight = ledger.open_size + total
        if in_flight > limits.max_argument_bytes_in_flight and ledger.open_count + len(calls) > 1:
            most = limits.max_argument_bytes_in_flight
            raise _broken(f"has calls open whose arguments come to {in_flight} characters, where {most} may be")


def _broken(how: str) -> Overstepped:
    return Overstepped("worker_crashed", f"the worker {how}, and was ended")
