"""Segments of the pages of office files: words and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omni_core.errors import BadRequestError, NotFoundError
from omni_core.media.document.document_lines import DocumentText
from omni_core.media.document.drawing_ml import Picture
from omni_core.media.document.picture_page import MAX_PICTURES, PicturePage
from omni_core.media.document.pictures import Pictures
from omni_core.media.document.unread import MORE_PICTURES
from omni_core.media.text.plain import segments
from omni_core.text.windows import text_windows
from omni_core.types import (
    Channel,
    Crop,
    CutOptions,
    ImageContent,
    Modality,
    Pixels,
    Segment,
    Source,
    Span,
    TextContent,
)


@dataclass
class Slide:
    """One slide: its title, its lines (the title first), its pictures, and whether it is hidden."""

    title: str = ""
    lines: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    hidden: bool = False


def slide_segments(
    slide: Slide, number: int, shown: Pictures, source: Source, options: CutOptions
) -> Iterator[Segment]:
    """The words of slide `number` and of its pictures' captions, then its pictures."""
    span = Span("page", number, number + 1)
    extra = {"heading": slide.title} if slide.title else {}
    origin = "text of a hidden slide" if slide.hidden else "slide text"
    lines = [*slide.lines, *filter(None, map(shown.words, slide.pictures))]
    for part, w in enumerate(text_windows("\n".join(lines), options)):
        yield text_segment(source, span, w.text, origin, part, extra)
    yield from page_segments(shown, slide.pictures, span, source, options, extra)


def page_image(
    shown: Pictures,
    pictures: Sequence[Picture],
    number: int,
    count: int,
    edge: int,
    crop: Crop | None,
) -> Pixels:
    """The image of page `number` of `count`, which has these pictures.

    Raises BadRequestError (NO_VISUAL) if there is none, NotFoundError (OUT_OF_RANGE).
    """
    if count and not 1 <= number <= count:
        raise NotFoundError(f"there is no page {number} of {count}", code="OUT_OF_RANGE")
    if not pictures:
        raise BadRequestError("this page has no image; read its text", code="NO_VISUAL")
    return PicturePage(shown, pictures).drawn(edge, crop)


def text_segment(
    source: Source,
    span: Span,
    text: str,
    origin: str,
    part: int = 0,
    extra: Mapping[str, Any] | None = None,
) -> Segment:
    """Words of a page."""
    return Segment(
        source.id, Modality.DOCUMENT, Channel.TEXT, span, TextContent(text), text, origin, part,
        extra or {},
    )  # fmt: skip


def page_segments(
    shown: Pictures,
    pictures: Sequence[Picture],
    span: Span,
    source: Source,
    options: CutOptions,
    extra: Mapping[str, Any] | None = None,
) -> Iterator[Segment]:
    """The pictures of one page that are evidence.

    One alone is the page's image, part 0. Several are parts 1, 2 ... with their place on the page
    image as `crop`; the page image, all side by side, follows them as part 0, so that it is there
    only when they are. `picture` says which one a segment is.
    """
    number = int(span.start)
    if number in options.undrawn:
        return
    found = [picture for picture in pictures if shown.has(picture)]
    if len(found) > MAX_PICTURES:
        shown.note(MORE_PICTURES, f"page {number}")
    page = PicturePage(shown, found)
    extra = extra or {}
    alone = len(page.pictures) == 1
    for n, crop in enumerate(page.crops()):
        pixels = page.pixels(n, options.image_edge)
        if pixels is not None:
            place = {} if alone else {"crop": list(crop)}
            yield Segment(
                source.id, Modality.DOCUMENT, Channel.VISUAL, span, ImageContent(pixels),
                part=0 if alone else n + 1, extra={**extra, "picture": n + 1, **place},
            )  # fmt: skip
    if len(page.pictures) > 1:
        yield Segment(
            source.id, Modality.DOCUMENT, Channel.VISUAL, span,
            ImageContent(page.drawn(options.image_edge)),
            extra={**extra, "tiles": len(page.pictures)},
        )  # fmt: skip


def document_segments(
    found: DocumentText, shown: Pictures, source: Source, options: CutOptions
) -> Iterator[Segment]:
    """A stack of scans as pages; any other document as windows of text, then its pictures, each
    at the characters of the line that stands for it."""
    if found.scanned:
        for number, placed in enumerate(found.pictures, 1):
            span = Span("page", number, number + 1)
            if alt := placed.picture.alt:
                yield text_segment(source, span, alt, "alternative text")
            yield from page_segments(shown, [placed.picture], span, source, options)
        return
    yield from segments(found.text, source, options, found.headings, "document text")
    for number, (start, end, picture) in enumerate(found.pictures, 1):
        pixels = PicturePage(shown, [picture]).pixels(0, options.image_edge)
        if pixels is not None:
            yield Segment(
                source.id, Modality.DOCUMENT, Channel.VISUAL, Span("char", start, end),
                ImageContent(pixels), extra={"picture": number},
            )  # fmt: skip
