"""Imports a folder or a file of vectors: each source is in the library whole, or not at all.

Sources are recorded as complete after all of their segments are durable. When the import is
interrupted, the source under way is taken out again, and the same import goes on after those that
are in. After a crash the last ones are partial, and are replaced.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from omni_core.catalog.spoken import FoundName
from omni_core.engine.bin import drop_replaced
from omni_core.engine.context import Context
from omni_core.engine.outages import Patience, ask_store
from omni_core.engine.results import SourceRow, VectorsStatus
from omni_core.engine.vectors import sources
from omni_core.engine.vectors.rows import Rows
from omni_core.errors import OmniError, StoreError, UnreadableError
from omni_core.evidence import thumbnails
from omni_core.ids import PIPELINE
from omni_core.payload import source_filter
from omni_core.protocols import Index
from omni_core.tasks import finish_first, in_thread

log = logging.getLogger(__name__)

IMPORTS = "imports"
"""Key of the lock that lets one import run at a time: each holds the locks of several sources."""
GROUP_SOURCES = 64
GROUP_SEGMENTS = 5000
"""About how much is stored before it is made durable and recorded."""
FIRST_POLL_S, POLL_S = 0.1, 2.0
"""After how long it is seen whether another process is done with a source: at first, and at
most."""
JPEG = b"\xff\xd8\xff"
MAX_THUMBNAIL = 1 << 20

T = TypeVar("T")
Progress = Callable[[VectorsStatus], Awaitable[None]]


async def import_vectors(
    context: Context, path: Path, *, progress: Progress | None = None
) -> VectorsStatus:
    """Add the sources of the folder or file; complete ones that the library has already stay as
    they are. The files of a folder are checked by their sha256 before the first one is read.

    Raises StoreError MODEL_MISMATCH for vectors of another model, UnreadableError for what is no
    export or is damaged, UnavailableError without pyarrow.
    """
    file = await asyncio.to_thread(_reader, path)
    try:
        theirs = file.facts["fingerprint"]
        if theirs != context.info.fingerprint:
            raise StoreError(
                f"{path.name} holds vectors of {theirs}, this library those of "
                f"{context.info.fingerprint}: only the same model can be imported; open a library "
                "with that encoder, or ingest the files themselves",
                code="MODEL_MISMATCH",
            )
        total = int(file.facts.get("sources", 0))
        async with context.source_locks.setdefault(IMPORTS, asyncio.Lock()):
            start = VectorsStatus(str(path), total)
            status, ids = await _import(context, file, start, progress)
            store = context.settings.store_path
            small = await asyncio.to_thread(_store_thumbnails, store, file.thumbnails(), ids)
            return replace(status, thumbnails=small)
    finally:
        await in_thread(file.close)


async def _import(
    context: Context, file: Any, status: VectorsStatus, progress: Progress | None
) -> tuple[VectorsStatus, Collection[str]]:
    """What was done, and the ids of all sources of the file."""
    rows, group = Rows(file.batches()), _Group(context, await context.opened_index())
    try:
        while (row := await rows.next_source()) is not None:
            status = replace(status, current=row.title)
            if progress is not None:
                await progress(status)
            count = await group.add(row, rows)
            done = status.sources_done + 1
            status = replace(
                status,
                sources_done=done,
                sources_total=max(status.sources_total, done),
                segments=status.segments + (count or 0),
                already=status.already + (count is None),
            )
    finally:  # what is whole stays, however this ends
        await finish_first(group.commit())
    return replace(status, current=""), rows.seen


def _reader(path: Path) -> Any:
    name = "folder" if path.is_dir() else "parquet"
    module = importlib.import_module(f"omni_core.engine.vectors.{name}")
    return module.FolderReader(path) if path.is_dir() else module.Reader(path)


def _store_thumbnails(
    store: Path, batches: Iterator[list[thumbnails.Thumbnail]], sources: Collection[str]
) -> int:
    """Store the small images that are missing, of these sources; how many."""
    stored = 0
    for source_id, id, jpeg in (image for batch in batches for image in batch):
        try:
            uuid = str(UUID(id))
        except ValueError:
            raise UnreadableError(f"{id[:60]!r} has an image and is no segment") from None
        if source_id not in sources or not jpeg.startswith(JPEG) or len(jpeg) > MAX_THUMBNAIL:
            raise UnreadableError(f"the small image of {uuid} is none, or of no source here")
        stored += thumbnails.add(store, source_id, uuid, jpeg)
    return stored


class _Group:
    """Sources whose segments are stored, until one flush makes them durable: on a slow disk each
    flush takes a second."""

    def __init__(self, context: Context, index: Index) -> None:
        self._context, self._index = context, index
        self._patience = Patience("the import", partial(ask_store, context.catalog, index))
        self._stored: list[tuple[SourceRow, int, sources.Spoken]] = []
        self._locks = AsyncExitStack()

    async def add(self, row: SourceRow, rows: Rows) -> int | None:
        """Store the source's segments; how many, or None where it is in the library already, or
        its bytes are, as another source in each of its collections. Waits for another process
        that ingests it, and then finds it there.

        Its lock is held until the group is committed.
        """
        pause_s = FIRST_POLL_S
        while True:
            try:
                count = await self._add(row, rows)
                break
            except StoreError as e:
                if e.code != "BUSY":
                    raise
                if pause_s == FIRST_POLL_S:
                    log.warning("the import waits, at %s: %s", row.title, e)
            await self.commit()  # that process may wait for one of these
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, POLL_S)
        if (
            len(self._stored) >= GROUP_SOURCES
            or sum(n for _, n, _ in self._stored) >= GROUP_SEGMENTS
        ):
            await self.commit()
        return count

    async def _add(self, row: SourceRow, rows: Rows) -> int | None:
        """As `add`; raises StoreError BUSY, with nothing read and nothing changed, where another
        process ingests the source."""
        async with AsyncExitStack() as lock:
            await lock.enter_async_context(
                self._context.source_locks.setdefault(row.sha256, asyncio.Lock())
            )
            await self._context.opened_index()  # it is in use: nothing tidies it up meanwhile
            catalog, names = self._context.catalog, row.collections
            known = await self._call(catalog.get, row.sha256)
            taken = await self._call(catalog.taken, row.sha256, row.content, names)
            if (known is not None and known.state == "ready") or taken == set(names):
                async for _ in rows.points(row):
                    pass
                return None
            row = replace(row, collections=tuple(name for name in names if name not in taken))
            if known is not None:
                await self._remove(row, unless_ready=True)
            await self._begin(row)
            try:
                count = await self._store(row, rows)
            except BaseException:
                await finish_first(self._take_back(row))
                raise
            self._stored.append((row, count, rows.spoken))
            self._locks.push_async_exit(lock.pop_all())
            return count

    async def commit(self) -> None:
        """Make what is stored durable, then record it as complete."""
        stored, self._stored = self._stored, []
        async with self._locks.pop_all():
            if stored:
                await self._patience.with_(self._index.flush)
            catalog = self._context.catalog
            for row, count, spoken in stored:
                if spoken.turns:
                    found = {n: FoundName(name, "subtitles") for n, name in spoken.found.items()}
                    await self._call(
                        catalog.put_turns, row.sha256, spoken.turns, spoken.given, found
                    )
                await self._call(
                    catalog.finish,
                    row.sha256,
                    state=row.state,
                    segments=count,
                    duration_s=row.duration_s,
                    warnings=row.warnings,
                    empty=row.empty,
                )
                await self._patience.with_(partial(drop_replaced, self._context, row.sha256))
                await self._context.changes.notify(row.id)

    async def _begin(self, row: SourceRow) -> None:
        """From here on the source is ours. Raises StoreError BUSY where it is another process's."""
        await self._call(
            self._context.catalog.begin,
            row.source,
            collection=row.collections[0],
            mtime_ns=0,  # the file, if there is one here, is looked at when it is ingested
            model=self._context.info.fingerprint,
            pipeline=row.pipeline or PIPELINE,
            unless_ready=True,
        )

    async def _store(self, row: SourceRow, rows: Rows) -> int:
        await self._patience.with_(partial(self._index.delete, source_filter(row.id)))
        for name in row.collections[1:]:
            await self._call(self._context.catalog.add_collection, row.sha256, name)
        count = 0
        async for points in rows.points(row):
            await self._patience.with_(partial(self._index.upsert, points))
            count += len(points)
        return count

    async def _remove(self, row: SourceRow, *, unless_ready: bool = False) -> None:
        """Raises StoreError BUSY, and removes nothing, where another process ingests it; with
        `unless_ready` also where one has just completed it."""
        catalog = self._context.catalog
        await self._call(catalog.begin_forgetting, row.sha256, unless_ready=unless_ready)
        await self._patience.with_(partial(self._index.delete, source_filter(row.id)))
        await self._call(catalog.remove, row.sha256)

    async def _take_back(self, row: SourceRow) -> None:
        try:
            await self._remove(row)
        except OmniError as e:  # partial, or another process has taken it over
            log.warning("what was imported of %s is left as it is: %s", row.title, e)

    async def _call(self, ask: Callable[..., T], *given: Any, **named: Any) -> T:
        """Of the catalog, in a thread; again where its server was away meanwhile."""
        return await self._patience.with_(partial(asyncio.to_thread, ask, *given, **named))
