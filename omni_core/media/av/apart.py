"""Whether the two channels of a track are two recordings, told from how their loudness goes.

A broadcast in two languages, a lesson with its translation and two calls in one file have one voice
on each side. Their mean is understood by nobody. The sides of an ordinary recording, music too, are
loud and quiet together, and those of a telephone call speak in turns: both are heard as one.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

STEP_S = 0.05
"""Loudness is measured over so many seconds."""
BLOCKS_AHEAD, BLOCKS_BEHIND = 8, 12
"""Blocks of half a second by which one is judged."""
LEAST_STEPS = 40
"""Of sound, by which one is judged."""
FLOOR_DB, QUIETEST_DB, RANGE_DB = -70.0, -50.0, 30.0
"""A side sounds where it is louder than the second, and no more than the third below its peak."""
TOGETHER = 0.3
"""Share of the time with sound in which both sides sound, at least."""
ALIKE, GO_TOGETHER = 0.2, 0.35
"""Correlation of the waves and of the loudness within half a second, at most: of one voice that
both sides hear, however loud, it is near 1."""
LIVELY_DB = 4.0
"""Standard deviation of the loudness, at least: speech has pauses."""

Side = NDArray[np.float32]


class Sides:
    """Judges blocks of a stereo track one after the other."""

    def __init__(self) -> None:
        self._loudness: deque[NDArray[np.float32]] = deque(maxlen=BLOCKS_AHEAD + BLOCKS_BEHIND + 1)
        self._waves: deque[tuple[float, float]] = deque(maxlen=self._loudness.maxlen)
        self._are_apart = False

    def push(self, left: Side, right: Side, rate: float) -> None:
        """Add a block: samples of both sides between -1 and 1, so many of them a second."""
        step = max(1, int(rate * STEP_S))
        steps = left.size // step
        if not steps:
            return
        pair = np.stack([left[: steps * step], right[: steps * step]]).reshape(2, steps, step)
        power = np.square(pair).mean(axis=2)
        loudness = 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))
        self._loudness.append(loudness.astype(np.float32))
        full = float((left @ left) * (right @ right)) ** 0.5
        self._waves.append((full, abs(float(left @ right))))

    def are_apart(self) -> bool:
        """Whether the sides are two recordings around the block `BLOCKS_AHEAD` before the newest.
        Once they are, they stay so while nothing shows that they are not."""
        if not self._loudness:
            return False
        both = np.concatenate(self._loudness, axis=1)
        loudest = both.max(axis=1, keepdims=True)
        sounds = both > np.maximum(QUIETEST_DB, loudest - RANGE_DB)
        left, right = both[:, sounds.any(axis=0)]
        if left.size < LEAST_STEPS or sounds.all(axis=0).sum() < TOGETHER * left.size:
            return self._are_apart
        if min(float(left.std()), float(right.std())) < LIVELY_DB:
            self._are_apart = False
            return False
        shared = sum(shared for _, shared in self._waves)
        wave = shared / max(1e-12, sum(full for full, _ in self._waves))
        within = [block - block.mean(axis=1, keepdims=True) for block in self._loudness]
        one, other = np.concatenate(within, axis=1)
        going = float(one @ other) / max(1e-12, float((one @ one) * (other @ other)) ** 0.5)
        self._are_apart = wave < ALIKE and going < GO_TOGETHER
        return self._are_apart
