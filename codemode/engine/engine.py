"""One V8 engine for one script: the binding to mini-racer, and the only place that touches it.

Only text made by the runner and small numbers cross here. Nothing of a script's is ever touched from Python: that would
run its code with no limit. An engine that may be busy is never closed: `close` would return and the script run on; its
process ends instead.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Sequence
from functools import partial
from importlib import resources
from itertools import chain, islice
from typing import Any, cast

import py_mini_racer._mini_racer as mini_racer_internals
from py_mini_racer import JSEvalException, JSParseException, MiniRacer, init_mini_racer

from codemode.engine.erasure import NotTypeScript, erase
from codemode.engine.modules import LinkedScript, link
from codemode.engine.ring import RingReader
from codemode.engine.source import LINE_END, UNREADABLE, SourceError, is_empty, syntax_error, to_units
from codemode.limits import MIB, Limits
from codemode.pragma import PragmaError, read_pragma
from codemode.wire.messages import Start

FAULTY = -4
ENDED = -3
STALLED = -2
WAITING = -1
"""What `Engine.state` gives where no timer runs; the numbers of `port.js`."""

_RUNNER = resources.files("codemode.engine").joinpath("runner.js").read_text("utf-8")
_STACK_KIB = 900
_MAX_STRAY_BRACES = 200
"""How many braces of a script that does not parse are looked at."""
_STRICT = '"use strict";'
_OVERFLOW = "Maximum call stack size exceeded"
_PARSE_ERROR = re.compile(r"\A[^\n]*?:(\d+): (?:SyntaxError: )?([^\n]*)\n([^\n]*)\n( *)\^")


_Linker = Callable[[str], LinkedScript]


class RunnerError(Exception):
    """An accessor of the runner threw: a bug in the runner. The process is not to be used further."""


class _TooDeep(SourceError):
    """V8's parser has come to the end of its stack. Types have no part in that."""

    def __init__(self) -> None:
        super().__init__("syntax_error", UNREADABLE, 1, 1)


class _Refused(Exception):
    """V8 does not take the body of a script. To find out where takes many attempts, so only what is told is located."""

    def __init__(self, source: str, body: str, message: str) -> None:
        self.source = source
        self.body = body
        self.message = message
        super().__init__(source, body, message)


def initialise_v8(limits: Limits, *, skip: Collection[str] = ()) -> None:
    """Sets V8's flags and loads it. Once a process, before the first engine; no isolate and no thread exists after it.

    Args:
        limits: the greatest heap.
        skip: flags that are left out: `codemode doctor` sees what each changes.

    Raises:
        py_mini_racer.LibAlreadyInitializedError: V8 was loaded before.
    """
    # mini-racer would put three names on every script's global that cannot be deleted, and its setTimeout(f, 0) throws.
    setattr(mini_racer_internals, "INSTALL_SET_TIMEOUT", "0")  # noqa: B010 - a name that the module does not export
    flags = {
        "single-threaded": "",
        "max-heap-size": f"={max(8, limits.max_heap_bytes // MIB)}",
        "stack-size": f"={_STACK_KIB}",
        "enable-experimental-regexp-engine-on-excessive-backtracks": "",
    }
    init_mini_racer(flags=[f"--{name}{value}" for name, value in flags.items() if name not in skip])


class Engine:
    """A fresh V8 with the runner in it, for one script.

    Args:
        limits: what the script may use.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._v8 = MiniRacer()
        self._port = cast("Any", self._v8.eval(_RUNNER))
        self.ring = RingReader(self._port["ring"])
        self._check()

    @property
    def version(self) -> str:
        """The engine's name and version."""
        return f"V8 {self._v8.v8_version}"

    @property
    def last_call(self) -> int:
        """The greatest id given to a call so far, 0 for none."""
        return cast("int", self._port["lastCall"])

    def start(self, start: Start, *, last_call: int, now_ms: float, nonce: str) -> None:
        """Begins the script. What it says is in the ring once `state` has returned.

        Args:
            start: the cell.
            last_call: ids of calls go on after this one.
            now_ms: the host's monotonic clock.
            nonce: letters that no script can guess, for the names around it.

        Raises:
            SourceError: the source does not parse, or imports what is not there. Nothing of it has run.
        """
        limits = self._limits
        cell = {
            "name": start.name,
            "maxCallsInFlight": start.max_calls_in_flight,
            "maxCalls": limits.max_calls,
            "maxStoreBytes": start.max_store_bytes,
            "maxStoreKeys": limits.max_store_keys,
            "maxArgumentUnits": limits.max_argument_bytes,
            "maxArgumentUnitsInFlight": limits.max_argument_bytes_in_flight,
            "maxOutputUnits": limits.max_output_bytes,
            "maxOutputItems": limits.max_output_items,
            "maxTimers": limits.max_timers,
            "tools": start.tools,
            "lastCall": last_call,
            "stored": start.stored,
            "storedBytes": sum(map(_utf8_length, chain(start.stored, start.stored.values()))),
            "seed": os.urandom(32).hex(),
        }
        self._port["cell"] = json.dumps(cell)
        self._check()
        exports = json.loads(cast("str", self._port["exports"]))
        try:
            read_pragma(start.source)  # the host goes by what it sets
        except PragmaError as error:
            before = to_units(start.source[: error.at])
            raise syntax_error(before, error.message, len(before)) from None
        if is_empty(start.source):
            raise SourceError("syntax_error", "the script is empty", 1, 1)
        try:
            script, wrapper = self._read(start, partial(link, exports=exports, name=start.name, nonce=nonce))
        except _Refused as refused:
            raise self._locate(refused) from None
        if script.broken_link is not None:
            raise script.broken_link
        self._port["place"] = json.dumps([script.prologue_units, len(LINE_END.split(start.source))])
        self._port["now"] = now_ms
        self._port["script"] = wrapper
        self._check()

    def deliver(self, answers: str) -> None:
        """Gives answers to the script: JSON text of [call, status, value, call, status, value, …], 0 for ok."""
        self._port["answers"] = answers

    def take_stored(self, entries: Sequence[tuple[str, str | None]]) -> None:
        """Another cell of the session stored values (JSON text) or, with None, removed them."""
        self._port["stored"] = json.dumps(entries)

    def tick(self, now_ms: float) -> None:
        """Sets the clock, and runs one timer that is due."""
        self._port["now"] = now_ms

    def state(self) -> int:
        """Milliseconds until the next timer, or `WAITING`, `STALLED` or `ENDED`. Promise jobs have run.

        Raises:
            RunnerError: an accessor has thrown.
        """
        state = cast("int", self._port["state"])
        if state == FAULTY:  # answers that could not be delivered would leave their calls open for ever
            self._check()
        return state

    def close(self) -> None:
        """Ends the engine, which must be idle: the last `state` has returned."""
        del self.ring
        self._v8.close()

    def _check(self) -> None:
        if fault := self._port["fault"]:
            raise RunnerError(fault)

    def _read(self, start: Start, linker: _Linker) -> tuple[LinkedScript, object]:
        """The script linked and compiled: as JavaScript if V8 takes it so, and only else without its types.

        Raises:
            SourceError: it cannot be read.
            _Refused: V8 does not take it.
        """
        source, refusal = start.source, None
        if start.language == "javascript":
            try:
                return self._compile(source, linker)
            except _TooDeep:
                raise
            except (SourceError, _Refused) as error:
                refusal = error
        try:
            erased = erase(source)
        except NotTypeScript:
            if refusal is not None:
                raise refusal from None
            self._compile(source, linker)  # V8 says better what is wrong, if it finds anything
            raise
        if refusal is not None and erased == source:
            raise refusal
        return self._compile(erased, linker)

    def _compile(self, source: str, linker: _Linker) -> tuple[LinkedScript, object]:
        """The script linked, and as a function that was not called yet.

        Raises:
            SourceError: it is refused, and where is known.
            _Refused: V8 refuses the body alone, which so cannot close what stands around it.
        """
        script = linker(source)
        # The body alone first: what does not parse alone might close what stands around it, and run at once.
        if not self._parses_alone(script.body):
            refusal = cast("str", self._port["alone"])
            raise _TooDeep if _OVERFLOW in refusal else _Refused(source, script.body, refusal)
        try:
            return script, self._v8.eval(script.text)
        except JSParseException as error:
            if _OVERFLOW in str(error):
                raise _TooDeep from None
            raise _located(error, source, script.prologue_units) from None

    def _locate(self, refused: _Refused) -> SourceError:
        """Where the body is refused. Nothing of it runs: a text that does parse throws at its first token."""
        source, body = refused.source, refused.body
        if (stray := self._stray_brace(body)) is not None:
            before = to_units(body[:stray])
            return syntax_error(before, "Unexpected token '}'", len(before))
        prologue = "throw 0;(async function(){" + _STRICT
        try:
            self._v8.eval(f"{prologue}{body}\n}})")
        except JSParseException as error:
            return _located(error, source, len(prologue))
        except JSEvalException:
            pass
        return SourceError("syntax_error", _in_words(refused.message), 1, 1)

    def _stray_brace(self, body: str) -> int | None:
        """Where a brace closes what the script has not opened: what stands before it is whole, and with it is not.

        V8 would blame what comes after it, for it closes the function that stands around the body.
        """
        for found in islice(re.finditer("}", body), _MAX_STRAY_BRACES):
            if self._parses_alone(body[: found.start()]) and not self._parses_alone(body[: found.end()]):
                return found.start()
        return None

    def _parses_alone(self, body: str) -> bool:
        self._port["alone"] = _STRICT + body
        return not self._port["alone"]


def _located(error: JSParseException, source: str, prologue_units: int) -> SourceError:
    """V8's refusal with its place in the source, read from the text of mini-racer's exception."""
    found = _PARSE_ERROR.match(str(error))
    if found is None:
        return SourceError("syntax_error", _in_words(str(error).strip().splitlines()[0]), 1, 1)
    line, message, column = max(1, int(found[1])), _in_words(found[2]), len(to_units(found[4])) + 1
    if line == 1:
        column = max(1, column - prologue_units)
    lines = LINE_END.split(source)
    if line > len(lines):  # in what stands after the source: something was left open
        line, column = len(lines), len(to_units(lines[-1])) + 1
        if message.startswith("Unexpected token"):
            message = "Unexpected end of input"
    return SourceError("syntax_error", message, line, column)


def _in_words(message: str) -> str:
    """What V8 says of a source, but for a stack of which the script knows nothing."""
    return UNREADABLE if _OVERFLOW in message else message


def _utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
