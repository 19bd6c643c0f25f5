"""Ingest of sets of files: one task for each set, shared by all callers with the same set."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from omni_core.collection_names import collection_name
from omni_core.engine.ingest.begun import FolderRequest, Record
from omni_core.engine.ingest.jobs import Jobs, without_subtitle_files
from omni_core.engine.ingest.several import Several
from omni_core.engine.results import FolderStatus, IngestRequest, IngestStatus
from omni_core.errors import StoppedError, without_workers
from omni_core.files import Chosen
from omni_core.tasks import Report, SharedTasks, TaskOwner

FolderProgress = Callable[[FolderStatus], Awaitable[None]]


class Folders:
    """Starts and shares the ingest of sets of files, and reports its progress."""

    def __init__(self, jobs: Jobs, tasks: TaskOwner, record: Record, at_once: int) -> None:
        """`at_once`: how many files of a set are ingested at the same time."""
        self._jobs, self._record, self._at_once = jobs, record, at_once
        self._tasks: SharedTasks[FolderRequest, FolderStatus, FolderStatus] = SharedTasks(
            tasks, keep=True
        )

    async def ingest(
        self,
        paths: list[str],
        *,
        collection: str,
        fast: bool,
        wait_s: float | None,
        progress: FolderProgress | None,
        grace_s: float = 0.0,
        links: bool = True,
        apart: bool = False,
    ) -> FolderStatus:
        """Ingest the files, as many at a time as there are decoders (see `several`); wait at most
        `wait_s` seconds, while the ingest continues.

        A file that fails is an entry of `done`, and is not tried again. The outcome is kept until
        one call has returned it. Cancelling the last waiting call cancels the rest, after
        `grace_s` as in `Jobs.ingest`. `links`, `apart`: as in `IngestRequest`. Raises StoreError
        when the store is broken, UnavailableError (`without_workers`) when no model worker
        serves, for which every further file would wait, StoppedError when someone else cancelled
        it.
        """
        paths = without_subtitle_files(paths)
        collection = collection_name(collection)
        key = FolderRequest(tuple(paths), collection, fast, links, apart)

        async def work(report: Report[FolderStatus]) -> FolderStatus:
            async with self._record.keeping(key):
                requests = [
                    IngestRequest(p, collection=collection, fast=fast, links=links, apart=apart)
                    for p in paths
                ]
                return await Several(requests, self._one, report, self._at_once).run()

        first = FolderStatus(len(paths), 0, None, (), False)
        outcome = await self._tasks.join(
            key,
            work,
            first=first,
            name=f"the ingest of {len(paths)} files",
            wait_s=wait_s,
            grace_s=grace_s,
            progress=progress,
        )
        if outcome.result is None and self._tasks.status(key) is not None:
            await self._record.note(key)  # before the caller is told that it goes on
        return outcome.result or outcome.status

    async def stop(
        self,
        paths: Chosen,
        *,
        unless_awaited: bool,
        collections: Collection[str] | None = None,
    ) -> list[FolderStatus]:
        """Cancel the sets of which every file is one of these, of these `collections` alone where
        given, and wait until they have ended."""
        return await self._tasks.cancel_keys(
            lambda key: (
                all(p in paths for p in key.paths)
                and (collections is None or key.collection in collections)
            ),
            unless_awaited=unless_awaited,
        )

    @property
    def live(self) -> list[tuple[FolderRequest, FolderStatus]]:
        """Request and status of every set that is being ingested."""
        return self._tasks.live

    @property
    def running(self) -> list[FolderStatus]:
        """The status of every set that is being ingested."""
        return self._tasks.running

    async def _one(self, request: IngestRequest, report: Report[IngestStatus]) -> IngestStatus:
        try:
            status = await self._jobs.ingest(request, wait_s=None, progress=report, recorded=False)
        except (
            StoppedError
        ) as e:  # of this file alone, for example because its source was just removed
            return IngestStatus(request.path, "failed", stage="done", failure=e)
        if status.failure is not None and without_workers(status.failure):
            raise status.failure
        return status
