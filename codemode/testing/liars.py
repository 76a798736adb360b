"""Workers that are hostile programs: real pipes, and at their far end whatever a test says.

No process stands behind them, so that thousands can be had. All else is as with a real one: the host reads the pipes as
it reads those of a process, and killing closes them.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Awaitable, Callable

import trio

from codemode.host.launcher import Launcher, LaunchStatistics
from codemode.host.process import PipedProcess, Pipes, WorkerProcess, read_some
from codemode.wire import messages as m
from codemode.wire.codec import Decoder, encode
from codemode.wire.frames import FrameDecoder, encode_frame

HELLO = m.Hello(m.PROTOCOL_VERSION, "none", 0, {})


class Liar(PipedProcess):
    """A worker that says what it likes.

    Args:
        pid: its process id, in name only.
    """

    def __init__(self, pid: int) -> None:
        self._ends = Pipes()
        super().__init__(pid, self._ends)
        for descriptor in (self._ends.from_host, self._ends.to_host):
            os.set_blocking(descriptor, False)
        self._frames, self._decode = FrameDecoder(), Decoder(m.HOST_MESSAGES)
        self._heard: deque[m.Message] = deque()
        self._life = trio.CancelScope()
        self._gone = trio.Event()
        self._status = 0

    async def live(self, play: Callable[[Liar], Awaitable[None]]) -> None:
        """Its life: it ends when `play` does, or when it is killed."""
        try:
            with self._life:
                await play(self)
        finally:
            self._ends.close_childs_ends()
            self._gone.set()

    # ── the host's side ───────────────────────────────────────────────────────────────────────────────────────

    def kill(self) -> None:
        """See `WorkerProcess.kill`."""
        if not self._gone.is_set():
            self._status = -signal.SIGKILL
            self._life.cancel()

    async def wait(self) -> int:
        """See `WorkerProcess.wait`."""
        await self._gone.wait()
        return self._status

    def resident_bytes(self) -> int:
        """See `WorkerProcess.resident_bytes`."""
        return 0

    # ── the liar's side ───────────────────────────────────────────────────────────────────────────────────────

    async def stand_ready(self) -> m.Message | None:
        """Says hello and ready, and gives the host's next message but pings, which it answers: a `start`."""
        await self.say(HELLO, m.Ready())
        while isinstance(message := await self.hear(), m.Ping):
            await self.say(m.Pong(message.ping))
        return message

    async def hear(self) -> m.Message | None:
        """The host's next message; None once the host has closed its end."""
        while not self._heard:
            data = await read_some(self._ends.from_host)
            if not data:
                return None
            self._heard += map(self._decode, self._frames.receive_data(data))
        return self._heard.popleft()

    async def say(self, *messages: m.Message) -> None:
        """Says these, whether or not they may be said."""
        await self.say_bytes(b"".join(encode_frame(encode(message)) for message in messages))

    async def say_bytes(self, data: bytes) -> None:
        """Says what is perhaps no frame, or no message, or a lie. Waits while the host does not read."""
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._ends.to_host, left) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._ends.to_host)
            except OSError:  # nobody reads any more
                return


class LyingLauncher:
    """Starts liars, or honest workers as another launcher does.

    Args:
        launcher: starts the honest ones.
        play: what each liar does.
        lies: whether those that come next are liars. It may be changed at any time.
    """

    def __init__(self, launcher: Launcher, play: Callable[[Liar], Awaitable[None]], *, lies: bool = True) -> None:
        self._launcher = launcher
        self._play = play
        self.lies = lies
        self._born, self._liars = trio.open_memory_channel[Liar](1000)
        self.launched = 0
        """How many liars there were."""

    async def run(self) -> None:
        """See `Launcher.run`."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._launcher.run)
            async for liar in self._liars:
                nursery.start_soon(liar.live, self._play)

    async def launch(self) -> WorkerProcess:
        """See `Launcher.launch`."""
        if not self.lies:
            return await self._launcher.launch()
        self.launched += 1
        liar = Liar(1_000_000_000 + self.launched)
        await self._born.send(liar)
        return liar

    def statistics(self) -> LaunchStatistics:
        """See `Launcher.statistics`."""
        return self._launcher.statistics()
