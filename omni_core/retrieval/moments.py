"""Search: scored candidates become moments: merged, deduplicated, ordered, and cut into pages."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from omni_core.errors import BadRequestError
from omni_core.retrieval.fusion import Scored
from omni_core.text.tokens import words
from omni_core.types import Channel, Match, Modality, Moment, Span, Vector

_RANK: dict[Match, int] = {"strong": 2, "fair": 1, "weak": 0}


@dataclass(frozen=True, slots=True)
class Merge:
    """How candidates of one source grow together around the best of them."""

    gap_s: float = 3.0
    """A pause in speech, or the seam between two shots."""
    longest_s: float = 15.0
    """No moment grows longer (as long as the longest shot); a single longer segment stays."""
    longest_chars: float = 4000.0
    near: float = 0.9
    """A neighbour widens what is cited only when it scores at least this share of the best."""


def span_of(payload: Mapping[str, Any]) -> Span:
    """Where a stored segment lies in its source."""
    return Span(payload["axis"], float(payload["start"]), float(payload["end"]))


def gather(scored: Sequence[Scored], merge: Merge | None = None) -> list[Moment]:
    """Moments, best first. Each candidate belongs to exactly one.

    The best candidate of a source starts a moment and gives it its span; neighbours within the
    gap join it as further reasons, and widen the span only when they match about as well.
    """
    merge = merge or Merge()
    sources: dict[str, list[Scored]] = defaultdict(list)
    for s in sorted(scored, key=lambda s: (-s.score, s.hit.id)):
        sources[str(s.hit.payload["source_id"])].append(s)
    moments = [m for group in sources.values() for m in _moments(group, merge)]
    return sorted(moments, key=lambda m: (-m.score, m.source_id, m.span))


def _moments(group: list[Scored], merge: Merge) -> list[Moment]:
    left = [(s, span_of(s.hit.payload)) for s in group]
    out = []
    while left:
        (best, span), left = left[0], left[1:]
        members = [best]
        grown = True
        while grown:
            grown, rest = False, []
            for s, other in left:
                if not _near(span, other, merge):
                    rest.append((s, other))
                    continue
                members.append(s)
                wider = _widened(span, other, merge)
                if s.score >= merge.near * best.score and wider != span:
                    span, grown = wider, True
            left = rest
        out.append(_moment(best, span, members))
    return out


def _near(span: Span, other: Span, merge: Merge) -> bool:
    if span.axis != other.axis:
        return False
    gap = merge.gap_s if span.axis == "second" else 0.0
    return span.overlaps(other) or (
        span.axis == "second" and other.start <= span.end + gap and span.start <= other.end + gap
    )


def _widened(span: Span, other: Span, merge: Merge) -> Span:
    """Both together, unless the other merely contains this one or the whole gets too long."""
    both = span.union(other)
    longest = {"second": merge.longest_s, "char": merge.longest_chars, "page": 1.0}[span.axis]
    if both == other or both.end - both.start > longest:
        return span
    return both


def _moment(best: Scored, span: Span, members: Sequence[Scored]) -> Moment:
    channels = dict.fromkeys(Channel(str(m.hit.payload["channel"])) for m in members)
    cosines = [m.cosine for m in members if m.cosine is not None]
    return Moment(
        source_id=str(best.hit.payload["source_id"]),
        modality=Modality(str(best.hit.payload["modality"])),
        span=span,
        best=best.hit,
        hits=tuple(m.hit for m in members),
        channels=tuple(channels),
        score=best.score,
        cosine=max(cosines, default=0.0),
        match=max((m.match for m in members), key=_RANK.__getitem__),
    )


SAME_VECTOR = 0.98
SAME_WORDS = 8
"""Equal texts count as one from this many words on: `yes` is said in every film."""


def collapse(
    moments: Sequence[Moment],
    vectors: Mapping[str, Vector] | None = None,
    *,
    same: float = SAME_VECTOR,
) -> list[Moment]:
    """Fold near-duplicates of other sources into the best of them, as its `also_at`.

    Two are one when their best segments share channel and words, or, where both vectors (by
    segment uuid) are given, when the cosine reaches `same`.
    """
    vectors = vectors or {}
    kept: list[Moment] = []
    for moment in moments:
        twin = next((i for i, k in enumerate(kept) if _twins(k, moment, vectors, same)), None)
        if twin is None:
            kept.append(moment)
        else:
            also = (*kept[twin].also_at, (moment.source_id, moment.span), *moment.also_at)
            kept[twin] = replace(kept[twin], also_at=also)
    return kept


def _twins(a: Moment, b: Moment, vectors: Mapping[str, Vector], same: float) -> bool:
    first, second = a.best, b.best
    if a.source_id == b.source_id or first.payload["channel"] != second.payload["channel"]:
        return False
    if first.payload.get("origin") == "title":
        return False  # the same name is not the same thing
    said = words(str(first.payload.get("text", "")))
    if len(said) >= SAME_WORDS and said == words(str(second.payload.get("text", ""))):
        return True
    u, v = vectors.get(first.id), vectors.get(second.id)
    if u is None or v is None or u.ndim != 1 or v.ndim != 1:
        return False
    return float(np.dot(u, v)) >= same


def order(moments: Sequence[Moment], by: Literal["relevance", "newest", "oldest"]) -> list[Moment]:
    """By relevance as they are, or by when they happened; those without a date come last.

    By date, too, weak matches stand behind the others: "when did I last see it" must not be
    answered by whatever is newest.
    """
    if by == "relevance":
        return list(moments)
    sign = -1.0 if by == "newest" else 1.0

    def place(moment: Moment) -> tuple[bool, bool, float]:
        at = happened(moment)
        return moment.match == "weak", at is None, sign * (at or 0.0)

    return sorted(moments, key=place)


def happened(moment: Moment) -> float | None:
    """When, in seconds since 1970: the source's date plus the second within it."""
    recorded = moment.best.payload.get("recorded_at")
    if not recorded:
        return None
    at = datetime.fromisoformat(str(recorded).replace("Z", "+00:00"))
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.timestamp() + (moment.span.start if moment.span.axis == "second" else 0.0)


def page(
    moments: Sequence[Moment], offset: int, limit: int, per_source: int
) -> tuple[list[Moment], bool]:
    """`limit` moments from `offset` of the list with at most `per_source` of each source, and
    whether there are more."""
    taken: Counter[str] = Counter()
    shown = []
    for moment in moments:
        if taken[moment.source_id] < per_source:
            taken[moment.source_id] += 1
            shown.append(moment)
    return shown[offset : offset + limit], len(shown) > offset + limit


def write_cursor(offset: int, key: str) -> str:
    """A token for the next page of the request that `key` describes; lower case, no padding."""
    raw = offset.to_bytes(4, "big") + _mark(key)
    return base64.b32encode(raw).decode().lower().rstrip("=")


def read_cursor(cursor: str, key: str) -> int:
    """The offset in a token; 0 for none. Raises BAD_CURSOR when it is another request's."""
    if not cursor:
        return 0
    try:
        raw = base64.b32decode(cursor.upper() + "=" * (-len(cursor) % 8))
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 12:
        raise BadRequestError(
            "that cursor is not one that a search gave; start again without it", code="BAD_CURSOR"
        )
    if raw[4:] != _mark(key):
        raise BadRequestError(
            "that cursor belongs to another search; repeat the same arguments with it, "
            "or start again without it",
            code="BAD_CURSOR",
        )
    return int.from_bytes(raw[:4], "big")


def _mark(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=8).digest()
