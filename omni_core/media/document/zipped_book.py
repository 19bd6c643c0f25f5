"""FictionBook in a ZIP (`.fb2.zip`, `.fbz`), as libraries of books hand it out."""

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
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.types import CutOptions, FileWarning, MediaInfo, Segment, Source

MIME = "application/x-zip-compressed-fb2"
_SUFFIX = ".fb2"


def is_zipped_book(names: Collection[str]) -> bool:
    """Whether a ZIP of these files holds one book and nothing beside it."""
    return len(names) == 1 and all(name.lower().endswith(_SUFFIX) for name in names)


class ZippedBookMedium(Medium):
    """The book as `HtmlMedium` reads it. `OfficeMedium` claims the files and passes them on."""

    def matches(self, head: bytes, suffix: str) -> bool:
        """Any ZIP; the names in it tell."""
        return head[:4] == b"PK\3\4"

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises TooLargeError over 64 MB, UnreadableError where nothing can be unpacked."""
        with _book(path) as (book, _):
            info = HtmlMedium(self.limits).probe(book)
        when, origin = info.recorded_at, info.recorded_at_from
        if origin != "container":
            when, origin = from_file(path)
        stated = info.title if info.title != title(book) else ""
        return replace(
            info, mime=MIME, title=title(path, stated), recorded_at=when, recorded_at_from=origin
        )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """Windows of the book's text; of a damaged archive what precedes the damage."""
        with _book(path) as (book, whole):
            yield from HtmlMedium(self.limits).decompose(book, source, options)
            if not whole:
                yield FileWarning(CUT_OFF.format(os.path.basename(path)))


@contextmanager
def _book(path: str) -> Iterator[tuple[str, bool]]:
    """The book as a file of its own, and whether that is all of it."""
    with package(path) as p, tempfile.TemporaryDirectory(prefix="omni-book-") as folder:
        data, whole = p.readable(next(iter(p.names)))
        if not data:
            raise unreadable(path)
        book = os.path.join(folder, f"book{_SUFFIX}")
        with open(book, "wb") as f:
            f.write(data)
        yield book, whole
