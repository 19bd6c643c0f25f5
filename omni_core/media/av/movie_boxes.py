"""The boxes at the top of an MP4 or MOV (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

import mmap
from collections.abc import Iterator


def boxes(data: mmap.mmap, first: int, last: int, most: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, first byte, bytes) of the boxes in [first, last), at most `most` of them. The last one
    may state more bytes than there are, or fewer than 8: 0 goes to the end, others are damage."""
    at = first
    for _ in range(most):
        if at + 8 > last:
            return
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if size == 1 and at + 16 <= last:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        yield kind, at, size
        if size < 8:
            return
        at += size
