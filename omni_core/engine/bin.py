"""What was forgotten lies in the bin for some days: its rows and points, as bytes in the catalog.

Nothing of it is left in the index, so that no search has to look past it. Bringing a source back
puts its points and its rows back; no file is read and nothing is embedded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from omni_core.catalog import Catalog
from omni_core.engine import fetched
from omni_core.engine.bin_settling import settle
from omni_core.engine.context import Context
from omni_core.engine.source_points import points_of_source
from omni_core.errors import AmbiguousError, Choice, NotFoundError, StoreError
from omni_core.evidence import thumbnails
from omni_core.ids import PIPELINE, is_id_shaped
from omni_core.index.wire import pack_points, points_of
from omni_core.payload import changes, source_filter
from omni_core.protocols import Index
from omni_core.tasks import finish_first, in_thread
from omni_core.types import BinnedSource, SourceRow

log = logging.getLogger(__name__)


async def copy_to_bin(context: Context, index: Index, row: SourceRow) -> None:
    """Keep the points and rows of a source that is about to be forgotten."""
    catalog = context.catalog
    step = await asyncio.to_thread(catalog.bin_step, row.sha256)
    if step == "moving":
        return  # it was copied before, and its points could not all be deleted
    kept = await asyncio.to_thread(catalog.binned_source, row.sha256) if step else None
    if kept is not None and kept.state == "ready" and row.state != "ready":
        return  # what was forgotten before is whole, which this is not
    await asyncio.to_thread(catalog.begin_binning, row.sha256)
    number = 0
    async for points in points_of_source(index, context.info, row.id):
        body = await asyncio.to_thread(pack_points, points)
        await asyncio.to_thread(catalog.keep_in_bin, row.sha256, number, body)
        number += 1
    await asyncio.to_thread(catalog.fill_bin, row.sha256)


def give_up_copy(catalog: Catalog, sha256: str) -> None:
    """Delete a copy that was not finished: what fills the disk must not stay there. Blocks."""
    try:
        if catalog.bin_step(sha256) == "copying" and not catalog.ingested_by(sha256):
            catalog.drop_from_bin(sha256)
    except StoreError as e:  # the next opening drops it
        log.warning("what was copied of a source into the bin stays there for now: %s", e)


async def named_in_bin(context: Context, wanted: str) -> BinnedSource:
    """The forgotten source with this id, path or whole title. Raises UNKNOWN_SOURCE or
    AMBIGUOUS_SOURCE."""
    held = await asyncio.to_thread(context.catalog.binned)
    plain = wanted.strip()
    if is_id_shaped(plain):
        found = [b for b in held if plain.casefold() in (b.id, b.sha256)]
    else:
        found = [b for b in held if b.uri == wanted] or [b for b in held if b.title == plain]
    if not found:
        raise NotFoundError(
            f"nothing in the bin is {wanted[:80]!r}; it has what was forgotten in the last "
            f"{context.settings.bin_days:g} days",
            code="UNKNOWN_SOURCE",
        )
    if len(found) > 1:
        raise AmbiguousError(
            f"{len(found)} forgotten sources are {wanted[:80]!r}, use one of "
            + ", ".join(b.id for b in found),
            given=wanted,
            choices=[Choice(b.id, b.title, f"{b.segments} segments") for b in found],
        )
    return found[0]


async def restore(context: Context, entry: BinnedSource) -> SourceRow:
    """Bring a source back as it was; as `partial`, to be ingested again, where the library has
    another model since."""
    catalog, index = context.catalog, await context.opened_index()
    whole = entry.model == context.info.fingerprint
    lock = context.source_locks.setdefault(entry.sha256, asyncio.Lock())
    async with lock:
        await _restore_locked(context, index, entry, whole)
    await context.changes.notify(entry.id)
    row = await asyncio.to_thread(catalog.get, entry.sha256)
    if row is None:
        raise NotFoundError("the source was forgotten again", code="UNKNOWN_SOURCE")
    return row


async def restore_known(context: Context, sha256: str) -> None:
    """Before a file is ingested: bring back what the bin has of the same bytes, if it was complete
    and this version and model made it. Anything else stays in the bin until `drop_replaced`. The
    caller holds the source's lock."""
    catalog = context.catalog
    if not await asyncio.to_thread(catalog.bin_step, sha256):
        return
    index = await context.opened_index()
    for unfinished, step in await asyncio.to_thread(catalog.unfinished_in_bin):
        busy = await asyncio.to_thread(catalog.ingested_by, sha256)
        if unfinished.sha256 == sha256 and not busy:  # who was at it failed, or ended
            await settle(catalog, index, unfinished, step)
    entry = await asyncio.to_thread(catalog.binned_source, sha256)
    if entry is None or entry.state != "ready":
        return
    same = (entry.model, entry.pipeline) == (context.info.fingerprint, PIPELINE)
    if not same or await asyncio.to_thread(catalog.get, sha256) is not None:
        return
    try:
        await _restore_locked(context, index, entry, True)
    except (StoreError, NotFoundError) as e:
        if e.code not in ("BUSY", "UNKNOWN_SOURCE"):  # another process brings it back
            raise
    else:
        await context.changes.notify(entry.id)


async def drop_replaced(context: Context, sha256: str) -> None:
    """After a file was ingested: delete what the bin has of the same bytes, unless that is more
    than the library has of them now. The caller holds the source's lock."""
    entry = await asyncio.to_thread(context.catalog.binned_source, sha256)
    row = None if entry is None else await asyncio.to_thread(context.catalog.get, sha256)
    if entry is None or row is None:
        return
    if row.state == "ready" or (entry.state != "ready" and row.segments >= entry.segments):
        try:
            await asyncio.to_thread(context.catalog.drop_kept, sha256, entry.forgotten_at)
        except StoreError as e:  # it is deleted when its days are over
            log.warning("what the bin had of a source stays there for now: %s", e)


async def _restore_locked(context: Context, index: Index, entry: BinnedSource, whole: bool) -> None:
    catalog, sha256 = context.catalog, entry.sha256
    try:
        begun = asyncio.to_thread(lambda: catalog.begin_restoring(sha256, whole=whole))
        in_part = await finish_first(begun)
        if not whole:
            return
        if in_part:
            await index.delete(source_filter(entry.id))
        for number in await asyncio.to_thread(catalog.bin_parts, sha256):
            body = await asyncio.to_thread(catalog.bin_part, sha256, number)
            points, _ = await asyncio.to_thread(points_of, body)
            await index.upsert(points)
        names = await asyncio.to_thread(catalog.collections_of, sha256)
        await index.set_payload(source_filter(entry.id), changes(collections=names))
        await index.flush()
        await in_thread(catalog.end_restoring, sha256)
    except BaseException:
        await finish_first(_undo(context, index, entry))
        raise


async def _undo(context: Context, index: Index, entry: BinnedSource) -> None:
    """Not where another process is bringing it back, for which this one had to stop."""
    if await asyncio.to_thread(context.catalog.ingested_by, entry.sha256):
        return
    if await asyncio.to_thread(context.catalog.bin_step, entry.sha256) == "restoring":
        await settle(context.catalog, index, entry, "restoring")


async def delete(context: Context, entries: Sequence[BinnedSource]) -> int:
    """Delete entries for good, and what is kept of their sources beside the library: thumbnails,
    what was fetched or uploaded for them. One that is on its way back stays. Returns how many were
    deleted."""
    gone = 0
    for entry in entries:
        lock = context.source_locks.setdefault(entry.sha256, asyncio.Lock())
        if lock.locked():  # it is ingested again: what lies beside the library is that ingest's
            drop, at = context.catalog.drop_kept, entry.forgotten_at
            gone += await asyncio.to_thread(drop, entry.sha256, at)
            continue
        async with lock:
            store = context.settings.store_path
            gone += await asyncio.to_thread(_delete, context.catalog, store, entry)
    return gone


def _delete(catalog: Catalog, store: Path, entry: BinnedSource) -> bool:
    paths = catalog.paths_in_bin(entry.sha256)
    if not catalog.drop_kept(entry.sha256, entry.forgotten_at):
        return False
    if catalog.get(entry.sha256) is None:
        thumbnails.remove(store, entry.id)
        fetched.remove(store, [path for path in paths if not catalog.is_path_known(path)])
    return True


async def settle_left(context: Context) -> None:
    """Finish what another process left half in the bin that was not known to have ended when the
    library was opened. Raises OmniError."""
    left = await asyncio.to_thread(context.catalog.unfinished_in_bin)
    for entry, step in left:
        lock = context.source_locks.setdefault(entry.sha256, asyncio.Lock())
        busy = await asyncio.to_thread(context.catalog.ingested_by, entry.sha256)
        if busy or lock.locked():
            continue
        async with lock:
            try:
                await settle(context.catalog, await context.opened_index(), entry, step)
            except StoreError as e:
                if e.code != "BUSY":
                    raise
