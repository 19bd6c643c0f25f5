"""A range of bytes of a file as a file of its own, for FFmpeg."""

from __future__ import annotations

import io
import os
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


class PartFile(io.RawIOBase):
    """The bytes of one part, for FFmpeg."""

    def __init__(self, path: str, part: Part) -> None:
        super().__init__()
        self._file = open(path, "rb")  # noqa: SIM115 - closed by `close`
        self._part = part
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
        """At most `size` bytes from the current position."""
        left = self._part.last - self._part.first - self._at
        self._file.seek(self._part.first + self._at)
        data = self._file.read(left if size < 0 else min(size, left)) if left > 0 else b""
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the part; returns the new position."""
        ends = {
            os.SEEK_SET: 0,
            os.SEEK_CUR: self._at,
            os.SEEK_END: self._part.last - self._part.first,
        }
        self._at = max(0, ends[whence] + offset)
        return self._at

    def tell(self) -> int:
        """The position within the part."""
        return self._at

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
