"""Reads sources again that lost segments or their row, where their files are still the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from omni_core.catalog.holding import lost_note
from omni_core.engine.api import EngineApi
from omni_core.engine.checking.findings import Mended
from omni_core.engine.hashing import read_hash
from omni_core.engine.results import IngestRequest, SourceRow
from omni_core.errors import OmniError
from omni_core.text.counting import counted
from omni_core.types import FILE_TIME

Progress = Callable[[int, int, str], Awaitable[None]]
"""Sources done, sources in all, the title of the current one."""


async def read_again(engine: EngineApi, said: Mended, progress: Progress | None = None) -> None:
    """Ingest every source that is marked as damaged from its file; says what could not be.

    Works through a running server too. What was stored of a source stays until it is complete.
    """
    rows = await _marked(engine)
    done = 0
    for at, row in enumerate(rows):
        if progress is not None:
            await progress(at, len(rows), row.title)
        why = await _again(engine, row)
        if why:
            said.left.append(f"{row.title} stays in part: {why}")
        else:
            done += 1
    if done:
        said.done.append(f"read again from the file: {counted(done, 'source')}")


async def _marked(engine: EngineApi) -> list[SourceRow]:
    found: list[SourceRow] = []
    cursor = ""
    while True:
        page = await engine.sources(state="partial", limit=200, cursor=cursor)
        found += [row for row in page.sources if lost_note(row.warnings)]
        cursor = page.next_cursor
        if not cursor:
            return found


async def _again(engine: EngineApi, row: SourceRow) -> str:
    """Why a source could not be read again; "" where it was."""
    path = Path(row.uri)
    if not await asyncio.to_thread(path.is_file):
        return "its file is no longer where it was; ingest it from where it is now"
    try:
        sha256, _ = await read_hash(row.uri)
        if sha256 != row.bytes_sha256:
            return "its file has changed since; ingest it again"
        kept = row.recorded_at if row.recorded_at_from not in ("", FILE_TIME) else None
        given = kept if row.recorded_at_from == "caller" else None
        collection = row.collections[0] if row.collections else "default"
        status = await engine.ingest(
            IngestRequest(
                row.uri, collection=collection, recorded_at=given, apart=bool(row.content)
            )
        )
    except OmniError as e:
        return str(e)
    return "" if status.state == "ready" else str(status.failure or status.state)
