"""OpenDocument files (ODT, ODS, ODP, ODG, zipped or flat): their kind and their segments."""

from __future__ import annotations

from collections.abc import Iterator

from omni_core.errors import TooLargeError
from omni_core.media.dates import from_file
from omni_core.media.document import odf_sheets
from omni_core.media.document.drawing_ml import Picture
from omni_core.media.document.odf_document import document_text
from omni_core.media.document.odf_package import MIME, Odf, odf
from omni_core.media.document.odf_slides import Slides
from omni_core.media.document.office_pages import (
    document_segments,
    page_image,
    slide_segments,
)
from omni_core.media.document.pictures import Pictures
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.types import (
    Crop,
    CutOptions,
    FileWarning,
    MediaInfo,
    Modality,
    Pixels,
    Segment,
    Source,
)

_FLAT = b"urn:oasis:names:tc:opendocument:xmlns:office:1.0"


class OdfMedium(Medium):
    """OpenDocument: text documents, spreadsheets, presentations and drawings."""

    rank = 5
    kinds = "OpenDocument files (ODT, ODS, ODP, ODG)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """Flat files, by the namespace of their root; zipped ones come from `OfficeMedium`."""
        return head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") and _FLAT in head

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises UnreadableError (ENCRYPTED), TooLargeError over max_pages."""
        with odf(path) as document:
            kind, about = document.kind(), document.about()
            when, origin = (about.date, "container") if about.date else from_file(path)
            count = _pages(document, kind, self.limits.max_pixels)
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
        drawing. ODS: page = sheet. Of each page the words, then the pictures (see `page_segments`).
        """
        with odf(path) as document:
            kind = document.kind()
            shown = Pictures(document.package, self.limits.max_pixels)
            if kind == "ods":
                yield from odf_sheets.cut(document, shown, source, options)
            elif kind in ("odp", "odg"):
                yield from _slides(Slides(document), shown, source, options)
            else:
                yield from document_segments(document_text(document, shown), shown, source, options)
            yield from map(FileWarning, document.package.unread.lines())

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """The pictures of a slide or a sheet, or picture `number` of an ODT.

        Raises BadRequestError (NO_VISUAL) if there is none, NotFoundError (OUT_OF_RANGE).
        """
        with odf(path) as document:
            shown = Pictures(document.package, self.limits.max_pixels)
            pictures, count = _pictures_of(document, shown, number)
            return page_image(shown, pictures, number, count, edge, crop)


def _slides(
    slides: Slides, shown: Pictures, source: Source, options: CutOptions
) -> Iterator[Segment]:
    for number, slide in enumerate(slides.read(), 1):
        yield from slide_segments(slide, number, shown, source, options)


def _pictures_of(document: Odf, shown: Pictures, number: int) -> tuple[list[Picture], int]:
    """The pictures of a page, and how many pages there are."""
    kind = document.kind()
    if kind in ("odp", "odg"):
        slides = Slides(document)
        count = len(slides.pages)
        pictures = slides.slide(number).pictures if 1 <= number <= count else []
    elif kind == "ods":
        count, pictures = odf_sheets.sheet_count(document), odf_sheets.pictures(document, number)
    else:
        placed = document_text(document, shown).pictures
        return [at.picture for at in placed[number - 1 : number] if number > 0], len(placed)
    return [picture for picture in pictures if shown.has(picture)], count


def _pages(document: Odf, kind: str, max_pixels: int) -> int | None:
    """The number of slides, sheets or scans; None for an ODT with text, which has no pages."""
    if kind in ("odp", "odg"):
        return len(Slides(document).pages)
    if kind == "ods":
        return odf_sheets.sheet_count(document)
    found = document_text(document, Pictures(document.package, max_pixels))
    return len(found.pictures) if found.scanned else None
