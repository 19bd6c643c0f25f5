"""Bytes between the frames of raw AAC that are none. FFmpeg passes over them without a word, or
takes them for frames."""

from __future__ import annotations

import mmap

from omni_core.media.av.mpeg_audio import frame_bytes
from omni_core.media.av.part_file import Part

_RATES = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
)  # fmt: skip
_BLOCK = 1024
"""Samples of a frame, in each of its blocks."""
_HEADER, _FIXED = 7, 3
"""Bytes of a header, and those of them in which no bit changes while the sound is of one kind."""
_ADTS = (b"\xf0", b"\xf1", b"\xf8", b"\xf9")
_TAG = 512
"""Bytes between two frames that may be a tag, as in streams of stations."""


def gaps(path: str, part: Part | None) -> list[tuple[float, float]]:
    """Of a file, or of one part of it: the second by its frames at which some are missing, and
    about how many seconds of them."""
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at, last = (part.first, part.last) if part is not None else (0, len(data))
        at += _tag_bytes(data, at)
        head = data[at : at + _FIXED]
        index = head[2] >> 2 & 15 if len(head) == _FIXED else 15
        if not frame_bytes(data[at : at + 6]) or index >= len(_RATES):
            return []
        found: list[tuple[int, int]] = []
        count, begin = 0, at
        while at < last:
            header = data[at : at + 6]
            size = frame_bytes(header) if header.startswith(head) else 0
            if size >= _HEADER:
                at, count = at + size, count + 1
                continue
            after = _next_frame(data, at, last)
            if after < 0:
                break
            found.append((count, after - at))
            at, head = after, data[after : after + _FIXED]
        between = sum(size for _, size in found)
        mean = (at - begin - between) / max(1, count)
    seconds = _BLOCK / _RATES[index]
    return [(n * seconds, size / mean * seconds) for n, size in found if size > _TAG]


def _next_frame(data: mmap.mmap, at: int, last: int) -> int:
    """Where two frames follow each other; -1 where none do."""
    while True:
        at += _tag_bytes(data, at)
        at = data.find(b"\xff", at, last)
        if at < 0:
            return -1
        head = data[at : at + 6]
        size = frame_bytes(head) if head[1:2] in _ADTS else 0
        if size >= _HEADER and data[at + size : at + size + _FIXED] == head[:_FIXED]:
            return at
        at += 1


def _tag_bytes(data: mmap.mmap, at: int) -> int:
    """The length of an ID3 tag that begins here; 0 of none."""
    if data[at : at + 3] != b"ID3":
        return 0
    return 10 + sum(
        (byte & 127) << shift
        for byte, shift in zip(data[at + 6 : at + 10], (21, 14, 7, 0), strict=True)
    )
