"""One watched file into the library, what is told of it, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from omni_core.engine.api import EngineApi
from omni_core.engine.results import (
    FileNews,
    IngestRequest,
    IngestStatus,
    KnownFile,
    PassedOver,
)
from omni_core.errors import NotFoundError, OmniError, StoppedError, TooLargeError, UnavailableError
from omni_core.watch.events import Clock, Event, Report
from omni_core.watch.folders import Watched
from omni_core.watch.state import RETRY_S, YOUNG_S, Files, Job


class Intake:
    """Ingests files whose turn it is; `files` gets those that are to be tried again."""

    def __init__(
        self,
        engine: Callable[[], Awaitable[EngineApi]],
        files: Files,
        report: Report,
        clock: Clock,
    ) -> None:
        self._engine, self._files, self._report, self._clock = engine, files, report, clock
        self.retries = True
        """Whether what failed is tried again."""

    async def ingest(self, job: Job, watched: Watched) -> KnownFile | None:
        """What is known of the file from now on; None where it is to be tried again."""
        engine = await self._engine()
        request = IngestRequest(job.path, collection=watched.collection, watched=True, links=False)
        told = float("-inf")

        async def progress(status: IngestStatus) -> None:
            nonlocal told
            if self._clock.now() - told >= 1.0:
                told = self._clock.now()
                await self._report(
                    Event("working", job.path, status.source_id, stage=status.stage,
                          progress=status.progress, left=self._files.left)
                )  # fmt: skip

        try:
            status = await engine.ingest(request, progress=progress)
        except StoppedError as e:
            status = IngestStatus(job.path, "failed", stage="done", failure=e)
        if status.state != "ready":
            return await self._failed(engine, job, status)
        if status.moved_from:
            self._files.forget(status.moved_from)
        noted = await engine.note_files(FileNews(ingested=(job.path,)))
        await self._report(self._done(job, status))
        for row in noted.replaced:
            await self._report(Event("replaced", job.path, row.id, row.title))
        return KnownFile(
            job.path, job.stat.size, job.stat.mtime_ns, complete=True, source_id=status.source_id
        )

    def _done(self, job: Job, status: IngestStatus) -> Event:
        back = job.before is not None and job.before.gone
        event = Event(
            "back" if back else "ready", job.path, status.source_id, status.title,
            segments=status.segments, known=status.already, left=self._files.left,
            seconds=self._clock.now() - job.since,
        )  # fmt: skip
        return replace(event, kind="renamed", old=status.moved_from) if status.moved_from else event

    async def _failed(self, engine: EngineApi, job: Job, status: IngestStatus) -> KnownFile | None:
        """Try again later what may still become readable; pass over the rest until it changes."""
        failure = status.failure or OmniError("no reason was given")
        kept = isinstance(failure, UnavailableError | StoppedError | NotFoundError)
        age = self._clock.wall() - job.stat.changed_ns / 1e9
        young = age < YOUNG_S and job.tries < len(RETRY_S) and failure.code != "ENCRYPTED"
        event = Event(
            "failed", job.path, status.source_id, error_code=failure.code, error=str(failure),
            left=self._files.left,
        )  # fmt: skip
        limited = status.state == "partial" and isinstance(failure, TooLargeError)
        if limited:  # it would end at the same place again
            await self._report(replace(event, kind="passed_over"))
            return KnownFile(job.path, job.stat.size, job.stat.mtime_ns, True, status.source_id)
        if kept or young or status.state == "partial":
            pause = RETRY_S[min(job.tries, len(RETRY_S) - 1)]
            if self.retries:
                self._files.retry(job, pause, self._clock.now())
            await self._report(replace(event, retry_s=pause if self.retries else None))
            return None
        stat = job.stat
        passed = PassedOver(job.path, stat.size, stat.mtime_ns, failure.code, str(failure))
        await engine.note_files(FileNews(passed_over=(passed,)))
        await self._report(replace(event, kind="passed_over"))
        return KnownFile(job.path, stat.size, stat.mtime_ns, True, passed_over=failure.code)
