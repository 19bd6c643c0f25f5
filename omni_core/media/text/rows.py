"""Table rows as lines of text (`name: Ada; born: 1815`), grouped into windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MAX_COLUMNS = 16_384
MAX_CELL = 32_767
"""Columns of a table and characters of a cell, at most: Excel's own limits."""


@dataclass(frozen=True, slots=True)
class RowWindow:
    """Consecutive rows; `start` of the first and `end` of the last, as the caller numbers rows."""

    start: int
    end: int
    text: str


def row_windows(rows: Iterable[tuple[int, int, Sequence[str]]], words: int) -> Iterator[RowWindow]:
    """(start, end, cells) rows, the header first, to windows of about `words` words.

    Each value follows its column's name, so that a window can be read without the header. A row of
    more than `words` words is split into windows of its own.
    """
    names: list[str] | None = None
    lines: list[str] = []
    count, first, last = 0, 0, 0
    for start, end, raw in rows:
        cells = [" ".join(c.split())[:MAX_CELL] if c else "" for c in raw[:MAX_COLUMNS]]
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
    """Whether a first row holds column names: all different, none a number."""
    filled = [c for c in cells if c]
    return len(set(filled)) == len(filled) and not any(_number(c) for c in filled)


def _number(cell: str) -> bool:
    return bool(cell) and cell.strip("+-$€£%").replace(",", "").replace(".", "").isdigit()
