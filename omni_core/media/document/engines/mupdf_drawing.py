"""Pages with thousands of long strokes, which MuPDF would smooth for half a minute."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pymupdf

MANY = 8_000
"""Strokes and fills of a page from which their heights are summed up, which costs as much as
drawing short ones."""
TOO_MANY = 80_000
"""Strokes and fills of a page that reach `MOST_ROWS` if they are short: to sum up the heights of
400,000 takes 14 s, to draw them 6."""
MOST_ROWS = 3_000_000
"""Rows of pixels that all of them cover, at most, where edges are smoothed. Smoothing costs a
microsecond a row: 20,000 strokes from top to bottom take 35 s, and 1.4 s without."""
_SHORTEST = len(b"9 9 m 9 9 l S ")
_SMOOTH, _PLAIN = 8, 0
"""Levels of smoothing: MuPDF's own, and none."""
_PAINT = re.compile(rb"\s[SsfFBb]\*?(?=\s)")


@contextmanager
def smoothed(page: Any, drawn: bytes, scale: float) -> Iterator[None]:
    """Edges of strokes and fills are smoothed while the page is drawn at this scale, unless they
    are too many; letters always are. `drawn`: what a page of a PDF draws, unpacked."""
    plain = _rows(page, drawn) * scale > MOST_ROWS
    if plain:
        pymupdf.mupdf.fz_set_graphics_aa_level(_PLAIN)
    try:
        yield
    finally:
        if plain:
            pymupdf.mupdf.fz_set_graphics_aa_level(_SMOOTH)


def _rows(page: Any, drawn: bytes) -> float:
    """The summed heights of what is stroked and filled, in points; 0 where that is not much, and
    infinite where it need not be summed up."""
    if len(drawn) < MANY * _SHORTEST:
        return 0.0
    count = sum(1 for _ in islice(_PAINT.finditer(drawn), TOO_MANY))
    if not MANY <= count < TOO_MANY:
        return 0.0 if count < MANY else math.inf
    bottom = float(page.rect.height)
    heights = (
        max(0.0, min(y1, bottom) - max(y0, 0.0))
        for kind, (_, y0, _, y1), *_ in page.get_bboxlog()
        if kind.endswith("path")
    )
    return float(sum(heights))
