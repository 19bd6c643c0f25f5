"""Places of the words of a picture or a scanned page, from what was recognised at ingest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from omni_core.points import Point
from omni_core.types import PlacedWord


def recognised(points: Sequence[Point], page: int) -> tuple[PlacedWord, ...]:
    """The words of the lines that were recognised on this page, in this picture of a document
    without pages, or in the first frame of this image, which is its page 1."""
    return tuple(
        word
        for point in points
        if _is_on(point, page)
        for line in point.stored.places
        for word in _words(line)
    )


def _is_on(point: Point, page: int) -> bool:
    stored = point.stored
    if stored.span.axis == "char":
        return stored.picture == page
    return (stored.page or 1) == page and stored.span.start in (0, page)


def _words(line: PlacedWord) -> Iterator[PlacedWord]:
    """A line's words, each with its share of the line's width: letters are about equally wide."""
    words = line.text.split()
    letters = len(" ".join(words)) or 1
    width = (line.right - line.left) / letters
    at = line.left
    for word in words:
        end = at + len(word) * width
        yield PlacedWord(word, round(at, 4), line.top, round(end, 4), line.bottom)
        at = end + width
