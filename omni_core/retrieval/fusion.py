"""Search: the legs of one question become one ranking, on the scale of the model's cosine.

The order by meaning stands; words lift a candidate by up to the whole height of the leg, so that
a quote, a name or a code wins over anything that is merely about the same thing, and a stray
common word changes next to nothing. Rank fusion without this gate (RRF, k=60) puts whatever
appears in both legs first, which costs questions of meaning dearly.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from omni_core.text.tokens import stem, words
from omni_core.types import Hit, Match, Vector


@dataclass(frozen=True, slots=True)
class Scored:
    """One candidate with everything known of it."""

    hit: Hit
    """`hit.score` is the fused score too, so that moments carry it."""
    score: float
    """Ranks within one answer; about as wide as the model's cosines."""
    cosine: float | None
    """Raw score of the dense (or late) leg; None when that leg did not return it."""
    bm25: float | None
    lexical: float = 0.0
    """0 to 1: how surely the question's words stand in its text."""
    match: Match = "weak"
    """Set by the floor."""


@dataclass(frozen=True, slots=True)
class Lift:
    """How much the words of a question may do against its meaning."""

    least: float = 0.6
    """Share of the question's words (weighted by rarity) below which words count for nothing."""
    full: float = 0.9
    """Share from which on they count in full."""
    one_word: float = 0.15
    two_words: float = 0.4
    many_words: float = 0.7
    """What full coverage is worth by how many telling words agree. A number or a name: 1."""
    exact: float = 3.0
    """A name or a number weighs so many times what its rarity alone says."""
    run: int = 4
    """So many words unbroken and in order are a quote: worth 1."""


Terms = Callable[[str], list[str]]


def _terms(text: str) -> list[str]:
    return [stem(w) for w in words(text)]


LOOKED = 100
"""Of the leg of words so many texts are looked into; what holds the whole question is on top.
100 windows of a page take 15 to 30 ms."""


def best_of(prefetches: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Several legs of one kind as one: each hit with its best score, best first."""
    best: dict[str, Hit] = {}
    for hit in (h for prefetch in prefetches for h in prefetch):
        if hit.id not in best or hit.score > best[hit.id].score:
            best[hit.id] = hit
    return sorted(best.values(), key=lambda h: (-h.score, h.id))


def fuse(
    dense: Sequence[Hit],
    bm25: Sequence[Hit] = (),
    *,
    question: str = "",
    terms: Terms = _terms,
    lift: Lift | None = None,
) -> list[Scored]:
    """One list, best first. `dense` may be any leg of meaning, late interaction included.

    `terms` cuts a text into the index's own terms, so that both count the same words.
    """
    lift = lift or Lift()
    cosines = {h.id: h.score for h in dense}
    weights = {h.id: h.score for h in bm25}
    pool = {h.id: h for h in (*dense, *bm25)}
    low = min(cosines.values(), default=0.0)
    height = max(cosines.values(), default=1.0) - low or 1.0
    most = max(weights.values(), default=0.0) or 1.0
    said = {h.id: terms(str(h.payload.get("text", ""))) for h in bm25[:LOOKED]}
    asked = _Asked.of(question, said, len(pool), terms, lift)
    out = []
    for id_, hit in pool.items():
        gate = asked.strength(said[id_], lift) if id_ in said else 0.0
        # BM25 itself only orders texts that hold the same words.
        gain = gate * (1 + 0.1 * weights[id_] / most) if gate else 0.0
        score = cosines.get(id_, low) + height * gain
        scored = Hit(id_, score, hit.payload)
        out.append(Scored(scored, score, cosines.get(id_), weights.get(id_), gate))
    return sorted(out, key=lambda s: (-s.score, s.cosine is None, -(s.bm25 or 0.0), s.hit.id))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question's words and how telling each is, judged by the candidates themselves."""

    order: tuple[str, ...]
    weight: Mapping[str, float]
    informative_words: frozenset[str]
    exact: frozenset[str]
    """Names and numbers: one of them is worth a sentence."""
    phrases: tuple[tuple[str, ...], ...]

    @classmethod
    def of(
        cls, question: str, said: Mapping[str, list[str]], pool: int, terms: Terms, lift: Lift
    ) -> _Asked:
        order = tuple(terms(question))
        common = {t for w in words(question) if w in COMMON for t in terms(w)}
        seen = Counter(t for text in said.values() for t in set(order).intersection(text))
        # What no candidate holds weighs as if one did: it may be only another word for it.
        rare = {t: max(seen[t], 1) for t in order}
        weight = {t: math.log(1 + (pool - n + 0.5) / (n + 0.5)) for t, n in rare.items()}
        weight |= dict.fromkeys(common.intersection(order), 0.05)
        exact = {t for name in _EXACT.findall(question) for t in terms(name)}
        quoted = re.findall(r'["“”«»]([^"“”«»]{3,})["“”«»]', question)
        phrases = tuple(tuple(terms(q)) for q in quoted)
        informative_words = frozenset(order) - common
        exact &= informative_words
        weight |= {t: lift.exact * weight[t] for t in exact}
        return cls(order, weight, informative_words, frozenset(exact), phrases)

    def strength(self, said: Sequence[str], lift: Lift) -> float:
        """0 to 1: how surely the words that were asked for stand here."""
        total = sum(self.weight.values())
        if not total:
            return 0.0
        if any(_run(p, said) == len(p) for p in self.phrases if p):
            return 1.0
        held = frozenset(said)
        share = sum(w for term, w in self.weight.items() if term in held) / total
        share = min(1.0, max(0.0, (share - lift.least) / (lift.full - lift.least)))
        agreed = held & self.informative_words
        worth = (0.0, lift.one_word, lift.two_words, lift.many_words)[min(len(agreed), 3)]
        if agreed & self.exact or (len(agreed) > 1 and _run(self.order, said) >= lift.run):
            worth = 1.0
        return share * worth


_EXACT = re.compile(
    r"(?<=\S )[A-Z][^\W\d_]{2,}"  # a capital within the sentence: a name
    r"|\S*\d\d\S*|[A-Z]+-?\d[\w-]+|\w+_\w+|[^\W\d_]*[a-z][A-Z]\w*"  # 42, A4-7, a_b, aB
)


def _run(asked: Sequence[str], said: Sequence[str]) -> int:
    """Length of the longest run of `asked` that stands in `said` unbroken."""
    best = 0
    before = [0] * (len(asked) + 1)
    wanted = set(asked)
    for word in said:
        if word not in wanted:
            before = [0] * (len(asked) + 1)
            continue
        here = [0] * (len(asked) + 1)
        for i, w in enumerate(asked):
            if w == word:
                here[i + 1] = before[i] + 1
                best = max(best, here[i + 1])
        before = here
    return best


def exclude(
    scored: Sequence[Scored],
    unwanted: Sequence[Vector],
    vectors: Mapping[str, Vector],
    *,
    words_unwanted: str = "",
    terms: Terms = _terms,
) -> list[Scored]:
    """Drop candidates that are nearer to something unwanted than to the question, or that say
    all of `words_unwanted`.

    Nearness to each is compared by its standing among the candidates, since a picture is nearer
    to a picture than to any words. A candidate without a vector stays.
    """
    banned = {t for w in words(words_unwanted) if w not in COMMON for t in terms(w)}
    if banned:
        scored = [s for s in scored if not banned <= set(terms(str(s.hit.payload.get("text", ""))))]
    known = [s for s in scored if s.hit.id in vectors and s.cosine is not None]
    if not known or not unwanted:
        return list(scored)
    stack = np.stack([np.atleast_2d(vectors[s.hit.id])[0] for s in known])
    wanted = np.array([s.cosine for s in known], dtype=np.float64)
    gone: set[str] = set()
    for vector in unwanted:
        near = stack @ np.atleast_2d(vector)[0]
        worse = (near > wanted) & (_standing(near) > _standing(wanted))
        gone |= {s.hit.id for s, drop in zip(known, worse, strict=True) if drop}
    return [s for s in scored if s.hit.id not in gone]


def _standing(values: np.ndarray) -> np.ndarray:
    """Standard scores within the pool; with one candidate there is nothing to stand among."""
    spread = float(values.std())
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros_like(values)


def with_match(scored: Scored, match: Match) -> Scored:
    """The same candidate, judged."""
    return replace(scored, match=match)


COMMON = frozenset(
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
"""English words that tell nothing; other languages rely on rarity among the candidates alone."""
