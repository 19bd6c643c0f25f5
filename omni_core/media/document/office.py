"""DOCX, PPTX and XLSX files: their kind and their segments.

MuPDF opens them too, but lays out pages of its own: see `docx`, `pptx`, `spreadsheet`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from omni_core.errors import BadRequestError, NotFoundError, TooLargeError
from omni_core.media.dates import from_file, parse
from omni_core.media.document import docx, pptx, spreadsheet
from omni_core.media.document.embedded_image import raster_image
from omni_core.media.document.file_kinds import zip_refusal
from omni_core.media.document.odf import OdfMedium
from omni_core.media.document.odf_package import is_odf
from omni_core.media.document.zipped_xml import Package, local, package
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
    Limits,
    MediaInfo,
    Modality,
    Pixels,
    Segment,
    Source,
    Span,
    TextContent,
)

_OPEN = "application/vnd.openxmlformats-officedocument."
_MIME = {
    "docx": _OPEN + "wordprocessingml.document",
    "pptx": _OPEN + "presentationml.presentation",
    "xlsx": _OPEN + "spreadsheetml.sheet",
}


class OfficeMedium(Medium):
    """Office Open XML: DOCX, PPTX, XLSX."""

    rank = 3
    kinds = "office files (DOCX, PPTX, XLSX)"

    def __init__(self, limits: Limits) -> None:
        """Nothing is opened yet."""
        super().__init__(limits)
        self._odf = OdfMedium(limits)  # for files whose first entry is not their type

    def matches(self, head: bytes, suffix: str) -> bool:
        """Any zip; EPUB has a lower rank and is matched first."""
        return head[:4] == b"PK\3\4"

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises UnreadableError (UNSUPPORTED_TYPE) for other zips."""
        with package(path) as p:
            if is_odf(p):
                return self._odf.probe(path, password)
            kind = _kind(p)
            core = p.xml("docProps/core.xml")
            meta = {local(e): e.text or "" for e in core} if core is not None else {}
            when = parse(meta.get("created", "")) or parse(meta.get("modified", ""))
            found = (when, "container") if when is not None else from_file(path)
            count = _pages(p, kind)
            if count is not None and count > self.limits.max_pages:
                raise TooLargeError(f"{count} pages are over the limit of {self.limits.max_pages}")
            return MediaInfo(
                modality=Modality.DOCUMENT,
                mime=_MIME[kind],
                title=title(path, meta.get("title", "")),
                pages=count,
                recorded_at=found[0],
                recorded_at_from=found[1],
            )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """DOCX: spans in characters, or page = scan where it has no text. PPTX: page = slide.
        XLSX: page = sheet.
        """
        with package(path) as p:
            if is_odf(p):
                yield from self._odf.decompose(path, source, options)
                return
            kind = _kind(p)
            if kind == "docx":
                for number, part in enumerate(docx.scanned_pages(p), 1):
                    yield from self._page_image(p, [part], number, source, options)
                text, headings = docx.document_text(p)
                yield from segments(text, source, options, headings, "document text")
            elif kind == "pptx":
                for number, slide in enumerate(pptx.slides(p), 1):
                    yield from self._slide(p, slide, number, source, options)
            else:
                yield from spreadsheet.cut(p, source, options)

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """The largest image on a slide, or a scan in a DOCX.

        Raises BadRequestError (NO_VISUAL) if there is none, NotFoundError (OUT_OF_RANGE).
        """
        with package(path) as p:
            if is_odf(p):
                return self._odf.page(path, number, edge, crop, password)
            pages = _images(p, _kind(p))
            if pages and not 1 <= number <= len(pages):
                raise NotFoundError(
                    f"there is no page {number} of {len(pages)}", code="OUT_OF_RANGE"
                )
            image = self._largest(p, pages[number - 1]) if pages else None
            if image is None:
                raise BadRequestError("this page has no image; read its text", code="NO_VISUAL")
            if crop is not None:
                image = image.crop(box(crop, *image.size))
            return np.asarray(image.resize(fit(*image.size, edge)))

    def _slide(
        self, p: Package, part: str, number: int, source: Source, options: CutOptions
    ) -> Iterator[Segment]:
        """Its largest image, then windows of its text."""
        span = Span("page", number, number + 1)
        yield from self._page_image(p, pptx.images(p, part), number, source, options)
        heading, text = pptx.slide_text(p, part)
        extra = {"heading": heading} if heading else {}
        for part_number, w in enumerate(text_windows(text, options)):
            yield Segment(
                source.id, Modality.DOCUMENT, Channel.TEXT, span, TextContent(w.text), w.text,
                "slide text", part_number, extra,
            )  # fmt: skip

    def _page_image(
        self, p: Package, parts: list[str], number: int, source: Source, options: CutOptions
    ) -> Iterator[Segment]:
        """The largest of a page's images as its page image; nothing where all are too small."""
        image = self._largest(p, parts)
        if image is not None:
            small = ImageContent(np.asarray(image.resize(fit(*image.size, options.image_edge))))
            span = Span("page", number, number + 1)
            yield Segment(source.id, Modality.DOCUMENT, Channel.VISUAL, span, small)

    def _largest(self, p: Package, parts: list[str]) -> Image.Image | None:
        """The image with the most pixels, as RGB; None without any."""
        best: Image.Image | None = None
        for part in parts:
            image = raster_image(p, part, self.limits.max_pixels)
            if image is not None and (best is None or _area(image) > _area(best)):
                best = image
        return best


def _area(image: Image.Image) -> int:
    return image.width * image.height


def _images(p: Package, kind: str) -> list[list[str]]:
    """The parts of the images of each page that has an image to show."""
    if kind == "pptx":
        return [pptx.images(p, slide) for slide in pptx.slides(p)]
    return [[part] for part in docx.scanned_pages(p)] if kind == "docx" else []


def _pages(p: Package, kind: str) -> int | None:
    """The number of slides, sheets or scans; None for a DOCX with text, which has no pages."""
    if kind == "docx":
        return len(docx.scanned_pages(p)) or None
    return len(pptx.slides(p) if kind == "pptx" else spreadsheet.sheets(p))


def _kind(p: Package) -> str:
    """A key of `_MIME`, by the folders in the zip. Raises UnreadableError for others."""
    if "xl/workbook.bin" in p.names:
        raise zip_refusal(p.names)
    for part, kind in (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx")):
        if any(name.startswith(part) and name.endswith(".xml") for name in p.names):
            return kind
    raise zip_refusal(p.names)
