"""Where the words of a text stand on a page, an image or a frame.

A text has pieces, each with a rectangle in fractions of the sides from the top left: the lines of
a text layer, the recognised words of a picture. With a segment they are stored as one short string
(`pack`): 13 bytes for a line, 6 for each further word on it, in base64. Where within a piece a
word stands is estimated from the widths of letters.
"""

from __future__ import annotations

import base64
import binascii
import bisect
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # a server answers tools/list without numpy
    from omni_core.types import Rect

_UNIT = 0xFFFF
_LINE = struct.Struct("<HBHH")
"""Characters since the piece before, number of pieces and 64 times the quarter turns, top, bottom.
"""
_PIECE = struct.Struct("<HHH")
"""Characters, left, right. The pieces of a line stand one space apart."""
_MOST = 63
_NARROW = frozenset("iljItfr.,:;'|!()[]-\u2019\u0131")
_WIDE = frozenset("mwMW@%\u2014")
_SQUARE = re.compile("[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]")
SAME_HEIGHT = 0.6
"""Shared part of the lower one of two lines' heights from which they stand side by side."""
APART = 3.0
"""Gap of two words, in heights, from which they are not on one line, but in two columns."""
NEAR = 0.9
"""Distance of two lines, in heights of the lower one, up to which they belong to one block."""


class Place(NamedTuple):
    """Characters [start, end) of a text, their rectangle, and whither they are read as they are
    seen: 0 to the right, 90 down, 180 to the left, 270 up."""

    start: int
    end: int
    rect: Rect
    turn: int = 0


def pack(places: Sequence[Place]) -> str:
    """The places, in order of their characters, as they are stored; "" for none."""
    out: list[bytes] = []
    at = 0
    for run in _lines(places):
        start, _, (_, top, _, bottom), turn = run[0]
        head = len(run) + 64 * (turn // 90 % 4)
        if not 0 <= start - at <= _UNIT:
            break
        out.append(_LINE.pack(start - at, head, _unit(top), _unit(bottom)))
        for start, end, (left, _, right, _), _ in run:
            out.append(_PIECE.pack(min(end - start, _UNIT), _unit(left), _unit(right)))
            at = end
    return base64.b64encode(b"".join(out)).decode("ascii")


def _unit(share: float) -> int:
    return 0 if share <= 0 else _UNIT if share >= 1 else round(share * _UNIT)


def unpack(stored: str) -> list[Place]:
    """The inverse of `pack`, exact to 1/65535; what is damaged is left out."""
    try:
        data = base64.b64decode(stored)
    except (binascii.Error, ValueError):
        return []
    places: list[Place] = []
    at = where = 0
    while where + _LINE.size <= len(data):
        gap, head, top, bottom = _LINE.unpack_from(data, where)
        count, turn = head % 64, head // 64 * 90
        where += _LINE.size
        at += gap
        if where + count * _PIECE.size > len(data):
            break
        y0, y1 = top / _UNIT, bottom / _UNIT
        for n in range(count):
            length, left, right = _PIECE.unpack_from(data, where)
            where += _PIECE.size
            at += 1 if n else 0
            rect = (left / _UNIT, y0, right / _UNIT, y1)
            places.append(Place(at, at + length, rect, turn))
            at += length
    return places


def _lines(places: Sequence[Place]) -> Iterator[list[Place]]:
    """Runs of pieces of one height, one space apart."""
    run: list[Place] = []
    for place in places:
        last = run[-1] if run else None
        if (
            last is not None
            and place.start == last.end + 1
            and (place.rect[1], place.rect[3], place.turn)
            == (last.rect[1], last.rect[3], last.turn)
            and len(run) < _MOST
        ):
            run.append(place)
        else:
            if run:
                yield run
            run = [place]
    if run:
        yield run


def within(text: str, places: Sequence[Place], start: int, end: int) -> list[Place]:
    """The places of the characters [start, end) of a text, for these as a text of their own."""
    first = bisect.bisect_right(places, start, key=attrgetter("end"))
    last = bisect.bisect_left(places, end, key=attrgetter("start"))
    return [
        Place(
            max(at.start, start) - start,
            min(at.end, end) - start,
            _part(text, at, start, end),
            at.turn,
        )
        for at in places[first:last]
    ]


def after(places: Sequence[Place], by: int) -> list[Place]:
    """The places of a text that now begins with `by` further characters."""
    return [Place(p.start + by, p.end + by, p.rect, p.turn) for p in places]


def lines(text: str, places: Sequence[Place], start: int, end: int) -> list[Place]:
    """The lines on which the characters [start, end) of a text stand, each with those of these
    characters that are on it. A part of a piece has the share of its letters' widths."""
    found: list[Place] = []
    for piece in places:
        if piece.start >= end or piece.end <= start:
            continue
        rect = _part(text, piece, start, end)
        place = Place(max(piece.start, start), min(piece.end, end), rect, piece.turn)
        before = found[-1] if found else None
        if before is not None and _beside(before.rect, rect, piece.turn % 180 > 0):
            whole = union((before.rect, rect))
            found[-1] = Place(before.start, place.end, whole, piece.turn)
        else:
            found.append(place)
    return found


def _beside(before: Rect, rect: Rect, upright: bool = False) -> bool:
    """Whether two pieces stand on one line: at one height, or of lines that run `upright`, down
    or up, above one another."""
    low, high = (0, 2) if upright else (1, 3)
    height = min(before[high] - before[low], rect[high] - rect[low])
    return min(before[high], rect[high]) - max(before[low], rect[low]) > SAME_HEIGHT * height


def _part(text: str, place: Place, start: int, end: int) -> Rect:
    if start <= place.start and end >= place.end:
        return place.rect
    left, top, right, bottom = place.rect
    whole = width(text[place.start : place.end]) or 1.0
    before = width(text[place.start : max(start, place.start)]) / whole
    until = width(text[place.start : min(end, place.end)]) / whole
    if place.turn >= 180:  # read from the right, or from the bottom
        before, until = 1 - until, 1 - before
    if place.turn % 180:
        return left, top + (bottom - top) * before, right, top + (bottom - top) * until
    return left + (right - left) * before, top, left + (right - left) * until, bottom


def width(text: str) -> float:
    """About how wide a text is printed, in widths of a common letter: 0.5 for `i`, 1.5 for `m`, 2
    for Chinese characters."""
    return sum(_letter_width(c) for c in text)


def _letter_width(c: str) -> float:
    if c in _NARROW or c.isspace():
        return 0.55
    if c in _WIDE:
        return 1.5
    if c.isupper():
        return 1.25
    return 1.85 if _SQUARE.match(c) else 1.0


def words(text: str, places: Iterable[Place]) -> Iterator[tuple[str, Rect]]:
    """The words of the pieces, each with the share of its letters' widths."""
    for place in places:
        for match in re.finditer(r"\S+", text[place.start : place.end]):
            start, end = match.start() + place.start, match.end() + place.start
            yield match[0], _part(text, place, start, end)


def union(rects: Iterable[Rect]) -> Rect:
    """The smallest rectangle that holds all of these, at least one."""
    all_ = list(rects)
    return (
        min(r[0] for r in all_), min(r[1] for r in all_),
        max(r[2] for r in all_), max(r[3] for r in all_),
    )  # fmt: skip


def by_line(rects: Iterable[Rect]) -> list[Rect]:
    """Rectangles of consecutive words as those of their lines, which may run in any direction."""
    found: list[Rect] = []
    upright: bool | None = None
    for rect in rects:
        if found:
            across, down = _beside(found[-1], rect), _beside(found[-1], rect, upright=True)
            upright = down and not across if upright is None else upright
        if found and (down if upright else across) and _touch(found[-1], rect, bool(upright)):
            found[-1] = union((found[-1], rect))
        else:
            found.append(rect)
    return found


def _touch(before: Rect, rect: Rect, upright: bool) -> bool:
    """Whether two pieces of one line are as near as words, not as columns."""
    (low, high), size = ((1, 3), 2) if upright else ((0, 2), 3)
    height = rect[size] - rect[size - 2]
    return max(rect[low] - before[high], before[low] - rect[high]) < APART * height


def few(rects: Sequence[Rect], most: int) -> list[Rect]:
    """The rectangles, where they are more than `most` as blocks of lines below one another, and
    these as one."""
    if len(rects) <= most:
        return list(rects)
    blocks: list[Rect] = [rects[0]]
    for before, rect in pairwise(rects):
        if _follows(before, rect):
            blocks[-1] = union((blocks[-1], rect))
        else:
            blocks.append(rect)
    return blocks if len(blocks) <= most else [union(blocks)]


def _follows(before: Rect, rect: Rect) -> bool:
    """Whether a line stands right below, or beside, the one before."""
    height = min(before[3] - before[1], rect[3] - rect[1])
    below = -0.5 * height < rect[1] - before[3] < NEAR * height
    over = min(before[2], rect[2]) > max(before[0], rect[0])
    return _beside(before, rect) or (below and over)


def rounded(rect: Rect) -> Rect:
    """To four decimals: a fifth of a pixel on an image of 2000."""
    left, top, right, bottom = (round(min(1.0, max(0.0, side)), 4) for side in rect)
    return left, top, right, bottom
