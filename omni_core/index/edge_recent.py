"""The points that searches read last, encoded for the way to the server's process.

Edge reads a payload from its file, parses it and makes Python objects of it at each search, which
is most of a search's time up to 100,000 points; here a point that was found before is ready, and
the files of those that were not are in the system's cache.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic_core import to_json  # a fifth of the time of `json`

from omni_core.payload import StoredSegment

MOST_BYTES = 32 << 20
"""About 30,000 points: a whole small library, or what a conversation about a large one finds."""
AT_ONCE: Mapping[str, int] = {
    "segments/*/vector_storage-dense/quantized.data": 1 << 30,
    "segments/*/vector_storage-dense/quantized_data/chunk_*.mmap": 1 << 30,
    "segments/*/vector_index-bm25/inverted_index.dat": 512 << 20,
}
"""What every search goes through, and how many bytes of it are read at most before the first one:
codes of settled and of growing segments, and the index of words. The first search read them page by
page, in 4 s instead of 0.3 at 1,000,000 segments."""
READ_AHEAD: Mapping[str, int] = {
    "segments/*/payload_index/*/*.bin": 512 << 20,
    "segments/*/payload_storage/page_*.dat": 256 << 20,
    "segments/*/vector_storage-dense/vectors/chunk_*.mmap": 2 << 30,
    "segments/*/vector_storage-dense/matrix.dat": 2 << 30,
}
"""The same for what is read while searches go on: indexes of settled payloads, payloads of about
400,000 segments, vectors of 384 numbers of 1,400,000, growing and settled."""
_OVERHEAD = 400
"""Bytes of an entry besides its payload."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One point. Payloads are JSON; both are one object where nothing is left out."""

    id: str
    whole: bytes
    lean: bytes

    @property
    def bytes(self) -> int:
        """Approximate size."""
        lean = 0 if self.lean is self.whole else len(self.lean)
        return len(self.whole) + lean + _OVERHEAD


class Recent:
    """Reads points of a shard and keeps those read last; whoever writes to the shard says so."""

    def __init__(self, shard: Any, most_bytes: int = MOST_BYTES) -> None:
        self._shard, self._most = shard, most_bytes
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        """By `UUID.int`, whose hash takes a tenth of the time of that of the UUID."""
        self._bytes = 0

    def read(self, ids: Mapping[int, UUID]) -> list[Entry]:
        """The entries of these points, all of which exist, in their order; by `UUID.int`."""
        held = self._entries
        for key in ids:
            if key in held:
                held.move_to_end(key)
        new = [id_ for key, id_ in ids.items() if key not in held]
        for id_, record in self._retrieve(new):
            stored = StoredSegment(record.payload or {})
            whole, lean = to_json(stored.fields), stored.lean()
            entry = Entry(str(id_), whole, whole if lean is stored else to_json(lean.fields))
            held[id_.int] = entry
            self._bytes += entry.bytes
        found = [held[key] for key in ids]
        while self._bytes > self._most:
            self._drop(next(iter(held)))
        return found

    def _retrieve(self, ids: list[UUID]) -> Iterable[tuple[UUID, Any]]:
        if not ids:
            return ()
        records = self._shard.retrieve(ids, True, False)
        if len(records) == len(ids):  # in the order of `ids`: each `id` read makes an object
            return zip(ids, records, strict=True)
        return ((record.id, record) for record in records)

    def forget(self, id: str) -> None:
        """The point was written."""
        self._drop(UUID(id).int)

    def _drop(self, key: int) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.bytes

    def forget_all(self) -> None:
        """Any point may have been written."""
        self._entries.clear()
        self._bytes = 0


def read_ahead(shard: Path, files: Mapping[str, int] = READ_AHEAD) -> int:
    """Read `files` once, in this order, so that the system has them in its cache for the first
    questions; the number of bytes.

    Edge drops them from it when it loads a shard; then what a question finds is read from the disk
    piece by piece: payloads cost a quarter of the CPU of the search in the index, vectors two
    thirds of it at 1,000,000 segments. To advise the system takes more CPU than to read.
    """
    done = 0
    for pattern, most in files.items():
        left = most
        with suppress(OSError):  # a file that is gone meanwhile was rewritten
            for path in sorted(shard.glob(pattern)):
                left -= _read(path, left)
        done += most - left
    return done


def _read(path: Path, most: int) -> int:
    """The same for one file; files of 32 MB are filled from their beginning: the rest is a hole,
    but on Windows, which says nothing of it."""
    done, block = 0, bytearray(1 << 20)
    with path.open("rb", buffering=0) as file:
        until = min(getattr(os.fstat(file.fileno()), "st_blocks", most) * 512, most)
        while done < until and (read := file.readinto(memoryview(block)[: until - done])):
            done += read
    return done
