"""Sound as frames that follow each other without a container: AC-3, E-AC-3 and DTS, and blocks of
Creative Voice files. Each states its own length (ETSI TS 102 366, 5.3 and E.1; ETSI TS 102 114, 5).
"""

from __future__ import annotations

import mmap

_LOAS, _LOAS_MASK = 0x56E000, 0xFFE000
"""11 bits that begin a frame of AAC in LATM; the 13 after them are its length (ISO/IEC 14496-3)."""
AC3, DTS, VOC = b"\x0bw", b"\x7f\xfe\x80\x01", b"Creative Voice File\x1a"
_KILOBITS = (
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640
)  # fmt: skip
_RATES = (48_000, 44_100, 32_000)
_SAMPLES = 1536
_EXTENDED = 10
"""Versions of the bit stream above this one are E-AC-3."""
_TAIL = 1 << 16
"""Bytes at the end in which the last frames are looked for."""


def frame_bytes(header: bytes) -> int:
    """The length of the frame with this header; 0 for bytes that are no header."""
    if len(header) < 8:
        return 0
    if header.startswith(DTS):
        return ((header[5] & 3) << 12 | header[6] << 4 | header[7] >> 4) + 1
    if not header.startswith(AC3):
        return 0
    if header[5] >> 3 > _EXTENDED:
        return 2 * (((header[2] & 7) << 8 | header[3]) + 1)
    rate, size = header[4] >> 6, header[4] & 63
    if rate >= len(_RATES) or size >= 2 * len(_KILOBITS):
        return 0
    words = _KILOBITS[size // 2] * 1000 * _SAMPLES // (16 * _RATES[rate])
    return 2 * (words + (size & 1 if _RATES[rate] == 44_100 else 0))


def is_loas(head: bytes) -> bool:
    """Whether these first bytes of a file are three frames of AAC in LATM, as radio sends it, or
    what of three there is room for."""
    at = 0
    for _ in range(3):
        mark = int.from_bytes(head[at : at + 3], "big")
        if mark & _LOAS_MASK != _LOAS or not mark & ~_LOAS_MASK:
            return False
        at += 3 + (mark & ~_LOAS_MASK)
        if at + 3 > len(head):
            return at <= len(head)
    return True


def ends_within_frame(data: mmap.mmap, first: int, last: int) -> bool:
    """Whether the last of the frames in [first, last) reaches behind the end."""
    mark = AC3 if data[first : first + len(AC3)] == AC3 else DTS
    tail = data[max(first, last - _TAIL) : last]
    at = tail.find(mark)
    while at >= 0:
        here, count = at, 0
        while size := frame_bytes(tail[here : here + 8]):
            here, count = here + size, count + 1
        if count > 1:
            return here > len(tail)
        at = tail.find(mark, at + 1)
    return False


def ends_within_block(data: mmap.mmap, first: int, last: int) -> bool:
    """Whether the last block of a Creative Voice file reaches behind the end."""
    at = first + int.from_bytes(data[first + 20 : first + 22], "little")
    while at + 4 <= last and data[at]:  # a block of kind 0 is the last, and has no length
        at += 4 + int.from_bytes(data[at + 1 : at + 4], "little")
    return at > last
