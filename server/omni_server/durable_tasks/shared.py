"""The store as one process uses it: opened when it is needed, and never on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from omni_core.errors import StoreError
from omni_core.tasks import finish_first
from omni_server.durable_tasks.owners import Owner, is_alive
from omni_server.durable_tasks.record import Record
from omni_server.durable_tasks.store import FILE, Store

log = logging.getLogger(__name__)

T = TypeVar("T")


class SharedStore:
    """The tasks of a folder, and this process among those that run them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opening = asyncio.Lock()
        self._store: Store | None = None
        self._owner: Owner | None = None

    async def do(self, method: Callable[..., T], *args: Any) -> T:
        """Call a method of `Store` in a thread; raises StoreError, also while it cannot be opened.
        A later call tries again."""
        async with self._opening:
            if self._store is None:
                await finish_first(self._open())
            store = self._store
        assert store is not None  # noqa: S101 - `_open` set it or raised
        return await asyncio.to_thread(method, store, *args)

    async def _open(self) -> None:
        self._store = await asyncio.to_thread(Store, self._folder)

    async def _own(self) -> None:
        self._owner = await asyncio.to_thread(Owner, self._folder)

    async def owner(self) -> str:
        """This process as the owner of tasks."""
        async with self._opening:
            if self._owner is None:
                await finish_first(self._own())  # a cancelled caller must not lose an open file
            owner = self._owner
        assert owner is not None  # noqa: S101 - `_own` set it or raised
        return owner.id

    async def left(self) -> list[Record]:
        """The tasks that should be running and whose process has ended."""
        if not await asyncio.to_thread((self._folder / FILE).exists):
            return []
        working = await self.do(Store.working)
        return [r for r in working if not await asyncio.to_thread(self._lives, r.owner)]

    def _lives(self, owner: str) -> bool:
        return bool(owner) and is_alive(self._folder, owner)

    async def close(self) -> None:
        """Leave the running tasks of this process to the next, and close the file."""
        async with self._opening:
            store, self._store = self._store, None
            owner, self._owner = self._owner, None
        if store is not None:
            try:
                if owner is not None:
                    await asyncio.to_thread(store.release, owner.id)
            except StoreError as e:
                log.warning("%s", e)  # the next process sees that this one is gone
            finally:
                await asyncio.to_thread(store.close)
        if owner is not None:
            await asyncio.to_thread(owner.release)
