"""MuPDF, through PyMuPDF: PDF, EPUB and XPS.

MuPDF holds the GIL, prints to stdout, and loops forever on four known kinds of small file, so it
runs only in a process that can be killed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import pymupdf
from typing_extensions import override

from omni_core.media.document.engines import (
    glyph_names,
    hangul,
    letter_spacing,
    metadata,
    mupdf_alt,
    mupdf_book,
    mupdf_drawing,
    mupdf_parts,
    page_tree,
)
from omni_core.media.document.engines.base import (
    FAILURES,
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
    drawn_once,
    encrypted,
)
from omni_core.media.geometry import box
from omni_core.types import Crop, Pixels

log = logging.getLogger(__name__)

_SILENT = {pymupdf.PDF_ANNOT_LINK, pymupdf.PDF_ANNOT_POPUP, pymupdf.PDF_ANNOT_WIDGET}
"""Annotations without a remark of their own: a pop-up repeats its parent's."""
_UNSEEN = pymupdf.PDF_ANNOT_IS_HIDDEN | pymupdf.PDF_ANNOT_IS_NO_VIEW
_TICKS = {pymupdf.PDF_WIDGET_TYPE_CHECKBOX, pymupdf.PDF_WIDGET_TYPE_RADIOBUTTON}
_VALUES = {pymupdf.PDF_WIDGET_TYPE_TEXT, pymupdf.PDF_WIDGET_TYPE_COMBOBOX,
           pymupdf.PDF_WIDGET_TYPE_LISTBOX}  # fmt: skip
_HIDDEN = (1, 3)
"""`field_display` of fields that are never seen, or only on paper."""
_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_IGNORE_ACTUALTEXT
"""What is drawn: the replacement that a file gives for it may be empty and hide whole blocks."""
_READINGS = "rp,rt:empty{display:none} rt::before{content:'('} rt::after{content:')'}"
"""Readings above words stand in brackets after them, as in a book that writes the brackets."""


class MuPdf(Engine):
    """Opens everything that has pages."""

    name = "pymupdf"
    kinds = frozenset[Kind](("pdf", "epub", "xps"))

    def open(self, path: str, kind: Kind, password: str | None) -> Document:
        """See `Engine`."""
        if kind == "epub":
            pymupdf.mupdf.fz_set_user_css(_READINGS)
        doc = pymupdf.open(path, filetype=kind)
        if doc.needs_pass and not (password and doc.authenticate(password)):
            doc.close()
            raise encrypted(path, password)
        mended = kind == "pdf" and not _is_whole(doc)
        if mended:
            page_tree.mend(doc)
        return MuPdfDocument(doc, kind, mended=mended)


def _no_spaces(chars: list[dict[str, Any]], size: float) -> frozenset[int]:
    gaps = {n: c["bbox"][2] - c["bbox"][0] for n, c in enumerate(chars) if c.get("synthetic")}
    return letter_spacing.no_spaces([c["c"] for c in chars], gaps, size)


def _packet(doc: Any) -> bytes:
    """What a PDF says of itself as XMP."""
    try:
        kind, said = doc.xref_get_key(doc.pdf_catalog(), "Metadata")
        if kind != "xref":
            return b""
        number = int(said.split()[0])
        filters = doc.xref_get_key(number, "Filter")[1]
        return metadata.unpacked(doc.xref_stream_raw(number) or b"", filters)
    except FAILURES:
        return b""


def _is_whole(doc: Any) -> bool:
    """Whether the last page is where the page tree says."""
    try:
        return len(doc) > 0 and bool(doc.page_xref(len(doc) - 1))
    except FAILURES:
        return False


class MuPdfDocument(Document):
    """A document open in this engine."""

    def __init__(self, doc: Any, kind: Kind, *, mended: bool) -> None:
        self._doc = doc
        self._page: tuple[int, MuPdfPage] | None = None
        self._fonts: set[int] = set()
        self.kind = kind
        self.pages = len(doc)
        self.whole = kind != "pdf" or _is_whole(doc)
        self.repaired = mended or bool(doc.is_pdf and doc.is_repaired)
        meta = doc.metadata or {}
        self.title = meta.get("title") or ""
        self.dates = [meta.get("creationDate") or "", meta.get("modDate") or ""]
        if kind == "pdf" and not (self.title and any(self.dates)):
            self.title, self.dates = metadata.completed(self.title, self.dates, _packet(doc))

    @override
    def page(self, number: int) -> Page:
        if self._page is None or self._page[0] != number:
            if self.kind == "pdf":
                self._explain_fonts(number - 1)
            mupdf_parts.listen()
            self._page = (
                number,
                MuPdfPage(self._doc[number - 1], lambda: self._said.get(number, [])),
            )
        return self._page[1]

    @cached_property
    def _said(self) -> dict[int, list[str]]:
        if self.kind == "epub":
            return mupdf_book.alternative_texts(self._doc)
        return mupdf_alt.alternative_texts(self._doc) if self.kind == "pdf" else {}

    def _explain_fonts(self, page: int) -> None:
        try:
            glyph_names.explain(self._doc, page, self._fonts)
        except FAILURES as e:
            log.debug("fonts of page %d are taken as they are: %s", page + 1, e)

    @override
    def attachments(self) -> list[str]:
        return mupdf_parts.attached(self._doc) if self._doc.is_pdf else []

    @override
    def form(self) -> bytes:
        return mupdf_parts.form(self._doc) if self._doc.is_pdf and self.pages == 1 else b""

    @override
    def outline(self) -> list[tuple[str, int]]:
        return [(str(name), number) for _, name, number in self._doc.get_toc(simple=True)]

    @override
    def close(self) -> None:
        self._page = None
        self._doc.close()


class MuPdfPage(Page):
    """A page of such a document."""

    def __init__(self, page: Any, said: Callable[[], list[str]]) -> None:
        """`said` gives the alternative texts on it."""
        self._page = page
        self._said = said
        self._turn = page.rotation_matrix if page.rotation else None
        self.width = max(page.rect.width, 1.0)
        self.height = max(page.rect.height, 1.0)

    @override
    def lines(self, *, numbered: bool = False, replaced: bool = False) -> list[Line]:
        lines = []
        for line in self._text("dict", numbered, replaced=replaced):
            text = "".join(s["text"] for s in line["spans"]).strip()
            if text:
                size = round(max(s["size"] for s in line["spans"]), 1)
                lines.append(Line(text, size, self._seen(line["bbox"]), self._turned(line["dir"])))
        texts = [line.text for line in lines]
        if letter_spacing.is_likely(texts):
            return drawn_once(hangul.lines(self._pieces(numbered=numbered)))
        if hangul.spoken(texts):
            return hangul.lines(self._pieces(numbered=numbered))
        return drawn_once(lines)

    @override
    def has_replacements(self) -> bool:
        return mupdf_parts.has_replacements(self._contents)

    @override
    def glyphs(self, *, numbered: bool = False) -> list[tuple[float, list[Glyph]]]:
        return [self._piece(line) for line in self._text("rawdict", numbered) if line["spans"]]

    def _pieces(self, *, numbered: bool = False) -> list[tuple[float, list[Glyph]]]:
        """As `glyphs`, with the spaces that MuPDF adds where there is no Hangul on either side,
        nor letters of one word that are set apart."""
        lines = (line for line in self._text("rawdict", numbered) if line["spans"])
        return [self._piece(line, spaced=True) for line in lines]

    def _piece(self, line: dict[str, Any], *, spaced: bool = False) -> tuple[float, list[Glyph]]:
        """spaced: keep the spaces that MuPDF adds, but for those that are none."""
        chars = [c for s in line["spans"] for c in s["chars"]]
        size = round(max(s["size"] for s in line["spans"]), 1)
        none = _no_spaces(chars, size) if spaced else frozenset()
        found = []
        for n, c in enumerate(chars):
            beside = (other["c"] for other in chars[max(0, n - 1) : n + 2])
            if not c.get("synthetic") or (spaced and n not in none and not hangul.spoken(beside)):
                found.append(Glyph(c["c"], self._seen(c["bbox"])))
        return size, found

    @override
    def words(self) -> list[Word]:
        found = self._page.get_text("words")
        texts = [word[4] for word in found]
        if hangul.spoken(texts) or letter_spacing.is_likely([" ".join(texts)]):
            return hangul.words(self._pieces())
        return [Word(text, self._seen((x0, y0, x1, y1))) for x0, y0, x1, y1, text, *_ in found]

    @override
    def pictures(self) -> list[Box]:
        return [self._seen(i["bbox"]) for i in self._page.get_image_info()]

    @override
    def may_have_pictures(self) -> bool:
        return not self._page.parent.is_pdf or bool(self._page.get_images())

    @override
    def attachments(self) -> list[str]:
        kind = pymupdf.PDF_ANNOT_FILE_ATTACHMENT
        marks = (mark for mark in mupdf_parts.marks(self._page) if mark.type[0] == kind)
        return [str(mark.file_info.get("filename") or "") for mark in marks]

    @override
    def alternative_texts(self) -> list[str]:
        return self._said()

    @override
    def notes(self) -> list[Note]:
        found = []
        for annotation in mupdf_parts.marks(self._page):
            kind, info = annotation.type[0], annotation.info
            words = " ".join(str(info.get("content") or "").split())
            if words and kind not in _SILENT and not annotation.flags & _UNSEEN:
                author = " ".join(str(info.get("title") or "").split())
                found.append(Note(author, words, kind == pymupdf.PDF_ANNOT_FREE_TEXT))
        return found

    @override
    def fields(self) -> list[Field]:
        found = []
        for widget in mupdf_parts.fields(self._page):
            value, flags = widget.field_value, widget.field_flags or 0
            ticks = widget.field_type in _TICKS
            if not value or widget.field_display in _HIDDEN or (ticks and value == "Off"):
                continue
            if ticks and widget.on_state() not in (value, None):
                continue  # another button of the group is on
            if not ticks and (
                widget.field_type not in _VALUES or flags & pymupdf.PDF_TX_FIELD_IS_PASSWORD
            ):
                continue
            label = widget.field_label or widget.field_name or ""
            words = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            found.append(Field(label, words, ticks))
        return found

    @override
    def is_damaged(self) -> bool:
        return bool(self._page.parent.is_pdf) and mupdf_parts.is_damaged(self._page)

    @override
    def draw(self, edge: int, crop: Crop | None) -> Pixels:
        area = self._page.rect
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
        zoom = pymupdf.Matrix(scale, scale)
        with mupdf_drawing.smoothed(self._page, self._contents, scale):
            pixmap = self._page.get_pixmap(
                matrix=zoom, clip=area, alpha=False, colorspace=pymupdf.csRGB
            )
        flat = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.stride)
        return flat[:, : pixmap.width * 3].reshape(pixmap.height, pixmap.width, 3).copy()

    def _text(self, form: str, numbered: bool, *, replaced: bool = False) -> list[dict[str, Any]]:
        flags = _FLAGS & ~pymupdf.TEXT_IGNORE_ACTUALTEXT if replaced else _FLAGS
        flags |= pymupdf.TEXT_CID_FOR_UNKNOWN_UNICODE if numbered else 0
        blocks = self._page.get_text(form, flags=flags)["blocks"]
        return [line for block in blocks for line in block.get("lines", ())]

    @cached_property
    def _contents(self) -> bytes:
        return mupdf_parts.contents(self._page)

    def _turned(self, way: tuple[float, float]) -> int:
        """`Line.turn` of text that MuPDF says to run (across, down) before the page is turned."""
        across, down = way
        if across > 0.9 and self._turn is None:
            return 0
        quarter = (
            (0 if across > 0 else 180) if abs(across) >= abs(down) else 90 if down > 0 else 270
        )
        return (quarter + int(self._page.rotation)) % 360

    def _seen(self, area: tuple[float, float, float, float]) -> Box:
        """A box of the text, which MuPDF gives before the page is turned."""
        if self._turn is None:
            return area
        rect = pymupdf.Rect(area) * self._turn
        return rect.x0, rect.y0, rect.x1, rect.y1
