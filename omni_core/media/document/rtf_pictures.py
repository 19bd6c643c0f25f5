"""Pictures of RTF files, which hold them as hexadecimal digits or as binary data."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from functools import partial

from omni_core.media.document.memory_package import MemoryPackage
from omni_core.media.document.rtf_text import Rtf

_BINARY = re.compile(rb"\\bin(\d{1,10}) ?")
_INNER = re.compile(rb"\{[^{}]*\}")
_WORDS = re.compile(rb"\\[a-zA-Z]+-?\d* ?|\\\*|[{}]")
_NOT_HEX = re.compile(rb"[^0-9a-fA-F]+")


def pictures(data: bytes, rtf: Rtf, path: str) -> MemoryPackage:
    """The pictures of a file, as parts by their names."""
    parts: dict[str, Callable[[], bytes]] = {
        name: partial(_bytes, data, place) for name, place in rtf.pictures.items()
    }
    return MemoryPackage(path, parts)


def _bytes(data: bytes, place: tuple[int, int]) -> bytes:
    """The bytes of the picture between two places of a file."""
    group = data[place[0] : place[1]]
    if (m := _BINARY.search(group)) is not None:
        return _placed(group[m.end() : m.end() + int(m[1])], group)
    while (left := _INNER.sub(b"", group)) != group:
        group = left
    digits = _NOT_HEX.sub(b"", _WORDS.sub(b"", group))
    return _placed(bytes.fromhex(digits[: len(digits) // 2 * 2].decode()), group)


def _placed(picture: bytes, group: bytes) -> bytes:
    """A picture as a file of its own: a device independent bitmap lacks its head."""
    if b"\\dibitmap" not in group or len(picture) < 40:
        return picture
    bits, colours = struct.unpack_from("<H16xI", picture, 14)
    colours = colours or (1 << bits if bits <= 8 else 0)
    start = 14 + struct.unpack_from("<I", picture)[0] + 4 * colours
    return struct.pack("<2sIII", b"BM", 14 + len(picture), 0, start) + picture
