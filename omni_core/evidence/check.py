"""Whether a quote really stands where it is said to stand. Deterministic, no model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from omni_core.text.clean import clean
from omni_core.text.tokens import words

PARTLY = 0.5
"""Share of the words from which on a quote counts as partly there."""
SLIP = 0.75
"""Likeness of spelling from which on two words are one word heard or spelt otherwise."""

Verdict = Literal["found", "partly", "not_found"]


@dataclass(frozen=True, slots=True)
class QuoteMatch:
    """How a quote fares against the words of a place."""

    verdict: Verdict
    """`found`: every word, in order, nothing left out or put in; slips of spelling allowed."""
    ratio: float
    """Share of the words, of quote or place, that agree in order: 0 to 1."""
    best: str
    """The words that come nearest."""
    first: int
    """Index of the line where they begin; -1 when nothing matches."""
    last: int


_NOTHING = QuoteMatch("not_found", 0.0, "", -1, -1)


def match_quote(quote: str, lines: Sequence[str]) -> QuoteMatch:
    """Compare `quote` with the words of `lines`, across line ends, ignoring case and punctuation.

    A quote with an ellipsis is checked part by part, each after the one before it; its verdict
    is that of the worst part.
    """
    said: list[str] = []
    shown: list[tuple[str, int, int]] = []
    for number, line in enumerate(lines):
        for i, part in enumerate(clean(line).split(" ")):
            for word in words(part):
                said.append(word)
                shown.append((part, number, i))
    parts = [w for p in re.split(r"\[?(?:…|\.\.\.+)\]?", quote) if (w := words(p))]
    if not parts or not said:
        return _NOTHING
    aligned: list[_Aligned] = []
    after = 0
    for asked in parts:
        aligned.append(_align(asked, said, after))
        after = aligned[-1].end or after
    total = sum(len(p) for p in parts)
    ratio = sum(a.ratio * len(p) for a, p in zip(aligned, parts, strict=True)) / total
    if ratio == 0:
        return _NOTHING
    ranges = [(a.start, a.end) for a in aligned if a.ratio]
    best = " … ".join(" ".join(_join(shown[start:end])) for start, end in ranges)
    verdict: Verdict = "not_found"
    if all(a.whole for a in aligned):
        verdict = "found"
    elif ratio >= PARTLY:
        verdict = "partly"
    first, last = shown[ranges[0][0]][1], shown[ranges[-1][1] - 1][1]
    return QuoteMatch(verdict, round(ratio, 3), best, first, last)


def _join(shown: Sequence[tuple[str, int, int]]) -> list[str]:
    """Each printed word once, though it may count as several (`well-known`, a kanji run)."""
    return [part for part, _, _ in dict.fromkeys(shown)]


@dataclass(frozen=True, slots=True)
class _Aligned:
    ratio: float
    start: int
    end: int
    whole: bool


def _align(asked: list[str], said: list[str], after: int) -> _Aligned:
    """How well `asked` agrees with its best place in `said` from word `after` on."""
    start = after + _window(asked, said[after:])
    slack = 2 + len(asked) // 4
    low, high = max(after, start - slack), min(len(said), start + len(asked) + slack)
    blocks = SequenceMatcher(None, asked, said[low:high], autojunk=False).get_opcodes()
    equal = [op for op in blocks if op[0] == "equal"]
    if not equal:
        return _Aligned(0.0, 0, 0, False)
    # Words before the first and after the last agreement belong to the place, not to the quote,
    # unless the quote has words there too.
    first, last = blocks.index(equal[0]), blocks.index(equal[-1])
    agree, whole = 0.0, True
    begin, end = equal[0][3], equal[-1][4]
    for i, (tag, a0, a1, b0, b1) in enumerate(blocks):
        if tag == "equal":
            agree += a1 - a0
            continue
        outside = not first < i < last
        if outside and a0 == a1:
            continue
        ours = asked[a0:a1]
        theirs = said[low + b0 : low + b1]
        if outside:
            theirs = theirs[-len(ours) :] if i < first else theirs[: len(ours)]
        likeness = _slip(ours, theirs)
        agree += likeness * len(ours)
        whole = whole and likeness > 0
        if outside and likeness:
            begin, end = min(begin, equal[0][3] - len(theirs)), max(end, b0 + len(theirs))
    span = max(len(asked), end - begin)
    return _Aligned(min(1.0, agree / span), low + begin, low + end, whole)


def _slip(ours: list[str], theirs: list[str]) -> float:
    """Likeness of two runs that differ only in spelling or in where words are split, else 0."""
    a, b = "".join(ours), "".join(theirs)
    if a == b:
        return 1.0
    if len(ours) != len(theirs) or any(c.isdecimal() for c in a + b):
        return 0.0
    pairs = [SequenceMatcher(None, x, y).ratio() for x, y in zip(ours, theirs, strict=True)]
    return min(pairs) if min(pairs) >= SLIP else 0.0


def _window(asked: list[str], said: list[str]) -> int:
    """Start of the run of `said`, as long as the quote, that shares most words with it."""
    need = Counter(asked)
    size = len(asked)
    have: Counter[str] = Counter(said[:size])
    shared = sum((need & have).values())
    best, best_at = shared, 0
    for i in range(size, len(said)):
        new, old = said[i], said[i - size]
        have[new] += 1
        shared += have[new] <= need[new]
        shared -= have[old] <= need[old]
        have[old] -= 1
        if shared > best:
            best, best_at = shared, i - size + 1
    return best_at
