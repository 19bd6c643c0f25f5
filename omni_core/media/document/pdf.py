"""PDF, EPUB and XPS through PyMuPDF: each page as a page image and, with a text layer, as text.

MuPDF holds the GIL, prints to stdout, and loops forever on four known kinds of small file, so it
runs only in a process that can be killed. Limits that are cheap to check are checked here too.
"""

from __future__ import annotations

import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pymupdf

from omni_core.errors import NotFoundError, TooLargeError, UnreadableError
from omni_core.media.dates import from_file, parse
from omni_core.media.document.pdf_text import MAX_HEADING, PageText, notes_of, page_text
from omni_core.media.document.placed_words import placed_words
from omni_core.media.geometry import box
from omni_core.media.guard import unreadable
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.windows import text_windows
from omni_core.types import (
    Channel,
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
    TextContent,
)

log = logging.getLogger(__name__)

MAX_EDGE = 1400
"""Largest long edge of a page image that is embedded, in pixels; more costs and gains nothing."""
MAX_SCALE = 8.0
"""Largest zoom, relative to 72 dpi, at which a page is rendered."""
SCAN_PICTURE = 0.5
SCAN_TEXT = 0.08
"""A page is a scan when a picture covers at least the first share of it, and lines of text less
than the second: dense text covers 0.3 and more, two stamped lines 0.01."""
_FAILURES = (RuntimeError, ValueError, TypeError, MemoryError, pymupdf.mupdf.FzErrorBase)
"""What MuPDF raises for one page, shortage of memory among it."""

_XPS = (".xps", ".oxps")
_LATE_HEADER = re.compile(rb"%PDF-\d\.\d\s{1,2}%[\x80-\xff]{4}")
_REPAIRED = (
    "the file is damaged or cut short; what could be repaired is in, pages or words may be missing"
)


class PdfMedium(Medium):
    """Documents with pages of fixed layout."""

    rank = 2
    kinds = "documents (PDF, EPUB, XPS)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """PDF by a header within the first KiB, as PDF viewers allow, or further on if its binary
        comment follows (text about PDF has none); EPUB by its first zip entries or its name.
        """
        if b"%PDF-" in head[:1024] or _LATE_HEADER.search(head):
            return True
        if head[:4] != b"PK\3\4":
            return False
        if b"mimetypeapplication/epub+zip" in head[:100] or b"META-INF/container.xml" in head:
            return True
        return suffix in (".epub", *_XPS)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises UnreadableError (ENCRYPTED) without the password, TooLargeError over max_pages."""
        with self._opened(path, password) as doc:
            meta = doc.metadata or {}
            when = parse(meta.get("creationDate") or "") or parse(meta.get("modDate") or "")
            found = (when, "pdf") if when is not None else from_file(path)
            pdf = doc.is_pdf
            return MediaInfo(
                modality=Modality.DOCUMENT,
                mime=_mime(path, pdf),
                title=title(path, meta.get("title") or ""),
                pages=len(doc),
                recorded_at=found[0],
                recorded_at_from=found[1],
                warnings=(_REPAIRED,) if pdf and doc.is_repaired else (),
            )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """For each page the windows of its words, then its page image.

        A page whose words lie in a picture, or whose text layer means nothing, is marked for OCR
        (`scan`). A page that cannot be drawn or read costs itself and gives a warning.
        """
        with self._opened(path, options.password) as doc:
            edge, heading = min(options.image_edge, MAX_EDGE), ""
            if names := _attachments(doc):
                yield FileWarning(
                    f"attached files are not read: {names}; save and ingest them by themselves"
                )
            outline = _outline(doc)
            for number in range(1, len(doc) + 1):
                span = Span("page", number, number + 1)
                try:
                    page = doc[number - 1]
                    words = page_text(page)
                    notes = notes_of(page) if doc.is_pdf else []
                    scan = not words.usable or _is_scan(page, words)
                except _FAILURES as e:
                    yield FileWarning(f"page {number} cannot be read ({type(e).__name__})")
                    continue
                text = "\n".join((words.text, *notes)) if notes else words.text
                headings = words.headings or [(0, name) for name in outline.get(number, ())]
                headings = [(0, heading), *headings] if heading else headings
                heading = headings[-1][1] if headings else ""
                yield from _windows(source, span, text, headings, options)
                if number in options.undrawn:
                    continue
                try:
                    image = ImageContent(_render(page, edge, None))
                except _FAILURES as e:
                    yield FileWarning(
                        f"the picture of page {number} cannot be drawn ({type(e).__name__}); its "
                        "words are in"
                    )
                    continue
                extra = {"scan": True} if scan else {}
                yield Segment(
                    source.id, Modality.DOCUMENT, Channel.VISUAL, span, image, extra=extra
                )

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """A crop is rendered at its own full resolution, so that small print can be read."""
        with self._opened(path, password) as doc:
            if not 1 <= number <= len(doc):
                raise NotFoundError(
                    f"there is no page {number}: {os.path.basename(path)} has {len(doc)} pages",
                    code="OUT_OF_RANGE",
                )
            return _render(doc[number - 1], edge, crop)

    def words(self, path: str, number: int, password: str | None) -> list[PlacedWord]:
        """The words of the text layer; scans have none."""
        with self._opened(path, password) as doc:
            if not 1 <= number <= len(doc):
                return []
            return placed_words(doc[number - 1])

    def image(self, path: str, edge: int, crop: Crop | None, frame: int) -> Pixels:
        """Page frame + 1."""
        return self.page(path, frame + 1, edge, crop, None)

    @contextmanager
    def _opened(self, path: str, password: str | None) -> Iterator[Any]:
        name = os.path.basename(path)
        with pymupdf.open(path, filetype=_filetype(path)) as doc:
            if doc.needs_pass and not (password and doc.authenticate(password)):
                how = (
                    "the password given is wrong"
                    if password
                    else "it needs a password (omni-mcp ingest FILE --password ...)"
                )
                raise UnreadableError(f"{name} is encrypted: {how}", code="ENCRYPTED")
            if len(doc) > self.limits.max_pages:
                raise TooLargeError(
                    f"{name} has {len(doc)} pages, over the limit of {self.limits.max_pages}; "
                    "split it or raise max_pages"
                )
            if len(doc) == 0:
                raise unreadable(path)
            yield doc


def _filetype(path: str) -> str | None:
    """What a zip archive is opened as, whose entries MuPDF may find in another order than it
    expects; None for anything else."""
    with open(path, "rb") as f:
        if f.read(4) != b"PK\3\4":
            return None
    return "xps" if path.lower().endswith(_XPS) else "epub"


def _mime(path: str, pdf: bool) -> str:
    if pdf:
        return "application/pdf"
    xps = path.lower().endswith(_XPS)
    return "application/vnd.ms-xpsdocument" if xps else "application/epub+zip"


def _render(page: Any, edge: int, crop: Crop | None) -> Pixels:
    """(height, width, 3) RGB of a page or of `crop`, its long edge `edge` pixels."""
    area = page.rect
    if crop is not None:
        unit = 10_000
        left, top, right, bottom = (v / unit for v in box(crop, unit, unit))
        area = pymupdf.Rect(
            area.x0 + left * area.width,
            area.y0 + top * area.height,
            area.x0 + right * area.width,
            area.y0 + bottom * area.height,
        )
    scale = min(edge / max(area.width, area.height, 1.0), MAX_SCALE)
    pixmap = page.get_pixmap(
        matrix=pymupdf.Matrix(scale, scale), clip=area, alpha=False, colorspace=pymupdf.csRGB
    )
    flat = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.stride)
    return flat[:, : pixmap.width * 3].reshape(pixmap.height, pixmap.width, 3).copy()


def _windows(
    source: Source,
    span: Span,
    text: str,
    headings: list[tuple[int, str]],
    options: CutOptions,
) -> Iterator[Segment]:
    for part, w in enumerate(text_windows(text, options, headings)):
        yield Segment(
            source.id,
            Modality.DOCUMENT,
            Channel.TEXT,
            span,
            TextContent(w.text),
            w.text,
            "text layer",
            part,
            {"heading": w.heading} if w.heading else {},
        )


def _is_scan(page: Any, words: PageText) -> bool:
    """Whether a picture covers most of the page and the text layer little of it: a stamp, a fax
    header or a signature on a scan. The layer of a searchable scan covers what the picture shows.
    """
    if words.covered >= SCAN_TEXT:
        return False
    area = abs(page.rect.get_area()) or 1.0
    pictures = [pymupdf.Rect(i["bbox"]) & page.rect for i in page.get_image_info()]
    return max((abs(r.get_area()) for r in pictures), default=0.0) >= SCAN_PICTURE * area


def _attachments(doc: Any) -> str:
    """The names of the files within a PDF, at most five."""
    names = [n for n in doc.embfile_names() if n] if doc.is_pdf else []
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _outline(doc: Any) -> dict[int, list[str]]:
    """The titles of the outline (bookmarks) by page."""
    found: dict[int, list[str]] = defaultdict(list)
    try:
        for _, name, number in doc.get_toc(simple=True):
            found[number].append(" ".join(str(name).split())[:MAX_HEADING])
    except _FAILURES:
        log.debug("an outline cannot be read", exc_info=True)
    return found
