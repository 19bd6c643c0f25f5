"""The in-memory index: exact search, nothing persistent; the reference for the other indexes.

Scores are those of Qdrant: cosine, BM25 with the IDF `ln((N - df + 0.5) / (df + 0.5) + 1)` over
the N points that have text, and MaxSim (for each vector of the question the best cosine in the
point, summed).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from omni_core.index import check
from omni_core.payload import StoredSegment
from omni_core.points import Point, ScoredPoint
from omni_core.protocols import Index
from omni_core.query import Condition, During, Filter, Ids, In, Prefetch, Range
from omni_core.settings import Settings
from omni_core.types import EncoderInfo, Vector


@dataclass(frozen=True, slots=True)
class _Table:
    """Arrays for searching, rebuilt after a write. Rows are in id order, so ties break by id."""

    points: list[Point]
    dense_rows: NDArray[np.intp]
    dense: NDArray[np.float32]
    postings: dict[int, tuple[list[int], list[float]]]
    """Term id -> the rows that contain it, and its weight in each."""
    with_text: int
    """Number of points with text: the N of the IDF."""


class MemoryIndex(Index):
    """An exact index without a disk: brute force over NumPy arrays."""

    @classmethod
    def create(cls, settings: Settings, info: EncoderInfo, *, building: bool = False) -> Self:
        """An empty index, whatever `building` is."""
        return cls(info)

    def __init__(self, info: EncoderInfo) -> None:
        self._info = info
        self._points: dict[str, Point] = {}
        self._cached: _Table | None = None

    async def open(self) -> None:
        """Nothing to do."""

    async def upsert(self, points: Sequence[Point]) -> None:
        """Keep the points; the same id overwrites."""
        check.points(points, self._info)
        for point in points:
            unit = replace(
                point,
                dense=None if point.dense is None else _unit(point.dense),
                late=None if point.late is None else _unit(point.late),
                stored=_copied(point.stored),
            )
            self._points[point.id] = unit
        self._cached = None

    async def search(
        self, prefetches: Sequence[Prefetch], *, filter: Filter | None = None
    ) -> list[list[ScoredPoint]]:
        """For each prefetch its points, best first, raw scores."""
        check.prefetches(prefetches, self._info)
        table = self._table()
        matching: dict[Filter, NDArray[np.bool_]] = {}
        scorers = {"dense": _dense, "bm25": _bm25, "late": _late}
        found = []
        for prefetch in prefetches:
            rows, scores = scorers[prefetch.using](table, prefetch.vector)
            wanted = prefetch.within(filter)
            if wanted:
                if wanted not in matching:
                    matching[wanted] = np.array([_matches(wanted, p) for p in table.points], bool)
                keep = matching[wanted][rows]
                rows, scores = rows[keep], scores[keep]
            best = np.argsort(-scores, kind="stable")[: prefetch.limit]
            chosen = [(table.points[rows[i]], float(scores[i])) for i in best]
            found.append([_scored(p, s, prefetch) for p, s in chosen])
        return found

    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Point]:
        """The points that exist, in the order of `ids`."""
        return [_copy(self._points[i], vectors) for i in ids if i in self._points]

    async def scroll(
        self, filter: Filter | None = None, *, limit: int = 256, offset: str | None = None
    ) -> tuple[list[Point], str | None]:
        """Points without vectors in id order, and the offset of the next page."""
        ids = sorted(self._points)
        ids = [
            i for i in ids[bisect_left(ids, offset or "") :] if _matches(filter, self._points[i])
        ]
        page = [_copy(self._points[i], False) for i in ids[:limit]]
        return page, ids[limit] if len(ids) > limit else None

    async def count(self, filter: Filter | None = None) -> int:
        """Exactly how many."""
        return sum(_matches(filter, p) for p in self._points.values())

    async def count_by_source(self, *, exact: bool = False) -> dict[str, int]:
        """How many points each source has."""
        return dict(Counter(p.stored.source_id for p in self._points.values()))

    async def set_payload(self, filter: Filter | None, changes: Mapping[str, Any]) -> None:
        """Merge `changes` into the points that match."""
        wanted = check.refuse_empty(filter)
        for i, p in list(self._points.items()):
            if _matches(wanted, p):
                self._points[i] = replace(p, stored=StoredSegment({**p.stored.fields, **changes}))
        self._cached = None

    async def delete(self, filter: Filter | None) -> None:
        """Remove the points that match."""
        wanted = check.refuse_empty(filter)
        gone = [i for i, p in self._points.items() if _matches(wanted, p)]
        for i in gone:
            del self._points[i]
        self._cached = None

    async def flush(self) -> None:
        """Nothing to do."""

    async def optimize(self) -> bool:
        """Nothing to do."""
        return False

    async def activate(self) -> None:
        """Nothing to do: there are no other versions."""

    async def close(self) -> None:
        """Forget everything."""
        self._points.clear()
        self._cached = None

    def _table(self) -> _Table:
        if self._cached is None:
            points = [self._points[i] for i in sorted(self._points)]
            having = [(row, p.dense) for row, p in enumerate(points) if p.dense is not None]
            dense = np.stack([v for _, v in having]) if having else np.zeros((0, self._info.dim))
            postings: dict[int, tuple[list[int], list[float]]] = {}
            with_text = 0
            for row, p in enumerate(points):
                if p.bm25 is not None and p.bm25.indices:
                    with_text += 1
                    for term, weight in zip(p.bm25.indices, p.bm25.values, strict=True):
                        rows, weights = postings.setdefault(term, ([], []))
                        rows.append(row)
                        weights.append(weight)
            at = np.array([row for row, _ in having], np.intp)
            self._cached = _Table(points, at, dense.astype(np.float32), postings, with_text)
        return self._cached


_Scores = tuple[NDArray[np.intp], NDArray[np.float64]]


def _dense(table: _Table, vector: Any) -> _Scores:
    return table.dense_rows, (table.dense @ _unit(vector)).astype(np.float64)


def _bm25(table: _Table, query: Any) -> _Scores:
    total = np.zeros(len(table.points))
    touched = np.zeros(len(table.points), bool)
    for term, weight in zip(query.indices, query.values, strict=True):
        rows, weights = table.postings.get(term, ([], []))
        idf = math.log((table.with_text - len(rows) + 0.5) / (len(rows) + 0.5) + 1)
        total[rows] += weight * idf * np.array(weights)
        touched[rows] = True
    found = np.flatnonzero(touched)
    return found, total[found]


def _late(table: _Table, vectors: Any) -> _Scores:
    query = _unit(vectors)
    having = [(row, p.late) for row, p in enumerate(table.points) if p.late is not None]
    scores = [float((query @ late.T).max(axis=1).sum()) for _, late in having]
    return np.array([row for row, _ in having], np.intp), np.array(scores, np.float64)


def _matches(filter: Filter | None, point: Point) -> bool:
    if not filter:
        return True
    fields = point.stored.fields
    return all(_holds(c, point.id, fields) for c in filter.must) and not any(
        _holds(c, point.id, fields) for c in filter.must_not
    )


def _copy(point: Point, vectors: bool) -> Point:
    stored = _copied(point.stored)
    return replace(point, stored=stored) if vectors else Point(point.id, None, None, stored)


def _scored(point: Point, score: float, prefetch: Prefetch) -> ScoredPoint:
    stored = point.stored.lean() if prefetch.lean else point.stored
    return ScoredPoint(point.id, score, _copied(stored), stored is point.stored)


def _copied(stored: StoredSegment) -> StoredSegment:
    """A copy, so that a caller cannot change what is stored."""
    return StoredSegment(dict(stored.fields))


def _unit(vector: Vector) -> Vector:
    v = np.asarray(vector, np.float32)
    return np.asarray(v / np.linalg.norm(v, axis=-1, keepdims=True), np.float32)


def _holds(condition: Condition, id: str, fields: Mapping[str, Any]) -> bool:
    if isinstance(condition, Ids):
        return id in condition.ids
    value = fields.get(condition.key)
    values = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
    return any(_fits(condition, v) for v in values)


def _fits(condition: In | Range | During, value: Any) -> bool:
    if isinstance(condition, In):
        return value in condition.values
    if isinstance(condition, Range):
        return (
            isinstance(value, (int, float))
            and (condition.gte is None or value >= condition.gte)
            and (condition.gt is None or value > condition.gt)
            and (condition.lte is None or value <= condition.lte)
            and (condition.lt is None or value < condition.lt)
        )
    at = _instant(value)
    return (condition.gte is None or at >= _instant(condition.gte)) and (
        condition.lt is None or at < _instant(condition.lt)
    )


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
