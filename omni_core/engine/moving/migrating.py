"""Migrates a library to another index, another catalog, or both, in bounded memory.

What the new index holds already and is the same is left as it is, so that an interrupted migration
goes on where it was, and one that is repeated writes only what has changed. The library stays where
it is until both indexes were compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Literal

from omni_core import encoders, index
from omni_core.catalog import Catalog, open_catalog
from omni_core.catalog.copying import copy_catalog
from omni_core.engine.moving import comparing
from omni_core.engine.ownership import library_id
from omni_core.engine.results import SourceRow
from omni_core.engine.source_points import points_of_source
from omni_core.engine.store import refuse_unshared, take_store
from omni_core.errors import BadRequestError, StoreError
from omni_core.payload import source_filter
from omni_core.points import Point
from omni_core.protocols import Index
from omni_core.query import Filter, Ids
from omni_core.settings import Settings
from omni_core.types import EncoderInfo

PAGE = 250
"""Points looked through, or deleted, at once."""
ROWS = 500
LEAST_SAME = 0.9
"""Least share of the same results among the first ten of the compared searches. Not 1: a server
with an HNSW graph is approximate, and BM25 scores have ties."""

Stage = Literal["copying", "comparing", "done"]


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """How far a migration is; at its end, what it did."""

    where: str
    """Where the library was, in words."""
    to: str
    """Where it goes."""
    sources_total: int
    sources_done: int = 0
    segments: int = 0
    """Of the sources that are done."""
    written: int = 0
    """Segments that the new index did not hold before."""
    stage: Stage = "copying"
    current: str = ""
    """Title of the source under way; "" at the end."""
    compared: comparing.Comparison | None = None


Progress = Callable[[MigrationStatus], Awaitable[None]]


def describe(settings: Settings) -> str:
    """Where the index of these settings is, and the catalog where it is not in the store."""
    return _index(settings) + (", its catalog in PostgreSQL" if settings.catalog else "")


def _index(settings: Settings) -> str:
    if settings.index == "server":
        return f"the collection {settings.qdrant_collection} on {settings.qdrant_url}"
    if settings.index == "edge":
        return f"the embedded index in {settings.store_path}"
    return f"the index {settings.index!r}"


async def migrate(
    settings: Settings, target: Settings, progress: Progress | None = None
) -> MigrationStatus:
    """Copy the library of `settings` to where `target` says, and compare the two.

    `target` differs in its index, its catalog, or both: same store, same encoder. Nothing else may
    use the library meanwhile. Switching over is then a matter of the settings.

    Raises StoreError: STORE_BUSY, MODEL_MISMATCH, FOREIGN_COLLECTION, FOREIGN_CATALOG, and
    NOT_THE_SAME when the new index does not answer as the old one; BadRequestError when the
    library is there already.
    """
    moves = _index(settings) != _index(target)
    if not moves and _catalog(settings) == _catalog(target):
        raise BadRequestError(f"the library is there already: {describe(settings)}")
    refuse_unshared(target)
    info = await asyncio.to_thread(encoders.describe, settings)
    async with AsyncExitStack() as resources:
        catalog = await take_store(settings, info, resources)
        busy = await asyncio.to_thread(lambda: catalog.count(state="processing"))
        if busy:  # in PostgreSQL: the process that opens a catalog in a file owns it
            raise StoreError(
                f"{busy} files are being ingested by other processes; stop them first",
                code="STORE_BUSY",
            )
        total, _ = await asyncio.to_thread(catalog.totals)
        status = MigrationStatus(describe(settings), describe(target), total)
        if moves:
            status = await _move_points(settings, target, info, catalog, status, progress)
        if _catalog(settings) != _catalog(target):
            await asyncio.to_thread(_move_catalog, catalog, target)
        return replace(status, stage="done", current="")


def _catalog(settings: Settings) -> tuple[str, str]:
    return settings.catalog, settings.catalog_schema if settings.catalog else ""


def _move_catalog(catalog: Catalog, target: Settings) -> None:
    library_id(catalog)  # both get the same
    with open_catalog(target) as new:
        copy_catalog(catalog, new)


async def _move_points(
    settings: Settings,
    target: Settings,
    info: EncoderInfo,
    catalog: Catalog,
    status: MigrationStatus,
    progress: Progress | None,
) -> MigrationStatus:
    async with AsyncExitStack() as resources:
        old, new = [
            await asyncio.to_thread(index.load, chosen, info) for chosen in (settings, target)
        ]
        for opened in (old, new):
            resources.push_async_callback(opened.close)
            await opened.open()
            await opened.claim(await asyncio.to_thread(library_id, catalog))
        copying = _Copying(old, new, info, progress)
        sources: set[str] = set()
        async for row in _rows(catalog):
            status = await copying.source(row, status)
            sources.add(row.id)
        await copying.remove_others(sources, status.segments)
        await new.flush()
        status = replace(status, stage="comparing", current="")
        if progress is not None:
            await progress(status)
        found = await comparing.compare(old, new, info, sources=sources, points=status.segments)
        if found.problem or found.same_results < LEAST_SAME:
            why = found.problem or f"only {found.same_results:.0%} of their results are the same"
            raise StoreError(
                f"{_index(target)} does not answer as {_index(settings)}: {why}; the library "
                "stays where it was. Run the same command again",
                code="NOT_THE_SAME",
            )
        return replace(status, compared=found)


async def _rows(catalog: Catalog) -> AsyncIterator[SourceRow]:
    after = None
    while True:
        page, _, after = await asyncio.to_thread(catalog.list, limit=ROWS, after=after)
        for row in page:
            yield row
        if after is None:
            return


class _Copying:
    def __init__(
        self, old: Index, new: Index, info: EncoderInfo, progress: Progress | None
    ) -> None:
        self._old, self._new, self._info, self._progress = old, new, info, progress

    async def source(self, row: SourceRow, status: MigrationStatus) -> MigrationStatus:
        """Make the new index hold what the old one holds of this source, and nothing else."""
        status = replace(status, current=row.title)
        if self._progress is not None:
            await self._progress(status)
        which = source_filter(row.id)
        fresh = not await self._new.count(which)
        read = written = 0
        kept: set[str] = set()
        async for points in points_of_source(self._old, self._info, row.id):
            missing = points if fresh else await self._differing(points)
            if missing:
                await self._new.upsert(missing)
            read, written = read + len(points), written + len(missing)
            kept.update(p.id for p in points)
        if await self._new.count(which) != read:
            await self._remove(which, lambda point: point.id not in kept)
        return replace(
            status,
            sources_done=status.sources_done + 1,
            segments=status.segments + read,
            written=status.written + written,
        )

    async def _differing(self, points: Sequence[Point]) -> list[Point]:
        there = {p.id: p for p in await self._new.get([p.id for p in points], vectors=True)}
        return [p for p in points if p.id not in there or not comparing.is_same(p, there[p.id])]

    async def remove_others(self, sources: set[str], segments: int) -> None:
        """Remove points of sources that the library, with so many segments, does not have (any
        more)."""
        if await self._new.count() > segments:
            await self._remove(None, lambda point: point.stored.source_id not in sources)

    async def _remove(self, which: Filter | None, unwanted: Callable[[Point], bool]) -> None:
        offset = None
        found: list[str] = []
        while True:
            page, offset = await self._new.scroll(which, limit=PAGE, offset=offset)
            found += [p.id for p in page if unwanted(p)]
            if offset is None:
                break
        for i in range(0, len(found), PAGE):
            await self._new.delete(Filter(must=(Ids(tuple(found[i : i + PAGE])),)))
