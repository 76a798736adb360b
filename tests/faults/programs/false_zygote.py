"""A zygote that does what none may do. It is the real one up to the moment at which it goes wrong."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
from typing import Any

from codemode.limits import Limits
from codemode.worker.link import end_process
from codemode.worker.main import load
from codemode.worker.zygote import Zygote

GARBAGE = b"\xc1\xc1\xc1\xc1"
"""No msgpack."""


class FalseZygote(Zygote):
    """Says what it likes.

    Args:
        control: see `Zygote`.
        limits: see `Zygote`.
        habit: what it does.
    """

    def __init__(self, control: socket.socket, limits: Limits, habit: str) -> None:
        super().__init__(control, limits)
        self._habit = habit

    def _say(self, message: list[Any], *descriptors: int) -> None:
        match self._habit, message:
            case "exits at once", _:
                end_process(3)
            case "never stands", ["standing"]:
                wait_for_the_end(self._control)
            case "says garbage first", ["standing"]:
                self._control.send(GARBAGE)
            case "says that it stands twice", ["standing"]:
                super()._say(message)
                super()._say(message)
            case "says garbage when it has forked", ["forked", *_]:
                self._control.send(GARBAGE)
            case "says nothing when it has forked", ["forked", *_]:
                pass
            case "closes its socket when it has forked", ["forked", *_]:
                self._control.shutdown(socket.SHUT_RDWR)
                time.sleep(3600)
            case "exits when it has forked", ["forked", *_]:
                end_process(3)
            case "gives no pidfd", ["forked", *_]:
                super()._say(message)
            case "gives two pidfds", ["forked", *_]:
                super()._say(message, *descriptors, *descriptors)
            case "names a request that was never made", ["forked", request, pid]:
                super()._say(["forked", request + 1000, pid], *descriptors)
            case "answers twice", ["forked", *_]:
                super()._say(message, *descriptors)
                super()._say(message, *descriptors)
            case "says too much", ["forked", *_]:
                self._control.send(b"\xc6\x00\x00\x40\x00" + bytes(16384))
            case "tells of strangers", ["forked", *_]:
                super()._say(["exited", 1, 0])
                super()._say(["pong", 10**6])
                super()._say(message, *descriptors)
            case "lies about the exit status", ["exited", pid, _]:
                super()._say(["exited", pid, -10_000])
            case "refuses", ["forked", request, _]:
                super()._say(["refused", request, "no room"])
            case "answers no ping", ["pong", _]:
                pass
            case _:
                super()._say(message, *descriptors)


def wait_for_the_end(control: socket.socket) -> None:
    """Lives until the host is gone."""
    while control.recv(4096):
        pass
    end_process()


def zygote_that(habit: str) -> Callable[[list[str]], None]:
    """The entry of a zygote with this habit."""

    def main(arguments: list[str]) -> None:
        control = socket.socket(fileno=int(arguments[0]))
        limits = Limits.from_json(arguments[1])
        if habit == "closes its socket at once":
            control.close()
            select.select([], [], [])
        if habit == "kills itself":
            os.abort()
        load(limits)
        FalseZygote(control, limits, habit).run()

    return main
