"""Whether two frames show one scene before and after the camera has moved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from omni_core.media.av.luma import COLUMNS, ROWS, FrameFeatures

MIN_SHARED = 0.35
"""Least share of the picture that both have to show."""
MIN_VARIANCE = 4.0
"""Of the luma of what both show: an even sky fits anything."""

_SIZE = (2 * ROWS, 2 * COLUMNS)
Plane = NDArray[np.floating]


def _transformed(plane: Plane) -> NDArray[np.complex128]:
    return np.fft.rfft2(plane, _SIZE)


def _summed(a: NDArray[np.complex128], b: NDArray[np.complex128]) -> Plane:
    """Sums of products for each displacement of `b` against `a`."""
    return np.fft.irfft2(np.conj(a) * b, _SIZE)


_ONES = _transformed(np.ones((ROWS, COLUMNS)))
_SHARED = np.maximum(_summed(_ONES, _ONES).round(), 1)
_FAR = _SHARED < MIN_SHARED * ROWS * COLUMNS


def alike_when_moved(a: FrameFeatures, b: FrameFeatures) -> float:
    """Largest correlation of what both frames show, over all displacements: -1 to 1.

    Normalised cross-correlation over the part that both have in common, by Fourier transforms
    (Padfield, Masked object registration in the Fourier domain, 2012).
    """
    one, other = (f.thumbnail - float(f.mean) for f in (a, b))
    first, last = _transformed(one), _transformed(other)
    sums, others = _summed(first, _ONES), _summed(_ONES, last)
    power = _summed(_transformed(one * one), _ONES) - sums * sums / _SHARED
    others_power = _summed(_ONES, _transformed(other * other)) - others * others / _SHARED
    least = MIN_VARIANCE * _SHARED
    shared = _summed(first, last) - sums * others / _SHARED
    fit = shared / np.sqrt(np.maximum(power, least) * np.maximum(others_power, least))
    fit[_FAR] = -1
    return float(fit.max())
