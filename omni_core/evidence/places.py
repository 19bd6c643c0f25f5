"""Which rectangles of a page answer: those of the words of a question, or of a quote."""

from __future__ import annotations

import re
from collections.abc import Sequence

from omni_core.evidence.check import QuoteMatch, match_quote
from omni_core.evidence.snippet import Passage
from omni_core.text import places
from omni_core.text.bm25 import telling, terms
from omni_core.text.clean import clean
from omni_core.types import PlacedWord, Rect

MOST = 6
"""Rectangles of one answer; more are joined to blocks."""


def of_passage(text: str, placed: str, question: str, shown: Passage) -> tuple[Rect, ...]:
    """The lines of the shown passage of a segment's text that hold words of the question, each
    from the first to the last word of the passage on it; where none does, the block of the whole
    text. `placed`: as `text.places.pack` gives it."""
    found = places.unpack(placed)
    if not found:
        return ()
    wanted = telling(question)
    lines = places.lines(text, found, *_characters(text, shown))
    told = [x.rect for x in lines if not wanted.isdisjoint(terms(text[x.start : x.end]))]
    return _few(told) if told else of_text(text, placed)


def of_text(text: str, placed: str) -> tuple[Rect, ...]:
    """The lines of a segment's text; of many the blocks."""
    found = places.lines(text, places.unpack(placed), 0, len(text))
    return _few([line.rect for line in found])


def of_quote(quote: str, said: Sequence[PlacedWord]) -> tuple[QuoteMatch, tuple[Rect, ...]]:
    """How well a quote agrees with placed words, and a rectangle for each line of what agrees."""
    match = match_quote(quote, [word.text for word in said])
    found: list[Rect] = []
    for first, last in match.ranges:
        part = said[first : last + 1]
        found += places.by_line((w.left, w.top, w.right, w.bottom) for w in part)
    return match, tuple(places.rounded(rect) for rect in found)


def _few(rects: Sequence[Rect]) -> tuple[Rect, ...]:
    return tuple(places.rounded(rect) for rect in places.few(rects, MOST)) if rects else ()


def _characters(text: str, shown: Passage) -> tuple[int, int]:
    """The characters of `text` that a passage of it, cleaned, shows; all where cleaning changed
    more than white space."""
    said = clean(text)
    if "".join(said.split()) != "".join(text.split()):
        return 0, len(text)
    before = len("".join(said[: shown.start].split()))
    count = len("".join(said[shown.start : shown.end].split()))
    seen = [match.start() for match in re.finditer(r"\S", text)]
    return (seen[before], seen[before + count - 1] + 1) if count else (0, len(text))
