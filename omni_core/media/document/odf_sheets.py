"""ODS: each sheet is a page, its rows lines of text with the column names.

Parsed row by row, as XLSX is; rows and cells that a file repeats are not unfolded when empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count as numbers
from typing import NamedTuple
from xml.etree import ElementTree as ET

from omni_core.media.document.drawing_ml import Picture
from omni_core.media.document.odf_cells import shown
from omni_core.media.document.odf_document import margins
from omni_core.media.document.odf_package import CONTENT, STYLES, Odf
from omni_core.media.document.odf_text import MAX_REPEATED_ROWS, After, OdfText, count
from omni_core.media.document.office_pages import page_segments, text_segment
from omni_core.media.document.pictures import Pictures
from omni_core.media.document.zipped_xml import local
from omni_core.media.text.rows import row_windows
from omni_core.text.windows import text_windows
from omni_core.types import CutOptions, Segment, Source, Span

Row = tuple[int, int, list[str]]
"""(first row, last row, cells), as `row_windows` takes it."""


def sheet_count(odf: Odf) -> int:
    """The number of sheets."""
    reader = _Parts(names_only=True)
    for _ in odf.package.stream(CONTENT, reader):
        pass
    return len(reader.found)


def cut(odf: Odf, shown: Pictures, source: Source, options: CutOptions) -> Iterator[Segment]:
    """Of each sheet the windows of its rows, with its name as heading, then of what stands beside
    its cells, then its pictures. Headers, footers and the description follow the last one."""
    styles = odf.package.xml(STYLES)
    text = OdfText(odf, styles)
    last: _Sheet | None = None
    for number, sheet in enumerate(_sheets(odf, text), 1):
        last = sheet
        span = Span("page", number, number + 1)
        origin, extra = (
            f"{'hidden ' if sheet.hidden else ''}sheet {sheet.name}",
            {"heading": sheet.name},
        )
        for w in row_windows(sheet.rows(), options.text_window_words):
            rows = {**extra, "rows": f"{w.start}-{w.end}"}
            yield text_segment(source, span, w.text, origin, next(sheet.part), rows)
        lines = sheet.beside()
        for beside in text_windows("\n".join(lines), options):
            yield text_segment(source, span, beside.text, origin, next(sheet.part), extra)
        yield from page_segments(shown, sheet.pictures, span, source, options, extra)
    if last is not None:
        around = (line for line in margins(styles, text) if isinstance(line, str))
        found = [line for line in around if not _only_a_field(line)]
        for w_ in text_windows("\n".join([*found, *odf.about().lines]), options):
            yield text_segment(source, span, w_.text, origin, next(last.part), extra)


def pictures(odf: Odf, number: int) -> list[Picture]:
    """The pictures of sheet `number` (from 1)."""
    for n, sheet in enumerate(_sheets(odf, OdfText(odf)), 1):
        if n == number:
            for _ in sheet.rows():
                """Pictures lie in cells too."""
            return sheet.pictures
    return []


def _only_a_field(line: str) -> bool:
    """Whether a header or footer is no more than what Calc gives each new file: `Page 1`, `???`."""
    return len(re.findall(r"[^\W\d_]+", line)) <= 1


class _Sheet:
    """A sheet that is being read; what stands beside its cells is found with its rows."""

    def __init__(
        self, name: str, parts: Iterator[ET.Element], text: OdfText, *, hidden: bool
    ) -> None:
        self.name = name
        self.hidden = hidden
        self.part = numbers()
        self._comments: list[str] = []
        self._floating: list[After] = []
        self._parts = parts
        self._text = text

    @property
    def pictures(self) -> list[Picture]:
        """Each once."""
        return list(dict.fromkeys(one for one in self._floating if isinstance(one, Picture)))

    def beside(self) -> list[str]:
        """Comments (`Comment on B4 by Ann: ...`), then charts and text boxes."""
        shapes = [one if isinstance(one, str) else f"Picture: {one.alt}" for one in self._floating
                  if isinstance(one, str) or one.alt]  # fmt: skip
        return [*self._comments, *shapes]

    def rows(self) -> Iterator[Row]:
        """Its rows; empty ones are counted and left out."""
        number = 1
        for e in self._parts:
            if local(e) != "table-row":
                self._floating += self._text.everything(e)
                continue
            repeated = count(e, "number-rows-repeated")
            cells = self._text.cells(e, self._cell)
            self._read_comments(e, number)
            if cells:
                for row in range(number, number + min(repeated, MAX_REPEATED_ROWS) - 1):
                    yield row, row, cells
                yield number + min(repeated, MAX_REPEATED_ROWS) - 1, number + repeated - 1, cells
            number += repeated

    def _cell(self, cell: ET.Element) -> str:
        words = []
        for e in cell:
            if local(e) in ("p", "h"):
                words.append(self._text.words(e, self._floating))
            elif local(e) != "annotation":
                self._floating += self._text.of(e)
        return shown(cell, " ".join(filter(None, words)))

    def _read_comments(self, row: ET.Element, number: int) -> None:
        column = 0
        for cell in row:
            for e in cell:
                if e.tag.endswith("}annotation") and (said := self._text.comment(e)):
                    place = f"Comment on {_letters(column)}{number}"
                    self._comments.append(place + said.removeprefix("Comment"))
            if local(cell) in ("table-cell", "covered-table-cell"):
                column += count(cell, "number-columns-repeated")


def _letters(column: int) -> str:
    """A for 0, AB for 27."""
    name, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _sheets(odf: Odf, text: OdfText) -> Iterator[_Sheet]:
    """The sheets; the parts of each are read before the next one is asked for."""
    events = _events(odf, text)
    upcoming = next(events, None)

    def parts() -> Iterator[ET.Element]:
        nonlocal upcoming
        for upcoming in events:
            if isinstance(upcoming, _Head):
                return
            yield upcoming
        upcoming = None

    while isinstance(upcoming, _Head):
        rest = parts()
        yield _Sheet(upcoming.name, rest, text, hidden=text.hides(upcoming.style))
        for _ in rest:
            """What the reader left."""


def _events(odf: Odf, text: OdfText) -> Iterator[_Head | ET.Element]:
    """The beginning of each sheet, then its rows and its shapes; styles are learned."""
    reader = _Parts()
    for _ in odf.package.stream(CONTENT, reader):
        yield from _learned(reader, text)
    yield from _learned(reader, text)


def _learned(reader: _Parts, text: OdfText) -> Iterator[_Head | ET.Element]:
    for event in reader.found:
        if isinstance(event, _Head) or local(event) != "style":
            yield event
        else:
            text.style(event)
    reader.found.clear()


class _Head(NamedTuple):
    """Where a sheet begins."""

    name: str
    style: str


class _Parts:
    """Parser target: the head of each sheet, its rows and shapes, and styles, as small trees."""

    def __init__(self, *, names_only: bool = False) -> None:
        self.found: list[_Head | ET.Element] = []
        self._names_only = names_only
        self._builder: ET.TreeBuilder | None = None
        self._within: list[str] = []
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if self._builder is None and not self._names_only and self._is_wanted(name):
            self._builder, self._depth = ET.TreeBuilder(), 0
        if self._builder is not None:
            self._depth += 1
            self._builder.start(tag, attributes)
            return
        if name == "table" and "body" in self._within and "table" not in self._within:
            known = {key.rpartition("}")[2]: value for key, value in attributes.items()}
            self.found.append(_Head(known.get("name", ""), known.get("style-name", "")))
        self._within.append(name)

    def _is_wanted(self, name: str) -> bool:
        if "table" in self._within:
            return name in ("table-row", "shapes")
        return name == "style" and "body" not in self._within

    def end(self, tag: str) -> None:
        if self._builder is None:
            self._within.pop()
            return
        self._depth -= 1
        self._builder.end(tag)
        if self._depth == 0:
            self.found.append(self._builder.close())
            self._builder = None

    def data(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)
