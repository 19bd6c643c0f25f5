"""SRT, WebVTT and ASS files as documents: windows of speech with spans in seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from omni_core.media.dates import from_file
from omni_core.media.guard import unreadable
from omni_core.media.text.cues import Cue, parse, windows
from omni_core.media.text.plain import read
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.charset import decode, is_text
from omni_core.types import CutOptions, MediaInfo, Modality, Segment, Source

_TIMES = re.compile(r"\d\d?:\d\d[.,]\d{1,3} +--> +\d\d?:\d\d|\d:\d\d:\d\d[.,]\d{1,3} +--> +\d")
_MIME = {"vtt": "text/vtt", "srt": "application/x-subrip", "ass": "text/x-ssa"}


class SubtitleMedium(Medium):
    """Words with times and no film beside them."""

    rank = 5
    kinds = "subtitles (SRT, VTT, ASS)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """By the header line or the first time stamp."""
        return is_text(head) and _kind(decode(head)) is not None

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """The length is the end of the last cue."""
        text = read(path)
        cues = _cues(path, text)
        when, origin = from_file(path)
        return MediaInfo(
            modality=Modality.DOCUMENT,
            mime=_MIME[_kind(text[:4096]) or "srt"],
            title=title(path),
            duration_s=max(c.end for c in cues),
            recorded_at=when,
            recorded_at_from=origin,
        )

    def decompose(self, path: str, source: Source, options: CutOptions) -> Iterator[Segment]:
        """Windows of whole sentences."""
        for w in windows(_cues(path, read(path))):
            yield w.segment(source, "subtitles")


def _cues(path: str, text: str) -> list[Cue]:
    cues = parse(text)
    if not cues:
        raise unreadable(path)
    return cues


def _kind(head: str) -> str | None:
    start = head.lstrip("\ufeff \n")
    if start.startswith("WEBVTT"):
        return "vtt"
    if start.startswith("[Script Info]"):
        return "ass"
    return "srt" if _TIMES.search(start[:400]) else None
