"""How much of a file is there, by the size that its own header states.

FFmpeg measures WAV, AVI, W64, MP3 and ASF by the bytes that are there, so that it takes the first
quarter of a download for a whole file.
"""

from __future__ import annotations

import os
from typing import BinaryIO

from omni_core.media.av.container import id3_bytes
from omni_core.media.av.part_file import Part

SHARE, SECONDS = 0.02, 0.3
"""Less than either is missing of files that are whole: padding, rounded sizes, tags taken off."""
MANY_SECONDS = 2.0
"""So many are missing however small a share of a long file they are."""
MAX_CHUNKS = 1000
_HEAD = 64 << 10
_OPEN = ((1 << 31) - (1 << 16), (1 << 31) + (1 << 16)), ((1 << 32) - (1 << 16), 1 << 32)
"""Sizes that programs write which do not know how much follows."""
_KINDS = (b"WAVE", b"AVI ", b"AVIX")
_W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a"
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_BROADCAST = 1
_XING_FRAMES, _XING_BYTES = 1, 2


def missing(path: str, part: Part | None, read: float) -> float:
    """About how many seconds of the file, or of one part of it, are not there, `read` of which
    were read; 0 where nothing is known to be missing."""
    first, last = (part.first, part.last) if part is not None else (0, os.path.getsize(path))
    there, is_exact = _share(path, first, last)
    lost = read / there - read if there else 0.0
    is_much = 1 - there >= SHARE or (is_exact and lost >= MANY_SECONDS)
    return lost if is_much and lost >= SECONDS else 0.0


def _share(path: str, first: int, last: int) -> tuple[float, bool]:
    """The part of its bytes that is there, from 0 to 1, of the file at [first, last) of another,
    and whether nothing else than what is missing changes it; 1 where its header states no size.
    Tags are taken off MP3s that were counted."""
    is_exact = True
    with open(path, "rb") as f:
        f.seek(first)
        head = f.read(16)
        if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] in _KINDS:
            stated = _riff(f, first, last)
        elif head == _W64:
            stated = _w64(f, first, last)
        elif head == _ASF:
            stated = _asf(f, first)
        else:
            tag = id3_bytes(path) if first == 0 else 0
            first += tag
            f.seek(first)
            stated, is_exact = _mpeg(f.read(256)), False
    return (min(1.0, (last - first) / stated) if stated else 1.0), is_exact


def _riff(f: BinaryIO, first: int, last: int) -> int:
    """The end of the sound of a WAV, or of the last list of pictures of an AVI, as stated."""
    at, end, large = first + 12, 0, 0
    for _ in range(MAX_CHUNKS):
        f.seek(at)
        head = f.read(12)
        if len(head) < 8:
            break
        name, size = head[:4], int.from_bytes(head[4:8], "little")
        if name == b"ds64":
            sizes = head[8:] + f.read(12)
            large = int.from_bytes(sizes[8:16], "little")
        if name == b"RIFF" and head[8:12] == b"AVIX":  # goes on a long AVI
            at += 12
            continue
        if name == b"data" or (name == b"LIST" and head[8:12] == b"movi"):
            if name == b"data" and large and size >= _OPEN[1][0]:
                size = large
            elif not size or any(low <= size <= high for low, high in _OPEN):
                return 0
            end = at + 8 + size
        at += 8 + size + (size & 1)
        if at >= last:
            break
    return end - first if end else 0


def _w64(f: BinaryIO, first: int, last: int) -> int:
    at = first + 40
    for _ in range(MAX_CHUNKS):
        f.seek(at)
        head = f.read(24)
        size = int.from_bytes(head[16:24], "little")
        if len(head) < 24 or size < 24 or size >= 1 << 62 or at >= last:
            return 0
        if head[:16] == _W64_DATA:
            return at + size - first if size > 24 else 0
        at += (size + 7) & ~7
    return 0


def _asf(f: BinaryIO, first: int) -> int:
    """The file's size in its File Properties; 0 of a broadcast, which knew none."""
    f.seek(first)
    head = f.read(_HEAD)
    at = head.find(_ASF_FILE)
    if at < 0 or len(head) < at + 92 or head[at + 88] & _BROADCAST:
        return 0
    return int.from_bytes(head[at + 40 : at + 48], "little")


def _mpeg(frame: bytes) -> int:
    """Bytes of all frames by the first one, where an encoder stated them in it (Xing, VBRI)."""
    if len(frame) < 60 or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return 0
    if frame[36:40] == b"VBRI":
        return int.from_bytes(frame[46:50], "big")
    newest, mono = frame[1] >> 3 & 3 == 3, frame[3] >> 6 == 3
    at = 4 + ((17 if mono else 32) if newest else (9 if mono else 17))
    if frame[at : at + 4] not in (b"Xing", b"Info"):
        return 0
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    at += 12 if flags & _XING_FRAMES else 8
    return int.from_bytes(frame[at : at + 4], "big") if flags & _XING_BYTES else 0
