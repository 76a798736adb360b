"""`codemode.worker.link`: blocking pipes, and two threads that share them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from codemode.wire import messages as m
from codemode.wire.codec import Decoder
from codemode.wire.connection import Connection
from codemode.worker.link import Link

HELLO = m.Hello(m.PROTOCOL_VERSION, "V8", 7, {})
START = m.Start(1, "cell-1.js", "", "javascript", (), {}, 4, 1000)
ANSWER_S = 10.0


class Ends:
    """A link, and the host's ends of its pipes."""

    def __init__(self) -> None:
        from_host, self.inbound = os.pipe()
        self.outbound, to_host = os.pipe()
        self.descriptors = [from_host, self.inbound, self.outbound, to_host]
        self.link = Link(from_host, to_host)
        self.host = Connection("host", Decoder(m.WORKER_MESSAGES))

    def say(self, *messages: m.Message) -> None:
        os.write(self.inbound, b"".join(self.host.send(message) for message in messages))

    def hear(self, count: int) -> list[m.Message]:
        heard: list[m.Message] = []
        while len(heard) < count:
            heard += self.host.receive_data(os.read(self.outbound, 65536))
        return heard


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    ends.link.send([HELLO, m.Ready()])
    assert ends.hear(2) == [HELLO, m.Ready()]
    yield ends
    for descriptor in ends.descriptors:
        os.close(descriptor)


def test_what_the_host_says_comes_in_its_order(ends: Ends) -> None:
    answers = m.Answers(1, ())
    ends.say(START, answers)

    assert ends.link.receive(None) == START
    assert ends.link.receive_pending() == answers
    assert ends.link.receive_pending() is None


def test_of_what_other_cells_store_the_last_of_each_key_is_kept_however_much_comes(ends: Ends) -> None:
    ends.say(START, *(m.Stored(1, f"k{number % 3}", str(number)) for number in range(300)), m.Stored(1, "k1", None))

    assert ends.link.receive(None) == START
    assert ends.link.receive(0.01) is None
    assert {stored.key: stored.value for stored in ends.link.take_stored()} == {"k0": "297", "k1": None, "k2": "299"}
    assert ends.link.take_stored() == []


def test_what_the_script_stored_after_another_cell_is_not_overwritten(ends: Ends) -> None:
    ends.say(START, m.Stored(1, "k", "theirs"), m.Stored(1, "gone", "theirs"), m.Stored(1, "n", "theirs"))
    assert ends.link.receive(None) == START
    assert ends.link.has_stored
    ends.link.send([m.Stores(1, (("k", "ours"), ("gone", None)))])

    assert ends.link.take_stored() == [m.Stored(1, "n", "theirs")]
    assert not ends.link.has_stored


def test_where_nothing_comes_in_time_there_is_no_message(ends: Ends) -> None:
    assert ends.link.receive(0) is None
    assert ends.link.receive(0.01) is None


def test_a_ping_is_answered_by_whoever_reads_and_is_nobodys_message(ends: Ends) -> None:
    ends.say(m.Ping(4), START)
    ends.link.glance()

    assert ends.hear(1) == [m.Pong(4)]
    assert ends.link.receive(0) == START


def test_a_glance_keeps_what_it_reads_for_the_one_who_receives(ends: Ends) -> None:
    ends.link.glance()
    ends.say(START)
    ends.link.glance()
    ends.link.glance()

    assert ends.link.receive_pending() == START


def test_a_glance_does_not_wait_for_one_that_is_reading(ends: Ends) -> None:
    received: list[m.Message | None] = []
    reader = threading.Thread(target=lambda: received.append(ends.link.receive(ANSWER_S)))
    reader.start()
    for _ in range(100):
        ends.link.glance()
    ends.say(START)
    reader.join(ANSWER_S)

    assert received == [START]


def test_a_message_longer_than_the_pipe_is_written_whole_while_the_host_reads(ends: Ends) -> None:
    ends.say(START)
    ends.link.receive(None)
    output = m.Output(1, (("text", "x" * 1_000_000),))
    writer = threading.Thread(target=ends.link.send, args=([output, m.Completed(1)],))
    writer.start()

    assert ends.hear(2) == [output, m.Completed(1)]
    writer.join(ANSWER_S)
    assert not writer.is_alive()


def test_two_threads_never_write_into_each_others_messages(ends: Ends) -> None:
    ends.say(START)
    ends.link.receive(None)
    said = [m.Output(1, (("text", letter * 30_000),)) for letter in "ab"]
    writers = [threading.Thread(target=lambda one=one: [ends.link.send([one]) for _ in range(20)]) for one in said]
    for writer in writers:
        writer.start()
    heard = ends.hear(40)
    for writer in writers:
        writer.join(ANSWER_S)

    assert [heard.count(one) for one in said] == [20, 20]


@pytest.mark.parametrize(
    ("closed", "then"),
    [
        ("inbound", "link.receive(None)"),
        ("inbound", "link.glance()"),
        ("outbound", "link.send([m.Ready()])"),
    ],
)
def test_the_host_gone_is_the_end_of_the_process(closed: str, then: str) -> None:
    script = (
        "import os\n"
        "from codemode.wire import messages as m\n"
        "from codemode.worker.link import Link\n"
        "from_host, inbound = os.pipe(); outbound, to_host = os.pipe()\n"
        "link = Link(from_host, to_host); link.send([m.Hello(1, 'V8', 7, {})])\n"
        f"os.close({closed}); {then}\n"
        "os._exit(9)"
    )

    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0
