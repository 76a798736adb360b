"""`codemode.host.allowance`: what no honest worker says is too much, and what an honest one says is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from codemode.host.allowance import Allowance, Overstepped
from codemode.host.identifiers import MAX_IDENTIFIER_CHARACTERS
from codemode.host.ledger import Ledger
from codemode.limits import Limits

LIMITS = Limits(
    max_output_bytes=10, max_output_items=3, max_calls=5, max_argument_bytes=20,
    max_argument_bytes_in_flight=15,
)  # fmt: skip


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("1")


@pytest.fixture
def allowance(ledger: Ledger) -> Allowance:
    return Allowance(LIMITS, ledger)


@pytest.fixture
def call(allowance: Allowance, ledger: Ledger) -> Callable[..., list[str]]:
    """Makes calls with arguments of these sizes, as a cell does."""

    def made(*sizes: int) -> list[str]:
        allowance.admit_calls([(number, "tool", "x" * size) for number, size in enumerate(sizes)])
        return [ledger.make("tool", size) for size in sizes]

    return made


def test_output_up_to_the_limit_is_admitted(allowance: Allowance) -> None:
    allowance.admit_output(["12345", "67890"])
    allowance.admit_output([""])


@pytest.mark.parametrize("texts", [["1" * 11], ["1", "2", "3", "4"]])
def test_more_output_than_that_is_output_limit(allowance: Allowance, texts: list[str]) -> None:
    with pytest.raises(Overstepped) as overstepped:
        for text in texts:
            allowance.admit_output([text])
    assert overstepped.value.code == "output_limit"


def test_calls_up_to_the_limits_are_admitted(ledger: Ledger, call: Callable[..., list[str]]) -> None:
    for call_id in call(5, 5, 5):
        ledger.settle(call_id, "ok", None, 0.0)
    call(20)
    assert (ledger.open_count, ledger.open_size, len(ledger)) == (1, 20, 4)


def test_more_calls_than_a_cell_may_make_are_call_limit(ledger: Ledger, call: Callable[..., list[str]]) -> None:
    for _ in range(5):
        (call_id,) = call(1)
        ledger.settle(call_id, "ok", None, 0.0)
    with pytest.raises(Overstepped) as overstepped:
        call(1)
    assert overstepped.value.code == "call_limit"


@pytest.mark.parametrize(
    ("before", "sizes", "told"),
    [((), (21,), "an argument of 21 characters"), ((10,), (6,), "come to 16")],
)
def test_what_no_honest_worker_does_ends_it(
    call: Callable[..., list[str]], before: tuple[int, ...], sizes: tuple[int, ...], told: str
) -> None:
    call(*before)
    with pytest.raises(Overstepped, match=told) as overstepped:
        call(*sizes)
    assert overstepped.value.code == "worker_crashed"


def test_a_tool_has_a_name_of_some_length(allowance: Allowance) -> None:
    allowance.admit_calls([(1, "n" * MAX_IDENTIFIER_CHARACTERS, "{}")])
    with pytest.raises(Overstepped, match="by 257 characters"):
        allowance.admit_calls([(2, "n" * (MAX_IDENTIFIER_CHARACTERS + 1), "{}")])
