"""95 % confidence intervals of evaluation figures, and a paired test of two sets of them.

Questions with the same right answers (translations of one question, say) are not independent:
they form a group, and groups are drawn, or change sides, together.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
Z = 1.959964
"""The 97.5 % point of the normal distribution."""
RESAMPLES = 4000
SEED = 20_170_611
"""Fixed, so that equal results have equal intervals."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval."""

    low: float
    high: float


def wilson(successes: int, n: int) -> Interval:
    """Of a proportion (Wilson 1927): also right for few trials and near 0 and 1; (0, 1) for n = 0."""  # noqa: E501
    if not n:
        return Interval(0.0, 1.0)
    p, z2 = successes / n, Z * Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def of_means(values: Floats, groups: Sequence[Hashable]) -> list[Interval]:
    """Of the mean of each column of `values` (questions, measures), each 0 to 1.

    Percentile bootstrap over groups (Efron and Tibshirani 1993, chapter 13), seeded. Where every
    value of a column is the same the bootstrap knows no spread: there the interval is the one that
    as many successes, or failures, as there are groups would have.
    """
    if not len(values):
        return [Interval(0.0, 1.0)] * values.shape[1]
    sums, sizes = _by_group(values, groups)
    drawn = _drawn(len(sizes))
    means = (drawn @ sums) / (drawn @ sizes)[:, None]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    found = []
    for column in range(values.shape[1]):
        one = float(values[0, column])
        if np.all(values[:, column] == one):
            bounds = wilson(len(sizes), len(sizes))
            spread = 1 - bounds.low
            found.append(Interval(max(0.0, one - spread), min(1.0, one + spread)))
        else:
            found.append(Interval(float(low[column]), float(high[column])))
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two runs over the same questions: after minus before."""

    n: int
    before: float
    after: float
    difference: float
    low: float
    high: float
    """The 95 % interval of the difference: paired percentile bootstrap over groups."""
    p: float
    """Probability of a difference at least as large if both were equally good: two-sided paired
    permutation (sign-flip) test over groups."""
    better: int
    worse: int
    """Questions that gained and lost."""


def compare(before: Floats, after: Floats, groups: Sequence[Hashable]) -> Difference:
    """Compare one measure of the same questions, in the same order.

    The test is exact for up to 12 groups that differ, else by 10,000 seeded draws, the observed
    one counted (so p is never 0).
    """
    change = after - before
    n = len(change)
    if not n:
        return Difference(0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0, 0)
    sums, sizes = _by_group(change[:, None], groups)
    drawn = _drawn(len(sizes))
    means = (drawn @ sums)[:, 0] / (drawn @ sizes)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Difference(
        n=n,
        before=float(before.mean()),
        after=float(after.mean()),
        difference=float(change.mean()),
        low=float(low),
        high=float(high),
        p=_sign_flip(sums[:, 0]),
        better=int((change > 0).sum()),
        worse=int((change < 0).sum()),
    )


EXACT_UP_TO = 12
FLIPS = 10_000


def _sign_flip(sums: Floats) -> float:
    moved = sums[np.abs(sums) > 1e-12]
    if not len(moved):
        return 1.0
    observed = abs(float(moved.sum())) - 1e-12
    if len(moved) <= EXACT_UP_TO:
        patterns = np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved)) & 1
        return float((np.abs((patterns * 2.0 - 1) @ moved) >= observed).mean())
    signs = np.random.default_rng(SEED).integers(0, 2, (FLIPS, len(moved))) * 2.0 - 1
    return (int((np.abs(signs @ moved) >= observed).sum()) + 1) / (FLIPS + 1)


def _by_group(values: Floats, groups: Sequence[Hashable]) -> tuple[Floats, Floats]:
    """The sums of each column by group, and the number of questions of each group."""
    numbers: dict[Hashable, int] = {}
    at = np.array([numbers.setdefault(g, len(numbers)) for g in groups], np.intp)
    sums = np.zeros((len(numbers), values.shape[1]))
    np.add.at(sums, at, values)
    return sums, np.bincount(at, minlength=len(numbers)).astype(np.float64)


def _drawn(groups: int) -> Floats:
    """How often each group is in each resample: (resamples, groups)."""
    rng = np.random.default_rng(SEED)
    return rng.multinomial(groups, np.full(groups, 1 / groups), RESAMPLES).astype(np.float64)
