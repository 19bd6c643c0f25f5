"""Wipes: the new picture takes the place of the old one along an edge that moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.media_videos import Rgb

STRAIGHT = "lrtb"
"""From the left, the right, the top and the bottom, with an edge of a twelfth of the picture."""
KINDS = (*STRAIGHT, "hard", "diagonal", "iris", "clock", "doors", "blinds", "push", "cover")
"""`hard` has no soft edge; `push` moves both pictures, `cover` the new one over the old one."""
_MOVING = ("push", "cover")


def wiped(kind: str, share: float, old: Rgb, new: Rgb) -> Rgb:
    """The picture at `share` (0 to 1) of the way from `old` to `new`."""
    if kind in _MOVING:
        return _moved(kind, share, old, new)
    h, w = old.shape[:2]
    soft = 1 / (w if kind == "hard" else 12)
    ramp = np.clip((share * (1 + soft) - _when(kind, h, w)) / soft, 0, 1)
    mask = ramp[..., None].astype(np.float32)
    return np.asarray(old * (1 - mask) + new * mask).astype(np.uint8)


def _when(kind: str, h: int, w: int) -> NDArray[np.float64]:
    """(h, w): the share of the way, 0 to 1, at which each pixel turns."""
    y, x = np.mgrid[0:h, 0:w] / np.array([h, w])[:, None, None]
    if kind == "r":
        return np.asarray(1 - x)
    if kind in "tb":
        return np.asarray(y if kind == "t" else 1 - y)
    if kind == "diagonal":
        return np.asarray((x + y) / 2)
    if kind == "iris":
        return np.asarray(np.hypot(x - 0.5, y - 0.5) * 2**0.5)
    if kind == "clock":
        return np.asarray((np.arctan2(x - 0.5, 0.5 - y) / (2 * np.pi)) % 1)
    if kind == "doors":
        return np.asarray(np.abs(x - 0.5) * 2)
    if kind == "blinds":
        return np.asarray((y * 6) % 1)
    return np.asarray(x)


def _moved(kind: str, share: float, old: Rgb, new: Rgb) -> Rgb:
    w = old.shape[1]
    edge = round(share * w)
    left = old[:, edge:] if kind == "push" else old[:, : w - edge]
    return np.concatenate([left, new[:, :edge]], 1)
