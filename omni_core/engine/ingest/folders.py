"""Ingest of sets of files: one task for each set, shared by all callers with the same set."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from omni_core.collection_names import collection_name
from omni_core.engine.ingest.jobs import Jobs, without_subtitle_files
from omni_core.engine.results import FolderStatus, IngestRequest, IngestStatus
from omni_core.errors import StoppedError
from omni_core.tasks import Report, SharedTasks, TaskOwner

FolderProgress = Callable[[FolderStatus], Awaitable[None]]
_Key = tuple[tuple[str, ...], str, bool]
"""Paths, collection, fast."""


class Folders:
    """Starts and shares the ingest of sets of files, and reports its progress."""

    def __init__(self, jobs: Jobs, tasks: TaskOwner) -> None:
        self._jobs = jobs
        self._tasks: SharedTasks[_Key, FolderStatus, FolderStatus] = SharedTasks(tasks, keep=True)

    async def ingest(
        self,
        paths: list[str],
        *,
        collection: str,
        fast: bool,
        wait_s: float | None,
        progress: FolderProgress | None,
    ) -> FolderStatus:
        """Ingest file after file; wait at most `wait_s` seconds, while the ingest continues.

        A file that fails is an entry of `done`, and is not tried again. The outcome is kept until
        one call has returned it. Cancelling the last waiting call cancels the rest. Raises
        StoreError when the store is broken, StoppedError when someone else cancelled it.
        """
        paths = without_subtitle_files(paths)
        collection = collection_name(collection)

        async def work(report: Report[FolderStatus]) -> FolderStatus:
            status = first
            for path in paths:
                request = IngestRequest(path, collection=collection, fast=fast)
                done = (*status.done, await self._one(request, status, report))
                status = replace(status, files_done=len(done), current=None, done=done)
                await report(status)
            return replace(status, finished=True)

        first = FolderStatus(len(paths), 0, None, (), False)
        outcome = await self._tasks.join(
            (tuple(paths), collection, fast),
            work,
            first=first,
            name=f"the ingest of {len(paths)} files",
            wait_s=wait_s,
            progress=progress,
        )
        return outcome.result or outcome.status

    @property
    def running(self) -> list[FolderStatus]:
        """The status of every set that is being ingested."""
        return self._tasks.running

    async def _one(
        self, request: IngestRequest, so_far: FolderStatus, report: Report[FolderStatus]
    ) -> IngestStatus:
        async def report_file(status: IngestStatus) -> None:
            await report(replace(so_far, current=status))

        try:
            return await self._jobs.ingest(request, wait_s=None, progress=report_file)
        except (
            StoppedError
        ) as e:  # of this file alone, for example because its source was just removed
            return IngestStatus(request.path, "failed", stage="done", failure=e)
