"""The modality gap: a model's cosines with one kind of evidence lie lower than with another.

A right answer that is a sound may then have a lower cosine than any wrong one that is a text. How
high the cosines of each channel lie is measured with questions that the library cannot answer
(null queries); where the channels lie apart, a cosine is compared by its distance from that height
in units of its spread: `z = (cosine - mean) / spread`.

Score normalisation with the statistics of wrong answers is that of speaker verification (z-norm:
Auckenthaler et al. 2000); the gap is described by Liang et al. 2022, "Mind the Gap".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omni_core.points import ScoredPoint
from omni_core.types import Channel

SAMPLE = 100
"""Segments of each channel whose cosines with the null queries are measured."""
MIN_SEGMENTS = 5
"""Fewest segments by which a channel is measured."""
GROWTH = 2
"""A channel is measured again once it has so many times the segments that measured it."""
ERRORS = 3.0
"""Standard errors that two means differ by before they count as different."""


@dataclass(frozen=True, slots=True)
class Height:
    """Where the cosines of unrelated pairs of question and segment lie."""

    mean: float
    spread: float
    """Standard deviation."""
    segments: int
    """How many were measured."""
    questions: int

    @property
    def variance_of_mean(self) -> float:
        """Square of the standard error, no smaller than if each question and each segment had one
        independent value."""
        return self.spread**2 * (1 / self.segments + 1 / self.questions)


@dataclass(frozen=True, slots=True)
class ModalityGap:
    """The heights of the channels, one for channels that do not lie apart."""

    heights: Mapping[Channel, Height]
    common: Height
    """The scale to which all are brought: the plain mean over the heights."""

    def align(self, cosine: float, channel: Channel) -> float:
        """The cosine on the common scale; as it is for a channel that was not measured."""
        height = self.heights.get(channel)
        if height is None:
            return cosine
        z = (cosine - height.mean) / height.spread
        return self.common.mean + z * self.common.spread


def heights(cosines: Mapping[Channel, NDArray[np.float32]]) -> dict[Channel, Height]:
    """The height of each channel from its cosines, shape (segments, questions); channels with
    fewer than `MIN_SEGMENTS` are left out."""
    return {
        channel: Height(float(found.mean()), max(float(found.std()), 1e-6), *found.shape)
        for channel, found in cosines.items()
        if found.shape[0] >= MIN_SEGMENTS and found.shape[1]
    }


def measure(found: Mapping[Channel, Height]) -> ModalityGap | None:
    """The gap between channels; None where there is none larger than its noise.

    Two channels lie apart when their means differ by more than the spread of the cosines within
    them, and by more than `ERRORS` standard errors. Channels between which no gap is found share
    one height.
    """
    groups: list[list[Channel]] = []
    for channel in sorted(found, key=lambda c: (found[c].mean, c)):
        if groups and not _apart(found[groups[-1][-1]], found[channel]):
            groups[-1].append(channel)
        else:
            groups.append([channel])
    if len(groups) < 2:
        return None
    joined = [_joined([found[c] for c in group]) for group in groups]
    common = Height(
        sum(h.mean for h in joined) / len(joined),
        sum(h.spread for h in joined) / len(joined),
        sum(h.segments for h in joined),
        joined[0].questions,
    )
    each = {c: h for group, h in zip(groups, joined, strict=True) for c in group}
    return ModalityGap(each, common)


def _apart(lower: Height, higher: Height) -> bool:
    within = math.sqrt((lower.spread**2 + higher.spread**2) / 2)
    noise = ERRORS * math.sqrt(lower.variance_of_mean + higher.variance_of_mean)
    return higher.mean - lower.mean > max(within, noise)


def _joined(group: Sequence[Height]) -> Height:
    """One height for several channels, each weighted by its segments."""
    total = sum(h.segments for h in group)
    mean = sum(h.segments * h.mean for h in group) / total
    square = sum(h.segments * (h.spread**2 + (h.mean - mean) ** 2) for h in group) / total
    return Height(mean, math.sqrt(square), total, group[0].questions)


def outgrown(
    measured: Mapping[Channel, Height], before: Mapping[Channel, int], found: Mapping[Channel, int]
) -> bool:
    """Whether a channel now has so many segments that it should be measured again.

    `found` is how many a search for at least `GROWTH * SAMPLE` of each found now, `before` how
    many when this was last so.
    """
    for channel, n in found.items():
        height = measured.get(channel)
        segments = 0 if height is None else height.segments
        known = max(segments, before.get(channel, 0))
        if segments < SAMPLE and n >= max(MIN_SEGMENTS, GROWTH * known):
            return True
    return False


def keep(
    ranked: Sequence[ScoredPoint], gap: ModalityGap | None, *, limit: int, each: int
) -> list[ScoredPoint]:
    """The best `limit` points, and the best `each` of every channel where there is a gap; with
    their raw cosines, best first on the common scale."""
    if gap is None:
        return list(ranked[:limit])
    aligned = sorted(ranked, key=lambda p: (-gap.align(p.score, p.stored.channel), p.id))
    taken: dict[Channel, int] = {}
    kept = []
    for place, point in enumerate(aligned):
        taken[point.stored.channel] = taken.get(point.stored.channel, 0) + 1
        if place < limit or taken[point.stored.channel] <= each:
            kept.append(point)
    return kept
