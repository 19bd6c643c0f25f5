"""How long a call may take, and what happens to its ingest when the call goes away.

A client that gives up on a call (a time-out, a closed connection) does not mean that the work is
unwanted: it goes on for the grace of the settings. When a user stopped the call, it ends at once.
SDKs say which it was in the `reason` of `notifications/cancelled`, if at all, and mostly not:

| client | time-out | the user stops |
|---|---|---|
| TypeScript SDK | `McpError: MCP error -32001: Request timed out` | `AbortError: This operation was aborted`, as for any other abort |
| Python SDK 1 | sends nothing | sends nothing |
| Python SDK 2 | `timed out after 5.0s` | `caller cancelled`, as for any other cancellation |
| Claude Code | as the TypeScript SDK | `AbortError: user-cancel`, `interrupt`, `remote-cancel` |
| 2026-07-28 over HTTP | closes the stream | closes the stream |
"""  # noqa: E501 - a table

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from omni_core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from omni_core.engine.api import EngineApi

STOPPED_BY_USER = frozenset(
    {
        "AbortError: user-cancel",
        "AbortError: interrupt",
        "AbortError: remote-cancel",
        "User requested cancellation",  # the example of the specification
    }
)
ANSWER_S = 44.0
"""Seconds after which every call is answered: many clients give up after 60, some after 45."""
WAIT_S = 25.0
WAIT_UNSEEN_S = 3.5
"""How long ingest_media waits by default, with and without a progress token: some clients give up
after 5 s, and none of those asks for progress."""
MAX_NOTED = 256
"""Calls remembered after their end, for a reason that comes late."""
ENDING_S = 5.0


class Budget:
    """The seconds that one call may still take, all it does included."""

    def __init__(
        self,
        meta: Mapping[str, Any] | None,
        wait_s: float | None,
        *,
        endless: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`meta` is that of the request; `wait_s` is what the caller asked for, if anything.

        `endless`: there is no hurry; `left` is None.
        """
        seen = "progress_token" in (meta or {})
        self._endless = endless
        self._clock, self._began = clock, clock()
        self.wait_s = (WAIT_S if seen else WAIT_UNSEEN_S) if wait_s is None else wait_s

    def left(self) -> float | None:
        """Seconds to wait for the result, 0 or more; spent time counts in quarters of a second."""
        if self._endless:
            return None
        spent = math.floor((self._clock() - self._began) * 4) / 4
        return max(0.0, min(self.wait_s, ANSWER_S - 2) - spent)

    async def opened(self, engine: Awaitable[EngineApi]) -> EngineApi:
        """The engine; raises UnavailableError (BUSY) when it does not open in time."""
        try:
            left = self.left()
            async with asyncio.timeout(None if left is None else max(left, WAIT_UNSEEN_S)):
                return await engine
        except TimeoutError:
            raise UnavailableError(
                "the library is still being opened; call again in a few seconds", code="BUSY"
            ) from None


@dataclass(slots=True)
class _Call:
    engine: EngineApi
    paths: tuple[str, ...]
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Calls:
    """The ingest calls of all connections, by session and request id."""

    def __init__(self) -> None:
        self._noted: OrderedDict[tuple[str, str], _Call] = OrderedDict()

    @asynccontextmanager
    async def following(
        self, ctx: ServerRequestContext[Any, Any], engine: EngineApi, paths: Iterable[str]
    ) -> AsyncIterator[None]:
        """Within the block, and for a while after it, this call can be stopped by its user."""
        call = _Call(engine, tuple(paths))
        self._noted[_key(ctx, ctx.request_id)] = call
        while len(self._noted) > MAX_NOTED:
            self._noted.popitem(last=False)
        try:
            yield
        finally:
            call.ended.set()

    async def observe(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Middleware: end what a user has stopped, unless another call waits for it too."""
        result = await call_next(ctx)
        given = ctx.params or {}
        if ctx.method == "notifications/cancelled" and given.get("reason") in STOPPED_BY_USER:
            call = self._noted.pop(_key(ctx, given.get("requestId")), None)
            if call is not None:
                async with asyncio.timeout(ENDING_S):
                    await call.ended.wait()
                await call.engine.stop(call.paths, unless_awaited=True)
        return result


def _key(ctx: ServerRequestContext[Any, Any], request_id: object) -> tuple[str, str]:
    headers = ctx.request.headers if ctx.request is not None else {}
    return str(headers.get("mcp-session-id", "")), str(request_id)
