"""Points, filters and questions in the types of `qdrant_client`, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from qdrant_client import models

from omni_core import query
from omni_core.errors import StoreError
from omni_core.payload import SHOWN_ONLY, StoredSegment
from omni_core.points import Point, ScoredPoint
from omni_core.types import Sparse, Vector

_LEAN = models.PayloadSelectorExclude(exclude=[f"extra.{key}" for key in SHOWN_ONLY])
_BYTES_PER_NUMBER = 14


def json_bytes(point: Point) -> int:
    """Approximate size of a point in a JSON request."""
    numbers = sum(v.size for v in (point.dense, point.late) if v is not None)
    numbers += 2 * len(point.bm25.indices) if point.bm25 else 0
    return numbers * _BYTES_PER_NUMBER + len(json.dumps(dict(point.stored.fields))) + 200


def to_points(points: Sequence[Point]) -> list[models.PointStruct]:
    """Points in the client's types; a point may lack any of its vectors."""
    return [_point(p) for p in points]


def _point(point: Point) -> models.PointStruct:
    named: dict[str, Any] = {}
    for name, vector in (("dense", point.dense), ("late", point.late)):
        if vector is not None:
            named[name] = _numbers(vector)
    if point.bm25 is not None:
        named["bm25"] = _sparse(point.bm25)
    return models.PointStruct(id=point.id, vector=named, payload=dict(point.stored.fields))


def to_queries(
    prefetches: Sequence[query.Prefetch],
    filter: query.Filter | None,
    dense: models.SearchParams | None,
) -> list[models.QueryRequest]:
    """One query for each prefetch, sent as a batch; `dense` are the parameters of dense ones."""
    return [
        models.QueryRequest(
            query=models.NearestQuery(
                nearest=_sparse(prefetch.vector)
                if isinstance(prefetch.vector, Sparse)
                else _numbers(prefetch.vector)
            ),
            using=prefetch.using,
            filter=to_filter(prefetch.within(filter)),
            limit=prefetch.limit,
            with_payload=_LEAN if prefetch.lean else True,
            params=dense if prefetch.using == "dense" else None,
        )
        for prefetch in prefetches
    ]


def to_filter(filter: query.Filter | None) -> models.Filter | None:
    """None when it matches everything."""
    if not filter:
        return None
    return models.Filter(
        must=[_condition(c) for c in filter.must] or None,
        must_not=[_condition(c) for c in filter.must_not] or None,
    )


def to_selector(filter: query.Filter) -> models.FilterSelector:
    """The filter of a write. Raises StoreError for an empty one."""
    compiled = to_filter(filter)
    if compiled is None:
        raise StoreError("refusing to change every point: give a filter")
    return models.FilterSelector(filter=compiled)


def from_hit(hit: models.ScoredPoint, prefetch: query.Prefetch) -> ScoredPoint:
    """One result of a prefetch."""
    stored = StoredSegment(hit.payload or {})
    return ScoredPoint(str(hit.id), hit.score, stored, whole=not prefetch.lean)


def from_record(record: models.Record) -> Point:
    """A stored point."""
    found: Any = record.vector or {}
    dense, late, sparse = (found.get(k) for k in ("dense", "late", "bm25"))
    return Point(
        str(record.id),
        None if dense is None else np.asarray(dense, np.float32),
        None if sparse is None else Sparse(tuple(sparse.indices), tuple(sparse.values)),
        StoredSegment(record.payload or {}),
        None if late is None else np.asarray(late, np.float32),
    )


def _condition(c: query.Condition) -> Any:
    if isinstance(c, query.Ids):
        return models.HasIdCondition(has_id=list(c.ids))
    if isinstance(c, query.In):
        values: Any = list(c.values)
        return models.FieldCondition(key=c.key, match=models.MatchAny(any=values))
    if isinstance(c, query.Range):
        bounds = models.Range(gte=c.gte, gt=c.gt, lte=c.lte, lt=c.lt)
        return models.FieldCondition(key=c.key, range=bounds)
    instants: Any = {"gte": c.gte, "lt": c.lt}
    return models.FieldCondition(key=c.key, range=models.DatetimeRange(**instants))


def _sparse(sparse: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=list(sparse.indices), values=list(sparse.values))


def _numbers(vector: Vector) -> Any:
    """Rounded to 9 decimals, the precision of float32; 20 digits would double a request."""
    return np.asarray(vector, np.float64).round(9).tolist()
