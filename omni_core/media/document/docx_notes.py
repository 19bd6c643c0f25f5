"""DOCX: footnotes, endnotes, comments, headers and footers as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from omni_core.media.document.docx_blocks import NOTES, Block, Story
from omni_core.media.document.drawing_ml import Picture, note_unread
from omni_core.media.document.unread import IN_NOTES
from omni_core.media.document.zipped_xml import Link, Package, attribute, local, relationship


class Notes:
    """The notes of a document by their ids. Each is given once, at what refers to it."""

    def __init__(self, p: Package, links: dict[str, Link]) -> None:
        self._known = {kind: _notes(p, links, kind) for kind in NOTES.values()}
        self._endnotes: list[str] = []

    def lines(self, block: Block) -> Iterator[str]:
        """The footnotes and comments of a block; its endnotes are kept for `rest`."""
        for reference in block.references:
            line = self._known.get(reference.kind, {}).pop(reference.id, "")
            if line and reference.kind == "endnotes":
                self._endnotes.append(line)
            elif line:
                yield line

    def rest(self) -> list[str]:
        """The endnotes, and the comments on text that was deleted."""
        return [*self._endnotes, *self._known["comments"].values()]


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


def _notes(p: Package, links: dict[str, Link], kind: str) -> dict[str, str]:
    """The notes of a kind: id -> line."""
    part = next((link.target for link in links.values() if link.type == kind), f"word/{kind}.xml")
    root = p.xml(part)
    if root is not None and any(local(e) == "blip" for e in root.iter()):
        p.unread.add(IN_NOTES, kind)
    found = {}
    story = Story({}, p.unread)
    for note in root if root is not None else ():
        words = " ".join(b.text for b in story.blocks(note) if b.text)
        author = attribute(note, "author")
        name = local(note).capitalize() + (f" by {author}" if author else "")
        if words and attribute(note, "type") in ("", "normal"):
            found[attribute(note, "id")] = f"{name}: {words}"
    return found
