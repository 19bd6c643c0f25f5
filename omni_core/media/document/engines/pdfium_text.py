"""Lines and words from PDFium's characters.

PDFium writes all that stands at one height into one line and joins words that a hyphen divides;
here a line ends at a wide gap, as between columns, and at such a hyphen.
"""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import pypdfium2.raw as c

from omni_core.media.document.engines.base import Box, Glyph, Line, Word, around, direction
from omni_core.media.document.engines.letter_spacing import no_spaces

WIDE = 0.8
"""Gap between two characters, in heights of the font, that divides columns or cells."""
SPACE = 0.3
"""Gap from which a space is between them though none is written."""
LEAST_OF_BOX = 0.7
"""Share of a character's height that its font size has at least; some fonts say a tiny one."""
MOST_OBJECTS = 20_000
"""Objects of a page that are looked at."""
MEANINGLESS = 8
"""Characters that a line has at least to be a loss."""
_LINE_END = (0x0A, 0x0D)
_HYPHEN_AT_END = 0x02
"""What PDFium makes of a hyphen at the end of a line, whose next line it appends."""


@dataclass(slots=True)
class Run:
    """The characters of one line, in the order in which PDFium reads them."""

    size: float = 0.0
    glyphs: list[Glyph] = field(default_factory=list)
    added: dict[int, float] = field(default_factory=dict)
    """The spaces among them that nobody wrote, with their widths."""

    @property
    def text(self) -> str:
        """All characters."""
        return _whole("".join(glyph.text for glyph in self.glyphs))


def runs(
    page: Any,
    seen: Callable[[float, float, float, float], Box],
    size: tuple[float, float],
    numbered: bool,
) -> list[Run]:
    """The lines of a text page of `size`; `seen` places a box (left, bottom, right, top).

    Characters outside the page are left out.
    """
    text = page.raw
    rect = c.FS_RECTF()
    sizes: dict[int, float] = {}
    out, run = [], Run()
    last: Box | None = None
    apart = False
    for n in range(max(0, c.FPDFText_CountChars(text))):
        code = c.FPDFText_GetUnicode(text, n)
        if code in _LINE_END:
            out.append(run)
            run, last = Run(), None
            continue
        if c.FPDFText_IsGenerated(text, n):
            apart = True
            continue
        if not c.FPDFText_GetLooseCharBox(text, n, rect):
            continue
        box = seen(rect.left, rect.bottom, rect.right, rect.top)
        if not _inside(box, size):
            continue
        height = max(_size_of(text, n, sizes), LEAST_OF_BOX * (box[3] - box[1]))
        if last is not None and _divided(last, box, height):
            out.append(run)
            run = Run()
        elif (
            last is not None
            and (apart or max(box[0] - last[2], last[0] - box[2]) > SPACE * height)
            and not run.glyphs[-1].text.isspace()
        ):
            run.added[len(run.glyphs)] = max(box[0] - last[2], last[0] - box[2])
            run.glyphs.append(Glyph(" ", _between(last, box)))
        apart = False
        at_end = code == _HYPHEN_AT_END and c.FPDFText_IsHyphen(text, n)
        letter = "-" if at_end else _letter(text, n, code, numbered)
        if letter == "\ufffd" and box == last:  # of a glyph whose meaning its first part has
            continue
        run.glyphs.append(Glyph(letter, box))
        if not letter.isspace():
            run.size = max(run.size, round(height, 1))
        last = box
        if at_end:
            out.append(run)
            run, last = Run(), None
    found = [r for r in (*out, run) if r.text.strip()]
    for one in found:
        none = no_spaces([glyph.text for glyph in one.glyphs], one.added, one.size)
        kept = [glyph for n, glyph in enumerate(one.glyphs) if n not in none]
        one.glyphs = _ligatures_forward(kept)
    return _forward(found)


def lost_lines(
    page: Any, text: Any, seen: Callable[[float, float, float, float], Box]
) -> list[Line]:
    """A line without meaning for each text that PDFium makes no characters of, as it does of
    vertical writing in a font that is not in the file."""
    out = []
    for n in range(min(c.FPDFPage_CountObjects(page), MOST_OBJECTS)):
        thing = c.FPDFPage_GetObject(page, n)
        if c.FPDFPageObj_GetType(thing) != c.FPDF_PAGEOBJ_TEXT:
            continue
        left, bottom, right, top = (ctypes.c_float() for _ in range(4))
        if not c.FPDFPageObj_GetBounds(thing, left, bottom, right, top):
            continue
        bounds = left.value, bottom.value, right.value, top.value
        size = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
        if min(bounds[2] - bounds[0], bounds[3] - bounds[1]) > 0 or size <= 0:
            continue
        if c.FPDFTextObj_GetText(thing, text, None, 0) > 2 or not _runs_down(thing, bounds):
            continue
        out.append(Line("\ufffd" * MEANINGLESS, round(size, 1), seen(*bounds), 90))
    return out


def _runs_down(thing: Any, bounds: tuple[float, float, float, float]) -> bool:
    """Whether a text without width runs down its own page, however it is turned: spaces, of which
    nothing else is left either, run across it."""
    matrix = c.FS_MATRIX()
    if not c.FPDFPageObj_GetMatrix(thing, matrix):
        return False
    upright = abs(matrix.a) >= abs(matrix.b)
    return bool(upright == (bounds[3] - bounds[1] > bounds[2] - bounds[0]))


def _ligatures_forward(glyphs: list[Glyph]) -> list[Glyph]:
    """The letters of a ligature that is written from right to left in the order in which they are
    read: PDFium turns them round with the line, and gives all of them its box."""
    if not any(map(_is_right_to_left, glyphs)):
        return glyphs
    out: list[Glyph] = []
    for _, group in groupby(glyphs, lambda glyph: glyph.box):
        letters = list(group)
        out += letters[::-1] if all(map(_is_right_to_left, letters)) else letters
    return out


def _is_right_to_left(glyph: Glyph) -> bool:
    return unicodedata.bidirectional(glyph.text[0]) in ("R", "AL")


def _forward(found: list[Run]) -> list[Run]:
    """Lines that run up, down or upside down in the order in which they are read: PDFium takes
    them from one side of its page, whichever they begin at."""

    def turn_of(run: Run) -> int:
        turn = direction(run.glyphs)
        return 0 if turn == 180 and any(map(_is_right_to_left, run.glyphs)) else turn

    out: list[Run] = []
    for turn, group in groupby(found, turn_of):
        block = list(group)
        first, last = (around([g.box for g in block[n].glyphs]) for n in (0, -1))
        backwards = {90: first[0] < last[0], 180: first[1] < last[1], 270: first[0] > last[0]}
        out += reversed(block) if backwards.get(turn, False) else block
    return out


def lines(found: list[Run]) -> list[Line]:
    """As `Page.lines`."""
    return [
        Line(
            run.text.strip(),
            run.size,
            around([g.box for g in run.glyphs if g.text.strip()]),
            direction(run.glyphs),
        )
        for run in found
    ]


def words(found: list[Run]) -> list[Word]:
    """As `Page.words`."""
    out = []
    for run in found:
        word: list[Glyph] = []
        for glyph in (*run.glyphs, Glyph(" ", (0, 0, 0, 0))):
            if glyph.text.strip():
                word.append(glyph)
            elif word:
                text = _whole("".join(g.text for g in word))
                out.append(Word(text, around([g.box for g in word])))
                word = []
    return out


def _letter(text: Any, n: int, code: int, numbered: bool) -> str:
    if not code or (not numbered and c.FPDFText_HasUnicodeMapError(text, n) == 1):
        return "\ufffd"
    return chr(code) if code <= 0x10FFFF else "\ufffd"


def _size_of(text: Any, n: int, sizes: dict[int, float]) -> float:
    """The font size of a character as it is seen, in points."""
    piece = c.FPDFText_GetTextObject(text, n)
    key = ctypes.addressof(piece.contents) if piece else 0
    if key not in sizes:
        matrix = c.FS_MATRIX()
        scale = 1.0
        if c.FPDFText_GetMatrix(text, n, matrix):
            scale = math.sqrt(abs(matrix.a * matrix.d - matrix.b * matrix.c)) or 1.0
        sizes[key] = abs(c.FPDFText_GetFontSize(text, n)) * scale
    return sizes[key]


def _between(a: Box, b: Box) -> Box:
    """The place of a space between two characters, whichever is on the left."""
    left, right = sorted((a, b))
    return left[2], left[1], max(left[2], right[0]), left[3]


def _inside(box: Box, size: tuple[float, float]) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return 0 <= x <= size[0] and 0 <= y <= size[1]


def _divided(before: Box, box: Box, size: float) -> bool:
    """Whether a character begins a line of its own: it is far from the one before in any direction,
    or lower and beside it. The letters of a line that runs up or down stand above one another."""
    across = max(box[0] - before[2], before[0] - box[2])
    down = max(box[1] - before[3], before[1] - box[3])
    return max(across, down) > WIDE * size or (across > 0.3 * size and down > 0)


def _whole(text: str) -> str:
    """Pairs of surrogates as the characters that they stand for."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
