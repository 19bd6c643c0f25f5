"""A server of the store that is being restarted: an ingest waits for it, and goes on from its last
checkpoint. A search does not wait: it says at once that the server does not answer.
"""

from __future__ import annotations

import asyncio
import logging
import time

from omni_core.catalog.copying import LIBRARY
from omni_core.engine.context import Context
from omni_core.engine.ingest.run import Run
from omni_core.errors import StoreError
from omni_core.payload import source_filter

log = logging.getLogger(__name__)

WAIT_S = 60.0
"""How long an ingest waits for a server that does not answer."""
TRIES = 3
"""How often it waits while nothing more is stored: an error that comes back is no outage."""
FIRST_S, MOST_S = 0.5, 5.0
"""After how long it is asked again: at first, and at most, each pause twice the one before."""
NAMES = {"INDEX_UNREACHABLE": "the Qdrant server", "CATALOG_UNREACHABLE": "PostgreSQL"}
"""Errors that pass when a server is back, and which it is."""


class Wait:
    """The outages that the ingest of one file meets."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reached = self._tried = 0

    async def until_back(self, run: Run, error: StoreError) -> bool:
        """Wait for the server that `error` tells of; False where it does not come back in time,
        the ingest has not got on in `TRIES` times, or the error is another one."""
        who = NAMES.get(error.code)
        if who is None or not self._context.index.was_open:  # a wrong address is told at once
            return False
        reached = 0 if run.pipeline is None else len(run.pipeline.stored)
        if reached > self._reached:
            self._reached, self._tried = reached, 0
        self._tried += 1
        if self._tried > TRIES:
            return False
        until = time.monotonic() + WAIT_S
        self._say(error)
        await run.update(stage="waiting", waiting_for=f"{who}, which does not answer")
        pause_s = FIRST_S
        while time.monotonic() + pause_s < until:
            await asyncio.sleep(pause_s)
            if await self._answers():
                return True
            pause_s = min(2 * pause_s, MOST_S)
        self._context.outage = ""  # the next one is told again
        return False

    async def _answers(self) -> bool:
        try:
            await asyncio.to_thread(self._context.catalog.get_meta, LIBRARY)
            await (await self._context.opened_index()).count(source_filter(""))
        except StoreError as e:
            if e.code in NAMES:
                return False
        if self._context.outage:
            self._context.outage = ""
            log.warning("it answers again: the ingest goes on")
        return True

    def _say(self, error: StoreError) -> None:
        """Once for all files that are under way."""
        if self._context.outage != error.code:
            self._context.outage = error.code
            log.error("%s; ingests wait for it, at most %g s", error, WAIT_S)
