"""ODP and ODG: each slide or drawing is a page, with the text of its shapes, tables, charts,
comments and speaker's notes."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from omni_core.media.document.drawing_ml import Picture
from omni_core.media.document.odf_package import CONTENT, STYLES, Odf
from omni_core.media.document.odf_text import After, OdfText
from omni_core.media.document.office_pages import Slide
from omni_core.media.document.zipped_xml import attribute, local

_LAYOUT = ("footer", "header", "date-time", "page-number", "page", "handout")
"""Classes of the shapes that a layout fills in."""


class Slides:
    """The slides of a file, in order."""

    def __init__(self, odf: Odf) -> None:
        root, styles = odf.package.xml(CONTENT), odf.package.xml(STYLES)
        self._text = OdfText(odf, styles, root)
        body = _all(root, "body")[:1]
        self.pages = [page for e in body for page in _all(e, "page")]
        self._footers = {
            attribute(e, "name"): " ".join("".join(e.itertext()).split())
            for e in _all(root, "footer-decl")
        }
        self._masters = {attribute(e, "name"): e for e in _all(styles, "master-page")}
        self._about = odf.about().lines

    def read(self) -> Iterator[Slide]:
        """Each slide in order.

        What the master and the footer add to each slide stands on the first one that has it; the
        description of the file on the last one.
        """
        known: set[str] = set()
        for n, page in enumerate(self.pages, 1):
            slide = self.slide(n)
            master = self._masters.get(attribute(page, "master-page-name"))
            added = self._of_master(master) if master is not None else []
            added.append(self._footers.get(attribute(page, "use-footer-name"), ""))
            slide.lines.extend(line for line in dict.fromkeys(added) if line and line not in known)
            known.update(added)
            if n == len(self.pages):
                slide.lines.extend(self._about)
            yield slide

    def slide(self, number: int) -> Slide:
        """Slide `number` (from 1): its title, every paragraph, then its notes."""
        page = self.pages[number - 1]
        title, notes = "", list[str]()
        found: list[After] = []
        for shape in page:
            kind = attribute(shape, "class")
            if local(shape) == "notes":
                notes = self._notes(shape)
            elif kind == "title" and not title:
                title = " ".join(self._text.lines(shape))
            elif kind not in _LAYOUT:
                found += self._text.of(shape)
        lines = [one if isinstance(one, str) else f"Picture: {one.alt}" for one in found
                 if isinstance(one, str) or one.alt]  # fmt: skip
        said = f"Notes: {' '.join(notes)}" if notes else ""
        return Slide(
            title,
            [line for line in (title, *lines, said) if line],
            list(dict.fromkeys(one for one in found if isinstance(one, Picture))),
            self._text.is_hidden(page),
        )

    def _notes(self, notes: ET.Element) -> list[str]:
        shapes = (shape for shape in notes if attribute(shape, "class") not in _LAYOUT)
        return [line for shape in shapes for line in _texts(self._text.of(shape))]

    def _of_master(self, master: ET.Element) -> list[str]:
        """What a master shows on each slide: its own shapes, and words typed into its footer."""
        kinds = ("", "footer", "header")
        shapes = (e for e in master if attribute(e, "class") in kinds and local(e) != "notes")
        return [line for shape in shapes for line in _texts(self._text.of(shape))]


def _texts(found: list[After]) -> list[str]:
    return [line for line in found if isinstance(line, str)]


def _all(root: ET.Element | None, name: str) -> list[ET.Element]:
    return [e for e in root.iter() if local(e) == name] if root is not None else []
