"""Near-duplicates among the moments of one question.

A search finds hundreds of moments, few of which resemble another: what they have in common is
looked at for all at once, and only those that may be the same are compared.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from omni_core.retrieval.fusion import Candidate
from omni_core.retrieval.moments import Moment
from omni_core.text.tokens import words
from omni_core.types import Channel, Vector

SAME_COSINE = 0.98
SAME_WORDS = 8
"""Equal texts are duplicates from this many words on: `yes` is said in every video."""
NEARLY = 1e-4
"""By how much the cosines of many pairs at once may differ from those of single pairs."""


def fold_duplicates(
    moments: Sequence[Moment],
    vectors: Mapping[str, Vector] | None = None,
    *,
    same_cosine: float = SAME_COSINE,
) -> list[Moment]:
    """Replace near-duplicates in different sources by the best of them, which lists the others in
    `also_at`.

    Two moments are duplicates when their best segments have the same channel and either the same
    words or, where both vectors (by segment uuid) are given, a cosine of `same_cosine` or more.
    """
    alike: dict[int, set[int]] = defaultdict(set)
    """For a position the earlier ones that may be the same."""
    for earlier, later in _pairs(moments, vectors or {}, same_cosine):
        alike[later].add(earlier)
    kept = dict(enumerate(moments))
    for at in sorted(alike):
        here = _Likeness.of(moments[at], vectors)
        for earlier in sorted(alike[at] & kept.keys()):
            if _Likeness.of(moments[earlier], vectors).is_same(here, same_cosine):
                moment, first = kept.pop(at), kept[earlier]
                also = (*first.also_at, (moment.source_id, moment.span), *moment.also_at)
                kept[earlier] = replace(first, also_at=also)
                break
    return list(kept.values())


def may_repeat(first: Sequence[Moment], candidates: Sequence[Candidate]) -> bool:
    """Whether a moment of others of the `candidates` may have the same words as one of `first`."""
    leading = defaultdict(set)
    for stored in (m.members[0].stored for m in first):
        said = _said(stored.text)
        if said[0] >= SAME_WORDS and not stored.is_title:
            leading[_letters(stored.text)].add(said)
    inside = {c.id for m in first for c in m.members}
    texts = (c.stored.text for c in candidates if c.id not in inside)
    return any(_said(text) in leading[at] for text in texts if (at := _letters(text)) in leading)


def _pairs(
    moments: Sequence[Moment], vectors: Mapping[str, Vector], same_cosine: float
) -> Iterator[tuple[int, int]]:
    """Pairs of positions of one channel, the earlier one first, that may be the same."""
    with_vector: dict[Channel, list[int]] = defaultdict(list)
    with_letters: dict[tuple[Channel, int, int, int], list[int]] = defaultdict(list)
    for at, moment in enumerate(moments):
        stored = moment.members[0].stored
        channel, text = stored.channel, stored.text
        if text:
            with_letters[channel, *_letters(text)].append(at)
        vector = vectors.get(moment.members[0].id)
        if vector is not None and vector.ndim == 1:
            with_vector[channel].append(at)
    for some in with_vector.values():
        rows = np.stack([vectors[moments[at].members[0].id] for at in some])
        near = np.nonzero(np.triu(rows @ rows.T >= same_cosine - NEARLY, k=1))
        yield from ((some[i], some[j]) for i, j in zip(*(n.tolist() for n in near), strict=True))
    for some in with_letters.values():
        if len(some) > 1:
            yield from _same_words(moments, some)


def _letters(text: str) -> tuple[int, int, int]:
    """How often three common letters stand in a text, which takes a tenth of the time of cutting it
    into words: equal wherever its words are."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return folded.count("e"), folded.count("a"), folded.count("t")


def _same_words(moments: Sequence[Moment], some: Sequence[int]) -> Iterator[tuple[int, int]]:
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for at in some:
        said = _said(moments[at].members[0].stored.text)
        if said[0] >= SAME_WORDS:
            yield from ((earlier, at) for earlier in groups[said])
            groups[said].append(at)


@lru_cache(maxsize=1 << 14)
def _said(text: str) -> tuple[int, int]:
    """Number and hash of the words of a text."""
    found = tuple(words(text))
    return len(found), hash(found)


@dataclass(frozen=True, slots=True)
class _Likeness:
    """The features by which two moments are compared."""

    source_id: str
    is_title: bool
    channel: Channel
    said: tuple[int, int]
    """Number and hash of its words."""
    vector: Vector | None

    @classmethod
    def of(cls, moment: Moment, vectors: Mapping[str, Vector] | None) -> _Likeness:
        best = moment.best
        vector = vectors.get(best.id) if vectors else None
        one = vector if vector is not None and vector.ndim == 1 else None
        stored = best.stored
        return cls(stored.source_id, stored.is_title, stored.channel, _said(stored.text), one)

    def is_same(self, other: _Likeness, same_cosine: float) -> bool:
        if self.source_id == other.source_id or self.channel != other.channel:
            return False
        if self.is_title:
            return False  # equal titles do not make equal content
        if self.said[0] >= SAME_WORDS and self.said == other.said:
            return True
        if self.vector is None or other.vector is None:
            return False
        return float(np.dot(self.vector, other.vector)) >= same_cosine
