"""Fades, told by lost contrast, and what is known of frames for other transitions (`mixing`).

All of it runs on the mean-free luma thumbnail, so that flicker and light that changes do not count.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from omni_core.media.av.luma import CELLS, FrameFeatures
from omni_core.media.av.mixing import HALVES, STEP_S, Array, Mixtures

REACH_S = float(HALVES[-1]) * STEP_S
"""How far around its middle a dissolve reaches, at most."""
MIN_CONTRAST = 5.0
"""Standard deviation of luma from which a picture can be told from an even tone ..."""
FADED = 0.25
"""... and the share of the contrast on both sides below which one has faded."""
FADE_REACH_S = 1.2
"""How long a fade takes on either side, at most."""
MAX_CONTRAST = 128.0
"""Half black and half white."""
MAX_FADE_ALIKE = 0.8
"""Largest correlation of the pictures before and after a fade."""
MAX_LIGHT = 3.0
MAX_HARD_ALIKE = 0.85
"""Largest correlation of the frames before and after a hard cut."""
MAX_FLASH_S = 0.35
"""An even tone that comes and goes at once and lasts no longer is a flash."""


class GradualDetector:
    """Remembers frames pushed in order of time; asked about a moment once enough of what
    follows is known."""

    def __init__(self, *, sought: bool = False) -> None:
        """sought: as for `Mixtures`."""
        self._size = 0
        self._first = 0
        self.mixtures = Mixtures(sought=sought)
        self.times = np.zeros(256)
        self._coarse = np.zeros((256, CELLS // 16), np.float32)
        self._contrast = np.zeros(256, np.float32)

    def push(self, t: float, features: FrameFeatures) -> None:
        """Add a frame."""
        if self._size == len(self.times):
            self._grow()
        n, self._size = self._size, self._size + 1
        self.times[n] = t
        self._coarse[n] = features.cells
        self._contrast[n] = features.contrast
        self.mixtures.push(t, features)

    def dissolve(self, after: float, until: float) -> float | None:
        """The middle of a dissolve or a wipe that lies within (after, until]; None where there is
        none. Frames have to be known `mixing.LOOKAHEAD_S` further, or be the last."""
        middle = self.mixtures.middle(after, until)
        return None if middle is None or self._fades_near(middle) else middle

    def forget(self, before: float) -> None:
        """Drop the frames before a second."""
        self._first = int(np.searchsorted(self.times[: self._size], before))

    def _grow(self) -> None:
        """Move the frames still needed to the front; twice the room where most are."""
        kept = slice(self._first, self._size)
        count = self._size - self._first
        for name in ("times", "_coarse", "_contrast"):
            old = getattr(self, name)
            new = (
                old
                if count < len(old) // 2
                else np.zeros((2 * len(old), *old.shape[1:]), old.dtype)
            )
            new[:count] = old[kept].copy()
            setattr(self, name, new)
        self._first, self._size = 0, count

    def _at(self, t: float) -> int:
        """The index of the frame on screen at second `t`."""
        return max(bisect_left(self.times, t + 1e-6, self._first, self._size) - 1, self._first)

    def _alike(self, i: int, j: int) -> float:
        return _correlation(self._coarse[i], self._coarse[j])

    def returns(self, before: float, t: float, after: float) -> bool:
        """Whether a frame shown in [before, t) comes again in [t, after], in other light: after a
        flash, when a lamp goes on. No light changes contrast `MAX_LIGHT` times."""
        i, j, k = self._at(before), self._at(t), self._at(after) + 1
        old, new = self._coarse[i:j], self._coarse[j:k]
        squares, others = (old * old).sum(1), (new * new).sum(1)
        alike = old @ new.T / (np.sqrt(np.outer(squares, others)) + 1)
        ratio = (squares[:, None] + 1) / (others[None, :] + 1)
        lit = np.maximum(ratio, 1 / ratio) <= MAX_LIGHT**2
        return bool(alike.max(initial=-1, where=lit) > MAX_HARD_ALIKE)

    def is_fade(self, t: float) -> bool:
        """Whether the frame on screen at `t` is the darkest (lightest, most even) of a fade."""
        i = self._at(t)
        if self._contrast[i] > FADED * MAX_CONTRAST:
            return False
        low, high = self._at(t - FADE_REACH_S), self._at(t + FADE_REACH_S)
        here = self._contrast[i]
        before, after = self._contrast[low : i + 1], self._contrast[i : high + 1]
        peak = float(min(before.max(), after.max()))
        if peak < MIN_CONTRAST:
            return self._is_long_black(i)
        if here > FADED * peak:
            return False
        even = max(1.3 * float(self._contrast[low : high + 1].min()), 1.5)
        if here > even:
            return False
        first, last = i, i
        while first > low and self._contrast[first - 1] <= even:
            first -= 1
        while last < high and self._contrast[last + 1] <= even:
            last += 1
        middle = self._at((self.times[first] + self.times[last]) / 2)
        if i != middle:
            return False
        left = i - int(np.argmax(before[::-1] >= 0.5 * peak))
        right = i + int(np.argmax(after >= 0.5 * peak))
        if self.times[last] - self.times[first] < MAX_FLASH_S:
            outer = max(first - 1, low), min(last + 1, high)
            old, new = (float(self._contrast[n]) for n in outer)
            sudden = old > 0.7 * before.max() and new > 0.7 * after.max()
            again = self._alike(*outer) > MAX_HARD_ALIKE and min(old, new) > MIN_CONTRAST
            if sudden or again:
                return False  # a flash
        return self._alike(left, right) < MAX_FADE_ALIKE

    def _fades_near(self, t: float) -> bool:
        """Whether a second before or after `t` the picture fades, so that it is a part of that."""
        low, high = self._at(t - 1), self._at(t + 1) + 1
        light = self._contrast[low:high]
        dark = low + np.flatnonzero(light < FADED * light.max())
        return any(self.is_fade(float(self.times[n])) for n in dark)

    def _is_long_black(self, i: int) -> bool:
        """Whether frame `i` is the first with a second of one even tone on either side."""
        t = float(self.times[i])
        low, high = self._at(t - 1), self._at(t + 1)
        if low == self._first or self.times[high] < t + 0.9:
            return False
        even = self._contrast[low : high + 1].max() < MIN_CONTRAST / 2
        return bool(even and self._contrast[low - 1] >= MIN_CONTRAST / 2)


def alike(a: FrameFeatures, b: FrameFeatures) -> float:
    """Correlation of two frames in coarse cells, -1 to 1, whatever the light."""
    return _correlation(a.cells, b.cells)


def _correlation(a: Array, b: Array) -> float:
    return float(np.dot(a, b) / (np.sqrt(np.dot(a, a) * np.dot(b, b)) + 1))
