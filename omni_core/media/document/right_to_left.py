"""Lines with Hebrew, Arabic and the like in the order in which they are read and typed.

PDF files hold such lines as they are drawn or as they are read, in pieces, and engines differ in
what they make of them. So a line is taken as it is seen, from left to right, and the Unicode
bidirectional algorithm (UAX 9) is undone: letters from right to left, numbers and Latin words as
they stand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from omni_core.media.document.engines.base import Glyph, Line, Page, Word, around, direction

_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff]")
_FORMS = re.compile("[\ufb1d-\ufdff\ufe80-\ufefc]")
"""Letters as a font draws them, each of which stands for the letter that is typed."""
_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">", "«": "»", "‹": "›"}
_MIRRORED = _PAIRS | {b: a for a, b in _PAIRS.items()}
APART = 0.8
"""Gap, in font sizes, from which pieces at one height are lines of their own."""
SPACE = 0.2
"""Gap, in font sizes, that is a space though no space is written."""
_LATEST = 12
"""Lines in which one that a piece belongs to is looked for."""

Class = Literal["R", "L", "N", "sep", "sign", ""]
"""Right to left, left to right, digit, separator within numbers, sign beside numbers, other."""


@dataclass(slots=True)
class _Row:
    size: float
    glyphs: list[Glyph]
    left: float
    top: float
    right: float
    bottom: float


@dataclass(slots=True)
class _Cell:
    """A base character with its marks, and its class."""

    glyph: Glyph
    kind: Class


def has_right_to_left(text: str) -> bool:
    """Whether a text has letters of a script that is written from right to left."""
    return _RTL.search(text) is not None


def ordered_lines(page: Page, *, numbered: bool = False) -> list[Line]:
    """The lines of a page with such letters."""
    lines = []
    for size, glyphs in _ordered(page, numbered):
        text = " ".join("".join(g.text for g in glyphs).split())
        if text:
            box = around([g.box for g in glyphs if g.text != " "])
            lines.append(Line(text, size, box, direction(glyphs)))
    return lines


def ordered_words(page: Page) -> list[Word]:
    """The words of a page with such letters, with their places."""
    found = []
    for _, glyphs in _ordered(page, numbered=False):
        word: list[Glyph] = []
        for glyph in (*glyphs, Glyph(" ", (0, 0, 0, 0))):
            if glyph.text != " ":
                word.append(glyph)
            elif word:
                text = "".join(g.text for g in word)
                found.append(Word(text, around([g.box for g in word])))
                word = []
    return found


def _ordered(page: Page, numbered: bool) -> list[tuple[float, list[Glyph]]]:
    rows = _rows(page.glyphs(numbered=numbered))
    text = "".join(g.text for row in rows for g in row.glyphs)
    mostly = _leans_right(text)
    return [(row.size, in_reading_order(row.glyphs, row.size, mostly)) for row in rows]


def _rows(pieces: Sequence[tuple[float, list[Glyph]]]) -> list[_Row]:
    """Pieces that stand side by side as one line each."""
    rows: list[_Row] = []
    for size, glyphs in pieces:
        seen = [g.box for g in glyphs if g.text.strip() and g.box[2] > g.box[0]]
        if not seen:
            continue
        row = _Row(size, list(glyphs), *around(seen))
        for other in [r for r in rows[-_LATEST:] if _side_by_side(r, row)]:
            rows.remove(other)
            row = _Row(
                max(other.size, row.size), other.glyphs + row.glyphs,
                min(other.left, row.left), min(other.top, row.top),
                max(other.right, row.right), max(other.bottom, row.bottom),
            )  # fmt: skip
        rows.append(row)
    return rows


def _side_by_side(a: _Row, b: _Row) -> bool:
    shared = min(a.bottom, b.bottom) - max(a.top, b.top)
    gap = max(a.left - b.right, b.left - a.right)
    height = min(a.bottom - a.top, b.bottom - b.top)
    return shared > 0.5 * height and abs(gap) <= APART * max(a.size, b.size)


def in_reading_order(glyphs: Sequence[Glyph], size: float, page_leans_right: bool) -> list[Glyph]:
    """The characters of one line as they are typed, spaces included."""
    cells = _as_seen(glyphs, size)
    text = "".join(cell.glyph.text for cell in cells)
    if not has_right_to_left(text):
        return [cell.glyph for cell in cells]
    arabic = any(unicodedata.bidirectional(ch) == "AL" for ch in text)
    if page_leans_right or _leans_right(text):
        return _from_right(cells, arabic)
    out: list[Glyph] = []
    at = 0
    while at < len(cells):
        if cells[at].kind != "R":
            out.append(cells[at].glyph)
            at += 1
            continue
        last = at
        for n in range(at, len(cells)):
            if cells[n].kind == "L":
                break
            if cells[n].kind == "R":
                last = n
        out += _from_right(cells[at : last + 1], arabic)
        at = last + 1
    return out


def _leans_right(text: str) -> bool:
    right = len(_RTL.findall(text))
    return right > 0 and 2 * right >= sum(ch.isalpha() for ch in text)


def _as_seen(glyphs: Sequence[Glyph], size: float) -> list[_Cell]:
    """The characters from left to right, marks and further letters of a ligature with their base,
    and the spaces between them."""
    bases: list[Glyph] = []
    spaces: list[float] = []
    marks: list[Glyph] = []
    rest = ""
    for glyph in glyphs:
        left, _, right, _ = glyph.box
        if not glyph.text.strip():
            if right > left:
                spaces.append((left + right) / 2)
        elif unicodedata.category(glyph.text[0]) in ("Mn", "Me"):
            marks.append(glyph)
        elif bases and glyph.box == bases[-1].box:
            bases[-1] = Glyph(bases[-1].text + glyph.text, bases[-1].box)
        elif right - left < 0.01 * size:  # a further letter of a ligature, at its right edge
            if bases and not rest and abs(bases[-1].box[2] - left) < 0.05 * size:
                bases[-1] = Glyph(bases[-1].text + glyph.text, bases[-1].box)
            else:
                rest = glyph.text + rest
        else:
            bases.append(Glyph(glyph.text + rest, glyph.box))
            rest = ""
    bases.sort(key=_middle)
    for mark in marks:
        near = min(range(len(bases)), key=lambda n: abs(_middle(bases[n]) - _middle(mark)),
                   default=None)  # fmt: skip
        if near is not None:
            bases[near] = Glyph(bases[near].text + mark.text, bases[near].box)
    cells: list[_Cell] = []
    for n, base in enumerate(bases):
        if n:
            before = bases[n - 1].box[2]
            written = any(_middle(bases[n - 1]) < x < _middle(base) for x in spaces)
            gap = base.box[0] - before
            if gap > SPACE * size or (written and gap > 0.05 * size):
                cells.append(_Cell(Glyph(" ", base.box), ""))
        text = base.text
        if _FORMS.search(text):
            text = unicodedata.normalize("NFKC", text)
        cells.append(_Cell(Glyph(text, base.box), _kind(text[0])))
    return cells


def _kind(letter: str) -> Class:
    kind = unicodedata.bidirectional(letter)
    if kind in ("R", "AL"):
        return "R"
    if kind == "L":
        return "L"
    if kind in ("EN", "AN"):
        return "N"
    if kind in ("CS", "ES"):
        return "sep"
    return "sign" if kind == "ET" else ""


def _from_right(cells: Sequence[_Cell], arabic: bool) -> list[Glyph]:
    """Cells as seen, read from the right, with what is written from left to right kept so."""
    parts: list[tuple[bool, list[Glyph]]] = []
    at = 0
    while at < len(cells):
        end = _end_from_left(cells, at, arabic)
        if end > at:
            parts.append((True, [cell.glyph for cell in cells[at:end]]))
            at = end
        else:
            parts.append((False, [cells[at].glyph]))
            at += 1
    out = [(latin, glyph) for latin, part in reversed(parts) for glyph in part]
    return _brackets_paired(out)


def _brackets_paired(read: Sequence[tuple[bool, Glyph]]) -> list[Glyph]:
    """The brackets among letters from right to left as they are typed: files hold them so, or as
    they are drawn, or mixed."""
    given = [g.text for latin, g in read if not latin and g.text in _MIRRORED]
    openings = [b if b in _PAIRS else _MIRRORED[b] for b in given]
    in_turn = [b if n % 2 == 0 else _PAIRS[b] for n, b in enumerate(openings)]
    best = min((given, [_MIRRORED[b] for b in given], in_turn), key=_unpaired)
    typed = iter(best)
    return [
        Glyph(next(typed), g.box) if not latin and g.text in _MIRRORED else g for latin, g in read
    ]


def _end_from_left(cells: Sequence[_Cell], start: int, arabic: bool) -> int:
    """The end of what is written from left to right at `start`; `start` itself if nothing is."""
    at = start
    if cells[at].kind == "sign" and not arabic:  # a currency or a number sign before a number
        while at < len(cells) and cells[at].kind == "sign":
            at += 1
        if at == len(cells) or cells[at].kind != "N":
            return start
    if cells[at].kind not in ("L", "N"):
        return start
    end = at + 1
    latin = cells[at].kind == "L"
    for n in range(at + 1, len(cells)):
        kind = cells[n].kind
        if kind == "R":
            break
        if kind == "L" or (kind == "N" and (latin or _joins(cells[end:n], arabic))):
            latin = latin or kind == "L"
            end = n + 1
    while not arabic and not latin and end < len(cells) and cells[end].kind == "sign":
        end += 1
    return end


def _joins(between: Sequence[_Cell], arabic: bool) -> bool:
    """Whether what stands between two digits makes them one number."""
    if not between:
        return True
    text = "".join(cell.glyph.text for cell in between)
    if len(between) == 1 and between[0].kind == "sep":
        return not arabic or unicodedata.bidirectional(text[0]) == "CS"
    return not arabic and all(cell.kind == "sign" for cell in between)


def _unpaired(brackets: Sequence[str]) -> int:
    """How many brackets have no partner, read in this order."""
    open_: list[str] = []
    wrong = 0
    for bracket in brackets:
        if bracket in _PAIRS:
            open_.append(_PAIRS[bracket])
        elif open_ and open_[-1] == bracket:
            open_.pop()
        else:
            wrong += 1
    return wrong + len(open_)


def _middle(glyph: Glyph) -> float:
    return (glyph.box[0] + glyph.box[2]) / 2
