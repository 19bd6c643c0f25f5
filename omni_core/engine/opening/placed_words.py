"""The words of a source with their places: from the text layer of the file, else as stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from omni_core.engine.context import Context
from omni_core.engine.opening.transcript import shared_words
from omni_core.engine.results import Placed
from omni_core.errors import OmniError
from omni_core.evidence.check import QuoteMatch, match_quote
from omni_core.evidence.places import of_quote, of_text
from omni_core.originals import Original
from omni_core.points import Point
from omni_core.text import places
from omni_core.types import Modality, PlacedWord, SourceRow

MAX_PAGES = 4
"""Pages whose text layers are read for one quote."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen at once: a page, a frame of a video, or an image, and its words."""

    words: tuple[PlacedWord, ...]
    page: int | None = None
    frame_s: float | None = None


def stored_words(points: Sequence[Point]) -> list[Sight]:
    """The words of segments in their order with their places, by page or frame; once those that
    two windows of a text share, and those of a table's rows."""
    found: dict[tuple[int | None, float | None], list[PlacedWord]] = {}
    for point in sorted(points, key=lambda point: bool(point.stored.unit)):
        words = found.setdefault(_where(point), [])
        if point.stored.unit and words:
            continue  # they stand in the windows of the page's text
        new = list(_words(point))
        shared = shared_words([w.text for w in words], [w.text for w in new])
        words += new[shared:]
    return [Sight(tuple(words), *at) for at, words in found.items() if words]


async def place_of_quote(
    context: Context, row: SourceRow, file: Original | None, points: Sequence[Point], quote: str
) -> tuple[Placed, ...]:
    """Where a quote stands, within what these segments hold: the best place, () when no word of it
    has one. `file`: the file, whose text layer is exact; None where it is gone."""
    sights = await asyncio.to_thread(stored_words, points)
    if file is not None and row.modality is Modality.DOCUMENT and row.pages:
        numbers = sorted({point.stored.page or 0 for point in points} - {0})
        if len(numbers) <= MAX_PAGES:
            known = {sight.page: sight for sight in sights}
            read = [await page_words(context, file, number) for number in numbers]
            sights = [
                Sight(words, number) if words else known.get(number, Sight(()))
                for number, words in zip(numbers, read, strict=True)
            ]
    return await asyncio.to_thread(_best_place, sights, points, quote)


def _best_place(sights: Sequence[Sight], points: Sequence[Point], quote: str) -> tuple[Placed, ...]:
    best: tuple[QuoteMatch, Placed] | None = None
    for sight in sights:
        match, rects = of_quote(quote, sight.words)
        if rects and (best is None or match.ratio > best[0].ratio):
            best = match, Placed(rects, sight.page, sight.frame_s)
    if best is None or best[0].verdict != "found":
        for point in points:  # a row says more than stands in it: the headers of its columns
            stored = point.stored
            if stored.unit and match_quote(quote, [stored.text]).verdict == "found":
                return place_of_segment(point)
    return () if best is None or best[0].verdict == "not_found" else (best[1],)


async def page_words(context: Context, file: Original, number: int) -> tuple[PlacedWord, ...]:
    """The words of a page's text layer; () where it has none, or cannot be read."""
    try:
        return tuple(await context.decoders.open("words", file, number))
    except OmniError:
        return ()


def place_of_segment(point: Point) -> tuple[Placed, ...]:
    """Where the words of a segment stand, or the figure that it is, or the faces that it shows; ()
    when unknown."""
    stored = point.stored
    rects = (stored.crop,) if stored.crop else of_text(stored.text, stored.placed) or stored.faces
    page, second = _where(point)
    return (Placed(rects, page, second),) if rects else ()


def recognised(points: Sequence[Point], page: int) -> tuple[PlacedWord, ...]:
    """The words that were recognised on this page, in this picture of a document without pages, or
    in the first frame of this image, which is its page 1."""
    [*sights] = stored_words([point for point in points if _is_on(point, page)])
    return tuple(word for sight in sights for word in sight.words)


def _where(point: Point) -> tuple[int | None, float | None]:
    stored = point.stored
    if stored.modality is Modality.DOCUMENT:
        return stored.page or stored.picture or None, None
    return None, stored.key_time if stored.modality is Modality.VIDEO else None


def _is_on(point: Point, page: int) -> bool:
    stored = point.stored
    if stored.span.axis == "char":
        return stored.picture == page
    return (stored.page or 1) == page and stored.span.start in (0, page)


def _words(point: Point) -> Iterator[PlacedWord]:
    stored = point.stored
    if stored.placed:
        for text, rect in places.words(stored.text, places.unpack(stored.placed)):
            yield PlacedWord(text, *places.rounded(rect))
    for line in stored.places:
        whole = places.Place(0, len(line.text), (line.left, line.top, line.right, line.bottom))
        for text, rect in places.words(line.text, [whole]):
            yield PlacedWord(text, *places.rounded(rect))
