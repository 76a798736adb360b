"""Scripts in a real engine, in a process of its own: V8 can be initialised once in each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

_PROLOGUE = """
import os, sys, traceback
from codemode.engine.engine import *
from codemode.engine.source import SourceError
from codemode.engine.records import RecordDecoder
from codemode.limits import MIB, Limits
from codemode.wire import messages as m

TOOLS = (("get", "tools.js", "get", "", False, ""),)

def start(engine, source, cell=1, **fields):
    values = dict(cell=cell, name=f"cell-{cell}.js", source=source, language="javascript", tools=TOOLS, stored={},
                  max_calls_in_flight=4, max_store_bytes=1000) | fields
    engine.start(m.Start(**values), last_call=0, now_ms=0, nonce="n" * 32)

def said(engine, cell=1):
    engine.state()
    return RecordDecoder(cell).receive(engine.ring.take())

def texts(source, language="javascript"):
    engine = Engine(Limits())
    start(engine, source, language=language)
    heard = said(engine)
    assert isinstance(heard[-1], m.Completed), heard
    return [body for message in heard if isinstance(message, m.Output) for _, body in message.items]

def refusal(source, language="javascript"):
    engine = Engine(Limits())
    try:
        start(engine, source, language=language)
    except SourceError as error:
        assert engine.ring.take() == b""
        return error.code, error.message, error.line, error.column
    raise AssertionError(source)

def main():
"""
_EPILOGUE = """
try:
    main()
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
os._exit(0)  # engines are open
"""


@pytest.fixture
def in_engine() -> Callable[..., None]:
    """Runs Python text, which starts engines and asserts, in a fresh process; with `dies`, V8 must end that process."""

    def run(body: str, *, dies: bool = False) -> None:
        indented = "".join(f"    {line}\n" for line in body.strip("\n").splitlines())
        done = subprocess.run(
            [sys.executable, "-c", _PROLOGUE + indented + _EPILOGUE],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode < 0) if dies else (done.returncode == 0), done.stderr

    return run
