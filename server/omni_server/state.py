"""State that all handlers share: settings, access, and one engine that opens in the background.

`tools/list` never waits for the engine: it is imported and opened after the server has started.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import anyio

from omni_core.collection_rights import CollectionRights
from omni_core.errors import RefusedError
from omni_core.settings import Settings
from omni_core.tasks import TaskOwner, result_of
from omni_server.access import Access
from omni_server.auth.principal import LOCAL, Principal, acting_as, as_user, authenticated
from omni_server.calls import Calls
from omni_server.tenants import Tenants, settings_of

if TYPE_CHECKING:
    from omni_core import SharedEngine
    from omni_core.engine.api import EngineApi
    from omni_server.fetch import Downloads
    from omni_server.links import Links
    from omni_server.streams import Streams, StreamsWithin
    from omni_server.uploads.receiving import Uploads

log = logging.getLogger(__name__)

Opener = Callable[[Settings], Awaitable["EngineApi"]]

CLOSE_S = 5.0
"""How long closing waits for an engine that is still opening."""
SWEEP_S = 600.0
MOST_IDLE = 64
"""Sets of rights on collections whose downloads are held in memory though none is under way."""
OPEN_AFTER_S = 0.25
"""Delay of the engine's import, which holds the GIL for a few hundred ms: `tools/list` first."""


class State:
    """The server's engine and access control; `running()` is its lifespan."""

    def __init__(self, settings: Settings, opener: Opener | None = None) -> None:
        self.settings = settings
        self.access = Access(settings)
        self.downloads: Downloads | None = None
        """Fetches https links; set on first use, and only where the settings allow it."""
        self.links: Links | None = None
        """Signs links to clips; set when the server speaks HTTP."""
        self.changed: Callable[[str], Awaitable[None]] | None = None
        """Awaited with the id of a source that changed; set by the server around this state."""
        self.calls = Calls()
        """The ingest calls under way."""
        self.listening: Streams | None = None
        """Serves the streams of subscribers; set by the server around this state."""
        self.listening_within: StreamsWithin | None = None
        """The same for callers who see some collections alone; set likewise."""
        self.guarded = False
        """Whether callers must be known: set by the HTTP transport where that is so."""
        self.prepare_tenant: Callable[[State], None] = lambda _: None
        """Given the state of each tenant when it is made; set by the server around this state."""
        self.tenants: Tenants[State] = Tenants(self._tenant, settings.open_tenants)
        """The states of callers that are not of the main library."""
        self.call_ended: Callable[[str, str, float], None] | None = None
        """Told of tool calls: name, `ok` or an error's code, seconds; set where metrics are."""
        self.stage_ended: Callable[[str, float], None] | None = None
        """Told of the engine's stages: name, seconds; set where metrics are."""
        self._uploads: Uploads | None = None
        self._downloads_within: OrderedDict[tuple[str, ...], Downloads] = OrderedDict()
        self._opener = opener or _open
        self._tasks = TaskOwner("the server")
        self._opening: asyncio.Task[EngineApi] | None = None
        self._users = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[State]:
        """Open the engine in the background, close it at the end. Connections share it."""
        self._users += 1
        warm = self._tasks.start(self._warm(), name="open the library early")
        if self._users == 1:
            self._tasks.start(self._sweep(), name="sweep up unfinished downloads")
        if self.settings.watch and self._users == 1:
            self._tasks.start(self._watch(), name="watch folders")
        try:
            yield self
        finally:
            warm.cancel()
            self._users -= 1
            if self._users == 0:
                with anyio.CancelScope(shield=True):
                    await self._close()

    def caller(self) -> Principal:
        """Who sent the running request. Raises RefusedError where nobody has proved it."""
        principal = authenticated()
        if principal is None and self.guarded:
            raise RefusedError("nobody is known to have sent this request", code="FORBIDDEN")
        return principal or LOCAL

    def of_caller(self) -> State:
        """The state of the caller's tenant: all that a request may touch is in it."""
        tenant = self.caller().tenant
        return self.tenants.of(tenant) if tenant else self

    @contextlib.asynccontextmanager
    async def acting_for(self, principal: Principal) -> AsyncIterator[None]:
        """For work without a request: inside the block `principal` is the caller, and its library
        stays open."""
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(acting_as(as_user(principal)))
            if principal.tenant:
                await stack.enter_async_context(self.tenants.serving(principal.tenant))
            yield

    def collection(self, given: str) -> str:
        """The collection into which the caller's file goes. Raises RefusedError FORBIDDEN for one
        that it has no right to change."""
        seen = _seen()
        return CollectionRights.of(seen).to_change(given) if seen else given

    def access_of_caller(self) -> Access:
        """Checks the caller's paths; who sees some collections alone names no other's upload, and
        files under the roots only where it may ingest them."""
        principal = authenticated()
        if principal is None or not principal.collections:
            return self.access
        ingests = principal.may("ingest") and CollectionRights.of(principal.collections).changed
        return self.access.of_sender(principal.key, reads=bool(ingests))

    def listening_of_caller(self) -> AbstractContextManager[Streams]:
        """Serves, inside the block, the caller's stream of changes to what it sees."""
        seen, whole, parts = _seen(), self.listening, self.listening_within
        assert whole is not None and parts is not None  # noqa: S101 - set around this state
        return parts.of(seen) if seen else contextlib.nullcontext(whole)

    def downloads_of_caller(self) -> Downloads:
        """Fetches links for the caller: whoever sees some collections alone has files of its own,
        and learns of no other's."""
        from omni_server.fetch import Downloads  # the HTTP client is needed here only

        seen = _seen()
        if seen:
            former = self._downloads_within.pop(seen, None)
            self._let_downloads_go()
            found = former or Downloads(self.settings, apart=repr(seen))
            self._downloads_within[seen] = found
            return found
        if self.downloads is None:
            self.downloads = Downloads(self.settings)
        return self.downloads

    def end_subscriptions(self) -> None:
        """End the streams of subscribers, the tenants' too."""
        for state in (self, *self.tenants.open):
            if state.listening is not None:
                state.listening.close()
            if state.listening_within is not None:
                state.listening_within.close()

    async def is_idle(self) -> bool:
        """Whether nothing is being downloaded or ingested."""
        if any(downloads.running for downloads in self._all_downloads()):
            return False
        task = self._opening
        if task is None or not _succeeded(task):
            return task is None or task.done()
        return not (await task.result().status())["jobs"]

    def _tenant(self, name: str) -> State:
        """A new state for a tenant; its engine uses the decoders and models of this one."""

        async def open_beside(settings: Settings) -> EngineApi:
            from omni_core import Engine, SharedEngine  # loaded by the engine that is open

            main = await self.whole_engine()
            beside = main.local if isinstance(main, SharedEngine) else None
            return await Engine.open(settings, beside=beside)

        opener = open_beside if self._opener is _open else self._opener
        state = State(settings_of(self.settings, name), opener)
        state.links, state.calls = self.links, self.calls
        self.prepare_tenant(state)
        return state

    @property
    def uploads(self) -> Uploads:
        """The files that clients sent into this store."""
        if self._uploads is None:
            from omni_server.uploads.receiving import Uploads  # only HTTP takes files

            self._uploads = Uploads(self.settings)
        return self._uploads

    def _let_downloads_go(self) -> None:
        """Keep few of those that download nothing: what was fetched is known by its files."""
        idle = [seen for seen, of_it in self._downloads_within.items() if not of_it.running]
        for seen in idle[: max(0, len(idle) - MOST_IDLE)]:
            del self._downloads_within[seen]

    def _all_downloads(self) -> list[Downloads]:
        found = [] if self.downloads is None else [self.downloads]
        return [*found, *self._downloads_within.values()]

    async def engine(self) -> EngineApi:
        """The open engine, as far as the caller of the running request may see its library. Raises
        what `whole_engine` raises."""
        whole, seen = await self.whole_engine(), _seen()
        return whole.within(seen) if seen else whole

    async def whole_engine(self) -> EngineApi:
        """The open engine, for the server itself. Raises what opening it raised, such as StoreError
        when another process holds the store and cannot share it; the next call tries again."""
        task = self._opening
        if task is None or (task.done() and not _succeeded(task)):
            task = self._opening = self._tasks.start(
                self._open(), name="opening the library", log_failure=False
            )
        return await result_of(task)

    async def _open(self) -> EngineApi:
        if self._opener is _open:  # the one that runs the engine goes on, also when it takes over
            engine = await _open(self.settings, self._resume if self.settings.resume else None)
        else:
            engine = await self._opener(self.settings)
            if self.settings.resume:
                self._tasks.start(self._resume(engine), name="going on with what was begun")
        if self.changed is not None:
            engine.on_change(self.changed)
        if self.listening_within is not None:
            self.listening_within.connect(engine)
        self._tasks.start(engine.warm(), name="getting ready")
        return engine

    async def _resume(self, engine: EngineApi) -> None:
        folders = [*map(str, self.access.roots), str(self.access.uploads)]
        paths = await engine.resume(folders)
        if paths:
            log.info("going on with the ingest of %d files", len(paths))

    async def _warm(self) -> None:
        await asyncio.sleep(OPEN_AFTER_S)
        try:
            await self.whole_engine()
        except Exception as e:  # each call that needs the engine reports it to its caller
            log.error("the library cannot be opened: %s", e)

    async def _sweep(self) -> None:
        """Delete what killed servers left of downloads, at the start and from time to time."""
        await asyncio.sleep(OPEN_AFTER_S)
        from omni_server.fetched import ABANDONED_S, Copies

        while True:
            for state in (self, *self.tenants.open):
                copies = Copies(state.settings.store_path / "downloads")
                await asyncio.to_thread(copies.sweep, time.time() - ABANDONED_S)
            await asyncio.sleep(SWEEP_S)

    async def _watch(self) -> None:
        await asyncio.sleep(OPEN_AFTER_S)
        from omni_server.watching import watch

        await watch(self.settings, self.whole_engine)

    async def _close(self) -> None:
        opening, self._opening = self._opening, None
        if self.listening_within is not None:
            self.listening_within.disconnect()
        tasks, self._tasks = self._tasks, TaskOwner("the server")  # for later connections
        try:
            await self.tenants.close()
            ended, self.downloads = self._all_downloads(), None
            self._downloads_within = OrderedDict()
            for downloads in ended:
                await downloads.close()
        finally:
            if opening is not None:
                await asyncio.wait([opening], timeout=CLOSE_S)
            await tasks.close()
            if opening is not None and _succeeded(opening):
                await opening.result().close()


def _seen() -> tuple[str, ...]:
    """The collections that the caller of the running request sees; () for all."""
    principal = authenticated()
    return principal.collections if principal is not None else ()


def _succeeded(task: asyncio.Task[EngineApi]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


async def _open(
    settings: Settings, on_host: Callable[[EngineApi], Coroutine[Any, Any, None]] | None = None
) -> EngineApi:
    def load() -> type[SharedEngine]:
        from omni_core import SharedEngine

        return SharedEngine

    engine_type = await asyncio.to_thread(load)
    return await engine_type.open(settings, on_host=on_host)
