"""Shot boundary detection on tiny luma thumbnails, about three seconds behind the decoder.

Tests for each frame, all relative to its neighbours and in seconds:

* hard cut: it differs from the previous frame far more than neighbouring frames do, and the
  earlier image does not return at once (a flash).
* gradual transition: it is the middle of a dissolve or a wipe (`mixing`), or the darkest frame
  of a fade (`gradual`).
* still: one static image is followed by another (slides, screen recordings).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from omni_core.media.av.gradual import FADE_REACH_S, REACH_S, GradualDetector
from omni_core.media.av.luma import FrameFeatures, difference, differences
from omni_core.media.av.mixing import LOOKAHEAD_S

MIN_HARD_DIFFERENCE = 14.0
"""Difference from the previous frame from which a frame may be a hard cut."""
MIN_HARD_RATIO = 3.0
"""Ratio of a hard cut's difference to the median of its neighbours'."""
CONTEXT_FRAMES = 12
"""Frames on either side whose differences give that median."""
DELAY_S = LOOKAHEAD_S
"""Delay behind the decoder with which a frame is tested."""
HISTORY_S = 2.5
"""How long frames are kept after that."""
MOTION_FRAMES = 3
MIN_PEAK_RATIO = 1.8
"""Ratio of a cut's difference to that of the frames next to it, on at least one side."""
MIN_CUT_GAP_S = 0.6
"""Minimum distance of two cuts."""
MAX_FLASH_S = 0.35
"""A flash lasts no longer."""

RETURN_S = 1.0
"""A still picture that follows another may be noticed this long after the change."""

MAX_STILL_DIFFERENCE = 1.5
"""Difference over `STILL_S` below which a frame counts as static."""
STILL_S = 0.5
MIN_STILL_CHANGE = 5.0
"""Minimum difference between two static frames for a cut between them ..."""
MIN_RARE_CHANGE = 0.8
"""... or between two frames that follow each other after two seconds or more: slides with other
words on the same ground differ by 1 to 5, a frame that is repeated by 0."""
MAX_STILL_GAP_S = 2.0
"""... and the longest time between them."""


@dataclass(slots=True)
class _Frame:
    t: float
    features: FrameFeatures
    change: float
    """Difference from the previous frame."""


class CutDetector:
    """Push frames in order of time; a cut is reported once the following frames are known."""

    def __init__(self, *, sought: bool = False) -> None:
        """sought: the frames are of a stretch in which a change is known to be."""
        self._frames: list[_Frame] = []
        self._times: list[float] = []
        self._next = 0  # index into _frames of the first frame not yet judged
        self._last_cut = -1e9
        self._last_still: _Frame | None = None  # the last static frame
        self._still_from = -1e9  # until here a picture may still be that of a transition
        self._gradual = GradualDetector(sought=sought)
        self.horizon = -1e9
        """No cut will be reported before this second."""

    def push(self, frames: Sequence[tuple[float, FrameFeatures]]) -> list[float]:
        """The cuts that can be decided after these frames, each the second at which the new shot
        begins."""
        self._add(frames)
        return self._judge(frames[-1][0])

    def flush(self) -> list[float]:
        """The cuts among the last frames."""
        return self._judge(float("inf"))

    def _add(self, frames: Sequence[tuple[float, FrameFeatures]]) -> None:
        known = [self._frames[-1].features] if self._frames else [frames[0][1]]
        seen = [features for _, features in frames]
        changes = differences(seen, [*known, *seen[:-1]])
        for (t, features), change in zip(frames, changes, strict=True):
            self._frames.append(_Frame(t, features, change))
            self._times.append(t)
            self._gradual.push(t, features)

    def _judge(self, now: float) -> list[float]:
        last = bisect_right(self._times, now - DELAY_S)
        if last <= self._next:
            return []
        due = self._frames[self._next : last]
        later = [self._at(here.t + STILL_S).features for here in due]
        moving = differences([here.features for here in due], later)
        cuts = []
        for here, moved in zip(due, moving, strict=True):
            cut = self._cut(is_static=moved < MAX_STILL_DIFFERENCE)
            if cut is not None and cut - self._last_cut >= MIN_CUT_GAP_S:
                cuts.append(cut)
                self._last_cut = cut
            self._next += 1
            self.horizon = max(self.horizon, here.t - RETURN_S)
        self._forget()
        return cuts

    def _forget(self) -> None:
        here = self._frames[self._next - 1]
        gone = 0
        while (
            self._next - 1 - gone > 4 * CONTEXT_FRAMES
            and here.t - self._frames[gone + 2 * CONTEXT_FRAMES].t > HISTORY_S
        ):
            gone += CONTEXT_FRAMES
        if gone:
            del self._frames[:gone], self._times[:gone]
            self._next -= gone
            self._gradual.forget(here.t - max(REACH_S, FADE_REACH_S) - 1)

    def _cut(self, *, is_static: bool) -> float | None:
        i = self._next
        here = self._frames[i]
        still = self._still_cut(i) if is_static else None
        if self._is_hard_cut(i):
            return here.t
        if still is not None:
            return still
        soft: float | None = here.t
        if not self._gradual.is_fade(here.t):
            soft = self._gradual.dissolve(self._frames[i - 1].t if i else here.t, here.t)
            if soft is not None and self._hard_cut_follows(i):
                soft = None
        if soft is not None:
            self._still_from = soft + REACH_S
        return soft

    def _hard_cut_follows(self, i: int) -> bool:
        """Whether a cut so close after frame `i` that only one can be reported is a hard one."""
        end = self._index(self._frames[i].t + MIN_CUT_GAP_S) + 1
        return any(self._is_hard_cut(j) for j in range(i + 1, end))

    def _is_hard_cut(self, i: int) -> bool:
        here = self._frames[i]
        if here.change <= MIN_HARD_DIFFERENCE:
            return False
        low, high = max(1, i - CONTEXT_FRAMES), min(len(self._frames), i + CONTEXT_FRAMES + 1)
        near = [self._frames[j].change for j in range(low, high) if j != i]
        if near and here.change <= MIN_HARD_RATIO * (median(near) + 2):
            return False
        if self._is_motion(i):
            return False
        for s in self._frames[i + 1 : self._index(here.t + MIN_CUT_GAP_S) + 1]:
            if s.change > MIN_PEAK_RATIO * here.change:
                return False  # a greater change is near, and only one of them can be the cut
        back, on = self._at(here.t - MAX_FLASH_S), self._at(here.t + MAX_FLASH_S)
        flash = min(_difference(self._frames[i - 1], on), _difference(back, here))
        if flash <= here.change * 0.4:
            return False
        return not self._gradual.returns(here.t - MAX_FLASH_S, here.t, here.t + MAX_FLASH_S)

    def _is_motion(self, i: int) -> bool:
        """Whether frames on both sides change nearly as much: a large moving object."""
        before = max((s.change for s in self._frames[max(1, i - MOTION_FRAMES) : i]), default=0.0)
        after = max((s.change for s in self._frames[i + 1 : i + 1 + MOTION_FRAMES]), default=0.0)
        return min(before, after) * MIN_PEAK_RATIO > self._frames[i].change

    def _still_cut(self, i: int) -> float | None:
        here = self._frames[i]
        before, self._last_still = self._last_still, here
        if before is None or before.t < max(self._last_cut, self._still_from):
            return None
        moved = [s for s in self._frames if before.t < s.t <= here.t]
        # `before` is on screen until the next frame, which may be seconds later
        if not moved or here.t - moved[0].t > MAX_STILL_GAP_S + STILL_S:
            return None
        rare = here.t - moved[0].t < 1e-6 and here.t - before.t >= MAX_STILL_GAP_S
        if _difference(before, here) < (MIN_RARE_CHANGE if rare else MIN_STILL_CHANGE):
            return None
        return max(moved, key=lambda s: s.change).t

    def _index(self, t: float) -> int:
        """Index of the frame on screen at second `t`."""
        return max(0, bisect_right(self._times, t + 1e-6) - 1)

    def _at(self, t: float) -> _Frame:
        return self._frames[self._index(t)]


def _difference(a: _Frame, b: _Frame) -> float:
    return difference(a.features, b.features)
