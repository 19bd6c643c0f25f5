"""Ingest of one file: hash, probe, cut, read, embed, index; the catalog is written last.

Whatever a crash leaves behind, the next run overwrites: ids are derived from content, and the
catalog row is updated last.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat as stat_module
import time
from pathlib import Path

from omni_core.catalog.groups import StoredGroup
from omni_core.engine.context import Context
from omni_core.engine.hashing import hash_file
from omni_core.engine.ingest import limits, refused
from omni_core.engine.ingest.decoder import decoder_for, look_into
from omni_core.engine.ingest.embedding import Target
from omni_core.engine.ingest.finish import fail, finish, suspend
from omni_core.engine.ingest.known import is_complete, replaced_content_warning
from omni_core.engine.ingest.on_ray import RayReaders
from omni_core.engine.ingest.pipeline import Pipeline
from omni_core.engine.ingest.reading import run_here, run_on_ray
from omni_core.engine.ingest.run import Report, Run
from omni_core.engine.results import IngestRequest, IngestStatus
from omni_core.errors import (
    BadRequestError,
    NotFoundError,
    OmniError,
    StoppedError,
    StoreError,
    TooLargeError,
    UnreadableError,
)
from omni_core.ids import PIPELINE
from omni_core.stages import report_each, staged
from omni_core.tasks import finish_first
from omni_core.text.titles import title_of
from omni_core.types import MediaInfo, Source, SourceRow

ELSEWHERE = "another process"
"""How `waiting_for` begins while another process ingests the same bytes."""
POLL_S = 2.0
"""How often it is asked whether that process is done, or gone."""


log = logging.getLogger(__name__)


@staged("ingest.file")
async def ingest_file(
    context: Context, request: IngestRequest, report: Report, readers: RayReaders | None = None
) -> IngestStatus:
    """Ingest one file, read by `readers` or in this process; returns its final status.

    The status of a file that cannot be read is `failed`, with its error; only the cancellation
    of the caller and a broken store (StoreError) are raised. A source that the store refused to
    take further is absent or partial.
    """
    run = Run(request, IngestStatus(request.path, "processing", stage="hashing"), report)
    try:
        await _ingest(context, run, readers)
    except asyncio.CancelledError:
        if run.pipeline is not None:
            await finish_first(_suspend_cancelled(context, run, run.pipeline))
        raise
    except StoreError as e:
        await refused.settle(context, run, e)
        raise
    except OmniError as e:
        await fail(context, run, e)
    except Exception as e:
        log.exception("the ingest of a file failed")
        await fail(context, run, unexpected(e))
    if run.pipeline is not None:  # after the point where a cancellation makes it partial
        await context.changes.notify(run.pipeline.source.id)
    await run.update(timings=run.timings)
    report_each("ingest", {k: s for k, s in run.timings.items() if k != "total"})
    return run.status


def unexpected(error: Exception) -> OmniError:
    """A fault of ours in one file, which must not end the ingest of the others."""
    return OmniError(
        f"unexpected {type(error).__name__} while it was read; the log of the server says more",
        code="INTERNAL",
    )


async def _suspend_cancelled(context: Context, run: Run, pipeline: Pipeline) -> None:
    try:
        await suspend(context, run, pipeline, StoppedError("ingest was cancelled"))
    except StoreError as e:
        if e.code != "LEASE_LOST":  # then another process goes on with it
            await refused.settle(context, run, e)
            raise
    await context.changes.notify(pipeline.source.id)


async def _ingest(context: Context, run: Run, readers: RayReaders | None) -> None:
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
        while not await _is_done(context, run, sha256, path, stat):
            who = await asyncio.to_thread(context.catalog.ingested_by, sha256)
            if not who:
                try:
                    return await _ingest_or_fail(context, run, sha256, path, stat, readers)
                except StoreError as e:
                    if e.code not in ("BUSY", "LEASE_LOST"):
                        raise
                run.pipeline = None  # what the other process stores counts
                continue
            await run.update(stage="waiting", waiting_for=f"{ELSEWHERE} that ingests it: {who}")
            await asyncio.sleep(POLL_S)


async def _is_done(
    context: Context, run: Run, sha256: str, path: Path, stat: os.stat_result
) -> bool:
    return await is_complete(context, run, sha256, path, stat) or await limits.is_at_limit(
        context, run, sha256, path
    )


async def _ingest_or_fail(
    context: Context,
    run: Run,
    sha256: str,
    path: Path,
    stat: os.stat_result,
    readers: RayReaders | None,
) -> None:
    """Raises StoreError; LEASE_LOST also where the file could not be read, perhaps since this
    process slept, and another one is at it."""
    try:
        await _ingest_bytes(context, run, sha256, path, stat, readers)
    except StoreError:
        raise
    except OmniError as e:
        await fail(context, run, e)


async def _ingest_bytes(
    context: Context,
    run: Run,
    sha256: str,
    path: Path,
    stat: os.stat_result,
    readers: RayReaders | None,
) -> None:
    if readers is not None:
        info = await look_into(context, run)
        pipeline = await _begin(context, run, sha256, path, stat, info)
        await run_on_ray(context, run, pipeline, readers)
    else:
        async with decoder_for(context, run, stat.st_size) as (cutter, info):
            pipeline = await _begin(context, run, sha256, path, stat, info)
            await run_here(context, run, pipeline, cutter)
    await finish(context, run, pipeline)


async def _stat(path: Path, max_mb: int) -> os.stat_result:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        name = os.fsencode(Path(path).name).decode(errors="replace")
        raise BadRequestError(
            f"the name of {name!r} is not UTF-8, so that it cannot be stored; rename the file"
        ) from None
    try:
        stat = await asyncio.to_thread(path.stat)
    except OSError as e:
        raise NotFoundError(
            f"no file {path.name!r} there: {e.strerror or type(e).__name__}; check the path"
        ) from e
    if not stat_module.S_ISREG(stat.st_mode):
        raise UnreadableError(f"{path.name!r} is not a regular file", code="UNSUPPORTED_TYPE")
    if stat.st_size == 0:
        raise UnreadableError(f"{path.name!r} is empty (0 bytes); ingest the complete file")
    if stat.st_size > max_mb << 20:
        raise TooLargeError(
            f"{path.name!r} has {stat.st_size >> 20} MB, the limit is {max_mb} MB; "
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
    sha256: str,
    path: Path,
    stat: os.stat_result,
    info: MediaInfo,
) -> Pipeline:
    before = await asyncio.to_thread(context.catalog.get, sha256)
    source = _source(path, sha256, stat, info, run.request, before)
    index = await context.opened_index()
    replaced = "" if run.request.watched else await replaced_content_warning(context, source)
    resume = await asyncio.to_thread(
        context.catalog.begin,
        source,
        collection=run.request.collection,
        mtime_ns=stat.st_mtime_ns,
        model=context.info.fingerprint,
        pipeline=PIPELINE,
        unless_ready=True,
    )
    collections = await asyncio.to_thread(context.catalog.collections_of, source.sha256)
    groups: tuple[StoredGroup, ...] = ()
    saved = b""
    options = limits.options(run.request)
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
        resume={**reached.state, "options": limits.options(run.request)},
        readers=reached.readers,
        group=group,
    )
