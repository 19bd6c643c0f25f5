"""Fusion of the dense and the BM25 ranking of one question, on the scale of the cosine.

A candidate's score is its cosine plus `gate * spread`, where `spread` is the range of the cosines
among the candidates and `gate`, 0 to 1, is the lexical match: how much of the question occurs in
its text. Without a lexical match the order is that of the cosines; a quotation, a name or a code
(gate 1) ranks above candidates that are only semantically similar; a common word that happens to
occur changes almost nothing. Reciprocal rank fusion (k=60) has no such gate: it ranks first
whatever is in both rankings, which hurts paraphrased questions.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from omni_core.payload import StoredSegment
from omni_core.points import ScoredPoint
from omni_core.retrieval.modality_gap import ModalityGap
from omni_core.text.tokens import stem, words
from omni_core.types import Match, Vector


class Candidate(NamedTuple):
    """One segment that may answer, with its scores. A named tuple, as `ScoredPoint`."""

    id: str
    """uuid of the segment."""
    stored: StoredSegment
    score: float
    """Fused score; orders the candidates of one question, on the scale of the cosines."""
    cosine: float | None
    """Raw score in the dense (or late) ranking; None when it is not in that ranking."""
    bm25: float | None
    """Raw score in the BM25 ranking; None when it is not in that ranking."""
    lexical: float = 0.0
    """0 to 1: lexical match of the question and its text (the gate of the fusion)."""
    match: Match = "weak"
    """Set by `thresholds.grade`."""
    whole: bool = True
    """Whether `stored` has every field, also those that only a shown segment needs."""

    def graded(self, match: Match) -> Candidate:
        """The same with this grade: `_replace` in half of its time, for hundreds a search."""
        id_, stored, score, cosine, bm25, lexical, _, whole = self
        return Candidate(id_, stored, score, cosine, bm25, lexical, match, whole)


@dataclass(frozen=True, slots=True)
class LexicalBoost:
    """Parameters of the lexical match: how term matches raise a candidate's score."""

    min_coverage: float = 0.6
    """Share of the question's terms (weighted by rarity) up to which the lexical match is 0."""
    full_coverage: float = 0.9
    """Share from which on it has its full value, one of those below."""
    one_word: float = 0.15
    two_words: float = 0.4
    many_words: float = 0.7
    """Full value with one, two, or more matching informative terms. With a number or a name: 1."""
    exact_weight: float = 3.0
    """Factor on the rarity weight of a name or a number."""
    rare_word: float = 0.4
    """Least value where a rare word of the question stands in the texts of one source alone."""
    quote_words: int = 4
    """So many consecutive terms of the question, in order, are a quotation: value 1."""


Terms = Callable[[str], list[str]]


def _terms(text: str) -> list[str]:
    return [stem(w) for w in words(text)]


TEXTS_COMPARED = 100
"""Texts from the top of the BM25 ranking that are compared with the question term by term. 100
windows of a page take 15 to 30 ms."""


NAMES_WITHIN = 2000
"""Characters of a question that are searched for names and numbers: the time is quadratic in the
length of the longest word, 0.1 s at this limit and 11 s at ten times the limit."""


def merge(rankings: Sequence[Sequence[ScoredPoint]]) -> list[ScoredPoint]:
    """The union of several rankings of one kind: each point with its best score, best first."""
    if len(rankings) == 1:  # a question in words: each point stands in it once
        return sorted(rankings[0], key=lambda p: (-p.score, p.id))
    best: dict[str, ScoredPoint] = {}
    for point in (p for ranking in rankings for p in ranking):
        if point.id not in best or point.score > best[point.id].score:
            best[point.id] = point
    return sorted(best.values(), key=lambda p: (-p.score, p.id))


def fuse(
    dense: Sequence[ScoredPoint],
    bm25: Sequence[ScoredPoint] = (),
    *,
    question: str = "",
    rare: Sequence[str] = (),
    terms: Terms = _terms,
    boost: LexicalBoost | None = None,
    gap: ModalityGap | None = None,
) -> list[Candidate]:
    """One list of candidates, best first. `dense` may also be a late-interaction ranking.

    `terms` tokenises a text as the BM25 index does; `rare` are the terms of the question's rare
    words. With a `gap` the cosines are compared on its common scale; `Candidate.cosine` stays raw.
    """
    boost = boost or LexicalBoost()
    raw = {p.id: p.score for p in dense}
    cosines = {p.id: gap.align(p.score, p.stored.channel) for p in dense} if gap else raw
    weights = {p.id: p.score for p in bm25}
    pool = {p.id: p for p in (*dense, *bm25)}
    lowest = min(cosines.values(), default=0.0)
    spread = max(cosines.values(), default=1.0) - lowest or 1.0
    highest = max(weights.values(), default=0.0) or 1.0
    texts = {p.id: terms(p.stored.text) for p in bm25[:TEXTS_COMPARED]}
    wanted = frozenset((*terms(question), *rare))
    held = {id_: wanted.intersection(text) for id_, text in texts.items()}
    query = _QueryTerms.of(question, held.values(), len(pool), terms, boost)
    telling = _in_one_source(rare, held, pool)
    out = []
    for id_, point in pool.items():
        gate = query.gate(texts[id_], held[id_], boost) if id_ in texts else 0.0
        if id_ in telling:
            gate = max(gate, boost.rare_word)
        # BM25 itself only orders texts that hold the same words.
        gain = gate * (1 + 0.1 * weights[id_] / highest) if gate else 0.0
        score = cosines.get(id_, lowest) + spread * gain
        out.append(
            Candidate(
                id_, point.stored, score, raw.get(id_), weights.get(id_), gate, "weak", point.whole
            )
        )  # fmt: skip
    return sorted(out, key=lambda c: (-c.score, c.cosine is None, -(c.bm25 or 0.0), c.id))


def _in_one_source(
    rare: Sequence[str], held: Mapping[str, frozenset[str]], pool: Mapping[str, ScoredPoint]
) -> set[str]:
    """Ids of the texts with a rare term that stands in no other source; `held` are the terms of
    the question in each text."""
    found: set[str] = set()
    for term in rare:
        holders = [id_ for id_, some in held.items() if term in some]
        if len({pool[id_].stored.source_id for id_ in holders}) == 1:
            found.update(holders)
    return found


def stand_nowhere(
    rare: Sequence[str], question: str, bm25: Sequence[ScoredPoint], *, terms: Terms = _terms
) -> bool:
    """Whether at least half of the question's informative terms are rare ones, none of which stands
    in any text: then likeness to the rest of the question is no answer to it."""
    informative = {t for w in words(question) if w not in STOP_WORDS for t in terms(w)}
    if not rare or 2 * len(rare) < len(informative):
        return False
    wanted = set(rare)
    return not any(
        wanted.intersection(terms(f"{p.stored.heading}\n{p.stored.text}"))
        for p in bm25[:TEXTS_COMPARED]
    )


@dataclass(frozen=True, slots=True)
class _QueryTerms:
    """The question's terms with weights from their document frequency among the candidates."""

    order: tuple[str, ...]
    weight: Mapping[str, float]
    informative: frozenset[str]
    exact: frozenset[str]
    """Names and numbers: one match gives the value 1."""
    phrases: tuple[tuple[str, ...], ...]
    """Terms within quotation marks."""
    total: float
    """Sum of the weights."""

    @classmethod
    def of(
        cls,
        question: str,
        held: Collection[frozenset[str]],
        pool: int,
        terms: Terms,
        boost: LexicalBoost,
    ) -> _QueryTerms:
        """`held`: for each text the terms of the question in it."""
        order = tuple(terms(question))
        common = {t for w in words(question) if w in STOP_WORDS for t in terms(w)}
        seen = Counter(chain.from_iterable(held))
        # A term in no candidate is weighted as if in one: the candidates may use a synonym.
        rare = {t: max(seen[t], 1) for t in order}
        weight = {t: math.log(1 + (pool - n + 0.5) / (n + 0.5)) for t, n in rare.items()}
        weight |= dict.fromkeys(common.intersection(order), 0.05)
        exact = {t for name in _EXACT.findall(question[:NAMES_WITHIN]) for t in terms(name)}
        quoted = re.findall(r'["“”«»]([^"“”«»]{3,})["“”«»]', question)
        phrases = tuple(tuple(terms(q)) for q in quoted)
        informative = frozenset(order) - common
        exact &= informative
        weight |= {t: boost.exact_weight * weight[t] for t in exact}
        return cls(order, weight, informative, frozenset(exact), phrases, sum(weight.values()))

    def gate(self, text: Sequence[str], held: frozenset[str], boost: LexicalBoost) -> float:
        """Lexical match, 0 to 1, of the question with `text`, a text's terms in order, of which
        `held` are terms of the question."""
        if not self.total:
            return 0.0
        if any(_longest_run(p, text) == len(p) for p in self.phrases if p):
            return 1.0
        share = sum(w for term, w in self.weight.items() if term in held) / self.total
        ramp = boost.full_coverage - boost.min_coverage
        share = min(1.0, max(0.0, (share - boost.min_coverage) / ramp))
        if not share:
            return 0.0
        agreed = held & self.informative
        full = (0.0, boost.one_word, boost.two_words, boost.many_words)[min(len(agreed), 3)]
        if agreed & self.exact or (len(agreed) > 1 and self._quotes(held, text, boost.quote_words)):
            full = 1.0
        return share * full

    def _quotes(self, held: frozenset[str], text: Sequence[str], count: int) -> bool:
        """Whether `text`, in which the terms `held` stand, has so many consecutive terms of the
        question."""
        if sum(term in held for term in self.order) < count:
            return False  # most texts: no need to walk through it
        together = 0
        for term in text:
            together = together + 1 if term in held else 0
            if together == count:
                return _longest_run(self.order, text) >= count
        return False


_EXACT = re.compile(
    r"(?<=\S )[A-Z][^\W\d_]{2,}"  # a capital within the sentence: a name
    r"|\S*\d\d\S*|[A-Z]+-?\d[\w-]+|\w+_\w+|[^\W\d_]*[a-z][A-Z]\w*"  # 42, A4-7, a_b, aB
)


def _longest_run(query: Sequence[str], text: Sequence[str]) -> int:
    """Length of the longest contiguous run of `query` in `text`."""
    best = 0
    before = [0] * (len(query) + 1)
    wanted = set(query)
    for word in text:
        if word not in wanted:
            before = [0] * (len(query) + 1)
            continue
        here = [0] * (len(query) + 1)
        for i, w in enumerate(query):
            if w == word:
                here[i + 1] = before[i] + 1
                best = max(best, here[i + 1])
        before = here
    return best


def exclude(
    candidates: Sequence[Candidate],
    unwanted: Sequence[Vector],
    vectors: Mapping[str, Vector],
    *,
    unwanted_words: str = "",
    terms: Terms = _terms,
) -> list[Candidate]:
    """Drop candidates that are nearer to an unwanted vector than to the question, or that contain
    all of `unwanted_words`.

    Both the cosines and their z-scores among the candidates are compared: an image is nearer to
    any image than to any text, so that cosines alone would drop every image. `vectors` are those
    of the candidates by id; a candidate without a vector is kept.
    """
    banned = {t for w in words(unwanted_words) if w not in STOP_WORDS for t in terms(w)}
    if banned:
        candidates = [c for c in candidates if not banned <= set(terms(c.stored.text))]
    known = [c for c in candidates if c.id in vectors and c.cosine is not None]
    if not known or not unwanted:
        return list(candidates)
    stack = np.stack([np.atleast_2d(vectors[c.id])[0] for c in known])
    wanted = np.array([c.cosine for c in known], dtype=np.float64)
    dropped: set[str] = set()
    for vector in unwanted:
        near = stack @ np.atleast_2d(vector)[0]
        worse = (near > wanted) & (_z_scores(near) > _z_scores(wanted))
        dropped |= {c.id for c, drop in zip(known, worse, strict=True) if drop}
    return [c for c in candidates if c.id not in dropped]


def _z_scores(values: np.ndarray) -> np.ndarray:
    """Distance from the mean in standard deviations; 0 for all when they do not differ."""
    spread = float(values.std())
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros_like(values)


STOP_WORDS = frozenset(
    words(
        "a about above after again all also am an and any are as at be because been before being "
        "below between both but by can could did do does doing down during each few find for from "
        "further had has have having he her here him his how i if in into is it its just me more "
        "most my no nor not now of off on once only or other our out over own said same say she "
        "should show so some such talk tell than that the their them then there these they this "
        "those through to too under until up very was we were what when where which while who whom "
        "why will with would you your"
    )
)
"""English stop words. Other languages rely on the rarity of a term among the candidates."""
