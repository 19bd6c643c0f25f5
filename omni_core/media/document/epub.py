"""EPUB as the text of its chapters, for a PDF engine that lays out no books."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote

from omni_core.errors import UnreadableError
from omni_core.media.dates import from_file, parse
from omni_core.media.document.zipped_xml import Package, attribute, local, package
from omni_core.media.text.page import Page
from omni_core.media.text.plain import segments
from omni_core.media.titles import title
from omni_core.text.charset import decode
from omni_core.types import CutOptions, FileWarning, MediaInfo, Modality, Segment, Source

_CONTAINER = "META-INF/container.xml"


@dataclass(slots=True)
class _Book:
    title: str = ""
    date: datetime | None = None
    chapters: list[str] = field(default_factory=list)


def probe(path: str) -> MediaInfo:
    """Title and date from the package document."""
    with package(path) as parts:
        book = _book(parts, os.path.basename(path))
    when, origin = (book.date, "container") if book.date else from_file(path)
    return MediaInfo(
        Modality.DOCUMENT,
        "application/epub+zip",
        title(path, book.title),
        recorded_at=when,
        recorded_at_from=origin,
    )


def decompose(path: str, source: Source, options: CutOptions) -> Iterator[Segment | FileWarning]:
    """Windows of the chapters' text in reading order, with spans in its characters."""
    text, headings = "", list[tuple[int, str]]()
    with package(path) as parts:
        for part in _book(parts, os.path.basename(path)).chapters:
            if part not in parts.names:
                yield FileWarning(f"the chapter {part} is not in the file")
                continue
            chapter = Page(decode(parts.read(part), markup=True), part)
            headings += [(len(text) + at, name) for at, name in chapter.headings]
            text += chapter.text.rstrip("\n") + "\n"
    yield from segments(text, source, options, headings, "page text")


def _book(parts: Package, name: str) -> _Book:
    container = parts.xml(_CONTAINER)
    roots = [e for e in container.iter() if local(e) == "rootfile"] if container is not None else []
    root = unquote(attribute(roots[0], "full-path")) if roots else ""
    document = parts.xml(root) if root else None
    if document is None:
        raise UnreadableError(
            f"{name!r} is no whole EPUB: the list of its chapters is missing", code="CORRUPT_MEDIA"
        )
    folder = root.rpartition("/")[0]
    book, files = _Book(), {}
    for element in document.iter():
        kind, words = local(element), "".join(element.itertext()).strip()
        if kind == "title":
            book.title = book.title or words
        elif kind == "date":
            book.date = book.date or parse(words)
        elif kind == "item":
            files[attribute(element, "id")] = unquote(attribute(element, "href"))
        elif kind == "itemref" and (href := files.get(attribute(element, "idref"))):
            book.chapters.append(os.path.normpath(f"{folder}/{href}" if folder else href))
    return book
