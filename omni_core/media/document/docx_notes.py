"""DOCX: footnotes, endnotes, comments, headers and footers as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from xml.etree import ElementTree as ET

from omni_core.media.document.docx_blocks import NOTES, Block, Story
from omni_core.media.document.drawing_ml import Picture, note_unread
from omni_core.media.document.zipped_xml import Link, Package, attribute, local, relationship

Part = str | Picture


class Notes:
    """The notes of a document by their ids, a line and the pictures in it. Each is given once, at
    what refers to it."""

    def __init__(self, p: Package, links: dict[str, Link]) -> None:
        self._known = {kind: _notes(p, links, kind) for kind in NOTES.values()}
        self._endnotes: list[Part] = []

    def of(self, block: Block) -> Iterator[Part]:
        """The footnotes and comments of a block; its endnotes are kept for `rest`."""
        for reference in block.references:
            parts = self._known.get(reference.kind, {}).pop(reference.id, [])
            if reference.kind == "endnotes":
                self._endnotes += parts
            else:
                yield from parts

    def rest(self) -> list[Part]:
        """The endnotes, and the comments on text that was deleted."""
        return [*self._endnotes, *chain.from_iterable(self._known["comments"].values())]


def margins(
    p: Package, root: ET.Element, links: dict[str, Link]
) -> tuple[list[str], list[Picture]]:
    """The distinct lines of the headers, then the footers, that the sections refer to, and the
    pictures in them."""
    parts = [
        links[relationship(e)].target
        for name in ("headerReference", "footerReference")
        for e in root.iter()
        if local(e) == name and relationship(e) in links
    ]
    found: dict[str, None] = {}
    pictures: list[Picture] = []
    for part in dict.fromkeys(parts):
        margin = p.xml(part)
        if margin is None:
            continue
        own = p.links(part)
        note_unread(p.unread, own.values())
        for block in Story(own, p.unread).blocks(margin):
            found |= dict.fromkeys(filter(None, [block.text]))
            pictures += [r.picture for r in block.references if r.picture is not None]
    return list(found), pictures


def _notes(p: Package, links: dict[str, Link], kind: str) -> dict[str, list[Part]]:
    """The notes of a kind: id -> line and pictures."""
    part = next((link.target for link in links.values() if link.type == kind), f"word/{kind}.xml")
    root = p.xml(part)
    if root is None:
        return {}
    found: dict[str, list[Part]] = {}
    own = p.links(part)
    note_unread(p.unread, own.values())
    story = Story(own, p.unread)
    for note in root:
        blocks = list(story.blocks(note))
        words = " ".join(b.text for b in blocks if b.text)
        author = attribute(note, "author")
        name = local(note).capitalize() + (f" by {author}" if author else "")
        if attribute(note, "type") in ("", "normal"):
            seen = [r.picture for b in blocks for r in b.references if r.picture is not None]
            found[attribute(note, "id")] = [*([f"{name}: {words}"] if words else []), *seen]
    return found
