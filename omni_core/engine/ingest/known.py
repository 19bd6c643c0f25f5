"""Files whose bytes or path are in the library already."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from functools import partial

from omni_core import file_calls
from omni_core.catalog.schema import aware
from omni_core.engine.context import Context
from omni_core.engine.describe import empty_note
from omni_core.engine.ingest.run import Run
from omni_core.engine.results import Change, IngestRequest
from omni_core.errors import StoreError, UnavailableError
from omni_core.ids import PIPELINE
from omni_core.payload import changes, source_filter
from omni_core.tasks import finish_first
from omni_core.text.titles import title_of
from omni_core.types import Source, SourceRow


async def is_complete(context: Context, run: Run, sha256: str) -> bool:
    """Whether the same bytes are ingested completely. If so, record the path, the collection, and
    a title or date of the request, and report the source as ready, with what this changed."""
    row = await asyncio.to_thread(context.catalog.get, sha256)
    if row is None or row.state != "ready" or row.pipeline != PIPELINE:
        return False
    catalog, request, path = context.catalog, run.request, run.file.path
    seen_at = row.uri
    await asyncio.to_thread(catalog.add_path, sha256, path, **run.file.state)
    moved = seen_at != path and await _is_gone(seen_at)
    if moved:
        row = await follow(context, row, seen_at, path)
    elif row.missing_since is not None:  # it is back
        await context.changes.notify(row.id)
    changed: list[Change] = []
    if request.title and request.title != row.title:
        changed.append("title")
    if request.recorded_at is not None and (
        aware(request.recorded_at) != row.recorded_at or row.recorded_at_from != "caller"
    ):
        changed.append("recorded_at")
    if changed:
        row = await _amended(context, row, request)
    if request.collection not in row.collections:
        index = await context.opened_index()
        names = changes(collections=[*row.collections, request.collection])
        await index.set_payload(source_filter(row.id), names)
        try:
            await asyncio.to_thread(catalog.add_collection, sha256, request.collection)
        except StoreError:
            before = changes(collections=row.collections)
            await finish_first(index.set_payload(source_filter(row.id), before))
            raise
        changed.append("collection")
    if changed:
        await context.changes.notify(row.id)
    await run.update(
        state="ready",
        stage="done",
        progress=1.0,
        already=True,
        changed=tuple(changed),
        source_id=row.id,
        title=row.title,
        modality=row.modality,
        segments=row.segments,
        duration_s=row.duration_s,
        pages=row.pages,
        recorded_at=row.recorded_at,
        recorded_at_from=row.recorded_at_from,
        warnings=(*empty_note(row.empty), *row.warnings),
        empty=row.empty,
        duplicate_of="" if moved or seen_at == path else seen_at,
        moved_from=seen_at if moved else "",
    )
    return True


async def _is_gone(path: str) -> bool:
    """Whether nothing is there; False where its drive does not answer."""
    try:
        return not await file_calls.run(partial(os.path.exists, path), on=os.path.dirname(path))
    except UnavailableError:
        return False


async def follow(context: Context, row: SourceRow, old: str, new: str) -> SourceRow:
    """Record that the file of a source is now at `new`; a title that was its name follows."""
    await asyncio.to_thread(context.catalog.move, row.sha256, old, new)
    if row.title == title_of(old) != title_of(new):
        index = await context.opened_index()
        await index.set_payload(source_filter(row.id), changes(title=title_of(new)))
        await asyncio.to_thread(context.catalog.amend, row.sha256, title_of(new))
    await context.changes.notify(row.id)
    return await asyncio.to_thread(context.catalog.get, row.sha256) or row


async def _amended(context: Context, row: SourceRow, request: IngestRequest) -> SourceRow:
    """Apply the title and date of the request to a complete source; returns the new row."""
    title, at = request.title or row.title, request.recorded_at or row.recorded_at
    index = await context.opened_index()
    await index.set_payload(source_filter(row.id), changes(title=title, recorded_at=at))
    await asyncio.to_thread(context.catalog.amend, row.sha256, title, request.recorded_at)
    return await asyncio.to_thread(context.catalog.get, row.sha256) or row


async def replaced_content_warning(
    context: Context, source: Source, collections: Collection[str]
) -> str:
    """A warning when other bytes were ingested from this path and are still in all of the
    `collections` of the source. It stays with the source, and who sees one of these is not to
    learn of what is in another."""
    row = await asyncio.to_thread(context.catalog.source_at, source.uri)
    if row is None or row.sha256 == source.sha256 or row.uri != source.uri:
        return ""
    if not set(collections) <= set(row.collections):
        return ""
    return (
        f"this file held other content before, still searchable as {row.id}; forget "
        "that source if it no longer counts"
    )
