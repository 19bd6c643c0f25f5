"""Tenants: each has a library of its own, in a folder of its own, with an engine of its own.

Nothing is shared that a caller could see: catalog, index, word statistics, thumbnails, uploads,
downloads and the folders that may be read belong to one tenant. Only the processes that decode
files and run the models serve all of them, so a busy neighbour is felt as a delay.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from omni_core.errors import StoppedError
from omni_core.settings import Settings
from omni_core.tasks import TaskOwner

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
    return f"{legible}~{_short(tenant)}"


def _short(tenant: str) -> str:
    return hashlib.sha256(tenant.encode()).hexdigest()[:16]


def schema_of(settings: Settings, folder: str) -> str:
    """The schema of a PostgreSQL catalog of the tenant with this folder, of 63 bytes at most:
    PostgreSQL would cut a longer name, and with it what tells one tenant from another."""
    main = settings.catalog_schema
    if len(main) > 40 or len(main.encode()) > 46:  # as far as it fits, and what tells it apart
        main = f"{main.encode()[:29].decode(errors='ignore')}~{_short(main)}"
    _, _, known = folder.rpartition("~")  # a plain name has none
    return f"{main}_{known if '~' in folder else _short(folder)}"


def settings_of(settings: Settings, tenant: str) -> Settings:
    """The settings of one tenant: its own store, roots, collection of a Qdrant server and
    schema of a PostgreSQL catalog."""
    return settings_of_folder(settings, folder_of(tenant))


def settings_of_folder(settings: Settings, folder: str) -> Settings:
    """The settings of the tenant with this folder, whose name may not be known."""
    roots = (str(Path(settings.tenant_roots).expanduser() / folder),)
    return replace(
        settings,
        store=str(settings.store_path / FOLDER / folder),
        roots=roots if settings.tenant_roots else (),
        watch=(),
        qdrant_collection=f"{settings.qdrant_collection}~{folder}",
        catalog_schema=schema_of(settings, folder),
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
    library: L | None = None
    """None until it is open."""
    lifespan: AsyncExitStack = field(default_factory=AsyncExitStack)
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    """Requests that are being served."""


class Tenants(Generic[L]):
    """Opens the library of a tenant at its first request; closes those least recently used."""

    def __init__(self, make: Callable[[str], L], limit: int) -> None:
        """`make` builds the library of a tenant, in a thread; `limit` is how many stay open."""
        self._make, self._limit = make, limit
        self._held: dict[str, _Held[L]] = {}
        """In order of use, the latest last."""
        self._closing: dict[str, asyncio.Task[None]] = {}
        self._tasks = TaskOwner("the tenants")
        self._trimming: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def serving(self, tenant: str) -> AsyncIterator[L]:
        """The tenant's library, which stays open inside the block."""
        while tenant in self._closing:
            await asyncio.wait([self._closing[tenant]])
        held = self._held.pop(tenant, _Held[L]())
        self._held[tenant] = held
        held.users += 1
        try:
            library = await self._opened(held, tenant)
            self._trim()
            yield library
        finally:
            held.users -= 1

    def of(self, tenant: str) -> L:
        """The library of a tenant that is being served. Raises StoppedError for any other."""
        held = self._held.get(tenant)
        if held is None or held.library is None:
            raise StoppedError("this tenant's library is closed; ask again")
        return held.library

    @property
    def open(self) -> tuple[L, ...]:
        """The libraries that are open."""
        return tuple(h.library for h in self._held.values() if h.library is not None)

    async def close(self) -> None:
        """Close every library, also when closing one fails."""
        tasks, self._tasks = self._tasks, TaskOwner("the tenants")  # for a later start
        if self._closing:
            await asyncio.wait(self._closing.values())
        await tasks.close()
        async with AsyncExitStack() as all_of_them:
            while self._held:
                all_of_them.push_async_callback(self._held.popitem()[1].lifespan.aclose)

    async def _opened(self, held: _Held[L], tenant: str) -> L:
        async with held.opening:
            if held.library is None:
                library = await asyncio.to_thread(self._make, tenant)
                await held.lifespan.enter_async_context(library.running())
                held.library = library
            return held.library

    def _trim(self) -> None:
        """Start to close what is over the limit; no request waits for it."""
        if len(self._held) > self._limit and (self._trimming is None or self._trimming.done()):
            self._trimming = self._tasks.start(self._close_idle(), name="close idle tenants")

    async def _close_idle(self) -> None:
        """Close the libraries over the limit that serve nobody and have nothing to do."""
        for tenant, held in list(self._held.items())[:-1]:  # the latest will be used again
            if len(self._held) <= self._limit:
                return
            if held.users or held.library is None or not await held.library.is_idle():
                continue
            if held.users or self._held.get(tenant) is not held:  # used since it was looked at
                continue
            del self._held[tenant]
            closing = self._closing[tenant] = self._tasks.start(
                held.lifespan.aclose(), name=f"close the library of tenant {tenant!r}"
            )
            try:
                await asyncio.wait([closing])
            finally:
                del self._closing[tenant]
