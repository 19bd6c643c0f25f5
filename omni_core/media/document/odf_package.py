"""ODF files, zipped or flat (one XML file), as the parts that their readers ask for.

A part that is damaged gives what stands before the damage, and a line in `Odf.damage`.
"""

from __future__ import annotations

import base64
import binascii
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, NamedTuple
from xml.etree import ElementTree as ET

from omni_core.errors import UnreadableError
from omni_core.media.dates import parse
from omni_core.media.document.zipped_xml import (
    MAX_PART_BYTES,
    MAX_TOTAL_BYTES,
    Handler,
    Package,
    attribute,
    local,
    package,
)

CONTENT, STYLES, META = "content.xml", "styles.xml", "meta.xml"
_TYPE = "application/vnd.oasis.opendocument."
_KINDS = {
    "text": "odt", "spreadsheet": "ods", "presentation": "odp", "drawing": "odg", "chart": "odc",
}  # fmt: skip
"""Names of the element in `office:body` and the format that it makes."""
MIME = {
    "odt": _TYPE + "text", "ods": _TYPE + "spreadsheet", "odp": _TYPE + "presentation",
    "odg": _TYPE + "graphics", "odc": _TYPE + "chart",
}  # fmt: skip
_DAMAGE = (ET.ParseError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
"""What a damaged part raises; the last one for a damaged number of the compression."""


class About(NamedTuple):
    """What `meta.xml` says of a document; empty or None where it says nothing."""

    title: str
    date: datetime | None
    lines: list[str]
    """Description, subject and keywords, one a line."""


class Odf:
    """An open ODF file."""

    def __init__(self, p: Package) -> None:
        self.package = p
        self.damage: list[str] = []

    def kind(self) -> str:
        """A key of `MIME`, by the element in the body. Raises UnreadableError for no such one."""
        finder = _Body()
        self._parse(CONTENT, finder, MAX_TOTAL_BYTES, stop=finder)
        self.damage.clear()
        if finder.found not in _KINDS:
            raise UnreadableError(
                "this OpenDocument file holds no text, sheets or slides; save it as ODT, ODS, ODP "
                "or PDF",
                code="UNSUPPORTED_TYPE" if finder.found else "CORRUPT_MEDIA",
            )
        return _KINDS[finder.found]

    def tree(self, part: str) -> ET.Element | None:
        """A part as a tree, up to where it is damaged; None when there is nothing of it."""
        kept = _Tree()
        self._parse(part, kept, MAX_PART_BYTES)
        return kept.root

    def rows(self, part: str, handler: Handler) -> Iterator[None]:
        """Parse a part chunk by chunk into `handler`; ends where it is damaged."""
        try:
            yield from self.package.stream(part, handler)
        except _DAMAGE as e:
            self._note(part, e)

    def about(self) -> About:
        """The document's title, date, description, subject and keywords."""
        root = self.tree(META)
        fields: dict[str, list[str]] = {}
        meta = root if root is None or local(root) == "meta" else _first(root, "meta")
        for e in meta if meta is not None else ():
            if text := " ".join((e.text or "").split()):
                fields.setdefault(local(e), []).append(text)
        one = {name: texts[0] for name, texts in fields.items()}
        labels = ("description", "subject", "keyword")
        return About(
            one.get("title", ""),
            parse(one.get("creation-date", "")) or parse(one.get("date", "")),
            [f"{n.capitalize()}: {', '.join(fields[n])}" for n in labels if n in fields],
        )

    def picture(self, image: ET.Element) -> str:
        """The part of a `draw:image`; "" for links, which are not followed.

        The bytes of one in a flat file are added to the package.
        """
        part = attribute(image, "href").removeprefix("./")
        if part.startswith("Pictures/") and part in self.package.names:
            return part
        data = next((e.text or "" for e in image if local(e) == "binary-data"), "")
        return self.package.add(data) if data and isinstance(self.package, _Flat) else ""

    def _parse(self, part: str, handler: Handler, most: int, stop: _Body | None = None) -> None:
        try:
            for _ in self.package.stream(part, handler, most):
                if stop is not None and stop.found:
                    return
        except _DAMAGE as e:
            self._note(part, e)

    def _note(self, part: str, error: Exception) -> None:
        name = "the file" if isinstance(self.package, _Flat) else part
        where = f" at line {error.position[0]}" if isinstance(error, ET.ParseError) else ""
        self.damage.append(f"{name} is damaged{where}; what follows in it is missing")


@contextmanager
def odf(path: str) -> Iterator[Odf]:
    """An open ODF file. Raises UnreadableError (ENCRYPTED), TooLargeError."""
    with open(path, "rb") as f:
        zipped = f.read(2) == b"PK"
    if not zipped:
        yield Odf(_Flat(path))
        return
    with package(path) as p:
        if "encrypted-package" in p.names or b"encryption-data" in _manifest(p):
            raise UnreadableError(
                f"{os.path.basename(path)} is encrypted; save a copy without password",
                code="ENCRYPTED",
            )
        yield Odf(p)


def is_odf(p: Package) -> bool:
    """Whether a zip is an ODF file, by its parts."""
    return CONTENT in p.names and bool({"META-INF/manifest.xml", "mimetype", STYLES} & p.names)


def _manifest(p: Package) -> bytes:
    try:
        return p.read("META-INF/manifest.xml")
    except _DAMAGE:
        return b""


def _first(root: ET.Element, name: str) -> ET.Element | None:
    return next((e for e in root.iter() if local(e) == name), None)


class _Flat(Package):
    """A flat file, whose single part stands for all of them."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._name = os.path.basename(path)
        self._left = MAX_TOTAL_BYTES
        self._added: dict[str, str] = {}
        self.names = frozenset((CONTENT, STYLES, META))

    def add(self, data: str) -> str:
        """The part name under which a picture in base64 can be read."""
        name = f"Pictures/{len(self._added)}"
        self._added[name] = data
        return name

    def read(self, part: str) -> bytes:
        """The bytes of a picture; empty where its base64 is damaged."""
        try:
            return base64.b64decode(self._added.get(part, ""))
        except binascii.Error:
            return b""

    def open(self, part: str) -> IO[bytes]:
        """The file, or a picture of it."""
        return open(self._path, "rb")


class _Tree:
    """Parser target that keeps the tree as far as it was read."""

    def __init__(self) -> None:
        self.root: ET.Element | None = None
        self._builder = ET.TreeBuilder()
        self.end = self._builder.end
        self.data = self._builder.data

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        element = self._builder.start(tag, attributes)
        if self.root is None:
            self.root = element


class _Body:
    """Parser target that finds the name of the element in `office:body`; before ODF 1.0 the root
    had it as its class."""

    def __init__(self) -> None:
        self.found = ""
        self._inside = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.found:
            self.found = tag.rpartition("}")[2] if self._inside else _class(attributes)
        self._inside = self._inside or tag.endswith("}body")

    def end(self, tag: str) -> None:
        """Nothing of it is wanted."""

    def data(self, text: str) -> None:
        """Nothing of it is wanted."""


def _class(attributes: dict[str, str]) -> str:
    named = {key.rpartition("}")[2]: value for key, value in attributes.items()}
    return named.get("class", "") if "version" in named else ""
