"""Windows metafiles (EMF, WMF): the words they draw, and the bitmaps they hold.

They are lists of drawing commands. Drawing them needs Windows or a program such as LibreOffice;
their words and pictures are plain records ([MS-EMF], [MS-EMFPLUS], [MS-WMF]).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image

from omni_core.text.charset import decode

MAX_RECORDS = 200_000
_EXT_TEXT_A, _EXT_TEXT_W, _SMALL_TEXT, _COMMENT = 83, 84, 108, 70
_BITMAPS = {81: 48, 80: 48, 76: 84, 77: 84, 114: 84}
"""Records of EMF with a bitmap, and where its header's offset stands: StretchDIBits,
SetDIBitsToDevice, BitBlt, StretchBlt, AlphaBlend."""
_PLUS_STRING, _PLUS_OBJECT_IMAGE = 0x401C, 0x4008
_WMF_TEXT, _WMF_EXT_TEXT = 0x0521, 0x0A32
_WMF_BITMAPS = {0x0F43: 28, 0x0B41: 26, 0x0940: 22, 0x0D33: 24}
"""Records of WMF with a bitmap, and where it stands: StretchDIB, DIBStretchBlt, DIBBitBlt,
SetDIBToDev."""
_MIN_LETTERS = 3
_DIB_HEADER = 14


@dataclass
class Metafile:
    """The words in the order of drawing, and the bitmaps as files of their own."""

    texts: list[str] = field(default_factory=list)
    bitmaps: list[bytes] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """The texts; none where there is no word among them (a formula drawn sign by sign)."""
        found = [text for raw in self.texts if (text := " ".join(raw.split()))]
        letters = (sum(c.isalnum() for c in text) for text in found)
        return found if max(letters, default=0) >= _MIN_LETTERS else []

    @property
    def largest(self) -> Image.Image | None:
        """The bitmap with the most pixels, of those that can be decoded."""
        best: Image.Image | None = None
        for data in self.bitmaps:
            try:
                image = Image.open(io.BytesIO(data), formats=("BMP", "DIB", "PNG", "JPEG", "GIF"))
            except OSError:
                continue
            if best is None or image.width * image.height > best.width * best.height:
                best = image
        return best


def read(data: bytes) -> Metafile:
    """The words and bitmaps of an EMF or a WMF, up to where it is damaged."""
    found = Metafile()
    try:
        if data[40:44] == b" EMF":
            for kind, record in _emf_records(data):
                _emf(kind, record, found)
        else:
            for kind, record in _wmf_records(data):
                _wmf(kind, record, found)
    except struct.error:  # a record shorter than it says
        pass
    return found


def _emf_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    for _ in range(MAX_RECORDS):
        if at + 8 > len(data):
            return
        kind, size = struct.unpack_from("<II", data, at)
        if size < 8:
            return
        yield kind, data[at : at + size]
        at += size


def _emf(kind: int, record: bytes, found: Metafile) -> None:
    if kind in (_EXT_TEXT_A, _EXT_TEXT_W):
        count, start = struct.unpack_from("<II", record, 44)
        wide = 2 if kind == _EXT_TEXT_W else 1
        found.texts.append(_decoded(record[start : start + count * wide], wide))
    elif kind == _SMALL_TEXT:
        _, _, count, options = struct.unpack_from("<iiII", record, 8)
        start = 36 if options & 0x100 else 52  # without or with a rectangle
        wide = 1 if options & 0x200 else 2
        found.texts.append(_decoded(record[start : start + count * wide], wide))
    elif kind == _COMMENT and record[12:16] == b"EMF+":
        _emf_plus(record[16:], found)
    elif kind in _BITMAPS:
        header, header_size, bits, bits_size = struct.unpack_from("<IIII", record, _BITMAPS[kind])
        if header and bits_size:
            found.bitmaps.append(
                _bitmap(record[header : header + header_size], record[bits : bits + bits_size])
            )


def _emf_plus(data: bytes, found: Metafile) -> None:
    at = 0
    while at + 12 <= len(data):
        kind, flags, size, length = struct.unpack_from("<HHII", data, at)
        body = data[at + 12 : at + 12 + length]
        if kind == _PLUS_STRING:
            count = struct.unpack_from("<I", body, 8)[0]
            found.texts.append(_decoded(body[28 : 28 + 2 * count], 2))
        elif kind == _PLUS_OBJECT_IMAGE and (flags >> 8) & 0x7F == 5 and not flags & 0x8000:
            found.bitmaps.append(body[28:])
        if size < 12:
            return
        at += size


def _wmf_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 22 if data[:4] == b"\xd7\xcd\xc6\x9a" else 0
    at += 18
    for _ in range(MAX_RECORDS):
        if at + 6 > len(data):
            return
        words, kind = struct.unpack_from("<IH", data, at)
        if words < 3:
            return
        yield kind, data[at : at + 2 * words]
        at += 2 * words


def _wmf(kind: int, record: bytes, found: Metafile) -> None:
    if kind == _WMF_TEXT:
        count = struct.unpack_from("<H", record, 6)[0]
        found.texts.append(_decoded(record[8 : 8 + count], 1))
    elif kind == _WMF_EXT_TEXT:
        count, options = struct.unpack_from("<HH", record, 10)
        start = 22 if options & 6 else 14  # with or without a rectangle
        found.texts.append(_decoded(record[start : start + count], 1))
    elif kind in _WMF_BITMAPS and len(record) > _WMF_BITMAPS[kind] + 40:
        bits = record[_WMF_BITMAPS[kind] :]
        found.bitmaps.append(_bitmap(bits[:0], bits))


def _bitmap(header: bytes, bits: bytes) -> bytes:
    """A bitmap with the file header that Pillow needs."""
    whole = header + bits
    (size,) = struct.unpack_from("<I", whole)
    (depth,) = struct.unpack_from("<H", whole, 14)
    (compression,) = struct.unpack_from("<I", whole, 16)
    if compression in (4, 5):  # a JPEG or PNG behind the header
        return bits if header else whole[size:]
    if header:
        start = _DIB_HEADER + len(header)
    else:
        used = struct.unpack_from("<I", whole, 32)[0] or (1 << depth if depth <= 8 else 0)
        start = _DIB_HEADER + size + 4 * used + (12 if compression == 3 and size == 40 else 0)
    return b"BM" + struct.pack("<IHHI", _DIB_HEADER + len(whole), 0, 0, start) + whole


def _decoded(data: bytes, wide: int) -> str:
    return data.decode("utf-16-le", "ignore") if wide == 2 else decode(data)
