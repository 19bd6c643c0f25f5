"""DOCX, PPTX and XLSX files: their kind and their segments; other zips go to who reads them.

MuPDF opens them too, but lays out pages of its own: see `docx`, `pptx`, `spreadsheet`.
"""

from __future__ import annotations

from collections.abc import Iterator

from omni_core.errors import TooLargeError
from omni_core.media.dates import from_file, parse
from omni_core.media.document import docx, pptx, spreadsheet
from omni_core.media.document.document_lines import DocumentText
from omni_core.media.document.drawing_ml import Picture
from omni_core.media.document.file_kinds import zip_refusal
from omni_core.media.document.odf import OdfMedium
from omni_core.media.document.odf_package import is_odf
from omni_core.media.document.office_pages import (
    document_segments,
    page_image,
    page_segments,
    slide_segments,
)
from omni_core.media.document.picture_archive import PictureArchiveMedium
from omni_core.media.document.picture_files import is_pictures, is_tar_file
from omni_core.media.document.pictures import Pictures
from omni_core.media.document.zipped_book import ZippedBookMedium, text_in
from omni_core.media.document.zipped_xml import Package, local, package
from omni_core.media.guard import unreadable
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.types import (
    Crop,
    CutOptions,
    FileLength,
    FileWarning,
    Limits,
    MediaInfo,
    Modality,
    Pixels,
    Segment,
    Source,
    Span,
)

_OPEN = "application/vnd.openxmlformats-officedocument."
_MIME = {
    "docx": _OPEN + "wordprocessingml.document",
    "pptx": _OPEN + "presentationml.presentation",
    "xlsx": _OPEN + "spreadsheetml.sheet",
}


class OfficeMedium(Medium):
    """Zips: Office Open XML (DOCX, PPTX, XLSX); OpenDocument, FictionBook and archives of pictures,
    TAR too, are passed to their own media."""

    rank = 3
    never_text = True
    kinds = "office files (DOCX, PPTX, XLSX), pictures in an archive (CBZ, CBT, ZIP, TAR)"

    def __init__(self, limits: Limits) -> None:
        """Nothing is opened yet."""
        super().__init__(limits)
        self._odf = OdfMedium(limits)
        self._archives = PictureArchiveMedium(limits)
        self._books = ZippedBookMedium(limits)

    def matches(self, head: bytes, suffix: str) -> bool:
        """Any zip; EPUB has a lower rank and is matched first."""
        return self._archives.matches(head, suffix)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises UnreadableError (UNSUPPORTED_TYPE) for other zips."""
        if is_tar_file(path):
            return self._archives.probe(path, password)
        with package(path) as p:
            if (other := self._other(path, p)) is not None:
                return other.probe(path, password)
            kind = _kind(p)
            core = p.xml("docProps/core.xml")
            meta = {local(e): e.text or "" for e in core} if core is not None else {}
            when = parse(meta.get("created", "")) or parse(meta.get("modified", ""))
            found = (when, "container") if when is not None else from_file(path)
            count = _pages(path, p, kind, self.limits.max_pixels)
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
    ) -> Iterator[Segment | FileWarning | FileLength]:
        """DOCX: spans in characters, or page = scan where it has no text. PPTX: page = slide.
        XLSX: page = sheet. Of each page the words, then the pictures (see `page_segments`).
        """
        if is_tar_file(path):
            yield from self._archives.decompose(path, source, options)
            return
        with package(path) as p:
            if (other := self._other(path, p)) is not None:
                yield from other.decompose(path, source, options)
                return
            kind = _kind(p)
            shown = Pictures(p, self.limits.max_pixels)
            if kind == "docx":
                yield from document_segments(_text(path, p, shown), shown, source, options)
            elif kind == "pptx":
                yield from _slides(pptx.Show(p), shown, source, options)
            else:
                yield from _sheets(spreadsheet.Workbook(p), shown, source, options)
            yield from map(FileWarning, p.unread.lines())

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """The pictures of a slide or a sheet, or picture `number` of a DOCX.

        Raises BadRequestError (NO_VISUAL) if there is none, NotFoundError (OUT_OF_RANGE).
        """
        if is_tar_file(path):
            return self._archives.page(path, number, edge, crop, password)
        with package(path) as p:
            if (other := self._other(path, p)) is not None:
                return other.page(path, number, edge, crop, password)
            shown = Pictures(p, self.limits.max_pixels)
            pictures, count = _pictures_of(path, p, shown, number)
            return page_image(shown, pictures, number, count, edge, crop)

    def _other(self, path: str, p: Package) -> Medium | None:
        """The medium of a zip that is no Office Open XML; None for one that is, or is not read."""
        if is_odf(p):
            return self._odf
        if text_in(p.names):
            return self._books
        return self._archives if is_pictures(path, p.names) else None


def _slides(
    show: pptx.Show, shown: Pictures, source: Source, options: CutOptions
) -> Iterator[Segment]:
    for number in range(1, len(show.parts) + 1):
        yield from slide_segments(show.slide(number), number, shown, source, options)


def _sheets(
    book: spreadsheet.Workbook, shown: Pictures, source: Source, options: CutOptions
) -> Iterator[Segment]:
    for number, sheet in enumerate(book.sheets, 1):
        notes = book.notes(number)
        pictures = notes.pictures()
        beside = [*notes.lines(), *filter(None, map(shown.words, pictures))]
        yield from book.cut(number, beside, source, options)
        span, extra = Span("page", number, number + 1), {"heading": sheet.name}
        yield from page_segments(shown, pictures, span, source, options, extra)


def _pictures_of(path: str, p: Package, shown: Pictures, number: int) -> tuple[list[Picture], int]:
    """The pictures of a page, and how many pages there are."""
    kind = _kind(p)
    if kind == "docx":
        placed = _text(path, p, shown).pictures
        return [at.picture for at in placed[number - 1 : number] if number > 0], len(placed)
    if kind == "pptx":
        show = pptx.Show(p)
        pictures = show.slide(number).pictures if 1 <= number <= len(show.parts) else []
        count = len(show.parts)
    else:
        book = spreadsheet.Workbook(p)
        count = len(book.sheets)
        pictures = book.notes(number).pictures() if 1 <= number <= count else []
    return [picture for picture in pictures if shown.has(picture)], count


def _text(path: str, p: Package, shown: Pictures) -> DocumentText:
    """Raises UnreadableError where nothing of the document can be read."""
    found = docx.document_text(p, shown)
    if found is None:
        raise unreadable(path)
    return found


def _pages(path: str, p: Package, kind: str, max_pixels: int) -> int | None:
    """The number of slides, sheets or scans; None for a DOCX with text, which has no pages."""
    if kind == "docx":
        found = _text(path, p, Pictures(p, max_pixels))
        return len(found.pictures) if found.scanned else None
    count = len(pptx.Show(p).parts if kind == "pptx" else spreadsheet.Workbook(p).sheets)
    if not count and p.unread:
        raise unreadable(path)
    return count


def _kind(p: Package) -> str:
    """A key of `_MIME`, by the folders in the zip. Raises UnreadableError for others."""
    xml = [name for name in p.names if name.endswith(".xml")]
    for part, kind in (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx")):
        if any(name.startswith(part) for name in xml) and "xl/workbook.bin" not in p.names:
            return kind
    raise zip_refusal(p.name, p.names)
