"""Which words of a question are so rare that standing in a text says more than any likeness."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from omni_core.text import bm25

LISTED = frozenset(
    ["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"]
)
"""The languages of the list of common words."""
MIN_LETTERS = 4
"""Shorter words are not called rare: abbreviations are common words in some language."""
_DIGITS = re.compile(r"\d")
_WORD = re.compile(r"\w[\w.'\u2019/-]*")
_COMMON = Path(__file__).with_name("data") / "common_words.txt"


def rare_terms(question: str) -> tuple[str, ...]:
    """The terms (of `bm25`) of its rare words, in order: codes, numbers of four digits or more, and
    words that are not among 56,000 common ones. Most of those are English; some everyday words
    count as rare, in other languages more of them, and none in scripts without spaces between
    words."""
    found: dict[str, None] = {}
    for word in _WORD.findall(question):
        terms = bm25.terms(word)
        if not terms:
            continue
        if _DIGITS.search(word):
            if len(_DIGITS.findall(word)) >= 4 or (terms[0] != word and not terms[0].isdigit()):
                found[terms[0]] = None
        elif len(terms) == 1 and len(terms[0]) >= MIN_LETTERS and terms[0] not in _common():
            found[terms[0]] = None
    return tuple(found)


def common_share(text: str) -> float:
    """Share of the words of `MIN_LETTERS` letters or more, in scripts with spaces between words,
    that are common in one of the 15 languages of the list; 0 where there is no such word."""
    words = [w for w in _WORD.findall(text) if len(w) >= MIN_LETTERS]
    held = [set(bm25.terms(w)) <= _common() for w in words]
    return sum(held) / len(held) if held else 0.0


@cache
def _common() -> frozenset[str]:
    return frozenset(_COMMON.read_text(encoding="utf-8").split("\n"))
