"""Sources that need something: their file is gone, or an older version has read it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import partial

from omni_core import file_calls
from omni_core.catalog.query import MISSING, OUTDATED
from omni_core.engine.api import EngineApi
from omni_core.engine.results import FileNews, SourceRow
from omni_core.errors import UnavailableError
from omni_core.watch.folders import Watched

PAGE = 100


async def missing(engine: EngineApi, collection: str = "") -> list[SourceRow]:
    """The sources that are marked as missing and whose file is still not there."""
    found = await _all(engine, MISSING, collection)
    return [row for row in found if await _is_gone(row.uri)]


async def _is_gone(path: str) -> bool:
    """Whether nothing is there; False where its drive does not answer."""
    try:
        there = await file_calls.run(partial(os.path.lexists, path), on=os.path.dirname(path))
    except UnavailableError:
        return False
    return not there


async def outdated(engine: EngineApi) -> list[SourceRow]:
    """The complete sources that an older version read: ingesting them again reads more of them."""
    return await _all(engine, OUTDATED)


async def _all(engine: EngineApi, state: str, collection: str = "") -> list[SourceRow]:
    found: list[SourceRow] = []
    cursor = ""
    while True:
        page = await engine.sources(state=state, collection=collection, limit=PAGE, cursor=cursor)
        found += page.sources
        cursor = page.next_cursor
        if not cursor:
            return found


async def forget_missing(engine: EngineApi, watched: Watched, days: int) -> list[SourceRow]:
    """Forget what has been gone from a folder for more than so many days; returns it."""
    gone = await missing(engine)
    now = (await engine.note_files(FileNews())).at if gone else 0.0
    before = datetime.fromtimestamp(now, UTC) - timedelta(days=days)
    old = [
        row
        for row in gone
        if watched.holds(row.uri) and row.missing_since is not None and row.missing_since < before
    ]
    return [
        await engine.forget(row.id)
        for row in old
        if await _is_gone(row.uri)  # still: each takes a while
    ]
