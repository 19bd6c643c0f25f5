"""What was begun and broken off goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omni_core.engine.context import Context
from omni_core.engine.ingest import begun
from omni_core.engine.ingest.begun import FolderRequest, Record
from omni_core.engine.ingest.folders import Folders
from omni_core.engine.ingest.jobs import Jobs
from omni_core.engine.results import IngestRequest

log = logging.getLogger(__name__)


async def resume(
    context: Context, record: Record, jobs: Jobs, folders: Folders, roots: Sequence[str]
) -> tuple[str, ...]:
    """Start in the background what is on record and may be read; returns the paths. See
    `Engine.resume`."""
    held = await asyncio.to_thread(context.catalog.begun)
    allowed = [
        await asyncio.to_thread(context.settings.store_path.resolve),
        *(Path(root) for root in roots),
    ]
    going: list[str] = []
    for key, values in held.items():
        if record.holds(key):  # it is under way: this engine was asked before
            continue
        try:
            request = begun.request_of(values)
        except (KeyError, TypeError, ValueError):
            log.warning("what was begun as %s cannot be read any more: ingest it again", key[:12])
            await asyncio.to_thread(context.catalog.end_begun, key)
            continue
        if isinstance(request, FolderRequest):
            paths = await asyncio.to_thread(_allowed, request.paths, allowed)
            if paths and tuple(paths) != request.paths:
                await asyncio.to_thread(context.catalog.end_begun, key)
            if paths:
                await folders.ingest(
                    paths, collection=request.collection, fast=request.fast, links=request.links,
                    apart=request.apart, wait_s=0, progress=None,
                )  # fmt: skip
                going += paths
            continue
        if not await asyncio.to_thread(begun.lies_under, request.path, allowed):
            continue  # another process on this store may read it
        why = await asyncio.to_thread(_problem, request, values)
        if why:
            log.warning("%s is not ingested further: %s", request.path, why)
            await asyncio.to_thread(_give_up, context, key, request, why)
        else:
            await jobs.ingest(request, wait_s=0, progress=None)
            going.append(request.path)
    return tuple(going)


def _allowed(paths: Sequence[str], folders: Sequence[Path]) -> list[str]:
    return [path for path in paths if begun.lies_under(path, folders)]


def _problem(request: IngestRequest, values: Mapping[str, Any]) -> str:
    seen = begun.seen(Path(request.path))
    if seen is None:
        return "the file is gone"
    if seen != values.get("seen"):
        return "the file has changed since; ingest it again"
    return ""


def _give_up(context: Context, key: str, request: IngestRequest, why: str) -> None:
    context.catalog.end_begun(key)
    row = context.catalog.source_at(request.path)
    if row is not None and row.uri == request.path and row.state == "partial":
        line = f"its ingest was broken off and could not go on: {why}"
        context.catalog.progress(row.sha256, warnings=[*row.warnings, line])
