"""Ingest jobs: one at a time for each request, shared by all callers with the same request."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from omni_core.engine.context import Context
from omni_core.engine.ingest.file import ingest_file
from omni_core.engine.results import IngestRequest, IngestStatus
from omni_core.tasks import Report, SharedTasks
from omni_core.text.suffixes import SUBTITLE_SUFFIXES

Progress = Callable[[IngestStatus], Awaitable[None]]

MAX_RUNNING = 2
"""Files ingested at once: one is decoded while another is embedded."""


class Jobs:
    """Starts, shares and cancels the ingest of single files, and reports its progress."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._slots = asyncio.Semaphore(MAX_RUNNING)
        self._watched_slot = asyncio.Semaphore(1)
        self._tasks: SharedTasks[IngestRequest, IngestStatus, IngestStatus] = SharedTasks(
            context.tasks
        )

    async def ingest(
        self, request: IngestRequest, *, wait_s: float | None, progress: Progress | None
    ) -> IngestStatus:
        """Join or start the job of this request and wait for its end, at most `wait_s` seconds.

        Jobs of one path with different requests (title, collection) run one after another.
        Cancelling the last waiting call cancels the job; stored segments remain. Raises
        StoppedError when another call cancelled the job.
        """
        path = str(await asyncio.to_thread(Path(request.path).resolve))

        async def work(report: Report[IngestStatus]) -> IngestStatus:
            async with self._watched_slot if request.watched else self._slots:
                status = await ingest_file(self._context, request, report)
            await report(status)
            return status

        outcome = await self._tasks.join(
            replace(request, path=path, watched=False),
            work,
            first=IngestStatus(request.path, "queued", stage="queued"),
            name=f"the ingest of {Path(path).name}",
            serial_key=path,
            wait_s=wait_s,
            progress=progress,
        )
        return outcome.result or outcome.status

    async def stop(self, source_id: str) -> None:
        """Cancel the jobs of this source and wait until they have ended."""
        await self._tasks.cancel(lambda status: status.source_id == source_id)

    @property
    def running(self) -> list[IngestStatus]:
        """The status of every running job."""
        return self._tasks.running


def without_subtitle_files(paths: list[str]) -> list[str]:
    """The paths without `talk.srt` and `talk.en.vtt` beside `talk.mp4`: these are read with the
    video, and as separate documents they would be found instead of it."""
    split = [os.path.splitext(p) for p in paths]
    stems = {stem for stem, suffix in split if suffix.lower() not in SUBTITLE_SUFFIXES}
    return [
        path
        for path, (stem, suffix) in zip(paths, split, strict=True)
        if suffix.lower() not in SUBTITLE_SUFFIXES or not stems & {stem, os.path.splitext(stem)[0]}
    ]
