"""PDFium, through pypdfium2 (Apache-2.0 or BSD-3-Clause): PDF alone."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pypdfium2.raw as c
from typing_extensions import override

from omni_core.media.document.engines import (
    metadata,
    pdfium_alt,
    pdfium_forms,
    pdfium_layers,
    pdfium_text,
)
from omni_core.media.document.engines.base import (
    MAX_SCALE,
    Box,
    Document,
    Engine,
    Field,
    Glyph,
    Kind,
    Line,
    Note,
    Page,
    Word,
    encrypted,
    turned,
)
from omni_core.media.document.engines.pdf_objects import PdfObjects
from omni_core.media.geometry import box
from omni_core.types import Crop, Pixels

_HEADER = b"%PDF-"
_HEADER_WITHIN = 1024
"""Bytes within which PDFium looks for the header."""
_OUTLINE_DEPTH = 15
_FORMS_DEPTH = 8
"""Nesting of form XObjects in which pictures are looked for."""
_SILENT = {c.FPDF_ANNOT_LINK, c.FPDF_ANNOT_POPUP, c.FPDF_ANNOT_WIDGET}
_SEEN_AS_TEXT = {c.FPDF_ANNOT_WIDGET, c.FPDF_ANNOT_FREETEXT, c.FPDF_ANNOT_STAMP}
_HIDDEN = 2 | 32
"""Flags of annotations that are hidden, or not shown on screens."""


class Pdfium(Engine):
    """Opens PDF."""

    name = "pypdfium2"
    kinds = frozenset[Kind](("pdf",))

    def open(self, path: str, kind: Kind, password: str | None) -> Document:
        """See `Engine`. A file whose header comes late, or which has none, is read into memory."""
        try:
            return PdfiumDocument(pypdfium2.PdfDocument(path, password=password), PdfObjects(path))
        except pypdfium2.PdfiumError as e:
            if e.err_code == c.FPDF_ERR_PASSWORD:
                raise encrypted(path, password) from e
            if e.err_code != c.FPDF_ERR_FORMAT:
                raise
            with open(path, "rb") as f:
                data = f.read()
            at = data.find(_HEADER)
            if 0 <= at <= _HEADER_WITHIN:
                raise
            data = data[at:] if at > 0 else _HEADER + b"1.7\n" + data
            return PdfiumDocument(
                pypdfium2.PdfDocument(data, password=password), PdfObjects(path), repaired=True
            )


class PdfiumDocument(Document):
    """A document open in this engine."""

    kind = "pdf"

    def __init__(self, doc: Any, objects: PdfObjects, *, repaired: bool = False) -> None:
        self._doc = doc
        self._objects = objects
        self._page: tuple[int, PdfiumPage] | None = None
        doc.init_forms()
        self.pages = len(doc)
        self.whole = bool(c.FPDF_GetPageSizeByIndexF(doc, self.pages - 1, c.FS_SIZEF()))
        self.repaired = repaired or not c.FPDF_DocumentHasValidCrossReferenceTable(doc)
        self.title = doc.get_metadata_value("Title")
        self.dates = [doc.get_metadata_value(key) for key in ("CreationDate", "ModDate")]
        if not (self.title and any(self.dates)):
            self.title, self.dates = metadata.completed(self.title, self.dates, objects.metadata())

    @override
    def page(self, number: int) -> Page:
        if self._page is None or self._page[0] != number:
            if self._page is not None:
                self._page[1].close()
            self._page = None
            self._page = (number, PdfiumPage(self._doc, number - 1, self._objects))
        return self._page[1]

    @override
    def attachments(self) -> list[str]:
        found = (self._doc.get_attachment(n) for n in range(self._doc.count_attachments()))
        return [name for file in found if (name := file.get_name().rstrip("\0"))]

    @override
    def form(self) -> bytes:
        doc, data = self._doc, b""
        first = self.page(1) if self.pages == 1 and c.FPDF_GetXFAPacketCount(doc) > 0 else None
        if not isinstance(first, PdfiumPage) or first.has_widgets:
            return b""
        for n in range(c.FPDF_GetXFAPacketCount(doc)):
            name, size = ctypes.create_string_buffer(100), ctypes.c_ulong()
            c.FPDF_GetXFAPacketName(doc, n, name, len(name))
            if name.value in (b"", b"datasets"):
                c.FPDF_GetXFAPacketContent(doc, n, None, 0, size)
                packet = ctypes.create_string_buffer(size.value)
                c.FPDF_GetXFAPacketContent(doc, n, packet, len(packet), size)
                data += packet.raw
        return data

    @override
    def outline(self) -> list[tuple[str, int]]:
        found = []
        for bookmark in self._doc.get_toc(max_depth=_OUTLINE_DEPTH):
            target = c.FPDFBookmark_GetDest(self._doc, bookmark)
            if not target and (action := c.FPDFBookmark_GetAction(bookmark)):
                target = c.FPDFAction_GetDest(self._doc, action)
            index = c.FPDFDest_GetDestPageIndex(self._doc, target) if target else -1
            found.append((bookmark.get_title(), index + 1))
        return found

    @override
    def close(self) -> None:
        if self._page is not None:
            self._page[1].close()
        self._page = None
        self._doc.close()


class PdfiumPage(Page):
    """A page of such a document."""

    def __init__(self, doc: Any, index: int, objects: PdfObjects) -> None:
        self._objects, self._number = objects, index + 1
        self._page = doc.get_page(index)
        if not all(self._page.get_size()):  # a crop box beside the page
            self._page.set_cropbox(*self._page.get_mediabox())
            self._page.close()
            self._page = doc.get_page(index)
        self._text: Any = None
        left, bottom, right, top = self._page.get_bbox()
        self._origin, self._size = (left, top), (right - left, top - bottom)
        self._rotation = self._page.get_rotation()
        self.width, self.height = (max(side, 1.0) for side in self._page.get_size())
        self._notes: list[Note] = []
        self._fields: list[Field] = []
        self._attachments: list[str] = []
        kinds = {self._annotation(*found) for found in self._annotations()}
        self.has_widgets = c.FPDF_ANNOT_WIDGET in kinds
        if kinds & _SEEN_AS_TEXT and self._flattened():
            self._page.close()
            self._page = doc.get_page(index)
        pdfium_layers.hide(self._page, lambda: objects.may_be_switched)

    @override
    def lines(self, *, numbered: bool = False, replaced: bool = False) -> list[Line]:
        found = pdfium_text.lines(self._runs(numbered))
        return found + pdfium_text.lost_lines(self._page, self._text, self._seen)

    @override
    def has_replacements(self) -> bool:
        return False  # PDFium reads them in place of what is drawn

    @override
    def glyphs(self, *, numbered: bool = False) -> list[tuple[float, list[Glyph]]]:
        return [(run.size, run.glyphs) for run in self._runs(numbered)]

    @override
    def words(self) -> list[Word]:
        return pdfium_text.words(self._runs(numbered=False))

    @override
    def pictures(self) -> list[Box]:
        return [self._seen(*bounds) for bounds in _pictures(self._page)]

    @override
    def may_have_pictures(self) -> bool:
        return True

    @override
    def alternative_texts(self) -> list[str]:
        return pdfium_alt.alternative_texts(self._page)

    @override
    def notes(self) -> list[Note]:
        return self._notes

    @override
    def attachments(self) -> list[str]:
        return self._attachments

    @override
    def fields(self) -> list[Field]:
        return self._fields

    @override
    def is_damaged(self) -> bool:
        return self._number in self._objects.damaged_pages

    @override
    def draw(self, edge: int, crop: Crop | None) -> Pixels:
        area = (0.0, 0.0, self.width, self.height)
        if crop is not None:
            unit = 10_000
            left, top, right, bottom = (v / unit for v in box(crop, unit, unit))
            area = (left * self.width, top * self.height, right * self.width, bottom * self.height)
        wide, high = area[2] - area[0], area[3] - area[1]
        scale = min(edge / max(wide, high, 1.0), MAX_SCALE)
        width, height = max(1, round(wide * scale)), max(1, round(high * scale))
        bitmap = pypdfium2.PdfBitmap.new_native(width, height, c.FPDFBitmap_BGR, True)
        try:
            bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
            place = (-round(area[0] * scale), -round(area[1] * scale),
                     round(self.width * scale), round(self.height * scale), 0,
                     c.FPDF_ANNOT | c.FPDF_REVERSE_BYTE_ORDER)  # fmt: skip
            c.FPDF_RenderPageBitmap(bitmap, self._page, *place)
            if self._page.formenv:
                c.FPDF_FFLDraw(self._page.formenv, bitmap, self._page, *place)
            return bitmap.to_numpy()[:, :, :3].copy()  # type: ignore[no-any-return]
        finally:
            bitmap.close()

    def close(self) -> None:
        """Release the page."""
        self._page.close()

    def _runs(self, numbered: bool) -> list[pdfium_text.Run]:
        if self._text is None:
            self._text = self._page.get_textpage()
        return pdfium_text.runs(self._text, self._seen, (self.width, self.height), numbered)

    def _seen(self, left: float, bottom: float, right: float, top: float) -> Box:
        """A box of the page's own coordinates, whose y grows upwards."""
        x, y = self._origin
        return turned((left - x, y - top, right - x, y - bottom), *self._size, self._rotation)

    def _annotations(self) -> Iterator[tuple[Any, int]]:
        """Each annotation that is shown, with its kind."""
        for n in range(max(0, c.FPDFPage_GetAnnotCount(self._page))):
            mark = c.FPDFPage_GetAnnot(self._page, n)
            if not mark:
                continue
            try:
                if not c.FPDFAnnot_GetFlags(mark) & _HIDDEN:
                    yield mark, c.FPDFAnnot_GetSubtype(mark)
            finally:
                c.FPDFPage_CloseAnnot(mark)

    def _annotation(self, mark: Any, kind: int) -> int:
        """Note what an annotation says."""
        if kind == c.FPDF_ANNOT_WIDGET and self._page.formenv:
            field = pdfium_forms.field(self._page.formenv, mark)
            self._fields += [field] if field is not None else []
        if kind == c.FPDF_ANNOT_FILEATTACHMENT and (file := c.FPDFAnnot_GetFileAttachment(mark)):
            self._attachments.append(pdfium_forms.string(c.FPDFAttachment_GetName, file))
        words = " ".join(pdfium_forms.string(c.FPDFAnnot_GetStringValue, mark, b"Contents").split())
        if words and kind not in _SILENT:
            author = " ".join(pdfium_forms.string(c.FPDFAnnot_GetStringValue, mark, b"T").split())
            self._notes.append(Note(author, words, kind == c.FPDF_ANNOT_FREETEXT))
        return kind

    def _flattened(self) -> bool:
        """Make what fields and free text show a part of the page in memory, and so of its text."""
        return bool(c.FPDFPage_Flatten(self._page, c.FLAT_NORMALDISPLAY) == c.FLATTEN_SUCCESS)


def _pictures(page: Any) -> Iterator[tuple[float, float, float, float]]:
    """(left, bottom, right, top) of each picture of the page, those in form XObjects included."""
    kinds = [c.FPDF_PAGEOBJ_IMAGE]
    for picture in page.get_objects(filter=kinds, max_depth=_FORMS_DEPTH):
        left, bottom, right, top = picture.get_bounds()
        corners = [(left, bottom), (right, bottom), (left, top), (right, top)]
        form = picture.container
        while form is not None:
            matrix = form.get_matrix()
            corners = [matrix.on_point(*corner) for corner in corners]
            form = form.container
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        yield min(xs), min(ys), max(xs), max(ys)
