"""What the engine does by itself, while nobody asks."""

from __future__ import annotations

import asyncio
import logging
import math
import time

from omni_core.engine import bin, bin_limits
from omni_core.engine.context import Context
from omni_core.engine.store import renew_leases
from omni_core.errors import OmniError
from omni_core.evidence import thumbnails

log = logging.getLogger(__name__)

IDLE_S = 120.0
"""Seconds without index use before a vacuum, which is lost when something is written meanwhile."""
AGAIN_S = 3600.0
"""Seconds after a vacuum that failed before the next: each writes the whole index anew."""
AT_ONCE = 500
"""Sources whose thumbnails are swept by one call of a thread, which the end waits for."""


def start(context: Context) -> None:
    """Start all of it; `context.tasks` ends it."""
    tasks, catalog = context.tasks, context.catalog
    tasks.start(_housekeeping(context), name="housekeeping")
    if not context.settings.read_only:
        tasks.start(_sweeping(context), name="sweep up unfinished thumbnails")
        tasks.start(bin_limits.keep_small(context), name="keep the bin small")
        if catalog.lease_s is not None:
            tasks.start(_settling(context, catalog.lease_s), name="settle the bin")
    if catalog.lease_s is not None and not context.settings.read_only:
        tasks.start(renew_leases(catalog, catalog.lease_s), name="renew the leases")


async def _settling(context: Context, lease_s: float) -> None:
    """Finish what a process left half in the bin once its lease has run out."""
    while True:
        await asyncio.sleep(lease_s)
        try:
            await bin.settle_left(context)
        except OmniError as e:
            log.warning("what another process left in the bin stays there for now: %s", e)


async def _sweeping(context: Context) -> None:
    """Remove what killed processes left unfinished of thumbnails."""
    await asyncio.sleep(IDLE_S)
    store = context.settings.store_path
    sources = await asyncio.to_thread(thumbnails.sources, store)
    for at in range(0, len(sources), AT_ONCE):
        await asyncio.to_thread(thumbnails.sweep_up, store, sources[at : at + AT_ONCE])


async def _housekeeping(context: Context) -> None:
    """Reclaim the space of deleted points when the index was not used for a while, and see whether
    what it had lost is back."""
    failed_at = -math.inf
    while True:
        await asyncio.sleep(IDLE_S)
        try:
            await context.index.look_for_lost()
        except OmniError as e:
            log.warning("the index was not compared: %s", e)
        if context.settings.read_only:
            continue  # the index is a copy that goes at the end
        now = time.monotonic()
        if now - context.last_used_at > IDLE_S and now - failed_at >= AGAIN_S:
            try:
                index = await context.index.opened()
                failed_at = now
                await index.optimize()
                failed_at = -math.inf  # it did not
            except OmniError as e:
                log.warning("the index was not compacted: %s", e)
