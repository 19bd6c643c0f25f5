"""Filters and legs of a query as plain data; each backend compiles them to its own types.

Payload of a point (all keys a filter may name are indexed before the first upsert):

| key                            | kind     | note |
|--------------------------------|----------|------|
| source_id, modality, channel   | keyword  | `src_...`, `Modality`, `Channel` |
| collections                    | keyword[]| a source may be in several |
| start, end                     | float    | seconds, or characters for plain text; half-open |
| page                           | integer  | 1-based; documents only |
| recorded_at                    | datetime | RFC 3339, UTC |
| text, origin, part, extra, axis, title, model | not indexed | what a result shows |
"""

from __future__ import annotations

from dataclasses import dataclass

from omni_core.types import Sparse, Vector

KEYWORDS = ("source_id", "modality", "channel", "collections")
FLOATS = ("start", "end")
INTEGERS = ("page",)
DATETIMES = ("recorded_at",)


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
    """An instant within [gte, lt), RFC 3339."""

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


@dataclass(frozen=True, slots=True)
class Prefetch:
    """One ranking: nearest by `dense` (cosine), by `bm25`, or by `late` (MaxSim)."""

    vector: Vector | Sparse
    using: str = "dense"
    limit: int = 100
