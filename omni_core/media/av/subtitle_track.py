"""Embedded subtitle tracks as windows of whole sentences, on the container's clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from omni_core.media.av.clock import Clock
from omni_core.media.av.coverage import Coverage
from omni_core.media.av.sidecar import is_forced
from omni_core.media.text.cues import Cue, CueMerger, CueWindow, clean
from omni_core.media.text.subtitle_ass import without_drawings

_FORCED, _COMMENT = 0x40, 0x8
"""FFmpeg's dispositions."""
_TEXT_CODECS = {
    "subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text", "eia_608", "microdvd", "subviewer",
    "subviewer1", "sami", "stl", "mpl2", "jacosub", "realtext", "pjs", "vplayer",
}  # fmt: skip
_COLUMNS = 8
"""Columns before the words of an ASS event in a packet; the fourth is the speaker."""


def text_subtitle_stream(container: Any) -> Any | None:
    """The text subtitle stream that holds most: no forced one while there is another, the default
    one first; bitmap subtitles are ignored."""
    streams = [
        s
        for s in container.streams.subtitles
        if s.codec_context is not None and s.codec_context.name in _TEXT_CODECS
    ]
    streams.sort(key=lambda s: (_is_forced(s), not int(s.disposition) & 1))
    return streams[0] if streams else None


def _is_forced(stream: Any) -> bool:
    flags = int(stream.disposition) & (_FORCED | _COMMENT)
    return bool(flags) or is_forced(str(stream.metadata.get("title", "")))


class SubtitleTrack:
    """An embedded subtitle track, cue by cue."""

    def __init__(self, stream: Any, clock: Clock) -> None:
        self._clock = clock
        self._joiner = CueMerger()
        self._complete = not _is_forced(stream)
        self.coverage = Coverage()
        """The seconds whose words the cues so far hold; none for forced subtitles."""
        language = stream.language or ""
        self.origin = "subtitle track" + (f" {language}" if language not in ("", "und") else "")

    def push(self, packet: Any) -> Iterator[CueWindow]:
        """Add a packet of the track; yields the windows that this completes."""
        start = self._clock.packet(packet)
        if start is None or not packet.size:
            return
        text = clean("\n".join(_events(packet)), ass=True)
        length = float((packet.duration or 0) * packet.time_base) or 2.0
        if text:
            if self._complete:
                self.coverage.add(start, start + length)
            yield from self._joiner.push(Cue(start, start + length, text))

    def flush(self) -> Iterator[CueWindow]:
        """The last window."""
        yield from self._joiner.flush()


def _events(packet: Any) -> Iterator[str]:
    """The words of a packet, after their speaker's name; FFmpeg decodes every text codec to ASS."""
    for subtitle in packet.decode():
        for rect in getattr(subtitle, "rects", [subtitle]):
            ass = getattr(rect, "ass", b"")
            line = ass.decode("utf-8", "replace") if isinstance(ass, bytes) else str(ass)
            columns = line.split(",", _COLUMNS)
            words = without_drawings(columns[-1] if len(columns) > _COLUMNS else line)
            speaker = columns[3].strip() if len(columns) > _COLUMNS else ""
            yield f"{speaker}: {words}" if speaker and words.strip() else words
