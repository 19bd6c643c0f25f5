"""Clips: packets copied as they are (570 times cheaper than encoding), the true span stated.

A copy begins at a keyframe, so the clip may start before the second asked for. Only where the
container cannot hold the stream, or the file keeps no time to copy by, is the clip encoded anew.
"""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np

from omni_core.errors import NotFoundError
from omni_core.media.av import seek
from omni_core.media.av.clock import Clock, rate
from omni_core.media.av.container import film_stream, sound_stream
from omni_core.types import SAMPLE_RATE

log = logging.getLogger(__name__)

FORMATS = {
    ".mp4": ("mp4", "video/mp4"),
    ".m4v": ("mp4", "video/mp4"),
    ".mov": ("mov", "video/quicktime"),
    ".webm": ("webm", "video/webm"),
    ".mkv": ("matroska", "video/x-matroska"),
    ".avi": ("avi", "video/x-msvideo"),
    ".flv": ("flv", "video/x-flv"),
    ".ts": ("mpegts", "video/mp2t"),
    ".mts": ("mpegts", "video/mp2t"),
    ".m4a": ("ipod", "audio/mp4"),
    ".mp3": ("mp3", "audio/mpeg"),
    ".flac": ("flac", "audio/flac"),
    ".ogg": ("ogg", "audio/ogg"),
    ".oga": ("ogg", "audio/ogg"),
    ".opus": ("ogg", "audio/ogg"),
    ".wav": ("wav", "audio/wav"),
    ".aac": ("adts", "audio/aac"),
    ".mka": ("matroska", "audio/x-matroska"),
}
ENCODERS = {
    "webm": ("libvpx-vp9", "libopus"),
    "avi": ("mpeg4", "libmp3lame"),
    "mp3": ("", "libmp3lame"),
    "flac": ("", "flac"),
    "ogg": ("", "libopus"),
    "wav": ("", "pcm_s16le"),
}
"""(picture, sound) of clips that must be encoded; H.264 and AAC for all others."""
BACK_OFF = (0.0, 3.0, 15.0, 60.0, None)
MOST_BYTES = 256 << 20
TICKS = 30_000
TICK = Fraction(1, TICKS)
"""Of a second: frames keep their own time whatever the rate; MPEG-4 takes no finer one."""


def cut(path: str, c: Any, start: float, end: float, out: str) -> tuple[str, float, float]:
    """Write [start, end) to `out`; (MIME type, first second, last second) as really written.

    The suffix of `out` names the container, MP4 where it is none of `FORMATS`. Raises
    NotFoundError (OUT_OF_RANGE) for a span that the file does not have.
    """
    if not 0 <= start < end:
        raise NotFoundError(f"{start:g}-{end:g} s is not a span", code="OUT_OF_RANGE")
    form, mime = FORMATS.get(os.path.splitext(out)[1].lower(), FORMATS[".mp4"])
    try:
        film = film_stream(c)
        if film is not None and film.start_time is None:
            raise ValueError("a film without time stamps")  # and a try to seek would use it up
        span = _copy(c, start, end, out, form)
    except Exception as e:  # a codec the container cannot hold, or packets without time
        log.debug("cannot copy into %s: %r", form, e)
        span = _encode(path, c, start, end, out, form)
    if span is None:
        raise NotFoundError(
            f"{os.path.basename(path)} has nothing at {start:g}-{end:g} s", code="OUT_OF_RANGE"
        )
    return mime, round(span[0], 3), round(span[1], 3)


def _copy(c: Any, start: float, end: float, out: str, form: str) -> tuple[float, float] | None:
    film, sound = film_stream(c), sound_stream(c)
    streams = [s for s in (film, sound) if s is not None]
    lead, clock = streams[0], Clock(c)
    packets = _from_keyframe(c, lead, streams, clock, start, end)
    if not packets:
        return None
    _complete([p for _, p in packets if p.stream_index == lead.index], rate(lead))
    first = min(t for t, p in packets if p.stream_index == lead.index)
    last = first
    with av.open(out, "w", format=form) as target:
        to = {s.index: target.add_stream_from_template(s) for s in streams}
        for t, packet in packets:
            if t < first - 0.001 or t >= end:
                continue
            last = max(last, t + float((packet.duration or 0) * packet.time_base))
            zero = round((first + clock.zero) / packet.time_base)
            packet.pts -= zero
            packet.dts -= zero
            packet.stream = to[packet.stream_index]
            target.mux(packet)
    return first, last


def _from_keyframe(
    c: Any, lead: Any, streams: list[Any], clock: Clock, start: float, end: float
) -> list[tuple[float, Any]]:
    """Packets from the last keyframe at or before `start` up to `end`.

    A demuxer without an index lands too late, so the seek backs off until it does not.
    """
    for back in BACK_OFF:
        target = 0.0 if back is None else max(0.0, start - back)
        c.seek(clock.pts(target, lead) if target else 0, stream=lead, backward=True)
        held: list[tuple[float, Any]] = []
        size, begun = 0, None
        for t, packet in _timed(c, streams, clock):
            leads = packet.stream_index == lead.index
            if leads and packet.dts is not None and _decoded_at(packet, clock) >= end:
                break
            if leads and packet.is_keyframe and (begun is None or t <= start):
                keep = t - 1.0  # sound that is stored before its picture
                held = [(at, p) for at, p in held if p.stream_index != lead.index and at > keep]
                size, begun = sum(p.size for _, p in held), t
            held.append((t, packet))
            size += packet.size
            if size > MOST_BYTES:
                break
        if begun is not None and (begun <= start + 0.001 or target == 0.0):
            return held
    return []


def _timed(c: Any, streams: list[Any], clock: Clock) -> Iterator[tuple[float, Any]]:
    for packet in c.demux(*streams):
        t = clock.packet(packet)
        if t is not None and (packet.dts is not None or packet.stream is streams[0]):
            yield t, packet


def _decoded_at(packet: Any, clock: Clock) -> float:
    seconds: float = packet.dts * float(packet.time_base) - clock.zero
    return seconds


def _complete(packets: list[Any], fps: float) -> None:
    """Decoding times where Matroska leaves them out: a frame apart, before the first known."""
    known = next((i for i, p in enumerate(packets) if p.dts is not None), None)
    if known is None:
        raise ValueError("no decoding times")
    step = max(1, round(1 / fps / packets[0].time_base))
    for i in range(known - 1, -1, -1):
        packets[i].dts = min(packets[i].pts, packets[i + 1].dts - step)
    for before, packet in itertools.pairwise(packets[known:]):
        if packet.dts is None:
            packet.dts = before.dts + 1


def _encode(
    path: str, c: Any, start: float, end: float, out: str, form: str
) -> tuple[float, float] | None:
    """The same span, frame-exact, as new H.264 (or what the container takes) and mono sound."""
    film, sound = film_stream(c), sound_stream(c)
    names = ENCODERS.get(form, ("libx264", "aac"))
    samples = None
    if sound is not None:
        try:
            samples = seek.sound_between(path, c, start, end)
        except NotFoundError:
            samples = None
    first, last = None, start
    with av.open(out, "w", format=form) as target:
        audio = None
        if film is not None and names[0]:
            video = target.add_stream(names[0], rate=Fraction(rate(film)).limit_denominator(1001))
            video.width, video.height = (
                film.codec_context.width & ~1,
                film.codec_context.height & ~1,
            )
            video.pix_fmt, video.codec_context.time_base = "yuv420p", TICK
        if samples is not None:
            audio = target.add_stream(names[1], rate=48000, layout="mono")
        if film is not None and names[0]:
            for t, held, frame in seek.stretch(c, film, start, end):
                first = t if first is None else first
                last = t + held
                small = frame.reformat(video.width, video.height, "yuv420p", threads=1)
                small.pts, small.time_base = round(max(0.0, t - start) * TICKS), TICK
                target.mux(video.encode(small))
            target.mux(video.encode())
        if audio is not None and samples is not None:
            first, last = start if first is None else first, max(last, end)
            _encode_sound(target, audio, samples)
    return None if first is None else (max(first, start), last)


def _encode_sound(target: Any, stream: Any, samples: Any) -> None:
    wide = av.AudioResampler(stream.codec_context.format.name, "mono", 48000, frame_size=1024)
    frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), "flt", "mono")
    frame.sample_rate = SAMPLE_RATE
    for piece in (*wide.resample(frame), *wide.resample(None)):
        target.mux(stream.encode(piece))
    target.mux(stream.encode())
