"""What the decoder's stream says of one file as a whole. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

from omni_core.engine.ingest.chapters import Chapters
from omni_core.engine.speakers.said import Subtitles
from omni_core.types import Channel, FileLength, FileWarning, Segment


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

    def saw(self, item: Segment | FileWarning | FileLength) -> None:
        """Note an item of the decoder's stream."""
        if isinstance(item, FileWarning):
            self.warn(item.message)
        elif isinstance(item, FileLength):
            self.length_s = item.seconds
        elif item.content is not None:
            self.channels.add(item.channel)
            self.chapters.saw(item)
            self.subtitles.saw(item)

    def warn(self, *lines: str) -> None:
        """Add warnings, each once; empty ones are ignored."""
        for line in lines:
            if line and line not in self.warnings:
                self.warnings.append(line)
