"""Words whose letters are set apart, as in titles, between which engines add spaces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

_SINGLE = re.compile(r"(?<!\S)[^\W\d_](?: [^\W\d_]){4}(?!\S)")
"""Five letters that stand alone."""
WIDEST = 0.3
"""Gap in font sizes up to which a space may be none: that between words is a third of one."""
SPACED = 0.6
"""Such gaps for each letter of a line: fewer stand between letters that follow a word, as the
answers of a test."""
WIDER = 1.5
"""Times the usual gap from which one divides words."""


def is_likely(texts: Iterable[str]) -> bool:
    """Whether letters stand alone in a row."""
    return any(_SINGLE.search(text) for text in texts)


def no_spaces(chars: Sequence[str], gaps: Mapping[int, float], size: float) -> frozenset[int]:
    """Which of the spaces of a line of this font size that the engine added, by their number with
    their width, stand between letters of one word."""
    if not gaps or not is_likely(["".join(chars)]):
        return frozenset()
    letters = sum(char.isalpha() for char in chars)
    between = {n: gap for n, gap in gaps.items() if _is_between_letters("".join(chars), n)}
    if len(between) < SPACED * letters or (usual := median(gaps.values())) > WIDEST * size:
        return frozenset()
    return frozenset(n for n, gap in between.items() if gap <= WIDER * usual)


def _is_between_letters(line: str, n: int) -> bool:
    """Whether no number and no longer word is beside a space; two letters stand together where
    they are set closer than others, as A and V."""
    sides = line[max(0, n - 3) : n].rpartition(" ")[2], line[n + 1 : n + 4].partition(" ")[0]
    return all(len(side) < 3 and not any(c.isdigit() for c in side) for side in sides)
