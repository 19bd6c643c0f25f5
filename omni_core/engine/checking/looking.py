"""Looks at a library: catalog, index, thumbnails, other files and caches, against each other.

Nothing is changed. Beside a running server the index is left to that, which compared it when it was
opened; what it found is in the catalog.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from omni_core import encoders, index
from omni_core.catalog import Catalog, checking, open_catalog
from omni_core.catalog.address import to_read
from omni_core.catalog.copying import LIBRARY
from omni_core.catalog.holding import lost_note
from omni_core.catalog.lock import StoreLock
from omni_core.engine.checking.findings import GONE, UNINDEXED, Fault, Look, no_room
from omni_core.engine.checking.payloads import faults_by_counts, faults_of
from omni_core.engine.checking.points import look_at_points
from omni_core.engine.checking.settled import damaged_files
from omni_core.engine.comparing import compare
from omni_core.engine.store import OF_ONE_PROCESS
from omni_core.errors import FullDiskError, NotIndexedError, OmniError, StoreError
from omni_core.evidence import thumbnails
from omni_core.index import versions
from omni_core.settings import Settings
from omni_core.text.counting import counted
from omni_core.types import EncoderInfo
from omni_core.weights import cache

MOST = 10
"""Things of one kind that are named."""
OWN_FILES = ("catalog.sqlite", "index/**/*", "thumbs/*", "voices.sqlite")
"""What this user must be able to read and write."""


async def look(settings: Settings) -> Look:
    """What is wrong with a library, as far as it can be seen from here."""
    store = settings.store_path
    if not await asyncio.to_thread(store.is_dir):
        return Look(str(store))
    if full := await asyncio.to_thread(no_room, store):
        return Look(str(store), full=full)
    try:
        lock = await asyncio.to_thread(StoreLock, store)
    except StoreError as e:
        busy = "it is open in another process" if e.code == "STORE_BUSY" else str(e)
        return await _look(settings, f"the index was not looked at: {busy}")
    try:
        return await _look(settings, "")
    finally:
        await asyncio.to_thread(lock.release)


def look_plainly(settings: Settings) -> dict[str, Any]:
    """`look` as values of JSON, for a caller in another process."""
    return asdict(asyncio.run(look(settings)))


async def _look(settings: Settings, busy: str) -> Look:
    store = settings.store_path
    found = await asyncio.to_thread(lambda: [*unreadable(store), *_of_databases(store)])
    whole = [] if settings.catalog else await asyncio.to_thread(checking.faults, store)
    newer = not settings.catalog and await asyncio.to_thread(checking.is_newer, store)
    advice = "upgrade omni-mcp" if newer else "omni-mcp doctor --repair"
    if await asyncio.to_thread(checking.half_restored, store):
        advice = "the same restoration again"
    found += [Fault("catalog", line, advice) for line in whole]
    rows = [] if settings.catalog else await asyncio.to_thread(checking.damaged_rows, store)
    found += [Fault("catalog", f"{title}: {why.partition(': ')[0]}") for _, title, why in rows]
    notes = [busy] if busy else []
    sources, segments, full = 0, 0, ""
    if not whole and (settings.catalog or await asyncio.to_thread((store / checking.FILE).exists)):
        try:
            catalog = await asyncio.to_thread(open_catalog, settings, read_only=True)
        except StoreError as e:
            notes.append(str(e))
        else:
            with closing(catalog):
                sources, segments = await asyncio.to_thread(catalog.totals)
                back: set[str] = set()
                try:
                    of_index = [] if busy else await _of_index(settings, catalog, notes, back)
                except FullDiskError as e:
                    of_index, full = [], str(e)
                found += await asyncio.to_thread(_lost_before, catalog, back)
                found += of_index
                found += await asyncio.to_thread(_of_thumbnails, store, catalog)
    found += await asyncio.to_thread(_of_caches, settings)
    return Look(str(store), sources, segments, tuple(found), tuple(notes), full)


def unreadable(store: Path) -> Iterator[Fault]:
    """Files of this user that it may not read or write itself."""
    if os.name != "posix":
        return
    for pattern in OWN_FILES:
        for path in store.glob(pattern):
            facts = path.lstat()
            needed = stat.S_IRUSR | stat.S_IWUSR | (stat.S_IXUSR if path.is_dir() else 0)
            if facts.st_uid != os.geteuid():
                yield Fault("files", f"{path.relative_to(store)} belongs to another user", "chown")
            elif facts.st_mode & needed != needed:
                yield Fault("files", f"{path.relative_to(store)} cannot be read or written")


def _of_databases(store: Path) -> Iterator[Fault]:
    for path, why in damaged_databases(store):
        yield Fault("files", f"{path.relative_to(store)} is damaged ({why})")


def damaged_databases(store: Path) -> Iterator[tuple[Path, str]]:
    """The damaged ones of the databases that a library has besides its catalog, and why."""
    for path in sorted([*store.glob("*.sqlite"), *store.glob("tasks/*.sqlite")]):
        if path.name == checking.FILE:
            continue
        try:
            with closing(sqlite3.connect(to_read(path), uri=True)) as db:
                said = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.Error as e:
            said = str(e)
        if said != "ok":
            yield path, said.splitlines()[0]


def _lost_before(catalog: Catalog, back: Collection[str]) -> list[Fault]:
    """What a server found when it opened the index, and nobody has ingested since; `back`: ids of
    sources of which the index has all segments again, or was said to have lost others since."""
    found, after = [], None
    while True:
        page, _, after = catalog.list(state="partial", limit=200, after=after)
        lines = [(row.title, lost_note(row.warnings)) for row in page if row.id not in back]
        found += [
            Fault("index", f"{title}: {line.partition(': ')[0]}") for title, line in lines if line
        ]
        if after is None:
            return found


async def _of_index(
    settings: Settings, catalog: Catalog, notes: list[str], said: set[str]
) -> list[Fault]:
    """`said` gets the ids of the sources that are named here. Raises FullDiskError."""
    store = settings.store_path
    _, segments = await asyncio.to_thread(catalog.totals)
    embedded = settings.index == "edge"
    found: list[Fault] = []
    try:
        info = await asyncio.to_thread(encoders.describe, settings)
    except OmniError as e:  # one of the doctor's other lines
        notes.append(f"the index was not looked at: {e}")
        return []
    try:
        if embedded and await asyncio.to_thread(other_model, store, catalog, info):
            found.append(Fault("catalog", "it names another model than its index"))
        if embedded:
            wrong = await asyncio.to_thread(versions.faults, store, info)
            there = await asyncio.to_thread((versions.folder(store) / versions.slug(info)).is_dir)
            if wrong or not there:
                lost = [f"the index is gone, with {segments} segments"] if segments else []
                return [*found, *(Fault("index", line) for line in wrong or lost)]
        elif settings.index in OF_ONE_PROCESS:
            return []
        seen = settings if embedded else replace(settings, qdrant_read_only=True)  # makes nothing
        held = await asyncio.to_thread(index.load, seen, info)
        try:
            await held.open()
            library = await asyncio.to_thread(catalog.get_meta, LIBRARY)
            await held.claim(library or "")
            found += (differ := await _compared(held, catalog, said))
            if embedded:
                sound = await look_at_points(held)
                found += _damaged_points(sound.damaged)
                if (files := await damaged_files(settings, info)).names:
                    found.append(Fault("index", str(files)))
                found += await asyncio.to_thread(faults_of, catalog, sound.says)
                if not sound.whole:
                    notes.append(f"of the index the first {sound.read} segments were read")
            elif not differ:
                found += await faults_by_counts(catalog, held)
        finally:
            await held.close()
    except NotIndexedError as e:
        lacks = f"{e.collection} lacks indexes of {', '.join(e.lacks)}"
        found.append(Fault("index", f"{lacks}: filters are slow", UNINDEXED, harmless=True))
    except FullDiskError:
        raise
    except OmniError as e:
        if embedded:
            found.append(Fault("index", str(e)))
        elif e.code != "NO_LIBRARY":  # it is elsewhere, and not damaged
            notes.append(f"the index was not looked at: {e}")
        elif segments:
            line = f"the collection {settings.qdrant_collection!r} is not there: the "
            found.append(Fault("index", f"{line}catalog knows {segments} segments in it", GONE))
    return found


def other_model(store: Path, catalog: Catalog, info: EncoderInfo) -> bool:
    """Whether the catalog names another model than the index in use, which is of this model."""
    named = catalog.get_meta("fingerprint")
    return named not in (None, info.fingerprint) and versions.is_current(store, info)


async def _compared(held: Any, catalog: Catalog, said: set[str]) -> list[Fault]:
    differs = await compare(catalog, held)
    said.update(differs.lost, differs.back)
    rows = await asyncio.to_thread(catalog.get_many, list(differs.lost)[:MOST])
    found = [
        Fault("index", f"{row.title} has {differs.lost.get(id_, 0)} of {should} segments")
        for id_, row in rows.items()
        if (should := differs.should.get(id_, row.segments))
    ]
    if differs.back:
        line = f"{counted(len(differs.back), 'source')} that had lost segments: all are there again"
        found.append(Fault("index", line, "omni-mcp doctor --repair, or start a server", True))
    if (more := len(differs.lost) - len(rows)) > 0:
        found.append(Fault("index", f"of {counted(more, 'further source')} segments are lost"))
    if differs.unknown:
        count, sources = sum(differs.unknown.values()), len(differs.unknown)
        line = f"{counted(count, 'segment')} of {counted(sources, 'source')} that the catalog"
        found.append(Fault("index", f"{line} does not know"))
    return found


def _damaged_points(damaged: dict[str, list[str]]) -> list[Fault]:
    count = sum(map(len, damaged.values()))
    line = f"damaged: {counted(count, 'segment')} of {counted(len(damaged), 'source')}"
    return [Fault("index", line)] * bool(count)


def _of_thumbnails(store: Path, catalog: Catalog) -> list[Fault]:
    bad = list(thumbnails.damaged(store))
    ids = thumbnails.sources(store)
    known = catalog.kept_ids(ids)
    found = []
    if bad:
        sources = counted(len({s for s, _ in bad}), "source")
        found.append(Fault("thumbnails", f"damaged: {len(bad)}, of {sources}"))
    if strange := [id_ for id_ in ids if id_ not in known]:
        line = f"of {counted(len(strange), 'source')} that the catalog does not know"
        found.append(Fault("thumbnails", line, harmless=True))
    return found


def _of_caches(settings: Settings) -> list[Fault]:
    try:
        used = cache.folder(settings)
    except OmniError as e:
        return [Fault("cache", str(e), "set cache_dir to a folder of your own")]
    found = [
        Fault("cache", f"{path.name} is damaged: it is built again when it is needed")
        for path in cache.damaged(used)
    ]
    former = cache.of_store(settings.store_path)
    if former != used and (size := cache.bytes_in(former)):
        line = f"{former} is not used any more and takes {size / 1e6:.0f} MB"
        found.append(Fault("cache", line, harmless=True))
    return found
