"""Office files are zips of XML: read part by part under a cap, without entities or references.

An 800 MB document fits in 0.8 MB of zip, so nothing is inflated beyond its cap, whatever the
directory of the zip claims.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from xml.etree import ElementTree as ET

from omni_core.errors import TooLargeError, UnreadableError

MOST_PART = 64 << 20
"""Bytes of one part; the text of the longest novels is 5 MB."""
MOST_TOTAL = 256 << 20
MOST_PARTS = 20_000
MOST_DEPTH = 200


class Package:
    """An open office file."""

    def __init__(self, path: str, archive: zipfile.ZipFile) -> None:
        self._name = os.path.basename(path)
        self._archive = archive
        self._left = MOST_TOTAL
        self.names = frozenset(archive.namelist())

    def read(self, part: str) -> bytes:
        """The bytes of a part; empty when it is not there. Raises TooLargeError over the cap."""
        if part not in self.names:
            return b""
        limit = min(MOST_PART, self._left)
        with self._archive.open(part) as f:
            data = f.read(limit + 1)
        if len(data) > limit:
            raise TooLargeError(
                f"{self._name} unpacks to more than {limit >> 20} MB; save it without its bulk"
            )
        self._left -= len(data)
        return data

    def xml(self, part: str) -> ET.Element | None:
        """A part as a tree; None when it is not there. A DOCTYPE or absurd depth is refused."""
        data = self.read(part)
        if not data:
            return None
        parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(("start", "end"))
        if b"<!DOCTYPE" in data[:2000] or b"<!ENTITY" in data:
            raise UnreadableError(f"{self._name} holds XML entities, which are not opened")
        depth, root = 0, None
        for at in range(0, len(data), 1 << 16):
            parser.feed(data[at : at + (1 << 16)])
            for event in parser.read_events():
                kind, element = cast("tuple[str, ET.Element]", event)
                root = element if root is None else root
                depth += 1 if kind == "start" else -1
                if depth > MOST_DEPTH:
                    raise UnreadableError(f"{self._name} is nested beyond reason")
        parser.close()
        return root

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
    """An attribute by its local name."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return value
    return ""


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
