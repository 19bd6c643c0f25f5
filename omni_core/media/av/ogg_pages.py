"""The pages of an Ogg (RFC 3533, 6), and whether some are missing.

Each has a number, one more than that of the page before it in its stream, and begins where the page
before it in the file ends.
"""

from __future__ import annotations

import mmap

from omni_core.media.av.part_file import Part

_MARK = b"OggS\0"
_HEAD = 27
_BEFORE = 2
"""Pages of the same stream, before the place that is looked at."""
_ALL_BEFORE = 50
"""Pages of any stream: those of pictures stand between those of sound."""


def is_missing(path: str, part: Part | None, place: int) -> bool:
    """Whether pages are missing right before the one at this byte of the file, or of its part."""
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
        begin = part.first if part is not None else 0
        last = begin + place
        if not data[last : last + _HEAD].startswith(_MARK):
            return False
        stream, first, left = _stream(data, last), last, _BEFORE
        for _ in range(_ALL_BEFORE):
            before = data.rfind(_MARK, begin, first)
            if before < 0 or not left:
                break
            first = before
            left -= _stream(data, first) == stream
        return _is_broken(data, first, last)


def lengths(data: mmap.mmap, at: int) -> bytes:
    """The lengths of the segments in the page that begins at a byte: 255 of one that goes on."""
    count = data[at + _HEAD - 1] if at + _HEAD <= len(data) else 0
    return data[at + _HEAD : at + _HEAD + count]


def page_end(data: mmap.mmap, at: int) -> int:
    """The byte after that page, by its lengths; it may not be there."""
    count = data[at + _HEAD - 1] if at + _HEAD <= len(data) else 0
    return at + _HEAD + count + sum(lengths(data, at))


def _stream(data: mmap.mmap, at: int) -> bytes:
    return data[at + 14 : at + 18]


def _is_broken(data: mmap.mmap, at: int, last: int) -> bool:
    """Whether the pages from one to another do not follow each other."""
    numbers: dict[bytes, int] = {}
    while at <= last:
        head = data[at : at + _HEAD]
        if len(head) < _HEAD or not head.startswith(_MARK):
            return True
        stream, number = head[14:18], int.from_bytes(head[18:22], "little")
        if number != numbers.get(stream, number):
            return True
        numbers[stream] = number + 1
        at = page_end(data, at)
    return False
