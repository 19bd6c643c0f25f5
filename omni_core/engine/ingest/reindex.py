"""Re-index: build a second index with another model beside the first, then swap them.

The sources are decoded and embedded again from their files. A small file lists the sources that
the new index holds, so that an interrupted run can resume; the old index is used until the swap.
The catalog is only read until then, so a server may keep running: if one holds the store when the
new index is complete, the swap happens when the store is next opened with the new encoder
(`adopt`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from omni_core import encoders, index
from omni_core.catalog import Catalog, copying, open_catalog
from omni_core.catalog.groups import StoredGroup
from omni_core.engine import ownership
from omni_core.engine.hashing import read_hash
from omni_core.engine.ingest import limits
from omni_core.engine.ingest.embedding import Target
from omni_core.engine.ingest.ledger import Ledger, bring_up_to_date, described
from omni_core.engine.ingest.pipeline import Pipeline
from omni_core.engine.outages import Patience
from omni_core.engine.results import SourceRow
from omni_core.engine.source_points import keep_alone
from omni_core.engine.workers import Decoders, Models
from omni_core.errors import OmniError, StoreError
from omni_core.originals import Original
from omni_core.payload import source_filter
from omni_core.protocols import Index
from omni_core.settings import Settings
from omni_core.types import EncoderInfo
from omni_core.weights import cache

PAGE = 200


@dataclass(frozen=True, slots=True)
class ReindexStatus:
    """Progress of a re-index."""

    encoder: str
    sources_total: int
    sources_done: int
    current: str = ""
    progress: float = 0.0
    """Of the current source, 0 to 1."""
    failed: tuple[tuple[str, str], ...] = ()
    """(title, reason) of sources that were not embedded, or not whole: the file is missing or has
    changed, a limit ended its decoding."""
    state: str = "building"
    """building; swapped; or waiting: complete, swapped when the store is next opened."""
    message: str = ""


Progress = Callable[[ReindexStatus], Awaitable[None]]


async def reindex(
    settings: Settings, encoder: str, progress: Progress | None = None
) -> ReindexStatus:
    """Build the index of `encoder` beside the current one, then swap them.

    `settings` are those of the library; only the encoder differs. Can be run again after a crash,
    and beside a running server with the embedded index.
    """
    new = replace(settings, encoder=encoder)
    info = await asyncio.to_thread(encoders.describe, new)
    library, rows = await asyncio.to_thread(_rows, settings, info)
    ledger = await asyncio.to_thread(Ledger, settings.store_path, info)
    target = await asyncio.to_thread(index.load, new, info, building=True)
    async with AsyncExitStack() as resources:
        resources.push_async_callback(target.close)
        found = await asyncio.to_thread(cache.resolved, new)
        models, decoders = Models(found, info=info), Decoders(new)
        resources.push_async_callback(models.close)
        resources.push_async_callback(decoders.close)
        await target.open()
        if library:
            await target.claim(library)
        status = ReindexStatus(encoder, len(rows), 0)
        patience = Patience("the re-index", partial(_ask, new, info))
        for row in rows:
            status = replace(status, current=row.title, progress=0.0)
            if row.sha256 not in ledger.done:
                try:
                    why = await patience.with_(
                        partial(
                            _embed_again, new, info, row, target, models, decoders, status,
                            progress,
                        )
                    )  # fmt: skip
                except StoreError:
                    raise
                except OmniError as e:
                    status = replace(status, failed=(*status.failed, (row.title, str(e))))
                else:
                    ledger.done[row.sha256] = described(row)
                    if why:
                        ledger.empty[row.sha256] = why
                    await asyncio.to_thread(ledger.write, info)
            status = replace(status, sources_done=status.sources_done + 1, progress=1.0)
            if progress is not None:
                await progress(status)
        await index.settle(target)  # before others may open it
        ledger.complete = True
        await asyncio.to_thread(ledger.write, info)
    return await patience.with_(partial(_swap, new, info, status))


async def _ask(settings: Settings, info: EncoderInfo) -> None:
    """Open what a swap needs, and close it again."""
    await asyncio.to_thread(lambda: open_catalog(settings, read_only=True).close())
    target = await asyncio.to_thread(index.load, settings, info, building=True)
    try:
        await target.open()
    finally:
        await target.close()


def _rows(settings: Settings, info: EncoderInfo) -> tuple[str, list[SourceRow]]:
    """The id of the library, "" where it has none yet, and the sources to embed again; reads the
    catalog without locking the store."""
    with open_catalog(settings, read_only=True) as catalog:
        same = catalog.get_meta("fingerprint") == info.fingerprint
        if same and catalog.totals()[0]:  # an empty one may have an index of a former model
            raise StoreError(
                f"the library is already embedded with {info.fingerprint}", code="BAD_ARGUMENT"
            )
        rows = [r for r in _all(catalog) if r.segments or r.state == "ready"]
        return catalog.get_meta(copying.LIBRARY) or "", rows


def _all(catalog: Catalog) -> list[SourceRow]:
    rows: list[SourceRow] = []
    after = None
    while True:
        page, _, after = catalog.list(limit=PAGE, after=after)
        rows += page
        if after is None:
            return rows


async def _embed_again(
    settings: Settings,
    info: EncoderInfo,
    row: SourceRow,
    target: Index,
    models: Models,
    decoders: Decoders,
    status: ReindexStatus,
    progress: Progress | None,
) -> str:
    """Returns why nothing in the source can be found; "" where something can. Raises OmniError
    where the source was whole and is not in the new index."""
    path = Path(row.uri)
    try:
        stat = await asyncio.to_thread(path.stat)
    except OSError:
        raise OmniError(f"{path.name!r} is gone", code="SOURCE_MISSING") from None
    sha256, file = "", Original(row.uri)
    if stat.st_size == row.size:
        sha256, file = await read_hash(row.uri)
    if sha256 != row.bytes_sha256:
        raise OmniError(f"{path.name!r} was changed; ingest it again", code="SOURCE_CHANGED")

    async def note(group: StoredGroup) -> None:  # the ledger notes whole sources
        return None

    kind = Target(row.source, row.collections, info.multi_vector)
    pipeline = Pipeline(kind, models, target, note, batch=info.batch)

    async def on_batch() -> None:
        if progress is not None:
            await progress(replace(status, progress=pipeline.progress))

    async with decoders.cutter(row.title) as cutter:
        await pipeline.run(
            cutter, file, info.cut, stall_s=settings.decode_stall_s, on_batch=on_batch
        )
    limit = pipeline.observed.limit
    if limit is not None and row.state == "ready":  # else it is partial, and stays so
        raise limits.error(limit)
    held, made = await target.count(source_filter(row.id)), len(pipeline.stored)
    if held < made:
        raise OmniError(f"the new index holds {held} of the {made} segments of {path.name!r}")
    if held > made:  # of the time when this model was in use before
        await keep_alone(target, row.id, pipeline.stored)
    return pipeline.empty


async def _swap(settings: Settings, info: EncoderInfo, status: ReindexStatus) -> ReindexStatus:
    try:
        catalog = await asyncio.to_thread(open_catalog, settings)
    except StoreError as e:
        if e.code != "STORE_BUSY":
            raise
        message = (
            f"the new index is complete; {e}. It is swapped in when the store is next opened "
            f"with --encoder {settings.encoder}"
        )
        return replace(status, state="waiting", message=message)
    try:
        await adopt(settings, info, catalog)
    finally:
        await asyncio.to_thread(catalog.close)
    return replace(status, state="swapped", message=f"searches now use {info.name}")


async def adopt(settings: Settings, info: EncoderInfo, catalog: Catalog) -> bool:
    """Make a complete index of this model the current one; False when there is none.

    Sources that it does not hold (ingested meanwhile, or failed) are marked partial: ingesting
    them again completes them.
    """
    ledger = await asyncio.to_thread(Ledger, settings.store_path, info)
    if not ledger.complete:
        return False
    target = await asyncio.to_thread(index.load, settings, info, building=True)
    try:
        await target.open()
        await target.claim(await asyncio.to_thread(ownership.library_id, catalog))
        await bring_up_to_date(target, ledger, await asyncio.to_thread(_all, catalog))
        held = await target.count_by_source(exact=True)
        await target.activate()
    finally:
        await target.close()

    def note() -> None:
        catalog.replace_index(info.fingerprint, ledger.done, ledger.empty, held)
        ledger.remove()

    await asyncio.to_thread(note)
    return True
