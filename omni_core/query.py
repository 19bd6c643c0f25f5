"""Filters and prefetches of a query as plain data; each store compiles them to its own types.

The keys that can be filtered on are listed in `omni_core.payload`.
"""

from __future__ import annotations

from dataclasses import dataclass

from omni_core.types import Sparse, Vector


@dataclass(frozen=True, slots=True)
class In:
    """The keyword (or any element of a keyword list) is one of these. Never a bool:
    Qdrant Edge 0.9 matches True as the integer 1."""

    key: str
    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A number within bounds; None is open. Time overlap: `start < t2` and `end > t1`."""

    key: str
    gte: float | None = None
    gt: float | None = None
    lte: float | None = None
    lt: float | None = None


@dataclass(frozen=True, slots=True)
class During:
    """A time within [gte, lt), RFC 3339; None is open."""

    key: str
    gte: str | None = None
    lt: str | None = None


@dataclass(frozen=True, slots=True)
class Ids:
    """The point is one of these."""

    ids: tuple[str, ...]


Condition = In | Range | During | Ids


@dataclass(frozen=True, slots=True)
class Filter:
    """All of `must` and none of `must_not`. Empty matches everything; writes refuse it."""

    must: tuple[Condition, ...] = ()
    must_not: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.must or self.must_not)

    def and_also(self, other: Filter) -> Filter:
        """Both filters as one."""
        return Filter((*self.must, *other.must), (*self.must_not, *other.must_not))


@dataclass(frozen=True, slots=True)
class Prefetch:
    """One ranked query: by `dense` (cosine), `bm25` (with IDF), or `late` (MaxSim)."""

    vector: Vector | Sparse
    using: str = "dense"
    limit: int = 100
    filter: Filter = Filter()
    """Holds for this prefetch alone, besides that of the whole search."""
    lean: bool = False
    """Whether points may come without the fields that only a segment which is shown needs
    (`payload.SHOWN_ONLY`); `ScoredPoint.whole` says whether one did."""

    def within(self, filter: Filter | None) -> Filter:
        """Both filters as one; None where there is neither."""
        return filter.and_also(self.filter) if filter else self.filter
