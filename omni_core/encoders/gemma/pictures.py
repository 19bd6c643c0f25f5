"""Pictures and frames as the vision graph takes them: patches and their places.

The computation is that of `Gemma4ImageProcessor` and `EmbeddingGemma2VideoProcessor` of
transformers, without their padding: they fill up to the budget and mask that out of every step,
which is the same arithmetic on more rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omni_core.types import Pixels


@dataclass(frozen=True, slots=True)
class Budget:
    """How many soft tokens a picture may have, and what one of them is made of."""

    tokens: int
    patch: int = 16
    """Side of a patch, pixels."""
    pool: int = 3
    """A soft token is the mean of pool x pool patches."""

    @property
    def block(self) -> int:
        """Side of the square that becomes one soft token, pixels."""
        return self.patch * self.pool


def fitted_size(height: int, width: int, budget: Budget) -> tuple[int, int]:
    """(height, width) to which a picture is resized: whole blocks, at most `budget.tokens` of
    them, enlarged where it is smaller, its aspect kept as far as blocks allow."""
    block = budget.block
    scale = math.sqrt(budget.tokens * block**2 / (height * width))
    rows, columns = int(height * scale / block), int(width * scale / block)
    if rows == 0:
        rows, columns = 1, min(max(1, width // height), budget.tokens)
    elif columns == 0:
        rows, columns = min(max(1, height // width), budget.tokens), 1
    return rows * block, columns * block


def patches(pixels: Pixels, budget: Budget) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Patches of a picture and the place of each.

    (patches, patch * patch * 3) in [0, 1], rows of pixels within a patch, channels last; and
    (patches, 2): column and row of each. Row by row from the top left.
    """
    height, width = fitted_size(pixels.shape[0], pixels.shape[1], budget)
    image = Image.fromarray(pixels)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    side = budget.patch
    rows, columns = height // side, width // side
    array = np.asarray(image, np.float32) / np.float32(255)
    cut = array.reshape(rows, side, columns, side, 3).transpose(0, 2, 1, 3, 4)
    row, column = np.divmod(np.arange(rows * columns), columns)
    return (
        np.ascontiguousarray(cut.reshape(rows * columns, -1)),
        np.stack([column, row], axis=-1).astype(np.int64),
    )
