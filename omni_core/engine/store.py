"""Opens a store: takes its lock, opens the catalog, checks that the model is the same."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from omni_core.catalog import Catalog, obstacle, obstacle_later, open_catalog
from omni_core.catalog.checking import RESTORING
from omni_core.engine.ingest.reindex import adopt
from omni_core.errors import BadRequestError, StoreError
from omni_core.index import versions
from omni_core.settings import Settings
from omni_core.tasks import finish_first
from omni_core.types import EncoderInfo
from omni_core.unfinished import sweep

log = logging.getLogger(__name__)

OF_ONE_PROCESS = frozenset({"edge", "memory"})
"""Indexes that no other process sees: beside a shared catalog an empty one would make each process
take all sources of the others for lost."""

_SWEPT = ("shared", "uploads", "downloads")
"""Folders of a store with small files that are replaced; thumbnails are swept later, being many."""


async def take_store(settings: Settings, info: EncoderInfo, resources: AsyncExitStack) -> Catalog:
    """The open catalog; `resources` closes it and releases the store's lock.

    Raises BadRequestError for a shared catalog with an index of one process; StoreError STORE_BUSY
    when another process holds the store, MODEL_MISMATCH when another model filled it, CATALOG_MOVED
    when the library has left that catalog.
    """
    try:
        refuse_unshared(settings)
    except BadRequestError:  # after a move back into the folder, where OMNI_CATALOG is still set
        await asyncio.to_thread(_refuse_moved, settings)
        raise
    catalog = await _open(settings)
    resources.push_async_callback(asyncio.to_thread, catalog.close)
    if not settings.read_only:
        await asyncio.to_thread(_sweep_up, settings)
    await _check_model(settings, catalog, info)
    return catalog


def _sweep_up(settings: Settings) -> None:
    """Remove what was being written into the store when its process was killed, and the note of a
    restoration that ended before it took that away: the catalog, which comes last, is there."""
    store = settings.store_path
    if not settings.catalog:
        (store / RESTORING).unlink(missing_ok=True)
    of_index = (Path(at) for at, _, _ in os.walk(versions.folder(store)))
    for folder in (store, *(store / name for name in _SWEPT), *of_index):
        sweep(folder)


def _refuse_moved(settings: Settings) -> None:
    """Raise StoreError CATALOG_MOVED where the library has left the catalog; nothing else, also
    where that cannot be asked."""
    try:
        open_catalog(settings, read_only=True).close()
    except StoreError as e:
        if e.code == "CATALOG_MOVED":
            raise


def refuse_unshared(settings: Settings) -> None:
    """Raise BadRequestError for a catalog that processes share with an index of one process."""
    if settings.catalog and settings.index in OF_ONE_PROCESS:
        raise BadRequestError(
            "a catalog that processes share needs an index that they share: give --qdrant URL "
            "with --catalog"
        )


def look(settings: Settings) -> tuple[str, str, str, str]:
    """What the catalog holds, why it cannot be used, why nothing can be written there though that
    is wanted, and why an upgrade will fail, in words; "" for nothing."""
    try:
        with open_catalog(settings, read_only=True) as catalog:
            sources, segments = catalog.totals()
        holds = f"{sources} sources with {segments} segments"
        now = _asked(settings, obstacle)
        return holds, "", now, "" if now else _asked(settings, obstacle_later)
    except StoreError as e:
        return "", (e.code == "STORE_FAILED" and _asked(settings, obstacle)) or str(e), "", ""


def _asked(settings: Settings, ask: Callable[[Settings], str]) -> str:
    try:
        return "" if settings.read_only else ask(settings)
    except StoreError as e:
        return str(e)


async def renew_leases(catalog: Catalog, lease_s: float) -> None:
    """Keep what this process ingests its own, as long as it lives."""
    while True:
        await asyncio.sleep(lease_s / 3)
        try:
            await asyncio.to_thread(catalog.renew)
        except StoreError as e:
            log.warning("this process could not tell the catalog that it is alive: %s", e)


async def _open(settings: Settings) -> Catalog:
    """Open the catalog in a thread; when this call is cancelled, close it after the thread ends."""
    only_read = settings.read_only and bool(settings.catalog)  # a file is opened as a copy
    work = asyncio.to_thread(open_catalog, settings, read_only=only_read, must_exist=True)
    opening = asyncio.create_task(work)
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        await finish_first(_close_again(opening))
        raise


async def _close_again(opening: asyncio.Task[Catalog]) -> None:
    await asyncio.wait([opening])
    if not opening.cancelled() and opening.exception() is None:
        await asyncio.to_thread(opening.result().close)


async def _check_model(settings: Settings, catalog: Catalog, info: EncoderInfo) -> None:
    """Refuse a library of another model, unless it is empty or a finished re-index can be swapped
    in."""
    key, ours = "fingerprint", info.fingerprint
    filled_by = await asyncio.to_thread(
        lambda: catalog.get_meta(key) or catalog.set_meta_once(key, ours)
    )
    embedded, store = settings.index == "edge", settings.store_path
    other = (
        embedded
        and not settings.read_only
        and await asyncio.to_thread(versions.is_of_another, store, info)
    )
    if filled_by == ours and not other:
        return
    sources, _ = await asyncio.to_thread(catalog.totals, "")
    if not sources:
        if other:
            await asyncio.to_thread(versions.leave_current, store)
        await asyncio.to_thread(catalog.set_meta, "fingerprint", info.fingerprint)
    elif filled_by == ours:
        return  # opening the index says what is wrong
    elif await adopt(settings, info, catalog):
        return
    elif embedded and await asyncio.to_thread(versions.is_current, store, info):
        log.warning("the catalog named another model (%.60r) than its index: mended", filled_by)
        await asyncio.to_thread(catalog.set_meta, "fingerprint", info.fingerprint)
    else:
        raise StoreError(
            f"this library was embedded with {filled_by}, the settings say {info.fingerprint}; run "
            f"`omni-mcp reindex --encoder {settings.encoder}` to re-embed it, or use the former "
            "encoder",
            code="MODEL_MISMATCH",
        )
