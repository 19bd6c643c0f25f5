"""Whether an MP4 is encrypted as a whole: films and music that were bought, audio books (AAX)."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from itertools import islice

from omni_core.media.av.movie_boxes import boxes

MAX_BOXES = 10_000
_LOCKED = (b"encv", b"enca", b"drms", b"drmi", b"aavd")
"""Kinds of samples: Common Encryption (ISO/IEC 23001-7), FairPlay, Audible."""
_HEARD_OR_SEEN = (b"vide", b"soun")
_HEAD = 8
"""Bytes of a box before what it holds."""


def is_locked(path: str) -> bool:
    """Whether there are tracks of pictures and sound, and all of them are encrypted."""
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
        kinds = [*_kinds(data)]
    return bool(kinds) and all(kind in _LOCKED for kind in kinds)


def _kinds(data: mmap.mmap) -> Iterator[bytes]:
    """How the samples of each track of pictures or sound are kept."""
    # behind the one that tells of all tracks a film in fragments may have thousands of boxes
    for movie in islice(_within(data, (0, len(data)), b"moov"), 1):
        for media in _within(data, movie, b"trak", b"mdia"):
            handlers = (data[at + 8 : at + 12] for at, _ in _within(data, media, b"hdlr"))
            if next(handlers, b"") in _HEARD_OR_SEEN:
                tables = _within(data, media, b"minf", b"stbl", b"stsd")
                yield from (data[at + 12 : at + 16] for at, _ in tables)


def _within(data: mmap.mmap, span: tuple[int, int], *path: bytes) -> Iterator[tuple[int, int]]:
    """[first, last) of what the boxes hold that this path of kinds leads to."""
    if not path:
        yield span
        return
    for kind, at, size in boxes(data, *span, MAX_BOXES):
        if kind == path[0] and size > _HEAD:
            yield from _within(data, (at + _HEAD, min(at + size, span[1])), *path[1:])
