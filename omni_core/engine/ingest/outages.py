"""A server of the store that is being restarted: an ingest waits for it, and goes on from its last
checkpoint.
"""

from __future__ import annotations

import logging

from omni_core.engine import outages
from omni_core.engine.context import Context
from omni_core.engine.ingest.run import Run
from omni_core.errors import StoreError

log = logging.getLogger(__name__)


class Wait:
    """The outages that the ingest of one file meets."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tries = outages.Tries()

    async def until_back(self, run: Run, error: StoreError) -> bool:
        """Wait for the server that `error` tells of; False where it does not come back in time,
        the ingest has not got on in `TRIES` times, or the error is another one."""
        who = outages.NAMES.get(error.code)
        if who is None or not self._context.index.was_open:  # a wrong address is told at once
            return False
        reached = 0 if run.pipeline is None else len(run.pipeline.stored)
        if not self._tries.another(reached):
            return False
        self._say(error)
        await run.update(stage="waiting", waiting_for=who)
        is_back = await outages.back(self._ask)
        if is_back and self._context.outage:
            log.warning("it answers again: the ingest goes on")
        self._context.outage = ""  # the next one is told again
        return is_back

    async def _ask(self) -> None:
        await outages.ask_store(self._context.catalog, await self._context.opened_index())

    def _say(self, error: StoreError) -> None:
        """Once for all files that are under way."""
        if self._context.outage != error.code:
            self._context.outage = error.code
            log.error("%s; ingests wait for it, at most %g s", error, outages.WAIT_S)
