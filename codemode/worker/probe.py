"""The process by which `codemode doctor` finds out what the fences of a worker, and the flags of its engine, do.

It has the code of a worker, and no wire. What it finds it writes to a descriptor, one JSON document a line:

    {"states": {fence: state}}                                    as `apply_fences` gave them
    {"act", "behind": fence | "all" | null,                       what was tried, a clause
     "outcome": "done" | "refused" | "failed", "why"}
    {"flag", "outcome"}                                           what a script made of it

`forked`, it goes the zygote's way. It loads everything, and forks a process for each trial: of an act without a fence,
then behind each fence that refuses it alone, then behind all of them and with an engine. `spawned`, it fences itself
and tries. Named after a flag of the engine, it runs a script that tells whether that is set.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Collection
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, Literal

from codemode.engine.engine import ENDED, Engine
from codemode.engine.records import RecordDecoder
from codemode.limits import MIB, Limits
from codemode.wire import messages as m
from codemode.wire.messages import FENCES
from codemode.worker.acts import ACTS, EXECUTED, SECRET, Act, Held, Surroundings
from codemode.worker.fences import apply_fences
from codemode.worker.link import end_process
from codemode.worker.main import load

ANSWER_S = 10.0
"""How long one trial may take: ten times what the slowest takes, which uses the CPU until it is ended."""
_NEEDED = {"landlock": ("no_new_privs",), "seccomp": ("no_new_privs",)}
"""What must be up before a fence can be, where the user is an ordinary one."""
_ENDED_BY_FENCES = (signal.SIGXCPU, signal.SIGSYS)

Outcome = Literal["done", "refused", "failed"]


class Probe:
    """Tries, and reports.

    Args:
        descriptor: to which it writes.
        limits: of the fences and of the engine.
        skip: fences and flags that are left out.
    """

    def __init__(self, descriptor: int, limits: Limits, skip: Collection[str]) -> None:
        self._descriptor = descriptor
        self._limits = limits
        self._skip = skip

    def try_forked(self, around: Surroundings) -> None:
        """Every act, each in processes of its own."""
        load(self._limits)
        os.environ[SECRET] = "of the host"
        os.chdir(Path(__file__).parent)
        self._in_child(lambda: self._say(states=self._fence(FENCES)))
        if (beside := os.fork()) == 0:
            self._try_each([act for act in ACTS if act.is_slow], around)
            end_process()
        self._try_each([act for act in ACTS if not act.is_slow], around)
        os.waitpid(beside, 0)

    def _try_each(self, acts: Collection[Act], around: Surroundings) -> None:
        for act in acts:
            if not act.is_slow:
                self._try_in_child(act, around, None, ())
            for fence in act.answering():
                self._try_in_child(act, around, fence, (fence, *_NEEDED.get(fence, ())))
            if act.whole:
                self._try_in_child(act, around, "all", FENCES)

    def try_spawned(self, around: Surroundings) -> None:
        """What is tried behind all fences, in this process."""
        load(self._limits)
        self._say(states=self._fence(FENCES))
        with closing(Engine(self._limits)):
            for act in ACTS:
                if act.whole:
                    outcome, why = _outcome(act, around)
                    self._say(act=act.name, behind="all", outcome=outcome, why=why)

    def try_flag(self, flag: str) -> None:
        """What a script makes of it."""
        load(self._limits, skip_flags=self._skip)
        self._say(flag=flag, outcome=_EFFECTS[flag](self._limits))

    def _say(self, **document: Any) -> None:
        data = json.dumps(document).encode() + b"\n"
        while data:
            data = data[os.write(self._descriptor, data) :]

    def _fence(self, names: Collection[str]) -> dict[str, str]:
        skip = {*self._skip, *(name for name in FENCES if name not in names)}
        return apply_fences(self._limits, keep=(2, self._descriptor), skip=skip)

    def _try_in_child(self, act: Act, around: Surroundings, behind: str | None, fences: Collection[str]) -> None:
        said = {"act": act.name, "behind": behind}

        def tell() -> None:
            self._fence(fences)
            with closing(Engine(self._limits)) if behind == "all" else nullcontext():
                outcome, why = _outcome(act, around)
            self._say(**said, outcome=outcome, why=why)

        match self._in_child(tell):
            case None:
                pass
            case end if end == _exited(EXECUTED):
                self._say(**said, outcome="done", why="")
            case end if end in map(_killed, _ENDED_BY_FENCES):
                self._say(**said, outcome="refused", why=end)
            case end:
                self._say(**said, outcome="failed", why=end)

    def _in_child(self, tell: Callable[[], None]) -> str | None:
        """Calls it in a process of its own; None, or how that ended before it had told anything."""
        pid = os.fork()
        if pid == 0:
            try:
                tell()
                end_process()
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            end_process(70)
        ended = select.poll()
        pidfd = os.pidfd_open(pid)
        try:
            ended.register(pidfd, select.POLLIN)
            in_time = bool(ended.poll(ANSWER_S * 1000))
            if not in_time:
                os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
        finally:
            os.close(pidfd)
        if not in_time:
            return f"did not end within {ANSWER_S:g} s"
        status = os.waitstatus_to_exitcode(status)
        return None if status == 0 else _killed(signal.Signals(-status)) if status < 0 else _exited(status)


def _exited(status: int) -> str:
    return f"exit status {status}"


def _killed(number: signal.Signals) -> str:
    return f"ended by {number.name}"


def _outcome(act: Act, around: Surroundings) -> tuple[Outcome, str]:
    try:
        act.run(around)
    except Held as held:
        return "refused", str(held)
    except OSError as error:
        return "refused", errno.errorcode.get(error.errno or 0, str(error))
    return "done", ""


# ── what the flags of the engine change ─────────────────────────────────────────────────────────────────────────────


def _threads(limits: Limits) -> str:
    with closing(Engine(limits)):
        return str(len(os.listdir("/proc/self/task")))


def _run_script(limits: Limits, source: str) -> str:
    """Runs a script that ends by itself, and gives the text that it emitted."""
    start = m.Start(1, "probe.js", source, "javascript", (), {}, 1, 1024)
    with closing(Engine(limits)) as engine:
        engine.start(start, last_call=0, now_ms=0.0, nonce=os.urandom(16).hex())
        while engine.state() != ENDED:
            pass
        said = RecordDecoder(1).receive(engine.ring.take())
    return "".join(item[1] for message in said if isinstance(message, m.Output) for item in message.items)


_EFFECTS: dict[str, Callable[[Limits], str]] = {
    "single-threaded": _threads,
    "max-heap-size": lambda limits: _run_script(
        limits,
        f"let kept = []; while (kept.length < {3 * limits.max_heap_bytes // MIB}) kept.push(Array(1 << 17).fill(1.5));",
    ),
    "stack-size": lambda limits: _run_script(
        limits, "let depth = 0; const f = () => { depth++; f(); }; try { f(); } catch {} text(depth);"
    ),
    "enable-experimental-regexp-engine-on-excessive-backtracks": lambda limits: _run_script(
        limits, 'text(/^(a+)+$/.test("a".repeat(40) + "b"));'
    ),
}


def main(arguments: list[str]) -> None:
    """The probe's entry: `[inbound, outbound, way, limits, skip, surroundings]`, the last three as JSON text."""
    try:
        _, outbound, way, limits_text, skip_text, around_text = arguments
        limits = Limits.from_json(limits_text)
        probe = Probe(int(outbound), limits, json.loads(skip_text))
        if way in _EFFECTS:
            probe.try_flag(way)
        else:
            spare = os.open(os.devnull, os.O_RDONLY)
            around = Surroundings(limits, spare_descriptor=spare, **json.loads(around_text))
            (probe.try_forked if way == "forked" else probe.try_spawned)(around)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        end_process(70)
    end_process()
