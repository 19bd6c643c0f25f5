"""All points of a source: with their vectors, for an export, a move to another index, the bin;
those that are left from before; what all of them say of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container
from functools import partial

from omni_core.engine.outages import Patience
from omni_core.payload import changes, source_filter
from omni_core.points import Point
from omni_core.protocols import Index
from omni_core.query import Filter, Ids
from omni_core.types import EncoderInfo, SourceRow

FETCHED = 250
FETCHED_LATE = 32
"""Points whose vectors are fetched at once: the late vectors of one take up to a megabyte."""


def changes_of(row: SourceRow) -> dict[str, object]:
    """Title, date and collections of a source, for `Index.set_payload` on its points."""
    return changes(title=row.title, recorded_at=row.recorded_at, collections=row.collections)


async def points_of_source(
    index: Index, info: EncoderInfo, source_id: str, patience: Patience | None = None
) -> AsyncIterator[list[Point]]:
    """All points of a source with their vectors, in batches of a bounded size; with `patience` for
    a server that is away meanwhile."""
    at_once = FETCHED_LATE if info.multi_vector else FETCHED
    which, offset = source_filter(source_id), None

    async def fetch(after: str | None) -> tuple[list[Point], str | None]:
        page, next_ = await index.scroll(which, limit=at_once, offset=after)
        return await index.get([p.id for p in page], vectors=True) if page else [], next_

    while True:
        ask = partial(fetch, offset)
        points, offset = await (ask() if patience is None else patience.with_(ask))
        if points:
            yield points
        if offset is None:
            return


async def keep_alone(index: Index, source_id: str, kept: Container[str]) -> None:
    """Remove the points of a source whose ids are not among those that are `kept`."""
    offset, others = None, list[str]()
    while True:
        page, offset = await index.scroll(source_filter(source_id), limit=FETCHED, offset=offset)
        others += [p.id for p in page if p.id not in kept]
        if offset is None:
            break
    for i in range(0, len(others), FETCHED):
        await index.delete(Filter(must=(Ids(tuple(others[i : i + FETCHED])),)))
