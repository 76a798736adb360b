"""`codemode.worker.main`: a real worker, spoken to by the wire alone. Every cell ends in one message."""

from __future__ import annotations

import time
from typing import Any

import pytest

from codemode.wire import messages as m


def texts(heard: list[m.Message]) -> list[str]:
    return [body for message in heard if isinstance(message, m.Output) for _, body in message.items]


def test_the_worker_speaks_first_and_then_stands_ready(worker: Any) -> None:
    hello, ready = worker.hear_until(m.Ready)

    assert hello == m.Hello(m.PROTOCOL_VERSION, hello.engine, worker.process.pid, hello.fences)
    assert hello.engine.startswith("V8 ")
    assert ready == m.Ready()


def test_a_script_emits_and_completes(worker: Any) -> None:
    assert worker.run('text("a"); text("é😀"); console.log("l"); store("k", 1);') == [
        m.Output(1, (("text", "a"), ("text", "é😀"))),
        m.Logs(1, (("log", "l"),)),
        m.Stores(1, (("k", "1"),)),
        m.Completed(1),
    ]


def test_answers_settle_by_their_ids_in_any_order(worker: Any) -> None:
    worker.start(
        "await Promise.all([1, 2, 3].map(async (n) =>"
        ' text(n + ":" + await tools.get({n}).catch((e) => e.code + e.callId))));'
    )
    (calls,) = worker.hear_until(m.Calls)
    assert calls == m.Calls(1, tuple((n, "get", f'{{"n":{n}}}') for n in (1, 2, 3)))

    worker.say(m.Answers(1, ((3, "ok", '"c"'),)))
    assert texts(worker.hear_until(m.Output)) == ["3:c"]
    worker.say(
        m.Answers(1, ((2, "error", '{"code":"denied","message":"no","callId":"c2","tool":"get"}'), (1, "ok", "1")))
    )
    assert texts(worker.hear_until(m.Completed)) == ["2:deniedc2", "1:1"]


def test_an_aborted_signal_cancels_its_call_which_is_still_answered(worker: Any) -> None:
    worker.start(
        "const signal = {aborted: true}; const e = await tools.get({}, {signal}).catch((e) => e); text(e.code);"
    )
    assert worker.hear_until(m.Cancels) == [m.Calls(1, ((1, "get", "{}"),), (1,)), m.Cancels(1, (1,))]
    worker.say(m.Answers(1, ((1, "cancelled", '{"code":"cancelled","message":"m","callId":"c1","tool":"get"}'),)))
    assert texts(worker.hear_until(m.Completed)) == ["cancelled"]


def test_timers_fire_without_the_host(worker: Any) -> None:
    heard = worker.run('setTimeout(() => text("b"), 20); setTimeout(() => text("a"), 1); await sleep(40); text("c");')

    assert texts(heard) == ["a", "b", "c"]
    assert heard[-1] == m.Completed(1)


def test_what_another_cell_stored_comes_in(worker: Any) -> None:
    worker.start('await tools.get(); text(load("k"));')
    worker.hear_until(m.Calls)
    worker.say(m.Stored(1, "k", '{"a":1}'))
    worker.say(m.Answers(1, ((1, "ok", "null"),)))

    assert texts(worker.hear_until(m.Completed)) == ['{"a":1}']


def test_what_another_cell_stored_alone_wakes_nobody_and_is_there_when_the_script_goes_on(worker: Any) -> None:
    worker.start('await sleep(100); text(load("k"));')
    worker.say(m.Stored(1, "k", "1"))
    worker.say(m.Stored(1, "k", "2"))

    assert texts(worker.hear_until(m.Completed)) == ["2"]


def test_a_ping_is_answered_and_output_arrives_while_the_script_spins(worker: Any) -> None:
    worker.start('text("before"); for (;;);')

    assert worker.hear_until(m.Output) == [m.Output(1, (("text", "before"),))]
    for number in range(3):
        worker.say(m.Ping(number))
        assert worker.hear() == m.Pong(number)


def test_an_idle_worker_answers_a_ping_and_so_does_one_whose_script_waits(worker: Any) -> None:
    worker.hear_until(m.Ready)
    worker.say(m.Ping(1))
    assert worker.hear() == m.Pong(1)
    worker.start("await tools.get();", ready=False)
    worker.hear_until(m.Calls)
    worker.say(m.Ping(2))
    assert worker.hear() == m.Pong(2)


def test_a_failure_has_its_place_in_the_script(worker: Any) -> None:
    assert worker.run('text("a");\n  throw new TypeError("no");') == [
        m.Output(1, (("text", "a"),)),
        m.Failing(1),
        m.Failed(1, "script_error", "TypeError: no", "TypeError: no\n    at cell-1.js:2:9", 2, 9),
    ]


def test_a_message_with_a_lone_surrogate_is_a_failure_like_any_other(worker: Any) -> None:
    assert worker.run('throw new Error("\\ud800");')[-1].message == "Error: \ufffd"


@pytest.mark.parametrize(
    ("source", "code", "line", "column"),
    [
        ("\n  let x = = 1;", "syntax_error", 2, 11),
        ("text(1)\nimport {nope} from 'tools.js';", "module_not_found", 2, 9),
        ("", "syntax_error", 1, 1),
    ],
)
def test_a_script_that_is_refused_says_nothing_but_why(
    worker: Any, source: str, code: str, line: int, column: int
) -> None:
    (failed,) = worker.run(source)

    assert (failed.code, failed.line, failed.column) == (code, line, column)


def test_a_script_that_nothing_can_wake_is_stalled(worker: Any) -> None:
    heard = worker.run('text("a"); await new Promise(() => {});')

    assert texts(heard) == ["a"]
    assert heard[-1].code == "stalled"


def test_a_finished_script_is_followed_by_a_fresh_engine_in_the_same_process(worker: Any) -> None:
    worker.start("globalThis.left = 1; Array.prototype.map = null; await tools.get();")
    worker.hear_until(m.Calls)
    worker.say(m.Answers(1, ((1, "ok", "1"),)))
    worker.hear_until(m.Completed)

    worker.start('text([typeof left, typeof [].map].join()); await tools.raw("x");', cell=2)
    heard = worker.hear_until(m.Calls)

    assert heard == [m.Output(2, (("text", "undefined,function"),)), m.Calls(2, ((2, "raw", '"x"'),))]
    assert worker.process.poll() is None


def test_what_runs_on_after_the_end_says_nothing_and_harms_nothing(worker: Any) -> None:
    source = '(async () => { for (let i = 0; i < 20; i++) await null; tools.get(); text("late"); })();'

    assert worker.run(source) == [m.Completed(1)]
    assert worker.run("text(2);", cell=2) == [m.Output(2, (("text", "2"),)), m.Completed(2)]


def test_exit_completes_the_cell_and_ends_the_process(worker: Any) -> None:
    assert worker.run('try { text("a"); exit(); } finally { text("b"); }') == [
        m.Output(1, (("text", "a"),)),
        m.Completed(1),
    ]
    assert worker.hear() is None
    assert worker.exit_status() == 0


def test_a_script_that_spins_on_after_its_end_has_completed_and_its_process_ends(worker: Any) -> None:
    source = "(async () => { for (let i = 0; i < 20; i++) await null; for (;;); })();"

    assert worker.run(source) == [m.Completed(1)]
    assert worker.exit_status() == 0


def test_what_is_thrown_and_cannot_be_read_fails_the_cell_in_time(worker: Any) -> None:
    begun = time.monotonic()
    heard = worker.run("throw new Proxy({}, {ownKeys() { for (;;); }, getPrototypeOf() { for (;;); }});")

    assert [type(message) for message in heard] == [m.Failing, m.Failed]
    assert heard[-1].code == "script_error"
    assert time.monotonic() - begun < 10
    assert worker.exit_status() == 0


def test_a_script_that_spins_ends_by_its_cpu_limit_and_keeps_what_it_said(open_worker: Any) -> None:
    heard = open_worker(max_cpu_s=0.3).run('text("a"); for (;;);')

    assert texts(heard) == ["a"]
    assert heard[-1].code == "cpu_limit"


@pytest.mark.parametrize(
    ("limits", "source", "code"),
    [
        ({"max_output_items": 3}, "try { for (;;) text(1); } finally { text(2); }", "output_limit"),
        ({"max_calls": 3}, "for (;;) tools.get();", "call_limit"),
        ({"max_timers": 3}, "for (;;) setTimeout(() => {}, 1e6);", "timer_limit"),
    ],
)
def test_a_limit_ends_the_cell_with_its_code(open_worker: Any, limits: dict[str, Any], source: str, code: str) -> None:
    worker = open_worker(**limits)

    assert worker.run(source)[-1].code == code
    assert worker.exit_status() == 0


def test_a_text_of_many_rings_arrives_whole(worker: Any) -> None:
    assert texts(worker.run('text("aé€x".repeat(1_500_000)); text("end");')) == ["aé€x" * 1_500_000, "end"]


def test_the_shortest_records_in_their_masses_are_no_message_too_many(open_worker: Any) -> None:
    heard = open_worker(max_cpu_s=2).run('for (let i = 0; i < 1_200_000; i++) store("", undefined);')

    assert heard[-1] == m.Completed(1) or heard[-1].code == "cpu_limit"


@pytest.mark.parametrize(
    ("source", "until"),
    [
        (None, m.Ready),
        ("await tools.get();", m.Calls),
        ("text(1); for (;;);", m.Output),
        ("text(1); for (;;) await null;", m.Output),
    ],
    ids=["idle", "waiting", "spinning", "spinning in jobs"],
)
def test_the_hosts_end_ends_the_worker(worker: Any, source: str | None, until: type[m.Message]) -> None:
    if source is not None:
        worker.start(source)
    worker.hear_until(until)
    worker.hang_up()

    assert worker.exit_status() == 0


def test_the_hosts_end_ends_a_worker_that_waits_in_a_write(worker: Any) -> None:
    worker.start('for (;;) text("x".repeat(1000));')
    worker.wait_until_blocked()
    worker.close_reading()
    worker.hang_up()

    assert worker.exit_status() == 0
