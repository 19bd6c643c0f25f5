"""Reranking: the best moments in the order of a second model's scores, or lifted by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from omni_core.retrieval.moments import Moment


def rerank(moments: Sequence[Moment], scores: Mapping[str, float]) -> list[Moment]:
    """The moments whose best segment has a score in `scores` (by uuid), sorted by it, then the
    others in the order they had.

    `rerank_score` is the score, shifted so that the list stays sorted by `Moment.score`; match
    and cosine remain those of the first stage.
    """
    scored = [m for m in moments if m.best.id in scores]
    rest = [m for m in moments if m.best.id not in scores]
    scored.sort(key=lambda m: -scores[m.best.id])
    base = rest[0].score if rest else 0.0
    least = min((scores[m.best.id] for m in scored), default=0.0)
    return [replace(m, rerank_score=base + scores[m.best.id] - least) for m in scored] + rest


def lift(moments: Sequence[Moment], scores: Mapping[str, float], most: float) -> list[Moment]:
    """The moments sorted by their first score plus `most` times that in `scores` (by uuid of the
    best segment, 0 to 1); what has none there keeps its score."""
    lifted = [
        replace(m, rerank_score=m.score + most * scores[m.best.id]) if m.best.id in scores else m
        for m in moments
    ]
    return sorted(lifted, key=lambda m: -m.score)
