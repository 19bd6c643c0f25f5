"""Colour names of an image: the eleven basic terms (Berlin and Kay 1969), by area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omni_core.types import Pixels

NAMES = (
    "black", "white", "grey", "red", "orange", "brown", "yellow", "green", "blue", "purple", "pink",
)  # fmt: skip

_GRID = 32


def nearest_names(pixels: Pixels) -> NDArray[np.intp]:
    """(32, 32) indices into `NAMES`: for each cell of the downscaled image its nearest name."""
    small = Image.fromarray(pixels).resize((_GRID, _GRID), Image.Resampling.BOX)
    hue, saturation, value = np.asarray(small.convert("HSV"), np.float32).transpose(2, 0, 1)
    degrees = hue * 360 / 255
    edges = [15, 45, 70, 165, 255, 290, 345, 361]  # red orange yellow green blue purple pink red
    chromatic = np.array([3, 4, 6, 7, 8, 9, 10, 3])[np.searchsorted(edges, degrees, "right")]
    is_brown = (chromatic == 4) & (value < 170)
    out = np.where(is_brown, NAMES.index("brown"), chromatic)
    faint = saturation < 40
    out = np.where(faint & (value >= 60), NAMES.index("grey"), out)
    out = np.where(faint & (value >= 200), NAMES.index("white"), out)
    named: NDArray[np.intp] = np.where(value < 50, NAMES.index("black"), out)
    return named


def shares(pixels: Pixels) -> NDArray[np.float32]:
    """(11,): the fraction of the image in each of `NAMES`."""
    counts = np.bincount(nearest_names(pixels).ravel(), minlength=len(NAMES))
    return (counts / np.float32(_GRID**2)).astype(np.float32)


def dark(pixels: Pixels) -> bool:
    """Whether most of the image is nearly black: night, space, a stage."""
    small = Image.fromarray(pixels).resize((_GRID, _GRID), Image.Resampling.BOX)
    return bool((np.asarray(small).max(2) < 60).mean() > 0.6)
