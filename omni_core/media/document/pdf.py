"""PDF, EPUB and XPS through PyMuPDF: each page as a page image and, with a text layer, as text.

MuPDF holds the GIL, prints to stdout, and loops forever on four known kinds of small file, so it
runs only in a process that can be killed. Limits that are cheap to check are checked here too.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pymupdf

from omni_core.errors import NotFoundError, TooLargeError, UnreadableError
from omni_core.media.dates import from_file, parse
from omni_core.media.geometry import box
from omni_core.media.guard import unreadable
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.windows import text_windows
from omni_core.types import (
    Channel,
    Crop,
    CutOptions,
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

MAX_EDGE = 1400
"""Largest long edge of a page image that is embedded, in pixels; more costs and gains nothing."""
MAX_SCALE = 8.0
"""Largest zoom, relative to 72 dpi, at which a page is rendered."""
MAX_TEXT = 2_000_000
"""Characters of one page that are kept."""
MAX_WORDS = 4_000
"""Words of one page whose places are given."""
HEADING_RATIO = 1.15
"""Ratio of a heading's font size to the most common one of the page."""
MAX_HEADING = 120

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
        comment follows (text about PDF has none); EPUB by its first zip entry.
        """
        if b"%PDF-" in head[:1024] or _LATE_HEADER.search(head):
            return True
        if head[:4] != b"PK\3\4":
            return False
        return b"mimetypeapplication/epub+zip" in head[:100] or suffix in (".xps", ".oxps")

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises UnreadableError (ENCRYPTED) without the password, TooLargeError over max_pages."""
        with self._opened(path, password) as doc:
            meta = doc.metadata or {}
            when = parse(meta.get("creationDate") or "") or parse(meta.get("modDate") or "")
            found = (when, "pdf") if when is not None else from_file(path)
            pdf = doc.is_pdf
            return MediaInfo(
                modality=Modality.DOCUMENT,
                mime="application/pdf" if pdf else "application/epub+zip",
                title=title(path, meta.get("title") or ""),
                pages=len(doc),
                recorded_at=found[0],
                recorded_at_from=found[1],
                warnings=(_REPAIRED,) if pdf and doc.is_repaired else (),
            )

    def decompose(self, path: str, source: Source, options: CutOptions) -> Iterator[Segment]:
        """For each page its page image, then windows of its text layer; scans have none."""
        with self._opened(path, options.password) as doc:
            edge, heading = min(options.image_edge, MAX_EDGE), ""
            for number in range(1, len(doc) + 1):
                page = doc[number - 1]
                span = Span("page", number, number + 1)
                image = ImageContent(_render(page, edge, None))
                yield Segment(source.id, Modality.DOCUMENT, Channel.VISUAL, span, image)
                text, headings = _text_of(page)
                headings = [(0, heading), *headings] if heading else headings
                heading = headings[-1][1] if headings else ""
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
        """The words of the text layer, at most `MAX_WORDS`; scans have none."""
        with self._opened(path, password) as doc:
            if not 1 <= number <= len(doc):
                return []
            return _placed_words(doc[number - 1])

    def image(self, path: str, edge: int, crop: Crop | None, frame: int) -> Pixels:
        """Page frame + 1."""
        return self.page(path, frame + 1, edge, crop, None)

    @contextmanager
    def _opened(self, path: str, password: str | None) -> Iterator[Any]:
        name = os.path.basename(path)
        with pymupdf.open(path) as doc:
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


def _placed_words(page: Any) -> list[PlacedWord]:
    """Words of the text layer as the page is seen, turned and cropped as its image is."""
    area, found = page.rect, []
    width, height = max(area.width, 1.0), max(area.height, 1.0)
    for x0, y0, x1, y1, text, *_ in page.get_text("words")[:MAX_WORDS]:
        rect = pymupdf.Rect(x0, y0, x1, y1) * page.rotation_matrix
        sides = (
            (rect.x0 - area.x0) / width, (rect.y0 - area.y0) / height,
            (rect.x1 - area.x0) / width, (rect.y1 - area.y0) / height,
        )  # fmt: skip
        left, top, right, bottom = (round(min(1.0, max(0.0, side)), 4) for side in sides)
        if left < right and top < bottom:
            found.append(PlacedWord(text, left, top, right, bottom))
    return found


def _text_of(page: Any) -> tuple[str, list[tuple[int, str]]]:
    """The page's text in reading order, and its headings as (first character, text).

    A heading is a short line in a larger font than most of the page.
    """
    flags = pymupdf.TEXT_PRESERVE_WHITESPACE
    lines: list[tuple[str, float]] = []
    sizes: Counter[float] = Counter()
    for block in page.get_text("dict", flags=flags)["blocks"]:
        for line in block.get("lines", ()):
            text = "".join(s["text"] for s in line["spans"]).strip()
            if text:
                size = round(max(s["size"] for s in line["spans"]), 1)
                sizes[size] += len(text)
                lines.append((text, size))
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    out: list[str] = []
    headings: list[tuple[int, str]] = []
    at = 0
    for text, size in lines:
        if at > MAX_TEXT:
            break
        if (
            size >= body * HEADING_RATIO
            and len(text) <= MAX_HEADING
            and re.search(r"[^\W\d]", text)
        ):
            headings.append((at, text))
        out.append(text)
        at += len(text) + 1
    return "\n".join(out), headings
