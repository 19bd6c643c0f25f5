"""Turns: of each caller so many calls are worked on at once, further ones wait for their turn, so
that a caller who asks without a pause does not take the time of the others.

A caller is a user or a token of the tokens file; behind the one token of the settings, and where
none is needed: a session, and else a connection.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from omni_server.auth.credentials import SINGLE
from omni_server.auth.principal import LOCAL
from omni_server.observe.principals import OPERATOR, principal_of

SHARED = frozenset({OPERATOR, LOCAL.key, SINGLE.key})
"""Names behind which any number of people may be."""


class Turns:
    """A middleware of the MCP server around the tools that only read, and resources."""

    def __init__(self, at_once: int, tools: frozenset[str]) -> None:
        """at_once: calls of one caller, 0 for any number; `tools`: those that take turns."""
        self._at_once, self._tools = at_once, tools
        self._working: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

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
        if self._working[caller] >= self._at_once:
            await self._wait(caller)  # whoever ends gives its place on, counted as before
        else:
            self._working[caller] += 1
        try:
            yield
        finally:
            self._pass_on(caller)

    async def _wait(self, caller: str) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # given to a call that is gone
                self._pass_on(caller)
            raise

    def _pass_on(self, caller: str) -> None:
        waiting = self._waiting.get(caller)
        while waiting:
            place = waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._waiting.pop(caller, None)
        self._working[caller] -= 1
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
