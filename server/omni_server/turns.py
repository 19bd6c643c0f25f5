"""Turns: of each caller so many calls are worked on at once, further ones wait for their turn, so
that a caller who asks without a pause does not take the time of the others. While others ask too,
`PER_CORE` calls for each core are divided among all who ask, at least one each.

A caller is a user or a token of the tokens file; behind the one token of the settings, and where
none is needed: a session, and else a connection.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from omni_server.auth.credentials import SINGLE
from omni_server.auth.principal import LOCAL
from omni_server.observe.principals import OPERATOR, principal_of

SHARED = frozenset({OPERATOR, LOCAL.key, SINGLE.key})
"""Names behind which any number of people may be."""
PER_CORE = 2
"""Calls worked on for each core: while one waits for the index or a model, the other goes on."""
RECENT_S = 1.0
"""Seconds after the end of its last call for which a caller still counts as one that asks."""


class Turns:
    """A middleware of the MCP server around the tools that only read, and resources."""

    def __init__(
        self,
        at_once: int,
        tools: frozenset[str],
        *,
        cores: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """at_once: calls of one caller, 0 for any number; `tools`: those that take turns; `cores`
        to share, None for those of the machine."""
        self._at_once, self._tools = at_once, tools
        self._places = PER_CORE * (cores or os.cpu_count() or 1)
        self._clock = clock
        self._working: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._ended: OrderedDict[str, float] = OrderedDict()
        """When the last call of a caller ended, the oldest first."""

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Answer one message, when it is its turn."""
        if not self._at_once or not self._takes_turns(ctx.method, ctx.params or {}):
            return await call_next(ctx)
        async with self._turn(caller_of(ctx.request)):
            return await call_next(ctx)

    def _takes_turns(self, method: str, params: Mapping[str, Any]) -> bool:
        if method == "tools/call":
            return params.get("name") in self._tools
        return method == "resources/read"

    @asynccontextmanager
    async def _turn(self, caller: str) -> AsyncIterator[None]:
        if caller in self._waiting or self._working[caller] >= self._share(caller):
            await self._wait(caller)  # whoever makes room counts it as working
        else:
            self._working[caller] += 1
        try:
            yield
        finally:
            self._end(caller)

    def _share(self, caller: str) -> int:
        """How many calls of a caller may be worked on now."""
        since = self._clock() - RECENT_S
        while self._ended and next(iter(self._ended.values())) < since:
            self._ended.popitem(last=False)
        others = (self._working.keys() | self._ended.keys()) - {caller}
        if not others:
            return self._at_once
        return max(1, min(self._at_once, self._places // (len(others) + 1)))

    async def _wait(self, caller: str) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # given to a call that is gone
                self._end(caller)
            raise

    def _end(self, caller: str) -> None:
        """A call is over: the next ones of its caller take their turns."""
        self._ended[caller] = self._clock()
        self._ended.move_to_end(caller)
        self._working[caller] -= 1
        waiting = self._waiting.get(caller, deque())
        while waiting and self._working[caller] < self._share(caller):
            place = waiting.popleft()
            if not place.done():
                place.set_result(None)
                self._working[caller] += 1
        if not waiting:
            self._waiting.pop(caller, None)
        if not self._working[caller]:
            del self._working[caller]


def caller_of(request: Any) -> str:
    """Who sends a request, so that two who share a machine are two; "" over stdio."""
    scope = getattr(request, "scope", None)
    if scope is None:
        return ""
    name = principal_of(scope)
    if name not in SHARED:
        return f"user {name}"
    session = request.headers.get("mcp-session-id", "")
    return f"session {session}" if session else f"connection {scope.get('client')}"
