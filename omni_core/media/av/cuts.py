"""Shot boundary detection on tiny luma thumbnails, a second behind the decoder.

Three questions are asked of each frame, all of them relative to what surrounds it:

* hard cut: does it differ from the frame before far more than its neighbours do, and does what
  was there before not come back (a flash)?
* gradual: is the frame of half a second (or a second) ago another one, and are those between a
  blend of both (a dissolve) or black (a fade)? A moving camera fails that.
* still: did something that stood still give way to another that stands still (slides, screens)?
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from omni_core.media.av.luma import FrameFeatures, difference

HARD_MIN = 14.0
"""Least difference of a hard cut."""
HARD_RATIO = 3.0
"""A hard cut differs so many times more than its neighbours' median."""
CONTEXT_FRAMES = 12
"""Frames on either side that a difference is compared with."""
DELAY_S = 1.2
"""How far behind the decoder a frame is judged."""
HISTORY_S = 2.5
"""How long frames are kept after that."""
MOTION_FRAMES = 3
PEAK_RATIO = 1.8
"""A cut changes so many times more than the frames next to it, on one side at least."""
MIN_GAP_S = 0.6
"""Between two cuts."""
FLASH_S = 0.35
"""A flash is over after so long."""

SOFT_MIN = 16.0
"""Least difference between both ends of a gradual transition ..."""
SOFT_LAGS_S = (0.5, 1.0)
"""... and how long one is taken to be."""
MAX_BLEND_RESIDUAL = 0.3
"""What a blend may leave unexplained of the difference between both ends."""

STILL_MAX = 1.5
"""Difference within STILL_S below which nothing moves."""
STILL_S = 0.5
STILL_CHANGE_MIN = 5.0
"""Least difference between two frames that stand still, for a cut between them ..."""
STILL_GAP_S = 2.0
"""... and the longest time from one to the other."""


@dataclass(slots=True)
class _Frame:
    t: float
    features: FrameFeatures
    change: float
    """Difference from the frame before."""


class CutDetector:
    """Push frames in order of time; cuts come out once their surroundings are known."""

    def __init__(self, *, sparse: bool = False) -> None:
        """sparse: frames are I-frames, seconds apart, so neighbours say nothing of motion."""
        self._sparse = sparse
        self._frames: list[_Frame] = []
        self._times: list[float] = []
        self._next = 0  # index into _frames of the first frame not yet judged
        self._last = -1e9
        self._rest: _Frame | None = None  # the last that stood still
        self.horizon = -1e9
        """No cut will be reported before this second."""

    def push(self, t: float, features: FrameFeatures) -> list[float]:
        """The cuts that this frame settles, each the second at which the new shot begins."""
        change = difference(features, self._frames[-1].features) if self._frames else 0.0
        self._frames.append(_Frame(t, features, change))
        self._times.append(t)
        return self._judge(t)

    def flush(self) -> list[float]:
        """The cuts among the last frames."""
        return self._judge(float("inf"))

    def _judge(self, now: float) -> list[float]:
        cuts = []
        while self._next < len(self._frames):
            here = self._frames[self._next]
            if not self._sparse and now - here.t < DELAY_S:
                break
            cut = self._sparse_cut() if self._sparse else self._cut()
            if cut is not None and cut - self._last >= MIN_GAP_S:
                cuts.append(cut)
                self._last = cut
            self._next += 1
            self.horizon = max(self.horizon, here.t - (0 if self._sparse else SOFT_LAGS_S[-1]))
            if (
                self._next > 4 * CONTEXT_FRAMES
                and here.t - self._frames[2 * CONTEXT_FRAMES].t > HISTORY_S
            ):
                del self._frames[:CONTEXT_FRAMES], self._times[:CONTEXT_FRAMES]
                self._next -= CONTEXT_FRAMES
        return cuts

    def _sparse_cut(self) -> float | None:
        here = self._frames[self._next]
        return here.t if here.change > HARD_MIN else None

    def _cut(self) -> float | None:
        i = self._next
        here = self._frames[i]
        still = self._still_cut(i)
        if self._is_hard_cut(i):
            return here.t
        if still is not None:
            return still
        for lag in SOFT_LAGS_S:
            if (soft := self._soft_cut(i, lag)) is not None:
                return soft
        return None

    def _is_hard_cut(self, i: int) -> bool:
        here = self._frames[i]
        if here.change <= HARD_MIN:
            return False
        low, high = max(1, i - CONTEXT_FRAMES), min(len(self._frames), i + CONTEXT_FRAMES + 1)
        near = [self._frames[j].change for j in range(low, high) if j != i]
        if near and here.change <= HARD_RATIO * (float(np.median(near)) + 2):
            return False
        if self._is_motion(i):
            return False
        for s in self._frames[i + 1 : self._index(here.t + MIN_GAP_S) + 1]:
            if s.change > PEAK_RATIO * here.change:
                return False  # a greater one is at hand, and only one of them can be the cut
        back, on = self._at(here.t - FLASH_S), self._at(here.t + FLASH_S)
        flash = min(_difference(self._frames[i - 1], on), _difference(back, here))
        return flash > here.change * 0.4

    def _is_motion(self, i: int) -> bool:
        """Whether frames on both sides change nearly as much: something large sweeps past."""
        before = max((s.change for s in self._frames[max(1, i - MOTION_FRAMES) : i]), default=0.0)
        after = max((s.change for s in self._frames[i + 1 : i + 1 + MOTION_FRAMES]), default=0.0)
        return min(before, after) * PEAK_RATIO > self._frames[i].change

    def _soft_cut(self, i: int, lag: float) -> float | None:
        """The middle of a dissolve or fade that is complete at frame `i`, else None."""
        here = self._frames[i]
        start = self._index(here.t - lag)
        if i - start < 4 or here.t - self._frames[start].t < lag * 0.8:
            return None
        if here.t - lag - self._last < 0:
            return None  # what differs is the cut already found
        before = self._frames[start]
        whole = _difference(before, here)
        if whole < SOFT_MIN:
            return None
        calm = max(self._motion(start, -lag), self._motion(i, lag))
        if whole < 2 * calm + 4:
            return None
        between = [self._frames[j] for j in range(start + 1, i)]
        if not (_is_blend(before, here, between) or _is_fade(before, here, between)):
            return None
        for s in between:
            if _difference(s, before) > whole / 2:
                return s.t
        return here.t

    def _motion(self, i: int, lag: float) -> float:
        """How much changes over `lag` seconds next to frame `i`."""
        other = self._index(self._frames[i].t + lag)
        return _difference(self._frames[i], self._frames[other]) if other != i else 0.0

    def _still_cut(self, i: int) -> float | None:
        here = self._frames[i]
        if _difference(here, self._at(here.t + STILL_S)) >= STILL_MAX:
            return None
        before, self._rest = self._rest, here
        if before is None or here.t - before.t > STILL_GAP_S + STILL_S:
            return None
        if before.t < self._last or _difference(before, here) < STILL_CHANGE_MIN:
            return None
        moved = [s for s in self._frames if before.t < s.t <= here.t]
        return max(moved, key=lambda s: s.change).t if moved else None

    def _index(self, t: float) -> int:
        """The frame shown at second `t`, as an index."""
        return max(0, bisect_right(self._times, t + 1e-6) - 1)

    def _at(self, t: float) -> _Frame:
        return self._frames[self._index(t)]


def _difference(a: _Frame, b: _Frame) -> float:
    return difference(a.features, b.features)


def _is_blend(a: _Frame, b: _Frame, between: list[_Frame]) -> bool:
    """Whether the frames between are mixtures of both ends, growing from one to the other."""
    first = a.features.thumbnail.astype(np.float32)
    whole = b.features.thumbnail.astype(np.float32) - first
    power = float((whole * whole).sum())
    if power < 1:
        return False
    shares, left = [], []
    for s in between:
        part = s.features.thumbnail - first
        share = float((part * whole).sum()) / power
        shares.append(share)
        left.append(float(np.abs(part - share * whole).mean()))
    middle = [x for x, share in zip(left, shares, strict=True) if 0.25 < share < 0.75]
    grows = np.mean(np.diff(shares) > -0.02) > 0.85
    return (
        len(middle) >= 2
        and bool(grows)
        and max(middle) < MAX_BLEND_RESIDUAL * float(np.abs(whole).mean())
    )


def _is_fade(a: _Frame, b: _Frame, between: list[_Frame]) -> bool:
    """Whether the frames go through one flat tone, black as a rule."""
    contrast = min(float(a.features.thumbnail.std()), float(b.features.thumbnail.std()))
    return min(float(s.features.thumbnail.std()) for s in between) < 0.2 * contrast
