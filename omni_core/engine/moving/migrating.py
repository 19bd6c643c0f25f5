"""Migrates a library to another index, another catalog, or both, in bounded memory.

The library stays where it is until both indexes were compared.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from omni_core import encoders, index
from omni_core.catalog import Catalog, open_catalog
from omni_core.engine.moving import comparing
from omni_core.engine.moving.copying import (
    Copying,
    MigrationStatus,
    Progress,
    lost_segments,
    rows_of,
)
from omni_core.engine.moving.leaving import (
    check_catalog,
    describe_index,
    has_other_catalog,
    move_catalog,
    moved_before,
    refuse_changed,
    require_library,
)
from omni_core.engine.outages import Patience, ask_store
from omni_core.engine.ownership import library_id
from omni_core.engine.store import refuse_unshared, take_store
from omni_core.errors import BadRequestError, StoreError
from omni_core.settings import Settings
from omni_core.types import EncoderInfo

LEAST_SAME = 0.9
"""Least share of the same results among the first ten of the compared searches. Not 1: a server
with an HNSW graph is approximate, and BM25 scores have ties."""


def describe(settings: Settings) -> str:
    """Where the index of these settings is, and the catalog where it is not in the store."""
    return describe_index(settings) + (", its catalog in PostgreSQL" if settings.catalog else "")


def is_there(settings: Settings, target: Settings) -> bool:
    """Whether the library of `settings` is where `target` says."""
    return describe_index(settings) == describe_index(target) and not has_other_catalog(
        settings, target
    )


async def migrate(
    settings: Settings, target: Settings, progress: Progress | None = None, *, leave: bool = False
) -> MigrationStatus:
    """Copy the library of `settings` to where `target` says, and compare the two.

    `target` differs in its index, its catalog, or both: same store, same encoder. Nothing else may
    use the library meanwhile. Switching over is then a matter of the settings; with `leave` a
    catalog that has moved refuses to be used where it was, so that nobody writes into the index by
    both; where an earlier call was interrupted after that, this one says so (`already`).

    Raises StoreError: STORE_BUSY, MODEL_MISMATCH, FOREIGN_COLLECTION, FOREIGN_CATALOG, and
    NOT_THE_SAME when the new index does not answer as the old one; BadRequestError when the
    library is there already; NotFoundError where there is none.
    """
    moves = describe_index(settings) != describe_index(target)
    changes = has_other_catalog(settings, target)
    if is_there(settings, target):
        raise BadRequestError(
            f"the library is there already: {describe(settings)}; nothing is left to do, commands "
            "and servers with these settings use it there"
        )
    refuse_unshared(target)
    await asyncio.to_thread(require_library, settings)
    if leave and (there := await asyncio.to_thread(moved_before, settings, target)):
        return MigrationStatus(
            describe(settings), describe(target), there[0], there[0], there[1], stage="done",
            already=True,
        )  # fmt: skip
    info = await asyncio.to_thread(encoders.describe, settings)
    async with AsyncExitStack() as resources:
        catalog = await take_store(settings, info, resources)
        busy = await asyncio.to_thread(lambda: catalog.count(state="processing"))
        if busy:  # in PostgreSQL: the process that opens a catalog in a file owns it
            raise StoreError(
                f"{busy} files are being ingested by other processes; stop them first",
                code="STORE_BUSY",
            )
        total, segments = await asyncio.to_thread(catalog.totals)
        before = await asyncio.to_thread(catalog.holdings)
        status = MigrationStatus(describe(settings), describe(target), total)
        if changes:  # before the work of hours
            await asyncio.to_thread(check_catalog, catalog, target)
        if moves:
            status = await _move_points(settings, target, info, catalog, status, progress)
        else:
            status = replace(status, sources_done=total, segments=segments)
        if changes:
            patience = Patience("the migration", partial(_ask, catalog, target))
            work = partial(
                asyncio.to_thread, move_catalog, catalog, settings, target, leave, before
            )
            await patience.with_(work)
        else:
            await asyncio.to_thread(refuse_changed, catalog, before)
        return replace(status, stage="done", current="")


async def _ask(catalog: Catalog, target: Settings) -> None:
    await ask_store(catalog)
    await asyncio.to_thread(lambda: open_catalog(target, even_moved=True).close())


def _of_another_model(target: Settings, e: StoreError) -> StoreError:
    """What to do where the new place holds an index from before a re-index."""
    if e.code != "MODEL_MISMATCH":
        return e
    way = (
        "name another one with --to-collection"
        if target.index == "server"
        else f"move the folder {target.store_path / 'index'} away"
    )
    return StoreError(
        f"{describe_index(target)} holds vectors of another model, as from before a reindex: "
        f"{way}, and run the same command again; the library stays where it was",
        code=e.code,
    )


async def _move_points(
    settings: Settings,
    target: Settings,
    info: EncoderInfo,
    catalog: Catalog,
    status: MigrationStatus,
    progress: Progress | None,
) -> MigrationStatus:
    async with AsyncExitStack() as resources:
        old, new = [
            await asyncio.to_thread(index.load, chosen, info) for chosen in (settings, target)
        ]
        for opened in (old, new):
            resources.push_async_callback(opened.close)
            try:
                await opened.open()
            except StoreError as e:
                raise (_of_another_model(target, e) if opened is new else e) from None
            await opened.claim(await asyncio.to_thread(library_id, catalog))
        patience = Patience("the migration", partial(ask_store, catalog, old, new))
        lost = await patience.with_(partial(lost_segments, catalog, old))
        copying = Copying(old, new, info, lost, progress)
        sources: set[str] = set()
        async for row in rows_of(catalog, patience):
            status = await patience.with_(partial(copying.source, row, status))
            sources.add(row.id)
        await patience.with_(partial(copying.remove_others, sources, status.segments))
        await patience.with_(new.flush)
        await index.settle(new)
        status = replace(status, stage="comparing", current="")
        if progress is not None:
            await progress(status)
        found = await patience.with_(
            partial(comparing.compare, old, new, info, sources=sources, points=status.segments)
        )
        if found.problem or found.same_results < LEAST_SAME:
            why = found.problem or f"only {found.same_results:.0%} of their results are the same"
            raise StoreError(
                f"{describe_index(target)} does not answer as {describe_index(settings)}: {why}; "
                "the library stays where it was. Run the same command again",
                code="NOT_THE_SAME",
            )
        return replace(status, compared=found)
