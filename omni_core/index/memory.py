"""The exact store: everything in this process, nothing approximated, gone when it ends.

The others are measured against it. Scores are Qdrant's: cosine, BM25 with the engine's IDF
`ln((N - df + 0.5) / (df + 0.5) + 1)` over the N points that have words, and
MaxSim (for each vector of the question the best cosine in the point, summed).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omni_core.index import check
from omni_core.index.plan import Condition, During, Filter, Ids, In, Leg, Range
from omni_core.settings import Settings
from omni_core.types import EncoderInfo, Hit, Point, Sparse, Vector


def index(settings: Settings, info: EncoderInfo, *, building: bool = False) -> Memory:
    """The store that `Settings.index = "memory"` names."""
    return Memory(info)


class Memory:
    """An Index without a disk."""

    def __init__(self, info: EncoderInfo) -> None:
        self._info = info
        self._points: dict[str, Point] = {}
        self._rows: tuple[list[str], NDArray[np.float32]] | None = None
        self._df: Counter[int] | None = None

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
                payload=dict(point.payload),
            )
            self._points[point.id] = unit
        self._changed()

    async def search(self, legs: Sequence[Leg], *, filter: Filter | None = None) -> list[list[Hit]]:
        """For each leg its hits, best first, raw scores."""
        check.legs(legs, self._info)
        scorers = {"dense": self._dense, "bm25": self._bm25, "late": self._late}
        found = []
        for leg in legs:
            scores = scorers[leg.using](leg.vector)
            allowed = [(s, i) for i, s in scores.items() if self._matches(filter, i)]
            allowed.sort(key=lambda si: (-si[0], si[1]))
            hits = [Hit(i, s, dict(self._points[i].payload)) for s, i in allowed[: leg.limit]]
            found.append(hits)
        return found

    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Point]:
        """The points that exist, in the order asked."""
        return [_copy(self._points[i], vectors) for i in ids if i in self._points]

    async def scroll(
        self, filter: Filter | None = None, *, limit: int = 256, offset: str | None = None
    ) -> tuple[list[Point], str | None]:
        """Points without vectors in id order, and the id to go on from."""
        ids = sorted(self._points)
        ids = [i for i in ids[bisect_left(ids, offset or "") :] if self._matches(filter, i)]
        page = [_copy(self._points[i], False) for i in ids[:limit]]
        return page, ids[limit] if len(ids) > limit else None

    async def count(self, filter: Filter | None = None) -> int:
        """Exactly how many."""
        return sum(self._matches(filter, i) for i in self._points)

    async def set_payload(self, filter: Filter | None, payload: Mapping[str, Any]) -> None:
        """Merge `payload` into the points that match."""
        wanted = check.refuse_empty(filter)
        for i, p in list(self._points.items()):
            if self._matches(wanted, i):
                self._points[i] = replace(p, payload={**p.payload, **payload})

    async def delete(self, filter: Filter | None) -> None:
        """Remove the points that match."""
        wanted = check.refuse_empty(filter)
        gone = [i for i in self._points if self._matches(wanted, i)]
        for i in gone:
            del self._points[i]
        self._changed()

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
        self._changed()

    def _changed(self) -> None:
        self._rows = self._df = None

    def _dense(self, vector: Any) -> dict[str, float]:
        if self._rows is None:
            having = [(i, p.dense) for i, p in self._points.items() if p.dense is not None]
            rows = np.stack([v for _, v in having]) if having else np.zeros((0, self._info.dim))
            self._rows = [i for i, _ in having], rows.astype(np.float32)
        ids, matrix = self._rows
        return dict(zip(ids, (matrix @ _unit(vector)).tolist(), strict=True))

    def _bm25(self, asked: Any) -> dict[str, float]:
        having = {i: p.bm25 for i, p in self._points.items() if p.bm25 and p.bm25.indices}
        if self._df is None:
            self._df = Counter(t for sparse in having.values() for t in sparse.indices)
        n, df = len(having), self._df
        weight = {
            t: w * math.log((n - df[t] + 0.5) / (df[t] + 0.5) + 1)
            for t, w in zip(asked.indices, asked.values, strict=True)
        }
        scores = {i: _dot(sparse, weight) for i, sparse in having.items()}
        return {i: s for i, s in scores.items() if s is not None}

    def _late(self, vectors: Any) -> dict[str, float]:
        asked = _unit(vectors)
        return {
            i: float((asked @ p.late.T).max(axis=1).sum())
            for i, p in self._points.items()
            if p.late is not None
        }

    def _matches(self, filter: Filter | None, id: str) -> bool:
        if not filter:
            return True
        payload = self._points[id].payload
        return all(_holds(c, id, payload) for c in filter.must) and not any(
            _holds(c, id, payload) for c in filter.must_not
        )


def _copy(point: Point, vectors: bool) -> Point:
    payload = dict(point.payload)
    if vectors:
        return replace(point, payload=payload)
    return Point(point.id, None, None, payload)


def _unit(vector: Vector) -> Vector:
    v = np.asarray(vector, np.float32)
    return np.asarray(v / np.linalg.norm(v, axis=-1, keepdims=True), np.float32)


def _dot(sparse: Sparse, weight: Mapping[int, float]) -> float | None:
    shared = [
        weight[t] * v for t, v in zip(sparse.indices, sparse.values, strict=True) if t in weight
    ]
    return sum(shared) if shared else None


def _holds(condition: Condition, id: str, payload: Mapping[str, Any]) -> bool:
    if isinstance(condition, Ids):
        return id in condition.ids
    value = payload.get(condition.key)
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
