"""Chapters inside chapters of a Matroska file (RFC 9559, 5.1.7), of which FFmpeg gives nothing."""

from __future__ import annotations

import itertools
import mmap
from collections.abc import Iterator

from omni_core.media.av.cut_off import number_bytes

_EBML, _SEGMENT, _CHAPTERS, _EDITION = 0x1A45DFA3, 0x18538067, 0x1043A770, 0x45B9
_ATOM, _START, _END, _HIDDEN = 0xB6, 0x91, 0x92, 0x98
_DISPLAY, _STRING = 0x80, 0x85
_MAX_ELEMENTS, _MAX_BYTES, _MAX_DEPTH, _MAX_FOUND = 100_000, 4 << 20, 8, 10_000
_NUMBER_BYTES = 8
"""Of a number at most."""
_NANOSECONDS = 1e9

Found = tuple[float, float, str]
"""Start and end, in seconds of the file's time stamps, and title."""


def sub_chapters(path: str) -> list[Found]:
    """The chapters that lie within others; those at the top are left to FFmpeg."""
    with open(path, "rb") as f:
        if f.read(4) != _EBML.to_bytes(4, "big"):
            return []
        with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found: list[Found] = []
            for edition in _editions(data):
                for kind, first, last in _elements(edition, 0, len(edition)):
                    if kind == _ATOM:
                        left = _MAX_FOUND - len(found)
                        found += itertools.islice(_within(edition, first, last, 1), left)
            return found


def _editions(data: mmap.mmap) -> Iterator[bytes]:
    for top, first, last in _elements(data, 0, len(data)):
        if top != _SEGMENT:
            continue
        for kind, begin, end in _elements(data, first, last):
            if kind == _CHAPTERS and end - begin <= _MAX_BYTES:
                chapters = data[begin:end]
                for inner, a, b in _elements(chapters, 0, len(chapters)):
                    if inner == _EDITION:
                        yield chapters[a:b]


def _within(data: bytes, first: int, last: int, depth: int) -> Iterator[Found]:
    """The chapters inside the one at [first, last)."""
    for kind, begin, end in _elements(data, first, last):
        if kind != _ATOM or depth == _MAX_DEPTH:
            continue
        at, until, titles, is_hidden = 0, 0, list[str](), False
        for inner, a, b in _elements(data, begin, end):
            if inner == _START:
                at = int.from_bytes(data[a : min(b, a + _NUMBER_BYTES)], "big")
            elif inner == _END:
                until = int.from_bytes(data[a : min(b, a + _NUMBER_BYTES)], "big")
            elif inner == _HIDDEN:
                is_hidden = any(data[a:b])
            elif inner == _DISPLAY:
                titles += [
                    data[c:d].rstrip(b"\0").decode(errors="replace")
                    for name, c, d in _elements(data, a, b)
                    if name == _STRING
                ]
        if not is_hidden:
            title = " / ".join(dict.fromkeys(filter(None, titles)))
            yield at / _NANOSECONDS, until / _NANOSECONDS, title
        yield from _within(data, begin, end, depth + 1)


def _elements(data: bytes | mmap.mmap, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """(kind, first byte, last byte) of what the elements in [first, last) hold; one that was
    written as it came has no length and reaches to the end."""
    at = first
    for _ in range(_MAX_ELEMENTS):
        head = data[at : min(at + 12, last)]
        end = number_bytes(head)
        size_end = end + number_bytes(head[end:])
        if end == 0 or size_end == end or size_end > len(head):
            return
        ones = (1 << 7 * (size_end - end)) - 1
        size = int.from_bytes(head[end:size_end], "big") & ones
        begin = at + size_end
        until = last if size == ones else begin + size
        if until > last:
            return
        yield int.from_bytes(head[:end], "big"), begin, until
        at = until
