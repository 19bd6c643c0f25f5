"""An index that shows the points of some collections alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from omni_core.engine.context import Context
from omni_core.engine.index_opening import IndexOpening
from omni_core.payload import in_collections
from omni_core.points import Point, ScoredPoint
from omni_core.protocols import Index
from omni_core.query import Filter, Prefetch


class IndexWithin(Index):
    """Reads what is visible, whatever the filter; writes are those of the whole index, and name
    sources that the catalog has found."""

    def __init__(self, whole: Index, names: Sequence[str]) -> None:
        """`whole` is open, and closed by its owner."""
        self._whole, self._names = whole, frozenset(names)
        self._own = Filter(must=(in_collections(tuple(names)),))

    @classmethod
    def create(cls, settings: object, info: object, *, building: bool = False) -> NoReturn:
        """Never: it is a part of an index that is open."""
        raise TypeError("an index of some collections is a part of another one")

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    async def search(
        self, prefetches: Sequence[Prefetch], *, filter: Filter | None = None
    ) -> list[list[ScoredPoint]]:
        """The rankings among what is visible."""
        return await self._whole.search(prefetches, filter=self._visible(filter))

    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Point]:
        """The visible points of these ids."""
        found = await self._whole.get(ids, vectors=vectors)
        return [p for p in found if not self._names.isdisjoint(p.stored.collections)]

    async def scroll(
        self, filter: Filter | None = None, *, limit: int = 256, offset: str | None = None
    ) -> tuple[list[Point], str | None]:
        """A page of the visible points."""
        return await self._whole.scroll(self._visible(filter), limit=limit, offset=offset)

    async def count(self, filter: Filter | None = None) -> int:
        """How many of the visible points match."""
        return await self._whole.count(self._visible(filter))

    async def upsert(self, points: Sequence[Point]) -> None:
        """As the whole index."""
        await self._whole.upsert(points)

    async def set_payload(self, filter: Filter, changes: Mapping[str, Any]) -> None:
        """As the whole index."""
        await self._whole.set_payload(filter, changes)

    async def delete(self, filter: Filter) -> None:
        """As the whole index."""
        await self._whole.delete(filter)

    async def flush(self) -> None:
        """As the whole index."""
        await self._whole.flush()

    def _visible(self, filter: Filter | None) -> Filter:
        return self._own.and_also(filter) if filter else self._own


class OpeningWithin(IndexOpening):
    """The opening of the whole library's index, which gives the visible part of it."""

    def __init__(self, whole: Context, names: Sequence[str]) -> None:
        """The index is opened and closed by the owner of the whole."""
        self._of, self._names = whole, names

    def start(self) -> asyncio.Task[None]:
        """The task that opens the index."""
        return self._of.index.start()

    @property
    def was_open(self) -> bool:
        """Whether the whole one has been opened once."""
        return self._of.index.was_open

    async def opened(self) -> Index:
        """The visible part of the open index."""
        return IndexWithin(await self._of.opened_index(), self._names)

    async def close(self) -> None:
        """Nothing: its owner closes it."""
