"""Opens an image file of any kind that is read, as far as it can be read."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from PIL import Image, UnidentifiedImageError

from omni_core.errors import TooLargeError, UnreadableError
from omni_core.media.brands import is_heif, is_picture
from omni_core.media.image import animation, heif, jpeg2000, mending, raw, through_ffmpeg, unread
from omni_core.media.image.tags import Tags, exif_of
from omni_core.types import Limits

FORMATS = (
    "JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP", "DIB", "JPEG2000", "ICO", "CUR", "ICNS",
    "MPO", "PPM", "PSD", "TGA", "PCX", "DCX", "SGI", "DDS", "QOI", "FITS", "SUN", "XBM", "XPM",
)  # fmt: skip
"""Pillow plugins that may open a file; EPS, for one, would start another program."""
_MAX_MENDED_BYTES = 256 << 20
_CURSOR, _ICON = b"\0\0\2\0", b"\0\0\1\0"
_NO_COMPOSITE = 1057
"""Photoshop's resource whose fifth byte says whether a composite is stored."""


@dataclass
class Opened:
    """An open image file.

    size: (width, height) as shown. others: the further pictures of a HEIF file. tags: its EXIF.
    """

    path: str
    image: Image.Image
    tags: Tags
    data: bytes | None = None
    """The mended file, where the one on the disk does not open."""
    other: bytes | None = None
    """The same, padded with other bytes: what both draw alike was in the file."""
    heif: list[heif.HeifPicture] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def still(self) -> Image.Image | None:
        """A PNG's still picture without its animation, which is damaged; None where there is no
        animation, or the still is damaged as well."""
        if self.image.format != "PNG":
            return None
        data, dropped = mending.png(_read(self.path))
        if mending.ANIMATION not in dropped:
            return None
        try:
            image = pillow(io.BytesIO(data))
            image.load()
        except (OSError, SyntaxError, ValueError):
            return None
        self.data = data
        self.warnings.append("the animation is damaged: only its still picture was read")
        return image

    def from_codestream(self) -> Image.Image | None:
        """A JPEG 2000 picture that breaks off, as far as its passes of detail go; None for others,
        and where FFmpeg fails too."""
        if self.image.format != "JPEG2000":
            return None
        return jpeg2000.drawn(mending.jpeg2000(_read(self.path)))

    def reopen(self, end: bytes = b"") -> Image.Image:
        """The image once more, from its start; with `end` after the last byte."""
        if not end and self.data is None:
            return pillow(self.path)
        data = self.data if self.data is not None else _read(self.path)
        return pillow(io.BytesIO(data + end))


@contextmanager
def opened(path: str, limits: Limits) -> Iterator[Opened]:
    """Raises TooLargeError over max_pixels, UnreadableError for what is not read."""
    name = os.path.basename(path)
    try:
        with ExitStack() as stack, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `check_size` raises instead
            Image.MAX_IMAGE_PIXELS = limits.max_pixels
            Image.init()
            found = _open(path, limits, stack)
            check_size(name, found.image, limits)
            yield found
    except Image.DecompressionBombError as e:
        raise TooLargeError(
            f"{name!r} has more than {limits.max_pixels:,} pixels; make a smaller copy"
        ) from e


def check_size(name: str, image: Image.Image, limits: Limits) -> None:
    """Raises TooLargeError over max_pixels."""
    if image.width * image.height > limits.max_pixels:
        raise TooLargeError(
            f"{name!r}: {image.width} x {image.height} pixels are over the limit of "
            f"{limits.max_pixels:,}; make a smaller copy or raise max_pixels"
        )


def _open(path: str, limits: Limits, stack: ExitStack) -> Opened:
    with open(path, "rb") as f:
        head = f.read(4096)
    unread.refuse(path, head)
    suffix = os.path.splitext(path)[1].lower()
    if raw.is_raw(head, suffix):
        return _preview(path, stack)
    if is_heif(head):
        return _heif(path, limits, stack)
    try:
        image = stack.enter_context(pillow(path))
    except NotImplementedError as e:
        raise UnreadableError(
            f"{os.path.basename(path)!r} is of a kind of its format that is not read; save it as "
            "PNG and ingest that",
            code="UNSUPPORTED_TYPE",
        ) from e
    except (OSError, SyntaxError, ValueError) as e:  # UnidentifiedImageError is an OSError
        return _through_ffmpeg(path, head, limits) or _mended(path, head, e, stack)
    if through_ffmpeg.is_planar(image):
        return _through_ffmpeg(path, head, limits) or _mended(path, head, OSError(), stack)
    if image.format == "GIF" and not _has_frames(image):
        return _mended(path, head, OSError("the frames of a GIF"), stack)
    if raw.is_raw_tiff(image):
        return _preview(path, stack)
    if image.format == "PSD":
        _check_composite(path, image)
    return Opened(path, image, exif_of(image, os.path.basename(path)))


def _through_ffmpeg(path: str, head: bytes, limits: Limits) -> Opened | None:
    found = through_ffmpeg.picture(path, head, limits.max_pixels)
    if found is None:
        return None
    image, tags, line = found
    return Opened(path, image, tags, warnings=[line] if line else [])


def pillow(file: str | io.BytesIO) -> Image.Image:
    """The image in a file, by the plugins of `FORMATS` alone."""
    return Image.open(file, formats=[f for f in FORMATS if f in Image.OPEN])


def _preview(path: str, stack: ExitStack) -> Opened:
    image, tags = stack.enter_context(raw.preview(path))
    own = exif_of(image)
    found = Opened(
        path, image, Tags({**tags.main, **own.main}, {**tags.inner, **own.inner}, tags.gps)
    )
    found.warnings.append(
        f"the camera's preview of {image.width} x {image.height} was read, not the raw data; "
        "develop the file to JPEG or TIFF for more"
    )
    return found


def _heif(path: str, limits: Limits, stack: ExitStack) -> Opened:
    file = stack.enter_context(open(path, "rb"))  # noqa: SIM115 - closed by the stack
    pictures = heif.pictures(file, limits.max_pixels)
    image = metadata_of(pictures[0])  # the pixels are decoded when asked for
    return Opened(path, image, exif_of(image, os.path.basename(path)), heif=pictures)


def metadata_of(picture: heif.HeifPicture) -> Image.Image:
    """An empty image that holds what is written in one of HEIF."""
    image = Image.new("RGB", (1, 1))
    image.format = "HEIF"
    image.info = {"exif": b"Exif\0\0" + picture.exif} if picture.exif else {}
    image.info["xmp"] = picture.xmp
    return image


def _mended(path: str, head: bytes, error: Exception, stack: ExitStack) -> Opened:
    """A PNG, WebP, AVIF or GIF that Pillow does not open, without what it stumbles over; a cursor
    made of PNG, which it opens as an icon."""
    lost, other = "", None
    if head.startswith(mending.PNG):
        data, dropped = mending.png(_read(path))
        if dropped:
            lost = f"damaged parts of the file were left out: {', '.join(dropped)}"
    elif head[:3] == b"GIF":
        data = mending.gif(_read(path))
        lost = "the animation breaks off: its last frame is not whole"
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        whole = _read(path)
        data, other = (mending.webp(whole, padding) for padding in mending.PADDINGS)
        if data == other:
            lost = f"the file breaks off: {_percent_there(whole)} % of it is there"
    elif head.startswith(_CURSOR):
        data = _ICON + _read(path)[len(_CURSOR) :]
    elif is_picture(head):
        whole = _read(path)
        data, other = (mending.avif(whole, padding) for padding in mending.PADDINGS)
    else:
        raise error
    try:
        image = stack.enter_context(pillow(io.BytesIO(data)))
    except UnidentifiedImageError:
        raise error from None
    other = other if other != data else None
    found = Opened(path, image, exif_of(image, os.path.basename(path)), data, other)
    if lost:
        found.warnings.append(lost)
    return found


def _has_frames(image: Image.Image) -> bool:
    """Whether the frames of a GIF can be counted; they cannot where it breaks off in a frame."""
    try:
        return animation.frame_count(image) > 0
    except IndexError:
        return False


def _percent_there(data: bytes) -> int:
    whole = int.from_bytes(data[4:8], "little") + 8
    return max(1, min(99, round(100 * len(data) / whole)))


def _check_composite(path: str, image: Image.Image) -> None:
    for number, _, content in getattr(image, "resources", ()):
        if number == _NO_COMPOSITE and len(content) > 4 and not content[4]:
            raise UnreadableError(
                f"{os.path.basename(path)!r} is a Photoshop document saved without its composite "
                "picture; save it with 'Maximize compatibility', or export it as PNG",
                code="UNSUPPORTED_TYPE",
            )


def _read(path: str) -> bytes:
    size = os.path.getsize(path)
    if size > _MAX_MENDED_BYTES:
        raise TooLargeError(
            f"{os.path.basename(path)!r} is damaged, and at {size >> 20} MB too large to be mended"
        )
    with open(path, "rb") as f:
        return f.read()
