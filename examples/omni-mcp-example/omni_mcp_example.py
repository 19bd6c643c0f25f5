"""Two plug-ins for omni-mcp: calendar files as a medium, and an encoder of letter trigrams."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from omni_core import (
    Channel,
    Content,
    CutOptions,
    Encoder,
    EncoderInfo,
    FileWarning,
    MediaInfo,
    Medium,
    Modality,
    Segment,
    Settings,
    Source,
    Span,
    TextContent,
    Vector,
)

Item = Segment | FileWarning
EVENT = re.compile(r"^BEGIN:VEVENT\s+(.*?)^END:VEVENT", re.M | re.S)
WORDS = re.compile(r"^(?:SUMMARY|LOCATION|DESCRIPTION)[^:\n]*:(.+)$", re.M)


class CalendarMedium(Medium):
    """iCalendar files (RFC 5545): a segment for each event, with its text properties."""

    rank = 4  # before plain text, which would match these files too
    kinds = "calendars (ICS)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """By the first line; the suffix is ignored."""
        return head.startswith(b"BEGIN:VCALENDAR")

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Document, with the file's name as its title."""
        return MediaInfo(Modality.DOCUMENT, "text/calendar", title=Path(path).stem)

    def decompose(self, path: str, source: Source, options: CutOptions) -> Iterator[Item]:
        """Events in the order of the file, spans in its characters, long lines joined."""
        if not EVENT.search(_text(path)):
            yield FileWarning("there is no event in it; export the calendar again")
        for event in EVENT.finditer(_text(path)):
            text = ". ".join(WORDS.findall(event.group(1)))
            words = text.replace("\\n", " ").replace("\\", "")
            span = Span("char", event.start(), event.end())
            yield Segment(
                source.id, source.modality, Channel.TEXT, span, TextContent(words), words,
                origin="calendar",
            )  # fmt: skip


def _text(path: str) -> str:
    """The file with folded lines joined (RFC 5545, 3.1)."""
    return re.sub(r"\r?\n[ \t]", "", Path(path).read_text(encoding="utf-8", errors="replace"))


class TrigramEncoder(Encoder):
    """Text as hashed letter trigrams of its words: similar spellings have a high cosine."""

    def __init__(self, settings: Settings) -> None:
        self.info = self.describe(settings)

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """512-d, for text; change `revision` when vectors change."""
        return EncoderInfo("trigrams", "1", 512, frozenset({Channel.TEXT, Channel.SPEECH}))

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """The encoder; there is nothing to load."""
        return cls(settings)

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """None for what is no text."""
        return [self._vector(c.text) if isinstance(c, TextContent) else None for c in contents]

    def _vector(self, text: str) -> Vector | None:
        words = "  ".join(re.findall(r"\w+", text.lower()))
        found = [f" {words} "[i : i + 3].encode() for i in range(len(words))]
        counts = np.bincount(
            [zlib.crc32(t) % self.info.dim for t in found], minlength=self.info.dim
        )
        length = float(np.linalg.norm(counts))
        return (counts / length).astype(np.float32) if length else None
