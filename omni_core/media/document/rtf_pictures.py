"""Pictures of RTF files, which hold them as hexadecimal digits or as binary data."""

from __future__ import annotations

import re

from PIL import Image

from omni_core.media.document.raster import raster

_KIND = re.compile(rb"\\(pngblip|jpegblip)(?![a-z])")
_BINARY = re.compile(rb"\\bin(\d{1,10}) ?")
_INNER = re.compile(rb"\{[^{}]*\}")
_WORDS = re.compile(rb"\\[a-zA-Z]+-?\d* ?|\\\*|[{}]")
_NOT_HEX = re.compile(rb"[^0-9a-fA-F]+")


def picture(data: bytes, place: tuple[int, int], max_pixels: int) -> Image.Image | None:
    """The picture between two bytes of a file; None for other formats than PNG and JPEG, and for
    damaged, small and huge ones."""
    group = data[place[0] : place[1]]
    return raster(lambda: _bytes(group), "a picture", max_pixels) if _KIND.search(group) else None


def _bytes(group: bytes) -> bytes:
    if (m := _BINARY.search(group)) is not None:
        return group[m.end() : m.end() + int(m[1])]
    while (left := _INNER.sub(b"", group)) != group:
        group = left
    digits = _NOT_HEX.sub(b"", _WORDS.sub(b"", group))
    return bytes.fromhex(digits[: len(digits) // 2 * 2].decode())
