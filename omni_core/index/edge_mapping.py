"""Our points, filters and settings in the types of Qdrant Edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import qdrant_edge as edge

from omni_core import payload, query
from omni_core.errors import StoreError
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.types import Sparse

_SEARCH = edge.SearchParams(
    quantization=edge.QuantizationSearchParams(rescore=True, oversampling=2.0)
)
_OF_ONE_SOURCE = frozenset({"start", "end", "page"})
"""Fields that are asked of the segments of one source, which its own index finds: an index of each
is built anew at every opening, 0.3 s and 70 MB at 1,000,000 segments."""


def config(dim: int, multi_vector: bool) -> Any:
    """The configuration of a new shard."""
    quantized = edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits4)
    cosine = edge.Distance.Cosine
    # Searches read the codes; of the vectors only those of the few points that are rescored.
    cold = edge.Memory.Cold
    vectors = {
        "dense": edge.EdgeVectorParams(dim, cosine, quantization_config=quantized, memory=cold)
    }
    if multi_vector:
        vectors["late"] = edge.EdgeVectorParams(
            dim,
            cosine,
            multivector_config=edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim),
            datatype=edge.VectorStorageDatatype.Float16,
        )
    return edge.EdgeConfig(
        vectors=vectors,
        sparse_vectors={
            "bm25": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf, memory=cold)
        },
        # Never an HNSW graph: 4-bit codes and rescoring find the same points by brute force
        # (recall 1.00 of 10 at 200,000 points), a graph costs minutes of both cores.
        hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=10),
        # What is rewritten is settled, however small (1 kB).
        optimizers=edge.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1),
        wal_enabled=True,
    )


def schema() -> dict[str, Any]:
    """The payload indexes by key: read from their files where segments are settled."""
    indexed = {key: kind for key, kind in payload.INDEXED.items() if key not in _OF_ONE_SOURCE}
    cold = edge.Memory.Cold
    params = {
        payload.FieldKind.KEYWORD: edge.KeywordIndexParams(memory=cold),
        payload.FieldKind.FLOAT: edge.FloatIndexParams(memory=cold),
        payload.FieldKind.INTEGER: edge.IntegerIndexParams(lookup=True, range=True, memory=cold),
        payload.FieldKind.DATETIME: edge.DatetimeIndexParams(memory=cold),
    }
    return {key: params[kind] for key, kind in indexed.items()}


def to_point(point: Point) -> Any:
    """A point may lack any of its vectors."""
    named = {"dense": point.dense, "late": point.late, "bm25": point.bm25}
    present = {k: _vector(v) for k, v in named.items() if v is not None}
    return edge.Point(point.id, present, dict(point.stored.fields))


def from_record(record: Any) -> Point:
    """A stored point."""
    vectors = record.vector or {}
    dense, late, sparse = (vectors.get(k) for k in ("dense", "late", "bm25"))
    return Point(
        str(record.id),
        None if dense is None else np.asarray(dense, np.float32),
        None if sparse is None else Sparse(tuple(sparse.indices), tuple(sparse.values)),
        StoredSegment(record.payload or {}),
        None if late is None else np.asarray(late, np.float32),
    )


def to_request(prefetch: query.Prefetch, filter: query.Filter | None) -> Any:
    """The request of one prefetch for ids and scores alone."""
    return edge.QueryRequest(
        limit=prefetch.limit,
        query=edge.Query.Nearest(_vector(prefetch.vector), prefetch.using),
        filter=to_filter(prefetch.within(filter)),
        with_payload=False,
        params=None if prefetch.using == "bm25" else _SEARCH,
    )


def to_filter(filter: query.Filter | None) -> Any:
    """None when it matches everything."""
    if not filter:
        return None
    return edge.Filter(
        must=[_condition(c) for c in filter.must] or None,
        must_not=[_condition(c) for c in filter.must_not] or None,
    )


def _vector(vector: Any) -> Any:
    if isinstance(vector, Sparse):
        return edge.SparseVector(list(vector.indices), list(vector.values))
    return vector


def _condition(c: query.Condition) -> Any:
    if isinstance(c, query.Ids):
        return edge.HasIdCondition(set(c.ids))
    if isinstance(c, query.In):
        if any(isinstance(v, bool) for v in c.values):
            raise StoreError("a filter cannot name a bool: the engine reads True as 1")
        values: Any = list(c.values)
        return edge.FieldCondition(key=c.key, match=edge.MatchAny(values))
    if isinstance(c, query.Range):
        bounds = edge.RangeFloat(gte=c.gte, gt=c.gt, lte=c.lte, lt=c.lt)
        return edge.FieldCondition(key=c.key, range=bounds)
    return edge.FieldCondition(key=c.key, range=edge.RangeDateTime(gte=c.gte, lt=c.lt))
