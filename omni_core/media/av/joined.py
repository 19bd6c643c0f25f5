"""Where one file ends and another begins in a file that was put together byte by byte.

`cat a.flac b.flac`, recorders that go on in the same file and downloads that were merged make such
files. FFmpeg reads the first of them and stops without a word, or reads on with broken times.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Callable, Iterator

from omni_core.media.av.movie_boxes import boxes
from omni_core.media.av.ogg_pages import page_end

FIRST_PAGE = b"OggS\0\2"
"""A page of Ogg, version 0, that begins a stream."""
_FLAC = (b"fLaC\0\0\0\x22", b"fLaC\x80\0\0\x22")
"""The mark and the header of the block that comes first, of 34 bytes (RFC 9639, 8)."""
_EBML, _DOCTYPE = b"\x1a\x45\xdf\xa3", b"\x42\x82"
_EBML_HEADER = 64
"""Bytes within which the header of a Matroska file names its kind."""
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_FLV, _FLV_HEAD = b"FLV\1", b"\0\0\0\x09\0\0\0\0"
_CAF = b"caff\0\1\0\0desc"
_OF_A_MOVIE = (b"moov", b"moof")
_MAX_BOXES = 100_000
Finder = Callable[[mmap.mmap], Iterator[int]]


def borders(path: str, most: int) -> list[int]:
    """The bytes at which the files begin, the first one included; at most `most` of them. Empty
    for kinds of files that are read through whatever follows, and for others."""
    with open(path, "rb") as f:
        head = f.read(16)
        finder = _finder(head)
        if finder is None or os.fstat(f.fileno()).st_size < len(head):
            return []
        with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = []
            for at in finder(data):
                found.append(at)
                if len(found) == most:
                    break
            return found


def _finder(head: bytes) -> Finder | None:
    kind = head[8:12]
    if head.startswith(b"OggS"):
        return _ogg
    if head.startswith(b"fLaC"):
        return _flac
    if head[:4] in (b"RIFF", b"FORM") and kind in (b"WAVE", b"AVI ", b"AIFF", b"AIFC"):
        return _chunks
    if head[4:8] == b"ftyp":
        return _movies
    if head.startswith(_EBML):
        return _matroska
    if head.startswith(_FLV):
        return _flv
    if head.startswith(_CAF):
        return _caf
    return _asf if head.startswith(_ASF) else None


def _ogg(data: mmap.mmap) -> Iterator[int]:
    """Where pages begin streams, after pages of other streams or at the start."""
    at, expected, begun = data.find(FIRST_PAGE), 0, False
    while at >= 0:
        end = page_end(data, at)
        if data[end : end + 4] == b"OggS":
            if at != expected or not begun:
                begun = True
                yield at
            expected = end
        at = data.find(FIRST_PAGE, at + 1)


def _flac(data: mmap.mmap) -> Iterator[int]:
    yield 0
    at = 4
    while True:
        found = [p for mark in _FLAC if (p := data.find(mark, at)) >= 0]
        if not found:
            return
        yield min(found)
        at = min(found) + 4


def _chunks(data: mmap.mmap) -> Iterator[int]:
    """WAV, AVI and AIFF, whose first number is their length. `RIFF....AVIX` goes on a long AVI."""
    first, kind = data[:4], data[8:12]
    at = 0
    while data[at : at + 4] == first and data[at + 8 : at + 12] == kind:
        yield at
        (size,) = struct.unpack("<I" if first == b"RIFF" else ">I", data[at + 4 : at + 8])
        end = at + 8 + size + (size & 1)
        at = end if data[end : end + 4] == first else at + 8 + size


def _movies(data: mmap.mmap) -> Iterator[int]:
    """MP4 and MOV: a new `ftyp` after the boxes of a movie."""
    yield 0
    has_movie = False
    for kind, at, _ in boxes(data, 0, len(data), _MAX_BOXES):
        if kind == b"ftyp" and has_movie:
            yield at
            has_movie = False
        has_movie |= kind in _OF_A_MOVIE


def _matroska(data: mmap.mmap) -> Iterator[int]:
    at = 0
    while at >= 0:
        if _DOCTYPE in data[at : at + _EBML_HEADER]:
            yield at
        at = data.find(_EBML, at + 4)


def _flv(data: mmap.mmap) -> Iterator[int]:
    at = 0
    while at >= 0:
        if data[at + 5 : at + 13] == _FLV_HEAD:
            yield at
        at = data.find(_FLV, at + 4)


def _caf(data: mmap.mmap) -> Iterator[int]:
    return _marked(data, _CAF)


def _asf(data: mmap.mmap) -> Iterator[int]:
    return _marked(data, _ASF)


def _marked(data: mmap.mmap, mark: bytes) -> Iterator[int]:
    at = 0
    while at >= 0:
        yield at
        at = data.find(mark, at + len(mark))
