"""From points to a durable library: the index as they come, the catalog at the end of a group."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from omni_core.catalog.groups import StoredGroup
from omni_core.engine.ingest.embedding import Embedded
from omni_core.engine.ingest.reached import Reached
from omni_core.errors import StoreError
from omni_core.evidence import thumbnails
from omni_core.protocols import Index
from omni_core.query import Filter, Ids
from omni_core.types import Source, Voices

Note = Callable[[StoredGroup], Awaitable[None]]
"""Awaited with each group once the index holds it durably: notes it in the catalog."""


class Commit:
    """Stores the results of one source, in order. Storing one twice changes nothing."""

    def __init__(
        self,
        source: Source,
        index: Index,
        thumbs: Path | None,
        note: Note,
        reached: Reached,
        stored: Iterable[str] = (),
    ) -> None:
        """`thumbs`: the folder of the store, None to keep no thumbnails. `reached` and `stored`
        (ids of points): where an earlier run has come."""
        self.reached = reached
        self.stored = set(stored)
        """Ids of points in the index."""
        self.voices: Voices | None = None
        """Who spoke when, once all is stored; None where nobody was told apart."""
        self.seconds = 0.0
        """Spent in the index."""
        self._source, self._index, self._thumbs, self._note = source, index, thumbs, note
        self._since: set[str] = set()
        """Ids of points stored since the last group."""

    async def write(self, result: Embedded) -> None:
        """Store one result; durable when this returns, if it ends a group."""
        if result.replaces:
            await self._index.delete(Filter(must=(Ids((result.replaces,)),)))
            self.stored.discard(result.replaces)
            self._since.discard(result.replaces)
        if result.points:
            started = time.perf_counter()
            await self._index.upsert(result.points)
            self.seconds += time.perf_counter() - started
            ids = {point.id for point in result.points}
            self.stored |= ids
            self._since |= ids
        if self._thumbs is not None:
            await asyncio.to_thread(_save, self._thumbs, self._source.id, result.thumbnails)
        self.reached.add(result)
        if result.ends_group:
            self.voices = result.voices
            await self._end_group(result)

    async def _end_group(self, result: Embedded) -> None:
        await self._index.flush()
        group = StoredGroup(result.group, result.segments, tuple(sorted(self._since)))
        self._since.clear()
        await self._note(group)


def _save(store: Path, source_id: str, found: Iterable[tuple[str, bytes]]) -> None:
    try:
        for id, data in found:
            thumbnails.save(store, source_id, id, data)
    except OSError as e:
        raise StoreError(
            f"a thumbnail cannot be written ({e.strerror or e}); free some space on the disk of "
            "the store and call again: nothing stored is lost"
        ) from e
