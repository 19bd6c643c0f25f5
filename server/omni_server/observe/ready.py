"""Whether the server can answer questions now."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from omni_core.errors import OmniError, cause
from omni_core.tasks import heard
from omni_server.state import State

log = logging.getLogger(__name__)

WAIT_S = 1.0
"""How long an engine that is opening is waited for."""
ANSWER_S = 3.0
"""How long an open one may take to say how it is; whoever asks gives up after 4 or 5 seconds."""


class Readiness:
    """Asks the engine of a server how it is. Who asks while nothing was answered waits for the same
    answer: a database that hangs costs one call of it, however often it is asked about."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._asked: asyncio.Task[dict[str, Any]] | None = None

    async def status(self) -> tuple[dict[str, Any] | None, str]:
        """The engine's status, None where it gives none; and why no question could be answered now,
        empty when one could. It names no path and no title."""
        try:
            async with asyncio.timeout(WAIT_S):
                engine = await self._state.engine()
        except TimeoutError:
            return None, "the library is opening"
        except OmniError as e:
            log.debug("not ready: %s", e)
            return None, f"the library cannot be opened: {cause(e)}"
        if self._asked is None or self._asked.done():
            self._asked = asyncio.ensure_future(engine.status())
            self._asked.add_done_callback(heard)  # nobody may wait for it
        asked = self._asked
        await asyncio.wait([asked], timeout=ANSWER_S)
        if not asked.done() or asked.cancelled():
            return None, f"the library gave no answer within {ANSWER_S:g} s: is its database up?"
        error = asked.exception()
        if isinstance(error, OmniError):
            return None, f"the library cannot be used: {cause(error)}"
        status = asked.result()
        return status, str(status["waits_for"])
