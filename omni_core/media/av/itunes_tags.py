"""Tags of an MP4 that have several values, of which FFmpeg gives the last one."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

from omni_core.media.av.movie_boxes import boxes

_NAMED = {
    b"\xa9nam": "title", b"\xa9alb": "album", b"\xa9ART": "artist", b"aART": "album_artist",
    b"\xa9wrt": "composer", b"\xa9grp": "grouping", b"\xa9gen": "genre", b"\xa9cmt": "comment",
    b"\xa9lyr": "lyrics",
}  # fmt: skip
_WITHIN = (b"moov", b"udta", b"meta", b"ilst")
_ENCODINGS = {1: "utf-8", 2: "utf-16-be"}
MAX_BOXES, MAX_VALUES, MAX_BYTES = 1000, 100, 1 << 20
"""Boxes in one, values of one tag, and bytes of a value, at most."""


def all_values(path: str) -> Iterator[tuple[str, str]]:
    """(name, value) of the tags of iTunes that have more than one."""
    with open(path, "rb") as f:
        try:
            whole = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        except (ValueError, OSError):  # empty, or on a drive that maps no files
            return
        with whole as data:
            yield from _texts(data)


def _texts(data: mmap.mmap) -> Iterator[tuple[str, str]]:
    first, last = 0, len(data)
    for wanted in _WITHIN:
        found = next((b for b in boxes(data, first, last, MAX_BOXES) if b[0] == wanted), None)
        if found is None:
            return
        _, at, size = found
        first = at + (12 if wanted == b"meta" else 8)  # version and flags stand before its boxes
        last = min(last, at + size) if size else last
    for kind, at, size in boxes(data, first, last, MAX_BOXES):
        if kind not in _NAMED:
            continue
        values = list(_values(data, at + 8, min(last, at + size)))
        if len(values) > 1:
            yield from ((_NAMED[kind], value) for value in values)


def _values(data: mmap.mmap, first: int, last: int) -> Iterator[str]:
    for inner, begin, length in boxes(data, first, last, MAX_VALUES):
        encoding = _ENCODINGS.get(int.from_bytes(data[begin + 9 : begin + 12], "big"))
        if inner == b"data" and encoding and 16 < length <= MAX_BYTES:
            value = data[begin + 16 : begin + length].decode(encoding, "replace").strip("\0 ")
            if value:
                yield value
