"""Pictures that break off, or are damaged inside: as much of them as can be drawn.

Pillow stops at the first error, with the rows before it decoded. Such a file is decoded twice, onto
a black and onto a white ground: pixels that come out equal are drawn, the others are not, whatever
the format. Pillow's own switch for this (LOAD_TRUNCATED_IMAGES) holds for the whole process and
does not tell drawn pixels from filling.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from omni_core.media.rgb import to_rgb

Reopen = Callable[[bytes], Image.Image]
"""Opens the file once more, with these bytes at its end."""
Mask = NDArray[np.bool_]

GREY = (128, 128, 128)
"""What could not be drawn."""
_END_OF_JPEG = b"\xff\xd9"
_TURNED = 0x0112
_LEAST = 0.01
"""Share of a picture below which nothing can be seen of it."""
_ROW_DRAWN = 0.98
"""Share of a row that comes out equal with both paddings if it was in the file."""
_STRIP = 256
_BLOCK = 8
"""Rows that JPEG codes together, at the least."""


class Drawn(NamedTuple):
    """picture: RGB, with `GREY` where nothing could be drawn. share: of it that is drawn, over 0
    and up to 1; None where that is not known. coarse: whether it comes in several passes, of which
    some are missing."""

    picture: Image.Image
    share: float | None
    coarse: bool = False


def as_far_as_drawn(reopen: Reopen) -> Drawn:
    """The picture that this opens.

    Raises what the decoder raised where nothing of it is drawn, or next to nothing.
    """
    with ExitStack() as stack:

        def decoded(end: bytes, ground: int) -> tuple[Image.Image, Exception | None]:
            return _decoded(stack.enter_context(reopen(end)), ground)

        dark, error = decoded(b"", 0)
        light, _ = decoded(b"", 255)
        drawn = _same(dark, light)
        coarse = bool(dark.info.get("interlace"))
        if dark.format in ("JPEG", "MPO") and not drawn.all():
            coarse = not drawn.any()  # progressive: rows come once all passes are read
            dark, error = decoded(_END_OF_JPEG, 0)
            drawn = drawn | _above_filling(dark)
        elif drawn.all() and dark.format == "GIF" and "transparency" in dark.info:
            drawn = _above_clear(dark)  # its ground is the transparent colour, whatever was there
        if drawn.mean() < _LEAST:
            raise error or OSError("nothing of the picture is in the file")
        return _with_grey(dark, drawn, coarse)


def where_alike(a: Image.Image, b: Image.Image) -> Drawn:
    """The same of two pictures that were made of one file padded in two ways.

    Raises what the decoder raises.
    """
    kept, error = [], None
    for image in (a, b):
        try:
            image.load()
            kept.append(image)
        except (OSError, EOFError, RuntimeError) as e:  # this padding is no code
            error = e
    if len(kept) < 2:
        if error is not None and not kept:
            raise error
        return Drawn(kept[0], None)  # what was drawn is not known
    same = _same(a, b)
    rows = np.mean(same, axis=1) > _ROW_DRAWN  # from the top down; below, equal is by chance
    same[int(np.argmin(rows)) if not rows.all() else a.height :] = False
    return _with_grey(a, same)


def _with_grey(dark: Image.Image, drawn: Mask, coarse: bool = False) -> Drawn:
    pixels = np.asarray(to_rgb(dark)).copy()
    if dark.info.get("interlace"):
        _spread(pixels, drawn)
    else:
        pixels[~drawn] = GREY
    picture = Image.fromarray(pixels)
    picture.info = {k: v for k, v in dark.info.items() if k in ("icc_profile", "exif")}
    picture.getexif()[_TURNED] = dark.getexif().get(_TURNED, 1)
    return Drawn(picture, float(drawn.mean()), coarse)


def _decoded(image: Image.Image, ground: int) -> tuple[Image.Image, Exception | None]:
    """The picture as far as it goes on a ground of this value; with what stopped the decoder."""
    file = cast(ImageFile.ImageFile, image)
    extents = [tile[1] for tile in file.tile if tile[1]]
    size = (max(x[2] for x in extents), max(x[3] for x in extents)) if extents else image.size
    bands = len(image.getbands())
    file.im = Image.new(image.mode, size, ground if bands == 1 else (ground,) * bands).im
    file._size = size  # of a TIFF that is turned once it is decoded, as it is stored
    error: Exception | None = None
    try:
        file.load()
    except MemoryError:
        raise
    except Exception as e:  # Pillow raises exceptions of any kind on damaged files
        error = e
    file.tile = []
    return image, error


def _same(a: Image.Image, b: Image.Image) -> Mask:
    """Strip by strip: whole arrays of a hundred megapixels take more memory than the pictures."""
    found = np.zeros((a.height, a.width), np.bool_)
    if a.size == b.size:
        for top in range(0, a.height, _STRIP):
            box = (0, top, a.width, min(a.height, top + _STRIP))
            equal = np.asarray(a.crop(box)) == np.asarray(b.crop(box))
            found[top : top + _STRIP] = equal.all(axis=2) if equal.ndim == 3 else equal
    return found


def _above_filling(image: Image.Image) -> Mask:
    """What comes before the grey with which libjpeg fills: rows, and in the last ones blocks."""
    values = np.asarray(image.convert("RGB"))
    filled = cast(Mask, ((values >= 127) & (values <= 129)).all(axis=2))
    drawn = _rows_above(image, np.all(filled, axis=1))
    end = int(drawn[:, 0].sum())
    tail = np.all(filled[max(0, end - _BLOCK) : end], axis=0)
    if end and tail[-1]:
        full = tail.size - int(np.argmin(tail[::-1])) if not tail.all() else 0
        drawn[max(0, end - _BLOCK) : end, full:] = False
    return drawn


def _above_clear(image: Image.Image) -> Mask:
    clear: Mask = np.asarray(image) == image.info["transparency"]
    return _rows_above(image, np.all(clear, axis=1))


def _rows_above(image: Image.Image, empty: Mask) -> Mask:
    end = 0 if empty.all() else image.height - int(np.argmin(empty[::-1]))
    rows = np.arange(image.height) < end
    return np.repeat(rows[:, None], image.width, axis=1)


def _spread(pixels: NDArray[np.uint8], drawn: Mask) -> None:
    """Fill an interlaced picture's gaps from the coarser pixels that were drawn."""
    across = np.arange(drawn.shape[1])
    for top in range(0, drawn.shape[0], 8):
        colours, have = pixels[top : top + 8], drawn[top : top + 8].copy()
        down = np.arange(len(have))
        for step in (2, 4, 8):
            y, x = (down // step * step)[:, None], (across // step * step)[None, :]
            fill = ~have & drawn[top : top + 8][y, x]
            colours[fill] = colours[y, x][fill]
            have |= fill
        colours[~have] = GREY
