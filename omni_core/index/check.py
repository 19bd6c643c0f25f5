"""Validation shared by all indexes (a store accepts invalid vectors silently), and batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from omni_core.errors import BadRequestError, StoreError
from omni_core.points import Point, is_usable
from omni_core.query import Filter, Prefetch
from omni_core.types import EncoderInfo, Sparse, Vector

MAX_BATCH = 250
"""Most points of one write: the embedded engine blocks other calls during a write."""


def points(points: Sequence[Point], info: EncoderInfo) -> None:
    """Raises StoreError when a vector has a wrong shape, is not finite, or is zero."""
    for point in points:
        if point.dense is not None:
            _vector(point.dense, 1, info.dim, point.id)
        if point.late is not None:
            if not info.multi_vector:
                raise StoreError(f"{info.name} has one vector a segment, got many for {point.id}")
            _vector(point.late, 2, info.dim, point.id)


def prefetches(prefetches: Sequence[Prefetch], info: EncoderInfo) -> None:
    """Raises StoreError for a prefetch whose vector does not fit its name or this index."""
    for prefetch in prefetches:
        if prefetch.using == "bm25":
            if not isinstance(prefetch.vector, Sparse):
                raise StoreError("a bm25 prefetch needs a sparse vector")
        elif prefetch.using == "dense" or (prefetch.using == "late" and info.multi_vector):
            if isinstance(prefetch.vector, Sparse):
                raise StoreError(f"a {prefetch.using} prefetch needs a dense vector")
            _vector(prefetch.vector, 2 if prefetch.using == "late" else 1, info.dim, "the question")
        else:
            raise StoreError(f"this index has no {prefetch.using!r} vectors")


def _vector(vector: Vector, axes: int, dim: int, whose: str) -> None:
    if vector.ndim != axes or vector.shape[-1] != dim or not vector.size:
        raise StoreError(
            f"the vector of {whose} has shape {vector.shape}, the index wants width {dim}",
            code="MODEL_MISMATCH",
        )
    if not is_usable(vector):
        raise StoreError(f"the vector of {whose} is not finite or has no length; not stored")


def refuse_empty(filter: Filter | None) -> Filter:
    """The filter; raises BadRequestError for an empty one, which would match every point."""
    if not filter:
        raise BadRequestError("refusing to change every point: give a filter")
    return filter


def in_memory_bytes(point: Point) -> int:
    """Approximate size of a pickled point."""
    arrays = sum(v.nbytes for v in (point.dense, point.late) if v is not None)
    terms = len(point.bm25.indices) * 16 if point.bm25 else 0
    return arrays + terms + sum(len(str(v)) for v in point.stored.fields.values()) + 200


def batches(
    points: Iterable[Point], max_bytes: int, size: Callable[[Point], int] = in_memory_bytes
) -> Iterator[list[Point]]:
    """Split points into batches of at most MAX_BATCH points and about `max_bytes` bytes.

    `size(point)` is the size of a point in bytes as it is sent; by default when pickled.
    """
    batch: list[Point] = []
    total = 0
    for point in points:
        n = size(point)
        if batch and (len(batch) == MAX_BATCH or total + n > max_bytes):
            yield batch
            batch, total = [], 0
        batch.append(point)
        total += n
    if batch:
        yield batch
