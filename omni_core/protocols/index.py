"""Indexes, which store points and rank them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from omni_core.points import Point, ScoredPoint
from omni_core.query import Filter, Prefetch
from omni_core.settings import Settings
from omni_core.types import EncoderInfo, Vector


class Index(ABC):
    """A store of points with dense, BM25 and multi-vector search.

    `Settings.index` names its entry point in the group `omni_mcp.indexes`. Lives in the server
    process; its methods must not block the event loop, and several may run at a time. The suite
    `tests/omni_core/index/test_contract.py` runs over every index: add yours there.

    The fields of a payload, and those that a filter may use, are listed in `omni_core.payload`.
    Ids are UUIDs as text. All methods raise StoreError when the store fails.
    """

    @classmethod
    @abstractmethod
    def create(cls, settings: Settings, info: EncoderInfo, *, building: bool = False) -> Self:
        """The index for vectors of this model (`info.dim`, `info.multi_vector`), not opened yet.

        `building` asks for a second version beside the one in use, for a re-index: empty, and
        not seen by searches before `activate`.
        """

    @abstractmethod
    async def open(self) -> None:
        """Create or open; raises StoreError (STORE_BUSY) when another process holds it."""

    @abstractmethod
    async def upsert(self, points: Sequence[Point]) -> None:
        """Insert, or replace those of the same id; durable against a crash of this process when
        it returns."""

    @abstractmethod
    async def search(
        self, prefetches: Sequence[Prefetch], *, filter: Filter | None = None
    ) -> list[list[ScoredPoint]]:
        """For each prefetch a ranking of the points that match `filter` and its own, best first
        (`Prefetch.within` joins the two).

        The score is the cosine for `dense`, the dot product for `bm25`, MaxSim for `late`.
        Points without a vector of that name are not in that ranking. `Prefetch.lean` says what
        each point comes with; an index may send more.
        """

    @abstractmethod
    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Point]:
        """The points that exist, in the order of `ids`; with `vectors` also dense and late ones."""

    @abstractmethod
    async def scroll(
        self, filter: Filter | None = None, *, limit: int = 256, offset: str | None = None
    ) -> tuple[list[Point], str | None]:
        """At most `limit` points without vectors, in order of id, and the next offset.

        The offset is opaque; None at the end, and for the first page.
        """

    @abstractmethod
    async def count(self, filter: Filter | None = None) -> int:
        """Exactly how many points match."""

    @abstractmethod
    async def set_payload(self, filter: Filter, changes: Mapping[str, Any]) -> None:
        """Merge `changes` (JSON values, see `payload.changes`) into the points that match.

        Raises BadRequestError for an empty filter.
        """

    @abstractmethod
    async def delete(self, filter: Filter) -> None:
        """Remove the points that match. Raises BadRequestError for an empty filter."""

    @abstractmethod
    async def close(self) -> None:
        """Release the store; no call follows. Also called after `open` failed."""

    async def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """The dense vectors, by id, of those points that exist and have one.

        Optional: for stores that need not read the rest of a point for it.
        """
        found = await self.get(ids, vectors=True)
        return {p.id: p.dense for p in found if p.dense is not None}

    async def count_by_source(self, *, exact: bool = False) -> dict[str, int] | None:
        """How many points each source has, by its id (`src_...`); None where that is not cheap.

        Optional: a library whose index has it is compared with its catalog when it is opened.
        Without `exact` the numbers may be those of the payload index.
        """
        return None

    async def claim(  # noqa: B027 - optional
        self, library: str, *, adopt: bool = False
    ) -> None:
        """Mark the store as that of this library, whose id the catalog holds; called after `open`.

        Optional: for stores that several catalogs can reach. Raises StoreError
        FOREIGN_COLLECTION when it belongs to another library, which `adopt` takes it from.
        """

    async def flush(self) -> None:  # noqa: B027 - optional
        """Durable against power loss when it returns. Optional: for stores that are not already
        after `upsert`."""

    async def optimize(self) -> bool:
        """Reclaim the space of deleted points; False when there was nothing to do. Optional."""
        return False

    async def activate(self) -> None:  # noqa: B027 - optional
        """Make this version, created with `building`, the one that searches use; atomic.

        Optional, but a re-index to another model needs it.
        """

    async def copy_to(self, store: Path) -> bool:
        """Copy the files of the index, as of one moment, to where they would lie in the empty
        folder `store`; False where it has none. Optional: for backups of the store."""
        return False
