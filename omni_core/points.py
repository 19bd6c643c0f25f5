"""Stored points, and the scored points that a search returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from omni_core.payload import StoredSegment
from omni_core.types import Sparse, Vector


@dataclass(frozen=True, slots=True)
class Point:
    """One stored segment; a point of the same id replaces it."""

    id: str
    """uuid of the segment."""
    dense: Vector | None
    """(dim,), or None when the model cannot embed it."""
    bm25: Sparse | None
    """Term weights of its text, or None without text."""
    stored: StoredSegment
    late: Vector | None = None
    """(tokens, dim), of a multi-vector model only."""


class ScoredPoint(NamedTuple):
    """One result of one prefetch. A named tuple: a search makes hundreds, each in a third of the
    time of a frozen dataclass."""

    id: str
    score: float
    """Raw score of the ranking (cosine, BM25 or MaxSim); higher is better."""
    stored: StoredSegment
    whole: bool = True
    """Whether `stored` has every field (`Prefetch.lean`)."""


def is_usable(vector: Vector) -> bool:
    """Whether it, or every row of it, is finite and has a length: a store takes others in silence,
    and they match nothing, or anything."""
    norms = np.linalg.norm(np.asarray(vector, np.float32), axis=-1)
    return bool(vector.size and np.isfinite(norms).all() and (norms > 1e-6).all())
