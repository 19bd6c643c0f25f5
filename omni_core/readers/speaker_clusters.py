"""Which windows of one recording are of one voice: clustering, without knowing how many there are.

Average linkage: the two groups whose windows resemble each other most, on average over all pairs,
are joined, until no two resemble each other enough. Then each window goes to the voice that it
resembles most, a change of voice costing something, so that single windows do not flicker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

NOBODY = -1
"""Label of a window that is not clearly of one voice."""


@dataclass(frozen=True, slots=True)
class ClusterRules:
    """Thresholds of the clustering; cosines of single windows and of voices."""

    same: float = 0.69
    """Mean cosine of the windows of two groups from which on they are one voice."""
    unit: float = 0.75
    """Neighbouring windows that resemble each other more are grouped first."""
    least_s: float = 3.0
    """A voice that is heard for less than this in all is nobody's."""
    switch: float = 0.10
    """What a change of voice between neighbouring windows costs, in cosine."""
    clear: float = 0.03
    """By so much a stretch must resemble its voice more than the next one."""
    known: float = 0.60
    """And so much at least."""


DEFAULT = ClusterRules()
"""Chosen on conversations of single recordings (bench/speakers.py)."""
MAX_UNITS = 1500
"""Groups that are compared all with all; longer recordings are clustered in parts first."""


def cluster(
    vectors: Floats, seconds: Floats, breaks: NDArray[np.bool_], rules: ClusterRules | None = None
) -> Labels:
    """A label for each window: 0, 1 ... by order of appearance, or `NOBODY`.

    `vectors`: (n, d), of length 1, in order of time; `seconds`: (n,), how much each stands for;
    `breaks`: (n,), whether a pause is before it.
    """
    rules = rules or DEFAULT
    if not len(vectors):
        return np.zeros(0, np.int64)
    units = _units(vectors, breaks, rules.unit)
    groups = _groups(vectors, units, rules)
    labels = np.full(len(vectors), NOBODY)
    for number, group in enumerate(groups):
        labels[group] = number
    for _ in range(3):
        labels = _without_short(labels, seconds, rules.least_s)
        centres = _centres(vectors, labels)
        if not len(centres):
            return np.full(len(vectors), NOBODY)
        labels = _smooth(vectors @ centres.T, breaks, rules.switch)
    labels = _without_short(labels, seconds, rules.least_s)
    return _by_appearance(_only_clear(vectors, labels, breaks, rules))


def _units(vectors: Floats, breaks: NDArray[np.bool_], alike: float) -> list[NDArray[np.int64]]:
    near = np.einsum("ij,ij->i", vectors[1:], vectors[:-1])
    starts = np.flatnonzero(np.r_[True, breaks[1:] | (near < alike)])
    return np.split(np.arange(len(vectors)), starts[1:])


def _groups(
    vectors: Floats, units: list[NDArray[np.int64]], rules: ClusterRules
) -> list[NDArray[np.int64]]:
    while len(units) > MAX_UNITS:
        parts = [units[at : at + MAX_UNITS] for at in range(0, len(units), MAX_UNITS)]
        joined = [u for part in parts for u in _linked(vectors, part, rules)]
        if len(joined) == len(units):
            break
        units = joined
    return _linked(vectors, units, rules)


def _linked(
    vectors: Floats, units: Sequence[NDArray[np.int64]], rules: ClusterRules
) -> list[NDArray[np.int64]]:
    """Average linkage: of sums S and counts n the mean cosine of two groups is S.S' / (n n')."""
    members = [[u] for u in units]
    sums = np.stack([vectors[u].sum(0) for u in units]).astype(np.float64)
    counts = np.array([len(u) for u in units], np.float64)
    alike = (sums @ sums.T) / np.outer(counts, counts)
    np.fill_diagonal(alike, -1)
    alive = np.ones(len(units), bool)
    best = alike.argmax(1)
    while alive.sum() > 1:
        heights = np.where(alive, alike[np.arange(len(units)), best], -1)
        a = int(heights.argmax())
        b = int(best[a])
        if heights[a] < rules.same:
            break
        members[a] += members[b]
        sums[a] += sums[b]
        counts[a] += counts[b]
        alive[b] = False
        alike[b, :] = alike[:, b] = -1
        row = sums @ sums[a] / (counts * counts[a])
        row[~alive] = row[a] = -1
        alike[a, :] = alike[:, a] = row
        stale = np.flatnonzero(alive & ((best == a) | (best == b)))
        best[stale] = alike[stale].argmax(1)
        best[a] = row.argmax()
        better = alive & (row > alike[np.arange(len(units)), best])
        best[better] = a
    return [np.sort(np.concatenate(members[i])) for i in np.flatnonzero(alive)]


def _centres(vectors: Floats, labels: Labels) -> Floats:
    numbers = [n for n in np.unique(labels) if n != NOBODY]
    if not numbers:
        return np.zeros((0, vectors.shape[1]), np.float32)
    means = np.stack([vectors[labels == n].mean(0) for n in numbers])
    centres: Floats = means / np.linalg.norm(means, axis=1, keepdims=True)
    return centres


def _without_short(labels: Labels, seconds: Floats, least_s: float) -> Labels:
    labels = labels.copy()
    for n in np.unique(labels):
        if n != NOBODY and seconds[labels == n].sum() < least_s:
            labels[labels == n] = NOBODY
    return labels


def _smooth(alike: Floats, breaks: NDArray[np.bool_], switch: float) -> Labels:
    """The best sequence of voices (Viterbi); a change at a pause costs half."""
    n, k = alike.shape
    score = alike[0].astype(np.float64)
    back = np.zeros((n, k), np.int64)
    for t in range(1, n):
        cost = switch / 2 if breaks[t] else switch
        from_best = score.max() - cost
        back[t] = np.where(score >= from_best, np.arange(k), score.argmax())
        score = np.maximum(score, from_best) + alike[t]
    labels = np.zeros(n, np.int64)
    labels[-1] = score.argmax()
    for t in range(n - 1, 0, -1):
        labels[t - 1] = back[t, labels[t]]
    return labels


def _only_clear(
    vectors: Floats, labels: Labels, breaks: NDArray[np.bool_], rules: ClusterRules
) -> Labels:
    """Stretches that resemble their voice clearly more than any other; the rest is nobody's."""
    centres = _centres(vectors, labels)
    numbers = [n for n in np.unique(labels) if n != NOBODY]
    labels = labels.copy()
    starts = np.flatnonzero(np.r_[True, breaks[1:] | (labels[1:] != labels[:-1])])
    for stretch in np.split(np.arange(len(labels)), starts[1:]):
        if labels[stretch[0]] == NOBODY:
            continue
        alike = centres @ vectors[stretch].mean(0)
        own = alike[numbers.index(labels[stretch[0]])]
        others = np.delete(alike, numbers.index(labels[stretch[0]]))
        if own < rules.known or (len(others) and own - others.max() < rules.clear):
            labels[stretch] = NOBODY
    return labels


def _by_appearance(labels: Labels) -> Labels:
    order = {n: i for i, n in enumerate(dict.fromkeys(labels[labels != NOBODY].tolist()))}
    return np.array([order.get(n, NOBODY) for n in labels.tolist()], np.int64)
