"""An engine in a process of its own that ingests a folder and says what it does, to be killed.

    python -m bench.hostile.kill_host FOLDER [FAULT]      (settings: OMNI_* of the environment)

Says one JSON object a line: what a library holds when it is opened (`rows`), its children (`pids`),
each file that ended (`done`), the rows that are left `processing` (`stuck`), `end`. FAULT makes
writes fail: `index:3`, `catalog:12`, `thumbs:2` the n-th write and every one after it, `size:400`
any file beyond so many kB (as a full disk does).
"""

from __future__ import annotations

import asyncio
import errno
import json
import resource
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from omni_core import Engine, SearchRequest, files
from omni_core.catalog import sqlite
from omni_core.engine.results import FolderStatus
from omni_core.errors import OmniError, StoreError
from omni_core.evidence import thumbnails
from omni_core.payload import source_filter
from omni_core.settings import load

BEGAN = time.monotonic()


def say(**facts: Any) -> None:
    """One line of what happens."""
    print(json.dumps(facts), flush=True)


async def main(folder: str, fault: str) -> None:
    """Open, tell, ingest to the end."""
    settings = load()
    if fault.startswith("size:"):
        most = int(fault[5:]) << 10
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        engine = await Engine.open(settings)
    except (OmniError, OSError) as e:
        return say(refused=type(e).__name__)
    try:
        await _told(engine)
        _break(engine, fault)
        telling = asyncio.create_task(_tell_pids(engine))
        try:
            await _ingest(engine, folder)
        finally:
            telling.cancel()
        if fault:
            await _tell_stuck(engine)
    finally:
        await engine.close()
    say(end=True)


async def _told(engine: Engine) -> None:
    index = await engine._context.opened_index()  # compared with the catalog by then
    page = await engine.sources(limit=100)
    answered = time.monotonic() - BEGAN
    if page.sources:
        try:
            await engine.search(SearchRequest(query="word7 word8"))
        except OmniError as e:
            say(unanswered=f"{e.code}: {e}")
    searched = time.monotonic() - BEGAN
    rows = {}
    for row in page.sources:
        points = await index.count(source_filter(row.id))
        rows[row.uri] = [row.state, row.segments, points]
    say(rows=rows, answered=answered, searched=searched)


async def _tell_pids(engine: Engine) -> None:
    known: dict[str, list[int]] = {}
    while True:
        index: Any = await engine._context.opened_index()
        worker = getattr(index, "_worker", None)
        pids = {
            "index": [p for p in [worker and worker.pid] if p],
            "models": [p for p in [engine._context.models.pid] if p],
            "decoder": engine._context.decoders.pids,
        }
        if pids != known:
            known = pids
            say(pids=pids)
        await asyncio.sleep(0.05)


async def _ingest(engine: Engine, folder: str) -> None:
    told = 0

    async def progress(status: FolderStatus) -> None:
        nonlocal told
        for file in status.done[told:]:
            say(done=file.path, state=file.state, code=file.error_code, error=file.error)
        told = len(status.done)

    try:
        paths = await asyncio.to_thread(_files, Path(folder))
        await progress(await engine.ingest_folder(paths, progress=progress))
    except StoreError as e:
        say(stopped=str(e))


def _files(folder: Path) -> list[str]:
    return sorted(str(p) for p in folder.rglob("*") if p.suffix != ".srt" and p.is_file())


async def _tell_stuck(engine: Engine) -> None:
    """The rows that an answer shows as under way, though nothing is."""
    page = await engine.sources(state="", limit=100)
    say(stuck=[r.uri for r in page.sources if r.state in ("queued", "processing")])


def _break(engine: Engine, fault: str) -> None:
    kind, _, number = fault.partition(":")
    left = int(number or 0)

    def due() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    if kind == "catalog":
        whole = sqlite.SqliteCatalog._writing

        def writing(self: sqlite.SqliteCatalog) -> Any:
            if due():
                with sqlite._as_store_errors():
                    raise sqlite3.OperationalError("database or disk is full")
            return whole(self)

        sqlite.SqliteCatalog._writing = writing  # type: ignore[method-assign]
    elif kind == "thumbs":
        write = files.write_atomically

        def save(*args: Any, **options: Any) -> None:
            if due():
                raise OSError(errno.ENOSPC, "No space left on device")
            write(*args, **options)

        setattr(thumbnails, "write_atomically", save)  # noqa: B010 - it exports none
    elif kind == "index":
        opening = engine._context.index
        asyncio.ensure_future(_break_index(opening, due))  # noqa: RUF006 - ends at once


async def _break_index(opening: Any, due: Any) -> None:
    index = await opening.opened()
    upsert = index.upsert

    async def refusing(points: Any) -> None:
        if due():
            raise StoreError("the disk of the index has 0 MB free and needs 128")
        await upsert(points)

    index.upsert = refusing


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""))
