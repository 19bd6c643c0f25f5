"""What is being ingested now: to list it, and to stop it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from omni_core.engine.context import Context
from omni_core.engine.ingest.folders import Folders
from omni_core.engine.ingest.jobs import Jobs
from omni_core.engine.results import FolderStatus, IngestStatus, SourcePage, SourceRow
from omni_core.files import Chosen

Stopped = tuple[IngestStatus | FolderStatus, ...]


def ingests(
    jobs: Jobs, folders: Folders, match: str, collection: str
) -> tuple[IngestStatus | FolderStatus, ...]:
    """Every set of files, and every file that is not a current one of a set, in the order in
    which they were begun; only those of a collection, and with `match` in a path, where given."""
    word = match.casefold()
    sets = [
        (request, status)
        for request, status in folders.live
        if collection in ("", request.collection)
        and any(word in p.casefold() for p in request.paths)
    ]
    current = {file.path for _, s in folders.live for file in s.now}
    files = [
        status
        for request, status in jobs.live
        if collection in ("", request.collection)
        and word in request.path.casefold()
        and status.path not in current
    ]
    return (*(status for _, status in sets), *files)


def with_live_numbers(
    context: Context, page: SourcePage, jobs: Jobs, live: tuple[IngestStatus | FolderStatus, ...]
) -> SourcePage:
    """The page with the numbers that `ingest` reports; the catalog has those of the last
    checkpoint. A source that the store would not take further is partial."""
    now = {s.source_id: s for _, s in jobs.live if s.source_id and s.state == "processing"}
    rows = tuple(
        _live(row, now[row.id]) if row.id in now else _settled(context, row) for row in page.sources
    )
    return replace(page, sources=rows, ingests=live)


def _settled(context: Context, row: SourceRow) -> SourceRow:
    why = context.unsettled.get(row.sha256)
    if why is None or row.state != "processing":
        return row
    return replace(row, state="partial", warnings=(*row.warnings, f"{why.code}: {why}"))


def _live(row: SourceRow, status: IngestStatus) -> SourceRow:
    if row.state != "processing":
        return row
    return replace(row, segments=status.segments, progress=status.progress)


async def stop(
    context: Context,
    jobs: Jobs,
    folders: Folders,
    paths: Sequence[str] | None,
    unless_awaited: bool,
    collections: Collection[str] | None = None,
) -> Stopped:
    """Cancel what this process ingests, of these collections alone where given, and wait; see
    `Engine.stop`."""
    wanted = Chosen(paths)
    sets = await folders.stop(wanted, unless_awaited=unless_awaited, collections=collections)
    files = await jobs.stop_paths(wanted, unless_awaited=unless_awaited, collections=collections)
    return (*sets, *[await _ended(context, status) for status in files])


def with_links_resolved(paths: Sequence[str]) -> list[str]:
    """The paths, and what they are with links resolved, each once."""
    return list(dict.fromkeys([*paths, *(str(Path(path).resolve()) for path in paths)]))


async def _ended(context: Context, status: IngestStatus) -> IngestStatus:
    """The status of a stopped job: partial, or what it had come to meanwhile."""
    row = await asyncio.to_thread(context.catalog.get, status.source_id)
    if row is None:
        return replace(status, state="partial", stage="done", segments=0, progress=0.0)
    return replace(
        status, state=row.state, stage="done", segments=row.segments, progress=row.progress
    )
