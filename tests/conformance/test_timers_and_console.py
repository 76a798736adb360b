"""DESIGN.md 5, Helpers: timers of the cell, sleep, and the console."""

from __future__ import annotations

from typing import Any

import pytest

import codemode

TIMERS: dict[str, tuple[str, list[str]]] = {
    "setTimeout calls once, after its time, with its arguments": (
        """await new Promise((done) => setTimeout((...args) => { text(args.join()); done() }, 5, "a", "b"))""",
        ["a,b"],
    ),
    "setTimeout of 0": ("await new Promise((done) => setTimeout(done, 0)); text('fired')", ["fired"]),
    "setTimeout without a time": ("await new Promise((done) => setTimeout(done)); text('fired')", ["fired"]),
    "a timer fires after the code that made it, and after its microtasks": (
        """setTimeout(() => text("timer"), 0); Promise.resolve().then(() => text("microtask")); text("code");
           await sleep(20)""",
        ["code", "microtask", "timer"],
    ),
    "timers fire in the order of their times": (
        """for (const ms of [60, 10, 30]) setTimeout(() => text(ms), ms); await sleep(120)""",
        ["10", "30", "60"],
    ),
    "clearTimeout": (
        "const timer = setTimeout(() => text('fired'), 5); clearTimeout(timer); await sleep(30); text('end')",
        ["end"],
    ),
    "setInterval calls again and again until clearInterval": (
        """let n = 0; await new Promise((done) => { const timer = setInterval(() => {
             text(++n); if (n === 3) { clearInterval(timer); done() } }, 1) });
           await sleep(20); text("end")""",
        ["1", "2", "3", "end"],
    ),
    "clearing what is no timer does nothing": (
        "clearTimeout(undefined); clearTimeout(12345); clearInterval(null); text('fine')",
        ["fine"],
    ),
    "sleep(ms) is awaited": (
        "const before = Date.now(); await sleep(50); text(Date.now() - before >= 49)",
        ["true"],
    ),
    "sleeps run side by side": (
        "await Promise.all([sleep(40).then(() => text('b')), sleep(5).then(() => text('a'))])",
        ["a", "b"],
    ),
    "a pending timer does not keep a finished script alive": (
        "setTimeout(() => text('late'), 3_600_000); setInterval(() => text('late'), 3_600_000); text('end')",
        ["end"],
    ),
    "a timer that is due does not fire after the script's end": (
        "setTimeout(() => text('late'), 0); text('end')",
        ["end"],
    ),
}


@pytest.mark.parametrize(("script", "expected"), TIMERS.values(), ids=TIMERS)
def test_timers(says: Any, script: str, expected: list[str]) -> None:
    assert says(script) == expected


THROWS: dict[str, str] = {
    "a throw in a callback": "setTimeout(() => { throw new Error('in a timer') }, 1);",
    "a throw in an interval": "setInterval(() => { throw new Error('in a timer') }, 1);",
    "a rejected promise that a callback returns": "setTimeout(async () => { throw new Error('in a timer') }, 1);",
    "one rejected later": "setTimeout(async () => { await sleep(1); throw new Error('in a timer') }, 1);",
}


@pytest.mark.parametrize("script", THROWS.values(), ids=THROWS)
def test_it_fails_the_cell(run: Any, script: str) -> None:
    outcome = run(f"text('before');\n{script} await tools.never(); text('after')")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.error.message, outcome.text) == (
        "failed",
        "script_error",
        "Error: in a timer",
        "before",
    )
    assert outcome.error.line == 2


def test_the_console_goes_to_the_log_and_not_to_the_output(run: Any) -> None:
    outcome = run("""
        console.log("a", 1, { b: [2] }); console.info("i"); console.warn("w"); console.error("e"); console.debug("d");
        text("said");
    """)

    assert outcome.text == "said"
    assert len(outcome.items) == 1
    assert [entry.level for entry in outcome.logs] == ["log", "info", "warn", "error", "debug"]
    assert outcome.logs[0].text.startswith("a 1 ")
    assert [entry.text for entry in outcome.logs[1:]] == ["i", "w", "e", "d"]


def test_the_console_is_not_shown_to_the_model_unless_the_script_fails(run: Any) -> None:
    completed = run("console.log('logged'); text('said')")
    failed = run("console.log('logged'); throw new Error('x')")

    assert "logged" not in str(completed.content())
    assert "logged" in failed.content()[-1].text


@pytest.mark.parametrize("method", ["table", "dir", "trace", "assert", "count", "group", "groupEnd", "time", "timeEnd"])
def test_every_method_of_the_console_can_be_called(says: Any, method: str) -> None:
    assert says(f"console.{method}('x'); text('fine')") == ["fine"]


async def test_the_log_is_bounded_and_keeps_the_newest(toolbox: Any) -> None:
    async with (
        codemode.open_session(toolbox.registry, limits=codemode.Limits(max_console_bytes=100)) as session,
        session.open_turn() as turn,
    ):
        outcome = await turn.run("for (let i = 0; i < 1000; i++) console.log('entry ' + i)")

    texts = [entry.text for entry in outcome.logs]
    assert texts[-1] == "entry 999"
    assert 1 <= sum(len(text) for text in texts) <= 100


def test_the_runner_shows_the_console_on_stderr_and_the_output_on_stdout(codemode_command: Any) -> None:
    done = codemode_command("run", "-e", "console.log('logged'); text('said')")

    assert (done.returncode, done.stdout) == (0, "said\n")
    assert "logged" in done.stderr
