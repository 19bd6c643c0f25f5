"""Mends a library that no process has open: files, rows and points. What was damaged is moved into
`damaged/` of the store, never deleted; what was lost is read again by `again`."""

from __future__ import annotations

import asyncio
import json
import math
import os
import secrets
import shutil
import stat
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from omni_core import encoders, index
from omni_core.catalog import Catalog, checking, open_catalog
from omni_core.catalog.holding import WAS_DAMAGED
from omni_core.catalog.lock import StoreLock
from omni_core.catalog.rows import DAMAGED
from omni_core.engine.checking import looking, rebuilding
from omni_core.engine.checking.findings import Mended, no_room
from omni_core.engine.checking.payloads import differing
from omni_core.engine.checking.points import Sound, look_at_points
from omni_core.engine.checking.settled import (
    Files,
    NotMadeError,
    copy_sound,
    damaged_files,
    shard_of,
    take_place,
)
from omni_core.engine.comparing import compare
from omni_core.engine.ownership import library_id
from omni_core.engine.source_points import changes_of
from omni_core.errors import FullDiskError, OmniError, StoreError
from omni_core.evidence import thumbnails
from omni_core.files import put_in_place
from omni_core.index import versions
from omni_core.payload import of_sources, source_filter
from omni_core.protocols import Index
from omni_core.query import Filter, Ids
from omni_core.settings import Settings
from omni_core.tasks import in_thread
from omni_core.text.counting import counted
from omni_core.types import EncoderInfo
from omni_core.unfinished import Unfinished
from omni_core.weights import cache

ASIDE = "damaged"
AT_ONCE = 500
ROOM = 4 << 20
"""Bytes of a catalog without use from which it is written anew."""


async def mend(settings: Settings) -> Mended:
    """Mend what can be mended without reading a source again.

    Raises StoreError STORE_BUSY while another process has the library open.
    """
    store = settings.store_path
    said = Mended(str(store))
    if not await asyncio.to_thread(store.is_dir):
        return said
    if full := await asyncio.to_thread(no_room, store):
        said.left.append(f"{full}, so that nothing was looked at: free some space there first")
        return said
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    aside = store / ASIDE / name
    info = await asyncio.to_thread(encoders.describe, settings)
    lock = await asyncio.to_thread(StoreLock, store)
    try:
        await asyncio.to_thread(_mend_files, settings, info, aside, said)
    finally:
        await asyncio.to_thread(lock.release)
    there = await asyncio.to_thread((store / checking.FILE).exists)
    if settings.catalog or there:
        await _mend_contents(settings, info, aside, said)
    if await asyncio.to_thread(aside.is_dir):
        said.done.append(f"what was damaged lies in {aside}")
    return said


def _mend_files(settings: Settings, info: EncoderInfo, aside: Path, said: Mended) -> None:
    store = settings.store_path
    for fault in looking.unreadable(store):
        if fault.get == "chown":
            said.left.append(fault.detail)
    _let_owner_in(store, said)
    for path, _ in list(looking.damaged_databases(store)):
        _move(path, aside, said)
    wrong = [] if settings.catalog else checking.faults(store)
    if wrong and (checking.is_newer(store) or checking.half_restored(store)):
        said.left += wrong
    elif wrong:
        count = checking.salvage(store, aside)
        said.done.append(f"the catalog was made anew with the {count} sources that could be read")
    if settings.index == "edge":
        _mend_current(store, info, aside, said)
    _clear_caches(settings, said)


def _let_owner_in(store: Path, said: Mended) -> None:
    for pattern in looking.OWN_FILES if os.name == "posix" else ():
        for path in store.glob(pattern):
            facts = path.lstat()
            needed = 0o700 if path.is_dir() else 0o600
            if facts.st_uid == os.geteuid() and facts.st_mode & needed != needed:
                path.chmod(stat.S_IMODE(facts.st_mode) | needed)
                said.done.append(f"{path.relative_to(store)} can be read and written again")


def _mend_current(store: Path, info: EncoderInfo, aside: Path, said: Mended) -> None:
    wrong = versions.faults(store, info)
    current = versions.folder(store) / "CURRENT"
    named = [line for line in wrong if line.startswith("CURRENT names")]
    if named:  # a version that is there: which one is meant only its user knows
        said.left += [f"{line}: start with that encoder, or reindex" for line in named]
        return
    if wrong and (current.is_dir() or current.is_symlink()):
        _move(current, aside, said)
    if wrong:
        versions.prepare(store, info)
        said.done.append(f"the files that say which index is used were written again ({wrong[0]})")


def _clear_caches(settings: Settings, said: Mended) -> None:
    used = cache.folder(settings)
    for path in cache.damaged(used):
        path.unlink()
        said.done.append(f"{path.name} was removed from the cache: it is built again")
    former = cache.of_store(settings.store_path)
    if former != used and (size := cache.bytes_in(former)):
        shutil.rmtree(former)
        said.done.append(
            f"{former}, which was not used any more, was removed ({size / 1e6:.0f} MB)"
        )


async def _mend_contents(settings: Settings, info: EncoderInfo, aside: Path, said: Mended) -> None:
    try:
        catalog = await asyncio.to_thread(open_catalog, settings)
    except StoreError as e:
        said.left.append(str(e))
        return
    with closing(catalog):
        if not settings.catalog:
            await asyncio.to_thread(_mend_rows, settings.store_path, catalog, aside, said)
            await asyncio.to_thread(_mend_model, settings, catalog, info, said)
        await asyncio.to_thread(_give_room_back, catalog, said)
        if settings.index == "memory":
            return
        found = await _opened(settings, info, catalog, aside, said)
        if found is None:
            return
        held, sound = found
        try:
            await _mend_points(catalog, held, sound, aside, said)
            await _mend_thumbnails(settings, catalog, held, aside, said)
        finally:
            await held.close()


def _mend_rows(store: Path, catalog: Catalog, aside: Path, said: Mended) -> None:
    """Write plain values over those that make no sense, and mark the source; a row whose hash makes
    no sense is of no use but to be read by a person."""
    for sha256, title, why in checking.damaged_rows(store):
        row = None if "sha256" in why else catalog.get(sha256)
        if row is not None:
            known = catalog.paths(sha256)
            uri = row.uri if row.uri in known or not known else known[0]
            others = [w for w in row.warnings if not w.startswith((DAMAGED, WAS_DAMAGED))]
            line = f"{WAS_DAMAGED}, what is known was filled in: ingest the file again"
            catalog.put_back(replace(row, uri=uri, warnings=(line, *others)))
            said.done.append(f"the row of {title} in the catalog is sound again")
        else:
            _note(aside / "rows.jsonl", [repr(checking.take_row(store, sha256))])
            said.done.append(f"the row of {title}, without a hash that makes sense, was taken out")


def _give_room_back(catalog: Catalog, said: Mended) -> None:
    size = catalog.unused_bytes()
    if size < ROOM:
        return
    try:
        catalog.give_room_back(whole=True)
    except StoreError as e:
        said.left.append(f"{size / 1e6:.0f} MB of the catalog are not given back: {e}")
    else:
        said.done.append(f"given back to the file system: {size / 1e6:.0f} MB of the catalog")


def _mend_model(settings: Settings, catalog: Catalog, info: EncoderInfo, said: Mended) -> None:
    if settings.index == "edge" and looking.other_model(settings.store_path, catalog, info):
        catalog.set_meta("fingerprint", info.fingerprint)
        said.done.append(f"the catalog names the model of its index again, {info.name}")


async def _opened(
    settings: Settings, info: EncoderInfo, catalog: Catalog, aside: Path, said: Mended
) -> tuple[Index, Sound] | None:
    """The index, and what of it is damaged; the embedded one, where it cannot be opened or read
    though an empty one can, a new one."""
    for again in (False, True):
        held = await asyncio.to_thread(index.load, settings, info)
        try:
            await held.open()
            await held.claim(await asyncio.to_thread(library_id, catalog))
            embedded = settings.index == "edge"
            sound = await look_at_points(held, seconds=math.inf, vectors=embedded)
            if not embedded:  # which is not this program's to doubt
                sound.damaged.clear()
            elif (files := await damaged_files(settings, info)).names and not again:
                await _make_again(settings, info, catalog, held, files, aside, said)
                continue
        except (FullDiskError, NotMadeError) as e:
            await held.close()
            said.left.append(str(e))
            return None
        except OmniError as e:
            await held.close()
            shard = shard_of(settings, info)
            ours = settings.index == "edge" and e.code not in ("STORE_BUSY", "MODEL_MISMATCH")
            if again or not ours or not await _can_open_an_empty_one(settings, info):
                said.left.append(str(e))
                return None
            await asyncio.to_thread(_move, shard, aside, said)
        else:
            return held, sound
    return None


async def _make_again(
    settings: Settings,
    info: EncoderInfo,
    catalog: Catalog,
    held: Index,
    files: Files,
    aside: Path,
    said: Mended,
) -> None:
    """Put an index of the sound points in the place of one whose files are damaged."""
    library = await asyncio.to_thread(library_id, catalog)
    made, new, count = await copy_sound(settings, info, library, held, files)
    await held.close()
    shard = shard_of(settings, info)
    await take_place(made, new, shard, partial(_move, shard, aside, said))
    said.done.append(f"the index was made again of {counted(count, 'segment')} ({files})")


async def _can_open_an_empty_one(settings: Settings, info: EncoderInfo) -> bool:
    """Whether it is the files that are damaged: a full disk, too little memory or a broken install
    would keep every index from being opened, and must not cost a sound one."""
    where = settings.store_path
    made = Unfinished(where / "trial", folder=True, private=True)
    try:
        folder = await in_thread(made.make)
        trial = await asyncio.to_thread(index.load, replace(settings, store=str(folder)), info)
        try:
            await trial.open()
            return not await trial.count()
        finally:
            await trial.close()
    except (OmniError, OSError):
        return False
    finally:
        await in_thread(made.remove)


async def _mend_points(
    catalog: Catalog, held: Index, sound: Sound, aside: Path, said: Mended
) -> None:
    damaged = [id_ for ids in sound.damaged.values() for id_ in ids]
    for i in range(0, len(damaged), AT_ONCE):
        some = tuple(damaged[i : i + AT_ONCE])
        lines = [repr(dict(p.stored.fields)) for p in await held.get(some)]
        await asyncio.to_thread(_note, aside / "segments.jsonl", lines)
        await held.delete(Filter(must=(Ids(some),)))
    if damaged:
        said.done.append(f"taken out of the index: {counted(len(damaged), 'damaged segment')}")
    differs = await compare(catalog, held)
    strange = list(differs.unknown)
    for i in range(0, len(strange), AT_ONCE):
        await _take_out(held, strange[i : i + AT_ONCE], aside)
    if strange:
        count = sum(differs.unknown.values())
        said.done.append(
            f"taken out of the index: {counted(count, 'segment')} of "
            f"{counted(len(strange), 'source')} that the catalog does not know; their words are "
            "kept: ingest their files again"
        )
    for row in (stale := await asyncio.to_thread(differing, catalog, sound.says)):
        await held.set_payload(source_filter(row.id), changes_of(row))
    if stale:
        said.done.append(
            "title, date and collections of the catalog were written into the index: "
            f"{counted(len(stale), 'source')}"
        )
    await held.flush()
    whole = await asyncio.to_thread(catalog.mark_whole, differs.back)
    if whole:
        said.done.append(f"all segments are there again: {counted(len(whole), 'source')}")
    marked = await asyncio.to_thread(catalog.mark_lost, differs.lost)
    if marked:
        said.done.append(f"marked as partial: {counted(len(marked), 'source')} with lost segments")


async def _take_out(held: Index, sources: list[str], aside: Path) -> None:
    """Write what is stored of these sources into a file, then remove it."""
    these = Filter(must=(of_sources(sources),))
    offset: str | None = None
    while True:
        page, offset = await held.scroll(these, limit=AT_ONCE, offset=offset)
        lines = [json.dumps(dict(p.stored.fields), default=str) for p in page]
        await asyncio.to_thread(_note, aside / "segments.jsonl", lines)
        if offset is None:
            break
    await held.delete(these)


async def _mend_thumbnails(
    settings: Settings, catalog: Catalog, held: Index, aside: Path, said: Mended
) -> None:
    store = settings.store_path
    bad = await asyncio.to_thread(lambda: list(thumbnails.damaged(store)))
    for source, uuid in bad:
        file = f"{thumbnails.FOLDER}/{source}/{uuid}.jpg"
        await asyncio.to_thread(_put_aside, store / file, aside / file)
    made = await rebuilding.rebuild(settings, catalog, held, bad)
    if made:
        said.done.append(f"made again: {counted(made, 'thumbnail')}")
    if made < len(bad):
        said.left.append(
            f"damaged, and not made again: {counted(len(bad) - made, 'thumbnail')}, of files that "
            "are not here"
        )
    ids = await asyncio.to_thread(thumbnails.sources, store)
    strange = set(ids) - await asyncio.to_thread(catalog.kept_ids, ids)
    for id_ in strange:
        file = f"{thumbnails.FOLDER}/{id_}"
        await asyncio.to_thread(_put_aside, store / file, aside / file)
    if strange:
        sources = counted(len(strange), "source")
        said.done.append(f"moved away: thumbnails of {sources} that the catalog does not know")


def _move(path: Path, aside: Path, said: Mended) -> None:
    for suffix in ("", "-wal", "-shm"):
        item = path.with_name(path.name + suffix)
        if item.exists() or item.is_symlink():
            _put_aside(item, aside / item.name)
    said.done.append(f"{path.name} was damaged and is moved away")


def _put_aside(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    put_in_place(path, target)


def _note(path: Path, lines: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", errors="backslashreplace") as f:
        f.writelines(f"{line}\n" for line in lines)
