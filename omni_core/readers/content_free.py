"""Content-free audio for contextual calibration (Zhao et al. 2021).

A model's scores for these inputs estimate its prior, which is subtracted from its scores for real
audio.
"""

from __future__ import annotations

import numpy as np

from omni_core.types import SAMPLE_RATE, Samples

SECONDS = 3.0


def sounds() -> list[Samples]:
    """14 inputs of 3 s each: silence, noise, tones, clicks and pulses; the same in every run."""
    size = int(SECONDS * SAMPLE_RATE)
    t = np.arange(size) / SAMPLE_RATE
    noise = np.random.default_rng(0).normal(size=size)
    pink, brown = _coloured(noise, 0.5), _coloured(noise, 1.0)
    tone = np.sin(2 * np.pi * 700 * t)
    made = [
        np.zeros(size),
        0.003 * noise,
        0.15 * noise,
        pink,
        brown,
        0.1 * np.diff(noise, prepend=0),
        pink * np.sin(np.pi * t / SECONDS),
        0.4 * tone,
        0.5 * np.sin(2 * np.pi * 900 * t) * np.exp(-4 * t),
        0.15 * sum(np.sin(2 * np.pi * 220 * k * t) / k for k in range(1, 9)),
        0.4 * np.sin(2 * np.pi * (300 * t + 200 * t * t)),
        0.3 * noise * ((t > 0.2) & (t < 0.21)),
        0.2 * noise * (t * 2 % 1 < 0.1),
        0.4 * np.sin(2 * np.pi * 500 * t) * (t * 2 % 1 < 0.4),
    ]
    return [np.asarray(s, np.float32) for s in made]


def loudest_stretch(samples: Samples, seconds: float) -> Samples:
    """The window of at most `seconds` with the most energy, normalised to a peak of 0.5."""
    size, step = int(seconds * SAMPLE_RATE), SAMPLE_RATE // 10
    if len(samples) > size:
        energy = np.add.reduceat(np.square(samples), np.arange(0, len(samples), step))
        total = np.convolve(energy, np.ones(size // step), mode="valid")
        at = int(total.argmax()) * step
        samples = samples[at : at + size]
    peak = float(np.abs(samples).max(initial=0.0))
    return (samples * (0.5 / max(peak, 1e-4))).astype(np.float32)


def _coloured(noise: np.ndarray[tuple[int], np.dtype[np.float64]], slope: float) -> Samples:
    """Noise whose amplitude falls with frequency to the power of `slope`, with a peak of 0.5."""
    frequencies = np.maximum(np.fft.rfftfreq(len(noise), 1 / SAMPLE_RATE), 20)
    out = np.fft.irfft(np.fft.rfft(noise) / frequencies**slope, len(noise))
    return np.asarray(0.5 * out / np.abs(out).max(), np.float32)
