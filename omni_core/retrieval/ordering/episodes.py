"""Distinct episodes: which moments match well enough to be ordered in time, or counted.

A list by relevance may end in doubtful moments; an order in time or a count must not hold any. So
a candidate is clear by an absolute bar first (its match), then by a bar relative to the best of its
channel: what is shown twice is about equally like the question twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from omni_core.retrieval.fusion import Candidate
from omni_core.retrieval.moments import Moment
from omni_core.retrieval.thresholds import MIN_SAMPLE, OUTLIER_Z
from omni_core.types import Channel

GAP_S = 3.0
"""Clear moments of one source at most so far apart are one episode: a pause, a cut."""
REACH = 0.15
"""How far below the best cosine of its channel a candidate may be."""
STANDS_OUT = 0.08
"""Gap of cosines below a group of weak matches from which it is counted all the same."""
_WORDS = frozenset({Channel.SPEECH, Channel.SCREEN_TEXT, Channel.TEXT})


@dataclass(frozen=True, slots=True)
class Clear:
    """The candidates above the bars."""

    candidates: tuple[Candidate, ...]
    sure: bool
    """Whether their match is at least fair, or they hold the words themselves; else they are the
    best of what there is."""
    stands_out: bool = False
    """Whether, of weak match, they are yet far better than the rest."""
    doubtful: tuple[Candidate, ...] = ()
    """Candidates of fair match or better that are below the second bar."""


def clear(
    candidates: Sequence[Candidate],
    *,
    channels: Set[Channel] = frozenset(),
    literal: Collection[str] = frozenset(),
    outliers: Collection[str] = frozenset(),
) -> Clear:
    """The candidates that surely show or say what is sought.

    `channels` are those that the question asks for; others count only where these hold nothing.
    `literal` are the ids of candidates whose text holds every word that is sought: where there are
    some, other texts do not count. `outliers` are clear whatever their match (see `outliers_of`).
    """
    candidates = [
        c.graded("fair") if c.match == "weak" and c.id in outliers else c for c in candidates
    ]
    body = [c for c in candidates if not c.stored.is_title]
    texts = _in_channels(body, _WORDS) if channels and channels <= _WORDS else []
    for group in (_in_channels(body, channels), texts, body):
        chosen = [c for c in group if c.id in literal]
        if chosen:
            seen = [c for c in _near_best(group) if c.stored.channel not in _WORDS]
            chosen += [c for c in seen if channels or c.match == "strong"]
        else:
            chosen = _near_best(group)
        if chosen:
            taken = {c.id for c in chosen}
            left = tuple(c for c in group if c.id not in taken and c.match != "weak")
            return Clear(tuple(chosen), True, doubtful=left)
    weak = [c for c in _in_channels(body, channels) or body if c.cosine is not None]
    if not weak:
        return Clear((), False)
    # a film has no words that were sought, and pictures no sound: the channel of the best decides
    best = max(weak, key=lambda c: c.cosine or 0.0).stored.channel
    alike = [c for c in weak if c.stored.channel is best]
    bar, gap = _bar([c.cosine or 0.0 for c in alike])
    best_group = tuple(c for c in alike if (c.cosine or 0.0) >= bar)
    return Clear(best_group, False, stands_out=gap >= STANDS_OUT)


def outliers_of(candidates: Sequence[Candidate]) -> frozenset[str]:
    """Ids of the candidates whose cosine is far above the others of their channel in this library:
    a weak model sees a cat at a cosine of 0.3, but sees nothing else so well.

    The distance is `thresholds.OUTLIER_Z` robust standard deviations from the median.
    """
    found: set[str] = set()
    for channel in {c.stored.channel for c in candidates}:
        group = [c for c in candidates if c.stored.channel is channel and c.cosine is not None]
        if len(group) < MIN_SAMPLE:
            continue
        values = np.array([c.cosine for c in group], dtype=np.float64)
        median = np.median(values)
        width = max(1.4826 * float(np.median(abs(values - median))), 1e-9)
        far = (values - median) / width >= OUTLIER_Z
        found |= {c.id for c, is_far in zip(group, far, strict=True) if is_far}
    return frozenset(found)


def _in_channels(candidates: Sequence[Candidate], wanted: Collection[Channel]) -> list[Candidate]:
    return [c for c in candidates if not wanted or c.stored.channel in wanted]


def _near_best(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those of fair match or better, and near the best of their channel: of texts within `REACH`,
    of pictures and sounds, whose right and wrong answers lie closer, above the widest gap."""
    cosines: dict[Channel, list[float]] = {}
    for c in candidates:
        if c.cosine is not None:
            cosines.setdefault(c.stored.channel, []).append(c.cosine)
    bars = {
        channel: max(values) - REACH if channel in _WORDS else _bar(values)[0]
        for channel, values in cosines.items()
    }
    return [
        c
        for c in candidates
        if c.match != "weak" and (c.cosine is None or c.cosine >= bars[c.stored.channel])
    ]


def _bar(cosines: Sequence[float]) -> tuple[float, float]:
    """The lower edge of the best group of cosines, and how far the next one lies below it: the
    widest gap within `REACH` of the best."""
    order = sorted(cosines, reverse=True)
    floor = order[0] - REACH
    within = [c for c in order if c >= floor]
    below = [*within[1:], floor]
    gaps = [high - low for high, low in zip(within, below, strict=True)]
    at = int(np.argmax(gaps))
    return within[at], gaps[at]


def episodes(candidates: Sequence[Candidate]) -> list[Moment]:
    """The candidates as distinct moments, in order of time in each source: neighbours are one, for
    as long as they go on."""
    order = sorted(candidates, key=lambda c: (c.stored.source_id, c.stored.span, c.id))
    groups: list[list[Candidate]] = []
    end = 0.0
    for candidate in order:
        span = candidate.stored.span
        before = groups[-1][-1].stored if groups else None
        gap = GAP_S if span.axis == "second" else 0.0
        goes_on = (
            before is not None
            and before.source_id == candidate.stored.source_id
            and before.span.axis == span.axis
            and (span.start < end or (span.axis == "second" and span.start <= end + gap))
        )
        if goes_on:
            groups[-1].append(candidate)
            end = max(end, span.end)
        else:
            groups.append([candidate])
            end = span.end
    return [_moment(group) for group in groups]


def _moment(group: Sequence[Candidate]) -> Moment:
    members = tuple(sorted(group, key=lambda c: (-c.score, c.id)))
    span = members[0].stored.span
    for member in members[1:]:
        span = span.union(member.stored.span)
    return Moment(span, members)


def in_time(
    found: Sequence[Moment], dated: Mapping[str, bool], *, latest_first: bool
) -> list[Moment]:
    """Episodes by time: across sources where the recording date of each is known (`dated`, by
    source id), else source by source, the best match first."""
    sign = -1.0 if latest_first else 1.0
    if all(dated.get(m.source_id) and m.happened is not None for m in found):
        return sorted(found, key=lambda m: (sign * (m.happened or 0.0), sign * m.span.start))
    best: dict[str, float] = {}
    for m in found:
        best[m.source_id] = max(best.get(m.source_id, float("-inf")), m.score)
    return sorted(found, key=lambda m: (-best[m.source_id], m.source_id, sign * m.span.start))
