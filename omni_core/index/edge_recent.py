"""The points that searches read last, encoded for the way to the server's process.

Edge reads a payload from its file, parses it and makes Python objects of it at each search, which
is most of a search's time up to 100,000 points; here a point that was found before is ready.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_core import to_json

from omni_core.payload import StoredSegment
from omni_core.types import Vector

MOST_BYTES = 32 << 20
"""About 20,000 points: a whole small library, or what a conversation about a large one finds."""
_OVERHEAD = 400
"""Bytes of an entry besides its payload and vector."""


@dataclass(slots=True)
class Entry:
    """One point. Payloads are JSON; both are one object where nothing is left out."""

    whole: bytes
    lean: bytes
    dense: Vector | None = None
    vector_read: bool = False
    """Whether `dense` is known: a point may have none."""

    @property
    def bytes(self) -> int:
        """Approximate size."""
        vector = 0 if self.dense is None else self.dense.nbytes
        lean = 0 if self.lean is self.whole else len(self.lean)
        return len(self.whole) + lean + vector + _OVERHEAD


class Recent:
    """Reads points of a shard and keeps those read last; whoever writes to the shard says so."""

    def __init__(self, shard: Any, most_bytes: int = MOST_BYTES) -> None:
        self._shard, self._most = shard, most_bytes
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._bytes = 0

    def read(self, ids: Collection[str], vectors: Collection[str]) -> dict[str, Entry]:
        """The entries of `ids`; those of `vectors`, some of `ids`, with their dense vector."""
        found = {i: entry for i in ids if (entry := self.forget(i)) is not None}
        new = [i for i in ids if i not in found]
        unread = {i for i in vectors if i not in found or not found[i].vector_read}
        for some, vector in (
            ([i for i in new if i not in unread], False),
            ([i for i in new if i in unread], True),
        ):
            for id_, record in self._retrieve(some, True, vector):
                stored = StoredSegment(record.payload or {})
                whole, lean = _json(stored), stored.lean()
                entry = Entry(whole, whole if lean is stored else _json(lean))
                found[id_] = _with_vector(entry, record) if vector else entry
        known = [i for i in unread if i in found and not found[i].vector_read]
        for id_, record in self._retrieve(known, False, True):
            _with_vector(found[id_], record)
        self._keep(found)
        return found

    def _retrieve(self, ids: list[str], payload: bool, vector: bool) -> Iterable[tuple[str, Any]]:
        if not ids:
            return ()
        records = self._shard.retrieve(ids, payload, ["dense"] if vector else False)
        if len(records) == len(ids):  # in the order of `ids`: each `id` read makes an object
            return zip(ids, records, strict=True)
        return ((str(record.id), record) for record in records)

    def _keep(self, found: dict[str, Entry]) -> None:
        for id_, entry in found.items():
            self._entries[id_] = entry
            self._bytes += entry.bytes
        while self._bytes > self._most:
            self.forget(next(iter(self._entries)))

    def forget(self, id: str) -> Entry | None:
        """The point was written; what was kept of it."""
        entry = self._entries.pop(id, None)
        if entry is not None:
            self._bytes -= entry.bytes
        return entry

    def forget_all(self) -> None:
        """Any point may have been written."""
        self._entries.clear()
        self._bytes = 0


def _with_vector(entry: Entry, record: Any) -> Entry:
    dense = (record.vector or {}).get("dense")
    entry.dense = None if dense is None else np.array(dense, np.float32)
    entry.vector_read = True
    return entry


def _json(stored: StoredSegment) -> bytes:
    return to_json(dict(stored.fields))  # a fifth of the time of `json`
