"""The engine of this process, served to others while it is open."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from omni_core.catalog.lock import FileLock
from omni_core.engine import Engine
from omni_core.engine.api import EngineApi
from omni_core.models.answers import Ahead
from omni_core.settings import Settings
from omni_core.sharing.forwarding import forwarding
from omni_core.sharing.host import Host
from omni_core.sharing.methods import Method
from omni_core.sharing.place import Notice, Place
from omni_core.sharing.terms import Terms
from omni_core.tasks import in_thread

log = logging.getLogger(__name__)


@forwarding
class Hosting(EngineApi):
    """An `Engine`, the host that serves it, and the lock that allows both."""

    gone = False
    """It is here until it is closed."""

    def __init__(self, engine: Engine, terms: Terms, resources: AsyncExitStack) -> None:
        """Use `Hosting.open`."""
        self.engine = engine
        self._resources = resources
        self._host = Host(self, terms)
        self._listening: socket.socket | None = None
        self._address = ""

    @classmethod
    async def open(
        cls, settings: Settings, terms: Terms, place: Place, lock: FileLock, ahead: Ahead = "all"
    ) -> Hosting:
        """Open the engine and serve it. `lock` is released at the end, and when this fails.

        Raises what `Engine.open` raises.
        """
        async with AsyncExitStack() as resources:
            resources.push_async_callback(asyncio.to_thread, lock.release)
            await asyncio.to_thread(place.clear)  # what a killed host left
            engine = await Engine.open(settings, ahead=ahead)
            resources.push_async_callback(engine.close)
            hosting = cls(engine, terms, resources.pop_all())
        try:
            await hosting._serve(place)
        except BaseException:
            await hosting.close()
            raise
        return hosting

    async def _serve(self, place: Place) -> None:
        self._resources.callback(self._stop_listening)
        self._resources.push_async_callback(self._host.close)
        self._resources.push_async_callback(asyncio.to_thread, place.clear)  # this comes first
        try:
            await in_thread(self._listen_at, place)
        except OSError as e:
            log.warning("this store cannot be shared with other processes: %s", e)
        notice = Notice(self._address)
        if self._listening is not None:
            await self._host.start(self._listening, notice.secret)
        await asyncio.to_thread(place.announce, notice)

    def _listen_at(self, place: Place) -> None:
        try:
            self._listening, self._address = place.listen()
        except OSError as e:
            self._address = f"none:{e}"
            raise

    def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.close()

    @property
    def clients(self) -> int:
        """How many other processes use this engine."""
        return self._host.clients

    async def close(self) -> None:
        """Leave the clients, close the engine, then let another process take over."""
        await self._resources.aclose()

    def within(self, collections: Sequence[str]) -> EngineApi:
        """The engine for a caller with rights on these collections."""
        return self.engine.within(collections)

    async def status(self) -> dict[str, Any]:
        """That of the engine, with `sharing`."""
        sharing = {"host_pid": os.getpid(), "clients": self.clients}
        return {**await self.engine.status(), "sharing": sharing}

    async def _call(self, method: Method, arguments: Mapping[str, Any]) -> Any:
        """The engine's own method."""
        return await getattr(self.engine, method.name)(**arguments)

    def _listen(self, method: Method, arguments: Mapping[str, Any]) -> Callable[[], None]:
        """The engine's own method."""
        stop: Callable[[], None] = getattr(self.engine, method.name)(**arguments)
        return stop
