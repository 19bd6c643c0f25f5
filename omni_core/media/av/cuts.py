"""Where one shot ends and the next begins, from tiny luma pictures, a second behind the decoder.

Three questions are asked of each moment, all of them relative to what surrounds it:

* hard: does one frame differ from the one before far more than its neighbours do, and does the
  picture not come back (a flash)?
* soft: is the picture half a second (or a second) ago another one, and are the frames between a
  blend of both (a dissolve) or black (a fade)? A moving camera fails that.
* still: did a picture that stood still give way to another that stands still (slides, screens)?
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from omni_core.media.av.luma import Look, change

FLOOR = 14.0
RATIO = 3.0
AROUND = 12
"""Frames on either side that a change is compared with."""
AHEAD_S = 1.2
"""How far behind the decoder a moment is judged."""
BEHIND_S = 2.5
NEAR = 3
PEAK = 1.8
"""A cut changes so many times more than the frames next to it, on one side at least."""
APART_S = 0.6
FLASH_S = 0.35

SOFT_FLOOR = 16.0
LAGS_S = (0.5, 1.0)
BLEND = 0.3
"""What a blend may leave unexplained of the difference between both pictures."""

CALM = 1.5
"""Change within REST_S below which a picture stands still."""
REST_S = 0.5
STILL_FLOOR = 5.0
STILL_GAP_S = 2.0


@dataclass(slots=True)
class _Seen:
    t: float
    look: Look
    change: float


class CutDetector:
    """Push frames in order of time; cuts come out once their surroundings are known."""

    def __init__(self, *, sparse: bool = False) -> None:
        """sparse: frames are keyframes, seconds apart, so neighbours say nothing of motion."""
        self._sparse = sparse
        self._seen: list[_Seen] = []
        self._times: list[float] = []
        self._next = 0  # index into _seen of the first frame not yet judged
        self._last = -1e9
        self._rest: _Seen | None = None  # the last picture that stood still
        self.horizon = -1e9
        """No cut will be reported before this second."""

    def push(self, t: float, look: Look) -> list[float]:
        """The cuts that this frame settles, each the second at which the new shot begins."""
        d = change(look, self._seen[-1].look) if self._seen else 0.0
        self._seen.append(_Seen(t, look, d))
        self._times.append(t)
        return self._judge(t)

    def flush(self) -> list[float]:
        """The cuts among the last frames."""
        return self._judge(float("inf"))

    def _judge(self, now: float) -> list[float]:
        cuts = []
        while self._next < len(self._seen):
            here = self._seen[self._next]
            if not self._sparse and now - here.t < AHEAD_S:
                break
            cut = self._sparse_cut() if self._sparse else self._cut()
            if cut is not None and cut - self._last >= APART_S:
                cuts.append(cut)
                self._last = cut
            self._next += 1
            self.horizon = max(self.horizon, here.t - (0 if self._sparse else LAGS_S[-1]))
            if self._next > 4 * AROUND and here.t - self._seen[2 * AROUND].t > BEHIND_S:
                del self._seen[:AROUND], self._times[:AROUND]
                self._next -= AROUND
        return cuts

    def _sparse_cut(self) -> float | None:
        here = self._seen[self._next]
        return here.t if here.change > FLOOR else None

    def _cut(self) -> float | None:
        i = self._next
        here = self._seen[i]
        still = self._still_cut(i)
        if self._is_hard(i):
            return here.t
        if still is not None:
            return still
        for lag in LAGS_S:
            if (soft := self._soft_cut(i, lag)) is not None:
                return soft
        return None

    def _is_hard(self, i: int) -> bool:
        here = self._seen[i]
        if here.change <= FLOOR:
            return False
        low, high = max(1, i - AROUND), min(len(self._seen), i + AROUND + 1)
        near = [self._seen[j].change for j in range(low, high) if j != i]
        if near and here.change <= RATIO * (float(np.median(near)) + 2):
            return False
        if self._is_motion(i):
            return False
        for s in self._seen[i + 1 : self._index(here.t + APART_S) + 1]:
            if s.change > PEAK * here.change:
                return False  # a greater one is at hand, and only one of them can be the cut
        back, on = self._at(here.t - FLASH_S), self._at(here.t + FLASH_S)
        flash = min(change(self._seen[i - 1].look, on.look), change(back.look, here.look))
        return flash > here.change * 0.4

    def _is_motion(self, i: int) -> bool:
        """Whether frames on both sides change nearly as much: something large sweeps past."""
        before = max((s.change for s in self._seen[max(1, i - NEAR) : i]), default=0.0)
        after = max((s.change for s in self._seen[i + 1 : i + 1 + NEAR]), default=0.0)
        return min(before, after) * PEAK > self._seen[i].change

    def _soft_cut(self, i: int, lag: float) -> float | None:
        """The middle of a dissolve or fade that is complete at frame `i`, else None."""
        here = self._seen[i]
        start = self._index(here.t - lag)
        if i - start < 4 or here.t - self._seen[start].t < lag * 0.8:
            return None
        if here.t - lag - self._last < 0:
            return None  # what differs is the cut already found
        before = self._seen[start]
        whole = change(before.look, here.look)
        if whole < SOFT_FLOOR:
            return None
        calm = max(self._motion(start, -lag), self._motion(i, lag))
        if whole < 2 * calm + 4:
            return None
        between = [self._seen[j] for j in range(start + 1, i)]
        if not (_is_blend(before, here, between) or _is_fade(before, here, between)):
            return None
        for s in between:
            if change(s.look, before.look) > whole / 2:
                return s.t
        return here.t

    def _motion(self, i: int, lag: float) -> float:
        """How much the picture changes over `lag` seconds next to frame `i`."""
        other = self._index(self._seen[i].t + lag)
        return change(self._seen[i].look, self._seen[other].look) if other != i else 0.0

    def _still_cut(self, i: int) -> float | None:
        here = self._seen[i]
        if change(here.look, self._at(here.t + REST_S).look) >= CALM:
            return None
        before, self._rest = self._rest, here
        if before is None or here.t - before.t > STILL_GAP_S + REST_S:
            return None
        if before.t < self._last or change(before.look, here.look) < STILL_FLOOR:
            return None
        moved = [s for s in self._seen if before.t < s.t <= here.t]
        return max(moved, key=lambda s: s.change).t if moved else None

    def _index(self, t: float) -> int:
        """The frame shown at second `t`, as an index."""
        return max(0, bisect_right(self._times, t + 1e-6) - 1)

    def _at(self, t: float) -> _Seen:
        return self._seen[self._index(t)]


def _is_blend(a: _Seen, b: _Seen, between: list[_Seen]) -> bool:
    """Whether the frames between are mixtures of both ends, growing from one to the other."""
    first, whole = a.look.thumb.astype(np.float32), b.look.thumb.astype(np.float32) - a.look.thumb
    power = float((whole * whole).sum())
    if power < 1:
        return False
    shares, left = [], []
    for s in between:
        part = s.look.thumb - first
        share = float((part * whole).sum()) / power
        shares.append(share)
        left.append(float(np.abs(part - share * whole).mean()))
    middle = [x for x, share in zip(left, shares, strict=True) if 0.25 < share < 0.75]
    grows = np.mean(np.diff(shares) > -0.02) > 0.85
    return len(middle) >= 2 and bool(grows) and max(middle) < BLEND * float(np.abs(whole).mean())


def _is_fade(a: _Seen, b: _Seen, between: list[_Seen]) -> bool:
    """Whether the picture goes through one flat tone, black as a rule."""
    contrast = min(float(a.look.thumb.std()), float(b.look.thumb.std()))
    return min(float(s.look.thumb.std()) for s in between) < 0.2 * contrast
