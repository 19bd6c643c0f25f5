"""Tenants: each has a library of its own, in a folder of its own, with an engine of its own.

Nothing is shared that a caller could see: catalog, index, word statistics, thumbnails, uploads,
downloads and the folders that may be read belong to one tenant. Only the processes that decode
files and run the models serve all of them, so a busy neighbour is felt as a delay.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from omni_core.errors import StoppedError
from omni_core.settings import Settings

log = logging.getLogger(__name__)

FOLDER = "tenants"
"""The folder of the store that holds the tenants' stores."""
_PLAIN = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def folder_of(tenant: str) -> str:
    """The name of a tenant's folders: the tenant's own name where that is a plain one.

    Any other gets what is legible of it, `~` and a hash. So two tenants never share a folder, also
    where the file system takes `Acme` for `acme`, and no name leads elsewhere.
    """
    if _PLAIN.fullmatch(tenant) and not _RESERVED.fullmatch(tenant):
        return tenant
    legible = re.sub(r"[^a-z0-9]+", "-", tenant.lower()).strip("-")[:32] or "tenant"
    return f"{legible}~{hashlib.sha256(tenant.encode()).hexdigest()[:16]}"


def settings_of(settings: Settings, tenant: str) -> Settings:
    """The settings of one tenant: its own store, roots and collection of a Qdrant server."""
    folder = folder_of(tenant)
    roots = (str(Path(settings.tenant_roots).expanduser() / folder),)
    return replace(
        settings,
        store=str(settings.store_path / FOLDER / folder),
        roots=roots if settings.tenant_roots else (),
        qdrant_collection=f"{settings.qdrant_collection}~{folder}",
    )


class Library(Protocol):
    """What is opened for a tenant."""

    def running(self) -> AbstractAsyncContextManager[object]:
        """Its lifespan."""

    async def is_idle(self) -> bool:
        """Whether it can be closed without interrupting work."""
        ...


L = TypeVar("L", bound=Library)


@dataclass
class _Held(Generic[L]):
    library: L
    lifespan: AsyncExitStack = field(default_factory=AsyncExitStack)
    users: int = 0
    """Requests that are being served."""


class Tenants(Generic[L]):
    """Opens the library of a tenant at its first request; closes those least recently used."""

    def __init__(self, make: Callable[[str], L], limit: int) -> None:
        """`make` builds the library of a tenant, in a thread; `limit` is how many stay open."""
        self._make, self._limit = make, limit
        self._held: dict[str, _Held[L]] = {}
        """In order of use, the latest last."""
        self._changing = asyncio.Lock()

    @asynccontextmanager
    async def serving(self, tenant: str) -> AsyncIterator[L]:
        """The tenant's library, which stays open inside the block."""
        async with self._changing:
            held = self._held.pop(tenant, None)
            if held is None:
                held = _Held(await asyncio.to_thread(self._make, tenant))
                await held.lifespan.enter_async_context(held.library.running())
            self._held[tenant] = held
            held.users += 1
            await self._close_others()
        try:
            yield held.library
        finally:
            held.users -= 1

    def of(self, tenant: str) -> L:
        """The library of a tenant that is being served. Raises StoppedError for any other."""
        held = self._held.get(tenant)
        if held is None:
            raise StoppedError("this tenant's library is closed; ask again")
        return held.library

    @property
    def open(self) -> tuple[L, ...]:
        """The libraries that are open."""
        return tuple(held.library for held in self._held.values())

    async def close(self) -> None:
        """Close every library, also when closing one fails."""
        async with self._changing, AsyncExitStack() as all_of_them:
            while self._held:
                all_of_them.push_async_callback(self._held.popitem()[1].lifespan.aclose)

    async def _close_others(self) -> None:
        """Close the libraries over the limit that serve nobody and have nothing to do."""
        for tenant, held in list(self._held.items()):
            if len(self._held) <= self._limit:
                return
            if held.users or not await held.library.is_idle() or held.users:
                continue
            del self._held[tenant]
            try:
                await held.lifespan.aclose()
            except Exception:  # the caller whose request made room has nothing to do with it
                log.exception("the library of tenant %r did not close well", tenant)
