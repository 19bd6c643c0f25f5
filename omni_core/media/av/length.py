"""How long a video or audio file really is, without decoding it.

`container.duration` is absent (live MKV), off by the start offset (30 for a 20 s file that begins
at 10) or a guess (MP3 without a Xing header), so the last packets are asked instead.
"""

from __future__ import annotations

import logging
import os
from typing import Any

import av

from omni_core.media.av.clock import Clock, rate
from omni_core.media.av.container import packets

log = logging.getLogger(__name__)

MAX_WALK_BYTES = 256 << 20
"""Bytes of a file that are read through to know its length; beyond, the guess must do."""
_GUESSED = {"mp3", "aac", "mpegts", "mpeg", "flv", "h264", "hevc", "ac3", "eac3", "amr", "dts"}


def length(path: str, c: Any) -> float | None:
    """Seconds from the container's start to the end of its last packet; None if none has time.

    Reads the tail after a seek where the container has an index, else walks all packets
    (demuxing runs at about a thousand times real time).
    """
    streams = [s for s in (*c.streams.video, *c.streams.audio) if s.codec_context is not None]
    if not streams:
        return None
    if streams[0].type == "video" and streams[0].start_time is None:
        return _counted_frames(c, streams[0])
    clock = Clock(c)
    end = 0.0
    walk = c.format.name in _GUESSED and os.path.getsize(path) <= MAX_WALK_BYTES
    if c.duration and not walk:
        guess = c.duration / av.time_base
        if guess < 30:
            end = _last(c, streams, clock)
        else:
            try:
                c.seek(int((guess - 10 + max(clock.zero, 0)) * av.time_base), backward=True)
                end = _last(c, streams, clock)
            except Exception as e:
                log.debug("no seeking: %r", e)
            if end < guess * 0.5 and end < guess - 20:
                end = guess if clock.zero <= 0 else max(0.0, guess - clock.zero)
    else:
        end = _last(c, streams, clock)
    return round(end, 3) if end > 0 else None


def _counted_frames(c: Any, stream: Any) -> float | None:
    """Without time stamps: so many frames of the rate that the stream says."""
    frames = sum(1 for packet in packets(c, stream) if packet.size)
    return round(frames / rate(stream), 3) if frames else None


def _last(c: Any, streams: list[Any], clock: Clock) -> float:
    end = 0.0
    for packet in packets(c, *streams):
        t = clock.packet(packet)
        if t is not None:
            end = max(end, t + float((packet.duration or 0) * packet.time_base))
    return end
