"""Tables of a page from the places of its lines: rows whose cells keep their column's header.

A cell is a line of a text layer, which ends at a wide gap, or a recognised line of a picture. What
stands at one height is a row; columns are what rows leave free between them. Prose in columns,
lists and tables of contents are no tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from omni_core.text.places import Place, after

MIN_ROWS = 3
"""Rows of at least two cells that a table has, its header included."""
MAX_ROWS = 120
"""Rows of one page that are units of their own."""
ROW_GAP = 2.5
"""Free height between two rows of a table, in heights of a line."""
WRAPPED_GAP = 0.7
"""The same between the lines of one cell."""
COLUMN_GAP = 0.5
CROSSING = 0.15
"""Share of the rows that may reach across the gap between two columns."""
FULL = 0.9
PROSE_WORDS = 5
PROSE_SHARE = 0.6
"""A column is prose where so many of its lines, of so many words, fill so much of its width."""
CAPTION_GAP = 4.0
"""Distance of a caption from its table, in heights of a line."""
MAX_HEADER_WORDS = 6
_CAPTION = re.compile(
    r"(?:table|tab\.?|tabelle|tableau|tabla|tabela|tabella|tabel|таблица|табл\.?|表|표)"
    r"\s*[№#]?\s*(?:\d|[ivx]+\b|[a-z]?\.?\d)", re.IGNORECASE
)  # fmt: skip
_NUMBER = re.compile(r"[-+−±<>≈~$€£¥]?\s*\d[\d\s.,:/%–-]*\s*[%°\w]{0,4}|[-–—]|n/?a", re.IGNORECASE)
_ENUMERATOR = re.compile(r"\W{1,2}|\(?(?:\d{1,2}|[a-z]|[ivx]+)[.)]|\d+(?:\.\d+)+\.?", re.IGNORECASE)
_LEADERS = re.compile(r"\.\s?\.\s?\.\s?\.")


class Cell(NamedTuple):
    """Words in a box (left, top, right, bottom, in units equal in both directions), and the places
    of these words on the page."""

    text: str
    box: tuple[float, float, float, float]
    places: tuple[Place, ...]

    @property
    def height(self) -> float:
        """About the size of its letters."""
        return self.box[3] - self.box[1]


@dataclass(frozen=True, slots=True)
class Row:
    """A row in words, `Station: 4; Depth (m): 3.2`, and the places of its own cells' words."""

    text: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows below a header, if there is one, and the caption; "" without one.

    `grid`: for each row, the header's first, its cells from the left, each from the top.
    """

    rows: tuple[Row, ...]
    caption: str
    grid: tuple[tuple[Cell, ...], ...]


@dataclass(slots=True)
class _Line:
    """Cells at one height, from the left."""

    cells: list[Cell] = field(default_factory=list)

    @property
    def top(self) -> float:
        return min(cell.box[1] for cell in self.cells)

    @property
    def bottom(self) -> float:
        return max(cell.box[3] for cell in self.cells)


def tables(cells: Sequence[Cell]) -> list[Table]:
    """The tables of a page, from the top down, with at most `MAX_ROWS` rows together."""
    if sum(_same_height(a, b) for a, b in pairwise(cells)) < MIN_ROWS - 1:
        return []
    lines = _lines(cells)
    found: list[Table] = []
    left = MAX_ROWS
    for run in _runs(lines):
        table = _table(run, lines)
        if table is not None and left:
            found.append(replace(table, rows=table.rows[:left]))
            left -= len(found[-1].rows)
    return found


def is_caption(text: str) -> bool:
    """Whether a line begins as captions of tables do: `Table 3`, `Tab. 2`, `表 1`."""
    return _CAPTION.match(text) is not None


def _same_height(a: Cell, b: Cell) -> bool:
    shared = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    return shared > 0.5 * min(a.height, b.height)


def _lines(cells: Sequence[Cell]) -> list[_Line]:
    lines: list[_Line] = []
    for cell in sorted(cells, key=lambda cell: cell.box[1] + cell.box[3]):
        if lines and _same_height(lines[-1].cells[0], cell):
            lines[-1].cells.append(cell)
        else:
            lines.append(_Line([cell]))
    for line in lines:
        line.cells.sort(key=lambda cell: cell.box[0])
    return lines


def _runs(lines: Sequence[_Line]) -> Iterator[list[_Line]]:
    """Lines of two cells or more below one another, with wrapped lines of single cells between."""
    run: list[_Line] = []
    for line in lines:
        height = line.cells[0].height
        gap = line.top - run[-1].bottom if run else 0.0
        single = len(line.cells) == 1
        if run and (gap > ROW_GAP * height or (single and gap > WRAPPED_GAP * height)):
            yield from _enough(run)
            run = []
        if run or not single:
            run.append(line)
    yield from _enough(run)


def _enough(run: list[_Line]) -> Iterator[list[_Line]]:
    while run and len(run[-1].cells) == 1 and not _wraps(run):
        run = run[:-1]
    if sum(len(line.cells) > 1 for line in run) >= MIN_ROWS:
        yield run


def _wraps(run: Sequence[_Line]) -> bool:
    """Whether the last line of a run, one cell, goes on with a cell above it, not with the first
    one, which a line of prose below the table would stand under."""
    (cell,) = run[-1].cells
    return any(cell.box[0] >= above.cells[0].box[2] for above in run[:-1])


def _table(run: Sequence[_Line], lines: Sequence[_Line]) -> Table | None:
    columns = _columns(run)
    columns = [c for c in columns if not _is_prose(c, run)]
    if len(columns) < 2:
        return None
    grid = _grid(run, columns)
    if len(grid) < MIN_ROWS:
        return None
    caption = _caption(run, columns, lines)
    words = [[_words(cell) for cell in row] for row in grid]
    if _is_list(words) or not (caption or _is_regular(words)):
        return None
    body, header = grid, [""] * len(columns)
    if _is_header(words, bool(caption)):
        deep = _header_rows(words)
        body = grid[deep:]
        header = [" ".join(filter(None, column)) for column in zip(*words[:deep], strict=True)]
    cells = tuple(tuple(cell for column in row for cell in column) for row in grid)
    return Table(tuple(_row(row, header) for row in body), caption, cells)


def _columns(run: Sequence[_Line]) -> list[tuple[float, float]]:
    """(left, right) of each column: what more than a few of the rows cover."""
    several = [line for line in run if len(line.cells) > 1]
    edges = sorted(
        edge
        for line in run
        for cell in line.cells
        for edge in ((cell.box[0], 1), (cell.box[2], -1))
    )
    height = several[0].cells[0].height
    few = int(CROSSING * len(several))
    columns: list[tuple[float, float]] = []
    depth, start = 0, 0.0
    for x, step in edges:
        if depth <= few < depth + step:
            start = x
        elif depth + step <= few < depth:
            if columns and start - columns[-1][1] < COLUMN_GAP * height:
                columns[-1] = (columns[-1][0], x)
            else:
                columns.append((start, x))
        depth += step
    return columns


def _shared(cell: Cell, column: tuple[float, float]) -> float:
    return min(cell.box[2], column[1]) - max(cell.box[0], column[0])


def _is_prose(column: tuple[float, float], run: Sequence[_Line]) -> bool:
    cells = [c for line in run for c in line.cells if _shared(c, column) > 0]
    full = [
        c for c in cells
        if c.box[2] - c.box[0] >= FULL * (column[1] - column[0])
        and len(c.text.split()) >= PROSE_WORDS
    ]  # fmt: skip
    return len(full) > PROSE_SHARE * len(cells)


def _grid(run: Sequence[_Line], columns: Sequence[tuple[float, float]]) -> list[list[list[Cell]]]:
    """For each row, for each column, its cells. A line that only goes on with cells of the row
    above belongs to it; one that reaches into the row below, beside which it stands, to that."""
    grid: list[list[list[Cell]]] = []
    placed = [(line, row) for line in run if any(row := _by_column(line, columns))]
    waiting: list[list[Cell]] = [[] for _ in columns]
    bottom = 0.0
    for n, (line, row) in enumerate(placed):
        filled = {n for n, found in enumerate(row) if found}
        below, of_below = placed[n + 1] if n + 1 < len(placed) else (None, row)
        before = sum(map(bool, grid[-1])) if grid else 0
        reaches = below is not None and below.top < line.bottom and of_below[0]
        if reaches and 0 not in filled and not any(of_below[n] for n in filled):
            for n in filled:
                waiting[n] += row[n]
        elif (
            grid
            and line.top - bottom < WRAPPED_GAP * line.cells[0].height
            and 0 not in filled
            and len(filled) < before
        ):
            for n in filled:
                grid[-1][n] += row[n]
        elif len(filled) + sum(map(bool, waiting)) > 1:
            grid.append([early + now for early, now in zip(waiting, row, strict=True)])
            waiting = [[] for _ in columns]
        bottom = line.bottom
    return grid


def _by_column(line: _Line, columns: Sequence[tuple[float, float]]) -> list[list[Cell]]:
    """The cells of a line in the columns that they share most with."""
    row: list[list[Cell]] = [[] for _ in columns]
    for cell in line.cells:
        best = max(range(len(columns)), key=lambda n: _shared(cell, columns[n]))
        if _shared(cell, columns[best]) > 0:
            row[best].append(cell)
    return row


def _words(cells: Sequence[Cell]) -> str:
    return " ".join(cell.text for cell in cells)


def _is_list(words: Sequence[Sequence[str]]) -> bool:
    """Whether the rows are items with their numbers or bullets, or a table of contents."""
    first = [row[0] for row in words if row[0]]
    if len(words[0]) == 2 and all(_ENUMERATOR.fullmatch(word) for word in first):
        return True
    if 2 * sum(any(_LEADERS.search(word) for word in row) for row in words) > len(words):
        return True
    last = [int(row[-1]) for row in words if row[-1].isdecimal()]
    return len(last) == len(words) > MIN_ROWS and len(words[0]) <= 3 and last == sorted(last)


def _is_regular(words: Sequence[Sequence[str]]) -> bool:
    """Whether rows without a caption are those of a table: most cells are filled, and there are
    numbers, three columns, or a header of few words."""
    filled = [sum(map(bool, column)) for column in zip(*words, strict=True)]
    if 2 * sum(filled) < 1.2 * len(words) * len(filled):
        return False
    if any(_is_numeric(column[1:]) for column in zip(*words, strict=True)):
        return True
    short = all(len(word.split()) <= 3 and not word.endswith((".", ",")) for word in words[0])
    return short and all(words[0]) and len(words) > MIN_ROWS


def _is_numeric(column: Sequence[str]) -> bool:
    found = [word for word in column if word]
    return bool(found) and sum(_is_number(word) for word in found) >= 0.6 * len(found)


def _is_number(word: str) -> bool:
    return _NUMBER.fullmatch(word) is not None


def _is_header(words: Sequence[Sequence[str]], captioned: bool) -> bool:
    """Whether the first row names the columns: no numbers above numbers, and few words."""
    top, body = words[0], words[1:]
    if any(len(word.split()) > MAX_HEADER_WORDS for word in top) or sum(map(bool, top)) < 2:
        return False
    numeric = [n for n in range(len(top)) if _is_numeric([row[n] for row in body])]
    if numeric:
        years = all(re.fullmatch(r"(?:1[89]|20)\d\d", top[n]) for n in numeric if top[n])
        return years or not any(_is_number(top[n]) for n in numeric if top[n])
    return captioned or all(len(word.split()) <= 3 for word in top)


def _header_rows(words: Sequence[Sequence[str]]) -> int:
    """Rows of a header: one, or two where the numbers begin below the second."""
    if len(words) <= MIN_ROWS:
        return 1
    numeric = [n for n, column in enumerate(zip(*words[2:], strict=True)) if _is_numeric(column)]
    second = [word for word in words[1] if word]
    return 2 if len(numeric) >= 2 and not any(map(_is_number, second)) else 1


def _row(row: Sequence[Sequence[Cell]], header: Sequence[str]) -> Row:
    text, places = "", []
    for cells, name in zip(row, header, strict=True):
        if not cells:
            continue
        text += ("; " if text else "") + (f"{name.rstrip(':')}: " if name else "")
        for n, cell in enumerate(cells):
            text += " " if n else ""
            places += after(cell.places, len(text))
            text += cell.text
    return Row(text, tuple(places))


def _caption(
    run: Sequence[_Line], columns: Sequence[tuple[float, float]], lines: Sequence[_Line]
) -> str:
    """The nearest caption above or below, at the table's columns; "" without one."""
    top, bottom = run[0].top, run[-1].bottom
    near: list[tuple[float, str]] = []
    for line in lines:
        for cell in line.cells:
            gap = max(top - cell.box[3], cell.box[1] - bottom)
            beside = cell.box[2] > columns[0][0] and cell.box[0] < columns[-1][1]
            if gap < CAPTION_GAP * cell.height and beside and is_caption(cell.text):
                near.append((gap, cell.text))
    return min(near)[1] if near else ""
