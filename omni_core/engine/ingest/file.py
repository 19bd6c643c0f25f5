"""Ingest of one file: hash, probe, cut, read, embed, index; the catalog is written last.

Whatever a crash leaves behind, the next run overwrites: ids are derived from content, and the
catalog row is updated last.
"""

from __future__ import annotations

import asyncio
import os
import stat as stat_module
import time
from dataclasses import replace
from pathlib import Path

from omni_core.catalog.groups import StoredGroup
from omni_core.engine.context import Context
from omni_core.engine.hashing import hash_file
from omni_core.engine.ingest.decoder import decoder_for
from omni_core.engine.ingest.embedding import Target
from omni_core.engine.ingest.finish import fail, finish, suspend
from omni_core.engine.ingest.known import is_complete, replaced_content_warning
from omni_core.engine.ingest.pipeline import Pipeline
from omni_core.engine.ingest.run import Report, Run
from omni_core.engine.results import IngestRequest, IngestStatus
from omni_core.errors import (
    NotFoundError,
    OmniError,
    StoppedError,
    StoreError,
    TooLargeError,
    UnreadableError,
)
from omni_core.ids import PIPELINE
from omni_core.payload import source_filter
from omni_core.stages import report_each, staged
from omni_core.tasks import finish_first
from omni_core.text.titles import title_of
from omni_core.types import MediaInfo, Source, SourceRow
from omni_core.worker import Worker

CLOSING_S = 1.5
"""How long an ingest may make what it is reading durable when the engine closes: clients that end
a server kill it after two seconds."""


@staged("ingest.file")
async def ingest_file(context: Context, request: IngestRequest, report: Report) -> IngestStatus:
    """Ingest one file; returns its final status.

    The status of a file that cannot be read is `failed`, with its error; only the cancellation
    of the caller and a broken store (StoreError) are raised.
    """
    run = Run(request, IngestStatus(request.path, "processing", stage="hashing"), report)
    try:
        await _ingest(context, run)
    except asyncio.CancelledError:
        if run.pipeline is not None:
            await finish_first(_suspend_cancelled(context, run, run.pipeline))
        raise
    except StoreError:
        raise
    except OmniError as e:
        await fail(context, run, e)
    if run.pipeline is not None:  # after the point where a cancellation makes it partial
        await context.changes.notify(run.pipeline.source.id)
    await run.update(timings=run.timings)
    report_each("ingest", {k: s for k, s in run.timings.items() if k != "total"})
    return run.status


async def _suspend_cancelled(context: Context, run: Run, pipeline: Pipeline) -> None:
    await suspend(context, run, pipeline, StoppedError("ingest was cancelled"))
    await context.changes.notify(pipeline.source.id)


async def _ingest(context: Context, run: Run) -> None:
    path = Path(run.request.path)
    await run.report(run.status)
    stat = await _stat(path, context.settings.max_file_mb)
    known = await asyncio.to_thread(
        context.catalog.by_path, str(path), size=stat.st_size, mtime_ns=stat.st_mtime_ns
    )
    started = time.perf_counter()
    if not known:
        async with context.hashing:
            known = await hash_file(path)
    sha256 = known
    run.spent["hash"] = time.perf_counter() - started
    lock = context.source_locks.setdefault(sha256, asyncio.Lock())
    if lock.locked():
        await run.update(stage="waiting", waiting_for="a file with the same bytes")
    async with lock:
        if not await is_complete(context, run, sha256, path, stat):
            await _ingest_bytes(context, run, sha256, path, stat)


async def _ingest_bytes(
    context: Context, run: Run, sha256: str, path: Path, stat: os.stat_result
) -> None:
    async with decoder_for(context, run, stat.st_size) as (cutter, info):
        before = await asyncio.to_thread(context.catalog.get, sha256)
        source = _source(path, sha256, stat, info, run.request, before)
        pipeline = await _begin(context, run, source, stat, info, before)
        await _run_pipeline(context, run, pipeline, cutter)
    await finish(context, run, pipeline)


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


def _source(
    path: Path,
    sha256: str,
    stat: os.stat_result,
    info: MediaInfo,
    request: IngestRequest,
    before: SourceRow | None,
) -> Source:
    """The source as it is stored; `before`: as an earlier ingest left it, whose title stays, unless
    that was the file's name, and whose date, where a person gave it."""
    kept = "" if before is None or before.title == title_of(before.uri) else before.title
    own = "" if request.name and info.title == title_of(str(path)) else info.title
    dated = before is not None and before.recorded_at_from == "caller"
    recorded_at = request.recorded_at or (before.recorded_at if before and dated else None)
    return Source(
        sha256=sha256,
        uri=str(path),
        title=request.title or kept or own or request.name or path.stem,
        modality=info.modality,
        mime=info.mime,
        size=stat.st_size,
        duration_s=info.duration_s,
        pages=info.pages,
        recorded_at=recorded_at or info.recorded_at,
        recorded_at_from="caller" if recorded_at else info.recorded_at_from,
    )


async def _begin(
    context: Context,
    run: Run,
    source: Source,
    stat: os.stat_result,
    info: MediaInfo,
    before: SourceRow | None,
) -> Pipeline:
    index = await context.opened_index()
    replaced = "" if run.request.watched else await replaced_content_warning(context, source)
    resume = await asyncio.to_thread(
        context.catalog.begin,
        source,
        collection=run.request.collection,
        mtime_ns=stat.st_mtime_ns,
        model=context.info.fingerprint,
        pipeline=PIPELINE,
    )
    collections = await asyncio.to_thread(context.catalog.collections_of, source.sha256)
    groups: tuple[StoredGroup, ...] = ()
    saved = b""
    options = _options(run.request)
    if resume.get("options", options) == options:
        groups = await asyncio.to_thread(context.catalog.groups_of, source.sha256)
        saved = await asyncio.to_thread(context.catalog.readers_of, source.sha256)
    else:
        resume = {}

    async def note(group: StoredGroup) -> None:
        await _note(context, run, pipeline, group)

    pipeline = run.pipeline = Pipeline(
        Target(source, tuple(collections), context.info.multi_vector, thumbnails=True),
        context.models, index, note, batch=context.info.batch,
        thumbs=context.settings.store_path, before=before, resumed=(resume, groups, saved),
    )  # fmt: skip
    pipeline.warn(replaced, *info.warnings)
    if before is None:
        await index.delete(source_filter(source.id))  # of an ingest whose catalog row was lost
    await run.update(
        source_id=source.id,
        title=source.title,
        modality=source.modality,
        duration_s=source.duration_s,
        pages=source.pages,
        recorded_at=source.recorded_at,
        recorded_at_from=source.recorded_at_from,
        stage="cutting",
        progress=pipeline.progress,
        segments=len(pipeline.stored),
        warnings=pipeline.warnings,
    )
    return pipeline


async def _note(context: Context, run: Run, pipeline: Pipeline, group: StoredGroup) -> None:
    reached = pipeline.commit.reached
    await asyncio.to_thread(
        context.catalog.progress,
        pipeline.source.sha256,
        progress=pipeline.progress,
        segments=len(pipeline.stored),
        warnings=pipeline.warnings,
        resume={**reached.state, "options": _options(run.request)},
        readers=reached.readers,
        group=group,
    )


def _options(request: IngestRequest) -> list[object]:
    """What decides how a file is cut: another choice starts its ingest from the beginning."""
    return [request.fast, request.transcript]


async def _run_pipeline(context: Context, run: Run, pipeline: Pipeline, cutter: Worker) -> None:
    async def on_batch() -> None:
        await run.update(
            stage="reading",
            progress=pipeline.progress,
            segments=len(pipeline.stored),
            warnings=pipeline.warnings,
            timings=pipeline.spent,
        )

    request = run.request
    options = replace(
        context.info.cut,
        fast=request.fast,
        password=request.password,
        transcript=request.transcript,
    )
    stall = context.settings.decode_stall_s
    status = await context.models.status()
    if "loading" in (status.encoder, status.readers):
        await run.update(stage="waiting", waiting_for="the models, which are loading")
        await context.models.ready()
        await run.update(stage="cutting", waiting_for="")
    try:
        await pipeline.run(
            cutter,
            request.path,
            options,
            stall_s=stall,
            on_batch=on_batch,
            grace_s=lambda: CLOSING_S if context.closing else 0.0,
        )
    except asyncio.CancelledError:
        # A decoder checks for calls between segments only; do not wait for the next segment.
        await finish_first(asyncio.to_thread(cutter.kill))
        raise
