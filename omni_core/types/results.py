"""What an index keeps and answers, and the moments that a search makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from omni_core.types.contents import Vector
from omni_core.types.segments import Channel, Span
from omni_core.types.sources import Modality


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse vector: BM25 term weights."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """What an index keeps of one segment, under the segment's id."""

    id: str
    dense: Vector | None
    bm25: Sparse | None
    payload: Mapping[str, Any]
    late: Vector | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """What an index answers: a point and its score in one ranking, higher is better."""

    id: str
    score: float
    payload: Mapping[str, Any]


Match = Literal["strong", "fair", "weak"]


@dataclass(frozen=True, slots=True)
class Moment:
    """What a search answers: neighbouring segments of one source, seen as one."""

    source_id: str
    modality: Modality
    span: Span
    best: Hit
    """The segment that earned the place."""
    hits: tuple[Hit, ...]
    channels: tuple[Channel, ...]
    score: float
    """Ranks within one answer; not comparable between answers."""
    cosine: float
    """Best cosine of the dense ranking, -1 to 1; `match` is calibrated from it."""
    match: Match
    also_at: tuple[tuple[str, Span], ...] = ()
    """Near-duplicates that were folded into this moment: (source id, span)."""
