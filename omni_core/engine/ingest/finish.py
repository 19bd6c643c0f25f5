"""The end of one file's ingest: ready, partial, or failed. The catalog is written last."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from omni_core.catalog.holding import lost_note
from omni_core.engine.context import Context
from omni_core.engine.describe import empty_note
from omni_core.engine.ingest import limits
from omni_core.engine.ingest.pipeline import Pipeline
from omni_core.engine.ingest.run import Run
from omni_core.engine.speakers.finding import settle
from omni_core.errors import OmniError
from omni_core.evidence import thumbnails
from omni_core.payload import source_filter
from omni_core.query import Ids
from omni_core.types import SourceRow

log = logging.getLogger(__name__)


async def finish(context: Context, run: Run, pipeline: Pipeline) -> None:
    """Mark the source ready, once everything is in the index; partial, where a limit of the
    settings has ended its decoding."""
    source, duration = pipeline.source, pipeline.duration_s
    held = await _delete_leftovers(context, pipeline)
    row = await asyncio.to_thread(context.catalog.get, source.sha256)
    await settle(context, row, pipeline.commit.voices, pipeline.observed.subtitles)
    if pipeline.observed.limit is not None:
        await limits.note(context, run, pipeline)
        await suspend(context, run, pipeline, limits.error(pipeline.observed.limit))
        return
    await asyncio.to_thread(
        context.catalog.finish,
        source.sha256,
        state="ready",
        segments=len(pipeline.stored),
        duration_s=duration,
        warnings=pipeline.warnings,
        timings=pipeline.spent,
        empty=pipeline.empty,
    )
    state, warnings = "ready", pipeline.warnings
    if held < len(pipeline.stored) and (lost := await _lost(context, source.sha256, held)):
        state, warnings = lost.state, lost.warnings
    await run.update(
        state=state,
        stage="done",
        progress=1.0,
        segments=held,
        duration_s=duration,
        warnings=(*empty_note(pipeline.empty), *warnings),
        empty=pipeline.empty,
    )


async def _lost(context: Context, sha256: str, held: int) -> SourceRow | None:
    """Make a source partial of which the index holds fewer points than it was given, as after a
    death of its process; returns its row. Ingesting the file again completes it."""
    row = await asyncio.to_thread(context.catalog.get, sha256)
    if row is None:
        return None
    log.error("the index holds %d of the %d segments of %s", held, row.segments, row.id)
    await asyncio.to_thread(context.catalog.mark_lost, {row.id: held})
    return await asyncio.to_thread(context.catalog.get, sha256)


async def _delete_leftovers(context: Context, pipeline: Pipeline) -> int:
    """Delete what an earlier ingest stored of the source and this one did not, also one whose
    catalog row was lost; returns how many points there are then. Raises StoreError LEASE_LOST, and
    deletes nothing of the process that has taken the source over."""
    index = await context.opened_index()
    wanted = source_filter(pipeline.source.id)
    if await index.count(wanted) == len(pipeline.stored):
        return len(pipeline.stored)
    await asyncio.to_thread(context.catalog.progress, pipeline.source.sha256, stage="ending")
    kept = (Ids(tuple(pipeline.stored)),) if pipeline.stored else ()
    await index.delete(replace(wanted, must_not=kept))
    return await index.count(wanted)


async def fail(context: Context, run: Run, error: OmniError) -> None:
    """End with an error. If segments are stored, the source becomes partial; otherwise it is as it
    was before, or removed from the catalog where nothing of it was stored."""
    pipeline = run.pipeline
    if pipeline is not None and pipeline.stored:
        await suspend(context, run, pipeline, error)
        return
    before = None if pipeline is None else pipeline.before
    kept = before is not None and (before.state == "ready" or before.segments)
    if before is not None and (kept or lost_note(before.warnings)):
        await asyncio.to_thread(context.catalog.put_back, before)
    elif pipeline is not None:
        await _delete_leftovers(context, pipeline)
        await asyncio.to_thread(context.catalog.remove, pipeline.source.sha256)
    await run.update(state="failed", stage="done", failure=error)


async def withdraw(context: Context, run: Run, error: OmniError) -> None:
    """End an attempt whose file was changed meanwhile. What it alone has stored is taken away; what
    an earlier ingest stored stays as it is after a failure."""
    pipeline = run.pipeline
    if pipeline is None:
        return
    source = pipeline.source
    if pipeline.before is None:
        pipeline.stored.clear()
        await _delete_leftovers(context, pipeline)
        await asyncio.to_thread(context.catalog.remove, source.sha256)
        if not await asyncio.to_thread(context.catalog.bin_step, source.sha256):
            await asyncio.to_thread(thumbnails.remove, context.settings.store_path, source.id)
    else:
        await fail(context, run, error)
    run.pipeline = None
    await context.changes.notify(source.id)


async def suspend(context: Context, run: Run, pipeline: Pipeline, why: OmniError) -> None:
    """Mark the source partial; the next ingest resumes at its last checkpoint."""
    warnings = (*pipeline.warnings, f"{why.code}: {why}")
    await asyncio.to_thread(
        context.catalog.finish,
        pipeline.source.sha256,
        state="partial",
        segments=len(pipeline.stored),
        warnings=warnings,
        timings=pipeline.spent,
    )
    run.status = replace(
        run.status,
        state="partial",
        stage="done",
        segments=len(pipeline.stored),
        failure=why,
        warnings=warnings,
    )
