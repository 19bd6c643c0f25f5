"""One pass over a container yields its shots, audio windows and subtitles, in bounded memory.

Decoding dominates the cost: shot detection sees a tiny luma thumbnail of every frame, a few frames
are kept for a second or two, and only selected ones are converted to RGB.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from omni_core.media.av import broken_off
from omni_core.media.av.audio_windows import AudioWindow, AudioWindower
from omni_core.media.av.clock import Clock, rate
from omni_core.media.av.container import (
    packets,
    too_long,
    video_stream,
)
from omni_core.media.av.coverage import LITTLE, Coverage
from omni_core.media.av.fast import FastCutter
from omni_core.media.av.holes import Holes
from omni_core.media.av.last_shown import LastShown
from omni_core.media.av.lost_pictures import LostPictures
from omni_core.media.av.part_file import Part
from omni_core.media.av.pixels import aspect
from omni_core.media.av.prepare import prepare
from omni_core.media.av.resample import Chunk, Resampler
from omni_core.media.av.shots import Shot, ShotCutter
from omni_core.media.av.subtitle_track import SubtitleTrack, text_subtitle_streams, unread_tracks
from omni_core.media.av.tracks import TrackMixer, tracks_of
from omni_core.media.av.unread import Captions, unread
from omni_core.media.av.waiting_shots import WaitingShots
from omni_core.media.guard import unreadable
from omni_core.types import (
    ASIDE,
    Channel,
    CutOptions,
    FileLength,
    FileWarning,
    Limits,
    Segment,
    Source,
    Span,
)

log = logging.getLogger(__name__)

HELD_S = 1.0
"""The last picture counts as shown while the audio goes on for longer than this."""
UNDECODED_S = 0.5
"""Frames at the end that no other one refers to are not decoded, and last no longer than this."""
LATE_S = 5.0
"""Packets this long after the end of a part are on the clock of the part before."""
SAME_S = 1e-6
"""Times of a packet and of its frame are no further apart."""
MAX_DECODE_ERRORS = 300
"""Undecodable packets in a row after which the rest of a stream is skipped."""


class ContainerCutter:
    """Cuts one open container. `run` is the stream of segments."""

    def __init__(
        self,
        path: str,
        container: Any,
        source: Source,
        options: CutOptions,
        limits: Limits,
        part: Part | None = None,
    ) -> None:
        """part: that of the file which the container holds, where it is not the whole."""
        start = part.start if part is not None else 0.0
        self._part = part
        self._latest = start + part.seconds + LATE_S if part is not None else math.inf
        self._path, self._c, self._source = path, container, source
        self._options, self._limits = options, limits
        self._clock = Clock(container, start)
        self._start = start
        self._video = video_stream(container)
        self._tracks = tracks_of(container)
        self._audio = {s.index: n for n, s in enumerate(self._tracks.heard)}
        self._shots = ShotCutter(options, aspect(self._video)) if self._video is not None else None
        self._fast: FastCutter | None = None
        timed = self._video is not None and self._video.start_time is not None
        if options.fast and self._shots is not None and timed:
            self._fast = FastCutter(self._shots, self._video, self._clock, self._frames)
        self._windower = AudioWindower(options)
        alone = len(self._audio) == 1
        self._resamplers = [Resampler(self._clock, apart=alone) for _ in self._audio]
        self._aside = AudioWindower(options)
        self._mixer = TrackMixer(len(self._audio)) if len(self._audio) > 1 else None
        wanted = options.video_audio and self._video is not None and bool(self._audio)
        self._waiting = WaitingShots(with_audio=wanted)
        self._coverage: Coverage | None = None
        self._step = 1 / rate(self._video) if self._video is not None else 0.0
        self._tick = float(self._video.time_base or 0) if self._video is not None else 0.0
        self._frame_count = 0
        self._last_packet, self._last_frame = LastShown(), LastShown()
        self._lost = LostPictures(start)
        self._captions = Captions()
        self._holes = Holes(
            container.format.name, self._clock, path, part, pictures=self._video is not None,
            sound=bool(self._audio),
        )  # fmt: skip
        self._errors: dict[int, int] = {}
        self._given_up: set[int] = set()
        """Streams that cannot be decoded any more."""
        self._decoded = 0
        self.end = 0.0

    def run(self, external: Coverage | None = None) -> Iterator[Segment | FileWarning | FileLength]:
        """Shots, audio windows and windows of the embedded subtitles, of each language.

        external: what an external transcript covers; embedded subtitles are then left out.

        Raises UnreadableError when nothing could be decoded. A truncated file yields what is
        there and, last, a warning.
        """
        written = text_subtitle_streams(self._c) if external is None else []
        said = {s.index: SubtitleTrack(s, self._clock, n) for n, s in enumerate(written)}
        self._coverage = external or next((track.coverage for track in said.values()), None)
        if self._video is not None:
            prepare(self._video)
        if self._tracks.unheard:
            yield FileWarning(f"audio not heard: {', '.join(self._tracks.unheard)}")
        yield from map(FileWarning, unread(self._c))
        if line := unread_tracks(self._c, written):
            yield FileWarning(line)
        streams = (s for s in (self._video, *self._tracks.heard, *written) if s is not None)
        seen = self._video.index if self._video is not None else None
        for packet in packets(self._c, *streams):
            if self._part is not None and (self._clock.packet(packet) or 0.0) > self._latest:
                continue  # of the part before
            index = packet.stream.index  # `stream_index` is 0 in what ends each stream
            if index == seen:
                self._holes.passed(packet, is_picture=True)
                yield from self._decode_video(packet)
            elif (track_heard := self._audio.get(index)) is not None:
                if track_heard == 0:
                    self._holes.passed(packet, is_picture=False)
                yield from self._take(track_heard, self._decode_audio(packet, track_heard))
            elif (track := said.get(index)) is not None:
                yield from self._subtitle_segments(track.push(packet), track.origin)
        if not self._decoded and not (self._fast is not None and self._fast.decoded):
            raise unreadable(self._path)
        read_of = (s for s in (self._video, *self._tracks.heard) if s is not None)
        stated = broken_off.stated_seconds(self._c, self._clock, self._part, read_of)
        if self._shots is not None:
            end = self._start + stated
            in_packets, decoded = self._last_packet.end(end), self._last_frame.end(end)
            after = self._last_packet.second - self._last_frame.second
            if abs(after) < SAME_S and in_packets > self._last_packet.second:
                decoded = in_packets
            elif after >= SAME_S:
                decoded = min(decoded, in_packets)
            self._shots.extend_to(max(in_packets, decoded))
            self._advance_to(self._shots.end if self._fast is not None else decoded)
        for number, resampler in enumerate(self._resamplers):
            yield from self._take(number, resampler.flush())
        for chunk in self._mixer.flush() if self._mixer is not None else ():
            yield from self._take_chunk(chunk)
        yield from self._window_segments(self._windower.flush())
        yield from self._aside_segments(self._aside.flush())
        for track in said.values():
            yield from self._subtitle_segments(track.flush(), track.origin)
        covered = self._coverage.seconds if self._coverage is not None else 0.0
        if self._audio and 0 < covered < LITTLE * (self.end - self._start):
            yield FileWarning(
                f"its subtitles cover {covered:.0f} of {self.end - self._start:.0f} s: speech was "
                "recognised in the rest, and where they speak of something else it is not heard"
            )
        if self._shots is not None:
            yield from self._last_shots(self._shots)
        yield from self._undecoded()
        if self._captions.found and external is None and not said:
            yield FileWarning("closed captions in the pictures are not read")
        read = self.end - self._start
        if line := broken_off.warning(self._path, self._c, self._part, read, stated):
            yield FileWarning(line)
        if self.end > 0:
            yield FileLength(round(self._length(), 3))

    def _undecoded(self) -> Iterator[FileWarning]:
        """Pictures and sound that are in the file and came to nothing."""
        drawn = self._frame_count or (self._fast is not None and self._fast.decoded)
        if self._video is not None and not drawn:
            yield FileWarning(
                f"no picture from second {self._start:.0f} to {self.end:.0f} can be decoded"
            )
        elif lost := self._lost.warning():
            yield FileWarning(lost)
        read = self.end - self._start
        yield from map(FileWarning, self._holes.warnings(read))

    def _length(self) -> float:
        """Seconds until which something is heard or seen; frames that are not decoded, as all but
        key frames in a fast run, are seen for as long as their packets say."""
        shown = self._shots.end if self._shots is not None else 0.0
        return max(self.end, shown if self._options.fast else min(shown, self.end + UNDECODED_S))

    def _last_shots(self, shots: ShotCutter) -> Iterator[Segment]:
        if self.end - shots.end > HELD_S:
            shots.extend_to(self.end)
        yield from self._add(shots.flush() if self._fast is None else self._fast.flush())
        yield from self._segments(self._waiting.ready(everything=True))
        last = shots.last()
        if last is not None:
            yield self._waiting.with_audio(last).segment(self._source)

    def _frames(self, packet: Any) -> list[Any]:
        index = packet.stream.index
        if index in self._given_up:
            self._cannot_decode(packet)
            return []
        try:
            frames: list[Any] = packet.decode()
        except Exception as e:
            log.debug("stream %d: %r", index, e)
            self._errors[index] = self._errors.get(index, 0) + 1
            if self._errors[index] >= MAX_DECODE_ERRORS:
                self._given_up.add(index)
            self._cannot_decode(packet)
            return []
        if frames:
            if self._errors:
                self._errors.pop(index, None)
            self._decoded += len(frames)
            if index not in self._audio:
                self._captions.look(frames)
        return frames

    def _cannot_decode(self, packet: Any) -> None:
        if packet.stream.index in self._audio:
            self._holes.undecoded(packet, self._decoded)

    def _decode_video(self, packet: Any) -> Iterator[Segment]:
        assert self._shots is not None  # noqa: S101 - there is a video stream
        shown = self._clock.packet(packet)
        if shown is not None and not packet.is_discard:  # frames that are not decoded count too
            self._shots.extend_to(shown)
            self._last_packet.note(shown, (packet.duration or 0) * self._tick)
        if self._fast is not None:
            yield from self._add(self._fast.push(packet))
            self._advance_to(self._shots.end)
            return
        if shown is not None and not packet.is_discard:
            self._lost.due(shown)
        for frame in self._frames(packet):
            t = self._clock.frame(frame)
            if t is None:
                t = self._start + self._frame_count * self._step
            self._lost.shown(t)
            self._frame_count += 1
            self._last_frame.note(t, (frame.duration or 0) * self._tick or self._step)
            yield from self._add(self._shots.push(t, frame))
            self._shots.extend_to(t)
            self._advance_to(t)

    def _decode_audio(self, packet: Any, track: int) -> list[Chunk]:
        frames, resampler = self._frames(packet), self._resamplers[track]
        if len(frames) == 1:  # of nearly every packet, of which there are fifty a second
            return resampler.push(frames[0])
        return [chunk for frame in frames for chunk in resampler.push(frame)]

    def _take(self, track: int, chunks: list[Chunk]) -> Iterator[Segment]:
        """Chunks of a track, and what its other channel says meanwhile."""
        for chunk in chunks:
            for mixed in (chunk,) if self._mixer is None else self._mixer.push(track, chunk):
                yield from self._take_chunk(mixed)
        if aside := self._resamplers[track].aside:
            self._resamplers[track].aside = []
            for chunk in aside:
                yield from self._aside_segments(self._aside.push(*chunk))

    def _add(self, shots: Iterable[Shot]) -> Iterator[Segment]:
        yield from self._segments(self._waiting.add(shots))

    def _segments(self, shots: Iterable[Shot]) -> Iterator[Segment]:
        for shot in shots:
            yield shot.segment(self._source)

    def _advance_to(self, t: float) -> None:
        if t > self.end:
            self.end = t
            if t > self._limits.max_duration_s:
                raise too_long(self._path, t, self._limits)

    def _take_chunk(self, chunk: Chunk) -> Iterator[Segment]:
        self._waiting.heard(chunk)
        yield from self._window_segments(self._windower.push(*chunk))
        self._advance_to(self._windower.now)
        yield from self._segments(self._waiting.ready())

    def _window_segments(self, windows: Iterator[AudioWindow]) -> Iterator[Segment]:
        for w in windows:
            if self._aside.now <= w.start:  # both channels are heard as one again
                yield from self._aside_segments(self._aside.flush())
            yield self._sound(w, 0)

    def _aside_segments(self, windows: Iterator[AudioWindow]) -> Iterator[Segment]:
        for w in windows:
            yield self._sound(w, ASIDE)

    def _sound(self, w: AudioWindow, part: int) -> Segment:
        span = Span("second", round(w.start, 3), round(w.end, 3))
        audio = w.audio
        if self._coverage is not None:
            audio = replace(audio, covered=self._coverage.within(w.start, w.end))
        return Segment(
            self._source.id, self._source.modality, Channel.SOUND, span, audio, part=part
        )

    def _subtitle_segments(self, windows: Any, origin: str) -> Iterator[Segment]:
        for w in windows:
            yield w.segment(self._source, origin)
