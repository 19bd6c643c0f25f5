"""Table rows as lines of text (`name: Ada; born: 1815`), grouped into windows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from omni_core.text.windows import word_spans

MAX_COLUMNS = 16_384
"""Columns with a name, at most (Excel's own limit); the cells after them are one cell."""
LOOKED_AT = 30
"""First rows by which the lines above the header are recognised."""


@dataclass(frozen=True, slots=True)
class RowWindow:
    """Consecutive rows; `start` of the first and `end` of the last, as the caller numbers rows."""

    start: int
    end: int
    text: str


def row_windows(rows: Iterable[tuple[int, int, Sequence[str]]], words: int) -> Iterator[RowWindow]:
    """(start, end, cells) rows, the header first, to windows of about `words` words.

    Each value follows its column's name, so that a window can be read without the header. Lines
    above the header (a title, a date) are kept as they are. A row of more than `words` words is
    split into windows of its own.
    """
    names: list[str] | None = None
    lines: list[str] = []
    count, first, last = 0, 0, 0
    above, rows = _lines_above_header(rows)
    for n, (start, end, raw) in enumerate(rows):
        cells = [" ".join(c.split()) if c else "" for c in raw[:MAX_COLUMNS]]
        cells += [" ".join(rest)] if (rest := [c for c in raw[MAX_COLUMNS:] if c]) else []
        if not any(cells):
            continue
        if n < above:
            parts, between = [c for c in cells if c], " "
            size = _size(parts, words)
        elif names is None and _is_header(cells):
            names = cells
            parts, between = [c for c in cells if c], ", "
            size = _size(parts, words)
        else:
            names = names or []
            parts, between = _named(names, cells), "; "
            size = _size(parts, words)
        if lines and count + size > words:
            yield RowWindow(first, last, "\n".join(lines))
            lines, count = [], 0
        if size > words:
            yield from (RowWindow(start, end, text) for text in _pieces(parts, between, words))
            continue
        if not lines:
            first = start
        lines.append(between.join(parts))
        count, last = count + size, end
    if lines:
        yield RowWindow(first, last, "\n".join(lines))


_Row = tuple[int, int, Sequence[str]]


def _lines_above_header(rows: Iterable[_Row]) -> tuple[int, Iterable[_Row]]:
    """How many rows precede the table, and the rows again.

    These are leading rows with at most half of the cells that most of the first rows have (two
    fewer at least), or with one where others have two; and what an empty line divides from them.
    """
    rows = iter(rows)
    start = list(islice(rows, LOOKED_AT))
    filled = [sum(1 for c in cells if c and c.strip()) for _, _, cells in start]
    widths = Counter(n for n in filled if n)
    usual = max(widths, key=lambda n: (widths[n], n), default=0)

    def is_above(n: int, cells: Sequence[str]) -> bool:
        return (n < usual - 1 and 2 * n <= usual) or len(cells) < min(2, usual)

    above = 0
    while above < len(start) and is_above(filled[above], start[above][2]):
        above += 1
    found = max(above, _divided(start, filled, usual), _wider(start, filled))
    return found, chain(start, rows)


def _wider(start: Sequence[_Row], filled: Sequence[int]) -> int:
    """Rows above the widest header, that an empty line divides from narrower rows: what precedes a
    short table, as the month of an account, may be longer than it; 0 without."""
    width = max(filled, default=0)
    n = filled.index(width) if width else 0
    if not 0 < n < len(start) - 1 or filled[n - 1] or not _is_header(_words(start[n][2])):
        return 0
    has_rows = filled[n + 1] > 1 and 2 * filled[n + 1] > width
    return n if has_rows and _names_what_follows(start, n) else 0


def _divided(start: Sequence[_Row], filled: Sequence[int], usual: int) -> int:
    """Rows above a header that an empty line divides from them, of fewer cells than it, or of as
    many where the first is no header and more rows follow than precede; 0 without. An empty line
    within a table, or below its header, divides nothing."""
    widest = 0
    for n, (at, _, cells) in enumerate(start):
        apart = n > 0 and (not filled[n - 1] or at > start[n - 1][1] + 1)
        if widest and apart and filled[n] == usual and _is_header(_words(cells)):
            more = sum(map(bool, filled[n + 1 :])) > sum(map(bool, filled[:n]))
            return n if (widest < usual or more) and _names_what_follows(start, n) else 0
        widest = max(widest, filled[n])
        if widest > usual or (widest == usual and _is_header(_words(start[0][2]))):
            return 0
    return 0


def _names_what_follows(start: Sequence[_Row], n: int) -> bool:
    """Whether a row has words in a column with digits below and none above, or the reverse: it is
    no further row of what precedes it."""

    def are_digits(rows: Sequence[_Row], column: int) -> bool | None:
        column_of = (cells[column] for _, _, cells in rows if len(cells) > column)
        found = [any(map(str.isdigit, cell)) for cell in column_of if cell]
        return 2 * sum(found) > len(found) if found else None

    for column in range(len(start[n][2])):
        above, own = are_digits(start[:n], column), are_digits(start[n : n + 1], column)
        below = are_digits(start[n + 1 :], column)
        if own is False and below is not None and below != bool(above):
            return True
    return False


def _words(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells if cell]


def _named(names: Sequence[str], cells: Sequence[str]) -> list[str]:
    """The non-empty cells, each as `name: value` where its column has a name."""
    return [
        f"{names[i]}: {cell}" if i < len(names) and names[i] else cell
        for i, cell in enumerate(cells)
        if cell
    ]


def _pieces(parts: Sequence[str], between: str, words: int) -> Iterator[str]:
    """Split a long row into texts of at most `words` words; a long cell is split between words."""
    piece: list[str] = []
    left = words
    for part in parts:
        spans = word_spans(part)
        held = list(islice(spans, left + 1))
        while len(held) > left:
            if left >= max(1, words // 2):  # enough room for a part of the cell to be understood
                piece.append(part[held[0][0] : held[left - 1][1]])
                del held[:left]
            yield between.join(piece)
            piece, left = [], words
            held += islice(spans, left + 1 - len(held))
        if held:
            piece.append(part[held[0][0] : held[-1][1]])
            left -= len(held)
    if piece:
        yield between.join(piece)


def _size(parts: Sequence[str], enough: int) -> int:
    """Words, counted until there are more than `enough`; unspaced text counts by its length."""
    every = (span for part in parts for span in word_spans(part))
    return sum(1 for _ in islice(every, enough + 1))


def _is_header(cells: Sequence[str]) -> bool:
    """Whether a first row holds column names: all different, none a number."""
    filled = [c for c in cells if c]
    return len(set(filled)) == len(filled) and not any(_number(c) for c in filled)


def _number(cell: str) -> bool:
    return bool(cell) and cell.strip("+-$€£%").replace(",", "").replace(".", "").isdigit()
