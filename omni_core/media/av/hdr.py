"""High dynamic range frames (PQ, HLG) as ordinary RGB, by a fixed tone curve.

Without it their code values, meant for displays of 1,000 cd/m² and more, look grey and flat. Curves
and matrices: ITU-R BT.2100-2 (PQ, HLG), BT.2020 (colour space), BT.2087 (conversion to BT.709),
BT.2408 (203 cd/m² as diffuse white).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from omni_core.types import Pixels

PQ, HLG = 16, 18
"""Transfer characteristics of ITU-T H.273, as FFmpeg numbers them."""
LIMITED = 1
WHITE = 203.0
HLG_PEAK = 1000.0
KNEE = 0.7
"""Brightness, of diffuse white, up to which the curve is straight; above it highlights are
compressed."""
_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)

Linear = NDArray[np.float32]
"""(height, width, 3), light relative to diffuse white."""


def is_hdr(frame: Any) -> bool:
    """Whether a decoded frame has one of the two transfer curves."""
    return frame.color_trc in (PQ, HLG)


def to_rgb(frame: Any, width: int, height: int) -> Pixels:
    """The frame scaled to width x height, tone-mapped to 8-bit sRGB."""
    planes = frame.reformat(width, height, "yuv444p16le", interpolation="AREA", threads=1)
    signal = _rgb_signal(planes.to_ndarray().astype(np.float32), frame.color_range == LIMITED)
    light = _pq(signal) if frame.color_trc == PQ else _hlg(signal)
    light = np.clip(light @ _TO_709.T, 0, None)
    brightest = np.maximum(light.max(axis=2, keepdims=True), 1e-6)
    light *= _compressed(brightest) / brightest  # the hue stays
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.ascontiguousarray((np.clip(srgb, 0, 1) * 255 + 0.5).astype(np.uint8))


def _rgb_signal(yuv: NDArray[np.float32], limited: bool) -> Linear:
    """(height, width, 3) of 16-bit Y'CbCr with the BT.2020 matrix to R'G'B', 0 to 1."""
    y, u, v = np.moveaxis(yuv / 65535, 2, 0)
    if limited:
        y, u, v = (y - 16 / 256) * 256 / 219, (u - 0.5) * 256 / 224, (v - 0.5) * 256 / 224
    else:
        u, v = u - 0.5, v - 0.5
    rgb = (y + 1.4746 * v, y - 0.16455 * u - 0.57135 * v, y + 1.8814 * u)
    signal: Linear = np.clip(np.stack(rgb, axis=2), 0, 1).astype(np.float32)
    return signal


def _pq(signal: Linear) -> Linear:
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = signal ** (1 / m2)
    light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    scaled: Linear = (light * (10_000 / WHITE)).astype(np.float32)
    return scaled


def _hlg(signal: Linear) -> Linear:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luma = scene @ np.array([0.2627, 0.6780, 0.0593])
    display = scene * np.maximum(luma, 1e-6)[..., None] ** 0.2
    scaled: Linear = (display * (HLG_PEAK / WHITE)).astype(np.float32)
    return scaled


def _compressed(light: Linear) -> Linear:
    """Straight up to the knee, then towards 1, which is never reached."""
    over = np.maximum(light - KNEE, 0)
    room = 1 - KNEE
    curved: Linear = np.where(light <= KNEE, light, KNEE + room * over / (over + room))
    return curved
