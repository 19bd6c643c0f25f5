"""Whether two indexes hold the same points and answer the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from omni_core.points import Point
from omni_core.protocols import Index
from omni_core.query import Filter, Ids, Prefetch
from omni_core.types import EncoderInfo, Vector

SAMPLES = 200
"""Points that are read back from both: the first by id. Ids are hashes, so they are spread over
the whole library."""
SEARCHES = 20
FIRST = 10
SHARDS_DIFFER = 0.3
"""Part of a score by words by which results may differ: words are weighed by how rare they are in
a shard, which made a fifth with 850 segments on three shards."""
NEAR = 2e-3
"""Largest difference of two numbers of the same vector: late vectors are kept in 16 bits."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared, and how alike it was."""

    points: int
    """In each of the two."""
    samples: int
    """Points whose payload and vectors were the same."""
    searches: int
    same_results: float
    """Share of the first ten results that both gave, over all searches; 1 without any."""
    problem: str = ""
    """What differs, in words; "" when nothing does."""


async def compare(
    old: Index, new: Index, info: EncoderInfo, *, sources: Collection[str], points: int
) -> Comparison:
    """Compare counts, samples of points, and the answers to searches for samples.

    `sources` (`src_...`), with so many `points`, are what the new one shall hold: the old one may
    hold more, of a catalog that was lost.
    """
    counts = points, await new.count()
    page, _ = await old.scroll(limit=SAMPLES)
    ids = [p.id for p in page if p.stored.source_id in sources]
    here, there = await old.get(ids, vectors=True), await new.get(ids, vectors=True)
    same = sum(map(is_same, here, there)) if len(here) == len(there) else 0
    problem = ""
    if counts[0] != counts[1]:
        problem = f"one has {counts[0]} segments, the other {counts[1]}"
    elif same < len(here):
        problem = f"{len(here) - same} of {len(here)} segments differ"
    step = max(1, len(here) // SEARCHES)
    share, searches = await _answers(old, new, here[::step][:SEARCHES], info, sources)
    return Comparison(counts[1], same, searches, share, problem)


def is_same(a: Point, b: Point) -> bool:
    """Whether two points have the same id, payload and vectors."""
    return (
        a.id == b.id
        and a.stored == b.stored
        and _near(a.dense, b.dense)
        and _near(a.late, b.late)
        and (a.bm25 is None) == (b.bm25 is None)
        and (a.bm25 is None or b.bm25 is None or _terms(a) == _terms(b))
    )


def _terms(point: Point) -> dict[int, float]:
    sparse = point.bm25
    if sparse is None:
        return {}
    return {i: round(v, 3) for i, v in zip(sparse.indices, sparse.values, strict=True)}


def _near(a: Vector | None, b: Vector | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and bool(np.allclose(_unit(a), _unit(b), atol=NEAR))


def _unit(vector: Vector) -> Vector:
    """Of length 1: some stores keep vectors as they came, others normalise them."""
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    unit: Vector = (vector / np.where(length == 0, 1, length)).astype(np.float32)
    return unit


async def _answers(
    old: Index, new: Index, samples: Sequence[Point], info: EncoderInfo, sources: Collection[str]
) -> tuple[float, int]:
    using = "late" if info.multi_vector else "dense"
    prefetches = []
    for point in samples:
        vector = point.late if info.multi_vector else point.dense
        if vector is not None:
            prefetches.append(Prefetch(vector, using, FIRST))
        if point.bm25 is not None and point.bm25.indices:
            prefetches.append(Prefetch(point.bm25, "bm25", FIRST))
    shares = []
    for prefetch in prefetches:
        (a,), (b,) = await old.search([prefetch]), await new.search([prefetch])
        a = [p for p in a if p.stored.source_id in sources]
        if a:
            first = {p.id for p in a}
            others = tuple(p.id for p in b if p.id not in first)
            same = len(b) - len(others) + await _as_good(old, prefetch, others, a[-1].score)
            shares.append(min(len(a), same) / len(a))
    return (sum(shares) / len(shares) if shares else 1.0), len(shares)


async def _as_good(index: Index, prefetch: Prefetch, ids: tuple[str, ...], last: float) -> int:
    """How many of these points the index itself gives about the score of its last result, as where
    many are alike: each index shows others of them."""
    if not ids:
        return 0
    own = replace(prefetch, limit=len(ids), filter=Filter(must=(Ids(ids),)))
    (found,) = await index.search([own])
    least = last - (SHARDS_DIFFER * last if prefetch.using == "bm25" else NEAR)
    return sum(p.score >= least for p in found)
