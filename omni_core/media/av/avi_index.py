"""The times of an AVI behind bytes that cannot be read.

Its packets have no time stamps: FFmpeg counts them, and what follows a hole comes too early. The
index at the end of the file counts them all.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

SKIPPED = 4096
"""Bytes between two packets from which on the index is asked."""
_MAX_CHUNKS, _MAX_INDEX = 1000, 64 << 20
_ENTRY = np.dtype([("stream", "2u1"), ("kind", "S2"), ("flags", "<u4"), ("place", "<u4"),
                   ("size", "<u4")])  # fmt: skip


class Counted:
    """Corrects the time stamps of packets of one open AVI, in the order in which they come."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._index: _Index | None = None
        self._base: int | None = None
        self._after: int | None = None
        self._unsure: set[int] = set()  # streams of which no packet came since bytes were skipped
        self._first: dict[int, tuple[int, int]] = {}  # place and time stamp, by stream
        self._last: dict[int, tuple[int, int]] = {}
        self._late: dict[int, int] = {}

    def correct(self, packet: Any) -> None:
        """Move its time stamps by what is missing before it."""
        at, stamp = packet.pos, packet.dts if packet.dts is not None else packet.pts
        if not at or at < 0 or stamp is None:
            return
        stream = packet.stream_index
        if self._after is None:
            self._base = at
        elif at - self._after > SKIPPED:
            self._unsure |= self._last.keys()
        if stream in self._unsure:
            self._unsure.discard(stream)
            self._late[stream] = self._late.get(stream, 0) + self._lost(stream, at, stamp)
        self._after = at + packet.size
        self._first.setdefault(stream, (at, stamp))
        self._last[stream] = at, stamp
        if late := self._late.get(stream, 0):
            packet.dts = None if packet.dts is None else packet.dts + late
            packet.pts = None if packet.pts is None else packet.pts + late

    def _lost(self, stream: int, at: int, stamp: int) -> int:
        """Ticks between the packet here and the one before it that were not counted."""
        if self._index is None:
            self._index = _Index(_entries(self._path))
        (first, begin), (last, before) = self._first[stream], self._last[stream]
        counts = [self._index.before(place - (self._base or 0)) for place in (first, last, at)]
        if None in counts:
            return 0
        chunks, sizes = zip(*(count for count in counts if count is not None), strict=True)
        counted = before - begin
        if counted == chunks[1] - chunks[0]:  # a tick for each chunk
            passed = chunks[2] - chunks[1]
        elif counted > 0 and sizes[1] > sizes[0]:  # ticks by bytes, as of PCM
            passed = round((sizes[2] - sizes[1]) * counted / (sizes[1] - sizes[0]))
        else:
            return 0
        lost: int = passed - (stamp - before)
        return max(0, lost)


class _Index:
    """How many chunks of the same stream, and how many bytes of them, lie before each chunk."""

    def __init__(self, data: bytes) -> None:
        entries = np.frombuffer(data, _ENTRY, len(data) // _ENTRY.itemsize)
        tens, ones = (entries["stream"] - ord("0")).T  # of what is no number, 10 and more
        is_chunk = (tens < 10) & (ones < 10)
        entries, streams = entries[is_chunk], (10 * tens + ones)[is_chunk]
        self._chunks = np.zeros(len(entries), np.int64)
        self._sizes = np.zeros(len(entries), np.int64)
        for stream in np.unique(streams):
            mine = np.flatnonzero(streams == stream)
            size = entries["size"][mine].astype(np.int64)
            self._chunks[mine] = np.arange(len(mine))
            self._sizes[mine] = size.cumsum() - size
        places = entries["place"].astype(np.int64)
        places -= places[:1].sum()
        self._order = places.argsort(kind="stable")
        self._places = places[self._order]

    def before(self, place: int) -> tuple[int, int] | None:
        """Of the chunk at this place, counted from the first one; None where none is."""
        number = int(self._places.searchsorted(place))
        if number == len(self._places) or self._places[number] != place:
            return None
        at = self._order[number]
        return int(self._chunks[at]), int(self._sizes[at])


def _entries(path: str) -> bytes:
    """The entries of the index; none where there is no index."""
    last, at = os.path.getsize(path), 12
    with open(path, "rb") as f:
        for _ in range(_MAX_CHUNKS):
            f.seek(at)
            head = f.read(8)
            size = int.from_bytes(head[4:], "little")
            if len(head) < 8 or at >= last:
                break
            if head[:4] == b"idx1":
                return f.read(size) if size <= _MAX_INDEX else b""
            at += 8 + size + (size & 1)
    return b""
