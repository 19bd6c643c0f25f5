"""XLSX: each sheet is a page, its rows readable lines with the column names kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

from omni_core.media.document.zipped_xml import Package, attribute, local
from omni_core.media.text.rows import MOST_COLUMNS, row_windows
from omni_core.types import Channel, CutOptions, Modality, Segment, Source, Span, TextContent

_DATES = {*range(14, 23), *range(45, 48)}
"""Built-in number formats that show dates or times (ECMA-376, 18.8.30)."""


def sheets(p: Package) -> list[tuple[str, str]]:
    """(name, part) of each sheet in order."""
    root = p.xml("xl/workbook.xml")
    links = p.related("xl/workbook.xml")
    found = []
    for e in root.iter() if root is not None else ():
        if local(e) == "sheet":
            part = next((links.get(v, "") for k, v in e.attrib.items() if k.endswith("}id")), "")
            if part in p.names:
                found.append((e.get("name", ""), part))
    return found


def cut(p: Package, source: Source, options: CutOptions) -> Iterator[Segment]:
    """Windows of rows, a sheet's name as heading."""
    shared = _strings(p)
    dates = _date_styles(p)
    for number, (name, part) in enumerate(sheets(p), 1):
        span = Span("page", number, number + 1)
        root = p.xml(part)
        rows = _rows(root, shared, dates) if root is not None else iter(())
        for i, w in enumerate(row_windows(rows, options.text_window_words)):
            extra = {"heading": name, "rows": f"{w.start}-{w.end}"}
            yield Segment(
                source.id, Modality.DOCUMENT, Channel.TEXT, span, TextContent(w.text), w.text,
                f"sheet {name}", i, extra,
            )  # fmt: skip


def _rows(
    root: ET.Element, shared: list[str], dates: set[int]
) -> Iterator[tuple[int, int, list[str]]]:
    number = 0
    for row in root.iter():
        if local(row) != "row":
            continue
        number = int(row.get("r", "") or number + 1)
        cells: list[str] = []
        for cell in row:
            column = _column(cell.get("r", "")) if cell.get("r") else len(cells)
            if column < MOST_COLUMNS:
                cells += [""] * (column - len(cells))
                cells[column:] = [_value(cell, shared, dates)]
        yield number, number, cells


def _column(reference: str) -> int:
    number = 0
    for letter in re.sub(r"[^A-Z]", "", reference)[:3]:
        number = number * 26 + ord(letter) - 64
    return max(0, number - 1)


def _value(cell: ET.Element, shared: list[str], dates: set[int]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(e.text or "" for e in cell.iter() if local(e) == "t")
    raw = next((e.text or "" for e in cell if local(e) == "v"), "")
    if kind == "s":
        return shared[int(raw)] if raw.isdigit() and int(raw) < len(shared) else ""
    if kind == "b":
        return "true" if raw == "1" else "false"
    if kind == "n" and raw and int(cell.get("s", "0") or 0) in dates:
        return _date(raw)
    return raw


def _date(raw: str) -> str:
    """A serial number of days since 1899-12-30 as a date."""
    try:
        when = datetime(1899, 12, 30) + timedelta(days=float(raw))
    except (ValueError, OverflowError):
        return raw
    return when.strftime("%Y-%m-%d" if when.hour == when.minute == 0 else "%Y-%m-%d %H:%M")


def _strings(p: Package) -> list[str]:
    root = p.xml("xl/sharedStrings.xml")
    items = (e for e in root if local(e) == "si") if root is not None else ()
    return ["".join(e.text or "" for e in item.iter() if local(e) == "t") for item in items]


def _date_styles(p: Package) -> set[int]:
    """Numbers of the cell styles that show dates."""
    root = p.xml("xl/styles.xml")
    if root is None:
        return set()
    own = {
        int(e.get("numFmtId", "0"))
        for e in root.iter()
        if local(e) == "numFmt"
        and re.search(
            r"[ymdhs]", re.sub(r'"[^"]*"|\[[^]]*\]', "", attribute(e, "formatCode").lower())
        )
    }
    formats = [e for e in root.iter() if local(e) == "cellXfs"]
    styles = list(formats[0]) if formats else []
    return {i for i, e in enumerate(styles) if int(e.get("numFmtId", "0") or 0) in own | _DATES}
