"""The pool: starts workers, keeps a few warm ones at hand, and knows all that live.

A lease takes a spare that answers a ping, else the first worker to stand ready of those being started. A worker leaves
the pool for good when it is leased: it serves one turn, and then ends.
"""

from __future__ import annotations

import logging
import math
import os
from collections import deque

import trio

from codemode.errors import FenceMissing, WorkerUnavailable
from codemode.host.launcher import Launcher
from codemode.host.process import WorkerProcess, last_words
from codemode.host.worker_handle import HELLO_S, WorkerHandle, until_ready

_log = logging.getLogger("codemode")

SPARES = 2
MAX_SPARES = 8
"""How many spares a burst of turns can make the pool keep."""
REFILL_S = 0.05
"""How long after a lease the spare is replaced: the turn that has just begun goes first."""
MAX_BACKOFF_S = 30.0
IDLE_S = 10.0
"""After each such time without a lease, the pool lets one spare go of those that a burst made it keep."""
FIT_S = 0.5
"""How long a spare may take to answer before another is lent: five thousand times what it takes."""
SLOW_S = 0.7
"""How long a lease waits before another worker is started beside those under way, and twice as long each next time.

A start may hang; but where the whole machine is slow, every further one makes it slower."""
MAX_STARTS = 64
"""How many workers may be on their way at a time, slow ones and all."""
MAX_TRIES = 3
"""How many starts in a row may fail before a lease fails."""


class _Lease:
    """Somebody who waits for a worker."""

    def __init__(self) -> None:
        self.settled = trio.Event()
        self.began_s = trio.current_time()
        self.worker: WorkerHandle | None = None
        self.error: WorkerUnavailable | None = None
        self.failures = 0
        self.extra_starts = 0


class Pool:
    """The workers of a service.

    Args:
        launcher: starts their processes.
        nursery: where they are started and pumped.
        spares: how many are kept warm while the host is quiet; with 0 every worker is started when it is needed.
        strict: a worker that lacks a fence is no worker.
        max_resident_bytes: how much memory each may really have.
    """

    def __init__(
        self,
        launcher: Launcher,
        nursery: trio.Nursery,
        spares: int = SPARES,
        *,
        strict: bool = False,
        max_resident_bytes: float = math.inf,
    ) -> None:
        self._launcher = launcher
        self._max_resident_bytes = max_resident_bytes
        self._strict = strict
        self._nursery = nursery
        self._least = spares
        self._wanted = spares
        self._spares: deque[WorkerHandle] = deque()
        self._leases: deque[_Lease] = deque()
        self._workers: set[WorkerHandle] = set()
        self._starts: dict[object, float] = {}
        """When each start that is under way began."""
        self._at_a_time = 2 * (os.cpu_count() or 1)
        self._failures = 0
        self._is_refilling = self._is_closed = False
        self._stirred = trio.Event()
        self.started = 0
        """How many workers have ever stood ready."""
        self.crashed = 0
        """How many workers have ended although nobody had ended them."""

    @property
    def workers(self) -> int:
        """How many workers live, spares among them."""
        return len(self._workers)

    @property
    def spares(self) -> int:
        """How many stand ready for a turn."""
        return len(self._spares)

    @property
    def starting(self) -> int:
        """How many are being started."""
        return len(self._starts)

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Keeps the spares; lets some go when no worker has been leased for a while. Until it is cancelled."""
        self._refill_soon()
        try:
            while True:
                has_more = max(self._wanted, len(self._spares)) > self._least
                with trio.move_on_after(IDLE_S if has_more else float("inf")):
                    await self._stirred.wait()
                    continue
                self._wanted = max(self._least, self._wanted - 1)
                if len(self._spares) > self._wanted:
                    self._spares.popleft().kill()
        finally:
            self.close()  # cancelled with the service, the nursery starts nothing any more that could stand ready

    async def lease(self) -> WorkerHandle:
        """A worker that stands ready, for one turn and no other.

        Raises:
            WorkerUnavailable: none could be started, although it was tried more than once.
        """
        try:
            if self._spares:
                spare = self._spares.pop()
                if await spare.prove_fit(FIT_S):
                    self._failures = 0
                    return spare
                self._doubt_spares()
            elif self._least:
                self._wanted = min(self._wanted + 1, max(self._least, MAX_SPARES))
            while not (worker := await self._lease_next()).is_ready:
                worker.kill()  # it has died since it was offered
            return worker
        finally:
            self._stir()
            self._refill_soon()

    async def try_one(self) -> None:
        """Starts a worker, and keeps it as a spare.

        Raises:
            WorkerUnavailable: none could be started.
        """
        self._offer(await self._lease_next())

    def _doubt_spares(self) -> None:
        """Where one was stopped, others may be too: they are tried all together, and offered again if they are fit."""
        while self._spares:
            self._nursery.start_soon(self._try, self._spares.pop())

    @trio.lowlevel.enable_ki_protection
    async def _try(self, spare: WorkerHandle) -> None:
        if await spare.prove_fit(FIT_S):
            self._offer(spare)

    def close(self) -> None:
        """Starts nothing any more. Whoever waits for a worker is told so."""
        self._is_closed = True
        self._least = self._wanted = 0
        while self._leases:
            lease = self._leases.popleft()
            lease.error = WorkerUnavailable("the service has been closed")
            lease.settled.set()

    async def _lease_next(self) -> WorkerHandle:
        """The next worker to stand ready, in the order of asking."""
        if self._is_closed:
            raise WorkerUnavailable("the service has been closed")
        lease = _Lease()
        self._leases.append(lease)
        try:
            while not lease.settled.is_set():
                self._start_for_leases()
                with trio.move_on_after(SLOW_S * 2**lease.extra_starts):
                    await lease.settled.wait()
                lease.extra_starts += 1
        except trio.Cancelled:
            if lease.worker is not None:
                self._offer(lease.worker)
            raise
        finally:
            if lease in self._leases:
                self._leases.remove(lease)
        if lease.worker is None:
            assert lease.error is not None, "a lease is settled by a worker or by an error"
            raise lease.error
        return lease.worker

    # ── starting ──────────────────────────────────────────────────────────────────────────────────────────────

    def _start_for_leases(self) -> None:
        """Starts what those who wait need: a few at a time, and more where those are slow."""
        if not self._leases:
            return
        needed = sum(1 + lease.extra_starts for lease in self._leases)
        slow = [began_s for began_s in self._starts.values() if trio.current_time() - began_s >= SLOW_S]
        brisk = self.starting - len(slow)
        # What was slow before anybody asked may hang: nobody waits for it.
        hanging = sum(began_s < self._leases[0].began_s for began_s in slow)
        while brisk < self._at_a_time and self.starting - hanging < needed and self.starting < MAX_STARTS:
            self._start()
            brisk += 1

    def _start(self) -> None:
        start = object()
        self._starts[start] = trio.current_time()
        self._nursery.start_soon(self._start_one, start)

    @trio.lowlevel.enable_ki_protection
    async def _start_one(self, start: object) -> None:
        try:
            process: WorkerProcess | None = None
            with trio.move_on_after(HELLO_S):
                process = await self._launcher.launch()
            if process is None:
                raise WorkerUnavailable(f"there was no process within {HELLO_S:g} s")
            worker = WorkerHandle(process, self._max_resident_bytes)
            self._nursery.start_soon(self._hold, worker)
            await until_ready(worker, strict=self._strict)
        except WorkerUnavailable as error:
            self._fail(error)
        except Exception as error:  # of a launcher that is not ours
            _log.exception("the launcher raised")
            self._fail(WorkerUnavailable(f"the launcher raised {type(error).__name__}"))
        else:
            self.started += 1
            self._offer(worker)
        finally:
            del self._starts[start]
            self._start_for_leases()
            self._refill_soon()

    def _offer(self, worker: WorkerHandle) -> None:
        if worker.is_ending:
            return
        if self._leases:
            lease = self._leases.popleft()
            self._failures = 0
            lease.worker = worker
            lease.settled.set()
        else:
            self._spares.append(worker)
            self._stir()

    def _stir(self) -> None:
        self._stirred.set()
        self._stirred = trio.Event()

    def _fail(self, error: WorkerUnavailable) -> None:
        _log.warning("%s%s", error, last_words(error.stderr))
        self._failures += 1
        if not self._leases:
            self._refill_soon()
            return
        lease = self._leases[0]
        lease.failures += 1
        if lease.failures >= MAX_TRIES or isinstance(error, FenceMissing):  # the next one would lack it too
            self._leases.popleft()
            lease.error = error
            lease.settled.set()

    @trio.lowlevel.enable_ki_protection
    async def _hold(self, worker: WorkerHandle) -> None:
        """One worker, from its start to its end."""
        self._workers.add(worker)
        try:
            await worker.run()
        finally:
            self._workers.discard(worker)
            self.crashed += worker.has_crashed
            if worker in self._spares:
                self._spares.remove(worker)
                self._failures += 1
                self._refill_soon()

    def _refill_soon(self) -> None:
        if self._is_short and not self._is_refilling:
            self._is_refilling = True
            self._nursery.start_soon(self._refill)

    @property
    def _is_short(self) -> bool:
        return len(self._spares) + self.starting < self._wanted

    async def _refill(self) -> None:
        """Replaces what was leased or has died: soon, and later after each time that it came to nothing."""
        await trio.sleep(min(REFILL_S * 2 ** min(self._failures, 16), MAX_BACKOFF_S))
        self._is_refilling = False
        while self._is_short and self.starting < self._at_a_time:
            self._start()
