"""Files on disk and their sources: which are known, and what became of them."""

from __future__ import annotations

import asyncio

from omni_core.catalog.watched import FileRow
from omni_core.engine.context import Context
from omni_core.engine.ingest.known import follow
from omni_core.engine.library import forget_source
from omni_core.engine.results import FileNews, FilePage, FilesNoted, KnownFile, SourceRow
from omni_core.errors import NotFoundError
from omni_core.ids import PIPELINE
from omni_core.payload import changes, source_filter


async def known_files(
    context: Context, folder: str, collection: str, after: str, limit: int
) -> FilePage:
    """The files under `folder` (an absolute path) that were ingested or passed over, by path."""

    def work() -> FilePage:
        rows = context.catalog.files(folder, collection, after, limit)
        files = tuple(_known(row) for row in rows)
        return FilePage(files, files[-1].path if len(files) == limit else "")

    return await asyncio.to_thread(work)


def _known(row: FileRow) -> KnownFile:
    current = row.pipeline == PIPELINE
    done = current and row.state == "ready" and row.in_collection and not row.gone
    left = row.code == "FORGOTTEN" or (current and bool(row.code))
    return KnownFile(
        row.path, row.size, row.mtime_ns, complete=left or done,
        source_id=row.source, gone=row.gone, passed_over=row.code,
    )  # fmt: skip


async def note_files(context: Context, news: FileNews) -> FilesNoted:
    """Record what became of files. Nothing is forgotten but what a path held before.

    A source whose file is gone stays searchable and says so; one that has a copy elsewhere is at
    that path from now on.
    """
    catalog = context.catalog
    if news.passed_over:
        rows = [(p.path, p.size, p.mtime_ns, p.code, p.error) for p in news.passed_over]
        await asyncio.to_thread(catalog.pass_over, rows)
    lost: list[str] = []
    if news.gone:
        lost, moved = await asyncio.to_thread(catalog.gone, news.gone)
        for source_id in lost:
            await context.changes.notify(source_id)
        for move in moved:
            row = await asyncio.to_thread(catalog.get, move.source)
            if row is not None:
                await follow(context, row, move.old, move.new)
    replaced: list[SourceRow] = []
    for path in news.ingested:
        for row in await asyncio.to_thread(catalog.replaced, path):

            async def is_replaced(now: SourceRow, path: str = path) -> bool:
                still = await asyncio.to_thread(catalog.replaced, path)
                return now.id in (r.id for r in still)

            await _keep_collections(context, path, row)
            try:
                replaced.append(await forget_source(context, row.id, only_if=is_replaced))
            except NotFoundError:  # forgotten meanwhile, or ingested again from elsewhere
                continue
    now = await asyncio.to_thread(catalog.now)
    return FilesNoted(tuple(lost), tuple(replaced), now)


async def _keep_collections(context: Context, path: str, old: SourceRow) -> None:
    """Put what is at `path` now into the collections of what was there before."""
    row = await asyncio.to_thread(context.catalog.source_at, path)
    if row is None:
        return
    names = set(old.collections) - set(row.collections)
    missing = sorted(names - await asyncio.to_thread(context.catalog.taken, row.sha256, "", names))
    if not missing:
        return
    index = await context.opened_index()
    changed = changes(collections=[*row.collections, *missing])
    await index.set_payload(source_filter(row.id), changed)
    for name in missing:
        await asyncio.to_thread(context.catalog.add_collection, row.sha256, name)
