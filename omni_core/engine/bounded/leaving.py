"""Forgetting for a caller with rights on some collections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from omni_core.collection_rights import CollectionRights
from omni_core.engine.context import Context
from omni_core.engine.library import acquired, forget_source
from omni_core.engine.results import SourceRow
from omni_core.payload import changes, source_filter

Stop = Callable[[str], Awaitable[object]]


async def leave(
    whole: Context, row: SourceRow, rights: CollectionRights, *, now: bool, stop: Stop
) -> None:
    """Forget a source that is in no collection but those of the caller; take one that others have
    too out of those. Both look alike to the caller. `whole` is the context of the library."""
    held = set(await asyncio.to_thread(whole.catalog.collections_of, row.sha256))
    others = held - set(rights.changed)
    if not others:
        await forget_source(whole, row.id, now=now, stop=stop)
        return
    lock = whole.source_locks.setdefault(row.sha256, asyncio.Lock())
    while not await acquired(lock, stop(row.id)):
        pass
    try:
        index = await whole.opened_index()
        # the index first: what is left in the catalog is seen, and can be taken out again
        await index.set_payload(source_filter(row.id), changes(collections=sorted(others)))
        await index.flush()
        left = held & set(rights.changed)
        await asyncio.to_thread(whole.catalog.leave_collections, row.sha256, left)
    finally:
        lock.release()
    await whole.changes.notify(row.id)
