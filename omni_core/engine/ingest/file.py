"""Ingest of one file: hash, probe, cut, read, embed, index; the catalog is written last.

Whatever a crash leaves behind, the next run overwrites: ids are derived from content, and the
catalog row is updated last.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from omni_core import file_calls
from omni_core.catalog.groups import StoredGroup
from omni_core.catalog.members import SAME_BYTES
from omni_core.engine.bin import drop_replaced, restore_known
from omni_core.engine.context import Context
from omni_core.engine.hashing import read_hash, remember
from omni_core.engine.ingest import limits, refused
from omni_core.engine.ingest.decoder import decoder_for, look_into
from omni_core.engine.ingest.embedding import Target
from omni_core.engine.ingest.finish import fail, finish, suspend, withdraw
from omni_core.engine.ingest.known import is_complete, replaced_content_warning
from omni_core.engine.ingest.on_ray import RayReaders
from omni_core.engine.ingest.outages import Wait
from omni_core.engine.ingest.pipeline import Pipeline
from omni_core.engine.ingest.reached import is_sound
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
from omni_core.evidence import thumbnails
from omni_core.ids import PIPELINE
from omni_core.originals import (
    CHANGED,
    Original,
    changed,
    is_being_written,
    is_unchanged,
    look,
)
from omni_core.stages import report_each, staged
from omni_core.tasks import finish_first
from omni_core.text.titles import title_of
from omni_core.types import MediaInfo, Source, SourceRow

log = logging.getLogger(__name__)

ELSEWHERE = "another process"
"""How `waiting_for` begins while another process ingests the same bytes."""
FIRST_POLL_S, POLL_S = 0.1, 2.0
"""After how long it is asked whether that process is done, or gone: at first, and at most, each
pause half as long again as the one before. Small files are done in less than the longest."""
AGAIN_AFTER_S = (0.1, 0.5)
"""A file that was changed while it was read is read anew after so many seconds, and again."""


STILL_OPEN = "is still being written by another program: what it held so far can be found"


@staged("ingest.file")
async def ingest_file(
    context: Context, request: IngestRequest, report: Report, readers: RayReaders | None = None
) -> IngestStatus:
    """Ingest one file, read by `readers` or in this process; returns its final status.

    The status of a file that cannot be read is `failed`, with its error; only the cancellation
    of the caller and a broken store (StoreError) are raised. A source that the store refused to
    take further is absent or partial.
    """
    await context.opened_index()  # what it has lost is not taken for ready, and it fails once
    file = Original(str(Path(request.path)), request.links)
    run = Run(request, _first(request), report, file)
    try:
        await _whatever_restarts(context, run, readers)
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


def _first(request: IngestRequest) -> IngestStatus:
    return IngestStatus(request.path, "processing", stage="hashing")


async def _whatever_restarts(context: Context, run: Run, readers: RayReaders | None) -> None:
    """Ingest the file; from its last checkpoint, where a server of the store was away meanwhile."""
    wait = Wait(context)
    while True:
        try:
            if run.pipeline is not None and not await _asked(is_unchanged, run.file):
                await finish_first(withdraw(context, run, changed(run.file.name)))
            return await _until_it_keeps_still(context, run, readers)
        except StoreError as e:
            if not await wait.until_back(run, e):
                raise
        run.status = _first(run.request)


async def _until_it_keeps_still(context: Context, run: Run, readers: RayReaders | None) -> None:
    """Ingest the file; from the beginning, with its new bytes, when it was changed meanwhile."""
    for pause_s in (*AGAIN_AFTER_S, None):
        try:
            return await _ingest(context, run, readers)
        except UnreadableError as e:
            run.status = _first(run.request)
            if e.code != CHANGED or pause_s is None:
                raise
            log.info("%s", e)
            await asyncio.sleep(pause_s)


async def _ingest(context: Context, run: Run, readers: RayReaders | None) -> None:
    await run.report(run.status)
    run.file = await _found(run.file, context.settings.max_file_mb)
    content = await asyncio.to_thread(context.catalog.by_path, run.file.path, **run.file.state)
    started = time.perf_counter()
    if not content and not context.within:  # who sees a part is not to learn who read the file
        content = context.hashes.get(run.file)
    if not content:
        async with context.hashing:
            content, run.file = await read_hash(run.file.path, links=run.file.links)
    run.spent["hash"] += time.perf_counter() - started
    while not await _is_ingested(context, run, content, readers):
        run.status = _first(run.request)


async def _is_ingested(
    context: Context, run: Run, content: str, readers: RayReaders | None
) -> bool:
    """Ingest the bytes of this hash; False where the collection got them meanwhile, as another
    source, which is the one to be asked for."""
    collection = run.request.collection
    sha256 = await asyncio.to_thread(context.catalog.key_for, content, collection)
    run.content = "" if sha256 == content else content
    if run.content and not context.within:  # of a copy the catalog knows no state of the file
        remember(context, run.file, content)
    lock = context.source_locks.setdefault(sha256, asyncio.Lock())
    if lock.locked():
        await run.update(stage="waiting", waiting_for="a file with the same bytes")
    async with lock:
        try:
            await _ingest_locked(context, run, sha256, readers)
        except StoreError as e:
            if e.code == SAME_BYTES:
                return False
            raise
        await drop_replaced(context, sha256)
    return True


async def _ingest_locked(
    context: Context, run: Run, sha256: str, readers: RayReaders | None
) -> None:
    pause_s = min(FIRST_POLL_S, POLL_S)
    while not await _is_done(context, run, sha256):
        who = await asyncio.to_thread(context.catalog.ingested_by, sha256)
        if not who:
            try:
                return await _ingest_or_fail(context, run, sha256, readers)
            except StoreError as e:
                if e.code not in ("BUSY", "LEASE_LOST"):
                    raise
            run.pipeline = None  # what the other process stores counts
            continue
        await run.update(stage="waiting", waiting_for=f"{ELSEWHERE} that ingests it: {who}")
        await asyncio.sleep(pause_s)
        pause_s = min(1.5 * pause_s, POLL_S)


async def _is_done(context: Context, run: Run, sha256: str) -> bool:
    """Asked again once another process is done: it may have died with the source half in the
    bin."""
    await restore_known(context, sha256)
    return await is_complete(context, run, sha256) or await limits.is_at_limit(context, run, sha256)


async def _ingest_or_fail(
    context: Context, run: Run, sha256: str, readers: RayReaders | None
) -> None:
    """Raises StoreError; LEASE_LOST also where the file could not be read, perhaps since this
    process slept, and another one is at it. Raises UnreadableError SOURCE_CHANGED where the file is
    no longer what was hashed, and keeps nothing of it."""
    try:
        await _ingest_bytes(context, run, sha256, readers)
    except StoreError:
        raise
    except OmniError as e:
        # A decoder that fails, or dies, may do so since the file is another one by now.
        if e.code != CHANGED and await _asked(is_unchanged, run.file):
            return await fail(context, run, e)
        await finish_first(withdraw(context, run, e))
        if e.code == CHANGED:
            raise
        raise changed(run.file.name) from e


async def _ingest_bytes(
    context: Context, run: Run, sha256: str, readers: RayReaders | None
) -> None:
    if readers is not None:
        info = await look_into(context, run)
        pipeline = await _begin(context, run, sha256, info)
        await run_on_ray(context, run, pipeline, readers)
    else:
        async with decoder_for(context, run) as (cutter, info):
            pipeline = await _begin(context, run, sha256, info)
            await run_here(context, run, pipeline, cutter)
    if not await _asked(is_unchanged, run.file):
        raise changed(run.file.name)
    if await _asked(is_being_written, run.file):
        await suspend(context, run, pipeline, changed(run.file.name, STILL_OPEN))
    else:
        await finish(context, run, pipeline)


async def _asked(question: Callable[[Original], bool], file: Original) -> bool:
    return await file_calls.run(partial(question, file), on=os.path.dirname(file.path))


async def _found(file: Original, max_mb: int) -> Original:
    """The file at the path as it is now. Raises the error for one that cannot be ingested."""
    try:
        file.path.encode()
    except UnicodeEncodeError:
        name = os.fsencode(file.name).decode(errors="replace")
        raise BadRequestError(
            f"the name of {name!r} is not UTF-8, so that it cannot be stored; rename the file"
        ) from None
    try:
        work = partial(look, file.path, links=file.links)
        found = await file_calls.run(work, on=os.path.dirname(file.path))
    except PermissionError as e:
        raise NotFoundError(f"{file.name!r} cannot be read: {e.strerror}") from e
    except OSError as e:
        raise NotFoundError(
            f"no file {file.name!r} there: {e.strerror or type(e).__name__}; check the path"
        ) from e
    if found.size == 0:
        raise UnreadableError(f"{file.name!r} is empty (0 bytes); ingest the complete file")
    if found.size > max_mb << 20:
        raise TooLargeError(
            f"{file.name!r} has {found.size >> 20} MB, the limit is {max_mb} MB; "
            "raise max_file_mb or cut the file"
        )
    return found


def _source(
    file: Original,
    sha256: str,
    info: MediaInfo,
    request: IngestRequest,
    before: SourceRow | None,
) -> Source:
    """The source as it is stored; `before`: as an earlier ingest left it, whose title stays, unless
    that was the file's name, and whose date, where a person gave it."""
    kept = "" if before is None or before.title == title_of(before.uri) else before.title
    own = "" if request.name and info.title == title_of(file.path) else info.title
    dated = before is not None and before.recorded_at_from == "caller"
    recorded_at = request.recorded_at or (before.recorded_at if before and dated else None)
    return Source(
        sha256=sha256,
        uri=file.path,
        title=request.title or kept or own or request.name or Path(file.path).stem,
        modality=info.modality,
        mime=info.mime,
        size=file.size,
        duration_s=info.duration_s,
        pages=info.pages,
        recorded_at=recorded_at or info.recorded_at,
        recorded_at_from="caller" if recorded_at else info.recorded_at_from,
    )


async def _begin(
    context: Context,
    run: Run,
    sha256: str,
    info: MediaInfo,
) -> Pipeline:
    before = await asyncio.to_thread(context.catalog.get, sha256)
    source = replace(_source(run.file, sha256, info, run.request, before), content=run.content)
    index = await context.opened_index()
    held = {run.request.collection, *(() if before is None else before.collections)}
    watched = run.request.watched
    replaced = "" if watched else await replaced_content_warning(context, source, held)
    resume = await asyncio.to_thread(
        context.catalog.begin,
        source,
        collection=run.request.collection,
        mtime_ns=run.file.mtime_ns,
        ctime_ns=run.file.ctime_ns,
        inode=run.file.inode,
        model=context.info.fingerprint,
        pipeline=PIPELINE,
        unless_ready=True,
    )
    await asyncio.to_thread(thumbnails.sweep_up, context.settings.store_path, [source.id])
    collections = await asyncio.to_thread(context.catalog.every_collection_of, source.sha256)
    groups: tuple[StoredGroup, ...] = ()
    saved = b""
    options = limits.options(run.request)
    if resume.get("options", options) == options:
        groups = await asyncio.to_thread(context.catalog.groups_of, source.sha256)
        saved = await asyncio.to_thread(context.catalog.readers_of, source.sha256)
    if resume.get("options", options) != options or not is_sound(resume, groups):
        resume, groups, saved = {}, (), b""

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
