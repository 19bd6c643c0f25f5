"""Where one shot ends and the next begins, from tiny luma pictures, a second behind the decoder.

A hard cut is a change that stands out of its surroundings: more than `FLOOR`, and more than three
times the median of the frames around it, so that motion and shaking do not count.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from omni_core.media._luma import Thumb, change

FLOOR = 14.0
RATIO = 3.0
AROUND = 12
"""Frames on either side that a change is compared with."""
AHEAD_S = 1.0
APART_S = 0.6


@dataclass(slots=True)
class _Seen:
    t: float
    thumb: Thumb
    change: float


class CutDetector:
    """Push frames in order of time; cuts come out once their surroundings are known."""

    def __init__(self, *, sparse: bool = False) -> None:
        """sparse: frames are keyframes, seconds apart, so neighbours say nothing of motion."""
        self._sparse = sparse
        self._seen: deque[_Seen] = deque(maxlen=2 * AROUND + 1 + 240)
        self._next = 0  # index into _seen of the first frame not yet judged
        self._last = -1e9
        self.horizon = -1e9
        """Everything before this second has been judged."""

    def push(self, t: float, thumb: Thumb) -> list[float]:
        """The cuts that this frame settles, each the second at which the new shot begins."""
        d = change(thumb, self._seen[-1].thumb) if self._seen else 0.0
        if len(self._seen) == self._seen.maxlen:
            self._next -= 1
        self._seen.append(_Seen(t, thumb, d))
        return self._judge(t)

    def flush(self) -> list[float]:
        """The cuts among the last frames."""
        return self._judge(float("inf"))

    def _judge(self, now: float) -> list[float]:
        cuts = []
        while self._next < len(self._seen):
            here = self._seen[self._next]
            behind = len(self._seen) - 1 - self._next
            if not self._sparse and behind < AROUND and now - here.t < AHEAD_S:
                break
            if self._is_cut(self._next) and here.t - self._last >= APART_S:
                cuts.append(here.t)
                self._last = here.t
            self._next += 1
            self.horizon = here.t
        return cuts

    def _is_cut(self, i: int) -> bool:
        d = self._seen[i].change
        if d <= FLOOR:
            return False
        if self._sparse:
            return True
        near = [
            self._seen[j].change
            for j in range(max(1, i - AROUND), min(len(self._seen), i + AROUND + 1))
            if j != i
        ]
        return not near or d > RATIO * (float(np.median(near)) + 2)
