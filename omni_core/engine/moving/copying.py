"""Copies the points of a library from one index into another, source by source.

What the new index holds already and is the same is left as it is, so that an interrupted migration
goes on where it was, and one that is repeated writes only what has changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from omni_core.catalog import Catalog
from omni_core.engine.comparing import compare
from omni_core.engine.moving import comparing
from omni_core.engine.outages import Patience
from omni_core.engine.results import SourceRow
from omni_core.engine.source_points import points_of_source
from omni_core.payload import source_filter
from omni_core.points import Point
from omni_core.protocols import Index
from omni_core.query import Filter, Ids
from omni_core.types import EncoderInfo

PAGE = 250
"""Points looked through, or deleted, at once."""
ROWS = 500

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
    lost: int = 0
    """Sources of which the two together have fewer segments than the catalog says."""
    stage: Stage = "copying"
    current: str = ""
    """Title of the source under way; "" at the end."""
    compared: comparing.Comparison | None = None
    already: bool = False
    """It had moved before, by a migration that was interrupted then."""


Progress = Callable[[MigrationStatus], Awaitable[None]]


async def rows_of(catalog: Catalog, patience: Patience) -> AsyncIterator[SourceRow]:
    """All sources."""
    after = None
    while True:
        ask = partial(asyncio.to_thread, catalog.list, limit=ROWS, after=after)
        page, _, after = await patience.with_(ask)
        for row in page:
            yield row
        if after is None:
            return


async def lost_segments(catalog: Catalog, index: Index) -> Mapping[str, int]:
    """Of each source of which the index does not hold all segments: how many it should, by id."""
    found = await compare(catalog, index)
    before = await asyncio.to_thread(catalog.expected)
    lost = (found.lost.keys() | before.keys()) - found.back.keys()
    return {id_: found.should[id_] for id_ in lost}


class Copying:
    """From an open index into another."""

    def __init__(
        self,
        old: Index,
        new: Index,
        info: EncoderInfo,
        lost: Mapping[str, int],
        progress: Progress | None,
    ) -> None:
        """`lost`: as `lost_segments` gives it for the old one. Of these sources the new one keeps
        what it holds: it may be the only whole copy."""
        self._old, self._new, self._info, self._lost = old, new, info, lost
        self._progress = progress

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
        held = await self._new.count(which)
        if held != read and row.id not in self._lost:
            await self._remove(which, lambda point: point.id not in kept)
            held = read
        return replace(
            status,
            sources_done=status.sources_done + 1,
            segments=status.segments + held,
            written=status.written + written,
            lost=status.lost + (held < self._lost.get(row.id, 0)),
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
