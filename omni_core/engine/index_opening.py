"""Opens the index of an engine in the background, in one task that all callers share."""

from __future__ import annotations

import asyncio
import logging

from omni_core.catalog import Catalog
from omni_core.engine.bin_settling import settle_all
from omni_core.engine.ownership import library_id
from omni_core.payload import changes, of_sources
from omni_core.protocols import Index
from omni_core.query import Filter
from omni_core.tasks import TaskOwner, result_of

log = logging.getLogger(__name__)

OPEN_S = 30.0
"""How long `close` waits for an opening in progress."""
MENDED_AT_ONCE = 500
"""Sources in one filter of the index."""


class IndexOpening:
    """Opens an index once; after a failure the next caller tries again."""

    def __init__(self, index: Index, catalog: Catalog, fingerprint: str) -> None:
        """`fingerprint` is that of the encoder whose vectors the index holds."""
        self._index, self._catalog, self._fingerprint = index, catalog, fingerprint
        self._tasks = TaskOwner("the index")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """The task that opens the index; a new one when there is none or it failed."""
        task = self._task
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._task = self._tasks.start(self._open(), name="open the index")
        return task

    async def opened(self) -> Index:
        """The open index. Raises what opening it raised (StoreError)."""
        await result_of(self.start())
        return self._index

    async def _open(self) -> None:
        """Open the index, and refuse that of another library. If it is empty and the catalog is
        not, mark all sources partial, so that ingesting them again restores them."""
        await self._index.open()
        try:
            await self._index.claim(await asyncio.to_thread(library_id, self._catalog))
            await settle_all(self._catalog, self._index)
            await self._compare()
            await self._mend_collections()
        except Exception:
            await self._index.close()  # so that the next attempt can open it
            raise

    async def _compare(self) -> None:
        sources, segments = await asyncio.to_thread(self._catalog.totals, "")
        if segments and not await self._index.count():
            log.warning(
                "the index is empty though the library has %d sources: ingest again", sources
            )
            await asyncio.to_thread(self._catalog.replace_index, self._fingerprint, ())

    async def _mend_collections(self) -> None:
        """Write the collection names that the catalog mended into the points of their sources.

        The catalog forgets what is to be mended after the index is durable: a crash in between
        repeats this at the next opening.
        """
        unmended = await asyncio.to_thread(self._catalog.unmended)
        for names, ids in unmended.items():
            for i in range(0, len(ids), MENDED_AT_ONCE):
                some = Filter(must=(of_sources(ids[i : i + MENDED_AT_ONCE]),))
                await self._index.set_payload(some, changes(collections=names))
        if unmended:
            await self._index.flush()
            log.info("collection names of %d sources mended", sum(map(len, unmended.values())))
        await asyncio.to_thread(self._catalog.mended)

    async def close(self) -> None:
        """Flush and release the index. Waits for a child process that is still loading it:
        interrupted, it would have to repair its files at the next start."""
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task], timeout=OPEN_S)
        try:
            await self._tasks.close()
        finally:
            await self._index.close()
