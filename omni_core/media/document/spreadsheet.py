"""XLSX: each sheet is a page, its rows lines of text with the column names.

A sheet is parsed row by row and never held whole. Measured under the decoder's 2 GB on 200,000
rows of 8 cells: 10 s of CPU and a peak of 68 MB. openpyxl in read-only mode needs 11 s and 116 MB,
but finds no sheet in files saved as "strict", and iterates over every missing row up to one
numbered two billion. calamine needs 1.2 s and 141 MB, but holds a sheet as a rectangle (a file of
5 KB with cells in two opposite corners aborts the process) and keeps no number formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple
from xml.etree import ElementTree as ET

from omni_core.media.document.number_format import (
    BUILT_IN,
    PLAIN,
    NumberFormat,
    number_format,
)
from omni_core.media.document.office_pages import text_segment
from omni_core.media.document.sheet_notes import SheetNotes, margin, people, unescaped
from omni_core.media.document.unread import CUT, IN_CELLS, MISSING, UNCOUNTED
from omni_core.media.document.zipped_xml import (
    MAX_PART_BYTES,
    Package,
    attribute,
    local,
    relationship,
)
from omni_core.media.text.rows import MAX_COLUMNS, row_windows
from omni_core.text.windows import text_windows
from omni_core.types import CutOptions, Segment, Source, Span

Row = tuple[int, int, list[str]]
"""(row number, row number, cells), as `row_windows` takes it."""

_MARGINS = (
    "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter",
)  # fmt: skip
MAX_CHARACTERS = 32_767
"""Characters read of one cell: Excel's own limit."""
_WORKBOOK = "xl/workbook.xml"


class Sheet(NamedTuple):
    """A sheet's name, its part of the package, and whether it is hidden."""

    name: str
    part: str
    hidden: bool = False


class Workbook:
    """The sheets of a package in order, hidden ones too."""

    def __init__(self, p: Package) -> None:
        self._package = p
        self._part = p.main if p.main in p.names else _WORKBOOK
        self._root = p.xml(self._part)
        if self._root is None:
            p.unread.add(MISSING, self._part)
        self._links = p.links(self._part)
        self.sheets = self._sheets()
        for link in self._links.values():
            if link.type == "richValueRel":
                for picture in p.related(link.target).values():
                    p.unread.add(IN_CELLS, picture.rpartition("/")[2])

    def cut(
        self, number: int, beside: Sequence[str], source: Source, options: CutOptions
    ) -> Iterator[Segment]:
        """Sheet `number` (from 1): windows of its rows, then of its margins and of what stands
        `beside` its cells, with the sheet's name as heading."""
        sheet = self.sheets[number - 1]
        if sheet.part not in self._package.names:
            self._package.unread.add(MISSING, f"sheet {sheet.name}")
            return
        span, origin = Span("page", number, number + 1), f"sheet {sheet.name}"
        origin = f"hidden {origin}" if sheet.hidden else origin
        reader, count = _Rows(self._values), 0
        rows = _rows(self._package, sheet.part, reader)
        for count, w in enumerate(row_windows(rows, options.text_window_words), 1):
            extra = {"heading": sheet.name, "rows": f"{w.start}-{w.end}"}
            yield text_segment(source, span, w.text, origin, count - 1, extra)
        for kind, times in ((UNCOUNTED, reader.uncounted), (CUT, reader.cut)):
            for _ in range(times):
                self._package.unread.add(kind, f"sheet {sheet.name}")
        text = "\n".join([*filter(None, map(margin, reader.margins)), *beside])
        for n, window in enumerate(text_windows(text, options), count):
            yield text_segment(source, span, window.text, origin, n, {"heading": sheet.name})

    def rows(self, number: int) -> Iterator[Row]:
        """The rows of sheet `number`, as they are stored."""
        return _rows(self._package, self.sheets[number - 1].part, _Rows(self._values))

    def notes(self, number: int) -> SheetNotes:
        """What stands on sheet `number` beside its cells."""
        sheet = self.sheets[number - 1]
        return SheetNotes(self._package, sheet.part, sheet.name, self._people)

    def _sheets(self) -> list[Sheet]:
        """As the workbook lists them; by the names of their parts where its list, or what it refers
        to, is lost."""
        p = self._package
        found = []
        for e in self._root.iter() if self._root is not None else ():
            if local(e) == "sheet":
                link = self._links.get(relationship(e))
                hidden = e.get("state", "visible") != "visible"
                found.append(Sheet(e.get("name", ""), link.target if link else "", hidden))
        if any(sheet.part in p.names for sheet in found):
            return found
        parts = {
            int(m[1]): part
            for part in p.names
            if (m := re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", part))
        }
        if len(parts) == len(found):  # listed in the order in which they are numbered
            kept = zip(found, sorted(parts), strict=True)
            return [sheet._replace(part=parts[number]) for sheet, number in kept]
        return [Sheet(f"{number}", parts[number]) for number in sorted(parts)]

    @cached_property
    def _people(self) -> dict[str, str]:
        return people(self._package, self._links)

    @cached_property
    def _values(self) -> _Values:
        p = self._package
        parts = {link.type: link.target for link in self._links.values()}
        strings = parts.get("sharedStrings", "xl/sharedStrings.xml")
        styles = parts.get("styles", "xl/styles.xml")
        return _Values(_strings(p, strings), _formats(p, styles), _counts_from_1904(self._root))


class _Values(NamedTuple):
    """The workbook's shared strings, cell formats and date system."""

    strings: list[str]
    formats: list[NumberFormat]
    from_1904: bool

    def show(self, kind: str, style: str, raw: str) -> str:
        """A cell's text: `raw` as stored, of type `kind` (18.18.11), with cell style `style`."""
        if kind == "s":
            return self.strings[int(raw)] if _is_index(raw, len(self.strings)) else ""
        if kind == "b":
            return "true" if raw == "1" else "false"
        if kind in ("str", "inlineStr"):
            return unescaped(raw)
        if kind == "d":
            return raw.removesuffix("T00:00:00")
        if kind != "n" or not raw:
            return raw
        known = _is_index(style, len(self.formats))
        return (self.formats[int(style)] if known else PLAIN).show(raw, from_1904=self.from_1904)


def _is_index(number: str, length: int) -> bool:
    return number.isdecimal() and len(number) < 10 and int(number) < length


class _Strings:
    """Parser target for the shared strings; phonetic runs (`rPh`) are left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._text: list[str] = []
        self._within: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._within.append(tag.rpartition("}")[2])

    def end(self, tag: str) -> None:
        if self._within.pop() == "si":
            self.found.append(unescaped("".join(self._text)))
            self._text.clear()

    def data(self, text: str) -> None:
        if self._within[-1] == "t" and "rPh" not in self._within:
            self._text.append(text)


class _Rows:
    """Parser target for the rows of a sheet; its reader empties `found` as it goes."""

    def __init__(self, values: _Values) -> None:
        self.found: list[Row] = []
        self._values = values
        self._number = 0
        self._cells: list[str] = []
        self._column = 0
        self._type = self._style = ""
        self._text: list[str] = []
        self._remaining = 0
        self._wanted = self._phonetic = False
        self._formula = self._result = False
        self.uncounted = 0
        """Formulas without a stored result."""
        self.cut = 0
        """Cells of which something, or which as a whole, is left out."""
        self.margins: list[str] = []
        """The headers and footers of the printed sheet, with their codes."""
        self._margin = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if name == "c":
            reference = attributes.get("r", "")
            letters = reference.rstrip("0123456789")
            self._column = _column(letters) if reference else self._column + 1
            self._type, self._style = attributes.get("t", "n"), attributes.get("s", "0")
            self._text.clear()
            self._remaining = MAX_CHARACTERS
            self._formula = self._result = False
        elif name in ("v", "t"):
            self._wanted, self._result = not self._phonetic, True
        elif name == "f":
            self._formula = True
        elif name == "row":
            number = attributes.get("r", "")
            self._number = int(number) if _is_index(number, 10**9) else self._number + 1
            self._cells, self._column = [], -1
        elif name == "rPh":
            self._phonetic = True
        elif name in _MARGINS:
            self._margin = True
            self.margins.append("")

    def end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        if name in ("v", "t"):
            self._wanted = False
        elif name == "c":
            empty = not self._text and (self._type != "str" or not self._result)
            self.uncounted += self._formula and empty
            self.cut += self._remaining < 0 or (bool(self._text) and self._column >= MAX_COLUMNS)
            if self._text and self._column < MAX_COLUMNS:
                self._cells += [""] * (self._column - len(self._cells))
                value = self._values.show(self._type, self._style, "".join(self._text))
                self._cells[self._column :] = [value]
        elif name == "row":
            self.found.append((self._number, self._number, self._cells))
        elif name == "rPh":
            self._phonetic = False
        elif name in _MARGINS:
            self._margin = False

    def data(self, text: str) -> None:
        if self._wanted:
            if self._remaining > 0:
                self._text.append(text[: self._remaining])
            self._remaining -= len(text)
        elif self._margin:
            self.margins[-1] += text


def _rows(p: Package, part: str, reader: _Rows) -> Iterator[Row]:
    for _ in p.stream(part, reader):
        yield from reader.found
        reader.found.clear()
    yield from reader.found  # those before the damage of the last chunk
    reader.found.clear()


@lru_cache(4096)
def _column(reference: str) -> int:
    """0 for A, 27 for AB, and for AB5; asked for letters alone, few are kept."""
    number = 0
    for letter in re.sub(r"[^A-Z]", "", reference)[:3]:
        number = number * 26 + ord(letter) - 64
    return max(0, number - 1)


def _strings(p: Package, part: str) -> list[str]:
    reader = _Strings()
    for _ in p.stream(part, reader, MAX_PART_BYTES):
        pass
    return reader.found


def _formats(p: Package, part: str) -> list[NumberFormat]:
    """The number format of each cell style."""
    root = p.xml(part)
    if root is None:
        return []
    own = {
        e.get("numFmtId", ""): number_format(attribute(e, "formatCode"))
        for e in root.iter()
        if local(e) == "numFmt"
    }
    built_in = {str(number): number_format(code) for number, code in BUILT_IN.items()}
    styles = next((e for e in root.iter() if local(e) == "cellXfs"), ())
    return [{**built_in, **own}.get(e.get("numFmtId", "0"), PLAIN) for e in styles]


def _counts_from_1904(workbook: ET.Element | None) -> bool:
    """Whether the workbook uses the 1904 date system."""
    settings = (e for e in workbook if local(e) == "workbookPr") if workbook is not None else ()
    return any(e.get("date1904", "0") in ("1", "true", "on") for e in settings)
