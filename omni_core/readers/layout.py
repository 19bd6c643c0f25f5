"""OCR boxes to text in reading order: pure functions over rectangles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from omni_core.text.places import Place, after, union
from omni_core.text.tables import Cell, Table, tables

_STROKE_CHARACTERS = re.compile(r"[^\w%$€£°.,:/+#&'-]")


@dataclass(frozen=True, slots=True)
class Line:
    """A recognised line of text, its words one space apart, and its axis-aligned rectangle, in
    pixels."""

    text: str
    score: float
    left: float
    top: float
    right: float
    bottom: float
    places: tuple[Place, ...] = ()
    """Where its words are, in fractions of the image as it was given: the text may have been turned
    to be read."""

    upright: bool = True
    """Whether the image was not turned to read it."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom, in pixels."""
        return self.left, self.top, self.right, self.bottom

    @property
    def height(self) -> float:
        """Approximately the font size."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Layout:
    """What is read of an image: rows of lines in reading order, and the tables among them."""

    rows: tuple[tuple[Line, ...], ...]
    tables: tuple[Table, ...] = ()

    def text(self) -> tuple[str, list[Place]]:
        """One row per line, and the places of the words."""
        text: list[str] = []
        places: list[Place] = []
        at = 0
        for row in self.rows:
            for line in row:
                places += after(line.places, at)
                at += len(line.text) + 1
            text.append(" ".join(line.text for line in row))
        return "\n".join(text), places


def layout(lines: Sequence[Line]) -> Layout:
    """The lines in reading order, those side by side in one row, filtered by `clean`. A table is
    read row by row, and its cells are kept whatever they hold."""
    by_cell = {}
    for line in sorted(lines, key=lambda line: (line.top + line.bottom, line.left)):
        cell = Cell(line.text, line.box, line.places)
        by_cell[id(cell)] = cell, line
    found = tables([cell for cell, _ in by_cell.values()])
    inside = {id(cell) for table in found for row in table.grid for cell in row}
    blocks: dict[int, Table] = {}
    left = [line for key, (_, line) in by_cell.items() if key not in inside]
    for table in found:
        block = Line("", 1.0, *union(cell.box for row in table.grid for cell in row))
        blocks[id(block)] = table
        left.append(block)
    rows: list[tuple[Line, ...]] = []
    for row in (row for block in _blocks(left) for row in _rows(block)):
        if said := tuple(line for line in row if clean(line.text)):
            rows.append(said)
        for table in (blocks[id(line)] for line in row if id(line) in blocks):
            rows += [tuple(by_cell[id(cell)][1] for cell in cells) for cells in table.grid]
    return Layout(tuple(rows), tuple(found))


def _blocks(lines: list[Line]) -> list[list[Line]]:
    """Columns and bands (an XY cut): split where an empty gap crosses all lines."""
    if len(lines) < 2:
        return [lines] if lines else []
    heights = sorted(line.height for line in lines if line.text) or [lines[0].height]
    size = heights[len(heights) // 2]
    columns = _split(lines, attrgetter("left"), attrgetter("right"), 1.2 * size)
    if len(columns) > 1 and all(len(c) > 1 for c in columns):
        return [block for column in columns for block in _blocks(column)]
    bands = _split(lines, attrgetter("top"), attrgetter("bottom"), 1.5 * size)
    if len(bands) > 1:
        return [block for band in bands for block in _blocks(band)]
    return [lines]


def _split(
    lines: list[Line], low: Callable[[Line], float], high: Callable[[Line], float], gap: float
) -> list[list[Line]]:
    """Group lines along one axis where the gap between `high` of one and `low` of the next exceeds
    `gap` pixels."""
    ordered = sorted(lines, key=low)
    groups: list[list[Line]] = []
    reach = float("-inf")
    for line in ordered:
        if low(line) - reach > gap:
            groups.append([])
        groups[-1].append(line)
        reach = max(reach, high(line))
    return groups


def _rows(block: list[Line]) -> list[list[Line]]:
    """Lines on the same baseline, left to right."""
    rows: list[list[Line]] = []
    for line in sorted(block, key=lambda line: line.top + line.bottom):
        middle = (line.top + line.bottom) / 2
        if rows and rows[-1][0].top < middle < rows[-1][0].bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.left) for row in rows]


def clean(text: str) -> str:
    """The line with single spaces; empty when it is likely a false detection.

    Textures and channel logos give single letters, runs of one symbol, and up to three characters
    with an unusual symbol among them.
    """
    text = re.sub(r"\s+", " ", text).strip()
    bare = text.replace(" ", "")
    if any(_is_cjk(c) for c in bare):
        return text
    letters = sum(c.isalnum() for c in bare)
    if letters < 2 or letters * 2 < len(bare) or len(set(bare.lower())) < 2:
        return ""
    return "" if len(bare) < 4 and _STROKE_CHARACTERS.search(bare) else text


def _is_cjk(c: str) -> bool:
    return unicodedata.name(c, "").startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL"))
