"""Figures of a page: a caption, and the picture or drawing above or below it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from omni_core.text.places import Place, after, union
from omni_core.text.tables import Cell, Table, is_caption
from omni_core.types import Pixels, Rect

MAX_FIGURES = 12
"""Figures of one page that are units of their own."""
MAX_LINES = 8
"""Lines of one caption."""
CLOSE = 0.9
"""Distance of two lines of one caption, in heights of a line."""
NEAR = 0.08
"""Distance of a picture from its caption, as a share of the page's height."""
INK = 24
"""Difference from the paper's shade from which a pixel is drawn on."""
LEAST_INK = 0.004
"""Share of such pixels from which a free part of a page is a drawing."""
LEAST, WHOLE = 0.05, 0.85
"""Height of a figure, and share of the page from which a picture is its background."""
PROSE_WORDS, PROSE_WIDTH = 7, 0.6
"""Words of a line of prose, and its width as a share of the widest: labels in drawings have less.
"""
_CAPTION = re.compile(
    r"(?:figure|fig\.?|abbildung|abb\.?|figura|ilustraci[óo]n|graphique|chart|diagram|photo|plate|"
    r"рисунок|рис\.?|图|圖|図|그림)\s*[№#]?\s*[a-z]?\d+(?:[.\-–]\d+)*[a-z]?\b"
    r"(?:\s*[.:|)–—-]|\s*$|\s{2,}|\s+[^\W\d_])", re.IGNORECASE
)  # fmt: skip
_STARTS_LOWER = re.compile(r".*?\d[\w.\-–]*\s+[a-zà-ÿа-я]")


class Caption(NamedTuple):
    """The words of a caption, their places, and its box in the units of the cells."""

    text: str
    places: tuple[Place, ...]
    box: Rect


def captions(cells: Sequence[Cell]) -> list[Caption]:
    """The captions of figures on a page, whose lines are in reading order."""
    found: list[Caption] = []
    for n, cell in enumerate(cells):
        if len(found) == MAX_FIGURES:
            break
        if not _begins(cell.text) or (n and _goes_on(cells[n - 1], cell, prose=True)):
            continue
        lines = [cell]
        for following in cells[n + 1 : n + MAX_LINES]:
            if _begins(following.text) or not _goes_on(lines[-1], following):
                break
            lines.append(following)
        text, places = "", []
        for line in lines:
            text += " " if text else ""
            places += after(line.places, len(text))
            text += line.text
        found.append(Caption(text, tuple(places), union(line.box for line in lines)))
    return found


def _begins(text: str) -> bool:
    """Whether a line begins a caption, rather than a sentence about a figure."""
    return _CAPTION.match(text) is not None and _STARTS_LOWER.match(text[:40]) is None


def _goes_on(above: Cell, below: Cell, *, prose: bool = False) -> bool:
    """Whether a line stands right below another; with `prose` below one of a sentence."""
    if prose and len(above.text.split()) < PROSE_WORDS:
        return False
    close = -0.5 * above.height < below.box[1] - above.box[3] < CLOSE * above.height
    over = min(above.box[2], below.box[2]) > max(above.box[0], below.box[0])
    alike = 0.75 < below.height / max(above.height, 1e-6) < 1.33
    return close and over and alike


def figures(
    found: Sequence[Caption],
    cells: Sequence[Cell],
    pictures: Sequence[Rect],
    tables: Sequence[Table],
    size: tuple[float, float],
    pixels: Pixels,
) -> Iterator[tuple[Caption, Rect, Rect]]:
    """Each caption that has a figure, with the place of the figure alone and with its caption, in
    fractions: the pictures beside the caption, or what is drawn in the free space above it.

    `cells`, `pictures`, `tables` and `size`, that of the page, are in the same units; `pixels` is
    its image.
    """
    ends = [caption.box[3] for caption in found]
    ends += [cell.box[3] for cell in cells if is_caption(cell.text)]
    ends += [cell.box[3] for table in tables for row in table.grid for cell in row]
    for caption in found:
        box = of_pictures(caption, pictures, size)
        shown = None if box is None else _share(box, size)
        if shown is None and (free := free_above(caption, cells, ends, size)) is not None:
            shown = _drawn(pixels, _share(free, size))
        if shown is not None:
            yield caption, shown, union((shown, _share(caption.box, size)))


def _drawn(pixels: Pixels, area: Rect) -> Rect | None:
    """The part of an area of a page that is drawn on; None where next to nothing is."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = _in_pixels(area, width, height)
    shades = pixels[y0:y1, x0:x1].astype(np.int16).mean(axis=2)
    ink = np.abs(shades - np.median(shades)) > INK
    if ink.mean() < LEAST_INK:
        return None
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if rows[-1] - rows[0] < LEAST * height:
        return None
    return (
        (x0 + int(columns[0])) / width, (y0 + int(rows[0])) / height,
        (x0 + int(columns[-1]) + 1) / width, (y0 + int(rows[-1]) + 1) / height,
    )  # fmt: skip


def part_of(pixels: Pixels, area: Rect) -> Pixels:
    """A copy of the part of an image; never empty."""
    x0, y0, x1, y1 = _in_pixels(area, pixels.shape[1], pixels.shape[0])
    return np.ascontiguousarray(pixels[y0:y1, x0:x1])


def _in_pixels(area: Rect, width: int, height: int) -> tuple[int, int, int, int]:
    x, y = min(int(area[0] * width), width - 1), min(int(area[1] * height), height - 1)
    return x, y, max(x + 1, round(area[2] * width)), max(y + 1, round(area[3] * height))


def _share(area: Rect, size: tuple[float, float]) -> Rect:
    wide, high = size
    left, top, right, bottom = (
        min(1.0, max(0.0, side / whole)) for side, whole in zip(area, (wide, high) * 2, strict=True)
    )
    return left, top, right, bottom


def of_pictures(
    caption: Caption, pictures: Sequence[Rect], size: tuple[float, float]
) -> Rect | None:
    """The box around the pictures right above a caption, else right below it; None without one."""
    wide, high = size
    usable = [p for p in pictures if 0 < (p[2] - p[0]) * (p[3] - p[1]) < WHOLE * wide * high]
    fitting = [p for p in usable if min(p[2], caption.box[2]) > max(p[0], caption.box[0])]
    above = [p for p in fitting if -0.02 * high < caption.box[1] - p[3] < NEAR * high]
    below = [p for p in fitting if -0.02 * high < p[1] - caption.box[3] < NEAR * high]
    near = above or below
    while near:  # the other parts of a picture in pieces
        box = union(near)
        more = [
            p for p in usable
            if p not in near and min(p[3], box[3]) - max(p[1], box[1]) > -0.01 * high
            and min(p[2], box[2]) - max(p[0], box[0]) > -0.02 * wide
        ]  # fmt: skip
        if not more:
            return box if box[3] - box[1] >= LEAST * high else None
        near += more
    return None


def free_above(
    caption: Caption, cells: Sequence[Cell], ends: Sequence[float], size: tuple[float, float]
) -> Rect | None:
    """The part of the page above a caption, up to the next line of prose or the lower end of what
    is no part of a figure (`ends`), in which a drawing may lie; None where there is no room."""
    wide, high = size
    middle = (caption.box[0] + caption.box[2]) / 2
    # a column is as wide as its prose, above or below
    column = [c.box for c in cells if c.box[0] < middle < c.box[2]
              and len(c.text.split()) >= PROSE_WORDS]  # fmt: skip
    least = PROSE_WIDTH * max((b[2] - b[0] for b in column), default=0.0)
    above = [b[3] for b in column if b[3] <= caption.box[1] and b[2] - b[0] >= least]
    above += [end for end in ends if end <= caption.box[1]]
    top = max(above, default=0.04 * high)
    left = min([caption.box[0], *(b[0] for b in column)])
    right = max([caption.box[2], *(b[2] for b in column)])
    beside = any(
        len(c.text.split()) >= PROSE_WORDS and not left < (c.box[0] + c.box[2]) / 2 < right
        for c in cells if c.box[3] > top and c.box[1] < caption.box[1]
    )  # fmt: skip
    if not beside:  # no other column
        left, right = min(left, 0.06 * wide), max(right, 0.94 * wide)
    if caption.box[1] - top < LEAST * high:
        return None
    return left, top, right, caption.box[1]
