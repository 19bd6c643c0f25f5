"""DOCX: paragraphs and table rows as lines of text, with what they refer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.etree import ElementTree as ET

from omni_core.media.document import formulas
from omni_core.media.document.docx_styles import Styles
from omni_core.media.document.drawing_ml import (
    Picture,
    alt_text,
    children,
    pictures,
    vml_picture,
)
from omni_core.media.document.symbols import symbol
from omni_core.media.document.unread import HIDDEN, Unread
from omni_core.media.document.zipped_xml import Link, attribute, local, relationship

_DELETED = {"del", "moveFrom"}
NOTES = {
    "footnoteReference": "footnotes",
    "endnoteReference": "endnotes",
    "commentReference": "comments",
}
_BREAKS = ("tab", "ptab", "br", "cr", "p", "tc")
_WITHOUT_TEXT = ("pPr", "tblPr", "tcPr", "trPr", "tblGrid", "sectPr", "sdtPr", "instrText")
"""Properties, and the code of a field."""
_PARAGRAPHS = ("p", "oMathPara", "oMath")
"""A formula may stand among the paragraphs."""
_OFF = ("0", "false", "off")


class Reference(NamedTuple):
    """What a block refers to: a note (`kind`, `id`), or a chart, diagram or picture."""

    kind: str
    id: str = ""
    element: ET.Element | None = None
    picture: Picture | None = None


class Block(NamedTuple):
    """A paragraph or a table row; `chunk`: the id of a file in another format in its place."""

    text: str = ""
    heading: bool = False
    references: tuple[Reference, ...] = ()
    chunk: str = ""


@dataclass
class Story:
    """Reads one part: the document, a header, the notes. `styles` is None where nothing is
    numbered; `links` are those of the part."""

    links: Mapping[str, Link]
    unread: Unread
    styles: Styles | None = None

    def blocks(self, root: ET.Element) -> Iterator[Block]:
        """Paragraphs and table rows in order."""
        stack = [_visible(root)]
        while stack:
            element = next(stack[-1], None)
            if element is None:
                stack.pop()
            elif local(element) in _PARAGRAPHS:
                yield self._paragraph(element)
            elif local(element) == "tr":
                yield self._row(element)
            elif local(element) == "altChunk":
                yield Block(chunk=relationship(element))
            else:
                stack.append(_visible(element))

    def _paragraph(self, element: ET.Element) -> Block:
        runs = self._runs(element)
        text, heading = runs.text, False
        if self.styles is not None:
            number = self.styles.number(element)
            heading = bool(text) and self.styles.is_heading(element)
            text = f"{number} {text}" if number and text else text
        return Block(text, heading, tuple(runs.references))

    def _row(self, row: ET.Element) -> Block:
        """A table row as `a | b`, with empty cells, so that each value stays in its column."""
        cells: list[str] = []
        references: list[Reference] = []
        for part in row:
            if local(part) == "trPr":
                if any(local(e) in _DELETED for e in part):
                    return Block()
                cells += [""] * _count(part, "gridBefore", 0)
        for cell in _cells(row):
            properties = next((e for e in cell if local(e) == "tcPr"), None)
            if properties is not None and any(local(e) == "cellDel" for e in properties):
                continue
            runs = self._runs(cell)
            wide = 1 if properties is None else _count(properties, "gridSpan", 1)
            cells += [runs.text, *[""] * (wide - 1)]
            references += runs.references
        while cells and not cells[-1]:
            cells.pop()
        return Block(" | ".join(cells), False, tuple(references))

    def _runs(self, element: ET.Element) -> _Runs:
        runs = _Runs(self.links)
        runs.gather(element)
        for _ in range(runs.hidden):
            self.unread.add(HIDDEN, "passages")
        return runs


@dataclass
class _Runs:
    """The text below an element, and what is referred to in it."""

    links: Mapping[str, Link]
    words: list[str] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    hidden: int = 0
    """Runs that are not shown."""
    _alt: str = ""
    _embedded: bool = False

    def gather(self, element: ET.Element) -> None:
        """Collect text and references; breaks, tabs and paragraphs become spaces."""
        for e in _visible(element):
            name = local(e)
            if name == "t":
                self.words.append(e.text or "")
            elif name == "r":
                self._run(e)
            elif name in _BREAKS:
                self.words.append(" ")
                self.gather(e)
            elif name not in _WITHOUT_TEXT:
                self._other(name, e)

    def _run(self, run: ET.Element) -> None:
        properties = next((e for e in run if local(e) == "rPr"), None)
        if properties is not None and _is_hidden(properties):
            self.hidden += any(local(e) == "t" and (e.text or "").strip() for e in run)
        else:
            self.gather(run)

    def _other(self, name: str, e: ET.Element) -> None:
        if name == "noBreakHyphen":
            self.words.append("-")
        elif name == "sym":
            self.words.append(symbol(attribute(e, "font"), attribute(e, "char")))
        elif name in NOTES:
            self.references.append(Reference(NOTES[name], attribute(e, "id")))
        elif name in ("chart", "relIds"):
            self.references.append(Reference("graphic", element=e))
        elif name == "drawing":
            self._drawing(e)
        elif name in ("pic", "blipFill", "blip"):
            self._pictures(pictures(e, self.links, self._alt))
        elif name == "imagedata":
            found = vml_picture(e, self.links, self._alt, preview=self._embedded)
            self._pictures(iter([found] if found is not None else []))
        elif name == "ffData":
            self.words.append(_chosen(e))
        elif name == "ruby":
            self._ruby(e)
        elif name in formulas.PARTS:
            self.words.append(formulas.formula(e))
        else:
            alt = attribute(e, "alt") if name in ("shape", "rect") else ""
            before, self._alt = self._alt, alt or self._alt
            within, self._embedded = self._embedded, self._embedded or name == "object"
            if name == "textpath":  # letters drawn as a shape: a watermark, for one
                self.words.append(f" {attribute(e, 'string')} ")
            self.gather(e)
            self._alt, self._embedded = before, within

    def _drawing(self, drawing: ET.Element) -> None:
        """Its text and pictures; its alternative text goes with its picture, or stands alone."""
        properties = next((e for e in drawing.iter() if local(e) == "docPr"), None)
        alt = alt_text(properties) if properties is not None else ""
        count, words = len(self.references), len(self.words)
        before, self._alt = self._alt, alt
        self.gather(drawing)
        self._alt = before
        added = self.references[count:]
        if alt and not any(r.picture for r in added) and alt not in "".join(self.words[words:]):
            self.words.append(f" {alt} ")

    def _pictures(self, found: Iterator[Picture]) -> None:
        self.references += [Reference("picture", picture=picture) for picture in found]

    def _ruby(self, ruby: ET.Element) -> None:
        """A word, then its reading, which the file gives first: `東京(とうきょう)`."""
        at = len(self.words)
        for e in (e for e in ruby if local(e) == "rt"):
            self.gather(e)
        reading, self.words[at:] = "".join(self.words[at:]).strip(), []
        for e in (e for e in ruby if local(e) == "rubyBase"):
            self.gather(e)
        if reading:
            self.words.append(f"({reading})")

    @property
    def text(self) -> str:
        """One line."""
        return " ".join("".join(self.words).split())


def _is_hidden(properties: ET.Element) -> bool:
    return any(local(e) == "vanish" and attribute(e, "val") not in _OFF for e in properties)


def _chosen(form: ET.Element) -> str:
    """The state of a form field whose result is no text: a box, or an entry of a list."""
    for e in form:
        if local(e) == "checkBox":
            states = {local(c): attribute(c, "val") for c in e}
            state = states.get("checked", states.get("default", "0"))
            return "☐" if state in _OFF else "☒"
        if local(e) == "ddList":
            entries = [attribute(c, "val") for c in e if local(c) == "listEntry"]
            chosen = next((attribute(c, "val") for c in e if local(c) == "result"), "0")
            known = chosen.isdecimal() and int(chosen) < len(entries)
            return entries[int(chosen)] if known else ""
    return ""


def _count(properties: ET.Element, name: str, default: int) -> int:
    value = next((attribute(e, "val") for e in properties if local(e) == name), "")
    return min(int(value), 100) if value.isdecimal() and int(value) else default


def _cells(row: ET.Element) -> Iterator[ET.Element]:
    """The cells of a row, those within content controls too."""
    for e in _visible(row):
        if local(e) == "tc":
            yield e
        else:
            yield from _cells(e)


def _visible(element: ET.Element) -> Iterator[ET.Element]:
    """The visible children: of alternatives the first, of tracked changes the new text."""
    return (e for e in children(element) if local(e) not in _DELETED)
