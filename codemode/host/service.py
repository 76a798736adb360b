"""The service: owns the worker processes of this host. One for each host process is enough."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import trio

from codemode.errors import ClosedError
from codemode.host.dispatcher import ToolDispatcher
from codemode.host.launcher import Launcher, SpawnLauncher
from codemode.host.nurseries import background_nursery
from codemode.host.session import Notify, Session, hold_session
from codemode.host.store import Store
from codemode.host.tools import ToolRegistry
from codemode.host.worker_handle import WorkerHandle, start_worker
from codemode.limits import Limits


class Service:
    """Starts workers and ends them. Made by `open_service`.

    Args:
        limits: of every cell and session.
        launcher: how workers are started.
        nursery: where their pumps run.
    """

    def __init__(self, limits: Limits, launcher: Launcher, nursery: trio.Nursery) -> None:
        self.limits = limits
        self.thread_limiter = trio.CapacityLimiter(limits.max_threads)
        self._launcher = launcher
        self._nursery = nursery
        self._closed = False

    def open_session(
        self,
        tools: ToolRegistry | None = None,
        *,
        session_id: str | None = None,
        store: Store | None = None,
        dispatcher: ToolDispatcher | None = None,
        on_notify: Notify | None = None,
    ) -> AbstractAsyncContextManager[Session]:
        """A session, for `async with`: stored values and cells that live as long as a conversation.

        Args:
            tools: what its scripts may call; none by default.
            session_id: the session's name in tool contexts; made up by default.
            store: where values are kept; in memory by default.
            dispatcher: runs the calls; a `ToolDispatcher` of the tools by default.
            on_notify: called with (cell id, text) for each `notify` of a script.

        Raises:
            ClosedError: the service has been closed.
        """
        self.check_open()
        return hold_session(
            self,
            tools or ToolRegistry(),
            session_id=session_id,
            store=store,
            dispatcher=dispatcher,
            on_notify=on_notify,
        )

    async def start_worker(self) -> WorkerHandle:
        """A new worker that stands ready.

        Raises:
            WorkerUnavailable: none could be started.
        """
        self.check_open()
        return await start_worker(await self._launcher.launch(), self._nursery)

    def close(self) -> None:
        """Nothing new is begun from now on."""
        self._closed = True

    def check_open(self) -> None:
        """Raises `ClosedError` where the service has been closed."""
        if self._closed:
            raise ClosedError("the service has been closed; open a new one")


@asynccontextmanager
async def open_service(
    *, limits: Limits | None = None, launcher: Callable[[Limits], Launcher] = SpawnLauncher
) -> AsyncIterator[Service]:
    """A service, for `async with`. When the block ends, so does every worker.

    Args:
        limits: of every cell and session; the defaults of `Limits`.
        launcher: makes what starts workers.
    """
    limits = limits or Limits()
    async with background_nursery() as nursery:
        service = Service(limits, launcher(limits), nursery)
        try:
            yield service
        finally:
            service.close()


@asynccontextmanager
async def open_session(
    tools: ToolRegistry | None = None,
    *,
    limits: Limits | None = None,
    session_id: str | None = None,
    store: Store | None = None,
    dispatcher: ToolDispatcher | None = None,
    on_notify: Notify | None = None,
) -> AsyncIterator[Session]:
    """A session with a service of its own, for `async with`. The arguments are those of `Service.open_session`."""
    async with (
        open_service(limits=limits) as service,
        service.open_session(
            tools, session_id=session_id, store=store, dispatcher=dispatcher, on_notify=on_notify
        ) as session,
    ):
        yield session
