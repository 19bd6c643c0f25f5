"""State that all handlers share: settings, access, and one Engine that opens in the background.

`tools/list` never waits for the engine: it is imported and opened after the server has started.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import anyio

from omni_core.settings import Settings
from omni_core.tasks import TaskOwner, result_of
from omni_server.access import Access
from omni_server.calls import Calls

if TYPE_CHECKING:
    from omni_core import Engine
    from omni_core.engine.api import EngineApi
    from omni_server.fetch import Downloads
    from omni_server.links import Links

log = logging.getLogger(__name__)

Opener = Callable[[Settings], Awaitable["EngineApi"]]

CLOSE_S = 5.0
"""How long closing waits for an engine that is still opening."""
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
        self.end_subscriptions: Callable[[], None] = lambda: None
        """Ends the streams of subscribers; set by the server around this state."""
        self.calls = Calls()
        """The ingest calls under way."""
        self._opener = opener or _open
        self._tasks = TaskOwner("the server")
        self._opening: asyncio.Task[EngineApi] | None = None
        self._users = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[State]:
        """Open the engine in the background, close it at the end. Connections share it."""
        self._users += 1
        warm = self._tasks.start(self._warm(), name="open the library early")
        try:
            yield self
        finally:
            warm.cancel()
            self._users -= 1
            if self._users == 0:
                with anyio.CancelScope(shield=True):
                    await self._close()

    async def engine(self) -> EngineApi:
        """The open engine. Raises what opening it raised, such as StoreError when another process
        holds the store; the next call tries again."""
        task = self._opening
        if task is None or (task.done() and not _succeeded(task)):
            task = self._opening = self._tasks.start(
                self._open(), name="opening the library", log_failure=False
            )
        return await result_of(task)

    async def _open(self) -> EngineApi:
        engine = await self._opener(self.settings)
        if self.changed is not None:
            engine.on_change(self.changed)
        self._tasks.start(engine.warm(), name="getting ready")
        if self.settings.resume:
            self._tasks.start(self._resume(engine), name="going on with what was begun")
        return engine

    async def _resume(self, engine: EngineApi) -> None:
        folders = [*map(str, self.access.roots), str(self.access.uploads)]
        paths = await engine.resume(folders)
        if paths:
            log.info("going on with the ingest of %d files", len(paths))

    async def _warm(self) -> None:
        await asyncio.sleep(OPEN_AFTER_S)
        try:
            await self.engine()
        except Exception as e:  # each call that needs the engine reports it to its caller
            log.error("the library cannot be opened: %s", e)

    async def _close(self) -> None:
        opening, self._opening = self._opening, None
        tasks, self._tasks = self._tasks, TaskOwner("the server")  # for later connections
        try:
            if self.downloads is not None:
                downloads, self.downloads = self.downloads, None
                await downloads.close()
        finally:
            if opening is not None:
                await asyncio.wait([opening], timeout=CLOSE_S)
            await tasks.close()
            if opening is not None and _succeeded(opening):
                await opening.result().close()


def _succeeded(task: asyncio.Task[EngineApi]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


async def _open(settings: Settings) -> EngineApi:
    def load() -> type[Engine]:
        from omni_core import Engine

        return Engine

    engine_type = await asyncio.to_thread(load)
    return await engine_type.open(settings)
