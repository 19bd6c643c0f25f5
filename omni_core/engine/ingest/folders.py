"""A folder on its way: one walk for each set of files, shared by all who ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from omni_core.engine.ingest.jobs import Jobs, without_sidecars
from omni_core.engine.results import FolderStatus, IngestRequest, IngestStatus

FolderProgress = Callable[[FolderStatus], Awaitable[None]]
_Key = tuple[tuple[str, ...], str, bool]


class _Walk:
    """File after file; a file that fails is a line in `done`, and is not tried again."""

    def __init__(self, jobs: Jobs, paths: list[str], collection: str, fast: bool) -> None:
        self._jobs, self._paths, self._collection, self._fast = jobs, paths, collection, fast
        self._done: list[IngestStatus] = []
        self._now: IngestStatus | None = None
        self.listeners: list[FolderProgress] = []
        self.waiting = 0
        self.task = asyncio.create_task(self._run(), name="ingest folder")

    def status(self, finished: bool) -> FolderStatus:
        done = tuple(self._done)
        return FolderStatus(len(self._paths), len(done), self._now, done, finished)

    async def _run(self) -> None:
        for path in self._paths:
            request = IngestRequest(path, collection=self._collection, fast=self._fast)
            self._done.append(await self._jobs.ingest(request, wait_s=None, progress=self._tell))
            await self._tell(self._done[-1])

    async def _tell(self, status: IngestStatus) -> None:
        self._now = status
        for listener in [*self.listeners]:
            await listener(self.status(False))


class Folders:
    """Starts, shares and follows walks."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._walks: dict[_Key, _Walk] = {}

    async def ingest(
        self,
        paths: list[str],
        *,
        collection: str,
        fast: bool,
        wait_s: float | None,
        progress: FolderProgress | None,
    ) -> FolderStatus:
        """Join or start the walk and wait for its end, at most `wait_s`; the rest goes on.

        The outcome is kept until one call has told it. Cancelling the last call that waits
        cancels the walk.
        """
        paths = without_sidecars(paths)
        key = (tuple(paths), collection, fast)
        walk = self._walks.get(key)
        if walk is None:
            walk = self._walks[key] = _Walk(self._jobs, paths, collection, fast)
        walk.waiting += 1
        if progress is not None:
            walk.listeners.append(progress)
        try:
            finished, _ = await asyncio.wait({walk.task}, timeout=wait_s)
        except asyncio.CancelledError:
            if walk.waiting == 1:
                self._walks.pop(key, None)
                walk.task.cancel()
                await asyncio.wait([walk.task], timeout=2.0)
            raise
        finally:
            walk.waiting -= 1
            if progress is not None:
                walk.listeners.remove(progress)
        if finished:
            self._walks.pop(key, None)
            await walk.task  # a broken store is raised, not hidden
        return walk.status(bool(finished))

    async def close(self) -> None:
        """Cancel what walks."""
        tasks = [w.task for w in self._walks.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5.0)
