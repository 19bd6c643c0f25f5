"""The embedded index: Qdrant Edge on disk, in a child process (`edge_worker`)."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from omni_core.errors import StoreError
from omni_core.index import check, edge_vacuum, versions, wire
from omni_core.points import Point, ScoredPoint
from omni_core.protocols import Index
from omni_core.query import Filter, Prefetch
from omni_core.sandbox.rules import Mode, of_index
from omni_core.settings import Settings
from omni_core.tasks import in_thread
from omni_core.types import EncoderInfo, Vector
from omni_core.worker import Worker, WorkerDied

log = logging.getLogger(__name__)

_Made = TypeVar("_Made")

BATCH_BYTES = 16 << 20
MAIN = "omni_core.index.edge_worker:service"
"""What the child process runs."""
_FLUSH = "flush" if sys.platform == "win32" else "sync"
"""Syncing the log of changes takes a tenth of the time of writing the segments, and holds nobody
up; Windows writes no mapped pages for it."""
CALL_S = 120.0
"""Time limit of a call, which may wait until a vacuumed copy is opened."""
VACUUM_NICE = 10
"""How much a vacuum steps back for whatever else the machine does."""


class EdgeIndex(Index):
    """Qdrant Edge in `<store>/index/<model>/`. Writes survive kill -9 of any process."""

    @classmethod
    def create(cls, settings: Settings, info: EncoderInfo, *, building: bool = False) -> Self:
        """The index under `settings.store`."""
        return cls(settings.store_path, info, building=building, sandbox=settings.sandbox)

    def __init__(
        self,
        store: Path,
        info: EncoderInfo,
        *,
        building: bool = False,
        sandbox: Mode = "auto",
        grown: int = edge_vacuum.GROWN,
    ) -> None:
        """`building` opens a second version beside the current one, for a re-index; `grown`: points
        that `optimize` settles."""
        self._store, self._info, self._building = store, info, building
        self._sandbox, self._grown = sandbox, grown
        self._worker: Worker | None = None
        self._vacuums = False

    async def open(self) -> None:
        """Create or load the shard; STORE_BUSY when another process has it."""
        path = await asyncio.to_thread(self._prepare)
        self._worker = self._started("index process", path)
        try:
            await self._call("count", None)
        except BaseException:
            await self.close()
            raise

    def _started(self, name: str, path: Path, *, rewrites: bool = False) -> Worker:
        return Worker(
            name,
            MAIN,
            answers={"count": int, "copy_beside": bool, "adopt": bool},
            rules=of_index(self._sandbox, str(path)),
            nice=VACUUM_NICE if rewrites else 0,
            path=str(path),
            dim=self._info.dim,
            multi_vector=self._info.multi_vector,
            rewrites=rewrites,
        )

    def _prepare(self) -> Path:
        with versions.writing(self._store):
            return versions.prepare(self._store, self._info, building=self._building)

    async def upsert(self, points: Sequence[Point]) -> None:
        """Durable against a crash when this returns, against a power cut after `flush`."""
        batches = await asyncio.to_thread(self._batches, points)
        for batch in batches:
            await self._call("upsert", await asyncio.to_thread(wire.pack_points, batch))

    def _batches(self, points: Sequence[Point]) -> list[list[Point]]:
        """The points, checked, in what one call takes."""
        check.points(points, self._info)
        return list(check.batches(points, BATCH_BYTES))

    async def search(
        self, prefetches: Sequence[Prefetch], *, filter: Filter | None = None
    ) -> list[list[ScoredPoint]]:
        """For each prefetch its points, best first, raw scores; one round trip."""
        check.prefetches(prefetches, self._info)
        return await self._read(wire.rankings_of, "search", list(prefetches), filter)

    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Point]:
        """The points that exist, in the order of `ids`."""
        found, _ = await self._read(wire.points_of, "get", list(ids), vectors)
        return found

    async def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """The dense vectors by id, without payloads."""
        found = await self._read(wire.vectors_of, "vectors", list(ids))
        return {id_: found[at] for at, id_ in enumerate(ids) if at in found}

    async def scroll(
        self, filter: Filter | None = None, *, limit: int = 256, offset: str | None = None
    ) -> tuple[list[Point], str | None]:
        """Points without vectors in id order, and the offset of the next page."""
        return await self._read(wire.points_of, "scroll", filter, limit, offset)

    async def count(self, filter: Filter | None = None) -> int:
        """Exactly how many."""
        return int(await self._call("count", filter))

    async def count_by_source(self, *, exact: bool = False) -> dict[str, int]:
        """How many points each source has: 9 ms of CPU at 200,000 points, exactly 0.4 s."""
        return await self._read(_counts, "count_by_source", exact)

    async def set_payload(self, filter: Filter | None, changes: Mapping[str, Any]) -> None:
        """Merge `changes` into the points that match."""
        await self._call("set_payload", check.refuse_empty(filter), dict(changes))

    async def delete(self, filter: Filter | None) -> None:
        """Remove the points that match."""
        await self._call("delete", check.refuse_empty(filter))

    async def flush(self) -> None:
        """Durable against power loss when this returns; searches go on meanwhile."""
        await self._call(_FLUSH)

    async def optimize(self) -> bool:
        """Vacuum deleted points and settle those ingested since: a second process rewrites a copy,
        other calls go on meanwhile, and wait only until it is in place: a second at 1,000,000
        points.

        False when there was nothing to do, when the disk has less than twice the index free, and
        when something was written before the copy was in place.
        """
        if self._vacuums:
            return False
        self._vacuums = True
        try:
            state = await self._call("vacuum_due", self._grown)
            return state is not None and await self._vacuumed(state)
        finally:
            self._vacuums = False

    async def _vacuumed(self, state: str) -> bool:
        own = versions.folder(self._store) / versions.slug(self._info)
        beside = own / edge_vacuum.FOLDER
        limit = await asyncio.to_thread(edge_vacuum.limit_s, own)
        try:
            if not await self._call("copy_beside", state, deadline_s=limit):
                return False
            await self._rewrite(beside, limit)
            return await self._adopt(state, limit)
        finally:
            await in_thread(shutil.rmtree, beside, True)

    async def _rewrite(self, beside: Path, limit: float) -> None:
        worker = self._started("vacuum of the index", beside, rewrites=True)
        try:
            await worker.call("vacuum", deadline_s=limit)
            await asyncio.to_thread(worker.close)
        except (WorkerDied, OSError) as e:
            raise StoreError(f"{e}; the index is as it was") from e
        finally:
            await in_thread(worker.end)

    async def _adopt(self, state: str, limit: float) -> bool:
        try:
            return bool(await self._call("adopt", state, deadline_s=limit))
        except StoreError:
            if self._worker is not None:  # the next call starts it with the files that count
                await asyncio.to_thread(self._worker.kill)
            raise

    async def activate(self) -> None:
        """Make this the version that searches use, at the end of a re-index."""
        await self.flush()
        await asyncio.to_thread(versions.activate, self._store, versions.slug(self._info))

    async def copy_to(self, store: Path) -> bool:
        """Copy the shard; other calls wait meanwhile.

        Its process knows the folder of its own files alone: it is started anew with that of the
        copy, which it may write until it ends.
        """
        name = versions.slug(self._info)
        target = versions.folder(store) / name
        await self.flush()
        await asyncio.to_thread(self._start_anew_with, target)
        await self._call("count", None)  # an opening has a time limit, copying has none
        await self._call("copy_to", str(target), deadline_s=None)
        await asyncio.to_thread(versions.activate, store, name)
        return True

    def _start_anew_with(self, target: Path) -> None:
        target.mkdir(parents=True, exist_ok=True)
        if self._worker is not None:  # closed by another task, it raises at the next call
            own = str(versions.folder(self._store) / versions.slug(self._info))
            self._worker.rules = of_index(self._sandbox, own, str(target))
            self._worker.kill()

    async def close(self) -> None:
        """Flush and release the shard."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.close)

    async def _read(self, parse: Callable[[bytes], _Made], method: str, *args: Any) -> _Made:
        """The answer of a call, parsed in a thread: hundreds of payloads take a millisecond."""
        return await asyncio.to_thread(parse, await self._call(method, *args))

    async def _call(self, method: str, *args: Any, deadline_s: float | None = CALL_S) -> Any:
        """Every call is idempotent: one that fails because the child died is repeated once."""
        worker = self._worker
        if worker is None:
            raise StoreError("the index is not open")
        try:
            return await worker.call(method, *args, deadline_s=deadline_s)
        except WorkerDied as e:
            log.warning("%s; starting it again: what was acknowledged is kept", e)
        try:
            return await worker.call(method, *args, deadline_s=deadline_s)
        except WorkerDied as e:
            raise StoreError(f"the index process died twice in {method}: {e}") from e


def _counts(answer: bytes) -> dict[str, int]:
    return {str(source): int(n) for source, n in json.loads(answer).items()}
