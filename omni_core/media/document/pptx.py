"""PPTX: each slide is a page, with the text of its shapes, tables, charts, diagrams, notes and
comments, and its pictures.

MuPDF opens such files too, but merges all slides into one page and drops the notes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from xml.etree import ElementTree as ET

from omni_core.media.document.drawing_ml import (
    Drawn,
    Picture,
    children,
    note_unread,
    paragraphs,
)
from omni_core.media.document.office_pages import Slide
from omni_core.media.document.unread import MISSING
from omni_core.media.document.zipped_xml import Link, Package, attribute, local, relationship

_PRESENTATION = "ppt/presentation.xml"
_TITLES = ("title", "ctrTitle")
_NUMBERS = ("sldNum", "hdr", "sldImg")
"""Placeholder types of slide number, and the header and image of a notes page."""
_REPEATED = ("ftr", "dt")
"""Those that repeat their text on every slide."""
_SHAPES = ("sp", "pic", "graphicFrame", "bg", "cxnSp")
_REPEATED_FROM = 3
"""Slides from which a picture on more than half of all counts as part of the design."""
_OFF = ("0", "false", "off")


class Show:
    """The slides of a package, read one by one."""

    def __init__(self, p: Package) -> None:
        self._package = p
        part = p.main if p.main in p.names else _PRESENTATION
        self.parts = _slides(p, part)
        self._authors = _authors(p, part)
        self._repeated: set[str] = set()
        self._layouts: dict[str, list[str]] = {}

    def slide(self, number: int) -> Slide:
        """Slide `number` (from 1). What every slide repeats belongs to the first
        that has it."""
        p, part = self._package, self.parts[number - 1]
        root = p.xml(part)
        if root is None:
            p.unread.add(MISSING, f"slide {number}")
            return Slide()
        links = p.links(part) or _links_back(p, part)
        note_unread(p.unread, links.values(), f"slide {number}")
        found, drawn = Slide(hidden=root.get("show", "1") in _OFF), Drawn()
        for shape in _shapes(root):
            kind = _placeholder(shape)
            if kind in _TITLES and not found.title:
                found.title = " ".join(paragraphs(shape))
            elif kind in _REPEATED:
                drawn.lines += self._once(paragraphs(shape))
            elif kind not in _NUMBERS:
                drawn.add(p, shape, links)
        found.pictures = self._not_of_the_design(number, drawn.distinct(p))
        drawn.lines += self._once(self._design(root, links))
        notes = " ".join(_notes(p, links))
        found.lines = [
            line
            for line in (found.title, *drawn.lines, f"Notes: {notes}" if notes else "",
                         *_comments(p, links, self._authors))
            if line
        ]  # fmt: skip
        return found

    def _once(self, lines: Iterable[str]) -> list[str]:
        """Those of the lines that no slide had before."""
        new = [line for line in dict.fromkeys(lines) if line not in self._repeated]
        self._repeated.update(new)
        return new

    def _design(self, slide: ET.Element, links: Mapping[str, Link]) -> Iterator[str]:
        """The text that the slide's layout and master add to it, which is not in placeholders."""
        if slide.get("showMasterSp", "1") in _OFF:
            return
        for link in links.values():
            if link.type == "slideLayout" and not link.external:
                yield from self._layout(link.target)

    def _layout(self, part: str) -> list[str]:
        """The text of a layout and its master outside of placeholders; read once."""
        if part not in self._layouts:
            root, links = self._package.xml(part), self._package.links(part)
            lines = _fixed_text(root)
            if root is None or root.get("showMasterSp", "1") not in _OFF:
                for link in links.values():
                    if link.type == "slideMaster" and link.target not in self._layouts:
                        self._layouts[link.target] = _fixed_text(self._package.xml(link.target))
                    lines += self._layouts.get(link.target, [])
            self._layouts[part] = lines
        return self._layouts[part]

    def _not_of_the_design(self, number: int, pictures: list[Picture]) -> list[Picture]:
        """Without the pictures that most slides have, such as a logo, from their second slide."""
        first, times = self._used
        slides = len(self.parts)
        return [
            picture
            for picture in pictures
            if times[key := self._package.fingerprint(picture.part)] < _REPEATED_FROM
            or 2 * times[key] <= slides
            or first[key] == number
        ]

    @cached_property
    def _used(self) -> tuple[dict[object, int], Counter[object]]:
        """The first slide of each picture, and how many slides have it."""
        p = self._package
        first: dict[object, int] = {}
        times: Counter[object] = Counter()
        for number, part in enumerate(self.parts, 1):
            targets = p.related(part).values() if part in p.names else ()
            keys = {p.fingerprint(t) for t in targets if t in p.names and "/media/" in t}
            times.update(keys)
            first = dict.fromkeys(keys, number) | first
        return first, times


def _slides(p: Package, presentation: str) -> list[str]:
    """The parts of the slides, in order of presentation; that of their names where that is lost."""
    root = p.xml(presentation)
    if root is None:
        p.unread.add(MISSING, presentation)
    links = p.related(presentation)
    wanted = [
        links.get(relationship(e), "")
        for e in (root.iter() if root is not None else ())
        if local(e) == "sldId"
    ]
    if any(part in p.names for part in wanted):
        return wanted
    found = {
        int(m[1]): name
        for name in p.names
        if (m := re.fullmatch(r"ppt/slides/slide(\d+)\.xml", name))
    }
    return [found[number] for number in sorted(found)]


def _shapes(root: ET.Element) -> Iterator[ET.Element]:
    """Shapes, pictures, and the frames of tables, charts, diagrams and embedded files."""
    if local(root) in _SHAPES:
        yield root
        return
    for child in children(root):
        yield from _shapes(child)


def _placeholder(shape: ET.Element) -> str:
    """The placeholder type of a shape, which stands beside its text and its looks; empty where it
    is none."""
    holder = _holder(shape)
    return "" if holder is None else holder.get("type", "")


def _holder(shape: ET.Element) -> ET.Element | None:
    own = (e for part in shape if local(part) not in ("txBody", "spPr") for e in part.iter())
    return next((e for e in own if local(e) == "ph"), None)


def _fixed_text(design: ET.Element | None) -> list[str]:
    """The text of a layout or a master that every slide shows."""
    shapes = _shapes(design) if design is not None else ()
    return [line for shape in shapes if _holder(shape) is None for line in paragraphs(shape)]


def _links_back(p: Package, slide: str) -> dict[str, Link]:
    """The notes that name a slide as theirs, where the slide's own list of its parts is lost."""
    notes = (n for n in sorted(p.names) if re.fullmatch(r"ppt/notesSlides/[^/]+\.xml", n))
    return {
        part: Link("notesSlide", part)
        for part in notes
        if any(link.target == slide for link in p.links(part).values())
    }


def _notes(p: Package, links: dict[str, Link]) -> Iterator[str]:
    """The paragraphs of the speaker's notes."""
    for link in links.values():
        is_notes = link.type == "notesSlide" or link.target.startswith("ppt/notesSlides/")
        notes = p.xml(link.target) if is_notes else None
        for shape in _shapes(notes) if notes is not None else ():
            if _placeholder(shape) not in (*_NUMBERS, *_REPEATED):
                yield from paragraphs(shape)


def _authors(p: Package, presentation: str) -> dict[str, str]:
    """Names of those who comment, by their ids."""
    found = {}
    for link in p.links(presentation).values():
        root = p.xml(link.target) if link.type in ("commentAuthors", "authors") else None
        for e in root if root is not None else ():
            found[attribute(e, "id")] = attribute(e, "name")
    return found


def _comments(p: Package, links: dict[str, Link], authors: dict[str, str]) -> Iterator[str]:
    """The comments on a slide and the replies to them, of both formats."""
    for link in links.values():
        root = p.xml(link.target) if link.type == "comments" else None
        for e in root.iter() if root is not None else ():
            if local(e) not in ("cm", "reply"):
                continue
            words = [
                text
                for part in e
                if local(part) in ("text", "txBody")
                for text in (paragraphs(part) or [" ".join((part.text or "").split())])
            ]
            author = authors.get(attribute(e, "authorId"), "")
            by = f" by {author}" if author else ""
            if text := " ".join(w for w in words if w):
                yield f"Comment{by}: {text}"
