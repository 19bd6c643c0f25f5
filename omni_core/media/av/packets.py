"""What the sizes of packets say about a group, an I-frame and the frames up to the next one.

A frame of a new picture costs as many bits as an I-frame, a dissolve or a fade several times those
of the frames around it, and encoders that watch for cuts place I-frames at them, out of their
regular distance. So a cut can often be placed without decoding the group.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_SPIKE = 0.3
"""Size of a frame that may draw a new picture, as a share of the I-frames' ..."""
SURE_SPIKE = 0.5
"""... of one that surely does ..."""
MIN_SPIKE_RATIO = 4.0
"""... and its ratio to the median of the frames around."""
NEAR = 8
"""Frames on either side for that median."""
BUMP_S = 0.2
"""A dissolve costs more for at least this long ..."""
MIN_BUMP_RATIO = 3.0
"""... by this ratio to the group's quiet part ..."""
MIN_BUMP = 0.05
"""... and at least this share of an I-frame for each frame."""
TAIL_S = 0.25
MAX_TAIL = 0.4
"""Largest frame just before an I-frame, as a share of its size, where that may be a cut: much
movement makes encoders place I-frames too."""
MAX_QUIET, MAX_DRAWN = 0.5, 0.1
"""All frames of a group together, and the largest, as a share of an I-frame, with which none can
have drawn a new picture: it begins with the next I-frame."""
SPIKE_GAP_S = 0.6
AFTER_S = 0.7
"""How long after a change frames are decoded to judge it."""
MIN_REGULAR = 3
"""Groups of the longest length seen that make it the regular one."""
MIN_FRAMES = 3
"""Groups with fewer frames between their I-frames are not analysed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with a group whose first picture and the one after it are unlike."""

    until: float | None = None
    """Decode it up to this second; None to decode nothing."""
    cuts: tuple[float, ...] = ()
    """Seconds of cuts that need no decoding."""
    guess: tuple[float, ...] = ()
    """Where cuts probably lie, for when decoding would cost too much."""


class GroupJudge:
    """Plans for the groups of one video, in order."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._seen = 0  # groups of that length

    def plan(self, sizes: Sequence[tuple[float, int]], start: tuple[float, int],
             end: tuple[float, int] | None, *, reordered: bool,
             inner: Sequence[float] = ()) -> Plan:  # fmt: skip
        """sizes: (second, bytes) of the frames between two I-frames, in order of time; start and
        end: the same of those two, None for the end of the video. reordered: with B-frames.
        inner: seconds of further I-frames between the two."""
        stop = end[0] if end is not None else (sizes[-1][0] if sizes else start[0])
        length = stop - (inner[-1] if inner else start[0])
        if len(sizes) < MIN_FRAMES:
            return Plan(None, (stop,) if end is not None else ())
        times, size = np.array([t for t, _ in sizes]), np.array([n for _, n in sizes], float)
        step = float(np.median(np.diff(times)))
        late = step if reordered else 0.0  # what is shown before a P-frame may follow the cut
        unlike = self._longest - length > 1.5 * step
        settled = self._seen >= MIN_REGULAR
        key = (start[1] + (end or start)[1]) / 2
        usual = _medians(size)
        keys = itertools.pairwise((start[0], *inner))
        due = [t for before, t in keys if self.due(t - before, step)]
        size = np.where(np.isin(times, due), usual, size)  # of no new picture
        spikes = _apart(times, (size > MIN_SPIKE * key) & (size > MIN_SPIKE_RATIO * usual))
        bump = _bump(np.minimum(size, MIN_SPIKE_RATIO * usual), step, key)
        tail = size[-max(1, round(TAIL_S / step)) :].max() / (end or start)[1]
        at_end = (stop,) if end is not None and unlike and tail < MAX_TAIL else ()
        if len(spikes) == 1 and bump is None and not unlike and settled:
            n = spikes[0]
            if size[n] > SURE_SPIKE * key:
                return Plan(None, (float(times[n]) - late,))
        if not spikes and bump is None:
            drawn = size.max() > MAX_DRAWN * key
            if end is not None and size.sum() < MAX_QUIET * key and not drawn:
                return Plan(None, (stop,))
            if at_end or end is None:
                return Plan(None, at_end)
            return Plan(stop, (), (_dearest(times, size, step),))
        guess = tuple(float(times[n]) - late for n in spikes)
        if bump is not None and not spikes:
            guess = (float(times[bump].mean()),)
        changed = spikes if bump is None else [*spikes, int(bump[-1])]
        until = float(times[max(changed)]) + AFTER_S
        if until > stop - TAIL_S or (unlike and not at_end):
            return Plan(stop, (), guess + at_end)
        return Plan(until, at_end, guess + at_end)

    def due(self, length: float, step: float = 0.04) -> bool:
        """Whether an I-frame so long after the one before has come by its regular distance."""
        return self._seen >= MIN_REGULAR and length >= self._longest - 1.5 * step

    def note(self, length: float) -> None:
        """Remember the distance of two I-frames that follow each other."""
        if length > self._longest + 0.02:
            self._longest, self._seen = length, 0
        self._seen += abs(length - self._longest) <= 0.02


def _medians(size: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = np.pad(size, NEAR, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEAR + 1)
    return np.asarray(np.median(around, axis=1))


def _apart(times: NDArray[np.float64], marked: NDArray[np.bool_]) -> list[int]:
    """Indices of the marked frames that do not follow another one closely."""
    found: list[int] = []
    for n in np.flatnonzero(marked):
        if not found or times[n] - times[found[-1]] > SPIKE_GAP_S:
            found.append(int(n))
    return found


def _bump(size: NDArray[np.float64], step: float, key: float) -> NDArray[np.intp] | None:
    """Indices of the frames in stretches that cost more than the rest; None without."""
    width = min(max(1, round(BUMP_S / step)), len(size))
    smooth = np.convolve(size, np.full(width, 1 / width), "same")
    quiet = float(np.percentile(smooth, 40))
    high = np.flatnonzero((smooth > MIN_BUMP_RATIO * quiet) & (smooth > MIN_BUMP * key))
    return high if len(high) else None


def _dearest(times: NDArray[np.float64], size: NDArray[np.float64], step: float) -> float:
    """The second around which frames cost most."""
    width = min(max(1, round(BUMP_S / step)), len(size))
    smooth = np.convolve(size, np.full(width, 1 / width), "same")
    return float(times[int(smooth.argmax())])
