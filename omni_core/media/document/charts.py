"""Charts and SmartArt diagrams of office files as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from xml.etree import ElementTree as ET

from omni_core.media.document.number_format import number_format
from omni_core.media.document.zipped_xml import Package, attribute, local, relationship

MAX_SERIES_POINTS = 5000
"""Data points read of one series; how many follow is said in its line."""
_OFF = ("0", "false", "off")
_COLUMNS = ("tx", "cat", "val", "xVal", "yVal", "bubbleSize")


def graphic_lines(p: Package, e: ET.Element, links: Mapping[str, str]) -> list[str]:
    """The lines of the chart or diagram to which an element `chart` or `relIds` refers."""
    if local(e) == "chart":
        return _chart_part(p, links.get(relationship(e), ""))
    data = p.xml(links.get(attribute(e, "dm"), "")) if local(e) == "relIds" else None
    return diagram_lines(data) if data is not None else []


def _chart_part(p: Package, part: str) -> list[str]:
    """A chart, and what is drawn upon it."""
    chart = p.xml(part)
    lines = chart_lines(chart) if chart is not None else []
    for link in p.links(part).values() if lines else ():
        if link.type == "chartUserShapes" and (drawn := p.xml(link.target)) is not None:
            lines += [text for e in drawn.iter() if local(e) == "p" and (text := _words(e))]
    return lines


def chart_lines(chart: ET.Element) -> list[str]:
    """The titles, then a line for each series (`Tonnes: Cod 312; Saithe 140`), then labels."""
    titles, series, labels = [], [], []
    old = any(local(e) == "date1904" and attribute(e, "val") not in _OFF for e in chart)
    for e in chart.iter():
        name = local(e)
        if name == "title":
            titles.append(_words(e))
        elif name == "ser":
            series.append(_series(e, from_1904=old))
        elif name == "dLbl":
            labels += [_words(rich) for rich in e.iter() if local(rich) == "rich"]
    return [line for line in (*titles, *series, *_extended(chart), *labels) if line]


def diagram_lines(data: ET.Element) -> list[str]:
    """The text of each node of a SmartArt diagram."""
    return [text for e in data.iter() if local(e) == "pt" and (text := _words(e))]


def _words(element: ET.Element) -> str:
    """The text below an element: typed in, or cached from the chart's worksheet."""
    words = []
    for e in element.iter():
        if local(e) in ("t", "v"):
            words.append(e.text or "")
        elif local(e) in ("p", "pt", "br"):
            words.append(" ")
    return " ".join("".join(words).split())


def _series(series: ET.Element, *, from_1904: bool) -> str:
    """`name: category value; category value`."""
    columns = {local(part): _levels(part, from_1904=from_1904) for part in series
               if local(part) in _COLUMNS}  # fmt: skip
    name = " ".join(columns.get("tx", {}).values())
    if not name:  # typed into the chart, not taken from a cell
        name = " ".join(_words(part) for part in series if local(part) == "tx")
    categories = columns.get("cat") or columns.get("xVal") or {}
    values = columns.get("val") or columns.get("yVal") or {}
    sizes = columns.get("bubbleSize", {})
    points = (f"{categories.get(i, '')} {v} {sizes.get(i, '')}" for i, v in values.items())
    return _line(name, points)


def _line(name: str, points: Iterable[str]) -> str:
    found = [text for p in points if (text := " ".join(p.split()))]
    if (more := len(found) - MAX_SERIES_POINTS) > 0:
        found[MAX_SERIES_POINTS:] = [f"and {more} more points"]
    return ": ".join(part for part in (name, "; ".join(found)) if part)


def _levels(column: ET.Element, *, from_1904: bool = False) -> dict[str, str]:
    """The points of a column by index; of categories on several levels `2024 May`."""
    levels = [e for e in column.iter() if local(e) == "lvl"] or [column]
    found, *outer = [_points(level, from_1904=from_1904) for level in levels]
    for level in outer:
        name = ""
        for i, inner in found.items():
            name = level.get(i, name)
            found[i] = f"{name} {inner}"
    return found


def _points(level: ET.Element, *, from_1904: bool) -> dict[str, str]:
    """The points below an element by their index: their text, or that of their value, a number as
    its format shows it."""
    codes = [e.text or "" for e in level.iter() if local(e) == "formatCode"]
    shown = number_format(codes[0]) if codes else None
    found = {}
    for e in level.iter():
        if local(e) == "pt":
            value = (e.text or "").strip()
            value = value or "".join(v.text or "" for v in e.iter() if local(v) == "v")
            shown_value = shown.show(value, from_1904=from_1904) if shown is not None else value
            found[e.get("idx", "")] = shown_value
    return found


def _extended(chart: ET.Element) -> Iterator[str]:
    """The series of a chart of a newer kind (waterfall, treemap, histogram ...)."""
    data = {e.get("id", ""): e for e in chart.iter() if local(e) == "data"}
    for series in (e for e in chart.iter() if local(e) == "series"):
        name = " ".join(_words(e) for e in series if local(e) == "tx")
        links = (e.get("val", "") for e in series if local(e) == "dataId")
        columns = [
            _levels(dimension)
            for link in links
            for dimension in (data.get(link, ()))
            if local(dimension) in ("strDim", "numDim")
        ]
        indices = dict.fromkeys(i for column in columns for i in column)
        yield _line(name, (" ".join(c.get(i, "") for c in columns) for i in indices))
