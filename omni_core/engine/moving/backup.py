"""Backups of a store with the embedded index, made while it is in use.

A backup is a folder:

    backup.json      format, model, counts, and of every file its size and sha256
    catalog.sqlite   as of one moment
    index/...        the index version in use, as of that moment or a little later
    thumbs/... and whatever else of the store cannot be made again

It appears under its name when it is complete. Calls wait while the catalog and the index are
copied, and go on while the rest is. Caches, downloads that can be fetched again and locks stay out.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from omni_core.catalog import Catalog, SqliteCatalog
from omni_core.catalog.checking import RESTORING
from omni_core.engine.context import Context
from omni_core.engine.results import BackupStatus
from omni_core.errors import BadRequestError, StoreError
from omni_core.files import (
    copy_sparse,
    put_in_place,
    sha256_of,
    used_bytes,
    write_atomically,
)
from omni_core.protocols import Index
from omni_core.read_only import LINKED
from omni_core.tasks import finish_first, in_thread
from omni_core.unfinished import Unfinished, sweep

FORMAT = 1
MANIFEST = "backup.json"
CATALOG = "catalog.sqlite"
LEFT_OUT = frozenset(
    {
        "cache", "lock", "shared", "downloads", "index", "weights", "clips", "tenants", "tasks",
        RESTORING,
    }
)  # fmt: skip
"""Entries of a store that are not copied as they are: made again when needed, copied otherwise
(index), running (lock, shared, tasks, restoring), or stores of their own (tenants)."""

T = TypeVar("T")
Progress = Callable[[BackupStatus], Awaitable[None]]


async def back_up(
    context: Context, path: Path, *, progress: Progress | None = None
) -> BackupStatus:
    """Copy the library into a new folder.

    Raises BadRequestError when it exists or lies in the store, or when the library is not in the
    store alone (a Qdrant server has snapshots of its own); StoreError when it cannot be written.
    """
    if await asyncio.to_thread(os.path.lexists, path):
        raise BadRequestError(f"{path} exists; name a new folder for the backup")
    store = context.settings.store_path
    if await asyncio.to_thread(lambda: path.resolve().is_relative_to(store.resolve())):
        raise BadRequestError(f"{path} lies in the library itself; choose a folder elsewhere")
    index = await context.opened_index()
    status = BackupStatus(str(path))
    unfinished = Unfinished(path, folder=True, private=True)
    try:
        await in_thread(sweep, path.parent, path.name)
        new = await in_thread(unfinished.make)
        moment = functools.partial(_copy_moment, context.catalog, index, store / CATALOG, new)
        if not await _apart(moment):
            raise BadRequestError(
                f"the index {context.settings.index!r} is not in the store: back it up with "
                "its own tools (Qdrant: snapshots), or write `omni-mcp export`"
            )
        files = await asyncio.to_thread(lambda: list(_others(store)))
        for file in files:
            await in_thread(_copy, file, new / file.relative_to(store))
        sources, segments = await in_thread(_totals, new)
        status = replace(status, sources=sources, segments=segments)
        status = await _describe(new, status, context.info.fingerprint, progress)
        await in_thread(put_in_place, new, path)
    except (OSError, sqlite3.Error, StoreError) as e:
        why = e.strerror or e if isinstance(e, OSError) else e
        code = e.code if isinstance(e, StoreError) else None
        said = f"cannot write the backup {path}: {why}; nothing of it is left"
        raise StoreError(said, code=code) from e
    finally:
        await in_thread(unfinished.remove)
    return status


async def _apart(work: Callable[[], T]) -> T:
    """The result of `work`, run to its end in a thread that is not one of `asyncio.to_thread`:
    these may all wait for the catalog that it holds."""
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, "backup")
    try:
        return await finish_first(_awaited(loop.run_in_executor(thread, work)))
    finally:
        thread.shutdown(wait=False)


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def _copy_moment(catalog: Catalog, index: Index, old: Path, new: Path) -> bool:
    """Copy index and catalog while nothing is written to the catalog. What is written to the index
    then is ahead of the catalog, as after a crash. False where the index has no files."""
    catalog.hold()
    try:
        # a loop of its own: it, too, must not need a thread that waits for the catalog
        if not asyncio.run(index.copy_to(new)):
            return False
        _copy_catalog(old, new / CATALOG)
        return True
    finally:
        catalog.let_go()


def _copy_catalog(old: Path, new: Path) -> None:
    """By SQLite's own online backup: one moment, also while others write."""
    source = sqlite3.connect(f"{old.absolute().as_uri()}?mode=ro", uri=True)
    with closing(source), closing(sqlite3.connect(new)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # all in one file


def _totals(folder: Path) -> tuple[int, int]:
    with SqliteCatalog(folder, read_only=True) as catalog:
        return catalog.totals()


def _others(store: Path) -> Iterator[Path]:
    """The other files of the store that belong to the library. Links are not followed, but for
    those of its own folders, which may lie elsewhere: so they do where it cannot be written."""
    for entry in sorted(store.iterdir()):
        name = entry.name
        if name in LEFT_OUT or name.startswith((CATALOG, ".")) or name.endswith(".bak"):
            continue
        if entry.is_symlink() and not (name in LINKED and entry.is_dir()):
            continue
        yield from (
            (p for p in sorted(entry.rglob("*")) if p.is_file() and not p.is_symlink())
            if entry.is_dir()
            else [entry]
        )


def _copy(old: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        copy_sparse(old, new)
    except FileNotFoundError:  # forgotten meanwhile
        new.unlink(missing_ok=True)


async def _describe(
    folder: Path, status: BackupStatus, fingerprint: str, progress: Progress | None
) -> BackupStatus:
    """Write the manifest: last, and durable."""
    paths = await asyncio.to_thread(lambda: sorted(p for p in folder.rglob("*") if p.is_file()))
    status = replace(status, files_total=len(paths))
    files: dict[str, Any] = {}
    for path in paths:
        size, used, digest = await asyncio.to_thread(_facts, path)
        files[path.relative_to(folder).as_posix()] = {"size": size, "sha256": digest}
        status = replace(status, files_done=len(files), bytes=status.bytes + used)
        if progress is not None:
            await progress(status)
    facts = {
        "format": FORMAT,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "fingerprint": fingerprint,
        "sources": status.sources,
        "segments": status.segments,
        "files": files,
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False).encode()
    await in_thread(write_atomically, folder / MANIFEST, text)
    return status


def _facts(path: Path) -> tuple[int, int, str]:
    """Length, bytes on disk, and sha256 of a file."""
    size = path.stat().st_size
    return size, used_bytes(path), sha256_of(path)
