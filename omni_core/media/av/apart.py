"""Whether the two channels of a track are two recordings, told from how their loudness goes.

A broadcast in two languages, a lesson with its translation and two calls in one file have one voice
on each side. Their mean is understood by nobody. The sides of an ordinary recording, music too, are
loud and quiet together, and those of a telephone call speak in turns: both are heard as one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP_S = 0.05
"""Loudness is measured over so many seconds."""
BLOCKS_AHEAD, BLOCKS_BEHIND = 8, 12
"""Blocks of half a second by which one is judged."""
LEAST_STEPS = 40
"""Of sound, by which one is judged."""
FLOOR_DB, QUIETEST_DB, RANGE_DB = -70.0, -50.0, 30.0
"""Lower loudness is taken for the first. A side sounds where it is louder than the second, and no
more than the third below its peak."""
TOGETHER = 0.3
"""Share of the time with sound in which both sides sound, at least."""
ALIKE, GO_TOGETHER = 0.2, 0.35
"""Correlation of the waves and of the loudness within half a second, at most: of one voice that
both sides hear, however loud, it is near 1."""
LIVELY_DB = 4.0
"""Standard deviation of the loudness, at least: speech has pauses."""
SILENT = 1e-6
"""Energy of what is silent."""

Side = NDArray[np.float32]


@dataclass(slots=True)
class _Block:
    """Half a second: samples of both sides of which `scale` is full, and what they have in common
    (`shared`) as against what they could (`full`)."""

    left: Side
    right: Side
    scale: float
    step: int
    full: float
    shared: float
    known: NDArray[np.float32] | None = None

    def loudness(self) -> NDArray[np.float32]:
        """(2, steps): decibels of both sides."""
        if self.known is None:
            steps = self.left.size // self.step
            size = steps * self.step
            pair = np.stack([self.left[:size], self.right[:size]]).reshape(2, steps, self.step)
            power = np.square(pair).mean(axis=2) / self.scale**2 if steps else pair[:, :, 0]
            self.known = 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))
        return self.known


class Sides:
    """Judges blocks of a stereo track one after the other."""

    def __init__(self) -> None:
        self._blocks: deque[_Block] = deque()
        self._full = self._shared = 0.0
        self._are_apart = False

    def push(self, left: Side, right: Side, scale: float, rate: float, shared: float) -> None:
        """Add a block: samples of both sides between -scale and scale, so many a second, and the
        product of both."""
        step = max(1, int(rate * STEP_S))
        if left.size < step:
            return
        full = (float(left @ left) * float(right @ right)) ** 0.5 / scale**2
        block = _Block(left, right, scale, step, full, abs(shared) / scale**2)
        self._blocks.append(block)
        self._full += block.full
        self._shared += block.shared
        if len(self._blocks) > BLOCKS_AHEAD + BLOCKS_BEHIND + 1:
            old = self._blocks.popleft()
            self._full -= old.full
            self._shared -= old.shared

    def are_apart(self) -> bool:
        """Whether the sides are two recordings around the block `BLOCKS_AHEAD` before the newest.
        Once they are, they stay so while nothing shows that they are not."""
        if self._shared > ALIKE * self._full + SILENT:  # of nearly all, at no cost
            self._are_apart = False
            return False
        if self._full < SILENT:
            return self._are_apart
        found = [block.loudness() for block in self._blocks]
        both = np.concatenate(found, axis=1)
        loudest = both.max(axis=1, keepdims=True)
        sounds = both > np.maximum(QUIETEST_DB, loudest - RANGE_DB)
        left, right = both[:, sounds.any(axis=0)]
        if left.size < LEAST_STEPS or sounds.all(axis=0).sum() < TOGETHER * left.size:
            return self._are_apart
        if min(float(left.std()), float(right.std())) < LIVELY_DB:
            self._are_apart = False
            return False
        within = [block - block.mean(axis=1, keepdims=True) for block in found]
        one, other = np.concatenate(within, axis=1)
        going = float(one @ other) / max(1e-12, float((one @ one) * (other @ other)) ** 0.5)
        self._are_apart = going < GO_TOGETHER
        return self._are_apart
