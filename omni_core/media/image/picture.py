"""The pictures of one open file: how many, how large, and their pixels."""

from __future__ import annotations

import io
import math
from typing import cast

import numpy as np
from PIL import Image, ImageFile, ImageOps

from omni_core.errors import NotFoundError, OmniError
from omni_core.media.geometry import box
from omni_core.media.image import broken
from omni_core.media.image.colour import shown
from omni_core.media.image.counting import counted, whole_pages
from omni_core.media.image.opening import Opened, check_size, metadata_of, pillow
from omni_core.media.image.tags import Tags, exif_of
from omni_core.types import Crop, Limits, Pixels

TILED_RATIO, TILED_EDGES = 2.5, 1.5
"""An image is tiled from this ratio of its edges, and from this multiple of the edge to which
images are scaled down."""
TILE_RATIO, TILE_OVERLAP, WIDE_OVERLAP = 1.5, 0.1, 0.3
"""Edges of a tile, and the share of it that repeats the end of the one before: a line, or, where
the tiles stand side by side, the words that a sign has in one."""
MAX_TILES = 64
_PAGED = ("TIFF", "DCX")
_TURNED = 0x0112
_FAX_RATIO = 1.2
"""Ratio of a bilevel page's resolutions from which it is stretched: a fax in standard quality has
204 dots an inch across and 98 down."""


class Picture:
    """size: (width, height) of the first picture as shown. pages: pictures in the file that are
    seen one by one; 1 for an animation. warnings: what could not be read, as it turns up."""

    def __init__(self, found: Opened, limits: Limits) -> None:
        self._found, self._limits = found, limits
        self.image, self.warnings = found.image, found.warnings
        self._frames, line = (len(found.heif), "") if found.heif else counted(found.image)
        self.pages = self._frames if found.heif else _pages(found.image, self._frames)
        self._numbers = whole_pages(found.image, self.pages)
        self.pages = len(self._numbers) if self._numbers else self.pages
        if line:
            self.warnings.append(line)
        self.size = found.heif[0].size if found.heif else _size(found)
        self._drawn: Image.Image | None = None

    def pixels(self, edge: int, crop: Crop | None = None, number: int = 0) -> Pixels:
        """(height, width, 3) of picture `number` (from 0), or of frame `number` of an animation.

        Raises NotFoundError (OUT_OF_RANGE) for one that is not there, and what the decoder raises
        where nothing of it can be drawn.
        """
        total = len(self._numbers) or self._frames
        if not 0 <= number < total:
            raise NotFoundError(f"there is no image {number + 1} of {total}", code="OUT_OF_RANGE")
        number = self._numbers[number] if self._numbers else number
        turned = self._loaded(edge if crop is None else 0, number, several=self._frames > 1)
        if crop is not None:
            turned = turned.crop(box(crop, turned.width, turned.height))
        return np.asarray(shown(_undistorted(turned), edge))

    def written(self, number: int) -> tuple[Image.Image, Tags]:
        """The metadata of picture `number` (from 0), of which no pixels have to be drawn; those of
        the first one stand for all frames of an animation."""
        if number == 0:
            return self.image, self._found.tags
        if self._found.heif:
            image = metadata_of(self._found.heif[number])
        else:
            image = self.image
            number = self._numbers[number] if self._numbers else number
            if image.tell() != number:
                image.seek(number)
        return image, exif_of(image)

    def tiles(self, edge: int) -> list[Crop]:
        """Overlapping crops of a picture that is much longer than wide; none for any other."""
        return tiles(*self.size, edge) if self.pages == 1 else []

    def _loaded(self, edge: int, number: int, *, several: bool) -> Image.Image:
        if self._found.heif:
            return self._from_heif(number)
        if self._drawn is not None and number == 0:
            return self._drawn
        if self._found.other is not None and self._found.data is not None and number == 0:
            first, second = self._found.data, self._found.other
            return self._partly(
                broken.where_alike(pillow(io.BytesIO(first)), pillow(io.BytesIO(second))), number
            )
        try:
            if several and self.image.tell() != number:
                self.image.seek(number)
                check_size(f"page {number + 1}", self.image, self._limits)
            if edge and (not several or self.image.format == "MPO"):
                cast(ImageFile.ImageFile, self.image).draft("RGB", (edge, edge))
            self.image.load()
            return self._upright(self.image)
        except (OmniError, MemoryError, Image.DecompressionBombError):
            raise
        except Exception:  # Pillow raises exceptions of any kind on damaged files
            return self._broken(number)

    def _broken(self, number: int) -> Image.Image:
        def again(end: bytes) -> Image.Image:
            image = self._found.reopen(end)
            try:
                if number:
                    image.seek(number)
            except Exception:
                image.close()
                raise
            return image

        if number == 0 and (still := self._found.still()) is not None:
            self._drawn = self._upright(still)
            return self._drawn
        if number == 0 and (coarse := self._found.from_codestream()) is not None:
            return self._partly(broken.Drawn(coarse, 1.0, coarse=True), number)
        return self._partly(broken.as_far_as_drawn(again), number)

    def _partly(self, drawn: broken.Drawn, number: int) -> Image.Image:
        self._warn(number, drawn.share, drawn.coarse)
        upright = self._upright(drawn.picture)
        if number == 0:
            self._drawn = upright
        return upright

    def _from_heif(self, number: int) -> Image.Image:
        picture = self._found.heif[number]
        image = picture.load()
        if picture.icc:
            image.info["icc_profile"] = picture.icc
        self._warn(number, picture.drawn)
        return image

    def _upright(self, image: Image.Image) -> Image.Image:
        turn = self._found.tags.main.get(_TURNED)
        if image is self.image and turn and image.format != "TIFF":
            image.getexif()[_TURNED] = turn  # of a camera's preview, it stands in the raw file
        return ImageOps.exif_transpose(image)

    def _warn(self, number: int, share: float | None, coarse: bool = False) -> None:
        if share == 1 and not coarse:
            return
        what = f"page {number + 1}" if self.pages > 1 else "the picture"
        if share is None:
            drawn = "not all of it could be drawn"
        elif share == 1:
            drawn = "the passes that hold its detail are missing"
        else:
            percent = min(99, max(1, round(100 * share)))
            rest = "coarse" if coarse else "grey"
            drawn = f"{percent} % of it could be drawn, the rest is {rest}"
        line = f"{what} breaks off or is damaged: {drawn}"
        if line not in self.warnings:
            self.warnings.append(line)


def _pages(image: Image.Image, frames: int) -> int:
    if image.format in _PAGED:
        return frames
    return frames if image.format == "MPO" and _several_views(image) else 1


def _several_views(image: Image.Image) -> bool:
    """Whether the pictures of an MPO file stand for themselves: a panorama, or several views; no
    preview, depth or gain map."""
    entries = (getattr(image, "mpinfo", None) or {}).get(0xB002) or ()
    kinds = [str(entry.get("Attribute", {}).get("MPType", "")) for entry in entries]
    return len(kinds) > 1 and all("Multi-Frame" in kind for kind in kinds[1:])


def _size(found: Opened) -> tuple[int, int]:
    width, height = found.image.size
    turned = found.tags.main.get(_TURNED) in (5, 6, 7, 8) and found.image.format != "TIFF"
    return (height, width) if turned else (width, height)


def _undistorted(image: Image.Image) -> Image.Image:
    """A fax with dots of its true shape."""
    across, down = (float(v) for v in image.info.get("dpi", (1, 1)))
    if image.mode != "1" or not across or not down or 1 / _FAX_RATIO < across / down < _FAX_RATIO:
        return image
    ratio = min(max(across / down, 0.25), 4.0)
    if ratio > 1:
        return image.convert("L").resize((image.width, round(image.height * ratio)))
    return image.convert("L").resize((round(image.width / ratio), image.height))


def tiles(width: int, height: int, edge: int) -> list[Crop]:
    """Crops of a long picture, in order, that overlap; each is scaled down little."""
    short, long = sorted((width, height))
    if long < TILED_RATIO * short or long <= TILED_EDGES * edge:
        return []
    overlap = TILE_OVERLAP if height >= width else WIDE_OVERLAP
    step = max(TILE_RATIO * short, edge) * (1 - overlap)
    count = min(MAX_TILES, max(2, math.ceil(long / step)))
    share = (1 / count) * (1 + overlap)
    starts = [n * (1 - share) / (count - 1) for n in range(count)]
    if height >= width:
        return [(0.0, at, 1.0, min(1.0, at + share)) for at in starts]
    return [(at, 0.0, min(1.0, at + share), 1.0) for at in starts]
