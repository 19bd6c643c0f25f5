"""Lines whose characters files hold in odd ways: Chinese and Japanese far apart, signs of symbol
fonts in the private use area, Latin letters with their bytes in the wrong order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from omni_core.media.document.engines.base import Line, around

_CJK = "\u2e80-\u303f\u3041-\u30ff\u3105-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60"
_ANY = re.compile(f"[{_CJK}\uf020-\uf040]")
_ONE = re.compile(f"[{_CJK}]")
_SPACED = re.compile(f"(?<=[{_CJK}])\\s+(?=[{_CJK}])")
_TOUCHING = re.compile(f"[{_CJK}]{{2}}")
_SIGNS = {0xF000 + code: code for code in range(0x20, 0x41)}
"""Digits and signs of symbol fonts, which stand for the same as in ASCII."""
_SWAPPED = {code << 8: code for code in (*range(0x20, 0x7F), *range(0xA0, 0x100))}
"""Latin letters as Photoshop writes what its glyphs mean: `M` is U+4D00, a Chinese character."""
_SWAPPED_LETTERS = frozenset(code << 8 for code in range(0x41, 0x7B) if chr(code).isalpha())
MANY_SWAPPED, DIFFERENT, SHARE_SWAPPED = 8, 4, 0.9
"""Of a text, at least, with different letters among them: of the characters of Chinese one in 256
has such a number, but lines, wide spaces and `一` may fill a form."""
FAR = 2.5
"""Distance, in font sizes, up to which single characters are of one line."""
FEW_SPACES = 3
"""Spaces between single characters, from which a line is written far apart."""


def typed(lines: list[Line], text: str) -> list[Line]:
    """The lines as one would type them; `text`: all of their text."""
    if _ANY.search(text) is None:
        return lines
    if _is_swapped(text):
        return [replace(line, text=line.text.translate(_SWAPPED)) for line in lines]
    out: list[Line] = []
    run: list[Line] = []
    for line in lines:
        line = replace(line, text=_closed(line.text.translate(_SIGNS)))
        if run and not (_is_one(line) and _goes_on(run, line)):
            out += _one_line(run)
            run = []
        if _is_one(line):
            run.append(line)
        else:
            out.append(line)
    return out + _one_line(run)


def _is_swapped(text: str) -> bool:
    codes = [ord(c) for c in text if not c.isspace()]
    swapped = sum(code in _SWAPPED for code in codes)
    different = len(_SWAPPED_LETTERS.intersection(codes))
    return (
        swapped >= MANY_SWAPPED and different >= DIFFERENT and swapped >= SHARE_SWAPPED * len(codes)
    )


def _closed(text: str) -> str:
    """Without the spaces between characters that are all written far apart."""
    spaces = len(_SPACED.findall(text))
    return (
        _SPACED.sub("", text)
        if spaces >= FEW_SPACES and spaces > len(_TOUCHING.findall(text))
        else text
    )


def _is_one(line: Line) -> bool:
    return len(line.text) == 1 and _ONE.match(line.text) is not None


def _goes_on(run: Sequence[Line], line: Line) -> bool:
    """Whether a character stands beside the last one of a row, or below the last one of a column,
    in the direction that the run has taken."""
    last, far = run[-1], FAR * max(line.size, 1.0)
    beside, below = _step(last, line)
    if len(run) > 1 and _step(run[-2], last)[0] != beside:
        return False
    if beside:
        return 0 < line.box[0] - last.box[0] <= far
    return below and 0 < line.box[1] - last.box[1] <= far


def _step(a: Line, b: Line) -> tuple[bool, bool]:
    """Whether `b` is at the height of `a`, and whether it is in its column."""
    x, y = b.box[0] - a.box[0], b.box[1] - a.box[1]
    size = max(a.size, b.size, 1.0)
    return abs(y) < 0.5 * size, abs(x) < 0.5 * size


def _one_line(run: Sequence[Line]) -> list[Line]:
    if not run:
        return []
    text = "".join(line.text for line in run)
    box = around([line.box for line in run])
    turn = 0 if box[2] - box[0] >= box[3] - box[1] else 90
    return [Line(text, max(line.size for line in run), box, turn)]
