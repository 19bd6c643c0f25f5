"""Gradual transitions: dissolves, by how two frames mix in those between; fades, by lost contrast.

A dissolve is told from movement by three signs, which hold whatever the camera does meanwhile:

* the frames between lie on the straight line from one picture to the other;
* the way along all of them is hardly longer than that line, whereas movement wanders;
* contrast sinks in the middle: the mean of two unrelated pictures has less variance than either,
  and how much less follows from their variances and covariance. Movement keeps its contrast.

All of it runs on the mean-free luma thumbnail, so that flicker and light that changes do not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omni_core.media.av.luma import COLUMNS, ROWS, FrameFeatures

Array = NDArray[np.float32]

STEP_S = 0.08
"""Distance of the moments that are tested as the middle of a dissolve."""
LENGTHS_S = np.array((0.4, 0.7, 1.1, 1.6, 2.2))
"""Assumed lengths of a dissolve."""
REACH_S = float(LENGTHS_S[-1]) / 2
"""How far around a moment frames are compared."""
APART_S = 0.6
"""Within this distance only the clearest moment counts."""
LOOKAHEAD_S = REACH_S + APART_S + 0.05
"""How far after a moment frames have to be known."""
MIN_FRAMES = 4
MIN_CHANGE = 10.0
"""Smallest mean absolute difference of the two pictures, of coarse cells ..."""
MAX_ALIKE = 0.6
"""... and their largest correlation."""
MAX_STEP = 0.55
"""Largest share of the way from one frame to the next: a larger one is a hard cut."""
MAX_DIMMED = 1.5
"""Largest ratio of one frame's contrast to the next one's within a dissolve."""
MIN_SCORE = 0.2
"""Each sign is 0 (movement) to 1 (mixture), and they are multiplied."""

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
OFF_CENTRE = 0.22
"""A dissolve is half done at the tested moment, give or take this share of its length."""
MAX_SUNK = 1.5
"""Contrast that sinks by more than this, 1 being a mixture's, is that of a fade."""

_CELL = 4
_ACROSS = np.kron(np.eye(COLUMNS // _CELL), np.full((_CELL, 1), 1 / _CELL)).astype(np.float32)
_DOWN = np.kron(np.eye(ROWS // _CELL), np.full((1, _CELL), 1 / _CELL)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Mixture:
    """A moment that may be the middle of a dissolve."""

    t: float
    score: float
    """0 to 1."""
    weight: float
    """What is compared among neighbours: the score times the difference of the two pictures."""


class GradualDetector:
    """Remembers frames pushed in order of time; asked about a moment once `LOOKAHEAD_S` more of
    them are known."""

    def __init__(self) -> None:
        self._size = 0
        self._first = 0
        self._tested = -1e9
        self._found: list[Mixture] = []
        self.times = np.zeros(256)
        self._fine = np.zeros((256, ROWS * COLUMNS), np.float32)
        self._coarse = np.zeros((256, (ROWS // _CELL) * (COLUMNS // _CELL)), np.float32)
        self._contrast = np.zeros(256, np.float32)

    def push(self, t: float, features: FrameFeatures) -> None:
        """Add a frame."""
        if self._size == len(self.times):
            self._grow()
        n, self._size = self._size, self._size + 1
        self.times[n] = t
        self._fine[n] = flat = _mean_free(features)
        self._coarse[n] = _cells(flat)
        self._contrast[n] = np.sqrt(np.dot(flat, flat) / flat.size)

    def dissolve(self, after: float, until: float) -> float | None:
        """The middle of a dissolve that lies within (after, until]; None where there is none.

        Frames have to be known `LOOKAHEAD_S` further.
        """
        self._test(until + APART_S)
        here = [m for m in self._found if after < m.t <= until]
        best = max(here, key=lambda m: m.weight, default=None)
        if best is None:
            return None
        if self._fades_near(best.t):
            return None
        near = (m for m in self._found if abs(m.t - best.t) <= APART_S)
        return best.t if best.weight >= max(m.weight for m in near) else None

    def _test(self, until: float) -> None:
        times = self.times[self._first : self._size]
        while True:
            n = int(np.searchsorted(times, self._tested + STEP_S - 1e-6))
            if n == len(times) or times[n] > until:
                return
            self._tested = float(times[n])
            mixture = self.mixture(self._tested)
            if mixture is not None and mixture.score >= MIN_SCORE:
                self._found.append(mixture)

    def forget(self, before: float) -> None:
        """Drop the frames before a second."""
        self._found = [m for m in self._found if m.t >= before]
        self._first = int(np.searchsorted(self.times[: self._size], before))

    def _grow(self) -> None:
        """Move the frames still needed to the front; twice the room where most are."""
        kept = slice(self._first, self._size)
        count = self._size - self._first
        for name in ("times", "_fine", "_coarse", "_contrast"):
            old = getattr(self, name)
            new = (
                old
                if count < len(old) // 2
                else np.zeros((2 * len(old), *old.shape[1:]), old.dtype)
            )
            new[:count] = old[kept].copy()
            setattr(self, name, new)
        self._first, self._size = 0, count

    def _at(self, t: float | NDArray[np.float64]) -> NDArray[np.intp]:
        """Indices of the frames on screen at these seconds."""
        found = np.searchsorted(self.times[self._first : self._size], np.asarray(t) + 1e-6) - 1
        return np.maximum(found, 0) + self._first

    def mixture(self, t: float) -> Mixture | None:
        """How much the frames around a moment look like the middle of a dissolve."""
        a, b = self._at(t - LENGTHS_S / 2), self._at(t + LENGTHS_S / 2)
        left, right = self._coarse[a], self._coarse[b]
        way = right - left
        change = np.abs(way).mean(1)
        power = np.sqrt((left * left).sum(1) * (right * right).sum(1)) + 1
        alike = (left * right).sum(1) / power
        whole = self.times[b] - self.times[a] >= 0.8 * LENGTHS_S
        ends = np.minimum(self._contrast[a], self._contrast[b])
        clear = ends >= FADED * np.maximum(self._contrast[a], self._contrast[b])
        fit = whole & clear & (b - a >= MIN_FRAMES) & (change >= MIN_CHANGE) & (alike < MAX_ALIKE)
        found = [
            m
            for i in np.flatnonzero(fit)
            if (m := self._mixed(t, int(a[i]), int(b[i]), way[i], float(alike[i]))) is not None
        ]
        return max(found, key=lambda m: m.weight, default=None)

    def _mixed(self, t: float, a: int, b: int, way: Array, alike: float) -> Mixture | None:
        dull = FADED * min(self._contrast[a], self._contrast[b])
        shown = a + np.flatnonzero(self._contrast[a : b + 1] >= dull)  # without flashes
        light = self._contrast[shown]
        if len(shown) < MIN_FRAMES or (light[1:] / light[:-1] - 1 / MAX_DIMMED).min() < 0:
            return None  # a lamp goes out
        cells = self._coarse[shown]
        from_left = cells - cells[0]
        shares = from_left @ way / np.dot(way, way)
        if np.diff(shares).max() > MAX_STEP:
            return None
        inner = np.flatnonzero((shares > 0.2) & (shares < 0.8))
        half = int(np.argmax(shares >= 0.5))
        moment = float(self.times[shown[half]] + self.times[shown[half - 1]]) / 2
        length = float(self.times[b] - self.times[a])
        if len(inner) < 2 or abs(moment - t) > OFF_CENTRE * length + STEP_S / 2:
            return None
        near = inner[np.argsort(np.abs(shares[inner] - 0.5))[:3]]
        sunk = self._sunk(a, b, shown[near], np.clip(shares[near], 0, 1))
        if sunk > MAX_SUNK:
            return None
        change = float(np.abs(way).mean())
        mixed = 1 - np.abs(from_left[inner] - shares[inner, None] * way).mean(1).max() / change
        samples = cells[np.linspace(0, len(cells) - 1, 7).round().astype(int)]
        straight = change / max(float(np.abs(np.diff(samples, axis=0)).mean(1).sum()), 0.1)
        steady = max(
            self._alike(int(self._at(self.times[a] - length / 2)), a),
            self._alike(int(self._at(self.times[b] + length / 2)), b),
        )
        signs = (straight, mixed, min(sunk, 1.0), min(1.0, (1 - alike) / 0.8), steady)
        score = float(np.prod(np.maximum(signs, 0)))
        return Mixture(moment, score, score * min(change, 60.0))

    def _alike(self, i: int, j: int) -> float:
        return _correlation(self._coarse[i], self._coarse[j])

    def _sunk(self, a: int, b: int, inner: NDArray[np.intp], k: Array) -> float:
        """1 where contrast of the inner frames is that of a mixture in shares `k`, 0 where it is as
        at both ends, 2 and more in a fade."""
        both = float(np.dot(self._fine[a], self._fine[b])) / self._fine.shape[1]
        first, last = float(self._contrast[a]) ** 2, float(self._contrast[b]) ** 2
        mixed = (1 - k) ** 2 * first + k * k * last + 2 * k * (1 - k) * both
        kept = (1 - k) * first + k * last
        seen = self._contrast[inner] ** 2
        return float(((kept - seen) / np.maximum(kept - mixed, 1)).mean())

    def returns(self, before: float, t: float, after: float) -> bool:
        """Whether a frame shown in [before, t) comes again in [t, after], in other light: after a
        flash, when a lamp goes on. No light changes contrast `MAX_LIGHT` times."""
        i, j, k = int(self._at(before)), int(self._at(t)), int(self._at(after)) + 1
        old, new = self._coarse[i:j], self._coarse[j:k]
        squares, others = (old * old).sum(1), (new * new).sum(1)
        alike = old @ new.T / (np.sqrt(np.outer(squares, others)) + 1)
        ratio = (squares[:, None] + 1) / (others[None, :] + 1)
        lit = np.maximum(ratio, 1 / ratio) <= MAX_LIGHT**2
        return bool(alike.max(initial=-1, where=lit) > MAX_HARD_ALIKE)

    def is_fade(self, t: float) -> bool:
        """Whether the frame on screen at `t` is the darkest (lightest, most even) of a fade."""
        i = int(self._at(t))
        if self._contrast[i] > FADED * MAX_CONTRAST:
            return False
        low, high = int(self._at(t - FADE_REACH_S)), int(self._at(t + FADE_REACH_S))
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
        middle = int(self._at((self.times[first] + self.times[last]) / 2))
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
        low, high = int(self._at(t - 1)), int(self._at(t + 1)) + 1
        light = self._contrast[low:high]
        dark = low + np.flatnonzero(light < FADED * light.max())
        return any(self.is_fade(float(self.times[n])) for n in dark)

    def _is_long_black(self, i: int) -> bool:
        """Whether frame `i` is the first with a second of one even tone on either side."""
        t = float(self.times[i])
        low, high = int(self._at(t - 1)), int(self._at(t + 1))
        if low == self._first or self.times[high] < t + 0.9:
            return False
        even = self._contrast[low : high + 1].max() < MIN_CONTRAST / 2
        return bool(even and self._contrast[low - 1] >= MIN_CONTRAST / 2)


def alike(a: FrameFeatures, b: FrameFeatures) -> float:
    """Correlation of two frames in coarse cells, -1 to 1, whatever the light."""
    return _correlation(_cells(_mean_free(a)), _cells(_mean_free(b)))


def _mean_free(features: FrameFeatures) -> Array:
    flat: Array = features.thumbnail.ravel().astype(np.float32)
    flat -= flat.mean()
    return flat


def _cells(flat: Array) -> Array:
    return (_DOWN @ flat.reshape(ROWS, COLUMNS) @ _ACROSS).ravel().astype(np.float32)


def _correlation(a: Array, b: Array) -> float:
    return float(np.dot(a, b) / (np.sqrt(np.dot(a, a) * np.dot(b, b)) + 1))
