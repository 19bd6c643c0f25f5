"""RTF files: the text of the document and its pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator

from omni_core.errors import TooLargeError
from omni_core.media.dates import from_file
from omni_core.media.document.document_lines import (
    DocumentText,
    Line,
    NumberedPictures,
    joined,
)
from omni_core.media.document.office_pages import document_segments, page_image
from omni_core.media.document.pictures import Pictures
from omni_core.media.document.rtf_pictures import pictures
from omni_core.media.document.rtf_text import Rtf
from omni_core.media.document.unread import CUT_OFF, DAMAGED, EMBEDDED, HIDDEN, Unread
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

MAX_MB = 256
"""Megabytes of a file; its pictures are written as digits, in twice their size."""
_START = b"{\\rtf"


class RtfMedium(Medium):
    """Rich Text Format."""

    rank = 5
    kinds = "RTF"

    def matches(self, head: bytes, suffix: str) -> bool:
        """By its first word."""
        return head.lstrip(b"\xef\xbb\xbf \r\n\t\0").startswith(_START)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Title and date of its information group. Raises TooLargeError over 256 MB."""
        rtf, shown, _ = self._read(path)
        found = _text(rtf, shown)
        when, origin = (rtf.date, "container") if rtf.date else from_file(path)
        return MediaInfo(
            Modality.DOCUMENT,
            "application/rtf",
            title(path, rtf.title),
            pages=len(found.pictures) if found.scanned else None,
            recorded_at=when,
            recorded_at_from=origin,
        )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """Spans in characters, or page = scan where it has no text; then its pictures."""
        rtf, shown, unread = self._read(path)
        yield from document_segments(_text(rtf, shown), shown, source, options)
        yield from map(FileWarning, unread.lines())

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """Picture `number` of the file.

        Raises BadRequestError (NO_VISUAL) if there is none, NotFoundError (OUT_OF_RANGE).
        """
        rtf, shown, _ = self._read(path)
        placed = _text(rtf, shown).pictures
        found = [at.picture for at in placed[max(number - 1, 0) : number]]
        return page_image(shown, found, number, len(placed), edge, crop)

    def _read(self, path: str) -> tuple[Rtf, Pictures, Unread]:
        """The text, the pictures, and what is not read."""
        name = os.path.basename(path)
        size = os.path.getsize(path)
        if size > MAX_MB << 20:
            raise TooLargeError(
                f"{name!r} is {size >> 20} MB, over the limit of {MAX_MB} MB for RTF; save it as "
                "DOCX or PDF"
            )
        with open(path, "rb") as f:
            data = f.read()
        rtf = Rtf(data)
        package = pictures(data, rtf, path)
        losses = {HIDDEN: ("passages", rtf.hidden), CUT_OFF: (name, rtf.cut_short),
                  DAMAGED: ("groups nested beyond reason", rtf.too_deep)}  # fmt: skip
        for kind, (place, lost) in losses.items():
            if lost:
                package.unread.add(kind, place)
        for program in rtf.objects:
            package.unread.add(EMBEDDED, program)
        return rtf, Pictures(package, self.limits.max_pixels), package.unread


def _text(rtf: Rtf, shown: Pictures) -> DocumentText:
    numbered = NumberedPictures(shown)
    lines: list[Line] = []
    for line in rtf.lines:
        lines += [line] if line.picture is None else numbered.lines(line.picture)
    return joined(lines)
