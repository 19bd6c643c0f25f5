"""Still pictures: JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP, JPEG 2000, ICO; HEIC with its extra.

Pillow reads them all. Size is checked from the header before a pixel is decoded, and JPEG is
decoded small where a small picture is asked for (3.5 times faster).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from omni_core.errors import NotFoundError, OmniError, TooLargeError, UnreadableError
from omni_core.media._dates import from_file, parse
from omni_core.media._medium import Crop, box, fit
from omni_core.media._medium import Medium as Base
from omni_core.media._open import unreadable
from omni_core.media._title import title
from omni_core.types import (
    Channel,
    CutOptions,
    MediaInfo,
    Modality,
    Picture,
    Pixels,
    Segment,
    Source,
    Span,
)

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP", "JPEG2000", "ICO", "MPO", "PPM")
_HEIF = {b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1", b"heim", b"heis"}
_MAGIC = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*",
    b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"\0\0\1\0", b"P5", b"P6", b"II+\0", b"MM\0+",
)  # fmt: skip


class Medium(Base):
    """A still picture is one segment; an animation is cut like a film without sound."""

    rank = 1
    kinds = "images (JPEG, PNG, WebP, AVIF, HEIC, TIFF, GIF, BMP)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """By the first bytes."""
        if head.startswith(_MAGIC):
            return head[:2] != b"BM" or suffix in (".bmp", ".dib") or head[6:10] == b"\0\0\0\0"
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return True
        return head[4:8] == b"ftyp" and (head[8:12] in _HEIF or head[8:12] in (b"avif", b"avis"))

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises TooLargeError over max_pixels, UnreadableError for what is no picture."""
        with self._opened(path) as image:
            when, origin = _taken(path, image)
            frames = int(getattr(image, "n_frames", 1))
            width, height = ImageOps.exif_transpose(image).size if frames == 1 else image.size
            return MediaInfo(
                modality=Modality.IMAGE,
                mime=Image.MIME.get(image.format or "", "image/unknown"),
                title=title(path),
                pages=frames if image.format == "TIFF" and frames > 1 else None,
                width=width,
                height=height,
                recorded_at=when,
                recorded_at_from=origin,
                has_picture=True,
            )

    def decompose(self, path: str, source: Source, options: CutOptions) -> Iterator[Segment]:
        """One segment; each page of a TIFF is one."""
        with self._opened(path) as image:
            pages = int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
            for n in range(min(pages, self.limits.max_pages)):
                pixels = self._pixels(image, options.picture_edge, None, n)
                span = Span("page", n + 1, n + 2) if pages > 1 else Span("second", 0, 0)
                yield Segment(source.id, Modality.IMAGE, Channel.VISUAL, span, Picture(pixels))

    def picture(self, path: str, edge: int, crop: Crop | None, frame: int) -> Pixels:
        """Raises NotFoundError (OUT_OF_RANGE) for a frame that is not there."""
        with self._opened(path) as image:
            return self._pixels(image, edge, crop, frame)

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """A page of a TIFF, from 1."""
        return self.picture(path, edge, crop, number - 1)

    def frames(self, path: str, times: Sequence[float], edge: int) -> list[tuple[float, Pixels]]:
        """The picture itself, whatever the second."""
        pixels = self.picture(path, edge, None, 0)
        return [(0.0, pixels) for _ in times]

    @contextmanager
    def _opened(self, path: str) -> Iterator[Image.Image]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # our own limit is checked, with our own error
                _check_heif(path)
                with Image.open(path) as image:
                    if image.width * image.height > self.limits.max_pixels:
                        raise TooLargeError(
                            f"{os.path.basename(path)}: {image.width} x {image.height} pixels are "
                            f"over the limit of {self.limits.max_pixels:,}; make a smaller copy or "
                            "raise max_pixels"
                        )
                    yield image
        except OmniError:
            raise
        except Image.DecompressionBombError as e:
            raise TooLargeError(
                f"{os.path.basename(path)}: the picture is larger than the limit of "
                f"{self.limits.max_pixels:,} pixels; make a smaller copy"
            ) from e
        except Exception as e:  # Pillow's plugins raise TypeError, SyntaxError, struct.error ...
            raise unreadable(path, e) from e

    def _pixels(self, image: Image.Image, edge: int, crop: Crop | None, frame: int) -> Pixels:
        total = int(getattr(image, "n_frames", 1))
        if not 0 <= frame < total:
            raise NotFoundError(f"there is no picture {frame + 1} of {total}", code="OUT_OF_RANGE")
        if total > 1:
            image.seek(frame)
            if image.width * image.height > self.limits.max_pixels:
                raise TooLargeError(f"page {frame + 1} is over the limit of pixels")
        elif crop is None:
            image.draft("RGB", (edge, edge))
        turned = ImageOps.exif_transpose(image)
        if crop is not None:
            turned = turned.crop(box(crop, turned.width, turned.height))
        size = fit(turned.width, turned.height, edge)
        rgb = to_rgb(turned)
        if size != rgb.size:
            rgb = rgb.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        return np.asarray(rgb)


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode as RGB: transparency on white, 16 bit scaled by its own range, CMYK converted."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float32)
        low, high = float(values.min()), float(values.max())
        full = 65535.0 if high > 255 else 255.0
        if image.mode == "F" or high > full or low < 0:
            values, full = values - low, max(high - low, 1e-9)
        grey = np.clip(values * (255 / full), 0, 255).astype(np.uint8)
        return Image.fromarray(grey, "L").convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        page = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(page, rgba).convert("RGB")
    return image.convert("RGB")


def _check_heif(path: str) -> None:
    with open(path, "rb") as f:
        head = f.read(32)
    if head[4:8] != b"ftyp" or head[8:12] not in _HEIF:
        return
    if b"avif" in head:
        return
    try:
        import pillow_heif
    except ImportError:
        raise UnreadableError(
            f"{os.path.basename(path)} is a HEIC picture; install the extra that reads it: "
            'pip install "omni-mcp[heic]"',
            code="UNSUPPORTED_TYPE",
        ) from None
    pillow_heif.register_heif_opener()


def _taken(path: str, image: Image.Image) -> tuple[Any, str]:
    """DateTimeOriginal with its zone, else DateTime, else what the name or the file tells."""
    try:
        exif = image.getexif()
        inner = exif.get_ifd(0x8769)
        zone = str(inner.get(0x9011) or inner.get(0x9010) or "")
        for value in (inner.get(0x9003), inner.get(0x9004), exif.get(0x0132)):
            when = parse(f"{value}{zone}") if value else None
            if when is not None:
                return when, "exif"
    except Exception:  # damaged EXIF is no reason not to show the picture
        return from_file(path)
    return from_file(path)
