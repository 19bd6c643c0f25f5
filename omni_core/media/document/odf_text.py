"""The text of ODF: paragraphs, lists, tables, notes, comments, text boxes, charts and formulas.

Of tracked changes the current text: what was deleted is kept apart from the text and not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple
from xml.etree import ElementTree as ET

from omni_core.media.document.charts import MAX_SERIES_POINTS
from omni_core.media.document.drawing_ml import Picture
from omni_core.media.document.odf_package import CONTENT, Odf
from omni_core.media.document.unread import EMBEDDED, HIDDEN, LINKED_FILE
from omni_core.media.document.zipped_xml import attribute, local
from omni_core.media.text.rows import MAX_COLUMNS

MAX_REPEATED_ROWS = 1_000
"""Lines for one row that a file repeats; what is beyond says nothing new."""
_SHAPES = {
    "frame", "g", "custom-shape", "rect", "ellipse", "circle", "line", "polyline", "polygon",
    "path", "regular-polygon", "connector", "caption", "measure", "control", "scene",
}  # fmt: skip
_UNSEEN = {
    "tracked-changes", "annotation-end", "script", "event-listeners", "page-thumbnail",
    "alphabetical-index-mark", "toc-mark", "forms", "note-citation", "glue-point",
    "enhanced-geometry",
}  # fmt: skip
"""Elements whose text is not part of what a reader sees in its place."""
_HEADINGS = ("heading", "title")


After = str | Picture


class Block(NamedTuple):
    """A paragraph or a table row; `after`: pictures, and lines of notes, comments, text boxes and
    charts that stand in it."""

    text: str
    heading: bool
    after: list[After]


class OdfText:
    """Reads elements of one file; `endnotes` fills while it does."""

    def __init__(self, odf: Odf, *trees: ET.Element | None) -> None:
        """`trees`: those that hold styles."""
        self.endnotes: list[After] = []
        self._odf = odf
        self._objects_within = 0
        self._parents: dict[str, str] = {}
        self._hidden: set[str] = set()
        self._unshown: set[str] = set()
        self._deleted: set[str] = set()
        self._within = ""
        """The deletion that is being read."""
        for tree in trees:
            for e in tree.iter() if tree is not None else ():
                if local(e) == "style":
                    self.style(e)
                elif local(e) == "changed-region" and any(local(c) == "deletion" for c in e):
                    self._deleted.add(attribute(e, "id"))

    def style(self, style: ET.Element) -> None:
        """Learn a style."""
        name = attribute(style, "name")
        self._parents[name] = attribute(style, "parent-style-name")
        for e in style:
            if local(e) == "text-properties" and attribute(e, "display") == "none":
                self._hidden.add(name)
            if attribute(e, "display") == "false" or attribute(e, "visibility") == "hidden":
                self._unshown.add(name)

    def is_hidden(self, page: ET.Element) -> bool:
        """Whether a slide or a sheet is hidden, by its style."""
        return self.hides(attribute(page, "style-name"))

    def hides(self, style: str) -> bool:
        """Whether slides or sheets of this style are hidden."""
        return style in self._unshown

    def blocks(self, element: ET.Element) -> Iterator[Block]:
        """The paragraphs and table rows below an element, in order."""
        for e in element:
            name = local(e)
            if name in ("p", "h"):
                yield self.paragraph(e)
            elif name == "table-row":
                repeated = min(count(e, "number-rows-repeated"), MAX_REPEATED_ROWS)
                row = self.row(e)
                yield row
                for _ in range(repeated - 1 if row.text else 0):
                    yield Block(row.text, False, [])
            elif name in ("annotation", "note", "object", "object-ole"):
                after: list[After] = []
                self._aside(e, name, after)
                yield Block("", False, after)
            elif name == "frame" and (picture := self._picture(e)) is not None:
                yield Block("", False, [picture])
            elif name in ("title", "desc") and local(element) in _SHAPES:
                yield Block(" ".join((e.text or "").split()), False, [])
            elif name not in _UNSEEN and name != "binary-data":
                if name == "section-source" and len(element) == 1:
                    self._odf.package.unread.add(LINKED_FILE, attribute(e, "href"))
                yield from self.blocks(e)

    def everything(self, element: ET.Element) -> list[After]:
        """The text below an element, a line a block, and its pictures."""
        found: list[After] = []
        for block in self.blocks(element):
            found += [block.text, *block.after] if block.text else block.after
        return found

    def lines(self, element: ET.Element) -> list[str]:
        """The text below an element, a line a block."""
        return [line for line in self.everything(element) if isinstance(line, str)]

    def row(self, row: ET.Element) -> Block:
        """A table row as `a | b`, with empty cells, so that each value stays in its column."""
        after: list[After] = []
        cells = self.cells(row, lambda cell: self._words(cell, after))
        return Block(" | ".join(cells), False, after)

    def cells(self, row: ET.Element, read: Callable[[ET.Element], str]) -> list[str]:
        """The texts of a row's cells, those that a file repeats too, without empty ones at the
        end; `read` gives the text of one."""
        found: list[str] = []
        empty = 0
        for cell in row:
            if (name := local(cell)) not in ("table-cell", "covered-table-cell"):
                continue
            times = min(count(cell, "number-columns-repeated"), MAX_COLUMNS)
            text = read(cell) if name == "table-cell" and (len(cell) or cell.attrib) else ""
            if not text:
                empty += times
            elif len(found) + empty < MAX_COLUMNS:
                found += [""] * empty
                found += [text] * min(times, MAX_COLUMNS - len(found))
                empty = 0
        return found

    def comment(self, annotation: ET.Element) -> str:
        """A comment as `Comment by Ada: words`; "" without words."""
        author = next((e.text or "" for e in annotation if local(e) == "creator"), "").strip()
        words = " ".join(b.text for b in self.blocks(annotation) if b.text)
        return f"Comment{f' by {author}' if author else ''}: {words}" if words else ""

    def of(self, element: ET.Element) -> list[After]:
        """The text of an element itself, a line a block, and its pictures."""
        return self.everything(_parent_of(element))

    def paragraph(self, e: ET.Element) -> Block:
        """A paragraph or a heading."""
        after: list[After] = []
        style = attribute(e, "style-name")
        text = self.words(e, after)
        named = (style, self._parents.get(style, ""))
        heading = local(e) == "h" or any(n.lower().startswith(_HEADINGS) for n in named)
        return Block(text, heading and bool(text), after)

    def words(self, e: ET.Element, after: list[After]) -> str:
        """The words of a paragraph; pictures and lines that stand in it are added to `after`."""
        return "" if self._is_unseen(e) else self._words(e, after)

    def _is_unseen(self, e: ET.Element) -> bool:
        """Whether an element's text is hidden, which is noted."""
        hidden = bool(self._hidden) and attribute(e, "style-name") in self._hidden
        if hidden and "".join(e.itertext()).strip():
            self._odf.package.unread.add(HIDDEN, "passages")
        return hidden

    def _picture(self, frame: ET.Element) -> Picture | None:
        """The picture in a frame, with its alternative text; None for a frame of something else.
        One that stands for an object of another program shows what that holds."""
        image = next((e for e in frame if local(e) == "image"), None)
        others = {local(e) for e in frame} & {"object", "text-box", "table"}
        if image is None or others:
            return None
        if any(local(e) == "object-ole" for e in frame):
            self._odf.package.unread.add(EMBEDDED, attribute(frame, "name") or "object")
        part = self._odf.picture(image)
        said = {local(e): " ".join((e.text or "").split()) for e in frame}
        alt = said.get("desc") or said.get("title") or ""
        return Picture(part, alt, preview=not part.startswith("Pictures/")) if part else None

    def _words(self, e: ET.Element, after: list[After]) -> str:
        words: list[str] = []
        self._inline(e, words, after)
        return " ".join("".join(words).split())

    def _inline(self, element: ET.Element, words: list[str], after: list[After]) -> None:
        """Collect the words below an element, and lines for what does not stand in its place."""
        words.append("" if self._within else element.text or "")
        for e in element:
            name = local(e)
            if self._deleted and name.startswith("change-"):
                self._pass(name, attribute(e, "change-id"))
            elif self._within:
                self._inline(e, words, after)  # the end of what was deleted may lie within
            elif name in ("s", "tab", "line-break"):
                words.append(" ")
            elif name in ("note", "annotation", "object", "object-ole") or name in _SHAPES:
                self._aside(e, name, after)
            elif name in ("p", "h", "list-item", "list-header", "table-row", "table-cell"):
                words.append(" ")
                if not self._is_unseen(e):
                    self._inline(e, words, after)
                words.append(" ")
            elif name == "ruby-text":
                words.append(f"({read})" if (read := "".join(e.itertext()).strip()) else "")
            elif name not in _UNSEEN and not self._is_unseen(e):
                self._inline(e, words, after)
            words.append("" if self._within else e.tail or "")

    def _pass(self, name: str, change: str) -> None:
        """Note the begin or the end of what was deleted and stands in its place all the same."""
        if name == "change-start" and change in self._deleted:
            self._within = change
        elif name == "change-end" and change == self._within:
            self._within = ""

    def _aside(self, e: ET.Element, name: str, after: list[After]) -> None:
        if name == "note":
            found = self.everything(e)
            words = " ".join(one for one in found if isinstance(one, str))
            end = attribute(e, "note-class") == "endnote"
            into = self.endnotes if end else after
            into += [f"{'Endnote' if end else 'Footnote'}: {words}"] if words else []
            into += [one for one in found if not isinstance(one, str)]
        elif name == "annotation":
            after += filter(None, [self.comment(e)])
        elif name == "object":
            after += self._object(e)
        elif name == "object-ole":
            self._odf.package.unread.add(EMBEDDED, attribute(e, "href").removeprefix("./"))
        elif name == "frame":
            after += self.everything(_parent_of(e))
        else:
            after += self.everything(e)

    def _object(self, e: ET.Element) -> list[str]:
        """A chart, a formula or a document within the document."""
        folder = attribute(e, "href").removeprefix("./").rstrip("/")
        inner = self._odf.package.xml(f"{folder}/{CONTENT}") if folder else e
        if inner is None or self._objects_within:
            self._odf.package.unread.add(EMBEDDED, attribute(e, "href").removeprefix("./"))
            return []
        self._objects_within += 1
        try:
            return object_lines(self, inner)
        finally:
            self._objects_within -= 1


def object_lines(text: OdfText, root: ET.Element) -> list[str]:
    """The lines of an embedded object."""
    for e in root.iter():
        if local(e) == "chart":
            return _chart(text, e)
        if local(e) == "math":
            return formula_lines(e)
    return text.lines(root)


def _chart(text: OdfText, chart: ET.Element) -> list[str]:
    """The titles, then a line for each series: `Tonnes: Cod 312; Saithe 140`."""
    titles = [e for e in chart.iter() if local(e) in ("title", "subtitle", "footer")]
    lines = [words for e in titles if (words := " ".join(text.lines(e)))]
    table = [
        [
            " ".join(text.paragraph(e).text for e in cell if local(e) == "p")
            for cell in row
            if local(cell) == "table-cell"
        ]
        for row in chart.iter()
        if local(row) == "table-row"
    ]
    names, *rows = table or [[]]
    for column in range(1, len(names)):
        points = [
            f"{row[0]} {row[column]}".strip()
            for row in rows
            if column < len(row) and row[column] not in ("", "NaN", "1.#NAN")
        ][:MAX_SERIES_POINTS]
        lines.append(": ".join(part for part in (names[column], "; ".join(points)) if part))
    return [line for line in lines if line]


def _formula(e: ET.Element) -> Iterator[str]:
    """The signs of a formula in MathML, without its source in another language."""
    if local(e) != "annotation":
        if words := (e.text or "").strip():
            yield words
        for inner in e:
            yield from _formula(inner)


def formula_lines(math: ET.Element, *, source: bool = False) -> list[str]:
    """The signs of a formula, then, with `source`, how it was typed (`sqrt {a}`)."""
    typed = [" ".join((e.text or "").split()) for e in math.iter() if local(e) == "annotation"]
    lines = [" ".join(_formula(math)), *(typed if source else ())]
    return [line for line in dict.fromkeys(lines) if line]


def _parent_of(element: ET.Element) -> ET.Element:
    parent = ET.Element("parent")
    parent.append(element)
    return parent


def count(element: ET.Element, name: str) -> int:
    """A number of repetitions; 1 where none is given, or a wrong one."""
    number = attribute(element, name)
    return max(1, int(number)) if number.isdecimal() and len(number) < 9 else 1
