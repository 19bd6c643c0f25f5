"""Ingest jobs: one for each file at a time, shared by all who ask for the same file."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from omni_core.engine.context import Context
from omni_core.engine.ingest.file import ingest_file
from omni_core.engine.results import IngestRequest, IngestStatus
from omni_core.text.suffixes import SUBTITLE_SUFFIXES

Progress = Callable[[IngestStatus], Awaitable[None]]

MOST_RUNNING = 2
"""Files under way at once: one is cut while another is read."""


class Job:
    """One file on its way."""

    def __init__(self, request: IngestRequest) -> None:
        self.request = request
        self.status = IngestStatus(request.path, "queued", stage="queued")
        self.changed = asyncio.Event()
        self.task: asyncio.Task[IngestStatus] | None = None
        self.waiting = 0

    async def report(self, status: IngestStatus) -> None:
        """Take the pipeline's word, wake the waiting."""
        self.status = status
        self.changed.set()
        self.changed = asyncio.Event()


class Jobs:
    """Starts, shares, follows and cancels ingest jobs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._jobs: dict[str, Job] = {}
        self._slots = asyncio.Semaphore(MOST_RUNNING)

    async def ingest(
        self, request: IngestRequest, *, wait_s: float | None, progress: Progress | None
    ) -> IngestStatus:
        """Join or start the file's job and wait for its end, at most `wait_s`.

        Cancelling the last call that waits cancels the job; what is stored stays.
        """
        key = str(await asyncio.to_thread(Path(request.path).resolve))
        job = self._jobs.get(key)
        if job is not None and job.request != request and job.task is not None:
            # The same file with another title or collection: its own turn, when this one ends.
            await asyncio.wait([job.task], timeout=wait_s)
            if not job.task.done():
                return job.status
            job = None
        if job is None:
            job = self._jobs.get(key) or self._start(key, request)
        job.waiting += 1
        try:
            return await self._follow(job, wait_s, progress)
        except asyncio.CancelledError:
            if job.waiting == 1 and job.task is not None and not job.task.done():
                job.task.cancel()
                await asyncio.wait([job.task], timeout=2.0)
            raise
        finally:
            job.waiting -= 1

    def _start(self, key: str, request: IngestRequest) -> Job:
        job = self._jobs[key] = Job(request)
        job.task = asyncio.create_task(self._run(job), name=f"ingest {request.path}")
        job.task.add_done_callback(lambda _: self._ended(key, job))
        return job

    def _ended(self, key: str, job: Job) -> None:
        if self._jobs.get(key) is job:
            del self._jobs[key]

    async def _run(self, job: Job) -> IngestStatus:
        async with self._slots:
            status = await ingest_file(self._context, job.request, job.report)
            await job.report(status)
            return status

    async def _follow(
        self, job: Job, wait_s: float | None, progress: Progress | None
    ) -> IngestStatus:
        assert job.task is not None  # noqa: S101 - _start set it
        until = None if wait_s is None else time.monotonic() + wait_s
        while not job.task.done():
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return job.status
            changed = asyncio.ensure_future(job.changed.wait())
            try:
                await asyncio.wait(
                    {job.task, changed}, timeout=left, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                changed.cancel()
            if progress is not None and not job.task.done():
                await progress(job.status)
        return await asyncio.shield(job.task)

    async def stop(self, source_id: str) -> None:
        """Cancel what runs for this source and wait until it has let go."""
        tasks = [
            j.task
            for j in self._jobs.values()
            if j.task is not None and j.status.source_id == source_id
        ]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=10.0)

    @property
    def running(self) -> list[IngestStatus]:
        """The files under way now."""
        return [j.status for j in self._jobs.values()]

    async def close(self) -> None:
        """Cancel what runs; it resumes when it is asked for again."""
        tasks = [j.task for j in self._jobs.values() if j.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5.0)


def without_sidecars(paths: list[str]) -> list[str]:
    """The paths but `film.srt` and `film.en.vtt` beside `film.mp4`: they are read with the film,
    and as documents of their own they would answer in its place."""
    split = [os.path.splitext(p) for p in paths]
    films = {stem for stem, suffix in split if suffix.lower() not in SUBTITLE_SUFFIXES}
    return [
        path
        for path, (stem, suffix) in zip(paths, split, strict=True)
        if suffix.lower() not in SUBTITLE_SUFFIXES or not films & {stem, os.path.splitext(stem)[0]}
    ]
