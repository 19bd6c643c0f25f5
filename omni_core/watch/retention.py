"""Sources whose file is gone: list them, forget them."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta

from omni_core.catalog.query import MISSING
from omni_core.engine.api import EngineApi
from omni_core.engine.results import SourceRow
from omni_core.watch.folders import Watched

PAGE = 100


async def missing(engine: EngineApi, collection: str = "") -> list[SourceRow]:
    """The sources that are marked as missing and whose file is still not there."""
    found: list[SourceRow] = []
    cursor = ""
    while True:
        page = await engine.sources(state=MISSING, collection=collection, limit=PAGE, cursor=cursor)
        found += page.sources
        cursor = page.next_cursor
        if not cursor:
            break
    gone = [not await asyncio.to_thread(os.path.lexists, row.uri) for row in found]
    return [row for row, is_gone in zip(found, gone, strict=True) if is_gone]


async def forget_missing(engine: EngineApi, watched: Watched, days: int) -> list[SourceRow]:
    """Forget what has been gone from a folder for more than so many days; returns it."""
    before = datetime.now(UTC) - timedelta(days=days)
    old = [
        row
        for row in await missing(engine)
        if watched.holds(row.uri) and row.missing_since is not None and row.missing_since < before
    ]
    return [await engine.forget(row.id) for row in old]
