"""The rows of a file of vectors, source by source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from omni_core.engine.results import SourceRow
from omni_core.engine.vectors import sources
from omni_core.errors import UnreadableError
from omni_core.points import Point


class Rows:
    """Read once, in their order."""

    def __init__(self, batches: Iterator[list[Any]]) -> None:
        self._batches = batches
        self._batch: list[Any] = []
        self._source = ""
        self.spoken = sources.Spoken()
        """Who speaks in the source whose points come next."""
        self.seen: set[str] = set()
        """Ids of the sources so far."""

    async def next_source(self) -> SourceRow | None:
        """The next source, whose points come next; None at the end. Raises UnreadableError."""
        if not await self._fill():
            return None
        self._source = self._batch[0].source
        row = sources.of_json(self._source)
        self.spoken = sources.spoken_of_json(self._source)
        if row.id in self.seen:
            raise UnreadableError(
                f"the rows of {row.id} do not stand together; sort the file by its column source"
            )
        self.seen.add(row.id)
        return row

    async def points(self, row: SourceRow) -> AsyncIterator[list[Point]]:
        """The points of that source, in batches, in the collections of `row`."""
        while await self._fill() and self._batch[0].source == self._source:
            same = 0
            while same < len(self._batch) and self._batch[same].source == self._source:
                same += 1
            taken, self._batch = self._batch[:same], self._batch[same:]
            points = [sources.checked(r.point, row) for r in taken if r.point is not None]
            if points:
                yield points

    async def _fill(self) -> bool:
        """Read on when everything is taken; False at the end of the file."""
        while not self._batch:
            batch = await asyncio.to_thread(next, self._batches, None)
            if batch is None:
                return False
            self._batch = batch
        return True
