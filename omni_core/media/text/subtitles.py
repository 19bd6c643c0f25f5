"""Subtitle files as documents: windows of speech with spans in seconds."""

from __future__ import annotations

import os
from collections.abc import Iterator

from omni_core.errors import UnreadableError
from omni_core.media.dates import from_file
from omni_core.media.limiting import after_the_limit
from omni_core.media.text import unread_subtitles
from omni_core.media.text.cues import cue_windows
from omni_core.media.text.page import Page
from omni_core.media.text.plain import read_bytes, segments
from omni_core.media.text.subtitle_formats import claims, read_bytes_of, stated_title
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.charset import decode
from omni_core.types import CutOptions, FileWarning, MediaInfo, Modality, Segment, Source

_MIME = {
    "srt": "application/x-subrip", "vtt": "text/vtt", "ass": "text/x-ssa", "sbv": "text/x-sbv",
    "ttml": "application/ttml+xml", "sami": "application/x-sami", "microdvd": "text/x-microdvd",
    "lrc": "application/x-lrc", "subviewer": "text/x-subviewer",
    "subviewer1": "text/x-subviewer", "timedtext": "application/x-srv3+xml",
    "mpl2": "text/x-mpl2", "tmplayer": "text/x-tmplayer", "json3": "application/json",
    "scc": "text/x-scc", "stl": "application/x-ebu-stl", "transcript": "application/json",
    "timecoded": "text/x-spruce-stl", "rows": "text/x-cue-rows",
    "typed": "text/x-transcript", "jacosub": "text/x-jacosub", "realtext": "text/vnd.rn-realtext",
    "aqtitle": "text/x-aqtitle", "pjs": "text/x-pjs", "textgrid": "text/x-praat-textgrid",
    "usf": "application/x-usf+xml", "dcsubtitle": "application/x-dcsubtitle+xml",
    "eaf": "text/x-eaf+xml", "trs": "text/x-trs+xml",
}  # fmt: skip


HEAD = 4096


class SubtitleMedium(Medium):
    """Subtitle files that are ingested by themselves."""

    rank = 5
    kinds = (
        "subtitles (SRT, VTT, ASS, TTML, SBV, SAMI, MicroDVD, MPL2, TMPlayer, LRC, SubViewer, SCC, "
        "STL, YouTube), transcripts in JSON"
    )

    def matches(self, head: bytes, suffix: str) -> bool:
        """By the header or the first cue; those that are pictures are claimed to be named."""
        return claims(head, suffix) or bool(unread_subtitles.kind_of(head, suffix))

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """The duration is the end of the last cue; None for a file without cues."""
        data = read_bytes(path)
        unread_subtitles.refuse(path, data[:HEAD])
        subtitles = read_bytes_of(data, _suffix(path))
        if not subtitles.kind:
            raise UnreadableError(
                f"{os.path.basename(path)!r} is no transcript", code="UNSUPPORTED_TYPE"
            )
        when, origin = from_file(path)
        return MediaInfo(
            modality=Modality.DOCUMENT,
            mime=_MIME[subtitles.kind],
            title=title(path, stated_title(decode(data[:4096], markup=True), subtitles.kind)),
            duration_s=max((c.end for c in subtitles.cues), default=None),
            recorded_at=when,
            recorded_at_from=origin,
            warnings=subtitles.doubts,
        )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """Windows of whole sentences, as far as `max_duration_s`; of markup without cues, windows
        of the page's text."""
        data = read_bytes(path)
        subtitles = read_bytes_of(data, _suffix(path))
        cues = [cue for cue in subtitles.cues if cue.start <= self.limits.max_duration_s]
        for w in cue_windows(cues):
            yield w.segment(source, "subtitles")
        if len(cues) < len(subtitles.cues):
            yield after_the_limit(self.limits)
        if subtitles.aside:
            yield from segments(subtitles.aside, source, options, [], "page text")
        for warning in subtitles.warnings:
            yield FileWarning(warning)
        if subtitles.cues:
            return
        if subtitles.kind in ("ttml", "sami"):
            page = Page(decode(data, markup=True), os.path.basename(path))
            yield from segments(page.text, source, options, page.headings, "page text")
        elif not subtitles.warnings:
            yield FileWarning("no cues in it: there is nothing to find but its title")


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()
