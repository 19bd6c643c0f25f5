"""Subtitle files as documents: windows of speech with spans in seconds."""

from __future__ import annotations

import os
from collections.abc import Iterator

from omni_core.media.dates import from_file
from omni_core.media.guard import unreadable
from omni_core.media.text.cues import cue_windows
from omni_core.media.text.page import Page
from omni_core.media.text.plain import read, read_decoded, segments
from omni_core.media.text.subtitle_formats import detect_format, parse
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.charset import decode, is_text
from omni_core.types import CutOptions, MediaInfo, Modality, Segment, Source

_MIME = {
    "srt": "application/x-subrip", "vtt": "text/vtt", "ass": "text/x-ssa", "sbv": "text/x-sbv",
    "ttml": "application/ttml+xml", "sami": "application/x-sami", "microdvd": "text/x-microdvd",
    "lrc": "application/x-lrc", "subviewer": "text/x-subviewer",
}  # fmt: skip


class SubtitleMedium(Medium):
    """Subtitle files that are ingested by themselves."""

    rank = 5
    kinds = "subtitles (SRT, VTT, ASS, TTML, SBV, SAMI, MicroDVD, LRC, SubViewer)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """By the header or the first cue."""
        return is_text(head) and detect_format(decode(head, markup=True), suffix) is not None

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """The duration is the end of the last cue.

        Raises UnreadableError for a file without cues, unless it is TTML or SAMI, which is then
        read as a page.
        """
        decoded = read_decoded(path, markup=True)
        text = decoded.text
        kind = detect_format(text, _suffix(path)) or "srt"
        cues = parse(text)
        if not cues and kind not in ("ttml", "sami"):
            raise unreadable(path)
        when, origin = from_file(path)
        return MediaInfo(
            modality=Modality.DOCUMENT,
            mime=_MIME[kind],
            title=title(path),
            duration_s=max((c.end for c in cues), default=None),
            recorded_at=when,
            recorded_at_from=origin,
            warnings=decoded.warnings,
        )

    def decompose(self, path: str, source: Source, options: CutOptions) -> Iterator[Segment]:
        """Windows of whole sentences; without cues, windows of the page's text."""
        text = read(path, markup=True)
        cues = parse(text)
        for w in cue_windows(cues):
            yield w.segment(source, "subtitles")
        if not cues:
            page = Page(text, os.path.basename(path))
            yield from segments(page.text, source, options, page.headings, "page text")


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()
