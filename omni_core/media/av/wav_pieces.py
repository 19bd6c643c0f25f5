"""A WAV whose sound FFmpeg would read in part or not at all, as one that it reads whole.

FFmpeg reads the first `data` chunk: later ones, as of recordings that were continued and of lists
of waves (`wavl`), are lost. And it expects a byte of padding behind a chunk of odd length, which
some programs leave out.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import BinaryIO

MAX_CHUNKS, MAX_HEAD_BYTES = 4000, 1 << 20
_RIFF, _WAVE, _LIST, _WAVES = b"RIFF", b"WAVE", b"LIST", b"wavl"
_DATA, _FORMAT = b"data", b"fmt "
_NAME = re.compile(rb"[ -~]{4}")
_UNKNOWN = (1 << 31) - (1 << 16)
"""Sizes from this one on are those of programs that did not know how much follows."""
_KINDS = frozenset(
    (_DATA, _FORMAT, _LIST, b"fact", b"bext", b"cue ", b"smpl", b"inst", b"PEAK", b"JUNK", b"PAD ",
     b"iXML", b"id3 ", b"ID3 ", b"cart", b"plst", b"FLLR", b"minf", b"elm1", b"regn", b"umid",
     b"chna", b"axml", b"_PMX", b"DISP", b"afsp", b"LGWV", b"ResU")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pieces:
    """The bytes with which the WAV should begin, and where its sound lies: [first, last)."""

    head: bytes
    data: tuple[tuple[int, int], ...]


def wav_pieces(path: str) -> Pieces | None:
    """None for a WAV that FFmpeg reads whole, which nearly all are, and for other files."""
    with open(path, "rb") as f:
        head = f.read(12)
        if head[:4] != _RIFF or head[8:12] != _WAVE:
            return None
        last = os.fstat(f.fileno()).st_size
        found, data = b"", list[tuple[int, int]]()
        at, lacks_padding, has_format = 12, False, False
        for _ in range(MAX_CHUNKS):
            f.seek(at)
            kind, size = f.read(4), int.from_bytes(f.read(4), "little")
            if len(kind) < 4 or kind == _RIFF or not _NAME.fullmatch(kind):
                break
            if kind == _LIST and f.read(4) == _WAVES:
                at += 12
                continue
            first, end = at + 8, at + 8 + size
            if kind == _DATA:
                if size >= _UNKNOWN or end > last:
                    data.append((first, last))
                    break
                data.append((first, end))
            elif size <= MAX_HEAD_BYTES - len(found):
                f.seek(first)
                found += kind + size.to_bytes(4, "little") + f.read(size) + b"\0" * (size & 1)
                has_format |= kind == _FORMAT
            at = end
            if size & 1:
                is_odd = _begins_here(f, end) and not _begins_here(f, end + 1)
                lacks_padding |= is_odd
                at += not is_odd
    total = sum(end - first for first, end in data)
    is_whole = len(data) < 2 and not lacks_padding
    if is_whole or not (has_format and total) or total >= _UNKNOWN:
        return None
    length = 4 + len(found) + 8 + total
    start = _RIFF + length.to_bytes(4, "little") + _WAVE + found
    return Pieces(start + _DATA + total.to_bytes(4, "little"), tuple(data))


def _begins_here(f: BinaryIO, at: int) -> bool:
    f.seek(at)
    return f.read(4) in _KINDS
