"""Office files are zips of XML: read part by part under a cap, without a DOCTYPE or entities.

An 800 MB document fits in 0.8 MB of zip, so nothing is inflated beyond its cap, whatever the
directory of the zip claims.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from xml.etree import ElementTree as ET

from omni_core.errors import TooLargeError, UnreadableError

MOST_PART = 64 << 20
"""Bytes of one part that is held in memory; the text of the longest novels is 5 MB."""
MOST_TOTAL = 256 << 20
"""Bytes of all parts that are read from one file."""
MOST_PARTS = 20_000
MOST_DEPTH = 200
"""Elements within elements; Word nests tables in tables, each level about ten elements deep."""
_CHUNK = 1 << 16


class Handler(Protocol):
    """Receives an XML part as it is parsed: tags as `{namespace}name`, text in pieces."""

    def start(self, tag: str, attributes: dict[str, str], /) -> object:
        """An element begins."""

    def end(self, tag: str, /) -> object:
        """An element ends."""

    def data(self, text: str, /) -> object:
        """Some of an element's text."""


class Package:
    """An open office file."""

    def __init__(self, path: str, archive: zipfile.ZipFile) -> None:
        self._name = os.path.basename(path)
        self._archive = archive
        self._left = MOST_TOTAL
        self.names = frozenset(archive.namelist())

    def read(self, part: str) -> bytes:
        """The bytes of a part; empty when it is not there. Raises TooLargeError over the cap."""
        return b"".join(self._chunks(part, MOST_PART))

    def xml(self, part: str) -> ET.Element | None:
        """A part as a tree; None when it is not there.

        Raises TooLargeError over `MOST_PART`, UnreadableError for a DOCTYPE or for more than
        `MOST_DEPTH` elements within one another.
        """
        builder = ET.TreeBuilder()
        for _ in self.stream(part, builder, MOST_PART):
            pass
        return builder.close() if part in self.names else None

    def stream(self, part: str, handler: Handler, most: int = MOST_TOTAL) -> Iterator[None]:
        """Parse a part piece by piece into `handler`; yields after each piece.

        The memory is what `handler` keeps. A part that is not there has no pieces. Raises as
        `xml` does, with `most` bytes for the cap.
        """
        parser: ET.XMLParser | None = None
        for chunk in self._chunks(part, most):
            parser = parser or ET.XMLParser(target=_Guard(self._name, handler))  # noqa: S314
            parser.feed(chunk)
            yield
        if parser is not None:
            parser.close()

    def related(self, part: str) -> dict[str, str]:
        """Relationship id -> part, of one part; links that leave the package are left out."""
        folder, _, base = part.rpartition("/")
        root = self.xml(f"{folder}/_rels/{base}.rels" if folder else f"_rels/{base}.rels")
        found = {}
        for link in root if root is not None else ():
            target = link.get("Target", "")
            if link.get("TargetMode") != "External":
                found[link.get("Id", "")] = _resolve(folder, target)
        return found

    def _chunks(self, part: str, most: int) -> Iterator[bytes]:
        if part not in self.names:
            return
        left = min(most, self._left)
        limit = most if most <= self._left else MOST_TOTAL
        with self._archive.open(part) as f:
            while chunk := f.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise TooLargeError(
                        f"{self._name} unpacks to more than {limit >> 20} MB; save it without "
                        "its bulk"
                    )
                self._left -= len(chunk)
                yield chunk


class _Guard:
    """A parser's target that hands on what is within reason."""

    def __init__(self, name: str, handler: Handler) -> None:
        self._name = name
        self._depth = 0
        self._start = handler.start
        self._end = handler.end
        self.data = handler.data

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise UnreadableError(f"{self._name} is nested beyond reason")
        self._start(tag, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._end(tag)

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise UnreadableError(f"{self._name} holds XML entities, which are not opened")

    def close(self) -> None:
        """What the parser calls at the end."""


@contextmanager
def package(path: str) -> Iterator[Package]:
    """An open office file. Raises UnreadableError (ENCRYPTED), TooLargeError."""
    with zipfile.ZipFile(path) as archive:
        if len(archive.filelist) > MOST_PARTS:
            raise TooLargeError(f"{os.path.basename(path)} holds too many parts")
        if any(entry.flag_bits & 1 for entry in archive.filelist):
            raise UnreadableError(
                f"{os.path.basename(path)} is encrypted; save a copy without password",
                code="ENCRYPTED",
            )
        yield Package(path, archive)


def local(element: ET.Element) -> str:
    """The tag without its namespace: transitional and strict files differ in nothing else."""
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
