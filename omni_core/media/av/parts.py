"""Transport and program streams whose clock starts again, as parts with one clock each.

Joined recordings, dash cams and spliced broadcasts are several streams in one file. FFmpeg reads
them through, with time stamps that run back. Each part is opened by its bytes, and its seconds
follow those of the parts before.
"""

from __future__ import annotations

import io
import logging
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import av

log = logging.getLogger(__name__)

JOINED = ("mpegts", "mpeg")
"""Formats that may be joined byte by byte."""
BACKWARD_S = 1.0
"""A decoding time this far before the latest one of its stream is a new clock."""
MAX_WALK_BYTES = 1 << 30
"""Larger files are not looked through."""
MAX_PARTS = 1000
PACKET = 188
HEADER_PACKETS = 8
"""Packets before a part's first picture in which its table of programs is looked for."""


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


def parts_of(path: str) -> tuple[Part, ...]:
    """The parts of a file in order; none for a file with one clock, which nearly all have."""
    stat = os.stat(path)
    return _parts(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _parts(path: str, size: int, modified: int) -> tuple[Part, ...]:
    if size > MAX_WALK_BYTES or not _may_be_joined(path):
        return ()
    found: list[Part] = []
    first, start = 0, 0.0
    latest: dict[int, float] = {}
    low, high = float("inf"), float("-inf")
    with av.open("file:" + os.path.abspath(path), options=_LOCAL) as c:
        for packet in _packets(c):
            if packet.dts is None or packet.stream.type not in ("video", "audio"):
                continue
            decoded = float(packet.dts * packet.time_base)
            index = packet.stream_index
            if decoded < latest.get(index, decoded) - BACKWARD_S and packet.pos:
                if len(found) == MAX_PARTS:
                    break
                border = _with_header(path, packet.pos)
                found.append(Part(first, border, start, high - low))
                first, start = border, start + high - low
                latest, low, high = {}, float("inf"), float("-inf")
            latest[index] = max(decoded, latest.get(index, decoded))
            shown = float((packet.pts if packet.pts is not None else packet.dts) * packet.time_base)
            low = min(low, shown)
            high = max(high, shown + float((packet.duration or 0) * packet.time_base))
    if not found:
        return ()
    return (*found, Part(first, size, start, max(0.0, high - low)))


_LOCAL = {"protocol_whitelist": "file", "format_whitelist": ",".join(JOINED)}


def _may_be_joined(path: str) -> bool:
    with open(path, "rb") as f:
        head = f.read(4 + 4 * PACKET)
    return head[:4] == b"\0\0\1\xba" or all(head[i : i + 1] == b"G" for i in range(0, 752, PACKET))


def _packets(c: Any) -> Any:
    packets = c.demux()
    while True:
        try:
            yield next(packets)
        except StopIteration:
            return
        except av.FFmpegError as e:
            log.debug("demuxing ended: %r", e)
            return


def _with_header(path: str, at: int) -> int:
    """The position of the program table just before byte `at` of a transport stream, else `at`."""
    first = max(0, at - HEADER_PACKETS * PACKET)
    with open(path, "rb") as f:
        f.seek(first)
        before = f.read(at - first)
    for back in range(PACKET, len(before) + 1, PACKET):
        packet = before[len(before) - back :]
        if packet[:1] != b"G":
            break
        if (packet[1] & 0x1F, packet[2]) in ((0, 0), (0, 0x11)):  # PAT, or SDT before it
            at_table = at - back
            further = before[: len(before) - back][-PACKET:]
            if further[:1] == b"G" and (further[1] & 0x1F, further[2]) == (0, 0x11):
                at_table -= PACKET
            return at_table
    return at


class PartFile(io.RawIOBase):
    """The bytes of one part, for FFmpeg."""

    def __init__(self, path: str, part: Part) -> None:
        super().__init__()
        self._file = open(path, "rb")  # noqa: SIM115 - closed by `close`
        self._part = part
        self._at = 0

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
