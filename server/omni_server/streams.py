"""Open streams of changes to the library, and when they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    ResourcesListChanged,
    ResourceUpdated,
)
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
)

from omni_core.tasks import report_failure
from omni_server.auth.principal import still_authenticated

if TYPE_CHECKING:
    from omni_core.engine.api import EngineApi

LIBRARY = "omni://library"
SOURCE = "omni://source/{source_id}"
MOST = 1024
"""Open streams of those who see the same."""
STANDS_S = 5.0
"""How often it is asked of each open stream whether its token is accepted still."""


class Streams:
    """The open streams of changes to what some callers see. Each ends by itself soon after the
    token that it was opened with is revoked, has expired, or has got other rights."""

    def __init__(self) -> None:
        self._bus = InMemorySubscriptionBus()
        self._open: set[ListenHandler] = set()

    async def serve(
        self, ctx: ServerRequestContext[Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve one more, until its client leaves or it is ended."""
        if len(self._open) >= MOST:
            raise MCPError(INTERNAL_ERROR, "Subscription limit reached")
        handler = ListenHandler(self._bus)  # one for each: it ends all of its streams together
        asking = asyncio.create_task(_end_with_its_token(handler), name="whether a token stands")
        asking.add_done_callback(report_failure)
        self._open.add(handler)
        try:
            return await handler(ctx, params)
        finally:
            self._open.discard(handler)
            asking.cancel()

    async def changed(self, source_id: str) -> None:
        """Tell them that a source was added, changed or removed."""
        await self._bus.publish(ResourcesListChanged())
        for uri in (LIBRARY, SOURCE.format(source_id=source_id)):
            await self._bus.publish(ResourceUpdated(uri=uri))

    def close(self) -> None:
        """End them: each client gets what is on its way, and is told that this is the end."""
        for handler in self._open:
            handler.close()


async def _end_with_its_token(handler: ListenHandler) -> None:
    while True:
        await asyncio.sleep(STANDS_S)
        if not await still_authenticated():
            handler.close()
            return


class StreamsWithin:
    """The open streams of callers who see some collections alone: each is told of changes to what
    it sees. Nothing is kept of rights that no open stream has."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, ...], _Held] = {}
        self._engine: EngineApi | None = None

    @property
    def rights(self) -> tuple[tuple[str, ...], ...]:
        """The rights that open streams have."""
        return tuple(self._held)

    @contextmanager
    def of(self, seen: tuple[str, ...]) -> Iterator[Streams]:
        """Those of callers with these rights, for one more of them."""
        held = self._held.get(seen)
        if held is None:
            held = self._held[seen] = _Held()
            self._listen(seen, held)
        held.users += 1
        try:
            yield held.streams
        finally:
            held.users -= 1
            if not held.users:
                del self._held[seen]
                held.stop()

    def connect(self, engine: EngineApi) -> None:
        """Tell them of the changes of this engine, which has opened."""
        self._engine = engine
        for seen, held in self._held.items():
            self._listen(seen, held)

    def disconnect(self) -> None:
        """The engine is about to be closed."""
        self._engine = None

    def close(self) -> None:
        """End all of them."""
        for held in self._held.values():
            held.streams.close()

    def _listen(self, seen: tuple[str, ...], held: _Held) -> None:
        if self._engine is not None:
            held.stop = self._engine.within(seen).on_change(held.streams.changed)


@dataclass
class _Held:
    streams: Streams = field(default_factory=Streams)
    users: int = 0
    stop: Callable[[], None] = lambda: None
    """Ends the listening to the engine."""
