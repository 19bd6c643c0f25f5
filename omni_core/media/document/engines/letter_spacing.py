"""Words whose letters are set apart, as in titles, between which engines add spaces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

_SINGLE = re.compile(r"(?<!\S)[^\W\d_](?: [^\W\d_]){4}(?!\S)")
"""Five letters that stand alone."""
WIDEST = 0.3
"""Gap in font sizes up to which a space may be none: that between words is a third of one."""
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
    if len(gaps) < letters / 2 or (usual := median(gaps.values())) > WIDEST * size:
        return frozenset()
    return frozenset(n for n, gap in gaps.items() if gap <= WIDER * usual)
