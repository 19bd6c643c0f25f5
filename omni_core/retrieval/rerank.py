"""Reranking: a second, slower model's scores decide the order of the best moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from omni_core.retrieval.moments import Moment


def rerank(moments: Sequence[Moment], scores: Mapping[str, float]) -> list[Moment]:
    """Put the moments whose best segment (by uuid) has a score first, by that score.

    Moments without one keep their order behind them. `rerank_score` is the reranker's, shifted
    so that the list stays sorted by `score`; match and cosine stay the first stage's.
    """
    scored = [m for m in moments if m.best.id in scores]
    rest = [m for m in moments if m.best.id not in scores]
    scored.sort(key=lambda m: -scores[m.best.id])
    base = rest[0].score if rest else 0.0
    least = min((scores[m.best.id] for m in scored), default=0.0)
    return [replace(m, rerank_score=base + scores[m.best.id] - least) for m in scored] + rest
