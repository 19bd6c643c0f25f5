"""PPTX: each slide is a page, with the text of its shapes, tables, charts, diagrams and notes.

MuPDF opens such files too, but merges all slides into one page and drops the notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from omni_core.media.document.charts import chart_lines, diagram_lines
from omni_core.media.document.zipped_xml import Package, attribute, local, relationship

_PRESENTATION = "ppt/presentation.xml"
_TITLES = ("title", "ctrTitle")
_LAYOUT_PLACEHOLDERS = ("sldNum", "dt", "ftr")
"""Placeholder types of slide number, date and footer, which are left out."""


def slides(p: Package) -> list[str]:
    """The parts of the slides, in order of presentation."""
    root = p.xml(_PRESENTATION)
    links = p.related(_PRESENTATION)
    wanted = [
        links.get(relationship(e), "")
        for e in (root.iter() if root is not None else ())
        if local(e) == "sldId"
    ]
    return [part for part in wanted if part in p.names]


def slide_text(p: Package, part: str) -> tuple[str, str]:
    """A slide's title, and its text: a line each for the title, every paragraph, and the notes."""
    title, lines = "", []
    links = p.related(part)
    for shape in _shapes(p.xml(part)):
        kind = _placeholder(shape)
        if kind in _TITLES and not title:
            title = " ".join(_paragraphs(shape))
        elif kind not in _LAYOUT_PLACEHOLDERS:
            lines += _paragraphs(shape) + _graphic_text(p, shape, links)
    notes = " ".join(_notes(p, links))
    return title, "\n".join([*([title] if title else ()), *lines, *_labelled("Notes", notes)])


def images(p: Package, part: str) -> list[str]:
    """The parts of the images of a slide."""
    return sorted(t for t in set(p.related(part).values()) if t.startswith("ppt/media/"))


def _shapes(root: ET.Element | None) -> Iterator[ET.Element]:
    """Text shapes, and the graphic frames of tables, charts and diagrams."""
    for e in root.iter() if root is not None else ():
        if local(e) in ("sp", "graphicFrame"):
            yield e


def _placeholder(shape: ET.Element) -> str:
    """The placeholder type of a shape; empty where it is none."""
    return next((e.get("type", "") for e in shape.iter() if local(e) == "ph"), "")


def _paragraphs(shape: ET.Element) -> list[str]:
    found = ("".join(_runs(e)) for e in shape.iter() if local(e) == "p")
    return [text for words in found if (text := " ".join(words.split()))]


def _runs(paragraph: ET.Element) -> Iterator[str]:
    """The text of a paragraph's runs; breaks and tabs become spaces."""
    for e in paragraph.iter():
        if local(e) == "t":
            yield e.text or ""
        elif local(e) in ("tab", "br"):
            yield " "


def _graphic_text(p: Package, shape: ET.Element, links: dict[str, str]) -> list[str]:
    """The lines of the chart or the diagram in a graphic frame."""
    for e in shape.iter():
        if local(e) == "chart":
            chart = p.xml(links.get(relationship(e), ""))
            return chart_lines(chart) if chart is not None else []
        if local(e) == "relIds":
            data = p.xml(links.get(attribute(e, "dm"), ""))
            return diagram_lines(data) if data is not None else []
    return []


def _notes(p: Package, links: dict[str, str]) -> Iterator[str]:
    """The paragraphs of the speaker's notes."""
    for target in links.values():
        if target.startswith("ppt/notesSlides/"):
            for shape in _shapes(p.xml(target)):
                if _placeholder(shape) == "body":
                    yield from _paragraphs(shape)


def _labelled(label: str, text: str) -> list[str]:
    return [f"{label}: {text}"] if text else []
