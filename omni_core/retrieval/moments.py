"""Moments: neighbouring candidates of one source, merged; their order and pages."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from omni_core.retrieval.fusion import Candidate
from omni_core.types import Channel, Match, Modality, Span

_RANK: dict[Match, int] = {"strong": 2, "fair": 1, "weak": 0}


@dataclass(frozen=True, slots=True)
class Moment:
    """One result of a search: a span of one source, and the candidates in it."""

    span: Span
    """The span that is cited."""
    members: tuple[Candidate, ...]
    """The best candidate, then its neighbours."""
    also_at: tuple[tuple[str, Span], ...] = ()
    """Near-duplicates in other sources: (source id, span)."""
    rerank_score: float | None = None
    """Score of the reranker; replaces the fused score where it is set."""

    @property
    def best(self) -> Candidate:
        """The candidate with the highest score."""
        return self.members[0]

    @property
    def score(self) -> float:
        """Orders the moments of one question; not comparable between questions."""
        return self.best.score if self.rerank_score is None else self.rerank_score

    @property
    def source_id(self) -> str:
        """`src_...`."""
        return self.best.stored.source_id

    @property
    def modality(self) -> Modality:
        """The kind of its source."""
        return self.best.stored.modality

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels of its members, that of the best one first."""
        return tuple(dict.fromkeys(m.stored.channel for m in self.members))

    @property
    def cosine(self) -> float:
        """Best raw cosine of its members, -1 to 1; 0 when only BM25 found them."""
        return max((m.cosine for m in self.members if m.cosine is not None), default=0.0)

    @property
    def match(self) -> Match:
        """The best grade of its members."""
        return max((m.match for m in self.members), key=_RANK.__getitem__)

    @property
    def happened(self) -> float | None:
        """Seconds since 1970: the source's date plus the second in it; None without a date."""
        at = self.best.stored.recorded_at
        if at is None:
            return None
        return at.timestamp() + (self.span.start if self.span.axis == "second" else 0.0)


@dataclass(frozen=True, slots=True)
class MergeRules:
    """Which candidates of one source are merged into one moment."""

    gap_s: float = 3.0
    """Largest gap between neighbours, seconds: a pause in speech, or a cut between shots."""
    longest_s: float = 15.0
    """Merging makes no moment longer than the longest shot; a single segment may be longer."""
    longest_chars: float = 4000.0
    widening_share: float = 0.9
    """A neighbour extends the span only with at least this share of the best score."""


def merge_neighbours(
    candidates: Sequence[Candidate], rules: MergeRules | None = None
) -> list[Moment]:
    """All moments of `best_first`."""
    return [*best_first(candidates, rules)]


def best_first(
    candidates: Sequence[Candidate], rules: MergeRules | None = None
) -> Iterator[Moment]:
    """Moments, best first, each made when it is asked for: a page needs few of hundreds. Each
    candidate belongs to exactly one.

    The best candidate of a source starts a moment and sets its span. Neighbours within the gap
    become members, and extend the span only when they score about as well.
    """
    rules = rules or MergeRules()
    ranked = sorted(candidates, key=lambda c: (-c.score, c.id))
    sources: dict[str, list[Candidate]] = defaultdict(list)
    for c in ranked:
        sources[c.stored.source_id].append(c)
    left: dict[str, Sequence[_Placed]] = {}
    for score, equal in groupby(ranked, key=lambda c: c.score):
        made = []
        for source in {c.stored.source_id for c in equal}:
            if source not in left:
                left[source] = [(c, c.stored.span) for c in sources[source]]
            while left[source] and left[source][0][0].score == score:
                moment, left[source] = _first(left[source], rules)
                made.append(moment)
        yield from sorted(made, key=_place) if len(made) > 1 else made


_Placed = tuple[Candidate, Span]


def _place(moment: Moment) -> tuple[float, str, Span]:
    best = moment.members[0]
    return -best.score, best.stored.source_id, moment.span


def _first(group: Sequence[_Placed], rules: MergeRules) -> tuple[Moment, Sequence[_Placed]]:
    """The moment that the best of a source's candidates starts, and those that are left."""
    (best, span), left = group[0], group[1:]
    members = [best]
    grown = bool(left)
    while grown:
        grown, rest = False, []
        for candidate, other in left:
            if not _are_neighbours(span, other, rules):
                rest.append((candidate, other))
                continue
            members.append(candidate)
            wider = _widened(span, other, rules)
            if candidate.score >= rules.widening_share * best.score and wider != span:
                span, grown = wider, True
        left = rest
    return Moment(span, tuple(members)), left


def _are_neighbours(span: Span, other: Span, rules: MergeRules) -> bool:
    if span.axis != other.axis:
        return False
    gap = rules.gap_s if span.axis == "second" else 0.0
    return span.overlaps(other) or (
        span.axis == "second" and other.start <= span.end + gap and span.start <= other.end + gap
    )


def _widened(span: Span, other: Span, rules: MergeRules) -> Span:
    """The union, or `span` itself where `other` contains it or the union is too long."""
    both = span.union(other)
    longest = {"second": rules.longest_s, "char": rules.longest_chars, "page": 1.0}[span.axis]
    if both == other or both.end - both.start > longest:
        return span
    return both


def order(moments: Sequence[Moment], by: Literal["relevance", "newest", "oldest"]) -> list[Moment]:
    """By relevance (the order they have), or by date; moments without a date come last.

    Weak matches are sorted behind the others by date as well: "when did I last see it" must not
    be answered by whatever is newest.
    """
    if by == "relevance":
        return list(moments)
    sign = -1.0 if by == "newest" else 1.0

    def place(moment: Moment) -> tuple[bool, bool, float]:
        at = moment.happened
        return moment.match == "weak", at is None, sign * (at or 0.0)

    return sorted(moments, key=place)


def page(
    moments: Sequence[Moment], offset: int, limit: int, per_source: int
) -> tuple[list[Moment], bool]:
    """`limit` moments from `offset` of the list with at most `per_source` of each source, and
    whether there are more."""
    taken: Counter[str] = Counter()
    shown: list[Moment] = []
    for moment in moments:
        if len(shown) > offset + limit:
            break
        source = moment.source_id
        if taken[source] < per_source:
            taken[source] += 1
            shown.append(moment)
    return shown[offset : offset + limit], len(shown) > offset + limit
