"""Parts of a page that are segments of their own: rows of tables, and captions of figures.

Their words stand in the windows of the page's text as well. A row repeats the headers of its
columns and is put under its table's caption, so that it is found by them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from omni_core.text.figures import Caption
from omni_core.text.places import Place, pack, rounded
from omni_core.text.tables import Table
from omni_core.types import Rect

ROW, FIGURE = "row", "figure"
"""`extra["unit"]` of such segments."""
ROW_PARTS, FIGURE_PARTS = 100_000, 200_000
"""Numbers (`Segment.part`) of such segments of one page, behind those of its windows."""
MAX_CAPTION = 160
"""Characters of a caption that are repeated with each row."""


class Unit(NamedTuple):
    """The words of a part of a page, its number, and further fields of its segment."""

    text: str
    part: int
    extra: dict[str, Any]


def rows(found: Sequence[Table], heading: str = "", first: int = ROW_PARTS) -> Iterator[Unit]:
    """The rows of a page's tables, numbered from `first`; `heading`: what a table without a caption
    stands under."""
    part = first
    for table in found:
        above = table.caption[:MAX_CAPTION] or heading
        for row in table.rows:
            yield Unit(row.text, part, _extra(ROW, above, row.places))
            part += 1


def figure(
    number: int, caption: Caption, heading: str, crop: Rect, first: int = FIGURE_PARTS
) -> Unit:
    """The caption of figure `number` (from 1) of a page; `crop`: where it and the figure are."""
    extra = _extra(FIGURE, heading, caption.places)
    extra["crop"] = list(rounded(crop))
    return Unit(caption.text, first + number, extra)


def _extra(kind: str, heading: str, places: Sequence[Place]) -> dict[str, Any]:
    extra: dict[str, Any] = {"unit": kind}
    if heading:
        extra["heading"] = heading
    if placed := pack(places):
        extra["placed"] = placed
    return extra
