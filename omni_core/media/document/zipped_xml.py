"""Zip packages of XML (office files), read part by part under size caps, without DOCTYPE.

0.8 MB of zip can hold 800 MB of XML, so inflation stops at the cap, whatever sizes the zip's
directory states.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol
from xml.etree import ElementTree as ET

from omni_core.errors import TooLargeError, UnreadableError

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


class Handler(Protocol):
    """A parser target: tags come as `{namespace}name`, text in pieces."""

    def start(self, tag: str, attributes: dict[str, str], /) -> object:
        """An element begins."""

    def end(self, tag: str, /) -> object:
        """An element ends."""

    def data(self, text: str, /) -> object:
        """Some of an element's text."""


class Package:
    """An open office file; `names` are those of its parts."""

    def __init__(self, path: str, archive: zipfile.ZipFile) -> None:
        self._name = os.path.basename(path)
        self._archive = archive
        self._left = MAX_TOTAL_BYTES
        self.names = frozenset(archive.namelist())

    def read(self, part: str) -> bytes:
        """The bytes of a part; empty when it is not there. Raises TooLargeError over the cap."""
        return b"".join(self._chunks(part, MAX_PART_BYTES))

    def xml(self, part: str) -> ET.Element | None:
        """A part as a tree; None when it is not there.

        Raises TooLargeError over `MAX_PART_BYTES`, UnreadableError for a DOCTYPE or for more than
        `MAX_DEPTH` elements within one another.
        """
        builder = ET.TreeBuilder()
        for _ in self.stream(part, builder, MAX_PART_BYTES):
            pass
        return builder.close() if part in self.names else None

    def stream(self, part: str, handler: Handler, most: int = MAX_TOTAL_BYTES) -> Iterator[None]:
        """Parse a part chunk by chunk into `handler`; yields after each chunk.

        Only `handler` keeps memory. A part that is not there has no chunks. Raises as `xml` does,
        with a cap of `most` bytes.
        """
        parser: ET.XMLParser | None = None
        for chunk in self._chunks(part, most):
            if parser is None:
                parser = ET.XMLParser(target=_Guard(self._name, handler))  # noqa: S314
                chunk = _HARMLESS.sub(b"", chunk, count=1)
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
        limit = most if most <= self._left else MAX_TOTAL_BYTES
        with self.open(part) as f:
            while chunk := f.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise TooLargeError(
                        f"{self._name} unpacks to more than {limit >> 20} MB; save it without "
                        "its bulk"
                    )
                self._left -= len(chunk)
                yield chunk

    def open(self, part: str) -> IO[bytes]:
        """A part as a file. Raises KeyError."""
        return self._archive.open(part)


class _Guard:
    """A parser target that passes events on and refuses DOCTYPEs and deep nesting."""

    def __init__(self, name: str, handler: Handler) -> None:
        self._name = name
        self._depth = 0
        self._start = handler.start
        self._end = handler.end
        self.data = handler.data

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnreadableError(f"{self._name} is nested beyond reason")
        self._start(tag, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._end(tag)

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise UnreadableError(f"{self._name} holds XML entities, which are not opened")

    def close(self) -> None:
        """Called by the parser at the end."""


@contextmanager
def package(path: str) -> Iterator[Package]:
    """An open office file. Raises UnreadableError (ENCRYPTED), TooLargeError."""
    with zipfile.ZipFile(path) as archive:
        if len(archive.filelist) > MAX_PARTS:
            raise TooLargeError(f"{os.path.basename(path)} holds too many parts")
        if any(entry.flag_bits & 1 for entry in archive.filelist):
            raise UnreadableError(
                f"{os.path.basename(path)} is encrypted; save a copy without password",
                code="ENCRYPTED",
            )
        yield Package(path, archive)


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
