"""Exports a library: every source with its segments and vectors, in batches, into a new file."""

from __future__ import annotations

import asyncio
import importlib
import os
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from omni_core.catalog import Catalog
from omni_core.collection_names import collection_filter
from omni_core.engine.results import SourceRow, VectorsStatus
from omni_core.engine.search.scope import unknown_collection
from omni_core.engine.source_points import points_of_source
from omni_core.engine.vectors import sources
from omni_core.errors import BadRequestError
from omni_core.protocols import Index
from omni_core.tasks import finish_first
from omni_core.types import EncoderInfo

PAGE = 250

Progress = Callable[[VectorsStatus], Awaitable[None]]


async def export_vectors(
    catalog: Catalog,
    index: Index,
    info: EncoderInfo,
    path: Path,
    *,
    collection: str = "",
    progress: Progress | None = None,
) -> VectorsStatus:
    """Write all sources, or those of a collection; the file appears when it is complete.

    Raises BadRequestError when it exists or cannot be written, UnavailableError without pyarrow.
    """
    parquet = await asyncio.to_thread(_parquet)
    if await asyncio.to_thread(path.exists):
        raise BadRequestError(f"{path} exists; remove it, or name another file")
    rows = await asyncio.to_thread(_rows, catalog, collection_filter(collection))
    facts = {
        "fingerprint": info.fingerprint,
        "model": info.name,
        "dim": info.dim,
        "multi_vector": info.multi_vector,
        "sources": len(rows),
    }
    status = VectorsStatus(str(path), sources_total=len(rows))
    new = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        writer = await asyncio.to_thread(parquet.Writer, new, facts)
        try:
            for row in rows:
                status = replace(status, current=row.title)
                if progress is not None:
                    await progress(status)
                source = await asyncio.to_thread(_source, catalog, row)
                count = await _write(writer, index, info, row.id, source)
                status = replace(
                    status,
                    sources_done=status.sources_done + 1,
                    segments=status.segments + count,
                )
        finally:
            await finish_first(asyncio.to_thread(writer.close))
        await asyncio.to_thread(os.replace, new, path)
    except OSError as e:
        raise BadRequestError(f"cannot write {path}: {e.strerror or e}") from e
    finally:
        await finish_first(asyncio.to_thread(new.unlink, missing_ok=True))
    return replace(status, current="")


def _parquet() -> Any:
    return importlib.import_module("omni_core.engine.vectors.parquet")


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


async def _write(writer: Any, index: Index, info: EncoderInfo, source_id: str, source: str) -> int:
    count = 0
    async for points in points_of_source(index, info, source_id):
        await asyncio.to_thread(writer.write, source, points)
        count += len(points)
    if not count:
        await asyncio.to_thread(writer.write, source, ())
    return count
