"""A source that the store would not take further: a full disk, an index that is gone.

Its row must not stay `processing`, which would say that it goes on. Where even that cannot be
written, it is written as soon as it can be; meanwhile the source counts as partial.
"""

from __future__ import annotations

import asyncio
import logging

from omni_core.engine.context import Context
from omni_core.engine.ingest.finish import fail
from omni_core.engine.ingest.run import Run
from omni_core.errors import StoreError

log = logging.getLogger(__name__)

AGAIN_S = 5.0
"""How often it is tried again to write what became of a source."""
_OF_OTHERS = ("BUSY", "LEASE_LOST", "CATALOG_MOVED")
"""Codes after which another process says what becomes of the source."""
_FOR_GOOD = (*_OF_OTHERS, "READ_ONLY")
"""Codes after which this one cannot."""


async def settle(context: Context, run: Run, error: StoreError) -> None:
    """Make the source of `run` absent or partial, now or as soon as the store takes it."""
    if run.pipeline is None or error.code in _OF_OTHERS:
        return
    try:
        await fail(context, run, error)
    except StoreError as e:
        log.warning("what became of a source cannot be written yet: %s", e)
        sha256 = run.pipeline.source.sha256
        known = sha256 in context.unsettled
        context.unsettled[sha256] = error
        if not known and not context.closing:  # what opens the store next finds it interrupted
            context.tasks.start(_until_settled(context, run, sha256), name="settle a source")


async def _until_settled(context: Context, run: Run, sha256: str) -> None:
    settled = False
    try:
        while not settled:
            settled = await _is_settled(context, run, sha256)
            await asyncio.sleep(0 if settled else AGAIN_S)
    finally:
        context.unsettled.pop(sha256, None)


async def _is_settled(context: Context, run: Run, sha256: str) -> bool:
    lock = context.source_locks.setdefault(sha256, asyncio.Lock())
    async with lock:  # another ingest of it may be under way, and settle it
        try:
            row = await asyncio.to_thread(context.catalog.get, sha256)
            if row is not None and row.state == "processing":
                await fail(context, run, context.unsettled[sha256])
        except StoreError as e:
            return e.code in _FOR_GOOD
    return True
