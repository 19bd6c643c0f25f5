"""OpenDocument files (ODT, ODS, ODP, ODG, zipped or flat): their kind and their segments."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from omni_core.errors import BadRequestError, NotFoundError, TooLargeError
from omni_core.media.dates import from_file
from omni_core.media.document import odf_sheets
from omni_core.media.document.odf_package import MIME, Odf, odf
from omni_core.media.document.odf_pictures import largest_image, pages_of_images, scanned_pages
from omni_core.media.document.odf_slides import Slides
from omni_core.media.document.odf_text import document_text
from omni_core.media.geometry import box, fit
from omni_core.media.text.plain import segments
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
    Segment,
    Source,
    Span,
    TextContent,
)

_ZIPPED = re.compile(rb"mimetypeapplication/vnd\.(oasis\.opendocument|sun\.xml)\.")
"""The latter of OpenOffice 1: SXW, SXC, SXI."""
_FLAT = b"urn:oasis:names:tc:opendocument:xmlns:office:1.0"


class OdfMedium(Medium):
    """OpenDocument: text documents, spreadsheets, presentations and drawings."""

    rank = 1  # before PDF, which may lie within such a file
    kinds = "OpenDocument files (ODT, ODS, ODP, ODG)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """Zips by their first entry, flat files by the namespace of their root."""
        if head.startswith(b"PK\3\4"):
            return _ZIPPED.search(head[:120]) is not None
        return head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") and _FLAT in head

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises UnreadableError (ENCRYPTED), TooLargeError over max_pages."""
        with odf(path) as document:
            kind, about = document.kind(), document.about()
            when, origin = (about.date, "container") if about.date else from_file(path)
            count = _pages(document, kind)
            if count is not None and count > self.limits.max_pages:
                raise TooLargeError(f"{count} pages are over the limit of {self.limits.max_pages}")
            return MediaInfo(
                Modality.DOCUMENT,
                MIME[kind],
                title(path, about.title),
                pages=count,
                recorded_at=when,
                recorded_at_from=origin,
            )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """ODT: spans in characters, or page = scan where it has no text. ODP, ODG: page = slide or
        drawing. ODS: page = sheet. Damaged parts and objects that are not read give a warning.
        """
        with odf(path) as document:
            kind, unread = document.kind(), 0
            if kind == "ods":
                yield from odf_sheets.cut(document, source, options)
            elif kind in ("odp", "odg"):
                slides = Slides(document)
                for n, (page, said) in enumerate(zip(slides.pages, slides.text(), strict=True), 1):
                    yield from self._page_image(document, slides.images(page), n, source, options)
                    yield from _slide(*said, n, source, options)
                unread = slides.unread
            else:
                for n, part in enumerate(scanned_pages(document), 1):
                    yield from self._page_image(document, [part], n, source, options)
                text, headings, reader = document_text(document)
                yield from segments(text, source, options, headings, "document text")
                unread = reader.unread
            if unread:
                yield FileWarning(
                    f"{unread} embedded object{'s' if unread > 1 else ''} of another program "
                    "not read; save and ingest them by themselves"
                )
            yield from map(FileWarning, dict.fromkeys(document.damage))

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """The largest image on a slide, or a scan in an ODT.

        Raises BadRequestError (NO_VISUAL) if there is none, NotFoundError (OUT_OF_RANGE).
        """
        with odf(path) as document:
            pages = pages_of_images(document, document.kind())
            if pages and not 1 <= number <= len(pages):
                raise NotFoundError(
                    f"there is no page {number} of {len(pages)}", code="OUT_OF_RANGE"
                )
            parts = pages[number - 1] if pages else []
            image = largest_image(document, parts, self.limits.max_pixels)
            if image is None:
                raise BadRequestError("this page has no image; read its text", code="NO_VISUAL")
            if crop is not None:
                image = image.crop(box(crop, *image.size))
            return np.asarray(image.resize(fit(*image.size, edge)))

    def _page_image(
        self, document: Odf, parts: list[str], number: int, source: Source, options: CutOptions
    ) -> Iterator[Segment]:
        """The largest of a page's images as its page image; nothing where all are too small."""
        image = largest_image(document, parts, self.limits.max_pixels)
        if image is not None:
            small = ImageContent(np.asarray(image.resize(fit(*image.size, options.image_edge))))
            span = Span("page", number, number + 1)
            yield Segment(source.id, Modality.DOCUMENT, Channel.VISUAL, span, small)


def _slide(
    heading: str, text: str, number: int, source: Source, options: CutOptions
) -> Iterator[Segment]:
    span = Span("page", number, number + 1)
    extra = {"heading": heading} if heading else {}
    for part, w in enumerate(text_windows(text, options)):
        yield Segment(
            source.id, Modality.DOCUMENT, Channel.TEXT, span, TextContent(w.text), w.text,
            "slide text", part, extra,
        )  # fmt: skip


def _pages(document: Odf, kind: str) -> int | None:
    """The number of slides, sheets or scans; None for an ODT with text, which has no pages."""
    if kind == "odt":
        return len(scanned_pages(document)) or None
    return odf_sheets.sheet_count(document) if kind == "ods" else len(Slides(document).pages)
