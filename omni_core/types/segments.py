"""Segments, the smallest units of retrieval, and their spans in a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

from omni_core import ids
from omni_core.types.contents import Content, Vector
from omni_core.types.sources import Modality

TITLE_ORIGIN = "title"
"""`Segment.origin` of a segment whose text is the title of its source."""
CHAPTER_ORIGIN = "chapter title"
"""`Segment.origin` of a segment whose text is the title of a chapter, at the chapter's span."""
PIECES = 100
"""Numbers (`Segment.part`) of the pieces of one long cue are this far apart, and those of what a
second channel says begin here; below it are those of the languages that are spoken or written in a
recording, from 0 for the first."""

ASIDE = 2
"""`Segment.part` of a window of sound that is the other channel of a track, where each channel
says something of its own. Its windows are cut for themselves, and come soon after those of the
first channel."""


class Channel(StrEnum):
    """What a segment's vector was made from; a hit lists these as its `why`."""

    VISUAL = "visual"
    SOUND = "sound"
    SPEECH = "speech"
    SCREEN_TEXT = "screen_text"
    TEXT = "text"


Axis = Literal["second", "page", "char"]
Beats = tuple[tuple[int, float], ...]
"""Places in a timed text where a phrase begins: (character, second)."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of a source: seconds of its clock, pages (1-based), or characters.

    Page 7 is `Span("page", 7, 8)`. An image is `Span("second", 0, 0)`.
    """

    axis: Axis
    start: float
    end: float

    def fragment(self) -> str:
        """The span as a W3C media fragment: `t=45.2,52.8`, `page=7`, `char=0,120`."""
        if self.axis == "page" and self.end - self.start <= 1:
            return f"page={self.start:g}"
        key = {"second": "t", "page": "page", "char": "char"}[self.axis]
        return f"{key}={_round(self.start)},{_round(self.end)}"

    def overlaps(self, other: Span) -> bool:
        """Whether both share an instant, a page or a character.

        A zero-length span overlaps every span that contains it, at its edges too.
        """
        if self.axis != other.axis:
            return False
        if self.start == self.end or other.start == other.end:
            return self.start <= other.end and other.start <= self.end
        return self.start < other.end and other.start < self.end

    def union(self, other: Span) -> Span:
        """The smallest span that holds both."""
        return Span(self.axis, min(self.start, other.start), max(self.end, other.end))


def _round(x: float) -> str:
    return f"{x:.3f}".rstrip("0").rstrip(".") or "0"


@dataclass(frozen=True, slots=True)
class Segment:
    """The smallest unit of retrieval. `content` is the input of models; it is never stored."""

    source_id: str
    modality: Modality
    channel: Channel
    span: Span
    content: Content | None = None
    text: str = ""
    """The words spoken, shown or printed. Empty for an image without words."""
    origin: str = ""
    """Where `text` came from: `text layer`, `subtitle track eng`, `whisper-base`, `ocr` ..."""
    part: int = 0
    """Number that distinguishes segments of equal channel and span (windows of a page's text)."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the stored payload: `language`, `key_time`, `heading`, `above` (the
    headings around it), `beats` ..."""

    @property
    def id(self) -> str:
        """uuid5 of source, channel, span and part: equal at every ingest and for every model."""
        return ids.segment_uuid(self.source_id, self.channel, self.span.fragment(), self.part)

    @property
    def heading_path(self) -> str:
        """The headings that its text stands under, outermost first: `Install › Linux`; or ""."""
        above, heading = self.extra.get("above"), str(self.extra.get("heading") or "")
        return f"{above} › {heading}" if above else heading

    @property
    def is_title(self) -> bool:
        """Whether its text is the title of its source rather than something in it."""
        return self.origin == TITLE_ORIGIN

    def without_content(self) -> Segment:
        """The same segment without its arrays."""
        return replace(self, content=None)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A segment (without content) and its vector; None when the model cannot take its channel."""

    segment: Segment
    vector: Vector | None
