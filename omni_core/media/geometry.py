"""Sizes and crops of images."""

from __future__ import annotations

from omni_core.errors import BadRequestError
from omni_core.types import Crop


def box(crop: Crop, width: int, height: int) -> tuple[int, int, int, int]:
    """A crop, in fractions of the sides, as (left, top, right, bottom) in pixels; never empty.

    Raises BadRequestError for a crop that is empty or not within 0 to 1.
    """
    left, top, right, bottom = crop
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise BadRequestError(
            f"crop {list(crop)} is not left < right and top < bottom within 0 to 1"
        )
    x, y = min(int(left * width), width - 1), min(int(top * height), height - 1)
    return x, y, max(x + 1, round(right * width)), max(y + 1, round(bottom * height))


def fit(width: int, height: int, edge: int) -> tuple[int, int]:
    """(width, height) scaled down so that the long edge is at most `edge`; never enlarged."""
    scale = min(1.0, edge / max(width, height, 1))
    return max(1, round(width * scale)), max(1, round(height * scale))
