"""Search: a second, slower look at the best moments decides their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from omni_core.types import Moment


def rerank(moments: Sequence[Moment], scores: Mapping[str, float]) -> list[Moment]:
    """Put the moments whose best segment (by uuid) has a score first, by that score.

    Moments without one keep their order behind them. `score` becomes the reranker's, shifted so
    that the list stays sorted; the word (`match`) and the cosine stay the first stage's.
    """
    looked = [m for m in moments if m.best.id in scores]
    rest = [m for m in moments if m.best.id not in scores]
    looked.sort(key=lambda m: -scores[m.best.id])
    base = rest[0].score if rest else 0.0
    least = min((scores[m.best.id] for m in looked), default=0.0)
    return [replace(m, score=base + scores[m.best.id] - least) for m in looked] + rest
