"""Rows of a table as readable lines, gathered into windows: `name: Ada; born: 1815`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MOST_COLUMNS = 64
MOST_CELL = 500


@dataclass(frozen=True, slots=True)
class RowWindow:
    """Neighbouring rows; start and end are what the caller numbered them with."""

    start: int
    end: int
    text: str


def row_windows(rows: Iterable[tuple[int, int, Sequence[str]]], words: int) -> Iterator[RowWindow]:
    """(start, end, cells) rows, the header first, to windows of about `words` words.

    Each value stands behind its column's name, so that a window is understood without the header.
    """
    names: list[str] | None = None
    lines: list[str] = []
    count, first, last = 0, 0, 0
    for start, end, raw in rows:
        cells = [" ".join(c.split())[:MOST_CELL] for c in raw[:MOST_COLUMNS]]
        if not any(cells):
            continue
        if names is None:
            names = cells if _is_header(cells) else []
            if names:
                lines, count, first, last = (
                    [", ".join(n for n in names if n)],
                    len(names),
                    start,
                    end,
                )
                continue
        line = "; ".join(
            f"{names[i]}: {c}" if i < len(names) and names[i] else c
            for i, c in enumerate(cells)
            if c
        )
        size = len(line.split())
        if lines and count + size > words:
            yield RowWindow(first, last, "\n".join(lines))
            lines, count = [], 0
        if not lines:
            first = start
        lines.append(line)
        count, last = count + size, end
    if lines:
        yield RowWindow(first, last, "\n".join(lines))


def _is_header(cells: Sequence[str]) -> bool:
    """A first row of names: all different, none a number."""
    filled = [c for c in cells if c]
    return len(set(filled)) == len(filled) and not any(_number(c) for c in filled)


def _number(cell: str) -> bool:
    return bool(cell) and cell.strip("+-$€£%").replace(",", "").replace(".", "").isdigit()
