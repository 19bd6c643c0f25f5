"""Encodes images within the byte budget of an answer; crops; contact sheets."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from omni_core.errors import BadRequestError
from omni_core.text.clock import clock
from omni_core.types import Pixels, Rect

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

IMAGE_BYTES = 150_000
"""Size limit of one JPEG. Base64 adds a third; clients drop or truncate larger blocks."""
_QUALITIES = (88, 80, 72, 62, 52, 42)
_SMALLEST_EDGE = 192


@dataclass(frozen=True, slots=True)
class Jpeg:
    """An encoded image, its caption, and its size in pixels."""

    jpeg: bytes
    caption: str
    width: int
    height: int


def jpeg(pixels: Pixels, edge: int, *, max_bytes: int = IMAGE_BYTES, caption: str = "") -> Jpeg:
    """Encode with the long edge at most `edge` pixels and at most `max_bytes` bytes.

    Quality is lowered first, then the size: text stays legible longer that way.
    """
    from PIL import Image

    image = _fitted(Image.fromarray(pixels), edge)
    while True:
        for quality in _QUALITIES:
            out = io.BytesIO()
            image.save(out, "JPEG", quality=quality, optimize=True, subsampling="4:2:0")
            if out.tell() <= max_bytes:
                return Jpeg(out.getvalue(), caption, image.width, image.height)
        longest = max(image.size)
        if longest <= _SMALLEST_EDGE:
            return Jpeg(out.getvalue(), caption, image.width, image.height)
        image = _fitted(image, max(_SMALLEST_EDGE, int(longest * 0.8)))


def fit(raw: Sequence[tuple[Pixels, str]], edge: int, *, total: int) -> tuple[list[Jpeg], str]:
    """Encode (pixels, caption) pairs, each in at most an equal share of `total` bytes.

    No image is made smaller than 192 pixels, so the total may exceed `total`. Also returns a
    warning when an image is smaller than `edge` asks for, else "".
    """
    share = min(IMAGE_BYTES, total // max(1, len(raw)))
    shown = [jpeg(pixels, edge, max_bytes=share, caption=caption) for pixels, caption in raw]
    wanted = [min(edge, max(pixels.shape[:2])) for pixels, _ in raw]
    small = [s for s, w in zip(shown, wanted, strict=True) if max(s.width, s.height) < w]
    if not small:
        return shown, ""
    longest = max(max(s.width, s.height) for s in small)
    return shown, (
        f"{len(small)} of {len(shown)} images made smaller ({longest} px) to fit one answer; "
        "ask for one at a time, or crop, to see more"
    )


def check_box(box: Sequence[float]) -> tuple[float, float, float, float]:
    """The validated (left, top, right, bottom), fractions 0 to 1. Raises BadRequestError."""
    if len(box) != 4 or not all(math.isfinite(x) and 0 <= x <= 1 for x in box):
        raise BadRequestError("crop is [left, top, right, bottom], each from 0 to 1")
    left, top, right, bottom = box
    if left >= right or top >= bottom:
        raise BadRequestError("crop is empty; left must be less than right, top than bottom")
    return left, top, right, bottom


def crop(pixels: Pixels, box: Sequence[float]) -> Pixels:
    """The part of an image within `box` (see `check_box`)."""
    left, top, right, bottom = check_box(box)
    height, width = pixels.shape[:2]
    x0, y0 = math.floor(left * width), math.floor(top * height)
    x1, y1 = max(x0 + 1, math.ceil(right * width)), max(y0 + 1, math.ceil(bottom * height))
    return np.ascontiguousarray(pixels[y0:y1, x0:x1])


MARK = (255, 64, 0)
"""The colour of marks: seen on paper, on photographs and in the dark."""
AROUND = 0.02
"""Margin of a close-up, as a share of the longer side, and least size of one, 12 times that."""


def marked(pixels: Pixels, rects: Sequence[Rect]) -> Pixels:
    """A copy of an image with a frame around each rectangle (fractions of its sides)."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    line = max(2, max(image.size) // 400)
    for left, top, right, bottom in rects:
        corners = (left * image.width - 2 * line, top * image.height - 1.5 * line,
                   right * image.width + 2 * line, bottom * image.height + 1.5 * line)  # fmt: skip
        draw.rectangle(corners, outline=MARK, width=line)
    return np.asarray(image)


def closeup(rects: Sequence[Rect]) -> Rect:
    """The part of an image around all of these rectangles (at least one), with a margin."""
    sides = []
    for low, high in ((0, 2), (1, 3)):
        start, end = min(r[low] for r in rects), max(r[high] for r in rects)
        half = max((end - start) / 2 + AROUND, 6 * AROUND)
        middle = min(max((start + end) / 2, half), max(half, 1 - half))
        sides.append((max(0.0, middle - half), min(1.0, middle + half)))
    return sides[0][0], sides[1][0], sides[0][1], sides[1][1]


def in_crop(rects: Sequence[Rect], crop: Rect) -> list[Rect]:
    """The rectangles as fractions of a crop; those outside it are left out."""
    left, top, right, bottom = crop
    wide, high = right - left, bottom - top
    moved = (
        (max(0.0, (r[0] - left) / wide), max(0.0, (r[1] - top) / high),
         min(1.0, (r[2] - left) / wide), min(1.0, (r[3] - top) / high))
        for r in rects
    )  # fmt: skip
    return [r for r in moved if r[0] < r[2] and r[1] < r[3]]


def sheet(frames: Sequence[tuple[float, Pixels]], edge: int = 1280) -> Pixels:
    """A contact sheet: frames in time order with their time drawn on them; long edge at most
    `edge` pixels.

    The grid is the one with the largest frames; frames are never enlarged.
    """
    from PIL import Image, ImageDraw

    if not frames:
        raise BadRequestError("there are no frames to lay out")
    shapes = [pixels.shape for _, pixels in frames]
    aspect = float(np.median([w / h for h, w, _ in shapes]))
    columns = _columns(len(frames), aspect)
    rows = math.ceil(len(frames) / columns)
    gap = max(2, edge // 320)
    wide = (edge - gap * (columns + 1)) / columns
    tall = (edge - gap * (rows + 1)) / rows
    width = max(16, int(min(wide, tall * aspect, max(w for _, w, _ in shapes))))
    height = max(9, int(width / aspect))
    board = Image.new(
        "RGB", (columns * (width + gap) + gap, rows * (height + gap) + gap), "#101010"
    )
    draw = ImageDraw.Draw(board)
    for i, (at, pixels) in enumerate(frames):
        x, y = gap + i % columns * (width + gap), gap + i // columns * (height + gap)
        image = Image.fromarray(pixels)
        scale = min(width / image.width, height / image.height)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
        board.paste(image, (x + (width - size[0]) // 2, y + (height - size[1]) // 2))
        _stamp(draw, clock(at), x, y, width, height)
    return np.asarray(board)


def _columns(count: int, aspect: float) -> int:
    """Columns of the square grid with the largest cells, weighted by the share of used cells."""

    def worth(columns: int) -> float:
        rows = math.ceil(count / columns)
        return min(1 / columns, aspect / rows) * count / (columns * rows)

    return max(range(1, count + 1), key=worth)


def _stamp(draw: ImageDraw.ImageDraw, text: str, x: int, y: int, width: int, height: int) -> None:
    """Draw `text` white on black in the lower left corner of a cell."""
    from PIL import ImageFont

    font = ImageFont.load_default(size=max(11, min(width // 9, height // 6, 28)))
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    pad = max(2, int(bottom - top) // 4)
    tall, wide = bottom - top + 2 * pad, right - left + 2 * pad
    base = y + height - tall
    draw.rectangle((x, base, x + wide, y + height - 1), fill="black")
    draw.text((x + pad - left, base + pad - top), text, font=font, fill="white")


def _fitted(image: Image.Image, edge: int) -> Image.Image:
    from PIL import Image as Images

    scale = edge / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Images.Resampling.LANCZOS, reducing_gap=3.0)
