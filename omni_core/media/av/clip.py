"""Clips by stream copy (570 times cheaper than encoding), with their actual span.

A copy begins at a keyframe of the codec, so the clip may start before the requested second. It is
re-encoded only where the output container cannot hold the streams or the file has no timestamps;
audio alone always is, which is cheap, and then exact to the sample.
"""

from __future__ import annotations

import itertools
import logging
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np

from omni_core.errors import NotFoundError, StoreError
from omni_core.media.av import seek
from omni_core.media.av.clip_formats import ENCODERS, FORMATS
from omni_core.media.av.clock import Clock, rate
from omni_core.media.av.container import audio_stream, video_stream
from omni_core.types import SAMPLE_RATE, Samples

log = logging.getLogger(__name__)

BACK_OFF_S = (0.0, 3.0, 15.0, 60.0, None)
"""Seconds before the requested one to seek to, attempt by attempt; None: the start of the file."""
MAX_PACKET_BYTES = 256 << 20
"""Bytes of packets buffered for one clip."""
AUDIO_LEAD_S = 1.0
"""How far before its frames audio may be interleaved in the file."""
TICKS_PER_S = 30_000
TICK = Fraction(1, TICKS_PER_S)
"""Time base of re-encoded video: fine enough for any frame rate, the finest that MPEG-4 takes."""
COPY_ERRORS = (
    av.error.ArgumentError,
    av.error.InvalidDataError,
    av.error.NotImplementedError,
    av.error.PatchWelcomeError,
)
"""What FFmpeg raises when a container cannot hold the copied packets."""


class _CannotCopyError(Exception):
    """These packets cannot be copied into that container: the clip is encoded instead."""


def cut(path: str, c: Any, start: float, end: float, out: str) -> tuple[str, float, float]:
    """Write [start, end) to `out`; (MIME type, start, end) as written, in seconds.

    The suffix of `out` names the container, MP4 where it is none of `FORMATS`. Raises
    NotFoundError (OUT_OF_RANGE) for a span that the file does not have, StoreError when `out`
    cannot be written.
    """
    if not 0 <= start < end:
        raise NotFoundError(f"{start:g}-{end:g} s is not a span", code="OUT_OF_RANGE")
    form, mime = FORMATS.get(os.path.splitext(out)[1].lower(), FORMATS[".mp4"])
    with writing(out):
        span = _copy_or_encode(path, c, start, end, out, form)
    if span is None:
        raise NotFoundError(
            f"{os.path.basename(path)!r} has nothing at {start:g}-{end:g} s", code="OUT_OF_RANGE"
        )
    return mime, round(span[0], 3), round(span[1], 3)


@contextmanager
def writing(out: str) -> Iterator[None]:
    """Raises StoreError where `out` cannot be written."""
    try:
        yield
    except OSError as e:
        if str(e.filename or out) != out:
            raise  # the file that is read
        raise StoreError(
            f"the clip cannot be written: {e.strerror}; free some space, or use a store elsewhere"
        ) from e


def _copy_or_encode(
    path: str, c: Any, start: float, end: float, out: str, form: str
) -> tuple[float, float] | None:
    try:
        return _copy(c, start, end, out, form)
    except _CannotCopyError as e:
        log.debug("cannot copy into %s: %r", form, e.__cause__ or e)
        return _encode(path, c, start, end, out, form)


def _copy(c: Any, start: float, end: float, out: str, form: str) -> tuple[float, float] | None:
    """The span of the packets that were copied; None where there are none."""
    streams, clock = _streams_to_copy(c), Clock(c)
    try:
        packets = _from_keyframe(c, streams, clock, start, end)
    except av.error.FFmpegError as e:  # damaged, or nothing to seek by; decoding steps over it
        raise _CannotCopyError from e
    if not packets:
        return None
    frames = [(t, p) for t, p in packets if p.stream_index == streams[0].index]
    _fill_decoding_times([p for _, p in frames], rate(streams[0]))
    first = min(t for t, _ in frames)
    wanted = [(t, p) for t, p in packets if first - 0.001 <= t < end]
    last = max((t + float((p.duration or 0) * p.time_base) for t, p in wanted), default=first)
    try:
        _write([p for _, p in wanted], streams, first + clock.zero, out, form)
    except COPY_ERRORS as e:
        raise _CannotCopyError from e
    return first, last


def _streams_to_copy(c: Any) -> list[Any]:
    """The video stream, then the audio stream where there is one."""
    video, audio = video_stream(c), audio_stream(c)
    if video is None:
        raise _CannotCopyError("audio alone")
    if video.start_time is None:
        # checked before anything is read: a seek in such a file consumes it
        raise _CannotCopyError("a video without time stamps")
    return [video] if audio is None else [video, audio]


def _write(packets: list[Any], streams: list[Any], zero_s: float, out: str, form: str) -> None:
    """Mux packets into a new file in which `zero_s` of the container's time is second 0."""
    with av.open(out, "w", format=form) as target:
        try:
            to = {s.index: target.add_stream_from_template(s) for s in streams}
        except ValueError as e:  # PyAV's answer when the container knows no such codec
            raise _CannotCopyError from e
        for packet in packets:
            zero = round(zero_s / packet.time_base)
            packet.pts -= zero
            packet.dts -= zero
            packet.stream = to[packet.stream_index]
            target.mux(packet)


@dataclass(slots=True)
class _PacketBuffer:
    """Packets from the last video keyframe at or before `start` on."""

    start: float
    video: int
    """Index of the video stream."""
    packets: list[tuple[float, Any]] = field(default_factory=list)
    size: int = 0
    first: float | None = None
    """Second of the keyframe; None before there is one."""

    def add(self, t: float, packet: Any) -> None:
        """Add a packet; a later keyframe at or before `start` drops the packets before it."""
        is_keyframe = packet.stream_index == self.video and packet.is_keyframe
        if is_keyframe and (self.first is None or t <= self.start):
            self.packets = [
                (at, p)
                for at, p in self.packets
                if p.stream_index != self.video and at > t - AUDIO_LEAD_S
            ]
            self.size, self.first = sum(p.size for _, p in self.packets), t
        self.packets.append((t, packet))
        self.size += packet.size


def _from_keyframe(
    c: Any, streams: list[Any], clock: Clock, start: float, end: float
) -> list[tuple[float, Any]]:
    """(second, packet) from the last keyframe at or before `start` up to `end`.

    A demuxer without an index may seek too far, so it is repeated from further back until a
    keyframe at or before `start` is found.
    """
    video = streams[0]
    for back in BACK_OFF_S:
        target = 0.0 if back is None else max(0.0, start - back)
        c.seek(clock.pts(target, video) if target else 0, stream=video, backward=True)
        held = _PacketBuffer(start, video.index)
        for t, packet in _timestamped(c, streams, clock):
            if packet.stream_index == video.index and _decoded_at(packet, clock) >= end:
                break
            held.add(t, packet)
            if held.size > MAX_PACKET_BYTES:
                break
        if held.first is not None and (held.first <= start + 0.001 or target == 0.0):
            return held.packets
    return []


def _timestamped(c: Any, streams: list[Any], clock: Clock) -> Iterator[tuple[float, Any]]:
    for packet in c.demux(*streams):
        t = clock.packet(packet)
        if t is not None and (packet.dts is not None or packet.stream is streams[0]):
            yield t, packet


def _decoded_at(packet: Any, clock: Clock) -> float:
    """Decoding time of a packet in seconds; minus infinity where the file gives none."""
    if packet.dts is None:
        return -math.inf
    seconds: float = packet.dts * float(packet.time_base) - clock.zero
    return seconds


def _fill_decoding_times(packets: list[Any], fps: float) -> None:
    """Fill in missing decoding times (Matroska): one frame apart, before the first known one."""
    known = next((i for i, p in enumerate(packets) if p.dts is not None), None)
    if known is None:
        raise _CannotCopyError("no decoding times")
    step = max(1, round(1 / fps / packets[0].time_base))
    for i in range(known - 1, -1, -1):
        packets[i].dts = min(packets[i].pts, packets[i + 1].dts - step)
    for before, packet in itertools.pairwise(packets[known:]):
        if packet.dts is None:
            packet.dts = before.dts + 1


def _encode(
    path: str, c: Any, start: float, end: float, out: str, form: str
) -> tuple[float, float] | None:
    """The span [start, end), frame-exact, as H.264 (or the container's codec) and mono audio."""
    video, audio = video_stream(c), audio_stream(c)
    video_codec, audio_codec = ENCODERS.get(form, ("libx264", "aac"))
    samples = None if audio is None else _samples(path, c, start, end)
    shown = None
    with av.open(out, "w", format=form) as target:
        to_video, to_audio = None, None
        if video is not None and video_codec:
            to_video = _add_video(target, video_codec, video)
        if samples is not None:
            to_audio = target.add_stream(audio_codec, rate=48000, layout="mono")
        if to_video is not None:
            shown = _encode_video(target, to_video, c, video, start, end)
        if to_audio is not None and samples is not None:
            _encode_audio(target, to_audio, samples)
    if samples is None:
        return shown
    return (start, end) if shown is None else (shown[0], max(shown[1], end))


def _samples(path: str, c: Any, start: float, end: float) -> Samples | None:
    try:
        return seek.audio_between(path, c, start, end)
    except NotFoundError:
        return None


def _add_video(target: Any, codec: str, like: Any) -> Any:
    stream = target.add_stream(codec, rate=Fraction(rate(like)).limit_denominator(1001))
    # 4:2:0 wants even sides
    stream.width, stream.height = like.codec_context.width & ~1, like.codec_context.height & ~1
    stream.pix_fmt, stream.codec_context.time_base = "yuv420p", TICK
    return stream


def _encode_video(
    target: Any, stream: Any, c: Any, video: Any, start: float, end: float
) -> tuple[float, float] | None:
    """Encode the frames on screen during [start, end); returns their span, None without any."""
    first, last = None, start
    for t, held, frame in seek.frames_between(c, video, start, end):
        first = t if first is None else first
        last = t + held
        frame = frame.reformat(stream.width, stream.height, "yuv420p", threads=1)
        frame.pts, frame.time_base = round(max(0.0, t - start) * TICKS_PER_S), TICK
        target.mux(stream.encode(frame))
    target.mux(stream.encode())
    return None if first is None else (max(first, start), last)


def _encode_audio(target: Any, stream: Any, samples: Samples) -> None:
    wide = av.AudioResampler(stream.codec_context.format.name, "mono", 48000, frame_size=1024)
    frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), "flt", "mono")
    frame.sample_rate = SAMPLE_RATE
    at = 0
    for chunk in (*wide.resample(frame), *wide.resample(None)):
        # of short last ones alone the resampler states the time, and the muxer refuses the mixture
        chunk.pts, chunk.time_base, at = at, Fraction(1, 48000), at + chunk.samples
        target.mux(stream.encode(chunk))
    target.mux(stream.encode())
