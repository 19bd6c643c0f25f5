"""One text in a ZIP: FictionBook as libraries of books hand it out (`.fb2.zip`, `.fbz`), a map
(KMZ), a page of Calibre (HTMLZ), a note of a writing program (TextPack)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

from omni_core.media.dates import from_file
from omni_core.media.document.unread import CUT_OFF
from omni_core.media.document.zipped_xml import package
from omni_core.media.guard import unreadable
from omni_core.media.text.html import HtmlMedium
from omni_core.media.text.plain import PlainTextMedium
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.types import CutOptions, FileLength, FileWarning, MediaInfo, Segment, Source

MIME = "application/x-zip-compressed-fb2"
_MIMES = {".fb2": MIME, ".kml": "application/vnd.google-earth.kmz"}
_NOTES = ("text.md", "text.markdown", "text.txt", "text.html")
_PARTS = (".css", ".opf", ".json", ".plist", "mimetype")
"""Ends of the names of files that say nothing by themselves."""
NAMED = 8
"""Files beside the text that a warning names."""


def text_in(names: Collection[str]) -> str:
    """The one text of a ZIP of these files; "" for any other ZIP."""
    if len(names) == 1:
        name = next(iter(names))
        return name if name.lower().endswith(".fb2") else ""
    if "doc.kml" in names:
        return "doc.kml"
    if "index.html" in names and "metadata.opf" in names:
        return "index.html"
    for name in names:
        folder, _, base = name.rpartition("/")
        if base.lower() in _NOTES and f"{folder}/info.json".lstrip("/") in names:
            return name
    return ""


class ZippedBookMedium(Medium):
    """The text as `HtmlMedium` or `PlainTextMedium` reads it. `OfficeMedium` claims the files and
    passes them on."""

    def matches(self, head: bytes, suffix: str) -> bool:
        """Any ZIP; the names in it tell."""
        return head[:4] == b"PK\3\4"

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises TooLargeError over 64 MB, UnreadableError where nothing can be unpacked."""
        with _book(path) as (book, _, _):
            info = self._medium(book).probe(book)
        when, origin = info.recorded_at, info.recorded_at_from
        if origin != "container":
            when, origin = from_file(path)
        stated = info.title if info.title != title(book) else ""
        return replace(
            info,
            mime=_MIMES.get(os.path.splitext(book)[1], info.mime),
            title=title(path, stated),
            recorded_at=when,
            recorded_at_from=origin,
        )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning | FileLength]:
        """Windows of the book's text; of a damaged archive what precedes the damage."""
        with _book(path) as (book, whole, others):
            yield from self._medium(book).decompose(book, source, options)
            if others:
                more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
                yield FileWarning(
                    f"files in the archive are not read: {', '.join(others[:NAMED])}{more}; "
                    "unpack it and ingest them"
                )
            if not whole:
                yield FileWarning(CUT_OFF.format(os.path.basename(path)))

    def _medium(self, text: str) -> Medium:
        is_plain = text.endswith((".md", ".markdown", ".txt"))
        return (PlainTextMedium if is_plain else HtmlMedium)(self.limits)


@contextmanager
def _book(path: str) -> Iterator[tuple[str, bool, list[str]]]:
    """The text as a file of its own, whether that is all of it, and the files beside it."""
    with package(path) as p, tempfile.TemporaryDirectory(prefix="omni-book-") as folder:
        name = text_in(p.names)
        data, whole = p.readable(name)
        if not data:
            raise unreadable(path)
        book = os.path.join(folder, f"book{os.path.splitext(name)[1].lower()}")
        with open(book, "wb") as f:
            f.write(data)
        others = [n for n in p.names if n != name and not n.lower().endswith((*_PARTS, "/"))]
        yield book, whole, sorted(others)
