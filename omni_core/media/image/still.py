"""Images: JPEG, PNG, WebP, AVIF, HEIC, TIFF, GIF, BMP, PSD and others; previews of raw files.

Pillow reads all but HEIC. The size is checked from the header before decoding, and JPEG is decoded
at reduced scale where a small image is requested (3.5 times faster). Animations (GIF, WebP, PNG,
AVIF) are cut as a video without audio.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PIL import Image

from omni_core.errors import OmniError, TooLargeError
from omni_core.media.brands import is_picture
from omni_core.media.image import animation, animation_clip, raw, through_ffmpeg, unread
from omni_core.media.image.description import Descriptions
from omni_core.media.image.motion import hidden_film
from omni_core.media.image.opening import opened
from omni_core.media.image.picture import Picture
from omni_core.media.image.tags import Tags
from omni_core.media.image.taken import taken
from omni_core.media.text_pictures import is_text_picture
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.types import (
    Channel,
    Crop,
    CutOptions,
    FileLength,
    FileWarning,
    ImageContent,
    MediaInfo,
    Modality,
    Pixels,
    Segment,
    Source,
    Span,
)

_MAGIC = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", *raw.TIFF,
    b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"\0\0\1\0", b"\0\0\2\0", b"8BPS\0", b"icns\0",
    b"DDS \x7c\0", b"qoif", b"\x01\xda\0", b"\x01\xda\1", b"\xb1\x68\xde\x3a", b"SIMPLE  =",
    b"\x59\xa6\x6a\x95",
)  # fmt: skip
_BMP_HEADERS = tuple(struct.pack("<I", size) for size in (12, 40, 52, 56, 64, 108, 124))
"""Sizes of a bitmap's second header; some programs fill the reserved bytes of the first."""
_NETPBM = re.compile(
    rb"P[456]\s+(#[^\n]*\n\s*)*\d+\s+(#[^\n]*\n\s*)*\d+\s|P[Ff]\s+\d+\s+\d+\s+-?[\d.]+\s|P7\n(#|WIDTH)"
)
"""Netpbm has short marks, which a text may begin with too."""
_MIME = {
    "HEIF": "image/heic", "PSD": "image/vnd.adobe.photoshop", "DDS": "image/vnd-ms.dds",
    "QOI": "image/qoi", "TGA": "image/x-tga", "PCX": "image/x-pcx", "DCX": "image/x-dcx",
    "CUR": "image/x-icon", "IFF": "image/x-ilbm",
}  # fmt: skip


class ImageMedium(Medium):
    """A still image is one segment, a TIFF one for each page; an animation is a video."""

    rank = 1
    never_text = True
    kinds = "images (JPEG, PNG, WebP, AVIF, HEIC, TIFF, GIF, BMP, PSD, TGA; previews of camera raw)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """By the first bytes; TGA and PCX, which have no magic number, by their suffix too."""
        if head.startswith(_MAGIC) or raw.is_raw(head, suffix) or is_picture(head):
            return True
        if _NETPBM.match(head) or is_text_picture(head) or through_ffmpeg.is_ilbm(head):
            return True
        if head[:2] == b"BM" and (head[6:10] == b"\0\0\0\0" or head[14:18] in _BMP_HEADERS):
            return True
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return True
        if suffix == ".tga":
            return len(head) > 18 and head[1] in (0, 1) and head[2] in (1, 2, 3, 9, 10, 11)
        if suffix == ".pcx":
            return through_ffmpeg.is_pcx(head)
        return unread.what(head, suffix) is not None

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises TooLargeError over max_pixels, UnreadableError for what is not read."""
        with self._picture(path) as (picture, tags):
            when, origin = taken(path, picture.image, tags)
            seconds = animation.seconds(picture.image, path)
            width, height = picture.size
            return MediaInfo(
                modality=Modality.VIDEO if seconds else Modality.IMAGE,
                mime=_mime(picture.image),
                title=title(path),
                duration_s=seconds or None,
                pages=picture.pages if picture.pages > 1 else None,
                width=width,
                height=height,
                recorded_at=when,
                recorded_at_from=origin,
            )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning | FileLength]:
        """One segment for a still image, for each page of a TIFF, for each shot of an animation.

        A long screenshot or panorama is followed by its tiles, in which letters stay readable;
        `crop` says where each lies. What people wrote into a picture follows as text.
        """
        with self._picture(path) as (picture, _):
            if animation.seconds(picture.image, path):
                yield from animation.cut(picture.image, source, options)
                yield from Descriptions(picture, source, options).of(0, Span("second", 0, 0))
            else:
                yield from self._still(path, picture, source, options)
                unseen = animation.unseen(picture.image, path), hidden_film(picture.image, path)
                picture.warnings += filter(None, unseen)
            for line in picture.warnings:
                yield FileWarning(line)

    def _still(
        self, path: str, picture: Picture, source: Source, options: CutOptions
    ) -> Iterator[Segment]:
        pages = picture.pages
        if pages > self.limits.max_pages:
            raise TooLargeError(
                f"{os.path.basename(path)!r} has {pages} pages, over the limit of "
                f"{self.limits.max_pages}; split it or raise max_pages"
            )
        tiles = picture.tiles(options.image_edge)
        written, words = Descriptions(picture, source, options), list[Segment]()
        seen = 0
        for n in range(pages):
            span = Span("page", n + 1, n + 2) if pages > 1 else Span("second", 0, 0)
            try:
                pixels = picture.pixels(options.image_edge, None, n)
            except (MemoryError, OmniError):
                raise
            except Exception as e:  # Pillow raises exceptions of any kind on damaged files
                if not seen and n + 1 == pages:
                    raise
                picture.warnings.append(f"page {n + 1} cannot be read ({type(e).__name__})")
            else:
                seen += 1
                yield Segment(
                    source.id, Modality.IMAGE, Channel.VISUAL, span, ImageContent(pixels),
                    extra={"tiles": len(tiles)} if tiles else {},
                )  # fmt: skip
            words += written.of(n, span)
            if seen:
                yield from words
                words.clear()
        for part, tile in enumerate(tiles, 1):
            content = ImageContent(picture.pixels(options.image_edge, tile))
            yield Segment(
                source.id, Modality.IMAGE, Channel.VISUAL, Span("second", 0, 0), content,
                part=part, extra={"crop": list(tile)},
            )  # fmt: skip

    def image(self, path: str, edge: int, crop: Crop | None, frame: int) -> Pixels:
        """Raises NotFoundError (OUT_OF_RANGE) for a frame that is not there."""
        with self._picture(path) as (picture, _):
            return picture.pixels(edge, crop, frame)

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """A page of a TIFF, from 1."""
        return self.image(path, edge, crop, number - 1)

    def frames(self, path: str, times: Sequence[float], edge: int) -> list[tuple[float, Pixels]]:
        """The frames of an animation at these seconds; a still image is the same at any second."""
        with self._picture(path) as (picture, _):
            if animation.seconds(picture.image, path):
                return animation.frames_at(picture.image, times, edge)
            pixels = picture.pixels(edge)
            return [(0.0, pixels) for _ in times]

    def clip(self, path: str, start: float, end: float, out: str) -> tuple[str, float, float]:
        """Of an animation, encoded as a film. Raises BadRequestError for a still image."""
        with self._picture(path) as (picture, _):
            if not animation.seconds(picture.image, path):
                return super().clip(path, start, end, out)
            return animation_clip.cut(picture.image, start, end, out)

    @contextmanager
    def _picture(self, path: str) -> Iterator[tuple[Picture, Tags]]:
        with opened(path, self.limits) as found:
            yield Picture(found, self.limits), found.tags


def _mime(image: Image.Image) -> str:
    kind = image.format or ""
    return _MIME.get(kind) or Image.MIME.get(kind, "image/unknown")
