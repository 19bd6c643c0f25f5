"""RTF files: the text of the document, and its pictures where it holds nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from omni_core.errors import BadRequestError, NotFoundError, TooLargeError
from omni_core.media.dates import from_file
from omni_core.media.document.rtf_pictures import picture
from omni_core.media.document.rtf_text import Rtf
from omni_core.media.geometry import box, fit
from omni_core.media.text.plain import segments
from omni_core.media.titles import title
from omni_core.protocols import Medium
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
)

MAX_MB = 256
"""Megabytes of a file; its pictures are written as digits, in twice their size."""
_START = b"{\\rtf"


class RtfMedium(Medium):
    """Rich Text Format."""

    rank = 1  # before PDF, which may lie within such a file
    kinds = "RTF"

    def matches(self, head: bytes, suffix: str) -> bool:
        """By its first word."""
        return head.lstrip(b"\xef\xbb\xbf \r\n\t\0").startswith(_START)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Title and date of its information group. Raises TooLargeError over 256 MB."""
        rtf, data = _read(path)
        when, origin = (rtf.date, "container") if rtf.date else from_file(path)
        return MediaInfo(
            Modality.DOCUMENT,
            "application/rtf",
            title(path, rtf.title),
            pages=len(self._scans(rtf, data)) or None,
            recorded_at=when,
            recorded_at_from=origin,
        )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """Spans in characters, or page = scan where it has no text. What is not read gives a
        warning: pictures within text, objects of other programs, the rest of a file cut short.
        """
        rtf, data = _read(path)
        scans = self._scans(rtf, data)
        for number, place in enumerate(scans, 1):
            image = picture(data, place, self.limits.max_pixels)
            if image is not None:
                small = ImageContent(np.asarray(image.resize(fit(*image.size, options.image_edge))))
                span = Span("page", number, number + 1)
                yield Segment(source.id, Modality.DOCUMENT, Channel.VISUAL, span, small)
        at, headings = 0, []
        for line in rtf.lines:
            if line.heading:
                headings.append((at, line.text))
            at += len(line.text) + 1
        text = "\n".join(line.text for line in rtf.lines)
        yield from segments(text, source, options, headings, "document text")
        yield from map(FileWarning, _unread(rtf, len(rtf.pictures) - len(scans)))

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """A scan in a file without text.

        Raises BadRequestError (NO_VISUAL) if there is none, NotFoundError (OUT_OF_RANGE).
        """
        rtf, data = _read(path)
        scans = self._scans(rtf, data)
        if scans and not 1 <= number <= len(scans):
            raise NotFoundError(f"there is no page {number} of {len(scans)}", code="OUT_OF_RANGE")
        image = picture(data, scans[number - 1], self.limits.max_pixels) if scans else None
        if image is None:
            raise BadRequestError("this page has no image; read its text", code="NO_VISUAL")
        if crop is not None:
            image = image.crop(box(crop, *image.size))
        return np.asarray(image.resize(fit(*image.size, edge)))

    def _scans(self, rtf: Rtf, data: bytes) -> list[tuple[int, int]]:
        """The pictures that can be shown, of a file without text: it is a stack of scans."""
        if rtf.lines:
            return []
        found = (p for p in rtf.pictures if picture(data, p, self.limits.max_pixels) is not None)
        return list(found)


def _read(path: str) -> tuple[Rtf, bytes]:
    size = os.path.getsize(path)
    if size > MAX_MB << 20:
        raise TooLargeError(
            f"{os.path.basename(path)} is {size >> 20} MB, over the limit of {MAX_MB} MB for RTF; "
            "save it as DOCX or PDF"
        )
    with open(path, "rb") as f:
        data = f.read()
    return Rtf(data), data


def _unread(rtf: Rtf, pictures: int) -> Iterator[str]:
    if pictures:
        yield f"{_count(pictures, 'picture')} not seen; save the file as DOCX or PDF"
    if rtf.objects:
        yield f"{_count(rtf.objects, 'embedded object')} of another program not read"
    if rtf.too_deep:
        yield "groups that are nested beyond reason are not read"
    if rtf.cut_short:
        yield "the file is cut short; what follows its last words is missing"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number > 1 else ''}"
