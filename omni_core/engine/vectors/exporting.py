"""Exports a library: every source with its segments and vectors, in batches, into a new folder, or
into a file where its name ends in `.parquet`."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from omni_core.catalog import Catalog
from omni_core.collection_names import collection_filter
from omni_core.engine.outages import Patience, ask_store
from omni_core.engine.results import SourceRow, VectorsStatus
from omni_core.engine.search.scope import unknown_collection
from omni_core.engine.source_points import points_of_source
from omni_core.engine.vectors import sources
from omni_core.errors import BadRequestError
from omni_core.evidence.thumbnails import Thumbnail, of_source
from omni_core.files import put_in_place
from omni_core.points import Point
from omni_core.protocols import Index
from omni_core.tasks import in_thread
from omni_core.types import EncoderInfo
from omni_core.unfinished import Unfinished, sweep

SUFFIX = ".parquet"
"""What a name ends in that means one file."""
PAGE = 250

Progress = Callable[[VectorsStatus], Awaitable[None]]


async def export_vectors(
    catalog: Catalog,
    index: Index,
    info: EncoderInfo,
    path: Path,
    *,
    collection: str = "",
    thumbs: Path | None = None,
    progress: Progress | None = None,
) -> VectorsStatus:
    """Write all sources, or those of a collection; folder or file appear when they are complete.
    `thumbs`: the store whose small images are written too, into a folder only.

    Raises BadRequestError when `path` exists or cannot be written, UnavailableError without
    pyarrow.
    """
    one_file = path.suffix.lower() == SUFFIX
    if one_file and thumbs is not None:
        raise BadRequestError(f"small images go into a folder: name one without {SUFFIX}")
    kind = await asyncio.to_thread(_writer, one_file)
    if await asyncio.to_thread(os.path.lexists, path):
        raise BadRequestError(f"{path} exists; remove it, or name another one")
    patience = Patience("the export", partial(ask_store, catalog, index))
    rows = await asyncio.to_thread(_rows, catalog, collection_filter(collection))
    facts = {
        "fingerprint": info.fingerprint,
        "model": info.name,
        "dim": info.dim,
        "multi_vector": info.multi_vector,
    }
    if one_file:
        facts["sources"] = len(rows)
    elif collection:
        facts["collection"] = collection_filter(collection)
    status = VectorsStatus(str(path), sources_total=len(rows))
    unfinished = Unfinished(path, folder=not one_file)
    try:
        await in_thread(sweep, path.parent, path.name)
        new = await in_thread(unfinished.make)
        writer = await in_thread(kind, new, facts)
        try:
            for row in rows:
                status = replace(status, current=row.title)
                if progress is not None:
                    await progress(status)
                source = await patience.with_(partial(asyncio.to_thread, _source, catalog, row))
                points = points_of_source(index, info, row.id, patience)
                count = await _write(writer, points, source)
                small = 0
                if not one_file:
                    images = await asyncio.to_thread(_images, thumbs, row.id)
                    small = len(images)
                    await in_thread(writer.end_source, row.id, source, count, images)
                status = replace(
                    status,
                    sources_done=status.sources_done + 1,
                    segments=status.segments + count,
                    thumbnails=status.thumbnails + small,
                )
        finally:
            await in_thread(writer.close)
        if not one_file:
            await in_thread(writer.complete)
        await in_thread(put_in_place, new, path)
    except OSError as e:
        raise BadRequestError(f"cannot write {path}: {e.strerror or e}") from e
    finally:
        await in_thread(unfinished.remove)
    return replace(status, current="")


def _writer(one_file: bool) -> Any:
    name = "parquet" if one_file else "folder"
    module = importlib.import_module(f"omni_core.engine.vectors.{name}")
    return module.Writer if one_file else module.FolderWriter


def _images(store: Path | None, source_id: str) -> list[Thumbnail]:
    return [] if store is None else list(of_source(store, source_id))


def _rows(catalog: Catalog, collection: str) -> list[SourceRow]:
    counts = catalog.collections()
    if collection and collection not in counts:
        raise unknown_collection(collection, counts)
    found: list[SourceRow] = []
    after = None
    while True:
        page, _, after = catalog.list(collection=collection, limit=PAGE, after=after)
        found += [row for row in page if row.state in sources.STATES]
        if after is None:
            return found


def _source(catalog: Catalog, row: SourceRow) -> str:
    speakers = catalog.speakers([row.id]).get(row.id, [])
    return sources.to_json(row, sources.Spoken.of(catalog.turns(row.id), speakers))


async def _write(writer: Any, batches: AsyncIterator[list[Point]], source: str) -> int:
    count = 0
    async for points in batches:
        await in_thread(writer.write, source, points)
        count += len(points)
    if not count:
        await in_thread(writer.write, source, ())
    return count
