"""Forgetting for a caller with rights on some collections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from omni_core.collection_rights import CollectionRights
from omni_core.engine.context import Context
from omni_core.engine.library import acquired, forget_source
from omni_core.engine.results import SourceRow
from omni_core.errors import NotFoundError
from omni_core.payload import changes, source_filter

Stop = Callable[[str], Awaitable[object]]
Asked = Callable[[], Awaitable[SourceRow]]


async def leave(
    whole: Context, asked: Asked, rights: CollectionRights, *, now: bool, stop: Stop
) -> SourceRow:
    """Forget a source that is in no collection but those of the caller; take one that others have
    too out of those. Both look alike to the caller. `whole` is the context of the library; `asked`
    gives the source, and raises where the caller may not change it, or not any more."""
    while True:  # until nobody else changes its collections meanwhile
        row = await asked()
        if await _others(whole, row, rights):
            if await _take_out(whole, row, asked, rights, stop):
                return row
        elif await _forget(whole, row, rights, now=now, stop=stop):
            return row


async def _others(whole: Context, row: SourceRow, rights: CollectionRights) -> list[str]:
    held = await asyncio.to_thread(whole.catalog.collections_of, row.sha256)
    return sorted(set(held) - set(rights.changed))


async def _forget(
    whole: Context, row: SourceRow, rights: CollectionRights, *, now: bool, stop: Stop
) -> bool:
    """Whether it was forgotten; not where others have it as well by now."""

    async def is_of_nobody_else(found: SourceRow) -> bool:
        return not await _others(whole, found, rights)

    try:
        await forget_source(whole, row.id, now=now, stop=stop, only_if=is_of_nobody_else)
    except NotFoundError:
        return False
    return True


async def _take_out(
    whole: Context, row: SourceRow, asked: Asked, rights: CollectionRights, stop: Stop
) -> bool:
    """Whether it was taken out; not where nobody else has it any more."""
    lock = whole.source_locks.setdefault(row.sha256, asyncio.Lock())
    while not await acquired(lock, stop(row.id)):
        pass
    try:
        row = await asked()
        others = await _others(whole, row, rights)
        if not others:
            return False
        index = await whole.opened_index()
        # the index first: what is left in the catalog is seen, and can be taken out again
        await index.set_payload(source_filter(row.id), changes(collections=others))
        await index.flush()
        await asyncio.to_thread(whole.catalog.leave_collections, row.sha256, rights.changed)
    finally:
        lock.release()
    await whole.changes.notify(row.id)
    return True
