"""Rows of tables and figures with their captions on a page with a text layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from omni_core.media.document.engines.base import Box, Line, Page
from omni_core.text import units
from omni_core.text.figures import Caption, captions, figures, part_of
from omni_core.text.places import Place
from omni_core.text.tables import Cell, Table, tables
from omni_core.types import (
    Channel,
    ImageContent,
    Modality,
    Pixels,
    Segment,
    Source,
    Span,
    TextContent,
)

ROW_ORIGIN, CAPTION_ORIGIN = "table row (text layer)", "figure caption (text layer)"


@dataclass(frozen=True, slots=True)
class PageUnits:
    """What is told apart on a page: its cells, tables, captions of figures, and where pictures
    lie."""

    cells: list[Cell] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    captions: list[Caption] = field(default_factory=list)
    pictures: list[Box] = field(default_factory=list)
    size: tuple[float, float] = (1.0, 1.0)


def look(page: Page, lines: Sequence[Line]) -> PageUnits:
    """The lines (in reading order) as cells; pictures are looked for only beside captions."""
    wide, high = page.width, page.height
    cells = []
    for line in lines:
        x0, y0, x1, y1 = line.box
        rect = (x0 / wide, y0 / high, x1 / wide, y1 / high)
        cells.append(Cell(line.text, line.box, (Place(0, len(line.text), rect, line.turn),)))
    found = captions(cells)
    return PageUnits(cells, tables(cells), found, page.pictures() if found else [], (wide, high))


def row_segments(found: PageUnits, source: Source, span: Span, heading: str) -> Iterator[Segment]:
    """The rows of the tables of a page."""
    for unit in units.rows(found.tables, heading):
        yield _words(unit, source, span, ROW_ORIGIN)


def figure_segments(
    found: PageUnits, pixels: Pixels, source: Source, span: Span, heading: str
) -> Iterator[Segment]:
    """Each figure of a page, of which `pixels` is the image: its caption, then what it shows. A
    caption without a figure is none."""
    shown = figures(found.captions, found.cells, found.pictures, found.tables, found.size, pixels)
    for number, (caption, alone, whole) in enumerate(shown, 1):
        unit = units.figure(number, caption, heading, whole)
        yield _words(unit, source, span, CAPTION_ORIGIN)
        extra = {"unit": units.FIGURE, "crop": unit.extra["crop"]}
        extra["heading"] = caption.text[: units.MAX_CAPTION]
        yield Segment(
            source.id, Modality.DOCUMENT, Channel.VISUAL, span,
            ImageContent(part_of(pixels, alone)), part=number, extra=extra,
        )  # fmt: skip


def _words(unit: units.Unit, source: Source, span: Span, origin: str) -> Segment:
    return Segment(
        source.id, Modality.DOCUMENT, Channel.TEXT, span, TextContent(unit.text), unit.text, origin,
        unit.part, unit.extra,
    )  # fmt: skip
