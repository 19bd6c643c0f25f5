"""Charts and SmartArt diagrams of office files as lines of text."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from omni_core.media.document.zipped_xml import local

MAX_SERIES_POINTS = 500
"""Data points read of one series: enough for a year of days."""


def chart_lines(chart: ET.Element) -> list[str]:
    """The titles, then a line for each series: `Tonnes: Cod 312; Saithe 140`."""
    titles = [text for e in chart.iter() if local(e) == "title" and (text := _words(e))]
    return titles + [_series(e) for e in chart.iter() if local(e) == "ser"]


def diagram_lines(data: ET.Element) -> list[str]:
    """The text of each node of a SmartArt diagram."""
    return [text for e in data.iter() if local(e) == "pt" and (text := _words(e))]


def _words(element: ET.Element) -> str:
    """The text below an element: typed in, or cached from the chart's worksheet."""
    words = []
    for e in element.iter():
        if local(e) in ("t", "v"):
            words.append(e.text or "")
        elif local(e) in ("p", "pt"):
            words.append(" ")
    return " ".join("".join(words).split())


def _series(series: ET.Element) -> str:
    """`name: category value; category value`."""
    columns = {
        local(part): {
            e.get("idx", ""): "".join(v.text or "" for v in e.iter() if local(v) == "v")
            for e in part.iter()
            if local(e) == "pt"
        }
        for part in series
        if local(part) in ("tx", "cat", "val", "xVal", "yVal")
    }
    name = " ".join(columns.get("tx", {}).values())
    categories = columns.get("cat") or columns.get("xVal") or {}
    values = columns.get("val") or columns.get("yVal") or {}
    points = [f"{categories.get(i, '')} {v}".strip() for i, v in values.items()][:MAX_SERIES_POINTS]
    return ": ".join(part for part in (name, "; ".join(points)) if part)
