"""Frames to shots: cuts that are too close together are ignored, long shots are split."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from omni_core.media.av.cuts import CutDetector
from omni_core.media.av.keyframes import KeyframeSelector
from omni_core.media.av.luma import Luma, features_of, luma, sampled
from omni_core.types import Channel, CutOptions, Modality, Segment, Source, Span, VideoContent

AT_ONCE = 8
"""Frames that are looked at in one go: between two of them the decoder turns over the whole cache,
and this code with it."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A finished shot: [start, end) seconds, and its keyframes."""

    start: float
    end: float
    video: VideoContent
    key_time: float
    """Second of its keyframe."""

    def segment(self, source: Source) -> Segment:
        """The shot as a segment; `extra["key_time"]` is the second of its keyframe."""
        extra = {"key_time": round(self.key_time, 3)}
        span = Span("second", round(self.start, 3), round(self.end, 3))
        return Segment(source.id, Modality.VIDEO, Channel.VISUAL, span, self.video, extra=extra)


class ShotCutter:
    """Groups frames, pushed in order of time, into shots; each is yielded once its end is known."""

    def __init__(self, options: CutOptions, pixel_aspect: float) -> None:
        self._options = options
        self._detector = CutDetector(sought=self._options.fast)
        self._keyframes = KeyframeSelector(options, pixel_aspect)
        self._new: list[tuple[float, Luma]] = []
        self._start: float | None = None
        self._pending: float | None = None  # a cut that waits for its shot to be long enough
        self._shown: VideoContent | None = None  # of the shot before
        self._t = -math.inf
        self._skipped_to = -math.inf
        self._end = 0.0

    def extend_to(self, t: float) -> None:
        """Note that the video lasts until `t` at least."""
        self._end = max(self._end, t)

    @property
    def end(self) -> float:
        """The second until which the video lasts, as far as is known."""
        return self._end

    def push(self, t: float, frame: Any) -> Iterator[Shot]:
        """Add the frame shown from second `t` on; yields the shots that this completes."""
        if t <= self._t:
            return
        self._offer(t, frame)
        if len(self._new) >= AT_ONCE:
            for cut in self._look():
                yield from self._cut(cut)
        yield from self._settle(t)

    def skip_to(self, t: float, frame: Any, cuts: Sequence[float] = ()) -> Iterator[Shot]:
        """Add a frame after a stretch of which no frames were pushed, and the cuts in it."""
        if t <= self._t:
            return
        for cut in (*self._look(), *self._detector.flush()):
            yield from self._cut(cut)
        self._detector = CutDetector(sought=self._options.fast)
        self._offer(t, frame)
        self._skipped_to = t
        for cut in cuts:
            yield from self._cut(cut)
        yield from self._settle(t)

    def _offer(self, t: float, frame: Any) -> None:
        if self._start is None:
            self._start = t
        self._t = t
        rows = luma(frame)
        self._new.append((t, sampled(rows)))
        self._keyframes.offer(t, frame, rows)

    def _look(self) -> list[float]:
        """The cuts that can be decided after the new frames."""
        if not self._new:
            return []
        times = [t for t, _ in self._new]
        seen = [*zip(times, features_of([some for _, some in self._new]), strict=True)]
        self._new.clear()
        self._keyframes.judge(seen)
        return self._detector.push(seen)

    def flush(self) -> Iterator[Shot]:
        """The remaining shots but the last; none when no frame could be read."""
        if self._start is None:
            return
        for cut in (*self._look(), *self._detector.flush()):
            yield from self._cut(cut)
        yield from self._settle(self._end)

    def last(self) -> Shot | None:
        """The last shot; None when no frame could be read."""
        return self._close(self._end) if self._start is not None else None

    def _cut(self, cut: float) -> Iterator[Shot]:
        assert self._start is not None  # noqa: S101 - a cut has frames before it
        yield from self._settle(cut)
        if self._pending is None and cut - self._start >= self._options.shot_min_s:
            self._pending = cut

    def _settle(self, now: float) -> Iterator[Shot]:
        """Close the shot at the pending cut once the next is long enough; split too long ones.

        now: up to where the cuts have been given to `_cut`.
        """
        assert self._start is not None  # noqa: S101 - frames came
        known = min(self._horizon, now)
        if self._pending is not None:
            if now - self._pending >= self._options.shot_min_s:
                shot = self._close(self._pending) or self._held(self._pending)
                if shot is not None:
                    yield shot
                self._start, self._pending = self._pending, None
        elif known - self._start > self._options.shot_max_s:
            shot = self._close(self._start + self._options.shot_max_s * 2 / 3)
            if shot is not None:
                yield shot
        if self._pending is None:
            self._keyframes.accept(known)

    @property
    def _horizon(self) -> float:
        """No cut will be found before this second."""
        return max(self._detector.horizon, self._skipped_to)

    def _close(self, end: float) -> Shot | None:
        assert self._start is not None  # noqa: S101 - frames came
        made = self._keyframes.take(end)
        if made is None:
            return None
        shot = Shot(self._start, end, *made)
        self._start, self._shown = end, shot.video
        return shot

    def _held(self, end: float) -> Shot | None:
        """The picture with which the shot before ended, where no other came until `end`."""
        assert self._start is not None  # noqa: S101 - frames came
        if self._shown is None:
            return None
        times = (round(self._start, 4),)
        video = replace(self._shown, frames=self._shown.frames[-1:], times=times)
        return Shot(self._start, end, video, self._start)
