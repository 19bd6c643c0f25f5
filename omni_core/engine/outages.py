"""A server of the store that is being restarted: long work waits for it, and goes on where it was.

A search does not wait: it says at once that the server does not answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from omni_core.catalog import Catalog
from omni_core.catalog.copying import LIBRARY
from omni_core.errors import StoreError
from omni_core.payload import source_filter
from omni_core.protocols import Index

log = logging.getLogger(__name__)

WAIT_S = 60.0
"""How long is waited for a server that does not answer."""
TRIES = 3
"""How often, while nothing more is stored: an error that comes back is no outage."""
FIRST_S, MOST_S = 0.5, 5.0
"""After how long it is asked again: at first, and at most, each pause twice the one before."""
NAMES = {
    "INDEX_UNREACHABLE": "the Qdrant server, which does not answer",
    "CATALOG_UNREACHABLE": "PostgreSQL, which does not answer",
    "CATALOG_READ_ONLY": "PostgreSQL, which takes no writes",
}
"""Errors that pass when a server is back, or another one has taken over, and what is waited for."""

T = TypeVar("T")


async def answers(ask: Callable[[], Awaitable[object]]) -> bool:
    """Whether the servers that `ask` asks answer, if only with a refusal."""
    try:
        await ask()
    except StoreError as e:
        return e.code not in NAMES
    return True


async def back(ask: Callable[[], Awaitable[object]]) -> bool:
    """Whether the servers that `ask` asks answer again within `WAIT_S`."""
    until = time.monotonic() + WAIT_S
    pause_s = FIRST_S
    while time.monotonic() + pause_s < until:
        await asyncio.sleep(pause_s)
        if await answers(ask):
            return True
        pause_s = min(2 * pause_s, MOST_S)
    return False


class Tries:
    """Counts the outages that one piece of work meets."""

    def __init__(self) -> None:
        self._reached = self._tried = 0

    def another(self, reached: int) -> bool:
        """Whether this outage is waited for, where the work is as far as `reached`: not after
        `TRIES` in which it did not get on."""
        if reached > self._reached:
            self._reached, self._tried = reached, 0
        self._tried += 1
        return self._tried <= TRIES


class Patience:
    """Does the steps of one long piece of work, each again where a server was away meanwhile."""

    def __init__(self, what: str, ask: Callable[[], Awaitable[object]]) -> None:
        """`what` waits, in words; `ask` asks the servers something small."""
        self._what, self._ask = what, ask
        self._tries, self._steps, self._given_up = Tries(), 0, False

    async def with_(self, step: Callable[[], Awaitable[T]]) -> T:
        """The result of `step`, which may be done again from its beginning. Raises what it raises,
        when no server was away, or one stays so; or was given up before."""
        while True:
            try:
                result = await step()
            except StoreError as e:
                waits = e.code in NAMES and not self._given_up
                if not waits or not self._tries.another(self._steps):
                    raise
                log.error("%s; %s waits for it, at most %g s", e, self._what, WAIT_S)
                self._given_up = True  # also where the wait is cancelled
                if not await back(self._ask):
                    raise
                self._given_up = False
                log.warning("it answers again: %s goes on", self._what)
            else:
                self._steps += 1
                return result


async def ask_store(catalog: Catalog, *indexes: Index) -> None:
    """Ask a catalog and open indexes something small, the catalog also whether it takes writes."""
    await asyncio.to_thread(catalog.get_meta, LIBRARY)
    await asyncio.to_thread(catalog.require_writable)
    for one in indexes:
        await one.count(source_filter(""))
