"""Whether the server can answer questions now."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from omni_core.errors import OmniError, cause
from omni_server.state import State

log = logging.getLogger(__name__)

WAIT_S = 1.0
"""How long an engine that is opening is waited for."""


async def status_of(state: State) -> tuple[dict[str, Any] | None, str]:
    """The engine's status, None without an engine; and why no question could be answered now,
    empty when one could. It names no path and no title."""
    try:
        async with asyncio.timeout(WAIT_S):
            engine = await state.engine()
    except TimeoutError:
        return None, "the library is opening"
    except OmniError as e:
        log.debug("not ready: %s", e)
        return None, f"the library cannot be opened: {cause(e)}"
    status = await engine.status()
    return status, str(status["waits_for"])
