"""What was begun and broken off goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from omni_core import file_calls
from omni_core.engine.context import Context
from omni_core.engine.ingest import begun
from omni_core.engine.ingest.begun import FolderRequest, Record
from omni_core.engine.ingest.folders import Folders
from omni_core.engine.ingest.jobs import Jobs
from omni_core.engine.results import IngestRequest
from omni_core.errors import UnavailableError

log = logging.getLogger(__name__)

T = TypeVar("T")


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
            paths = await _answered(partial(_allowed, request.paths, allowed))
            if paths is None:
                continue
            if paths and tuple(paths) != request.paths:
                await asyncio.to_thread(context.catalog.end_begun, key)
            if paths:
                await folders.ingest(
                    paths, collection=request.collection, fast=request.fast, links=request.links,
                    apart=request.apart, wait_s=0, progress=None,
                )  # fmt: skip
                going += paths
            continue
        if not await _answered(partial(begun.lies_under, request.path, allowed)):
            continue  # another process on this store may read it
        why = await _answered(partial(_problem, request, values))
        if why is None:
            continue
        if why:
            log.warning("%s is not ingested further: %s", request.path, why)
            await asyncio.to_thread(_give_up, context, key, request, why)
        else:
            await jobs.ingest(request, wait_s=0, progress=None)
            going.append(request.path)
    return tuple(going)


async def _answered(work: Callable[[], T]) -> T | None:
    """What the file system says; None where a drive does not answer: what is on it stays on record
    and goes on at the next start."""
    try:
        return await file_calls.run_long(work)
    except UnavailableError as e:
        log.warning("an ingest that was begun does not go on yet: %s", e)
        return None


def _allowed(paths: Sequence[str], folders: Sequence[Path]) -> list[str]:
    found = []
    for path in paths:
        file_calls.go_on()
        if begun.lies_under(path, folders):
            found.append(path)
    return found


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
