"""Distinct episodes: which moments match well enough to be ordered in time, or counted.

A list by relevance may end in doubtful moments; an order in time or a count must not hold any. So
a candidate is clear by an absolute bar first (its match), then by a bar relative to the best of its
channel: what is shown twice is about equally like the question twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass

from omni_core.retrieval.fusion import Candidate
from omni_core.retrieval.moments import Moment
from omni_core.types import Channel

GAP_S = 3.0
"""Clear moments of one source at most so far apart are one episode: a pause, a cut."""
BELOW_BEST = {Channel.VISUAL: 0.10, Channel.SOUND: 0.05}
BELOW_BEST_WORDS = 0.15
"""How far below the best cosine of its channel a candidate may be."""
_WORDS = frozenset({Channel.SPEECH, Channel.SCREEN_TEXT, Channel.TEXT})


@dataclass(frozen=True, slots=True)
class Clear:
    """The candidates above the bars."""

    candidates: tuple[Candidate, ...]
    sure: bool
    """Whether their match is at least fair, or they hold the words themselves; else they are the
    best of what there is."""
    doubtful: int = 0
    """Candidates just below the bars."""


def clear(
    candidates: Sequence[Candidate],
    *,
    channels: Set[Channel] = frozenset(),
    literal: Collection[str] = frozenset(),
) -> Clear:
    """The candidates that surely show or say what is sought.

    `channels` are those that the question asks for; others count only where these hold nothing.
    `literal` are the ids of candidates whose text holds every word that is sought: where there are
    some, other texts do not count.
    """
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
            left = {c.id for c in group} - {c.id for c in chosen}
            doubtful = sum(c.id in left and c.match != "weak" for c in group)
            return Clear(tuple(chosen), True, doubtful)
    weak = [c for c in _in_channels(body, channels) or body if c.cosine is not None]
    best = max((c.cosine or 0.0 for c in weak), default=0.0)
    return Clear(tuple(c for c in weak if (c.cosine or 0.0) >= best - 0.02), False)


def _in_channels(candidates: Sequence[Candidate], wanted: Collection[Channel]) -> list[Candidate]:
    return [c for c in candidates if not wanted or c.stored.channel in wanted]


def _near_best(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those of fair match or better, and near the best of their channel."""
    best: dict[Channel, float] = {}
    for c in candidates:
        channel = c.stored.channel
        best[channel] = max(best.get(channel, -1.0), -1.0 if c.cosine is None else c.cosine)
    return [
        c
        for c in candidates
        if c.match != "weak"
        and (c.cosine is None or c.cosine >= best[c.stored.channel] - _margin(c.stored.channel))
    ]


def _margin(channel: Channel) -> float:
    return BELOW_BEST.get(channel, BELOW_BEST_WORDS)


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
