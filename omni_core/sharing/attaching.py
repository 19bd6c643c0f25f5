"""Finds the engine of a store: in the process that serves it, or else in this one."""

from __future__ import annotations

import asyncio
import logging
import socket

from omni_core.catalog.lock import FileLock
from omni_core.errors import StoreError
from omni_core.models.answers import Ahead
from omni_core.settings import Settings
from omni_core.sharing.connection import Connection
from omni_core.sharing.hosting import Hosting
from omni_core.sharing.place import Notice, Place
from omni_core.sharing.terms import Terms, differing, disagreement, terms_of
from omni_core.tasks import in_thread

log = logging.getLogger(__name__)

WAIT_S = 60.0
"""How long another process may take to open the engine, or to close it."""
UNREACHABLE_S = 10.0
"""How long a process that says where it listens may not be reached there."""
ALONE_S = 5.0
"""How long a process that does not share may hold the store: `reindex` swaps in less."""
PAUSE_S = 0.02
MAX_PAUSE_S = 0.5

Attached = Hosting | Connection


async def attach(settings: Settings, ahead: Ahead = "all") -> Attached:
    """The engine of this store; one that is opened here loads the models of `ahead`. The caller
    closes it.

    Raises what `Engine.open` raises, and StoreError STORE_BUSY when the process that holds the
    store cannot be used, with the reason.
    """
    terms = await asyncio.to_thread(terms_of, settings)
    search = _Search(settings, terms, ahead)
    pause = PAUSE_S
    while (found := await search.once()) is None:
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, MAX_PAUSE_S)
    return found


class _Search:
    """One search for the engine, which may take several attempts."""

    def __init__(self, settings: Settings, terms: Terms, ahead: Ahead) -> None:
        self._settings, self._terms, self._ahead = settings, terms, ahead
        self._place = Place(settings.store_path)
        self._lock: FileLock | None = None
        self._now = asyncio.get_running_loop().time
        self._began = self._now()
        self._alone_since: float | None = None
        self._refused: tuple[Notice, float, str] | None = None
        """Where nobody answered, since when, and why."""

    async def once(self) -> Attached | None:
        """One attempt; None when another one may succeed. Raises StoreError when none will."""
        unwritable: StoreError | None = None
        try:
            await in_thread(self._elect)
        except StoreError as e:  # perhaps somebody serves it nevertheless
            unwritable = e
        except asyncio.CancelledError:
            if self._lock is not None:
                await asyncio.to_thread(self._lock.release)
            raise
        if self._lock is not None:
            return await self._host(self._lock)
        joined = await self._join()
        if joined is None and unwritable is not None:
            raise unwritable
        if joined is None:
            self._require_patience()
        return joined

    def _elect(self) -> None:
        self._lock = None  # that of an earlier attempt was released
        self._lock = self._place.elect()

    async def _host(self, lock: FileLock) -> Hosting | None:
        try:
            return await Hosting.open(self._settings, self._terms, self._place, lock, self._ahead)
        except StoreError as e:
            if e.code != "STORE_BUSY":
                raise
            self._alone_since = self._alone_since or self._now()
            if self._now() - self._alone_since > ALONE_S:
                raise
            return None

    async def _join(self) -> Connection | None:
        notice = await asyncio.to_thread(self._place.notice)
        if notice is None:
            self._refused = None
            return None
        try:
            connection = await Connection.open(notice)
        except OSError as e:
            former, since, _ = self._refused or (notice, self._now(), "")
            self._refused = (notice, since if former == notice else self._now(), str(e))
            return None
        problem = disagreement(self._terms, connection.terms, self._place.store)
        if problem:
            await connection.close()
            raise StoreError(problem, code="STORE_BUSY")
        connection.overruled = differing(self._terms, connection.terms)
        if connection.overruled:
            log.warning(
                "settings of the omni-mcp with pid %d apply: %s",
                connection.terms.pid, connection.overruled,
            )  # fmt: skip
        return connection

    def _require_patience(self) -> None:
        """Raises StoreError when it has been tried for long enough."""
        do = "stop it, or use another folder with --store"
        if self._refused is not None:
            notice, since, why = self._refused
            if notice.address.startswith("none:") or self._now() - since > UNREACHABLE_S:
                elsewhere = notice.machine != socket.gethostname()
                where = f" on {notice.machine}" if elsewhere else ""
                raise StoreError(
                    f"omni-mcp with pid {notice.pid}{where} holds {self._place.store} and cannot "
                    f"be reached from here ({why}); {do}",
                    code="STORE_BUSY",
                )
        if self._now() - self._began > WAIT_S:
            pid = self._place.holder
            who = f"omni-mcp with pid {pid}" if pid else "another process"
            raise StoreError(
                f"{who} has been opening or closing {self._place.store} for {WAIT_S:g} s; {do}",
                code="STORE_BUSY",
            )
