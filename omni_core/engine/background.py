"""What the engine does by itself, while nobody asks."""

from __future__ import annotations

import asyncio
import logging
import time

from omni_core.engine import bin
from omni_core.engine.context import Context
from omni_core.engine.store import renew_leases
from omni_core.errors import OmniError

log = logging.getLogger(__name__)

IDLE_S = 120.0
"""Seconds without index use before a vacuum, which blocks searches."""

BIN_S = 3600.0
"""How often the bin is looked through for what is too old."""


def start(context: Context) -> None:
    """Start all of it; `context.tasks` ends it."""
    tasks, catalog = context.tasks, context.catalog
    tasks.start(_housekeeping(context), name="housekeeping")
    if not context.settings.read_only:
        tasks.start(_emptying(context), name="empty the bin")
    if catalog.lease_s is not None:
        tasks.start(renew_leases(catalog, catalog.lease_s), name="renew the leases")


async def _emptying(context: Context) -> None:
    """Delete what has been in the bin for too long: now, and every hour."""
    while True:
        await bin.empty_old(context)
        await asyncio.sleep(BIN_S)


async def _housekeeping(context: Context) -> None:
    """Reclaim the space of deleted points when the index was not used for a while."""
    while True:
        await asyncio.sleep(IDLE_S)
        if time.monotonic() - context.last_used_at > IDLE_S:
            try:
                await (await context.index.opened()).optimize()
            except OmniError as e:
                log.warning("the index was not compacted: %s", e)
