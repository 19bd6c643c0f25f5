"""Whether an MP4 is encrypted as a whole: films and music that were bought, audio books (AAX)."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

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
    for movie in _within(data, (0, len(data)), b"moov"):
        for track in _within(data, movie, b"trak"):
            for media in _within(data, track, b"mdia"):
                handlers = (data[at + 8 : at + 12] for at, _ in _within(data, media, b"hdlr"))
                if next(handlers, b"") in _HEARD_OR_SEEN:
                    for info in _within(data, media, b"minf"):
                        for table in _within(data, info, b"stbl"):
                            for at, _ in _within(data, table, b"stsd"):
                                yield data[at + 12 : at + 16]


def _within(data: mmap.mmap, span: tuple[int, int], wanted: bytes) -> Iterator[tuple[int, int]]:
    """[first, last) of what the boxes of one kind hold."""
    for kind, at, size in boxes(data, *span, MAX_BOXES):
        if kind == wanted and size > _HEAD:
            yield at + _HEAD, min(at + size, span[1])
