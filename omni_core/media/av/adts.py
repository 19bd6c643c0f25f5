"""Bytes between the frames of raw AAC that are none. FFmpeg passes over them without a word, or
takes them for frames."""

from __future__ import annotations

import mmap
import re

from omni_core.media.av.joined_tags import tag_end
from omni_core.media.av.lost_sync import is_of_a_frame
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
_SYNC = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")
_TAG = 512
"""Bytes between two frames that may be a tag of any kind, as in streams of stations."""


def gaps(path: str, part: Part | None) -> list[tuple[float, float]]:
    """Of a file, or of one part of it: the second by its frames at which some are missing, and
    about how many seconds of them; 0 where a frame is cut, and how many are missing is not known.
    """
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at, last = (part.first, part.last) if part is not None else (0, len(data))
        if data[at : at + 3] == b"ID3":
            at = max(at, tag_end(data, at, last))
        head = data[at : at + _FIXED]
        index = head[2] >> 2 & 15 if len(head) == _FIXED else 15
        if not frame_bytes(data[at : at + 6]) or index >= len(_RATES):
            return []
        found: list[tuple[int, int]] = []
        count, begin, between = 0, at, 0
        while at < last:
            header = data[at : at + 6]
            size = frame_bytes(header) if header.startswith(head) else 0
            if size >= _HEADER:
                at, count = at + size, count + 1
                continue
            after = _next_frame(data, at, last)
            if after < 0:
                break
            between += after - at
            if after - at > _TAG and tag_end(data, at, after) < 0:
                found.append((count, after - at))
            elif after - at <= _TAG and is_of_a_frame(data[at:after]):
                found.append((count, 0))
            at, head = after, data[after : after + _FIXED]
        mean = (at - begin - between) / max(1, count)
    seconds = _BLOCK / _RATES[index]
    return [(n * seconds, size / mean * seconds) for n, size in found]


def _next_frame(data: mmap.mmap, at: int, last: int) -> int:
    """Where two frames follow each other; -1 where none do."""
    for found in _SYNC.finditer(data, at, last):
        here = found.start()
        head = data[here : here + 6]
        size = frame_bytes(head)
        if size >= _HEADER and data[here + size : here + size + _FIXED] == head[:_FIXED]:
            return here
    return -1
