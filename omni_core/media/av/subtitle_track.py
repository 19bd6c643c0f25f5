"""Embedded subtitle tracks as windows of whole sentences, on the container's clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from omni_core.media.av.clock import Clock
from omni_core.media.av.container import audio_stream
from omni_core.media.av.coverage import Coverage
from omni_core.media.av.sidecar import is_forced
from omni_core.media.av.tag_text import text as readable
from omni_core.media.text.cues import Cue, CueMerger, CueWindow, clean
from omni_core.media.text.subtitle_ass import without_drawings
from omni_core.media.text.subtitle_lines import webvtt_words
from omni_core.text.language_names import language

_FORCED, _COMMENT = 0x40, 0x8
"""FFmpeg's dispositions."""
_TEXT_CODECS = {
    "subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text", "eia_608", "microdvd", "subviewer",
    "subviewer1", "sami", "stl", "mpl2", "jacosub", "realtext", "pjs", "vplayer",
}  # fmt: skip
_PICTURE_CODECS = {"hdmv_pgs_subtitle", "pgssub", "dvd_subtitle", "dvdsub", "dvb_subtitle",
                   "dvbsub", "xsub"}  # fmt: skip
_NO_LANGUAGE = ("", "und", "unk", "mis", "zxx")
_SCANT = 0.5
"""A track that holds less than this share of the fullest one is signs, songs or a remark."""
MAX_LANGUAGES = 4
"""Languages of one film that are read: each costs as much in the index as the first."""
_COLUMNS = 8
"""Columns before the words of an ASS event in a packet; the fourth is the speaker."""


def text_subtitle_streams(container: Any) -> list[Any]:
    """The text subtitle stream that holds most, then such a one of each further language.

    That is no forced one while there is another, none that by the file's own figures holds little,
    then the default one, then one in the language of the sound; bitmap subtitles are ignored.
    """
    streams = [
        s
        for s in container.streams.subtitles
        if s.codec_context is not None and s.codec_context.name in _TEXT_CODECS
    ]
    held = {s.index: _held(s) for s in streams}
    whole = [held[s.index] for s in streams if not _is_forced(s)]
    known = (n for n, figures in enumerate(zip(*whole, strict=True)) if all(figures))
    by = next(known, None)
    least = _SCANT * max(figures[by] for figures in whole) if by is not None else 0.0

    sound = audio_stream(container)
    spoken = language(sound.language or "") if sound is not None else ""

    def rank(stream: Any) -> tuple[bool, bool, bool, bool]:
        scant = by is not None and held[stream.index][by] < least
        other = bool(spoken) and language(stream.language or "") != spoken
        return _is_forced(stream), scant, not int(stream.disposition) & 1, other

    found: dict[str, Any] = {}
    for stream in sorted(streams, key=rank):
        code = language(stream.language or "")
        if not found or (code and "" not in found and not any(rank(stream)[:2])):
            found.setdefault(code, stream)
    return [*found.values()][:MAX_LANGUAGES]


def unread_tracks(container: Any, read: Sequence[Any]) -> str:
    """The line that names the subtitle tracks of a file beside those that are read; "" where
    there are none."""
    names = [_named(s, n) for n, s in enumerate(container.streams.subtitles, 1) if s not in read]
    return f"subtitles not read: {', '.join(names)}" if names else ""


def _held(stream: Any) -> tuple[float, float, float]:
    """What the header says of a track: cues, bytes, and the second in which it ends; 0 where it
    says nothing (Matroska's statistics carry a language, as NUMBER_OF_FRAMES-eng)."""
    tags = {str(k).upper().partition("-")[0]: str(v) for k, v in stream.metadata.items()}
    cues, size = (tags.get(name, "") for name in ("NUMBER_OF_FRAMES", "NUMBER_OF_BYTES"))
    end = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", tags.get("DURATION", ""))
    return (
        float(cues if cues.isdecimal() else stream.frames or 0),
        float(size if size.isdecimal() else 0),
        int(end[1]) * 3600 + int(end[2]) * 60 + float(end[3]) if end is not None else 0.0,
    )


def _named(stream: Any, number: int) -> str:
    codec = stream.codec_context.name if stream.codec_context is not None else ""
    kind = "(pictures)" if codec in _PICTURE_CODECS else ""
    if codec not in _TEXT_CODECS | _PICTURE_CODECS:
        kind = "(of a kind that is not read)"
    title = readable(stream.metadata.get("title", ""))[:80]
    language = stream.language if stream.language not in _NO_LANGUAGE else ""
    return " ".join(filter(None, (f"track {number}", title, language, kind)))


def _is_forced(stream: Any) -> bool:
    flags = int(stream.disposition) & (_FORCED | _COMMENT)
    return bool(flags) or is_forced(str(stream.metadata.get("title", "")))


class SubtitleTrack:
    """An embedded subtitle track, cue by cue."""

    def __init__(self, stream: Any, clock: Clock, number: int = 0) -> None:
        """number: of its language among those that are read of the film."""
        self._clock = clock
        self._joiner = CueMerger(number)
        self._webvtt = stream.codec_context.name == "webvtt"  # FFmpeg leaves the speakers out
        self._complete = not _is_forced(stream)
        self.coverage = Coverage()
        """The seconds whose words the cues so far hold; none for forced subtitles."""
        language = stream.language or ""
        self.origin = "subtitle track" + (f" {language}" if language not in _NO_LANGUAGE else "")

    def push(self, packet: Any) -> Iterator[CueWindow]:
        """Add a packet of the track; yields the windows that this completes."""
        start = self._clock.packet(packet)
        if start is None or not packet.size:
            return
        text = webvtt_words(bytes(packet).decode("utf-8", "replace")) if self._webvtt else ""
        text = text or clean("\n".join(_events(packet)), ass=True)
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
