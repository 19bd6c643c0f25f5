"""The duration of a video or audio file, from its packets, without decoding.

`container.duration` is absent (live MKV), off by the start offset (30 for a 20 s file that begins
at 10) or a guess (MP3 without a Xing header), so the timestamps of the last packets are used.
"""

from __future__ import annotations

import logging
import os
import re
from typing import Any

import av

from omni_core.media.av.clock import Clock, has_no_times, rate
from omni_core.media.av.container import own_audio, packets, video_stream
from omni_core.media.av.last_shown import LastShown

log = logging.getLogger(__name__)

MAX_WALK_BYTES = 256 << 20
"""Files up to this size are demuxed whole where the header's duration is a guess."""
_DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
GUESSED_DURATION = {
    "mp3",
    "aac",
    "mpegts",
    "mpeg",
    "flv",
    "h264",
    "hevc",
    "ac3",
    "eac3",
    "amr",
    "dts",
    "loas",
}


def length(path: str, c: Any) -> float | None:
    """Seconds from the container's start to the end of its last packet; None without timestamps.

    Reads the tail after a seek where the container has an index, else walks all packets
    (demuxing runs at about a thousand times real time).
    """
    video = video_stream(c)  # a cover is a stream of one frame
    streams = own_audio(c)
    streams = [video, *streams] if video is not None else streams
    if not streams:
        return None
    if streams[0].type == "video" and has_no_times(c, streams[0]):
        return _counted_frames(c, streams[0])
    clock = Clock(c)
    end = 0.0
    walk = c.format.name in GUESSED_DURATION and os.path.getsize(path) <= MAX_WALK_BYTES
    if c.duration and not walk:
        guess = c.duration / av.time_base
        if guess < 30:
            end = _end_of_packets(c, streams, clock)
        else:
            try:
                c.seek(int((guess - 10 + max(clock.zero, 0)) * av.time_base), backward=True)
                end = _end_of_packets(c, streams, clock)
            except Exception as e:
                log.debug("no seeking: %r", e)
            if end < guess * 0.5 and end < guess - 20:
                end = guess if clock.zero <= 0 else max(0.0, guess - clock.zero)
    else:
        end = _end_of_packets(c, streams, clock)
    return round(end, 3) if end > 0 else None


def stated_length(stream: Any) -> float:
    """Seconds of one stream as its header or, in Matroska, its tags say; 0 where they do not."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    said = _DURATION.match(stream.metadata.get("DURATION", ""))
    return int(said[1]) * 3600 + int(said[2]) * 60 + float(said[3]) if said else 0.0


def _counted_frames(c: Any, stream: Any) -> float | None:
    """Duration of a stream without timestamps: its frame count over its frame rate."""
    frames = sum(1 for packet in packets(c, stream) if packet.size)
    return round(frames / rate(stream), 3) if frames else None


def _end_of_packets(c: Any, streams: list[Any], clock: Clock) -> float:
    stated = c.duration / av.time_base if c.duration else 0.0
    ends: dict[int, LastShown] = {}  # by stream
    last: dict[int, tuple[float, float]] = {}  # by stream without durations: time, step
    ticks = {stream.index: float(stream.time_base or 0) for stream in streams}
    for packet in packets(c, *streams):
        t = clock.packet(packet)
        if t is None:
            continue
        index = packet.stream_index
        seconds = _duration(packet) * ticks[index]
        if not seconds:
            before = last.get(index, (t, 0.0))
            last[index] = t, max(t - before[0], 0.0) or before[1]
        ends.setdefault(index, LastShown()).note(t, seconds - _trimmed(packet))
    end = max((one.end(stated) for one in ends.values()), default=0.0)
    for t, step in last.values():
        end = max(end, _end_of_last(t, step, c))
    return end


def _end_of_last(t: float, step: float, c: Any) -> float:
    """The end of a last packet without a duration: as the header says, where that is plausible."""
    stated = c.duration / av.time_base if c.duration else 0.0
    return stated if t < stated <= t + 2 * step else t + step


def _duration(packet: Any) -> int:
    """The ticks of a packet. Those of the last one of Ogg Vorbis may be negative, in 32 bits."""
    ticks = packet.duration or 0
    return ticks - (1 << 32) if ticks >= 1 << 31 else ticks


def _trimmed(packet: Any) -> float:
    """Seconds at the end of a packet that are not to be heard: the padding of an encoder."""
    if packet.stream.type != "audio" or not packet.has_sidedata("skip_samples"):
        return 0.0
    data = bytes(packet.get_sidedata("skip_samples"))
    rate = packet.stream.codec_context.sample_rate
    return int.from_bytes(data[4:8], "little") / rate if rate and len(data) >= 8 else 0.0
