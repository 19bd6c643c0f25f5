"""Images: JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP, JPEG 2000, ICO; HEIC with its extra.

Pillow reads them all. The size is checked from the header before decoding, and JPEG is decoded at
reduced scale where a small image is requested (3.5 times faster). Animations (GIF, WebP, PNG,
AVIF) are cut as a video without audio.
"""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import cast

import numpy as np
from PIL import Image, ImageFile, ImageOps

from omni_core.errors import NotFoundError, TooLargeError, UnreadableError
from omni_core.media.dates import from_file, parse
from omni_core.media.geometry import box, fit
from omni_core.media.image import animation
from omni_core.media.image.caption import caption
from omni_core.media.rgb import to_rgb
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.types import (
    Channel,
    Crop,
    CutOptions,
    ImageContent,
    MediaInfo,
    Modality,
    Pixels,
    Segment,
    Source,
    Span,
    TextContent,
)

log = logging.getLogger(__name__)

TILED_RATIO, TILED_EDGES = 2.5, 1.5
"""An image is tiled from this ratio of its edges, and from this multiple of the edge to which
images are scaled down."""
TILE_RATIO, TILE_OVERLAP = 1.5, 0.1
"""Edges of a tile, and the share of it that repeats the end of the one before."""
MAX_TILES = 32

FORMATS = (
    "JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP", "DIB", "JPEG2000", "ICO", "MPO", "PPM",
    "HEIF",
)  # fmt: skip
"""Pillow plugins that may open a file; EPS, for one, would start another program."""
_HEIF = {b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1", b"heim", b"heis"}
_MAGIC = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"II+\0",
    b"MM\0+", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"\0\0\1\0", b"P5\n", b"P6\n", b"P5 ", b"P6 ",
)  # fmt: skip


class ImageMedium(Medium):
    """A still image is one segment, a TIFF one for each page; an animation is a video."""

    rank = 1
    kinds = "images (JPEG, PNG, WebP, AVIF, HEIC, TIFF, GIF, BMP)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """By the first bytes."""
        if head.startswith(_MAGIC):
            return True
        if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
            return True
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return True
        return head[4:8] == b"ftyp" and (head[8:12] in _HEIF or head[8:12] in (b"avif", b"avis"))

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises TooLargeError over max_pixels, UnreadableError for HEIC without its extra."""
        with self._opened(path) as image:
            when, origin = _recorded_at(path, image)
            frames = animation.frame_count(image)
            width, height = image.size
            if _turned(image):
                width, height = height, width
            seconds = animation.seconds(image, path)
            return MediaInfo(
                modality=Modality.VIDEO if seconds else Modality.IMAGE,
                mime=Image.MIME.get(image.format or "", "image/unknown"),
                title=title(path),
                duration_s=seconds or None,
                pages=frames if image.format == "TIFF" and frames > 1 else None,
                width=width,
                height=height,
                recorded_at=when,
                recorded_at_from=origin,
            )

    def decompose(self, path: str, source: Source, options: CutOptions) -> Iterator[Segment]:
        """One segment for a still image, for each page of a TIFF, for each shot of an animation.

        A long screenshot or panorama is followed by its tiles, in which letters stay readable;
        `crop` says where each lies. The description in a still image's metadata follows as text.
        """
        with self._opened(path) as image:
            if animation.seconds(image, path):
                yield from animation.cut(image, source, options)
                return
            pages = animation.frame_count(image) if image.format == "TIFF" else 1
            if pages > self.limits.max_pages:
                raise TooLargeError(
                    f"{os.path.basename(path)} has {pages} pages, over the limit of "
                    f"{self.limits.max_pages}; split it or raise max_pages"
                )
            tiles = _tiles(image, options.image_edge) if pages == 1 else []
            for n in range(pages):
                pixels = self._pixels(image, options.image_edge, None, n)
                span = Span("page", n + 1, n + 2) if pages > 1 else Span("second", 0, 0)
                yield Segment(
                    source.id, Modality.IMAGE, Channel.VISUAL, span, ImageContent(pixels),
                    extra={"tiles": len(tiles)} if tiles else {},
                )  # fmt: skip
                if n == 0 and (words := caption(image)):
                    yield Segment(
                        source.id, Modality.IMAGE, Channel.TEXT, span, TextContent(words), words,
                        "image description",
                    )  # fmt: skip
            for part, tile in enumerate(tiles, 1):
                content = ImageContent(self._pixels(image, options.image_edge, tile, 0))
                yield Segment(
                    source.id, Modality.IMAGE, Channel.VISUAL, Span("second", 0, 0), content,
                    part=part, extra={"crop": list(tile)},
                )  # fmt: skip

    def image(self, path: str, edge: int, crop: Crop | None, frame: int) -> Pixels:
        """Raises NotFoundError (OUT_OF_RANGE) for a frame that is not there."""
        with self._opened(path) as image:
            return self._pixels(image, edge, crop, frame)

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """A page of a TIFF, from 1."""
        return self.image(path, edge, crop, number - 1)

    def frames(self, path: str, times: Sequence[float], edge: int) -> list[tuple[float, Pixels]]:
        """The frames of an animation at these seconds; a still image is the same at any second."""
        with self._opened(path) as image:
            if animation.seconds(image, path):
                return animation.frames_at(image, times, edge)
            pixels = self._pixels(image, edge, None, 0)
            return [(0.0, pixels) for _ in times]

    @contextmanager
    def _opened(self, path: str) -> Iterator[Image.Image]:
        _register_heif(path)
        name = os.path.basename(path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # `_check` raises instead
                Image.MAX_IMAGE_PIXELS = self.limits.max_pixels
                Image.init()
                known = [f for f in FORMATS if f in Image.OPEN]
                with Image.open(path, formats=known) as image:
                    self._check(name, image)
                    yield image
        except Image.DecompressionBombError as e:
            raise TooLargeError(
                f"{name} has more than {self.limits.max_pixels:,} pixels; make a smaller copy"
            ) from e

    def _check(self, name: str, image: Image.Image) -> None:
        if image.width * image.height > self.limits.max_pixels:
            raise TooLargeError(
                f"{name}: {image.width} x {image.height} pixels are over the limit of "
                f"{self.limits.max_pixels:,}; make a smaller copy or raise max_pixels"
            )

    def _pixels(self, image: Image.Image, edge: int, crop: Crop | None, frame: int) -> Pixels:
        total = animation.frame_count(image)
        if not 0 <= frame < total:
            raise NotFoundError(f"there is no image {frame + 1} of {total}", code="OUT_OF_RANGE")
        if total > 1:
            image.seek(frame)
            self._check(f"page {frame + 1}", image)
        elif crop is None:
            cast(ImageFile.ImageFile, image).draft("RGB", (edge, edge))
        turned = ImageOps.exif_transpose(image)
        if crop is not None:
            turned = turned.crop(box(crop, turned.width, turned.height))
        rgb = to_rgb(turned)
        size = fit(rgb.width, rgb.height, edge)
        if size != rgb.size:
            rgb = rgb.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        return np.asarray(rgb)


def _tiles(image: Image.Image, edge: int) -> list[Crop]:
    """Overlapping crops of an image that is much longer than wide; none for any other."""
    width, height = image.size[::-1] if _turned(image) else image.size
    short, long = sorted((width, height))
    if long < TILED_RATIO * short or long <= TILED_EDGES * edge:
        return []
    step = TILE_RATIO * short * (1 - TILE_OVERLAP)
    count = min(MAX_TILES, max(2, math.ceil(long / step)))
    share = (1 / count) * (1 + TILE_OVERLAP)
    starts = [n * (1 - share) / (count - 1) for n in range(count)]
    if height >= width:
        return [(0.0, at, 1.0, min(1.0, at + share)) for at in starts]
    return [(at, 0.0, min(1.0, at + share), 1.0) for at in starts]


def _turned(image: Image.Image) -> bool:
    return image.getexif().get(0x0112, 1) in (5, 6, 7, 8)


def _register_heif(path: str) -> None:
    """Register HEIC with Pillow if the file is one; FFmpeg does not join the tiles of phones."""
    with open(path, "rb") as f:
        head = f.read(32)
    if head[4:8] != b"ftyp" or head[8:12] not in _HEIF or b"avif" in head:
        return
    try:
        import pillow_heif
    except ImportError:
        raise UnreadableError(
            f"{os.path.basename(path)} is a HEIC image; install the extra that reads it: "
            'pip install "omni-mcp[heic]"',
            code="UNSUPPORTED_TYPE",
        ) from None
    pillow_heif.register_heif_opener()


def _recorded_at(path: str, image: Image.Image) -> tuple[datetime | None, str]:
    """DateTimeOriginal with its zone, else DateTime, else the date in the name or of the file."""
    try:
        exif = image.getexif()
        inner = exif.get_ifd(0x8769)
    except Exception as e:  # Pillow raises exceptions of any kind on damaged EXIF,
        # and the image itself may be fine
        log.debug("%s: EXIF is not read: %s: %s", os.path.basename(path), type(e).__name__, e)
        return from_file(path)
    zone = str(inner.get(0x9011) or inner.get(0x9010) or "")
    for value in (inner.get(0x9003), inner.get(0x9004), exif.get(0x0132)):
        when = parse(f"{value}{zone}") if value else None
        if when is not None:
            return when, "exif"
    return from_file(path)
