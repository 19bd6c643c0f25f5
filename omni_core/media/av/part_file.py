"""Ranges of bytes of a file as a file of their own, for FFmpeg."""

from __future__ import annotations

import io
import itertools
import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes [first, last) of a file, which begin at second `start` of the whole."""

    first: int
    last: int
    start: float
    seconds: float

    def within(self, start: float, end: float) -> tuple[float, float]:
        """The seconds of this part that lie in [start, end) of the whole, on its own clock."""
        return max(start, self.start) - self.start, min(end - self.start, self.seconds)


class RangesFile(io.RawIOBase):
    """The bytes of some ranges of a file, one after the other, for FFmpeg."""

    def __init__(self, path: str, ranges: Sequence[tuple[int, int]], *, head: bytes = b"") -> None:
        """ranges: the bytes [first, last) of each; `head` stands before them."""
        super().__init__()
        self._file = open(path, "rb")  # noqa: SIM115 - closed by `close`
        self._head, self._ranges = head, ranges
        sizes = (len(head), *(last - first for first, last in ranges))
        self._ends = list(itertools.accumulate(sizes))
        self._at = 0
        self.name = path
        """What PyAV calls the container that it opens here."""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes from the current position, and no more than the range holds."""
        number = bisect_right(self._ends, self._at)
        if number == len(self._ends):
            return b""
        left = self._ends[number] - self._at
        size = left if size < 0 else min(size, left)
        if number == 0:
            data = self._head[self._at : self._at + size]
        else:
            self._file.seek(self._ranges[number - 1][0] + self._at - self._ends[number - 1])
            data = self._file.read(size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; returns the new position."""
        begins = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._ends[-1]}
        self._at = max(0, begins[whence] + offset)
        return self._at

    def tell(self) -> int:
        """The position."""
        return self._at

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
