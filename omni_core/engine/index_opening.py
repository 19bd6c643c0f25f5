"""Opens the index of an engine in the background, in one task that all callers share."""

from __future__ import annotations

import asyncio
import logging

from omni_core.catalog import Catalog
from omni_core.engine.bin_settling import settle_all
from omni_core.engine.comparing import Compared, compare
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

    def __init__(self, index: Index, catalog: Catalog, *, mends: bool = True) -> None:
        """Neither is opened or closed here but the index. `mends`: whether the index is set right
        where a process ended at a change; not that of a read-only library on a server, which
        others use and change."""
        self._index, self._catalog, self._mends = index, catalog, mends
        self.compared = Compared({}, {})
        """What differed when the index was opened."""
        self._was_open = False
        self._tasks = TaskOwner("the index")
        self._task: asyncio.Task[None] | None = None

    @property
    def was_open(self) -> bool:
        """Whether it has been opened once: then its address is right."""
        return self._was_open

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
        """Open the index, refuse that of another library, and compare it with the catalog."""
        await self._index.open()
        try:
            await self._index.claim(await asyncio.to_thread(library_id, self._catalog))
            if self._mends:
                await settle_all(self._catalog, self._index)
            await self._compare()
            if self._mends:
                await self._mend_collections()
            self._was_open = True
        except Exception:
            await self._index.close()  # so that the next attempt can open it
            raise

    async def _compare(self) -> None:
        """Make partial what the index no longer holds whole, so that ingesting it again completes
        it, and note what it holds besides; a read-only library is left as it is."""
        compared = self.compared = await compare(self._catalog, self._index)
        if not self._mends:
            return
        await self._mark_whole(compared)
        marked = await asyncio.to_thread(self._catalog.mark_lost, compared.lost)
        if marked:  # not what another process is at
            log.warning(
                "the index has lost segments of %d sources, which are partial now: they are whole "
                "again once it has them; else ingest their files again, or run "
                "`omni-mcp doctor --repair`", len(marked),
            )  # fmt: skip
        if compared.unknown:
            log.warning(
                "the index holds %d segments of %d sources that the catalog does not know: "
                "`omni-mcp doctor` names them", sum(compared.unknown.values()),
                len(compared.unknown),
            )  # fmt: skip

    async def look_for_lost(self) -> None:
        """Where the index had lost segments and has all of them again, as a server that was not
        complete when it was opened, make their sources what they were. Raises OmniError."""
        lost = await asyncio.to_thread(self._catalog.expected)
        if self._mends and lost:
            await self._mark_whole(await compare(self._catalog, await self.opened()))

    async def _mark_whole(self, compared: Compared) -> None:
        marked = await asyncio.to_thread(self._catalog.mark_whole, compared.back)
        if marked:
            log.info("%d sources have all of their segments again", len(marked))

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
