"""All points of a source with their vectors: for an export, a move to another index, the bin."""

from __future__ import annotations

from collections.abc import AsyncIterator

from omni_core.payload import source_filter
from omni_core.points import Point
from omni_core.protocols import Index
from omni_core.types import EncoderInfo

FETCHED = 250
FETCHED_LATE = 32
"""Points whose vectors are fetched at once: the late vectors of one take up to a megabyte."""


async def points_of_source(
    index: Index, info: EncoderInfo, source_id: str
) -> AsyncIterator[list[Point]]:
    """All points of a source with their vectors, in batches of a bounded size."""
    at_once = FETCHED_LATE if info.multi_vector else FETCHED
    offset = None
    while True:
        page, offset = await index.scroll(source_filter(source_id), limit=at_once, offset=offset)
        if page:
            yield await index.get([point.id for point in page], vectors=True)
        if offset is None:
            return
