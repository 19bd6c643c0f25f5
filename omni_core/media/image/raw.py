"""Raw files of cameras: the JPEG preview that the camera wrote beside the raw data.

Raw data is no picture yet: each pixel holds one colour, and white balance and curve are chosen
later. Nearly all cameras embed their own rendering, mostly at full size.
"""

from __future__ import annotations

import io
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from omni_core.errors import UnreadableError
from omni_core.media.brands import CANON_RAW
from omni_core.media.image.tags import Tags, tags_of

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_SUFFIXES = (
    ".3fr", ".arw", ".cr2", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".nef",
    ".nrw", ".pef", ".rwl", ".sr2", ".srf", ".srw",
)  # fmt: skip
_MAGIC = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")
_DNG_VERSION, _REDUCED, _SUB_IFDS = 0xC612, 0x00FE, 0x014A
_START_OF_JPEG = b"\xff\xd8\xff"
_HEADER_BYTES, _MAX_JPEG_BYTES = 256 << 10, 64 << 20
_MAX_CANDIDATES = 100


def is_raw(head: bytes, suffix: str) -> bool:
    """By the first bytes, and by its suffix where they are those of any TIFF."""
    if head.startswith(_MAGIC) or head[6:14] == b"HEAPCCDR":
        return True
    if head[4:8] == b"ftyp" and head[8:12] == CANON_RAW:
        return True
    return head.startswith(TIFF) and (suffix in _SUFFIXES or head[8:10] == b"CR")


def is_raw_tiff(image: Image.Image) -> bool:
    """Whether an opened TIFF is a DNG, or shows a thumbnail of what stands elsewhere in it."""
    if image.format != "TIFF":
        return False
    exif = image.getexif()
    thumbnail = int(exif.get(_REDUCED) or 0) & 1
    return _DNG_VERSION in exif or bool(thumbnail and _SUB_IFDS in exif)


@contextmanager
def preview(path: str) -> Iterator[tuple[Image.Image, Tags]]:
    """(the largest picture in the file that can be decoded, the metadata of the file).

    Raises UnreadableError (UNSUPPORTED_TYPE) where it holds none.
    """
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY) as data:
        found = _largest_jpeg(data)
        thumbnail = _as_tiff(path)
        if thumbnail is not None and (found is None or _area(found) < _area(thumbnail)):
            found = thumbnail
        if found is None:
            raise UnreadableError(
                f"{os.path.basename(path)!r} is raw data of a camera without a preview that can be "
                "read; develop it to JPEG or TIFF and ingest that",
                code="UNSUPPORTED_TYPE",
            )
        with found:
            yield found, _metadata(data)


def _area(image: Image.Image) -> int:
    return image.width * image.height


def _largest_jpeg(data: mmap.mmap) -> Image.Image | None:
    candidates: list[tuple[int, int]] = []
    at = data.find(_START_OF_JPEG)
    while at >= 0 and len(candidates) < _MAX_CANDIDATES:
        area = _header_area(data[at : at + _HEADER_BYTES])
        if area:
            candidates.append((area, at))
        at = data.find(_START_OF_JPEG, at + 1)
    for _, start in sorted(candidates, reverse=True):
        jpeg = data[start : start + _MAX_JPEG_BYTES]
        try:
            with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as trial:
                trial.draft("RGB", (64, 64))
                trial.load()
        except Exception:  # noqa: S112 - bytes of raw data that look like a JPEG
            continue
        return Image.open(io.BytesIO(jpeg), formats=["JPEG"])
    return None


def _header_area(start: bytes) -> int:
    try:
        with Image.open(io.BytesIO(start), formats=["JPEG"]) as image:
            return _area(image)
    except Exception:  # bytes of raw data that look like a JPEG, or lossless raw data itself
        return 0


def _as_tiff(path: str) -> Image.Image | None:
    """The picture that a TIFF reader sees: a thumbnail, of which some raw files have no other."""
    try:
        with Image.open(path, formats=["TIFF"]) as trial:
            return trial.copy()
    except Exception:  # raw data, in any coding
        return None


def _metadata(data: mmap.mmap) -> Tags:
    """EXIF of the file itself; previews often have none."""
    if data[4:8] == b"ftyp":
        return _canon_metadata(data)
    if data[:4] in (b"IIRO", b"IIRS", b"IIU\0"):
        data[2:4] = b"*\0"  # in this copy: Olympus and Panasonic put their own mark there
    elif data[:4] == b"MMOR":
        data[2:4] = b"\0*"
    if data[:4] not in TIFF:
        return Tags()
    exif = Image.Exif()
    try:
        data.seek(0)
        exif.load_from_fp(data)  # type: ignore[arg-type]
    except Exception:  # of any kind on damaged files
        return Tags()
    return tags_of(exif)


def _canon_metadata(data: mmap.mmap) -> Tags:
    """CR3: boxes CMT1 and CMT2 hold what other files have in their first and EXIF directories."""
    found = []
    for name in (b"CMT1", b"CMT2"):
        at = data.find(name, 0, 1 << 20)
        exif = Image.Exif()
        if at >= 4:
            size = int.from_bytes(data[at - 4 : at], "big")
            try:
                exif.load(b"Exif\0\0" + data[at + 4 : at + min(size, 1 << 20) - 4])
            except Exception:  # of any kind on damaged files
                exif = Image.Exif()
        found.append(dict(exif))
    return Tags(found[0], found[1])
