"""The child process of the embedded index; the only file that imports `qdrant_edge`.

A child process, because Edge 0.9 holds the GIL while it searches, writes and vacuums (`optimize`
blocked an event loop for all of its 9.7 s), and because a shard deadlocks after `fork`. Calls
run one at a time.
"""

from __future__ import annotations

import logging
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import qdrant_edge as edge

from omni_core import payload, query
from omni_core.errors import OmniError, StoreError
from omni_core.files import copy_tree, used_bytes
from omni_core.payload import StoredSegment
from omni_core.points import Point, ScoredPoint
from omni_core.types import Sparse

log = logging.getLogger(__name__)

FLUSH_EVERY = 1000
"""Points between flushes: replaying 1,000 at the next open takes 0.1 s, 20,000 took 7.5 s."""
DISK_RESERVE = 128 << 20
"""Free bytes needed for a write: on a full disk, writing to a mapped file ends in SIGBUS."""
OPEN_RESERVE = 64 << 20
"""Free bytes needed to open: it crashed with 36 MB free and succeeded with 70."""
LOCK_WAIT_S = 0.8 if sys.platform == "linux" else 9.0
"""How long the child of a killed parent may still hold the shard; on Linux it ends at once."""
_SEARCH = edge.SearchParams(
    quantization=edge.QuantizationSearchParams(rescore=True, oversampling=2.0)
)

F = TypeVar("F", bound=Callable[..., Any])


def service(path: str, dim: int, multi_vector: bool) -> Shard:
    """The worker's entry: open or create the shard in `path`."""
    return Shard(Path(path), dim, multi_vector)


def _as_store_errors(method: F) -> F:
    @wraps(method)
    def call(*args: Any) -> Any:
        try:
            return method(*args)
        except OmniError:
            raise
        except Exception as e:  # Edge raises bare Exception: its text is all there is
            log.debug("%s failed", method.__name__, exc_info=True)
            text = _first_line(e)
            if "No space left" in text:
                text = "the disk is full; free some space and call again"
            raise StoreError(f"the index failed in {method.__name__}: {text}") from e

    return call  # type: ignore[return-value]


class Shard:
    """The methods that `EdgeIndex` calls. Any failure is raised as StoreError."""

    @_as_store_errors
    def __init__(self, path: Path, dim: int, multi_vector: bool) -> None:
        self._path = path / "shard"
        _require_free(path, OPEN_RESERVE)
        if not self._path.exists():
            _create(path, dim, multi_vector)
        self._shard = _load(self._path)
        self._unflushed = 0
        missing = set(_schema()) - set(self._shard.info().payload_schema)
        for key in missing:
            self._shard.update(edge.UpdateOperation.create_field_index(key, _schema()[key]))

    @_as_store_errors
    def upsert(self, points: Sequence[Point]) -> None:
        """Durable against a crash when it returns (WAL), against power loss after `flush`."""
        _require_free(self._path, DISK_RESERVE)
        self._shard.update(edge.UpdateOperation.upsert_points([_point(p) for p in points]))
        self._unflushed += len(points)
        if self._unflushed >= FLUSH_EVERY:
            self.flush()

    @_as_store_errors
    def search(
        self, prefetches: Sequence[query.Prefetch], filter: query.Filter | None
    ) -> list[list[ScoredPoint]]:
        """A ranking for each prefetch, from one batch query."""
        requests = [
            edge.QueryRequest(
                limit=prefetch.limit,
                query=edge.Query.Nearest(_vector(prefetch.vector), prefetch.using),
                filter=_filter(prefetch.within(filter)),
                with_payload=True,
                params=None if prefetch.using == "bm25" else _SEARCH,
            )
            for prefetch in prefetches
        ]
        found = self._shard.query_batch(edge.QueryBatchRequest(requests))
        return [
            [ScoredPoint(str(h.id), h.score, StoredSegment(h.payload or {})) for h in hits]
            for hits in found
        ]

    @_as_store_errors
    def get(self, ids: Sequence[str], vectors: bool) -> list[Point]:
        """The points that exist, in the order of `ids`."""
        records = {str(r.id): r for r in self._shard.retrieve(list(ids), True, vectors)}
        return [_from_record(records[i]) for i in ids if i in records]

    @_as_store_errors
    def scroll(
        self, filter: query.Filter | None, limit: int, offset: str | None
    ) -> tuple[list[Point], str | None]:
        """A page of points in id order, and the offset of the next one."""
        page, following = self._shard.scroll(
            edge.ScrollRequest(
                offset=offset, limit=limit, filter=_filter(filter), with_payload=True
            )
        )
        return [_from_record(r) for r in page], None if following is None else str(following)

    @_as_store_errors
    def count(self, filter: query.Filter | None) -> int:
        """Exact count; `info().points_count` would include deleted points."""
        return int(self._shard.count(edge.CountRequest(exact=True, filter=_filter(filter))))

    @_as_store_errors
    def set_payload(self, filter: query.Filter, changes: Mapping[str, Any]) -> None:
        """Merge `changes` into the points that match."""
        self._shard.update(
            edge.UpdateOperation.set_payload_by_filter(_filter(filter), dict(changes))
        )

    @_as_store_errors
    def delete(self, filter: query.Filter) -> None:
        """Remove the points that match; refuses an empty filter."""
        compiled = _filter(filter)
        if compiled is None:
            raise StoreError("refusing to delete every point: give a filter")
        self._shard.update(edge.UpdateOperation.delete_points_by_filter(compiled))

    @_as_store_errors
    def flush(self) -> None:
        """Write everything to the disk."""
        self._shard.flush()
        self._unflushed = 0

    @_as_store_errors
    def optimize(self) -> bool:
        """Vacuum deleted points; False when there was nothing to do or too little disk space."""
        size, free = used_bytes(self._path), shutil.disk_usage(self._path).free
        if free < 2 * size + DISK_RESERVE:
            log.warning("index not vacuumed: needs %d MB free, has %d", 2 * size >> 20, free >> 20)
            return False
        done = bool(self._shard.optimize())
        self.flush()
        return done

    @_as_store_errors
    def copy_to(self, path: str) -> None:
        """Copy the folder of this index, everything in it written first."""
        self.flush()
        copy_tree(self._path.parent, Path(path))

    def close(self) -> None:
        """Flush and release the shard."""
        self._shard.close()


def _require_free(path: Path, reserve: int) -> None:
    if (free := shutil.disk_usage(path).free) < reserve:
        raise StoreError(
            f"the disk of the index has {free >> 20} MB free and needs {reserve >> 20}; free some "
            "space and call again: nothing stored is lost"
        )


def _create(path: Path, dim: int, multi_vector: bool) -> None:
    """Create the shard under another name, with its payload indexes, then rename it: atomic."""
    new = path / "shard.new"
    shutil.rmtree(new, ignore_errors=True)
    quantized = edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits4)
    cosine = edge.Distance.Cosine
    vectors = {"dense": edge.EdgeVectorParams(dim, cosine, quantization_config=quantized)}
    if multi_vector:
        vectors["late"] = edge.EdgeVectorParams(
            dim,
            cosine,
            multivector_config=edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim),
            datatype=edge.VectorStorageDatatype.Float16,
        )
    shard = edge.EdgeShard.create(
        str(new),
        edge.EdgeConfig(
            vectors=vectors,
            sparse_vectors={"bm25": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
            # Never an HNSW graph: 4-bit codes and rescoring find the same points by brute force
            # (recall 1.00 of 10 at 200,000 points), a graph costs minutes of both cores.
            optimizers=edge.EdgeOptimizersConfig(
                default_segment_number=1, indexing_threshold=10**9
            ),
            wal_enabled=True,
        ),
    )
    for key, params in _schema().items():
        shard.update(edge.UpdateOperation.create_field_index(key, params))
    shard.flush()
    shard.close()
    new.rename(path / "shard")


def _load(path: Path) -> Any:
    """Raises StoreError for a shard that another process holds, and for a damaged one."""
    give_up = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return edge.EdgeShard.load(str(path))
        except BaseException as e:  # a Rust panic is no Exception
            if isinstance(e, (KeyboardInterrupt, SystemExit)):
                raise
            if "WouldBlock" not in str(e):  # its bare exceptions carry nothing but a text
                raise StoreError(
                    f"the index in {path.parent} is damaged ({_first_line(e)}); restore that "
                    "folder, or move the whole store away and ingest again"
                ) from e
            if time.monotonic() > give_up:
                raise StoreError(
                    f"the index in {path.parent} is open in another process; stop that one, or "
                    "share a Qdrant server with --qdrant URL",
                    code="STORE_BUSY",
                ) from None
        time.sleep(0.05)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def _schema() -> dict[str, Any]:
    params = {
        payload.FieldKind.KEYWORD: edge.KeywordIndexParams(),
        payload.FieldKind.FLOAT: edge.FloatIndexParams(),
        payload.FieldKind.INTEGER: edge.IntegerIndexParams(lookup=True, range=True),
        payload.FieldKind.DATETIME: edge.DatetimeIndexParams(),
    }
    return {key: params[kind] for key, kind in payload.INDEXED.items()}


def _point(point: Point) -> Any:
    named = {"dense": point.dense, "late": point.late, "bm25": point.bm25}
    present = {k: _vector(v) for k, v in named.items() if v is not None}
    return edge.Point(point.id, present, dict(point.stored.fields))


def _vector(vector: Any) -> Any:
    if isinstance(vector, Sparse):
        return edge.SparseVector(list(vector.indices), list(vector.values))
    return vector


def _from_record(record: Any) -> Point:
    import numpy as np

    vectors = record.vector or {}
    dense, late, sparse = (vectors.get(k) for k in ("dense", "late", "bm25"))
    return Point(
        str(record.id),
        None if dense is None else np.asarray(dense, np.float32),
        None if sparse is None else Sparse(tuple(sparse.indices), tuple(sparse.values)),
        StoredSegment(record.payload or {}),
        None if late is None else np.asarray(late, np.float32),
    )


def _filter(filter: query.Filter | None) -> Any:
    if not filter:
        return None
    return edge.Filter(
        must=[_condition(c) for c in filter.must] or None,
        must_not=[_condition(c) for c in filter.must_not] or None,
    )


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
