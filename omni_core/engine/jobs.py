"""Ingest jobs: one for each file at a time, shared by all who ask for the same file."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from omni_core.engine.ingest import ingest_file
from omni_core.engine.parts import Parts
from omni_core.engine.results import FolderStatus, IngestRequest, IngestStatus

Progress = Callable[[IngestStatus], Awaitable[None]]
FolderProgress = Callable[[FolderStatus], Awaitable[None]]

MOST_RUNNING = 2
"""Files under way at once: one is cut while another is read."""
SUBTITLES = (".srt", ".vtt", ".ass", ".ssa")
MOST_WAITING = 10_000


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

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
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
        if job is None:
            job = self._start(key, request)
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
        job.task.add_done_callback(lambda _: self._jobs.pop(key, None))
        return job

    async def _run(self, job: Job) -> IngestStatus:
        async with self._slots:
            status = await ingest_file(self._parts, job.request, job.report)
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

    async def ingest_folder(
        self,
        paths: list[str],
        *,
        collection: str,
        fast: bool,
        wait_s: float | None,
        progress: FolderProgress | None,
    ) -> FolderStatus:
        """Every file in turn; past `wait_s` the rest goes on in the background."""
        paths = without_sidecars(paths)
        done: list[IngestStatus] = []
        state: dict[str, IngestStatus | None] = {"now": None}

        def status(finished: bool) -> FolderStatus:
            return FolderStatus(len(paths), len(done), state["now"], tuple(done), finished)

        async def each(s: IngestStatus) -> None:
            state["now"] = s
            if progress is not None:
                await progress(status(False))

        async def run() -> None:
            for path in paths:
                request = IngestRequest(path, collection=collection, fast=fast)
                done.append(await self.ingest(request, wait_s=None, progress=each))
                if progress is not None:
                    await progress(status(False))

        task = asyncio.create_task(run(), name="ingest folder")
        self._parts.background.add(task)
        task.add_done_callback(self._parts.background.discard)
        try:
            finished, _ = await asyncio.wait({task}, timeout=wait_s)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task], timeout=2.0)
            raise
        if finished:
            await task  # a broken store is raised, not hidden
        return status(bool(finished))

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
    films = {stem for stem, suffix in split if suffix.lower() not in SUBTITLES}
    return [
        path
        for path, (stem, suffix) in zip(paths, split, strict=True)
        if suffix.lower() not in SUBTITLES or not films & {stem, os.path.splitext(stem)[0]}
    ]
