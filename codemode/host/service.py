"""The service: owns the worker processes of this host. One for each host process is enough."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import trio

from codemode.errors import ClosedError, check_whole
from codemode.host.approvals import OnApproval
from codemode.host.dispatcher import ToolDispatcher, check_alone, the_call_of
from codemode.host.hooks import CallHooks
from codemode.host.launcher import Launcher
from codemode.host.memory import MemoryKeeper
from codemode.host.nurseries import background_nursery
from codemode.host.output import TokenCount
from codemode.host.pool import SPARES, Pool
from codemode.host.session import Notify, Session, hold_session
from codemode.host.store import Store
from codemode.host.tools import ToolRegistry
from codemode.host.worker_handle import WorkerHandle
from codemode.host.zygote import default_launcher
from codemode.limits import Limits


@dataclass(frozen=True, slots=True)
class ServiceStatistics:
    """What a service has and has done, at one moment.

    Attributes:
        workers: worker processes that live, spares among them.
        spares: workers that stand ready for a turn.
        starting: workers that are being started.
        started: workers that have ever stood ready.
        crashed: workers that ended although the service had not ended them, or were ended for not answering.
        forked: workers that were forked from a zygote.
        spawned: workers that were started as an interpreter of their own.
        zygotes: zygotes that were started.
        zygote_pid: the process id of the zygote that stands; None where none does.
        threads: threads that run a tool.
    """

    workers: int
    spares: int
    starting: int
    started: int
    crashed: int
    forked: int
    spawned: int
    zygotes: int
    zygote_pid: int | None
    threads: int


class Service:
    """Starts workers and ends them. Made by `open_service`.

    Args:
        limits: of every cell and session.
        launcher: how workers are started.
        pool: who has them.
    """

    def __init__(self, limits: Limits, launcher: Launcher, pool: Pool) -> None:
        self.limits = limits
        self.thread_limiter = trio.CapacityLimiter(limits.max_threads)
        self.memory = MemoryKeeper()
        self._launcher = launcher
        self._pool = pool
        self._closed = False

    def statistics(self) -> ServiceStatistics:
        """What it has and has done."""
        launched = self._launcher.statistics()
        return ServiceStatistics(
            workers=self._pool.workers,
            spares=self._pool.spares,
            starting=self._pool.starting,
            started=self._pool.started,
            crashed=self._pool.crashed,
            forked=launched.forked,
            spawned=launched.spawned,
            zygotes=launched.zygotes,
            zygote_pid=launched.zygote_pid,
            threads=self.thread_limiter.borrowed_tokens,
        )

    def open_session(
        self,
        tools: ToolRegistry | None = None,
        *,
        session_id: str | None = None,
        store: Store | None = None,
        dispatcher: ToolDispatcher | None = None,
        hooks: Iterable[CallHooks] = (),
        on_approval: OnApproval | None = None,
        on_notify: Notify | None = None,
        min_yield_time_ms: int = 0,
        tokenizer: TokenCount | None = None,
    ) -> AbstractAsyncContextManager[Session]:
        """A session, for `async with`: stored values and cells that live as long as a conversation.

        Args:
            tools: what its scripts may call; none by default.
            session_id: the session's name in tool contexts; made up by default.
            store: where values are kept; in memory by default.
            dispatcher: runs the calls; a `ToolDispatcher` of the tools by default. Any object that has its `run` or its
                `call` will do.
            hooks: what happens around each call. A dispatcher that is given has its own.
            on_approval: who is asked where a tool's policy is `ask`; without, such calls are `denied`. Likewise.
            on_notify: called with (cell id, text) for each `notify` of a script.
            min_yield_time_ms: the floor of every yield time, in milliseconds: who polls with less waits for so long.
            tokenizer: counts the tokens of a text, for the budgets of outcomes; `ceil(bytes / 4)` by default. It is
                asked about texts of any length, in the event loop.

        Raises:
            ClosedError: the service has been closed.
            UsageError: min_yield_time_ms is not a whole number, at least 0; the dispatcher is none; or hooks or
                on_approval are given beside it, who would never be heard.
        """
        self.check_open()
        check_whole("min_yield_time_ms", min_yield_time_ms)
        hooks = tuple(hooks)
        if check_alone(dispatcher, hooks, on_approval) is not None:
            the_call_of(dispatcher)
        return hold_session(
            lambda nursery: Session(
                self,
                ToolRegistry() if tools is None else tools,
                session_id=session_id,
                store=store,
                dispatcher=dispatcher,
                hooks=hooks,
                on_approval=on_approval,
                on_notify=on_notify,
                min_yield_time_ms=min_yield_time_ms,
                tokenizer=tokenizer,
                nursery=nursery,
            )
        )

    async def lease_worker(self) -> WorkerHandle:
        """A worker that stands ready, for one turn and no other.

        Raises:
            WorkerUnavailable: none could be started, or the service has been closed.
        """
        return await self._pool.lease()

    def close(self) -> None:
        """Nothing new is begun from now on."""
        self._closed = True
        self._pool.close()

    def check_open(self) -> None:
        """Raises `ClosedError` where the service has been closed."""
        if self._closed:
            raise ClosedError("the service has been closed; open a new one")


@asynccontextmanager
async def open_service(
    *,
    limits: Limits | None = None,
    spares: int = SPARES,
    strict: bool = False,
    launcher: Callable[[Limits], Launcher] = default_launcher,
) -> AsyncIterator[Service]:
    """A service, for `async with`. When the block ends, so does every worker.

    Args:
        limits: of every cell and session; the defaults of `Limits`.
        spares: workers that are kept warm while the host is quiet, so that a turn starts without waiting. A burst of
            turns makes it more for a while. With 0, a worker is started when it is needed.
        strict: run no script in a worker that lacks one of its fences. `codemode doctor` tells which stand.
        launcher: makes what starts workers; by default a zygote forks them where the system can do that.

    Raises:
        UsageError: spares is not a whole number, at least 0.
        FenceMissing: it is strict, and this system does not let a worker put up all of its fences.
        WorkerUnavailable: it is strict, and no worker could be started.
    """
    check_whole("spares", spares)
    limits = limits or Limits()
    starter = launcher(limits)
    # The inner nursery ends first: what reports how a worker ended is there until the last one has.
    async with background_nursery() as background, background_nursery() as workers:
        pool = Pool(starter, workers, spares, strict=strict, max_resident_bytes=limits.max_resident_bytes)
        service = Service(limits, starter, pool)
        background.start_soon(starter.run)
        workers.start_soon(pool.run)
        try:
            if strict:
                await pool.try_one()
            yield service
        finally:
            service.close()


@asynccontextmanager
async def open_session(
    tools: ToolRegistry | None = None,
    *,
    limits: Limits | None = None,
    strict: bool = False,
    session_id: str | None = None,
    store: Store | None = None,
    dispatcher: ToolDispatcher | None = None,
    hooks: Iterable[CallHooks] = (),
    on_approval: OnApproval | None = None,
    on_notify: Notify | None = None,
    min_yield_time_ms: int = 0,
    tokenizer: TokenCount | None = None,
) -> AsyncIterator[Session]:
    """A session with a service of its own, for `async with`.

    The arguments are those of `Service.open_session`, and the limits and `strict` of `open_service`.
    """
    async with (
        open_service(limits=limits, strict=strict) as service,
        service.open_session(
            tools,
            session_id=session_id,
            store=store,
            dispatcher=dispatcher,
            hooks=hooks,
            on_approval=on_approval,
            on_notify=on_notify,
            min_yield_time_ms=min_yield_time_ms,
            tokenizer=tokenizer,
        ) as session,
    ):
        yield session
