"""The trio thread: every request is answered, by whatever the thread comes to its end."""

from __future__ import annotations

import concurrent.futures
import contextvars
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import trio

from codemode.bridge.portal import Held, Portal
from codemode.errors import ClosedError

ANSWER_S = 10.0

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def close(portal: Portal) -> None:
    portal.stop()
    portal.ended.result(ANSWER_S)
    portal.join()


@pytest.fixture
def portal() -> Iterator[Portal]:
    portal = Portal()
    portal.open()
    yield portal
    close(portal)


async def answer() -> int:
    await trio.lowlevel.checkpoint()
    return 42


def test_a_function_runs_under_trio_in_another_thread_in_the_callers_context(portal: Portal) -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name")
    name.set("caller")

    async def where() -> tuple[str, threading.Thread]:
        await trio.lowlevel.checkpoint()
        return name.get(), threading.current_thread()

    told, thread = portal.begin(where).future.result(ANSWER_S)
    assert told == "caller"
    assert thread is not threading.current_thread()
    assert portal.threads == {thread}


def test_what_a_function_raises_is_raised(portal: Portal) -> None:
    async def fail() -> None:
        raise LookupError("not here")

    with pytest.raises(LookupError, match="not here"):
        portal.begin(fail).future.result(ANSWER_S)
    assert portal.begin(answer).future.result(ANSWER_S) == 42


def test_what_is_posted_runs_in_order_also_when_trio_does_not_run_yet() -> None:
    portal = Portal()
    seen: list[int] = []
    for i in range(5):
        portal.post(seen.append, i)
    portal.open()
    for i in range(5, 100):
        portal.post(seen.append, i)
    assert portal.ask(lambda: list(seen)) == list(range(100))
    close(portal)


def test_a_cancelled_request_is_answered_when_its_function_has_ended(portal: Portal) -> None:
    ended = []

    async def hang() -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(0.01)
            ended.append(True)

    request = portal.begin(hang)
    portal.cancel(request)
    with pytest.raises(concurrent.futures.CancelledError):
        request.future.result(ANSWER_S)
    assert ended == [True]


def test_what_answered_before_its_cancellation_is_taken_back(portal: Portal) -> None:
    taken_back: concurrent.futures.Future[int] = concurrent.futures.Future()

    async def take_back(value: int) -> None:
        taken_back.set_result(value)

    request = portal.begin(answer, take_back)
    assert request.future.result(ANSWER_S) == 42
    assert not taken_back.done()
    portal.cancel(request)
    assert taken_back.result(ANSWER_S) == 42


def test_a_request_that_is_open_when_the_thread_ends_is_told_so() -> None:
    portal = Portal()
    portal.open()
    request = portal.begin(trio.sleep_forever)
    portal.ask(lambda: None)
    close(portal)
    with pytest.raises(ClosedError, match="has been closed"):
        request.future.result(ANSWER_S)
    with pytest.raises(ClosedError, match="has been closed"):
        portal.begin(answer)
    portal.post(print, "never")
    portal.cancel(request)
    assert portal.ask(threading.current_thread) is threading.current_thread()


def test_every_request_is_told_why_the_thread_broke_down() -> None:
    portal = Portal()
    portal.open()
    portal.ask(lambda: None)
    request = portal.begin(trio.sleep_forever)

    def crash() -> None:
        raise ZeroDivisionError("a bug")

    portal.post(crash)
    with pytest.raises(ClosedError, match="broken down") as told:
        request.future.result(ANSWER_S)
    assert isinstance(told.value.__cause__, trio.TrioInternalError)
    portal.join()
    with pytest.raises(ClosedError, match="broken down"):
        portal.check()


def test_a_caller_that_is_gone_ends_the_thread() -> None:
    gone = threading.Event()
    ending: list[threading.Thread] = []
    portal = Portal(is_gone=gone.is_set, on_end=lambda: ending.append(threading.current_thread()))
    portal.open()
    gone.set()
    portal.ended.result(ANSWER_S)
    portal.join()
    assert portal.threads == set(ending)


def test_requests_that_race_with_the_end_are_each_answered() -> None:
    for _ in range(20):
        portal = Portal()
        portal.open()
        answers: list[str] = []

        def ask(portal: Portal = portal, answers: list[str] = answers) -> None:
            until_s = time.monotonic() + ANSWER_S
            while time.monotonic() < until_s:
                try:
                    answers.append(str(portal.begin(answer).future.result(ANSWER_S)))
                except ClosedError:
                    answers.append("closed")
                    return

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        close(portal)
        for thread in threads:
            thread.join(ANSWER_S)
        assert answers.count("closed") == 3
        assert set(answers) <= {"42", "closed"}


@pytest.mark.parametrize("fails", ["entering", "never"])
def test_a_context_manager_is_entered_and_left_in_one_task(portal: Portal, fails: str) -> None:
    tasks: list[trio.lowlevel.Task] = []

    @asynccontextmanager
    async def block() -> AsyncIterator[str]:
        tasks.append(trio.lowlevel.current_task())
        if fails == "entering":
            raise LookupError("not here")
        yield "entered"
        tasks.append(trio.lowlevel.current_task())

    held = Held(portal, block)
    if fails == "entering":
        with pytest.raises(LookupError, match="not here"):
            portal.begin(held.enter).future.result(ANSWER_S)
        portal.begin(held.leave).future.result(ANSWER_S)
        return
    assert portal.begin(held.enter).future.result(ANSWER_S) == "entered"
    portal.begin(held.leave).future.result(ANSWER_S)
    assert len(tasks) == 2
    assert len(set(tasks)) == 1


def test_a_context_manager_whose_entering_is_cancelled_is_left(portal: Portal) -> None:
    left = []

    @asynccontextmanager
    async def block() -> AsyncIterator[None]:
        try:
            yield
        finally:
            left.append(True)

    held = Held(portal, block)
    request = portal.begin(held.enter)
    portal.cancel(request)
    concurrent.futures.wait([request.future], ANSWER_S)
    portal.begin(held.leave).future.result(ANSWER_S)
    assert left == [True]
