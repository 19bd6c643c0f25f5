"""Sound as the audio graph takes it: log-mel frames and which of them are whole.

The computation is that of `Gemma4AudioFeatureExtractor` of transformers: frames of 20 ms every
10 ms, magnitudes of a 512-point Fourier transform, 128 triangular bands on the HTK mel scale from
0 to 8,000 Hz, natural logarithm.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from omni_core.types import SAMPLE_RATE, Samples

BANDS = 128
FRAME = 320
"""Samples; 20 ms."""
HOP = 160
"""Samples between the starts of two frames; 10 ms."""
FFT = 512
FLOOR = 1e-3
"""Added before the logarithm."""
MULTIPLE = 128
"""The sound is filled up with zeros to a multiple of so many samples."""
MAX_HZ = 8000.0


def log_mel(samples: Samples) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(frames, 128) log-mel energies, and (frames,): whether all of a frame is sound.

    The first frame is centred on the first sample. Frames that reach into the filling are zero.
    """
    count = len(samples)
    filled = math.ceil(max(count, 1) / MULTIPLE) * MULTIPLE
    lead = FRAME // 2
    wave = np.zeros(lead + filled, np.float64)
    wave[lead : lead + count] = samples
    # a frame of the reference takes one sample more than its window, which counts for the mask only
    windows = np.lib.stride_tricks.sliding_window_view(wave, FRAME + 1)[::HOP]
    spectrum = np.abs(np.fft.rfft(windows[:, :FRAME] * _window(), n=FFT))
    last = np.arange(len(windows)) * HOP + FRAME
    whole = last < lead + count
    energies = np.log(spectrum @ _filters() + FLOOR) * whole[:, None]
    return energies.astype(np.float32), whole


@cache
def _window() -> NDArray[np.float32]:
    """Hann, periodic."""
    at = np.arange(FRAME)
    return (0.5 - 0.5 * np.cos(2 * np.pi * at / FRAME)).astype(np.float32)


@cache
def _filters() -> NDArray[np.float64]:
    """(257, 128): the weight of each frequency in each band; triangles of height 1."""
    top = 2595.0 * math.log10(1.0 + MAX_HZ / 700.0)
    corners = 700.0 * (10.0 ** (np.linspace(0.0, top, BANDS + 2) / 2595.0) - 1.0)
    frequencies = np.linspace(0, SAMPLE_RATE // 2, FFT // 2 + 1)
    slopes = corners[None, :] - frequencies[:, None]
    widths = np.diff(corners)
    rising = -slopes[:, :-2] / widths[:-1]
    falling = slopes[:, 2:] / widths[1:]
    return np.maximum(0.0, np.minimum(rising, falling))
