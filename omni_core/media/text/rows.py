"""Rows of a table as readable lines, gathered into windows: `name: Ada; born: 1815`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MOST_COLUMNS = 16_384
MOST_CELL = 32_767
"""Columns of a table and characters of a cell: what Excel holds at most."""


@dataclass(frozen=True, slots=True)
class RowWindow:
    """Neighbouring rows; start and end are what the caller numbered them with."""

    start: int
    end: int
    text: str


def row_windows(rows: Iterable[tuple[int, int, Sequence[str]]], words: int) -> Iterator[RowWindow]:
    """(start, end, cells) rows, the header first, to windows of about `words` words.

    Each value stands behind its column's name, so that a window is understood without the header.
    A row of more than `words` words has windows of its own.
    """
    names: list[str] | None = None
    lines: list[str] = []
    count, first, last = 0, 0, 0
    for start, end, raw in rows:
        cells = [" ".join(c.split())[:MOST_CELL] if c else "" for c in raw[:MOST_COLUMNS]]
        if not any(cells):
            continue
        if names is None and _is_header(cells):
            names = cells
            parts, between, size = [c for c in cells if c], ", ", len(cells)
        else:
            names = names or []
            parts, between = _named(names, cells), "; "
            size = sum(len(part.split()) for part in parts)
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


def _named(names: Sequence[str], cells: Sequence[str]) -> list[str]:
    """The cells that are filled, each behind its column's name where it has one."""
    return [
        f"{names[i]}: {cell}" if i < len(names) and names[i] else cell
        for i, cell in enumerate(cells)
        if cell
    ]


def _pieces(parts: Sequence[str], between: str, words: int) -> Iterator[str]:
    """A long row in pieces of at most `words` words; a long cell is divided between words."""
    piece: list[str] = []
    left = words
    for part in parts:
        tokens = part.split()
        while len(tokens) > left:
            if left >= max(1, words // 2):  # enough room for a part of the cell to be understood
                piece.append(" ".join(tokens[:left]))
                tokens = tokens[left:]
            yield between.join(piece)
            piece, left = [], words
        if tokens:
            piece.append(" ".join(tokens))
            left -= len(tokens)
    if piece:
        yield between.join(piece)


def _is_header(cells: Sequence[str]) -> bool:
    """A first row of names: all different, none a number."""
    filled = [c for c in cells if c]
    return len(set(filled)) == len(filled) and not any(_number(c) for c in filled)


def _number(cell: str) -> bool:
    return bool(cell) and cell.strip("+-$€£%").replace(",", "").replace(".", "").isdigit()
