"""The child process of the embedded index: what its parent calls.

A child process, because Edge 0.9 holds the GIL while it searches, writes and vacuums (`optimize`
blocked an event loop for all of its 9.7 s), and because a shard deadlocks after `fork`. Calls
run one at a time, but for `sync` and for the copy that a vacuum begins with (`edge_vacuum`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from omni_core import query
from omni_core.index import wire
from omni_core.index.edge_shard import Shard


def service(path: str, dim: int, multi_vector: bool, rewrites: bool = False) -> Served:
    """The worker's entry: open or create the shard in `path`; `rewrites`: it is the copy that is
    vacuumed."""
    return Served(Shard(Path(path), dim, multi_vector, rewrites=rewrites))


class Served:
    """The methods that `EdgeIndex` calls: those of a shard, points as bytes (`wire`)."""

    lanes: ClassVar[dict[str, str]] = {"sync": "sync", "copy_beside": "vacuum"}

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.count, self.set_payload, self.delete = shard.count, shard.set_payload, shard.delete
        self.flush, self.sync, self.copy_to = shard.flush, shard.sync, shard.copy_to
        self.vacuum_due, self.copy_beside = shard.vacuum_due, shard.copy_beside
        self.vacuum, self.adopt, self.close = shard.vacuum, shard.adopt, shard.close

    def upsert(self, points: bytes) -> None:
        """`Shard.upsert`."""
        self.shard.upsert(wire.points_of(points)[0])

    def search(self, prefetches: Sequence[query.Prefetch], filter: query.Filter | None) -> bytes:
        """`Shard.search`, for `wire.rankings_of`."""
        return wire.pack_found(self.shard.search(prefetches, filter))

    def count_by_source(self, exact: bool) -> bytes:
        """`Shard.count_by_source`, as JSON."""
        return json.dumps(self.shard.count_by_source(exact)).encode()

    def get(self, ids: Sequence[str], vectors: bool) -> bytes:
        """`Shard.get`, for `wire.points_of`."""
        return wire.pack_points(self.shard.get(ids, vectors))

    def vectors(self, ids: Sequence[str]) -> bytes:
        """`Shard.vectors`, for `wire.vectors_of`."""
        return wire.pack_vectors(self.shard.vectors(ids))

    def scroll(self, filter: query.Filter | None, limit: int, offset: str | None) -> bytes:
        """`Shard.scroll`, for `wire.points_of`."""
        return wire.pack_points(*self.shard.scroll(filter, limit, offset))
