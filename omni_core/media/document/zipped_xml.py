"""Zip packages of XML (office files), read part by part under size caps, without DOCTYPE.

0.8 MB of zip can hold 800 MB of XML, so inflation stops at the cap, whatever sizes the zip's
directory states. A damaged part is read as far as it can be, and noted.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import IO, NamedTuple, Protocol
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from omni_core.errors import TooLargeError, UnreadableError
from omni_core.media.document.broken_zip import mended
from omni_core.media.document.unread import CUT_OFF, DAMAGED, MISSING, UNLINKED, Unread
from omni_core.media.document.xml_bytes import parseable
from omni_core.media.document.zip_names import names_of

MAX_PART_BYTES = 64 << 20
"""Bytes of one part that is held in memory; the text of the longest novels is 5 MB."""
MAX_TOTAL_BYTES = 256 << 20
"""Bytes of all parts that are read from one file."""
MAX_PARTS = 20_000
MAX_DEPTH = 200
"""Nesting of elements; a table within a table adds about ten levels in Word."""
_CHUNK = 1 << 16
_HARMLESS = re.compile(rb"<!DOCTYPE\s[^\[\]<>]*>")
"""A DOCTYPE that only names a DTD, which is never loaded: formulas of OpenOffice have one."""
_SMALL_CHUNK = 256
"""In which a damaged part is read again: what precedes the damage within a chunk is lost."""
_CONTENT = {
    "notesSlide", "comments", "threadedComment", "footnotes", "endnotes", "header", "footer",
    "chart", "chartEx", "diagramData", "drawing", "sharedStrings",
}  # fmt: skip
"""Types of links to parts that hold words."""
_REFERENCE = re.compile(
    rb"<(?:\w+:)?(?:drawing|legacyDrawing|tablePart|picture|sheet|sldId|blip|relIds|chart|imagedata"
    rb"|OLEObject|audioFile|videoFile|altChunk|(?:header|footer|footnote|endnote|comment)Reference)"
    rb"\s[^>]*?\w+:(?:id|embed|link|pict|dm)="
)
"""An element whose content lies in another part."""
_LONGEST_TAG = 512
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ET.ParseError,
    UnicodeError, LookupError,
)  # fmt: skip
"""What a damaged zip entry or damaged XML raises."""


class Link(NamedTuple):
    """A relationship: the last word of its type, and its part, or the address it leads to."""

    type: str
    target: str
    external: bool = False


class Handler(Protocol):
    """A parser target: tags come as `{namespace}name`, text in pieces."""

    def start(self, tag: str, attributes: dict[str, str], /) -> object:
        """An element begins."""

    def end(self, tag: str, /) -> object:
        """An element ends."""

    def data(self, text: str, /) -> object:
        """Some of an element's text."""


class Package:
    """An open office file: its `name`, the `names` of its parts, those whose encoding the zip does
    not name (`unmarked`), and what of it is `unread`."""

    def __init__(self, path: str, archive: zipfile.ZipFile) -> None:
        self.name = os.path.basename(path)
        self._archive = archive
        self._left = MAX_TOTAL_BYTES
        meant, unmarked = names_of(archive.infolist())
        self._entries = {_part_name(shown): name for name, shown in meant.items()}
        self.names = frozenset(self._entries)
        self.unmarked = frozenset(p for p, name in self._entries.items() if name in unmarked)
        self.unread = Unread()

    def read(self, part: str) -> bytes:
        """The bytes of a part; empty when it is not there. Raises TooLargeError over the cap."""
        return b"".join(self._chunks(part, MAX_PART_BYTES))

    def readable(self, part: str) -> tuple[bytes, bool]:
        """The bytes of a part as far as they can be read, and whether these are all of them.

        Raises TooLargeError as `read` does.
        """
        chunks: list[bytes] = []
        try:
            chunks.extend(self._chunks(part, MAX_PART_BYTES))
        except _DAMAGE:
            return b"".join(chunks), False
        return b"".join(chunks), True

    def open(self, part: str) -> IO[bytes]:
        """A part as a file, whose bytes do not count as parts held in memory. Raises KeyError."""
        return self._archive.open(self._entries[part])

    def fingerprint(self, part: str) -> tuple[int, int]:
        """Checksum and size of a part as the zip states them: equal for equal bytes."""
        entry = self._archive.getinfo(self._entries[part])
        return entry.CRC, entry.file_size

    def xml(self, part: str) -> ET.Element | None:
        """A part as a tree; None when it is not there.

        Of a damaged part what precedes the damage, which is noted as unread. Raises TooLargeError
        over `MAX_PART_BYTES`, UnreadableError for a DOCTYPE or for more than `MAX_DEPTH` elements
        within one another.
        """
        guard = _Guard(self.name, ET.TreeBuilder())
        for _ in self._parsed(part, guard, MAX_PART_BYTES):
            pass
        return guard.root

    def stream(self, part: str, handler: Handler, most: int = MAX_TOTAL_BYTES) -> Iterator[None]:
        """Parse a part chunk by chunk into `handler`; yields after each chunk.

        Only `handler` keeps memory. A part that is not there has no chunks, a damaged one those
        before the damage, which is noted. Raises as `xml` does, with a cap of `most` bytes.
        """
        return self._parsed(part, _Guard(self.name, handler), most)

    def links(self, part: str) -> dict[str, Link]:
        """The relationships of one part by their ids; "" is the package itself.

        Where they are lost, what the part refers to is noted as unread.
        """
        folder, _, base = part.rpartition("/")
        listed = f"{folder}/_rels/{base}.rels" if folder else f"_rels/{base}.rels"
        root = self.xml(listed)
        if listed not in self.names and self._refers(part):
            self.unread.add(UNLINKED, part)
        found = {}
        for link in root if root is not None else ():
            target, external = link.get("Target", ""), link.get("TargetMode") == "External"
            kind = link.get("Type", "").rpartition("/")[2]
            place = target if external else self.known(_resolve(folder, target))
            if kind in _CONTENT and not external and place not in self.names:
                self.unread.add(MISSING, place)
            found[link.get("Id", "")] = Link(kind, place, external)
        return found

    def related(self, part: str) -> dict[str, str]:
        """Relationship id -> part, of one part; links that leave the package are left out."""
        return {k: link.target for k, link in self.links(part).items() if not link.external}

    @cached_property
    def main(self) -> str:
        """The part that the package declares as its document, presentation or workbook; "" """
        links = self.links("").values()
        return next((i.target for i in links if i.type == "officeDocument"), "")

    def _refers(self, part: str) -> bool:
        """Whether content of a part lies in other parts."""
        if part not in self.names:
            return False
        before = b""
        try:
            with self.open(part) as f:
                while chunk := f.read(_CHUNK):
                    if _REFERENCE.search(before + chunk):
                        return True
                    before = chunk[-_LONGEST_TAG:]
        except _DAMAGE:
            self.unread.add(DAMAGED, part)
        return False

    def known(self, part: str) -> str:
        """The name of a part as the zip spells it: names differ by more than case."""
        if part in self.names:
            return part
        plain = unquote(part)
        return self._folded.get(plain.casefold(), plain)

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {name.casefold(): name for name in self.names}

    def _parsed(self, part: str, guard: _Guard, most: int) -> Iterator[None]:
        parser: ET.XMLParser | None = None
        try:
            for chunk in parseable(self._chunks(part, most)):
                if parser is None:
                    parser = ET.XMLParser(target=guard, encoding="utf-8")  # noqa: S314
                    chunk = _HARMLESS.sub(b"", chunk, count=1)
                parser.feed(chunk)
                yield
            if parser is not None:
                parser.close()
        except _DAMAGE:
            self.unread.add(DAMAGED, part)

    def _chunks(self, part: str, most: int) -> Iterator[bytes]:
        if part not in self.names:
            return
        left = min(most, self._left)
        limit = most if most <= self._left else MAX_TOTAL_BYTES
        for chunk in self._pieces(part):
            left -= len(chunk)
            if left < 0:
                raise TooLargeError(
                    f"{self.name!r} unpacks to more than {limit >> 20} MB; save it without its bulk"
                )
            self._left -= len(chunk)
            yield chunk

    def _pieces(self, part: str) -> Iterator[bytes]:
        """The bytes of a part, of a damaged one as many as precede the damage; then raises."""
        done = 0
        try:
            with self.open(part) as f:
                while chunk := f.read(_CHUNK):
                    yield chunk
                    done += len(chunk)
        except (zlib.error, zipfile.BadZipFile, EOFError):
            with self.open(part) as f:
                for _ in range(done // _SMALL_CHUNK):
                    f.read(_SMALL_CHUNK)
                while chunk := f.read(_SMALL_CHUNK):
                    yield chunk


class _Guard:
    """A parser target that passes events on and refuses DOCTYPEs and deep nesting."""

    def __init__(self, name: str, handler: Handler) -> None:
        self._name = name
        self._depth = 0
        self.root: ET.Element | None = None
        self._start = handler.start
        self._end = handler.end
        self.data = handler.data

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnreadableError(f"{self._name!r} is nested beyond reason")
        element = self._start(tag, attributes)
        if self.root is None and isinstance(element, ET.Element):
            self.root = element

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._end(tag)

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise UnreadableError(f"{self._name!r} holds XML entities, which are not opened")

    def close(self) -> None:
        """Called by the parser at the end."""


@contextmanager
def package(path: str) -> Iterator[Package]:
    """An open office file. One that is cut off is opened as far as it goes, and noted.

    Raises UnreadableError (ENCRYPTED), TooLargeError.
    """
    opened, damaged = _archive(path)
    with opened as archive:
        if len(archive.filelist) > MAX_PARTS:
            raise TooLargeError(f"{os.path.basename(path)!r} holds too many parts")
        if any(entry.flag_bits & 1 for entry in archive.filelist):
            raise UnreadableError(
                f"{os.path.basename(path)!r} is encrypted; save a copy without password",
                code="ENCRYPTED",
            )
        parts = Package(path, archive)
        if damaged:
            parts.unread.add(CUT_OFF, os.path.basename(path))
        yield parts


def _archive(path: str) -> tuple[zipfile.ZipFile, bool]:
    """The zip, and whether its directory was damaged or lost, so that its entries were looked for
    one by one."""
    try:
        return zipfile.ZipFile(path), False
    except (zipfile.BadZipFile, NotImplementedError, ValueError):  # ValueError: of its names
        found = mended(path)
        if found is None:
            raise
        return zipfile.ZipFile(found), True


def local(element: ET.Element) -> str:
    """The tag without its namespace, the only difference of transitional and strict files here."""
    return element.tag.rpartition("}")[2]


def attribute(element: ET.Element, name: str) -> str:
    """An attribute by its local name; empty when it is not there."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return value
    return ""


def relationship(element: ET.Element) -> str:
    """The relationship id (`r:id`) of an element, which may carry a plain `id` too."""
    return next((value for key, value in element.attrib.items() if key.endswith("}id")), "")


def _part_name(entry: str) -> str:
    """The name of a part, whose folders some programs separate by a backslash."""
    return entry.replace("\\", "/").lstrip("/")


def _resolve(folder: str, target: str) -> str:
    if target.startswith("/"):
        return target[1:]
    parts = folder.split("/") if folder else []
    for step in target.split("/"):
        if step == "..":
            parts = parts[:-1]
        elif step not in ("", "."):
            parts.append(step)
    return "/".join(parts)
