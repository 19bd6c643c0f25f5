"""Chapters of a video or audio file: Matroska, MP4 (Nero and QuickTime), Ogg, ID3, WMV, and the
tracks of a cue sheet in its tags."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from omni_core.media.av import aiff_marks, cue_sheet
from omni_core.media.av.sub_chapters import sub_chapters
from omni_core.media.av.tag_text import decoded
from omni_core.media.titles import plain
from omni_core.types import (
    CHAPTER_ORIGIN,
    Channel,
    FileWarning,
    Modality,
    Segment,
    Source,
    Span,
    TextContent,
)

MAX_CHAPTERS = 1000
GENERIC_CHARACTERS, TITLE_CHARACTERS = 60, 500
"""Longer titles are titles, and longer ones are cut."""
_ROMAN = r"(?=[ivxl])x{0,3}l?x{0,3}(?:ix|iv|v?i{0,3})"
_GENERIC = re.compile(
    rf"""(?ix)
    (?:chapter|chap|ch|kapitel|chapitre|cap[ií]tulo|capitolo|hoofdstuk|rozdzia[łl]|kapitola|b[öo]l[üu]m
      |глава|часть|scene|szene|sc[èe]ne|track|titel|title|part|teil|partie|parte|section|segment
      |marker|mark|cue|index|disc|cd|file|untitled|unnamed|unknown)?
    [\s_.:\#()\[\]-]* (?:\d[\d\s_.:,;/-]*(?:am|pm)?|{_ROMAN})? [\s_.:\#()\[\]-]*
    | 第?\s*[\d一二三四五六七八九十百]+\s*[章节回話话部]
    | \d+\s*[장화]
    """
)
"""Titles that programs give: numbers, times, "Chapter 01"."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """[start, end) seconds of the file."""

    start: float
    end: float
    title: str


def chapters(c: Any, seconds: float | None, path: str = "") -> list[Chapter]:
    """The chapters of an open container with a title of their own, in order, without overlaps.

    seconds: the length of the file. What lies outside it is dropped; a chapter lasts until the
    next one begins at most. path: of a whole file, of which a cue sheet that lies beside it is read
    too, and chapters inside chapters.
    """
    first = c.start_time / 1e6 if c.format.name.startswith("matroska") and c.start_time else 0.0
    length = seconds if seconds else float("inf")
    found: dict[float, Chapter] = {}
    for begin, until, name in _stored(c, path):
        title = plain(name)[:TITLE_CHARACTERS]
        start, end = (round(max(0.0, second - first), 3) for second in (begin, until))
        if start >= length:
            continue
        before = found.get(start)
        if before is not None:  # editions, and titles in several languages
            both = dict.fromkeys(filter(None, (before.title, title)))
            title = " / ".join(both)[:TITLE_CHARACTERS]
        found[start] = Chapter(start, min(end, length), title)
    listed = [] if found else _listed(c, path)
    for second, title in listed:
        if second < length:
            start = round(second, 3)
            found[start] = Chapter(start, start, plain(title)[:TITLE_CHARACTERS])
    in_order = [found[start] for start in sorted(found)]
    return [one for one in _without_overlap(in_order, length) if not is_generic(one.title)]


def _listed(c: Any, path: str) -> list[tuple[float, str]]:
    """Second and title of marks that are no chapters of the container."""
    if c.format.name == "aiff" and path and (marks := aiff_marks.marks(path)):
        return marks
    return _of_cue_sheet(c) or (cue_sheet.tracks_beside(path) if path else [])


def _stored(c: Any, path: str) -> Iterator[tuple[float, float, str]]:
    """Start and end, on the file's clock, and title of all chapters, then of those in others."""
    any_found = False
    for one in c.chapters():
        any_found = True
        base = float(one["time_base"] or 0)
        named = decoded(dict(one["metadata"]), c.format.name).get("title", "")
        yield one["start"] * base, one["end"] * base, named
    if any_found and path and c.format.name.startswith("matroska"):
        yield from sub_chapters(path)


def _of_cue_sheet(c: Any) -> list[tuple[float, str]]:
    for metadata in (c.metadata, *(s.metadata for s in c.streams.audio)):
        if found := cue_sheet.tracks(decoded(dict(metadata), c.format.name)):
            return found
    return []


def is_generic(title: str) -> bool:
    """Whether a title says no more than the number or the time of its chapter."""
    return len(title) <= GENERIC_CHARACTERS and _GENERIC.fullmatch(title) is not None


def segments(found: Sequence[Chapter], source: Source) -> Iterator[Segment | FileWarning]:
    """Each chapter's title as text at its span."""
    if source.modality not in (Modality.VIDEO, Modality.AUDIO):
        return
    for one in found[:MAX_CHAPTERS]:
        span = Span("second", one.start, one.end)
        yield Segment(
            source.id, source.modality, Channel.TEXT, span, TextContent(one.title), one.title,
            CHAPTER_ORIGIN,
        )  # fmt: skip
    if len(found) > MAX_CHAPTERS:
        yield FileWarning(
            f"{len(found):,} chapters: the titles of the first {MAX_CHAPTERS:,} can be searched"
        )


def _without_overlap(found: Sequence[Chapter], length: float) -> Iterator[Chapter]:
    """Ends that are missing, or lie behind the next start, are where the next chapter begins."""
    starts = [*(one.start for one in found[1:]), length]
    for one, following in zip(found, starts, strict=False):
        end = min(following, one.end) if one.end > one.start else following
        if one.start < end < float("inf"):
            yield replace(one, end=end)
