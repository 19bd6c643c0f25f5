"""Change notifications of 2026-07-28: what is advertised, and what is sent.

Tools and prompts never change while the server runs, and for clients of the older handshake this
server opens no stream: neither is advertised.
"""

from __future__ import annotations

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import SubscriptionsListenRequestParams, SubscriptionsListenResult

from omni_server.state import State
from omni_server.streams import Streams, StreamsWithin

FIXED = ("tools", "prompts")
"""Capabilities whose lists stay as they are at the start."""


def connect(state: State) -> None:
    """Give the state subscribers of its own, and each of its tenants theirs; who sees some
    collections alone is told of their changes alone."""
    state.listening, state.listening_within = Streams(), StreamsWithin()
    state.changed = state.listening.changed
    state.prepare_tenant = connect


async def listen(
    ctx: ServerRequestContext[State], params: SubscriptionsListenRequestParams
) -> SubscriptionsListenResult:
    """Serve one stream of changes to the caller's library."""
    with ctx.lifespan_context.of_caller().listening_of_caller() as streams:
        return await streams.serve(ctx, params)


async def advertise_what_is_sent(
    ctx: ServerRequestContext[State], call_next: CallNext
) -> HandlerResult:
    """Middleware: the SDK advertises `listChanged` for every list where it serves subscriptions."""
    result = await call_next(ctx)
    if ctx.method != "server/discover" or not isinstance(result, dict):
        return result
    capabilities = {
        name: {k: v for k, v in each.items() if k != "listChanged"} if name in FIXED else each
        for name, each in result["capabilities"].items()
    }
    return {**result, "capabilities": capabilities}
