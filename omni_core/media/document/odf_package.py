"""ODF files, zipped or flat (one XML file), as the parts that their readers ask for."""

from __future__ import annotations

import base64
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import NamedTuple
from xml.etree import ElementTree as ET

from omni_core.errors import UnreadableError
from omni_core.media.dates import parse
from omni_core.media.document.memory_package import MemoryPackage
from omni_core.media.document.unread import LINKED
from omni_core.media.document.zipped_xml import (
    MAX_TOTAL_BYTES,
    Package,
    attribute,
    local,
    package,
)

CONTENT, STYLES, META = "content.xml", "styles.xml", "meta.xml"
_TYPE = "application/vnd.oasis.opendocument."
_KINDS = {
    "text": "odt", "spreadsheet": "ods", "presentation": "odp", "drawing": "odg", "chart": "odc",
    "image": "odi", "math": "odf",
}  # fmt: skip
"""Names of the element in `office:body`, or of the root without one, and the format that it
makes."""
MIME = {
    "odt": _TYPE + "text", "ods": _TYPE + "spreadsheet", "odp": _TYPE + "presentation",
    "odg": _TYPE + "graphics", "odc": _TYPE + "chart",
    "odi": _TYPE + "image", "odf": _TYPE + "formula",
}  # fmt: skip
_PICTURES, _REPLACEMENTS = "Pictures/", "ObjectReplacements/"


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

    def kind(self) -> str:
        """A key of `MIME`, by the element in the body. Raises UnreadableError for no such one."""
        finder = _Body()
        for _ in self.package.stream(CONTENT, finder):
            if finder.found:
                break
        if finder.found == "database":
            raise UnreadableError(
                f"{self.package.name!r} is a database (ODB); save its tables as ODS or CSV",
                code="UNSUPPORTED_TYPE",
            )
        if finder.found not in _KINDS:
            raise UnreadableError(
                "this OpenDocument file holds no text, sheets or slides; save it as ODT, ODS, ODP "
                "or PDF",
                code="UNSUPPORTED_TYPE" if finder.found else "CORRUPT_MEDIA",
            )
        return _KINDS[finder.found]

    def about(self) -> About:
        """The document's title, date, description, subject and keywords."""
        root = self.package.xml(META)
        fields: dict[str, list[str]] = {}
        found = (e for e in root.iter() if local(e) == "meta") if root is not None else ()
        for e in next(iter(found), ()):
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
        """The part of a `draw:image`; "" for links out of the file, which are noted.

        The bytes of one in a flat file are added to the package.
        """
        p = self.package
        data = next((e.text or "" for e in image if local(e) == "binary-data"), "")
        if data and isinstance(p, MemoryPackage):
            part = f"{_PICTURES}{len(p.names)}"
            p.add(part, partial(base64.b64decode, data))
            return part
        part = attribute(image, "href").removeprefix("./")
        if part.startswith((_PICTURES, _REPLACEMENTS)):
            return part
        if part:
            p.unread.add(LINKED, part.rpartition("/")[2])
        return ""


@contextmanager
def odf(path: str) -> Iterator[Odf]:
    """An open ODF file. Raises UnreadableError (ENCRYPTED), TooLargeError."""
    with open(path, "rb") as f:
        zipped = f.read(2) == b"PK"
    if not zipped:
        yield Odf(MemoryPackage(path, dict.fromkeys((CONTENT, STYLES, META), partial(_file, path))))
        return
    with package(path) as p:
        if "encrypted-package" in p.names or b"encryption-data" in _manifest(p):
            raise UnreadableError(
                f"{os.path.basename(path)!r} is encrypted; save a copy without password",
                code="ENCRYPTED",
            )
        yield Odf(p)


def is_odf(p: Package) -> bool:
    """Whether a zip is an ODF file, by its parts."""
    return CONTENT in p.names and bool({"META-INF/manifest.xml", "mimetype", STYLES} & p.names)


def _manifest(p: Package) -> bytes:
    try:
        return p.read("META-INF/manifest.xml")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        return b""


def _file(path: str) -> bytes:
    with open(path, "rb") as f:
        return f.read(MAX_TOTAL_BYTES + 1)


class _Body:
    """Parser target that finds the name of the element in `office:body`; before ODF 1.0 the root
    had it as its class. A formula is all there is of its file."""

    def __init__(self) -> None:
        self.found = ""
        self._inside = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.found:
            name = tag.rpartition("}")[2]
            self.found = name if self._inside or name == "math" else _class(attributes)
        self._inside = self._inside or tag.endswith("}body")

    def end(self, tag: str) -> None:
        """Nothing of it is wanted."""

    def data(self, text: str) -> None:
        """Nothing of it is wanted."""


def _class(attributes: dict[str, str]) -> str:
    named = {key.rpartition("}")[2]: value for key, value in attributes.items()}
    return named.get("class", "") if "version" in named else ""
