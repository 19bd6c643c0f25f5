"""What a process left that ended, or failed, while a source went into the bin or out of it."""

from __future__ import annotations

import asyncio

from omni_core.catalog import Catalog
from omni_core.errors import StoreError
from omni_core.payload import source_filter
from omni_core.protocols import Index
from omni_core.tasks import in_thread
from omni_core.types import BinnedSource


async def settle_all(catalog: Catalog, index: Index) -> None:
    """Finish every entry that no other process is at: when the index is opened, and later where
    that process was not known to have ended then."""
    for entry, step in await asyncio.to_thread(catalog.unfinished_in_bin):
        if not await asyncio.to_thread(catalog.ingested_by, entry.sha256):
            try:
                await settle(catalog, index, entry, step)
            except StoreError as e:
                if e.code != "BUSY":  # another process was faster
                    raise


async def settle(catalog: Catalog, index: Index, entry: BinnedSource, step: str) -> None:
    """Drop a copy that is not whole; take out what is on its way out; leave in the bin what is on
    its way back. Raises StoreError BUSY where another process is at it by now."""
    await asyncio.to_thread(catalog.take_over, entry.sha256)
    try:
        if await asyncio.to_thread(catalog.bin_step, entry.sha256) == step:
            await _settle(catalog, index, entry, step)
    finally:
        await in_thread(catalog.end_forgetting, entry.sha256)


async def _settle(catalog: Catalog, index: Index, entry: BinnedSource, step: str) -> None:
    if step == "copying":
        await asyncio.to_thread(catalog.drop_from_bin, entry.sha256)
        return
    await index.delete(source_filter(entry.id))
    await index.flush()
    if step == "restoring":
        await asyncio.to_thread(catalog.undo_restoring, entry.sha256)
        return
    if await asyncio.to_thread(catalog.get, entry.sha256) is not None:
        await asyncio.to_thread(catalog.forget, entry.sha256)
    await asyncio.to_thread(catalog.end_binning, entry.sha256)
