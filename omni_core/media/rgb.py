"""A Pillow image of any mode as RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
LIGHT = 190.0
"""Mean brightness, 0 to 255, from which what is drawn on a transparent ground is drawn for a dark
one: on white it would not be seen."""


def to_rgb(image: Image.Image, background: tuple[int, int, int] | None = None) -> Image.Image:
    """8-bit RGB: transparency composed onto `background` (by default one on which the picture can
    be seen), 16 bits and floats scaled, CMYK converted."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float32)
        low, high = float(values.min()), float(values.max())
        full = 65535.0 if high > 255 else 255.0
        if image.mode == "F" or high > full or low < 0:
            values, full = values - low, max(high - low, 1e-9)
        grey = np.clip(values * (255 / full), 0, 255).astype(np.uint8)
        return Image.fromarray(grey, "L").convert("RGB")
    if _transparent(image):
        rgba = image.convert("RGBA")
        page = Image.new("RGBA", rgba.size, (*(background or background_of(image)), 255))
        return Image.alpha_composite(page, rgba).convert("RGB")
    return image.convert("RGB")


def background_of(image: Image.Image) -> tuple[int, int, int]:
    """White, or black for a light picture on a transparent ground."""
    if not _transparent(image):
        return WHITE
    small = image.convert("RGBA")
    small.thumbnail((256, 256))
    values = np.asarray(small, np.float32)
    alpha = values[..., 3] / 255
    if not alpha.any() or alpha.mean() > 0.98:
        return WHITE
    luma = values[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)
    return BLACK if float((luma * alpha).sum() / alpha.sum()) >= LIGHT else WHITE


def _transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
