"""What a buyer has at hand: a service that many cases share, tools of every kind, and the command line."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio

import codemode

ANSWER_S = 20.0
"""Generous: what takes so long has failed."""

Result = TypeVar("Result")


class Stage:
    """A service in a thread of its own, since each test has an event loop of its own: cases share it, not a session."""

    def __init__(self, token: trio.lowlevel.TrioToken, service: codemode.Service) -> None:
        self._token = token
        self._service = service

    def __call__(self, source: str, **options: Any) -> codemode.CellOutcome:
        """Runs a script to its end, as the first cell of a new session with `TOOLS`."""
        return self.play(lambda turn: turn.run(source, **options))

    def play(self, story: Callable[[codemode.Turn], Awaitable[Result]]) -> Result:
        """Plays a story in a turn of a new session."""
        return trio.from_thread.run(self._play, story, trio_token=self._token)

    async def _play(self, story: Callable[[codemode.Turn], Awaitable[Result]]) -> Result:
        with trio.fail_after(ANSWER_S):
            async with self._service.open_session(TOOLS) as session, session.open_turn() as turn:
                return await story(turn)


@pytest.fixture(scope="module")
def run() -> Iterator[Stage]:
    """`run(source)` gives the outcome of a script."""
    answers: queue.SimpleQueue[tuple[trio.lowlevel.TrioToken, codemode.Service, trio.Event] | BaseException] = (
        queue.SimpleQueue()
    )

    async def serve() -> None:
        async with codemode.open_service() as service:
            closing = trio.Event()
            answers.put((trio.lowlevel.current_trio_token(), service, closing))
            await closing.wait()

    def main() -> None:
        try:
            trio.run(serve)
        except BaseException as error:
            answers.put(error)
            raise

    thread = threading.Thread(target=main, name="conformance", daemon=True)
    thread.start()
    answer = answers.get(timeout=ANSWER_S)
    if isinstance(answer, BaseException):
        raise answer
    token, service, closing = answer
    try:
        yield Stage(token, service)
    finally:
        token.run_sync_soon(closing.set)
        thread.join(ANSWER_S)
    assert not thread.is_alive()


def texts_of_completed(outcome: codemode.CellOutcome) -> list[str]:
    """What the cell said, if it completed."""
    assert outcome.status == "completed", outcome.error
    return [item.text for item in outcome.items if item.type == "text"]


@pytest.fixture
def says(run: Stage) -> Callable[[str], list[str]]:
    """`says(script)`: the texts of a script that completes."""
    return lambda source: texts_of_completed(run(source))


@pytest.fixture
def fails(run: Stage) -> Callable[[str], codemode.CellError]:
    """`fails(script)`: the error of a script that fails."""

    def failure(source: str) -> codemode.CellError:
        outcome = run(source)
        assert outcome.status == "failed", outcome
        assert outcome.error is not None
        return outcome.error

    return failure


@pytest.fixture
def codemode_command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `codemode` with these arguments, in a directory of its own."""

    def command(*arguments: str, script: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "codemode", *arguments],
            cwd=tmp_path,
            input=script,
            capture_output=True,
            encoding="utf-8",
            timeout=2 * ANSWER_S,
            check=False,
        )

    return command


TOOLS = codemode.ToolRegistry()
"""Tools of every kind. None of them remembers anything."""
_tool = TOOLS.tool


@_tool
async def echo(**arguments: Any) -> dict[str, Any]:
    """Gives back its arguments."""
    return arguments


@_tool
async def add(a: int, b: int = 1) -> int:
    """The sum of two numbers.

    Args:
        a: the first.
        b: the second.
    """
    return a + b


@_tool
async def exec_command(cmd: str, workdir: str | None = None, yield_time_ms: int | None = None) -> dict[str, Any]:
    """Runs a command in a shell."""
    return {"output": f"ran {cmd} in {workdir}", "exit_code": 0, "yield_time_ms": yield_time_ms}


@_tool(freeform=True)
async def apply_patch(patch: str) -> str:
    """Applies a patch."""
    return f"patched: {patch}"


@_tool
async def sleep_for(ms: float, name: str = "") -> str:
    """Answers with its name, later."""
    await trio.sleep(ms / 1000)
    return name


@_tool
async def fail(message: str = "it went wrong") -> None:
    """Raises."""
    raise RuntimeError(message)


@_tool
async def deny() -> None:
    """Is not allowed."""
    raise codemode.ToolFailure("that is not allowed here", code="denied")


@_tool
async def never() -> None:
    """Never answers."""
    await trio.sleep_forever()


@_tool(timeout_s=0.05)
async def hasty() -> None:
    """Has no patience."""
    await trio.sleep_forever()


@_tool
def in_a_thread(text: str) -> str:
    """Shouts, in a thread."""
    return text.upper()


@_tool
async def length(text: str) -> int:
    """The number of code points, as Python counts them."""
    return len(text)


@_tool
async def code_points(text: str) -> list[int]:
    """The code points, as Python has them."""
    return [ord(character) for character in text]


@_tool
async def odd_value(which: str) -> Any:
    """A value that JSON has no exact form for."""
    odd: dict[str, Any] = {
        "nan": float("nan"),
        "infinity": float("inf"),
        "nested": {"list": [1.5, float("-inf")]},
        "safe": 2**53 - 1,
        "beyond": 2**53,
        "below": -(2**53),
        "huge": [10**30],
        "surrogate": "a\ud800b",
        "object": object(),
        "deep": _nested(100),
        "too_deep": _nested(1000),
    }
    return odd[which]


@_tool(name="read", namespace="files")
async def read_file(path: str) -> str:
    """Reads a file."""
    return f"the text of {path}"


@_tool(name="get", namespace=["cloud", "storage"])
async def get_object(key: str) -> str:
    """Gets an object."""
    return f"the object {key}"


@_tool(name="search", namespace="mcp/wiki")
async def search_wiki(query: str) -> list[str]:
    """Searches the wiki.

    A second paragraph, for those who ask.
    """
    return [query, query.upper()]


@_tool(name="with-dash.and dot")
async def oddly_named() -> str:
    """Its name is no identifier."""
    return "odd"


@_tool(name="2nd")
async def second() -> str:
    """Its name begins with a digit."""
    return "second"


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value
