"""What comes before and after a moment of a source, nearest first."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from omni_core.points import Point
from omni_core.retrieval.fusion import Candidate
from omni_core.retrieval.moments import Moment
from omni_core.text.tokens import words
from omni_core.types import CHAPTER_ORIGIN, Axis, Channel, Match, Span

Side = Literal["after", "before"]
SCALE = {"second": 1.0, "page": 10.0, "char": 0.02}
"""Of distances: a page counts as ten seconds, fifty characters as one."""
CLOSE_S, LOOSE_S = 15.0, 120.0
"""Distance at which a moment counts for 1/e of an adjacent one, for `right after` and `after`."""
SAME_WORDS = 0.7
"""Share of the words on two shots that both show, from which they are one slide."""
GRADES: Mapping[Match, float] = {"strong": 1.0, "fair": 0.7, "weak": 0.25}
AT_REFERENCE: Mapping[Axis, float] = {"second": 0.0, "page": 0.7, "char": 1.2}
"""What the part with the reference itself counts for, beside the next one: a passage of a text is
long, and goes on after what is referred to; a moment of a film does not."""
NEXT_GRADE = 0.3
"""What the very next part counts for where something else is sought: more than a weak match."""
_LEADS = (Channel.VISUAL, Channel.SPEECH, Channel.SOUND, Channel.TEXT, Channel.SCREEN_TEXT)


@dataclass(frozen=True, slots=True)
class Window:
    """The part of one source that lies after, before or between what a question refers to."""

    source_id: str
    reference: Span
    """What it is counted from; for `between` the first of the two."""
    side: Side
    match: Match
    """How sure it is that the reference is the one that is meant."""
    weight: float = 1.0
    """0 to 1, among the windows of one question."""
    until: Span | None = None
    """For `between` the second of the two."""

    def distance(self, span: Span) -> float | None:
        """Seconds (or what counts as seconds) from the reference to `span`; None outside."""
        if span.axis != self.reference.axis:
            return None
        middle = (span.start + span.end) / 2
        if self.until is not None and middle >= self.until.start:
            return None
        if self.side == "after":
            if middle <= self.reference.end:
                return None
            gap = span.start - self.reference.end
        else:
            if middle >= self.reference.start:
                return None
            gap = self.reference.start - span.end
        return max(0.0, gap) * SCALE[span.axis]


@dataclass(frozen=True, slots=True)
class Placed:
    """A moment and its value as an answer: how well it matches, how near it lies."""

    moment: Moment
    value: float


def extent(span: Span, points: Sequence[Point]) -> Span:
    """The shot that `span` lies in, with the shots around it that show the same words: a slide
    that stands for a minute is cut into several.

    `points` are the stored segments around it. Pictures are not compared: to a model of pictures
    every plain slide is like the next.
    """
    order = shots(points)
    inside = [_shared(span, p.stored.span) for p in order]
    if not inside or max(inside) <= 0:
        return span
    written = [_written_in(p.stored.span, points) for p in order]

    def same(one: int, other: int) -> bool:
        both, shared = written[one] | written[other], written[one] & written[other]
        return bool(shared) and len(shared) >= SAME_WORDS * len(both)

    first = last = int(np.argmax(inside))
    while first > 0 and same(first - 1, first):
        first -= 1
    while last + 1 < len(order) and same(last, last + 1):
        last += 1
    return span.union(order[first].stored.span).union(order[last].stored.span)


def _written_in(span: Span, points: Sequence[Point]) -> frozenset[str]:
    """The words that are recognised on the screen for half of a span or more."""
    return frozenset(
        word
        for p in points
        if p.stored.channel is Channel.SCREEN_TEXT
        and _shared(span, p.stored.span) >= 0.5 * (span.end - span.start)
        for word in words(p.stored.text)
    )


def _shared(one: Span, other: Span) -> float:
    if one.axis != other.axis:
        return 0.0
    return min(one.end, other.end) - max(one.start, other.start)


def shots(points: Iterable[Point]) -> list[Point]:
    """The shots among stored segments, in order of time."""
    found = [p for p in points if p.stored.channel is Channel.VISUAL and not p.stored.part]
    return sorted(found, key=lambda p: p.stored.span)


def parts(
    points: Sequence[Point], channels: Collection[Channel], unit: str, match: Match
) -> list[Moment]:
    """The parts of a source one after another, each with all that belongs to it: its shots and
    what is said, or its pages.

    `channels` are those that are asked for, `unit` is `chapter`, `section`, `page` or "".
    """
    body = [p for p in points if not p.stored.is_title]
    chapters = [p for p in body if p.stored.origin == CHAPTER_ORIGIN]
    rest = [p for p in body if p.stored.origin != CHAPTER_ORIGIN]
    if unit == "chapter" and chapters:
        leads = chapters
    elif unit == "section":
        leads = _first_of_headings(rest)
    else:
        leads = _leads(rest, channels)
    leads.sort(key=lambda p: (p.stored.span, p.stored.channel, p.stored.part))
    return [_with_company(lead, body, match) for lead in _without_twins(leads)]


def _leads(points: Sequence[Point], channels: Collection[Channel]) -> list[Point]:
    held = [c for c in _LEADS if any(p.stored.channel is c for p in points)]
    chosen = [c for c in held if c in channels] or held
    if Channel.VISUAL in chosen and Channel.SPEECH in chosen:
        chosen = [Channel.VISUAL, Channel.SPEECH]
    else:
        chosen = chosen[:1]
    return [p for p in points if p.stored.channel in chosen]


def _first_of_headings(points: Sequence[Point]) -> list[Point]:
    found: list[Point] = []
    for point in sorted(points, key=lambda p: (p.stored.span, p.stored.part)):
        if point.stored.text and (not found or point.stored.heading != found[-1].stored.heading):
            found.append(point)
    return found


def _without_twins(leads: Sequence[Point]) -> list[Point]:
    """Of several that take up about the same time or page only the first."""
    kept: list[Point] = []
    for lead in leads:
        span = lead.stored.span
        if not any(
            _shared(span, k.stored.span) >= 0.6 * _length(span, k.stored.span) for k in kept[-3:]
        ):
            kept.append(lead)
    return kept


def _length(one: Span, other: Span) -> float:
    both = one.union(other)
    return max(both.end - both.start, 1e-6)


def _with_company(lead: Point, points: Sequence[Point], match: Match) -> Moment:
    span = lead.stored.span
    company = [
        p
        for p in points
        if p.id != lead.id
        and span.overlaps(p.stored.span)
        and _shared(span, p.stored.span)
        >= 0.5 * min(span.end - span.start, p.stored.span.end - p.stored.span.start)
    ]
    return Moment(span, tuple(_candidate(p, match) for p in (lead, *company)))


def _candidate(point: Point, match: Match) -> Candidate:
    return Candidate(point.id, point.stored, 0.0, None, None, match=match)


def next_parts(window: Window, found: Sequence[Moment], most: int) -> list[Placed]:
    """The parts in a window, nearest first: what comes right after, then what follows that."""
    near = [(d, m) for m in found if (d := window.distance(m.span)) is not None]
    near.sort(key=lambda each: (each[0], each[1].span.start))
    return [Placed(m, window.weight / (1 + number)) for number, (_, m) in enumerate(near[:most])]


def at_reference(window: Window, found: Sequence[Moment]) -> list[Placed]:
    """The parts in which the reference itself lies: what follows in a text often stands there."""
    return [Placed(m, window.weight) for m in found if m.span.overlaps(window.reference)]


def matching(window: Window, found: Sequence[Moment], *, close: bool) -> list[Placed]:
    """The moments in a window by match and nearness, best first."""
    width = CLOSE_S if close else LOOSE_S
    placed = []
    for moment in found:
        distance = window.distance(moment.span)
        if moment.source_id == window.source_id and distance is not None:
            near = 0.2 + 0.8 * math.exp(-distance / width)
            placed.append(Placed(moment, window.weight * GRADES[moment.match] * near))
    return sorted(placed, key=lambda p: -p.value)


def together(placed: Iterable[Placed]) -> list[Moment]:
    """The moments by value, each place of a source once."""
    kept: list[Moment] = []
    for one in sorted(placed, key=lambda p: -p.value):
        span = one.moment.span
        if not any(
            k.source_id == one.moment.source_id
            and _shared(span, k.span) >= 0.6 * _length(span, k.span)
            for k in kept
        ):
            kept.append(one.moment)
    return kept
