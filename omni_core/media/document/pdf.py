"""PDF, EPUB and XPS through the PDF engines: each page as a page image and, with a text layer, as
text.

Engines may hang or crash, so they run only in a process that can be killed. Limits that are cheap
to check are checked here too.
"""

from __future__ import annotations

import logging
import os
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from omni_core.errors import NotFoundError, TooLargeError, UnreadableError
from omni_core.media.dates import from_file, parse
from omni_core.media.document import epub
from omni_core.media.document.engines import xfa
from omni_core.media.document.engines.base import FAILURES, Kind
from omni_core.media.document.engines.opened import Opened, opened
from omni_core.media.document.page_damage import PageDamage
from omni_core.media.document.page_units import figure_segments, row_segments
from omni_core.media.document.pdf_page import (
    page_picture,
    pictures_inside,
    read_page,
    word_windows,
)
from omni_core.media.document.pdf_text import MAX_HEADING, divided
from omni_core.media.document.placed_words import placed_words
from omni_core.media.guard import unreadable
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.charset import is_text
from omni_core.text.places import after
from omni_core.types import (
    Crop,
    CutOptions,
    FileWarning,
    ImageContent,
    MediaInfo,
    Modality,
    Pixels,
    PlacedWord,
    Segment,
    Source,
    Span,
)

log = logging.getLogger(__name__)

_XPS = (".xps", ".oxps")
_OBJECT = re.compile(rb"(?:^|[\r\n])\s*\d+ \d+ obj\b")
_MIME: dict[Kind, str] = {
    "pdf": "application/pdf",
    "epub": "application/epub+zip",
    "xps": "application/vnd.ms-xpsdocument",
}
_DATED: dict[Kind, str] = {"pdf": "pdf", "epub": "container", "xps": "pdf"}
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
"""Begins an old office file, in which a PDF may be embedded."""
_LATE_HEADER = re.compile(rb"%PDF-\d\.\d\s{1,2}%[\x80-\xff]{4}")
_ATTACHED = "attached files are not read: {names}; save and ingest them by themselves"
_XFA = (
    "the file is an XFA form, which only Adobe's programs draw: what is filled in is read, what is "
    "printed on the form is not; print it to a PDF and ingest that"
)
_REPAIRED = (
    "the file is damaged or cut short; what could be repaired is in, pages or words may be missing"
)


class PdfMedium(Medium):
    """Documents with pages of fixed layout."""

    rank = 2
    never_text = True
    kinds = "documents (PDF, EPUB, XPS)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """PDF by a header within the first KiB, as PDF viewers allow, or further on if its binary
        comment follows (text about PDF has none), or by its name, where text or an object is the
        beginning; EPUB by its first zip entries or its name.
        """
        if head.startswith(_OLE):
            return False
        if b"%PDF-" in head[:1024] or _LATE_HEADER.search(head):
            return True
        if head[:4] != b"PK\3\4":
            return suffix == ".pdf" and (_OBJECT.search(head) is not None or is_text(head))
        if b"mimetypeapplication/epub+zip" in head[:100] or b"META-INF/container.xml" in head:
            return True
        return suffix in (".epub", *_XPS)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises UnreadableError (ENCRYPTED) without the password, TooLargeError over max_pages."""
        if self._as_text(path):
            return epub.probe(path)
        with self._opened(path, password) as file:
            document = file.document
            dates = (parse(date) for date in document.dates)
            when = next((date for date in dates if date is not None), None)
            when = epub.stated_date(path) if document.kind == "epub" else when
            found = (when, _DATED[document.kind]) if when is not None else from_file(path)
            return MediaInfo(
                modality=Modality.DOCUMENT,
                mime=_MIME[document.kind],
                title=title(path, document.title),
                pages=document.pages,
                recorded_at=found[0],
                recorded_at_from=found[1],
                warnings=(_REPAIRED,) if document.repaired else (),
            )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """For each page the windows of its words, the rows of its tables, its figures, each with
        its caption, then the pictures on it that may hold words, and its page image.

        A page whose words lie in a picture, or whose text layer means nothing, is marked for OCR
        (`scan`). A page that cannot be drawn or read costs itself and gives a warning.
        """
        if self._as_text(path):
            yield from epub.decompose(path, source, options)
            return
        with self._opened(path, options.password) as file:
            heading, before, outline = "", "", _outline(file)
            if names := _names(file.document.attachments()):
                yield FileWarning(_ATTACHED.format(names=names))
            is_book = file.document.kind == "epub"
            book = epub.checked(path) if is_book else epub.Checked()
            yield from book.warnings()
            form = xfa.fields(data := _form(file))
            if data:
                yield FileWarning(_XFA)
            damage, seen = PageDamage(), set[bytes]()
            for number in range(1, file.document.pages + 1):
                span = Span("page", number, number + 1)
                try:
                    page = read_page(file, number, form)
                except FAILURES as e:
                    log.debug("%s, page %d: %s", path, number, e)
                    damage.lost.append(number)
                    if len(damage.lost) == file.document.pages:
                        raise  # not one page can be read
                    continue
                if is_book and (lost := epub.lost_chapter(page.words.text)):
                    if lost not in book.missing:
                        yield FileWarning(f"the chapter {lost} cannot be read")
                    continue
                if names := _names(page.attachments):
                    yield FileWarning(_ATTACHED.format(names=names))
                begun = divided(before, page.words.text)
                before = page.words.text
                if page.damaged:
                    damage.partly.append(number)
                text = begun + "\n".join(part for part in (before, *page.remarks) if part)
                headings = [(at + len(begun), name) for at, name in page.words.headings]
                headings = headings or [(0, name) for name in outline.get(number, ())]
                headings = [(0, heading), *headings] if heading else headings
                heading = headings[-1][1] if headings else ""
                places = page.words.places
                places = after(places, len(begun)) if begun else places
                yield from word_windows(source, span, text, headings, places, options)
                above = headings[0][1] if headings else ""
                yield from row_segments(page.units, source, span, above)
                if number not in options.undrawn:
                    # before the page image: the decoder dies of the first page without one
                    yield from pictures_inside(file, number, source, page.inside, options, seen)
                    picture = page_picture(file, number, source, page.scan, options)
                    drawn = picture.content if isinstance(picture, Segment) else None
                    if page.units.captions and isinstance(drawn, ImageContent):
                        pixels = drawn.pixels
                        yield from figure_segments(page.units, pixels, source, span, above)
                    yield picture
            yield from damage.warnings()

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """A crop is rendered at its own full resolution, so that small print can be read."""
        if self._as_text(path):
            return super().page(path, number, edge, crop, password)
        with self._opened(path, password) as file:
            if not 1 <= number <= file.document.pages:
                raise NotFoundError(
                    f"there is no page {number}: {os.path.basename(path)!r} has "
                    f"{file.document.pages} pages",
                    code="OUT_OF_RANGE",
                )
            return file.attempt(lambda document: document.page(number).draw(edge, crop))

    def words(self, path: str, number: int, password: str | None) -> list[PlacedWord]:
        """The words of the text layer; scans have none."""
        if self._as_text(path):
            return []
        with self._opened(path, password) as file:
            if not 1 <= number <= file.document.pages:
                return []
            return file.attempt(lambda document: placed_words(document.page(number)))

    def image(self, path: str, edge: int, crop: Crop | None, frame: int) -> Pixels:
        """Page frame + 1."""
        return self.page(path, frame + 1, edge, crop, None)

    def _as_text(self, path: str) -> bool:
        """Whether this is a book that the engine cannot lay out, read as its chapters' text.

        Raises UnreadableError (ENCRYPTED) for one that no engine can read.
        """
        if _kind(path) != "epub":
            return False
        return epub.checked(path).plain or self.limits.pdf == "pypdfium2"

    @contextmanager
    def _opened(self, path: str, password: str | None) -> Iterator[Opened]:
        name, kind = os.path.basename(path), _kind(path)
        if kind == "xps" and self.limits.pdf == "pypdfium2":
            raise UnreadableError(
                f"{name!r} is an XPS document, which pypdfium2 cannot read: set OMNI_PDF=pymupdf, "
                "or save it as PDF",
                code="UNSUPPORTED_TYPE",
            )
        with opened(path, kind, password, self.limits.pdf) as file:
            pages = file.document.pages
            if pages > self.limits.max_pages:
                raise TooLargeError(
                    f"{name!r} has {pages} pages, over the limit of {self.limits.max_pages}; "
                    "split it or raise max_pages"
                )
            if pages == 0:
                raise unreadable(path)
            yield file


def _kind(path: str) -> Kind:
    """What the file is; a zip archive is an XPS or an EPUB by its parts, else by its name."""
    with open(path, "rb") as f:
        if f.read(4) != b"PK\3\4":
            return "pdf"
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        names = []
    if "META-INF/container.xml" in names:
        return "epub"
    xps = any(name.lower().endswith(".fdseq") for name in names) or path.lower().endswith(_XPS)
    return "xps" if xps else "epub"


def _names(names: list[str]) -> str:
    """Names of attached files, at most five."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _form(file: Opened) -> bytes:
    """The XFA form for which the only page stands; empty without one."""
    try:
        return file.attempt(lambda document: document.form())
    except FAILURES:
        log.debug("a form cannot be read", exc_info=True)
        return b""


def _outline(file: Opened) -> dict[int, list[str]]:
    """The titles of the outline (bookmarks) by page."""
    found: dict[int, list[str]] = defaultdict(list)
    try:
        for name, number in file.attempt(lambda document: document.outline()):
            found[number].append(" ".join(name.split())[:MAX_HEADING])
    except FAILURES:
        log.debug("an outline cannot be read", exc_info=True)
    return found
