"""Ingest jobs: one at a time for each request, shared by all callers with the same request."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from omni_core import file_calls
from omni_core.engine.context import Context
from omni_core.engine.context_within import context_within
from omni_core.engine.ingest.begun import Record
from omni_core.engine.ingest.file import ingest_file
from omni_core.engine.ingest.on_ray import RayReaders
from omni_core.engine.results import IngestRequest, IngestStatus
from omni_core.errors import UnavailableError
from omni_core.files import Chosen
from omni_core.tasks import Report, SharedTasks
from omni_core.text.subtitle_names import Films

Progress = Callable[[IngestStatus], Awaitable[None]]


class Jobs:
    """Starts, shares and cancels the ingest of single files, and reports its progress."""

    def __init__(self, context: Context, record: Record, readers: RayReaders | None = None) -> None:
        """`readers` read the files, where that is not this process."""
        self._context, self._readers = context, readers
        self._record = record
        self._tasks: SharedTasks[IngestRequest, IngestStatus, IngestStatus] = SharedTasks(
            context.tasks
        )

    async def ingest(
        self,
        request: IngestRequest,
        *,
        wait_s: float | None,
        progress: Progress | None,
        grace_s: float = 0.0,
        recorded: bool = True,
    ) -> IngestStatus:
        """Join or start the job of this request and wait for its end, at most `wait_s` seconds.

        Jobs of one path with different requests (title, collection) run one after another.
        Cancelling the last waiting call cancels the job at once or, with `grace_s`, when nobody
        has asked for it again so many seconds later (a job whose call was answered `processing`
        runs on); stored segments remain. Raises StoppedError when another call cancelled the job.

        What is `recorded` goes on when the store is opened again (`Engine.resume`).
        """
        path = request.path
        if request.links:
            path = await _resolved(path)
        key = replace(request, path=path, watched=False)
        recorded &= not request.watched  # its watcher finds it again

        async def work(report: Report[IngestStatus]) -> IngestStatus:
            async with self._record.keeping(key) if recorded else nullcontext():
                context = self._context
                if request.apart:
                    context = context_within(context, (request.collection,))
                status = await ingest_file(context, request, report, self._readers)
            await report(status)
            return status

        def behind(other: IngestStatus) -> IngestStatus:
            now = f"{Path(path).name!r}, asked for before: {other.stage}, {other.progress:.0%}"
            return replace(first, stage="waiting", waiting_for=now)

        first = IngestStatus(request.path, "queued", stage="queued")
        outcome = await self._tasks.join(
            key,
            work,
            first=first,
            name=f"the ingest of {Path(path).name}",
            serial_key=(path, request.collection if request.apart else ""),
            behind=behind,
            wait_s=wait_s,
            grace_s=grace_s,
            progress=progress,
        )
        if outcome.result is None and recorded and self._tasks.status(key) is not None:
            await self._record.note(key)  # before the caller is told that it goes on
        return outcome.result or outcome.status

    async def stop(
        self, source_id: str, *, collections: Collection[str] | None = None
    ) -> list[IngestStatus]:
        """Cancel the jobs of this source, of these `collections` alone where given, and wait until
        they have ended."""
        found = {
            request
            for request, status in self._tasks.live
            if status.source_id == source_id and _is_of(request, collections)
        }
        return await self._tasks.cancel_keys(lambda request: request in found)

    async def stop_paths(
        self,
        paths: Chosen,
        *,
        unless_awaited: bool,
        collections: Collection[str] | None = None,
    ) -> list[IngestStatus]:
        """Cancel the jobs of these files, of these `collections` alone where given, and wait until
        they have ended."""
        return await self._tasks.cancel_keys(
            lambda request: request.path in paths and _is_of(request, collections),
            unless_awaited=unless_awaited,
        )

    @property
    def live(self) -> list[tuple[IngestRequest, IngestStatus]]:
        """Request and status of every running job."""
        return self._tasks.live

    @property
    def running(self) -> list[IngestStatus]:
        """The status of every running job."""
        return self._tasks.running


def _is_of(request: IngestRequest, collections: Collection[str] | None) -> bool:
    return collections is None or request.collection in collections


def without_subtitle_files(paths: list[str]) -> list[str]:
    """The paths without `talk.srt` and `talk.en.vtt` beside `talk.mp4`, or in `Subs` there: these
    are read with the video, and as separate documents they would be found instead of it."""
    films = Films(paths)
    return [path for path in paths if not films.read(path)]


async def _resolved(path: str) -> str:
    """The path with links resolved; as it is where its drive does not answer, which the ingest
    will say."""
    try:
        return str(await file_calls.run(Path(path).resolve, on=os.path.dirname(path)))
    except UnavailableError:
        return path
