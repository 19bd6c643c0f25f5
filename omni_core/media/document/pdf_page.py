"""One page of a PDF, EPUB or XPS: what it says, its image, and the pictures on it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from omni_core.media.document.engines.base import FAILURES, Document, Field, Page
from omni_core.media.document.engines.opened import Opened
from omni_core.media.document.page_pictures import covered_share, wordy_pictures
from omni_core.media.document.page_units import PageUnits, look
from omni_core.media.document.pdf_text import PageText, page_text, remarks
from omni_core.text.figures import MAX_FIGURES
from omni_core.text.places import Place, pack, within
from omni_core.text.windows import text_windows
from omni_core.types import (
    Channel,
    Crop,
    CutOptions,
    FileWarning,
    ImageContent,
    Modality,
    Pixels,
    Segment,
    Source,
    Span,
    TextContent,
)

MAX_EDGE = 1400
"""Largest long edge of a page image that is embedded, in pixels; more costs and gains nothing."""
_EAST = re.compile("[\u3001-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
SCAN_PICTURE = 0.5
SCAN_TEXT = 0.08
"""A page is a scan when a picture covers at least the first share of it, and lines of text less
than the second: dense text covers 0.3 and more, two stamped lines 0.01."""


@dataclass(frozen=True, slots=True)
class PageRead:
    """What a page says, and whether its words lie in a picture."""

    words: PageText
    remarks: list[str]
    attachments: list[str]
    scan: bool
    units: PageUnits
    damaged: bool = False
    inside: tuple[Crop, ...] = ()
    """Pictures that may hold words of their own."""


def read_page(file: Opened, number: int, form: Sequence[Field] = ()) -> PageRead:
    """A page as the first engine reads it, or the other one where that fails or finds nothing that
    can be read."""

    def read(document: Document) -> PageRead:
        page = document.page(number)
        words = page_text(page)
        damaged = page.is_damaged()
        scan = not words.usable or words.partly or _is_scan(page, words)
        inside = () if scan else tuple(wordy_pictures(page, words.lines))
        said, units = remarks(page, words.text, form), look(page, words.lines)
        return PageRead(words, said, page.attachments(), scan, units, damaged, inside)

    page = file.attempt(read)
    if page.damaged:
        again = file.attempt(read, second=True)
        more = len(again.words.text) > len(page.words.text) and again.words.usable
        return replace(again, damaged=True) if more else page
    if page.words.partly and not page.damaged:
        again = file.attempt(read, second=True)
        return again if _adds_vertical_words(again.words, page.words) else page
    if not page.words.usable:
        again = file.attempt(read, second=True)
        return again if again.words.usable and again.words.text else page
    return page


def _adds_vertical_words(again: PageText, before: PageText) -> bool:
    """Whether one engine reads all lines of a page, and those that the other one lost are in the
    scripts that are written downwards: of others it may have made letters by chance."""
    known = {line.text for line in before.lines}
    added = "".join(line.text for line in again.lines if line.text not in known)
    read = again.usable and not again.partly
    return read and len(_EAST.findall(added)) > len(added) / 2


def page_picture(
    file: Opened, number: int, source: Source, scan: bool, options: CutOptions
) -> Segment | FileWarning:
    """The image of a page, or why there is none."""
    edge = min(options.image_edge, MAX_EDGE)
    hung = number in options.hung
    if hung and not file.has_second:
        return FileWarning(
            f"the picture of page {number} cannot be drawn in time; its words are in"
        )
    try:
        pixels = file.attempt(lambda document: document.page(number).draw(edge, None), second=hung)
    except FAILURES as e:
        return FileWarning(
            f"the picture of page {number} cannot be drawn ({type(e).__name__}); its words are in"
        )
    extra = {"scan": True} if scan else {}
    span = Span("page", number, number + 1)
    return Segment(
        source.id, Modality.DOCUMENT, Channel.VISUAL, span, ImageContent(pixels), extra=extra
    )


def pictures_inside(
    file: Opened,
    number: int,
    source: Source,
    inside: Sequence[Crop],
    options: CutOptions,
    seen: set[bytes],
) -> Iterator[Segment | FileWarning]:
    """Parts of a page that hold a picture, for its words; they are read as a scan is. Those `seen`
    on other pages, as a letterhead, are left out, and the others added."""
    edge = min(options.image_edge, MAX_EDGE)
    hung = number in options.hung
    if inside and hung and not file.has_second:
        yield FileWarning(
            f"pictures on page {number} cannot be drawn in time; words in them are not read"
        )
        return
    for n, crop in enumerate(inside, 1):
        draw = partial(_drawn, number=number, edge=edge, crop=crop)
        try:
            pixels = file.attempt(draw, second=hung)
        except FAILURES as e:
            yield FileWarning(
                f"a picture on page {number} cannot be drawn ({type(e).__name__}); words in it are "
                "not read"
            )
            continue
        digest = hashlib.blake2b(pixels.tobytes(), digest_size=16).digest()
        if digest in seen:
            continue
        seen.add(digest)
        yield Segment(
            source.id, Modality.DOCUMENT, Channel.VISUAL, Span("page", number, number + 1),
            ImageContent(pixels), part=MAX_FIGURES + n, extra={"scan": True, "crop": list(crop)},
        )  # fmt: skip


def _drawn(document: Document, *, number: int, edge: int, crop: Crop) -> Pixels:
    return document.page(number).draw(edge, crop)


def word_windows(
    source: Source,
    span: Span,
    text: str,
    headings: list[tuple[int, str]],
    places: list[Place],
    options: CutOptions,
) -> Iterator[Segment]:
    """The words of a page, cut."""
    for part, w in enumerate(text_windows(text, options, headings)):
        extra = {"heading": w.heading} if w.heading else {}
        if placed := pack(within(text, places, w.start, w.end)):
            extra["placed"] = placed
        yield Segment(
            source.id,
            Modality.DOCUMENT,
            Channel.TEXT,
            span,
            TextContent(w.text),
            w.text,
            "text layer",
            part,
            extra,
        )


def _is_scan(page: Page, words: PageText) -> bool:
    """Whether a picture covers most of the page and the text layer little of it: a stamp, a fax
    header or a signature on a scan. The layer of a searchable scan covers what the picture shows.
    """
    return words.covered < SCAN_TEXT and covered_share(page) >= SCAN_PICTURE
