"""Ingest jobs: one for each request at a time, shared by all who make the same request."""

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

MOST_RUNNING = 2
"""Files under way at once: one is cut while another is read."""


class Jobs:
    """Starts, shares, follows and cancels the ingest of single files."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._slots = asyncio.Semaphore(MOST_RUNNING)
        self._tasks: SharedTasks[IngestRequest, IngestStatus, IngestStatus] = SharedTasks(
            context.tasks
        )

    async def ingest(
        self, request: IngestRequest, *, wait_s: float | None, progress: Progress | None
    ) -> IngestStatus:
        """Join or start the job of this request and wait for its end, at most `wait_s`.

        The same file with another title or collection waits for its turn: jobs of one path run
        one after another. Cancelling the last call that waits cancels the job; what is stored
        stays. Raises StoppedError when the job was cancelled by someone else.
        """
        path = str(await asyncio.to_thread(Path(request.path).resolve))

        async def work(report: Report[IngestStatus]) -> IngestStatus:
            async with self._slots:
                status = await ingest_file(self._context, request, report)
            await report(status)
            return status

        outcome = await self._tasks.join(
            replace(request, path=path),
            work,
            first=IngestStatus(request.path, "queued", stage="queued"),
            name=f"the ingest of {Path(path).name}",
            serial_key=path,
            wait_s=wait_s,
            progress=progress,
        )
        return outcome.result or outcome.status

    async def stop(self, source_id: str) -> None:
        """Cancel what runs for this source and wait until it has ended."""
        await self._tasks.cancel(lambda status: status.source_id == source_id)

    @property
    def running(self) -> list[IngestStatus]:
        """The files under way now."""
        return self._tasks.running


def without_subtitle_files(paths: list[str]) -> list[str]:
    """The paths but `talk.srt` and `talk.en.vtt` beside `talk.mp4`: they are read with the video,
    and as documents of their own they would be found in its place."""
    split = [os.path.splitext(p) for p in paths]
    stems = {stem for stem, suffix in split if suffix.lower() not in SUBTITLE_SUFFIXES}
    return [
        path
        for path, (stem, suffix) in zip(paths, split, strict=True)
        if suffix.lower() not in SUBTITLE_SUFFIXES or not stems & {stem, os.path.splitext(stem)[0]}
    ]
