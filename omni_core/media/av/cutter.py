"""One demux of a film yields its shots, its sound and its own words, in bounded memory.

The loop runs at the cost of decoding: every frame is looked at through a tiny luma picture, a few
are kept for a second or two, and only those that will be shown are converted.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import av

from omni_core.media.av.clock import Clock, rate
from omni_core.media.av.container import film_stream, packets, sound_stream, thread, too_long
from omni_core.media.av.pixels import aspect
from omni_core.media.av.shots import Shot, Shots
from omni_core.media.av.sound import Piece, Resampler, SoundCutter, Tail, Window
from omni_core.media.av.subtitle_track import Track, text_stream
from omni_core.media.guard import unreadable
from omni_core.types import Channel, CutOptions, FileWarning, Limits, Segment, Source, Span

log = logging.getLogger(__name__)

PATIENT_SHOTS = 4
PATIENCE = 300
"""Undecodable packets in a row after which the rest of a stream is given up."""


class FilmCutter:
    """Cuts one open container. `run` is the stream of segments."""

    def __init__(
        self, path: str, container: Any, source: Source, options: CutOptions, limits: Limits
    ) -> None:
        self._path, self._c, self._source = path, container, source
        self._options, self._limits = options, limits
        self._clock = Clock(container)
        self._film = film_stream(container)
        self._sound = sound_stream(container)
        self._shots = Shots(options, aspect(self._film)) if self._film is not None else None
        self._cutter = SoundCutter(options)
        self._resampler = Resampler(self._clock)
        wanted = options.video_audio and self._film is not None and self._sound is not None
        self._tail = Tail() if wanted else None
        self._waiting: deque[Shot] = deque()
        self._step = 1 / rate(self._film) if self._film is not None else 0.0
        self._counted = 0
        self._errors: dict[int, int] = {}
        self._given_up: set[int] = set()
        self._decoded = 0
        self.end = 0.0

    def run(self, *, words: bool = True) -> Iterator[Segment | FileWarning]:
        """Shots, windows of sound and, with `words`, the subtitle track's sentences."""
        streams = [s for s in (self._film, self._sound) if s is not None]
        track = None
        if words and (subtitles := text_stream(self._c)) is not None:
            streams.append(subtitles)
            track = Track(subtitles, self._clock)
        if self._film is not None:
            prepare(self._film)
        for packet in packets(self._c, *streams):
            if packet.stream is self._film:
                yield from self._see(packet)
            elif packet.stream is self._sound:
                yield from self._hear(packet)
            elif track is not None:
                yield from self._speech(track.push(packet), track.origin)
        if not self._decoded:
            raise unreadable(self._path)
        for piece in self._resampler.flush():
            yield from self._sound_piece(piece)
        yield from self._windows(self._cutter.flush())
        if track is not None:
            yield from self._speech(track.flush(), track.origin)
        if self._shots is not None:
            yield from self._show(self._shots.flush())
            yield from self._release(everything=True)
            last = self._shots.last()
            if last is not None:
                yield self._heard(last).segment(self._source)
            if self._ends_early():
                yield FileWarning(
                    f"the file breaks off: {self.end:.1f} of {self._promised_s:.1f} s could be "
                    "read; the rest is missing or damaged"
                )

    def _frames(self, packet: Any) -> list[Any]:
        index = packet.stream_index
        if self._given_up and index in self._given_up:
            return []
        try:
            frames: list[Any] = packet.decode()
        except Exception as e:
            log.debug("stream %d: %r", index, e)
            self._errors[index] = self._errors.get(index, 0) + 1
            if self._errors[index] >= PATIENCE:
                self._given_up.add(index)
            return []
        if frames:
            if self._errors:
                self._errors.pop(index, None)
            self._decoded += len(frames)
        return frames

    def _see(self, packet: Any) -> Iterator[Segment]:
        assert self._shots is not None  # noqa: S101 - there is a film stream
        shown = self._clock.packet(packet)
        if shown is not None and not packet.is_discard:  # skipped frames are shown all the same
            self._shots.reach(shown + float((packet.duration or 0) * packet.time_base))
        if self._options.fast and packet.size and not packet.is_keyframe:
            return
        for frame in self._frames(packet):
            t = self._clock.frame(frame)
            if t is None:
                t = self._counted * self._step
            self._counted += 1
            length = float((frame.duration or 0) * frame.time_base) if frame.time_base else 0.0
            yield from self._show(self._shots.push(t, frame))
            self._shots.reach(t + (length or self._step))
            self._reach(t + (length or self._step))

    def _hear(self, packet: Any) -> Iterator[Segment]:
        for frame in self._frames(packet):
            for piece in self._resampler.push(frame):
                yield from self._sound_piece(piece)

    def _show(self, shots: Iterable[Shot]) -> Iterator[Segment]:
        for shot in shots:
            self._waiting.append(shot)
        yield from self._release()

    def _release(self, *, everything: bool = False) -> Iterator[Segment]:
        """Shots whose sound has come; a badly interleaved file does not hold them back for long."""
        while self._waiting:
            late = self._tail is not None and self._tail.now < self._waiting[0].end
            if late and not everything and len(self._waiting) <= PATIENT_SHOTS:
                return
            yield self._heard(self._waiting.popleft()).segment(self._source)

    def _heard(self, shot: Shot) -> Shot:
        """The shot with its own sound where that is wanted."""
        if self._tail is None:
            return shot
        return replace(shot, film=replace(shot.film, audio=self._tail.take(shot.start, shot.end)))

    def _reach(self, t: float) -> None:
        if t > self.end:
            self.end = t
            if t > self._limits.max_duration_s:
                raise too_long(self._path, t, self._limits)

    def _sound_piece(self, piece: Piece) -> Iterator[Segment]:
        if self._tail is not None:
            self._tail.push(*piece)
        yield from self._windows(self._cutter.push(*piece))
        self._reach(self._cutter.now)
        yield from self._release()

    def _windows(self, windows: Iterator[Window]) -> Iterator[Segment]:
        for w in windows:
            span = Span("second", round(w.start, 3), round(w.end, 3))
            yield Segment(self._source.id, self._source.modality, Channel.SOUND, span, w.sound)

    def _speech(self, windows: Any, origin: str) -> Iterator[Segment]:
        for w in windows:
            yield w.segment(self._source, origin)

    @property
    def _promised_s(self) -> float:
        """The duration that the header states; 0 where it states none."""
        return self._c.duration / av.time_base if self._c.duration else 0.0

    def _ends_early(self) -> bool:
        """Whether the header promises notably more than could be read."""
        return self._promised_s - self.end > max(2.0, 0.05 * self._promised_s)


def prepare(film: Any) -> None:
    """Set a film's decoder to what cutting needs.

    Frames that no other frame refers to are skipped: half the cost of H.264 and HEVC, cuts at
    most one frame late, and better pictures are left.
    """
    thread(film)
    if film.start_time is not None:  # without time stamps frames are counted, so all must come
        film.codec_context.skip_frame = "NONREF"
