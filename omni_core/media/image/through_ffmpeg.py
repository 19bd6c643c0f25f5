"""Still pictures of formats that Pillow knows, in kinds that it does not: through FFmpeg.

TIFF with floats in colour, with 16 bits and alpha, or with 16 bits in a plane for each colour (of
which Pillow makes other colours, without an error), Netpbm's PAM and PFM, JPEG-LS, the PCX of
four and sixteen colours in one plane, and the Amiga's ILBM.
"""

from __future__ import annotations

import os
import struct

import av
import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin

from omni_core.errors import UnreadableError
from omni_core.media.image.tags import Tags, tags_of

_TIFF = (b"II*\0", b"MM\0*")
_NETPBM = (b"P7\n", b"PF\n", b"PF ", b"Pf\n", b"Pf ")
_JPEG_LS = b"\xff\xd8\xff\xf7"
_PCX_VERSIONS = b"\0\2\3\4\5"
_PCX_HEADER = 128
_ILBM = (b"ILBM", b"PBM ", b"ACBM")
_BITS, _PLANAR, _TURNED = 258, 284, 0x0112
_FORM, _FLOAT = 339, 3
_WIDTH, _HEIGHT, _STRIPS, _TILES = 256, 257, 273, 324
_MAX_BYTES = 512 << 20
_DEMUXERS = {
    b"II": "tiff_pipe", b"MM": "tiff_pipe", b"P7": "pam_pipe", b"PF": "pfm_pipe",
    b"Pf": "pfm_pipe", b"\xff\xd8": "jpegls_pipe", b"FO": "iff",
    **{bytes((10, version)): "pcx_pipe" for version in _PCX_VERSIONS},
}  # fmt: skip
_FORMATS = {
    "pam_pipe": "PPM", "pfm_pipe": "PPM", "jpegls_pipe": "JPEG", "iff": "IFF", "pcx_pipe": "PCX",
}  # fmt: skip
_CGA = np.array([(0, 0, 0), (85, 255, 255), (255, 85, 255), (255, 255, 255)], np.uint8)
"""Colours of a PCX of four, whose header has none."""
_ALPHA = ("rgba", "argb", "bgra", "abgr", "ya", "gbrap")


def is_ilbm(head: bytes) -> bool:
    """Whether the first bytes are those of a picture of Deluxe Paint (IFF)."""
    return head[:4] == b"FORM" and head[8:12] in _ILBM


def is_pcx(head: bytes) -> bool:
    """Whether the first bytes may be those of a PCX, which has no magic number."""
    return (
        len(head) >= _PCX_HEADER
        and head[:1] == b"\n"
        and head[1:2] in _PCX_VERSIONS
        and head[2:3] in b"\0\1"
    )


def is_planar(image: Image.Image) -> bool:
    """Whether an open TIFF has more than 8 bits and a plane for each colour."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    bits = image.tag_v2.get(_BITS, (8,))
    return image.tag_v2.get(_PLANAR) == 2 and len(bits) > 1 and max(bits) > 8


def picture(path: str, head: bytes, max_pixels: int) -> tuple[Image.Image, Tags, str] | None:
    """(the first picture in the file, upright, its metadata, a line on further ones); None for
    other formats, and where it cannot be decoded.

    Raises UnreadableError (UNSUPPORTED_TYPE) for a whole TIFF of a kind that nothing here reads.
    """
    is_known = head.startswith((*_TIFF, *_NETPBM, _JPEG_LS)) or is_ilbm(head) or is_pcx(head)
    if not is_known or os.path.getsize(path) > _MAX_BYTES:
        return None
    is_tiff = head.startswith(_TIFF)
    directory = _directory(path) if is_tiff else None
    if is_tiff and directory is None:
        return None
    image = _decoded(path, head, max_pixels) if not _is_long(directory) else None
    if image is None and directory is not None:
        raise UnreadableError(
            f"{os.path.basename(path)!r} is a TIFF of a kind that is not read "
            f"({_kind(directory)}); save it with 8 or 16 bits, as PNG or TIFF, and ingest that",
            code="UNSUPPORTED_TYPE",
        )
    if image is None:
        return None
    image.format = "TIFF" if is_tiff else _FORMATS[_DEMUXERS[head[:2]]]
    tags = _tags(path) if is_tiff else Tags()
    if (turned := tags.main.get(_TURNED, 1)) != 1:
        image.getexif()[_TURNED] = turned
        image = ImageOps.exif_transpose(image)
        image.format = "TIFF"
    more = directory is not None and directory.next
    return image, tags, "only the first of its pages was read" if more else ""


def _decoded(path: str, head: bytes, max_pixels: int) -> Image.Image | None:
    """The first picture. FFmpeg gets the open file and its format, and looks at no name, in which
    `%d` and the like would stand for other files."""
    form = _DEMUXERS[head[:2]]
    try:
        with open(path, "rb") as f, av.open(f, format=form) as container:
            stream = container.streams.video[0]
            if stream.width * stream.height > max_pixels:
                raise Image.DecompressionBombError
            frame = next(container.decode(stream))
            if head[:1] == b"\n" and (head[3], head[65]) == (2, 1) and not any(head[19:28]):
                return Image.fromarray(_CGA[frame.to_ndarray()[0] & 3])
            colours = "rgba" if frame.format.name.startswith(_ALPHA) else "rgb24"
            return Image.fromarray(frame.to_ndarray(format=colours))
    except (av.error.FFmpegError, StopIteration, ValueError, IndexError):
        return None


def _directory(path: str) -> TiffImagePlugin.ImageFileDirectory_v2 | None:
    """The first directory, if the data of its picture begins within the file."""
    try:
        with open(path, "rb") as f:
            found = TiffImagePlugin.ImageFileDirectory_v2(f.read(8))
            f.seek(found.next)
            found.load(f)
            size = f.seek(0, os.SEEK_END)
        places = found.get(_STRIPS) or found.get(_TILES) or ()
        whole = _WIDTH in found and _HEIGHT in found and places and max(places) < size
        return found if whole else None
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error):
        return None


def _is_long(directory: TiffImagePlugin.ImageFileDirectory_v2 | None) -> bool:
    """Whether samples are whole numbers of more than 16 bits, which FFmpeg takes for floats."""
    if directory is None:
        return False
    return bool(max(directory.get(_BITS, (1,))) > 16 and directory.get(_FORM, (1,))[0] != _FLOAT)


def _kind(directory: TiffImagePlugin.ImageFileDirectory_v2) -> str:
    bits = directory.get(_BITS, (1,))
    return f"{len(bits)} channel{'s' if len(bits) > 1 else ''} of {max(bits)} bits"


def _tags(path: str) -> Tags:
    exif = Image.Exif()
    try:
        with open(path, "rb") as f:
            exif.load_from_fp(f)
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error):
        return Tags()
    return tags_of(exif, os.path.basename(path))
