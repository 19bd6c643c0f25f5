"""ODS: each sheet is a page, its rows lines of text with the column names.

Parsed row by row, as XLSX is; rows and cells that a file repeats are not unfolded when empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count as numbers
from xml.etree import ElementTree as ET

from omni_core.media.document.odf_cells import shown
from omni_core.media.document.odf_package import CONTENT, STYLES, Odf
from omni_core.media.document.odf_text import MAX_REPEATED_ROWS, OdfText, count, margins
from omni_core.media.document.zipped_xml import local
from omni_core.media.text.rows import row_windows
from omni_core.text.windows import text_windows
from omni_core.types import Channel, CutOptions, Modality, Segment, Source, Span, TextContent

Row = tuple[int, int, list[str]]
"""(first row, last row, cells), as `row_windows` takes it."""


def sheet_count(odf: Odf) -> int:
    """The number of sheets."""
    reader = _Parts(names_only=True)
    for _ in odf.rows(CONTENT, reader):
        pass
    return len(reader.found)


def cut(odf: Odf, source: Source, options: CutOptions) -> Iterator[Segment]:
    """Windows of rows, with the sheet's name as heading; then what floats above the sheet: charts
    and text boxes. Headers, footers and the description follow the last one."""
    styles = odf.tree(STYLES)
    text = OdfText(odf, styles)
    number = 0
    for number, sheet in enumerate(_sheets(odf, text), 1):
        yield from _segments(sheet, sheet.rows(), number, source, options)
        yield from _segments(sheet, sheet.floating, number, source, options)
    if number:
        last = [line for line in margins(styles, text) if not _only_a_field(line)]
        yield from _segments(sheet, last + odf.about().lines, number, source, options)


def _segments(
    sheet: _Sheet,
    content: Iterator[Row] | list[str],
    number: int,
    source: Source,
    options: CutOptions,
) -> Iterator[Segment]:
    span = Span("page", number, number + 1)
    for words, rows in _windows(content, options):
        extra = {"heading": sheet.name} | ({"rows": rows} if rows else {})
        yield Segment(
            source.id, Modality.DOCUMENT, Channel.TEXT, span, TextContent(words), words,
            f"sheet {sheet.name}", next(sheet.part), extra,
        )  # fmt: skip


def _windows(content: Iterator[Row] | list[str], options: CutOptions) -> Iterator[tuple[str, str]]:
    """(text, its rows, if it is of rows)."""
    if isinstance(content, list):
        for w in text_windows("\n".join(content), options):
            yield w.text, ""
    else:
        for r in row_windows(content, options.text_window_words):
            yield r.text, f"{r.start}-{r.end}"


def _only_a_field(line: str) -> bool:
    """Whether a header or footer is no more than what Calc gives each new file: `Page 1`, `???`."""
    return len(re.findall(r"[^\W\d_]+", line)) <= 1


class _Sheet:
    """A sheet that is being read; `floating` fills with the rows."""

    def __init__(self, name: str, parts: Iterator[ET.Element], text: OdfText) -> None:
        self.name = name
        self.part = numbers()
        self.floating: list[str] = []
        self._parts = parts
        self._text = text

    def rows(self) -> Iterator[Row]:
        """Its rows; empty ones are counted and left out."""
        number = 1
        for e in self._parts:
            if local(e) != "table-row":
                self.floating += self._text.lines(e)
                continue
            repeated = count(e, "number-rows-repeated")
            cells = self._text.cells(e, self._cell)
            if cells:
                for row in range(number, number + min(repeated, MAX_REPEATED_ROWS) - 1):
                    yield row, row, cells
                yield number + min(repeated, MAX_REPEATED_ROWS) - 1, number + repeated - 1, cells
            number += repeated

    def _cell(self, cell: ET.Element) -> str:
        words, aside = [], []
        for e in cell:
            if local(e) == "annotation":
                aside.append(f"({comment})" if (comment := self._text.comment(e)) else "")
            elif local(e) in ("p", "h"):
                block = self._text.paragraph(e)
                words.append(block.text)
                self.floating += block.after
            else:
                self.floating += self._text.lines_of(e)
        value = shown(cell, " ".join(filter(None, words)))
        return " ".join(filter(None, [value, *aside]))


def _sheets(odf: Odf, text: OdfText) -> Iterator[_Sheet]:
    """The sheets; the parts of each are read before the next one is asked for."""
    events = _events(odf)
    upcoming = next(events, None)

    def parts() -> Iterator[ET.Element]:
        nonlocal upcoming
        for upcoming in events:
            if isinstance(upcoming, str):
                return
            yield upcoming
        upcoming = None

    while isinstance(upcoming, str):
        rest = parts()
        yield _Sheet(upcoming, rest, text)
        for _ in rest:
            """What the reader left."""


def _events(odf: Odf) -> Iterator[str | ET.Element]:
    reader = _Parts()
    for _ in odf.rows(CONTENT, reader):
        yield from reader.found
        reader.found.clear()
    yield from reader.found


class _Parts:
    """Parser target: the name of each sheet, then its rows and its shapes as small trees."""

    def __init__(self, *, names_only: bool = False) -> None:
        self.found: list[str | ET.Element] = []
        self._wanted = () if names_only else ("table-row", "shapes")
        self._builder: ET.TreeBuilder | None = None
        self._within: list[str] = []
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if self._builder is None and "table" in self._within and name in self._wanted:
            self._builder, self._depth = ET.TreeBuilder(), 0
        if self._builder is not None:
            self._depth += 1
            self._builder.start(tag, attributes)
            return
        if name == "table" and "body" in self._within and "table" not in self._within:
            names = [value for key, value in attributes.items() if key.endswith("}name")]
            self.found.append(" ".join(names[:1]))
        self._within.append(name)

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
