"""XLSX: each sheet is a page, its rows lines of text with the column names.

A sheet is parsed row by row and never held whole. Measured under the decoder's 2 GB on 200,000
rows of 8 cells: 10 s of CPU and a peak of 68 MB. openpyxl in read-only mode needs 11 s and 116 MB,
but finds no sheet in files saved as "strict", and iterates over every missing row up to one
numbered two billion. calamine needs 1.2 s and 141 MB, but holds a sheet as a rectangle (a file of
5 KB with cells in two opposite corners aborts the process) and keeps no number formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from omni_core.media.document.number_format import (
    BUILT_IN,
    PLAIN,
    NumberFormat,
    number_format,
)
from omni_core.media.document.zipped_xml import (
    MAX_PART_BYTES,
    Package,
    attribute,
    local,
    relationship,
)
from omni_core.media.text.rows import MAX_COLUMNS, row_windows
from omni_core.types import Channel, CutOptions, Modality, Segment, Source, Span, TextContent

Row = tuple[int, int, list[str]]
"""(row number, row number, cells), as `row_windows` takes it."""

MAX_CHARACTERS = 32_767
"""Characters read of one cell: Excel's own limit."""
_WORKBOOK = "xl/workbook.xml"


class Sheet(NamedTuple):
    """A sheet's name and its part of the package."""

    name: str
    part: str


def sheets(p: Package) -> list[Sheet]:
    """The sheets in order, hidden ones too."""
    root = p.xml(_WORKBOOK)
    links = p.related(_WORKBOOK)
    found = [
        Sheet(e.get("name", ""), links.get(relationship(e), ""))
        for e in (root.iter() if root is not None else ())
        if local(e) == "sheet"
    ]
    return [sheet for sheet in found if sheet.part in p.names]


def cut(p: Package, source: Source, options: CutOptions) -> Iterator[Segment]:
    """Windows of rows, with the sheet's name as heading."""
    values = _values(p)
    for number, sheet in enumerate(sheets(p), 1):
        span = Span("page", number, number + 1)
        for i, w in enumerate(row_windows(_rows(p, sheet.part, values), options.text_window_words)):
            yield Segment(
                source.id, Modality.DOCUMENT, Channel.TEXT, span, TextContent(w.text), w.text,
                f"sheet {sheet.name}", i, {"heading": sheet.name, "rows": f"{w.start}-{w.end}"},
            )  # fmt: skip


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
        if kind == "d":
            return raw.removesuffix("T00:00:00")
        if kind != "n" or not raw:
            return raw
        known = _is_index(style, len(self.formats))
        return (self.formats[int(style)] if known else PLAIN).show(raw, from_1904=self.from_1904)


def _values(p: Package) -> _Values:
    return _Values(_strings(p), _formats(p), _counts_from_1904(p))


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
            self.found.append("".join(self._text))
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

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if name == "c":
            reference = attributes.get("r", "")
            self._column = _column(reference) if reference else len(self._cells)
            self._type, self._style = attributes.get("t", "n"), attributes.get("s", "0")
            self._text.clear()
            self._remaining = MAX_CHARACTERS
        elif name in ("v", "t"):
            self._wanted = not self._phonetic
        elif name == "row":
            number = attributes.get("r", "")
            self._number = int(number) if _is_index(number, 10**9) else self._number + 1
            self._cells = []
        elif name == "rPh":
            self._phonetic = True

    def end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        if name in ("v", "t"):
            self._wanted = False
        elif name == "c":
            if self._text and self._column < MAX_COLUMNS:
                self._cells += [""] * (self._column - len(self._cells))
                value = self._values.show(self._type, self._style, "".join(self._text))
                self._cells[self._column :] = [value]
        elif name == "row":
            self.found.append((self._number, self._number, self._cells))
        elif name == "rPh":
            self._phonetic = False

    def data(self, text: str) -> None:
        if self._wanted and self._remaining > 0:
            self._text.append(text[: self._remaining])
            self._remaining -= len(text)


def _rows(p: Package, part: str, values: _Values) -> Iterator[Row]:
    reader = _Rows(values)
    for _ in p.stream(part, reader):
        yield from reader.found
        reader.found.clear()


@lru_cache(4096)
def _column(reference: str) -> int:
    """0 for A5, 27 for AB5."""
    number = 0
    for letter in re.sub(r"[^A-Z]", "", reference)[:3]:
        number = number * 26 + ord(letter) - 64
    return max(0, number - 1)


def _strings(p: Package) -> list[str]:
    reader = _Strings()
    for _ in p.stream(_related(p, "sharedStrings"), reader, MAX_PART_BYTES):
        pass
    return reader.found


def _formats(p: Package) -> list[NumberFormat]:
    """The number format of each cell style."""
    root = p.xml(_related(p, "styles"))
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


def _counts_from_1904(p: Package) -> bool:
    """Whether the workbook uses the 1904 date system."""
    root = p.xml(_WORKBOOK)
    settings = (e for e in root if local(e) == "workbookPr") if root is not None else ()
    return any(e.get("date1904", "0") in ("1", "true", "on") for e in settings)


def _related(p: Package, name: str) -> str:
    """The part `name` that the workbook refers to."""
    parts = p.related(_WORKBOOK).values()
    return next((part for part in parts if part.endswith(f"/{name}.xml")), f"xl/{name}.xml")
