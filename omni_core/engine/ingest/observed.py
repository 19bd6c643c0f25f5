"""What the decoder's stream says of one file as a whole. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

from omni_core.engine.ingest.chapters import Chapters
from omni_core.engine.speakers.said import Subtitles
from omni_core.types import Channel, FileLength, FileWarning, Segment

MAX_WARNINGS = 100
"""Warnings that are kept of one file."""


@dataclass
class Observed:
    """Filled by `saw`, item by item; a second run of the same file adds nothing."""

    chapters: Chapters = field(default_factory=Chapters)
    subtitles: Subtitles = field(default_factory=Subtitles)
    """The names in the subtitles."""
    channels: set[Channel] = field(default_factory=set)
    """Those of the decoder's segments."""
    length_s: float | None = None
    """Seconds of the file as decoded, once it is read to its end."""
    warnings: list[str] = field(default_factory=list)
    limit: FileWarning | None = None
    """The limit that ended the decoding before the end of the file."""

    def saw(self, item: Segment | FileWarning | FileLength) -> None:
        """Note an item of the decoder's stream."""
        if isinstance(item, FileWarning) and item.limit:
            self.limit = item
        elif isinstance(item, FileWarning):
            self.warn(item.message)
        elif isinstance(item, FileLength):
            self.length_s = item.seconds
        elif item.content is not None:
            self.channels.add(item.channel)
            self.chapters.saw(item)
            self.subtitles.saw(item)

    def join(self, other: Observed) -> None:
        """Add what another run of the same file observed."""
        self.chapters, self.subtitles = other.chapters, other.subtitles
        self.channels |= other.channels
        self.length_s, self.limit = other.length_s, other.limit
        self.warn(*other.warnings)

    def warn(self, *lines: str) -> None:
        """Add warnings, each once and at most `MAX_WARNINGS`; empty ones are ignored."""
        for line in lines:
            if line and line not in self.warnings and len(self.warnings) <= MAX_WARNINGS:
                more = len(self.warnings) == MAX_WARNINGS
                self.warnings.append("and more of the kind" if more else line)
