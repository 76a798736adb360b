"""A worker process as bytes: its pipes, the end of its stderr, and what a forked child keeps of them."""

from __future__ import annotations

import os

import pytest
import trio
import trio.testing

from codemode.errors import WorkerUnavailable
from codemode.host.process import PipedProcess, Pipes, Tail, last_words

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def test_the_end_of_stderr_is_kept_and_its_beginning_let_go() -> None:
    tail = Tail()
    for number in range(10_000):
        tail.add(b"%020d\n" % number)

    assert len(str(tail)) == 64 * 1024
    assert str(tail).endswith(f"{9999:020d}\n")


def test_stderr_that_is_no_text_is_kept_as_well_as_it_can_be() -> None:
    tail = Tail(max_bytes=4)
    tail.add(b"abc\xff\xfe")
    assert str(tail) == "bc\ufffd\ufffd"


def test_a_log_ends_with_the_last_words_where_there_are_any() -> None:
    assert last_words(" \n") == ""
    assert last_words("Fatal error\n") == "; its stderr ends:\nFatal error"


async def test_what_is_sent_and_received_is_whole_also_where_the_pipe_is_full() -> None:
    pipes = Pipes()
    process = PipedProcess(0, pipes)
    os.set_blocking(pipes.from_host, False)
    data = os.urandom(300_000)
    heard = bytearray()

    async def hear() -> None:
        while len(heard) < len(data):
            await trio.lowlevel.wait_readable(pipes.from_host)
            heard.extend(os.read(pipes.from_host, 65536))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear)
        assert await process.send(data)
    assert heard == data

    os.write(pipes.to_host, b"said")
    assert await process.receive() == b"said"
    assert not process.has_exited()
    pipes.close_childs_ends()
    assert await process.receive() == b""
    assert process.has_exited()
    assert not await process.send(b"nobody reads this")
    process.close()
    process.close()


def test_a_system_without_pipes_is_said_to_be_one_and_nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    made, pipe = [], os.pipe

    def one_pipe_only() -> tuple[int, int]:
        if made:
            raise OSError(24, "Too many open files")
        made.append(pipe())
        return made[0]

    monkeypatch.setattr(os, "pipe", one_pipe_only)
    with pytest.raises(WorkerUnavailable, match="no pipe"):
        Pipes()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_child_that_the_program_forks_has_none_of_the_pipes() -> None:
    pipes = Pipes()
    child = os.fork()
    if child == 0:
        open_still = 0
        for end in (pipes.inbound, pipes.outbound, pipes.stderr):
            try:
                os.fstat(end)
                open_still += 1
            except OSError:
                pass
        os._exit(open_still)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert pipes.is_open
    pipes.close()
