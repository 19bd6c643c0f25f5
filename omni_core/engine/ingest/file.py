"""One file into the library: hash, probe, the flow; then, last, the catalog says so.

A crash anywhere leaves only things that the next run overwrites: ids are facts, and the catalog
row moves last.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat as stat_module
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from omni_core.engine.context import PIPELINE, Context
from omni_core.engine.ingest.pipeline import Pipeline, died
from omni_core.engine.results import IngestRequest, IngestStatus
from omni_core.errors import (
    NotFoundError,
    OmniError,
    StoreError,
    TooLargeError,
    UnreadableError,
)
from omni_core.payload import changes, source_filter
from omni_core.types import MediaInfo, Modality, Source, SourceRow
from omni_core.worker import Worker, WorkerDied

Report = Callable[[IngestStatus], Awaitable[None]]


@dataclass
class _Run:
    """The state of one ingest; `status` is what callers see."""

    request: IngestRequest
    status: IngestStatus
    report: Report
    pipeline: Pipeline | None = None
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    async def tell(self, **changes: object) -> None:
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
        await self.report(self.status)


async def ingest_file(context: Context, request: IngestRequest, report: Report) -> IngestStatus:
    """Run the whole way for one file; returns its last status.

    A file that cannot be read ends as `failed` with its one line; only the caller's own
    cancellation and a broken store are raised.
    """
    run = _Run(request, IngestStatus(request.path, "processing", stage="hashing"), report)
    started = time.perf_counter()
    try:
        await _ingest(context, run)
    except asyncio.CancelledError:
        if run.pipeline is not None:
            await asyncio.shield(_suspend(context, run, "CANCELLED", "ingest was cancelled"))
        raise
    except StoreError:
        raise
    except OmniError as e:
        await _failed(context, run, e)
    spent = {**run.spent, **(run.pipeline.spent if run.pipeline else {})}
    await run.tell(timings={**spent, "total": time.perf_counter() - started})
    return run.status


async def _ingest(context: Context, run: _Run) -> None:
    request = run.request
    path = Path(request.path)
    await run.report(run.status)
    stat = await _stat(path, context.settings.max_file_mb)
    known = await asyncio.to_thread(
        context.catalog.by_path, str(path), size=stat.st_size, mtime_ns=stat.st_mtime_ns
    )
    started = time.perf_counter()
    sha256 = known or await hash_file(path)
    run.spent["hash"] = time.perf_counter() - started
    async with context.locks.setdefault(sha256, asyncio.Lock()):
        await _whole(context, run, sha256, path, stat)


async def _whole(
    context: Context, run: _Run, sha256: str, path: Path, stat: os.stat_result
) -> None:
    if await _already(context, run, sha256, path, stat):
        return
    request = run.request
    async with context.decoders.cutter() as cutter:
        await run.tell(stage="probing")
        info = await _probe(context, cutter, request)
        source = _source(path, sha256, stat, info, request)
        pipeline = await _begin(context, run, source, stat, info)
        await _run_pipeline(context, run, pipeline, cutter)
    await _finish(context, run, pipeline)


async def _probe(context: Context, cutter: Worker, request: IngestRequest) -> MediaInfo:
    try:
        info: MediaInfo = await cutter.call(
            "probe", request.path, request.password, deadline_s=context.settings.probe_s
        )
    except WorkerDied as e:
        raise died(e) from e
    return info


async def _stat(path: Path, max_mb: int) -> os.stat_result:
    try:
        stat = await asyncio.to_thread(path.stat)
    except OSError as e:
        raise NotFoundError(f"no file at {path}: {e.strerror or e}; check the path") from e
    if not stat_module.S_ISREG(stat.st_mode):
        raise UnreadableError(f"{path.name} is not a regular file", code="UNSUPPORTED_TYPE")
    if stat.st_size == 0:
        raise UnreadableError(f"{path.name} is empty (0 bytes); ingest the complete file")
    if stat.st_size > max_mb << 20:
        raise TooLargeError(
            f"{path.name} has {stat.st_size >> 20} MB, the limit is {max_mb} MB; "
            "raise max_file_mb or cut the file"
        )
    return stat


async def hash_file(path: Path) -> str:
    """The sha256 of a file's bytes, off the event loop."""

    def work() -> str:
        digest = hashlib.sha256()
        with path.open("rb") as f:
            while block := f.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    try:
        return await asyncio.to_thread(work)
    except OSError as e:
        raise NotFoundError(f"{path.name} cannot be read: {e.strerror or e}") from e


async def _already(
    context: Context, run: _Run, sha256: str, path: Path, stat: os.stat_result
) -> bool:
    """The same bytes are complete: note the path and the collection, do nothing else."""
    row = await asyncio.to_thread(context.catalog.get, sha256)
    if row is None or row.state != "ready" or row.pipeline != PIPELINE:
        return False
    catalog, request = context.catalog, run.request
    seen_at = row.uri
    await asyncio.to_thread(
        catalog.add_path, sha256, str(path), size=stat.st_size, mtime_ns=stat.st_mtime_ns
    )
    if (request.title and request.title != row.title) or request.recorded_at:
        row = await _amended(context, row, request)
    if request.collection not in row.collections:
        index = await context.opened_index()
        changed = changes(collections=[*row.collections, request.collection])
        await index.set_payload(source_filter(row.id), changed)
        await asyncio.to_thread(catalog.add_collection, sha256, request.collection)
    await run.tell(
        state="ready",
        stage="done",
        progress=1.0,
        already=True,
        source_id=row.id,
        title=row.title,
        modality=row.modality,
        segments=row.segments,
        duration_s=row.duration_s,
        pages=row.pages,
        recorded_at=row.recorded_at,
        recorded_at_from=row.recorded_at_from,
        warnings=row.warnings,
        duplicate_of="" if seen_at == str(path) else seen_at,
    )
    return True


async def _amended(context: Context, row: SourceRow, request: IngestRequest) -> SourceRow:
    """The caller's title and date replace those of a source that is complete."""
    title, at = request.title or row.title, request.recorded_at or row.recorded_at
    index = await context.opened_index()
    await index.set_payload(source_filter(row.id), changes(title=title, recorded_at=at))
    await asyncio.to_thread(context.catalog.amend, row.sha256, title, request.recorded_at)
    return await asyncio.to_thread(context.catalog.get, row.sha256) or row


def _source(
    path: Path, sha256: str, stat: os.stat_result, info: MediaInfo, request: IngestRequest
) -> Source:
    return Source(
        sha256=sha256,
        uri=str(path),
        title=request.title or info.title or path.stem,
        modality=info.modality,
        mime=info.mime,
        size=stat.st_size,
        duration_s=info.duration_s,
        pages=info.pages,
        recorded_at=request.recorded_at or info.recorded_at,
        recorded_at_from="caller" if request.recorded_at else info.recorded_at_from,
    )


async def _begin(
    context: Context, run: _Run, source: Source, stat: os.stat_result, info: MediaInfo
) -> Pipeline:
    index = await context.opened_index()
    replaced = await _replaced(context, source)
    resume = await asyncio.to_thread(
        context.catalog.begin,
        source,
        collection=run.request.collection,
        mtime_ns=stat.st_mtime_ns,
        model=context.info.fingerprint,
        pipeline=PIPELINE,
    )
    held = context.settings.store_path
    pipeline = run.pipeline = Pipeline(
        source, context.models, index, context.info.multi_vector, (run.request.collection,),
        context.info.batch, held,
    )  # fmt: skip
    collections = await asyncio.to_thread(context.catalog.collections_of, source.sha256)
    pipeline.collections = tuple(collections)
    pipeline.warn(replaced)
    pipeline.done.update(resume.get("done", ()))
    pipeline.stored.update(resume.get("stored", ()))
    pipeline.warn(*info.warnings)
    if not pipeline.done:
        await index.delete(source_filter(source.id))  # what an older pipeline may have left
    await run.tell(
        source_id=source.id,
        title=source.title,
        modality=source.modality,
        duration_s=source.duration_s,
        pages=source.pages,
        recorded_at=source.recorded_at,
        recorded_at_from=source.recorded_at_from,
        stage="cutting",
        warnings=tuple(pipeline.warnings),
    )
    return pipeline


async def _replaced(context: Context, source: Source) -> str:
    """One line when this path held other bytes before, which are still in the library."""
    for row in await asyncio.to_thread(context.catalog.find, source.uri):
        if row.sha256 != source.sha256 and source.uri == row.uri:
            return (
                f"this file held other content before, still searchable as {row.id}; forget "
                "that source if it no longer counts"
            )
    return ""


async def _run_pipeline(context: Context, run: _Run, pipeline: Pipeline, cutter: Worker) -> None:
    async def moved() -> None:
        await run.tell(
            stage="reading",
            progress=pipeline.progress,
            segments=len(pipeline.stored),
            warnings=tuple(pipeline.warnings),
            timings=dict(pipeline.spent),
        )

    async def durable() -> None:
        await asyncio.to_thread(
            context.catalog.progress,
            pipeline.source.sha256,
            progress=pipeline.progress,
            segments=len(pipeline.stored),
            warnings=tuple(pipeline.warnings),
            resume={"done": sorted(pipeline.done), "stored": sorted(pipeline.stored)},
        )

    request = run.request
    options = replace(
        context.info.cut,
        fast=request.fast,
        password=request.password,
        transcript=request.transcript,
    )
    stall = context.settings.decode_stall_s
    try:
        await pipeline.run(
            cutter, request.path, options, stall_s=stall, moved=moved, durable=durable
        )
    except asyncio.CancelledError:
        # A decoder looks up between segments only; who cancels does not wait for the next one.
        await asyncio.shield(asyncio.to_thread(cutter.kill))
        raise


async def _finish(context: Context, run: _Run, pipeline: Pipeline) -> None:
    source, duration = pipeline.source, pipeline.source.duration_s
    if source.modality in (Modality.VIDEO, Modality.AUDIO) and pipeline.at > (duration or 0.0):
        duration = pipeline.at
    if not pipeline.stored:
        pipeline.warn(
            "nothing in it could be made searchable: no words, and no model for its sound"
        )
    await asyncio.to_thread(
        context.catalog.finish,
        source.sha256,
        state="ready",
        segments=len(pipeline.stored),
        duration_s=duration,
        warnings=tuple(pipeline.warnings),
        timings=dict(pipeline.spent),
    )
    await run.tell(
        state="ready",
        stage="done",
        progress=1.0,
        segments=len(pipeline.stored),
        duration_s=duration,
        warnings=tuple(pipeline.warnings),
    )


async def _failed(context: Context, run: _Run, error: OmniError) -> None:
    """One line about one file. What was stored stays searchable and says `partial`; a file of
    which nothing can be used leaves the library as it was."""
    pipeline = run.pipeline
    if pipeline is not None and pipeline.stored:
        await _suspend(context, run, error.code, str(error))
        return
    if pipeline is not None:
        await asyncio.to_thread(context.catalog.remove, pipeline.source.sha256)
    await run.tell(state="failed", stage="done", error_code=error.code, error=str(error))


async def _suspend(context: Context, run: _Run, code: str, message: str) -> None:
    pipeline = run.pipeline
    assert pipeline is not None  # noqa: S101 - callers hold it
    await asyncio.to_thread(
        context.catalog.finish,
        pipeline.source.sha256,
        state="partial",
        segments=len(pipeline.stored),
        warnings=(*pipeline.warnings, f"{code}: {message}"),
        timings=dict(pipeline.spent),
    )
    run.status = replace(
        run.status,
        state="partial",
        stage="done",
        segments=len(pipeline.stored),
        error_code=code,
        error=message,
        warnings=tuple(pipeline.warnings),
    )
