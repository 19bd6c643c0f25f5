"""The points that searches read last, encoded for the way to the server's process.

Edge reads a payload from its file, parses it and makes Python objects of it at each search, which
is most of a search's time up to 100,000 points; here a point that was found before is ready, and
the files of those that were not are in the system's cache.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic_core import to_json  # a fifth of the time of `json`

from omni_core.payload import StoredSegment

MOST_BYTES = 32 << 20
"""About 30,000 points: a whole small library, or what a conversation about a large one finds."""
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
