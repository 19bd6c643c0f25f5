"""Containers that hold subtitles and nothing else: MKS, MP4 with timed text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from omni_core.errors import UnreadableError
from omni_core.media.av.clock import Clock
from omni_core.media.av.container import packets
from omni_core.media.av.subtitle_track import SubtitleTrack, text_subtitle_streams, unread_tracks
from omni_core.types import FileWarning, Segment, Source


def end_of(c: Any, name: str) -> float:
    """The end of the last cue, in seconds.

    Raises UnreadableError for subtitles that are pictures, and for none.
    """
    streams = text_subtitle_streams(c)
    if not streams:
        if any(s.codec_context is None for s in (*c.streams.video, *c.streams.audio)):
            raise UnreadableError(
                f"{name!r} is in a codec that is not known; save it as MP4 with H.264 and AAC",
                code="UNSUPPORTED_TYPE",
            )
        kinds = sorted({s.codec_context.name for s in c.streams.subtitles if s.codec_context})
        held = f"holds subtitles as pictures ({', '.join(kinds)})" if kinds else "holds no track"
        raise UnreadableError(
            f"{name!r} {held}, and neither pictures nor sound nor words that could be read",
            code="UNSUPPORTED_TYPE" if kinds else "CORRUPT_MEDIA",
        )
    clock, end = Clock(c), 0.0
    for packet in packets(c, *streams):
        start = clock.packet(packet)
        if start is not None and packet.size:
            end = max(end, start + float((packet.duration or 0) * packet.time_base))
    return round(end, 3)


def segments(c: Any, source: Source) -> Iterator[Segment | FileWarning]:
    """Windows of its cues; a warning names the tracks that are not read."""
    streams = text_subtitle_streams(c)
    if others := unread_tracks(c, streams):
        yield FileWarning(others)
    clock = Clock(c)
    tracks = {s.index: SubtitleTrack(s, clock, n) for n, s in enumerate(streams)}
    for packet in packets(c, *streams):
        track = tracks[packet.stream.index]
        for w in track.push(packet):
            yield w.segment(source, track.origin)
    for track in tracks.values():
        for w in track.flush():
            yield w.segment(source, track.origin)
