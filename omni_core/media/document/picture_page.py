"""The pictures of one page as its page image: one alone, or several side by side in a grid.

The place of each is a crop of the page image. What is drawn of that crop is the picture itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from omni_core.media.document.drawing_ml import Picture
from omni_core.media.document.pictures import Pictures
from omni_core.media.geometry import box, fit
from omni_core.types import Crop, Pixels

MAX_PICTURES = 64
"""Pictures of one page that are seen."""
_CELL = (1200, 900)
_GAP = 24
_GROUND = "#dddddd"


class PicturePage:
    """The pictures of one page (at most `MAX_PICTURES`), and where each lies in its image."""

    def __init__(self, shown: Pictures, pictures: Sequence[Picture]) -> None:
        self.pictures = list(pictures[:MAX_PICTURES])
        self._shown = shown
        sizes = [shown.size(picture) for picture in self.pictures]
        if len(sizes) == 1:
            self._size = sizes[0]
            self._places = [(0, 0, *sizes[0])]
            return
        columns = math.ceil(math.sqrt(len(sizes))) or 1
        wide, high = (side + _GAP for side in _CELL)
        self._size = (columns * wide - _GAP, math.ceil(len(sizes) / columns) * high - _GAP)
        self._places = [
            _centred(n % columns * wide, n // columns * high, size) for n, size in enumerate(sizes)
        ]

    def crops(self) -> list[Crop]:
        """The place of each picture."""
        width, height = self._size
        return [
            (round(x / width, 6), round(y / height, 6), round(r / width, 6), round(b / height, 6))
            for x, y, r, b in self._places
        ]

    def pixels(self, n: int, edge: int) -> Pixels | None:
        """Picture `n` (from 0), its long edge at most `edge`; None for a damaged one."""
        image = self._shown.image(self.pictures[n], edge)
        if image is None:
            return None
        return np.asarray(_scaled(image, fit(*image.size, edge)))

    def drawn(self, edge: int, crop: Crop | None = None) -> Pixels:
        """The page image or a crop of it, its long edge at most `edge`.

        The crop of a picture is that picture, with all its pixels.
        """
        left, top, right, bottom = box(crop or (0, 0, 1, 1), *self._size)
        inside = [n for n, (x, y, r, b) in enumerate(self._places)
                  if x < right and y < bottom and r > left and b > top]  # fmt: skip
        most = max((self._density(n) for n in inside), default=1.0)
        scale = min(edge / max(right - left, bottom - top), most)
        size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
        page = Image.new("RGB", size, _GROUND)
        for n in inside:
            x, y, r, b = self._places[n]
            image = self._shown.image(self.pictures[n], math.ceil(max(r - x, b - y) * scale))
            if image is not None:
                _paste(page, image, self._places[n], (left, top, right, bottom), scale)
        return np.asarray(page)

    def _density(self, n: int) -> float:
        """Pixels of a picture for each unit of its place."""
        x, _, right, _ = self._places[n]
        return self._shown.size(self.pictures[n])[0] / max(1, right - x)


def _centred(x: int, y: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The place of a picture in the cell at (x, y)."""
    share = min(_CELL[0] / size[0], _CELL[1] / size[1])
    width, height = (max(1, round(side * share)) for side in size)
    x, y = x + (_CELL[0] - width) // 2, y + (_CELL[1] - height) // 2
    return x, y, x + width, y + height


def _paste(
    page: Image.Image,
    image: Image.Image,
    place: tuple[int, int, int, int],
    window: tuple[int, int, int, int],
    scale: float,
) -> None:
    """Draw the part of an image that lies in the window."""
    left, top = max(place[0], window[0]), max(place[1], window[1])
    right, bottom = min(place[2], window[2]), min(place[3], window[3])
    wide, high = image.width / (place[2] - place[0]), image.height / (place[3] - place[1])
    part = (
        (left - place[0]) * wide, (top - place[1]) * high,
        (right - place[0]) * wide, (bottom - place[1]) * high,
    )  # fmt: skip
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    shown = image.resize(size, Image.Resampling.LANCZOS, box=part, reducing_gap=3.0)
    page.paste(shown, (round((left - window[0]) * scale), round((top - window[1]) * scale)))


def _scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
