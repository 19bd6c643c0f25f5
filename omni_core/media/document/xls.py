"""XLS, the workbooks of Excel before 2007: each sheet is a page, as in XLSX.

xlrd reads all versions of the format from 2.1 to 2003, and Records the words that it leaves out:
headers, footers and text boxes. What neither reads (charts, pictures) gives a warning.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from functools import cache

import xlrd
from xlrd.book import Book
from xlrd.sheet import Sheet

from omni_core.media.document.biff import Records
from omni_core.media.document.file_kinds import encrypted
from omni_core.media.document.number_format import number_format
from omni_core.media.document.office_pages import text_segment
from omni_core.media.document.sheet_notes import margin
from omni_core.media.text.rows import row_windows
from omni_core.text.windows import text_windows
from omni_core.types import CutOptions, FileWarning, Segment, Source, Span

_EMPTY = {xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK}
_FORMATTED = (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE)
log = logging.getLogger(__name__)

Row = tuple[int, int, list[str]]
"""(row number, row number, cells), as `row_windows` takes it."""


def opened(data: bytes, name: str) -> Book:
    """The workbook in a stream. Raises UnreadableError (ENCRYPTED)."""
    return _opened(data, name, Records(data))


def _opened(data: bytes, name: str, records: Records) -> Book:
    if records.encrypted:
        raise encrypted(name)
    return xlrd.open_workbook(
        file_contents=data, logfile=io.StringIO(), formatting_info=True, on_demand=True,
        ragged_rows=True,
    )  # fmt: skip


def cut(
    data: bytes, name: str, source: Source, options: CutOptions
) -> Iterator[Segment | FileWarning]:
    """Windows of rows, with the sheet's name as heading."""
    beside = Records(data)
    book = _opened(data, name, beside)
    for number, title in enumerate(book.sheet_names(), 1):
        try:
            sheet = book.sheet_by_index(number - 1)
        except Exception as e:  # xlrd raises exceptions of any kind on damaged sheets
            log.debug("sheet %s", title, exc_info=e)
            yield FileWarning(f"damaged, not read: sheet {title}")
            continue
        span, part = Span("page", number, number + 1), 0
        origin = f"{'hidden ' if sheet.visibility else ''}sheet {title}"
        for part, w in enumerate(row_windows(_rows(book, sheet), options.text_window_words), 1):
            extra = {"heading": title, "rows": f"{w.start}-{w.end}"}
            yield text_segment(source, span, w.text, origin, part - 1, extra)
        margins = filter(None, map(margin, beside.margins[number - 1]))
        text = "\n".join([*margins, *_comments(sheet), *beside.words[number - 1]])
        for n, window in enumerate(text_windows(text, options), part):
            yield text_segment(source, span, window.text, origin, n, {"heading": title})
        book.unload_sheet(number - 1)
    if objects := beside.objects:
        shown = ", ".join(f"{n} {kind}{'es' if kind[-1] == 'x' else 's'}" if n > 1 else f"1 {kind}"
                          for kind, n in objects.items())  # fmt: skip
        yield FileWarning(f"not read: {shown}; save the workbook as XLSX to have them read")


def _rows(book: Book, sheet: Sheet) -> Iterator[Row]:
    @cache
    def style(index: int) -> str:
        key = book.xf_list[index].format_key
        return str(book.format_map[key].format_str) if key in book.format_map else ""

    for row in range(sheet.nrows):
        kinds = sheet.row_types(row)
        if _EMPTY.issuperset(kinds):
            continue
        cells = []
        for column, (kind, value) in enumerate(zip(kinds, sheet.row_values(row), strict=True)):
            code = ""
            if kind in _FORMATTED:
                index = sheet.cell_xf_index(row, column)
                code = style(index) if index < len(book.xf_list) else ""
            cells.append(_shown(kind, value, code, from_1904=bool(book.datemode)))
        yield row + 1, row + 1, cells


def _shown(kind: int, value: object, code: str, *, from_1904: bool) -> str:
    """A cell's text, as `number_format` shows the cells of XLSX."""
    if kind == xlrd.XL_CELL_BOOLEAN:
        return "true" if value else "false"
    if kind == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(value, "") if isinstance(value, int) else ""
    if kind in _FORMATTED:
        return _format(code).show(str(value).removesuffix(".0"), from_1904=from_1904)
    return str(value)


_format = cache(number_format)


def _comments(sheet: Sheet) -> Iterator[str]:
    for (row, column), note in sorted(sheet.cell_note_map.items()):
        author = (note.author or "").strip(" \0")
        by = f" by {author}" if author else ""
        if words := " ".join(note.text.split()):
            yield f"Comment on {xlrd.colname(column)}{row + 1}{by}: {words}"
