"""The child process of the embedded index; only it, and `edge_mapping`, import `qdrant_edge`.

A child process, because Edge 0.9 holds the GIL while it searches, writes and vacuums (`optimize`
blocked an event loop for all of its 9.7 s), and because a shard deadlocks after `fork`. Calls
run one at a time, but for `sync`.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import numpy as np
import qdrant_edge as edge

from omni_core import query
from omni_core.errors import FullDiskError, OmniError, StoreError
from omni_core.files import copy_tree, put_in_place, sync, used_bytes
from omni_core.index import wire
from omni_core.index.edge_mapping import (
    config,
    from_record,
    schema,
    to_filter,
    to_point,
    to_request,
)
from omni_core.index.edge_recent import Recent, read_ahead
from omni_core.index.wire import Found
from omni_core.points import Point
from omni_core.types import Vector

log = logging.getLogger(__name__)

FLUSH_EVERY = 1000
"""Points between flushes: replaying 1,000 at the next open takes 0.1 s, 20,000 took 7.5 s."""
FILTERED = 50
"""Points that a change by filter counts as, since how many it meets is not known."""
MOST_SOURCES = 10_000_000
"""Sources that are counted."""
DISK_RESERVE = 128 << 20
"""Free bytes needed for a write: on a full disk, writing to a mapped file ends in SIGBUS."""
OPEN_RESERVE = 64 << 20
"""Free bytes needed to open: it crashed with 36 MB free and succeeded with 70."""
LOCK_WAIT_S = 0.8 if sys.platform == "linux" else 9.0
"""How long the child of a killed parent may still hold the shard; on Linux it ends at once."""

F = TypeVar("F", bound=Callable[..., Any])


def service(path: str, dim: int, multi_vector: bool) -> Served:
    """The worker's entry: open or create the shard in `path`."""
    return Served(Shard(Path(path), dim, multi_vector))


class Served:
    """The methods that `EdgeIndex` calls: those of a shard, points as bytes (`wire`)."""

    lanes: ClassVar[dict[str, str]] = {"sync": "sync"}

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.count, self.set_payload, self.delete = shard.count, shard.set_payload, shard.delete
        self.flush, self.optimize, self.copy_to = shard.flush, shard.optimize, shard.copy_to
        self.close, self.sync = shard.close, shard.sync

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


def _as_store_errors(method: F) -> F:
    @wraps(method)
    def call(*args: Any) -> Any:
        try:
            return method(*args)
        except OmniError:
            raise
        except Exception as e:  # Edge raises bare Exception: its text is all there is
            log.debug("%s failed", method.__name__, exc_info=True)
            text = _first_line(e)
            if "No space left" in text:
                raise FullDiskError(
                    f"the index failed in {method.__name__}: the disk is full; free some space and "
                    "call again"
                ) from e
            raise StoreError(f"the index failed in {method.__name__}: {text}") from e

    return call  # type: ignore[return-value]


class Shard:
    """One shard on disk. Any failure is raised as StoreError."""

    @_as_store_errors
    def __init__(self, path: Path, dim: int, multi_vector: bool) -> None:
        self._path = path / "shard"
        # a new one takes room of its own, and is of no use before it takes points
        _require_free(path, OPEN_RESERVE if self._path.exists() else DISK_RESERVE)
        if not self._path.exists():
            _create(path, dim, multi_vector)
        self._shard = _load(self._path)
        threading.Thread(target=read_ahead, args=(self._path,), daemon=True).start()
        self._recent = Recent(self._shard)
        self._unflushed = 0
        missing = set(schema()) - set(self._shard.info().payload_schema)
        for key in missing:
            self._shard.update(edge.UpdateOperation.create_field_index(key, schema()[key]))

    @_as_store_errors
    def upsert(self, points: Sequence[Point]) -> None:
        """Durable against a crash when it returns (WAL), against power loss after `sync`."""
        _require_free(self._path, DISK_RESERVE)
        for point in points:
            self._recent.forget(point.id)
        self._shard.update(edge.UpdateOperation.upsert_points([to_point(p) for p in points]))
        self._changed(len(points))

    def _changed(self, points: int) -> None:
        self._unflushed += points
        if self._unflushed >= FLUSH_EVERY:
            self.flush()

    @_as_store_errors
    def search(self, prefetches: Sequence[query.Prefetch], filter: query.Filter | None) -> Found:
        """A ranking for each prefetch, from one batch query."""
        requests = [to_request(prefetch, filter) for prefetch in prefetches]
        answers = self._shard.query_batch(edge.QueryBatchRequest(requests))
        ids: dict[int, UUID] = {}
        places: dict[int, int] = {}
        whole: set[int] = set()
        rankings = []
        for prefetch, hits in zip(prefetches, answers, strict=True):
            found = {(id_ := hit.id).int: id_ for hit in hits}
            ids |= found
            if not prefetch.lean:
                whole.update(found)
            at = [places.setdefault(key, len(places)) for key in found]
            rankings.append((at, [hit.score for hit in hits]))
        read = self._recent.read(ids)
        chosen = [
            entry.whole if key in whole else entry.lean
            for key, entry in zip(ids, read, strict=True)
        ]
        return Found(
            [entry.id for entry in read],
            chosen,
            [sent is entry.whole for sent, entry in zip(chosen, read, strict=True)],
            rankings,
        )

    @_as_store_errors
    def get(self, ids: Sequence[str], vectors: bool) -> list[Point]:
        """The points that exist, in the order of `ids`."""
        records = {str(r.id): r for r in self._shard.retrieve(list(ids), True, vectors)}
        return [from_record(records[i]) for i in ids if i in records]

    @_as_store_errors
    def vectors(self, ids: Sequence[str]) -> dict[int, Vector]:
        """Dense vectors by position in `ids`."""
        places = {UUID(id_): at for at, id_ in enumerate(ids)}
        found = {}
        for record in self._shard.retrieve(list(places), False, ["dense"]):
            dense = (record.vector or {}).get("dense")
            if dense is not None:
                found[places[record.id]] = np.array(dense, np.float32)
        return found

    @_as_store_errors
    def scroll(
        self, filter: query.Filter | None, limit: int, offset: str | None
    ) -> tuple[list[Point], str | None]:
        """A page of points in id order, and the offset of the next one."""
        page, following = self._shard.scroll(
            edge.ScrollRequest(
                offset=offset, limit=limit, filter=to_filter(filter), with_payload=True
            )
        )
        return [from_record(r) for r in page], None if following is None else str(following)

    @_as_store_errors
    def count(self, filter: query.Filter | None) -> int:
        """Exact count; `info().points_count` would include deleted points."""
        return int(self._shard.count(edge.CountRequest(exact=True, filter=to_filter(filter))))

    @_as_store_errors
    def count_by_source(self, exact: bool) -> dict[str, int]:
        """Points by `source_id`; from the payload index alone unless `exact`."""
        wanted = edge.FacetRequest("source_id", limit=MOST_SOURCES, exact=exact)
        return {str(hit.value): int(hit.count) for hit in self._shard.facet(wanted).hits}

    @_as_store_errors
    def set_payload(self, filter: query.Filter, changes: Mapping[str, Any]) -> None:
        """Merge `changes` into the points that match."""
        self._recent.forget_all()
        self._shard.update(
            edge.UpdateOperation.set_payload_by_filter(to_filter(filter), dict(changes))
        )
        self._changed(FILTERED)

    @_as_store_errors
    def delete(self, filter: query.Filter) -> None:
        """Remove the points that match; refuses an empty filter."""
        compiled = to_filter(filter)
        if compiled is None:
            raise StoreError("refusing to delete every point: give a filter")
        self._recent.forget_all()
        self._shard.update(edge.UpdateOperation.delete_points_by_filter(compiled))
        self._changed(FILTERED)

    @_as_store_errors
    def sync(self) -> None:
        """Durable against power loss when it returns: the log of changes is on the disk.

        A thread of its own runs it while the shard is used. A log file that goes meanwhile got
        another name, since it is full, or was dropped by `flush`: the files are listed again.
        """
        folder = self._path / "wal"
        while not all(_synced(path) for path in [*folder.iterdir(), folder]):
            pass

    @_as_store_errors
    def flush(self) -> None:
        """Write everything to the disk, so that nothing is replayed at the next open."""
        self._shard.flush()
        self._unflushed = 0

    @_as_store_errors
    def optimize(self) -> bool:
        """Vacuum deleted points; False when there was nothing to do or too little disk space."""
        size, free = used_bytes(self._path), shutil.disk_usage(self._path).free
        if free < 2 * size + DISK_RESERVE:
            log.warning("index not vacuumed: needs %d MB free, has %d", 2 * size >> 20, free >> 20)
            return False
        done = bool(self._shard.optimize())
        self.flush()
        return done

    @_as_store_errors
    def copy_to(self, path: str) -> None:
        """Copy the folder of this index, everything in it written first."""
        self.flush()
        copy_tree(self._path.parent, Path(path))

    def close(self) -> None:
        """Flush and release the shard."""
        self._shard.close()


def _require_free(path: Path, reserve: int) -> None:
    if (free := shutil.disk_usage(path).free) < reserve:
        raise FullDiskError(
            f"the disk of the index has {free >> 20} MB free and needs {reserve >> 20}; free some "
            "space and call again: nothing stored is lost"
        )


def _synced(path: Path) -> bool:
    """Whether it is on the disk now; False where nothing has this name any more."""
    try:
        sync(path)
    except FileNotFoundError:
        return False
    return True


def _create(path: Path, dim: int, multi_vector: bool) -> None:
    """Create the shard under another name, with its payload indexes, then rename it: atomic."""
    new = path / "shard.new"
    shutil.rmtree(new, ignore_errors=True)
    shard = edge.EdgeShard.create(str(new), config(dim, multi_vector))
    for key, params in schema().items():
        shard.update(edge.UpdateOperation.create_field_index(key, params))
    shard.flush()
    shard.close()
    put_in_place(new, path / "shard")


def _load(path: Path) -> Any:
    """Raises StoreError for a shard that another process holds, and for a damaged one."""
    give_up = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return edge.EdgeShard.load(str(path))
        except BaseException as e:  # a Rust panic is no Exception
            if isinstance(e, (KeyboardInterrupt, SystemExit)):
                raise
            if "WouldBlock" not in str(e):  # its bare exceptions carry nothing but a text
                raise StoreError(
                    f"the index in {path.parent} is damaged ({_first_line(e)}); restore that "
                    "folder, or run `omni-mcp doctor --repair`"
                ) from e
            if time.monotonic() > give_up:
                raise StoreError(
                    f"the index in {path.parent} is open in another process; stop that one, or "
                    "share a Qdrant server with --qdrant URL",
                    code="STORE_BUSY",
                ) from None
        time.sleep(0.05)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
