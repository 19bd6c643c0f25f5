"""What stands on a sheet beside its cells: comments, charts, text boxes, pictures, table names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from omni_core.media.document.drawing_ml import Drawn, Picture, note_unread, visible
from omni_core.media.document.zipped_xml import Link, Package, attribute, local

_MARGIN_CODE = re.compile(
    r'&(?:"[^"]*"|K[0-9A-Fa-f]{6}|K\d\d[+-]\d{3}|\d+|&|[A-Za-z])|(?P<text>[^&]+)'
)
_NAMED_BY_EXCEL = re.compile(r"(?:Table|Tabelle|Tableau|Tabla|Tabela|Tabella)_?\d+", re.I)
_ESCAPED = re.compile(r"(?:_x[0-9A-Fa-f]{4}_)+")
"""Characters as their numbers (22.9.2.19), which XML cannot hold or which end a line."""
_UNSEEN = re.compile(r"[\0-\x08\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_OF_A_THREAD = "tc="
"""Begins the author of the copy that older programs see of a threaded comment."""


class SheetNotes:
    """Everything on one sheet that is no cell."""

    def __init__(self, p: Package, part: str, name: str, people: dict[str, str]) -> None:
        """people: names of those who comment in threads, by their ids."""
        self._package, self._people = p, people
        self._name = name
        links = p.links(part).values()
        note_unread(p.unread, links, f"sheet {name}")
        self._links = list(links)

    @cached_property
    def _drawn(self) -> Drawn:
        """The shapes of the sheet's drawings."""
        p, drawn = self._package, Drawn()
        for part in self._parts("drawing"):
            root = p.xml(part)
            links = p.links(part)
            note_unread(p.unread, links.values(), f"sheet {self._name}")
            for anchor in root if root is not None else ():
                drawn.add(p, anchor, links)
        return drawn

    def pictures(self) -> list[Picture]:
        """The pictures on the sheet, each once."""
        return self._drawn.distinct(self._package)

    def lines(self) -> Iterator[str]:
        """Names of tables, comments (`Comment on B4 by Ann: ...`), then the words of shapes."""
        for part in self._parts("table"):
            root = self._package.xml(part)
            name = attribute(root, "displayName") if root is not None else ""
            if name and not _NAMED_BY_EXCEL.fullmatch(name):
                yield f"Table: {name}"
        for part in self._parts("comments"):
            yield from self._comments(part)
        for part in self._parts("threadedComment"):
            yield from self._thread(part)
        yield from self._drawn.lines

    def _parts(self, kind: str) -> Iterator[str]:
        for link in self._links:
            if link.type == kind and not link.external:
                yield link.target

    def _comments(self, part: str) -> Iterator[str]:
        root = self._package.xml(part)
        if root is None:
            return
        authors = ["".join(e.itertext()).strip() for e in root.iter() if local(e) == "author"]
        for e in root.iter():
            if local(e) == "comment":
                number = e.get("authorId", "")
                known = number.isdecimal() and int(number) < len(authors)
                author = authors[int(number)] if known else ""
                words = unescaped("".join(t.text or "" for t in visible(e) if local(t) == "t"))
                if not author.startswith(_OF_A_THREAD):
                    yield from _comment(e.get("ref", ""), author, words)

    def _thread(self, part: str) -> Iterator[str]:
        root = self._package.xml(part)
        for e in root if root is not None else ():
            words = " ".join(t.text or "" for t in e if local(t) == "text")
            yield from _comment(
                e.get("ref", ""), self._people.get(e.get("personId", ""), ""), words
            )


def people(p: Package, links: dict[str, Link]) -> dict[str, str]:
    """Names of those who comment in threads, by their ids."""
    roots = (p.xml(link.target) for link in links.values() if link.type == "person")
    return {
        e.get("id", ""): e.get("displayName", "")
        for root in roots
        for e in (root if root is not None else ())
    }


def margin(code: str) -> str:
    """The words of a header or footer, which is stored with codes for fonts, pages and dates."""
    words = "".join(m["text"] or " " for m in _MARGIN_CODE.finditer(unescaped(code)))
    return " ".join(words.split())


def unescaped(text: str) -> str:
    """A string of a workbook with the characters that it names by number: `_x000D_` ends a line,
    `_x005F_` is an underscore."""
    return _ESCAPED.sub(_characters, text) if "_x" in text else text


def _characters(escaped: re.Match[str]) -> str:
    units = bytes.fromhex("".join(escaped[0][n + 2 : n + 6] for n in range(0, len(escaped[0]), 7)))
    return _UNSEEN.sub("", units.decode("utf-16-be", "surrogatepass"))


def _comment(cell: str, author: str, words: str) -> Iterator[str]:
    by = f" by {author}" if author else ""
    if text := " ".join(words.split()):
        yield f"Comment on {cell}{by}: {text}"
