"""PPTX: each slide is a page with its words, its tables, charts, diagrams and notes.

MuPDF would open such files, but runs all slides into one page and loses the notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from omni_core.media.document.charts import chart_lines, diagram_lines
from omni_core.media.document.zipped_xml import Package, attribute, local, relationship

_PRESENTATION = "ppt/presentation.xml"
_TITLES = ("title", "ctrTitle")
_ON_EVERY_SLIDE = ("sldNum", "dt", "ftr")
"""Placeholders of the slide's number, the date and the footer."""


def slides(p: Package) -> list[str]:
    """The slides' parts in the order of the show."""
    root = p.xml(_PRESENTATION)
    links = p.related(_PRESENTATION)
    wanted = [
        links.get(relationship(e), "")
        for e in (root.iter() if root is not None else ())
        if local(e) == "sldId"
    ]
    return [part for part in wanted if part in p.names]


def slide_text(p: Package, part: str) -> tuple[str, str]:
    """A slide's title, and a line each for its title, its paragraphs and its notes."""
    title, lines = "", []
    links = p.related(part)
    for shape in _shapes(p.xml(part)):
        kind = _placeholder(shape)
        if kind in _TITLES and not title:
            title = " ".join(_paragraphs(shape))
        elif kind not in _ON_EVERY_SLIDE:
            lines += _paragraphs(shape) + _drawn(p, shape, links)
    notes = " ".join(_notes(p, links))
    return title, "\n".join([*([title] if title else ()), *lines, *_labelled("Notes", notes)])


def images(p: Package, part: str) -> list[str]:
    """The parts of the images of a slide."""
    return sorted(t for t in set(p.related(part).values()) if t.startswith("ppt/media/"))


def _shapes(root: ET.Element | None) -> Iterator[ET.Element]:
    """Text boxes, and the frames of tables, charts and diagrams."""
    for e in root.iter() if root is not None else ():
        if local(e) in ("sp", "graphicFrame"):
            yield e


def _placeholder(shape: ET.Element) -> str:
    """What the layout reserved the shape for; empty for a shape of the slide's own."""
    return next((e.get("type", "") for e in shape.iter() if local(e) == "ph"), "")


def _paragraphs(shape: ET.Element) -> list[str]:
    found = ("".join(_runs(e)) for e in shape.iter() if local(e) == "p")
    return [text for words in found if (text := " ".join(words.split()))]


def _runs(paragraph: ET.Element) -> Iterator[str]:
    """The words of a paragraph; breaks and tabs keep them apart."""
    for e in paragraph.iter():
        if local(e) == "t":
            yield e.text or ""
        elif local(e) in ("tab", "br"):
            yield " "


def _drawn(p: Package, shape: ET.Element, links: dict[str, str]) -> list[str]:
    """The words of the chart or the diagram that a frame holds."""
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
