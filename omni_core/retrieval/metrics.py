"""Ranking metrics with binary relevance: recall, reciprocal rank, nDCG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True, slots=True)
class Scores:
    """Metrics of one question, each 0 to 1."""

    r1: float
    """1 when the first answer is right."""
    r5: float
    """Share of the right answers among the first five (of the at most five that fit)."""
    mrr: float
    """1 / rank of the first right answer."""
    ndcg10: float
    """Normalised discounted cumulative gain over ten answers, binary gains (Järvelin and
    Kekäläinen 2002)."""


def of_ranking(right: Sequence[bool], relevant: int) -> Scores:
    """`right[i]`: whether the answer at rank i+1 is right and not a repetition. `relevant`: the
    number of right answers that exist. With one right answer r5 is 0 or 1.
    """
    first = next((i for i, r in enumerate(right, 1) if r), None)
    gain = sum(1 / math.log2(i + 1) for i, r in enumerate(right[:10], 1) if r)
    ideal = sum(1 / math.log2(i + 1) for i in range(1, min(relevant, 10) + 1))
    return Scores(
        r1=float(first == 1),
        r5=sum(right[:5]) / min(relevant, 5) if relevant else 0.0,
        mrr=1 / first if first else 0.0,
        ndcg10=gain / ideal if ideal else 0.0,
    )


def mean(scores: Sequence[Scores]) -> dict[str, float]:
    """Mean of each measure with its standard error (`r1_se` ...), and the number of questions."""
    out: dict[str, float] = {"n": float(len(scores))}
    for field in fields(Scores):
        values = [getattr(s, field.name) for s in scores]
        out[field.name] = math.fsum(values) / len(values) if values else 0.0
        out[f"{field.name}_se"] = _standard_error(values)
    return out


def _standard_error(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    return float(np.std(values, ddof=1) / math.sqrt(len(values)))
