"""Checks a quote against a text: alignment of words, tolerant of spelling. No model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from omni_core.text.clean import clean
from omni_core.text.tokens import words

PARTIAL_RATIO = 0.5
"""Share of matching words from which a quote is `partly` found."""
SAME_SPELLING = 0.75
"""Similarity ratio (difflib) from which two words count as spellings of one word."""
LONGEST_WORD = 64
"""Letters of a word whose spelling is compared: a longer one must agree letter by letter."""
MOST_PARTS = 20
"""Parts of a quote, between its ellipses, that are looked for one by one; more are taken as one."""
MOST_PAIRS = 10_000
"""Equal pairs of a word of the quote and one of the passage up to which both are aligned. A quote
of 350 words in English has some 1,500; past it (the same few words again and again) alignment would
take minutes, so that words are compared place by place."""

Verdict = Literal["found", "partly", "not_found"]


@dataclass(frozen=True, slots=True)
class QuoteMatch:
    """Result of aligning a quote with a text."""

    verdict: Verdict
    """`found`: every word in order, none missing, none inserted; spelling may differ."""
    ratio: float
    """Matching words in order, as a share of the longer of quote and passage: 0 to 1."""
    best: str
    """The passage that matches best."""
    first: int
    """Index of the line in which `best` begins; -1 when nothing matches."""
    last: int
    """Index of the line in which it ends."""
    ranges: tuple[tuple[int, int], ...] = ()
    """The lines in which each part of the quote begins and ends: one part, or those around its
    ellipses."""


_NO_MATCH = QuoteMatch("not_found", 0.0, "", -1, -1)


def match_quote(quote: str, lines: Sequence[str]) -> QuoteMatch:
    """Compare `quote` with the words of `lines`, across line ends, ignoring case and punctuation.

    The parts of a quote with an ellipsis are aligned one after another; the verdict is that of
    the worst part.
    """
    source: list[str] = []
    printed: list[tuple[str, int, int]] = []
    for number, line in enumerate(lines):
        for i, part in enumerate(clean(line).split(" ")):
            for word in words(part):
                source.append(word)
                printed.append((part, number, i))
    parts = [w for p in re.split(r"\[?(?:…|\.\.\.+)\]?", quote) if (w := words(p))]
    if len(parts) > MOST_PARTS:
        parts = [[word for part in parts for word in part]]
    if not parts or not source:
        return _NO_MATCH
    aligned: list[_Aligned] = []
    after = 0
    for quoted in parts:
        aligned.append(_align(quoted, source, after))
        after = aligned[-1].end or after
    total = sum(len(p) for p in parts)
    ratio = sum(a.ratio * len(p) for a, p in zip(aligned, parts, strict=True)) / total
    if ratio == 0:
        return _NO_MATCH
    ranges = [(a.start, a.end) for a in aligned if a.ratio]
    best = " … ".join(" ".join(_join(printed[start:end])) for start, end in ranges)
    verdict: Verdict = "not_found"
    if all(a.whole for a in aligned):
        verdict = "found"
    elif ratio >= PARTIAL_RATIO:
        verdict = "partly"
    found = tuple((printed[start][1], printed[end - 1][1]) for start, end in ranges)
    return QuoteMatch(verdict, round(ratio, 3), best, found[0][0], found[-1][1], found)


def _join(printed: Sequence[tuple[str, int, int]]) -> list[str]:
    """Each printed word once; one may hold several tokens (`well-known`, a run of kanji)."""
    return [part for part, _, _ in dict.fromkeys(printed)]


@dataclass(frozen=True, slots=True)
class _Aligned:
    ratio: float
    start: int
    end: int
    whole: bool


def _align(quoted: list[str], source: list[str], after: int) -> _Aligned:
    """Alignment of `quoted` with the best matching passage of `source` from word `after` on."""
    start = after + _best_window(quoted, source[after:])
    slack = 2 + len(quoted) // 4
    low, high = max(after, start - slack), min(len(source), start + len(quoted) + slack)
    blocks = _opcodes(quoted, source[low:high], start - low)
    equal = [op for op in blocks if op[0] == "equal"]
    if not equal:
        return _Aligned(0.0, 0, 0, False)
    # Words before the first and after the last match are not part of the passage, unless the
    # quote has words there too.
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
        quote_run = quoted[a0:a1]
        source_run = source[low + b0 : low + b1]
        if outside:
            source_run = (
                source_run[-len(quote_run) :] if i < first else source_run[: len(quote_run)]
            )
        similarity = _spelling_similarity(quote_run, source_run)
        agree += similarity * len(quote_run)
        whole = whole and similarity > 0
        if outside and similarity:
            begin, end = min(begin, equal[0][3] - len(source_run)), max(end, b0 + len(source_run))
    span = max(len(quoted), end - begin)
    return _Aligned(min(1.0, agree / span), low + begin, low + end, whole)


def _opcodes(
    quoted: list[str], passage: list[str], at: int
) -> Sequence[tuple[str, int, int, int, int]]:
    """How the quote becomes the passage, as `SequenceMatcher.get_opcodes`; `at` is the place of the
    passage at which the quote seems to begin."""
    there = Counter(passage)
    if sum(there[word] for word in quoted) <= MOST_PAIRS:
        return SequenceMatcher(None, quoted, passage, autojunk=False).get_opcodes()
    both = min(len(quoted), len(passage) - at)
    agree = [quoted[i] == passage[at + i] for i in range(both)]
    codes = [("insert", 0, 0, 0, at)] if at else []
    for i, same in enumerate(agree):
        tag = "equal" if same else "replace"
        if codes and codes[-1][0] == tag:
            codes[-1] = (tag, codes[-1][1], i + 1, codes[-1][3], at + i + 1)
        else:
            codes.append((tag, i, i + 1, at + i, at + i + 1))
    if both < len(quoted):
        codes.append(("delete", both, len(quoted), at + both, at + both))
    if at + both < len(passage):
        codes.append(("insert", len(quoted), len(quoted), at + both, len(passage)))
    return codes


def _spelling_similarity(quote_run: list[str], source_run: list[str]) -> float:
    """Similarity, 0 to 1, of two runs that differ only in spelling or in word breaks; else 0."""
    a, b = "".join(quote_run), "".join(source_run)
    if a == b:
        return 1.0
    if len(quote_run) != len(source_run) or any(c.isdecimal() for c in a + b):
        return 0.0
    if max(map(len, (*quote_run, *source_run)), default=0) > LONGEST_WORD:
        return 0.0
    pairs = [
        SequenceMatcher(None, x, y).ratio() for x, y in zip(quote_run, source_run, strict=True)
    ]
    return min(pairs) if min(pairs) >= SAME_SPELLING else 0.0


def _best_window(quoted: list[str], source: list[str]) -> int:
    """Start of the window of `source`, as long as `quoted`, that shares most words with it."""
    need = Counter(quoted)
    size = len(quoted)
    have: Counter[str] = Counter(source[:size])
    shared = sum((need & have).values())
    best, best_at = shared, 0
    for i in range(size, len(source)):
        new, old = source[i], source[i - size]
        have[new] += 1
        shared += have[new] <= need[new]
        shared -= have[old] <= need[old]
        have[old] -= 1
        if shared > best:
            best, best_at = shared, i - size + 1
    return best_at
