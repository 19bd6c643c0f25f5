"""One shard of Qdrant Edge, as the child process of the embedded index has it open.

Only this package's `edge_shard`, `edge_opening` and `edge_mapping` import `qdrant_edge`.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
import qdrant_edge as edge

from omni_core import query
from omni_core.errors import FullDiskError, OmniError, StoreError
from omni_core.files import copy_sparse, copy_tree, sync
from omni_core.index import edge_sums, edge_vacuum
from omni_core.index.edge_ahead import ReadAhead
from omni_core.index.edge_mapping import (
    config,
    from_record,
    schema,
    to_filter,
    to_point,
    to_request,
)
from omni_core.index.edge_opening import create, first_line, load, require_free
from omni_core.index.edge_recent import Recent
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
AHEAD_S = 10.0
"""How long calls wait, after an opening, for the reading of what every search goes through: longer
only on a slow disk, where the rest is read while they go on."""

F = TypeVar("F", bound=Callable[..., Any])


def _as_store_errors(method: F) -> F:
    @wraps(method)
    def call(*args: Any, **named: Any) -> Any:
        try:
            return method(*args, **named)
        except OmniError:
            raise
        except Exception as e:  # Edge raises bare Exception: its text is all there is
            log.debug("%s failed", method.__name__, exc_info=True)
            text = first_line(e)
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
    def __init__(self, path: Path, dim: int, multi_vector: bool, *, rewrites: bool = False) -> None:
        """`path`: the folder of an index; `rewrites`: that of the copy which is to be vacuumed."""
        self._path = path if rewrites else path / "shard"
        self._unflushed = self._writes = 0
        self._run = secrets.token_hex(8)
        self._ahead: ReadAhead | None = None
        self._in_place = threading.Lock()
        """Held while the files get other names, and while another thread relies on these."""
        if rewrites:
            require_free(path, OPEN_RESERVE)
            self._open(config(dim, multi_vector))
        else:
            edge_vacuum.recover(self._path)
            # a new one takes room of its own, and is of no use before it takes points
            require_free(path, OPEN_RESERVE if self._path.exists() else DISK_RESERVE)
            if not self._path.exists():
                create(path, dim, multi_vector)
            self._open()
            edge_vacuum.sweep(self._path)
            self._read_ahead()
        self._index_payloads()

    def _open(self, config: Any = None) -> None:
        """`config`: for a shard that is about to be rewritten."""
        self._shard = load(self._path, config)
        self._recent = Recent(self._shard)

    def _read_ahead(self) -> None:
        """Searches begin quickly from now on, and then find quickly what they read."""
        self._ahead = ReadAhead(self._path)
        self._ahead.wait(AHEAD_S)

    def _index_payloads(self) -> None:
        there = set(self._shard.info().payload_schema)
        for key in schema().keys() - there:
            self._shard.update(edge.UpdateOperation.create_field_index(key, schema()[key]))
        for key in there - schema().keys():
            self._shard.update(edge.UpdateOperation.delete_field_index(key))

    @_as_store_errors
    def upsert(self, points: Sequence[Point]) -> None:
        """Durable against a crash when it returns (WAL), against power loss after `sync`."""
        require_free(self._path, DISK_RESERVE)
        for point in points:
            self._recent.forget(point.id)
        self._write(edge.UpdateOperation.upsert_points([to_point(p) for p in points]), len(points))

    def _write(self, operation: Any, points: int) -> None:
        self._writes += 1
        self._shard.update(operation)
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
        self._write(
            edge.UpdateOperation.set_payload_by_filter(to_filter(filter), dict(changes)), FILTERED
        )

    @_as_store_errors
    def delete(self, filter: query.Filter) -> None:
        """Remove the points that match; refuses an empty filter."""
        compiled = to_filter(filter)
        if compiled is None:
            raise StoreError("refusing to delete every point: give a filter")
        self._recent.forget_all()
        self._write(edge.UpdateOperation.delete_points_by_filter(compiled), FILTERED)

    @_as_store_errors
    def sync(self) -> None:
        """Durable against power loss when it returns: the log of changes is on the disk.

        A thread of its own runs it while the shard is used. A log file that goes meanwhile got
        another name, since it is full, or was dropped by `flush`: the files are listed again.
        """
        folder = self._path / "wal"
        with self._in_place:
            while not all(_synced(path) for path in [*folder.iterdir(), folder]):
                pass

    @_as_store_errors
    def flush(self) -> None:
        """Write everything to the disk, so that nothing is replayed at the next open."""
        self._shard.flush()
        self._unflushed = 0

    @_as_store_errors
    def vacuum_due(self, grown: int = edge_vacuum.GROWN) -> str | None:
        """What names the present state of the files, for `adopt`, where a vacuum is worth its time
        (`grown`: as `edge_vacuum.is_due`) and the disk has room for it; None where not."""
        self.flush()
        if not edge_vacuum.is_due(self._path, self.count(None), grown):
            return None
        if not edge_vacuum.has_room(self._path, DISK_RESERVE):
            return None
        return self._state()

    def _state(self) -> str:
        return f"{self._run} {self._writes}"

    @_as_store_errors
    def copy_beside(self, state: str) -> bool:
        """Copy the files for a vacuum; False where something was written since `state`, which makes
        the copy worthless. A thread of its own does it while the shard is used."""
        if state != self._state():
            return False
        try:
            edge_vacuum.copy(self._path)
        except OSError:
            if state == self._state():
                raise  # else it was a file that went meanwhile
        return state == self._state()

    @_as_store_errors
    def vacuum(self) -> None:
        """Rewrite this shard without what was deleted, settled, with today's configuration."""
        for key, found in self._shard.info().payload_schema.items():
            if found.params.memory != edge.Memory.Cold:  # as versions before 1.1 made it
                self._shard.update(edge.UpdateOperation.delete_field_index(key))
        self._shard.optimize()
        self._index_payloads()
        self.flush()
        edge_vacuum.note_left(self._path, self.count(None))
        edge_sums.note(self._path)
        edge_vacuum.make_durable(self._path)

    @_as_store_errors
    def adopt(self, state: str) -> bool:
        """Use the vacuumed copy from now on; False where something was written since `state`.

        Whatever fails, the shard is used that was there before.
        """
        if state != self._state():
            return False
        there = self.count(None)
        self._let_go()
        try:
            with self._in_place:
                self._exchange(there)
        finally:
            self._read_ahead()
        edge_vacuum.sweep(self._path)
        return True

    def _exchange(self, there: int) -> None:
        try:
            edge_vacuum.exchange(self._path)
            self._open()
            if (found := self.count(None)) != there:
                raise StoreError(f"the vacuumed index has {found} of {there} points")
            edge_vacuum.confirm(self._path)
        except (StoreError, OSError):
            self._shard.close()
            edge_vacuum.recover(self._path)
            self._open()
            raise

    @_as_store_errors
    def copy_to(self, path: str) -> None:
        """Copy the folder of this index, everything in it written first."""
        self.flush()
        copy_tree(self._path, Path(path) / self._path.name)
        for file in self._path.parent.glob("*.json"):
            copy_sparse(file, Path(path) / file.name)

    def close(self) -> None:
        """Flush and release the shard."""
        self._let_go()

    def _let_go(self) -> None:
        """Have none of its files open."""
        if self._ahead is not None:
            self._ahead.stop()
        self._shard.close()


def _synced(path: Path) -> bool:
    """Whether it is on the disk now; False where nothing has this name any more."""
    try:
        sync(path)
    except FileNotFoundError:
        return False
    return True
