"""A Pillow image of any mode as RGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WHITE, GREY, BLACK = (255, 255, 255), (128, 128, 128), (0, 0, 0)
CONTRAST = 64.0
"""Difference in brightness, 0 to 255, below which a line is not told from its ground."""
_LOST = 0.05
"""Share of the edges that may be lost on white before another ground is looked for."""
_CLEAR = 0.05
"""Opacity up to which a pixel counts as clear."""
_SMOOTH = ("RGBA", "RGBa", "LA", "La", "PA")
"""Modes in which the edges of letters are half clear."""
_FRINGE = 2
"""Pixels of a fringe in the others, where one colour alone is clear: light letters that were drawn
on black have dark edges."""
_DEPTHS = (255, 1023, 4095, 16383, 65535)
"""Full scale of 8, 10, 12, 14 and 16 bits, as cameras and scanners store them in 16."""


def to_rgb(image: Image.Image, background: tuple[int, int, int] | None = None) -> Image.Image:
    """8-bit RGB: transparency composed onto `background` (by default one on which the picture can
    be seen), 10 to 32 bits and floats scaled, CMYK converted."""
    if image.mode.startswith("I") or image.mode == "F":
        return _scaled(np.asarray(image, np.float32), whole=image.mode != "F")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        page = Image.new("RGBA", rgba.size, (*(background or background_of(image)), 255))
        return Image.alpha_composite(page, rgba).convert("RGB")
    return image.convert("RGB")


def _scaled(values: NDArray[np.float32], *, whole: bool) -> Image.Image:
    """Grey of whole numbers from 0 to the depth that holds them, else from lowest to highest."""
    finite = np.abs(values) < 1e30  # neither NaN nor the mark for "no data"
    low, high = (float(f(values[finite])) if finite.any() else 0.0 for f in (np.min, np.max))
    depth = next((depth for depth in _DEPTHS if high <= depth), 0) if whole and low >= 0 else 0
    if not depth:
        values = values - low
    full = depth or max(high - low, 1e-9)
    grey = np.where(finite, np.clip(values * (255 / full), 0, 255), 0).astype(np.uint8)
    return Image.fromarray(grey, "L").convert("RGB")


def background_of(image: Image.Image) -> tuple[int, int, int]:
    """White, unless much of what borders on clear ground is as light; then black, or grey where
    the picture has both light and dark edges."""
    if not image.has_transparency_data:
        return WHITE
    small = image.convert("RGBA")
    small.thumbnail((1024, 1024))
    values = np.asarray(small, np.float32)
    alpha = values[..., 3] / 255
    clear = alpha <= _CLEAR
    near = _by_clear(clear)
    for _ in range(0 if image.mode in _SMOOTH else _FRINGE):
        near |= _by_clear(near)
    weight = alpha * near * ~clear
    if not weight.any():
        return WHITE
    luma = values[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)
    lost = [
        float((weight * (np.abs(luma - ground[0]) < CONTRAST)).sum() / weight.sum())
        for ground in (WHITE, BLACK, GREY)
    ]
    if lost[0] <= _LOST or lost[0] <= 2 * min(lost[1:]):
        return WHITE
    return BLACK if lost[1] <= max(_LOST, lost[2]) else GREY


def _by_clear(clear: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels that have a clear one beside them, or one over or under them."""
    near = np.zeros_like(clear)
    near[1:] |= clear[:-1]
    near[:-1] |= clear[1:]
    near[:, 1:] |= clear[:, :-1]
    near[:, :-1] |= clear[:, 1:]
    return near
