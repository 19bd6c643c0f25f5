"""Many files into the library: one task for each set of files, shared by all who ask for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from omni_core.engine.ingest.jobs import Jobs, without_subtitle_files
from omni_core.engine.results import FolderStatus, IngestRequest, IngestStatus
from omni_core.errors import StoppedError
from omni_core.tasks import Report, SharedTasks, TaskOwner

FolderProgress = Callable[[FolderStatus], Awaitable[None]]
_Key = tuple[tuple[str, ...], str, bool]
"""Paths, collection, fast."""


class Folders:
    """Starts, shares and follows the ingest of sets of files."""

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
        """Ingest file after file, and wait for the end at most `wait_s`; the rest goes on.

        A file that fails is an entry of `done`, and is not tried again. The outcome is kept until
        one call has told it. Cancelling the last call that waits cancels the rest. Raises
        StoreError when the store is broken, StoppedError when someone else cancelled it.
        """
        paths = without_subtitle_files(paths)

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
        """The sets of files under way now."""
        return self._tasks.running

    async def _one(
        self, request: IngestRequest, so_far: FolderStatus, report: Report[FolderStatus]
    ) -> IngestStatus:
        async def tell(status: IngestStatus) -> None:
            await report(replace(so_far, current=status))

        try:
            return await self._jobs.ingest(request, wait_s=None, progress=tell)
        except StoppedError as e:  # of this file alone, such as one that was just forgotten
            return IngestStatus(request.path, "failed", stage="done", failure=e)
