"""Charts and diagrams of office files: their words and numbers as readable lines."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from omni_core.media.document.zipped_xml import local

MOST_POINTS = 500
"""Of one series: a chart of a year's days is read, a recording of a sensor is not."""


def chart_lines(chart: ET.Element) -> list[str]:
    """The titles, then a line for each series: `Tonnes: Cod 312; Saithe 140`."""
    titles = [text for e in chart.iter() if local(e) == "title" and (text := _words(e))]
    return titles + [_series(e) for e in chart.iter() if local(e) == "ser"]


def diagram_lines(data: ET.Element) -> list[str]:
    """The words of each point of a SmartArt diagram."""
    return [text for e in data.iter() if local(e) == "pt" and (text := _words(e))]


def _words(element: ET.Element) -> str:
    """The words below an element, as typed or as taken from the sheet behind the chart."""
    words = []
    for e in element.iter():
        if local(e) in ("t", "v"):
            words.append(e.text or "")
        elif local(e) in ("p", "pt"):
            words.append(" ")
    return " ".join("".join(words).split())


def _series(series: ET.Element) -> str:
    """Each value behind its category."""
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
    points = [f"{categories.get(i, '')} {v}".strip() for i, v in values.items()][:MOST_POINTS]
    return ": ".join(part for part in (name, "; ".join(points)) if part)
