"""Dissolves and wipes: moments at which one picture turns into another, told from movement.

A moment is tested as the middle of a transition of several lengths, each by the signs of `SIGNS`.
Most of them hold whatever the camera does meanwhile: where two pictures are mixed, contrast and
detail sink below those of both, and the tones lie off the straight line between theirs. Boosted
trees (`trees`), trained on films with known transitions by `bench/soft_training.py`, weigh them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from omni_core.media.av.luma import CELLS, FrameFeatures
from omni_core.media.av.trees import Trees

Array = NDArray[np.float32]
Rows = NDArray[np.intp]

STEP_S = 0.08
"""Distance of the moments; what is on screen then stands for the time until the next one."""
HALVES = np.array((2, 3, 5, 7, 10, 13))
"""Assumed halves of a transition's length, in steps: 0.3 to 2.1 s."""
BESIDE = 6
"""Steps before and after it that are looked at, at most."""
AHEAD = int(HALVES[-1]) + BESIDE
"""Steps that have to be known after a moment."""
APART = 7
"""Within so many steps only the clearest moment counts."""
BATCH = 12
"""Moments tested at a time."""
LOOKAHEAD_S = (AHEAD + APART + BATCH + 2) * STEP_S
"""How far after a moment frames have to be known before one asks about it."""
MIN_FRAMES = 4
"""Fewer frames than this in a transition's length do not show one."""
MIN_CHANGE = 4.0
"""Smallest mean absolute difference of the coarse cells of two pictures that are tested."""
NONE = -4.0
"""Score of a moment that need not be tested."""
SOUGHT = 1.0
"""Log of the odds by which a transition is likelier where a change is known to be."""
MAX_HELD = 32
"""Steps that a picture which stays on screen fills at most: more would show nothing else."""
CAPACITY, KEPT = 512, 160

SIGNS = (
    "length", "alike", "path", "off_line", "largest_step", "tones", "tone_path", "tone_share",
    "tones_off_line", "detail", "least_detail", "contrast", "contrast_ratio", "steady", "sunk",
    "light",
)  # fmt: skip
"""Columns of `signs`: seconds; correlation of both ends; how much longer than the straight line
the way of the coarse cells is, how far they lie off it, and the largest step, as shares of it;
difference of the tones (0 to 2), the length of their way as a ratio to it, where on it the middle
lies, and how far off it; detail in the middle as a share of both ends' mean and, the least, of
the lesser; contrast in the middle as a share of both ends' mean, and the logarithm of the ends'
ratio; correlation of an end with what is beside it, of the steadier one; how much contrast sinks,
1 being a mixture's; the difference of the mean luma."""


class Mixtures:
    """Remembers what is on screen, step by step; gives the middles of dissolves and wipes."""

    def __init__(self, *, sought: bool = False) -> None:
        """sought: what is pushed is known to hold a change (in fast mode)."""
        self._least = Trees.ours().least - (SOUGHT if sought else 0.0)
        self.size = self._tested = self._decided = 0
        self._shown: FrameFeatures | None = None
        self._frame = 0
        self._now = 0.0
        self.times = np.zeros(CAPACITY)
        self._cells = np.zeros((CAPACITY, CELLS // 16), np.float32)
        self._tones = np.zeros((CAPACITY, 32), np.float32)
        self._values = np.zeros((4, CAPACITY), np.float32)
        self._frames = np.zeros(CAPACITY, np.intp)
        self._scores = np.full(CAPACITY, NONE)
        self.found: list[float] = []
        """Middles, in order of time."""

    def push(self, t: float, seen: FrameFeatures) -> None:
        """Add a frame."""
        if self._shown is None:
            self._now = t
        for _ in range(MAX_HELD):
            if self._now >= t - 1e-6:
                break
            self._step()
        if t - self._now > STEP_S:
            self._now = t
        self._shown = seen
        self._frame += 1

    def _step(self) -> None:
        assert self._shown is not None  # noqa: S101 - a step follows a frame
        if self.size == CAPACITY:
            self._forget()
        seen, cells = self._shown, self._shown.cells
        n = self.size
        self.times[n], self._frames[n] = self._now, self._frame
        self._cells[n] = cells
        if n and self._frames[n - 1] == self._frame:
            self._tones[n], self._values[:, n] = self._tones[n - 1], self._values[:, n - 1]
            self._values[3, n] = 0.0
        else:
            self._tones[n] = seen.tones
            moved = float(np.abs(cells - self._cells[n - 1]).sum()) / cells.size if n else 0.0
            self._values[:, n] = seen.contrast, seen.detail, seen.mean, moved
        self._scores[n] = NONE
        self.size += 1
        self._now += STEP_S

    def _forget(self) -> None:
        gone = CAPACITY - KEPT
        for values in (self.times, self._cells, self._tones, self._frames, self._scores):
            values[:KEPT] = values[gone:].copy()
        self._values[:, :KEPT] = self._values[:, gone:].copy()
        self.size = KEPT
        self._tested, self._decided = max(0, self._tested - gone), max(0, self._decided - gone)
        self.found = [t for t in self.found if t >= self.times[0]]

    def middle(self, after: float, until: float) -> float | None:
        """The middle that lies within (after, until]; None where there is none.

        Frames have to be known `LOOKAHEAD_S` further, or be the last.
        """
        while self._decided < self.size and self.times[self._decided] <= until:
            self._test()
        return next((t for t in self.found if after < t <= until), None)

    def _test(self) -> None:
        """Test the next moments; decide those around which all are tested."""
        end = min(self._tested + BATCH, self.size - AHEAD)
        last = end <= self._tested  # no more frames will come
        if last:
            if self._shown is not None and self._frames[self.size - 1] != self._frame:
                self._step()
            end = self.size
        moments = np.arange(self._tested, end)
        if len(moments):
            self._scores[moments] = self._score(moments)
        self._tested = end
        stop = end if last else max(self._decided, end - APART - 1)
        low = max(0, self._decided - APART - 1)
        smooth = np.convolve(self._scores[low:end], (0.25, 0.5, 0.25), "same")
        for n in np.flatnonzero(smooth[: stop - low] > self._least):
            if (
                n >= self._decided - low
                and smooth[n] >= smooth[max(0, n - APART) : n + APART + 1].max()
            ):
                self.found.append(float(self.times[low + n]))
        self._decided = stop

    def candidates(self, moments: Rows) -> tuple[Rows, Rows]:
        """The moments that may be the middle of a transition, and half its length in steps."""
        middle, half = (g.ravel() for g in np.meshgrid(moments, HALVES, indexing="ij"))
        whole = (middle >= half) & (middle + half < self.size)
        middle, half = middle[whole], half[whole]
        first, last = middle - half, middle + half
        change = np.abs(self._cells[last] - self._cells[first]).mean(1)
        fit = (self._frames[last] - self._frames[first] >= MIN_FRAMES) & (change >= MIN_CHANGE)
        return middle[fit], half[fit]

    def _score(self, moments: Rows) -> NDArray[np.float64]:
        best = np.full(len(moments), NONE)
        middle, half = self.candidates(moments)
        if len(middle):
            scores = Trees.ours().score(self.signs(middle, half))
            np.maximum.at(best, middle - moments[0], scores)
        return best

    def signs(self, middle: Rows, half: Rows) -> Array:
        """(n, len(SIGNS)): the signs of moments, given as numbers of steps."""
        top = self.size - 1
        cells, tones = self._cells, self._tones
        contrast, detail, light, moved = self._values
        a, b = middle - half, middle + half
        beside = np.clip(half, 3, BESIDE)
        seven = np.rint(a[:, None] + 2 * half[:, None] * np.arange(7) / 6).astype(np.intp)

        first, last, seen = cells[a], cells[b], cells[seven]
        way = last - first
        change = np.abs(way).mean(1) + 0.1
        shares = np.einsum("nsc,nc->ns", seen[:, 2:5] - first[:, None], way)
        shares /= (way * way).sum(1)[:, None] + 1
        off = np.abs(seen[:, 2:5] - first[:, None] - shares[..., None] * way[:, None]).mean(2)
        inside = np.arange(1, 2 * HALVES[-1] + 1)
        steps = moved[np.minimum(a[:, None] + inside, top)]
        steps[inside > 2 * half[:, None]] = 0

        before = (tones[a] + tones[np.maximum(a - 1, 0)] + tones[np.maximum(a - 2, 0)]) / 3
        after = (tones[b] + tones[np.minimum(b + 1, top)] + tones[np.minimum(b + 2, top)]) / 3
        turned = after - before
        here = tones[middle] - before
        share = (here * turned).sum(1) / ((turned * turned).sum(1) + 1e-4)
        differ = np.abs(turned).sum(1)
        travelled = np.abs(np.diff(tones[seven], axis=1)).sum((1, 2))

        sharp = (detail[a] + detail[np.maximum(a - 2, 0)]) / 2
        sharp_after = (detail[b] + detail[np.minimum(b + 2, top)]) / 2
        mean_sharp = np.maximum((sharp + sharp_after) / 2, 0.5)
        least = detail[seven[:, 2:5]].min(1) / np.maximum(np.minimum(sharp, sharp_after), 0.3)
        mean_contrast = np.maximum((contrast[a] + contrast[b]) / 2, 0.5)
        steady = np.maximum(
            _correlations(cells[np.maximum(a - beside, 0)], first),
            _correlations(cells[np.minimum(b + beside, top)], last),
        )
        columns = (
            2 * STEP_S * half,
            _correlations(first, last),
            np.abs(np.diff(seen, axis=1)).mean(2).sum(1) / change,
            off.max(1) / change,
            steps.max(1) / change,
            differ,
            travelled / (differ + 0.1),
            share,
            np.abs(here - share[:, None] * turned).sum(1),
            detail[middle] / mean_sharp,
            least,
            contrast[middle] / mean_contrast,
            np.abs(np.log((contrast[a] + 0.3) / (contrast[b] + 0.3))),
            steady,
            _sunk(first, last, cells[middle], np.clip(shares[:, 1], 0, 1)),
            np.abs(light[a] - light[b]),
        )
        return np.stack(columns, 1).astype(np.float32)


def _correlations(a: Array, b: Array) -> Array:
    power = np.sqrt((a * a).sum(1) * (b * b).sum(1)) + 1
    return np.asarray((a * b).sum(1) / power)


def _sunk(first: Array, last: Array, here: Array, share: Array) -> Array:
    """1 where contrast is that of a mixture in these shares, 0 where it is as at both ends."""
    a, b = (first * first).mean(1), (last * last).mean(1)
    mixed = (1 - share) ** 2 * a + share**2 * b
    mixed += 2 * share * (1 - share) * (first * last).mean(1)
    kept = (1 - share) * a + share * b
    sunk = (kept - (here * here).mean(1)) / np.maximum(kept - mixed, 1)
    return np.asarray(np.clip(sunk, -3, 3))
